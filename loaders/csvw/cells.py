"""Reads the text of one cell as its column says: null, a value or a list, and what is wrong with it.

Tabular Data Model 6.4, Parsing Cells. Both modes use it: publication leaves bad values out, conversion keeps them as
strings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from loaders.csvw.datatypes import KEEP_SPACES, normalise, text_reader
from loaders.csvw.model import Column, Trim
from loaders.csvw.problems import CellProblem
from loaders.csvw.templates import Value

REQUIRED = "values.required"
TRIMMERS: Mapping[Trim, Callable[[str], str]] = {"true": str.strip, "start": str.lstrip, "end": str.rstrip}


@dataclass(frozen=True, slots=True)
class Cell:
    """The parsed cell: its value as lexical forms, and the places (0 for a lone value) whose text was bad."""

    value: Value
    problems: tuple[CellProblem, ...] = ()
    bad: frozenset[int] = frozenset()


_NULL = Cell(None)


class CellReader:
    """Reads the cells of one column; `lenient` takes what Swedish files hold beyond CSVW's number format.

    `trim` is the dialect's: it counts for the items of a list of strings too, as the W3C suite has it (test036).
    """

    def __init__(self, column: Column, lenient: bool = False, trim: Trim = "false") -> None:
        self.column = column
        self._base = column.datatype.base
        self._read = text_reader(column.datatype, lenient)
        self._nulls = frozenset(column.null)
        self._trim = TRIMMERS.get(trim)
        self._strip = lenient and self._base not in KEEP_SPACES

    def read(self, text: str) -> Cell:
        """Return the cell that the text gives."""
        column = self.column
        text = normalise(text, self._base)
        if self._strip:
            text = text.strip()
        if text == "":
            text = normalise(column.default, self._base)
        if column.separator is not None:
            return self._list(text)
        if text in self._nulls:
            return Cell(None, (CellProblem(REQUIRED, "empty"),)) if column.required else _NULL
        try:
            return Cell(self._read(text))
        except CellProblem as problem:
            return Cell(text, (problem,), frozenset({0}))

    def _list(self, text: str) -> Cell:
        """Steps 4 to 9 for a column with a separator: an empty list, null, or the items."""
        column = self.column
        if text == "":
            return Cell((), (CellProblem(REQUIRED, "empty"),) if column.required else ())
        if text in self._nulls:
            return _NULL
        values: list[str] = []
        problems: list[CellProblem] = []
        bad: set[int] = set()
        for item in text.split(column.separator):
            if self._base not in ("string", "anyAtomicType"):
                item = item.strip(" \t\r\n")
            elif self._trim is not None:
                item = self._trim(item)
            item = item or column.default
            if item in self._nulls:
                continue
            try:
                values.append(self._read(item))
            except CellProblem as problem:
                problems.append(problem)
                bad.add(len(values))
                values.append(item)
        return Cell(tuple(values), tuple(problems), frozenset(bad))
