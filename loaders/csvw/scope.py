"""The variables that a row's templates may name: columns, derived values, constants; with memos per column."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from loaders.csvw.canonical import canonical_value
from loaders.csvw.cells import Cell, CellReader
from loaders.csvw.model import Column, Table, real_columns
from loaders.csvw.problems import CellError, CellProblem, CsvwError
from loaders.csvw.templates import Encode, Value
from loaders.csvw.terms import nfc

Derivation = Callable[[str], str | None]
DerivationFactory = Callable[[Mapping[str, Any]], Derivation]
# What a column's memo is asked: the cell's text; the text in a tuple when its problems are to be left out instead of
# raised; None when the cell counts as null.
Key = str | tuple[str] | None

# Distinct texts kept per memo: 365 dates and some thousand suppliers fit, a column of unique texts starts over.
MEMO_SIZE = 50_000
# Longer texts are not kept, so that a memo holds some megabytes at most.
MEMO_TEXT = 200

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class CellVariables:
    """A read cell with every variable it gives; problems are told apart as the cell's own and its derivations'."""

    cell: Cell
    variables: Mapping[str, Value]
    problems: tuple[tuple[CellProblem, bool], ...] = ()


class Memo(dict[Key, T], Generic[T]):
    """Maps a cell's text to what it gives, computed at first sight, bounded."""

    __slots__ = ("compute",)

    def __init__(self, compute: Callable[[Key], T]) -> None:
        super().__init__()
        self.compute = compute

    def __missing__(self, key: Key) -> T:
        value = self.compute(key)
        if len(self) >= MEMO_SIZE:
            self.clear()
        if not isinstance(key, str) or len(key) <= MEMO_TEXT:
            self[key] = value
        return value


class Seen(set[tuple[str | None, ...]]):
    """Cells that said all they have to say of a subject; starts over when there are too many."""

    def remember(self, cells: tuple[str | None, ...]) -> None:
        """Keep the cells, unless they are long."""
        if len(self) >= MEMO_SIZE:
            self.clear()
        if sum(len(cell) for cell in cells if cell is not None) <= MEMO_TEXT:
            self.add(cells)


