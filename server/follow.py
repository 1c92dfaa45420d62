"""Replicas: copies the generations of another instance, whole or not at all, and switches when a new one is complete.

A copy is brought together in `incoming/`, where an interrupted one is gone on with; files that the replica has already,
by their checksum, are linked. Only when every file agrees with the source's checksums is the generation put in its
place and switched to, by the same flip as a publication. What the source has forgotten, the replica forgets.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from loaders.errors import LoadError
from server.checksums import FILE, faults, parse, read_checksums, sha256
from server.data_version import VERSION
from server.errors import OperationError, StorageError
from server.follow_sources import Source, source_of
from server.generations import REPLICA, DataFolder, nobody_reads, remove_generation, remove_tree
from server.ledger import Ledger
from server.replica import LEDGER, Offer, OfferedFile, OfferedGeneration
from server.settings import Settings
from server.site import read_site


class Say(Protocol):
    """Says a sentence to the operator in the language of the run."""

    def __call__(self, *, sv: str, en: str) -> None:
        """Say it."""


_SUMS_BYTES = 64 << 20
_SPARE_BYTES = 64 << 20


class Follower:
    """Brings one data folder up to date with a source; `once` may be called again and again."""

    def __init__(self, data: DataFolder, source: Source, base: str, keep: int) -> None:
        """Take the data folder, the source, the base that the site has, and how many generations to keep."""
        self._data, self._source, self._base, self._keep = data, source, base, max(1, keep)
        self._incoming = data.path / "incoming"
        self._done: Offer | None = None

    def once(self, tell: Callable[[str], None] = lambda name: None) -> bool:
        """Copy what is new and return whether anything was; raise OperationError when it cannot be had, nothing lost.

        `tell` is called with the name of the generation that is served from now on.
        """
        offer = self._source.offer()
        if offer == self._done:
            return False
        self._check(offer)
        with self._data.writing(f"follow {self._source.name}"):
            self._mark()
            changed = self._update(offer, tell)
        return changed

    def _check(self, offer: Offer) -> None:
        if offer.version > VERSION:
            raise StorageError(
                f"{self._source.name} is of version {offer.version}, newer than this torg. Upgrade the replicas first.",
                f"{self._source.name} har version {offer.version}, nyare än den här torg. Uppgradera kopiorna först.",
            )
        if offer.base != self._base:
            raise OperationError(
                f"{self._source.name} is published under {offer.base}, and site.toml has {self._base}. Use the same "
                "site.toml on both.",
                f"{self._source.name} är publicerad under {offer.base}, men site.toml har {self._base}. Använd samma "
                "site.toml på båda.",
            )
        own = self._data.current_name()
        if own is not None and not (self._data.path / REPLICA).exists():
            raise OperationError(
                f"{self._data.path} has publications of its own. A replica needs a data folder of its own: "
                "name another one in [store] data.",
                f"{self._data.path} har egna publiceringar. En kopia behöver en egen datamapp: ange en annan i [store] "
                "data.",
            )

    def _mark(self) -> None:
        if not (self._data.path / REPLICA).exists():
            members = {"source": self._source.name, "since": datetime.now(UTC).isoformat(timespec="seconds")}
            (self._data.path / REPLICA).write_text(json.dumps(members) + "\n", "utf-8")

    def _update(self, offer: Offer, tell: Callable[[str], None]) -> bool:
        wanted = {each.name: each for each in offer.generations[-self._keep :]}
        wanted |= {each.name: each for each in offer.generations if each.name == offer.current}
        missing = [each for each in wanted.values() if self._local_sums(each.name) != each.sums]
        self._drop_other_copies({f"{each.name}-{each.sums[:16]}" for each in missing})
        changed = bool(missing)
        # The served one first: older ones can wait, and so can what is only told about them.
        for each in sorted(missing, key=lambda each: (each.name != offer.current, each.name)):
            folder = self._copy(each)
            if each.name == offer.current:
                changed |= self._copy_files(offer)
                self._place(each.name, folder)
                self._switch(offer, tell)
            else:
                self._place(each.name, folder)
        changed |= self._copy_files(offer)
        self._switch(offer, tell)
        self._forget(offer, set(wanted))
        return changed

    def _local_sums(self, name: str) -> str:
        path = self._data.generations / name / FILE
        return sha256(path) if path.is_file() else ""

    def _copy(self, offered: OfferedGeneration) -> Path:
        """Return a folder that holds the generation, every file of which has been checked."""
        folder = self._incoming / f"{offered.name}-{offered.sums[:16]}"
        folder.mkdir(parents=True, exist_ok=True)
        prefix = f"generations/{offered.name}"
        self._take(OfferedFile(f"{prefix}/{FILE}", _SUMS_BYTES, offered.sums), folder / FILE)
        sums = parse((folder / FILE).read_text("utf-8"), offered.name)
        known = dict(self._known())
        for name, digest in sums.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            if digest in known and not (folder / name).exists():
                with suppress(OSError):
                    os.link(known[digest], folder / name)
        missing = [name for name in sums if not (folder / name).exists()]
        if missing:
            self._check_room(offered.bytes - sum((folder / name).stat().st_size for name in sums.keys() - set(missing)))
        for name in missing:
            self._take(OfferedFile(f"{prefix}/{name}", offered.bytes, sums[name]), folder / name)
        for fault in faults(folder, sums):
            (folder / fault.name).unlink(missing_ok=True)
            raise self._damaged(f"{prefix}/{fault.name}")
        return folder

    def _take(self, file: OfferedFile, target: Path) -> None:
        """Bring one file, or the rest of it, to the target and check it."""
        if target.exists() and sha256(target) == file.sha256:
            return
        part = target.with_name(target.name + ".part")
        part.parent.mkdir(parents=True, exist_ok=True)
        self._source.take(file.path, part, file.bytes)
        if sha256(part) != file.sha256:
            part.unlink()
            raise self._damaged(file.path)
        part.replace(target)

    def _damaged(self, path: str) -> StorageError:
        return StorageError(
            f"{path} of {self._source.name} is not what its checksum says. It is asked for again; what is served is as "
            "before.",
            f"{path} från {self._source.name} stämmer inte med sin kontrollsumma. Den hämtas igen; det som visas är "
            "som förut.",
        )

    def _known(self) -> Iterator[tuple[str, Path]]:
        for number in self._data.numbers():
            folder = self._data.generations / f"{number:06d}"
            with suppress(StorageError):
                for name, digest in read_checksums(folder).items():
                    yield digest, folder / name

    def _check_room(self, needed: int) -> None:
        free = shutil.disk_usage(self._data.path).free
        if needed + _SPARE_BYTES > free:
            raise StorageError(
                f"The copy needs {needed >> 20} MiB more, and {self._data.path} has {free >> 20} MiB free. Free some "
                "space; it is tried again.",
                f"Kopian behöver {needed >> 20} MiB till, men {self._data.path} har {free >> 20} MiB ledigt. Gör "
                "plats; nytt försök görs.",
            )

    def _copy_files(self, offer: Offer) -> bool:
        """Bring history, runs and ledger; all are fetched before the first one is put in its place."""
        staged: list[tuple[Path, Path]] = []
        for file in offer.files:
            target, stage = self._data.path / file.path, self._incoming / "files" / file.path
            if self._has(file, target):
                continue
            self._take(file, stage)
            if file.path == LEDGER:
                # A publication that is under way at the source has written events that are not public yet.
                Ledger(stage).roll_back(int(offer.current))
            staged.append((stage, target))
        for stage, target in staged:
            target.parent.mkdir(parents=True, exist_ok=True)
            stage.replace(target)
        if any(target.name == LEDGER for _, target in staged):
            self._ledger_mark.write_text(next(file.sha256 for file in offer.files if file.path == LEDGER), "ascii")
        return bool(staged)

    @property
    def _ledger_mark(self) -> Path:
        """Where the checksum of the copied ledger is kept: what has been rolled back no longer has it itself."""
        return self._data.path / "ledger.copied"

    def _has(self, file: OfferedFile, target: Path) -> bool:
        if not target.is_file():
            return False
        if file.path == LEDGER:
            return self._ledger_mark.exists() and self._ledger_mark.read_text("ascii") == file.sha256
        return target.stat().st_size == file.bytes and sha256(target) == file.sha256

    def _place(self, name: str, folder: Path) -> None:
        """Put a checked copy where generations are; an older one of that name, purged at the source, makes way."""
        ready = self._data.generations / f"next-{name}"
        ready.parent.mkdir(exist_ok=True)
        folder.replace(ready)
        self._data.place(ready, int(name))

    def _switch(self, offer: Offer, tell: Callable[[str], None]) -> None:
        if self._data.current_name() != offer.current:
            self._data.flip(int(offer.current))
            tell(offer.current)

    def _forget(self, offer: Offer, wanted: set[str]) -> None:
        """Remove what the source no longer has, or what is more than this replica keeps."""
        unwanted = [self._data.generations / f"{number:06d}" for number in self._data.numbers()]
        unwanted = [path for path in unwanted if path.name not in wanted]
        for path in unwanted:
            if nobody_reads(path):
                remove_generation(path)
        # What somebody reads still is looked at again the next time.
        self._done = None if any(path.exists() for path in unwanted) else offer
        offered = {file.path for file in offer.files}
        for tree in ("history", "runs"):
            for path in sorted((self._data.path / tree).rglob("*")):
                if path.is_file() and str(path.relative_to(self._data.path)) not in offered:
                    path.unlink()
        if self._incoming.is_dir():
            remove_tree(self._incoming)

    def _drop_other_copies(self, wanted: set[str]) -> None:
        for entry in self._incoming.iterdir() if self._incoming.is_dir() else ():
            if entry.is_dir() and entry.name not in wanted and entry.name != "files":
                remove_tree(entry)


def follow_for_ever(site: Path, settings: Settings, say: Say) -> None:
    """Copy again and again until the process that started this one has ended; what goes wrong is said once.

    Runs beside the web process, whose answers it never delays.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # an orderly end, which removes temporary files
    parent, said = os.getppid(), ""
    source: Source | None = None
    follower: Follower | None = None
    data = DataFolder(settings.data_folder(site))
    while os.getppid() == parent:
        try:
            if source is None or follower is None:
                source = source_of(str(settings.follow))
                follower = Follower(data, source, read_site(site).base, int(settings.keep_generations))
            follower.once(lambda name: say(sv=f"Generation {name} visas nu.", en=f"Generation {name} is served now."))
            said = ""
        except OperationError as error:
            if error.en != said:
                said = error.en
                say(sv=error.sv, en=error.en)
        except LoadError as error:
            if str(error) != said:
                said = str(error)
                say(sv=error.finding.text("sv"), en=error.finding.text("en"))
        time.sleep(max(0.2, float(settings.follow_seconds)))
