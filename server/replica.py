"""What an instance offers to those that serve copies of it: names, sizes and checksums, and the files they stand for.

Offered is what is published and its story: kept generations, history, reports of runs, the ledger. The archive of raw
sources, tokens and keys are never offered, whatever is asked for.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Any

from server.checksums import FILE, read_checksums, safe, sha256
from server.data_version import check_version
from server.errors import StorageError
from server.generations import DataFolder

LEDGER = "ledger.sqlite"
_TREES = ("history", "runs")


@dataclass(frozen=True, slots=True)
class OfferedFile:
    """A file below the data folder, with what it takes to know a copy of it."""

    path: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class OfferedGeneration:
    """A kept generation: the checksum of its SHA256SUMS stands for all its files."""

    name: str
    bytes: int
    sums: str


@dataclass(frozen=True, slots=True)
class Offer:
    """Everything that a copy needs; equal offers mean that there is nothing to do."""

    version: int
    base: str
    current: str
    generations: tuple[OfferedGeneration, ...]
    files: tuple[OfferedFile, ...]

    def members(self) -> dict[str, Any]:
        """Return the offer as JSON members."""
        return asdict(self)

    @classmethod
    def read(cls, document: Any) -> Offer:
        """Return the offer that JSON members hold; raise StorageError when they are none, or name what is outside."""
        try:
            offer = cls(
                int(document["version"]),
                str(document["base"]),
                str(document["current"]),
                tuple(
                    OfferedGeneration(str(g["name"]), int(g["bytes"]), str(g["sums"])) for g in document["generations"]
                ),
                tuple(OfferedFile(str(f["path"]), int(f["bytes"]), str(f["sha256"])) for f in document["files"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise StorageError(
                f"The source's offer cannot be read: {error!r}.", f"Källans erbjudande går inte att läsa: {error!r}."
            ) from error
        names = [generation.name for generation in offer.generations]
        outside = [file.path for file in offer.files if not (safe(file.path) and _offered(file.path))]
        outside += [name for name in names if not (name.isascii() and name.isdigit() and len(name) == 6)]
        if outside or offer.current not in names:
            raise StorageError(
                f"The source offers what no instance offers: {outside or [offer.current]}.",
                f"Källan erbjuder något som ingen instans erbjuder: {outside or [offer.current]}.",
            )
        return offer


class Offering:
    """Makes the offers of one data folder; checksums of files that have not changed are remembered."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._known: dict[str, tuple[tuple[int, ...], str]] = {}
        self._lock = threading.Lock()
        self._ledger: tuple[tuple[int, ...], Path] | None = None
        self._copies: Path | None = None

    def offer(self) -> Offer:
        """Return what is offered now; raise StorageError before the first publication."""
        with self._lock:
            version = check_version(self._data)
            current = DataFolder(self._data).current()
            if current is None:
                raise StorageError(
                    f"Nothing is published in {self._data} yet.", f"Inget är publicerat i {self._data} än."
                )
            with closing(current):
                files = tuple(sorted(self._files(), key=lambda file: file.path))
                generations = tuple(self._generations())
                return Offer(version, str(current.manifest["base"]), current.name, generations, files)

    def file(self, path: str) -> Path:
        """Return where a file that is offered lies; raise StorageError for every other path."""
        parts = path.split("/")
        if path == LEDGER:
            with self._lock:
                return self._ledger_copy()
        if safe(path) and parts[0] == "generations" and len(parts) > 2 and parts[1].isdigit():
            folder, name = self._data / parts[0] / parts[1], "/".join(parts[2:])
            if name == FILE or name in read_checksums(folder):
                return self._inside(path)
        elif safe(path) and _offered(path):
            return self._inside(path)
        raise StorageError(f"{path} is not offered.", f"{path} erbjuds inte.")

    def _inside(self, path: str) -> Path:
        """Return the file unless a symbolic link leads away: what lies outside was never published."""
        found = self._data / path
        if os.path.realpath(found) != os.path.join(os.path.realpath(self._data), path):
            raise StorageError(
                f"{found} is, or lies behind, a symbolic link; what it leads to is not copied. Put the file itself "
                "there.",
                f"{found} är, eller ligger bakom, en symbolisk länk; det den leder till kopieras inte. Lägg själva "
                "filen där.",
            )
        if not found.is_file():
            raise StorageError(f"{path} is not there any more.", f"{path} finns inte längre.")
        return found

    def _generations(self) -> Iterator[OfferedGeneration]:
        folder = self._data / "generations"
        for number in DataFolder(self._data).numbers():
            name = f"{number:06d}"
            sums = self._inside(f"generations/{name}/{FILE}")
            size = sum(
                self._inside(f"generations/{name}/{each}").stat().st_size for each in read_checksums(sums.parent)
            )
            yield OfferedGeneration(name, size, self._sha256(folder / name / FILE))

    def _files(self) -> Iterator[OfferedFile]:
        for tree in _TREES:
            for place, _, names in os.walk(self._data / tree):
                for name in names:
                    path = os.path.relpath(os.path.join(place, name), self._data)
                    if _offered(path):
                        found = self._inside(path)
                        yield OfferedFile(path, found.stat().st_size, self._sha256(found))
        if (self._data / LEDGER).exists():
            copy = self._ledger_copy()
            yield OfferedFile(LEDGER, copy.stat().st_size, self._sha256(copy))

    def _ledger_copy(self) -> Path:
        """Return a copy of the ledger as it is between two transactions."""
        path = self._inside(LEDGER)
        stamp = _stamp(path)
        if self._ledger is None or self._ledger[0] != stamp:
            if self._copies is None:
                self._copies = Path(tempfile.mkdtemp(prefix="torg-replica-"))
                # Unlike weakref.finalize and atexit, this is run in granian's web process too.
                Finalize(self, shutil.rmtree, (self._copies, True), exitpriority=1)
            copy = self._copies / LEDGER
            copy.unlink(missing_ok=True)
            copy_database(path, copy)
            self._ledger = stamp, copy
        return self._ledger[1]

    def _sha256(self, path: Path) -> str:
        stamp, known = _stamp(path), self._known.get(str(path))
        if known is None or known[0] != stamp:
            known = self._known[str(path)] = stamp, sha256(path)
        return known[1]


def copy_database(path: Path, target: Path) -> None:
    """Copy an SQLite database that may be written meanwhile; raise StorageError when it cannot be read."""
    try:
        with (
            closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=30)) as source,
            closing(sqlite3.connect(target)) as copy,
        ):
            source.backup(copy)
    except sqlite3.Error as error:
        raise StorageError(f"{path} cannot be read: {error}.", f"{path} går inte att läsa: {error}.") from error


def _offered(path: str) -> bool:
    first, _, rest = path.partition("/")
    return path == LEDGER or (first in _TREES and rest.endswith((".json", ".gz")))


def _stamp(path: Path) -> tuple[int, ...]:
    status = path.stat()
    return status.st_ino, status.st_mtime_ns, status.st_size


def dump(members: Mapping[str, Any]) -> bytes:
    """Return JSON members as the bytes that are sent."""
    return json.dumps(members, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
