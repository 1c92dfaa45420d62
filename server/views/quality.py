"""The quality of the datasets over HTTP: `/quality`, with figures, their history and the findings in plain words."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from babel.numbers import format_decimal, format_percent
from flask import Blueprint, Response, request

import ontology
from loaders.description import DESCRIPTION_FILE, read_dataset
from server.charts import LineChart, line_chart
from server.decision import QUESTIONS
from server.errors import Problem
from server.formats import CSV, GRAPH_FORMATS, HTML, JSON, JSON_LD, Format
from server.graph_files import read_graph
from server.instance import Opened
from server.labels import alphabetical
from server.quality import GRAPH, Figures, Metric, Point, badges, decided, figures, metrics, points
from server.quality_reports import DatasetReports, alike, latest_refusals, report_of
from server.rdf_formats import parse_lines, write
from server.row_things import published_places, thing_at
from server.trace import trace
from server.views.http import answer, here, in_language, language, negotiated, page, redirect, torg, with_query

blueprint = Blueprint("quality", __name__)

OFFERED: tuple[Format, ...] = (HTML, JSON, CSV, *GRAPH_FORMATS)
# Findings that are shown, those that differ in their row alone counted once, and rows that are shown of each.
_LISTED, _ROWS = 100, 20
_TREND, _TREND_LENGTH = "completeness", 10


@blueprint.get("/quality")
def quality() -> Response:
    """Answer how good the datasets are, or with `?dataset=` one of them with its history and findings."""
    chosen, spoken, opened = negotiated(OFFERED), language(), torg().current()
    key = request.args.get("dataset", "").strip("/")
    if key and key not in opened.generation.datasets:
        raise Problem(
            404,
            f"There is no dataset {key[:80]!r} in this generation.",
            sv=f"Det finns ingen datamängd {key[:80]!r} i den här generationen.",
        )
    keys = [key] if key else sorted(opened.generation.datasets)
    if chosen is HTML:
        body = _dataset_page(opened, key, spoken) if key else _page(opened, keys, spoken)
    elif chosen is CSV:
        body = _csv(opened, keys, spoken)
    elif chosen is JSON:
        body = (json.dumps([_members(opened, each) for each in keys], ensure_ascii=False, indent=1) + "\n").encode()
    else:
        body = _rdf(opened, chosen, key)
    tongue = spoken if chosen in (HTML, CSV) else ""
    links = [f'<{href}>; rel="alternate"; type="{media_type}"' for _, href, media_type in _formats(key)]
    return answer(
        body,
        chosen.content_type,
        vary=("Accept", "Accept-Language") if tongue else ("Accept",),
        links=links,
        content_language=tongue,
        content_location=here(with_query("/quality", dataset=key, format=chosen.suffix, lang=tongue)),
        modified=opened.generation.created,
    )


@blueprint.get("/quality/trace")
def traced() -> Response:
    """Answer where a thing (`?uri=`), or one of its values (`&property=`), comes from: file, row, column, run."""
    uri, property = request.args.get("uri", ""), request.args.get("property", "")
    if not uri:
        raise Problem(
            400,
            "uri is missing: give the IRI of a thing, and property for one of its values.",
            sv="uri saknas: ge IRI:n för en sak, och property för ett av dess värden.",
        )
    found = trace(torg().current().generation, torg().uris, uri, property)
    if not found:
        raise Problem(
            404,
            "No dataset of this generation says that of this thing.",
            sv="Ingen datamängd i den här generationen säger det om saken.",
        )
    body = json.dumps({"uri": uri, "traces": [one.members() for one in found]}, ensure_ascii=False, indent=1)
    return answer(f"{body}\n".encode(), JSON.content_type)


@blueprint.get("/quality/row")
def row() -> Response:
    """Answer 303 to the thing that a row of a source (`?dataset=&file=&row=`, `&sheet=`) was published as."""
    key, file, sheet = (request.args.get(name, "") for name in ("dataset", "file", "sheet"))
    number = request.args.get("row", "")
    if not (key and file and number.isascii() and number.isdigit() and len(number) < 10):
        raise Problem(
            400,
            "Give dataset (publisher/name), file and row (a number), and sheet when the file has several.",
            sv="Ge dataset (utgivare/namn), file och row (ett tal), och sheet när filen har flera.",
        )
    thing = thing_at(torg().current().generation, key, (file, sheet, int(number)))
    if not thing:
        raise Problem(
            404,
            f"No thing of this generation was published from row {number} of that file.",
            sv=f"Ingen sak i den här generationen publicerades från rad {number} i filen.",
        )
    return redirect(torg().uris.link(thing), 303)


def _page(opened: Opened, keys: list[str], spoken: str) -> bytes:
    refused = latest_refusals(torg().settings.data_folder(torg().site.folder))
    rows = [
        {
            "key": key,
            "title": _title(opened, key, spoken),
            "href": here(with_query("/quality", dataset=key)),
            "publisher": _publisher(key, spoken),
            "cells": _cells(figures(opened.generation.datasets[key]["deliveries"]), spoken),
            "badges": badges(figures(opened.generation.datasets[key]["deliveries"])),
            "refused": refused.get(key),
        }
        for key in keys
    ]
    rows.sort(key=lambda row: (alphabetical(str(row["publisher"])), alphabetical(str(row["title"]))))
    return page(
        "quality.html", spoken, rows=rows, metrics=metrics().values(), formats=_formats(""),
        publishers=_publishers(opened, spoken), generation=opened.generation.name,
        sums=_sums(opened, keys, spoken), trend=_trend(_points(opened), spoken),
    )  # fmt: skip


def _dataset_page(opened: Opened, key: str, spoken: str) -> bytes:
    report: DatasetReports = report_of(opened.generation.path, torg().settings.data_folder(torg().site.folder), key)
    history = [point for point in _points(opened) if point.dataset == key]
    told = alike(report.ordered)
    places = [
        (each.finding.get("file", ""), each.finding.get("sheet", ""), row)
        for each in told[:_LISTED]
        for row in each.rows[:_ROWS]
    ]
    return page(
        "quality-dataset.html", spoken, key=key, title=_title(opened, key, spoken),
        about=torg().uris.link(torg().uris.dataset(*key.split("/", 1))),
        figures=[
            (metric, _shown(metric, value, spoken))
            for name, value in figures(opened.generation.datasets[key]["deliveries"]).items()
            for metric in [metrics()[name]]
        ],
        history=[(point, metrics()[point.metric], _shown(metrics()[point.metric], point.value, spoken))
                 for point in reversed(history) if point.metric in metrics()],
        report=report, told=told[:_LISTED], others=len(told) > _LISTED, most_rows=_ROWS,
        refused=alike(report.refused["findings"]) if report.refused else [],
        published=published_places(opened.generation, key, places),
        formats=_formats(key), generation=opened.generation.name,
        trend=_trend(history, spoken), decided=[(kind, _asked(what, spoken), reason)
                                                for kind, what, reason in _decided(opened, key)],
    )  # fmt: skip


def _decided(opened: Opened, key: str) -> list[tuple[str, str, str]]:
    """Return what the steward has decided about a dataset, by the description it was published by."""
    folder = opened.generation.path / opened.generation.datasets[key]["description"]
    return decided(read_dataset(folder, key.split("/")[0])) if (folder / DESCRIPTION_FILE).is_file() else []


def _asked(what: str, spoken: str) -> str:
    """Return the question that a part of the decision to publish answers; other names stay."""
    return QUESTIONS[what][spoken == "en"] if what in QUESTIONS else what


def _sums(opened: Opened, keys: list[str], spoken: str) -> list[tuple[Metric, str]]:
    """Return the figures that can be added up, over all datasets."""
    all_figures = [figures(opened.generation.datasets[key]["deliveries"]) for key in keys]
    return [
        (metric, _shown(metric, sum(found.get(name, 0) for found in all_figures), spoken))
        for name, metric in metrics().items()
        if metric.datatype != "decimal"
    ]


def _trend(found: list[Point], spoken: str) -> LineChart | None:
    """Return the mean share of rows published after each generation that changed any, of the last ten."""
    shares: dict[str, Decimal] = {}
    means: dict[int, Decimal] = {}
    for point in sorted(found, key=lambda point: point.generation):
        if point.metric == _TREND:
            shares[point.dataset] = Decimal(point.value)
            means[point.generation] = sum(shares.values(), Decimal(0)) / len(shares)
    rows = [(str(generation), 100 * share) for generation, share in sorted(means.items())[-_TREND_LENGTH:]]
    return line_chart(rows, lambda share: f"{format_decimal(round(Decimal(share), 2), locale=spoken)}")


def _cells(found: Mapping[str, Any], spoken: str) -> list[str]:
    return [_shown(metric, found[name], spoken) if name in found else "" for name, metric in metrics().items()]


def _shown(metric: Metric, value: Any, spoken: str) -> str:
    if metric.datatype == "decimal":
        # 99.96 % must not read as all of it.
        return format_percent(value, "#,##0.##%" if spoken == "en" else "#,##0.## %", locale=spoken)
    return format_decimal(value, locale=spoken)


def _publishers(opened: Opened, spoken: str) -> list[tuple[str, int, str, str]]:
    """Return (name, datasets, share of rows published, share of known codes) of every publisher, for comparison."""
    found = []
    for publisher in sorted({key.split("/")[0] for key in opened.generation.datasets}):
        all_figures = [
            figures(entry["deliveries"])
            for key, entry in opened.generation.datasets.items()
            if key.startswith(f"{publisher}/")
        ]
        whole, coded = (_mean(all_figures, name, spoken) for name in ("completeness", "codesMatched"))
        found.append((_publisher(publisher, spoken), len(all_figures), whole, coded))
    return sorted(found, key=lambda row: alphabetical(row[0]))


def _mean(found: list[Figures], name: str, spoken: str) -> str:
    values = [each[name] for each in found if name in each]
    return _shown(metrics()[name], sum(values) / len(values), spoken) if values else ""


def _members(opened: Opened, key: str) -> dict[str, Any]:
    entry = opened.generation.datasets[key]
    found = figures(entry["deliveries"])
    report = report_of(opened.generation.path, torg().settings.data_folder(torg().site.folder), key)
    return {
        "dataset": torg().uris.dataset(*key.split("/", 1)),
        "key": key,
        "generation": opened.generation.number,
        "figures": {name: int(value) if value == int(value) else float(value) for name, value in found.items()},
        "badges": badges(found),
        "coverage": [each for delivery in entry["deliveries"].values() for each in delivery.get("coverage", ())],
        "decided": [{"kind": kind, "what": what, "reason": reason} for kind, what, reason in _decided(opened, key)],
        "findings": report.findings,
        "refused": report.refused,
        "history": [
            {"metric": point.metric, "generation": point.generation, "time": point.time, "value": float(point.value)}
            for point in _points(opened)
            if point.dataset == key
        ],
    }


def _csv(opened: Opened, keys: list[str], spoken: str) -> bytes:
    target = io.StringIO()
    writer = csv.writer(target)
    writer.writerow(["dataset", "title", *metrics(), "badges"])
    for key in keys:
        found = figures(opened.generation.datasets[key]["deliveries"])
        row = [f"{found[name]:f}" if name in found else "" for name in metrics()]
        iri = torg().uris.dataset(*key.split("/", 1))
        writer.writerow([iri, _title(opened, key, spoken), *row, "; ".join(badges(found))])
    return target.getvalue().encode()


def _rdf(opened: Opened, chosen: Format, key: str) -> bytes:
    lines = _lines(opened)
    if key:
        slug = key.replace("/", ".")
        names = tuple(
            f"<{_base()}{part}-{slug}{end}" for part in ("figure", "report", "result", "decision") for end in ("-", ">")
        )
        lines = [line for line in lines if line.startswith((f"<{_base()}metric-", f"<{_base()}dimension-", *names))]
    triples = parse_lines(lines)
    if chosen is JSON_LD:
        return write(triples, chosen.media_type, torg().prefixes)
    return torg().writer.write(triples, chosen, f"{_base()}metric-completeness")


def _base() -> str:
    return torg().uris.iri("quality#")


def _lines(opened: Opened) -> list[str]:
    graph = opened.generation.graphs.get(torg().uris.iri(f"graph/{GRAPH}"))
    return list(read_graph(opened.generation.path / graph.dump)) if graph else []


def _points(opened: Opened) -> list[Point]:
    if "quality points" not in opened.memo:
        opened.memo["quality points"] = points(_lines(opened), _base())
    found: list[Point] = opened.memo["quality points"]
    return found


def _title(opened: Opened, key: str, spoken: str) -> str:
    iri = torg().uris.dataset(*key.split("/", 1))
    return opened.labels.labels([iri], spoken).get(iri, (key, ""))[0]


def _publisher(key: str, spoken: str) -> str:
    found = torg().site.publishers.get(key.split("/")[0])
    return in_language(found.name, spoken) if found else key.split("/")[0]


def _formats(key: str) -> list[tuple[str, str, str]]:
    return [
        (other.label, here(with_query("/quality", dataset=key, format=other.suffix)), other.media_type)
        for other in OFFERED[1:]
    ]


@blueprint.app_template_global("rule_advice")
def rule_advice(rule: str, spoken: str) -> str:
    """Return how to mend what a rule finds, for findings that give no advice of their own."""
    found = ontology.rules().get(rule)
    return in_language(found.advice, spoken) if found else ""
