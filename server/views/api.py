"""Named queries over HTTP: the list of them, each with its form and its answer, and their OpenAPI document."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

from flask import Blueprint, Response, current_app, request

import queries
from queries import Query
from server import openapi, query_api
from server.errors import Problem
from server.formats import CSV, GEOJSON, GRAPH_FORMATS, HTML, JSON, Format
from server.openapi import Route
from server.paths import split_suffix
from server.query_api import Table, Values, Window
from server.views.api_pages import index_page, query_page
from server.views.http import answer, here, in_language, language, negotiated, public, torg
from server.views.sparql import client_pool

blueprint = Blueprint("api", __name__)

SPARQL_JSON = Format("srj", "application/sparql-results+json", "SPARQL JSON", "table")
OPENAPI = Format("json", "application/vnd.oai.openapi+json", "OpenAPI", "table", ("application/json",))
# Rows that a page shows at most: formatting takes some 20 µs a cell, and nobody reads further.
_MOST_SHOWN = 500
# Of an address repeated in Link for each format: proxies refuse headers of more than 8 KiB together.
_LONGEST_LINKED = 600
_VARY = ("Accept", "Accept-Language")


@blueprint.get("/api")
def index() -> Response:
    """Answer the list of named queries: a page, or JSON with the parameters of each."""
    return _list(queries.all_queries())


@blueprint.get("/api/<group>")
def group(group: str) -> Response:
    """Answer the list of the named queries of one group."""
    found = [query for query in queries.all_queries() if query.group == group]
    if not found:
        raise Problem(
            404,
            f"There is no group of queries {group[:80]!r}; {here('/api')} lists those there are.",
            sv=f"Det finns ingen grupp av frågor {group[:80]!r}; {here('/api')} räknar upp dem som finns.",
        )
    return _list(found)


def _list(listed: Sequence[Query]) -> Response:
    chosen = negotiated((HTML, JSON))
    spoken = language()
    if chosen is HTML:
        body = index_page(listed, spoken)
    else:
        body = _json({"queries": [_listed(query, spoken) for query in listed]})
    links = [f'<{torg().uris.iri("/openapi.json")}>; rel="service-desc"; type="{OPENAPI.media_type}"']
    return answer(body, chosen.content_type, vary=_VARY, links=links, content_language=spoken)


@blueprint.get("/openapi.json")
def describe() -> Response:
    """Answer the OpenAPI description of every route and named query."""
    chosen = negotiated((OPENAPI,))
    spoken, site = language(), torg()
    listed = queries.all_queries()
    body = openapi.document(
        listed,
        _routes(),
        {query.name: (*_data_formats(query), HTML) for query in listed},
        title=in_language(site.site.title, spoken),
        version=version("torg"),
        base=site.site.base,
        language=spoken,
    )
    return answer(_json(body), chosen.content_type, vary=_VARY, content_language=spoken)


@blueprint.get("/api/<group>/<name>")
def ask(group: str, name: str) -> Response:
    """Answer a named query: a table or a graph in the negotiated format, or the page with its form."""
    stem, suffix = _split(name)
    query = _query(f"{group}/{stem}")
    values = _values(query)
    chosen = negotiated((*_data_formats(query), HTML), suffix or None)
    spoken = language()
    window = query_api.window(query, request.args.get("page"), request.args.get("size"))
    uris, opened = torg().uris, torg().current()
    if chosen is HTML and (missing := _unasked(query, values)):
        return _page(query, values, spoken, missing=missing)
    if chosen is HTML and (fault := query_api.fault(query, values, uris)):
        return _page(query, values, spoken, fault=fault)
    pool = client_pool(opened.generation)
    if chosen is HTML and window.size > _MOST_SHOWN:
        window = Window(window.number, _MOST_SHOWN)
    if query.is_graph:
        graph = query_api.construct(query, values, uris, pool, spoken)
        if chosen is HTML:
            return _page(query, values, spoken, graph=graph)
        return _send(query, values, torg().writer.write(graph, chosen), chosen, suffix, spoken, {})
    table = query_api.select(query, values, window, uris, pool, spoken)
    if chosen is HTML:
        return _page(query, values, spoken, table=table)
    links = _links(query, values, table, suffix)
    body = _written(query, values, table, chosen, links, spoken)
    return _send(query, values, body, chosen, suffix, spoken, links)


def _split(name: str) -> tuple[str, str]:
    stem, suffix = split_suffix(name)
    return (name.removesuffix(".srj"), "srj") if name.endswith(".srj") else (stem, suffix)


def _query(name: str) -> Query:
    try:
        return queries.get(name)
    except KeyError:
        raise Problem(
            404,
            f"There is no query {name[:80]!r}; {here('/api')} lists those there are.",
            sv=f"Det finns ingen fråga {name[:80]!r}; {here('/api')} räknar upp dem som finns.",
        ) from None


def _data_formats(query: Query) -> tuple[Format, ...]:
    if query.is_graph:
        return GRAPH_FORMATS
    return (JSON, CSV, *((GEOJSON,) if query_api.has_positions(query) else ()), SPARQL_JSON)


def _values(query: Query) -> Values:
    """Return what the address gives for each parameter; raise Problem 400 for a name that the query has not.

    `lang`, `format`, `page` and `size` are for the whole answer and may stand once.
    """
    for name in sorted(queries.RESERVED):
        if len(request.args.getlist(name)) > 1:
            raise Problem(400, f"{name} is given twice.", sv=f"{name} är given två gånger.")
    values = {name: listed for name, listed in request.args.lists() if name not in queries.RESERVED}
    query_api.known(query, values)
    return values


def _unasked(query: Query, values: Values) -> bool:
    """Return whether a visitor has come to the form and asked nothing yet."""
    return bool(query.needed) and not any(any(listed) for listed in values.values())


def _links(query: Query, values: Values, table: Table, suffix: str) -> dict[str, str]:
    """Return the path and query of the related pages by relation (RFC 8288)."""
    size = str(table.window.size) if request.args.get("size") else ""
    kept = {name: request.args.get(name, "") for name in ("lang", "format")}

    def path(number: int) -> str:
        more = {**kept, "page": str(number) if number > 1 else "", "size": size}
        return query_api.address(query, values, more, suffix)

    return {"self": path(table.window.number)} | {
        relation: path(number) for relation, number in query_api.pages(table).items()
    }


def _written(
    query: Query, values: Values, table: Table, chosen: Format, links: Mapping[str, str], spoken: str
) -> bytes:
    if chosen is CSV:
        return query_api.to_csv(table)
    if chosen is SPARQL_JSON:
        return query_api.to_sparql_json(table)
    if chosen is GEOJSON:
        return query_api.to_geojson(table)
    asked = {name: [value for value in listed if value] for name, listed in values.items()}
    head: dict[str, Any] = {
        "query": query.name,
        "title": query.title[spoken],
        "parameters": {name: listed if len(listed) > 1 else listed[0] for name, listed in asked.items() if listed},
    }
    if table.window.size:
        head |= {"page": table.window.number, "size": table.window.size}
    head["links"] = {relation: torg().uris.iri(path) for relation, path in links.items()}
    return query_api.to_json(table, head)


def _send(
    query: Query,
    values: Values,
    body: bytes,
    chosen: Format,
    suffix: str,
    spoken: str,
    links: Mapping[str, str],
) -> Response:
    iri = torg().uris.iri
    members = [f'<{iri(path)}>; rel="{relation}"' for relation, path in links.items() if relation != "self"]
    members += [
        f'<{iri(path)}>; rel="alternate"; type="{media_type}"'
        for _, path, media_type in _alternates(query, values)
        if media_type != chosen.media_type and len(path) < _LONGEST_LINKED
    ]
    members.append(f'<{iri("/openapi.json")}>; rel="service-desc"; type="{OPENAPI.media_type}"')
    fixed = bool(suffix or request.args.get("format"))
    return answer(
        body,
        chosen.content_type,
        vary=() if fixed and request.args.get("lang") else _VARY[1:] if fixed else _VARY,
        links=members,
        content_language=spoken,
        content_location=here(_fixed(query, values, chosen, spoken)),
        cache_control=public(query.max_age),
    )


def _fixed(query: Query, values: Values, format: Format, spoken: str) -> str:
    """Return the path of exactly this representation: format, language and page in it."""
    more = {"lang": spoken, "page": request.args.get("page", ""), "size": request.args.get("size", "")}
    return query_api.address(query, values, more, format.suffix)


def _alternates(query: Query, values: Values) -> list[tuple[str, str, str]]:
    """Return (label, path, media type) of the answer in each format, its page and language kept."""
    more = {name: request.args.get(name, "") for name in ("lang", "page", "size")}
    return [
        (format.label, query_api.address(query, values, more, format.suffix), format.media_type)
        for format in (*_data_formats(query), HTML)
    ]


def _page(query: Query, values: Values, spoken: str, **shown: Any) -> Response:
    """Return the page of a query: its form, and the answer when there is one."""
    fault = shown.get("fault")
    links = _links(query, values, shown["table"], "") if "table" in shown else {}
    downloads = [
        (label, here(path), media_type)
        for label, path, media_type in _alternates(query, values)
        if media_type != HTML.media_type
    ]
    body = query_page(query, values, spoken, links, downloads, **shown)
    members = [f'<{torg().uris.iri(path)}>; rel="{relation}"' for relation, path in links.items() if relation != "self"]
    return answer(
        body,
        HTML.content_type,
        status=400 if fault else 200,
        vary=_VARY,
        links=members,
        content_language=spoken,
        cache_control="no-store" if fault else public(query.max_age),
    )


def _listed(query: Query, spoken: str) -> dict[str, Any]:
    return {
        "name": query.name,
        "title": query.title[spoken],
        "description": query.description[spoken],
        "parameters": [
            {
                "name": parameter.name,
                "title": parameter.title[spoken],
                "type": parameter.type,
                "required": not parameter.optional,
                "examples": list(parameter.examples),
            }
            for parameter in query.parameters
            if parameter.type != "language"
        ],
        "columns": {name: title[spoken] for name, title in query.columns.items()},
        "formats": [format.media_type for format in _data_formats(query)],
        "address": torg().uris.iri(f"/api/{query.name}"),
        "example": torg().uris.iri(query_api.address(query, query.examples(), {})),
    }


def _routes() -> list[Route]:
    """Return every route but the queries' and files', with the first sentence of its view's docstring."""
    found = []
    for rule in current_app.url_map.iter_rules():
        view = current_app.view_functions[rule.endpoint]
        methods = tuple(sorted((rule.methods or set()) & {"DELETE", "GET", "POST"}))
        if rule.rule == "/api/<group>/<name>" or rule.endpoint == "static" or not methods:
            continue
        summary = (inspect.getdoc(view) or "").split("\n", 1)[0]
        found.append(Route(rule.rule, methods, summary))
    return found


def _json(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode()
