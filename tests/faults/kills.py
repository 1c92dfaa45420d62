"""Kills commands that write, at random moments, and looks after each whether anything was lost: `--kills 1000`.

A run repeats itself with its seed as far as threads let it: half of the kills come right before the n-th change that
the command makes to its files, the others after a time, in the middle of whatever the store or SQLite does then.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from tests.faults.checks import Album, Camera, Photograph, remains, served_badly, wrong_in
from tests.faults.killing import Usual, killed
from tests.faults.town import KEPT, Operation, Town, choose

# Whoever forks must have one thread and no open store; so this process opens none, and each task has its own.
_FORK = multiprocessing.get_context("fork")
# What nothing but a fault can need, on a machine that is busy with other things too.
_MOST_SECONDS = 600.0
_SLOWEST_START = 120.0  # seconds; 5 are promised, of a machine that does nothing else


class Failure(Exception):
    """Something was lost, or a task did not end."""


def task(work: Callable[[], Any]) -> Any:
    """Return what a piece of work gives in a process of its own; raise Failure when it does not end or fails."""
    here, there = _FORK.Pipe(duplex=False)

    def run() -> None:
        try:
            there.send((True, work()))
        except BaseException:
            there.send((False, traceback.format_exc()))

    process = _FORK.Process(target=run)
    process.start()
    there.close()
    # Its end is looked for too: a process that it has started may hold a copy of the pipe.
    ready = wait([here, process.sentinel], _MOST_SECONDS)
    try:
        done, result = here.recv() if here.poll() else (False, "died" if ready else "did not end")
    except EOFError:
        done, result = False, "died"
    end(process)
    here.close()
    if not done:
        raise Failure(f"{result} (exit {process.exitcode})")
    return result


def end(process: Any) -> None:
    """Wait for a process that has nothing left to do."""
    process.join(60)
    if process.is_alive():
        process.kill()
    process.join()


class Server:
    """A server in a process of its own, which lives through the kills."""

    def __init__(self, town: Town) -> None:
        self._pipe, there = _FORK.Pipe()
        self._process = _FORK.Process(target=_photographer, args=(town, there, self._pipe))
        started = time.monotonic()
        self._process.start()
        there.close()
        self.first = self.take()
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
        end(self._process)


def _photographer(town: Town, pipe: Connection, other: Connection) -> None:
    other.close()
    camera = Camera(town)
    try:
        while True:
            pipe.send(camera.take(pipe.recv()))
    except EOFError:
        os._exit(0)  # its readers end with it


class Run:
    """Kills until there were enough; every kill is looked after."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder, self._seed, self._chance = folder, seed, random.Random(seed)
        self._usual: Usual = {}
        self.kinds: Counter[str] = Counter()
        self.slowest = 0.0
        self._towns = self._steps = 0
        self._begin()

    def _begin(self) -> None:
        self._towns += 1
        self._album = Album()
        self.town = Town(self._folder / f"town{self._towns}", self._chance)
        self.server = Server(self.town)

    def again(self) -> tuple[str, Photograph]:
        """Start the server anew, as after an accident or with a new base, and return what it answers."""
        self.server.close()
        self.server = Server(self.town)
        self.slowest = max(self.slowest, self.server.seconds)
        if self.slowest > _SLOWEST_START:
            raise Failure(f"a server took {self.slowest:.1f} s to start")
        return self.server.first

    def step(self) -> None:
        """Kill one command, and look at everything."""
        self._steps += 1
        # Each step has chances of its own, so that one that went otherwise, by a thread, changes no later one's.
        self._chance.seed(f"{self._seed}/{self._steps}")
        said = f"seed {self._seed}, kill {self.kinds.total() + 1}"
        try:
            self._compare(self.server.take(), "")
            before = self.town.data.numbers()
            operation = choose(self.town)
            said += f", {operation.kind} {operation.target or ''}".rstrip()
            told = task(lambda: operation.forgets(self.town))
            where = killed(self.town, operation, self._usual, _MOST_SECONDS)
            said += f", {where or 'not killed'}"
            if where:
                self.kinds[operation.kind] += 1
                self._after_kill(operation)
            self._recover(operation, before, told)
        except Failure as failure:
            raise Failure(f"{said}: {failure}") from failure
        except Exception as error:
            raise Failure(f"{said}: {traceback.format_exc()}") from error
        if self._chance.random() < 0.04:  # A first publication is killed now and then, too.
            self.finish()
            self._begin()

    def _compare(self, taken: tuple[str, Photograph], forgotten: str) -> None:
        """A generation, as long as it is served, answers the same, and well."""
        name, found = taken
        wrong = self._album.compare(name, found, forgotten)
        wrong += served_badly(found) if name else []
        if wrong:
            raise Failure(f"generation {name or 'none'} is served: " + "; ".join(wrong[:10]))

    def _after_kill(self, operation: Operation) -> None:
        """The server that runs, and now and then one that starts, serves the old generation, or the new one, whole."""
        self._compare(self.server.take(), operation.kind)
        if operation.kind != "rebase" and self._chance.random() < 0.15:
            self._compare(self.again(), operation.kind)

    def _recover(self, operation: Operation, before: list[int], told: set[str]) -> None:
        """The same command finishes what was begun; the next publication works, and all is consistent."""
        town, current = self.town, int(self.town.data.current_name() or 0)
        self._finish(operation)
        if operation.kind == "rebase":
            self.server.close()
        if operation.kind != "publish":
            town.change()
            now = town.now()
            task(lambda: Operation("publish", 0, now).run(town))
        taken = self.again() if operation.kind == "rebase" else self.server.take(self._chance.random() < 0.1)
        self._compare(taken, "")
        # A purge of a thing lets the generation go that it corrects; of a generation, that one.
        gone = {"purge": {current, max(before, default=0)}, "purge generation": {operation.target}}
        due = [number for number in before if number not in gone.get(operation.kind, ())]
        wrong: list[str] = task(lambda: wrong_in(town, due) + remains(town, operation, told))
        if taken[0] != town.data.current_name():
            wrong.append(f"generation {taken[0]} is served, not {town.data.current_name()}")
        if wrong:
            raise Failure("; ".join(wrong[:10]))

    def _finish(self, operation: Operation) -> None:
        """Have the command finished, or another one given: what the killed one left must not come out then."""
        town, another = self.town, self._chance.random() < 0.5
        if operation.kind == "purge":
            town.purged.add(operation.target)
        if another and operation.kind != "rebase":
            if not operation.kind.startswith("purge"):
                town.change()
            now = town.now()
            task(lambda: Operation("publish", 0, now).run(town))
            if not operation.kind.startswith("purge"):
                return
        # What a purge has begun is finished by whoever writes next; what it has not begun is asked for again.
        if task(lambda: operation.is_due(town)):
            task(lambda: operation.run(town))
        if operation.kind == "restore" and (wrong := task(lambda: town.unlike(operation.target))):
            raise Failure(wrong)

    def finish(self) -> None:
        """End the server: when nobody reads, a publication keeps what it must and no more. Then remove the town."""
        self.server.close()
        town = self.town
        now = town.now()
        task(lambda: Operation("publish", 0, now).run(town))
        if len(kept := town.data.numbers()) > KEPT:
            raise Failure(f"seed {self._seed}, after kill {self.kinds.total()}: {kept} are kept though nobody reads")
        self.remove()

    def remove(self) -> None:
        """Remove the town."""
        for place, _, _ in os.walk(self.town.folder):
            os.chmod(place, 0o755)
        shutil.rmtree(self.town.folder)


