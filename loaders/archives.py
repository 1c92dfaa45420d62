"""Unpack a source that came as zip or gzip, within limits, to the one data file in it."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import IO, Literal

from loaders.errors import SourceError
from loaders.findings import Finding

LARGEST_UNPACKED = 4 << 30
# Tables of text pack to a tenth, very regular ones to a hundredth; bombs to a thousandth.
MOST_GAIN = 200
_SMALL = 64 << 20
# PKWARE APPNOTE 4.4.4, general purpose bit 0.
_ENCRYPTED = 1
_BESIDE = frozenset({".md", ".txt", ".pdf", ".html", ".htm", ".xsd", ".png"})
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError)


def unpack(path: Path, name: str, form: Literal["zip", "gzip"], folder: Path) -> tuple[Path, str]:
    """Return the unpacked data file and its name; raise SourceError for a bomb, a broken archive, or several files."""
    try:
        if form == "gzip":
            with gzip.open(path) as stream:
                inner = name.removesuffix(".gz") if name.endswith(".gz") else f"{name}/data"
                return _copied(stream, path, name, folder), inner
        with zipfile.ZipFile(path) as archive:
            member = _member(archive, name)
            if archive.getinfo(member).flag_bits & _ENCRYPTED:
                raise SourceError(Finding("source.password", file=name))
            with archive.open(member) as stream:
                return _copied(stream, path, name, folder), f"{name}/{PurePosixPath(member).name}"
    except _BROKEN:
        raise SourceError(Finding("source.broken-archive", file=name)) from None


def _member(archive: zipfile.ZipFile, name: str) -> str:
    """Return the only data file of an archive: readmes, metadata and hidden files stand beside it."""
    files = [PurePosixPath(info.filename) for info in archive.infolist() if not info.is_dir()]
    files = [file for file in files if not any(part.startswith((".", "__MACOSX")) for part in file.parts)]
    data = [file for file in files if not file.name.endswith("metadata.json")]
    if len(data) > 1:
        data = [file for file in data if file.suffix.lower() not in _BESIDE] or data
    if len(data) != 1:
        known = ", ".join(sorted(file.name for file in data)[:20]) or "–"
        raise SourceError(Finding("source.archive-members", file=name, count=len(data), detail=(("known", known),)))
    return str(data[0])


def _copied(stream: IO[bytes] | gzip.GzipFile, path: Path, name: str, folder: Path) -> Path:
    """Write the stream to the folder, no further than the limits."""
    limit = min(LARGEST_UNPACKED, max(_SMALL, MOST_GAIN * path.stat().st_size))
    target = folder / "unpacked"
    size = 0
    with target.open("wb") as file:
        while block := stream.read(1 << 20):
            size += len(block)
            if size > limit:
                raise SourceError(Finding("source.too-large", file=name, detail=(("limit", f"{limit >> 20} MiB"),)))
            file.write(block)
    return target
