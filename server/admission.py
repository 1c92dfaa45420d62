"""Who is evaluated next, and who is asked to come back later: bounded queues that let light queries past heavy ones.

Pure bookkeeping without locks or clocks; `server.readers` calls it under its own lock. A query is light when its
text says so (one pattern at most, nothing that multiplies). When every reader is busy, the spare tries each new
query for a moment; what is not done by then waits for a reader with the other heavy ones.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar


class Waiting(Protocol):
    """What the queues know of an evaluation."""

    askers: int
    light: bool
    ended: bool


Job = TypeVar("Job", bound=Waiting)


class Queues(Generic[Job]):
    """The evaluations that wait: light ones, new ones, and heavy ones that have been tried."""

    def __init__(self, readers: int, most_askers: int) -> None:
        self._most_waiting, self._most_light = 2 * readers, 8 * readers
        self._most_askers = most_askers
        # A quarter of the places is kept for light queries, so that a flood of heavy ones leaves them room.
        self._most_heavy_askers = max(1, most_askers * 3 // 4)
        self._light: deque[Job] = deque()
        self._new: deque[Job] = deque()
        self._tried: deque[Job] = deque()
        self._askers = 0

    def __len__(self) -> int:
        return len(self._light) + len(self._new) + len(self._tried)

    def admit(self, light: bool) -> bool:
        """Return whether one more asker may wait for an answer, and count it in if so."""
        if self._askers >= (self._most_askers if light else self._most_heavy_askers):
            return False
        self._askers += 1
        return True

    def leave(self) -> None:
        """Count an asker out."""
        self._askers -= 1

    def has_room(self, light: bool) -> bool:
        """Return whether one more evaluation may wait."""
        if light:
            return len(self._light) < self._most_light
        return len(self._new) + len(self._tried) < self._most_waiting

    def light_waits(self) -> bool:
        """Return whether a light evaluation waits; safe to ask without the pool's lock."""
        return bool(self._light)

    def add(self, job: Job) -> None:
        """Let an evaluation wait for its first try."""
        (self._light if job.light else self._new).append(job)

    def put_back(self, job: Job) -> bool:
        """Let an evaluation that the spare could not finish wait for a reader; False when there is no room."""
        if len(self._tried) >= self._most_waiting:
            return False
        self._tried.append(job)
        return True

    def take(self) -> Job | None:
        """Return what a reader evaluates next: light before tried before new; nobody waits for what is skipped."""
        return next(self._wanted(self._light, self._tried, self._new), None)

    def take_for_spare(self) -> Job | None:
        """Return what the spare tries next, light ones first."""
        return next(self._wanted(self._light, self._new), None)

    def _wanted(self, *queues: deque[Job]) -> Iterator[Job]:
        for queue in queues:
            while queue:
                job = queue.popleft()
                if job.askers > 0 and not job.ended:
                    yield job
