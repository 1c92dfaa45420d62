"""What the page of one dataset adds to its facts: ways to get it, what its columns mean, how good it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import ontology
from server.catalog_reader import DatasetRecord
from server.catalog_score import Score, links_out, score, stars
from server.generations import Generation, GraphEntry
from server.graph_files import read_graph
from server.uris import UriSpace

_DCAT, _DCTERMS = "http://www.w3.org/ns/dcat#", "http://purl.org/dc/terms/"
SAID_BY_DATASET = frozenset(
    [_DCAT + name for name in ("distribution", "landingPage", "contactPoint")]
    + [_DCTERMS + name for name in ("publisher", "license", "accrualPeriodicity", "issued", "modified", "conformsTo")]
)
"""The properties that the head of a dataset's page tells, so that its facts need not."""

_LOOKED_AT = 20_000  # lines of a dump in which a link to other data must be found


@dataclass(frozen=True, slots=True)
class ColumnMeaning:
    """One column of a specification: what it is called and means, and what its values are."""

    name: str
    title: Mapping[str, str]
    meaning: Mapping[str, str]
    datatype: str
    required: bool
    property: str  # the property its values become, "" when they become something else


@dataclass(frozen=True, slots=True)
class Quality:
    """How the last reading of a dataset's sources went."""

    rows_in: int
    rows_out: int
    findings: Mapping[str, int]

    @property
    def share(self) -> float:
        """The share of the source's rows that are published; 1 when there were none."""
        return self.rows_out / self.rows_in if self.rows_in else 1.0


@dataclass(frozen=True, slots=True)
class DatasetPage:
    """A dataset with everything its page shows."""

    record: DatasetRecord
    columns: tuple[ColumnMeaning, ...]
    quality: Quality | None
    graphs: tuple[GraphEntry, ...]
    stars: Mapping[str, int]  # of open data, by distribution
    score: Score

    @property
    def periods(self) -> list[str]:
        """The periods it is delivered for, the latest first."""
        return sorted((graph.period for graph in self.graphs if graph.period), reverse=True)

    @property
    def triples(self) -> int:
        """How many triples its graphs hold."""
        return sum(graph.triples for graph in self.graphs)


def dataset_page(record: DatasetRecord, generation: Generation, uris: UriSpace) -> DatasetPage:
    """Return what the page of a published dataset shows."""
    graphs = [graph for graph in generation.graphs.values() if graph.dataset == record.key]
    graphs.sort(key=lambda graph: graph.period, reverse=True)
    linked = any(_links_out(generation, graph, uris.iri("id/")) for graph in graphs[:1])
    return DatasetPage(
        record,
        columns(record.specification) if record.specification else (),
        quality(generation.datasets.get(record.key)),
        tuple(graphs),
        {item.iri: stars(item, linked) for item in record.distributions},
        # Addresses of our own answer as long as the page does; nobody has tried the others.
        score([record], lambda address: True if uris.path(address) else None),
    )


def _links_out(generation: Generation, graph: GraphEntry, own: str) -> bool:
    return links_out(islice(read_graph(generation.path / graph.dump), _LOOKED_AT), own)


def quality(entry: Mapping[str, Any] | None) -> Quality | None:
    """Return the figures of the manifest's entry of a dataset, None when it has no delivery."""
    deliveries: Sequence[Mapping[str, Any]] = list((entry or {}).get("deliveries", {}).values())
    if not deliveries:
        return None
    return Quality(
        sum(int(delivery.get("rows_in", 0)) for delivery in deliveries),
        sum(int(delivery.get("rows_out", 0)) for delivery in deliveries),
        {
            weight: sum(int(delivery.get("findings", {}).get(weight, 0)) for delivery in deliveries)
            for weight in ("block", "warn", "info")
        },
    )


def columns(specification: str) -> tuple[ColumnMeaning, ...]:
    """Return the columns of a shared specification in their order; those we make up ourselves are left out."""
    schema = ontology.table(specification)["tableSchema"]
    return tuple(
        ColumnMeaning(
            name=column["name"],
            title=_titles(column),
            meaning=_texts(column.get("dc:description", ())),
            datatype=_datatype(column.get("datatype", "string")),
            required=bool(column.get("required")),
            property=column.get("propertyUrl", ""),
        )
        for column in schema["columns"]
        if not column.get("virtual")
    )


def _titles(column: Mapping[str, Any]) -> dict[str, str]:
    titles = column.get("titles", {})
    if isinstance(titles, str):
        return {"und": titles}
    return {tag: text if isinstance(text, str) else text[0] for tag, text in dict(titles).items() if tag != "und"}


def _texts(values: Any) -> dict[str, str]:
    entries = [values] if isinstance(values, Mapping) else values
    return {entry["@language"]: entry["@value"] for entry in entries if "@language" in entry}


def _datatype(value: Any) -> str:
    return str(value.get("base", "string")) if isinstance(value, Mapping) else str(value)
