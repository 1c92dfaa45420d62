"""Positions as municipalities give them, turned into longitude and latitude (CRS84) and WKT.

SWEREF 99 TM (EPSG:3006) is recognised by its numbers; the local zones look alike and must be declared.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyproj

SWEREF_99_TM = "EPSG:3006"
# Lantmäteriet: Sweden's extent in SWEREF 99 TM, with a margin; a northing is never an easting.
_NORTHINGS = (6_050_000.0, 7_750_000.0)
_EASTINGS = (200_000.0, 1_000_000.0)
# Seven decimals of a degree are a centimetre; more would be noise of the projection.
_DECIMALS = 7
_POINT = re.compile(r"(?:SRID=(\d+);)?\s*POINT\s*(?:Z\s*)?\(\s*(\S+)[\s,]+(\S+?)(?:\s+\S+)?\s*\)", re.IGNORECASE)
_PAIR = re.compile(r"\(?\s*([+-]?\d+(?:\.\d+)?)\s*[,;\s]\s*([+-]?\d+(?:\.\d+)?)\s*\)?")
_COMMA_PAIR = re.compile(r"\(?\s*([+-]?\d+,\d+)\s*[;\s]\s*([+-]?\d+,\d+)\s*\)?")
_DEPTHS = {"Point": 0, "MultiPoint": 1, "LineString": 1, "MultiLineString": 2, "Polygon": 2, "MultiPolygon": 3}


@dataclass(frozen=True, slots=True)
class Position:
    """A place on earth in CRS84, as decimal texts."""

    longitude: str
    latitude: str


def is_sweref(first: float, second: float) -> bool:
    """Tell whether two numbers are northing and easting of SWEREF 99 TM, in either order.

    >>> is_sweref(6571000, 512000), is_sweref(59.27, 15.21)
    (True, False)
    """
    north, east = max(first, second), min(first, second)
    return _NORTHINGS[0] <= north <= _NORTHINGS[1] and _EASTINGS[0] <= east <= _EASTINGS[1]


def known_crs(name: str) -> bool:
    """Tell whether a coordinate reference system is known by this name ("EPSG:3011")."""
    import pyproj
    from pyproj.exceptions import CRSError

    try:
        pyproj.CRS.from_user_input(name)
    except CRSError:
        return False
    return True


def from_projected(north: float, east: float, crs: str = SWEREF_99_TM) -> Position | None:
    """Return the position of projected coordinates, None when they lie outside the projection.

    >>> from_projected(6410284, 344052)
    Position(longitude='12.3753806', latitude='57.8073346')
    """
    longitude, latitude = _transformer(crs).transform(east, north)
    return _position(longitude, latitude)


def point_in(text: str) -> Position | None:
    """Return the position in one text: WKT (longitude first), GeoJSON, or a pair of degrees, latitude first.

    >>> point_in("POINT(15.21 59.27)"), point_in("59.27, 15.21")
    (Position(longitude='15.21', latitude='59.27'), Position(longitude='15.21', latitude='59.27'))
    """
    text = text.strip()
    if text.startswith("{"):
        return _from_geojson_text(text)
    hit = _POINT.fullmatch(text)
    if hit:
        crs = f"EPSG:{hit[1]}" if hit[1] and hit[1] != "4326" else ""
        return _two(hit[3], hit[2], crs)
    comma = _COMMA_PAIR.fullmatch(text)
    pair = comma or _PAIR.fullmatch(text)
    if pair is None:
        return None
    return _two(pair[1].replace(",", "."), pair[2].replace(",", "."), "")


def wkt(geometry: Mapping[str, Any], crs: str = "") -> str | None:
    """Return a GeoJSON geometry as WKT, None when it is none (RFC 7946 3.1), has no finite numbers, or lies nowhere.

    >>> wkt({"type": "Point", "coordinates": [15.21, 59.27]})
    'POINT(15.21 59.27)'
    """
    kind = geometry.get("type")
    if kind == "GeometryCollection":
        parts = [wkt(part, crs) for part in geometry.get("geometries", ()) if isinstance(part, Mapping)]
        return f"GEOMETRYCOLLECTION({','.join(filter(None, parts))})" if parts and all(parts) else None
    if kind not in _DEPTHS:
        return None
    try:
        body = _body(geometry.get("coordinates"), _DEPTHS[kind], crs)
    except (ValueError, TypeError, ArithmeticError):
        return None
    return f"{kind.upper()}{body if kind != 'Point' else '(' + body + ')'}"


def crs_of(document_crs: object) -> str:
    """Return the reference system that old GeoJSON names ("urn:ogc:def:crs:EPSG::3006"), "" for CRS84."""
    name = json.dumps(document_crs) if not isinstance(document_crs, str) else document_crs
    hit = re.search(r"EPSG:{1,2}[\d.]*:?(\d{4,5})", name)
    return f"EPSG:{hit[1]}" if hit and hit[1] != "4326" else ""


def _body(coordinates: Any, depth: int, crs: str) -> str:
    if depth == 0:
        if not isinstance(coordinates, Sequence) or isinstance(coordinates, str) or len(coordinates) < 2:
            raise ValueError
        x, y = float(coordinates[0]), float(coordinates[1])
        place = from_projected(y, x, crs) if crs else _position_of(coordinates[0], coordinates[1])
        if place is None:
            raise ValueError
        return f"{place.longitude} {place.latitude}"
    if not isinstance(coordinates, Sequence) or isinstance(coordinates, str) or not coordinates:
        raise ValueError
    return f"({','.join(_body(part, depth - 1, crs) for part in coordinates)})"


def _position_of(longitude: Any, latitude: Any) -> Position | None:
    """Return a position with its numbers as they were written, when they are degrees."""
    if _position(float(longitude), float(latitude)) is None:
        return None
    return Position(_plain(longitude), _plain(latitude))


def _plain(number: Any) -> str:
    return format(Decimal(repr(number) if isinstance(number, float) else number), "f")


def _position(longitude: float, latitude: float) -> Position | None:
    if not (math.isfinite(longitude) and math.isfinite(latitude)) or abs(longitude) > 180 or abs(latitude) > 90:
        return None
    return Position(*(f"{value:.{_DECIMALS}f}".rstrip("0").rstrip(".") for value in (longitude, latitude)))


def _two(latitude: str, longitude: str, crs: str) -> Position | None:
    """Read two numbers: degrees, or northing and easting."""
    try:
        first, second = float(latitude), float(longitude)
    except ValueError:
        return None
    if crs:
        return from_projected(first, second, crs) if known_crs(crs) else None
    if is_sweref(first, second):
        return from_projected(max(first, second), min(first, second))
    return Position(longitude, latitude) if _position(second, first) else None


def _from_geojson_text(text: str) -> Position | None:
    try:
        found = json.loads(text, parse_float=str, parse_int=str)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or found.get("type") != "Point" or not isinstance(found.get("coordinates"), list):
        return None
    coordinates = found["coordinates"]
    return _two(str(coordinates[1]), str(coordinates[0]), "") if len(coordinates) > 1 else None


@lru_cache(maxsize=16)
def _transformer(crs: str) -> pyproj.Transformer:
    # Loading the projection library takes a fifth of a second, which most datasets have no use for.
    import pyproj

    return pyproj.Transformer.from_crs(crs, "OGC:CRS84", always_xy=True)
