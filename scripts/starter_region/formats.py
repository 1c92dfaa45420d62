"""Writes rows of cells as the bytes that municipal systems export, the same bytes every time."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from openpyxl import Workbook
from openpyxl.styles import Font

Cell = str | int | float | Decimal | date | None
_MADE = datetime(2026, 3, 2, 8, 0, 0)
_XLSX_MADE = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*")


@dataclass(frozen=True)
class Delimited:
    """CSV in one of its many dialects; the first row is the header unless `above` rows precede it."""

    encoding: str = "utf-8"
    delimiter: str = ","
    newline: str = "\r\n"
    suffix: str = ".csv"
    quote_all: bool = False

    def write(self, header: Sequence[str], rows: Sequence[Sequence[Cell]]) -> bytes:
        """Return the file; rows may be longer or shorter than the header."""
        text = io.StringIO(newline="")
        writer = csv.writer(
            text,
            delimiter=self.delimiter,
            lineterminator=self.newline,
            quoting=csv.QUOTE_ALL if self.quote_all else csv.QUOTE_MINIMAL,
        )
        writer.writerow(header)
        writer.writerows([["" if cell is None else cell for cell in row] for row in rows])
        return text.getvalue().encode(self.encoding)

    def first_row(self) -> int:
        """Return the row number of the first row of data, as a spreadsheet counts."""
        return 2


@dataclass(frozen=True)
class Workbook2007:
    """An .xlsx with one sheet: rows of title above the header, a row of totals below, formats per column."""

    sheet: str = "Blad1"
    title: str = ""
    formats: tuple[tuple[str, str], ...] = ()
    suffix: str = ".xlsx"

    def write(self, header: Sequence[str], rows: Sequence[Sequence[Cell]]) -> bytes:
        """Return the workbook, its parts stored plainly with fixed times."""
        book = Workbook()
        book.properties.creator = "Ekonomisystem"
        book.properties.created = _MADE
        sheet = book.active
        sheet.title = self.sheet
        if self.title:
            sheet.append([self.title])
            sheet.append([])
        sheet.append(list(header))
        for cell in sheet[sheet.max_row]:
            cell.font = Font(bold=True)
        formats = dict(self.formats)
        for row in rows:
            sheet.append([float(cell) if isinstance(cell, Decimal) else cell for cell in row])
            for name, written in zip(header, sheet[sheet.max_row], strict=False):
                if name in formats and not isinstance(written.value, str):
                    written.number_format = formats[name]
        packed = io.BytesIO()
        book.save(packed)
        return _fixed(packed.getvalue())

    def first_row(self) -> int:
        """Return the row number of the first row of data, as a spreadsheet counts."""
        return 4 if self.title else 2


@dataclass(frozen=True)
class JsonRows:
    """JSON rows inside some object; a byte order mark may have slipped into the first key."""

    wrapper: tuple[str, ...] = ("results",)
    mark_in_key: bool = False
    paging: str = ""
    suffix: str = ".json"

    def write(self, header: Sequence[str], rows: Sequence[Sequence[Cell]]) -> bytes:
        """Return the document, its rows under the wrapper's keys, with a row-store's paging words beside them."""
        names = ["\ufeff" + header[0], *header[1:]] if self.mark_in_key else list(header)
        document: object = [dict(zip(names, row, strict=True)) for row in rows]
        for key in reversed(self.wrapper):
            document = {key: document}
        if self.paging and isinstance(document, dict):
            document = {"next": self.paging, "resultCount": len(rows), "offset": 0, "limit": len(rows), **document}
        return (json.dumps(document, ensure_ascii=False, indent=1, default=_number) + "\n").encode()

    def first_row(self) -> int:
        """Return the number of the first row: JSON has no header to count."""
        return 1


Form = Delimited | Workbook2007 | JsonRows


def _number(value: object) -> float:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"JSON has no {type(value).__name__}")


def _fixed(package: bytes) -> bytes:
    """Return the package with its parts in order, uncompressed (zlib's output differs by version), from one moment."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(package)) as read, zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as write:
        for name in sorted(read.namelist(), key=lambda part: (part != "[Content_Types].xml", part)):
            content = read.read(name)
            if name == "docProps/core.xml":
                content = _XLSX_MADE.sub(rb"\g<1>" + _MADE.strftime("%Y-%m-%dT%H:%M:%SZ").encode(), content)
            info = zipfile.ZipInfo(name, (2026, 3, 2, 8, 0, 0))
            info.create_system = 3
            write.writestr(info, content)
    return out.getvalue()
