"""What a delivery is: columns in a form, the faults planted in it, and what should become of every row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from starter_region.formats import Cell, Form

Write = Callable[[Any], Cell]


@dataclass(frozen=True)
class Fault:
    """Something wrong on purpose in one row (0 = the file's first row of data, -1 = its last).

    `effect`: the whole "row" is lost, only the "cell" is, or "none": it is told and everything is kept.
    """

    row: int
    kind: str
    rule: str
    effect: str
    column: str = ""
    value: Cell = ""


@dataclass(frozen=True)
class Delivery:
    """How one municipality delivers one kind of data."""

    form: Form
    columns: Sequence[tuple[str, Write]]
    files: tuple[str, ...]
    differences: str = ""
    faults: dict[str, tuple[Fault, ...]] = field(default_factory=dict)
    totals: str = ""
    told: tuple[str, str] = ("", "")

    @property
    def header(self) -> list[str]:
        """The words of the first row."""
        return [name for name, _ in self.columns]


@dataclass
class Written:
    """One file, and the model row behind each of its rows."""

    name: str
    content: bytes
    rows: int
    lost: set[int]
    faults: list[dict[str, object]]
    sources: list[Any]

    def kept(self) -> Iterator[Any]:
        """Yield the model row of every row that is published."""
        return (source for place, source in enumerate(self.sources) if place not in self.lost and source is not None)


def write(delivery: Delivery, name: str, rows: Sequence[Any]) -> Written:
    """Write the rows as the file `name`, faults and all."""
    cells: list[list[Cell]] = [[value(row) for _, value in delivery.columns] for row in rows]
    sources: list[Any] = list(rows)
    planted = list(delivery.faults.get(name, ()))
    lost: set[int] = set()
    told: list[dict[str, object]] = []
    # Rows that are added change the numbers of those after them, so they are added from the end.
    for fault in sorted(planted, key=lambda entry: entry.row % len(rows), reverse=True):
        if fault.kind == "repeated row":
            place = fault.row % len(rows)
            cells.insert(place + 1, list(cells[place]))
            sources.insert(place + 1, sources[place])
    shift = sorted(fault.row % len(rows) for fault in planted if fault.kind == "repeated row")
    for fault in planted:
        place = fault.row % len(rows)
        place += sum(1 for added in shift if added < place)
        if fault.kind == "repeated row":
            place += 1
        _plant(delivery, fault, cells[place])
        if fault.effect == "row":
            lost.add(place)
        told.append(_told(delivery, fault, place))
    if delivery.totals:
        cells.append(_total(delivery, cells))
        sources.append(None)
        lost.add(len(cells) - 1)
        told.append(_told(delivery, Fault(-1, "row of totals", "source.totals-row", "row"), len(cells) - 1))
    return Written(name, delivery.form.write(delivery.header, cells), len(cells), lost, told, sources)


def _plant(delivery: Delivery, fault: Fault, row: list[Cell]) -> None:
    if fault.kind == "row too long":
        row += ["", "okänt fält"]
    elif fault.kind == "row too short":
        del row[int(str(fault.value)) :]
    elif fault.kind == "columns swapped":
        one, other = delivery.header.index(fault.column), delivery.header.index(str(fault.value))
        row[one], row[other] = row[other], row[one]
    elif fault.column:
        row[delivery.header.index(fault.column)] = fault.value


def _told(delivery: Delivery, fault: Fault, place: int) -> dict[str, object]:
    return {
        "row": delivery.form.first_row() + place,
        "column": fault.column,
        "kind": fault.kind,
        "rule": fault.rule,
        "effect": fault.effect,
    }


def _total(delivery: Delivery, cells: Sequence[Sequence[Cell]]) -> list[Cell]:
    """A last row that sums the amounts, as bookkeeping systems like to print."""
    place = delivery.header.index(delivery.totals)
    total: list[Cell] = [None] * len(delivery.header)
    total[0] = "Summa"
    total[place] = sum((cell for row in cells if isinstance(cell := row[place], Decimal)), Decimal(0))
    return total
