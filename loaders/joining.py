"""Add another file's columns to a table's rows, found by a key that both have (`[join]` in dataset.toml)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from loaders.description import DESCRIPTION_FILE, Join, nearest
from loaders.errors import DescriptionError, SourceError
from loaders.findings import Finding
from loaders.headers import listed
from loaders.source import Report, Row, Table

# What several rows of the other file say in one column stands together in one cell.
SEPARATOR = ";"
# The other file is kept in memory, by key.
MOST_ROWS = 2_000_000


def joined(table: Table, other: Table, join: Join, report: Report) -> Table:
    """Return the table with the columns that `take` names; values of several rows stand once each, ";" between them.

    Tells how many rows of the other file belong to no row. Raises DescriptionError for a header that is not there.
    """
    mine, theirs = _place(table, join.mine), _place(other, join.theirs)
    places = [_place(other, name) for name in join.take]
    found: dict[str, list[dict[str, None]]] = {}
    rows_of: dict[str, int] = {}
    for number, (_, cells) in enumerate(other.rows(Report(report.findings)), 1):
        if number > MOST_ROWS:
            raise SourceError(Finding("source.too-large", file=other.file, detail=(("limit", f"{MOST_ROWS} rows"),)))
        key = cells[theirs].strip()
        texts = found.setdefault(key, [{} for _ in places])
        for texts_of, place in zip(texts, places, strict=True):
            if text := cells[place].strip():
                texts_of[text] = None
        rows_of[key] = rows_of.get(key, 0) + 1
    taken = set(table.headers)
    names = [name if name not in taken else f"{other.file.rpartition('.')[0]}.{name}" for name in join.take]
    blank = [""] * len(places)
    cells_of = {key: [SEPARATOR.join(each) for each in texts] for key, texts in found.items()}
    headers: Sequence[str] = (*table.headers, *names)

    def rows(to: Report) -> Iterator[Row]:
        to.headers = tuple(headers)
        met: set[str] = set()
        for number, cells in table.rows(to):
            key = cells[mine].strip()
            met.add(key)
            yield number, [*cells, *cells_of.get(key, blank)]
        lost = sum(count for key, count in rows_of.items() if key not in met)
        if lost:
            to.tell(Finding("source.join-unmatched", file=other.file, column=join.theirs, count=lost))

    elsewhere = {name: (other.file, header) for name, header in zip(names, join.take, strict=True)}
    return Table(table.file, table.sheet, tuple(headers), table.header_row, rows, elsewhere)


def _place(table: Table, name: str) -> int:
    if name not in table.headers:
        detail = (("name", name), ("known", listed(table.headers)), ("nearest", nearest(name, table.headers)))
        raise DescriptionError(Finding("source.unknown-header", file=DESCRIPTION_FILE, detail=detail))
    return table.headers.index(name)
