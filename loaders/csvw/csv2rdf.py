"""Generates RDF from tabular data: standard and minimal mode, every feature, row by row.

Generating RDF from Tabular Data on the Web (csv2rdf) 4. The compiled row function of publication mode takes over the
plain rows of minimal mode; this is what it must agree with, and what takes every other row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any
from urllib.parse import unquote

from loaders.csvw.annotation import extra_column
from loaders.csvw.canonical import canonical, canonical_value
from loaders.csvw.cells import Cell, CellReader
from loaders.csvw.context import expand_name, resolve_template
from loaders.csvw.model import Column, Table, TableGroup, real_columns
from loaders.csvw.notes import triples
from loaders.csvw.templates import Template, Value, parse_template
from loaders.csvw.terms import CSVW, RDF, RDFS, XSD, is_iri, literal, writable

Warn = Callable[[str], None]
_TYPE = f"<{RDF}type>"
_NOTHING: tuple[None, ...] = ()
# Distinct texts remembered per column, and how long they may be: some megabytes at most.
_MEMO_SIZE, _MEMO_TEXT = 8192, 200
_COLUMN_NAMES = frozenset({"_name", "_column", "_sourceColumn"})


class Nodes:
    """Makes blank node labels that are used once."""

    def __init__(self) -> None:
        self._count = 0

    def __call__(self) -> str:
        self._count += 1
        return f"_:b{self._count}"


def group_lines(group: TableGroup, node: str, blank: Callable[[], str]) -> Iterator[str]:
    """Yield what standard mode says of the table group (4.2 steps 1 to 3)."""
    yield f"{node} {_TYPE} <{CSVW}TableGroup> .\n"
    yield from _annotations(node, group.common, group.notes, blank)


def table_lines(table: Table, group_node: str, node: str, blank: Callable[[], str]) -> Iterator[str]:
    """Yield what standard mode says of a table (4.2 steps 4.1 to 4.5)."""
    yield f"{group_node} <{CSVW}table> {node} .\n"
    yield f"{node} {_TYPE} <{CSVW}Table> .\n"
    yield f"{node} <{CSVW}url> <{table.url}> .\n"
    yield from _annotations(node, table.common, table.notes, blank)


def comment_lines(node: str, comments: Sequence[str]) -> Iterator[str]:
    """Yield the comments that stood between a table's rows (Tabular Data Model 8, step 9)."""
    for text in comments:
        yield from triples(node, RDFS + "comment", text, Nodes())


def _annotations(node: str, common: dict[str, Any], notes: Sequence[Any], blank: Callable[[], str]) -> Iterator[str]:
    for name, value in common.items():
        yield from triples(node, expand_name(name) or name, value, blank)
    for note in notes:
        yield from triples(node, CSVW + "note", note, blank)


class ColumnWriter:
    """One column's part in a row: how its cells are read, its templates expanded, its values written."""

    def __init__(self, column: Column, table: Table) -> None:
        self.column = column
        self.reader = CellReader(column, trim=table.dialect.trim if table.dialect else "false")
        self.about = _template(column.aboutUrl)
        self.about_varies = self.about is not None and not _COLUMN_NAMES.isdisjoint(self.about.names)
        self.property = _template(column.propertyUrl)
        self.value = _template(column.valueUrl)
        # What no cell takes part in is the same in every row.
        self.property_fixed = self.property is not None and _COLUMN_NAMES.issuperset(self.property.names)
        self.value_fixed = self.value is not None and _COLUMN_NAMES.issuperset(self.value.names)
        self.property_iri: str | None = None
        self.value_iri: str | None = None
        if self.property is None:
            self.property_iri = f"{table.url.partition('#')[0]}#{column.name}"
        self.canonical = canonical(column.datatype.base) is not None
        self._memo: dict[str, Cell] = {}
        self.virtual_cell = self.reader.read("") if column.virtual else Cell(None)
        self.names: dict[str, Value] = {"_name": unquote(column.name), "_column": str(column.number)}
        # Tabular Data Model 6.4 step 8: only strings have a language, however bad the cell.
        self.language = column.lang if column.lang != "und" and column.datatype.base == "string" else ""

    def read(self, text: str) -> Cell:
        """Return the cell that the text gives; texts repeat, so short ones are remembered."""
        found = self._memo.get(text)
        if found is None:
            found = self.reader.read(text)
            if len(text) <= _MEMO_TEXT:
                if len(self._memo) >= _MEMO_SIZE:
                    self._memo.clear()
                self._memo[text] = found
        return found

    def literal(self, text: str, bad: bool) -> str | None:
        """Return the term of a value; one that does not fit its datatype is a string (Tabular Data Model 6.4)."""
        if not writable(text):
            return None
        datatype = self.column.datatype
        if bad or (datatype.base == "string" and not datatype.id):
            return literal(text, language=self.language)
        return literal(text, datatype.iri)


