"""Kills commands that write, at random moments, and looks after each whether anything was lost: `--kills 1000`.

A run repeats itself with its seed as far as threads let it: half of the kills come at the n-th file operation of the
command, the others after a time, in the middle of whatever the store or SQLite does then.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from tests.faults.checks import Camera, Photograph, consistent, left_over, remembered, served_badly
from tests.faults.town import Operation, Town, choose

# Whoever forks must have one thread and no open store; so this process opens none, and each task has its own.
_FORK = multiprocessing.get_context("fork")
_FILES = {
    "open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.chmod", "sqlite3.connect",
    "shutil.copyfile", "shutil.rmtree", "os.truncate", "fcntl.flock",
}  # fmt: skip
_MOST_SECONDS = 120.0
_SLOWEST_START = 30.0  # seconds; 5 are promised, of a machine that does nothing else


class Failure(Exception):
    """Something was lost, or a task did not end."""


def task(work: Callable[[], Any]) -> Any:
    """Return what a piece of work gives in a process of its own; raise Failure when it does not end or fails."""
    here, there = _FORK.Pipe(duplex=False)

    def run() -> None:
        try:
            there.send((True, work()))
        except BaseException as error:
            there.send((False, f"{type(error).__name__}: {error}"))

    process = _FORK.Process(target=run)
    process.start()
    there.close()
    try:
        done, result = here.recv() if here.poll(_MOST_SECONDS) else (False, "did not end")
    except EOFError:
        done, result = False, f"died: {process.exitcode}"
    process.join(5)
    if process.is_alive():
        process.kill()
    process.join()
    here.close()
    if not done:
        raise Failure(str(result))
    return result


class Server:
    """A server in a process of its own, which lives through the kills."""

    def __init__(self, town: Town) -> None:
        self._pipe, there = _FORK.Pipe()
        self._process = _FORK.Process(target=_photographer, args=(town, there, self._pipe))
        started = time.monotonic()
        self._process.start()
        there.close()
        self.take()
        self.seconds = time.monotonic() - started

    def take(self, queries: bool = False) -> tuple[str, Photograph]:
        """Return the generation that is served and its answers."""
        self._pipe.send(queries)
        if not self._pipe.poll(_MOST_SECONDS):
            raise Failure("the server does not answer")
        try:
            found: tuple[str, Photograph] = self._pipe.recv()
        except EOFError:
            raise Failure("the server died") from None
        return found

    def close(self) -> None:
        """End it."""
        self._pipe.close()
        self._process.join(5)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


def _photographer(town: Town, pipe: Connection, other: Connection) -> None:
    other.close()
    camera = Camera(town)
    try:
        while True:
            pipe.send(camera.take(pipe.recv()))
    except EOFError:
        os._exit(0)  # its readers end with it


def killed(town: Town, operation: Operation, usual: dict[str, tuple[int, float]]) -> bool:
    """Run an operation in a process that is killed somewhere; return False when it had ended before."""
    steps, seconds = usual.get(operation.kind, (480, 1.0))
    by_step = town.chance.random() < 0.5
    at = town.chance.randint(1, steps) if by_step else 0
    delay = town.chance.uniform(0, seconds)
    here, there = _FORK.Pipe(duplex=False)

    def run() -> None:
        count, started = 0, time.monotonic()

        def count_files(event: str, _: object) -> None:
            nonlocal count
            if event in _FILES:
                count += 1
                if count == at:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count_files)
        there.send(None)
        operation.run(town)
        there.send((count, time.monotonic() - started))

    process = _FORK.Process(target=run)
    process.start()
    there.close()
    try:
        here.recv()
        if not by_step:
            time.sleep(delay)
            process.kill()
        if here.poll(_MOST_SECONDS):
            usual[operation.kind] = here.recv()
    except EOFError:
        pass
    process.join(_MOST_SECONDS)
    if process.exitcode not in (0, -signal.SIGKILL):
        raise Failure(f"ended with {process.exitcode}")
    return process.exitcode != 0


class Run:
    """Kills until there were enough; every kill is looked after."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder, self._seed, self._chance = folder, seed, random.Random(seed)
        self._usual: dict[str, tuple[int, float]] = {}
        self.kinds: Counter[str] = Counter()
        self.slowest = 0.0
        self._towns = 0
        self._begin()

    def _begin(self) -> None:
        self._towns += 1
        self.town = Town(self._folder / f"town{self._towns}", self._chance)
        self.server = Server(self.town)

    def again(self) -> None:
        """Start the server anew, as after an accident, or with a new base."""
        self.server.close()
        self.server = Server(self.town)
        self.slowest = max(self.slowest, self.server.seconds)

    def step(self) -> None:
        """Kill one command, and look at everything."""
        before, photograph = self.server.take()
        operation = choose(self.town)
        said = f"seed {self._seed}, kill {self.kinds.total() + 1}, {operation.kind} {operation.target or ''}"
        try:
            if killed(self.town, operation, self._usual):
                self.kinds[operation.kind] += 1
                self._after_kill(operation, before, photograph)
            self._recover(operation)
        except Failure as failure:
            raise Failure(f"{said}: {failure}") from failure

    def _after_kill(self, operation: Operation, before: str, photograph: Photograph) -> None:
        """The server that runs, and now and then one that starts, serves the old generation, or the new one, whole."""
        for restarted in (False, True)[: 1 + (self._chance.random() < 0.2)]:
            if restarted and operation.kind != "rebase":
                self.again()
            name, found = self.server.take()
            if name == before:
                # Pages that tell the past tell nothing of a generation from the moment its purge begins.
                forgets = operation.kind == "purge generation"
                past = ("/?lang=sv", "/res/dataset/asen/skolor?lang=sv") if forgets else ()
                changed = {
                    path: (photograph[path][0], status)
                    for path, (status, hashed) in found.items()
                    if (status, hashed) != photograph[path] and path not in past
                }
                # What is said of a thing that is gone is of the past too.
                changed = {path: both for path, both in changed.items() if not forgets or both != (410, 410)}
                if changed:
                    raise Failure(f"answers changed though generation {name} is served: {changed}")
            elif name and (bad := served_badly(found)):
                raise Failure(f"generation {name} is served badly: {bad}")
        if self.slowest > _SLOWEST_START:
            raise Failure(f"a server took {self.slowest:.1f} s to start")

    def _recover(self, operation: Operation) -> None:
        """The same command finishes what was begun; the next publication works, and all is consistent."""
        town = self.town
        again = operation.kind in ("publish", "rebase")
        # What a purge has begun is finished by whoever writes next; what it has not begun is asked for again.
        if operation.kind == "purge":
            first = town.now()
            task(lambda: Operation("publish", 0, first).run(town))
            again = operation.target in task(town.ever)
            town.purged.add(operation.target)
        if again:
            task(lambda: operation.run(town))
        if operation.kind == "rebase":
            self.server.close()
        if operation.kind in ("rebase", "restore", "purge", "purge generation"):
            town.change()
            now = town.now()
            task(lambda: Operation("publish", 0, now).run(town))
        if operation.kind == "rebase":
            self.again()
        name, found = self.server.take(queries=self._chance.random() < 0.1)
        wrong = task(lambda: consistent(town) + left_over(town)) + served_badly(found)
        if operation.kind == "purge":
            wrong += task(lambda: remembered(town, operation.target))
        if name != town.data.current_name():
            wrong.append(f"generation {name} is served, not {town.data.current_name()}")
        if wrong:
            raise Failure("; ".join(wrong[:10]))
        if self._chance.random() < 0.04:  # A first publication is killed now and then, too.
            self.close()
            self._begin()

    def close(self) -> None:
        """End the server and remove the town."""
        self.server.close()
        for place, _, _ in os.walk(self.town.folder):
            os.chmod(place, 0o755)
        shutil.rmtree(self.town.folder)


def main() -> None:
    """Kill as often as the command says and tell what was killed; exit 1 when anything was lost."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--seconds", type=float, default=7_200, help="stop with an error after so long")
    asked = parser.parse_args()
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="torg-kills-", ignore_cleanup_errors=True) as folder:
        run = Run(Path(folder), asked.seed)
        try:
            while run.kinds.total() < asked.kills:
                if time.monotonic() - started > asked.seconds:
                    raise Failure(f"only {run.kinds.total()} kills in {asked.seconds:.0f} s")
                run.step()
        except Failure as failure:
            print(f"Lost something. {failure}")
            sys.exit(1)
        finally:
            run.close()
    kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(run.kinds.items()))
    seconds = time.monotonic() - started
    print(f"{run.kinds.total()} kills in {seconds:.0f} s, nothing lost (seed {asked.seed}; {kinds}; "
          f"slowest start {run.slowest:.1f} s)")  # fmt: skip


if __name__ == "__main__":
    main()
