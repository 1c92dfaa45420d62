"""Make a source's rows ready for the mapping: cells split, constants added, values in canonical form, persons withheld.

Only what a source needs is done per row; a file that follows its specification to the letter passes untouched.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

from loaders.column_formats import NUMBERS, chosen_format, datatype, kept_type
from loaders.composition import Compose, composer
from loaders.csvw.problems import kind_of
from loaders.description import DESCRIPTION_FILE, ColumnChange
from loaders.errors import DescriptionError
from loaders.findings import Finding, Findings
from loaders.geometry import SWEREF_99_TM, known_crs
from loaders.headers import HeaderMatch
from loaders.nameless import Nameless, nameless
from loaders.positions import Coordinates, are_projected, coordinate_columns, seem_swapped, split_position
from loaders.screening import Screening
from loaders.source import ColumnPlace, Report, Row, Table
from loaders.specification import columns, null_tokens

# Formats, sheets and screens are judged by this many rows; what the rows after them say otherwise is a finding.
SAMPLE = 2_000
# Columns whose persons' numbers are withheld cell by cell are screened in the sample and in every 64th row after it.
_STRIDE = 63
MEMO_SIZE = 50_000
# Marks a value that its column's format does not read, so that no other reading of it is ever taken: a noncharacter,
# which neither a number nor a date can hold.
UNFIT = "\ufdd0"
_FLOAT = re.compile(r"[0-9]+\.0")
_SPLIT = re.compile(r"\s*(\d[\d.\-]*)(?:\s*[-–:]\s+|\s+|$)(.*)", re.DOTALL)


Divide = Callable[[str], tuple[str, str] | None]


class _Memo(dict[str, str]):
    """Keeps what a function gave for the texts met lately."""

    def __init__(self, function: Callable[[str], str]) -> None:
        super().__init__()
        self._function = function
        self[""] = ""

    def __missing__(self, text: str) -> str:
        value = self._function(text)
        if len(self) >= MEMO_SIZE:
            self.clear()
            self[""] = ""
        if len(text) <= 200:
            self[text] = value
        return value


class Preparation:
    """What is done to each row of one file before it is mapped."""

    def __init__(
        self,
        document: Mapping[str, Any],
        table: Table,
        matched: HeaderMatch,
        constants: Mapping[str, str],
        report: Report,
        waived: Collection[str] = (),
    ) -> None:
        self._document = document
        self._table = table
        self._matched = matched
        self._report = report
        self.positions = dict(matched.positions)
        self._splits: list[tuple[int, str, Divide]] = []
        self._constants: list[str] = []
        self._composed: list[tuple[int, Compose]] = []
        self._place_added_cells(constants)
        self._sample = [cells for _, cells in islice(table.rows(Report(Findings())), SAMPLE)]
        self._formats: list[tuple[int, _Memo, type[str]]] = []
        self._filters: list[tuple[int, _Memo]] = []
        self._screening = Screening(document, columns(document), table, self.positions, report, waived)
        self._coordinates: list[Coordinates] = []
        self._swapped: tuple[int, int] | None = None
        projected = self._prepare_coordinates()
        self._screening.watch(self._sample)
        for column in columns(document):
            self._prepare(column, projected)
        self._screening.screen_undeclared(matched.undeclared)
        self._nameless = nameless(document, columns(document), self.positions)
        self._lost: dict[Nameless, int] = {}  # values without a subject

    @property
    def separators(self) -> dict[str, str]:
        """What parts the values of a list in one cell, by column, where the steward says so."""
        return {name: change.separator for name, change in self._matched.changes.items() if change.separator}

    def header_of(self, column: str) -> str:
        """Return the source's own header of a column, which its steward knows; else the column's name."""
        place = self.positions.get(column, len(self._table.headers))
        return self._table.headers[place] if place < len(self._table.headers) else column

    def place_of(self, column: str) -> ColumnPlace | None:
        """Return where a column's values stand, None when they stand in no column of a file."""
        place = self.positions.get(column)
        split = next((at for at, names in self._matched.splits.items() if column in names), place)
        if place is None or split is None or split >= len(self._table.headers):
            return None
        header = self._table.headers[split]
        if header not in self._table.elsewhere:
            return ColumnPlace(self._table.file, header)
        file, name = self._table.elsewhere[header]
        if file == DESCRIPTION_FILE:
            return None
        return ColumnPlace(file, name, aside=True) if file else ColumnPlace(self._table.file, "")

    def _header_at(self, place: int) -> str:
        """Return the header of a cell, its column's name when the cell was added to the source's own."""
        return self.header_of(next(name for name, other in self.positions.items() if other == place))

    def text_of(self, column: str, cells: list[str]) -> str:
        """Return the text of a column in a prepared row, "" when the row has none."""
        place = self.positions.get(column, len(cells))
        return cells[place] if place < len(cells) else ""

    @property
    def file(self) -> str:
        """The file that the rows stand in, with the archive around it."""
        return self._table.file

    @property
    def sheet(self) -> str:
        """The sheet that the rows stand in."""
        return self._table.sheet

    def rows(self, rows: Iterator[Row]) -> Iterator[Row]:
        """Yield the rows prepared, each in place."""
        screening = self._screening
        screens, declared = [*screening.undeclared, *screening.excused], screening.declared
        guard = screening.guard
        splits, constants, filters, formats = self._splits, self._constants, self._filters, self._formats
        coordinates, swapped, composed = self._coordinates, self._swapped, self._composed
        without_key = [(named, named.key_place, named.key_nulls) for named in self._nameless]
        watched, harmless, short = guard.looked_up(), guard.harmless, guard.short
        work = (screens, declared, splits, constants, filters, formats, coordinates, swapped, watched, without_key)
        if not any(work):
            yield from rows
            return
        for number, cells in rows:
            screening.row = number
            for place, screen in screens:
                screen.look(cells[place], number)
            if number & _STRIDE == 0 or number <= SAMPLE:
                for place, screen in declared:
                    screen.look(cells[place], number)
            for place, header, divide in splits:
                cells += self._split(cells[place], header, divide)
            if constants:
                cells += constants
                for place, compose in composed:
                    cells[place] = compose(cells)
            unknown = watched is not None and not harmless.issuperset(watched(cells))
            for place, least in short:
                if len(cells[place]) > least:
                    unknown = True
            if unknown and screening.withhold(cells, self._header_at):
                continue
            for place, memo in filters:
                cells[place] = memo[cells[place]]
            for place, memo, kept in formats:
                if type(cells[place]) is not kept:
                    cells[place] = memo[cells[place]]
            for named, key_place, blank in without_key:
                # Asked of every row, so nearly all must pass without a call.
                if (key_place is None or cells[key_place] in blank) and named.loses(cells):
                    self._lost[named] = self._lost.get(named, 0) + 1
                    if named.key_place is not None:
                        self._tell_nameless(named, number, 1)
            for pair in coordinates:
                pair.row(cells)
            if swapped and seem_swapped(cells[swapped[0]], cells[swapped[1]]):
                self._tell("source.coordinates-swapped", self._table.headers[swapped[0]], "")
            yield number, cells

    def finish(self) -> None:
        """Tell what is true of whole columns; raise SourceError when one turned out to hold persons' numbers."""
        for named, count in self._lost.items():
            if named.key_place is None:
                self._tell_nameless(named, None, count)
        self._screening.finish()

    def _place_added_cells(self, constants: Mapping[str, str]) -> None:
        """Give split and constant columns places after the source's own."""
        free = len(self._table.headers)
        for place, names in self._matched.splits.items():
            self._splits.append((place, self._table.headers[place], self._divider(names)))
            for name in names:
                self.positions[name] = free
                free += 1
        for name, value in constants.items():
            if name not in self.positions:
                self.positions[name] = free
                self._constants.append(value)
                if "{" in value and (compose := composer(value, self._table)):
                    self._composed.append((free, compose))
                free += 1

    def _prepare_coordinates(self) -> frozenset[str]:
        """Find the coordinate columns; return their names when they are metres to be turned into degrees."""
        names = coordinate_columns(columns(self._document))
        if names is None or any(name not in self.positions for name in names):
            return frozenset()
        latitude, longitude = (self.positions[name] for name in names)
        if max(latitude, longitude) >= len(self._table.headers):
            return frozenset()
        self._swapped = (latitude, longitude)
        declared = {change.crs for name in names if (change := self._matched.changes.get(name)) and change.crs}
        crs = next(iter(declared), "")
        if not crs:
            if not are_projected([(cells[latitude], cells[longitude]) for cells in self._sample]):
                return frozenset()
            crs = SWEREF_99_TM
            detail = (("crs", crs),)
            self._report.tell(self._finding("source.coordinates-converted", self._table.headers[latitude], detail))
        elif not known_crs(crs):
            raise DescriptionError(
                Finding("description.wrong-value", file="dataset.toml", detail=(("key", f"columns.….crs = {crs}"),
                        ("expected_sv", "ett känt referenssystem, som ”EPSG:3011”"),
                        ("expected_en", "a known reference system, as “EPSG:3011”")))
            )  # fmt: skip
        self._coordinates.append(Coordinates(latitude, longitude, crs, UNFIT, self._tell_at))
        return frozenset(names)

    def _tell_at(self, rule: str, header: str) -> None:
        self._tell(rule, header, "")

    def _prepare(self, column: Mapping[str, Any], projected: frozenset[str]) -> None:
        name = str(column["name"])
        place = self._matched.positions.get(name)
        if place is None or place in self._matched.splits:
            return
        change = self._matched.changes.get(name)
        nulls = null_tokens(self._document, column) | frozenset(change.null if change else ())
        base, _ = datatype(column)
        if name in projected:
            return
        if base in NUMBERS or base == "date":
            self._prepare_format(column, place, change, nulls)
        elif base == "string" and self._are_floats(place, nulls):
            self._report.tell(self._finding("source.whole-numbers", self._table.headers[place], ()))
            self._filters.append((place, _Memo(lambda text: text[:-2] if _FLOAT.fullmatch(text) else text)))
        if change and base not in NUMBERS and base != "date":
            self._prepare_text(place, change)
        if column.get("suppressOutput") is True:
            return
        if filter_ := self._screening.screen(column, place):
            self._filters.append((filter_[0], _Memo(filter_[1])))

    def _prepare_format(
        self, column: Mapping[str, Any], place: int, change: ColumnChange | None, nulls: frozenset[str]
    ) -> None:
        whole = len(self._sample) < SAMPLE
        chosen = chosen_format(column, place, change, nulls, self._table, self._sample, whole, self._report)
        if chosen:
            normalise = chosen.normalise
            memo = _Memo(lambda text: text if text in nulls else normalise(text) or UNFIT + text)
            self._formats.append((place, memo, kept_type(datatype(column)[0])))

    def _prepare_text(self, place: int, change: ColumnChange) -> None:
        """Take away declared nulls; give codes back the zeros a spreadsheet took, when `format` shows their width."""
        tokens = frozenset(change.null)
        width = len(change.format) if set(change.format) == {"0"} else 0
        if not tokens and not width:
            return

        def text_of(text: str) -> str:
            if text in tokens:
                return ""
            return text.rjust(width, "0") if text.isascii() and text.isdigit() else text

        self._filters.append((place, _Memo(text_of)))

    def _are_floats(self, place: int, nulls: frozenset[str]) -> bool:
        """Tell whether every code of a column ends in ".0": programs that take codes for numbers write them so."""
        texts = [text for cells in self._sample if (text := cells[place]) not in nulls]
        return bool(texts) and all(map(_FLOAT.fullmatch, texts))

    def _tell_nameless(self, named: Nameless, row: int | None, count: int) -> None:
        finding = self._finding(named.rule, self.header_of(named.column), (("key", self.header_of(named.key)),))
        self._report.tell(replace(finding, row=row, count=count))

    def _divider(self, names: tuple[str, str]) -> Divide:
        """Return how a cell is divided: a position into its degrees, anything else into number and text."""
        pair = coordinate_columns(columns(self._document))
        if pair and set(names) == set(pair):
            return split_position(names[0] == pair[0])
        return _number_and_text

    def _split(self, text: str, header: str, divide: Divide) -> tuple[str, str]:
        if not text.strip():
            return "", ""
        divided = divide(text)
        if divided is None:
            self._tell("source.not-split", header, kind_of(text))
            return "", text.strip() if divide is _number_and_text else ""
        return divided

    def _tell(self, rule: str, header: str, kind: str) -> None:
        self._report.tell(
            Finding(
                rule, file=self._table.file, sheet=self._table.sheet, row=self._screening.row, column=header, kind=kind
            )
        )

    def _finding(self, rule: str, header: str, detail: tuple[tuple[str, str], ...]) -> Finding:
        return Finding(rule, file=self._table.file, sheet=self._table.sheet, column=header, detail=detail)


def _number_and_text(text: str) -> tuple[str, str] | None:
    hit = _SPLIT.fullmatch(text)
    return (hit[1].strip(".-"), hit[2].strip()) if hit else None
