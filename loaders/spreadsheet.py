"""Read xlsx sheets as streamed rows of text, each value as the sheet shows it: 0180 stays 0180."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from loaders.errors import SourceError
from loaders.findings import Finding
from loaders.sniff import HEADER_SEARCHED
from loaders.source import MOST_COLUMNS, DateCell, Grid, NumberCell, Report, Row
from loaders.table import refuse_controls

# A sheet of a million ledger rows unpacks to about 700 MB; shared strings are kept in memory by openpyxl.
LARGEST_UNPACKED = 2 << 30
LARGEST_STRINGS = 256 << 20
_BROKEN = (zipfile.BadZipFile, zlib.error, InvalidFileException, KeyError, ValueError,
           TypeError, IndexError, AttributeError, EOFError, OSError, SyntaxError, NotImplementedError, RuntimeError,
           AssertionError)  # fmt: skip
_ERRORS = frozenset({"#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!", "#SAKNAS!", "#VÄRDEFEL!"})


def sheet_names(path: Path, name: str) -> list[str]:
    """Return the visible sheets that hold cells; raise SourceError when the workbook is broken or a bomb."""
    refuse_bomb(path, name)
    with _open(path, name) as book, _told(name):
        return [
            sheet.title
            for sheet in book.worksheets
            if sheet.sheet_state == "visible" and any(cell.value is not None for row in _look(sheet) for cell in row)
        ]


def grid(path: Path, name: str, sheet: str, report: Report) -> Grid:
    """Return the rows of one sheet; raise SourceError when it is not there or its formulas were never calculated."""
    with _open(path, name) as book, _told(name):
        titles = [each.title for each in book.worksheets]
        if sheet not in titles:
            detail = (("name", sheet), ("known", ", ".join(titles)))
            raise SourceError(Finding("source.sheet-missing", file=name, detail=detail))
        part = getattr(book[sheet], "_worksheet_path", None)
        if part and _uncalculated(path, part):
            raise SourceError(Finding("source.uncalculated", file=name, sheet=sheet))
    return Grid(name, sheet, lambda to: refuse_controls(_rows(path, name, sheet, to), name, sheet, to), ragged=True)


def choose_sheet(
    path: Path, name: str, declared: str, recognise: Callable[[Sequence[str]], int], report: Report
) -> str:
    """Return the sheet to read: the declared one, the only one, or the only one with known headers."""
    if declared:
        refuse_bomb(path, name)
        return declared
    known: dict[str, int] = {}
    for each in sheet_names(path, name):
        rows = islice(_rows(path, name, each, None), HEADER_SEARCHED)
        known[each] = max((recognise(cells) for _, cells in rows), default=0)
    return settle_sheet(known, name, report)


def settle_sheet(known: Mapping[str, int], name: str, report: Report) -> str:
    """Return the sheet to read, by how many known headers each has; raise SourceError when that leaves a doubt."""
    if not known:
        raise SourceError(Finding("source.empty", file=name))
    best = max(known.values())
    chosen = [each for each in known if known[each] == best]
    if len(known) > 1 and (best < 2 or len(chosen) > 1):
        raise SourceError(Finding("source.sheet-unsure", file=name, detail=(("known", ", ".join(known)),)))
    if len(known) > 1:
        others = ", ".join(each for each in known if each != chosen[0])
        report.tell(Finding("source.other-sheets", file=name, sheet=chosen[0], detail=(("known", others),)))
    return chosen[0]


def refuse_bomb(path: Path, name: str) -> None:
    """Raise SourceError when a workbook would unpack beyond the limits, is broken, or holds a DOCTYPE."""
    try:
        with zipfile.ZipFile(path) as archive:
            sizes = {member.filename: member.file_size for member in archive.infolist()}
            strings = max((size for part, size in sizes.items() if part.endswith("sharedStrings.xml")), default=0)
            if sum(sizes.values()) > LARGEST_UNPACKED or strings > LARGEST_STRINGS:
                limit = LARGEST_STRINGS if strings > LARGEST_STRINGS else LARGEST_UNPACKED
                detail = (("limit", f"{limit >> 20} MiB"),)
                raise SourceError(Finding("source.too-large", file=name, detail=detail))
            for part in sizes:
                if part.endswith((".xml", ".rels")):
                    with archive.open(part) as stream:
                        if b"<!DOCTYPE" in stream.read(1024):
                            raise SourceError(Finding("source.doctype", file=name))
    except _BROKEN:
        raise SourceError(Finding("source.broken-workbook", file=name)) from None


def shown(value: Any, number_format: str) -> str:
    """Return a cell's value as text, as its sheet shows it.

    >>> shown(180, "0000"), shown(0.1 + 0.2, "General"), shown(datetime(2026, 11, 3), "d mmmm yyyy")
    ('0180', '0.3', '2026-11-03')
    >>> [shown(datetime(2026, 1, day), "yyyy") for day in (1, 2)], shown(datetime(2026, 11, 1), "yyyy-mm")
    (['2026', '2026-01-02'], '2026-11')
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        text = _number(value, number_format)
        return text if _zero_mask(number_format) else NumberCell(text)
    if isinstance(value, datetime):
        if period := _period(value, number_format):
            return period
        if value.time() == time() and not re.search("[hHs]", re.sub(r'"[^"]*"|\[[^\]]*\]|\\.', "", number_format)):
            return DateCell(value.date().isoformat())
        return value.isoformat(timespec="seconds")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        minutes, seconds = divmod(int(value.total_seconds()), 60)
        return f"{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}"
    return str(value)


