"""Publication: a site's changed datasets become the next generation, whole or not at all.

One run reads the site, converts what changed, asks the gates, builds the next generation beside
the current one, and flips the pointer as its last act. A dataset that is blocked keeps its last
good state and never stops the others. A killed run leaves nothing that is served.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory
from typing import Any

from loaders.description import Dataset, read_dataset
from loaders.errors import LoadError
from loaders.findings import Finding
from loaders.load import file_hash
from ontology import prefixes
from server import schedule
from server.all_dump import write_all_dump
from server.assemble import Change, build_index, changes, write_history
from server.catalog import CatalogEntry, GraphDump, catalog_lines
from server.change_words import graph_change, vocabulary
from server.check import Progress, check_only, harvest, is_named, silent, work
from server.clashes import clashes
from server.concept_changes import concept_findings
from server.concept_uses import write_uses
from server.delivery import DatasetState, DatasetWork, GateOptions, Making
from server.errors import OperationError
from server.forgotten import refused
from server.generations import DataFolder, Generation, GraphEntry, remove_tree
from server.graph_files import GraphFile, read_graph, write_graph
from server.harvest import harvest_iri, read_about
from server.history import History, missing
from server.ledger import Ledger, Recorder
from server.ledger_events import record_declared, record_seen, record_withdrawn
from server.partitions import write_partitions
from server.pins import check_pins, read_contracts
from server.provenance import provenance_lines
from server.publisher_sites import pull_sites
from server.purge import finish_interrupted, move_refused, without_refused
from server.quality import GRAPH as QUALITY
from server.quality import Inspected, QualityGraph
from server.remote_store_publish import RemotePublisher
from server.replacements import replacements
from server.reports import RunReport, write_reports
from server.salvage import fault, last_whole, lost_changes, refuse_damage
from server.settings import Settings
from server.shared_graphs import check_concepts, shared_graphs
from server.site import Site, read_site
from server.store import ReadStore
from server.store_building import EarlyStore, build_store
from server.survey import Surveys
from server.uris import UriSpace

STEPS = ("convert", "describe", "compare", "store", "index", "history", "ledger", "finish", "flip", "clean")


@dataclass
class Publication:
    """What one run did: the generation it made (None when nothing changed), and what it found."""

    generation: int | None
    report: RunReport
    changed: list[str] = field(default_factory=list)
    events: Mapping[str, int] = field(default_factory=dict)
    differences: list[dict[str, Any]] = field(default_factory=list)  # of a dry run, with their sentences
    stopped: bool = False  # before it had looked at any dataset
    first: bool = False  # nothing was published before it

    @property
    def blocked(self) -> list[str]:
        """The datasets whose new state was not published."""
        return self.report.blocked


def publish(
    site: Site,
    settings: Settings,
    *,
    only: Sequence[str] = (),
    confirm: bool = False,
    dry_run: bool = False,
    strict: bool = False,
    due: bool = False,
    now: datetime | None = None,
    progress: Progress = silent,
) -> Publication:
    """Publish what changed in the site and return what was done.

    `only` names datasets ("publisher/name" or "publisher"); `confirm` lets identifiers vanish;
    `dry_run` does all but the flip; `strict` lets no warning pass, and wants a decision to publish;
    `due` looks only at what is due (see `server.schedule`).
    Raises LockedError when another run holds the lock,
    OperationError when the run cannot go on; then the last generation is served as before.
    """
    data = DataFolder(settings.data_folder(site.folder))
    now = now or datetime.now(UTC)
    site, pulled = _pulled(site, settings, data, only)
    check_only(site, only)
    wanted = list(only)
    if due:
        wanted = [one.key for one in schedule.due(site, settings, now) if is_named(one.key, only)]
        if not wanted:
            time = now.astimezone(UTC).isoformat(timespec="seconds")
            return Publication(None, RunReport(time, remarks=schedule.late(site, settings, now)))
    with data.writing("publish"):
        finish_interrupted(site, data)
        seen = schedule.marks(site)
        run = _Run(site, settings, data, now, progress)
        run.remark(pulled)
        with run.folder():
            if run.stops_at_concepts(confirm):
                return run.stopped()
            run.convert(
                wanted, GateOptions(confirm, bool(only) and not due, strict=strict, today=now.date()), early=not dry_run
            )
            done = run.build(dry_run=dry_run)
    looked = {report.dataset: report.status in ("published", "removed") for report in done.report.datasets}
    # What a broken contract stopped is not published, so it stays due.
    if not dry_run and not done.report.broken:
        schedule.remember(site, settings, seen, looked, now)
    done.report.remarks += schedule.late(site, settings, now, looked)
    return done


def _pulled(site: Site, settings: Settings, data: DataFolder, only: Sequence[str]) -> tuple[Site, list[Finding]]:
    """Bring the copies of publishers' sites up to date, and return the site with what they hold."""
    if not any(publisher.site for publisher in site.publishers.values()):
        return site, []
    with data.writing("pull"):
        findings = pull_sites(site, settings, only)
    return read_site(site.folder), findings


