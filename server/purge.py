"""Forgets a thing, a dataset or a generation everywhere in the data folder; the ledger keeps only that it was.

A journal makes it crash-safe: a purge that was interrupted is finished by the next command that writes. Every step
looks at what is there and can be done again.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from server.assemble import write_history
from server.checksums import write_checksums
from server.errors import OperationError
from server.forgotten import REFUSED, Forgotten, journal, refused
from server.generations import DataFolder, Generation, GraphEntry, remove_generation, remove_tree
from server.graph_files import lines_of, subject
from server.ledger import Ledger
from server.ledger_events import record_seen, record_withdrawn
from server.purge_files import (
    Selection,
    catalog_change,
    history_lines,
    mentioned_parts,
    rewrite_generation,
    rewrite_history,
    touches,
    without_findings,
    write_index,
)  # fmt: skip
from server.purge_generation import forget_generation
from server.purge_target import Target, check_target, numbered_folders, read_target
from server.remote_store_publish import RemotePublisher
from server.salvage import refuse_damage
from server.settings import Settings
from server.site import Site
from server.store import ReadStore
from server.uris import UriSpace
from server.whole_files import write_json

_PART_ROUNDS = 4


@dataclass
class Purged:
    """What a purge did: the generation it made, what it rewrote, and where sources still hold the thing."""

    target: Target
    generation: int
    rewritten: list[int] = field(default_factory=list)
    history: list[int] = field(default_factory=list)
    identifiers: list[str] = field(default_factory=list)
    archived: int = 0
    datasets: list[str] = field(default_factory=list)

    def members(self) -> dict[str, Any]:
        """Return it as JSON members."""
        return asdict(self)


def purge(
    site: Site, settings: Settings, targets: Iterable[str], reason: str, now: datetime | None = None
) -> list[Purged]:
    """Forget each target and return what was done.

    Raises OperationError before anything is touched when a target never existed, is the generation served now, or
    is a dataset whose description is still in the site; LockedError when another command is writing.
    """
    if not reason.strip():
        raise OperationError(
            "Say why: --reason is kept beside the tombstone, so that it can be answered for.",
            "Ange varför: --reason sparas med spåret av det raderade, så att det går att svara för.",
        )
    data = DataFolder(settings.data_folder(site.folder))
    wanted = list(dict.fromkeys(read_target(site, text) for text in targets))
    with data.writing("purge"):
        interrupted = finish_interrupted(site, data)
        # Who gives a command again that was interrupted asks for what has just been done.
        done = [interrupted] if interrupted and interrupted.target in wanted else []
        wanted = [target for target in wanted if not done or target != done[0].target]
        refuse_damage(data)
        for target in wanted:
            check_target(site, data, target)
        for target in wanted:
            time = (now or datetime.now(UTC)).astimezone(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")
            write_json(journal(data.path), asdict(target) | {"reason": reason.strip(), "time": time})
            finished = finish_interrupted(site, data)
            done += [finished] if finished else []
        _forget_remotely(settings, data)
        return done


def _forget_remotely(settings: Settings, data: DataFolder) -> None:
    """Bring the current generation to a remote store, and remove there what was forgotten here."""
    remote = RemotePublisher.of(settings, data.path)
    if remote is None or (current := data.current_name()) is None:
        return
    remote.bring(data.generations / current)
    if left := remote.prune(data.kept()):
        raise OperationError(
            f"It is forgotten here, but {len(left)} graphs could not be removed from the store's server. Run torg "
            "publish when it answers again: that removes them.",
            f"Det är raderat här, men {len(left)} grafer gick inte att ta bort i databasservern. Kör torg publish när "
            "den svarar igen: då tas de bort.",
        )


def finish_interrupted(site: Site, data: DataFolder) -> Purged | None:
    """Finish a purge that a crash interrupted, if there is one; the caller holds the writer's lock."""
    path = journal(data.path)
    if not path.exists():
        return None
    done = _Work(site, data, json.loads(path.read_text("utf-8"))).run()
    path.unlink()
    return done


def move_refused(data: DataFolder, old: str, new: str) -> None:
    """Let what was purged below one base be refused below another too; to be done before a rebase."""
    names = refused(data.path)
    moved = {new + name[len(old) :] for name in names if name.startswith(old)}
    if moved - names:
        write_json(data.path / REFUSED, {"uris": sorted(names | moved)})


def without_refused(
    folder: Path, graphs: Iterable[GraphEntry], before: Mapping[str, GraphEntry], names: frozenset[str]
) -> dict[str, GraphEntry]:
    """Take what was purged out of the graphs of a coming generation; return the entries that became others."""
    replaced, forgotten = {}, Forgotten(names)
    for entry in graphs:
        old = before.get(entry.iri)
        if not names or (old is not None and old.sha256 == entry.sha256):
            continue
        if found := forgotten.without(folder / entry.dump):
            file, _ = found
            members = asdict(entry) | {"triples": file.triples, "sha256": file.sha256, "bytes": file.bytes}
            replaced[entry.iri] = GraphEntry(**(members | {"dump_sha256": file.dump_sha256}))
    return replaced


