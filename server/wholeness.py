"""Whether a generation is whole, and which one is served in the place of one that is not.

What opens badly (manifest, store, labels, search) is found before anything is answered from it. What only a checksum
tells is found in the background, right after a generation has been opened, by reading all of it once.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from server.checksums import FILE, faults
from server.errors import StorageError
from server.forgotten import journal
from server.generations import DataFolder, Generation

INDEXES = ("labels.sqlite", "search.sqlite")
_SHOWN = 3
_log = logging.getLogger("torg")


def trouble(generation: Generation) -> str:
    """Return what keeps a generation from being opened, "" when nothing does; milliseconds, whatever its size."""
    try:
        manifest = generation.manifest
        missing = {"created", "base", "graphs", "datasets", "default_graph_triples"} - set(manifest)
        if missing:
            return f"manifest.json lacks {', '.join(sorted(missing))}"
        generation.store.describes(str(manifest["base"]))
    except (StorageError, OSError, RuntimeError, TypeError) as error:
        return str(error)
    for name in INDEXES:
        if name == "search.sqlite" and not (generation.path / name).exists():
            continue  # made before there was a search; when it is lost, the checksums tell
        try:
            _read_index(generation.path / name)
        except sqlite3.Error as error:
            return f"{name}: {error}"
    return ""


def damage(path: Path) -> str:
    """Return which files of a generation are not as they were written, "" when all are; reads every file."""
    if not (path / FILE).exists():
        return ""  # made before there were checksums; what opens well is believed
    try:
        wrong = [f"{fault.name} ({fault.kind})" for fault in faults(path)]
    except StorageError as error:
        return str(error)
    more = f" and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
    return ", ".join(wrong[:_SHOWN]) + more


class Watch:
    """Knows which generations are damaged, and opens the one to serve; safe to share between threads."""

    def __init__(self, data: DataFolder) -> None:
        self._data = data
        self._lock = threading.Lock()
        self._examined: set[str] = set()
        self.damaged: dict[str, str] = {}  # what is wrong with a generation, by its name
        self.thorough = False  # True in a server: checksums are compared in the background

    def open(self, name: str, found: Callable[[], None]) -> Generation:
        """Open a generation, or the newest whole one before it; `found` is called when damage is found later.

        Raises StorageError when no generation that may be served is whole.
        """
        for candidate in self._candidates(name):
            if candidate in self.damaged:
                continue
            reason = ""
            try:
                generation = Generation(self._data.generations / candidate)
                reason = trouble(generation)
                if reason:
                    generation.close()
            except (StorageError, OSError) as error:
                now = self._data.current_name()
                if now is not None and now != name:  # published, or purged, while it was looked for
                    return self.open(now, found)
                reason = str(error)
            if not reason:
                self._examine(generation.path, found)
                return generation
            self._tell(candidate, reason)
        raise StorageError(
            f"Generation {name} is damaged, and there is no other to serve: {self.damaged.get(name, '')}. Restore a "
            "backup.",
            f"Generation {name} är skadad, och det finns ingen annan att visa: {self.damaged.get(name, '')}. Återställ "
            "en säkerhetskopia.",
        )

    def still_damaged(self) -> dict[str, str]:
        """Return what is wrong with each generation that is kept, or served last, and damaged."""
        current = self._data.current_name()
        damaged = list(self.damaged.items())
        return {n: why for n, why in damaged if n == current or (self._data.generations / n).is_dir()}

    def doubt(self, path: Path, found: Callable[[], None]) -> None:
        """Examine a generation again, because a read of it has failed; nothing when it was found damaged already."""
        self._examined.discard(path.name)
        self._examine(path, found)

    def _candidates(self, name: str) -> Iterator[str]:
        yield name
        # A purge that was interrupted has not yet gone through the older ones: they may hold what was to be forgotten.
        if not journal(self._data.path).exists():
            yield from (f"{n:06d}" for n in reversed(self._data.numbers()) if n < int(name))

    def _examine(self, path: Path, found: Callable[[], None]) -> None:
        if not self.thorough:
            return
        with self._lock:
            if path.name in self._examined:
                return
            self._examined.add(path.name)

        def read_all() -> None:
            reason = damage(path)
            if reason and path.is_dir():  # one that was deleted meanwhile is not damaged
                self._tell(path.name, reason)
                found()

        threading.Thread(target=read_all, name="wholeness", daemon=True).start()

    def _tell(self, name: str, reason: str) -> None:
        with self._lock:
            if name in self.damaged:
                return
            self.damaged[name] = reason
        _log.error(
            "Generation %s is damaged and is not served; the newest whole one before it is. Run torg doctor, look "
            "after the disk, and go back with torg restore or a backup. What is wrong: %s", name, reason,
        )  # fmt: skip


def _read_index(path: Path) -> None:
    """Open an index and read its first rows; raise sqlite3.Error when that cannot be done."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as index:
        tables = index.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE '%VIRTUAL%'")
        names = [name for (name,) in tables]
        if not names:
            raise sqlite3.DatabaseError("it holds no tables")
        for name in names:
            index.execute(f'SELECT * FROM "{name}" LIMIT 1').fetchone()
