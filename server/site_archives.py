"""Unpack the archive of a site folder that came from elsewhere: plain files only, within limits, nothing executed.

Links, devices, names that lead out of the folder and hidden files are what an attacker would send; the first three
refuse the whole archive, hidden files are left out.
"""

from __future__ import annotations

import stat
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

_BROKEN = (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)
_BLOCK = 1 << 20


class ArchiveError(Exception):
    """The archive cannot be used; `reason` says why, `sv` and `en`."""

    def __init__(self, sv: str, en: str) -> None:
        super().__init__(en)
        self.sv = sv
        self.en = en


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """How much an archive may unpack to."""

    bytes: int = 2 << 30
    files: int = 20_000
    depth: int = 12


Member = tuple[str, IO[bytes]]


def unpack_site(archive: Path, target: Path, limits: ArchiveLimits) -> int:
    """Write the files of a zip or tar archive below `target`, which is new; return how many there are.

    A folder that holds all the rest, as code hosts make one, is left out. Raises ArchiveError; what was written by then
    is the caller's to remove.
    """
    try:
        return _written(_members(archive), target, limits)
    except _BROKEN as error:
        raise ArchiveError("arkivet är trasigt", "the archive is broken") from error


def _members(archive: Path) -> Iterator[Member]:
    # By its first bytes: a tar that ends with a workbook ends as a zip does.
    with archive.open("rb") as file:
        zipped = file.read(2) == b"PK"
    if zipped:
        yield from _zipped(archive)
    else:
        with tarfile.open(archive, "r:*") as tar:
            yield from _tarred(tar)


def _zipped(path: Path) -> Iterator[Member]:
    with zipfile.ZipFile(path) as packed:
        for info in packed.infolist():
            mode = info.external_attr >> 16
            if mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise _odd(info.filename)
            if not info.is_dir():
                with packed.open(info) as stream:
                    yield info.filename, stream


def _tarred(tar: tarfile.TarFile) -> Iterator[Member]:
    for member in tar:
        if member.isdir() or member.type == tarfile.XGLTYPE:
            continue
        stream = tar.extractfile(member) if member.isreg() else None
        if stream is None:
            raise _odd(member.name)
        yield member.name, stream


def _written(members: Iterator[Member], target: Path, limits: ArchiveLimits) -> int:
    size = count = 0
    target.mkdir(parents=True)
    for name, stream in members:
        path = _place(name, limits)
        if path is None:
            continue
        count += 1
        if count > limits.files:
            raise ArchiveError(f"fler än {limits.files} filer", f"more than {limits.files} files")
        place = target / path
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            file = place.open("xb")
        except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
            raise ArchiveError(f"samma namn två gånger: {path}", f"the same name twice: {path}") from error
        with file:
            while block := stream.read(_BLOCK):
                size += len(block)
                if size > limits.bytes:
                    raise ArchiveError(f"mer än {limits.bytes >> 20} MiB", f"more than {limits.bytes >> 20} MiB")
                file.write(block)
    _lift(target)
    return count


def _place(name: str, limits: ArchiveLimits) -> Path | None:
    """Return the path of a member below the target, None for a hidden one; raise ArchiveError on one that leads out."""
    path = PurePosixPath(unicodedata.normalize("NFC", name.replace("\\", "/")))
    parts = [part for part in path.parts if part != "."]
    if path.is_absolute() or ".." in parts or ":" in name or not name.isprintable() or not parts:
        raise _odd(name)
    if len(parts) > limits.depth or any(len(part.encode()) > 200 for part in parts):
        raise _odd(name)
    return None if any(part.startswith(".") or part == "__MACOSX" for part in parts) else Path(*parts)


def _lift(target: Path) -> None:
    """Take away a lone folder around everything."""
    entries = list(target.iterdir())
    if len(entries) == 1 and entries[0].is_dir() and entries[0].name != "datasets":
        inner = entries[0].rename(target.with_name(f"{target.name}-inner"))
        target.rmdir()
        inner.rename(target)


def _odd(name: str) -> ArchiveError:
    shown = "".join(sign if sign.isprintable() else "?" for sign in name[:80])
    return ArchiveError(f"en länk eller ett otillåtet namn: {shown}", f"a link, or a name that is not allowed: {shown}")
