"""The pool of readers: bounded, never empty, one evaluation for identical questions, and no query outlives its limit.

Each slot is a thread that owns one reader process; one more reader stands by as a spare. Askers only wait: an
evaluation belongs to its slot, so it survives the asker who came first. `Problem` is all that an asker sees of a
reader's death.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from server.errors import Problem
from server.reader import Reader, ReaderDied, Reply
from server.results import GRAPH_FORMATS, SELECT_FORMATS
from server.sparql_errors import problem_of_death, problem_of_reply
from server.sparql_scan import Scan, ScanLimits, scan

REMEMBER_SECONDS = 600.0
CHECK_SECONDS = 2.0
_REMEMBER_MOST = 4_096
_RENEW_AFTER = 2_000
_RENEW_ABOVE = 256 << 20
_FILE_CEILING = 16 << 30


@dataclass(frozen=True, slots=True)
class Limits:
    """What one query may use; None lifts a limit."""

    seconds: float = 20.0
    memory_mb: int | None = 1024
    rows: int | None = 100_000
    bytes: int | None = 50_000_000
    merge_triples: int = 200_000
    wait_seconds: float = 5.0


class Body:
    """A result too large for memory, in a file that no longer has a name; read by any number of askers at once."""

    def __init__(self, descriptor: int, size: int) -> None:
        self._descriptor, self.size = descriptor, size

    def pieces(self, start: int = 0, end: int | None = None, block: int = 1 << 18) -> Iterator[bytes]:
        """Yield the bytes from start to end."""
        end = self.size if end is None else end
        while start < end:
            piece = os.pread(self._descriptor, min(block, end - start), start)
            if not piece:
                raise OSError("a spooled result is shorter than it was")
            start += len(piece)
            yield piece

    def __del__(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


@dataclass(frozen=True, slots=True)
class Result:
    """A whole answer: `body` holds the bytes, or is None and `file` yields them."""

    media_type: str
    body: bytes | None
    file: Body | None
    size: int
    digest: str
    rows: int
    truncated: str
    seconds: float
    scan: Scan
    limits: Limits

    def pieces(self) -> Iterator[bytes]:
        """Yield the bytes, wherever they are."""
        if self.body is not None:
            yield self.body
        elif self.file is not None:
            yield from self.file.pieces()


@dataclass(slots=True, eq=False)
class _Job:
    """One evaluation and those who wait for it."""

    key: object
    killer: str
    request: dict[str, Any]
    limits: Limits
    created: float
    askers: int = 1
    started: bool = False
    done: bool = False
    reply: Reply | None = None
    body: Body | None = None
    problem: Problem | None = None


@dataclass(slots=True)
class Counts:
    """What has happened since the pool started, for the operator."""

    asked: int = 0
    answered: int = 0
    shared: int = 0
    busy: int = 0
    remembered: int = 0
    started: int = 0
    deaths: dict[str, int] = field(default_factory=lambda: {"time": 0, "memory": 0, "crash": 0, "start": 0})


class ReaderPool:
    """Evaluates queries over the current store; `switch` moves it to another one without losing a request."""

    def __init__(
        self,
        store: str | os.PathLike[str],
        *,
        readers: int | None = None,
        limits: Limits | None = None,
        scan_limits: ScanLimits | None = None,
        prefixes: Mapping[str, str] | None = None,
        most_askers: int = 16,
        spool: str | None = None,
    ) -> None:
        """Start the slots and the keeper of the spare; readers come up in the background."""
        self.limits, self.scan_limits = limits or Limits(), scan_limits or ScanLimits()
        self.readers = readers or os.cpu_count() or 1
        self.prefixes = dict(prefixes or {})
        self.counts = Counts()
        self.notices: tuple[str, ...] = ()
        self._store = os.path.abspath(store)
        self._spool = spool or tempfile.gettempdir()
        self._most_askers, self._askers = most_askers, 0
        self._changed = threading.Condition()
        self._waiting: deque[_Job] = deque()
        self._flights: dict[object, _Job] = {}
        self._killers: OrderedDict[str, tuple[float, str]] = OrderedDict()
        self._spare: Reader | None = None
        self._running = 0
        self._live: set[Reader] = set()
        self._closing = False
        self._threads = [
            threading.Thread(target=self._slot, name=f"reader-{n}", daemon=True) for n in range(self.readers)
        ]
        self._threads.append(threading.Thread(target=self._keep_spare, name="reader-spare", daemon=True))
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> ReaderPool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def store(self) -> str:
        """The path of the store that queries are evaluated over now."""
        return self._store

    def load(self) -> dict[str, int]:
        """Return how many queries run and wait, and how many reader processes live."""
        with self._changed:
            return {"running": self._running, "waiting": len(self._waiting), "readers": len(self._live)}

    def processes(self) -> list[int]:
        """Return the process ids of the living readers."""
        with self._changed:
            return sorted(reader.pid for reader in self._live)

    def switch(self, store: str | os.PathLike[str]) -> None:
        """Evaluate over another store from the next query on; running ones end on the old."""
        with self._changed:
            self._store = os.path.abspath(store)
            self._changed.notify_all()

    def close(self) -> None:
        """Kill every reader, refuse who waits and end the threads."""
        with self._changed:
            self._closing = True
            living = list(self._live)
            self._changed.notify_all()
        for reader in living:
            reader.interrupt()
        for thread in self._threads:
            thread.join(timeout=10)

    def query(
        self,
        text: str,
        *,
        accept_format: str,
        default_graphs: Sequence[str] = (),
        named_graphs: Sequence[str] = (),
        deadline: float | None = None,
        limits: Limits | None = None,
        store: str | os.PathLike[str] | None = None,
        scanned: Scan | None = None,
    ) -> Result:
        """Return the whole answer in the media type asked for; raises Problem.

        `deadline` is in seconds from now and never raises the limit. Graphs given here override FROM in the text
        (SPARQL 1.1 Protocol, section 2.1.4). `store` asks a past state. `scanned` spares a second scan of the text.
        """
        scanned = scanned or scan(text, self.scan_limits, self.prefixes)
        if scanned.form == "UPDATE":
            raise Problem(403, "This endpoint answers queries; updates are not taken.", title="Read-only")
        limits = limits or self.limits
        if deadline is not None:
            limits = replace(limits, seconds=min(limits.seconds, deadline))
        request = self._request(text, accept_format, scanned, default_graphs, named_graphs, limits, store)
        reply, body = self._ask(request, scanned, limits)
        facts = reply.facts
        return Result(
            media_type=accept_format,
            body=None if body is not None else reply.body,
            file=body,
            size=facts["size"],
            digest=facts["digest"],
            rows=facts["rows"],
            truncated=facts["truncated"],
            seconds=facts["seconds"],
            scan=scanned,
            limits=limits,
        )

    def check(self, text: str) -> Scan:
        """Return the scan of a query that the parser accepts; raises Problem with line and column for another.

        It is parsed and planned in a reader over an empty store, so the data costs nothing.
        """
        scanned = scan(text, self.scan_limits, self.prefixes)
        if scanned.form != "UPDATE":
            limits = replace(self.limits, seconds=min(self.limits.seconds, CHECK_SECONDS))
            media_type = next(iter(GRAPH_FORMATS if scanned.is_graph else SELECT_FORMATS))
            request = self._request(text, media_type, scanned, (), (), limits, None) | {"check": True}
            self._ask(request, scanned, limits)
        return scanned

    def _ask(self, request: dict[str, Any], scanned: Scan, limits: Limits) -> tuple[Reply, Body | None]:
        job = self._join(request, scanned, limits)
        try:
            self._wait(job, limits.wait_seconds)
        finally:
            with self._changed:
                job.askers -= 1
                self._askers -= 1
        if job.problem is not None:
            raise job.problem
        assert job.reply is not None
        return job.reply, job.body

    def _request(
        self,
        text: str,
        media_type: str,
        scanned: Scan,
        default_graphs: Sequence[str],
        named_graphs: Sequence[str],
        limits: Limits,
        store: str | os.PathLike[str] | None,
    ) -> dict[str, Any]:
        formats = GRAPH_FORMATS if scanned.is_graph else SELECT_FORMATS
        if media_type not in formats:
            raise Problem(406, f"{scanned.form} is answered as one of: {', '.join(formats)}.")
        if not default_graphs and not named_graphs:
            default_graphs, named_graphs = scanned.default_graphs, scanned.named_graphs
        return {
            "query": text,
            "format": formats[media_type],
            "default_graphs": list(dict.fromkeys(default_graphs)),
            "named_graphs": list(dict.fromkeys(named_graphs)),
            "max_rows": limits.rows,
            "max_bytes": limits.bytes,
            "merge_triples": limits.merge_triples,
            "prefixes": {**self.prefixes, **scanned.prefixes} if scanned.is_graph else {},
            "store": os.path.abspath(store) if store is not None else self._store,
            "spool": self._spool,
            "check": False,
        }

    def _join(self, request: dict[str, Any], scanned: Scan, limits: Limits) -> _Job:
        """Return the flight that answers this request: one under way, or a new one in the queue; raises Problem."""
        graphs = (*request["default_graphs"], "", *request["named_graphs"])
        used = replace(limits, wait_seconds=0.0)  # How patient an asker is does not change the answer.
        key: object = (request["query"], request["format"], graphs, used, request["store"], request["check"])
        if not scanned.deterministic:
            key = object()
        killer = hashlib.sha256(repr((request["query"], graphs, limits.seconds, limits.memory_mb)).encode()).hexdigest()
        with self._changed:
            self.counts.asked += 1
            self._refuse_killer(killer)
            if self._askers >= self._most_askers:
                raise self._busy()
            job = self._flights.get(key)
            if job is not None:
                job.askers += 1
                self.counts.shared += 1
            else:
                if len(self._waiting) >= 2 * self.readers:
                    raise self._busy()
                job = _Job(key, killer, request, limits, time.monotonic())
                self._flights[key] = job
                self._waiting.append(job)
                self._changed.notify_all()
            self._askers += 1
            return job

    def _busy(self) -> Problem:
        self.counts.busy += 1
        return Problem(
            503,
            "Too many queries are being evaluated just now. Ask again in a few seconds.",
            title="Too many queries at once",
            headers={"Retry-After": "5"},
        )

    def _refuse_killer(self, killer: str) -> None:
        until, reason = self._killers.get(killer, (0.0, ""))
        left = until - time.monotonic()
        if left > 0:
            self.counts.remembered += 1
            raise Problem(
                422,
                f"This query ended its last evaluation by its {reason} and is not tried again for {int(left) + 1} s. "
                "Make it smaller: add LIMIT, name the graph, or narrow the patterns.",
                title="Query refused for a while",
                headers={"Retry-After": str(int(left) + 1)},
            )

    def _wait(self, job: _Job, patience: float) -> None:
        arrived = time.monotonic()
        give_up = job.created + job.limits.seconds + 30.0  # Never reached while the slots live.
        with self._changed:
            while not job.done:
                now = time.monotonic()
                until = give_up if job.started else arrived + patience
                if self._closing or now >= until:
                    raise self._busy()
                self._changed.wait(until - now)

    # -- the slots' side ------------------------------------------------------------------------------------------

    def _slot(self) -> None:
        reader: Reader | None = None
        while True:
            job = self._take(reader)
            if self._closing:
                break
            if reader is not None and (not reader.alive() or (job is None and reader.store != self._store)):
                self._discard(reader)
                reader = None
            if reader is None:
                reader = self._new_reader(job)
            if job is not None and not job.done and reader is not None:
                reader = self._evaluate(reader, job)
            elif job is not None and not job.done:
                self._finish(job, problem=problem_of_death("start", job.limits.seconds, job.limits.memory_mb))
        if reader is not None:
            self._discard(reader)

    def _take(self, reader: Reader | None) -> _Job | None:
        """Return the next job, or None when the reader should be made or renewed first."""
        with self._changed:
            while not self._closing:
                while self._waiting:
                    job = self._waiting.popleft()
                    if job.askers > 0:
                        job.started = True
                        self._running += 1
                        self._changed.notify_all()
                        return job
                    self._flights.pop(job.key, None)
                if reader is None or reader.store != self._store:
                    return None
                self._changed.wait()
            return None

    def _new_reader(self, job: _Job | None) -> Reader | None:
        with self._changed:
            reader, self._spare = self._spare, None
            self._changed.notify_all()
        if reader is not None and reader.alive() and (job is not None or reader.store == self._store):
            return reader
        if reader is not None:
            self._discard(reader)
        try:
            return self._start()
        except ReaderDied:
            if job is None:
                self._pause()
            return None

    def _start(self) -> Reader:
        try:
            reader = Reader(self._store, (self.limits.memory_mb or 4096) << 20, _FILE_CEILING)
        except ReaderDied:
            with self._changed:
                self.counts.deaths["start"] += 1
            raise
        with self._changed:
            self.counts.started += 1
            self._live.add(reader)
            self.notices = tuple(reader.facts.get("notices", ()))
            closing = self._closing
        if closing:
            reader.interrupt()
        return reader

    def _pause(self) -> None:
        """Wait before the next try when no process can be started (no memory, no process slots)."""
        with self._changed:
            if not self._closing:
                self._changed.wait(1.0)

    def _discard(self, reader: Reader) -> None:
        reader.kill()
        with self._changed:
            self._live.discard(reader)

    def _keep_spare(self) -> None:
        while True:
            with self._changed:
                while not self._closing and self._spare is not None and self._spare.store == self._store:
                    self._changed.wait()
                stale, self._spare = self._spare, None
                closing = self._closing
            if stale is not None:
                self._discard(stale)
            if closing:
                return
            try:
                spare = self._start()
            except ReaderDied:
                self._pause()
                continue
            with self._changed:
                self._spare = spare

    def _evaluate(self, reader: Reader, job: _Job) -> Reader | None:
        """Evaluate the job and return the reader to go on with: None if it has to be replaced."""
        limits = job.limits
        memory = None if limits.memory_mb is None else limits.memory_mb << 20
        try:
            reply = reader.ask(job.request, job.created + limits.seconds, memory)
        except ReaderDied as death:
            self._discard(reader)
            with self._changed:
                self.counts.deaths[death.reason] += 1
                if not self._closing:
                    self._remember(job.killer, death.reason)
            self._finish(job, problem=problem_of_death(death.reason, limits.seconds, limits.memory_mb))
            return None
        if "error" in reply.facts:
            self._finish(job, problem=problem_of_reply(reply.facts, job.request["query"]))
        else:
            body = Body(reply.descriptor, reply.facts["size"]) if reply.descriptor >= 0 else None
            self._finish(job, reply=reply, body=body)
        if reader.asked >= _RENEW_AFTER or reader.resident() > _RENEW_ABOVE:
            self._discard(reader)
            return None
        return reader

    def _remember(self, killer: str, reason: str) -> None:
        words = {"time": "time limit", "memory": "memory limit", "crash": "crash"}
        self._killers[killer] = (time.monotonic() + REMEMBER_SECONDS, words[reason])
        self._killers.move_to_end(killer)
        while len(self._killers) > _REMEMBER_MOST:
            self._killers.popitem(last=False)

    def _finish(
        self, job: _Job, *, reply: Reply | None = None, body: Body | None = None, problem: Problem | None = None
    ) -> None:
        with self._changed:
            job.reply, job.body, job.problem, job.done = reply, body, problem, True
            self.counts.answered += problem is None
            self._running -= 1
            self._flights.pop(job.key, None)
            self._changed.notify_all()
