"""From a dataset's description to N-Triples: its deliveries, and the rows of one delivery, streamed.

Every row of a source ends either in a yielded resource or in a finding; `LoadCounts` keeps the account.
"""

from __future__ import annotations

import fnmatch
import hashlib
import re
import tempfile
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NamedTuple

from loaders import headers, specification, wide
from loaders.concepts import ConceptIndex
from loaders.csvw import CellError, RowFunction, compile_table
from loaders.csvw.problems import CsvwError, kind_of
from loaders.csvw.templates import encode_simple
from loaders.derivations import Derivations
from loaders.description import Dataset, Join, is_address
from loaders.errors import DescriptionError, SourceError
from loaders.findings import Finding, Findings
from loaders.joining import joined
from loaders.linked import linked_metadata
from loaders.opening import Declared, open_table
from loaders.preparation import UNFIT, Preparation
from loaders.source import ColumnPlace, LoadCounts, Report, SourceFile, Table
from loaders.table import clean_header
from loaders.value_words import datatype_words

__all__ = ["Delivery", "LoadContext", "LoadCounts", "Origin", "SourceFile", "deliveries", "load"]

Fetch = Callable[[str], list[SourceFile]]
# A day in a name (20260131, 2026-01-31) tells its month.
_PERIOD = re.compile(r"(?<!\d)((?:19|20)\d\d)(?:([-_ .]?)(0[1-9]|1[0-2])(?:\2(?:0[1-9]|[12]\d|3[01]))?)?(?!\d)")
_METADATA = re.compile(r"(?:^|-)metadata\.json$")


class Origin(NamedTuple):
    """Where a row stands: number of the file within the delivery, sheet, row, and in a wide table the column."""

    file: int
    sheet: str
    row: int
    column: str = ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """Files that are loaded together into one graph: all of a full delivery, or those of one period."""

    period: str | None
    files: tuple[SourceFile, ...]


@dataclass(frozen=True, slots=True)
class LoadContext:
    """What a row's addresses depend on besides the row: the site, the publisher, the concepts."""

    base: str
    concept_base: str
    authority: str
    publisher_path: str
    concepts: ConceptIndex = field(default_factory=ConceptIndex)
    expand: Callable[[str], str] = encode_simple


def deliveries(dataset: Dataset, fetch: Fetch | None = None) -> list[Delivery]:
    """Return what is to be loaded: one delivery of all files, or one for each period, in order.

    Raises SourceError when a source is missing or its period cannot be seen. `fetch` gets the files of an address.
    """
    files: dict[str, SourceFile] = {}
    for source in dataset.sources:
        if is_address(source):
            if fetch is None:
                raise SourceError(Finding("source.not-fetched", dataset.key, source))
            found = _fetched(dataset, source, fetch)
        else:
            found = _local(dataset, source)
        if not found:
            raise SourceError(Finding("source.missing", dataset.key, source))
        files.update((file.name, file) for file in found)
    if not files:
        raise SourceError(Finding("source.none-given", dataset.key))
    beside = _beside(dataset, files)
    if not _by_period(dataset):
        return [Delivery(None, (*(files[name] for name in sorted(files)), *beside))]
    periods: dict[str, list[SourceFile]] = {}
    for name in sorted(files):
        # Metadata belongs to the period of the file that it describes.
        periods.setdefault(_period(dataset, files[name].describes or name), []).append(files[name])
    return [Delivery(period, (*periods[period], *beside)) for period in sorted(periods)]


def load(
    dataset: Dataset,
    delivery: Delivery,
    context: LoadContext,
    findings: Findings,
    counts: LoadCounts | None = None,
) -> Iterator[tuple[str, Origin, list[str]]]:
    """Yield (subject, origin, N-Triples lines) of each row; findings and counts are filled on the way.

    Raises SourceError when a source cannot be read at all or holds personal data it should not, DescriptionError when
    dataset.toml or the specification has a fault.
    """
    report = Report(findings, counts if counts is not None else LoadCounts())
    for number, file in enumerate(delivery.files):
        if not file.describes and (dataset.join is None or file.name != dataset.join.source):
            yield from _File(dataset, delivery, number, context, report).rows()