def main() -> None:
    """Kill as often as the command says and tell what was killed; exit 1 when anything was lost."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--seconds", type=float, default=7_200, help="stop with an error after so long")
    parser.add_argument("--keep", action="store_true", help="leave the town in which something was lost")
    asked = parser.parse_args()
    started, folder = time.monotonic(), Path(tempfile.mkdtemp(prefix="torg-kills-"))
    run = Run(folder, asked.seed)
    try:
        while run.kinds.total() < asked.kills:
            if time.monotonic() - started > asked.seconds:
                raise Failure(f"seed {asked.seed}: only {run.kinds.total()} kills in {asked.seconds:.0f} s")
            run.step()
        run.finish()
    except Failure as failure:
        print(f"Lost something. {failure}")
        print(f"Again: python -m tests.faults.kills --kills {run.kinds.total() + 1} --seed {asked.seed}")
        run.server.close()
        if asked.keep:
            print(f"The town is in {run.town.folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
        sys.exit(1)
    folder.rmdir()
    kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(run.kinds.items()))
    seconds = time.monotonic() - started
    print(f"{run.kinds.total()} kills in {seconds:.0f} s, nothing lost (seed {asked.seed}; {kinds}; "
          f"slowest start {run.slowest:.1f} s)")  # fmt: skip


if __name__ == "__main__":
    main()
