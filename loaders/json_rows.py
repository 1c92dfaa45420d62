"""Read JSON records as rows of text, streamed: a list anywhere in the document, or one record after the other."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO, TextIO, cast

import ijson

from loaders import geometry
from loaders.decode import Survey, open_text
from loaders.errors import SourceError
from loaders.findings import Finding
from loaders.source import LONGEST_CELL, MOST_COLUMNS, Report, Row, Table

DEEPEST = 64
LIST_SEPARATOR = "|"
_NAN = re.compile(rb"[:\[,]\s*-?(?:NaN|Infinity)\s*[,\]}\r\n]")
# Numbers are written out; a longer one is an attack, not a figure.
_LARGEST_EXPONENT = 400


@dataclass
class _Outline:
    """What one pass over the events found: lists of records by path, and the keys of their records."""

    records: dict[str, int] = field(default_factory=dict)
    roots: int = 0
    crs: str = ""


def table(path: Path, name: str, found: Survey, declared: str, report: Report) -> Table:
    """Return the document's records as a table; raise SourceError when it is broken, too deep, or has no records."""
    outline = _outline(path, name, found)
    items = _choose(outline, declared, name)
    shape = _Features(outline.crs) if items == "features.item" else _plain
    headers = _headers(path, name, found, items, shape)
    return Table(name, "", tuple(headers), 0, lambda to: _rows(path, name, found, items, headers, shape, to))


def flatten(record: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield a record's values as text under dotted names; lists of plain values become one text.

    >>> dict(flatten({"namn": "Björkskolan", "kontakt": {"web": None}, "årskurs": [7, 8]}))
    {'namn': 'Björkskolan', 'kontakt.web': '', 'årskurs': '7|8'}
    """
    for key, value in record.items():
        dotted = prefix + key.strip("\ufeff")
        if isinstance(value, dict):
            yield from flatten(value, f"{dotted}.")
        elif isinstance(value, list):
            if any(isinstance(entry, dict | list) for entry in value):
                for place, entry in enumerate(value):
                    yield from flatten({str(place): entry}, f"{dotted}.")
            else:
                yield dotted, LIST_SEPARATOR.join(_text(entry) for entry in value)
        else:
            yield dotted, _text(value)


def _plain(record: dict[str, Any]) -> tuple[dict[str, str], bool]:
    return dict(flatten(record)), True


@dataclass(frozen=True, slots=True)
class _Features:
    """Makes a row of a GeoJSON feature (RFC 7946 3.2): its properties, its id, and its place as degrees and WKT."""

    crs: str

    def __call__(self, record: dict[str, Any]) -> tuple[dict[str, str], bool]:
        """Return the row's values by name, and whether its geometry could be read."""
        if not isinstance(record.get("properties"), dict) and "geometry" not in record:
            return _plain(record)
        values = dict(flatten(record.get("properties") or {}))
        if "id" in record:
            values.setdefault("id", _text(record["id"]))
        shape = record.get("geometry")
        if shape is None:
            return values, True
        written = geometry.wkt(shape, self.crs) if isinstance(shape, dict) else None
        if written is None:
            return values, False
        if written.startswith("POINT("):
            longitude, _, latitude = written[6:-1].partition(" ")
            values.setdefault("latitude", latitude)
            values.setdefault("longitude", longitude)
        else:
            values.setdefault("geometry", written)
        return values, True


Shape = Callable[[dict[str, Any]], tuple[dict[str, str], bool]]


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal) and abs(value.adjusted()) < _LARGEST_EXPONENT:
        return format(value, "f")
    return str(value)


def _outline(path: Path, name: str, found: Survey) -> _Outline:
    """Walk all events: this proves the document whole and shallow before any row is made."""
    outline = _Outline()
    path_now: list[str] = []
    kinds: list[str] = []
    with _told(name, path), _bytes(path, found) as stream:
        for event, value in ijson.basic_parse(stream, multiple_values=True):
            if event == "map_key":
                path_now[-1] = value
                continue
            if event == "string" and path_now[0:1] == ["crs"] and path_now[1:] == ["properties", "name"]:
                outline.crs = geometry.crs_of(value)
            if event == "start_map":
                if not kinds:
                    outline.roots += 1
                elif kinds[-1] == "[" and "[" not in kinds[:-1]:
                    where = ".".join((*path_now[:-1], "item"))
                    outline.records[where] = outline.records.get(where, 0) + 1
                kinds.append("{")
                path_now.append("")
            elif event == "start_array":
                kinds.append("[")
                path_now.append("item")
            elif event in ("end_map", "end_array"):
                kinds.pop()
                path_now.pop()
            if len(kinds) > DEEPEST:
                raise SourceError(Finding("source.nested", file=name, detail=(("limit", str(DEEPEST)),)))
    return outline