def restore(
    site: Site, settings: Settings, number: int, *, now: datetime | None = None, progress: Progress = silent
) -> Publication:
    """Publish a new generation equal to a kept one, and return what was done.

    The sources of the datasets it changes are set aside, so that a scheduled run does not bring
    back what was rolled back; a changed source, or naming the dataset, publishes it again.
    """
    data = DataFolder(settings.data_folder(site.folder))
    with data.writing(f"restore {number}"):
        finish_interrupted(site, data)
        if History(data).purged(number):
            raise missing(History(data), number)
        run = _Run(site, settings, data, now or datetime.now(UTC), progress, goes_back=True)
        with run.folder():
            run.take(data.generation(number))
            return run.build(dry_run=False, described=True)


def rebase(site: Site, settings: Settings) -> tuple[str, str] | None:
    """Move the ledger to the base that site.toml has now; return (old, new), None when there was nothing to move.

    The next publication writes everything under the new base; the old addresses are answered with 308.
    """
    data = DataFolder(settings.data_folder(site.folder))
    with data.writing("rebase"):
        finish_interrupted(site, data)
        ledger = Ledger(data.path / "ledger.sqlite")
        old = ledger.base()
        if old is None or old == site.base:
            return None
        move_refused(data, old, site.base)
        ledger.rebase(site.base)
        return old, site.base


