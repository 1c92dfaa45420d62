"""One dataset on its way into the next generation: converted, kept, blocked or removed."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from loaders.concepts import ConceptIndex
from loaders.description import Dataset
from loaders.errors import LoadError
from loaders.fetch import Fetcher, FetchLimits
from loaders.findings import Finding, Findings
from loaders.load import Delivery, LoadContext, LoadCounts, deliveries, file_hash
from server.catalog_check import check_description, check_freshness
from server.concept_changes import redefined
from server.conversion import Conversion, convert
from server.decision import check_decision
from server.forgotten import Forgotten, refused
from server.gates import Converted, change_gate, coverage_gate, lost_rows_gate, thresholds, vanishing_gate
from server.generations import Generation, GraphEntry
from server.graph_files import GraphFile, read_graph
from server.rdf_screen import screen_graph
from server.rdf_source import convert_rdf, is_rdf
from server.settings import Settings
from server.shape_findings import check_shapes
from server.shared_graphs import concept_files, mapping_version, meaning_hash, specification_hash
from server.site import Site
from server.survey import Surveys
from server.uris import key_part

Status = Literal["published", "kept", "blocked", "removed"]


@dataclass(frozen=True, slots=True)
class GateOptions:
    """How strict the gates are in this run."""

    confirm: bool = False  # identifiers may vanish
    named: bool = False  # the steward named the dataset, so sources set aside by a restore are used again
    check: bool = False  # only look; convert even what has not changed
    strict: bool = False  # warnings block, and so does a missing decision to publish
    today: date | None = None  # the day on which freshness is judged


@dataclass(frozen=True, slots=True)
class Making:
    """What the states of a run are made of: the site and its last generation, and where the next one comes to be."""

    site: Site
    settings: Settings
    previous: Generation | None
    folder: Path
    options: GateOptions


@dataclass
class DatasetState:
    """A dataset's state in the next generation; what the manifest keeps of it."""

    key: str
    status: Status
    graphs: list[GraphEntry] = field(default_factory=list)
    deliveries: dict[str, dict[str, Any]] = field(default_factory=dict)
    description: str = ""  # folder below the generation that holds the dataset.toml it was made by
    specification: str | None = None
    issued: str = ""
    modified: str = ""
    set_aside: set[str] = field(default_factory=set)
    previous_graphs: list[GraphEntry] = field(default_factory=list)
    sources: list[tuple[Path, str]] = field(default_factory=list)  # read in this run, with their hashes

    @property
    def published(self) -> bool:
        """True when the dataset is in the next generation."""
        return bool(self.graphs)

    @property
    def rows(self) -> int:
        """How many rows of the sources are published."""
        return sum(delivery["rows_out"] for delivery in self.deliveries.values())

    def manifest(self, number: int) -> dict[str, Any]:
        """Return the manifest's entry of this dataset."""
        for delivery in self.deliveries.values():
            delivery.setdefault("generation", number)
        return {
            "status": self.status,
            "specification": self.specification,
            "issued": self.issued,
            "modified": self.modified,
            "description": self.description,
            "deliveries": self.deliveries,
            "set_aside": sorted(self.set_aside),
        }


def fetcher(making: Making) -> Fetcher:
    """Return what fetches the addresses of a run, within the limits of its settings."""
    settings = making.settings
    return Fetcher(
        settings.data_folder(making.site.folder) / "fetched",
        allow_private=settings.fetch_private,
        limits=FetchLimits(bytes=settings.source_mb << 20, seconds=settings.fetch_seconds),
    )


