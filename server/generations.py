"""Immutable published states: folders that are built aside, made read-only, and switched to by a pointer.

    generations/000041/   store/ labels.sqlite manifest.json dumps/ rows/ catalog.rdf reports/ SHA256SUMS lock
    current               holds "000041", replaced atomically

A generation is never changed after the flip. Every opener holds a shared flock on its `lock`;
deletion needs an exclusive one, so no reader ever loses files under its feet. What a killed
publication leaves behind is named `next-*` and removed at the next start.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import IO, Any

from server.checksums import write_checksums
from server.data_version import check_version, migrate
from server.errors import LockedError, StorageError
from server.store import ReadStore
from server.whole_files import write_text

REPLICA = "replica.json"
"""Marks a data folder that holds copies of another instance, and says which."""
_READY = "ready-"


@dataclass(frozen=True)
class GraphEntry:
    """What the manifest knows of one named graph."""

    iri: str
    kind: str  # dataset, concepts, ontology, catalog, or system (named only, not in the default graph)
    triples: int
    sha256: str  # of the canonical, sorted N-Triples
    dump: str  # path of the gzipped dump below the generation
    dataset: str = ""  # "publisher/name" for kind dataset
    period: str = ""
    bytes: int = 0  # of the dump as it is downloaded
    dump_sha256: str = ""  # of the dump as it is downloaded

    @property
    def published(self) -> bool:
        """True when the graph's triples are in the default graph too."""
        return self.kind != "system"


class Generation:
    """One immutable published state, opened for reading (shared lock held until `close`)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = _shared_lock(path / "lock")

    @property
    def name(self) -> str:
        """The folder's name, such as "000041"; part of cache keys and ETags."""
        return self.path.name

    @property
    def number(self) -> int:
        """The generation's number."""
        return int(self.path.name)

    @property
    def store_path(self) -> Path:
        """The folder of the Oxigraph store."""
        return self.path / "store"

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """The manifest: created, base, graphs, datasets, counts (see docs/data-folder.md)."""
        try:
            manifest: dict[str, Any] = json.loads((self.path / "manifest.json").read_text("utf-8"))
            if not isinstance(manifest, dict):
                raise ValueError("it is no JSON object")
        except (OSError, ValueError) as error:
            raise StorageError(
                f"The manifest of generation {self.name} cannot be read: {error}.",
                f"Manifestet för generation {self.name} går inte att läsa: {error}.",
            ) from error
        return manifest

    @property
    def created(self) -> datetime:
        """When the generation was made, in UTC."""
        return datetime.fromisoformat(self.manifest["created"])

    @property
    def graphs(self) -> dict[str, GraphEntry]:
        """Every named graph by its IRI."""
        return {entry["iri"]: GraphEntry(**entry) for entry in self.manifest["graphs"]}

    @property
    def datasets(self) -> dict[str, dict[str, Any]]:
        """What is known of every dataset by "publisher/name": status, sources, rows, titles."""
        datasets: dict[str, dict[str, Any]] = self.manifest["datasets"]
        return datasets

    @cached_property
    def store(self) -> ReadStore:
        """The store, for trusted reads of fixed shape."""
        return ReadStore(self.store_path)

    def close(self) -> None:
        """Release the shared lock."""
        self._lock.close()