class _Run:
    """One publication or restore, from the open folder to the flip."""

    def __init__(
        self,
        site: Site,
        settings: Settings,
        data: DataFolder,
        now: datetime,
        progress: Progress,
        goes_back: bool = False,
    ) -> None:
        self._site, self._settings, self._data, self._progress = site, settings, data, progress
        self._time = now.astimezone(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")
        self._ledger = Ledger(data.path / "ledger.sqlite")
        self._check_base()
        check_concepts(site)
        self._contracts, self._confirm = read_contracts(site.folder), False
        self._declared = replacements(site.folder, site.uris)
        self._ledger.roll_back(int(data.current_name() or 0))
        self._lost = 0  # the number of the current generation when it is damaged; who goes back does without it
        self._previous = self._open_previous(goes_back)
        self._states: dict[str, DatasetState] = {}
        self._harvests: list[DatasetState] = []
        self._graphs: dict[str, GraphEntry] = {}
        self._early: EarlyStore | None = None
        self._report = RunReport(self._time)
        self._remote = RemotePublisher.of(settings, data.path)

    def _open_previous(self, goes_back: bool) -> Generation | None:
        """Open the generation to build upon: the current one, or the newest whole one to go back from a damaged one."""
        name = self._data.current_name()
        if not goes_back or not name:
            refuse_damage(self._data)
            return self._data.current()
        if not fault(self._data.generations / name, thorough=True):
            return self._data.current()
        self._lost = int(name)
        whole = last_whole(self._data, self._lost)
        return Generation(whole) if whole else None

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """Hold the folder of the next generation; whatever is left of it at the end is removed."""
        self._folder = self._data.begin()
        self._surveys = Surveys(self._folder, self._site.base, self._site.concept_base)
        try:
            yield self._folder
        finally:
            if self._early:
                self._early.abandon()
            if self._folder.exists():
                remove_tree(self._folder)
            if self._previous:
                self._previous.close()

    def _check_base(self) -> None:
        old = self._ledger.base()
        if old is not None and old != self._site.base:
            detail = (("new", self._site.base), ("old", old))
            raise LoadError(Finding("site.base-changed", file="site.toml", detail=detail))

    def remark(self, findings: Sequence[Finding]) -> None:
        """Report what is not about one dataset."""
        self._report.remarks += findings

    def stops_at_concepts(self, confirm: bool) -> bool:
        """Report what is wrong with the concepts and whom their changes touch; tell whether that stops the run."""
        self._report.remarks += concept_findings(self._site, self._previous, confirm)
        return bool(self._report.blocked)

    def stopped(self) -> Publication:
        """Return what a run did that stopped before it changed anything."""
        write_reports(self._data.path, None, self._report)
        return Publication(None, self._report, stopped=True, first=self._previous is None)

    def convert(self, only: Sequence[str], options: GateOptions, early: bool = False) -> None:
        """Bring every dataset into the next generation: converted, linked from the last, or left out.

        `early` says that a first generation's store may be begun meanwhile.
        """
        if early and self._previous is None and not refused(self._data.path):
            self._early = EarlyStore(self._folder)
        self._confirm = options.confirm
        making = Making(self._site, self._settings, self._previous, self._folder, options)
        for state, findings in work(making, only, self._progress):
            if findings is not None:
                self._report.add(state, findings)
            if state.published:
                self._states[state.key] = state
                self._graphs.update({graph.iri: graph for graph in state.graphs})
                if self._early:
                    self._early.add(self._folder, state.graphs)
        for state, findings in harvest(making, only, self._progress):
            if findings is not None:
                self._report.add(state, findings)
            self._harvests.append(state)
            self._graphs.update({graph.iri: graph for graph in state.graphs})

    def take(self, source: Generation) -> None:
        """Bring every graph of a kept generation into the next one, and set aside the sources it undoes."""
        self._confirm = True  # who rolls back wants that state, whatever it promised
        work = DatasetWork(Making(self._site, self._settings, source, self._folder, GateOptions()))
        undone = self._previous.datasets if self._previous else {}
        for key in sorted(source.datasets):
            state = work.keep(key)
            state.set_aside = _fingerprints(undone.get(key)) - _fingerprints(source.datasets[key])
            self._states[key] = state
            self._graphs.update({graph.iri: graph for graph in state.graphs})
        for iri, graph in source.graphs.items():
            if graph.kind not in ("dataset", "system"):
                work.link(graph.dump)
                self._graphs[iri] = graph
        for about in read_about(source.path):
            work.link(f"harvest/{about['key']}.json")
        source.close()

    def build(self, dry_run: bool, described: bool = False) -> Publication:
        """Build the generation from its graph files and switch to it, unless nothing changed.

        Raises OperationError when a part of it was made under a base that has been left.
        """
        self._refuse_former_bases()
        self._keep_forgotten()
        last = self._previous.path if self._previous else None
        self._report.remarks += clashes(self._folder, self._graphs.values(), self._site.base, last, self._surveys)
        if not described:
            self._describe()
        self._progress("compare", "")
        with TemporaryDirectory(prefix="torg-lost-") as aside:
            return self._finished(self._changes(Path(aside)), dry_run)

    def _refuse_former_bases(self) -> None:
        """Refuse graphs of before a rebase: what they describe would be told as withdrawn at every address of today."""
        here, former = self._site.uris.iri("graph/"), [f"{base}graph/" for base in self._ledger.former_bases()]
        left = {
            graph.dataset or iri.rpartition("/")[2]
            for iri, graph in self._graphs.items()
            if not iri.startswith(here) and iri.startswith(tuple(former))
        }
        if left:
            names = ", ".join(sorted(left)[:5]) + (" …" if len(left) > 5 else "")
            raise OperationError(
                f"{names} would stay under an address from before torg rebase, and be gone at the new one. Publish "
                "everything at once, mend what is blocked first, and restore nothing from before.",
                f"{names} skulle bli kvar på en adress från före torg rebase, och vara borta på den nya. Publicera "
                "allt på en gång, åtgärda först det som stoppas, och återställ inget från tiden före.",
            )

    def _changes(self, aside: Path) -> list[Change]:
        if self._lost:
            return lost_changes(self._data, self._lost, aside, self._folder, self._graphs)
        changed = changes(self._previous, self._folder, self._graphs)
        return [change for change in changed if change.entry.kind != "system"]

    def _finished(self, changed: list[Change], dry_run: bool) -> Publication:
        """Build what has changed and switch to it; `changed` is what the history is told."""
        wanted = self._lost or (changed and (self._contracts.pins or not dry_run))
        number = self._assemble([] if self._lost else changed) if wanted else 0
        stopped = bool(number) and self._breaks_contracts()
        if not number or dry_run or stopped:
            if self._previous and self._declared and not dry_run:
                with self._ledger.recording(self._previous.number, self._time) as recorder:
                    self._declare(recorder, self._previous.store)
            write_reports(self._data.path, None, self._report)
            if not number and not dry_run:
                # Those that somebody had open, or a killed run did not come to.
                self._data.forget(self._settings.keep_generations)
            if self._remote and self._previous and not dry_run:
                self._bring(self._previous.path)
                self._remote.prune(self._data.kept())
            would = self._differences(changed) if dry_run else []
            return Publication(None, self._report, [change.entry.iri for change in changed], differences=would)
        self._bring(self._folder)
        counts = self._record(number, changed)
        self._archive()
        self._progress("finish", "")
        self._keep_reports()
        write_reports(self._data.path, self._folder, self._report)
        self._data.finish(self._folder)
        self._progress("flip", str(number))
        self._data.flip(number)
        self._progress("clean", "")
        if self._lost:
            self._data.discard(self._lost)
        self._data.forget(self._settings.keep_generations)
        if self._remote:
            self._remote.prune(self._data.kept())
        return Publication(number, self._report, [change.entry.iri for change in changed], counts)

    def _bring(self, generation: Path) -> None:
        """Have a remote store hold a generation before anybody is sent there."""
        if self._remote:
            self._progress("send", "")
            self._remote.bring(generation)

    def _breaks_contracts(self) -> bool:
        """Report what consumers would lose; tell whether that stops the run until somebody confirms."""
        found = check_pins(self._contracts, self._folder / "store", self._site.uris, prefixes(self._site.concept_base))
        stops = any(finding.weight == "block" for finding in found) and not self._confirm
        self._report.pins, self._report.broken = found, stops
        return stops

    def _keep_forgotten(self) -> None:
        """Leave out what was purged, though a source still holds it."""
        before, names = self._previous.graphs if self._previous else {}, refused(self._data.path)
        for state in (*self._states.values(), *self._harvests):
            others = without_refused(self._folder, state.graphs, before, names)
            state.graphs = [others.get(graph.iri, graph) for graph in state.graphs]
            self._graphs.update(others)

    def _differences(self, changed: list[Change]) -> list[dict[str, Any]]:
        """Return in plain words what a publication would change; the catalogue only repeats it."""
        labels = vocabulary(self._site.concept_base)
        found = []
        for change in changed:
            entry = change.entry
            if entry.kind != "catalog":
                lines = read_graph(change.old), read_graph(change.new)
                said = graph_change(entry.iri, entry.kind, entry.dataset, entry.period, *lines)
                found += [said.members(labels)] if said else []
        return found

    def _describe(self) -> None:
        """Write the graphs that are not datasets': ontology, concepts, catalogue."""
        self._progress("describe", "")
        for shared in shared_graphs(self._site):
            name = shared.path.removeprefix("graph/")
            self._add(name, shared.kind, write_graph(shared.lines(), self._dump(name)))
        entries = [self._catalog_entry(state) for state in self._states.values()]
        parts = [harvest_iri(self._site, about["key"]) for about in read_about(self._folder) if about["republish"]]
        lines = catalog_lines(self._site, entries, parts)
        self._add("site/catalog", "catalog", write_graph(lines, self._dump("site/catalog")))

    def _catalog_entry(self, state: DatasetState) -> CatalogEntry:
        folder = self._folder / state.description
        dataset: Dataset = read_dataset(folder, state.key.split("/")[0])
        dumps = tuple(
            GraphDump(graph.iri, graph.period, graph.triples, graph.dump, graph.bytes, graph.dump_sha256)
            for graph in state.graphs
        )
        if self._changed_since_last(state):
            state.modified = self._time
        state.issued = state.issued or self._time
        return CatalogEntry(dataset, dumps, state.issued, state.modified, state.rows)

    def _changed_since_last(self, state: DatasetState) -> bool:
        before = {graph.iri: graph.sha256 for graph in state.previous_graphs}
        return before != {graph.iri: graph.sha256 for graph in state.graphs} or not state.modified

    def _dump(self, name: str) -> Path:
        return self._folder / "dumps" / f"{name}.nt.gz"

    def _add(self, name: str, kind: str, file: GraphFile) -> None:
        iri = self._site.uris.iri(f"graph/{name}")
        self._graphs[iri] = GraphEntry(
            iri, kind, file.triples, file.sha256, f"dumps/{name}.nt.gz", "", "", file.bytes, file.dump_sha256
        )

    def _assemble(self, known: list[Change]) -> int:
        """Build store, index and manifest in the folder; return the number the generation will have.

        Differences of the changes that are `known` are not looked for again.
        """
        number = int(self._folder.name.removeprefix("next-"))
        lines = provenance_lines(self._site, self._states.values(), number, self._time)
        self._add("site/provenance", "system", write_graph(lines, self._dump("site/provenance")))
        self._add(QUALITY, "system", write_graph(self._quality_lines(number), self._dump(QUALITY)))
        found = {change.entry.iri: change for change in known}
        every = changes(self._previous, self._folder, self._graphs)
        changed = [found.get(change.entry.iri, change) for change in every]
        self._progress("store", "")
        # The store loads outside the interpreter, so everything else is made on the other core meanwhile.
        with ThreadPoolExecutor(max_workers=1) as meanwhile:
            stored = meanwhile.submit(
                build_store, self._folder, self._previous, self._graphs, changed, early=self._early
            )
            self._progress("index", "")
            self._index(changed)
            merged = stored.result()
        manifest = {
            "number": number,
            "created": self._time,
            "base": self._site.base,
            "concept_base": self._site.concept_base,
            "title": dict(self._site.title),
            "default_graph_triples": merged,
            "quads": merged + sum(graph.triples for graph in self._graphs.values()),
            "graphs": [asdict(self._graphs[iri]) for iri in sorted(self._graphs)],
            "datasets": {key: state.manifest(number) for key, state in sorted(self._states.items())},
        }
        (self._folder / "manifest.json").write_text(json.dumps(manifest, indent=1, ensure_ascii=False), "utf-8")
        return number

    def _index(self, changed: list[Change]) -> None:
        """Make everything that is read of the graphs' files beside the store."""
        base, concept_base, surveys = self._site.base, self._site.concept_base, self._surveys
        graphs, last = self._graphs.values(), self._previous.path if self._previous else None
        build_index(self._folder, self._previous, self._graphs, changed, base, concept_base, surveys)
        write_all_dump(self._folder, graphs, last)
        write_partitions(self._folder, graphs, base, last, surveys)
        write_uses(self._folder, graphs, (concept_base, base), last, surveys)
        surveys.clear()

    def _keep_reports(self) -> None:
        """Link the reports of datasets that this run did not read, for they still hold."""
        for key, state in self._states.items():
            last = self._previous.path / "reports" / f"{key}.json" if self._previous else None
            if last and last.exists() and state.status == "published" and not state.sources:
                target = self._folder / "reports" / f"{key}.json"
                target.parent.mkdir(parents=True, exist_ok=True)
                os.link(last, target)

    def _quality_lines(self, number: int) -> Iterator[str]:
        """Yield the lines of the quality graph: figures of this and earlier generations, reports, decisions."""
        known = (self._previous.graphs if self._previous else {}).get(self._site.uris.iri(f"graph/{QUALITY}"))
        before = read_graph(self._previous.path / known.dump) if self._previous and known else iter(())
        found = {report.dataset: report.findings for report in self._report.datasets}
        inspected = [
            Inspected(
                key,
                read_dataset(self._folder / state.description, key.split("/")[0]),
                state.deliveries,
                found.get(key, []),
                read=bool(state.sources) and state.status == "published",
            )
            for key, state in sorted(self._states.items())
        ]
        return QualityGraph(self._site, number, self._time, before).lines(inspected)

    def _record(self, number: int, changed: list[Change]) -> Mapping[str, int]:
        """Write the history and the ledger's events of the coming flip."""
        self._progress("history", "")
        sources = sorted({sha256 for state in self._states.values() for _, sha256 in state.sources})
        write_history(self._data.path / "history" / f"{number:06d}", changed, sources, self._time)
        self._progress("ledger", "")
        self._ledger.keep_base(self._site.base)
        store = ReadStore(self._folder / "store")
        # What goes in the publication that follows a rebase was published under the base before it.
        former = UriSpace(str(self._previous.manifest["base"])) if self._previous else self._site.uris
        with self._ledger.recording(number, self._time) as recorder:
            record_withdrawn(recorder, changed, store, self._site.uris, former)
            self._declare(recorder, store)
            record_seen(recorder, changed, self._site.uris)
            return {str(event): count for event, count in recorder.counts.items()}

    def _declare(self, recorder: Recorder, store: ReadStore) -> None:
        self._report.remarks += record_declared(recorder, self._declared, store, self._site.uris)

    def _archive(self) -> None:
        """Keep the raw sources of this run by their hash; they are never served."""
        folder = self._data.path / "archive"
        folder.mkdir(mode=0o700, exist_ok=True)
        for state in self._states.values():
            for path, sha256 in state.sources:
                target, part = folder / sha256, folder / f"{sha256}.part"
                if not target.exists():
                    with suppress(FileNotFoundError):  # taken away since it was read
                        copyfile(path, part)
                        if file_hash(part) == sha256:
                            part.replace(target)
                    part.unlink(missing_ok=True)  # of a file that was changed since it was read


def _fingerprints(dataset: Mapping[str, Any] | None) -> set[str]:
    return {delivery["fingerprint"] for delivery in dataset["deliveries"].values()} if dataset else set()
