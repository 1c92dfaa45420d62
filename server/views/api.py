"""Named queries over HTTP: the list of them, each with its form and its answer, and their OpenAPI document."""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint, Response, current_app, request

import queries
from queries import Query
from queries.values import TYPES
from server import query_api
from server.errors import Problem
from server.formats import CSV, GRAPH_FORMATS, HTML, JSON, Format
from server.instance import Opened
from server.paths import split_suffix
from server.presentation import Presenter
from server.query_api import Table, Values, Window
from server.views.http import answer, here, in_language, language, negotiated, page, public, torg

blueprint = Blueprint("api", __name__)

SPARQL_JSON = Format("srj", "application/sparql-results+json", "SPARQL JSON", "table")
TABLE_FORMATS: tuple[Format, ...] = (JSON, CSV, SPARQL_JSON)
_VARY = ("Accept", "Accept-Language")


@blueprint.get("/api/<group>/<name>")
def ask(group: str, name: str) -> Response:
    """Answer a named query: a table or a graph in the negotiated format, or the page with its form."""
    stem, suffix = split_suffix(name)
    query = _query(f"{group}/{stem}")
    offered = _offered(query)
    values = _values()
    _check_names(query, values)
    asked = query_api.window(query, request.args.get("page"), request.args.get("size"))
    chosen = negotiated(offered, suffix or None)
    spoken = language()
    opened = torg().current()
    pool = torg().readers.pool(opened.generation)
    uris = torg().uris
    if query.is_graph:
        graph = query_api.construct(query, values, uris, pool, spoken)
        return _send(query, values, torg().writer.write(graph, chosen), chosen, spoken)
    table = query_api.select(query, values, asked, uris, pool, spoken)
    links = _links(query, values, table)
    if chosen is CSV:
        body = query_api.to_csv(table)
    elif chosen is SPARQL_JSON:
        body = query_api.to_sparql_json(table)
    else:
        body = query_api.to_json(table, _head(query, values, table, links, spoken))
    return _send(query, values, body, chosen, spoken, links)


def _query(name: str) -> Query:
    try:
        return queries.get(name)
    except KeyError:
        raise Problem(404, f"There is no query {name[:80]!r}. /api lists those there are.") from None


def _offered(query: Query) -> tuple[Format, ...]:
    return GRAPH_FORMATS if query.is_graph else TABLE_FORMATS


def _values() -> Values:
    """Return what the address gives for each parameter; `lang` is the language of the whole answer."""
    return {name: listed for name, listed in request.args.lists() if name not in queries.RESERVED}


def _check_names(query: Query, values: Values) -> None:
    """Raise Problem 400 for a parameter that the query has not, or one of ours that is given twice."""
    for name in queries.RESERVED:
        if len(request.args.getlist(name)) > 1:
            raise Problem(400, f"{name} is given twice.")
    query_api.known(query, values)


def _links(query: Query, values: Values, table: Table) -> dict[str, str]:
    """Return the path and query of the related pages by relation (RFC 8288)."""
    kept = {name: request.args.get(name, "") for name in ("lang", "format")}
    size = str(table.window.size) if request.args.get("size") else ""
    found = {"self": _page_path(query, values, table.window.number, size, kept)}
    for relation, number in query_api.pages(table).items():
        found[relation] = _page_path(query, values, number, size, kept)
    return found


def _page_path(query: Query, values: Values, number: int, size: str, kept: dict[str, str]) -> str:
    return query_api.address(query, values, {**kept, "page": str(number) if number > 1 else "", "size": size})


def _head(query: Query, values: Values, table: Table, links: dict[str, str], spoken: str) -> dict[str, Any]:
    iri = torg().uris.iri
    head: dict[str, Any] = {
        "query": query.name,
        "title": in_language(query.title, spoken),
        "parameters": {
            name: listed if len(listed) > 1 else listed[0] for name, listed in values.items() if any(listed)
        },
    }
    if table.window.size:
        head |= {"page": table.window.number, "size": table.window.size}
    return head | {"links": {relation: iri(path) for relation, path in links.items()}}


def _send(
    query: Query, values: Values, body: bytes, chosen: Format, spoken: str, links: dict[str, str] | None = None
) -> Response:
    iri = torg().uris.iri
    members = [f'<{iri(path)}>; rel="{relation}"' for relation, path in (links or {}).items() if relation != "self"]
    members.append(f'<{iri("/openapi.json")}>; rel="service-desc"; type="application/vnd.oai.openapi+json"')
    return answer(
        body,
        chosen.content_type,
        vary=_VARY,
        links=members,
        content_language=spoken,
        cache_control=public(query.max_age),
    )
