"""The pages of the named queries: the list by group, and each query's form with its answer as a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from flask import current_app

import queries
from queries import Parameter, ParameterError, Query
from queries.values import TYPES
from server import query_api
from server.errors import Problem
from server.formats import TURTLE
from server.naming import called
from server.presentation import Presenter, Shown
from server.query_api import Table, Values
from server.rdf_formats import Triple
from server.texts import texts
from server.views.api_views import drawn, overview, positions
from server.views.http import here, page, torg
from server.views.sparql import client_pool

_SHOWN_TURTLE, _MOST_MARKS = 100_000, 500


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a form: the parameter, what it holds now, what it may be, and what is wrong with it."""

    name: str
    label: str
    hint: str
    control: str
    required: bool
    value: str
    options: Sequence[tuple[str, str]]
    fault: str


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the table on a page: the variables that it shows, and how."""

    title: str
    value: str
    address: str  # the column whose IRI the value leads to, "" for none
    unit: str
    number: bool


def index_page(listed: Iterable[Query], spoken: str) -> bytes:
    """Return the page with every query under the heading of its group."""
    groups: dict[str, list[Query]] = {}
    for query in listed:
        groups.setdefault(query.group, []).append(query)
    order = {name: place for place, name in enumerate(query_api.GROUPS)}
    words = texts(spoken).gettext
    shown = [
        (name, words(query_api.GROUPS.get(name, name)), found)
        for name, found in sorted(groups.items(), key=lambda item: order.get(item[0], len(order)))
    ]
    return page("api.html", spoken, groups=shown, generation=torg().current().generation.name)


def query_page(
    query: Query,
    values: Values,
    spoken: str,
    links: Mapping[str, str],
    downloads: Sequence[tuple[str, str, str]],
    *,
    missing: bool = False,
    fault: ParameterError | None = None,
    table: Table | None = None,
    graph: Sequence[Triple] | None = None,
) -> bytes:
    """Return the page of one query: the form alone, the form with a fault, or the form and the answer."""
    site = torg()
    # A visitor who has asked nothing finds the examples filled in; one who has, finds what was asked.
    filled = query.examples() if missing else values
    needed = {parameter.name for parameter in query.needed}
    filled = {name: listed for name, listed in filled.items() if not missing or name in needed}
    asked = {name: listed for name, listed in values.items() if any(listed)}
    example = query.bind(
        asked if not fault and not missing else query.examples(), site.uris.resolve, site.uris.concepts
    )
    text = "\n".join(line for line in example.splitlines() if not line.startswith("#+")) + "\n"
    answered = table is not None or graph is not None
    address = site.uris.iri(query_api.address(query, asked if answered else query.examples(), {}))
    context: dict[str, Any] = {"columns": [], "rows": [], "places": [], "chart": None, "turtle": ""}
    if table is not None:
        context |= _cells(query, table, spoken)
    if graph is not None:
        written = site.writer.write(graph, TURTLE).decode()
        context |= {"turtle": written[:_SHOWN_TURTLE], "cut": len(written) > _SHOWN_TURTLE, "triples": len(graph)}
    rules = {rule.rule for rule in current_app.url_map.iter_rules()}
    return page(
        "api_query.html",
        spoken,
        query=query,
        group=texts(spoken).gettext(query_api.GROUPS.get(query.group, query.group)),
        fields=[_field(parameter, filled, fault, spoken) for parameter in query.parameters if parameter.name != "lang"],
        table=table,
        links={relation: here(path) for relation, path in links.items()},
        downloads=downloads if answered else (),
        address=address,
        text=text,
        sparql=here(f"/sparql?query={quote(text, safe='')}") if "/sparql" in rules else "",
        fault=fault,
        missing=missing,
        generation=site.current().generation.name,
        **context,
    )


def _field(parameter: Parameter, filled: Values, fault: ParameterError | None, spoken: str) -> Field:
    kind = TYPES[parameter.type]
    value = query_api.short(next((value for value in filled.get(parameter.name, ()) if value), ""), torg().uris)
    options = list(_options(parameter, spoken))
    if options and value and value not in dict(options):
        options.insert(0, (value, ""))
    hint = texts(spoken).gettext("%(kind)s, for example %(example)s") % {
        "kind": kind.title[spoken],
        "example": parameter.examples[0],
    }
    return Field(
        name=parameter.name,
        label=parameter.title[spoken],
        hint=hint,
        control=kind.control,
        required=not parameter.optional,
        value=value,
        options=options,
        fault=fault.text[spoken] if fault and fault.name == parameter.name else "",
    )


def _options(parameter: Parameter, spoken: str) -> Sequence[tuple[str, str]]:
    """Return what a parameter may be, counted once a generation; nothing when it cannot be told just now."""
    if not parameter.choices:
        return ()
    site, opened = torg(), torg().current()
    key = f"choices {parameter.choices} {spoken}"
    if key not in opened.memo:
        query = queries.get(parameter.choices)
        try:
            found = query_api.choices(query, site.uris, client_pool(opened.generation), spoken) or []
        except Problem:
            return ()  # A form without its list still takes what is typed.
        # What the query gives no name has one among the labels, if it is an IRI.
        iris = {
            value: site.uris.resolve(value) if value.startswith(("def/", "spec/", "id/")) else value
            for value, _ in found
        }
        labels = opened.labels.labels(iris.values(), spoken)
        opened.memo[key] = [(value, name or labels.get(iris[value], ("", ""))[0]) for value, name in found]
    listed: Sequence[tuple[str, str]] = opened.memo[key]
    return listed


def _cells(query: Query, table: Table, spoken: str) -> dict[str, Any]:
    """Return the columns and rows of the table on the page; an address and its name make one column."""
    opened, site = torg().current(), torg()
    iris = {value.text for row in table.rows for value in row.values() if value.kind == "iri"}
    presenter = Presenter(spoken, site.uris, called(opened, site, iris, spoken), site.prefixes)
    columns = _columns(query, table, spoken)
    rows = [[_cell(presenter, row, column) for column in columns] for row in table.rows]
    places = positions(table.rows)
    return {
        "columns": columns,
        "rows": rows,
        "places": places,
        "overview": overview([place for place in places[:_MOST_MARKS] if place]),
        "chart": drawn(columns, rows, [column.value for column in columns]),
    }


def _columns(query: Query, table: Table, spoken: str) -> list[Column]:
    names = set(table.columns)
    found = []
    for name in table.columns:
        title = query.columns[name]
        stem = name.removesuffix("Name")
        address = next((other for other in (f"{stem}Iri", stem) if stem != name and other in names), "")
        if address and not _holds_iri(table, address):
            address = ""
        named = f"{name.removesuffix('Iri')}Name"
        if named != name and named in names and _holds_iri(table, name):
            continue  # The name's own column leads to it.
        number = any(
            row[name].kind == "literal" and _is_number(row[name].datatype) for row in table.rows if name in row
        )
        found.append(Column(title[spoken], name, address, title.get("unit", ""), number))
    return found


def _holds_iri(table: Table, name: str) -> bool:
    return any(row[name].kind == "iri" for row in table.rows if name in row)


def _is_number(datatype: str) -> bool:
    return datatype.rpartition("#")[2] in ("integer", "decimal", "double", "float")


def _cell(presenter: Presenter, row: Mapping[str, Any], column: Column) -> Shown | None:
    value = row.get(column.value)
    address = row.get(column.address) if column.address else None
    if address is not None:
        link = presenter.link(address.text)
        if value is None:
            return link
        return Shown(link.kind, value.text, link.href, "", link.raw) if link.href else Shown("text", value.text)
    if value is None:
        return None
    if column.unit == "year":
        return Shown("text", value.text)
    return presenter.show(value, column.unit)
