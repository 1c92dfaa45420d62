"""Harvested catalogues on their way into the next generation: gathered, cleaned, judged, or kept as they were.

Each has a named graph of its own (`graph/harvest/<key>`), in which addresses stand as their owners wrote them. A
catalogue that cannot be had, or that has lost half of its datasets, stays as it last was; nothing of it is half there.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from loaders.catalog_records import Record
from loaders.errors import LoadError
from loaders.findings import Finding, Findings
from loaders.privacy import is_person
from server.catalog import CC0
from server.catalog_agents import Agents
from server.catalog_concepts import Places
from server.catalog_graph import CatalogGraph, term
from server.catalog_metadata import publisher_iri
from server.catalog_prediction import Prediction, predict
from server.delivery import DatasetState, Making, fetcher
from server.forgotten import refused
from server.generations import GraphEntry
from server.graph_files import subject, write_graph
from server.harvest_pages import Gathered, gather
from server.harvest_sources import FOLDER, HarvestSource, harvest_sources
from server.rdf_screen import screen_graph
from server.site import Site

KIND = "harvest"
"""The kind of a harvested catalogue's graph in the manifest."""
_VERSION = "2"  # raise it when the same pages give another graph
_UUID = re.compile(r"(?:urn:uuid:)?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\Z", re.IGNORECASE)
_IDENTIFIER = re.compile(r'<([^>]*)> <http://purl\.org/dc/terms/identifier> "([^"]*)"')
_AGENT = " <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <http://xmlns.com/foaf/0.1/Agent> "
_LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"')
_SHOWN = 20  # of the portal's remarks; a catalogue of thousands breaks the same rule thousands of times


def harvest_iri(site: Site, key: str) -> str:
    """Return the IRI of a harvested catalogue."""
    return site.uris.iri(f"id/catalog/{FOLDER}/{key}")


def about_file(generation: Path, key: str) -> Path:
    """Return where a generation says what it knows of a harvested catalogue: source, counts, quality."""
    return generation / FOLDER / f"{key}.json"


def read_about(generation: Path) -> list[dict[str, Any]]:
    """Return what a generation knows of its harvested catalogues, by key; none before the first."""
    return [json.loads(file.read_text("utf-8")) for file in sorted((generation / FOLDER).glob("*.json"))]