class DatasetWork:
    """Makes the states of datasets for one run, in the folder of the next generation."""

    def __init__(self, making: Making) -> None:
        self._site, self._settings, self._options = making.site, making.settings, making.options
        self._previous, self._folder = making.previous, making.folder
        self._fetch = fetcher(making)
        self._surveys = Surveys(making.folder, making.site.base, making.site.concept_base)
        self._known: Mapping[str, Any] = making.previous.datasets if making.previous else {}
        self._graphs = making.previous.graphs if making.previous else {}

    @cached_property
    def _concepts(self) -> ConceptIndex:
        return ConceptIndex.from_files(*concept_files(self._site))

    @cached_property
    def _forgotten(self) -> Forgotten:
        return Forgotten(refused(self._settings.data_folder(self._site.folder)))

    @cached_property
    def _meaning(self) -> str:
        return meaning_hash(self._site)

    def keep(self, key: str, status: Status = "published") -> DatasetState:
        """Bring a dataset over from the last generation as it is."""
        known = self._known[key]
        graphs = [graph for graph in self._graphs.values() if graph.dataset == key]
        for graph in graphs:
            self.link(graph.dump)
            self.link(_rows_name(key, graph.period))
        self.link(f"{known['description']}/dataset.toml")
        return DatasetState(
            key=key,
            status=status,
            graphs=graphs,
            deliveries={period: dict(delivery) for period, delivery in known["deliveries"].items()},
            description=known["description"],
            specification=known["specification"],
            issued=known["issued"],
            modified=known["modified"],
            set_aside=set(known.get("set_aside", [])),
            previous_graphs=graphs,
        )

    def blocked(self, key: str) -> DatasetState:
        """Keep the last good state of a dataset that cannot be published now; nothing when it has none."""
        return self.keep(key, "kept") if key in self._known else DatasetState(key, "blocked")

    def remove(self, key: str, findings: Findings) -> DatasetState:
        """Leave out a dataset whose folder is gone, when the steward confirms it."""
        if self._options.confirm:
            return DatasetState(key, "removed")
        findings.add(Finding("identifiers.dataset-gone"))
        return self.keep(key, "kept")

    def convert(self, dataset: Dataset, findings: Findings) -> DatasetState:
        """Convert what changed of a dataset and link the rest; a blocked one keeps its last good state."""
        try:
            state = self._converted(dataset, findings)
        except LoadError as error:
            findings.add(error.finding)
            return self._back(dataset.key)
        except OSError as error:
            if not error.filename or dataset.folder not in Path(error.filename).parents:
                raise  # the data folder's trouble, not the source's
            detail = (("reason", error.strerror or str(error)),)
            findings.add(Finding("site.unreadable", file=Path(error.filename).name, detail=detail))
            return self._back(dataset.key)
        findings.extend(check_description(self._site, dataset))
        findings.extend(check_decision(dataset, self._options.strict))
        if self._options.today and state.modified:
            findings.extend(check_freshness(dataset, state.modified, self._options.today))
        self._waive(dataset, findings)
        if self._options.strict:
            findings.harden()
        return self._back(dataset.key) if findings.blocks else state

    def _back(self, key: str) -> DatasetState:
        for name in (f"dumps/{key}", f"rows/{key}", f"descriptions/{key}"):
            for path in (self._folder / name, self._folder / f"{name}.nt.gz", self._folder / f"{name}.sqlite"):
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        return self.blocked(key)

    def _waive(self, dataset: Dataset, findings: Findings) -> None:
        findings.waive(dataset.waivers)

    def _converted(self, dataset: Dataset, findings: Findings) -> DatasetState:
        known = self._known.get(dataset.key, {})
        state = DatasetState(
            dataset.key,
            "published",
            specification=dataset.specification,
            issued=known.get("issued", ""),
            modified=known.get("modified", ""),
            set_aside=set(known.get("set_aside", [])),
            previous_graphs=[graph for graph in self._graphs.values() if graph.dataset == dataset.key],
        )
        state.description = self._describe(dataset)
        delivered = deliveries(dataset, self._fetch)
        for delivery in delivered:
            self._deliver(dataset, delivery, state, findings)
        if "" not in state.deliveries:
            self._keep_other_periods(dataset, state)
        self._guard_whole(dataset, delivered, state, findings)
        return state

    def _deliver(self, dataset: Dataset, delivery: Delivery, state: DatasetState, findings: Findings) -> None:
        period = delivery.period or ""
        before = Counter(findings.by_rule())
        known = self._known.get(dataset.key, {}).get("deliveries", {}).get(period)
        fingerprint = self._fingerprint(dataset, delivery)
        set_aside = fingerprint in state.set_aside and not self._options.named
        if known and (known["fingerprint"] == fingerprint or set_aside) and not self._options.check:
            self._carry(dataset.key, period, state)
            if set_aside and known["fingerprint"] != fingerprint:
                findings.add(Finding("identifiers.set-aside", file=", ".join(file.name for file in delivery.files)))
            return
        counts = self._convert_rdf(dataset, delivery, state, findings) if is_rdf(delivery) else None
        counts = counts or self._convert_rows(dataset, delivery, state, findings)
        state.deliveries[period] = {
            "fingerprint": fingerprint,
            "mapping": _mapping(dataset, delivery),
            "sources": [{"name": file.name, "sha256": file.sha256} for file in delivery.files],
            "rows_in": counts.rows_in,
            "rows_out": counts.rows_out,
            "findings": {weight: findings.count(weight=weight) for weight in ("block", "warn", "info")},
            "rules": dict(Counter(findings.by_rule()) - before),
            "coverage": [coverage.members() for coverage in counts.coverage],
        }
        state.sources += [(file.path, file.sha256) for file in delivery.files]
        state.set_aside.discard(fingerprint)

    def _convert_rows(
        self, dataset: Dataset, delivery: Delivery, state: DatasetState, findings: Findings
    ) -> LoadCounts:
        """Convert a delivery of rows to the one graph it has."""
        period = delivery.period or ""
        graph = self._folder / _dump_name(dataset.key, period)
        rows = self._folder / _rows_name(dataset.key, period)
        before = self._before(dataset.key, period)
        done = convert(dataset, delivery, self._context(dataset), graph, rows, findings, before, self._forgotten)
        check_shapes(dataset, delivery, [done.graph], rows, self._site.concept_base, findings, self._surveys)
        self._guard(dataset, delivery, done, rows, findings)
        self._add(dataset, period, self._graph(dataset, period), done.graph, state)
        return done.counts

    def _before(self, key: str, period: str) -> Path | None:
        """Return the graph file that the last generation has of a delivery."""
        old = next((g for g in self._graphs.values() if g.dataset == key and g.period == period), None)
        return self._previous.path / old.dump if self._previous and old else None

    def _convert_rdf(self, dataset: Dataset, delivery: Delivery, state: DatasetState, findings: Findings) -> LoadCounts:
        """Take over a delivery that is RDF already; its triples count as rows."""
        period = delivery.period or ""
        dumps = self._folder / _dump_name(dataset.key, period).removesuffix(".nt.gz")
        written = convert_rdf(dataset, delivery, self._graph(dataset, period), self._site.base, dumps)
        source = delivery.files[0].name if delivery.files else ""
        files = {iri: self._forgotten.graph(file, findings, source) for iri, file in written.items()}
        for iri, file in files.items():
            self._add(dataset, period, iri, file, state)
        for file in files.values():
            screen_graph(read_graph(file.path), findings)
            findings.extend(redefined(read_graph(file.path), self._site))
        rows = self._folder / _rows_name(dataset.key, period)
        graphs = list(files.values())
        check_shapes(dataset, delivery, graphs, rows, self._site.concept_base, findings, self._surveys)
        read = sum(file.triples for file in written.values())
        triples = sum(file.triples for file in files.values())
        return LoadCounts(rows_in=read, rows_out=triples, rows_told=read - triples)

    def _graph(self, dataset: Dataset, period: str) -> str:
        return self._site.uris.graph(dataset.publisher, dataset.name, period or None)

    def _add(self, dataset: Dataset, period: str, iri: str, file: GraphFile, state: DatasetState) -> None:
        dump = str(file.path.relative_to(self._folder))
        entry = GraphEntry(
            iri, "dataset", file.triples, file.sha256, dump, dataset.key, period, file.bytes, file.dump_sha256
        )
        state.graphs.append(entry)

    def _carry(self, key: str, period: str, state: DatasetState) -> None:
        """Link one unchanged delivery from the last generation."""
        self.link(_rows_name(key, period))
        state.deliveries[period] = dict(self._known[key]["deliveries"][period])
        for graph in state.previous_graphs:
            if graph.period == period:
                self.link(graph.dump)
                state.graphs.append(graph)

    def _keep_other_periods(self, dataset: Dataset, state: DatasetState) -> None:
        """A period's file never touches other periods: those without a file today stay published."""
        for graph in state.previous_graphs:
            if graph.period and graph.period not in state.deliveries:
                self._carry(dataset.key, graph.period, state)

    def _guard(self, dataset: Dataset, delivery: Delivery, done: Conversion, rows: Path, findings: Findings) -> None:
        """Ask the gates about a converted delivery; those that look back to the last one let a confirmed one pass."""
        period, files = delivery.period or "", delivery.files
        limits = thresholds(dataset, self._settings)
        known = self._known.get(dataset.key, {}).get("deliveries", {}).get(period, {})
        absolute = "unmatchedBlock" in dataset.thresholds
        coverage_gate(done.counts.coverage, known.get("coverage", ()), limits, absolute, findings)
        old = next((g for g in self._graphs.values() if g.dataset == dataset.key and g.period == period), None)
        if old is None or self._previous is None or self._options.confirm:
            return
        file = files[0].name if len(files) == 1 else ""
        lost_rows_gate(known.get("rows_out", 0), done.counts.rows_out, findings, file)
        if old.sha256 != done.graph.sha256:
            bases = self._site.base, self._site.concept_base
            new = Converted(dataset, done.graph.path, rows, tuple(file.name for file in files), *bases)
            change_gate(new, self._previous.path / old.dump, limits, findings)

    def _guard_whole(
        self, dataset: Dataset, delivered: Iterable[Delivery], state: DatasetState, findings: Findings
    ) -> None:
        """Ask what no gate of a delivery of rows can tell: whether a graph has lost its delivery, or RDF its things."""
        before = {graph.iri: graph for graph in state.previous_graphs}
        now = {graph.iri: graph for graph in state.graphs}
        changed = any(iri not in now or now[iri].sha256 != graph.sha256 for iri, graph in before.items())
        asked = changed and (before.keys() - now.keys() or any(map(is_rdf, delivered)))
        last = self._previous
        if not asked or last is None or self._options.confirm or last.manifest["base"] != self._site.base:
            return
        old = [last.path / graph.dump for graph in before.values()]
        # A check links nothing: what it keeps stands where it was.
        new = [next(p for p in (self._folder / g.dump, last.path / g.dump) if p.exists()) for g in now.values()]
        vanishing_gate(old, new, thresholds(dataset, self._settings), findings)

    def _context(self, dataset: Dataset) -> LoadContext:
        publisher = self._site.publishers[dataset.publisher]
        return LoadContext(
            base=self._site.base,
            concept_base=self._site.concept_base,
            authority=publisher.authority,
            publisher_path=f"id/organization/{publisher.orgnr}",
            concepts=self._concepts,
            expand=key_part,
        )

    def _describe(self, dataset: Dataset) -> str:
        """Keep the description beside what it made, so that a later fault in it loses nothing."""
        name = f"descriptions/{dataset.key}"
        (self._folder / name).mkdir(parents=True, exist_ok=True)
        shutil.copyfile(dataset.folder / "dataset.toml", self._folder / name / "dataset.toml")
        return name

    def _fingerprint(self, dataset: Dataset, delivery: Delivery) -> str:
        """Return a hash of everything the graph of a delivery depends on."""
        reading = {name: value for name, value in asdict(dataset).items() if name not in ("folder", "metadata")}
        parts = [
            self._meaning,
            specification_hash(dataset.specification) if dataset.specification else "",
            json.dumps(reading, sort_keys=True, default=str),
            *(f"{file.name} {file.sha256}" for file in delivery.files),
            *(f"{file.name} {file_hash(file)}" for file in sorted(dataset.folder.glob("*metadata.json"))),
        ]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def link(self, name: str) -> None:
        """Hard-link a file of the last generation into the next one; a check builds none and needs no files."""
        if self._options.check:
            return
        assert self._previous is not None
        source, target = self._previous.path / name, self._folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists() and source.exists():
            os.link(source, target)


def _mapping(dataset: Dataset, delivery: Delivery) -> str:
    """Return the version of what makes triples of a delivery's rows: its specification, or the metadata beside it."""
    version = mapping_version(dataset.specification)
    beside = [file.path for file in delivery.files if file.describes] or sorted(dataset.folder.glob("*metadata.json"))
    if dataset.specification or not beside:
        return version
    return f"{version}/{hashlib.sha256(b''.join(path.read_bytes() for path in beside)).hexdigest()[:12]}"


def _dump_name(key: str, period: str) -> str:
    return f"dumps/{key}/{period}.nt.gz" if period else f"dumps/{key}.nt.gz"


def _rows_name(key: str, period: str) -> str:
    return f"rows/{key}/{period}.sqlite" if period else f"rows/{key}.sqlite"