class _Work:
    """One purge, every step of which can be done again."""

    def __init__(self, site: Site, data: DataFolder, journal: dict[str, Any]) -> None:
        self._site, self._data, self._journal = site, data, journal
        self._reason, self._time = str(journal["reason"]), str(journal["time"])
        self._target = target = Target(journal["kind"], journal["name"])
        self._history = data.path / "history"
        self._ledger = Ledger(data.path / "ledger.sqlite")
        self._ledger.roll_back(int(data.current_name() or 0))
        self._spaces = [site.uris, *map(UriSpace, self._ledger.former_bases())]
        self._done = Purged(target, data.next_number())

    def run(self) -> Purged:
        """Forget, and make a new current generation, whose name no cache knows."""
        if self._target.kind == "generation":
            number = int(self._target.name)
            sources = forget_generation(self._data, self._ledger, number, self._time, self._reason)
            self._done.rewritten = [int(self._target.name)]
            self._flip(Selection(set()), [], set())
            self._unlink_archive(sources)
        else:
            selection = self._selection()
            self._done.identifiers = self._noted("identifiers", self._identifiers(selection))
            self._done.datasets = self._noted("datasets", self._affected(selection))
            selection.iris |= set(self._noted("parts", selection.iris))
            if self._target.kind == "uri":
                uris = sorted(refused(self._data.path) | {self._target.name})
                write_json(self._data.path / REFUSED, {"uris": uris})
            self._flip(selection, self._done.identifiers, set(self._done.datasets))
            self._rewrite_kept(selection)
            for folder in numbered_folders(self._history):
                if rewrite_history(folder, selection):
                    self._done.history.append(int(folder.name))
            _forget_in_ledger(self._ledger, selection, [self._path(iri) for iri in self._done.identifiers])
            self._forget_archive(selection)
            self._rewrite_runs(selection)
        self._forget_copies()
        return self._done

    def _forget_copies(self) -> None:
        """Remove copies of sources, which are fetched and pulled again when they are needed."""
        publishers = {key.split("/")[0] for key in self._done.datasets}
        for folder in (self._data.path / "fetched", *(self._data.path / "publishers" / key for key in publishers)):
            if folder.is_dir():
                remove_tree(folder)

    def _noted(self, name: str, found: set[str]) -> list[str]:
        """Return what was found, by this run or by one that was interrupted after it had begun to forget."""
        self._journal[name] = sorted(found | set(self._journal.get(name, ())))
        write_json(journal(self._data.path), self._journal)
        noted: list[str] = self._journal[name]
        return noted

    def _selection(self) -> Selection:
        if self._target.kind == "dataset":
            name = self._target.name
            kinds = ("id/dataset", "id/distribution", "graph", "dumps")
            prefixes = tuple(f"{space.base}{kind}/{name}" for space in self._spaces for kind in kinds)
            return Selection(set(), {name}, prefixes)
        own = self._site.uris.path(self._target.name)
        # Before a rebase the thing had the same path below another base.
        names = {self._target.name} if own is None else {space.base + own[1:] for space in self._spaces}
        selection = Selection(names)
        for _ in range(_PART_ROUNDS):
            meant = selection.pattern()
            found = {part for lines in self._everything() for part in mentioned_parts(lines, meant)}
            if found <= selection.iris:
                break
            selection.iris |= found
        return selection

    def _everything(self) -> Iterable[Iterable[str]]:
        """Yield the lines of every difference; together they hold all that was ever published."""
        for folder in numbered_folders(self._history):
            for _, lines in history_lines(folder):
                yield lines

    def _identifiers(self, selection: Selection) -> set[str]:
        """Return the IRIs whose tombstones are set: the thing's, or those that only the dataset described."""
        if self._target.kind == "uri":
            return {self._target.name}
        meant, own, others = selection.pattern(), set[str](), set[str]()
        for folder in numbered_folders(self._history):
            for entry, lines in history_lines(folder):
                target = own if selection.drops(entry) else others
                target |= {name for line in lines if (name := subject(line)) not in target}
        found = {iri for iri in own - others if self._path(iri).startswith(("/id/", "/def/"))}
        return found | {iri for iri in others if meant(f"<{iri}>") and self._path(iri).startswith("/id/")}

    def _affected(self, selection: Selection) -> set[str]:
        """Return the datasets that ever held what is forgotten."""
        if self._target.kind == "dataset":
            return {self._target.name}
        meant = selection.pattern()
        return {
            entry["dataset"]
            for folder in numbered_folders(self._history)
            for entry, lines in history_lines(folder)
            if entry["dataset"] and any(map(meant, lines))
        }

    def _flip(self, selection: Selection, identifiers: list[str], datasets: set[str]) -> None:
        """Publish the current generation again without what is forgotten, and remove the old one."""
        current = self._data.current()
        if current is None:
            return
        with closing(current):
            number = self._data.next_number()
            folder = self._data.begin()
            touched = rewrite_generation(current, folder, selection, number, self._time)
            purged = [{"iri": iri, "datasets": sorted(datasets)} for iri in identifiers]
            changed = catalog_change(current, folder)
            (self._history / f"{number:06d}").mkdir(parents=True, exist_ok=True)
            index = write_history(self._history / f"{number:06d}", changed, [], self._time)
            index |= {"purged": purged, "touched": sorted(touched)}
            write_index(self._history / f"{number:06d}" / "index.json", index)
            with self._ledger.recording(number, self._time) as recorder:
                for iri in identifiers:
                    recorder.purged(self._path(iri), self._reason)
                # What the corrected catalogue describes anew and no more, such as checksums of dumps.
                uris, store = self._site.uris, ReadStore(folder / "store")
                record_withdrawn(recorder, changed, store, uris, uris, without=selection.pattern())
                record_seen(recorder, changed, uris)
            self._data.finish(folder)
            self._data.flip(number)
            self._done.generation = number
        if self._target.kind != "generation":
            remove_generation(current.path)

    def _path(self, iri: str) -> str:
        return next((path for space in self._spaces if (path := space.path(iri))), iri)

    def _rewrite_kept(self, selection: Selection) -> None:
        for number in self._data.numbers():
            path = self._data.generations / f"{number:06d}"
            with closing(Generation(path)) as generation:
                if not touches(generation, selection):
                    continue
                folder = self._data.generations / f"purge-{number:06d}"
                folder.mkdir()
                rewrite_generation(generation, folder, selection, number, generation.manifest["created"])
            write_checksums(folder)
            self._data.place(folder, number)
            self._done.rewritten.append(number)

    def _forget_archive(self, selection: Selection) -> None:
        """Remove the copies of sources of the affected datasets, and those that no kept generation accounts for."""
        kept: set[str] = set()
        for number in self._data.numbers():
            with closing(self._data.generation(number)) as generation:
                for key, dataset in generation.datasets.items():
                    if key not in self._done.datasets:
                        kept |= {file["sha256"] for delivery in dataset["deliveries"].values()
                                 for file in delivery["sources"]}  # fmt: skip
        archive = self._data.path / "archive"
        names = {entry.name for entry in archive.iterdir()} if archive.is_dir() else set()
        self._unlink_archive(names - kept)

    def _unlink_archive(self, names: Iterable[str]) -> None:
        gone = set(names)
        for folder in numbered_folders(self._history):
            path = folder / "index.json"
            index = json.loads(path.read_text("utf-8")) if path.exists() else {}
            if gone & set(index.get("sources", ())):
                write_index(path, index | {"sources": [name for name in index["sources"] if name not in gone]})
        # Last, since what is no more in the archive is not looked for again by who finishes an interrupted purge.
        for name in gone:
            with suppress(FileNotFoundError):
                (self._data.path / "archive" / name).unlink()
                self._done.archived += 1

    def _rewrite_runs(self, selection: Selection) -> None:
        meant = selection.pattern()
        for path in sorted((self._data.path / "runs").glob("*.json")):
            document = json.loads(path.read_text("utf-8"))
            listed = document.get("datasets")
            if isinstance(listed, list):
                document["datasets"] = [one for one in listed if one.get("dataset") not in selection.datasets]
            document = without_findings(document, meant)
            if document != json.loads(path.read_text("utf-8")):
                write_json(path, document)


def _forget_in_ledger(ledger: Ledger, selection: Selection, paths: list[str]) -> None:
    """Empty the last descriptions of what is forgotten, take it out of those of others, and leave no trace on disk."""
    meant = selection.pattern()
    with closing(sqlite3.connect(ledger.path, timeout=30, isolation_level=None)) as base:
        base.execute("PRAGMA secure_delete = ON")
        base.execute("BEGIN IMMEDIATE")
        base.executemany("UPDATE event SET detail = '' WHERE path = ? AND event = 'withdrawn'", [(p,) for p in paths])
        rows = base.execute("SELECT id, detail FROM event WHERE event = 'withdrawn' AND detail != ''").fetchall()
        for id, detail in rows:
            lines = lines_of(detail)
            if any(map(meant, lines)):
                kept = "".join(line for line in lines if not meant(line))
                base.execute("UPDATE event SET detail = ? WHERE id = ?", (kept, id))
        base.execute("COMMIT")
        base.execute("VACUUM")
