"""What the national portal would say of the catalogue: breaches of DCAT-AP-SE, points, stars, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import islice
from typing import Any

import ontology
from server.catalog import CatalogEntry, GraphDump, catalog_lines
from server.catalog_reader import DatasetRecord, of_lines, read_catalog
from server.catalog_score import DIMENSIONS, Score, links_out, score, stars
from server.catalog_series import harvest_view
from server.generations import Generation
from server.graph_files import read_graph
from server.shape_model import read_shapes
from server.shapes import LISTED, loaded
from server.site import Site

_SEVERITIES = ("Violation", "Warning", "Info")
_LOOKED_AT = 20_000  # lines of a dump in which a link to other data must be found
_SIZE = "<http://www.w3.org/ns/dcat#byteSize>"


@dataclass(frozen=True, slots=True)
class PortalFinding:
    """One constraint of DCAT-AP-SE that the catalogue breaks: how badly, in which words, where and how often."""

    severity: str  # Violation: would be refused or lost; Warning: recommended; Info: good style
    message: Mapping[str, str]
    nodes: tuple[str, ...]
    count: int


@dataclass(frozen=True)
class Prediction:
    """What the portal would say of a whole catalogue."""

    findings: tuple[PortalFinding, ...]
    score: Score
    stars: Mapping[str, int]  # by distribution

    @property
    def accepted(self) -> bool:
        """True when nothing mandatory is missing or wrong."""
        return not any(finding.severity == "Violation" for finding in self.findings)

    @property
    def average(self) -> float:
        """The average number of stars, which the portal shows for a catalogue; 0 without distributions."""
        return sum(self.stars.values()) / len(self.stars) if self.stars else 0.0

    def members(self) -> dict[str, Any]:
        """Return the prediction as JSON members."""
        return {
            "accepted": self.accepted,
            "points": self.score.points,
            "most": self.score.most,
            "rating": self.score.rating,
            "dimensions": {name: list(self.score.dimension(name)) for name in DIMENSIONS},
            "stars": dict(self.stars),
            "findings": [
                {
                    "severity": finding.severity,
                    "message": dict(finding.message),
                    "nodes": list(finding.nodes),
                    "count": finding.count,
                }
                for finding in self.findings
            ],
            "next": [
                {
                    "text": dict(step.indicator.text),
                    "advice": dict(step.indicator.advice),
                    "points": round(step.lost, 1),
                }
                for step in self.score.next_steps()
            ],
        }


def predict(
    site: Site, lines: Sequence[str], linked: Mapping[str, bool], root: str = "", listed: int = LISTED
) -> Prediction:
    """Return what the portal would say of a catalogue's N-Triples lines; `root` is its IRI when it is not ours.

    `linked` tells by dataset key whether its data links to other data: the fifth star. At most `listed` nodes are
    named for each finding.
    """
    catalog = read_catalog(of_lines(lines), site.uris, site.languages, root)
    # Our own addresses answer when the site is served; nobody has tried the others.
    points = score(catalog.datasets, lambda address: True if site.uris.path(address) else None)
    return Prediction(tuple(_findings(harvest_view(lines), listed)), points, dict(_stars(catalog.datasets, linked)))


def predict_site(site: Site, generation: Generation | None) -> Prediction:
    """Return the prediction for a site as its files stand, with the sizes and links of what is published now."""
    entries = expected_entries(site, generation)
    linked = {
        entry.dataset.key: generation is not None
        and any(_links(site, generation, graph) for graph in entry.graphs[:1] if graph.triples)
        for entry in entries
    }
    return predict(site, catalog_lines(site, entries), linked)


def expected_entries(site: Site, generation: Generation | None) -> list[CatalogEntry]:
    """Return a catalogue entry for every dataset of the site; one that is not published yet gets the graph it will."""
    graphs = generation.graphs.values() if generation else ()
    known = generation.datasets if generation else {}
    entries = []
    for dataset in site.datasets:
        if not dataset.sources:
            continue
        now = tuple(
            GraphDump(graph.iri, graph.period, graph.triples, graph.dump, graph.bytes, graph.dump_sha256)
            for graph in graphs
            if graph.dataset == dataset.key
        )
        first = GraphDump(site.uris.graph(dataset.publisher, dataset.name), dump=f"dumps/{dataset.key}.nt.gz")
        dates = known.get(dataset.key, {})
        entries.append(CatalogEntry(dataset, now or (first,), dates.get("issued", ""), dates.get("modified", "")))
    return entries


def _findings(lines: Sequence[str], listed: int) -> Iterator[PortalFinding]:
    turtle = ontology.shape_file("dcat-ap-se").read_text("utf-8")
    # A store keeps every whole number as xsd:integer; sizes are written exactly and need no check here.
    checked = [line for line in lines if _SIZE not in line]
    found = []
    with loaded([BytesIO("".join(checked).encode())], len(checked)) as store:
        for result in store.results(read_shapes(turtle, "https://torg.invalid/"), listed):
            shape = result.check.shape
            nodes = tuple(sorted({breach.node for breach in result.breaches}))
            found.append(PortalFinding(shape.severity, dict(shape.messages), nodes, result.count))
    order = {severity: number for number, severity in enumerate(_SEVERITIES)}
    yield from sorted(found, key=lambda item: (order.get(item.severity, 0), -item.count, sorted(item.message.items())))


def _stars(datasets: Sequence[DatasetRecord], linked: Mapping[str, bool]) -> Iterator[tuple[str, int]]:
    for dataset in datasets:
        for item in dataset.distributions:
            yield item.iri, stars(item, linked.get(dataset.key, False))


def _links(site: Site, generation: Generation, graph: GraphDump) -> bool:
    return links_out(islice(read_graph(generation.path / graph.dump), _LOOKED_AT), site.uris.iri("id/"))
