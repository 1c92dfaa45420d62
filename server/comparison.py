"""One question to all publishers of a specification: a figure for every concept and publisher, gaps visible."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import ontology
import queries
from queries import Query
from server.query_api import Pool, Values, Window, select
from server.specification_rows import SpecificationRows, Way, specification_rows
from server.uris import UriSpace

_NUMERIC = frozenset({"decimal", "integer", "nonNegativeInteger", "positiveInteger", "double", "int", "long", "number"})
_POSITION = "http://www.w3.org/2003/01/geo/wgs84_pos#"
_MOST = 10_000
# A sum of shares, averages or of a cube's unlike observations means nothing.
_NOT_ADDITIVE = re.compile(r"(^|_)(per|share|average|value)(_|$)")
NUMBER = "number"
"""The figure that every specification has: how many things there are."""

Text = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Figure:
    """What can be compared: the number of things, or the sum of a numeric column."""

    name: str
    title: Text
    property: str = ""


@dataclass(frozen=True, slots=True)
class Dimension:
    """A coded column whose concepts are the columns of the table."""

    name: str
    title: Text
    properties: tuple[str, ...]


@dataclass(frozen=True)
class Comparable:
    """A specification as it can be compared."""

    rows: SpecificationRows
    figures: tuple[Figure, ...]
    dimensions: tuple[Dimension, ...]
    by_period: bool

    @property
    def name(self) -> str:
        """The specification's name."""
        return self.rows.name

    def figure(self, name: str) -> Figure | None:
        """Return a figure by name, the first one for "", None when there is no such figure."""
        return next((figure for figure in self.figures if name in ("", figure.name)), None)

    def dimension(self, name: str) -> Dimension | None:
        """Return a dimension by name, the first one for "", None when there is no such dimension."""
        return next((dimension for dimension in self.dimensions if name in ("", dimension.name)), None)


@dataclass(frozen=True)
class Comparison:
    """The answer: cells by (publisher, concept); concept "" is what has none. A missing cell is a gap."""

    publishers: tuple[str, ...]  # those that publish the specification
    missing: tuple[str, ...]  # those that do not
    concepts: tuple[str, ...]
    cells: Mapping[tuple[str, str], Decimal]
    query: Query
    values: Values

    def total(self, publisher: str = "", concept: str | None = None) -> Decimal | None:
        """Return the sum of a publisher's or a concept's cells, or of all; None when there are none."""
        found = [
            number
            for (who, what), number in self.cells.items()
            if publisher in ("", who) and (concept is None or concept == what)
        ]
        return sum(found, Decimal()) if found else None


def comparable(name: str, uris: UriSpace) -> Comparable:
    """Return what can be compared of a specification; raise KeyError when there is none of that name."""
    rows = specification_rows(name, uris)
    table = ontology.table(name)
    columns = {column["name"]: column for column in table["tableSchema"]["columns"]}
    ways = {way.column: way for way in reversed(rows.ways)}
    number = Figure(NUMBER, {"sv": "Antal", "en": "Number"})
    sums = [
        Figure(column, _title(columns[column]), ways[column].properties[0])
        for column in rows.columns
        if column in ways and _is_figure(columns[column], ways[column])
    ]
    dimensions = tuple(Dimension(*names) for names in _dimensions(rows, columns))
    by_period = table.get(ontology.CSVW_EXTENSION + "delivery") == "period"
    figures = [*sums, number] if by_period else [number, *sums]
    return Comparable(rows, tuple(figures), dimensions, by_period)


def _is_figure(column: Mapping[str, Any], way: Way) -> bool:
    datatype = column.get("datatype", "string")
    base = datatype.get("base", "string") if isinstance(datatype, Mapping) else datatype
    if base not in _NUMERIC or len(way.properties) != 1 or way.properties[0].startswith(_POSITION):
        return False
    return not _NOT_ADDITIVE.search(column["name"])


