"""Annotates a table: its description joined with what its own header says (Tabular Data Model 6.1 and 6.5).

Also the check whether the two are compatible (Metadata Vocabulary 6.3).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from loaders.csvw.metadata import title_name
from loaders.csvw.model import Column, Table, Titles, real_columns
from loaders.csvw.tabular import TabularReader


def annotate(table: Table, reader: TabularReader, *, validating: bool = False) -> list[str]:
    """Give the table the columns that its header has and its description has not; return what is incompatible."""
    embedded = reader.titles()
    described = real_columns(table.schema.columns)
    problems = list(_differences(table, described, embedded, reader.dialect.headerRowCount > 0, validating))
    if not described:
        # 6.1: the header speaks where no description does. An empty list of columns does speak, of unnamed ones.
        silent = table.schema.described and not table.schema.columns
        columns = [
            _embedded_column(table, number, [] if silent else titles) for number, titles in enumerate(embedded, 1)
        ]
        table.schema.columns = columns + [column for column in table.schema.columns if column.virtual]
        _renumber(table.schema.columns)
    if reader.comments:
        comments = table.common.get("rdfs:comment", [])
        found = [{"@value": text} for text in reader.comments]
        table.common["rdfs:comment"] = (comments if isinstance(comments, list) else [comments]) + found
    return problems


def extra_column(table: Table, number: int) -> Column:
    """Return the column of a cell beyond those described: `_col.N`, with the inherited properties (6.1)."""
    column = Column(name=f"_col.{number}", number=number, declared=False)
    return _inherit(table, column)


def _embedded_column(table: Table, number: int, titles: Sequence[str]) -> Column:
    name = title_name(titles[0]) if titles else f"_col.{number}"
    column = Column(name=name, number=number, titles={"und": list(titles)} if titles else {}, declared=False)
    return _inherit(table, column)


def _inherit(table: Table, column: Column) -> Column:
    inherited = table.schema.inherited or table.inherited
    values = {key: value for key, value in inherited.items() if key in Column.__slots__}
    return replace(column, **values)


def _renumber(columns: Sequence[Column]) -> None:
    for number, column in enumerate(columns, 1):
        column.number = number


def _differences(
    table: Table, described: Sequence[Column], embedded: Sequence[Sequence[str]], headed: bool, validating: bool
) -> Iterator[str]:
    """Yield in what the description and the header differ (Metadata Vocabulary 6.3, Schema Compatibility)."""
    if not headed or not table.schema.described or not table.schema.columns:
        return
    language = (table.schema.inherited or table.inherited).get("lang", "und")
    # 8, step 7: a blank header describes no column, so those at the end need not be described.
    titled = max((number for number, titles in enumerate(embedded, 1) if titles), default=0)
    if not titled <= len(described) <= len(embedded):
        yield f"the table has {len(embedded)} columns, its description {len(described)}"
    for column, titles in zip(described, embedded, strict=False):
        if not _matches(column, titles, language, validating):
            yield f"column {column.number} has another title than its description"


def _matches(column: Column, titles: Sequence[str], language: str, validating: bool) -> bool:
    """Tell whether a column description fits a header's titles, which are in the table's language.

    A name alone, against titles alone, is incompatible for a validator only.
    """
    if not titles or (not column.titles and not column.declared):
        return True
    if not column.titles:
        return not validating
    described: Titles = column.titles
    return not any(described.values()) or any(
        title in titles for tag, texts in described.items() if _same_language(tag, language) for title in texts
    )


def _same_language(first: str, second: str) -> bool:
    """Compare tags cut to the shorter one's length; `und` is any language (Metadata Vocabulary 6.3).

    >>> _same_language("en-US", "en"), _same_language("sv", "en")
    (True, False)
    """
    if "und" in (first, second):
        return True
    one, other = first.lower().split("-"), second.lower().split("-")
    length = min(len(one), len(other))
    return one[:length] == other[:length]
