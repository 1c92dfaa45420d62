"""A very small site that is changed, published, restored, purged and rebased at random: what faults are tried on."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from server.generations import DataFolder
from server.history import History
from server.ledger import Ledger
from server.publish import publish, rebase, restore
from server.purge import purge
from server.settings import Settings
from server.site import read_site
from tests.conftest import HEADER, SITE, SmallSite

BASES = ("https://data.asen.example/", "https://data2.asen.example/")
KEPT = 3
_FIRST = 10_000_001
_BEGIN = datetime(2026, 1, 1, 4, 0, tzinfo=UTC)


def settings() -> Settings:
    """Return the settings of the town: few generations are kept, so that deletion is tried all the time."""
    return Settings({"keep_generations": KEPT})


def name(school: int) -> str:
    """Return a text that only this school's name holds.

    >>> name(10000001)
    'Namnet10000001'
    """
    return f"Namnet{school}"


@dataclass
class Town:
    """A site of one list of schools that can be changed at random, with what has been purged from it."""

    folder: Path
    chance: random.Random
    purged: set[int] = field(default_factory=set)
    minutes: int = 0

    def __post_init__(self) -> None:
        self.site = SmallSite(self.folder)
        self.schools: dict[int, int] = {_FIRST + number: 1 for number in range(8)}
        self.write()

    @property
    def data(self) -> DataFolder:
        """The data folder."""
        return DataFolder(self.site.data)

    @property
    def base(self) -> str:
        """The base that site.toml has now."""
        found = re.search(r'base = "(.+)"', (self.folder / "site.toml").read_text("utf-8"))
        assert found
        return found[1]

    def write(self) -> None:
        """Write the source as the town is now."""
        self.site.write(
            [f'9901,{n},"{name(n)} {v:03d}",59.1,15.2,Grundskola,Gatan {n}' for n, v in sorted(self.schools.items())],
            HEADER,
        )

    def change(self) -> None:
        """Let a school come, go, come back or be renamed."""
        known = sorted(self.schools)
        what = self.chance.choice(("new", "gone", "renamed", "renamed"))
        if what == "gone" and len(known) > 5:
            del self.schools[self.chance.choice(known)]
        elif what == "renamed" or len(known) > 14:
            self.schools[self.chance.choice(known)] += 1
        else:
            ever = range(_FIRST, _FIRST + 30)
            self.schools[self.chance.choice([n for n in ever if n not in self.schools])] = 1
        self.write()

    def move(self) -> None:
        """Give the site its other base."""
        other = BASES[1 - BASES.index(self.base)]
        (self.folder / "site.toml").write_text(SITE.replace(BASES[0], other), "utf-8")

    def now(self) -> datetime:
        """Return a later time at each call."""
        self.minutes += 1
        return _BEGIN + timedelta(minutes=self.minutes)

    def expected(self) -> set[int]:
        """Return the schools that a publication brings out: those of the source that were not purged."""
        return set(self.schools) - self.purged

    def past(self) -> list[int]:
        """Return the generations that may be purged: all but the current one."""
        return History(self.data).numbers()[:-1]

    def ever(self) -> list[int]:
        """Return the schools that were published at some time and not purged."""
        ledger = Ledger(self.site.data / "ledger.sqlite")
        paths = {n: f"/id/school/{n}" for n in range(_FIRST, _FIRST + 30)}
        states = ledger.states(paths.values())
        return [n for n, path in paths.items() if path in states and states[path].state != "purged"]

    def names(self) -> set[str]:
        """Return the names that the source has now.

        A version has three digits, so that no name begins another.
        """
        return {f"{name(number)} {version:03d}" for number, version in self.schools.items()}

    def published(self, number: int) -> set[str]:
        """Return the names that a generation published, though it is kept no more."""
        lines = History(self.data).lines(number, f"{self.base}graph/asen/skolor")
        return {found for line in lines for found in re.findall(r"Namnet\d+ \d+", line)}

    def unlike(self, number: int) -> str:
        """Return how the current generation differs from one that was restored, "" when it does not."""
        now, then = (self.published(one) for one in (int(self.data.current_name() or 0), number))
        return f"what is published differs from generation {number}: {sorted(now ^ then)}" if now != then else ""


@dataclass(frozen=True)
class Operation:
    """A command that writes to the data folder; it can be given again after it was killed."""

    kind: str
    target: int
    now: datetime

    def run(self, town: Town) -> None:
        """Do it, to the end."""
        site = read_site(town.folder)
        if self.kind == "publish":
            done = publish(site, settings(), confirm=True, now=self.now)
            assert done.blocked == [], done.report
        elif self.kind == "restore":
            restore(site, settings(), self.target, now=self.now)
        elif self.kind == "rebase":
            rebase(site, settings())
        else:
            target = str(self.target) if self.kind == "purge generation" else f"/id/school/{self.target}"
            purge(site, settings(), [target], "drill", now=self.now)

    def is_due(self, town: Town) -> bool:
        """Return whether it is to be given again after a kill: a restore may have let its target go."""
        if self.kind == "restore":
            return self.target in town.data.numbers()
        if self.kind == "purge":
            return self.target in town.ever()
        return self.kind != "purge generation" or History(town.data).purged(self.target) is None

    def forgets(self, town: Town) -> set[str]:
        """Return the texts that must be nowhere when it is done, but for what the source brings again."""
        if self.kind == "purge":
            return {f"{name(self.target)} "}
        if self.kind != "purge generation":
            return set()
        others = [town.published(number) for number in History(town.data).numbers() if number != self.target]
        return town.published(self.target).difference(*others) - town.names()


def choose(town: Town) -> Operation:
    """Change the town at random and return what is to be done with it."""
    kinds = ["publish"] * 7 + ["restore"] * 4 + ["purge"] * 3 + ["purge generation"] * 4 + ["rebase"]
    kind, target = town.chance.choice(kinds) if town.data.current_name() else "publish", 0
    kept = [number for number in town.data.numbers() if number != int(town.data.current_name() or 0)]
    if kind == "restore":
        kind, target = ("restore", town.chance.choice(kept)) if kept and one_base(town) else ("publish", 0)
    elif kind == "purge":
        ever = town.ever()
        kind, target = ("purge", town.chance.choice(ever)) if len(ever) > 6 else ("publish", 0)
    elif kind == "purge generation":
        past = town.past()
        kind, target = ("purge generation", town.chance.choice(past)) if past else ("publish", 0)
    elif kind == "rebase":
        town.move()
    if kind == "publish":
        town.change()
    return Operation(kind, target, town.now())


def one_base(town: Town) -> bool:
    """Return whether every kept generation has the base of the site: only then can one be restored."""
    for number in town.data.numbers():
        manifest = (town.data.generations / f"{number:06d}" / "manifest.json").read_text("utf-8")
        if f'"base": "{town.base}"' not in manifest:
            return False
    return True
