"""Coordinate columns of a table: told to be degrees or metres, brought to CRS84, and told when they seem swapped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from loaders import geometry
from loaders.value_formats import NUMBER_FORMATS

LATITUDE = "http://www.w3.org/2003/01/geo/wgs84_pos#lat"
LONGITUDE = "http://www.w3.org/2003/01/geo/wgs84_pos#long"
Tell = Callable[[str, str], None]
# Sweden in whole degrees; longitudes and latitudes do not overlap, so swapped ones show.
_LATITUDES = (55.0, 70.0)
_LONGITUDES = (10.0, 25.0)


def coordinate_columns(columns: Iterable[Mapping[str, Any]]) -> tuple[str, str] | None:
    """Return the names of the latitude and longitude columns of a table description, None without both."""
    found = {column.get("propertyUrl"): str(column["name"]) for column in columns}
    return (found[LATITUDE], found[LONGITUDE]) if LATITUDE in found and LONGITUDE in found else None


def number(text: str) -> float | None:
    """Return a coordinate as a number, with decimal point or comma, None when it is none."""
    for form in NUMBER_FORMATS[:2]:
        if (plain := form.normalise(text)) is not None:
            return float(plain)
    return None


def are_projected(pairs: Sequence[tuple[str, str]]) -> bool:
    """Tell whether most filled pairs are metres of SWEREF 99 TM instead of degrees."""
    numbers = [(number(first), number(second)) for first, second in pairs if first and second]
    whole = [(one, two) for one, two in numbers if one is not None and two is not None]
    return sum(geometry.is_sweref(one, two) for one, two in whole) * 2 > len(whole)


class Coordinates:
    """Brings one pair of columns to CRS84, row by row."""

    def __init__(self, latitude: int, longitude: int, crs: str, unfit: str, tell: Tell) -> None:
        self._latitude, self._longitude = latitude, longitude
        self._crs, self._unfit, self._tell = crs, unfit, tell

    def row(self, cells: list[str]) -> None:
        """Put degrees in the place of metres; mark what is neither."""
        one, two = cells[self._latitude], cells[self._longitude]
        if not one and not two:
            return
        north, east = number(one), number(two)
        place = None
        if north is not None and east is not None:
            if self._crs == geometry.SWEREF_99_TM and geometry.is_sweref(north, east):
                north, east = max(north, east), min(north, east)
            place = geometry.from_projected(north, east, self._crs)
        if place is None:
            cells[self._latitude], cells[self._longitude] = self._unfit + one, self._unfit + two
        else:
            cells[self._latitude], cells[self._longitude] = place.latitude, place.longitude


def seem_swapped(latitude: str, longitude: str) -> bool:
    """Tell whether two texts would lie in Sweden the other way round.

    >>> seem_swapped("15.21", "59.27"), seem_swapped("59.27", "15.21")
    (True, False)
    """
    try:
        north, east = float(latitude), float(longitude)
    except ValueError:
        return False
    return _LATITUDES[0] <= east <= _LATITUDES[1] and _LONGITUDES[0] <= north <= _LONGITUDES[1]


def split_position(first_is_latitude: bool) -> Callable[[str], tuple[str, str] | None]:
    """Return a function that divides a position in one cell (pair, WKT or GeoJSON) into its two columns."""

    def split(text: str) -> tuple[str, str] | None:
        place = geometry.point_in(text)
        if place is None:
            return None
        return (place.latitude, place.longitude) if first_is_latitude else (place.longitude, place.latitude)

    return split
