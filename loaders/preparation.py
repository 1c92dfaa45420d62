"""Make a source's rows ready for the mapping: cells split, constants added, values in canonical form, persons withheld.

Only what a source needs is done per row; a file that follows its specification to the letter passes untouched.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from itertools import islice
from typing import Any

from loaders import privacy, value_formats, withholding
from loaders.composition import Compose, composer
from loaders.csvw.problems import kind_of
from loaders.description import ColumnChange
from loaders.errors import DescriptionError, SourceError
from loaders.findings import Finding, Findings
from loaders.geometry import SWEREF_99_TM, known_crs
from loaders.headers import HeaderMatch, is_unnamed
from loaders.positions import Coordinates, are_projected, coordinate_columns, seem_swapped, split_position
from loaders.source import DateCell, NumberCell, Report, Row, Table
from loaders.specification import DERIVE, PRIVACY, columns, null_tokens

# Formats, sheets and screens are judged by this many rows; what the rows after them say otherwise is a finding.
SAMPLE = 2_000
# Columns that the specification declares are screened in the sample and in every 64th row after it.
_STRIDE = 63
MEMO_SIZE = 50_000
_NUMBERS = frozenset(
    """decimal number double float integer long int short byte nonNegativeInteger positiveInteger unsignedLong
    unsignedInt unsignedShort unsignedByte nonPositiveInteger negativeInteger""".split()
)
# Values that no person's number can pass for; a column of whole numbers or of addresses may hold them.
_WITHOUT_PERSONS = frozenset("date dateTime datetime dateTimeStamp time boolean gYear gYearMonth duration".split())
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
    ) -> None:
        self._document = document
        self._table = table
        self._matched = matched
        self._report = report
        self._row = 0
        self.positions = dict(matched.positions)
        self._splits: list[tuple[int, str, Divide]] = []
        self._constants: list[str] = []
        self._composed: list[tuple[int, Compose]] = []
        self._place_added_cells(constants)
        self._sample = list(islice(table.rows(Report(Findings())), SAMPLE))
        self._formats: list[tuple[int, _Memo, type[str]]] = []
        self._filters: list[tuple[int, _Memo]] = []
        self._screens: list[tuple[int, privacy.Screen]] = []
        self._declared_screens: list[tuple[int, privacy.Screen]] = []
        self._guard = withholding.Guard()
        self._coordinates: list[Coordinates] = []
        self._swapped: tuple[int, int] | None = None
        projected = self._prepare_coordinates()
        self._prepare_guards()
        for column in columns(document):
            self._prepare(column, projected)
        for place in matched.undeclared:
            self._screens.append((place, privacy.Screen(table.headers[place])))

    @property
    def separators(self) -> dict[str, str]:
        """What parts the values of a list in one cell, by column, where the steward says so."""
        return {name: change.separator for name, change in self._matched.changes.items() if change.separator}

    def header_of(self, column: str) -> str:
        """Return the source's own header of a column, which its steward knows; else the column's name."""
        place = self.positions.get(column, len(self._table.headers))
        return self._table.headers[place] if place < len(self._table.headers) else column

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
        screens, declared = self._screens, self._declared_screens
        splits, constants, filters, formats = self._splits, self._constants, self._filters, self._formats
        coordinates, swapped, composed = self._coordinates, self._swapped, self._composed
        watched, harmless, short = self._guard.looked_up(), self._guard.harmless, self._guard.short
        least = withholding.LEAST
        if not (screens or declared or splits or constants or filters or formats or coordinates or swapped or watched):
            yield from rows
            return
        for number, cells in rows:
            self._row = number
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
            for place in short:
                if len(cells[place]) > least:
                    unknown = True
            if unknown and self._withhold(cells):
                continue
            for place, memo in filters:
                cells[place] = memo[cells[place]]
            for place, memo, kept in formats:
                if type(cells[place]) is not kept:
                    cells[place] = memo[cells[place]]
            for pair in coordinates:
                pair.row(cells)
            if swapped and seem_swapped(cells[swapped[0]], cells[swapped[1]]):
                self._tell("source.coordinates-swapped", self._table.headers[swapped[0]], "")
            yield number, cells

    def finish(self) -> None:
        """Raise SourceError when a column turned out to hold persons' numbers."""
        for screens, rule in (
            (self._screens, "personal.undeclared-column"),
            (self._declared_screens, "personal.declared-column"),
        ):
            for _, screen in screens:
                if screen.alarms:
                    raise screen.alarm(rule, self._table.file, self._table.sheet)
                if screen.filled and is_unnamed(screen.column):
                    self._report.tell(self._finding("source.undeclared-column", screen.column, ()))

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

    def _prepare_guards(self) -> None:
        """Watch every column whose text may be published, wherever its cells come from."""
        described = columns(self._document)
        keys = withholding.keys(self._document, described)
        for column in described:
            name = str(column["name"])
            place = self.positions.get(name)
            base, _ = _datatype(column)
            idle = column.get("suppressOutput") is True and name not in keys and DERIVE not in column
            if place is None or idle or not withholding.is_used(column) or base in _NUMBERS | _WITHOUT_PERSONS:
                continue
            sample = [cells[place] for _, cells in self._sample] if place < len(self._table.headers) else []
            self._guard.watch(place, sample, name in keys)

    def _withhold(self, cells: list[str]) -> bool:
        """Blank the cells that hold a person's number; True when one is part of an address, so that the row is lost."""
        found = self._guard.found(cells)
        lost = [place for place in found if place in self._guard.keys]
        for place in found:
            header = self.header_of(next(name for name, other in self.positions.items() if other == place))
            if place in lost:
                finding = replace(self._finding("personal.number-in-key", header, ()), row=self._row)
                (self._report.lose if place == lost[0] else self._report.tell)(finding)
            else:
                self._tell("personal.number-in-text", header, "personnummer")
            cells[place] = ""
        return bool(lost)

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
            if not are_projected([(cells[latitude], cells[longitude]) for _, cells in self._sample]):
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
        base, bounded = _datatype(column)
        if name in projected:
            return
        if base in _NUMBERS or base == "date":
            self._prepare_format(column, name, place, base, bounded, change, nulls)
        elif base == "string" and self._are_floats(place, nulls):
            self._report.tell(self._finding("source.whole-numbers", self._table.headers[place], ()))
            self._filters.append((place, _Memo(lambda text: text[:-2] if _FLOAT.fullmatch(text) else text)))
        if change and base not in _NUMBERS and base != "date":
            self._prepare_text(place, change)
        if column.get("suppressOutput") is True:
            return
        match column.get(PRIVACY):
            case "free-text":
                self._filters.append((place, _Memo(privacy.free_text_filter(name, self._tell_text(place)))))
            case None | "public" if base not in _WITHOUT_PERSONS:
                screen = privacy.Screen(self._table.headers[place], withheld=self._guard.withholds(place))
                self._declared_screens.append((place, screen))

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
        texts = [text for _, cells in self._sample if (text := cells[place]) not in nulls]
        return bool(texts) and all(map(_FLOAT.fullmatch, texts))

    def _prepare_format(
        self,
        column: Mapping[str, Any],
        name: str,
        place: int,
        base: str,
        fits: Callable[[str], bool],
        change: ColumnChange | None,
        nulls: frozenset[str],
    ) -> None:
        """Choose how the column's values are written: as declared, or as all of them show without doubt."""
        header = self._table.headers[place]
        # What a workbook keeps as a number or a date is canonical already, however the texts beside it are written.
        kept = DateCell if base == "date" else NumberCell
        if change and change.declares_format:
            chosen = _declared_format(change, base)
        elif _described_format(column, base):
            return
        else:
            formats = value_formats.DATE_FORMATS if base == "date" else value_formats.NUMBER_FORMATS
            values = [
                text for _, cells in self._sample if not isinstance(text := cells[place], kept) and text not in nulls
            ]
            detection = value_formats.detect(values, formats, fits)
            if not detection.settled and len(self._sample) == SAMPLE:
                detection = value_formats.detect(self._odd_values(place, nulls, values), formats, fits)
            if not detection.fitting:
                return
            if len(detection.fitting) > 1:
                raise SourceError(self._ambiguous(header, name, detection.fitting))
            chosen = detection.fitting[0]
            if detection.identical:
                return
            self._report.tell(self._finding("source.format-detected", header, (("format", chosen.name),)))
        normalise = chosen.normalise
        memo = _Memo(lambda text: text if text in nulls else normalise(text) or UNFIT + text)
        self._formats.append((place, memo, kept))

    def _odd_values(self, place: int, nulls: frozenset[str], sample: Iterable[str]) -> Iterator[str]:
        """Yield the sample, and those values of the whole file that may settle a format: plain digits cannot."""
        yield from sample
        seen = 0
        for _, cells in self._table.rows(Report(Findings())):
            text = cells[place]
            if not text.isdigit() and text not in nulls and not isinstance(text, NumberCell | DateCell):
                yield text
                seen += 1
                if seen > MEMO_SIZE:
                    return

    def _ambiguous(self, header: str, name: str, fitting: Iterable[value_formats.Format]) -> Finding:
        names = [form.name for form in fitting]
        words = [name_ if "=" in name_ else f'format = "{name_}"' for name_ in names]
        line = f'"{header}" = {{ column = "{name}", {words[0]} }}'
        return self._finding("source.ambiguous-format", header, (("formats", " / ".join(names)), ("line", line)))

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

    def _tell_text(self, place: int) -> Callable[[str, str], None]:
        return lambda rule, kind: self._tell(rule, self._table.headers[place], kind)

    def _tell(self, rule: str, header: str, kind: str) -> None:
        self._report.tell(
            Finding(rule, file=self._table.file, sheet=self._table.sheet, row=self._row, column=header, kind=kind)
        )

    def _finding(self, rule: str, header: str, detail: tuple[tuple[str, str], ...]) -> Finding:
        return Finding(rule, file=self._table.file, sheet=self._table.sheet, column=header, detail=detail)


