"""Where a thing is, as people read it: degrees, SWEREF 99 TM, a link for map programs, and a small map of our own."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from babel.numbers import format_decimal

from loaders.geometry import point_in

if TYPE_CHECKING:
    import pyproj

_GEO = "http://www.w3.org/2003/01/geo/wgs84_pos#"
LATITUDE = (_GEO + "lat", "https://schema.org/latitude")
LONGITUDE = (_GEO + "long", "https://schema.org/longitude")
WKT = "http://www.opengis.net/ont/geosparql#asWKT"
SAID_BY_PLACE = frozenset({*LATITUDE, *LONGITUDE, WKT})
"""The properties that a place is read from; the page shows the place in their stead."""

_SIDES = {"sv": ("N", "S", "Ö", "V"), "en": ("N", "S", "E", "W")}
_SWEDEN = (55.0, 69.2, 10.5, 24.3)
_WIDTH, _HEIGHT = 320.0, 240.0
_MOST_POINTS = 4_000  # of the border: more cannot be seen at this size


@dataclass(frozen=True, slots=True)
class Place:
    """A point on Earth in CRS84 with its texts; `sweref` is "" outside Sweden."""

    longitude: float
    latitude: float
    degrees: str
    sweref: str

    @property
    def geo(self) -> str:
        """The link that opens a map program (RFC 5870)."""
        return f"geo:{self.latitude:.6f},{self.longitude:.6f}"


@dataclass(frozen=True, slots=True)
class MiniMap:
    """A drawing: the paths of the border, grid lines with their names, and the point; in units of the view box."""

    width: float
    height: float
    paths: tuple[str, ...]
    meridians: tuple[tuple[float, str], ...]
    parallels: tuple[tuple[float, str], ...]
    x: float
    y: float


def place_of(values: Mapping[str, Sequence[str]], language: str) -> Place | None:
    """Return the place that properties state, as latitude and longitude or as one WKT point; None for none on Earth.

    >>> place_of({LATITUDE[0]: ["61.042139"], LONGITUDE[0]: ["15.474995"]}, "sv").degrees
    '61,0421° N, 15,4750° Ö'
    >>> place_of({LATITUDE[0]: ["91"], LONGITUDE[0]: ["15"]}, "sv")
    """
    latitude, longitude = (_number(values, names) for names in (LATITUDE, LONGITUDE))
    if latitude is None or longitude is None:
        found = [point for text in values.get(WKT, ()) if (point := point_in(text))]
        if len(found) != 1:
            return None
        latitude, longitude = float(found[0].latitude), float(found[0].longitude)
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        return None
    north, south, east, west = _SIDES.get(language, _SIDES["en"])
    written = (
        f"{_degrees(abs(latitude), language)}° {north if latitude >= 0 else south}",
        f"{_degrees(abs(longitude), language)}° {east if longitude >= 0 else west}",
    )
    return Place(longitude, latitude, ", ".join(written), _sweref(longitude, latitude, language))


def mini_map(border: Path | None, longitude: float, latitude: float) -> MiniMap | None:
    """Return the drawing of a point within the border; None without a border or with the point far outside it."""
    rings = _rings(str(border), border.stat().st_mtime_ns) if border else ()
    if not rings:
        return None
    west, east = min(x for ring in rings for x, _ in ring), max(x for ring in rings for x, _ in ring)
    south, north = min(y for ring in rings for _, y in ring), max(y for ring in rings for _, y in ring)
    wide, high = (east - west) or 1.0, (north - south) or 1.0
    if not (west - wide / 4 <= longitude <= east + wide / 4 and south - high / 4 <= latitude <= north + high / 4):
        return None
    # One degree of longitude is shorter the further north: equirectangular at the middle latitude.
    shrink = math.cos(math.radians((south + north) / 2))
    scale = min((_WIDTH - 24) / (wide * shrink), (_HEIGHT - 24) / high)
    left, top = (_WIDTH - wide * shrink * scale) / 2, (_HEIGHT - high * scale) / 2

    def x_of(degree: float) -> float:
        return round(left + (degree - west) * shrink * scale, 1)

    def y_of(degree: float) -> float:
        return round(top + (north - degree) * scale, 1)

    paths = tuple("M" + "L".join(f"{x_of(x):g} {y_of(y):g}" for x, y in ring) + "Z" for ring in rings)
    return MiniMap(
        _WIDTH,
        _HEIGHT,
        paths,
        tuple((x_of(line), f"{line:g}°") for line in _lines(west, east)),
        tuple((y_of(line), f"{line:g}°") for line in _lines(south, north)),
        x_of(longitude),
        y_of(latitude),
    )


def read_border(file: Path) -> Iterator[list[tuple[float, float]]]:
    """Yield the outer rings and lines of a GeoJSON file (RFC 7946); raises ValueError for what is not GeoJSON."""
    yield from _of(json.loads(file.read_text("utf-8-sig")))


@lru_cache(maxsize=4)
def _rings(file: str, _changed: int) -> tuple[tuple[tuple[float, float], ...], ...]:
    found = list(read_border(Path(file)))
    step = max(1, sum(map(len, found)) // _MOST_POINTS)
    return tuple(tuple(ring[::step]) for ring in found if len(ring) > 2)


def _of(member: Any) -> Iterator[list[tuple[float, float]]]:
    if not isinstance(member, dict):
        raise ValueError("not GeoJSON")
    kind = member.get("type")
    inside: Any = member.get("coordinates") or []
    if kind == "FeatureCollection":
        for feature in member.get("features", ()):
            yield from _of(feature)
    elif kind == "Feature":
        if member.get("geometry"):
            yield from _of(member["geometry"])
    elif kind == "GeometryCollection":
        for geometry in member.get("geometries", ()):
            yield from _of(geometry)
    elif kind == "Polygon":
        yield _points(inside[0])
    elif kind == "MultiPolygon":
        yield from (_points(polygon[0]) for polygon in inside)
    elif kind not in ("Point", "MultiPoint", "LineString", "MultiLineString"):
        raise ValueError(f"{kind!r} is no type of GeoJSON")


def _points(ring: Iterable[Sequence[Any]]) -> list[tuple[float, float]]:
    found = [(float(point[0]), float(point[1])) for point in ring]
    if any(not (-180 <= x <= 180 and -90 <= y <= 90) for x, y in found):
        raise ValueError("coordinates are longitude and latitude in degrees")
    return found


def _lines(low: float, high: float) -> Iterator[float]:
    """Yield the grid lines between two degrees: two to five of them at a round distance."""
    step = next((step for step in (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10) if (high - low) / step <= 5), 20.0)
    line = math.ceil(low / step) * step
    while line <= high:
        yield round(line, 2)
        line += step


def _number(values: Mapping[str, Sequence[str]], names: Iterable[str]) -> float | None:
    for name in names:
        for text in values.get(name, ())[:1]:
            try:
                number = float(text)
            except ValueError:
                return None
            return number if math.isfinite(number) else None
    return None


def _degrees(number: float, language: str) -> str:
    return str(format_decimal(number, "0.0000", locale=language))


def _sweref(longitude: float, latitude: float, language: str) -> str:
    south, north, west, east = _SWEDEN
    if not (south <= latitude <= north and west <= longitude <= east):
        return ""
    easting, northing = _transformer().transform(longitude, latitude)
    letters = _SIDES.get(language, _SIDES["en"])
    return f"{letters[0]} {format_decimal(round(northing), locale=language)}, {letters[2]} " + str(
        format_decimal(round(easting), locale=language)
    )


@lru_cache(maxsize=1)
def _transformer() -> pyproj.Transformer:
    import pyproj  # takes a fifth of a second, which commands that show no place need not wait

    return pyproj.Transformer.from_crs("EPSG:4326", "EPSG:3006", always_xy=True)