@dataclass(frozen=True)
class DataFolder:
    """The folder that holds every generation, the ledger, the history and the archive."""

    path: Path

    @property
    def generations(self) -> Path:
        """The folder of the generations."""
        return self.path / "generations"

    def current_name(self) -> str | None:
        """Return the name of the current generation, None before the first publication.

        Raises StorageError when a newer torg wrote the folder.
        """
        check_version(self.path)
        try:
            name = (self.path / "current").read_text("ascii").strip()
        except FileNotFoundError:
            return None
        return name or None

    def current(self) -> Generation | None:
        """Open the current generation, None before the first publication."""
        name = self.current_name()
        return Generation(self.generations / name) if name else None

    def generation(self, number: int) -> Generation:
        """Open a kept generation; raise StorageError when it is not kept."""
        check_version(self.path)
        path = self.generations / f"{number:06d}"
        if not path.is_dir():
            kept = ", ".join(str(kept) for kept in self.numbers()) or "–"
            raise StorageError(
                f"Generation {number} is not kept; these are: {kept}.",
                f"Generation {number} finns inte kvar; dessa finns: {kept}.",
            )
        return Generation(path)

    def numbers(self) -> list[int]:
        """Return the numbers of the kept generations, oldest first."""
        if not self.generations.is_dir():
            return []
        return sorted(int(entry.name) for entry in self.generations.iterdir() if entry.name.isdigit())

    def kept(self) -> list[Path]:
        """Return the folders of the kept generations, oldest first."""
        return [self.generations / f"{number:06d}" for number in self.numbers()]

    def next_number(self) -> int:
        """Return the number of the next generation; numbers are never used twice, even after a purge."""
        history = self.path / "history"
        made = [int(entry.name) for entry in history.iterdir() if entry.name.isdigit()] if history.is_dir() else []
        return max([0, *self.numbers(), *made]) + 1

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Turn what the file system or SQLite refuses into one sentence; what is served stays as it is."""
        try:
            yield
        except (OSError, sqlite3.Error) as error:
            reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
            en, sv = _what_to_do(error, reason)
            raise StorageError(
                f"{self.path} cannot be written: {reason}. What is published is served as before. {en}, and run the "
                "command again.",
                f"{self.path} går inte att skriva i: {reason}. Det som är publicerat visas som förut. {sv} och kör "
                "kommandot igen.",
            ) from error

    @contextmanager
    def writing(self, command: str) -> Iterator[None]:
        """Hold the one writer's lock; raise LockedError that names the holder when another has it.

        In a copy of another instance only the follower writes: StorageError for everybody else.
        """
        self._refuse_replica(command)
        with self.guarded(), self._lock_file() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                holder = lock.read().strip() or "another process"
                raise LockedError(
                    f"{holder} is writing to {self.path} now. Wait until it has finished, then run the command again.",
                    f"{holder} skriver i {self.path} nu. Vänta tills det är klart och kör sedan kommandot igen.",
                ) from None
            lock.truncate(0)
            lock.write(f"torg {command} (process {os.getpid()}, since {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC)")
            lock.flush()
            migrate(self.path)
            self.clean()
            yield

    def writer(self) -> str:
        """Return who holds the writer's lock just now, "" when nobody does."""
        try:
            with open(self.path / "lock", encoding="utf-8") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except BlockingIOError:
                    return lock.read().strip() or "another process"
        except FileNotFoundError:
            pass
        return ""

    def _refuse_replica(self, command: str) -> None:
        mark = self.path / REPLICA
        if mark.exists() and not command.startswith(("follow ", "backup")):
            source = re.search(r'"source": "([^"]*)"', mark.read_text("utf-8"))
            of = source[1] if source else "?"
            raise StorageError(
                f"{self.path} holds copies of {of}, and nothing else is written there. Publish there; or, when that "
                f"instance is gone for good, remove {mark} and let this one take over.",
                f"{self.path} innehåller kopior av {of}, och inget annat skrivs där. Publicera där; eller, om den "
                f"instansen är borta för gott, ta bort {mark} så tar den här över.",
            )

    def _lock_file(self) -> IO[str]:
        self.path.mkdir(parents=True, exist_ok=True)
        return open(self.path / "lock", "a+", encoding="utf-8")

    def clean(self) -> None:
        """Remove what a killed publication left: half-made generations, their history, their copies of sources."""
        current = int(self.current_name() or 0)
        for ready in self.generations.glob(f"{_READY}*"):
            self._exchange(ready)
        folders = [folder for folder in (self.generations, self.path / "history") if folder.is_dir()]
        entries = [entry for folder in folders for entry in folder.iterdir()]
        leftovers = [entry for entry in entries if not entry.name.isdigit() or int(entry.name) > current]
        # The folders tell that there is something to remove, so they go last: this may be killed, too.
        if leftovers:
            self._prune_archive(current)
        for entry in leftovers:
            remove_tree(entry)

    def _prune_archive(self, current: int) -> None:
        """Remove copies of sources that no publication used: their run was killed."""
        archive = self.path / "archive"
        used: set[str] = set()
        for index in (self.path / "history").glob("*/index.json"):
            if index.parent.name.isdigit() and int(index.parent.name) <= current:
                used.update(json.loads(index.read_text("utf-8")).get("sources", []))
        for entry in list(archive.iterdir()) if archive.is_dir() else []:
            if entry.name not in used:
                entry.unlink()

    def begin(self) -> Path:
        """Make and return an empty folder for the next generation, named so that nobody serves it."""
        path = self.generations / f"next-{self.next_number():06d}"
        path.mkdir(parents=True)
        return path

    def finish(self, path: Path) -> int:
        """Make a built generation durable and read-only, give it its number; it is not current yet."""
        number = int(path.name.removeprefix("next-"))
        current = self.current_name()
        write_checksums(path, self.generations / current if current else None)
        return self.place(path, number)

    def place(self, path: Path, number: int) -> int:
        """Make a whole generation in a folder beside the others durable and read-only, under its number.

        One that has the number already makes way; readers that have it open go on with what they have.
        """
        (path / "lock").touch()
        _sync_tree(path)
        _make_read_only(path)
        target = self.generations / f"{number:06d}"
        if target.is_dir():
            self._exchange(path.rename(self.generations / f"{_READY}{target.name}"))
        else:
            path.rename(target)
        _sync_folder(self.generations)
        return number

    def _exchange(self, ready: Path) -> None:
        """Put a whole generation in the place of the one it corrects; who is killed here leaves it to `clean`."""
        target = self.generations / ready.name.removeprefix(_READY)
        gone = _out_of_the_way(target) if target.is_dir() else None
        ready.rename(target)
        if gone:
            remove_tree(gone)

    def flip(self, number: int) -> None:
        """Switch the pointer to a finished generation, atomically and durably."""
        write_text(self.path / "current", f"{number:06d}\n")
        _sync_folder(self.path)

    def discard(self, number: int) -> None:
        """Delete a generation that is damaged, whoever has it open."""
        path = self.generations / f"{number:06d}"
        if path.is_dir():
            remove_generation(path)

    def forget(self, keep: int) -> list[int]:
        """Delete all but the newest `keep` generations, except those somebody has open; return the deleted."""
        numbers, current = self.numbers(), int(self.current_name() or 0)
        gone = []
        for number in numbers[: max(0, len(numbers) - keep)]:
            path = self.generations / f"{number:06d}"
            if number != current and nobody_reads(path):
                remove_generation(path)
                gone.append(number)
        return gone


