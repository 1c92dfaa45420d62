"""Brings a generation to a remote store, graph by graph, and removes there what no kept generation has.

Nothing is changed in place: every graph goes under the name of its version, the mark that all are there goes last,
and queries move with the pointer of the data folder. So a run that fails or is killed leaves what is served untouched.
A journal in the data folder names every graph before it is sent; what a run left behind is removed by a later one.
"""

from __future__ import annotations

import json
import logging
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from server.errors import StorageError
from server.graph_files import open_graph
from server.remote_store import JSON, RemoteError, RemoteStore, remote_store
from server.remote_store_names import RemoteNames, read_names, remote_names
from server.remote_store_queries import complete
from server.whole_files import write_json

JOURNAL = "remote.json"
_PORTION = 4 << 20  # bytes sent at a time: what a store has to take in one transaction
_SECONDS = 300.0
_TRIES = 3
_UNFINISHED = -1
_log = logging.getLogger("torg")


class RemotePublisher:
    """Writes generations to a remote store; used under the writer's lock of the data folder."""

    def __init__(self, store: RemoteStore, data: Path, pause: Callable[[float], None] = time.sleep) -> None:
        self._store, self._data, self._pause = store, data, pause
        self._path = data / JOURNAL
        self._journal: dict[str, dict[str, int]] = {}
        if self._path.exists():
            self._journal = json.loads(self._path.read_text("utf-8"))
        self._sent = self._journal.setdefault(store.url, {})

    @classmethod
    def of(cls, settings: Any, data: Path) -> RemotePublisher | None:
        """Return the publisher to the store that the settings name, None for none."""
        store = remote_store(settings)
        return cls(store, data) if store else None

    def bring(self, generation: Path) -> bool:
        """Have the store hold the generation in a folder, finished or not; return whether something was sent.

        Raises StorageError when the store cannot take it; what is served is as before.
        """
        manifest = json.loads((generation / "manifest.json").read_text("utf-8"))
        names = remote_names(manifest)
        try:
            if complete(self._store, names, time.monotonic() + _SECONDS):
                return False
            self._drop(name for name, triples in list(self._sent.items()) if triples == _UNFINISHED)
            for entry in manifest["graphs"]:
                self._send(names.versions[entry["iri"]], [generation / entry["dump"]], int(entry["triples"]))
            published = [generation / entry["dump"] for entry in manifest["graphs"] if entry["kind"] != "system"]
            self._send(names.merged, published, int(manifest["default_graph_triples"]))
            self._mark(names)
        except RemoteError as error:
            raise StorageError(
                f"The store at {self._store.url} does not take the generation: {error.detail} What was published is "
                "served as before. Run torg publish again when the store is in order.",
                f"Databasen på {self._store.url} tar inte emot generationen: {error.detail} Det som var publicerat "
                "visas som förut. Kör torg publish igen när databasen är i ordning.",
            ) from error
        return True

    def prune(self, kept: Iterable[Path]) -> list[str]:
        """Remove every graph that none of the kept generations has; return those that could not be removed now."""
        wanted: set[str] = set()
        for folder in kept:
            wanted |= read_names(folder).all
        gone = [name for name in self._sent if name not in wanted]
        try:
            # Marks first: a generation without one is not asked for any more.
            self._drop(sorted(gone, key=lambda name: "/-/complete/" not in name))
        except RemoteError as error:
            _log.warning("Old graphs stay in the store for now: %s", error.detail)
        return [name for name in gone if name in self._sent]

    def _mark(self, names: RemoteNames) -> None:
        self._note(names.complete, _UNFINISHED)
        line = f"<{names.complete}> <http://rdfs.org/ns/void#subset> <{names.merged}> .\n"
        self._put(names.complete, line.encode(), replace=True)
        self._note(names.complete, 1)

    def _send(self, name: str, dumps: list[Path], triples: int) -> None:
        """Make a graph hold what the dumps hold together, each triple once, and see that it does."""
        if self._sent.get(name) == triples and self._count(name) == triples:
            return
        self._note(name, _UNFINISHED)
        replace = True
        for portion in _portions(dumps):
            self._put(name, portion, replace=replace)
            replace = False
        if replace:
            self._store.drop(name, seconds=_SECONDS)
        found = self._count(name) if triples else 0
        if found != triples:
            raise RemoteError("wrong", f"It holds {found} triples of the {triples} of <{name}>.")
        self._note(name, triples)

    def _put(self, name: str, lines: bytes, *, replace: bool) -> None:
        """Send a portion; again after a while when the store is away, for to add a triple twice is to add it once."""
        for attempt in range(1, _TRIES + 1):
            try:
                self._store.put(name, lines, replace=replace, seconds=_SECONDS)
                return
            except RemoteError as error:
                if attempt == _TRIES or error.reason != "down":
                    raise
                self._pause(2.0**attempt)

    def _count(self, name: str) -> int:
        with tempfile.TemporaryFile() as file:
            text = "SELECT (COUNT(*) AS ?n) WHERE { ?s ?p ?o }"
            until = time.monotonic() + _SECONDS
            self._store.query(text, name, (), JSON, file, until=until, most_bytes=1 << 16)
            file.seek(0)
            try:
                return int(json.load(file)["results"]["bindings"][0]["n"]["value"])
            except (ValueError, TypeError, LookupError, RecursionError):
                raise RemoteError("wrong", "The store's answer cannot be read.") from None

    def _drop(self, names: Iterable[str]) -> None:
        for name in names:
            self._store.drop(name, seconds=_SECONDS)
            del self._sent[name]
            self._write()

    def _note(self, name: str, triples: int) -> None:
        self._sent[name] = triples
        self._write()

    def _write(self) -> None:
        write_json(self._path, self._journal)


def _portions(dumps: Iterable[Path]) -> Iterator[bytes]:
    """Yield the lines of the dumps in portions that a store can take."""
    lines, size = list[bytes](), 0
    for dump in dumps:
        with open_graph(dump) as source:
            for line in source:
                lines.append(line)
                size += len(line)
                if size >= _PORTION:
                    yield b"".join(lines)
                    lines, size = [], 0
    if lines:
        yield b"".join(lines)
