"""Named queries as a feature: bind, evaluate through a reader, cut into pages, and write what came as JSON or CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote

from queries import ParameterError, Query, all_queries
from server.errors import Problem
from server.rdf_formats import Triple, Value, parse_lines
from server.rdf_formats import iri as checked_iri
from server.uris import UriSpace

MOST_ROWS = 10_000
"""Rows that one page may have."""
MOST_PAGE = 1_000_000
MOST_CHOICES = 400
"""Values that a form offers in a list; a field takes what is more."""
_OWN = ("id/", "def/", "spec/", "graph/")
_RESULTS = "application/sparql-results+json"
_TRIPLES = "application/n-triples"
_XSD = "http://www.w3.org/2001/XMLSchema#"
_NUMBERS = frozenset(
    _XSD + name for name in ("integer", "decimal", "int", "long", "short", "nonNegativeInteger", "positiveInteger")
)

Values = Mapping[str, Sequence[str]]
"""What each parameter is given, by name."""


class Answered(Protocol):
    """The whole answer of a reader."""

    @property
    def truncated(self) -> str:
        """Which limit cut the answer, "" for none."""

    def pieces(self) -> Iterator[bytes]:
        """Yield the bytes of the answer."""


class Pool(Protocol):
    """Evaluates a query text, as `server.readers.ReaderPool` does."""

    def query(self, text: str, *, accept_format: str) -> Answered:
        """Return the whole answer in a media type; raises Problem."""


@dataclass(frozen=True, slots=True)
class Window:
    """Which page of an answer is asked for; a size of 0 is the whole answer."""

    number: int = 1
    size: int = 0

    @property
    def offset(self) -> int:
        """How many rows come before this page."""
        return (self.number - 1) * self.size


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of one page; `document` is the SPARQL results object they were read from."""

    columns: tuple[str, ...]
    rows: tuple[Mapping[str, Value], ...]
    window: Window
    more: bool  # whether rows follow this page
    document: Mapping[str, Any]


def window(query: Query, page: str | None, size: str | None) -> Window:
    """Return the page asked for; raise Problem 400 when page or size is not a number that they can be.

    A query without paging has one page.
    """
    number = _whole("page", page, 1, MOST_PAGE)
    if not query.page_size:
        if size is not None or number != 1:
            raise Problem(
                400,
                f"{query.name} answers whole and has no pages; leave page and size out.",
                sv=f"{query.name} svarar med allt och har inga sidor; utelämna page och size.",
            )
        return Window()
    return Window(number, _whole("size", size, query.page_size, MOST_ROWS))


def _whole(name: str, text: str | None, default: int, most: int) -> int:
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= most):
        raise Problem(
            400,
            f"{name} takes a whole number from 1 to {most}, for example {default}; {text[:40]!r} is not.",
            sv=f"{name} tar ett heltal från 1 till {most}, till exempel {default}; {text[:40]!r} är inte det.",
        )
    return int(text)


def known(query: Query, values: Values) -> None:
    """Raise Problem 400 that names the nearest parameter when one is given that the query has not."""
    try:
        for name in values:
            query.parameter(name)
    except ParameterError as error:
        raise _problem(error) from error


def _problem(error: ParameterError) -> Problem:
    return Problem(400, error.text["en"], sv=error.text["sv"], title="A parameter does not fit", parameter=error.name)


GROUPS = {
    "ledger": "Supplier ledgers",
    "school": "Schools",
    "care-home": "Homes for older people",
    "place": "Places",
    "concept": "Concepts",
    "catalog": "Datasets",
    "change": "Changes",
    "compare": "Comparisons",
    "quality": "Quality",
    "resource": "Things and concepts",
    "example": "Examples",
}
"""What each group of named queries is called, in the order that pages list them."""


def sparql_examples(uris: UriSpace, language: str) -> list[tuple[str, str, str, str]]:
    """Return (group, name, title, text) of every named query with its examples filled in, for the query page."""
    return [
        (
            query.group,
            query.name,
            query.title[language],
            query.readable(query.examples(), uris.resolve, uris.concepts, language),
        )
        for query in all_queries()
    ]


