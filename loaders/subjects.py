"""Map a row's own resource each time, and the resources it shares with other rows only when they are new.

A ledger row says again what its supplier, account and department are called: half of its triples, the same thousands
of times. Each other subject of a table description becomes a description of its own, that is asked only for texts it
has not met lately. The set of triples stays the same, they are only stated less often (measured: half the time, half
the lines to sort).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import Any

from loaders.csvw import CellError, Column, RowFunction, Table

# Distinct texts remembered per subject; after that many it starts over and states some triples again.
MOST_MET = 100_000
Compile = Callable[[Table, Mapping[str, int]], RowFunction]
_VARIABLES = re.compile(r"\{[+#./;?&]?([^}]*)\}")
_ROW_VARIABLES = frozenset({"_row", "_sourceRow"})


@dataclass(slots=True)
class _Shared:
    """One other subject: the cells that decide about it, and the function that maps it."""

    places: tuple[int, ...]
    function: RowFunction
    met: set[Any] = field(default_factory=set)


def compiled(table: Table, positions: Mapping[str, int], compile_: Compile) -> RowFunction:
    """Return the row function of the table; shared subjects are left out of rows whose texts were met before."""
    whole = compile_(table, positions)
    groups = _other_subjects(table)
    needs = [_needed(table, group) for group in groups.values()]
    if not groups or any(need is None for need in needs):
        return whole
    main = compile_(_only(table, _main(table), groups), positions)
    shared = [
        _Shared(*_compiled_group(table, about, group, need or set(), positions, compile_))
        for (about, group), need in zip(groups.items(), needs, strict=True)
    ]
    return _joined(whole, main, shared)


def _joined(whole: RowFunction, main: RowFunction, shared: Sequence[_Shared]) -> RowFunction:
    parts = [(itemgetter(*each.places) if each.places else _nothing, each.met, each.function) for each in shared]

    def function(cells: Sequence[str], row: int, source_row: int) -> tuple[str, list[str], Sequence[CellError]]:
        subject, lines, errors = main(cells, row, source_row)
        if errors or not subject:
            # The whole description tells everything that is wrong with the row, each fault once.
            return whole(cells, row, source_row)
        for pick, met, make in parts:
            texts = pick(cells)
            if texts not in met:
                if len(met) >= MOST_MET:
                    met.clear()
                met.add(texts)
                lines += make(cells, row, source_row)[1]
        return subject, lines, ()

    return function


def _nothing(cells: Sequence[str]) -> str:
    """Stand for the texts of a subject whose columns the source lacks: it is the same in every row, or never there."""
    return ""


def _main(table: Table) -> str | None:
    return table.schema.aboutUrl or next((column.aboutUrl for column in table.schema.columns), None)


def _other_subjects(table: Table) -> dict[str, list[Column]]:
    """Return the columns about each other subject, by its template."""
    main = _main(table)
    groups: dict[str, list[Column]] = {}
    for column in table.schema.columns:
        if column.aboutUrl and column.aboutUrl != main:
            groups.setdefault(column.aboutUrl, []).append(column)
    return groups


def _only(table: Table, about: str | None, others: Mapping[str, list[Column]]) -> Table:
    """Return the table with nothing said of the other subjects; their cells are still read and checked."""
    columns = [
        replace(column, suppress=True, aboutUrl=about) if column.aboutUrl in others else column
        for column in table.schema.columns
        if not (column.virtual and column.aboutUrl in others)
    ]
    return replace(table, schema=replace(table.schema, columns=columns))


def _compiled_group(
    table: Table, about: str, group: list[Column], need: set[str], positions: Mapping[str, int], compile_: Compile
) -> tuple[tuple[int, ...], RowFunction]:
    """Return the places that decide about a subject, and the function that maps it alone."""
    own = {column.name for column in group}
    columns = [
        replace(column, aboutUrl=about, required=False, suppress=column.suppress or column.name not in own)
        for column in table.schema.columns
        if column.name in own or (column.name in need and not column.virtual)
    ]
    alone = replace(table, schema=replace(table.schema, columns=columns, aboutUrl=about, primaryKey=()))
    kept = {column.name: positions[column.name] for column in columns if column.name in positions}
    return tuple(sorted(set(kept.values()))), compile_(alone, kept)


def _needed(table: Table, group: Sequence[Column]) -> set[str] | None:
    """Return the columns whose cells decide what is said of a subject; None when its row's number does."""
    owners = {column.name: column.name for column in table.schema.columns if not column.virtual}
    masks = {column.name: str(column.annotations.get("maskedWhen", "")) for column in table.schema.columns}
    for column in table.schema.columns:
        derived = column.annotations.get("derive", {})
        owners.update(dict.fromkeys(derived if isinstance(derived, Mapping) else (), column.name))
    wanted: list[str] = []
    for column in group:
        templates = [column.aboutUrl, column.propertyUrl, column.valueUrl, str(column.annotations.get("value", ""))]
        wanted += [name for template in templates if template for name in _names(template)]
        wanted += [str(column.annotations[word]) for word in ("when", "unless") if word in column.annotations]
        if not column.virtual:
            wanted.append(column.name)
    found: set[str] = set()
    while wanted:
        name = wanted.pop()
        if name in _ROW_VARIABLES:
            return None
        owner = owners.get(name)
        if owner and owner not in found:
            found.add(owner)
            wanted += [masks[owner]] if masks[owner] else []
    return found or None


def _names(template: str) -> list[str]:
    """Return the variables of a URI template (RFC 6570 2.3).

    >>> _names("id/{+supplier}/{a,b:3}#x")
    ['supplier', 'a', 'b']
    """
    return [
        part.split(":")[0].rstrip("*").strip() for hit in _VARIABLES.finditer(template) for part in hit[1].split(",")
    ]
