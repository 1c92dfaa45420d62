"""What a page can make of a SPARQL answer: a table in some order, places on a map, numbers in a chart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import quote

from babel.numbers import format_decimal

from loaders.geometry import point_in
from server.charts import BarChart, LineChart, bar_chart, line_chart
from server.labels import alphabetical
from server.presentation import Presenter

_XSD = "http://www.w3.org/2001/XMLSchema#"
_NUMBERS = {
    _XSD + name
    for name in (
        "integer",
        "decimal",
        "double",
        "float",
        "int",
        "long",
        "short",
        "nonNegativeInteger",
        "positiveInteger",
    )
}
_TIMES = {_XSD + name for name in ("date", "gYear", "gYearMonth", "dateTime")}
_WKT = ("http://www.opengis.net/ont/geosparql#wktLiteral", "http://www.opengis.net/ont/geosparql#geoJSONLiteral")
_LATITUDES, _LONGITUDES = ("lat", "latitude", "latitud"), ("long", "lon", "lng", "longitude", "longitud")
_LONGEST = 300
_LINKED = ("http://", "https://")

Binding = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Cell:
    """One value of an answer: its text, where it leads, what its full form is, and whether it is a number."""

    text: str
    href: str = ""
    full: str = ""
    language: str = ""
    number: bool = False
    code: bool = False


@dataclass(frozen=True, slots=True)
class Point:
    """A row of the answer that has a position."""

    name: str
    href: str
    latitude: float
    longitude: float


def iris_of(bindings: Sequence[Binding]) -> set[str]:
    """Return every IRI in an answer, for their labels."""
    return {term["value"] for row in bindings for term in row.values() if term["type"] == "uri"}


def numeric_variables(variables: Sequence[str], bindings: Sequence[Binding]) -> set[str]:
    """Return the variables whose values are all numbers: their columns stand to the right."""
    return {name for name in variables if _all(bindings, name, _NUMBERS)}


def cell(term: Mapping[str, Any], presenter: Presenter) -> Cell:
    """Return a term as a table shows it: IRIs by label or prefix, literals exactly as they are."""
    text = str(term["value"]) if term["type"] != "triple" else ""
    if term["type"] == "uri":
        if not text.startswith(_LINKED):
            return Cell(_cut(text), full=text, code=True)
        named = presenter.labels.get(text)
        shown = named[0] if named else presenter.curie(text)
        uris = presenter.uris
        # What others have made is described here first: its own page may know nothing of our data.
        href = uris.link(text) if uris.path(text) else f"{uris.prefix}/resource?uri={quote(text)}"
        return Cell(_cut(shown), href, text, named[1] if named else "", code=not named)
    if term["type"] == "bnode":
        return Cell(f"_:{text}", code=True)
    if term["type"] == "triple":
        inside = (cell(term["value"][part], presenter).text for part in ("subject", "predicate", "object"))
        return Cell(f"<<( {' '.join(inside)} )>>", code=True)
    datatype = term.get("datatype", "")
    return Cell(
        _cut(text),
        full=text if len(text) > _LONGEST else presenter.curie(datatype) if datatype else "",
        language=term.get("xml:lang", ""),
        number=datatype in _NUMBERS,
    )


def ordered(bindings: Sequence[Binding], by: str) -> list[Binding]:
    """Return the rows by one variable, "-name" for falling; numbers by size, texts as the alphabet goes, gaps last."""
    name = by.removeprefix("-")

    def key(row: Binding) -> tuple[int, Decimal, str]:
        term = row[name]
        number = _number(term)
        return (0, number, "") if number is not None else (1, Decimal(0), alphabetical(str(term["value"])[:200]))

    given = sorted((row for row in bindings if name in row), key=key, reverse=by.startswith("-"))
    return given + [row for row in bindings if name not in row]


def points(variables: Sequence[str], bindings: Sequence[Binding], presenter: Presenter) -> list[Point]:
    """Return the rows that have a position on Earth: as WKT or GeoJSON, or as a pair of latitude and longitude."""
    found = []
    latitude = next((name for name in variables if name.lower() in _LATITUDES), None)
    longitude = next((name for name in variables if name.lower() in _LONGITUDES), None)
    for row in bindings:
        place = _position(row, latitude, longitude)
        if place is not None:
            name = _named(variables, row, presenter)
            found.append(Point(name.text or f"{place[0]:g}, {place[1]:g}", name.href, *place))
    return found


def chart(
    variables: Sequence[str], bindings: Sequence[Binding], presenter: Presenter
) -> tuple[BarChart | LineChart, str, str, list[tuple[str, str]]] | None:
    """Return (chart, name of its labels, name of its numbers, rows as text); None when the answer has not both.

    The first variable that is no number names the bars and the last number is their length; a line when the
    names are times.
    """
    rows = [row for row in bindings if row]
    places = (*_LATITUDES, *_LONGITUDES)  # numbers that no bar is drawn of
    numeric = [name for name in variables if rows and name.lower() not in places and _all(rows, name, _NUMBERS)]
    naming = [
        name
        for name in variables
        if name not in numeric and name.lower() not in places and any(name in row for row in rows)
    ]
    if not numeric or not (naming or len(numeric) > 1):
        return None
    number = numeric[-1]
    label = naming[-1] if naming and _is_iri(rows, naming[0]) and len(naming) > 1 else (naming or numeric)[0]
    data = [
        (cell(row[label], presenter).text, value)
        for row in rows
        if label in row and number in row and (value := _number(row[number])) is not None
    ]

    def write(value: Any) -> str:
        return str(format_decimal(value, locale=presenter.language)).replace("-", "−")

    timely = _all(rows, label, _TIMES) or label.lower() in ("year", "år", "month", "period")
    drawn = line_chart(sorted(data), write) if timely else bar_chart(data, write)
    return (drawn, label, number, [(name, write(value)) for name, value in data]) if drawn else None


def _named(variables: Sequence[str], row: Binding, presenter: Presenter) -> Cell:
    """Return what a row is called: its first IRI that is a resource, with the first text as its name."""
    cells = [cell(row[name], presenter) for name in variables if name in row]
    link = next((each for each in cells if each.href), None)
    text = next((each for each in cells if not each.href and not each.number and not each.code), None)
    if link is None:
        return text or Cell("")
    return Cell(text.text if text and link.code and not text.text.startswith("POINT") else link.text, link.href)


def _position(row: Binding, latitude: str | None, longitude: str | None) -> tuple[float, float] | None:
    for term in row.values():
        if term.get("datatype") in _WKT and (found := point_in(str(term["value"]))):
            return float(found.latitude), float(found.longitude)
    if latitude in row and longitude in row and latitude and longitude:
        north, east = _number(row[latitude]), _number(row[longitude])
        if north is not None and east is not None and abs(north) <= 90 and abs(east) <= 180:
            return float(north), float(east)
    return None


def _all(rows: Sequence[Binding], name: str, datatypes: set[str]) -> bool:
    given = [row[name] for row in rows if name in row]
    return bool(given) and all(term.get("datatype") in datatypes for term in given)


def _is_iri(rows: Sequence[Binding], name: str) -> bool:
    return any(row.get(name, {}).get("type") == "uri" for row in rows)


def _number(term: Mapping[str, Any]) -> Decimal | None:
    if term.get("datatype") not in _NUMBERS:
        return None
    try:
        number = Decimal(str(term["value"]))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
