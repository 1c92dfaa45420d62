"""Commands that write, killed at random moments: nothing is lost (`python -m tests.faults.kills --kills 1000`)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.skipif("TORG_KILLS" not in os.environ, reason="a drill of ten minutes; TORG_KILLS=1 runs it")
@pytest.mark.parametrize("seed", [11, 12, 13, 14])
def test_fifty_kills_lose_nothing(seed: int) -> None:
    """Four times fifty, so that they run beside each other."""
    command = [sys.executable, "-m", "tests.faults.kills", "--kills", "50", "--seed", str(seed), "--seconds", "1500"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=1_800)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "50 kills" in done.stdout and "nothing lost" in done.stdout