class _File:
    """One file on its way through the mapping."""

    def __init__(self, dataset: Dataset, delivery: Delivery, number: int, context: LoadContext, report: Report) -> None:
        file = delivery.files[number]
        self.dataset = dataset
        self.beside = delivery.files
        self.file = file
        self.number = number
        self.context = context
        self.report = report
        linked = next((each.path for each in delivery.files if each.describes == file.name), None)
        self.document = specification.description(dataset, file.name, linked)
        self.columns = specification.columns(self.document)
        self.derivations = Derivations(context.authority, context.concepts, context.expand)

    def rows(self) -> Iterator[tuple[str, Origin, list[str]]]:
        """Yield what the file's rows become."""
        with tempfile.TemporaryDirectory(prefix="torg-") as scratch:
            yield from self._rows(Path(scratch))

    def _rows(self, scratch: Path) -> Iterator[tuple[str, Origin, list[str]]]:
        dataset, report = self.dataset, self.report
        said = Declared(
            dataset.encoding, dataset.sheet, dataset.items, dataset.header_row, dataset.dialect, charset(self.file)
        )
        recognise = wide.recogniser(headers.recogniser(self.columns, dataset.columns), dataset.wide)
        source = open_table(self.file.path, self.file.name, recognise, report, scratch, said)
        if dataset.join:
            source = self._joined(source, dataset.join, scratch)
        if dataset.wide:
            source = wide.melt(source, dataset.wide)
        constants = specification.absent_values(self.columns, self.context.authority) | dataset.constants
        matched = headers.match(source, self.columns, dataset.columns, constants, report)
        preparation = Preparation(self.document, source, matched, constants, report, dataset.waivers)
        function = self._compiled(preparation)
        report.counts.places[self.number] = self._places(preparation)
        before, read = report.counts.rows_out, report.counts.rows_in
        yield from self._mapped(source, preparation, function)
        preparation.finish()
        for finding in self.derivations.findings():
            report.tell(self._placed(finding, source, preparation))
        for coverage in self.derivations.covered(report.counts.rows_in - read):
            coverage.column = preparation.header_of(coverage.column)
            report.counts.coverage.append(coverage)
        if report.counts.rows_out == before:
            raise SourceError(Finding("source.nothing-mapped", file=source.file, sheet=source.sheet))

    def _joined(self, source: Table, join: Join, scratch: Path) -> Table:
        """Return the table with the columns of the file that [join] names."""
        other = next((file for file in self.beside if file.name == join.source), None)
        if other is None:
            raise SourceError(Finding("source.missing", self.dataset.key, join.source))

        def recognise(cells: Sequence[str]) -> int:
            return len({join.theirs, *join.take} & {clean_header(cell) for cell in cells})

        place = scratch / "joined"
        place.mkdir()
        return joined(source, open_table(other.path, other.name, recognise, self.report, place), join, self.report)

    def _compiled(self, preparation: Preparation) -> RowFunction:
        context = self.context
        described = specification.compiled_from(
            self.document, self.dataset, context.base, context.concept_base, preparation.separators
        )
        compile_ = partial(
            compile_table,
            base=context.base,
            file_url=self._url,
            constants={
                "authority": context.authority,
                "publisher": context.base + context.publisher_path,
                "dataset": self.dataset.name,
            },
            derivations=self.derivations.factories(),
            expand=context.expand,
            once=True,
        )
        if not self.dataset.specification:
            for problem in dict.fromkeys(described.warnings):
                self.report.tell(Finding("csvw.warning", file=self.file.name, detail=(("problem", problem),)))
        try:
            return compile_(described, preparation.positions)
        except CsvwError as error:
            detail = (("fault", error.problem),)
            raise DescriptionError(Finding("description.broken-mapping", self.dataset.key, detail=detail)) from None

    def _places(self, preparation: Preparation) -> dict[str, ColumnPlace]:
        """Return where the values of each property stand."""
        names = specification.property_columns(self.document, self.context.base, self.context.concept_base, self._url)
        found = {property: preparation.place_of(name) for property, name in names.items()}
        return {property: place for property, place in found.items() if place is not None}

    @property
    def _url(self) -> str:
        return f"{self.context.base}id/dataset/{self.dataset.key}"

    def _mapped(
        self, source: Table, preparation: Preparation, function: RowFunction
    ) -> Iterator[tuple[str, Origin, list[str]]]:
        report, number, sheet, make = self.report, self.number, source.sheet, tuple.__new__
        counts = report.counts
        for row, cells in preparation.rows(source.rows(self.report)):
            subject, lines, errors = function(cells, row, row)
            if errors or not subject:
                self._tell(errors, not subject, preparation, row, cells)
            if subject:
                counts.rows_out += 1
                # A named tuple made by its class costs twice as much, and there is one for each row.
                yield subject, make(Origin, (number, sheet, row, report.column)), lines

    def _tell(
        self, errors: Sequence[CellError], lost: bool, preparation: Preparation, row: int, cells: list[str]
    ) -> None:
        """Add a finding for each error of a row; a row without a resource has one at least."""
        if lost:
            self.report.counts.rows_told += 1
            errors = errors or [CellError("values.key", "", "empty", True)]
        for column in {error.column for error in errors if error.rule.startswith("concepts.")}:
            self.derivations.miss(column, preparation.text_of(column, cells))
        for error in errors:
            text = preparation.text_of(error.column, cells)
            # The mark of an unfit value is ours; the kind is told of what stands in the source.
            kind = kind_of(text[1:]) if text.startswith(UNFIT) else error.kind
            detail = self.derivations.detail(error.column, text) if error.rule.startswith("concepts.") else ()
            if error.rule == "values.datatype":
                described = next((each for each in self.columns if each["name"] == error.column), {})
                detail = datatype_words(described)
            self.report.tell(
                Finding(error.rule, file=preparation.file, sheet=preparation.sheet, row=row,
                        column=preparation.header_of(error.column), kind=kind, detail=detail)
            )  # fmt: skip

    def _placed(self, finding: Finding, source: Table, preparation: Preparation) -> Finding:
        return Finding(
            finding.rule,
            file=source.file,
            sheet=source.sheet,
            column=preparation.header_of(finding.column),
            count=finding.count,
            detail=finding.detail,
        )