class Harvests:
    """Makes the states of harvested catalogues for one run, in the folder of the next generation."""

    def __init__(self, making: Making) -> None:
        self._site, self._previous = making.site, making.previous
        self._folder, self._options = making.folder, making.options
        site = making.site
        self.sources = harvest_sources(site)
        self._fetch = fetcher(making)
        self._forgotten = refused(making.settings.data_folder(site.folder))
        self._taken: set[str] = set()  # datasets that an earlier source has, by address and by UUID
        self._genid = f"{site.base}.well-known/genid/"
        self._ours = (site.base, site.concept_base, *map(publisher_iri, site.publishers.values()))

    def states(
        self, wanted: Sequence[str], progress: Callable[[str, str], None]
    ) -> Iterator[tuple[DatasetState, Findings | None]]:
        """Yield the state of every source; those not among `wanted` are as they were."""
        for source in self.sources:
            if source.state not in wanted:
                state = self.keep(source)
                if state is not None:
                    yield state, None
                continue
            progress("harvest", source.state)
            findings = Findings(source.state)
            yield self._pulled(source, findings), findings

    def keep(self, source: HarvestSource, status: str = "published") -> DatasetState | None:
        """Bring a catalogue over from the last generation as it is; None when it has none."""
        entry = self._known(source)
        if entry is None or self._previous is None:
            return None
        for name in (entry.dump, f"{FOLDER}/{source.key}.json"):
            target = self._folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if not self._options.check and not target.exists():
                os.link(self._previous.path / name, target)
        about = self._about(source)
        self._taken.update(about.get("names", ()))
        return _state(source, entry, about["datasets"], about["datasets"], "kept" if status == "kept" else "published")

    def _known(self, source: HarvestSource) -> GraphEntry | None:
        return self._previous.graphs.get(self._graph(source)) if self._previous else None

    def _graph(self, source: HarvestSource) -> str:
        return self._site.uris.iri(f"graph/{source.state}")

    def _about(self, source: HarvestSource) -> dict[str, Any]:
        assert self._previous is not None
        about: dict[str, Any] = json.loads(about_file(self._previous.path, source.key).read_text("utf-8"))
        return about

    def _pulled(self, source: HarvestSource, findings: Findings) -> DatasetState:
        try:
            skolem = f"{self._genid}harvest-{source.key}-"
            found = gather(source, self._fetch, skolem)
            self._guard(source, found)
        except LoadError as error:
            findings.add(replace(error.finding, dataset=source.state))
            return self._back(source, findings)
        before = self._known(source)
        fingerprint = self._fingerprint(source, found)
        if before is not None and self._about(source)["fingerprint"] == fingerprint and not self._options.check:
            kept = self.keep(source)
            assert kept is not None
            return kept
        records = self._cleaned(source, found, findings)
        if not records:
            return self._nothing(source, found, findings)
        return self._written(source, found, records, fingerprint, findings)

    def _nothing(self, source: HarvestSource, found: Gathered, findings: Findings) -> DatasetState:
        """Tell that there is nothing to gather: because there was nothing, or because all of it was left out."""
        wanted = sum(_is_wanted(source, record) for record in found.records.values())
        rule = "harvest.nothing-left" if wanted else "harvest.empty"
        findings.add(Finding(rule, file=source.shown, count=max(1, wanted)))
        return self._back(source, findings)

    def _back(self, source: HarvestSource, findings: Findings) -> DatasetState:
        kept = self.keep(source, "kept")
        if kept is None:
            return DatasetState(source.state, "blocked")
        findings.add(Finding("harvest.kept", file=source.shown, detail=(("time", self._about(source)["time"][:10]),)))
        return kept

    def _guard(self, source: HarvestSource, found: Gathered) -> None:
        """Refuse a catalogue that has lost half of its datasets: portals answer with part of themselves when ill."""
        before = self._about(source)["gathered"] if self._known(source) else 0
        if before > 3 and len(found.records) * 2 < before and not self._options.confirm:
            detail = (("before", str(before)), ("now", str(len(found.records))))
            raise LoadError(Finding("harvest.fewer", file=source.shown, detail=detail))

    def _fingerprint(self, source: HarvestSource, found: Gathered) -> str:
        parts = [_VERSION, self._site.base, self._site.concept_base, repr(source), *found.hashes, *sorted(self._taken)]
        return sha256("\n".join(parts).encode()).hexdigest()

    def _cleaned(self, source: HarvestSource, found: Gathered, findings: Findings) -> list[Record]:
        """Return the records to publish; everything left out is told by a rule and a count."""
        faults = found.faults | ({"orphan-distribution": found.orphans} if found.orphans else {})
        for rule, count in sorted(faults.items()):
            findings.add(Finding(f"harvest.{rule}", file=source.shown, count=count))
        records = [record for record in found.records.values() if _is_wanted(source, record)]
        held, records = len(records), [record for record in records if record.iri not in self._forgotten]
        if forgotten := held - len(records):
            findings.add(Finding("identifiers.forgotten-thing", file=source.shown, count=forgotten))
        mine = [record for record in records if not record.iri.startswith(self._ours[:2])]
        _count(findings, source, "own-dataset", len(records) - len(mine))
        fresh = []
        for record in sorted(mine, key=lambda record: record.iri):
            names = _names(record)
            if not self._taken.intersection(names):
                fresh.append(record)
                self._taken.update(names)
        _count(findings, source, "duplicate", len(mine) - len(fresh))
        said = 0
        for number, record in enumerate(fresh):
            lines = tuple(line for line in record.lines if not self._is_ours(subject(line)))
            said += len(record.lines) - len(lines)
            fresh[number] = replace(record, lines=lines)
        _count(findings, source, "about-ours", said)
        return self._screened(source, self._without_known_agents(fresh), findings)

    def _is_ours(self, name: str) -> bool:
        if name.startswith(f"{self._genid}harvest-"):
            return False
        return name.startswith(self._ours[:2]) or name in self._ours[2:]

    def _without_known_agents(self, records: list[Record]) -> list[Record]:
        """Leave out descriptions of publishers that an earlier source has: each is described once (harvesting)."""
        agents = _agents(line for record in records for line in record.lines)
        known = agents & self._taken
        self._taken |= agents
        if not known:
            return records
        return [
            replace(record, lines=tuple(line for line in record.lines if subject(line) not in known))
            for record in records
        ]

    def _screened(self, source: HarvestSource, records: list[Record], findings: Findings) -> list[Record]:
        """Leave out datasets whose description holds a person's number; the others come along."""
        suspected = Findings(source.state)
        screen_graph((line for record in records for line in record.lines), suspected)
        if not suspected:
            return records
        kept = [record for record in records if not any(map(_has_person, record.lines))]
        _count(findings, source, "person", len(records) - len(kept))
        return kept

    def _written(
        self, source: HarvestSource, found: Gathered, records: list[Record], fingerprint: str, findings: Findings
    ) -> DatasetState:
        lines, quality = self._judged(source, found, records)
        if source.republish and not quality.accepted:
            broken = {node for one in quality.findings if one.severity == "Violation" for node in one.nodes}
            sound = [record for record in records if not broken.intersection(map(subject, record.lines))]
            findings.add(Finding("harvest.not-republished", file=source.shown, count=len(records) - len(sound)))
            if not sound:
                return self._nothing(source, found, findings)
            records = sound
            lines, quality = self._judged(source, found, records)
        _tell_quality(source, quality, findings)
        name = f"dumps/{source.state}.nt.gz"
        file = write_graph(lines, self._folder / name)
        iri = self._graph(source)
        entry = GraphEntry(iri, KIND, file.triples, file.sha256, name, "", "", file.bytes, file.dump_sha256)
        about = {
            "key": source.key,
            "name": self._title(source, found),
            "address": source.shown,
            "source": found.iri,
            "form": found.form,
            "republish": source.republish,
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "gathered": len(found.records),
            "datasets": len(records),
            "fingerprint": fingerprint,
            "names": sorted({name for record in records for name in _names(record)} | _agents(lines)),
            "quality": {name: value for name, value in quality.members().items() if name != "stars"}
            | {"stars": round(quality.average, 2)},
        }
        target = about_file(self._folder, source.key)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(about, indent=1, ensure_ascii=False), "utf-8")
        return _state(source, entry, len(found.records), len(records), "published")

    def _judged(self, source: HarvestSource, found: Gathered, records: list[Record]) -> tuple[list[str], Prediction]:
        """Return the lines of a catalogue of these records, and what the portal would say of them."""
        own = self._catalog(source, found, records)
        lines = sorted({line for record in records for line in record.lines}) + sorted(own)
        # Our own publishers are described once, in our part of the catalogue; here they count as described.
        ours = self._agents_of_ours()
        return lines, predict(self._site, lines + ours, {}, harvest_iri(self._site, source.key), listed=len(lines))

    def _agents_of_ours(self) -> list[str]:
        graph = CatalogGraph()
        agents = Agents(self._site, graph, Places(self._site))
        for publisher in self._site.publishers.values():
            agents.publisher(publisher)
        return sorted(graph.lines)

    def _catalog(self, source: HarvestSource, found: Gathered, records: Iterable[Record]) -> set[str]:
        """Return what we say of the gathered catalogue ourselves: where it comes from, and which datasets it has."""
        g, iri = CatalogGraph(), harvest_iri(self._site, source.key)
        description = source.description or {
            "sv": f"Hämtad från {source.shown}." if source.url else "Hämtad ur en fil.",
            "en": f"Gathered from {source.shown}." if source.url else "Gathered from a file.",
        }
        g.link(iri, "rdf:type", term("dcat:Catalog"))
        g.text(iri, "dcterms:title", self._title(source, found))
        g.text(iri, "dcterms:description", description)
        g.link(iri, "dcterms:publisher", self._publisher(found, records))
        g.link(iri, "dcterms:license", CC0)
        g.link(iri, "dcterms:source", found.iri or source.url or None)
        for record in records:
            g.link(iri, "dcat:service" if record.kind == "DataService" else "dcat:dataset", record.iri)
        return g.lines

    def _title(self, source: HarvestSource, found: Gathered) -> dict[str, str]:
        """Return what a gathered catalogue is called: as the site says, else as it calls itself, else its key."""
        first = self._site.languages[0]
        if source.name != {first: source.key}:
            return dict(source.name)
        return {tag or first: text for tag, text in found.title.items()} or dict(source.name)

    def _publisher(self, found: Gathered, records: Iterable[Record]) -> str | None:
        """Return who publishes a gathered catalogue: whom it names, else who has most of it, else the site's first."""
        counted = Counter(record.publisher for record in records if record.publisher_name)
        if found.publisher in counted or not counted:
            first = next(iter(self._site.publishers.values()), None)
            return found.publisher or (publisher_iri(first) if first else None)
        return min(counted, key=lambda publisher: (-counted[publisher], publisher))


