"""The slots of the pool: threads that own one reader process each, take waiting evaluations and settle them.

A slot's thread lives as long as the pool, because a reader dies with the thread that started it. Whatever happens to
a reader, its slot settles the evaluation, reaps the process and goes on with the spare or a new one.
"""

from __future__ import annotations

import itertools
import logging
import os
import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from server.admission import Queues
from server.errors import Problem
from server.reader import Reader, ReaderDied, Reply
from server.sparql_errors import busy, ended, problem_of_death, problem_of_reply

# How long the spare tries a query while every other reader is busy: enough for a lookup or a small join.
TRY_SECONDS = 0.5
DURATIONS = (0.005, 0.02, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 60.0)
"""Upper bounds, in seconds, of the classes that evaluations are counted in."""
_AT_ONCE = 0.2
_LOOK_AFTER = 1.0  # how long a reader that was killed from outside may stay unseen
_RENEW_AFTER = 2_000
_log = logging.getLogger("torg")
_RENEW_ABOVE = 256 << 20
_FILE_CEILING = 16 << 30


Ask = Callable[[Reader, dict[str, Any], float, int | None], Reply]


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


@dataclass(slots=True, eq=False)
class Job:
    """One evaluation and those who wait for it."""

    key: object
    killer: str
    request: dict[str, Any]
    seconds: float
    memory_mb: int | None
    light: bool
    created: float
    askers: int = 1
    started: bool = False
    landed: threading.Event = field(default_factory=threading.Event)
    reply: Reply | None = None
    body: Body | None = None
    problem: Problem | None = None
    retried: bool = False
    death: str = ""  # why its reader had to die: time, memory or crash
    ended: bool = False  # the operator does not let it go on
    number: int = field(default_factory=itertools.count(1).__next__)


@dataclass(slots=True)
class Counts:
    """What has happened since the pool started, for the operator."""

    asked: int = 0
    answered: int = 0
    shared: int = 0
    tried: int = 0
    busy: int = 0
    remembered: int = 0
    started: int = 0
    ended: int = 0
    deaths: dict[str, int] = field(default_factory=lambda: {"time": 0, "memory": 0, "crash": 0, "start": 0})
    seconds: float = 0.0  # of all evaluations together
    durations: list[int] = field(default_factory=lambda: [0] * (len(DURATIONS) + 1))


