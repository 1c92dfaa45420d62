"""Converts and validates CSVW packages: what the command `torg csvw` does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from loaders.csvw.annotation import annotate
from loaders.csvw.cells import Cell
from loaders.csvw.context import is_language
from loaders.csvw.csv2rdf import Nodes, RowWriter, comment_lines, group_lines, table_lines
from loaders.csvw.discovery import load_package, referenced_table
from loaders.csvw.encodings import codec_name
from loaders.csvw.model import Dialect, ForeignKey, Table, TableGroup
from loaders.csvw.problems import CsvwError
from loaders.csvw.publication import TextFunction, compile_text
from loaders.csvw.resources import Fetch, Resources, Response
from loaders.csvw.tabular import TabularReader
from loaders.csvw.terms import CSVW, RDF, XSD, is_iri

PROV = "http://www.w3.org/ns/prov#"
_PROCESSOR = "https://w3id.org/torg"
_LISTED = 1000

Key = tuple[object, ...]


class Warnings(list[str]):
    """Warnings in order, at most a thousand of them, since one fault may be on every row; `more` counts the rest."""

    more = 0

    def add(self, message: str) -> None:
        """Keep the warning, or count it."""
        if len(self) < _LISTED:
            self.append(message)
        else:
            self.more += 1


@dataclass(slots=True)
class Conversion:
    """A package to be converted; `lines` may raise CsvwError until its end, and adds to `warnings`."""

    group: TableGroup
    resources: Resources
    minimal: bool
    provenance: bool
    warnings: Warnings
    started: datetime
    now: Callable[[], datetime]
    blank: Nodes = field(default_factory=Nodes)

    def lines(self) -> Iterator[str]:
        """Yield N-Triples: whole lines, one or several at a time."""
        node = f"<{self.group.id}>" if is_iri(self.group.id) else self.blank()
        if not self.minimal:
            yield from group_lines(self.group, node, self.blank)
        for table in self.group.tables:
            if not table.suppressOutput:
                yield from self._table(table, node)
        if self.provenance and not self.minimal:
            yield from self._activity(node)

    @property
    def has_keys(self) -> bool:
        """Whether a table of the package declares a primary or a foreign key."""
        return any(table.schema.primaryKey or table.schema.foreignKeys for table in self.group.tables)

    def _table(self, table: Table, group_node: str) -> Iterator[str]:
        response = self.resources.table(table.url)
        with response.body as body:
            table.dialect = _dialect(table, self.group, response)
            _take_language(table, response)
            reader = TabularReader(body, table.dialect, _of(table, self.warnings))
            for problem in annotate(table, reader):
                self.warnings.add(f"{table.url}: {problem}")
            node = f"<{table.id}>" if is_iri(table.id) else self.blank()
            if not self.minimal:
                yield from table_lines(table, group_node, node, self.blank)
            writer = RowWriter(table, node, self.minimal, self.blank, self.warnings.add, reader.width)
            text = self._text_function(table, writer)
            # Those of the head are annotations by now; the others are met between the rows.
            reader.comments.clear()
            number = 0
            for number, (source, cells) in enumerate(reader.rows(), 1):
                yield text(cells, number, source)
                if reader.comments:
                    yield from self._comments(reader, node)
            for error in writer.constant_errors() if number else ():
                self.warnings.add(error)
            yield from self._comments(reader, node)

    def _comments(self, reader: TabularReader, node: str) -> Iterator[str]:
        """Yield the comments met since the last time, in standard mode, and forget them."""
        if not self.minimal:
            yield from comment_lines(node, reader.comments)
        reader.comments.clear()

    def _text_function(self, table: Table, writer: RowWriter) -> TextFunction:
        """Return what maps a row: compiled in minimal mode, where the table has no more than the compiler knows."""

        def write(cells: Sequence[str], number: int, source: int) -> str:
            return "".join(writer.row(cells, number, source))

        if not self.minimal:
            return write
        try:
            return compile_text(table, write, self.blank().removeprefix("_:"))
        except CsvwError:
            return write

    def _activity(self, node: str) -> Iterator[str]:
        """Yield what is said of the conversion itself (csv2rdf 4.2, the note on provenance)."""
        activity = self.blank()
        yield f"{node} <{PROV}wasGeneratedBy> {activity} .\n"
        yield f"{activity} <{RDF}type> <{PROV}Activity> .\n"
        yield f"{activity} <{PROV}wasAssociatedWith> <{_PROCESSOR}> .\n"
        for name, moment in (("startedAtTime", self.started), ("endedAtTime", self.now())):
            yield f'{activity} <{PROV}{name}> "{moment.astimezone(UTC).isoformat()}"^^<{XSD}dateTime> .\n'
        used = [(table.url, "csvEncodedTabularData") for table in self.group.tables]
        if self.group.location:
            used.append((self.group.location, "tabularMetadata"))
        for iri, role in used:
            usage = self.blank()
            yield f"{activity} <{PROV}qualifiedUsage> {usage} .\n"
            yield f"{usage} <{RDF}type> <{PROV}Usage> .\n"
            yield f"{usage} <{PROV}entity> <{iri}> .\n"
            yield f"{usage} <{PROV}hadRole> <{CSVW}{role}> .\n"


@dataclass(slots=True)
class Validation:
    """What a validation found: errors of the specification, and warnings."""

    errors: list[str]
    warnings: list[str]

    @property
    def valid(self) -> bool:
        """Whether no error was found."""
        return not self.errors


def convert(
    input: str,
    *,
    metadata: str | None = None,
    minimal: bool = False,
    provenance: bool = True,
    base: str | None = None,
    root: Path | None = None,
    link: str | None = None,
    fetch: Fetch | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Conversion:
    """Return the conversion of a CSV file or metadata document, given by path or IRI.

    With `base` and `root`, IRIs beneath the base are read from the root; `link` stands for the Link header of the
    input. Raises CsvwError when the package is invalid.
    """
    warnings = Warnings()
    started = now()
    resources = Resources(base, root, fetch)
    group = _load(input, resources, warnings, metadata, link)
    return Conversion(group, resources, minimal, provenance, warnings, started, now)


def validate(
    input: str,
    *,
    metadata: str | None = None,
    base: str | None = None,
    root: Path | None = None,
    link: str | None = None,
    fetch: Fetch | None = None,
) -> Validation:
    """Return what is wrong with a package: metadata, columns, cells, primary and foreign keys (Metadata 6.4 to 6.6)."""
    warnings, errors = Warnings(), Warnings()
    resources = Resources(base, root, fetch)
    try:
        group = _load(input, resources, warnings, metadata, link)
        _Keys(group, resources, warnings, errors).check()
    except CsvwError as error:
        errors.add(error.problem)
    return Validation(errors, warnings)


def key_breaches(
    input: str,
    *,
    metadata: str | None = None,
    base: str | None = None,
    root: Path | None = None,
    link: str | None = None,
    fetch: Fetch | None = None,
) -> list[str]:
    """Return which primary and foreign keys a package breaks (Metadata 5.5), which a conversion tells but outlives."""
    resources, broken = Resources(base, root, fetch), Warnings()
    group = _load(input, resources, Warnings(), metadata, link)
    _Keys(group, resources, Warnings(), Warnings(), broken).check()
    return broken


def _load(input: str, resources: Resources, warnings: Warnings, metadata: str | None, link: str | None) -> TableGroup:
    iri = resources.iri(input)
    override = resources.iri(metadata) if metadata is not None else None
    return load_package(iri, resources, warnings.add, metadata=override, link=link)


def _dialect(table: Table, group: TableGroup, response: Response) -> Dialect:
    """Return the dialect of a table; without one, what its media type says (Tabular Data Model 6.1, step 3.2).

    The parsing model's default comment prefix is null (8), the one of a dialect description `#`: without a dialect no
    row is a comment.
    """
    if table.dialect or group.dialect:
        return table.dialect or group.dialect or Dialect()
    media_type, *parameters = (part.strip() for part in response.header("Content-Type").split(";"))
    dialect = Dialect(commentPrefix=None)
    if media_type.lower() == "text/tab-separated-values":
        dialect.delimiter = "\t"
    for parameter in parameters:
        name, _, value = (part.strip().strip('"') for part in parameter.partition("="))
        if name.lower() == "header" and value.lower() == "absent":
            dialect.header, dialect.headerRowCount = False, 0
        elif name.lower() == "charset" and codec_name(value):
            dialect.encoding = value
    return dialect


def _take_language(table: Table, response: Response) -> None:
    """Take the language that the Content-Language header names, when it is one and no other is said (6.1, step 3.4)."""
    language = response.header("Content-Language").strip()
    inherited = table.schema.inherited or table.inherited
    if not is_language(language) or "lang" in table.inherited:
        return
    table.inherited["lang"] = language
    if "lang" in inherited and inherited is not table.inherited:
        return
    inherited["lang"] = language
    for column in table.schema.columns:
        if column.lang == "und":
            column.lang = language


def _of(table: Table, warnings: Warnings) -> Callable[[str], None]:
    return lambda message: warnings.add(f"{table.url}: {message}")


class _Keys:
    """Reads every table once, checks cells and primary keys, then foreign keys over all tables."""

    def __init__(
        self,
        group: TableGroup,
        resources: Resources,
        warnings: Warnings,
        errors: Warnings,
        broken: Warnings | None = None,
    ) -> None:
        self.group = group
        self.resources = resources
        self.warnings = warnings
        self.errors = errors
        self.broken = errors if broken is None else broken
        self.referenced: dict[tuple[str, tuple[str, ...]], Counter[Key]] = {}
        self.referring: list[tuple[Table, ForeignKey, set[Key]]] = []

    def check(self) -> None:
        """Fill errors and warnings."""
        for table in self.group.tables:
            for key in table.schema.foreignKeys:
                target = referenced_table(self.group, key.resource, key.schemaReference)
                if target is not None:
                    self.referenced.setdefault((target.url, key.reference), Counter())
                self.referring.append((table, key, set()))
        for table in self.group.tables:
            self._table(table)
        for table, key, seen in self.referring:
            target = referenced_table(self.group, key.resource, key.schemaReference)
            counts = self.referenced.get((target.url, key.reference), Counter()) if target else Counter()
            wrong = sum(1 for values in seen if counts[values] != 1)
            if wrong:
                self.broken.add(f"{table.url}: {wrong} foreign keys refer to no row, or to several")

    def _table(self, table: Table) -> None:
        response = self.resources.table(table.url)
        with response.body as body:
            table.dialect = _dialect(table, self.group, response)
            _take_language(table, response)
            reader = TabularReader(body, table.dialect, _of(table, self.warnings), _of(table, self.errors))
            for problem in annotate(table, reader, validating=True):
                self.errors.add(f"{table.url}: {problem}")
            writer = RowWriter(table, "_:t", True, Nodes(), self.errors.add, reader.width)
            primary: set[Key] = set()
            source = 0
            for source, cells in reader.rows():
                self._row(table, writer, writer.read(cells, source), source, primary)
            for error in writer.constant_errors() if source else ():
                self.errors.add(error)

    def _row(self, table: Table, writer: RowWriter, read: Sequence[Cell], source: int, primary: set[Key]) -> None:
        values = writer.variables(read)
        if table.schema.primaryKey:
            key = tuple(values.get(name) for name in table.schema.primaryKey)
            if key in primary:
                self.broken.add(f"{table.url} row {source}: the primary key is not unique")
            primary.add(key)
        for (url, names), counts in self.referenced.items():
            if url == table.url:
                counts[tuple(values.get(name) for name in names)] += 1
        for owner, foreign, seen in self.referring:
            if owner is table:
                reference = tuple(values.get(name) for name in foreign.columns)
                if any(value is not None for value in reference):
                    seen.add(reference)
