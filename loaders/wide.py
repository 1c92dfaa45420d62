"""Turn a wide table (a column for each year, sex or indicator) into rows, one for each of its figures."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterator, Mapping, Sequence

from loaders.description import DESCRIPTION_FILE, nearest
from loaders.errors import DescriptionError
from loaders.findings import Finding
from loaders.headers import listed
from loaders.source import Report, Row, Table

VALUE = "value"
_HEADER = "{header}"


def recogniser(known: Callable[[Sequence[str]], int], wide: Mapping[str, object]) -> Callable[[Sequence[str]], int]:
    """Return a function that counts the cells of a row that are headers, those that `wide` means among them."""

    def recognise(cells: Sequence[str]) -> int:
        return known(cells) + sum(
            1 for cell in cells if cell.strip() and any(fnmatch.fnmatchcase(cell, p) for p in wide)
        )

    return recognise if wide else known


def melt(table: Table, wide: Mapping[str, Mapping[str, str]]) -> Table:
    """Return the table with a row for each cell below the headers that `wide` names or has patterns for.

    What `wide` says of a header fills columns of its own ("{header}" stands for the header's text), the cell goes to
    the column `value`, the other columns are repeated. Raises DescriptionError for a header that the source lacks.
    """
    chosen: dict[int, Mapping[str, str]] = {}
    for pattern, said in wide.items():
        places = [
            place
            for place, header in enumerate(table.headers)
            if place not in chosen and (header == pattern or fnmatch.fnmatchcase(header, pattern))
        ]
        if not places:
            detail = (("name", pattern), ("known", listed(table.headers)), ("nearest", nearest(pattern, table.headers)))
            raise DescriptionError(Finding("source.unknown-header", file=DESCRIPTION_FILE, detail=detail))
        chosen.update(dict.fromkeys(places, said))
    added = list(dict.fromkeys(name for said in chosen.values() for name in said))
    kept = [place for place, header in enumerate(table.headers) if place not in chosen and header not in added]
    headers = (*(table.headers[place] for place in kept), *added, VALUE)
    figures = [
        (place, table.headers[place], [said.get(name, "").replace(_HEADER, table.headers[place]) for name in added])
        for place, said in sorted(chosen.items())
    ]

    def rows(report: Report) -> Iterator[Row]:
        for number, cells in table.rows(report):
            report.counts.rows_in += len(figures) - 1
            shared = [cells[place] for place in kept]
            for place, header, said in figures:
                report.column = header
                yield number, [*shared, *said, cells[place]]

    told = {name for said in chosen.values() for name, text in said.items() if _HEADER in text}
    elsewhere = dict(table.elsewhere) | {name: ("", "") for name in (*told, VALUE)}
    # What dataset.toml says of a header stands in no file.
    elsewhere |= {name: (DESCRIPTION_FILE, name) for name in added if name not in told}
    return Table(table.file, table.sheet, headers, table.header_row, rows, elsewhere)
