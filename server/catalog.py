"""The catalogue as DCAT-AP-SE 3.0.1: one pure function from the site and its published graphs to N-Triples lines.

Obeys the harvest rules of the national portal (DCAT-AP-SE, harvesting): absolute percent-encoded
IRIs, no blank nodes, publishers under the portal's own IRI and described once, contacts apart from
publishers, one level of `dcterms:hasPart`, exact licence IRIs, one `dcterms:format` per distribution.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from loaders.description import Dataset
from server.catalog_agents import Agents
from server.catalog_concepts import Places
from server.catalog_distributions import CatalogEntry, Distributions, GraphDump
from server.catalog_graph import CatalogGraph, term
from server.catalog_metadata import HVD_LEGISLATION, described, is_listed_only, publisher_iri
from server.catalog_properties import Properties
from server.catalog_series import add_year, year_iri, years
from server.catalog_values import (
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

__all__ = ["CatalogEntry", "GraphDump", "catalog_lines"]

CC0 = "http://creativecommons.org/publicdomain/zero/1.0/"
_PATH = "/-._~"
THEMES = "http://publications.europa.eu/resource/authority/data-theme"


def catalog_lines(site: Site, entries: Sequence[CatalogEntry], parts: Sequence[str] = ()) -> list[str]:
    """Return the sorted N-Triples lines of the whole catalogue; the same input gives the same lines.

    `parts` are catalogues described elsewhere that are handed on with it (one level of hasPart, harvesting).
    """
    graph = _Catalog(site, entries).build()
    root = site.uris.iri("id/catalog")
    for part in parts:
        graph.link(root, "dcterms:hasPart", part)
        graph.link(part, "dcterms:isPartOf", root)
    return sorted(graph.lines)


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
        self.properties = Properties(site, self.graph, self.places)
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
        self.properties.dataset(iri, said)
        g.link(iri, "dcterms:publisher", publisher_iri(publisher))
        g.link(iri, "dcat:contactPoint", self.agents.contact(publisher, said.get("contactPoint")))
        self.temporal(iri, said.get("temporal"), [graph.period for graph in entry.graphs if graph.period])
        self.conditions(iri, dataset.key, said)
        self.series(iri, publisher, dataset, said)
        if entry.graphs:
            Distributions(self.site, self.graph, self.properties).add(entry, iri, said)
        for year in years(entry):
            member = year_iri(self.site, entry, year)
            add_year(self.site, self.graph, self.properties, entry, said, year)
            g.link(member, "dcterms:publisher", publisher_iri(publisher))
            g.link(member, "dcat:contactPoint", self.agents.contact(publisher, said.get("contactPoint")))
            g.link(member, "dcat:landingPage", *map(address, as_list(said["landingPage"])))
            periods = [graph.period for graph in entry.graphs if graph.period.startswith(year)]
            self.temporal(member, None, periods)

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
        self.properties.write(series, "conformsTo", "dcterms:conformsTo", "specification", said.get("conformsTo"))
        self.properties.write(
            series, "accrualPeriodicity", "dcterms:accrualPeriodicity", "code", said.get("accrualPeriodicity")
        )

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
            g.link(iri, "dcterms:type", shared.get("type"))
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
                self.properties.write(iri, "hvdCategory", "dcatap:hvdCategory", "code", one.get("hvdCategory"))

    def license(self) -> str:
        """Return the licence of the catalogue itself and of the services: the site's, else CC0."""
        return code_list("license").iri(str(self.site.raw.get("site", {}).get("license", CC0))) or CC0

    def said_of(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return {tag: self.fill(text, tag, {}) for tag, text in values.items()}
