"""What the soak calls grown, and what it does not."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

from tests.faults.measures import MIB, Measure, allowed, course, risen, take

WARM = Measure(web=150 * MIB, readers=40 * MIB, descriptors=140, threads=60, processes=5, zombies=0)


def test_what_may_drift_and_what_is_growth() -> None:
    assert WARM.grown(WARM) == []
    assert replace(WARM, web=allowed(WARM.web)).grown(WARM) == []
    assert replace(WARM, web=allowed(WARM.web) + MIB).grown(WARM) == ["the web process grew from 150 MiB to 182 MiB"]
    worse = replace(WARM, readers=400 * MIB, descriptors=300, threads=99, processes=9, zombies=1)
    assert [sentence.split()[0] for sentence in worse.grown(WARM)] == [
        "readers", "descriptors", "threads", "processes", "1",
    ]  # fmt: skip


def test_a_leak_rises_and_noise_does_not() -> None:
    steady = [(150 + step % 7) * MIB for step in range(300)]
    assert risen(steady) == ""
    assert risen([*steady[:280], *[400 * MIB] * 20]) == ""  # a moment's work
    assert risen([step * MIB for step in range(300)]) == "memory rose in the second half from 174 MiB to 274 MiB"
    assert risen([(step if step < 150 else 150) * MIB for step in range(300)]) == ""  # a cache that is full now
    assert risen([]) == risen([MIB]) == ""
    assert course([MIB] * 6 + [3 * MIB] * 6, parts=4) == "1 1 3 3"
    assert course([]) == ""


def test_a_reader_is_told_from_a_web_process() -> None:
    fill = "x = b'x' * (40 << 20); print(flush=True); input()"
    for flags in (["-I", "-S"], ["-S"]):
        child = subprocess.Popen([sys.executable, *flags, "-c", fill], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            assert child.stdout is not None
            child.stdout.readline()
            found = take(child.pid)
            large, none = (found.readers, found.web) if "-I" in flags else (found.web, found.readers)
            assert large > 40 * MIB and none == 0
            assert (found.processes, found.threads, found.zombies) == (1, 1, 0) and found.descriptors >= 3
        finally:
            child.communicate(b"\n")
        assert take(child.pid).processes == 0
    assert take(os.getpid()).web > 10 * MIB
