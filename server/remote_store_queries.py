"""Evaluates visitors' queries in a remote store, with the same checks, limits and formats as the embedded one.

A reader parses the query over nothing, so that errors are told alike and only SPARQL leaves the house. The store's
answer goes to a file without a name, and the same reader reads it from there and writes it in the format asked for:
what a hostile answer can break is a process that is made to be killed.
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from server.reader import Reader, ReaderDied, Reply
from server.remote_store import JSON, N_TRIPLES, XML, RemoteError, RemoteStore
from server.remote_store_names import RemoteNames, read_names
from server.remote_store_text import RemoteQuery, rewritten

# The store writes the answer in a longer form than most that it is read in: so many times the limit is received.
_LONGER = 8
_TRUST_SECONDS = 30.0
_CEILING = 16 << 30
_log = logging.getLogger("torg")


@dataclass(frozen=True, slots=True)
class _Known:
    """What was found out about a generation: its names, and until when the store is believed to hold them."""

    stamp: tuple[int, int]
    names: RemoteNames
    held: bool = False
    until: float = 0.0


class RemoteQueries:
    """Asks a remote store what it can be asked, and the reader's own store the rest."""

    def __init__(self, store: RemoteStore) -> None:
        self.store = store
        self.counts = {"remote": 0, "embedded": 0, "failed": 0, "refused": 0}
        self._known: dict[str, _Known] = {}
        self._lock = threading.Lock()

    def ask(
        self,
        reader: Reader,
        request: dict[str, Any],
        until: float,
        memory_bytes: int | None,
        give_up: Callable[[], bool] | None = None,
    ) -> Reply:
        """Return the reply to a request, as `Reader.ask` does; raises ReaderDied."""
        if request["check"]:
            return reader.ask(request, until, memory_bytes, give_up)
        checked = reader.ask(request | {"check": True}, until, memory_bytes, give_up)
        if "error" in checked.facts:
            return checked
        started = time.monotonic()
        try:
            reply = self._remotely(reader, request, checked.facts.get("columns", []), until, memory_bytes)
        except RemoteError as error:
            return self._failed(error, reader, until)
        if reply is None:
            self._count("embedded")
            return reader.ask(request, until, memory_bytes, give_up)
        self._count("remote")
        return Reply({**reply.facts, "seconds": time.monotonic() - started}, reply.body, reply.descriptor)

    def _count(self, what: str) -> None:
        with self._lock:
            self.counts[what] += 1

    def _remotely(
        self, reader: Reader, request: dict[str, Any], columns: list[str], until: float, memory_bytes: int | None
    ) -> Reply | None:
        """Return the remote store's answer, None when the query is not for it; raises RemoteError, ReaderDied."""
        try:
            known = self._names(Path(request["store"]).parent)
        except (OSError, ValueError, KeyError):
            return None
        self.store.breaker.enter()
        where = self.store.addresses(until)
        virtuoso = where.product == "virtuoso"
        asked = rewritten(request, known.names, columns, virtuoso=virtuoso)
        if asked is None or not self._holds(known, request["store"], until):
            return None
        with tempfile.TemporaryFile(dir=request["spool"]) as file:
            # Virtuoso writes booleans as 0 and 1 in JSON.
            media_type = N_TRIPLES if asked.form == "CONSTRUCT" else XML if virtuoso else JSON
            try:
                cut = self._received(asked, media_type, request, file, until, lambda: not reader.alive())
            except RemoteError as error:
                if error.reason == "refused":
                    _log.warning("The remote store refuses a valid query (%s); the embedded one answers.", error.detail)
                    self.store.breaker.worked()
                    return None
                raise
            if cut is None:
                return None
            answered = {"media_type": media_type, "cut": cut}
            reply = reader.ask(
                request | {"answered": answered}, until, memory_bytes, lambda: not reader.alive(), file.fileno()
            )
        if reply.facts.get("error") == "remote":
            raise RemoteError("wrong", str(reply.facts["message"]))
        self.store.breaker.worked()
        return reply

    def _received(
        self,
        asked: RemoteQuery,
        media_type: str,
        request: dict[str, Any],
        file: BinaryIO,
        until: float,
        give_up: Callable[[], bool],
    ) -> bool | None:
        """Receive an answer and return whether it was cut; None when the store has cut it at a limit of its own."""
        size, rows = request["max_bytes"], request["max_rows"]
        graph = media_type == N_TRIPLES
        reply = self.store.query(
            asked.text,
            asked.default_graph,
            asked.named_graphs,
            media_type,
            file,
            until=until,
            most_bytes=_CEILING if size is None else _LONGER * size + (1 << 20),
            most_lines=rows + 1 if graph and rows is not None else None,
            give_up=give_up,
        )
        if {"x-sparql-maxrows", "x-sql-state"} & {name.lower() for name in reply.headers}:
            _log.warning("The remote store has a limit below ours and cuts answers; the embedded one answers.")
            return None
        if reply.cut and graph:
            _to_whole_lines(file)
        file.flush()
        os.lseek(file.fileno(), 0, os.SEEK_SET)
        return reply.cut

    def _names(self, generation: Path) -> _Known:
        found = os.stat(generation / "manifest.json")
        stamp = (found.st_ino, found.st_mtime_ns)
        with self._lock:
            known = self._known.get(str(generation))
        if known is None or known.stamp != stamp:
            known = _Known(stamp, read_names(generation))
            with self._lock:
                while len(self._known) > 20:
                    self._known.pop(next(iter(self._known)))
                self._known[str(generation)] = known
        return known

    def _holds(self, known: _Known, store: str, until: float) -> bool:
        """Return whether the store holds the whole generation, as far as it was asked lately; raises RemoteError."""
        if time.monotonic() < known.until:
            return known.held
        held = complete(self.store, known.names, until)
        if not held:
            _log.warning("The remote store does not hold this generation (run torg publish); the embedded one answers.")
        with self._lock:
            known = _Known(known.stamp, known.names, held, time.monotonic() + _TRUST_SECONDS)
            self._known[str(Path(store).parent)] = known
        return held

    def _failed(self, error: RemoteError, reader: Reader, until: float) -> Reply:
        """Return the reply that tells of a failure; raises ReaderDied for a query that is too slow, or was ended."""
        if error.reason == "ended":
            raise ReaderDied("crash")
        self._count("refused" if error.reason == "open" else "failed")
        breaker = self.store.breaker
        if error.reason == "down":
            breaker.failed()
        elif error.reason in ("slow", "wrong"):
            # One query may be too much for a store that answers every other one.
            if self.store.works():
                breaker.worked()
                if error.reason == "slow" and time.monotonic() >= until:
                    raise ReaderDied("time")
            else:
                breaker.failed()
        _log.warning("Remote store: %s", error.detail)
        status = {"slow": 504, "wrong": 502}.get(error.reason, 503)
        return Reply({"error": "remote", "status": status, "message": error.detail, "wait": error.wait}, b"")


def complete(store: RemoteStore, names: RemoteNames, until: float) -> bool:
    """Return whether the store holds all graphs of a generation, by the mark that is written last."""
    with tempfile.TemporaryFile() as file:
        text = f"SELECT ?s WHERE {{ GRAPH <{names.complete}> {{ ?s ?p ?o }} }} LIMIT 1"
        store.query(text, names.complete, (names.complete,), JSON, file, until=until, most_bytes=1 << 16)
        file.seek(0)
        try:
            return bool(json.load(file)["results"]["bindings"])
        except (ValueError, TypeError, KeyError, RecursionError):
            raise RemoteError("wrong", "The store's answer cannot be read.") from None


def _to_whole_lines(file: BinaryIO) -> None:
    """Cut a file after its last line end."""
    end = file.seek(0, os.SEEK_END)
    while end:
        start = max(0, end - (1 << 16))
        file.seek(start)
        found = file.read(end - start).rfind(b"\n")
        if found >= 0:
            end = start + found + 1
            break
        end = start
    file.truncate(end)