def remove_generation(path: Path) -> None:
    """Delete a generation: out of sight at once, then for good, so that a kill leaves no half of one that is kept."""
    remove_tree(_out_of_the_way(path))


def _out_of_the_way(path: Path) -> Path:
    gone = path.with_name(f"gone-{path.name}")
    if gone.is_dir():
        remove_tree(gone)
    return path.rename(gone)


def _what_to_do(error: OSError | sqlite3.Error, reason: str) -> tuple[str, str]:
    """Return what to do when the file system or SQLite refuses to write, in English and Swedish."""
    if isinstance(error, PermissionError) or "readonly" in reason or "Read-only" in reason:
        return "Let the user that runs torg write there", "Ge den som kör torg rätt att skriva där"
    full = getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    if full or "full" in reason or "No space" in reason:  # the store and SQLite say it in words
        return "Free some space", "Gör plats"
    return "Run torg doctor, look after the disk", "Kör torg doctor, se över disken"


def remove_tree(path: Path) -> None:
    """Delete a folder that may be read-only."""
    for folder, _, _ in os.walk(path):
        os.chmod(folder, 0o755)
    shutil.rmtree(path)


def _shared_lock(path: Path) -> IO[bytes]:
    try:
        lock = open(path, "rb")
    except FileNotFoundError:
        raise StorageError(
            f"{path.parent} is no generation: its lock is missing.", f"{path.parent} är ingen generation: låset saknas."
        ) from None
    fcntl.flock(lock, fcntl.LOCK_SH)
    return lock


def nobody_reads(path: Path) -> bool:
    """Return whether no reader holds a generation's lock."""
    try:
        with open(path / "lock", "rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except FileNotFoundError:
        pass
    return True


def _sync_tree(path: Path) -> None:
    for folder, _, names in os.walk(path):
        for name in names:
            file = os.open(os.path.join(folder, name), os.O_RDONLY)
            try:
                os.fsync(file)
            finally:
                os.close(file)
        _sync_folder(Path(folder))


def _sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY)
    try:
        with suppress(OSError):  # Some file systems cannot sync a folder.
            os.fsync(folder)
    finally:
        os.close(folder)


def _make_read_only(path: Path) -> None:
    for folder, _, names in os.walk(path):
        for name in names:
            os.chmod(os.path.join(folder, name), 0o444)
        os.chmod(folder, 0o555)
