"""The checksums of a generation's files: written when it is finished, checked by whoever copies or doubts it.

`SHA256SUMS` in the generation's folder is what `sha256sum --check` reads. It names every file but itself and the
lock, so a copy that agrees with it is the whole generation and nothing but it.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from server.errors import StorageError

FILE = "SHA256SUMS"
_OWN = (FILE, "lock")
_LINE = re.compile(r"([0-9a-f]{64})  (.+)\Z")


@dataclass(frozen=True, slots=True)
class Fault:
    """A file that is not as it was finished: `kind` is missing, changed or unreadable."""

    name: str
    kind: str


def write_checksums(folder: Path, previous: Path | None = None) -> None:
    """Write the checksums of a finished folder.

    A file that is a hard link to the same file of `previous` has its checksum taken over: reading again what has been
    read before made the publication of a large, hardly changed site slower by seconds.
    """
    known: dict[str, str] = {}
    if previous is not None and (previous / FILE).exists():
        with suppress(StorageError):  # Damage of the last generation is nothing that stops the next one.
            known = read_checksums(previous)
    lines = []
    for name in sorted(_files(folder)):
        same = name in known and previous is not None and _same(folder / name, previous / name)
        lines.append(f"{known[name] if same else sha256(folder / name)}  {name}\n")
    (folder / FILE).write_text("".join(lines), "utf-8")


def read_checksums(folder: Path) -> dict[str, str]:
    """Return the checksum of every file by its name; raise StorageError when there are none or they are damaged."""
    try:
        text = (folder / FILE).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StorageError(
            f"The checksums of {folder.name} cannot be read: {error}.",
            f"Kontrollsummorna för {folder.name} går inte att läsa: {error}.",
        ) from error
    return parse(text, folder.name)


def parse(text: str, what: str) -> dict[str, str]:
    """Return the checksums of a text by file name; raise StorageError for a line, or a name, that cannot be.

    >>> parse("0" * 64 + "  store/CURRENT\\n", "000001")["store/CURRENT"][:4]
    '0000'
    """
    sums: dict[str, str] = {}
    for line in text.splitlines():
        found = _LINE.match(line)
        if found is None or not safe(found[2]):
            raise StorageError(
                f"The checksums of {what} are damaged: {line[:80]!r}.",
                f"Kontrollsummorna för {what} är skadade: {line[:80]!r}.",
            )
        sums[found[2]] = found[1]
    return sums


def safe(name: str) -> bool:
    """Return whether a name stays inside its folder whoever wrote it.

    >>> safe("dumps/asen/skolor.nt.gz"), safe("../ledger.sqlite"), safe("/etc/passwd")
    (True, False, False)
    """
    parts = PurePosixPath(name).parts
    return bool(parts) and not name.startswith("/") and ".." not in parts and "\\" not in name and "\0" not in name


def faults(folder: Path, sums: Mapping[str, str] | None = None) -> Iterator[Fault]:
    """Yield every file that is not what its checksum says, reading each of them whole."""
    for name, digest in (read_checksums(folder) if sums is None else sums).items():
        try:
            if sha256(folder / name) != digest:
                yield Fault(name, "changed")
        except FileNotFoundError:
            yield Fault(name, "missing")
        except OSError:
            yield Fault(name, "unreadable")


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _files(folder: Path) -> Iterator[str]:
    for place, _, names in os.walk(folder):
        for name in names:
            path = os.path.relpath(os.path.join(place, name), folder)
            if path not in _OWN:
                yield path


def _same(path: Path, other: Path) -> bool:
    try:
        return os.path.samestat(os.lstat(path), os.lstat(other))
    except OSError:
        return False
