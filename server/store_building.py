"""Builds the store of the next generation from its graph files.

Two ways to the same store: a rebuild loads every graph file; a small change starts from a
checkpoint of the last store (hard links, milliseconds) and applies differences. The default graph
is the true merge: each published triple is in it once, and leaves it only when no published graph
holds it any more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from io import BytesIO
from itertools import islice
from pathlib import Path

from server.assemble import REBUILD_BELOW, Change, triples
from server.errors import StorageError
from server.generations import Generation, GraphEntry, remove_tree
from server.graph_files import open_graph, piped
from server.store import WriteStore

_BATCH = 10_000
_SMALL = 20_000  # triples of a graph that is loaded together with others
_PORTION = 64 << 20  # bytes


class EarlyStore:
    """A new store whose named graphs are loaded while the datasets after them are still being converted.

    Only for a store that is made anew: what is loaded cannot be taken out again. Loading runs outside the
    interpreter, so it costs the conversion next to nothing on a machine with two cores.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "store"
        self._store = WriteStore(self._path)
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._loading: list[Future[None]] = []
        self.loaded: dict[str, str] = {}  # hash of the content by graph

    def add(self, folder: Path, graphs: Iterable[GraphEntry]) -> None:
        """Begin to load those of the graphs that are worth a load of their own."""
        for graph in graphs:
            if graph.triples >= _SMALL:
                self.loaded[graph.iri] = graph.sha256
                self._loading.append(self._thread.submit(_load, self._store, folder / graph.dump, graph.iri))

    def finished(self, graphs: Mapping[str, GraphEntry]) -> WriteStore | None:
        """Return the store when all is loaded, None when a graph has become another one since it was."""
        self._thread.shutdown()
        for each in self._loading:
            each.result()
        if all(iri in graphs and graphs[iri].sha256 == sha256 for iri, sha256 in self.loaded.items()):
            return self._store
        self._store.close()
        remove_tree(self._path)
        return None

    def abandon(self) -> None:
        """Stop; the folder is removed by whoever made it."""
        self._thread.shutdown(cancel_futures=True)


def build_store(
    folder: Path,
    previous: Generation | None,
    graphs: Mapping[str, GraphEntry],
    changed: list[Change],
    rebuild_below: int = REBUILD_BELOW,
    early: EarlyStore | None = None,
) -> int:
    """Build `store/` in the folder, or finish an early one; return the number of triples in the default graph."""
    total = sum(graph.triples for graph in graphs.values())
    touched = sum(max(change.before.triples if change.before else 0, triples(change.after)) for change in changed)
    if previous and not early and total >= rebuild_below and touched * 3 < total:
        try:
            return _apply(folder, previous, graphs, changed)
        except StorageError:
            remove_tree(folder / "store")
    return _rebuild(folder, graphs, early)


def _rebuild(folder: Path, graphs: Mapping[str, GraphEntry], early: EarlyStore | None) -> int:
    begun = early.finished(graphs) if early else None
    done = set(early.loaded) if early and begun else set()
    store = begun or WriteStore(folder / "store")
    try:
        small = {iri: graph for iri, graph in graphs.items() if graph.triples < _SMALL}
        named = sum(graph.triples for graph in graphs.values())
        for default in (False, True):
            for quads in _quads(folder, small, default):
                store.bulk_load_quads(quads)
            for iri, graph in graphs.items():
                if iri not in small and (graph.published if default else iri not in done):
                    _load(store, folder / graph.dump, None if default else iri)
            # A graph never gets more than its file holds, so the sum is right only when each of them is; counting
            # them one by one took as long as loading them.
            if not default and store.size() != named:
                raise StorageError("The new store does not hold what the graph files hold; nothing changed.")
        return store.size() - named
    finally:
        store.close()


def _load(store: WriteStore, dump: Path, graph: str | None) -> None:
    with piped(dump) as path:
        store.bulk_load(path, graph)


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
            for added, lines in _batches(change):
                (store.add if added else store.remove)(lines, change.entry.iri)
        for change in changed:
            if change.entry.published:
                for added, lines in _batches(change):
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


def _batches(change: Change) -> Iterator[tuple[bool, list[str]]]:
    for kind in (False, True):
        lines = (line for added, line in change.difference() if added is kind)
        while batch := list(islice(lines, _BATCH)):
            yield kind, batch


def _verify(store: WriteStore, change: Change) -> None:
    """Compare a changed graph with its file, triple by triple; a checkpoint once lost rows unflushed."""
    expected = change.after.sha256 if change.after else hashlib.sha256().hexdigest()
    lines = store.graph_text(change.entry.iri).splitlines(keepends=True)
    lines.sort()
    digest = hashlib.sha256()
    for start in range(0, len(lines), _BATCH):
        digest.update(b"".join(lines[start : start + _BATCH]))
    if digest.hexdigest() != expected:
        raise StorageError(f"The changed store does not hold what the graph file of <{change.entry.iri}> holds.")
