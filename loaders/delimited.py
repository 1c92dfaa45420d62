"""Read CSV and TSV as rows of text with their true row numbers; a broken row costs that row only."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from loaders.decode import Survey, open_text
from loaders.errors import SourceError
from loaders.findings import Finding
from loaders.source import LONGEST_CELL, MOST_COLUMNS, Grid, Report, Row
from loaders.table import refuse_controls

# Each recovery may read a whole cell's length again, so their number is bounded too.
MOST_BROKEN = 1_000


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a delimited text is written (CSVW Metadata 5.9), as far as rows are concerned."""

    delimiter: str = ","
    quote: str | None = '"'
    double_quote: bool = True
    comment: str = ""
    skip_initial_space: bool = False

    def reader(self, lines: Iterator[str]) -> Iterator[list[str]]:
        """Return a strict reader of the lines."""
        # The limit is the csv module's own and shared by all readers; every reader here sets the same.
        csv.field_size_limit(LONGEST_CELL)
        words: dict[str, Any] = {"delimiter": self.delimiter, "strict": True}
        if self.quote is None:
            words.update(quoting=csv.QUOTE_NONE, quotechar=None)
        else:
            words.update(quotechar=self.quote, doublequote=self.double_quote)
        if not self.double_quote:
            words["escapechar"] = "\\"
        return csv.reader(lines, skipinitialspace=self.skip_initial_space, **words)


def grid(path: Path, name: str, found: Survey, dialect: Dialect) -> Grid:
    """Return the file's rows; they raise SourceError when it is hopelessly broken, and tell of single rows."""

    def rows(report: Report) -> Iterator[Row]:
        numbered = _rows(path, name, found, dialect, report)
        return refuse_controls(numbered, name, "", report) if found.controls else numbered

    return Grid(name, "", rows)


def _rows(path: Path, name: str, found: Survey, dialect: Dialect, report: Report) -> Iterator[Row]:
    """Read at full speed until a row breaks, then line by line to lose no more than that row."""
    number = 0
    lines_before = 0
    with open_text(path, found) as stream:
        reader = dialect.reader(iter(stream))
        try:
            for number, cells in enumerate(reader, 1):
                if len(cells) > MOST_COLUMNS:
                    raise _too_many_columns(name, number)
                lines_before = reader.line_num  # type: ignore[attr-defined]
                if dialect.comment and cells and cells[0].startswith(dialect.comment):
                    continue
                yield number, cells
            return
        except csv.Error:
            pass
    yield from _recovering(path, name, found, dialect, report, lines_before, number + 1)


def _recovering(
    path: Path, name: str, found: Survey, dialect: Dialect, report: Report, skip: int, number: int
) -> Iterator[Row]:
    """Read on from a line; when a row breaks, lose its first line only and read the others again."""
    broken = 0
    with open_text(path, found) as stream:
        lines = _Again(islice(stream, skip, None))
        while True:
            reader = dialect.reader(lines)
            try:
                for cells in reader:
                    if len(cells) > MOST_COLUMNS:
                        raise _too_many_columns(name, number)
                    lines.settle()
                    if not (dialect.comment and cells and cells[0].startswith(dialect.comment)):
                        yield number, cells
                    number += 1
                return
            except csv.Error:
                report.counts.rows_in += 1
                report.lose(Finding("source.broken-quotes", file=name, row=number, detail=(("limit", "1 MiB"),)))
                broken += 1
                number += 1
                if broken > MOST_BROKEN:
                    raise SourceError(
                        Finding("source.too-many-broken", file=name, row=number, detail=(("limit", str(MOST_BROKEN)),))
                    ) from None
                lines.back()


class _Again:
    """Lines that can be given back, all but the first of those taken since the last whole row."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._taken: list[str] = []
        self._waiting: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._waiting.pop() if self._waiting else next(self._lines)
        self._taken.append(line)
        return line

    def settle(self) -> None:
        """Forget the lines of a row that was read whole."""
        self._taken.clear()

    def back(self) -> None:
        """Give back every line but the first."""
        self._waiting.extend(reversed(self._taken[1:]))
        self._taken.clear()


def _too_many_columns(name: str, number: int) -> SourceError:
    limit = (("limit", str(MOST_COLUMNS)),)
    return SourceError(Finding("source.too-many-columns", file=name, row=number, detail=limit))
