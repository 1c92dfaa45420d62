"""What every reader of a source gives: named columns, and rows of text with their number in the source."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from loaders.coverage import Coverage
from loaders.findings import Finding, Findings

# A cell is text that people read; the largest met in real municipal files was 32 kB.
LONGEST_CELL = 1 << 20
# What a sheet can hold (ISO/IEC 29500); a row with more is a file read with the wrong delimiter.
MOST_COLUMNS = 16_384

Row = tuple[int, list[str]]


class NumberCell(str):
    """What a workbook keeps as a number, in canonical form: how its texts write numbers says nothing of it."""

    __slots__ = ()


class DateCell(str):
    """What a workbook keeps as a date, in canonical form."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of a delivery: its name as the steward knows it, where it lies, and the hash of its bytes.

    `headers` are those of the HTTP answer that tell how to read it; `describes` is the name of the file whose CSVW
    metadata this one is.
    """

    name: str
    path: Path
    sha256: str
    headers: tuple[tuple[str, str], ...] = ()
    describes: str = ""

    def header(self, name: str) -> str:
        """Return a header's value, empty when the answer had none.

        >>> SourceFile("a", Path("a"), "", (("Content-Type", "text/csv"),)).header("content-type")
        'text/csv'
        """
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")


@dataclass(frozen=True, slots=True)
class ColumnPlace:
    """Where the values of a property stand: the file of the delivery, as it is called with its archive, and the header.

    Without a header they stand in another column for each row, which the row's origin tells. `aside` says that the file
    is another than the one that the row is numbered in.
    """

    file: str
    header: str
    aside: bool = False


@dataclass(slots=True)
class LoadCounts:
    """Every row read is published or told: rows_in == rows_out + rows_told.

    `places` are the columns that properties have their values from, by the number of the file in its delivery.
    """

    rows_in: int = 0
    rows_out: int = 0
    rows_told: int = 0
    coverage: list[Coverage] = field(default_factory=list)
    places: dict[int, dict[str, ColumnPlace]] = field(default_factory=dict)


@dataclass
class Report:
    """Where a reader tells what it met: findings, and how many rows were read and not passed on."""

    findings: Findings
    counts: LoadCounts = field(default_factory=LoadCounts)
    headers: tuple[str, ...] = ()
    column: str = ""  # the header above the figure that the row at hand was made of, in a wide table

    def tell(self, finding: Finding) -> None:
        """Add a finding about a column, a sheet or a file; a column said by number ("#3") gets its header."""
        number = finding.column[1:] if finding.column.startswith("#") else ""
        if number.isdigit() and 0 < int(number) <= len(self.headers):
            finding = replace(finding, column=self.headers[int(number) - 1])
        self.findings.add(finding)

    def lose(self, finding: Finding) -> None:
        """Add a finding that stands for `count` whole rows that are not passed on."""
        self.tell(finding)
        self.counts.rows_told += finding.count


@dataclass(frozen=True)
class Grid:
    """Rows of text cells as they stand in the source, header and all; `rows` begins anew at each call.

    In a `ragged` grid a row ends at its last filled cell, as in a workbook; elsewhere a short row is a fault.
    """

    file: str
    sheet: str
    rows: Callable[[Report], Iterator[Row]]
    ragged: bool = False


@dataclass(frozen=True)
class Table:
    """Named columns and their rows; `rows` begins anew at each call and counts what it reads in the report."""

    file: str
    sheet: str
    headers: tuple[str, ...]
    header_row: int
    rows: Callable[[Report], Iterator[Row]]
    elsewhere: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Where a column stands that is none of the file's own: (file, header), ("", "") for the one above a figure."""
