"""The gates between a converted delivery and the next generation: codes, lost rows, vanished and changed things."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loaders.coverage import Coverage
from loaders.description import Dataset
from loaders.findings import Finding, Findings
from loaders.headers import listed
from server.columns import header_of, short_name
from server.comparing import LISTED, Compared, compare, pair_lines
from server.conversion import row_origin
from server.graph_files import read_graph, subject
from server.settings import Settings
from server.shifts import Key

# Below these, a share says nothing: one renamed school of two is half of them.
_FEWEST_ROWS = 5
_FEWEST_CHANGED = 3
# A delivery with less than half of the last one's rows is more often cut off than right.
_ROWS_LOST = 0.5
_UNKNOWN_COLUMNS = frozenset({"source.undeclared-column", "source.likely-renamed"})
_NUMBERED = frozenset({"identifiers.repeated", "identifiers.repeated-line"})


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Shares at which gates warn or block: those of dataset.toml, else the site's settings."""

    unmatched_warn: float
    unmatched_block: float
    vanishing: float
    changed: float


def thresholds(dataset: Dataset, settings: Settings) -> Thresholds:
    """Return the thresholds of a dataset."""
    said = dataset.thresholds
    return Thresholds(
        said.get("unmatchedWarn", settings.unmatched_warn),
        said.get("unmatchedBlock", settings.unmatched_block),
        said.get("vanishing", settings.vanishing),
        said.get("changed", settings.changed),
    )


def coverage_gate(
    coverage: Iterable[Coverage],
    before: Iterable[Mapping[str, Any]],
    limits: Thresholds,
    absolute: bool,
    findings: Findings,
) -> None:
    """Add a finding for every coded column that too many rows use without meeting a concept.

    `before` is the coverage of the last publication. A column that never met its scheme warns; one that did and does
    not now blocks, for its codes have changed. An `absolute` limit, one that the steward has set, blocks in any case.
    """
    known = {(each["column"], each["scheme"]): each["missed_rows"] / max(1, each["rows"]) for each in before}
    for column in coverage:
        share = column.missed_share
        worse = absolute or known.get((column.column, column.scheme), 1.0) <= limits.unmatched_block
        blocks = worse and share > limits.unmatched_block
        if column.rows < _FEWEST_ROWS or not (blocks or share > limits.unmatched_warn):
            continue
        rule = "concepts.coverage-low" if blocks else "concepts.coverage"
        meant = [f"”{said['text']}” → {said['concepts']}" for said in column.members()["proposals"][:3]]
        detail = (
            ("scheme", column.scheme), ("share", _percent(share)), ("missed", str(column.missed_rows)),
            ("rows", str(column.rows)), ("proposals", "; ".join(meant) or "–"),
        )  # fmt: skip
        findings.add(Finding(rule, column=column.column, detail=detail))


def lost_rows_gate(before: int, now: int, findings: Findings, file: str = "") -> None:
    """Add a finding when a delivery has less than half of the rows it had."""
    if before >= _FEWEST_ROWS and now < before * _ROWS_LOST:
        detail = (("before", str(before)), ("now", str(now)))
        findings.add(Finding("source.fewer-rows", file=file, count=before - now, detail=detail))


def vanishing_gate(old: Iterable[Path], new: Iterable[Path], limits: Thresholds, findings: Findings) -> None:
    """Add a finding when too many of the things that some graph files describe are in none of the others.

    For what is delivered otherwise than before, or without rows; blank nodes have no identifier that could vanish.
    """
    before = gone = 0
    for thing, then, now in pair_lines(heapq.merge(*map(read_graph, old)), heapq.merge(*map(read_graph, new))):
        if then and "/.well-known/genid/" not in thing:
            before, gone = before + 1, gone + (not now)
    if before and gone / before > limits.vanishing:
        _tell_vanishing(gone, before, findings)


def _tell_vanishing(gone: int, before: int, findings: Findings) -> None:
    detail = (("gone", str(gone)), ("before", str(before)))
    findings.add(Finding("identifiers.vanishing", count=gone, detail=detail))


@dataclass(frozen=True, slots=True)
class Converted:
    """A delivery on its way: its graph file, its row index, the files it was read from, and the bases of its names."""

    dataset: Dataset
    graph: Path
    rows: Path
    files: tuple[str, ...]
    base: str
    concept_base: str


def change_gate(new: Converted, old: Path, limits: Thresholds, findings: Findings) -> Compared:
    """Add findings when identifiers vanish, columns change places, or known things change meaning; return the counts.

    `old` is the graph file of the last publication.
    """
    numbered = any(each.rule in _NUMBERED for each in findings)
    found = compare(old, new.graph, f"{new.base}id/", numbered)
    if found.before and found.gone / found.before > limits.vanishing:
        _tell_vanishing(found.gone, found.before, findings)
    telling = _Telling(new, limits, found, findings)
    telling.swaps()
    telling.meanings()
    telling.shifts()
    return found


