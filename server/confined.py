"""Runs a module in a child that is killed at its deadline: documents of others are parsed nowhere else."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO


class Child:
    """A running child: the lines it writes, then how it ended."""

    def __init__(self, process: subprocess.Popen[str], complaints: IO[str]) -> None:
        assert process.stdout is not None
        self.lines: Iterator[str] = process.stdout
        self._process, self._complaints = process, complaints

    def wait(self) -> int:
        """Return its exit status, negative when it was killed, once its lines are read."""
        return self._process.wait()

    def complaint(self) -> str:
        """Return what it wrote to stderr."""
        self._complaints.seek(0)
        return self._complaints.read().strip()


@contextmanager
def confined(module: str, arguments: Sequence[str], seconds: float) -> Iterator[Child]:
    """Run a module for at most so many seconds; it does not outlive the block."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", module, *arguments]
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8") as complaints,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=complaints, encoding="utf-8", env=environment
        ) as process,
    ):
        limit = threading.Timer(seconds, process.kill)
        limit.start()
        try:
            yield Child(process, complaints)
        finally:
            limit.cancel()
            process.kill()
