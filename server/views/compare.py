"""One specification across all publishers: `/compare`, `/compare/<specification>`, and its merged download."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from decimal import Decimal
from tempfile import SpooledTemporaryFile
from typing import IO, Any, cast

from babel.numbers import format_decimal
from flask import Blueprint, Response, request

from server import query_api
from server.catalog_metadata import specification_texts
from server.charts import bar_chart
from server.comparison import (
    Comparable,
    Comparison,
    Dimension,
    Figure,
    comparable,
    compare,
    matrix,
    plain,
    to_csv,
    to_xlsx,
)
from server.errors import Problem
from server.formats import CSV, HTML, JSON, N_TRIPLES, XLSX, Format, choose
from server.generations import GraphEntry
from server.instance import Opened
from server.labels import alphabetical
from server.views.http import answer, here, in_language, language, negotiated, page, public, torg, with_query
from server.views.sparql import client_pool

blueprint = Blueprint("compare", __name__)

OFFERED: tuple[Format, ...] = (HTML, JSON, CSV, XLSX)
DOWNLOADS: tuple[Format, ...] = (CSV, JSON, N_TRIPLES)
_VARY = ("Accept", "Accept-Language")
_SMALL = 1 << 20
_LARGEST = 8_000_000  # triples read back as rows in one answer: a million rows of a ledger, some forty seconds


@blueprint.get("/compare")
def specifications() -> Response:
    """Answer the specifications that somebody publishes by, with their publishers."""
    chosen = negotiated((HTML, JSON))
    spoken, opened = language(), torg().current()
    found = {name: sorted({key.split("/")[0] for key in keys}) for name, keys in _by_specification(opened).items()}
    if chosen is JSON:
        rows = [
            {"specification": name, "iri": torg().uris.resolve(f"spec/{name}"), "publishers": publishers}
            for name, publishers in found.items()
        ]
        return answer(_json(rows), JSON.content_type, vary=_VARY, content_language=spoken)
    listed = [
        (name, _title(name, spoken), in_language(specification_texts(name)["description"], spoken), len(publishers))
        for name, publishers in found.items()
    ]
    listed.sort(key=lambda each: alphabetical(each[1]))
    body = page("compare_list.html", spoken, listed=listed, generation=opened.generation.name)
    return answer(body, HTML.content_type, vary=_VARY, content_language=spoken)


@blueprint.get("/compare/<specification>")
def comparison(specification: str) -> Response:
    """Answer a figure for every concept and publisher of a specification, gaps visible."""
    chosen, spoken, opened = negotiated(OFFERED), language(), torg().current()
    subject = _subject(opened, specification)
    asked = {name: request.args.get(name, "").strip() for name in ("figure", "by", "period")}
    figure, dimension = subject.figure(asked["figure"]), subject.dimension(asked["by"])
    if figure is None or (dimension is None and asked["by"]):
        names = ", ".join(item.name for item in (subject.figures if figure is None else subject.dimensions))
        raise Problem(
            400,
            f"{'figure' if figure is None else 'by'} takes one of: {names}.",
            sv=f"{'figure' if figure is None else 'by'} tar ett av: {names}.",
        )
    graphs = _graphs(opened, specification, period=asked["period"])
    found = _compared(opened, subject, figure, dimension, graphs, asked["period"])
    if chosen is HTML:
        body = _page(opened, subject, figure, dimension, found, asked, spoken)
    else:
        body = _table(found, subject, figure, dimension, chosen, spoken)
    # A workbook holds the time it was written; its cells tell whether it is the same.
    etag = hashlib.blake2b(repr(_cells(found)).encode(), digest_size=16).hexdigest() if chosen is XLSX else ""
    kept = {name: text for name, text in asked.items() if text}
    links = [
        f'<{here(with_query(f"/compare/{specification}", **kept, format=other.suffix))}>; rel="alternate"; '
        f'type="{other.media_type}"'
        for other in OFFERED
    ]
    return answer(
        body,
        chosen.content_type,
        vary=_VARY,
        links=links,
        content_language=spoken,
        content_location=here(with_query(f"/compare/{specification}", **kept, format=chosen.suffix, lang=spoken)),
        etag=etag,
    )


@blueprint.get("/compare/<specification>/download")
def download(specification: str) -> Response:
    """Answer all rows of a specification from all publishers, or from one: CSV, JSON, or the merged N-Triples."""
    opened = torg().current()
    subject = _subject(opened, specification)
    chosen = choose(request.headers.get("Accept"), DOWNLOADS, request.args.get("format"))
    if chosen is None:
        raise Problem(
            406,
            "Rows can be had as CSV, JSON or N-Triples: ?format=csv, json or nt.",
            sv="Rader finns som CSV, JSON eller N-Triples: ?format=csv, json eller nt.",
        )
    period, publisher, dataset = (request.args.get(name, "").strip() for name in ("period", "publisher", "dataset"))
    graphs = _graphs(opened, specification, publisher, period, dataset)
    entries = [opened.generation.graphs[iri] for iri in graphs]
    if chosen is not N_TRIPLES and sum(entry.triples for entry in entries) > _LARGEST:
        raise Problem(
            413,
            "These are more rows than one answer may hold. Ask for one publisher or one period.",
            sv="Det här är fler rader än ett svar får ha. Be om en utgivare eller en period.",
        )
    # Every part has been found in the manifest by now, so nothing of the address reaches the header as it came.
    name = "-".join(part.replace("/", "-") for part in (specification, publisher, dataset, period) if part)
    with ExitStack() as held:
        if not torg().large_answers.acquire(timeout=5):
            raise Problem(
                503,
                "Others are fetching whole tables just now.",
                sv="Andra hämtar hela tabeller just nu.",
                headers={"Retry-After": "10"},
            )
        held.callback(torg().large_answers.release)
        target = cast(IO[bytes], held.enter_context(SpooledTemporaryFile(max_size=_SMALL)))
        with client_pool(opened.generation).paying():
            _write(target, opened, subject, entries, chosen)
        etag = hashlib.blake2b("".join(e.sha256 for e in entries).encode() + chosen.suffix.encode(), digest_size=16)
        return _file(target, held, name, chosen, etag.hexdigest())


def _file(target: IO[bytes], held: ExitStack, name: str, chosen: Format, etag: str) -> Response:
    """Return a written file as an answer: small ones as one body, larger ones from the file with their length."""
    compressed = chosen is N_TRIPLES
    content_type = "application/gzip" if compressed else chosen.content_type
    size = target.seek(0, os.SEEK_END)
    target.seek(0)
    response = answer(b"", content_type, vary=("Accept",), etag=etag)
    suffix = "nt.gz" if compressed else chosen.suffix
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.{suffix}"'
    if response.status_code == 304:
        return response
    response.headers["Cache-Control"] = public()
    if size <= _SMALL:
        response.data = target.read()
    else:
        response.response = iter(lambda: target.read(_SMALL), b"")
        response.content_length = size
        response.call_on_close(held.pop_all().close)
    return response


def _write(target: IO[bytes], opened: Opened, subject: Comparable, entries: list[GraphEntry], chosen: Format) -> None:
    if chosen is N_TRIPLES:
        # Each dump is a gzip member, and members after each other are one gzip file (RFC 1952, 2.2).
        for entry in entries:
            with open(opened.generation.path / entry.dump, "rb") as source:
                shutil.copyfileobj(source, target, _SMALL)
        if not entries:
            target.write(gzip.compress(b"", mtime=0))
        return
    text = io.TextIOWrapper(cast(Any, target), encoding="utf-8", newline="")
    rows = _rows(opened, subject, entries)
    if chosen is CSV:
        writer = csv.DictWriter(text, subject.rows.columns)
        writer.writeheader()
        writer.writerows(row for _, _, row in rows)
    else:
        text.write("[")
        for number, (iri, dataset, row) in enumerate(rows):
            said = {"@id": iri, "dataset": dataset} | {name: cell for name, cell in row.items() if cell}
            text.write((",\n" if number else "\n") + json.dumps(said, ensure_ascii=False))
        text.write("\n]\n")
    text.flush()
    text.detach()


def _rows(opened: Opened, subject: Comparable, entries: list[GraphEntry]) -> Iterator[tuple[str, str, dict[str, str]]]:
    named = _namer(opened, "sv")
    for entry in entries:
        key, name = entry.dataset.split("/", 1)
        publisher = torg().site.publishers.get(key)
        if publisher is None:
            continue
        dataset = torg().uris.dataset(key, name)
        for iri, row in subject.rows.rows(opened.generation.path / entry.dump, publisher, named):
            yield iri, dataset, row


def _namer(opened: Opened, spoken: str) -> Callable[[str, bool], str]:
    """Return what names a concept: its notation when asked for it, else its label; each looked up once."""
    known: dict[tuple[str, bool], str] = {}
    notation = "http://www.w3.org/2004/02/skos/core#notation"

    def name(iri: str, by_notation: bool) -> str:
        key = (iri, by_notation)
        if key not in known:
            last = iri.rsplit("/", 1)[-1]
            if by_notation:
                found = [getattr(term, "value", "") for term in opened.generation.store.values(iri, notation)]
                known[key] = min(found, default=last)
            else:
                known[key] = opened.labels.labels([iri], spoken).get(iri, (last, ""))[0]
        return known[key]

    return name


def _by_specification(opened: Opened) -> dict[str, list[str]]:
    """Return the keys of the datasets that follow each specification."""
    found: dict[str, list[str]] = {}
    for key, entry in sorted(opened.generation.datasets.items()):
        if entry.get("specification"):
            found.setdefault(entry["specification"], []).append(key)
    return dict(sorted(found.items()))


def _subject(opened: Opened, specification: str) -> Comparable:
    if specification not in _by_specification(opened):
        listed = ", ".join(_by_specification(opened)) or "none yet"
        raise Problem(
            404,
            f"Nobody publishes by a specification of this name here; these are in use: {listed}.",
            sv=f"Ingen publicerar enligt en specifikation med det namnet här; de här används: {listed}.",
        )
    kept = f"comparable {specification}"
    if kept not in opened.memo:
        opened.memo[kept] = comparable(specification, torg().uris)
    found: Comparable = opened.memo[kept]
    return found


def _graphs(
    opened: Opened, specification: str, publisher: str = "", period: str = "", dataset: str = ""
) -> dict[str, str]:
    """Return the publisher of every graph of a specification; a year stands for all its months."""
    keys = set(_by_specification(opened)[specification])
    known = {key.split("/")[0] for key in keys}
    if publisher and publisher not in known:
        names = ", ".join(sorted(known))
        raise Problem(
            404,
            f"{publisher[:40]!r} does not publish by this specification; these do: {names}.",
            sv=f"{publisher[:40]!r} publicerar inte enligt specifikationen; det gör: {names}.",
        )
    if dataset and dataset not in keys:
        raise Problem(
            404,
            f"{dataset[:80]!r} does not follow this specification.",
            sv=f"{dataset[:80]!r} följer inte specifikationen.",
        )
    keys = {dataset} if dataset else keys
    entries = [entry for entry in opened.generation.graphs.values() if entry.dataset in keys]
    found = {
        entry.iri: entry.dataset.split("/")[0]
        for entry in sorted(entries, key=lambda entry: entry.iri)
        if publisher in ("", entry.dataset.split("/")[0])
        and (not period or entry.period == period or entry.period.startswith(f"{period}-"))
    }
    if period and not found:
        periods = ", ".join(sorted({entry.period for entry in entries if entry.period})) or "none"
        raise Problem(
            404,
            f"There is nothing for {period[:20]!r}; periods are: {periods}.",
            sv=f"Det finns inget för {period[:20]!r}; perioderna är: {periods}.",
        )
    return found


def _compared(
    opened: Opened,
    subject: Comparable,
    figure: Figure,
    dimension: Dimension | None,
    graphs: Mapping[str, str],
    period: str,
) -> Comparison:
    kept = f"comparison {subject.name} {figure.name} {dimension.name if dimension else ''} {period}"
    if kept not in opened.memo:
        site = torg().site
        pool = client_pool(opened.generation)
        opened.memo[kept] = compare(subject, figure, dimension, graphs, site.publishers, site.uris, pool)
    found: Comparison = opened.memo[kept]
    return found


def _cells(found: Comparison) -> list[tuple[tuple[str, str], Decimal]]:
    return sorted(found.cells.items())


def _publisher_name(key: str, spoken: str) -> str:
    publisher = torg().site.publishers.get(key)
    return in_language(publisher.name, spoken) if publisher else key


def _title(specification: str, spoken: str) -> str:
    return in_language(specification_texts(specification)["title"], spoken) or specification


def _table(
    found: Comparison, subject: Comparable, figure: Figure, dimension: Dimension | None, chosen: Format, spoken: str
) -> bytes:
    named = _namer(torg().current(), spoken)
    if chosen is JSON:
        iris = torg().uris
        publishers = torg().site.publishers
        return _json(
            {
                "specification": iris.resolve(f"spec/{subject.name}"),
                "figure": figure.name,
                "by": dimension.name if dimension else None,
                "missing": list(found.missing),
                "query": query_api.bound(found.query, found.values, iris, spoken),
                "cells": [
                    {
                        "publisher": iris.organization(publishers[who].orgnr) if who in publishers else who,
                        "publisherName": _publisher_name(who, spoken),
                        "concept": what or None,
                        "conceptName": named(what, False) if what else None,
                        "value": float(number) if number != number.to_integral() else int(number),
                    }
                    for (who, what), number in _cells(found)
                ],
            }
        )
    rows = matrix(
        found,
        lambda key: _publisher_name(key, spoken),
        lambda iri: named(iri, False) if iri else {"sv": "Utan begrepp", "en": "No concept"}[spoken],
    )
    return to_csv(rows) if chosen is CSV else to_xlsx(rows, _title(subject.name, spoken))


def _page(
    opened: Opened,
    subject: Comparable,
    figure: Figure,
    dimension: Dimension | None,
    found: Comparison,
    asked: Mapping[str, str],
    spoken: str,
) -> bytes:
    named = _namer(opened, spoken)
    uris = torg().uris
    periods = sorted(
        {graph.period for graph in opened.generation.graphs.values() if graph.dataset in _keys(opened, subject.name)}
        - {""},
        reverse=True,
    )
    address = f"/compare/{subject.name}"
    kept = {name: text for name, text in asked.items() if text}
    text = query_api.bound(found.query, found.values, uris, spoken)

    def shown(number: Any) -> str:
        return format_decimal(number, locale=spoken, format="#,##0.##").replace("-", "−")

    totals = [(_publisher_name(key, spoken), found.total(key)) for key in found.publishers]
    largest = sorted(((name, total) for name, total in totals if total is not None), key=lambda row: -row[1])
    return page(
        "compare.html",
        spoken,
        subject=subject,
        title=_title(subject.name, spoken),
        figure=figure,
        dimension=dimension,
        found=found,
        publishers=sorted(found.publishers, key=lambda key: alphabetical(_publisher_name(key, spoken))),
        asked=asked,
        periods=[*sorted({period[:4] for period in periods if len(period) > 4}, reverse=True), *periods],
        name=lambda key: _publisher_name(key, spoken),
        concept=lambda iri: named(iri, False),
        concept_link=lambda iri: uris.link(uris.iri(uris.description_path(uris.path(iri) or "") or "")) or iri,
        shown=shown,
        chart=bar_chart(largest, shown),
        chart_rows=[(name, shown(total)) for name, total in largest],
        plain=plain,
        query=text,
        ask=here(with_query("/sparql", query=text)),
        formats=[(o.label, here(with_query(address, **kept, format=o.suffix)), o.media_type) for o in OFFERED[1:]],
        downloads=[
            (o.label, here(with_query(f"{address}/download", period=asked["period"], format=o.suffix)))
            for o in DOWNLOADS
        ],
        generation=opened.generation.name,
    )


def _keys(opened: Opened, specification: str) -> set[str]:
    return set(_by_specification(opened).get(specification, ()))


def _json(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()
