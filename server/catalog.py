"""The catalogue as DCAT-AP-SE 3.0.1: one pure function from the site and its published graphs to N-Triples lines.

Obeys the harvest rules of the national portal (DCAT-AP-SE, harvesting): absolute percent-encoded
IRIs, no blank nodes, publishers under the portal's own IRI and described once, contacts apart from
publishers, one level of `dcterms:hasPart`, exact licence IRIs, one `dcterms:format` per distribution.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from loaders.description import Dataset, specification_names
from server.catalog_agents import Agents
from server.catalog_concepts import Places, service_area, theme_of
from server.catalog_graph import CatalogGraph, term
from server.catalog_metadata import HVD_LEGISLATION, described, is_listed_only, publisher_iri
from server.catalog_values import (
    XSD,
    address,
    as_list,
    by_language,
    code_list,
    period_bounds,
    texts,
    time,
)
from server.site import Publisher, Site
from server.uris import key_part

CC0 = "http://creativecommons.org/publicdomain/zero/1.0/"
_PATH = "/-._~"
THEMES = "http://publications.europa.eu/resource/authority/data-theme"

# How a word of dataset.toml becomes a property of dcat:Dataset: (word, property, kind of value).
DATASET_PROPERTIES = (
    ("title", "dcterms:title", "text"),
    ("alternative", "dcterms:alternative", "text"),
    ("description", "dcterms:description", "text"),
    ("keyword", "dcat:keyword", "text"),
    ("accrualPeriodicity", "dcterms:accrualPeriodicity", "code"),
    ("accessRights", "dcterms:accessRights", "code"),
    ("language", "dcterms:language", "code"),
    ("hvdCategory", "dcatap:hvdCategory", "code"),
    ("applicableLegislation", "dcatap:applicableLegislation", "iri"),
    ("issued", "dcterms:issued", "time"),
    ("modified", "dcterms:modified", "time"),
    ("conformsTo", "dcterms:conformsTo", "specification"),
    ("landingPage", "dcat:landingPage", "iri"),
    ("page", "foaf:page", "iri"),
    ("documentation", "foaf:page", "iri"),
    ("spatial", "dcterms:spatial", "place"),
    ("temporalResolution", "dcat:temporalResolution", "duration"),
    ("spatialResolutionInMeters", "dcat:spatialResolutionInMeters", "decimal"),
    ("identifier", "dcterms:identifier", "string"),
    ("version", "dcat:version", "string"),
    ("versionNotes", "adms:versionNotes", "text"),
    ("hasVersion", "dcat:hasVersion", "iri"),
    ("isVersionOf", "dcterms:isVersionOf", "iri"),
    ("source_of", "dcterms:source", "iri"),
    ("relation", "dcterms:relation", "iri"),
    ("isReferencedBy", "dcterms:isReferencedBy", "iri"),
    ("type", "dcterms:type", "iri"),
    ("sample", "adms:sample", "iri"),
)


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


def catalog_lines(site: Site, entries: Sequence[CatalogEntry]) -> list[str]:
    """Return the sorted N-Triples lines of the whole catalogue; the same input gives the same lines."""
    return sorted(_Catalog(site, entries).build().lines)


class _Catalog:
    """Builds the graph: catalogues, publishers, contacts, datasets, distributions and services."""

    def __init__(self, site: Site, entries: Sequence[CatalogEntry]) -> None:
        self.site = site
        published = {entry.dataset.key for entry in entries}
        listed = [CatalogEntry(d) for d in site.datasets if d.key not in published and is_listed_only(d)]
        self.entries = sorted([*entries, *listed], key=lambda entry: entry.dataset.key)
        self.graph = CatalogGraph()
        self.iri = site.uris.iri
        self.places = Places(site)
        self.described_series: set[str] = set()
        self.agents = Agents(site, self.graph, self.places)

    def build(self) -> CatalogGraph:
        root = self.iri("id/catalog")
        # The portal advises against a separate publisher for the catalogue (harvesting, publishers):
        # the one that has the base as homepage keeps the site, else the first that publishes something.
        keys = sorted({entry.dataset.publisher for entry in self.entries}) or sorted(self.site.publishers)
        keeper = next((p for p in self.site.publishers.values() if p.homepage == self.site.base), None)
        keeper = keeper or (self.site.publishers[keys[0]] if keys else None)
        titles = dict(self.site.title)
        descriptions = dict(self.site.description) or self.said("site", "description")
        self.catalog(root, titles, descriptions, keeper, self.entries)
        places = {self.site.publishers[key].kommunkod for key in keys} - {""}
        self.graph.link(root, "dcterms:spatial", *map(self.places.at, places))
        for key in keys if len(keys) > 1 else []:
            self.publisher_catalog(root, self.site.publishers[key])
        if keeper:
            self.agents.publisher(keeper)
        for entry in self.entries:
            self.agents.publisher(self.site.publishers[entry.dataset.publisher])
            self.dataset(entry)
        if keeper and any(entry.graphs for entry in self.entries):
            self.services(root, keeper)
        return self.graph

    def said(self, section: str, word: str, **fills: str) -> dict[str, Any]:
        return {tag: self.fill(text, tag, fills) for tag, text in texts()[section][word].items()}

    def fill(self, text: Any, tag: str, fills: Mapping[str, str]) -> Any:
        if not isinstance(text, str):
            return text
        for name, value in {"site": self.in_language(self.site.title, tag), **fills}.items():
            text = text.replace("{" + name + "}", value)
        return text

    def in_language(self, values: Mapping[str, str], tag: str) -> str:
        return values.get(tag) or next(iter(values.values()), "")

    def catalog(
        self,
        iri: str,
        titles: Mapping[str, str],
        descriptions: Mapping[str, str],
        publisher: Publisher | None,
        entries: Sequence[CatalogEntry],
    ) -> None:
        g = self.graph
        g.link(iri, "rdf:type", term("dcat:Catalog"))
        g.text(iri, "dcterms:title", titles)
        g.text(iri, "dcterms:description", descriptions)
        g.link(iri, "dcterms:publisher", publisher_iri(publisher) if publisher else None)
        g.link(iri, "dcterms:license", self.license())
        g.link(iri, "dcat:themeTaxonomy", THEMES)
        g.link(iri, "dcterms:language", *(code_list("language").iri(tag) for tag in self.site.languages))
        g.link(iri, "foaf:homepage", self.iri("datasets"))
        g.link(iri, "dcat:dataset", *(self.dataset_iri(entry.dataset) for entry in entries))
        g.time(iri, "dcterms:issued", min((entry.issued for entry in entries if entry.issued), default=""))
        g.time(iri, "dcterms:modified", max((entry.modified for entry in entries if entry.modified), default=""))

    def publisher_catalog(self, root: str, publisher: Publisher) -> None:
        iri = self.iri(f"id/catalog/{publisher.key}")
        mine = [entry for entry in self.entries if entry.dataset.publisher == publisher.key]
        titles, descriptions = (
            {
                tag: self.fill(text, tag, {"publisher": self.in_language(publisher.name, tag)})
                for tag, text in texts()["catalog"][word].items()
            }
            for word in ("title", "description")
        )
        self.graph.link(root, "dcterms:hasPart", iri)
        self.graph.link(iri, "dcterms:isPartOf", root)
        self.catalog(iri, titles, descriptions, publisher, mine)
        if publisher.kommunkod:
            self.graph.link(iri, "dcterms:spatial", self.places.at(publisher.kommunkod))

    def dataset_iri(self, dataset: Dataset) -> str:
        return self.site.uris.dataset(dataset.publisher, dataset.name)

    def dataset(self, entry: CatalogEntry) -> None:
        g, dataset = self.graph, entry.dataset
        iri, publisher = self.dataset_iri(dataset), self.site.publishers[dataset.publisher]
        said = described(self.site, dataset)
        said.setdefault("issued", entry.issued)
        said.setdefault("modified", entry.modified)
        said.setdefault("landingPage", self.iri(f"res/dataset/{dataset.key}"))
        g.link(iri, "rdf:type", term("dcat:Dataset"))
        for word, property, kind in DATASET_PROPERTIES:
            if word in said:
                self.value(iri, word, property, kind, said[word])
        self.themes(iri, said)
        g.link(iri, "dcterms:publisher", publisher_iri(publisher))
        g.link(iri, "dcat:contactPoint", self.agents.contact(publisher, said.get("contactPoint")))
        self.temporal(iri, said.get("temporal"), [graph.period for graph in entry.graphs if graph.period])
        self.conditions(iri, dataset.key, said)
        self.series(iri, publisher, dataset, said)
        if entry.graphs:
            self.distributions(entry, iri, said)

    def conditions(self, iri: str, key: str, said: Mapping[str, Any]) -> None:
        """Describe the fee, and why a dataset is not published or what else applies to it."""
        g, first = self.graph, self.site.languages[0]
        for word, property, kind, text in (
            ("fee", "schema:offers", "schema:Offer", "schema:description"),
            ("reason", "dcterms:rights", "dcterms:RightsStatement", "rdfs:label"),
        ):
            if texts_said := by_language(said.get(word), first):
                node = self.iri(f"id/{word}/{key}")
                g.link(iri, property, node)
                g.link(node, "rdf:type", term(kind))
                g.text(node, text, texts_said)

    def series(self, iri: str, publisher: Publisher, dataset: Dataset, said: Mapping[str, Any]) -> None:
        """Put a dataset in its series: by its address, or by a name of the publisher's own, described once."""
        asked = said.get("inSeries")
        table = asked if isinstance(asked, Mapping) else {"name": asked} if asked else {}
        if not table.get("name"):
            return
        g, name, first = self.graph, str(table["name"]), self.site.languages[0]
        if "://" in name:
            g.link(iri, "dcat:inSeries", address(name))
            return
        series = self.iri(f"id/series/{publisher.key}/{key_part(name)}")
        g.link(iri, "dcat:inSeries", series)
        if series in self.described_series:
            return
        self.described_series.add(series)
        g.link(series, "rdf:type", term("dcat:DatasetSeries"))
        g.text(series, "dcterms:title", by_language(table.get("title"), first) or said["title"])
        g.text(series, "dcterms:description", by_language(table.get("description"), first) or said["description"])
        g.link(series, "dcterms:publisher", publisher_iri(publisher))
        g.link(series, "dcat:contactPoint", self.agents.contact(publisher, said.get("contactPoint")))
        self.value(series, "conformsTo", "dcterms:conformsTo", "specification", said.get("conformsTo"))
        self.value(series, "accrualPeriodicity", "dcterms:accrualPeriodicity", "code", said.get("accrualPeriodicity"))

    def themes(self, iri: str, said: Mapping[str, Any]) -> None:
        """Write EU themes as dcat:theme, our own service areas as dcterms:subject; the first follow from the second."""
        values = [str(value) for value in as_list(said.get("theme"))]
        areas = [area for value in values if (area := service_area(value))]
        themes = [theme for value in values if (theme := code_list("theme").iri(value))]
        self.graph.link(iri, "dcat:theme", *(themes or map(theme_of, areas)))
        self.graph.link(iri, "dcterms:subject", *(self.site.uris.resolve(f"def/service/{area}") for area in areas))

    def value(self, iri: str, word: str, property: str, kind: str, said: Any) -> None:
        g = self.graph
        if kind == "text":
            g.text(iri, property, by_language(said, self.site.languages[0]))
            return
        for value in as_list(said):
            if kind == "time":
                g.time(iri, property, value)
            elif kind == "string":
                g.literal(iri, property, str(value))
            elif kind in ("duration", "decimal"):
                g.literal(iri, property, str(value), datatype=XSD + kind)
            else:
                g.link(iri, property, self.object_iri(word, kind, str(value)))

    def object_iri(self, word: str, kind: str, value: str) -> str | None:
        if kind == "code":
            return code_list(word).iri(value)
        if kind == "place":
            return self.places.at(value)
        if kind == "specification" and ":" not in value:
            return self.site.uris.resolve(f"spec/{value}") if value in specification_names() else None
        return address(value)

    def temporal(self, iri: str, said: Any, periods: Sequence[str]) -> None:
        start = end = None
        if isinstance(said, Mapping):
            start, end = time(said.get("start") or ""), time(said.get("end") or "")
        elif periods:
            start = time(period_bounds(min(periods))[0])
            end = time(max(period_bounds(period)[1] for period in periods))
        if start or end:
            g = self.graph
            interval = self.iri(f"id/interval/{start[0] if start else '..'}--{end[0] if end else '..'}")
            g.link(iri, "dcterms:temporal", interval)
            g.link(interval, "rdf:type", term("dcterms:PeriodOfTime"))
            if start:
                g.literal(interval, "dcat:startDate", start[0], datatype=start[1])
            if end:
                g.literal(interval, "dcat:endDate", end[0], datatype=end[1])

    def distributions(self, entry: CatalogEntry, dataset: str, said: Mapping[str, Any]) -> None:
        for graph in entry.graphs:
            dump = self.iri(quote(graph.dump, safe=_PATH)) if graph.dump else ""
            if dump:
                iri = self.distribution(entry, dataset, said, "n-triples", graph.period, dump, dump)
                if graph.byte_size:
                    self.graph.literal(iri, "dcat:byteSize", str(graph.byte_size), datatype=XSD + "nonNegativeInteger")
                self.checksum(iri, graph.sha256)
            self.distribution(entry, dataset, said, "turtle", graph.period, graph.iri, f"{graph.iri}?format=ttl")
            if name := entry.dataset.specification:
                query = {"format": "csv", "dataset": entry.dataset.key} | (
                    {"period": graph.period} if graph.period else {}
                )
                table = self.iri(f"compare/{name}/download?{urlencode(query, safe='/')}")
                self.distribution(entry, dataset, said, "csv", graph.period, table, table)
        iri = self.distribution(entry, dataset, said, "sparql", "", self.iri("sparql"), None)
        self.graph.link(iri, "dcat:accessService", self.iri("id/service/sparql"))

    def distribution(
        self,
        entry: CatalogEntry,
        dataset: str,
        said: Mapping[str, Any],
        kind: str,
        period: str,
        access: str,
        download: str | None,
    ) -> str:
        """Describe one distribution of the dataset and return its IRI."""
        g, shared = self.graph, texts()["distribution"][kind]
        tail = f"/{period}" if period else ""
        iri = self.iri(f"id/distribution/{entry.dataset.key}/{kind}{tail}")
        g.link(dataset, "dcat:distribution", iri)
        g.link(iri, "rdf:type", term("dcat:Distribution"))
        for tag, title in said["title"].items():
            named = f"{title} {period}" if period and period not in str(title) else str(title)
            template = shared["title"].get(tag)
            g.text(iri, "dcterms:title", {tag: self.fill(template, tag, {"dataset": named}) if template else named})
        g.text(iri, "dcterms:description", shared["description"])
        g.literal(iri, "dcterms:format", shared["format"])
        g.link(iri, "dcat:accessURL", access)
        g.link(iri, "dcat:downloadURL", download)
        g.link(iri, "dcterms:license", code_list("license").iri(str(said["license"])) if said["license"] else None)
        g.link(iri, "dcatap:availability", code_list("availability").iri(str(said.get("availability", "AVAILABLE"))))
        self.value(iri, "conformsTo", "dcterms:conformsTo", "specification", said.get("conformsTo"))
        self.value(iri, "language", "dcterms:language", "code", said.get("language"))
        if HVD_LEGISLATION in as_list(said.get("applicableLegislation")):
            g.link(iri, "dcatap:applicableLegislation", HVD_LEGISLATION)
        self.rights(iri, entry.dataset.key, said.get("rights"))
        g.time(iri, "dcterms:issued", entry.issued)
        g.time(iri, "dcterms:modified", entry.modified)
        return iri

    def rights(self, iri: str, key: str, said: Any) -> None:
        """Say what else applies to a distribution: the address of a statement, or the statement itself."""
        if isinstance(said, str) and address(said):
            self.graph.link(iri, "dcterms:rights", address(said))
        elif statement := by_language(said, self.site.languages[0]):
            node = self.iri(f"id/rights/{key}")
            self.graph.link(iri, "dcterms:rights", node)
            self.graph.link(node, "rdf:type", term("dcterms:RightsStatement"))
            self.graph.text(node, "rdfs:label", statement)

    def checksum(self, distribution: str, sha256: str) -> None:
        if sha256:
            g, iri = self.graph, self.iri(f"id/checksum/{sha256}")
            g.link(distribution, "spdx:checksum", iri)
            g.link(iri, "rdf:type", term("spdx:Checksum"))
            g.link(iri, "spdx:algorithm", term("spdx:checksumAlgorithm_sha256"))
            g.literal(iri, "spdx:checksumValue", sha256, datatype=XSD + "hexBinary")

    def services(self, catalog: str, keeper: Publisher) -> None:
        """Describe the services, which serve every published dataset."""
        g = self.graph
        for name, shared in texts()["service"].items():
            iri = self.iri(f"id/service/{name}")
            g.link(catalog, "dcat:service", iri)
            g.link(iri, "rdf:type", term("dcat:DataService"))
            g.text(iri, "dcterms:title", self.said_of(shared["title"]))
            g.text(iri, "dcterms:description", self.said_of(shared["description"]))
            g.text(iri, "dcat:keyword", shared["keyword"])
            g.link(iri, "dcat:endpointURL", self.iri(shared["path"]))
            g.link(iri, "dcat:endpointDescription", self.iri(shared["description_path"]))
            g.link(iri, "dcat:landingPage", self.iri(shared["path"]))
            g.literal(iri, "dcterms:format", shared["format"])
            g.link(iri, "dcterms:conformsTo", shared["conformsTo"])
            g.link(iri, "dcterms:accessRights", code_list("accessRights").iri("PUBLIC"))
            g.link(iri, "dcterms:license", self.license())
            g.link(iri, "dcterms:publisher", publisher_iri(keeper))
            g.link(iri, "dcat:contactPoint", self.agents.contact(keeper, None))
            served = [entry.dataset for entry in self.entries if entry.graphs]
            g.link(iri, "dcat:servesDataset", *map(self.dataset_iri, served))
            self.high_value_service(iri, served)

    def high_value_service(self, iri: str, served: Sequence[Dataset]) -> None:
        """Mark a service of high-value datasets: law and categories, as DCAT-AP HVD asks of services."""
        said = [described(self.site, dataset) for dataset in served]
        valued = [one for one in said if HVD_LEGISLATION in as_list(one.get("applicableLegislation"))]
        if valued:
            self.graph.link(iri, "dcatap:applicableLegislation", HVD_LEGISLATION)
            self.graph.link(iri, "foaf:page", self.iri("psidata"))
            for one in valued:
                self.value(iri, "hvdCategory", "dcatap:hvdCategory", "code", one.get("hvdCategory"))

    def license(self) -> str:
        """Return the licence of the catalogue itself and of the services: the site's, else CC0."""
        return code_list("license").iri(str(self.site.raw.get("site", {}).get("license", CC0))) or CC0

    def said_of(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return {tag: self.fill(text, tag, {}) for tag, text in values.items()}