def fault(query: Query, values: Values, uris: UriSpace) -> ParameterError | None:
    """Return what does not fit in the values given, for a form that shows it beside its field; None when all fits."""
    try:
        _bound(query, values, uris, "sv")
    except ParameterError as error:
        return error
    return None


def bound(query: Query, values: Values, uris: UriSpace, language: str) -> str:
    """Return the query text for a site; raise Problem 400 in the words of the parameter that does not fit."""
    try:
        return _bound(query, values, uris, language)
    except ParameterError as error:
        raise _problem(error) from error


def _bound(query: Query, values: Values, uris: UriSpace, language: str) -> str:
    text = query.bind(values, uris.resolve, uris.concepts, language)
    for parameter in query.parameters:
        iris = values.get(parameter.name, ()) if parameter.type == "iri" else ()
        for value in filter(None, iris):
            try:
                # Whether `%zz` or `[` may stand in an IRI, the store's own parser says (RFC 3987).
                checked_iri(whole(value, uris))
            except Problem:
                raise parameter.misfit(value) from None
    return text


def select(query: Query, values: Values, asked: Window, uris: UriSpace, pool: Pool, language: str) -> Table:
    """Return one page of a SELECT query; raise Problem 404 past the end, and what the reader pool raises.

    One row more than the page holds is asked for, which tells whether there is a next page without a count.
    """
    text = bound(query, values, uris, language)
    if asked.size:
        text = f"{text}\nLIMIT {asked.size + 1} OFFSET {asked.offset}\n"
    result = pool.query(text, accept_format=_RESULTS)
    if result.truncated:
        raise Problem(
            413,
            "The answer is larger than one answer may be here. Ask for fewer rows with size, or for less.",
            sv="Svaret är större än ett svar får vara här. Be om färre rader med size, eller om mindre.",
            title="Answer too large",
        )
    document = json.loads(b"".join(result.pieces()))
    bindings = document["results"]["bindings"]
    more = bool(asked.size) and len(bindings) > asked.size
    del bindings[asked.size or len(bindings) :]
    if asked.number > 1 and not bindings:
        raise Problem(
            404,
            f"There is no page {asked.number} with {asked.size} rows a page; the answer ends before it.",
            sv=f"Det finns ingen sida {asked.number} med {asked.size} rader per sida; svaret tar slut före den.",
        )
    rows = tuple({name: _value(term) for name, term in binding.items()} for binding in bindings)
    return Table(tuple(document["head"]["vars"]), rows, asked, more, document)


def construct(query: Query, values: Values, uris: UriSpace, pool: Pool, language: str) -> list[Triple]:
    """Return the triples of a CONSTRUCT query; raises Problem."""
    result = pool.query(bound(query, values, uris, language), accept_format=_TRIPLES)
    if result.truncated:
        raise Problem(
            413,
            "The graph is larger than one answer may be here. Ask for less.",
            sv="Grafen är större än ett svar får vara här. Be om mindre.",
            title="Answer too large",
        )
    return parse_lines([b"".join(result.pieces()).decode()])


def _value(term: Mapping[str, Any]) -> Value:
    """Return a term of SPARQL 1.1 Query Results JSON (section 3.2.2) as a plain value."""
    if term["type"] == "uri":
        return Value("iri", term["value"])
    language = term.get("xml:lang", "")
    return Value("literal", str(term["value"]), term.get("datatype", _XSD + "string"), language)


def pages(table: Table) -> dict[str, int]:
    """Return the numbers of the related pages by their relation (RFC 8288): first, prev, next, and last when known."""
    if not table.window.size:
        return {}
    number = table.window.number
    found = {"first": 1}
    if number > 1:
        found["prev"] = number - 1
    if table.more:
        found["next"] = number + 1
    else:
        found["last"] = number
    return found


def address(query: Query, values: Values, more: Mapping[str, str], suffix: str = "") -> str:
    """Return the path and query string of a question, parameters in the query's own order.

    >>> from queries import get
    >>> address(get("ledger/spending-by-municipality"), {"year": ["2026"]}, {"page": "2"})
    '/api/ledger/spending-by-municipality?year=2026&page=2'
    """
    pairs = [(found.name, value) for found in query.parameters for value in values.get(found.name, ()) if value]
    pairs += [(name, value) for name, value in more.items() if value]
    text = "&".join(f"{name}={quote(value, safe=':/,')}" for name, value in pairs)
    return f"/api/{query.name}" + (f".{suffix}" if suffix else "") + (f"?{text}" if text else "")