def _period(value: datetime, number_format: str) -> str:
    """Return the year or month that a cell shows and holds as its first day; "" when it shows a day."""
    shown = re.sub(r'\[[^\]]*\]|[\\"; @]', "", number_format).lower()
    if value == datetime(value.year, 1, 1) and shown == "yyyy":
        return f"{value:%Y}"
    return f"{value:%Y-%m}" if value == datetime(value.year, value.month, 1) and re.fullmatch("yyyy-?mm", shown) else ""


def _number(value: float, number_format: str) -> str:
    if value != value or value in (float("inf"), float("-inf")):
        return ""
    mask = _zero_mask(number_format)
    if mask and value >= 0 and value == int(value):
        digits = str(int(value)).rjust(mask.count("0"), "0")
        extra = len(digits) - mask.count("0")
        filled, rest = digits[:extra], iter(digits[extra:])
        return filled + "".join(next(rest) if sign == "0" else sign for sign in mask)
    if isinstance(value, int):
        return str(value)
    # ECMA-376 keeps binary doubles; Excel itself shows at most 15 significant digits of them.
    text = format(Decimal(f"{value:.15g}"), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


@lru_cache(maxsize=512)
def _zero_mask(number_format: str) -> str:
    """Return the digits and literals of formats made of zeros only ("0000", "000\\ 00"), "" for all others."""
    section = number_format.split(";")[0]
    section = re.sub(r"\[[^\]]*\]|_.|\*.", "", section)
    section = re.sub(r'"([^"]*)"', lambda hit: "".join("\\" + sign for sign in hit[1]), section)
    mask = re.sub(r"\\(.)", r"\1", section)
    plain = re.sub(r"\\.", "", section)
    return mask if plain.count("0") > 1 and re.fullmatch(r"[0 \-]+", plain) else ""


def _rows(path: Path, name: str, sheet: str, report: Report | None) -> Iterator[Row]:
    with _open(path, name) as book, _told(name):
        worksheet = book[sheet]
        worksheet.reset_dimensions()
        for number, row in enumerate(worksheet.iter_rows(), 1):
            if len(row) > MOST_COLUMNS:
                raise SourceError(Finding("source.too-many-columns", file=name, sheet=sheet, row=number,
                                          detail=(("limit", str(MOST_COLUMNS)),)))  # fmt: skip
            cells = [_cell(cell, name, sheet, number, report) for cell in row]
            while cells and not cells[-1]:
                cells.pop()
            yield number, cells


def _cell(cell: Any, name: str, sheet: str, number: int, report: Report | None) -> str:
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, str):
        if value in _ERRORS:
            if report:
                report.tell(Finding("source.sheet-error", file=name, sheet=sheet, row=number,
                                    column=f"#{cell.column}", kind=value))  # fmt: skip
            return ""
        # ECMA-376 22.4.2.4: _xHHHH_ stands for a character that XML cannot hold; Excel writes line ends so.
        if "_x" in value:
            value = re.sub(r"_x000[Dd]_\n?", "\n", value)
        return value
    return shown(value, cell.number_format)


def _look(sheet: Any) -> Iterator[Any]:
    sheet.reset_dimensions()
    return islice(sheet.iter_rows(), HEADER_SEARCHED)


def _uncalculated(path: Path, part: str) -> bool:
    """Find a cell with a formula and no value: programs that never calculate leave those."""
    tail = b""
    with zipfile.ZipFile(path) as archive, archive.open(part) as stream:
        while block := stream.read(1 << 20):
            if b"</f></c>" in tail + block or re.search(rb"</f><v\s*/></c>|</f><v></v></c>", tail + block):
                return True
            tail = block[-64:]
    return False


@contextmanager
def _open(path: Path, name: str) -> Iterator[Any]:
    """Open a workbook for streaming, closed at the end, broken ones told."""
    # By its bytes: by its name openpyxl would refuse a workbook that is called .csv.
    with path.open("rb") as file:
        try:
            # data_only: the value a formula gave when the workbook was saved.
            book = openpyxl.load_workbook(file, read_only=True, data_only=True)
        except _BROKEN:
            raise SourceError(Finding("source.broken-workbook", file=name)) from None
        try:
            yield book
        finally:
            book.close()


@contextmanager
def _told(name: str) -> Iterator[None]:
    """Turn the many errors of a broken workbook into one."""
    try:
        yield
    except _BROKEN:
        raise SourceError(Finding("source.broken-workbook", file=name)) from None
