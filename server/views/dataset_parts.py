"""What templates ask for on the page of a dataset: a look at its data, examples, its changes, its relatives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from babel.numbers import format_decimal
from flask import Blueprint

from server.catalog_reader import DatasetRecord
from server.charts import BarChart, bar_chart
from server.dataset_page import DatasetPage
from server.dataset_preview import Preview, preview
from server.generations import GraphEntry
from server.presentation import day
from server.views.changes import history
from server.views.datasets import catalog
from server.views.http import here, torg, with_query

blueprint = Blueprint("dataset_parts", __name__)

_SHOWN_CHANGES, _LOOKED_AT, _RELATED = 5, 200, 6


@dataclass(frozen=True, slots=True)
class Part:
    """One graph of a dataset (the whole, or one period) and the addresses of its files."""

    period: str
    triples: int
    files: tuple[tuple[str, str, str], ...]  # label, address, media type


@blueprint.app_template_global("dataset_parts")
def parts(about: DatasetPage) -> list[Part]:
    """Return the graphs of a dataset, the latest period first, each with the files that it can be had as."""
    return [Part(graph.period, graph.triples, _files(graph)) for graph in about.graphs]


def _files(graph: GraphEntry) -> tuple[tuple[str, str, str], ...]:
    address = torg().uris.link(graph.iri)
    kinds = (
        ("CSV", "csv", "text/csv"),
        ("Excel", "xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ("GeoJSON", "geojson", "application/geo+json"),
        ("Turtle", "ttl", "text/turtle"),
        ("JSON-LD", "jsonld", "application/ld+json"),
    )
    placed = _has_places(graph)
    found = [(label, f"{address}.{suffix}", type) for label, suffix, type in kinds if suffix != "geojson" or placed]
    return (*found, ("N-Triples", here(f"/{graph.dump}"), "application/n-triples"))


def _has_places(graph: GraphEntry) -> bool:
    return any(name.endswith("wgs84_pos#lat") for name in torg().partitions(torg().current(), graph).properties)


@blueprint.app_template_global("dataset_preview")
def first_rows(about: DatasetPage, spoken: str) -> Preview | None:
    """Return a look at the latest data of a dataset, None when there is none."""
    return preview(torg(), torg().current(), about.graphs[0], spoken) if about.graphs else None


@blueprint.app_template_global("concept_chart")
def concept_chart(shown: Preview, spoken: str) -> BarChart | None:
    """Return the bars of a count by concept."""
    return bar_chart(shown.counts, lambda number: format_decimal(number, locale=spoken)) if shown.counts else None


@blueprint.app_template_global("dataset_changes")
def changes(key: str, spoken: str) -> list[tuple[int, str, int, int, str]]:
    """Return (generation, day, triples that came, triples that went, address) of the latest changes of a dataset."""
    found = []
    past = history()
    for number in list(reversed(past.numbers()))[:_LOOKED_AT]:
        graphs = [graph for graph in past.index(number)["graphs"] if graph["dataset"] == key]
        if graphs:
            added, removed = (sum(graph[what] for graph in graphs) for what in ("added", "removed"))
            address = here(with_query(f"/changes/{number:06d}", dataset=key))
            found.append((number, day(past.time(number).isoformat(), spoken), added, removed, address))
        if len(found) == _SHOWN_CHANGES:
            break
    return found


@blueprint.app_template_global("related_datasets")
def related(record: DatasetRecord) -> list[DatasetRecord]:
    """Return the datasets most like one: by the same specification, then by the same publisher, then by theme."""
    scored = [
        (
            4 * bool(other.specification and other.specification == record.specification)
            + 2 * (other.publisher == record.publisher)
            + bool(set(other.themes) & set(record.themes)),
            other,
        )
        for other in catalog().datasets
        if other.iri != record.iri
    ]
    return [other for points, other in sorted(scored, key=lambda each: (-each[0], each[1].key)) if points][:_RELATED]


@blueprint.app_template_global("dataset_snippets")
def snippets(about: DatasetPage) -> dict[str, Any]:
    """Return the absolute addresses that examples are written with, and the query page opened on the dataset."""
    uris, graph = torg().uris, about.graphs[0]
    query = f"SELECT * WHERE {{\n  GRAPH <{graph.iri}> {{ ?thing ?property ?value }}\n}}\nLIMIT 100"
    return {
        "csv": f"{graph.iri}.csv",
        "xlsx": f"{graph.iri}.xlsx",
        "geojson": f"{graph.iri}.geojson" if _has_places(graph) else "",
        "reconcile": uris.iri("reconcile"),
        "sparql": uris.iri("sparql"),
        "ask": f"{here('/sparql')}?{urlencode({'query': query})}",
        "file": graph.iri.rstrip("/").rpartition("/")[2],
    }