def to_json(table: Table, head: Mapping[str, Any]) -> bytes:
    """Return the rows as JSON objects under `rows`, one a line, after the members of `head`.

    Integers and decimals are JSON numbers with every digit they have; a client that wants money exact reads
    them as decimals, which most languages can. A value that is not there is null.
    """
    opening = json.dumps({**head, "columns": table.columns}, ensure_ascii=False, indent=2)[:-2]
    rows = [
        "{" + ", ".join(f"{_text(name)}: {_literal(row.get(name))}" for name in table.columns) + "}"
        for row in table.rows
    ]
    listed = "\n    " + ",\n    ".join(rows) + "\n  " if rows else ""
    return f'{opening},\n  "rows": [{listed}]\n}}\n'.encode()


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _literal(value: Value | None) -> str:
    """Return a value as JSON text."""
    if value is None:
        return "null"
    if value.datatype in _NUMBERS and value.text.lstrip("-").replace(".", "", 1).isdigit():
        return value.text
    if value.datatype == _XSD + "boolean":
        return "true" if value.text in ("true", "1") else "false"
    if value.datatype in (_XSD + "double", _XSD + "float"):
        try:
            return json.dumps(float(value.text), allow_nan=False)
        except ValueError:
            return _text(value.text)
    return _text(value.text)


def to_csv(table: Table) -> bytes:
    """Return the rows as CSV (RFC 4180) with the column names first, values as SPARQL 1.1 CSV has them."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(table.columns)
    for row in table.rows:
        writer.writerow([row[name].text if name in row else "" for name in table.columns])
    return out.getvalue().encode()


def has_positions(query: Query) -> bool:
    """Return whether the rows of a query lie on a map: columns `lat` and `long`, in degrees of WGS 84."""
    return {"lat", "long"} <= set(query.columns)


def to_geojson(table: Table) -> bytes:
    """Return the rows as a GeoJSON feature collection (RFC 7946); a row without a position has a null geometry."""
    features = []
    for row in table.rows:
        at = [_literal(row.get(name)) for name in ("long", "lat")]
        geometry = "null" if "null" in at else f'{{"type": "Point", "coordinates": [{", ".join(at)}]}}'
        members = ", ".join(
            f"{_text(name)}: {_literal(row.get(name))}" for name in table.columns if name not in ("lat", "long")
        )
        features.append(f'{{"type": "Feature", "geometry": {geometry}, "properties": {{{members}}}}}')
    return ('{"type": "FeatureCollection", "features": [\n' + ",\n".join(features) + "\n]}\n").encode()


def short(value: str, uris: UriSpace) -> str:
    """Return an IRI of ours from our root, as a parameter takes it (`def/spending/K71`); any other value as it is."""
    for base in (uris.concepts, uris.base):
        rest = value.removeprefix(base)
        if rest != value and rest.startswith(_OWN) and uris.resolve(rest) == value:
            return rest
    return value


def whole(value: str, uris: UriSpace) -> str:
    """Return the IRI that a parameter's short form stands for; any other value as it is."""
    rest = value.removeprefix("/")
    return uris.resolve(rest) if rest.startswith(_OWN) else value


def choices(query: Query, uris: UriSpace, pool: Pool, language: str) -> list[tuple[str, str]] | None:
    """Return (value, name) of what a parameter may be, from the query that lists it; None when they are too many.

    The value is in the first column, its name in the column called so with `Name` behind it.
    """
    asked = Window(1, MOST_CHOICES) if query.page_size else Window()
    table = select(query, {}, asked, uris, pool, language)
    if table.more:
        return None
    found = {}
    for row in table.rows:
        value = row.get(table.columns[0])
        name = row.get(f"{table.columns[0]}Name")
        if value is not None:
            found[short(value.text, uris)] = name.text if name else ""
    return list(found.items())


def to_sparql_json(table: Table) -> bytes:
    """Return the rows as SPARQL 1.1 Query Results JSON, with every term's kind, datatype and language."""
    return json.dumps(table.document, ensure_ascii=False, separators=(",", ":")).encode()
