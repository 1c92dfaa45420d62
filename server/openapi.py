"""The OpenAPI 3.1 document of a site, made from its named queries and from the route table."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from queries import MOST_VALUES, Parameter, Query
from queries.values import TYPES
from server import query_api
from server.formats import Format

_PROBLEM = "application/problem+json"
_PATH_PART = re.compile(r"<(?:(\w+):)?(\w+)>")


@dataclass(frozen=True, slots=True)
class Route:
    """One rule of the route table: its path in the framework's notation, its methods and what it answers."""

    rule: str
    methods: tuple[str, ...]
    summary: str


def document(
    queries: Iterable[Query],
    routes: Iterable[Route],
    formats: Mapping[str, tuple[Format, ...]],
    *,
    title: str,
    version: str,
    base: str,
    language: str,
) -> dict[str, Any]:
    """Return the document; `formats` are those of each query by its name (OpenAPI Specification 3.1.1).

    Query operations come first, by group; then every other route with what its view says of itself.
    """
    listed = sorted(queries, key=lambda query: query.name)
    paths: dict[str, Any] = {
        f"/api/{query.name}": {"get": _query(query, formats[query.name], language)} for query in listed
    }
    for route in sorted(routes, key=lambda route: route.rule):
        paths.setdefault(_PATH_PART.sub(r"{\2}", route.rule), {}).update(_operations(route))
    return {
        "openapi": "3.1.1",
        "info": {"title": title, "version": version},
        "servers": [{"url": base.rstrip("/")}],
        "tags": [{"name": group} for group in dict.fromkeys(query.group for query in listed)],
        "paths": paths,
        "components": {"schemas": _SCHEMAS, "responses": _RESPONSES, "parameters": _PARAMETERS},
    }


def _query(query: Query, formats: tuple[Format, ...], language: str) -> dict[str, Any]:
    shared = ["lang"] + (["page", "size"] if query.page_size else [])
    own = [_parameter(parameter, language) for parameter in query.parameters if parameter.type != "language"]
    content = {format.media_type: {"schema": _content(query, format, language)} for format in formats}
    return {
        "operationId": query.name.replace("/", "."),
        "tags": [query.group],
        "summary": query.title[language],
        "description": query.description[language],
        "parameters": [
            *own,
            *({"$ref": f"#/components/parameters/{name}"} for name in shared),
            {
                "name": "format",
                "in": "query",
                "description": "The format by its suffix or media type; Accept when it is left out.",
                "schema": {"enum": [name for format in formats for name in (format.suffix, format.media_type)]},
            },
        ],
        "responses": {
            "200": {
                "description": "The answer." if query.is_graph else "One page of the answer.",
                "headers": {
                    "Link": {"description": "Related pages (RFC 8288).", "schema": {"type": "string"}},
                    "ETag": {"description": "Changes when the answer does.", "schema": {"type": "string"}},
                },
                "content": content,
            },
            **{str(status): {"$ref": f"#/components/responses/{name}"} for status, name in _STATUSES.items()},
        },
    }


def _parameter(parameter: Parameter, language: str) -> dict[str, Any]:
    schema: dict[str, Any] = dict(TYPES[parameter.type].schema)
    examples: list[Any] = [int(text) if schema["type"] == "integer" else text for text in parameter.examples]
    if parameter.many:
        schema = {"type": "array", "items": schema, "maxItems": MOST_VALUES}
    described: dict[str, Any] = {
        "name": parameter.name,
        "in": "query",
        "required": not parameter.optional,
        "description": f"{parameter.title[language]}: {TYPES[parameter.type].title[language]}.",
        "schema": schema,
        "example": examples if parameter.many else examples[0],
    }
    return described | ({"style": "form", "explode": True} if parameter.many else {})


