"""The past of a data folder: which generations there were, and what a graph or a thing was in each of them.

A generation that is still kept answers from its own files. An older one is rebuilt: the differences between it and
the nearest kept one, undone on the way back, or replayed from the beginning, whichever is less to read.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

from server.errors import OperationError
from server.generations import DataFolder, Generation
from server.graph_files import read_graph, subject

_MERGED_AT_ONCE = 200  # differences; each takes an open file
_PARTS_DEPTH = 3
_HASH = 64  # digits of SHA-256


@dataclass(frozen=True, slots=True)
class PastGraph:
    """What the history knows of a graph at some generation."""

    iri: str
    kind: str
    dataset: str
    period: str
    sha256: str = ""  # of its lines; "" when a purge has rewritten them since


@dataclass(frozen=True, slots=True)
class Purged:
    """When a generation was removed with all that only it held, and the reason that was given; "" when unknown."""

    time: str
    reason: str


class History:
    """Reads the past; what it reads never changes but by a purge, so it is kept for the life of the object."""

    def __init__(self, data: DataFolder) -> None:
        self._data = data
        self._indexes: dict[int, dict[str, Any]] = {}

    def numbers(self) -> list[int]:
        """Return the numbers of all generations up to the current one, oldest first; purged ones are left out."""
        folder, current = self._data.path / "history", int(self._data.current_name() or 0)
        made = {int(entry.name) for entry in folder.iterdir() if entry.name.isdigit()} if folder.is_dir() else set()
        known = sorted(number for number in made | set(self._data.numbers()) if number <= current)
        return [number for number in known if not self.index(number).get("purged_generation")]

    def purged(self, number: int) -> Purged | None:
        """Return when and why a generation was purged, None for one that was not."""
        index = self.index(number)
        if not index.get("purged_generation"):
            return None
        return Purged(index.get("purged_at", ""), index.get("reason", ""))

    def index(self, number: int) -> dict[str, Any]:
        """Return what changed in a generation: when, which graphs, how much; empty lists when nothing is known."""
        found = self._indexes.get(number)
        if found is None:
            path = self._folder(number) / "index.json"
            found = json.loads(path.read_text("utf-8")) if path.exists() else {"graphs": [], "sources": []}
            self._indexes[number] = found
        return found

    def time(self, number: int) -> datetime:
        """Return when a generation was made, in UTC."""
        created = self.index(number).get("created")
        if not created:
            with closing(self._data.generation(number)) as generation:
                return generation.created
        return datetime.fromisoformat(created)

    def at(self, when: datetime) -> int | None:
        """Return the generation that was current at a time, None before the first one."""
        found = None
        for number in self.numbers():
            if self.time(number) > when:
                break
            found = number
        return found

    def graphs(self, number: int) -> dict[str, PastGraph]:
        """Return the published graphs of a generation by their IRIs."""
        graphs: dict[str, PastGraph] = {}
        for step in (known for known in self._steps() if known <= number):
            for entry in self.index(step)["graphs"]:
                if entry["sha256"] and entry["kind"] != "system":
                    known = entry["sha256"] if len(entry["sha256"]) == _HASH else ""
                    graphs[entry["iri"]] = PastGraph(
                        entry["iri"], entry["kind"], entry["dataset"], entry["period"], known
                    )
                else:
                    graphs.pop(entry["iri"], None)
        return graphs

    def lines(self, number: int, graph: str) -> Iterator[str]:
        """Yield the canonical lines that a graph had in a generation, in order, in constant memory."""
        steps = [step for step in self._steps() if self._entry(step, graph)]
        base = next((kept for kept in self._data.numbers() if kept >= number), None)
        forward = [step for step in steps if step <= number]
        back = [step for step in steps if base is not None and number < step <= base]
        if base is None or len(forward) < len(back):
            yield from self._replayed((), forward, graph, undo=False)
            return
        with closing(self._data.generation(base)) as generation:
            yield from self._replayed(_dump(generation, graph), back[::-1], graph, undo=True)

    def replayed(self, number: int, graph: str) -> Iterator[str]:
        """Yield the lines that a graph had in a generation, from the differences alone: no generation is read."""
        steps = [step for step in self._steps() if step <= number and self._entry(step, graph)]
        return self._replayed((), steps, graph, undo=False)

    def description(self, number: int, iri: str) -> list[str]:
        """Return the lines that described a thing in a generation: its own and those of its parts, sorted.

        Only the differences since then are read, never whole graphs.
        """
        base = next((kept for kept in self._data.numbers() if kept >= number), None)
        if base is None or number < 1:
            return []
        steps = [step for step in self._steps() if number < step <= base]
        held: set[tuple[str, str]] = set()
        wanted, done = {iri}, set[str]()
        with closing(self._data.generation(base)) as generation:
            published = {name for name, entry in generation.graphs.items() if entry.published}
            for _ in range(_PARTS_DEPTH):
                for name in wanted:
                    held |= {quad for quad in generation.store.quads_of(name) if quad[0] in published}
                for step in reversed(steps):
                    self._undo(step, wanted, held)
                done |= wanted
                wanted = {part for _, line in held for part in _parts(line, iri)} - done
                if not wanted:
                    break
        return sorted({line for _, line in held})

    def _undo(self, step: int, names: set[str], held: set[tuple[str, str]]) -> None:
        starts = tuple(f"<{name}> " for name in names)
        for entry in self.index(step)["graphs"]:
            if entry["kind"] == "system":
                continue
            added, removed = self.difference(step, entry)
            held -= {(entry["iri"], line) for line in added if line.startswith(starts)}
            held |= {(entry["iri"], line) for line in removed if line.startswith(starts)}

    def difference(self, number: int, entry: dict[str, Any]) -> tuple[Iterator[str], Iterator[str]]:
        """Return (added lines, removed lines) of one graph of a generation's index, each in order."""
        added, removed = (self._folder(number) / name for name in entry["files"])
        return read_graph(added), read_graph(removed)

    def _replayed(self, base: Iterable[str], steps: list[int], graph: str, undo: bool) -> Iterator[str]:
        """Yield the lines of a base after some steps; of all that is said of a line, the last step counts."""
        chunk, rest = steps[:_MERGED_AT_ONCE], steps[_MERGED_AT_ONCE:]
        streams: list[Iterator[tuple[str, int, bool]]] = [((line, 0, True) for line in base)]
        for rank, step in enumerate(chunk, start=1):
            entry = self._entry(step, graph)
            assert entry is not None
            added, removed = self.difference(step, entry)
            streams += [_said(added, rank, not undo), _said(removed, rank, undo)]
        result = _last(heapq.merge(*streams))
        return self._replayed(result, rest, graph, undo) if rest else result

    def _entry(self, number: int, graph: str) -> dict[str, Any] | None:
        return next((entry for entry in self.index(number)["graphs"] if entry["iri"] == graph), None)

    def _steps(self) -> list[int]:
        """Return every generation whose differences count, purged ones too: theirs were moved to the next."""
        folder, current = self._data.path / "history", int(self._data.current_name() or 0)
        made = (int(entry.name) for entry in folder.iterdir() if entry.name.isdigit()) if folder.is_dir() else ()
        return sorted(number for number in made if number <= current)

    def _folder(self, number: int) -> Path:
        return self._data.path / "history" / f"{number:06d}"


