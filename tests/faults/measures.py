"""What a server takes of the machine, measured from outside, and whether that is more than it was."""

from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median

MIB = 1 << 20
SHARE = 0.05
"""How much the memory of a warm web process may drift, beside `MORE`."""
MORE = 24 * MIB
"""How much more it may hold, whatever it held: what is free in it and lies scattered."""
_MORE_OF_READERS = 256 * MIB  # they come and go, and each may keep what its last query took
_MORE_DESCRIPTORS, _MORE_THREADS, _MORE_PROCESSES = 64, 12, 2


@dataclass(frozen=True)
class Measure:
    """Memory in bytes, of the web process and of all readers, and what all processes have open.

    Memory is what a process has written (RssAnon): pages of files count as the system's cache, which takes them back.
    """

    web: int
    readers: int
    descriptors: int
    threads: int
    processes: int
    zombies: int

    def grown(self, before: Measure) -> list[str]:
        """Return what is more than it was, beyond what is allowed."""
        wrong = []
        if self.web > allowed(before.web):
            wrong.append(f"the web process grew from {_mib(before.web)} to {_mib(self.web)}")
        if self.readers > before.readers + _MORE_OF_READERS:
            wrong.append(f"readers grew from {_mib(before.readers)} to {_mib(self.readers)}")
        if self.descriptors > before.descriptors + _MORE_DESCRIPTORS:
            wrong.append(f"descriptors grew from {before.descriptors} to {self.descriptors}")
        if self.threads > before.threads + _MORE_THREADS:
            wrong.append(f"threads grew from {before.threads} to {self.threads}")
        if self.processes > before.processes + _MORE_PROCESSES:
            wrong.append(f"processes grew from {before.processes} to {self.processes}")
        return wrong + ([f"{self.zombies} zombies"] if self.zombies else [])

    def __str__(self) -> str:
        return (
            f"web process {_mib(self.web)}, readers {_mib(self.readers)}, {self.descriptors} descriptors, "
            f"{self.threads} threads, {self.processes} processes"
        )


def allowed(before: int) -> int:
    """Return the most memory that a web process may take which took so much when it was warm."""
    return int(before * (1 + SHARE)) + MORE


def risen(samples: list[int]) -> str:
    """Return how memory rose in the second half of a run, "" when it did not; samples are taken at equal pauses.

    The medians of the half's first and last third are compared: single samples hold what is in work just then.

    >>> risen([MIB] * 30)
    ''
    >>> risen([100 * MIB] * 15 + [(100 + 4 * step) * MIB for step in range(15)])
    'memory rose in the second half from 108 MiB to 148 MiB'
    """
    half = samples[len(samples) // 2 :]
    third = len(half) // 3
    if not third:
        return ""
    first, last = int(median(half[:third])), int(median(half[-third:]))
    if last <= allowed(first):
        return ""
    return f"memory rose in the second half from {_mib(first)} to {_mib(last)}"


def course(samples: list[int], parts: int = 12) -> str:
    """Return the course of samples in a few numbers, MiB: the median of each part."""
    marks = [round(len(samples) * part / parts) for part in range(parts + 1)]
    return " ".join(str(int(median(samples[start:end])) // MIB) for start, end in pairwise(marks) if start < end)


def take(pid: int) -> Measure:
    """Measure a process and all its descendants; the reader processes are told by how they are started."""
    web = readers = descriptors = threads = processes = zombies = 0
    unseen = [pid]
    while unseen:
        place = Path(f"/proc/{unseen.pop()}")
        try:
            status = dict(line.split(":", 1) for line in (place / "status").read_text().splitlines() if ":" in line)
            if status["State"].split()[0] == "Z":
                zombies += 1
                continue
            memory = int(status.get("RssAnon", "0 kB").split()[0]) * 1_024
            if b"\0-I\0-S\0" in (place / "cmdline").read_bytes():
                readers += memory
            else:
                web = max(web, memory)
            threads += int(status["Threads"])
            descriptors += len(os.listdir(place / "fd"))
            processes += 1
            for task in (place / "task").glob("*/children"):
                unseen += [int(child) for child in task.read_text().split()]
        except OSError:
            continue  # it ended while it was looked at
    return Measure(web, readers, descriptors, threads, processes, zombies)


def _mib(size: int) -> str:
    return f"{size // MIB} MiB"