def _content(query: Query, format: Format, language: str) -> dict[str, Any]:
    if format.media_type == "application/json":
        row = {
            "type": "object",
            "properties": {name: _column(name, title, language) for name, title in query.columns.items()},
            "required": list(query.columns),
        }
        return {
            "allOf": [{"$ref": "#/components/schemas/Page"}],
            "properties": {"rows": {"type": "array", "items": row}},
            "required": ["rows"],
        }
    if format.media_type.endswith("json"):
        return {"type": ["object", "array"]}
    return {"type": "string"}


def _column(name: str, title: Mapping[str, str], language: str) -> dict[str, Any]:
    described = title[language] + (f" ({title['unit']})" if len(title.get("unit", "")) == 3 else "")
    return {"description": described, "type": ["string", "number", "boolean", "null"]}


def _operations(route: Route) -> dict[str, Any]:
    parts = [match[2] for match in _PATH_PART.finditer(route.rule)]
    described: dict[str, Any] = {
        "summary": route.summary,
        "tags": ["site"],
        "responses": {
            "2XX": {"description": "The answer."},
            "3XX": {"description": "Where the answer is."},
            "default": {"$ref": "#/components/responses/problem"},
        },
    }
    if parts:
        described["parameters"] = [
            {"name": part, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
            for part in parts
        ]
    return {
        method.lower(): {"operationId": re.sub(r"\W+", ".", f"{method.lower()}{route.rule}").strip("."), **described}
        for method in route.methods
    }


_STATUSES = {
    400: "badRequest",
    401: "unknownToken",
    404: "notFound",
    406: "notAcceptable",
    413: "tooLarge",
    422: "refused",
    429: "tooMany",
    503: "unavailable",
    504: "tooSlow",
}


def _problem(description: str) -> dict[str, Any]:
    machine = {"schema": {"$ref": "#/components/schemas/Problem"}}
    return {"description": description, "content": {_PROBLEM: machine, "text/html": {"schema": {"type": "string"}}}}


_RESPONSES = {
    "badRequest": _problem("A parameter is unknown, missing or not of its type; `detail` says which, with an example."),
    "unknownToken": _problem("The bearer token is not one of this site's."),
    "notFound": _problem("The page is past the end of the answer."),
    "notAcceptable": _problem("There is no representation that is accepted; `offered` lists those there are."),
    "tooLarge": _problem("The answer is larger than one answer may be."),
    "refused": _problem("The query ended its last evaluation by a limit and is not tried again for a while."),
    "tooMany": _problem("The client has used what a client may use; see Retry-After."),
    "unavailable": _problem("Too many queries are being evaluated; see Retry-After."),
    "tooSlow": _problem("The evaluation was stopped at the time limit."),
    "problem": _problem("Problem details (RFC 9457)."),
}
_SCHEMAS = {
    "Page": {
        "type": "object",
        "properties": {
            "query": {"type": "string"},
            "title": {"type": "string"},
            "parameters": {"type": "object"},
            "page": {"type": "integer", "minimum": 1},
            "size": {"type": "integer", "minimum": 1},
            "links": {
                "type": "object",
                "description": "Addresses of related pages: self, first, prev, next, and last when it is known.",
                "additionalProperties": {"type": "string", "format": "uri"},
            },
            "columns": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["query", "title", "parameters", "links", "columns"],
    },
    "Problem": {
        "type": "object",
        "properties": {
            "type": {"type": "string", "format": "uri-reference"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "parameter": {"type": "string"},
        },
        "required": ["title", "status"],
    },
}
_PARAMETERS = {
    "lang": {
        "name": "lang",
        "in": "query",
        "description": "Language of names and titles; Accept-Language when it is left out.",
        "schema": {"enum": ["sv", "en"]},
    },
    "page": {
        "name": "page",
        "in": "query",
        "description": "Number of the page, from 1.",
        "schema": {"type": "integer", "minimum": 1, "maximum": query_api.MOST_PAGE, "default": 1},
    },
    "size": {
        "name": "size",
        "in": "query",
        "description": "Rows on a page; each query has its own default.",
        "schema": {"type": "integer", "minimum": 1, "maximum": query_api.MOST_ROWS},
    },
}