def _number_and_text(text: str) -> tuple[str, str] | None:
    hit = _SPLIT.fullmatch(text)
    return (hit[1].strip(".-"), hit[2].strip()) if hit else None


def _datatype(column: Mapping[str, Any]) -> tuple[str, Callable[[str], bool]]:
    """Return a column's base datatype and the test whether a canonical value is within its bounds."""
    said = column.get("datatype", "string")
    if isinstance(said, str):
        return said, lambda text: True
    least = said.get("minimum", said.get("minInclusive"))
    most = said.get("maximum", said.get("maxInclusive"))

    def fits(text: str) -> bool:
        try:
            value = Decimal(text)
        except ArithmeticError:
            return True
        return (least is None or value >= Decimal(str(least))) and (most is None or value <= Decimal(str(most)))

    return str(said.get("base", "string")), fits if base_is_number(said) else (lambda text: True)


def base_is_number(datatype: Mapping[str, Any]) -> bool:
    """Tell whether a datatype description is of numbers."""
    return datatype.get("base") in _NUMBERS


def _described_format(column: Mapping[str, Any], base: str) -> bool:
    """True when the description itself says how values are written, other than the canonical way."""
    said = column.get("datatype")
    form = said.get("format") if isinstance(said, Mapping) else None
    return form is not None and not (base == "date" and form == "yyyy-MM-dd")


def _declared_format(change: ColumnChange, base: str) -> value_formats.Format:
    if base == "date":
        return value_formats.date_format(change.format or "yyyy-MM-dd")
    return value_formats.number_format(change.decimal_char or ".", change.group_char)
