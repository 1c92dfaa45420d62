"""Writes tables for people: CSV that opens right in Excel, XLSX with real numbers, GeoJSON for maps."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import IO, Any

import xlsxwriter

from server.errors import Problem

Cell = str | int | Decimal | date | bool | None

XLSX_ROWS = 1_048_575
"""The rows that one Excel sheet holds below its header."""

# What Excel would take for a formula that does something (OWASP, CSV injection); "+46 19 …" and "-5" do nothing.
_FORMULA = re.compile(r"[=@\t\r]|[+-].*[(|!]", re.DOTALL)
_SHEET_NAME = re.compile(r"[\[\]:*?/\\']")


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its name, column headings, and rows that may be streamed once."""

    title: str
    columns: Sequence[str]
    rows: Iterable[Sequence[Cell]]


@dataclass(frozen=True, slots=True)
class Feature:
    """A thing on a map: its IRI, longitude and latitude (WGS 84), and properties by name."""

    iri: str
    longitude: float
    latitude: float
    properties: dict[str, Any]


def write_csv(table: Table, target: IO[bytes]) -> None:
    """Write a table as CSV (RFC 4180) in UTF-8 with a byte order mark, without which Excel garbles å, ä and ö."""
    target.write(b"\xef\xbb\xbf")
    text = io.TextIOWrapper(target, "utf-8", newline="", write_through=True)
    try:
        writer = csv.writer(text)
        writer.writerow(table.columns)
        writer.writerows([_csv_cell(cell) for cell in row] for row in table.rows)
    finally:
        text.detach()


def write_xlsx(tables: Sequence[Table], target: IO[bytes], created: datetime) -> None:
    """Write tables as the sheets of an XLSX workbook; numbers and dates are real ones, and no text is a formula.

    Raises Problem 406 when a table has more rows than a sheet holds. The bytes are the same for the
    same content.
    """
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    book = xlsxwriter.Workbook(target, options)
    book.set_properties({"created": created.replace(tzinfo=None)})
    bold, day = book.add_format({"bold": True}), book.add_format({"num_format": "yyyy-mm-dd"})
    try:
        for number, table in enumerate(tables, 1):
            sheet = book.add_worksheet(_sheet_name(table.title, number))
            sheet.freeze_panes(1, 0)
            sheet.set_column(0, max(0, len(table.columns) - 1), 22)
            for column, heading in enumerate(table.columns):
                sheet.write_string(0, column, heading, bold)
            for index, row in enumerate(table.rows, 1):
                if index > XLSX_ROWS:
                    raise Problem(
                        406,
                        f"An Excel sheet holds {XLSX_ROWS} rows and this has more. Ask for CSV.",
                        sv=f"Ett Excelblad rymmer {XLSX_ROWS} rader och det här är fler. Be om CSV.",
                    )
                for column, cell in enumerate(row):
                    _write_cell(sheet, index, column, cell, day)
    finally:
        book.close()


def write_geojson(features: Iterable[Feature], target: IO[bytes], single: bool = False) -> None:
    """Write features as a GeoJSON FeatureCollection, or the only one as a Feature (RFC 7946)."""
    written = (
        {
            "type": "Feature",
            "id": feature.iri,
            "geometry": {"type": "Point", "coordinates": [feature.longitude, feature.latitude]},
            "properties": feature.properties,
        }
        for feature in features
    )
    if single:
        target.write(_json(next(written)))
        return
    target.write(b'{"type": "FeatureCollection", "features": [\n')
    for number, feature in enumerate(written):
        target.write((b",\n" if number else b"") + _json(feature))
    target.write(b"\n]}\n")


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, default=_json_cell).encode()


def _json_cell(cell: Any) -> Any:
    return float(cell) if isinstance(cell, Decimal) else cell.isoformat()


def _csv_cell(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, str) and _FORMULA.match(cell):
        return f"'{cell}"
    return str(cell)


def _write_cell(sheet: Any, row: int, column: int, cell: Cell, day: Any) -> None:
    if cell is None or cell == "":
        return
    if isinstance(cell, bool):
        sheet.write_boolean(row, column, cell)
    elif isinstance(cell, int | Decimal) and -(10**15) < cell < 10**15:  # Excel keeps fifteen digits
        sheet.write_number(row, column, cell)
    elif isinstance(cell, date) and cell.year >= 1900:
        sheet.write_datetime(row, column, datetime(cell.year, cell.month, cell.day), day)
    else:
        sheet.write_string(row, column, str(cell)[:32_767])


def _sheet_name(title: str, number: int) -> str:
    """Return a name that Excel takes: at most 31 characters, none of its own, and not the same twice."""
    name = _SHEET_NAME.sub(" ", title).strip()[:27] or "Data"
    return f"{name} {number}" if number > 1 else name


def batches(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """Yield the items in lists of a size, the last one shorter.

    >>> list(batches("skola", 2))
    [['s', 'k'], ['o', 'l'], ['a']]
    """
    batch: list[Any] = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