class Scope:
    """Finds variables by name and reads cells of the table's columns.

    In `conversion`, the W3C algorithm as it stands is planned for: our annotations, the lenience towards Swedish
    numbers and the normalisation of key texts are left out, and a null in a template sends the row the slow way.
    """

    def __init__(
        self,
        table: Table,
        positions: Mapping[str, int],
        constants: Mapping[str, str],
        derivations: Mapping[str, DerivationFactory],
        expand: Encode,
        *,
        conversion: bool = False,
    ) -> None:
        self.conversion = conversion
        columns = real_columns(table.schema.columns)
        self.columns: dict[str, Column] = {column.name: column for column in columns if column.name in positions}
        self.positions = {name: positions[name] for name in self.columns}
        self.expand = expand
        trim = table.dialect.trim if conversion and table.dialect else "false"
        self._readers = {name: CellReader(column, not conversion, trim) for name, column in self.columns.items()}
        self._constants: dict[str, Value] = {column.name: None for column in columns if column.name not in positions}
        for column in table.schema.columns:
            if column.virtual and not conversion:
                self._constants[column.name] = column.default or None
        self._constants.update(constants)
        self._derived: dict[str, list[tuple[str, Derivation]]] = {}
        self._owners = {name: name for name in self.columns}
        self._last: dict[str, tuple[Key, CellVariables]] = {}
        self._computes: dict[str, list[tuple[Callable[[CellVariables], Any], bool]]] = {}
        for column in [] if conversion else columns:
            self._derive(column, derivations)
        missing = [column.name for column in columns if column.required and column.name not in positions]
        if missing:
            raise CsvwError(f"the required column {missing[0]} is missing", rule="csvw.columns")

    def _derive(self, column: Column, derivations: Mapping[str, DerivationFactory]) -> None:
        described = column.annotations.get("derive", {})
        if not isinstance(described, dict):
            raise CsvwError(f"derive on column {column.name} is no object")
        for variable, call in described.items():
            if not isinstance(call, dict) or call.get("function") not in derivations:
                raise CsvwError(f"derive on column {column.name} names no known function")
            if column.name not in self.columns:
                self._constants.setdefault(variable, None)
                continue
            nested = call.get("params", {})
            parameters = {key: call[key] for key in call if key not in ("function", "params")}
            function = derivations[call["function"]](parameters | (nested if isinstance(nested, dict) else {}))
            self._derived.setdefault(column.name, []).append((variable, function))
            if variable in self._owners or variable in self._constants:
                raise CsvwError(f"the variable {variable} is defined twice")
            self._owners[variable] = column.name

    def owner(self, variable: str) -> str | None:
        """Return the column whose cell gives the variable; None for a constant. Raises CsvwError on a stranger."""
        if variable in self._owners:
            return self._owners[variable]
        if variable not in self._constants:
            raise CsvwError(f"nothing defines the variable {variable}")
        return None

    def constant(self, variable: str) -> Value:
        """Return the value of a variable that no cell gives."""
        return self._constants.get(variable)

    def local(self, name: str) -> str:
        """Return the name of the generated function's local that holds the column's cell."""
        return f"c{self.positions[name]}"

    def cell(self, name: str, key: Key) -> CellVariables:
        """Read a cell of the column, with its derived variables; never raises CellProblem."""
        if key is None:
            return CellVariables(Cell(None), {})
        # Several memos of a column miss a new text one after the other; the derivations are run for the first.
        last = self._last.get(name)
        if last is None or last[0] != key:
            last = self._last[name] = (key, self._read(name, key))
        return last[1]

    def _read(self, name: str, key: str | tuple[str]) -> CellVariables:
        cell = self._readers[name].read(key if isinstance(key, str) else key[0])
        if cell.bad:
            good = [text for place, text in enumerate(cell.value or ()) if place not in cell.bad]
            cell = Cell(tuple(good) if isinstance(cell.value, tuple) else None, cell.problems)
        base = self.columns[name].datatype.base
        value = canonical_value(base, cell.value) if self.conversion else _normalised(cell.value)
        variables: dict[str, Value] = {name: value}
        problems = [(problem, True) for problem in cell.problems]
        for variable, derive in self._derived.get(name, ()):
            variables[variable] = self._derived_value(cell.value, derive, problems)
        return CellVariables(cell, variables, tuple(problems))

    def memo(self, name: str, compute: Callable[[CellVariables], T], nothing: T, fatal: bool = False) -> Memo[T]:
        """Return a memo over the column's texts; asking it about a bad text raises the text's CellProblem.

        Asked about the text in a tuple, it gives `nothing` instead. `fatal` says that the row cannot do without.
        """
        self._computes.setdefault(name, []).append((compute, fatal))

        def read(key: Key) -> T:
            cell = self.cell(name, key)
            if isinstance(key, str):
                if cell.problems:
                    raise cell.problems[0][0]
                return compute(cell)
            try:
                return compute(cell)
            except CellProblem:
                return nothing

        return Memo(read)

    def errors(self, name: str, text: str, fatal: bool) -> list[CellError]:
        """Return everything that is wrong with a cell; `fatal` says that the row cannot do without its value."""
        cell = self.cell(name, text)
        errors = [CellError(problem.rule, name, problem.kind, fatal and own) for problem, own in cell.problems]
        for compute, needed in self._computes.get(name, ()):
            try:
                compute(cell)
            except CellProblem as problem:
                error = CellError(problem.rule, name, problem.kind, needed)
                if error not in errors:
                    errors.append(error)
        return errors

    @staticmethod
    def _derived_value(value: Value, derive: Derivation, problems: list[tuple[CellProblem, bool]]) -> Value:
        found: list[str] = []
        for text in [] if value is None else [value] if isinstance(value, str) else value:
            try:
                result = derive(text)
            except CellProblem as problem:
                problems.append((problem, False))
                continue
            if result is not None:
                found.append(result)
        if isinstance(value, str):
            return nfc(found[0]) if found else None
        return tuple(nfc(text) for text in found) or None


def _normalised(value: Value) -> Value:
    """Variables end in IRIs, which are minted in NFC so that links between datasets meet."""
    if value is None or isinstance(value, str):
        return nfc(value) if value else value
    return tuple(nfc(text) for text in value)
