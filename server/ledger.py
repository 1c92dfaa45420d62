"""The ledger of every URI path ever minted: what happened to it, and in which generation.

Append-only. A path is `minted` once; it may be `withdrawn` (its last description is kept) and
`returned`, or be `replaced`, `merged` or `split` by a steward. No path is ever given to another
thing. Events of a generation that never became current are rolled back at the next start.
"""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from server.errors import Problem, StorageError
from server.graph_files import lines_of

Event = Literal["minted", "withdrawn", "returned", "replaced-by", "merged-into", "split-into", "purged"]
State = Literal["live", "withdrawn", "replaced", "merged", "split", "purged"]

_STATES: dict[str, State] = {
    "minted": "live",
    "returned": "live",
    "withdrawn": "withdrawn",
    "replaced-by": "replaced",
    "merged-into": "merged",
    "split-into": "split",
    "purged": "purged",
}
_log = logging.getLogger("torg")
_ALL = 1 << 62  # more generations than there will ever be
_SECONDS, _SERVING_SECONDS = 30.0, 5.0  # that a command, and a visitor, waits for who writes
# A writer whose pages no longer fit in its memory keeps readers out until it commits; SQLite would let it after 2 MB.
# As many as these (128 MiB) hold a million events.
_PAGES_HELD = 32_768
_SCHEMA = """
CREATE TABLE IF NOT EXISTS event (
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL,
    event TEXT NOT NULL,
    generation INTEGER NOT NULL,
    time TEXT NOT NULL,
    detail TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS event_path ON event (path, id);
CREATE INDEX IF NOT EXISTS event_generation ON event (generation);
CREATE TABLE IF NOT EXISTS site (key TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


def damaged_ledger(path: Path) -> str:
    """Return why a ledger cannot be read, "" when SQLite finds nothing wrong with it; reads all of it."""
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as ledger:
            found = [str(row[0]) for row in ledger.execute("PRAGMA quick_check(3)")]
            ledger.execute("SELECT 1 FROM event LIMIT 1").fetchone()
    except sqlite3.Error as error:
        return str(error)
    return "" if found == ["ok"] else "; ".join(found)


@dataclass(frozen=True, slots=True)
class LedgerState:
    """Where a path stands now."""

    state: State
    generation: int
    time: str
    successors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LedgerEvent:
    """One thing that happened to a path; `detail` holds successors or the last description."""

    path: str
    event: Event
    generation: int
    time: str
    detail: str


class Ledger:
    """The ledger of one data folder; threads may share it, since each has a connection of its own to read with."""

    def __init__(self, path: Path, upto: Callable[[], int] | None = None) -> None:
        """Open the ledger; `upto` returns the generation whose readers it is for.

        A publication records its events before the flip, and one that is killed between the two leaves them until the
        next writer comes: a server must not tell of what was never published.
        """
        self.path = path
        self.damage = ""  # why it cannot be read; only a server goes on without it
        self._serving, self._upto = upto is not None, upto or (lambda: _ALL)
        self._local = threading.local()

    def state(self, path: str) -> LedgerState | None:
        """Return where a path stands, None when it was never minted."""
        events = self.events(path)
        if not events:
            return None
        return _state(events[-1])

    def states(self, paths: Iterable[str]) -> dict[str, LedgerState]:
        """Return where each of many paths stands; those never minted are left out."""
        listed, states = list(dict.fromkeys(paths)), dict[str, LedgerState]()
        upto = self._upto()
        if not listed or not self.path.exists():
            return states
        with self._readable(), closing(self._connect()) as ledger:
            for start in range(0, len(listed), 500):
                chunk = listed[start : start + 500]
                marks = ",".join("?" * len(chunk))
                rows = ledger.execute(
                    "SELECT path, event, generation, time, CASE event WHEN 'withdrawn' THEN '' ELSE detail END "
                    f"FROM event WHERE path IN ({marks}) AND generation <= ? ORDER BY id",
                    (*chunk, upto),
                )
                for row in rows:
                    states[row[0]] = _state(LedgerEvent(*row))
        return states

    def any_beneath(self, prefix: str) -> bool:
        """Return whether any path that begins with a prefix was ever minted."""
        if not self.path.exists():
            return False
        with self._readable(), closing(self._connect()) as ledger:
            found = ledger.execute(
                "SELECT 1 FROM event WHERE path >= ? AND path < ? AND generation <= ? LIMIT 1",
                (prefix, prefix + "\U0010ffff", self._upto()),
            )
            return found.fetchone() is not None
        return False

    def events(self, path: str) -> list[LedgerEvent]:
        """Return the story of a path, oldest first."""
        with self._readable():
            ledger = self._reading()
            if ledger is None:
                return []
            rows = ledger.execute(
                "SELECT path, event, generation, time, detail FROM event WHERE path = ? AND generation <= ? "
                "ORDER BY id",
                (path, self._upto()),
            )
            return [LedgerEvent(*row) for row in rows]
        return []

    def last_description(self, path: str) -> list[str]:
        """Return the N-Triples lines that described a withdrawn path when it was last published."""
        withdrawn = [event for event in self.events(path) if event.event == "withdrawn"]
        return lines_of(withdrawn[-1].detail) if withdrawn else []

    def roll_back(self, current: int) -> None:
        """Remove the events of generations after the current one: they never became public."""
        if self.path.exists():
            with closing(self._connect()) as ledger, ledger:
                ledger.execute("DELETE FROM event WHERE generation > ?", (current,))

    @contextmanager
    def recording(self, generation: int, time: str) -> Iterator[Recorder]:
        """Append what a publication does, in one transaction; nothing is kept when the block fails."""
        with closing(self._connect()) as ledger:
            ledger.executescript(_SCHEMA)
            ledger.execute(f"PRAGMA cache_spill = {_PAGES_HELD}")
            ledger.execute("BEGIN IMMEDIATE")
            try:
                yield Recorder(ledger, generation, time)
            except BaseException:
                ledger.rollback()
                raise
            ledger.commit()

    def base(self) -> str | None:
        """Return the base that the paths belong to, None while nothing was published; the first that a writer reads.

        Raises StorageError when the ledger is damaged.
        """
        if not self.path.exists():
            return None
        try:
            with closing(self._connect()) as ledger:
                row = ledger.execute("SELECT value FROM site WHERE key = 'base'").fetchone()
                ledger.execute("SELECT 1 FROM event LIMIT 1").fetchone()
        except sqlite3.DatabaseError as error:
            raise StorageError(
                f"The ledger {self.path} is damaged: {error}. Restore it from a backup; until then nothing can be "
                "published, and what is published is served as before.",
                f"Liggaren {self.path} är skadad: {error}. Återställ den ur en säkerhetskopia; till dess kan inget "
                "publiceras, och det som är publicerat visas som förut.",
            ) from error
        return row[0] if row else None

    def keep_base(self, base: str) -> None:
        """Remember the base that the paths belong to."""
        with closing(self._connect()) as ledger, ledger:
            ledger.executescript(_SCHEMA)
            ledger.execute("INSERT OR REPLACE INTO site VALUES ('base', ?)", (base,))

    def former_bases(self) -> list[str]:
        """Return the bases the paths had before, newest first: their addresses lead on for ever."""
        if not self.path.exists():
            return []
        row = None
        with self._readable(), closing(self._connect()) as ledger:
            row = ledger.execute("SELECT value FROM site WHERE key = 'former-bases'").fetchone()
        return list(json.loads(row[0])) if row else []

    def rebase(self, base: str) -> None:
        """Move all paths to another base and remember the old one."""
        old, former = self.base(), self.former_bases()
        if old is None or old == base:
            return
        former = [old, *(entry for entry in former if entry not in (old, base))]
        with closing(self._connect()) as ledger, ledger:
            ledger.execute("INSERT OR REPLACE INTO site VALUES ('former-bases', ?)", (json.dumps(former),))
            ledger.execute("INSERT OR REPLACE INTO site VALUES ('base', ?)", (base,))

    @contextmanager
    def _readable(self) -> Iterator[None]:
        """Let a server go on without a damaged ledger: what is published needs none, what is gone becomes unknown.

        One that is only being written to is no damage; raises Problem 503 when that takes long.
        """
        try:
            yield
        except sqlite3.DatabaseError as error:
            if not self._serving:
                raise
            if getattr(error, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
                detail = "A publication is being written down. Try again in a few seconds."
                sv = "En publicering skrivs just nu. Försök igen om några sekunder."
                raise Problem(503, detail, sv=sv, headers={"Retry-After": "5"}) from error
            if not self.damage:
                _log.error("%s cannot be read: %s. Run torg doctor, and restore it from a backup.", self.path, error)
            self.damage = str(error)

    def _reading(self) -> sqlite3.Connection | None:
        """Return this thread's connection to read with, None while there is no ledger.

        A copy that follows another site replaces the file; then the connection is made anew.
        """
        try:
            found = os.stat(self.path)
        except FileNotFoundError:
            return None
        mark = (found.st_dev, found.st_ino)
        held: tuple[tuple[int, int], sqlite3.Connection] | None = getattr(self._local, "held", None)
        if held is None or held[0] != mark:
            if held is not None:
                held[1].close()
            held = self._local.held = (mark, self._connect())
        return held[1]

    def _connect(self) -> sqlite3.Connection:
        seconds = _SERVING_SECONDS if self._serving else _SECONDS
        return sqlite3.connect(self.path, timeout=seconds, isolation_level=None)


class Recorder:
    """Appends events to an open ledger; made by `Ledger.recording`."""

    def __init__(self, ledger: sqlite3.Connection, generation: int, time: str) -> None:
        self._ledger, self._generation, self._time = ledger, generation, time
        self.counts: dict[Event, int] = {}

    def seen(self, paths: Iterable[str]) -> None:
        """Tell which paths are described now: unknown ones are minted, those that were gone return."""
        paths = list(dict.fromkeys(paths))
        states = last_events(self._ledger, paths)
        self._append_all((path for path in paths if path not in states), "minted")
        self._append_all((path for path, state in states.items() if _STATES[state] != "live"), "returned")

    def gone(self, path: str, description: Sequence[str]) -> None:
        """Tell that a path is described no more; its last description is kept."""
        if _STATES.get(last_events(self._ledger, [path]).get(path, "")) == "live":
            self._append(path, "withdrawn", "".join(description))

    def purged(self, path: str, reason: str) -> None:
        """Tell that a path was removed with its history; said once, however often it is told."""
        if last_events(self._ledger, [path]).get(path) != "purged":
            self._append(path, "purged", reason)

    def declared(self, path: str, event: Event, successors: Sequence[str]) -> None:
        """Tell what a steward says of a path that goes on elsewhere."""
        detail = json.dumps(list(successors))
        rows = self._ledger.execute("SELECT event, detail FROM event WHERE path = ? ORDER BY id DESC LIMIT 1", (path,))
        if rows.fetchone() != (event, detail):
            self._append(path, event, detail)

    def _append(self, path: str, event: Event, detail: str = "") -> None:
        self._append_all([path], event, detail)

    def _append_all(self, paths: Iterable[str], event: Event, detail: str = "") -> None:
        rows = [(path, event, self._generation, self._time, detail) for path in paths]
        if rows:
            insert = "INSERT INTO event (path, event, generation, time, detail) VALUES (?, ?, ?, ?, ?)"
            self._ledger.executemany(insert, rows)
            self.counts[event] = self.counts.get(event, 0) + len(rows)


def _state(last: LedgerEvent) -> LedgerState:
    successors = tuple(json.loads(last.detail)) if last.event.endswith(("-by", "-into")) else ()
    return LedgerState(_STATES[last.event], last.generation, last.time, successors)


def last_events(ledger: sqlite3.Connection, paths: list[str]) -> dict[str, str]:
    """Return the last event of each known path."""
    states: dict[str, str] = {}
    for start in range(0, len(paths), 500):
        chunk = paths[start : start + 500]
        marks = ",".join("?" * len(chunk))
        rows = ledger.execute(f"SELECT path, event FROM event WHERE path IN ({marks}) ORDER BY id", chunk)
        states.update(rows.fetchall())
    return states