def _choose(outline: _Outline, declared: str, name: str) -> str:
    """Return the ijson prefix of the records: the declared one, the only list, or the root objects themselves."""
    paths = sorted(outline.records, key=lambda where: -outline.records[where])
    known = ", ".join(where.removesuffix(".item") for where in paths) or "–"
    if declared:
        wanted = declared if declared == "item" or declared.endswith(".item") else f"{declared}.item"
        if wanted not in outline.records:
            detail = (("where", f" ({declared})"), ("known", known))
            raise SourceError(Finding("source.no-items", file=name, detail=detail))
        return wanted
    if "item" in paths:
        return "item"
    if not paths:
        if outline.roots:
            return ""
        raise SourceError(Finding("source.no-items", file=name, detail=(("where", ""), ("known", known))))
    # One root object after the other (NDJSON): each is a record, whatever lists it holds.
    if outline.roots > 1:
        return ""
    # EntryStore, CKAN and GeoJSON hold one list of records; smaller ones beside it are links and fields.
    usual = [where for where in paths if where in ("results.item", "result.records.item", "features.item")]
    if len(paths) > 1 and not usual:
        raise SourceError(Finding("source.items-unsure", file=name, detail=(("known", known),)))
    return usual[0] if usual else paths[0]


def _headers(path: Path, name: str, found: Survey, items: str, shape: Shape) -> list[str]:
    """Collect every name that any record uses, in the order met."""
    headers: dict[str, None] = {}
    for _, record in _records(path, name, found, items):
        if isinstance(record, dict):
            # Most records of a list have the same keys, and plain values.
            if shape is not _plain:
                headers.update(dict.fromkeys(shape(record)[0]))
                continue
            for key in record:
                if isinstance(record[key], dict | list) or key.strip("\ufeff") not in headers:
                    headers.update((flat, None) for flat, _ in flatten({key: record[key]}))
            if len(headers) > MOST_COLUMNS:
                limit = (("limit", str(MOST_COLUMNS)),)
                raise SourceError(Finding("source.too-many-columns", file=name, detail=limit))
    if not headers:
        raise SourceError(Finding("source.no-rows", file=name))
    return list(headers)


def _rows(
    path: Path, name: str, found: Survey, items: str, headers: list[str], shape: Shape, report: Report
) -> Iterator[Row]:
    counts = report.counts
    for number, record in _records(path, name, found, items):
        counts.rows_in += 1
        if not isinstance(record, dict):
            report.lose(Finding("source.not-an-object", file=name, row=number, kind=type(record).__name__))
            continue
        values, whole = shape(record)
        if not whole:
            report.tell(Finding("source.bad-geometry", file=name, row=number))
        cells = [values.get(header, "") for header in headers]
        fault = _fault(cells, headers)
        if fault:
            rule, column, kind = fault
            report.lose(Finding(rule, file=name, row=number, column=column, kind=kind, detail=(("limit", "1 MiB"),)))
        elif not any(map(str.strip, cells)):
            report.lose(Finding("source.blank-rows", file=name, row=number))
        else:
            yield number, cells


def _fault(cells: list[str], headers: list[str]) -> tuple[str, str, str] | None:
    for header, cell in zip(headers, cells, strict=True):
        if len(cell) > LONGEST_CELL:
            return "source.long-cell", header, ""
        if not cell.isprintable():
            for sign in cell:
                if (sign < " " and sign not in "\t\r\n") or "\ud800" <= sign <= "\udfff":
                    return "source.control-character", header, f"U+{ord(sign):04X}"
    return None


def _records(path: Path, name: str, found: Survey, items: str) -> Iterator[tuple[int, Any]]:
    with _told(name, path), _bytes(path, found) as stream:
        yield from enumerate(ijson.items(stream, items, multiple_values=True), 1)


def _bytes(path: Path, found: Survey) -> BinaryIO:
    """Return the document as UTF-8, which JSON has to be (RFC 8259 8.1), whatever it came as."""
    if found.encoding == "utf-8":
        stream = path.open("rb")
        stream.seek(found.mark)
        return stream
    return cast(BinaryIO, _Recoded(open_text(path, found)))


class _Recoded:
    """A text stream read as UTF-8 bytes."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        """Return bytes of as many characters as asked for."""
        return self._stream.read(size).encode("utf-8", "surrogatepass")

    def __enter__(self) -> _Recoded:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()


def row_of_nan(path: Path) -> int:
    """Return the line of the first NaN or Infinity that stands where a value does, 0 when there is none.

    RFC 8259 6 allows neither; programs that write floating point numbers do so all the same.
    """
    lines = 1
    with path.open("rb") as file:
        for line in file:
            # A file on one line is read in one piece; it was found to be no longer than JSON sources are.
            if _NAN.search(line):
                return lines
            lines += 1
    return 0


@contextmanager
def _told(name: str, path: Path) -> Iterator[None]:
    """Turn a fault of the parser into a finding, without the text around it: that may be personal."""
    try:
        yield
    except (ijson.JSONError, UnicodeError, OverflowError) as error:
        if row := row_of_nan(path):
            raise SourceError(Finding("source.nan", file=name, row=row)) from None
        fault = "cut short or broken" if isinstance(error, ijson.IncompleteJSONError) else "parse error"
        raise SourceError(Finding("source.broken-json", file=name, detail=(("fault", fault),))) from None
