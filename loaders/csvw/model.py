"""The annotated tabular data model's metadata: table groups, tables, schemas, columns, dialects.

Field names are the properties' names of the Metadata Vocabulary. Everything is normalised: URLs absolute, languages
explicit, inherited properties brought down to the columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from loaders.csvw.datatypes import Datatype

Titles = dict[str, list[str]]
Common = dict[str, Any]
Trim = Literal["true", "false", "start", "end"]


@dataclass(slots=True)
class Dialect:
    """How the bytes of a table are read (Metadata Vocabulary 5.9)."""

    commentPrefix: str | None = "#"
    delimiter: str = ","
    doubleQuote: bool = True
    encoding: str = "utf-8"
    header: bool = True
    headerRowCount: int = 1
    lineTerminators: tuple[str, ...] = ("\r\n", "\n")
    quoteChar: str | None = '"'
    skipBlankRows: bool = False
    skipColumns: int = 0
    skipInitialSpace: bool = False
    skipRows: int = 0
    trim: Trim = "false"


@dataclass(slots=True)
class Column:
    """One column description, with its inherited properties."""

    name: str
    number: int
    titles: Titles = field(default_factory=dict)
    virtual: bool = False
    suppress: bool = False
    id: str = ""
    aboutUrl: str | None = None
    propertyUrl: str | None = None
    valueUrl: str | None = None
    datatype: Datatype = field(default_factory=Datatype)
    default: str = ""
    lang: str = "und"
    null: tuple[str, ...] = ("",)
    ordered: bool = False
    required: bool = False
    separator: str | None = None
    textDirection: str = "inherit"
    declared: bool = True
    common: Common = field(default_factory=dict)
    annotations: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class ForeignKey:
    """Columns that refer to rows of another table (Metadata Vocabulary 5.5.2.1)."""

    columns: tuple[str, ...]
    resource: str | None
    schemaReference: str | None
    reference: tuple[str, ...]


@dataclass(slots=True)
class Schema:
    """The columns and keys of a table (Metadata Vocabulary 5.5); `described` tells whether it speaks of any columns."""

    columns: list[Column] = field(default_factory=list)
    primaryKey: tuple[str, ...] = ()
    foreignKeys: list[ForeignKey] = field(default_factory=list)
    rowTitles: tuple[str, ...] = ()
    id: str = ""
    aboutUrl: str | None = None
    common: Common = field(default_factory=dict)
    inherited: dict[str, Any] = field(default_factory=dict)
    described: bool = False

    def column(self, name: str) -> Column:
        """Return the column of this name; raise KeyError when there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


@dataclass(slots=True)
class Table:
    """One table description (Metadata Vocabulary 5.4)."""

    url: str = ""
    id: str = ""
    schema: Schema = field(default_factory=Schema)
    dialect: Dialect | None = None
    notes: list[Any] = field(default_factory=list)
    suppressOutput: bool = False
    tableDirection: str = "auto"
    transformations: list[Mapping[str, Any]] = field(default_factory=list)
    common: Common = field(default_factory=dict)
    annotations: dict[str, Any] = field(default_factory=dict)
    inherited: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


@dataclass(slots=True)
class TableGroup:
    """The tables of one metadata document (Metadata Vocabulary 5.3)."""

    tables: list[Table]
    id: str = ""
    notes: list[Any] = field(default_factory=list)
    common: Common = field(default_factory=dict)
    dialect: Dialect | None = None
    language: str = "und"
    base: str = ""
    location: str = ""

    def table(self, url: str) -> Table | None:
        """Return the table of this URL, if the group has it."""
        return next((table for table in self.tables if table.url == url), None)


def real_columns(columns: Sequence[Column]) -> list[Column]:
    """Return the columns that stand in the file, in order."""
    return [column for column in columns if not column.virtual]