def _dimensions(
    rows: SpecificationRows, columns: Mapping[str, Mapping[str, Any]]
) -> Iterator[tuple[str, Text, tuple[str, ...]]]:
    """Yield name, title and properties of every coded column; a second concept of one column has its own name."""
    seen: set[str] = set()
    for way in rows.concepts:
        name = way.column if way.column not in seen else f"{way.column}-{way.properties[-1].rsplit('#', 1)[-1]}"
        seen.add(way.column)
        yield name, _title(columns[way.column]), way.properties


def _title(column: Mapping[str, Any]) -> Text:
    titles = column.get("titles", {})
    return {tag: text for tag, text in titles.items() if tag != "und"} if isinstance(titles, Mapping) else {}


def compare(
    subject: Comparable,
    figure: Figure,
    dimension: Dimension | None,
    graphs: Mapping[str, str],
    everybody: Iterable[str],
    uris: UriSpace,
    pool: Pool,
) -> Comparison:
    """Return the comparison over these graphs (publisher by graph IRI), asked through a named query.

    Raises what the reader pool raises (Problem 503 when the query takes too long).
    """
    query, values = question(subject, figure, dimension)
    table = select(query, values, Window(1, _MOST), uris, pool, "sv")
    cells: dict[tuple[str, str], Decimal] = {}
    for row in table.rows:
        publisher = graphs.get(row["graph"].text)
        number = row.get("total" if figure.property else "things")
        if publisher is None or number is None or number.kind != "literal":
            continue
        key = (publisher, row["concept"].text if "concept" in row else "")
        cells[key] = cells.get(key, Decimal()) + Decimal(number.text)
    publishing = set(graphs.values())
    return Comparison(
        tuple(sorted(publishing)),
        tuple(sorted(set(everybody) - publishing)),
        tuple(sorted({concept for _, concept in cells}, key=lambda concept: (concept == "", concept))),
        cells,
        query,
        values,
    )


def question(subject: Comparable, figure: Figure, dimension: Dimension | None) -> tuple[Query, Values]:
    """Return the named query that asks for a figure by a dimension, with its parameters."""
    steps = dimension.properties if dimension else ("urn:none",)
    values = {"class": [subject.rows.type], "property": [steps[-1]]}
    if len(steps) > 1:
        own = figure.property or next(other.property for other in subject.figures if other.property)
        return queries.get("compare/figure-by-linked-concept"), values | {"link": [steps[0]], "figure": [own]}
    if figure.property:
        return queries.get("compare/figure-by-concept"), values | {"figure": [figure.property]}
    return queries.get("compare/things-by-concept"), values


def plain(number: Decimal | None) -> str:
    """Return a number as a table for machines writes it; "" for a gap.

    >>> plain(Decimal("120.50")), plain(None)
    ('120.5', '')
    """
    if number is None:
        return ""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


Named = Callable[[str], str]
"""Returns what a key or an IRI is called."""


def matrix(found: Comparison, publisher_name: Named, concept_name: Named) -> list[list[str | Decimal | None]]:
    """Return the comparison as rows of cells: a head, then one row a publisher, gaps as None."""
    rows: list[list[str | Decimal | None]] = [["publisher", *(concept_name(concept) for concept in found.concepts)]]
    for publisher in (*found.publishers, *found.missing):
        rows.append([publisher_name(publisher), *(found.cells.get((publisher, c)) for c in found.concepts)])
    return rows


def to_csv(rows: Sequence[Sequence[str | Decimal | None]]) -> bytes:
    """Return rows as CSV (RFC 4180, UTF-8)."""
    target = io.StringIO()
    writer = csv.writer(target)
    for row in rows:
        writer.writerow([cell if isinstance(cell, str) else plain(cell) for cell in row])
    return target.getvalue().encode()


def to_xlsx(rows: Sequence[Sequence[str | Decimal | None]], title: str) -> bytes:
    """Return rows as an Excel workbook with one sheet."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell

    book = Workbook(write_only=True)
    sheet = book.create_sheet("".join(char for char in title if char not in "[]:*?/\\")[:31] or "torg")
    for row in rows:
        cells = [WriteOnlyCell(sheet, value=cell) for cell in row]
        for cell in cells:
            if isinstance(cell.value, str):
                cell.data_type = "s"  # A name that begins with "=" is a name, not a formula.
        sheet.append(cells)
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()