class _Telling:
    """Turns what differs between two deliveries into findings, each matter told once."""

    def __init__(self, new: Converted, limits: Thresholds, found: Compared, findings: Findings) -> None:
        self._new = new
        self._limits, self._found, self._findings = limits, found, findings
        self._told: set[Key] = set()
        self._said: set[tuple[str, ...]] = set()

    def swaps(self) -> None:
        """Tell of two columns in each other's place: on most rows it blocks, on some each row is told."""
        for (kind, one, two), subjects in sorted(self._found.swaps.items()):
            if subjects.count < _FEWEST_CHANGED:
                continue
            most = subjects.count > self._limits.changed * self._found.common[kind]
            # Yes and no change places by chance; names and addresses do not.
            if not most and len(subjects.values) < _FEWEST_CHANGED:
                continue
            self._told |= {(kind, one), (kind, two)}
            names = (("one", self._column(one)), ("two", self._column(two)))
            rule = "source.swapped-columns" if most else "source.swapped-cells"
            self._tell(rule, names[0][1], kind, subjects.count, subjects.listed[: 1 if most else None], names)

    def meanings(self) -> None:
        """Tell of names and codes that are others now on most things."""
        for (kind, property), subjects in sorted(self._found.meanings.items()):
            share = subjects.count / self._found.common[kind]
            enough = subjects.count >= _FEWEST_CHANGED and share > self._limits.changed
            if enough and (kind, property) not in self._told:
                self._told.add((kind, property))
                rule = "identifiers.meaning-changed"
                self._tell(rule, self._column(property), kind, subjects.count, subjects.listed[:1])

    def shifts(self) -> None:
        """Tell of codes that mean another concept, of values that moved between things, of columns left empty."""
        shifts = self._found.shifts
        for (kind, property), recoded in shifts.recoded().items():
            for each in recoded if (kind, property) not in self._told else ():
                codes = (("old", _code(each.old)), ("new", _code(each.new)), ("users", str(each.users)))
                rule = "identifiers.codes-swapped" if each.mutual else "identifiers.code-moved"
                self._tell(rule, self._column(property), kind, each.count, each.subjects, codes)
        for (kind, property), subjects in shifts.moved().items():
            if (kind, property) not in self._told:
                self._tell("identifiers.values-moved", self._column(property), kind, len(subjects), subjects)
        unknown = [each.column for each in self._findings if each.rule in _UNKNOWN_COLUMNS]
        for (kind, property), count in shifts.emptied().items():
            if column := header_of(self._new.dataset, property, self._new.concept_base):
                self._tell("source.emptied-column", column, kind, count, (), (("known", listed(unknown) or "–"),))

    def _tell(
        self, rule: str, column: str, kind: str, count: int, subjects: Sequence[str],
        detail: tuple[tuple[str, str], ...] = (),
    ) -> None:  # fmt: skip
        """Add a finding for the first row of each of some things; the last stands for those not listed."""
        # A column may give several properties: the same rows are told once.
        if (what := (rule, kind, column, *subjects[:LISTED])) in self._said:
            return
        self._said.add(what)
        detail = (*detail, ("changed", str(count)), ("common", str(self._found.common[kind])), ("kind_of_thing", kind))
        places = self._places(subjects[:LISTED]) or [{}]
        for number, place in enumerate(places, start=1):
            left = count - len(places) + 1 if number == len(places) else 1
            self._findings.add(Finding(rule, column=column, count=left, detail=detail, **place))

    def _places(self, subjects: Sequence[str]) -> list[dict[str, Any]]:
        """Return file, sheet and row of each thing, or of the first row that speaks of one that rows share."""
        if not subjects or not self._new.rows.exists():
            return []
        found = {subject: origin for subject in subjects if (origin := row_origin(self._new.rows, subject))}
        if not found:
            found = self._through_others(set(subjects))
        return [
            {"file": self._new.files[file], "sheet": sheet, "row": row} for file, sheet, row in sorted(found.values())
        ]

    def _through_others(self, subjects: set[str]) -> dict[str, tuple[int, str, int]]:
        """Return the first row that points to each of some things, such as the accounts of ledger entries."""
        found: dict[str, tuple[int, str, int]] = {}
        for line in read_graph(self._new.graph):
            if line.endswith("> .\n") and (other := line[line.rindex("<") + 1 : -4]) in subjects:
                origin = row_origin(self._new.rows, subject(line))
                if origin and (other not in found or origin < found[other]):
                    found[other] = origin
        return found

    def _column(self, property: str) -> str:
        return header_of(self._new.dataset, property, self._new.concept_base) or short_name(property)


def _code(concept: str) -> str:
    return concept.rstrip(">").rpartition("/")[2]


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