def _fetched(dataset: Dataset, source: str, fetch: Fetch) -> list[SourceFile]:
    """Return the files of an address, and the CSVW metadata it links to when the dataset has no other description."""
    found = fetch(source)
    if found and not dataset.specification and specification.metadata_file(dataset, found[0].name) is None:
        metadata = linked_metadata(source, found[0], fetch)
        if metadata is not None:
            found = [*found, metadata]
    return found


def charset(file: SourceFile) -> str:
    """Return the encoding that the answer's Content-Type names, "" without one (RFC 9110 8.3.2)."""
    found = re.search(r";\s*charset\s*=\s*\"?([^\s;\"]+)", file.header("Content-Type"), re.IGNORECASE)
    return found[1] if found else ""


def _beside(dataset: Dataset, files: dict[str, SourceFile]) -> list[SourceFile]:
    """Take the file of [join] out of the sources: it is delivered with them, and has no rows of its own."""
    if dataset.join is None:
        return []
    found = [file for file in _local(dataset, dataset.join.source) if file.name == dataset.join.source]
    if not found:
        raise SourceError(Finding("source.missing", dataset.key, dataset.join.source))
    files.pop(dataset.join.source, None)
    return found


def _local(dataset: Dataset, pattern: str) -> list[SourceFile]:
    """Return the files of the dataset's folder that a name or pattern means, hidden files and descriptions left out."""
    # macOS writes names decomposed (NFD), everyone else composed: å in a pattern must find both.
    wanted = unicodedata.normalize("NFC", pattern)
    found = []
    for path in sorted(dataset.folder.rglob("*")):
        name = unicodedata.normalize("NFC", path.relative_to(dataset.folder).as_posix())
        if name == wanted or (fnmatch.fnmatchcase(name, wanted) and not _set_apart(name)):
            if path.is_file():
                # A link out of the folder could publish any file that torg may read.
                if not path.resolve().is_relative_to(dataset.folder.resolve()):
                    raise SourceError(Finding("source.link-outside", dataset.key, name))
                found.append(SourceFile(name, path, file_hash(path)))
    return found


def _set_apart(name: str) -> bool:
    last = name.rsplit("/", 1)[-1]
    return last.startswith((".", "~$")) or last == "dataset.toml" or _METADATA.search(last) is not None


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _by_period(dataset: Dataset) -> bool:
    if dataset.delivery is not None:
        return dataset.delivery == "period"
    if dataset.specification is None:
        return False
    return specification.description(dataset).get(specification.DELIVERY) == "period"


def _period(dataset: Dataset, name: str) -> str:
    """Return the period a file's name tells; dataset.toml's own word stands in when it has none."""
    found = _PERIOD.findall(name)
    if found:
        year, _, month = max(found, key=lambda hit: bool(hit[2]))
        return f"{year}-{month}" if month else str(year)
    if dataset.period is None:
        raise SourceError(Finding("source.period-missing", dataset.key, name))
    return dataset.period
