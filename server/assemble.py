"""Finds what differs from the last generation, and builds the indexes and the history of the next from it."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from server.generations import Generation, GraphEntry
from server.graph_files import difference, read_graph, subject, write_difference
from server.labels import build_labels, is_current, update_labels
from server.search_index import IndexedGraph, build_search, update_search
from server.search_index import is_current as can_search
from server.survey import Surveys, named_lines

# Below this many triples loading everything anew is quicker than the checks a checkpoint needs.
REBUILD_BELOW = 200_000
_SHORT = 100_000  # lines of a difference that is kept in memory


@dataclass(frozen=True)
class Change:
    """A graph that differs from the last generation's: its entries and the two graph files."""

    before: GraphEntry | None
    after: GraphEntry | None
    old: Path | None
    new: Path | None

    @property
    def entry(self) -> GraphEntry:
        """Whichever entry there is."""
        entry = self.after or self.before
        assert entry is not None
        return entry

    def difference(self) -> Iterable[tuple[bool, str]]:
        """Return (added?, line) of every line that is in only one of the two files, in order.

        Store, history and ledger all ask for it; one that is short is found once.
        """
        if self.old is None or self.new is None or self._short is None:
            return difference(self.old, self.new)
        return self._short

    @property
    def is_short(self) -> bool:
        """True when the graph was there before, and its difference is kept in memory."""
        return self.old is not None and self.new is not None and self._short is not None

    @cached_property
    def _short(self) -> list[tuple[bool, str]] | None:
        found = list(islice(difference(self.old, self.new), _SHORT + 1))
        return found if len(found) <= _SHORT else None


def changes(previous: Generation | None, folder: Path, graphs: Mapping[str, GraphEntry]) -> list[Change]:
    """Return the graphs that are new, gone or different, in the order of their IRIs."""
    before = previous.graphs if previous else {}
    found = []
    for iri in sorted(before.keys() | graphs.keys()):
        old, new = before.get(iri), graphs.get(iri)
        if old and new and old.sha256 == new.sha256 and old.kind == new.kind:
            continue
        old_file = previous.path / old.dump if previous and old else None
        found.append(Change(old, new, old_file, folder / new.dump if new else None))
    return found


def triples(entry: GraphEntry | None) -> int:
    """Return how many triples a graph has, 0 for none."""
    return entry.triples if entry else 0


def build_index(
    folder: Path,
    previous: Generation | None,
    graphs: Mapping[str, GraphEntry],
    changed: list[Change],
    base: str,
    concept_base: str = "",
    surveys: Surveys | None = None,
) -> None:
    """Build `labels.sqlite` and `search.sqlite` in the folder, anew or from the last ones and what changed.

    `concept_base` is left out when concepts are published under our own base. Graphs are read through `surveys`, each
    of them once; without any, surveys of this function's own are made and removed.
    """
    if surveys is None:
        surveys = Surveys(folder, base, concept_base)
        try:
            return build_index(folder, previous, graphs, changed, base, concept_base, surveys)
        finally:
            surveys.clear()
    total = sum(graph.triples for graph in graphs.values())
    touched = [change for change in changed if change.entry.published]
    last = previous.path if previous and total >= REBUILD_BELOW else None
    if last and 3 * sum(triples(change.after) for change in touched) >= total:
        last = None
    published = [graph for graph in graphs.values() if graph.published]
    target = folder / "labels.sqlite"
    if last and is_current(last / target.name):
        update_labels(last / target.name, target, ((change.entry.iri, _named(change, surveys)) for change in touched))
    else:
        build_labels(target, ((graph.iri, surveys.named(graph, graph.dump)) for graph in published))
    target = folder / "search.sqlite"
    if last and can_search(last / target.name):
        if touched:
            differing = (_differing(change, surveys) for change in touched)
            update_search(last / target.name, target, differing, base, concept_base)
        else:
            os.link(last / target.name, target)  # another name of the same file
    else:
        build_search(target, (_whole(graph, surveys) for graph in published), base, concept_base)


def _named(change: Change, surveys: Surveys) -> Iterable[str]:
    return surveys.named(change.after, change.after.dump) if change.after else ()


def _whole(graph: GraphEntry, surveys: Surveys) -> IndexedGraph:
    lines, uses = surveys.named(graph, graph.dump), surveys.of(graph, graph.dump).uses
    return IndexedGraph(graph.iri, graph.kind, graph.dataset, lines, uses=uses)


def _differing(change: Change, surveys: Surveys) -> IndexedGraph:
    """Return what the search index needs of a changed graph: its named things, only those that differ if few do."""
    entry, now, before = change.entry, _named(change, surveys), named_lines(read_graph(change.old))
    uses = surveys.of(change.after, change.after.dump).uses if change.after else {}
    if change.is_short:
        differ = {subject(line) for _, line in change.difference()}
        now, before = (filter(lambda line: subject(line) in differ, lines) for lines in (now, before))
    return IndexedGraph(entry.iri, entry.kind, entry.dataset, now, before, uses)


def write_history(history: Path, changed: list[Change], sources: list[str], time: str) -> dict[str, Any]:
    """Write the difference of every changed graph, the hashes of the sources read, and when; return the index."""
    index: dict[str, Any] = {"created": time, "sources": sources, "graphs": []}
    new = {change.after.dump for change in changed if change.after}
    for change in changed:
        stem = change.entry.dump.removeprefix("dumps/").removesuffix(".nt.gz")
        if change.after is None and change.entry.dump in new:
            stem += "-gone"  # The base has changed: the dump of another graph now has this name.
        added, removed = history / f"{stem}.add.nt.gz", history / f"{stem}.del.nt.gz"
        if change.old is None and change.new is not None and change.after is not None:
            _add_whole(change.new, added, removed)
            counts = change.after.triples, 0
        else:
            counts = write_difference(change.difference(), added, removed)
        index["graphs"].append(
            {
                "iri": change.entry.iri,
                "kind": change.entry.kind,
                "dataset": change.entry.dataset,
                "period": change.entry.period,
                "added": counts[0],
                "removed": counts[1],
                "files": [f"{stem}.add.nt.gz", f"{stem}.del.nt.gz"],
                "sha256": change.after.sha256 if change.after else "",
            }
        )
    (history / "index.json").write_text(json.dumps(index, indent=1, ensure_ascii=False), "utf-8")
    return index


def _add_whole(new: Path, added: Path, removed: Path) -> None:
    """Keep the difference of a new graph: its dump, as another name of the same file."""
    added.parent.mkdir(parents=True, exist_ok=True)
    os.link(new, added)
    removed.write_bytes(gzip.compress(b"", mtime=0))