class Slots:
    """The reader processes and their threads; everything shared is guarded by `lock`.

    One evaluation wakes one thread: with one condition for all, each query woke every thread of the pool.
    """

    def __init__(
        self,
        store: str,
        readers: int,
        memory_mb: int,
        queues: Queues[Job],
        on_end: Callable[[Job], None],
        ask: Ask | None = None,
    ) -> None:
        """Start the threads; readers come up in the background. `on_end` is called under the lock.

        `ask` asks elsewhere, with a reader's help; a query is then not begun for a try, since it may not end there
        when we hang up.
        """
        self._ask = ask
        self.lock = threading.Lock()
        self._wanted, self._spare_wanted = threading.Condition(self.lock), threading.Condition(self.lock)
        self._closed = threading.Event()
        self.store, self.queues, self.counts = store, queues, Counts()
        self.notices: tuple[str, ...] = ()
        self._on_end = on_end
        self._address_bytes = memory_mb << 20
        self._spare: Reader | None = None
        self._running = self._idle = 0
        self._live: set[Reader] = set()
        self._at_work: dict[Job, Reader] = {}
        tasks = [self._slot] * readers + [self._spare_slot]
        self._threads = [threading.Thread(target=task, name=f"reader-{n}", daemon=True) for n, task in enumerate(tasks)]
        for thread in self._threads:
            thread.start()

    def load(self) -> dict[str, int]:
        """Return how many evaluations run and wait, and how many reader processes live."""
        with self.lock:
            return {"running": self._running, "waiting": len(self.queues), "readers": len(self._live)}

    def processes(self) -> list[int]:
        """Return the process ids of the living readers."""
        with self.lock:
            return sorted(reader.pid for reader in self._live)

    def at_work(self) -> list[tuple[Job, Reader]]:
        """Return what is being evaluated just now, and by whom."""
        with self.lock:
            return list(self._at_work.items())

    def end(self, job: Job) -> None:
        """End an evaluation that runs or waits; who asked for it is told that the operator did. Under the lock."""
        job.ended = True
        if reader := self._at_work.get(job):
            reader.interrupt()  # Its slot sees the death, settles the evaluation and takes another reader.
        elif not job.started:
            job.problem = ended()
            self.counts.ended += 1
            self._on_end(job)
            job.landed.set()

    def switch(self, store: str) -> None:
        """Read another store from now on."""
        with self.lock:
            self.store = store
            self._wake_all()

    def offer(self) -> None:
        """Wake who takes the evaluation that has just been queued; called under the lock."""
        (self._wanted if self._idle else self._spare_wanted).notify()

    def _wake_all(self) -> None:
        self._wanted.notify_all()
        self._spare_wanted.notify_all()

    @property
    def closing(self) -> bool:
        """Whether the pool is being closed."""
        return self._closed.is_set()

    def close(self) -> None:
        """Kill every reader and end the threads."""
        with self.lock:
            self._closed.set()
            living = list(self._live)
            self._wake_all()
        for reader in living:
            reader.interrupt()
        for thread in self._threads:
            thread.join(timeout=10)

    def _slot(self) -> None:
        reader: Reader | None = None
        while True:
            job = self._take(reader)
            if self.closing:
                break
            if reader is not None and (job is None or not reader.alive()):
                self._discard(reader)
                reader = None
            if reader is None:
                reader = self._new_reader(job)
            if job is not None and reader is not None:
                reader = self._evaluate(reader, job)
            elif job is not None:
                self._finish(job, problem=problem_of_death("start", job.seconds, job.memory_mb))
        if reader is not None:
            self._discard(reader)

    def _take(self, reader: Reader | None) -> Job | None:
        """Return the next job, or None when the reader should be made or renewed first."""
        with self.lock:
            while not self.closing:
                job = self.queues.take()
                if job is not None:
                    return self._begin(job)
                if reader is None or reader.store != self.store or not reader.alive():
                    return None
                self._idle += 1
                self._wanted.wait(_LOOK_AFTER)
                self._idle -= 1
            return None

    def _begin(self, job: Job) -> Job:
        job.started = True
        self._running += 1
        if len(self.queues):  # Two came for one idle reader.
            self.offer()
        return job

    def _new_reader(self, job: Job | None) -> Reader | None:
        with self.lock:
            reader, self._spare = self._spare, None
            self._spare_wanted.notify()
        if reader is not None and reader.alive() and (job is not None or reader.store == self.store):
            return reader
        if reader is not None:
            self._discard(reader)
        if job is None:
            return self._start_or_pause()
        try:
            return self._start()
        except ReaderDied:
            return None

    def _start(self) -> Reader:
        try:
            reader = Reader(self.store, self._address_bytes, _FILE_CEILING)
        except ReaderDied:
            with self.lock:
                self.counts.deaths["start"] += 1
            raise
        with self.lock:
            self.counts.started += 1
            self._live.add(reader)
            notices = tuple(reader.facts.get("notices", ()))
            if notices != self.notices:
                for notice in notices:
                    _log.warning("%s", notice)
            self.notices = notices
            closing = self.closing
        if closing:
            reader.interrupt()
        return reader

    def _pause(self) -> None:
        """Wait before the next try when no process can be started (no memory, no process slots)."""
        self._closed.wait(1.0)

    def _discard(self, reader: Reader) -> None:
        reader.kill()
        with self.lock:
            self._live.discard(reader)

    def _spare_slot(self) -> None:
        """Keep one reader ready for those that lose theirs; while all are busy, try new queries on it."""
        while True:
            stale = job = reader = None
            with self.lock:
                while not self.closing and self._spare is not None:
                    if self._spare.store != self.store or not self._spare.alive():
                        stale, self._spare = self._spare, None
                        break
                    job = self.queues.take_for_spare() if self._idle == 0 else None
                    if job is not None:
                        reader, self._spare = self._spare, None
                        self._begin(job)
                        break
                    self._spare_wanted.wait(_LOOK_AFTER)
                if self.closing and job is None:
                    stale, self._spare = self._spare, None
                closing = self.closing
            if stale is not None:
                self._discard(stale)
            if job is not None and reader is not None:
                reader = self._evaluate(reader, job, TRY_SECONDS)
            elif closing:
                return
            if reader is None:
                reader = self._start_or_pause()
            with self.lock:
                self._spare = reader

    def _start_or_pause(self) -> Reader | None:
        try:
            return self._start()
        except ReaderDied:
            self._pause()
            return None

    def _evaluate(self, reader: Reader, job: Job, try_seconds: float | None = None) -> Reader | None:
        """Evaluate the job and return the reader to go on with: None if it has to be replaced.

        A try that comes to its end puts the job back to wait for a reader of its own.
        """
        memory = None if job.memory_mb is None else job.memory_mb << 20
        until = deadline = job.created + job.seconds
        give_up, asked = None, time.monotonic()
        if try_seconds is not None:
            until = min(deadline, time.monotonic() + try_seconds)
            give_up = None if job.light else self.queues.light_waits
        with self.lock:
            self._at_work[job] = reader
            if job.ended:
                reader.interrupt()
        try:
            if self._ask is not None:
                reply = self._ask(reader, job.request, deadline, memory)
            else:
                reply = reader.ask(job.request, until, memory, give_up)
        except ReaderDied as death:
            with self.lock:
                self._at_work.pop(job, None)
            self._discard(reader)
            if job.ended:
                self._finish(job, problem=ended())
                return None
            now = time.monotonic()
            # A reader that is gone at once was most likely dying before it was asked; the query gets another.
            struck = death.reason == "crash" and now - asked < _AT_ONCE and not job.retried
            if (death.reason == "time" or struck) and now < deadline:
                job.retried = job.retried or struck
                self._put_back(job)
                return None
            with self.lock:
                self._time(now - asked)
                self.counts.deaths[death.reason] += 1
                job.death = "" if self.closing else death.reason
            self._finish(job, problem=problem_of_death(death.reason, job.seconds, job.memory_mb))
            return None
        with self.lock:
            self._at_work.pop(job, None)
            self._time(time.monotonic() - asked)
        if "error" in reply.facts:
            self._finish(job, problem=problem_of_reply(reply.facts, job.request["query"]))
        else:
            body = Body(reply.descriptor, reply.facts["size"]) if reply.descriptor >= 0 else None
            self._finish(job, reply=reply, body=body)
        if reader.asked >= _RENEW_AFTER or reader.resident() > _RENEW_ABOVE:
            self._discard(reader)
            return None
        return reader

    def _time(self, seconds: float) -> None:
        self.counts.seconds += seconds
        self.counts.durations[bisect_left(DURATIONS, seconds)] += 1

    def _put_back(self, job: Job) -> None:
        with self.lock:
            self.counts.tried += 1
            if job.askers > 0 and not job.ended and self.queues.put_back(job):
                job.started = False
                self._running -= 1
                self.offer()
                return
            self.counts.busy += not job.ended
        self._finish(job, problem=ended() if job.ended else busy())

    def _finish(
        self, job: Job, *, reply: Reply | None = None, body: Body | None = None, problem: Problem | None = None
    ) -> None:
        with self.lock:
            job.reply, job.body, job.problem = reply, body, problem
            self.counts.answered += problem is None
            self.counts.ended += job.ended and problem is not None
            self._running -= 1
            self._on_end(job)
        job.landed.set()
