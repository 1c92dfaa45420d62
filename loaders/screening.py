"""Keep persons' numbers of one file from being published: cells withheld, texts filtered, columns screened."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from loaders import privacy, withholding
from loaders.column_formats import NUMBERS, WHOLE_NUMBERS, datatype
from loaders.findings import Finding
from loaders.headers import is_unnamed
from loaders.source import Report, Table
from loaders.specification import DERIVE, PRIVACY

# Values that no person's number can pass for; a column of whole numbers or of addresses may hold them.
_WITHOUT_PERSONS = frozenset("date dateTime datetime dateTimeStamp time boolean gYear gYearMonth duration".split())

Filter = tuple[int, Callable[[str], str]]


class Screening:
    """What is done about personal data in the rows of one file; `row` is the number of the row at hand."""

    def __init__(
        self,
        document: Mapping[str, Any],
        columns: Sequence[Mapping[str, Any]],
        table: Table,
        positions: Mapping[str, int],
        report: Report,
        waived: Collection[str] = (),
    ) -> None:
        self._document, self._columns, self._table = document, columns, table
        self._positions, self._report, self._waived = positions, report, waived
        self.row = 0
        self.guard = withholding.Guard(strict="personal.declared-column" in waived)
        # Screens of columns that are not described look at every row, and so do those of described ones in which single
        # numbers are let through; where every number is withheld, a sample tells whether the column is full of them.
        self.undeclared: list[tuple[int, privacy.Screen]] = []
        self.excused: list[tuple[int, privacy.Screen]] = []
        self.declared: list[tuple[int, privacy.Screen]] = []

    def watch(self, sample: Sequence[Sequence[str]]) -> None:
        """Watch every column whose text may be published, wherever its cells come from."""
        keys = withholding.keys(self._document, self._columns)
        for column in self._columns:
            name = str(column["name"])
            place = self._positions.get(name)
            base, _ = datatype(column)
            idle = column.get("suppressOutput") is True and name not in keys and DERIVE not in column
            if place is None or idle or not withholding.is_used(column) or base in _WITHOUT_PERSONS:
                continue
            texts = [cells[place] for cells in sample] if place < len(self._table.headers) else []
            self.guard.watch(place, texts, key=name in keys, number=base in NUMBERS, whole=base in WHOLE_NUMBERS)

    def screen(self, column: Mapping[str, Any], place: int) -> Filter | None:
        """Screen a column of the source; return the filter of its texts when they are free."""
        base, _ = datatype(column)
        header = self._table.headers[place]
        match column.get(PRIVACY):
            case "free-text":
                return place, privacy.free_text_filter(
                    str(column["name"]), lambda rule, kind: self._tell(rule, header, kind)
                )
            case None | "public" if base not in _WITHOUT_PERSONS:
                withheld = self.guard.withholds(place)
                screen = privacy.Screen(header, withheld=withheld, excused=not withheld)
                (self.declared if withheld else self.excused).append((place, screen))
        return None

    def screen_undeclared(self, places: Sequence[int]) -> None:
        """Screen the columns that the description does not know."""
        self.undeclared = [(place, privacy.Screen(self._table.headers[place])) for place in places]

    def withhold(self, cells: list[str], header_of: Callable[[int], str]) -> bool:
        """Blank the cells that hold a person's number; True when one is part of an address, so that the row is lost."""
        found = self.guard.found(cells)
        lost = [place for place in found if place in self.guard.keys]
        for place in found:
            header = header_of(place)
            if place in lost:
                finding = replace(self._finding("personal.number-in-key", header), row=self.row)
                (self._report.lose if place == lost[0] else self._report.tell)(finding)
            else:
                self._tell("personal.number-in-text", header, "personnummer")
            cells[place] = ""
        return bool(lost)

    def finish(self) -> None:
        """Raise SourceError when a column turned out to hold persons' numbers, unless the steward has waived that.

        A waiver lets the dataset through: single numbers stay withheld, and an undeclared column is not published.
        """
        for screens, rule in (
            (self.undeclared, "personal.undeclared-column"),
            (self.excused, "personal.declared-column"),
            (self.declared, "personal.declared-column"),
        ):
            for _, screen in screens:
                if screen.alarms:
                    alarm = screen.alarm(rule, self._table.file, self._table.sheet)
                    if rule not in self._waived:
                        raise alarm
                    self._report.tell(alarm.finding)
                if screen.filled and is_unnamed(screen.column):
                    self._report.tell(self._finding("source.undeclared-column", screen.column))

    def _tell(self, rule: str, header: str, kind: str) -> None:
        self._report.tell(replace(self._finding(rule, header), row=self.row, kind=kind))

    def _finding(self, rule: str, header: str) -> Finding:
        return Finding(rule, file=self._table.file, sheet=self._table.sheet, column=header)
