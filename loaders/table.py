"""Find the header row of a grid and pass on its data rows, telling every row that is not data."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from loaders.decode import CONTROLS
from loaders.errors import SourceError
from loaders.findings import Finding, Findings
from loaders.privacy import is_person
from loaders.sniff import HEADER_SEARCHED, header_row
from loaders.source import Grid, Report, Row, Table

TOTALS = frozenset({"total", "totals", "totalt", "summa", "summor", "sum", "delsumma", "slutsumma", "totalsumma",
                    "grand total", "s:a", "tot"})  # fmt: skip
# How a blank row, or a row of totals, begins.
_LOOK_CLOSER = frozenset(" \t\u00a0\u202fTtSsDdGg")


def from_grid(grid: Grid, recognise: Callable[[Sequence[str]], int], declared_row: int | None, report: Report) -> Table:
    """Return the grid's table; raise SourceError when it has no header row, no rows, or a header twice."""
    first = list(islice(grid.rows(Report(Findings())), max(HEADER_SEARCHED, declared_row or 0)))
    if not any(cell.strip() for _, cells in first for cell in cells):
        raise SourceError(Finding("source.empty", file=grid.file, sheet=grid.sheet))
    at = declared_row or header_row(first, recognise)
    cells = next((cells for number, cells in first if number == at), [])
    headers = tuple(clean_header(cell) for cell in cells)
    while headers and not headers[-1]:
        headers = headers[:-1]
    if at is None or not headers:
        limit = (("limit", str(HEADER_SEARCHED)),)
        raise SourceError(Finding("source.no-header", file=grid.file, sheet=grid.sheet, detail=limit))
    twice = [name for name, count in Counter(filter(None, headers)).items() if count > 1]
    if twice:
        known = (("known", ", ".join(name for name in twice[:20] if not is_person(name))),)
        raise SourceError(Finding("source.duplicate-header", file=grid.file, sheet=grid.sheet, row=at, detail=known))
    above = sum(1 for number, cells in first if number < at and any(cell.strip() for cell in cells))
    if above:
        report.tell(Finding("source.preamble", file=grid.file, sheet=grid.sheet, count=above))
    # A file without headers has data in that row: what may be a person's must not be told as a header.
    named = tuple(
        header if header and not is_person(header) else f"#{place}" for place, header in enumerate(headers, 1)
    )
    return Table(grid.file, grid.sheet, named, at, lambda to: _data(grid, at, named, to))


def clean_header(text: str) -> str:
    """Return a header without byte order marks, line breaks and doubled or non-breaking spaces.

    >>> clean_header("\\ufeffBelopp \\xa0exkl.\\nmoms ")
    'Belopp exkl. moms'
    """
    return " ".join(unicodedata.normalize("NFC", text.replace("\ufeff", "")).split())


def is_totals(cells: Sequence[str]) -> bool:
    """Recognise a row of totals: its first filled cell says so, and at most half of its cells are filled.

    >>> is_totals(["", "Summa:", "", "", "1 204,50", ""]), is_totals(["Summa AB", "1", "2"])
    (True, False)
    """
    filled = [cell.strip() for cell in cells if cell and not cell.isspace()]
    if not filled or len(filled) > max(2, len(cells) // 2) or len(filled) == len(cells):
        return False
    return re.sub(r"\s*[:=]?\s*$", "", filled[0]).casefold() in TOTALS


def _data(grid: Grid, header: int, headers: tuple[str, ...], report: Report) -> Iterator[Row]:
    report.headers = headers
    width = len(headers)
    seen, blank, first_blank = 0, 0, 0
    try:
        for number, cells in grid.rows(report):
            if number <= header:
                continue
            seen += 1
            # Nearly every row is as wide as the header and begins with a plain value; the others get a closer look.
            if len(cells) == width and cells[0] and cells[0][0] not in _LOOK_CLOSER:
                yield number, cells
                continue
            rule = _not_data(cells, width, grid.ragged)
            if rule is None:
                yield number, cells
            elif rule == "source.blank-rows":
                blank, first_blank = blank + 1, first_blank or number
            else:
                detail = (("cells", str(len(cells))), ("width", str(width)))
                report.lose(Finding(rule, file=grid.file, sheet=grid.sheet, row=number, detail=detail))
    finally:
        report.counts.rows_in += seen
        if blank:
            report.lose(Finding("source.blank-rows", file=grid.file, sheet=grid.sheet, row=first_blank, count=blank))
    if seen == blank:
        raise SourceError(Finding("source.no-rows", file=grid.file, sheet=grid.sheet))


def _not_data(cells: list[str], width: int, ragged: bool) -> str | None:
    """Return the rule that keeps a row from being data, None when it is data; its width is made right if it can be."""
    if len(cells) > width and not any(map(str.strip, cells[width:])):
        del cells[width:]
    elif ragged and len(cells) < width:
        cells.extend([""] * (width - len(cells)))
    if not any(map(str.strip, cells)):
        return "source.blank-rows"
    if is_totals(cells):
        return "source.totals-row"
    if len(cells) != width:
        return "source.short-row" if len(cells) < width else "source.long-row"
    return None


def refuse_controls(rows: Iterator[Row], file: str, sheet: str, report: Report) -> Iterator[Row]:
    """Pass on the rows without control characters: XML, and so half of our formats, cannot write those."""
    for number, cells in rows:
        found = next(((at, hit) for at, cell in enumerate(cells, 1) if (hit := CONTROLS.search(cell))), None)
        if found is None:
            yield number, cells
            continue
        at, hit = found
        report.counts.rows_in += 1
        report.lose(
            Finding("source.control-character", file=file, sheet=sheet, row=number, column=f"#{at}",
                    kind=f"U+{ord(hit[0]):04X}")
        )  # fmt: skip
