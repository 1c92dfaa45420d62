"""The pool of readers: bounded, never empty, one evaluation for identical questions, and no query outlives its limit.

Each slot is a thread that owns one reader process; one more reader stands by as a spare. Askers only wait: an
evaluation belongs to its slot, so it survives the asker who came first. `Problem` is all that an asker sees of a
reader's death.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from server.admission import Queues
from server.errors import Problem
from server.reader import Reply
from server.reader_slots import Ask, Body, Counts, Job, Slots
from server.results import GRAPH_FORMATS, SELECT_FORMATS
from server.sparql_errors import busy
from server.sparql_scan import Scan, ScanLimits, scan

REMEMBER_SECONDS = 600.0
CHECK_SECONDS = 2.0
_REMEMBER_MOST = 4_096
_LOOK_SECONDS = 0.5  # how soon an asker sees that its evaluation was put back to wait
_DEATHS = {"time": "time limit", "memory": "memory limit", "crash": "crash"}
_DEATHS_SV = {"time limit": "vid tidsgränsen", "memory limit": "vid minnesgränsen", "crash": "av en krasch"}


@dataclass(frozen=True, slots=True)
class Limits:
    """What one query may use; None lifts a limit."""

    seconds: float = 20.0
    memory_mb: int | None = 1024
    rows: int | None = 100_000
    bytes: int | None = 50_000_000
    merge_triples: int = 200_000
    wait_seconds: float = 5.0


@dataclass(frozen=True, slots=True)
class Result:
    """A whole answer: `body` holds the bytes, or is None and `file` yields them."""

    media_type: str
    body: bytes | None
    file: Body | None
    size: int
    digest: str
    rows: int | None  # None when no limit made it count
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


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One evaluation as the operator sees it: for how long it is there, who waits for it, what it holds."""

    id: int
    state: str
    seconds: float
    askers: int
    memory_bytes: int
    query: str


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
        ask: Ask | None = None,
    ) -> None:
        """Start the slots and the keeper of the spare; readers come up in the background.

        `ask` is given where another store than the embedded one answers (`server.remote_store_queries`).
        """
        self.limits, self.scan_limits = limits or Limits(), scan_limits or ScanLimits()
        self.readers = readers or len(os.sched_getaffinity(0))
        self.prefixes = dict(prefixes or {})
        self._spool = spool or tempfile.gettempdir()
        self._flights: dict[object, Job] = {}
        self._killers: OrderedDict[str, tuple[float, str]] = OrderedDict()
        queues: Queues[Job] = Queues(self.readers, most_askers)
        memory_mb = self.limits.memory_mb or 4096
        self._slots = Slots(os.path.abspath(store), self.readers, memory_mb, queues, self._settled, ask)
        self._queues, self._lock = queues, self._slots.lock

    def __enter__(self) -> ReaderPool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def store(self) -> str:
        """The path of the store that queries are evaluated over now."""
        return self._slots.store

    @property
    def counts(self) -> Counts:
        """What has happened since the pool started."""
        return self._slots.counts

    @property
    def notices(self) -> tuple[str, ...]:
        """What could not be taken away from readers on this machine, as sentences for the operator."""
        return self._slots.notices

    def load(self) -> dict[str, int]:
        """Return how many queries run and wait, and how many reader processes live."""
        return self._slots.load()

    def processes(self) -> list[int]:
        """Return the process ids of the living readers."""
        return self._slots.processes()

    def evaluations(self) -> list[Evaluation]:
        """Return what is evaluated or waits just now, the oldest first."""
        working = dict(self._slots.at_work())
        with self._lock:
            jobs = {job.number: job for job in (*self._flights.values(), *working)}
        now = time.monotonic()
        return [
            Evaluation(
                id=number,
                state="running" if job in working else "waiting",
                seconds=round(now - job.created, 3),
                askers=job.askers,
                memory_bytes=working[job].resident() if job in working else 0,
                query=job.request["query"],
            )
            for number, job in sorted(jobs.items())
        ]

    def end(self, id: int) -> bool:
        """End an evaluation by its number; return whether there was one. Who asked gets 503 and may ask again."""
        working = dict(self._slots.at_work())
        with self._lock:
            job = next((job for job in (*working, *self._flights.values()) if job.number == id), None)
            if job is None or job.landed.is_set():
                return False
            self._slots.end(job)
            return True

    def switch(self, store: str | os.PathLike[str]) -> None:
        """Evaluate over another store from the next query on; running ones end on the old."""
        self._slots.switch(os.path.abspath(store))

    def close(self) -> None:
        """Kill every reader, refuse who waits and end the threads."""
        self._slots.close()

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
            raise Problem(
                403,
                "This endpoint answers queries; updates are not taken.",
                sv="Här besvaras frågor; uppdateringar tas inte emot.",
                title="Read-only",
            )
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
            with self._lock:
                job.askers -= 1
                self._queues.leave()
                if job.askers == 0 and not job.started:
                    self._flights.pop(job.key, None)
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
            raise Problem(
                406,
                f"{scanned.form} is answered as one of: {', '.join(formats)}.",
                sv=f"{scanned.form} besvaras som något av: {', '.join(formats)}.",
            )
        if not default_graphs and not named_graphs:
            default_graphs, named_graphs = scanned.default_graphs, scanned.named_graphs
        return {
            "query": text,
            "star": scanned.star,
            "variables": scanned.variables,
            "format": formats[media_type],
            "default_graphs": list(dict.fromkeys(default_graphs)),
            "named_graphs": list(dict.fromkeys(named_graphs)),
            "max_rows": limits.rows,
            "max_bytes": limits.bytes,
            "merge_triples": limits.merge_triples,
            "prefixes": self._shown_prefixes(scanned) if scanned.is_graph else {},
            "store": os.path.abspath(store) if store is not None else self.store,
            "spool": self._spool,
            "check": False,
        }

    def _shown_prefixes(self, scanned: Scan) -> dict[str, str]:
        """Return our prefixes and the query's own, as far as every RDF format can declare them."""
        both = {**self.prefixes, **scanned.prefixes}
        return {name: iri for name, iri in both.items() if ":" in iri and name and not name.lower().startswith("xml")}

    def _join(self, request: dict[str, Any], scanned: Scan, limits: Limits) -> Job:
        """Return the flight that answers this request: one under way, or a new one in the queue; raises Problem."""
        graphs = (*request["default_graphs"], "", *request["named_graphs"])
        used = replace(limits, wait_seconds=0.0)  # How patient an asker is does not change the answer.
        key: object = (request["query"], request["format"], graphs, used, request["store"], request["check"])
        if not scanned.deterministic:
            key = object()
        killer = hashlib.sha256(repr((request["query"], graphs, limits.seconds, limits.memory_mb)).encode()).hexdigest()
        with self._lock:
            self.counts.asked += 1
            self._refuse_killer(killer)
            if not self._queues.admit(scanned.light):
                raise self._busy()
            job = self._flights.get(key)
            if job is not None:
                job.askers += 1
                self.counts.shared += 1
            elif self._queues.has_room(scanned.light):
                job = Job(key, killer, request, limits.seconds, limits.memory_mb, scanned.light, time.monotonic())
                self._flights[key] = job
                self._queues.add(job)
                self._slots.offer()
            else:
                self._queues.leave()
                raise self._busy()
            return job

    def _busy(self) -> Problem:
        self.counts.busy += 1
        return busy()

    def _refuse_killer(self, killer: str) -> None:
        until, reason = self._killers.get(killer, (0.0, ""))
        left = until - time.monotonic()
        if left > 0:
            self.counts.remembered += 1
            raise Problem(
                422,
                f"This query ended its last evaluation by its {reason} and is not tried again for {int(left) + 1} s. "
                "Make it smaller: add LIMIT, name the graph, or narrow the patterns.",
                sv=(
                    f"Frågan avbröts senast {_DEATHS_SV.get(reason, reason)} och prövas inte igen "
                    f"på {int(left) + 1} s. Gör den mindre: lägg till LIMIT, namnge grafen eller snäva in mönstren."
                ),
                title="Query refused for a while",
                headers={"Retry-After": str(int(left) + 1)},
            )

    def _wait(self, job: Job, patience: float) -> None:
        """Wait until the evaluation has landed; raises Problem when it is not begun within the asker's patience."""
        arrived = time.monotonic()
        give_up = job.created + job.seconds + 30.0  # Never reached while the slots live.
        slice = patience
        while not job.landed.wait(slice):
            now = time.monotonic()
            until = give_up if job.started else arrived + patience
            if self._slots.closing or now >= until:
                raise self._busy()
            slice = min(_LOOK_SECONDS, until - now)

    def _settled(self, job: Job) -> None:
        """Forget a flight that has landed, and remember what killed its reader."""
        self._flights.pop(job.key, None)
        if job.death:
            self._killers[job.killer] = (time.monotonic() + REMEMBER_SECONDS, _DEATHS[job.death])
            self._killers.move_to_end(job.killer)
            while len(self._killers) > _REMEMBER_MOST:
                self._killers.popitem(last=False)
