"""Runs a command in a process that is killed somewhere: before one of its changes to files, or after a time."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from typing import Any

from tests.faults.town import Operation, Town

_FORK = multiprocessing.get_context("fork")
_CHANGES = {
    "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.chmod", "os.truncate", "sqlite3.connect",
    "shutil.copyfile", "shutil.rmtree", "fcntl.flock",
}  # fmt: skip
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
# A little more than is usual, so that now and then a command ends, and tells what is usual.
_BEYOND = 1.05

Usual = dict[str, tuple[int, float]]
"""How many changes to files each kind of command makes, and how many seconds it takes."""


def changes_files(event: str, arguments: tuple[Any, ...]) -> bool:
    """Return whether an audit event announces a change to files."""
    if event == "open":
        flags = arguments[2]
        return isinstance(flags, int) and bool(flags & _WRITING)
    return event in _CHANGES


def killed(town: Town, operation: Operation, usual: Usual, most_seconds: float) -> str:
    """Run an operation in a process that is killed somewhere and return where; "" when it had ended before.

    Raises RuntimeError when it does not end, or ends by itself but badly.
    """
    steps, seconds = usual.get(operation.kind, (150, 1.0))
    by_step, part = town.chance.random() < 0.5, town.chance.random() * _BEYOND
    at, delay = (1 + int(part * steps) if by_step else 0), part * seconds
    here, there = _FORK.Pipe(duplex=False)

    def run() -> None:
        count, started = 0, time.monotonic()

        def count_changes(event: str, arguments: tuple[Any, ...]) -> None:
            nonlocal count
            if changes_files(event, arguments):
                count += 1
                if count == at:
                    there.send(f"killed before change {at} of about {steps}: {event} {arguments[:1]}")
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count_changes)
        there.send("started")
        operation.run(town)
        there.send((count, time.monotonic() - started))

    process = _FORK.Process(target=run)
    process.start()
    there.close()
    told = [here.recv()] if here.poll(most_seconds) else []
    if not by_step:
        time.sleep(delay)
        process.kill()
        told.append(f"killed after {delay:.2f} s of about {seconds:.2f}")
    process.join(most_seconds)
    # Its end is waited for, not that of the pipe, of which a process that it has started may hold a copy.
    while here.poll():
        try:
            told.append(here.recv())
        except EOFError:
            break
    here.close()
    if process.exitcode not in (0, -signal.SIGKILL):
        process.kill()
        raise RuntimeError(f"{operation.kind} ended with {process.exitcode}")
    if process.exitcode == 0 and isinstance(told[-1], tuple):
        usual[operation.kind] = told[-1]
    return "" if process.exitcode == 0 else str(next(say for say in told if str(say).startswith("killed")))
