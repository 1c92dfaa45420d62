"""The query page: the form, the answer as table, map, chart or as it is, and what went wrong, at its line."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any
from urllib.parse import urlencode

from babel.numbers import format_decimal
from flask import Response, request

from server.errors import Problem
from server.formats import GRAPH_FORMATS, HTML, Format
from server.presentation import Presenter
from server.query_api import GROUPS, sparql_examples
from server.query_service import QueryService
from server.readers import Result
from server.result_views import Binding, cell, chart, iris_of, numeric_variables, ordered, points
from server.service_description import limit_words, service_texts
from server.sparql_protocol import ProtocolRequest
from server.sparql_scan import Scan
from server.texts import texts
from server.views.api_views import overview
from server.views.http import answer, content_security_policy, here, language, page, torg

VIEWS = ("table", "map", "chart", "raw")
_VARY = ("Accept", "Accept-Language", "Authorization")
_MOST_RAW, _MOST_MARKS = 50_000, 500
_LONGEST_LINK = 6_000  # of a query in an address: longer ones are sent by POST, and cannot be shared as links

RESULT_FORMATS: tuple[Format, ...] = (
    Format("json", "application/sparql-results+json", "JSON", "table", ("application/json",)),
    Format("xml", "application/sparql-results+xml", "XML", "table", ("application/xml", "text/xml")),
    Format("csv", "text/csv", "CSV", "table"),
    Format("tsv", "text/tab-separated-values", "TSV", "table"),
)


def offered(scanned: Scan) -> Sequence[Format]:
    """Return the formats of the answer to a query, the page last."""
    return (*(GRAPH_FORMATS if scanned.is_graph else RESULT_FORMATS), HTML)


def sparql_page(
    service: QueryService,
    asked: ProtocolRequest | None = None,
    scanned: Scan | None = None,
    result: Result | None = None,
    *,
    shortened: bool = False,
    problem: Problem | None = None,
) -> Response:
    """Return the page with the form and, when there is one, the answer or the problem.

    The nonce lets the editor write its style; a page with one is never kept.
    """
    spoken, nonce = language(), secrets.token_urlsafe(16)
    words = limit_words(service.limits, service.scan_limits.bytes)
    if result is not None:
        rows = "?" if result.rows is None else format_decimal(result.rows, locale=spoken)
        words |= {"count": rows, "time": format_decimal(round(result.seconds, 2), locale=spoken)}
    said = {
        key: text[spoken].format(**words)
        for key, text in service_texts().items()
        if result is not None or key != "page_rows"
    }
    examples = _examples(spoken)
    context: Mapping[str, Any] = {}
    if asked is not None and scanned is not None and result is not None:
        context = _shown(asked, result, scanned, spoken) | _addresses(asked, scanned, spoken)
    body = page(
        "sparql.html",
        spoken,
        query=asked.query if asked else "",
        asked=asked,
        scanned=scanned,
        result=result,
        problem=problem,
        said=said,
        shortened=shortened,
        prefixes=service.prefixes,
        examples=examples,
        endpoint=torg().uris.iri("/sparql"),
        start=examples[0][1][0][3] if examples else "",
        nonce=nonce,
        limits=words,
        row_words=said.get("page_rows", ""),
        **context,
    )
    response = answer(
        body,
        HTML.content_type,
        status=problem.status if problem else 200,
        vary=_VARY,
        content_language=spoken,
        cache_control="no-store",
    )
    response.headers["Content-Security-Policy"] = content_security_policy(nonce)
    if problem is not None:
        response.headers.update(problem.headers)
    return response


def _examples(spoken: str) -> list[tuple[str, list[tuple[str, str, str, str]]]]:
    """Return (title, queries) of each group of named queries, the examples for beginners first."""
    found = [(group, list(queries)) for group, queries in groupby(sparql_examples(torg().uris, spoken), itemgetter(0))]
    order = ["example", *GROUPS]
    words = texts(spoken).gettext
    return [
        (words(GROUPS.get(group, group)), queries)
        for group, queries in sorted(found, key=lambda item: order.index(item[0]) if item[0] in order else len(order))
    ]


def _shown(asked: ProtocolRequest, result: Result, scanned: Scan, spoken: str) -> dict[str, Any]:
    """Return what the page shows of an answer, in the view that was asked for."""
    body = b"".join(result.pieces())
    if scanned.is_graph:
        return {"turtle": body.decode("utf-8")[:_MOST_RAW]}
    document = json.loads(body)
    if "boolean" in document:
        return {"boolean": document["boolean"]}
    site, opened = torg(), torg().current()
    variables: list[str] = document["head"].get("vars", [])
    bindings: list[Binding] = document["results"]["bindings"]
    labels = opened.labels.labels(iris_of(bindings), spoken)
    presenter = Presenter(spoken, site.uris, labels, site.prefixes)
    by = request.args.get("sort", "")
    if by.removeprefix("-") in variables:
        bindings = ordered(bindings, by)
    placed = points(variables, bindings, presenter)
    drawn = chart(variables, bindings, presenter)
    views = [view for view in VIEWS if view not in ("map", "chart") or (placed if view == "map" else drawn)]
    view = request.args.get("view", "")
    shown: dict[str, Any] = {
        "variables": variables,
        "numeric": numeric_variables(variables, bindings),
        "views": views,
        "view": view if view in views else "table",
        "sorted_by": by,
        "rows": [],
    }
    match shown["view"]:
        case "raw":
            shown["raw"] = json.dumps(document, ensure_ascii=False, indent=1)[:_MOST_RAW]
        case "map":
            shown["places"] = placed[:_MOST_MARKS]
            shown["left_out"] = max(0, len(placed) - _MOST_MARKS)
            shown["overview"] = overview([(point.latitude, point.longitude) for point in placed[:_MOST_MARKS]])
        case "chart":
            shown["drawn"] = drawn
        case _:
            shown["rows"] = [
                [cell(row[name], presenter) if name in row else None for name in variables] for row in bindings
            ]
    return shown


def _addresses(asked: ProtocolRequest, scanned: Scan, spoken: str) -> dict[str, Any]:
    """Return where this answer is to be had again: as a link to share, in every form, in another view or order."""
    fixed = [("query", asked.query)]
    fixed += [("default-graph-uri", graph) for graph in asked.default_graphs]
    fixed += [("named-graph-uri", graph) for graph in asked.named_graphs]
    fixed += [("at", asked.at)] if asked.at else []

    def with_more(**more: str) -> str:
        return f"{here('/sparql')}?{urlencode([*fixed, *((name, value) for name, value in more.items() if value)])}"

    endpoint = torg().uris.iri("/sparql")
    downloads = [
        (format.label, with_more(format=format.suffix), format.media_type)
        for format in offered(scanned)
        if format is not HTML
    ]
    form = "ttl" if scanned.is_graph else "csv"
    return {
        "downloads": downloads,
        "sharable": len(with_more()) <= _LONGEST_LINK,
        "permalink": f"{endpoint}?{urlencode(fixed)}",
        "data_link": f"{endpoint}?{urlencode([*fixed, ('format', form)])}",
        "view_link": lambda view: with_more(view="" if view == "table" else view, lang=request.args.get("lang", "")),
        "sort_link": lambda by: with_more(sort=by, lang=request.args.get("lang", "")),
    }
