"""Commands that write, killed at random moments: nothing is lost (`python -m tests.faults.kills --kills 1000`)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
REPORTS = ROOT / "build/kills"
_KILLS = 35


@pytest.mark.slow
@pytest.mark.parametrize("seed", [11, 12, 13, 14, 15, 16])
def test_many_kills_lose_nothing(seed: int) -> None:
    """Six towns, so that they run beside each other; half of the kills come after a time, and are new in each run.

    A kill that came after a time cannot be repeated, so what failed is kept in `build/kills` whatever follows.
    """
    command = [sys.executable, "-m", "tests.faults.kills", "--kills", str(_KILLS), "--seed", str(seed)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        REPORTS.mkdir(parents=True, exist_ok=True)
        with (REPORTS / f"{seed}.txt").open("a", encoding="utf-8") as report:
            # What was said of commands that failed by themselves is in the errors' stream; the last of it tells most.
            report.write(f"seed {seed}: {done.stdout}{done.stderr[-4_000:]}\n")
    assert done.returncode == 0, f"seed {seed}: {done.stdout}{done.stderr[-4_000:]}"
    assert f"{_KILLS} kills" in done.stdout and "nothing lost" in done.stdout