class RowWriter:
    """Writes the rows of one annotated table (4.2 step 4.6)."""

    def __init__(
        self,
        table: Table,
        node: str,
        minimal: bool,
        blank: Callable[[], str],
        warn: Warn,
        width: int | None = None,
    ) -> None:
        self.table = table
        self.minimal = minimal
        self._node = node
        self._blank = blank
        self._warn = warn
        self._real = [ColumnWriter(column, table) for column in real_columns(table.schema.columns)]
        self._virtual = [ColumnWriter(column, table) for column in table.schema.columns if column.virtual]
        self._source = table.url.partition("#")[0]
        # Every row has the same number of cells (csv2rdf 2): as many as the header, or as the description.
        self._width = width or len(self._real) or None

    def row(self, cells: Sequence[str], number: int, source: int) -> list[str]:
        """Return the lines of a row; what is wrong with its cells goes to the warnings."""
        return self.lines(self.read(cells, source), number, source)

    def read(self, cells: Sequence[str], source: int) -> list[Cell]:
        """Return the row's cells, read as their columns say, those of virtual columns last."""
        while len(self._real) < len(cells):
            self._real.append(ColumnWriter(extra_column(self.table, len(self._real) + 1), self.table))
        self._width = self._width or len(cells)
        if len(cells) != self._width:
            self._warn(f"{self.table.url} row {source}: {len(cells)} cells instead of {self._width}")
        read = [writer.read(text) for writer, text in zip(self._real, cells, strict=False)]
        for writer, cell in zip(self._real, read, strict=False):
            for problem in cell.problems:
                place = f"{self.table.url} row {source}, column {writer.column.name}"
                self._warn(f"{place}: {problem.rule} ({problem.kind})")
        return read

    def constant_errors(self) -> Iterator[str]:
        """Yield what is wrong with the cells of virtual columns, which are the same in every row."""
        # What has a valueUrl is not missing, though no cell stands behind it.
        for writer in (each for each in self._virtual if each.value is None):
            for problem in writer.virtual_cell.problems:
                yield f"{self.table.url}: column {writer.column.name}: {problem.rule} ({problem.kind})"

    def values(self, read: Sequence[Cell]) -> dict[str, Value]:
        """Return the columns' values by name."""
        values = {writer.column.name: cell.value for writer, cell in zip(self._real, read, strict=False)}
        return values | {writer.column.name: writer.virtual_cell.value for writer in self._virtual}

    def variables(self, read: Sequence[Cell]) -> dict[str, Value]:
        """Return the columns' values in canonical form: as templates and keys take them (Metadata Vocabulary 5.1.3)."""
        cells = [*zip(self._real, read, strict=False), *((each, each.virtual_cell) for each in self._virtual)]
        return {
            writer.column.name: canonical_value(writer.column.datatype.base, cell.value, cell.bad)
            if writer.canonical
            else cell.value
            for writer, cell in cells
        }

    def lines(self, read: Sequence[Cell], number: int, source: int) -> list[str]:
        """Return the lines that the read cells of a row give."""
        lines: list[str] = []
        values = self.variables(read) | {"_row": str(number), "_sourceRow": str(source)}
        row = "" if self.minimal else self._row_lines(lines, read, number, source)
        default: str | None = None
        described: set[str] = set()
        # Most columns share their subject's template; it is expanded once a row.
        subjects: dict[str, str | None] = {}
        pairs = [*zip(self._real, read, strict=False), *((w, w.virtual_cell) for w in self._virtual)]
        for place, (writer, cell) in enumerate(pairs):
            if writer.column.suppress:
                continue
            # One mapping for the whole row: a copy for each of ten thousand columns would take minutes.
            scope = values
            scope.update(writer.names)
            # The position in the source file counts skipped columns (5.1.3); a virtual column has none there.
            scope["_sourceColumn"] = None if writer.column.virtual else str(place + 1 + self._skipped())
            if writer.about is None:
                subject = default = default or self._blank()
            else:
                if writer.about.text not in subjects or writer.about_varies:
                    subjects[writer.about.text] = self._iri(writer.about, scope, source)
                about = subjects[writer.about.text]
                if about is None:
                    continue
                subject = f"<{about}>"
            if row and subject not in described:
                described.add(subject)
                lines.append(f"{row} <{CSVW}describes> {subject} .\n")
            self._cell_lines(lines, writer, cell, subject, scope, source)
        return lines

    def _skipped(self) -> int:
        return self.table.dialect.skipColumns if self.table.dialect else 0

    def _row_lines(self, lines: list[str], read: Sequence[Cell], number: int, source: int) -> str:
        row, values = self._blank(), self.values(read) if self.table.schema.rowTitles else {}
        lines.append(f"{self._node} <{CSVW}row> {row} .\n")
        lines.append(f"{row} {_TYPE} <{CSVW}Row> .\n")
        lines.append(f'{row} <{CSVW}rownum> "{number}"^^<{XSD}integer> .\n')
        lines.append(f"{row} <{CSVW}url> <{self._source}#row={source}> .\n")
        for name in self.table.schema.rowTitles:
            value = values.get(name)
            writer = next((each for each in (*self._real, *self._virtual) if each.column.name == name), None)
            language = writer.language if writer is not None else ""
            for title in [value] if isinstance(value, str) else value or _NOTHING:
                if title is not None and writable(title):
                    lines.append(f"{row} <{CSVW}title> {literal(title, language=language)} .\n")
        return row

    def _cell_lines(
        self, lines: list[str], writer: ColumnWriter, cell: Cell, subject: str, scope: dict[str, Value], source: int
    ) -> None:
        column = writer.column
        value = cell.value
        if value is None and not (column.virtual and writer.value):
            return
        predicate = writer.property_iri
        if predicate is None and writer.property is not None:
            predicate = self._iri(writer.property, scope, source)
            writer.property_iri = predicate if writer.property_fixed else None
        if predicate is None:
            return
        start = f"{subject} <{predicate}> "
        if writer.value is not None:
            target = writer.value_iri or self._iri(writer.value, scope, source)
            if target is not None:
                lines.append(f"{start}<{target}> .\n")
                writer.value_iri = target if writer.value_fixed else None
            return
        texts = [value] if isinstance(value, str) else list(value or ())
        terms = [writer.literal(text, place in cell.bad) for place, text in enumerate(texts)]
        if None in terms:
            self._warn(f"{self.table.url} row {source}, column {column.name}: values.control-character")
        written = [term for term in terms if term is not None]
        if column.separator is not None and column.ordered:
            self._list(lines, start, written)
        else:
            lines.extend(f"{start}{term} .\n" for term in written)

    def _list(self, lines: list[str], start: str, terms: Sequence[str]) -> None:
        nodes = [*(self._blank() for _ in terms), f"<{RDF}nil>"]
        lines.append(f"{start}{nodes[0]} .\n")
        for node, term, following in zip(nodes, terms, nodes[1:], strict=False):
            lines.append(f"{node} <{RDF}first> {term} .\n")
            lines.append(f"{node} <{RDF}rest> {following} .\n")

    def _iri(self, template: Template, scope: dict[str, Value], source: int) -> str | None:
        """Expand, then take prefixed names apart, then resolve against the table's URL (Metadata Vocabulary 5.1.3)."""
        iri = resolve_template(template.expand(scope), self.table.url)
        if not is_iri(iri):
            self._warn(f"{self.table.url} row {source}: values.iri")
            return None
        return iri


def _template(text: str | None) -> Template | None:
    return None if text is None else parse_template(text)
