"""Builds the store, the label index and the history of the next generation from its graph files.

Two ways to the same store: a rebuild loads every graph file; a small change starts from a
checkpoint of the last store (hard links, milliseconds) and applies differences. The default graph
is the true merge: each published triple is in it once, and leaves it only when no published graph
holds it any more.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any

from server.errors import StorageError
from server.generations import Generation, GraphEntry, remove_tree
from server.graph_files import difference, open_graph, read_graph, write_difference
from server.labels import build_labels, is_current, update_labels
from server.store import WriteStore

# Below this many triples loading everything anew is quicker than the checks a checkpoint needs.
REBUILD_BELOW = 200_000
_BATCH = 10_000
_SMALL = 20_000  # triples of a graph that is loaded together with others
_PORTION = 64 << 20  # bytes


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


def build_store(
    folder: Path,
    previous: Generation | None,
    graphs: Mapping[str, GraphEntry],
    changed: list[Change],
    rebuild_below: int = REBUILD_BELOW,
) -> int:
    """Build `store/` in the folder; return the number of triples in the default graph."""
    total = sum(graph.triples for graph in graphs.values())
    touched = sum(max(change.before.triples if change.before else 0, _triples(change.after)) for change in changed)
    if previous and total >= rebuild_below and touched * 3 < total:
        try:
            return _apply(folder, previous, graphs, changed)
        except StorageError:
            remove_tree(folder / "store")
    return _rebuild(folder, graphs)


def _triples(entry: GraphEntry | None) -> int:
    return entry.triples if entry else 0


def _rebuild(folder: Path, graphs: Mapping[str, GraphEntry]) -> int:
    store = WriteStore(folder / "store")
    try:
        small = {iri: graph for iri, graph in graphs.items() if graph.triples < _SMALL}
        named = sum(graph.triples for graph in graphs.values())
        for default in (False, True):
            for quads in _quads(folder, small, default):
                store.bulk_load_quads(quads)
            for iri, graph in graphs.items():
                if iri not in small and (graph.published or not default):
                    with open_graph(folder / graph.dump) as lines:
                        store.bulk_load(lines, None if default else iri)
            # A graph never gets more than its file holds, so the sum is right only when each of them is; counting
            # them one by one took as long as loading them.
            if not default and store.size() != named:
                raise StorageError("The new store does not hold what the graph files hold; nothing changed.")
        return store.size() - named
    finally:
        store.close()


def _quads(folder: Path, graphs: Mapping[str, GraphEntry], default: bool) -> Iterator[BytesIO]:
    """Yield the N-Quads of small graphs in portions: each graph by its name, or the published ones without."""
    text = BytesIO()
    for iri, graph in graphs.items():
        if default and not graph.published:
            continue
        ending = b" .\n" if default else f" <{iri}> .\n".encode()
        with open_graph(folder / graph.dump) as lines:
            for line in lines:
                text.write(line.removesuffix(b" .\n") + ending)
        if text.tell() > _PORTION:
            text.seek(0)
            yield text
            text = BytesIO()
    text.seek(0)
    yield text


def _apply(folder: Path, previous: Generation, graphs: Mapping[str, GraphEntry], changed: list[Change]) -> int:
    """Change a checkpoint of the last store by differences; raise StorageError when it comes out wrong."""
    previous.store.checkpoint(folder / "store")
    published = {iri for iri, graph in graphs.items() if graph.published}
    merged = int(previous.manifest["default_graph_triples"])
    store = WriteStore(folder / "store")
    try:
        # All named graphs first: what leaves the default graph depends on what every graph holds in the end.
        for change in changed:
            for added, lines in _batches(change.old, change.new):
                (store.add if added else store.remove)(lines, change.entry.iri)
        for change in changed:
            if change.entry.published:
                for added, lines in _batches(change.old, change.new):
                    merged += _merge(store, added, lines, published)
        for change in changed:
            _verify(store, change)
    finally:
        store.close()
    return merged


def _merge(store: WriteStore, added: bool, lines: list[str], published: set[str]) -> int:
    if added:
        return store.add(lines, None)
    gone = [line for line in lines if not store.held_elsewhere(line, published)]
    store.remove(gone, None)
    return -len(gone)


def _batches(old: Path | None, new: Path | None) -> Iterator[tuple[bool, list[str]]]:
    for kind in (False, True):
        lines = (line for added, line in difference(old, new) if added is kind)
        while batch := list(islice(lines, _BATCH)):
            yield kind, batch


def _verify(store: WriteStore, change: Change) -> None:
    """Compare a changed graph with its file, triple by triple; a checkpoint once lost rows unflushed."""
    expected = change.after.sha256 if change.after else hashlib.sha256().hexdigest()
    digest = hashlib.sha256()
    for line in sorted(store.graph_lines(change.entry.iri)):
        digest.update(line.encode())
    if digest.hexdigest() != expected:
        raise StorageError(f"The changed store does not hold what the graph file of <{change.entry.iri}> holds.")


def build_index(
    folder: Path, previous: Generation | None, graphs: Mapping[str, GraphEntry], changed: list[Change]
) -> None:
    """Build `labels.sqlite` in the folder from the published graphs, or from the last index and what changed."""
    target = folder / "labels.sqlite"
    total = sum(graph.triples for graph in graphs.values())
    touched = [change for change in changed if change.entry.published]
    last = previous.path / "labels.sqlite" if previous and total >= REBUILD_BELOW else None
    if last and 3 * sum(_triples(change.after) for change in touched) < total and is_current(last):
        update_labels(last, target, ((change.entry.iri, read_graph(change.new)) for change in touched))
    else:
        published = (graph for graph in graphs.values() if graph.published)
        build_labels(target, ((graph.iri, read_graph(folder / graph.dump)) for graph in published))


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
            counts = write_difference(change.old, change.new, added, removed)
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