def missing(history: History, number: int) -> OperationError:
    """Return what to tell of a generation that is not there: purged, when and why, or never made."""
    if gone := history.purged(number):
        day = gone.time[:10]
        return OperationError(
            f"Generation {number} was purged{f' {day}' if day else ''}. {reason_told(gone.reason, 'Reason')}",
            f"Generation {number} raderades{f' {day}' if day else ''}. {reason_told(gone.reason, 'Skäl')}",
        )
    numbers = history.numbers()
    if not numbers:
        return OperationError(
            "Nothing has been published here yet. Run `torg publish` first.",
            "Inget är publicerat här än. Kör `torg publish` först.",
        )
    return OperationError(
        f"There is no generation {number}; the first is {numbers[0]}, the last {numbers[-1]}.",
        f"Det finns ingen generation {number}; den första är {numbers[0]}, den sista {numbers[-1]}.",
    )


def reason_told(reason: str, word: str) -> str:
    """Return the sentence that gives a reason, "" when none is known.

    >>> reason_told("Decision 2026-117", "Reason")
    'Reason: Decision 2026-117.'
    """
    return f"{word}: {reason.rstrip('.')}." if reason else ""


def read_moment(text: str) -> int | datetime:
    """Return the generation number or the time that a person wrote; a date means the end of that day (UTC).

    Raises ValueError for anything else.

    >>> read_moment("000041")
    41
    >>> read_moment("2026-03-01").isoformat()
    '2026-03-01T23:59:59.999999+00:00'
    """
    text = text.strip()
    if text.isascii() and text.isdigit() and len(text) <= 6:
        return int(text)
    if ":" not in text and "T" not in text:
        return datetime.combine(date.fromisoformat(text), datetime.max.time(), UTC)
    moment = datetime.fromisoformat(text.replace(" ", "+") if text.count(" ") == 1 and "T" in text else text)
    try:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError as error:  # the first or last hours of the calendar, in another time zone
        raise ValueError(text) from error


def one_second(moment: datetime) -> datetime:
    """Return the last instant of a moment's second: HTTP dates know no fractions."""
    return moment.replace(microsecond=0) + timedelta(seconds=1, microseconds=-1)


def _dump(generation: Generation, graph: str) -> Iterator[str]:
    entry = generation.graphs.get(graph)
    return read_graph(generation.path / entry.dump if entry else None)


def _said(lines: Iterator[str], rank: int, present: bool) -> Iterator[tuple[str, int, bool]]:
    return ((line, rank, present) for line in lines)


def _last(said: Iterable[tuple[str, int, bool]]) -> Iterator[str]:
    for line, group in groupby(said, key=lambda item: item[0]):
        *_, (_, _, present) = group
        if present:
            yield line


def _parts(line: str, of: str) -> Iterator[str]:
    """Yield the object of a line when it only makes sense inside the description of an IRI."""
    if line.endswith("> .\n") and not line.endswith('">'):
        name = line[line.rindex("<") + 1 : -4]
        if (name.startswith(of + "#") or "/.well-known/genid/" in name) and name != subject(line):
            yield name