def _state(source: HarvestSource, entry: GraphEntry, rows_in: int, rows_out: int, status: Any) -> DatasetState:
    counts = {"": {"rows_in": rows_in, "rows_out": rows_out}}
    return DatasetState(source.state, status, graphs=[entry], deliveries=counts)


def _count(findings: Findings, source: HarvestSource, rule: str, count: int) -> None:
    if count:
        findings.add(Finding(f"harvest.{rule}", file=source.shown, count=count))


def _is_wanted(source: HarvestSource, record: Record) -> bool:
    if source.prefix and not record.iri.startswith(source.prefix):
        return False
    wanted = re.sub(r"^SE|[\s-]", "", source.publisher).casefold()
    if not wanted:
        return True
    number = re.sub(r"\D", "", record.publisher.rsplit("/", 1)[-1])
    return wanted in (
        re.sub(r"[\s-]", "", record.publisher).casefold(),
        re.sub(r"[\s-]", "", record.publisher_name).casefold(),
        number or "-",
    )


def _names(record: Record) -> list[str]:
    """Return what tells a dataset from others: its address, and its identifier when that is a UUID.

    So does the national portal (DCAT-AP-SE, harvesting, duplicates).
    """
    identifiers = (match[2] for line in record.lines if (match := _IDENTIFIER.match(line)) and match[1] == record.iri)
    return [record.iri, *(found[1].lower() for text in identifiers if (found := _UUID.match(text)))]


def _agents(lines: Iterable[str]) -> set[str]:
    return {subject(line) for line in lines if _AGENT in line}


def _has_person(line: str) -> bool:
    literal = _LITERAL.search(line)
    return literal is not None and len(literal[1]) >= 9 and is_person(literal[1])


def _tell_quality(source: HarvestSource, quality: Prediction, findings: Findings) -> None:
    """Say what breaks DCAT-AP-SE: never more than a remark, for its owner mends it."""
    for found in quality.findings[:_SHOWN]:
        detail = [(f"message_{language}", _message(found.message, language)) for language in ("sv", "en")]
        rule = {"Violation": "breach", "Warning": "recommended"}.get(found.severity, "better")
        first = found.nodes[0] if found.nodes else ""
        findings.add(
            Finding(f"harvest.{rule}", file=source.shown, count=found.count, detail=(*detail, ("first", first)))
        )


def _message(message: Mapping[str, str], language: str) -> str:
    return message.get(language) or message.get("en") or next(iter(message.values()), "")
