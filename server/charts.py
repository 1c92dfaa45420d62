"""Charts drawn by the server: where bars, points and axes stand, for templates that write them as SVG."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

_WIDTH, _LABEL, _NUMBER, _BAR, _GAP = 760.0, 250.0, 140.0, 22.0, 8.0
_LINE_HEIGHT, _MARGIN = 220.0, 28.0
_LETTER, _CAPITAL = 7.6, 9.4  # widths at the size that names are written in, in a wide font
_MOST_BARS = 25

Number = int | float | Decimal


@dataclass(frozen=True, slots=True)
class Bar:
    """One horizontal bar: its name, its number as written, and where it stands."""

    name: str
    written: str
    x: float
    y: float
    width: float
    negative: bool


@dataclass(frozen=True, slots=True)
class BarChart:
    """Horizontal bars from a common zero, in units of the view box; `left` is how many more there are."""

    width: float
    label: float  # where names end and bars may begin
    room: float  # from the least to the greatest end of a bar
    height: float
    zero: float
    bars: tuple[Bar, ...]
    left: int


@dataclass(frozen=True, slots=True)
class LineChart:
    """A line from left to right over named steps; the least value of the scale is zero unless values are below."""

    width: float
    height: float
    path: str
    points: tuple[tuple[float, float, str, str], ...]
    floor: float
    top: str
    bottom: str


def bar_chart(rows: Sequence[tuple[str, Number]], write: Callable[[Number], str]) -> BarChart | None:
    """Return bars for (name, number) rows in their order; None for fewer than two, which need no chart.

    >>> chart = bar_chart([("Skola", 30), ("Vård", 60)], str)
    >>> [(bar.name, bar.width) for bar in chart.bars]
    [('Skola', 185.0), ('Vård', 370.0)]
    """
    shown = rows[:_MOST_BARS]
    if len(shown) < 2:
        return None
    numbers = [float(number) for _name, number in shown]
    low, high = min(0.0, *numbers), max(0.0, *numbers)
    room = _WIDTH - _LABEL - _NUMBER
    scale = room / ((high - low) or 1.0)
    zero = round(_LABEL - low * scale, 1)
    bars = tuple(
        Bar(
            _fitting(name),
            write(number),
            round(zero + min(0.0, value) * scale, 1),
            position * (_BAR + _GAP) + _GAP,
            round(abs(value) * scale, 1),
            value < 0,
        )
        for position, ((name, number), value) in enumerate(zip(shown, numbers, strict=True))
    )
    return BarChart(_WIDTH, _LABEL, room, len(shown) * (_BAR + _GAP) + 2 * _GAP, zero, bars, len(rows) - len(shown))


def _fitting(name: str) -> str:
    """Return a name cut to the room that it has beside its bar.

    >>> _fitting("MELLANSKOGS FASTIGHETSSERVICE AB"), _fitting("Norrsjö")
    ('MELLANSKOGS FASTIGHETSSE…', 'Norrsjö')
    """
    left = _LABEL - 2 * _GAP
    for place, letter in enumerate(name):
        left -= _CAPITAL if letter.isupper() else _LETTER
        if left < 0:
            return f"{name[: place - 1].rstrip()}…"
    return name


def line_chart(rows: Sequence[tuple[str, Number]], write: Callable[[Number], str]) -> LineChart | None:
    """Return a line through (name, number) rows from left to right; None for fewer than two.

    >>> line_chart([("2025", 1), ("2026", 2)], str).path
    'M28.0 110.0L732.0 28.0'
    """
    if len(rows) < 2:
        return None
    numbers = [float(number) for _name, number in rows]
    low, high = min(0.0, *numbers), max(0.0, *numbers)
    high = high if high > low else low + 1
    step = (_WIDTH - 2 * _MARGIN) / (len(rows) - 1)

    def y_of(value: float) -> float:
        return round(_LINE_HEIGHT - _MARGIN - (value - low) / (high - low) * (_LINE_HEIGHT - 2 * _MARGIN), 1)

    points = tuple(
        (round(_MARGIN + position * step, 1), y_of(value), name, write(number))
        for position, ((name, number), value) in enumerate(zip(rows, numbers, strict=True))
    )
    path = "M" + "L".join(f"{x} {y}" for x, y, _name, _written in points)
    assert all(one[0] < other[0] for one, other in pairwise(points))
    return LineChart(_WIDTH, _LINE_HEIGHT, path, points, y_of(0.0), write(rows[numbers.index(max(numbers))][1]), "0")
