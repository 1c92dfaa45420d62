"""Forgets what was published in one past generation only: its differences are folded into the next one's."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from server.generations import DataFolder, remove_generation
from server.graph_files import lines_of, read_graph
from server.ledger import Ledger
from server.purge_files import replace_lines, write_index

_READY = ".folded"


def forget_generation(data: DataFolder, ledger: Ledger, number: int, time: str, reason: str) -> set[str]:
    """Remove a past generation; return the hashes of the sources that only it used. Doing it again does nothing.

    Its index tells for ever that it was, when it was removed (`time`) and why.
    """
    folder = data.path / "history" / f"{number:06d}"
    path = folder / "index.json"
    index: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {"graphs": [], "sources": []}
    later = min(following for following in _made(folder.parent) if following > number)
    if not index.get("purged_generation"):
        if not index.get("folded"):
            _forget_descriptions(ledger, later, _fold(data, index, number, later))
            write_index(path, index | {"folded": True})
        for ready in sorted((folder.parent / f"{later:06d}").rglob(f"*{_READY}")):
            ready.replace(ready.with_name(ready.name.removesuffix(_READY)))
        index = {
            "created": index.get("created", ""), "graphs": [], "sources": [], "purged_generation": True,
            "purged_sources": index.get("sources", []), "purged_at": time, "reason": reason,
        }  # fmt: skip
        write_index(path, index)
    if created := index["created"]:
        (data.path / "runs" / f"{created.replace(':', '')}.json").unlink(missing_ok=True)
    for file in folder.rglob("*.gz"):
        file.unlink()
    kept = data.generations / f"{number:06d}"
    if kept.is_dir():
        remove_generation(kept)
    return set(index.get("purged_sources", ())) - _used(data)


def _made(history: Path) -> Iterator[int]:
    """Yield the generations that differences can be folded into: one that is gone itself holds nothing."""
    for entry in history.iterdir():
        path = entry / "index.json"
        if entry.name.isdigit() and not (
            path.exists() and json.loads(path.read_text("utf-8")).get("purged_generation")
        ):
            yield int(entry.name)


def _fold(data: DataFolder, index: dict[str, Any], number: int, following: int) -> set[str]:
    """Fold the differences of a generation into the following one's; return the lines that were there only then.

    What is folded is written beside what it will replace, so that a crash leaves the one or the other.
    """
    before, after = (data.path / "history" / f"{step:06d}" for step in (number, following))
    target: dict[str, Any] = json.loads((after / "index.json").read_text("utf-8"))
    entries = {entry["iri"]: entry for entry in target["graphs"]}
    cancelled: set[str] = set()
    for entry in index["graphs"]:
        added, removed = (set(read_graph(before / name)) for name in entry["files"])
        later = entries.get(entry["iri"])
        if later is None:
            later = entries[entry["iri"]] = dict(entry)
            more, less = set[str](), set[str]()
        else:
            more, less = (set(read_graph(after / name)) for name in later["files"])
        cancelled |= added & less
        # What a generation added and the next removed was there only then; the other way round nothing changed.
        plus, minus = (added - less) | (more - removed), (removed - more) | (less - added)
        for name, lines in zip(later["files"], (plus, minus), strict=True):
            (after / name).parent.mkdir(parents=True, exist_ok=True)
            replace_lines(after / f"{name}{_READY}", sorted(lines))
        later["added"], later["removed"] = len(plus), len(minus)
    # A restored or corrected generation has its sources from an older one: who else accounts for them now?
    sources = set(target.get("sources", ())) | (set(index["sources"]) & _delivered(data, but=number))
    folded = {"graphs": [entries[iri] for iri in sorted(entries)], "sources": sorted(sources)}
    write_index(after / f"index.json{_READY}", target | folded)
    return cancelled


def _forget_descriptions(ledger: Ledger, generation: int, lines: set[str]) -> None:
    """Take lines out of the last descriptions that the following generation kept."""
    if not ledger.path.exists() or not lines:
        return
    with closing(sqlite3.connect(ledger.path, timeout=30, isolation_level=None)) as base:
        base.execute("PRAGMA secure_delete = ON")
        rows = base.execute(
            "SELECT id, detail FROM event WHERE event = 'withdrawn' AND generation = ?", (generation,)
        ).fetchall()
        for id, detail in rows:
            kept = "".join(line for line in lines_of(detail) if line not in lines)
            base.execute("UPDATE event SET detail = ? WHERE id = ?", (kept, id))
        base.execute("VACUUM")


def _used(data: DataFolder) -> set[str]:
    """Return the hashes of the sources that the other generations account for."""
    used = _delivered(data, but=0)
    for path in (data.path / "history").glob("*/index.json"):
        used |= set(json.loads(path.read_text("utf-8")).get("sources", ()))
    return used


def _delivered(data: DataFolder, but: int) -> set[str]:
    """Return the hashes of the sources of what the kept generations publish, but for one of them."""
    found: set[str] = set()
    for number in set(data.numbers()) - {but}:
        with closing(data.generation(number)) as generation:
            for dataset in generation.datasets.values():
                for delivery in dataset["deliveries"].values():
                    found |= {file["sha256"] for file in delivery["sources"]}
    return found
