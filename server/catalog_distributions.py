"""The ways to get a dataset: dumps, named graphs, tables and queries, each a dcat:Distribution with one format."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlencode

from loaders.description import Dataset
from server.catalog_graph import CatalogGraph, term
from server.catalog_metadata import HVD_LEGISLATION
from server.catalog_properties import Properties
from server.catalog_values import XSD, address, as_list, by_language, code_list, texts
from server.site import Site

_PATH = "/-._~"


@dataclass(frozen=True, slots=True)
class GraphDump:
    """A published named graph of a dataset and the dump file that holds the same triples."""

    iri: str
    period: str = ""
    triples: int = 0
    dump: str = ""  # path below the generation and below the base: dumps/<publisher>/<dataset>[/<period>].nt.gz
    byte_size: int = 0  # of the dump file as it is downloaded
    sha256: str = ""  # of the dump file as it is downloaded; "" when not known


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """What publication knows of one dataset; `issued` and `modified` are ISO 8601 dates or times that
    change only when the dataset does, or the catalogue would differ in every generation."""

    dataset: Dataset
    graphs: tuple[GraphDump, ...] = ()
    issued: str = ""
    modified: str = ""
    rows: int = 0


@dataclass(frozen=True, slots=True)
class _Way:
    """One distribution to describe: its kind, the part of the dataset it holds, and where it is found."""

    kind: str
    part: str
    name: str  # what tells the part from the others in a title
    access: str
    download: str = ""
    graph: GraphDump | None = None


class Distributions:
    """Adds a dataset's distributions to a catalogue's graph."""

    def __init__(self, site: Site, graph: CatalogGraph, properties: Properties) -> None:
        self._site, self._graph, self._properties = site, graph, properties
        self._iri = site.uris.iri

    def add(self, entry: CatalogEntry, dataset: str, said: Mapping[str, Any]) -> None:
        """Describe every distribution of a published dataset."""
        for way in self._ways(entry):
            iri = self._describe(entry, dataset, said, way)
            if way.kind == "n-triples" and way.graph:
                if way.graph.byte_size:
                    size = str(way.graph.byte_size)
                    self._graph.literal(iri, "dcat:byteSize", size, datatype=XSD + "nonNegativeInteger")
                self._checksum(iri, way.graph.sha256)
            if way.kind == "sparql":
                self._graph.link(iri, "dcat:accessService", self._iri("id/service/sparql"))

    def add_year(self, entry: CatalogEntry, dataset: str, said: Mapping[str, Any], year: str) -> None:
        """Give a year's dataset the distributions of its periods, and one for queries of its own."""
        for way in self._ways(entry):
            if way.kind == "sparql":
                iri = self._describe(entry, dataset, said, replace(way, part=year))
                self._graph.link(iri, "dcat:accessService", self._iri("id/service/sparql"))
            elif way.name.startswith(year):
                self._graph.link(dataset, "dcat:distribution", self._way_iri(entry, way))

    def _way_iri(self, entry: CatalogEntry, way: _Way) -> str:
        return self._iri(f"id/distribution/{entry.dataset.key}/{way.kind}" + (f"/{way.part}" if way.part else ""))

    def _ways(self, entry: CatalogEntry) -> Iterator[_Way]:
        dataset = entry.dataset
        own = self._site.uris.graph(dataset.publisher, dataset.name)
        for graph in entry.graphs:
            ours = graph.iri == own or graph.iri.startswith(f"{own}/")
            part = graph.dump.removeprefix(f"dumps/{dataset.key}").removesuffix(".nt.gz").strip("/") or graph.period
            name = graph.period if ours else " ".join(word for word in (graph.period, f"<{graph.iri}>") if word)
            if graph.dump:
                dump = self._iri(quote(graph.dump, safe=_PATH))
                yield _Way("n-triples", part, name, dump, dump, graph)
            # A graph that keeps a name of its own is found by it (Graph Store Protocol 4.2).
            access = graph.iri if ours else self._iri(f"rdf-graph-store?graph={quote(graph.iri, safe='')}")
            yield _Way("turtle", part, name, access, f"{access}{'?' if ours else '&'}format=ttl")
            if dataset.specification and ours:
                query = {"format": "csv", "dataset": dataset.key, "period": graph.period}
                kept = urlencode({word: text for word, text in query.items() if text}, safe="/")
                table = self._iri(f"compare/{dataset.specification}/download?{kept}")
                yield _Way("csv", part, name, table, table)
        yield _Way("sparql", "", "", self._iri("sparql"))

    def _describe(self, entry: CatalogEntry, dataset: str, said: Mapping[str, Any], way: _Way) -> str:
        g, shared = self._graph, texts()["distribution"][way.kind]
        iri = self._way_iri(entry, way)
        g.link(dataset, "dcat:distribution", iri)
        g.link(iri, "rdf:type", term("dcat:Distribution"))
        for tag, title in said["title"].items():
            named = f"{title} {way.name}" if way.name and way.name not in str(title) else str(title)
            g.text(iri, "dcterms:title", {tag: shared["title"].get(tag, "{dataset}").replace("{dataset}", named)})
        g.text(iri, "dcterms:description", shared["description"])
        g.literal(iri, "dcterms:format", shared["format"])
        g.link(iri, "dcat:accessURL", way.access)
        g.link(iri, "dcat:downloadURL", way.download or None)
        g.link(iri, "dcterms:license", code_list("license").iri(str(said["license"])) if said["license"] else None)
        g.link(iri, "dcatap:availability", code_list("availability").iri(str(said.get("availability", "AVAILABLE"))))
        write = self._properties.write
        write(iri, "conformsTo", "dcterms:conformsTo", "specification", said.get("conformsTo"))
        write(iri, "language", "dcterms:language", "code", said.get("language"))
        if HVD_LEGISLATION in as_list(said.get("applicableLegislation")):
            g.link(iri, "dcatap:applicableLegislation", HVD_LEGISLATION)
        self._rights(iri, entry.dataset.key, said.get("rights"))
        g.time(iri, "dcterms:issued", entry.issued)
        g.time(iri, "dcterms:modified", entry.modified)
        return iri

    def _rights(self, iri: str, key: str, said: Any) -> None:
        """Say what else applies to a distribution: the address of a statement, or the statement itself."""
        if isinstance(said, str) and address(said):
            self._graph.link(iri, "dcterms:rights", address(said))
        elif statement := by_language(said, self._site.languages[0]):
            node = self._iri(f"id/rights/{key}")
            self._graph.link(iri, "dcterms:rights", node)
            self._graph.link(node, "rdf:type", term("dcterms:RightsStatement"))
            self._graph.text(node, "rdfs:label", statement)

    def _checksum(self, distribution: str, sha256: str) -> None:
        if sha256:
            g, iri = self._graph, self._iri(f"id/checksum/{sha256}")
            g.link(distribution, "spdx:checksum", iri)
            g.link(iri, "rdf:type", term("spdx:Checksum"))
            g.link(iri, "spdx:algorithm", term("spdx:checksumAlgorithm_sha256"))
            g.literal(iri, "spdx:checksumValue", sha256, datatype=XSD + "hexBinary")
