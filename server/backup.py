"""Backups: everything that a new machine needs to serve the same bytes and to go on publishing, as plain files.

    site/…           the site as stewards keep it
    data/…           the data folder: generations, history, ledger, archive, reports, tokens
    backup.json      every file with its checksum, written last: without it a backup is not whole

A backup is made while the server serves and no publication runs. Made again in the same folder it copies what is new
and removes what is gone, so that what has been purged does not live on in it.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from server.checksums import FILE, read_checksums, safe, sha256
from server.data_version import VERSION
from server.errors import OperationError, StorageError
from server.generations import DataFolder, remove_tree
from server.preview_notice import FOLDER as PREVIEWS
from server.replica import LEDGER, copy_database
from server.settings import Settings, read_settings
from server.site import Site, read_site
from server.whole_files import write_json

_MANIFEST = "backup.json"
# Of this machine and this moment only; a new machine makes its own.
_NOT_KEPT = {"lock", "operator.key", "tokens.lock", "incoming", "fetched", PREVIEWS, "current.part", "VERSION.part"}
_NOT_SITE = {".git", ".venv", "__pycache__"}


@dataclass(frozen=True, slots=True)
class Backup:
    """What a backup holds, or what was restored from it."""

    folder: Path
    files: int
    bytes: int
    copied: int
    generation: int
    time: str

    def members(self) -> dict[str, Any]:
        """Return the figures as JSON members."""
        return {
            "folder": str(self.folder), "files": self.files, "bytes": self.bytes, "copied": self.copied,
            "generation": self.generation, "time": self.time,
        }  # fmt: skip


def backup(site: Site, settings: Settings, folder: Path, *, now: datetime | None = None) -> Backup:
    """Bring a backup up to date, or make it, and return what it holds.

    No publication runs meanwhile: it is waited for by whoever starts it, as by another publication. Raises
    OperationError when the folder is no backup, holds a later state, or lies in what is backed up, and when a link
    leads out of the site.
    """
    data = DataFolder(settings.data_folder(site.folder))
    before = _before(folder, site.folder, data.path)
    time = (now or datetime.now(UTC)).isoformat(timespec="seconds")
    with data.writing("backup"), _told(folder):
        _refuse_older(folder, int(data.current_name() or 0))
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _MANIFEST).unlink(missing_ok=True)
        files: dict[str, dict[str, Any]] = {}
        copied = 0
        sums = _sums(data)
        for name, path in (*_site_files(site.folder, data.path), *_data_files(data.path)):
            target = folder / name
            if _same(path, target, before.get(name)):
                digest = str(before[name]["sha256"])
            else:
                _copy(path, target)
                copied += 1
                digest = sha256(target)
            if sums.get(name, digest) != digest:
                raise StorageError(
                    f"{path} is not what its checksum says: the backup would keep the damage. Run torg doctor.",
                    f"{path} stämmer inte med sin kontrollsumma: kopian skulle bevara skadan. Kör torg doctor.",
                )
            files[name] = {"bytes": target.stat().st_size, "sha256": digest, "time": path.stat().st_mtime_ns}
        _remove_others(folder, set(files))
        members = {
            "version": VERSION, "time": time, "base": site.base, "generation": int(data.current_name() or 0),
            "files": files,
        }  # fmt: skip
        write_json(folder / _MANIFEST, members)
    return _figures(folder, members, copied)


def check_backup(folder: Path) -> Backup:
    """Return what a backup holds, having read every file; raise StorageError that names those that are wrong."""
    members = _manifest(folder)
    wrong = [name for name, file in members["files"].items() if not _agrees(folder / name, file)]
    if wrong:
        named = ", ".join(wrong[:5])
        raise StorageError(
            f"{len(wrong)} files of the backup {folder} are missing or changed: {named}. Take another backup.",
            f"{len(wrong)} filer i säkerhetskopian {folder} saknas eller är ändrade: {named}. Ta en annan kopia.",
        )
    return _figures(folder, members, 0)


def restore_backup(folder: Path, site: Path) -> Backup:
    """Make a site in a new or empty folder from a backup, whole or not at all, and return what was restored."""
    found = check_backup(folder)
    if site.exists() and (not site.is_dir() or any(site.iterdir())):
        raise OperationError(
            f"{site} is not empty. Name a new folder; nothing is overwritten.",
            f"{site} är inte tom. Ange en ny mapp; inget skrivs över.",
        )
    files: dict[str, dict[str, Any]] = _manifest(folder)["files"]
    half = site.with_name(f"{site.name}.restoring")
    with _told(site):
        if half.exists():
            remove_tree(half)
        for name in sorted(files):
            if name.startswith("site/"):
                _copy(folder / name, half / name.removeprefix("site/"))
        data = _data_of(half)
        inside = data.is_relative_to(half.absolute())
        if not inside and data.exists() and any(data.iterdir()):
            remove_tree(half)
            raise OperationError(
                f"{data}, the data folder of the site, is not empty. Empty it, or set TORG_DATA; nothing is "
                "overwritten.",
                f"{data}, platsens datamapp, är inte tom. Töm den, eller sätt TORG_DATA; inget skrivs över.",
            )
        for name in sorted(files):
            if name.startswith("data/") and name != "data/current":
                _copy(folder / name, data / name.removeprefix("data/"))
        _close(data)
        if (folder / "data/current").exists():
            _copy(folder / "data/current", data / "current")
        if site.exists():
            site.rmdir()
        half.rename(site)
    return found


def _data_of(site: Path) -> Path:
    return Path(os.path.abspath(read_settings(read_site(site).raw).data_folder(site)))


def _close(data: Path) -> None:
    """Make the restored generations read-only and give them their locks, as publication left them."""
    for number in DataFolder(data).numbers():
        path = data / "generations" / f"{number:06d}"
        (path / "lock").touch()
        for place, _, names in os.walk(path):
            for name in names:
                os.chmod(os.path.join(place, name), 0o444)
            os.chmod(place, 0o555)
    archive = data / "archive"
    if archive.is_dir():
        archive.chmod(0o700)
    if (data / "tokens.json").exists():
        (data / "tokens.json").chmod(0o600)


def _before(folder: Path, site: Path, data: Path) -> dict[str, dict[str, Any]]:
    """Return the files of the backup that is in the folder already; raise OperationError when it holds other things."""
    for inside in (site, data):
        if folder.absolute().resolve().is_relative_to(inside.absolute().resolve()):
            raise OperationError(
                f"{folder} lies in {inside}, which is backed up. Name a folder elsewhere, best on another disk.",
                f"{folder} ligger i {inside}, som kopieras. Ange en mapp någon annanstans, helst på en annan disk.",
            )
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return {}
    if not (folder / _MANIFEST).exists() and not ((folder / "data").is_dir() and (folder / "site").is_dir()):
        raise OperationError(
            f"{folder} holds something that is no backup. Name a new folder.",
            f"{folder} innehåller något som inte är en säkerhetskopia. Ange en ny mapp.",
        )
    try:
        files: dict[str, dict[str, Any]] = _manifest(folder)["files"]
    except OperationError:
        return {}  # A backup that was interrupted: everything is copied again.
    return files


def _refuse_older(folder: Path, number: int) -> None:
    """Raise OperationError when the backup in the folder holds a later generation than the site has.

    Numbers only grow. A site that has lost its data, or another one, would take the place of the one good copy: the
    timer that makes backups goes on after the disk has failed.
    """
    try:
        held = int(_manifest(folder)["generation"])
    except (OperationError, KeyError, TypeError, ValueError):
        return
    if held > number:
        raise OperationError(
            f"{folder} holds generation {held}, and this site has {number or 'none'}: the backup is newer, or another "
            "site's, and stays as it is. Restore it if something has been lost here; else name a new folder.",
            f"{folder} innehåller generation {held}, och den här platsen har {number or 'ingen'}: säkerhetskopian är "
            "nyare, eller en annan plats, och lämnas som den är. Återställ den om något har gått förlorat här; ange "
            "annars en ny mapp.",
        )


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        members: dict[str, Any] = json.loads((folder / _MANIFEST).read_text("utf-8"))
        version, names = int(members["version"]), list(members["files"])
    except (OSError, ValueError, KeyError, TypeError):
        raise StorageError(
            f"{folder} is no whole backup: {_MANIFEST} is missing or cannot be read. Make it again with torg backup "
            "create.",
            f"{folder} är ingen hel säkerhetskopia: {_MANIFEST} saknas eller går inte att läsa. Gör den på nytt med "
            "torg backup create.",
        ) from None
    if version > VERSION:
        raise StorageError(
            f"The backup {folder} is of version {version}, made by a newer torg. Install that one.",
            f"Säkerhetskopian {folder} har version {version}, gjord av en nyare torg. Installera den.",
        )
    if not all(safe(name) and name.startswith(("site/", "data/")) for name in names):
        raise StorageError(f"{folder / _MANIFEST} names files outside.", f"{folder / _MANIFEST} anger filer utanför.")
    return members


def _site_files(site: Path, data: Path) -> Iterator[tuple[str, Path]]:
    root, kept_apart = os.path.realpath(site), os.path.realpath(data)
    for place, folders, names in os.walk(site):
        folders[:] = sorted(
            each
            for each in folders
            if each not in _NOT_SITE and os.path.realpath(os.path.join(place, each)) != kept_apart
        )
        for name in (*names, *(each for each in folders if os.path.islink(os.path.join(place, each)))):
            path = Path(place, name)
            real = os.path.realpath(path)
            if path.is_symlink() and not (real.startswith(root + os.sep) and os.path.isfile(real)):
                raise OperationError(
                    f"{path} is a symbolic link out of the site, to a folder or to nothing. Put the file itself there.",
                    f"{path} är en symbolisk länk ut ur platsen, till en mapp eller till inget. Lägg själva filen där.",
                )
            yield f"site/{path.relative_to(site)}", path


def _data_files(data: Path) -> Iterator[tuple[str, Path]]:
    for place, folders, names in os.walk(data):
        top = Path(place) == data
        folders[:] = sorted(each for each in folders if not (top and each in _NOT_KEPT))
        for name in names:
            path = Path(place, name)
            if not (top and name in _NOT_KEPT) and not (path.parent.parent.name == "generations" and name == "lock"):
                yield f"data/{path.relative_to(data)}", path


def _same(path: Path, target: Path, before: dict[str, Any] | None) -> bool:
    """Return whether the target is known to be what the path is now, by size and time; the ledger never is."""
    if before is None or path.name == LEDGER or not target.is_file():
        return False
    size = path.stat().st_size
    return size == before["bytes"] == target.stat().st_size and before.get("time") == path.stat().st_mtime_ns


def _copy(path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    part.unlink(missing_ok=True)
    if path.name == LEDGER:
        copy_database(path, part)
    else:
        shutil.copyfile(path, part)
    part.replace(target)


def _sums(data: DataFolder) -> dict[str, str]:
    """Return the checksums that the generations themselves keep, by name in the backup."""
    return {
        f"data/generations/{number:06d}/{name}": digest
        for number in data.numbers()
        if (data.generations / f"{number:06d}" / FILE).exists()
        for name, digest in read_checksums(data.generations / f"{number:06d}").items()
    }


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    """Turn what the file system refuses into a sentence that names where."""
    try:
        yield
    except OSError as error:
        what = error.strerror or str(error)
        raise StorageError(
            f"{error.filename or folder} cannot be copied: {what}. What is served is as before; mend that and run the "
            "command again.",
            f"{error.filename or folder} går inte att kopiera: {what}. Det som visas är som förut; åtgärda det och kör "
            "kommandot igen.",
        ) from error


def _agrees(path: Path, file: dict[str, Any]) -> bool:
    try:
        return path.stat().st_size == int(file["bytes"]) and sha256(path) == file["sha256"]
    except (OSError, KeyError, ValueError, TypeError):
        return False


def _remove_others(folder: Path, names: set[str]) -> None:
    for top in ("site", "data"):
        for path in sorted((folder / top).rglob("*"), reverse=True):
            if path.is_dir() and not path.is_symlink():
                if not any(path.iterdir()):
                    path.rmdir()
            elif str(path.relative_to(folder)) not in names:
                path.unlink()


def _figures(folder: Path, members: dict[str, Any], copied: int) -> Backup:
    size = sum(int(file["bytes"]) for file in members["files"].values())
    return Backup(folder, len(members["files"]), size, copied, int(members["generation"]), str(members["time"]))
