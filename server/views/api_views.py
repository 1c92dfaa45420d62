"""What the page of a named query shows beside its table: its numbers as a chart, its places on a map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from loaders.geometry import point_in
from server.charts import BarChart, LineChart, Number, bar_chart, line_chart
from server.places import MiniMap, mini_map
from server.presentation import Shown
from server.rdf_formats import Value
from server.views.http import torg

_POSITION = {"lat", "long", "latitude", "longitude", "position", "steps"}  # numbers that no bar is drawn of
_TIMES = ("year", "month", "date", "period")
_WKT = ("http://www.opengis.net/ont/geosparql#wktLiteral", "http://www.opengis.net/ont/geosparql#geoJSONLiteral")
_MOST_NAMED = 3  # columns that name a bar together

Cells = Sequence[Sequence[Shown | None]]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A chart of a table: the drawing, what its bars and numbers are called, and (name, number as written) rows."""

    picture: BarChart | LineChart
    names: str
    numbers: str
    rows: tuple[tuple[str, str], ...]
    is_line: bool


def drawn(columns: Sequence[Any], cells: Cells, values: Sequence[str]) -> Drawn | None:
    """Return the chart of a table as it is shown; None for one without numbers, or whose rows nothing tells apart.

    `values` names the variable of each column. The last column of numbers gives the length of the bars; the fewest
    columns that tell the rows apart name them. Rows of one time each make a line.
    """
    numbers = [
        place for place, name in enumerate(values) if columns[place].number and name not in _POSITION | {*_TIMES}
    ]
    if not numbers or not cells:
        return None
    last = numbers[-1]
    texts = [place for place, name in enumerate(values) if place not in numbers and name not in _POSITION]
    texts.sort(key=lambda place: not columns[place].address)  # names before their codes
    naming = _naming(texts, cells)
    given = [(_joined(row, naming), cell) for row in cells if (cell := row[last]) and _number(cell) is not None]
    if not naming or not given:
        return None
    timely = len(naming) == 1 and values[naming[0]] in _TIMES
    if timely:
        given.sort(key=lambda row: row[0])
    data = [(name, _number(cell) or Decimal()) for name, cell in given]
    written = {number: cell.text for (_, number), (_, cell) in zip(data, given, strict=True)}

    def write(number: Number) -> str:
        return written.get(Decimal(number), str(number))

    picture = (line_chart if timely else bar_chart)(data, write)
    if picture is None:
        return None
    said = " · ".join(columns[place].title for place in naming)
    return Drawn(picture, said, columns[last].title, tuple((name, cell.text) for name, cell in given), timely)


def _naming(candidates: Sequence[int], cells: Cells) -> list[int]:
    """Return the fewest columns, from the left, whose texts tell all rows apart; [] when not even several do."""
    alone = [place for place in candidates if _apart([place], cells)]
    if alone:
        return alone[:1]
    chosen: list[int] = []
    for place in candidates:
        if any(row[place] for row in cells):
            chosen.append(place)
        if len(chosen) > 1 and _apart(chosen, cells):
            return chosen
        if len(chosen) == _MOST_NAMED:
            break
    return []


def _apart(places: Sequence[int], cells: Cells) -> bool:
    names = [_joined(row, places) for row in cells]
    return all(names) and len(set(names)) == len(names)


def _joined(row: Sequence[Shown | None], places: Sequence[int]) -> str:
    return " · ".join(cell.text for place in places if (cell := row[place]))


def _number(cell: Shown) -> Decimal | None:
    try:
        number = Decimal(cell.raw)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def positions(rows: Sequence[Mapping[str, Value]]) -> list[tuple[float, float] | None]:
    """Return (latitude, longitude) of each row that has a position on Earth; nothing for an answer without places."""
    found = [_position(row) for row in rows]
    return found if any(found) else []


def _position(row: Mapping[str, Value]) -> tuple[float, float] | None:
    for item in row.values():
        if item.datatype in _WKT and (point := point_in(item.text)):
            return float(point.latitude), float(point.longitude)
    if "lat" in row and "long" in row:
        try:
            north, east = float(row["lat"].text), float(row["long"].text)
        except ValueError:
            return None
        if abs(north) <= 90 and abs(east) <= 180:
            return north, east
    return None


def overview(places: Sequence[tuple[float, float]]) -> tuple[MiniMap, list[tuple[float, float]]] | None:
    """Return the drawing of the site's border and where each (latitude, longitude) stands on it; None without one."""
    base = torg().site.raw.get("map", {}).get("base")
    if not base:
        return None
    border = torg().site.folder / base
    drawings = [mini_map(border, longitude, latitude) for latitude, longitude in places]
    found = [drawing for drawing in drawings if drawing]
    return (found[0], [(drawing.x, drawing.y) for drawing in found]) if found else None
