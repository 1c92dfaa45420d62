"""Commands that write, killed at random moments: nothing is lost (`python -m tests.faults.kills --kills 1000`)."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_KILLS = 35


# What is lost once is lost: it is not tried a second time, since a kill that comes after a time cannot be repeated.
@pytest.mark.slow
@pytest.mark.flaky(reruns=0)
@pytest.mark.parametrize("seed", [11, 12, 13, 14, 15, "of this run"])
def test_many_kills_lose_nothing(seed: int | str) -> None:
    """Six towns, so that they run beside each other: five are the same in every run, and one has never been."""
    chosen = seed if isinstance(seed, int) else random.SystemRandom().randrange(1_000_000)
    command = [sys.executable, "-m", "tests.faults.kills", "--kills", str(_KILLS), "--seed", str(chosen)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    # What was said of commands that failed by themselves is in the errors' stream; the last of it tells most.
    assert done.returncode == 0, f"seed {chosen}: {done.stdout}{done.stderr[-4_000:]}"
    assert f"{_KILLS} kills" in done.stdout and "nothing lost" in done.stdout
