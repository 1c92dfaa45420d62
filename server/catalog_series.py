"""Datasets delivered by period as DCAT-AP-SE wants them: a series, with one dataset for each calendar year.

Within the site the whole remains one dataset (DCAT 3: every dcat:DatasetSeries is a dcat:Dataset), so that what links
to it, counts it or asks for it goes on doing so. What the portal harvests is written by `harvest_view`: there the whole
is the series alone, its years are the datasets, and each distribution belongs to its year.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from server.catalog_distributions import CatalogEntry, Distributions
from server.catalog_graph import CatalogGraph, term
from server.catalog_properties import Properties
from server.graph_files import subject
from server.site import Site

# What DCAT-AP-SE 3.0.1 says of a series; all else is said of its members.
_OF_SERIES = frozenset(
    map(
        term,
        ("dcterms:title", "dcterms:description", "dcterms:publisher", "dcat:contactPoint", "dcat:keyword",
         "dcat:theme", "dcterms:conformsTo", "dcterms:issued", "dcterms:modified", "dcterms:spatial",
         "dcterms:temporal", "dcat:landingPage", "dcterms:accrualPeriodicity", "dcterms:relation", "foaf:page",
         "dcterms:subject"),
    )
)  # fmt: skip
_TYPE, _SERIES, _DATASET = term("rdf:type"), term("dcat:DatasetSeries"), term("dcat:Dataset")
_LISTS = (term("dcat:dataset"), term("dcat:servesDataset"))
_WHOLE_ONLY = ("issued", "modified", "temporal", "identifier", "landingPage", "title", "inSeries")


def years(entry: CatalogEntry) -> list[str]:
    """Return the calendar years of a dataset that makes a series of its own, oldest first; none for any other."""
    if entry.dataset.metadata.get("inSeries"):
        return []
    return sorted({graph.period[:4] for graph in entry.graphs if graph.period})


def year_iri(site: Site, entry: CatalogEntry, year: str) -> str:
    """Return the IRI of one year's dataset."""
    return f"{site.uris.dataset(entry.dataset.publisher, entry.dataset.name)}/{year}"


def add_year(
    site: Site,
    graph: CatalogGraph,
    properties: Properties,
    entry: CatalogEntry,
    said: Mapping[str, Any],
    year: str,
) -> None:
    """Describe one year's dataset: what is said of the whole, its own title, and its own distributions."""
    whole, iri = site.uris.dataset(entry.dataset.publisher, entry.dataset.name), year_iri(site, entry, year)
    titles = {tag: title if year in str(title) else f"{title} {year}" for tag, title in said["title"].items()}
    own = {word: value for word, value in said.items() if word not in _WHOLE_ONLY}
    graph.link(whole, "rdf:type", term("dcat:DatasetSeries"))
    graph.link(iri, "rdf:type", term("dcat:Dataset"))
    graph.link(iri, "dcat:inSeries", whole)
    properties.dataset(iri, own | {"title": titles, "issued": said.get("issued"), "modified": said.get("modified")})
    Distributions(site, graph, properties).add_year(entry, iri, own | {"title": titles}, year)


def harvest_view(lines: Iterable[str]) -> list[str]:
    """Return the lines of a catalogue as the portal should read them: series apart from the datasets in them."""
    kept = list(lines)
    types: dict[str, set[str]] = defaultdict(set)
    members: dict[str, list[str]] = defaultdict(list)
    ways: dict[str, set[str]] = defaultdict(set)
    for line in kept:
        name, property, value = line.split(" ", 2)
        if property == f"<{_TYPE}>":
            types[name].add(value[1:-4])
        elif property == f"<{term('dcat:inSeries')}>":
            members[value[:-3]].append(name)
        elif property == f"<{term('dcat:distribution')}>":
            ways[name].add(value[:-3])
    whole = {name for name, kinds in types.items() if {_SERIES, _DATASET} <= kinds}
    if not whole:
        return kept
    others = {way for name, found in ways.items() if name not in whole for way in found}
    lost = {way[1:-1] for name in whole for way in ways[name]} - {way[1:-1] for way in others}
    found = []
    for line in kept:
        name, property, value = line.split(" ", 2)
        if name in whole:
            if property[1:-1] in _OF_SERIES or value == f"<{_SERIES}> .\n":
                found.append(line)
        elif property[1:-1] in _LISTS and value[:-3] in whole:
            found += [f"{name} {property} {member} .\n" for member in members[value[:-3]]]
        elif subject(line) not in lost:
            found.append(line)
    return sorted(set(found))
