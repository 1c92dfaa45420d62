"""Statistics with dimensions, whatever file they came in, as rows of the specification kommunal-statistik.

Every cell of the cube is a row: indicator, municipality, period, sex, value, unit, status. A dimension that is none
of these (age, school form) belongs to what is measured: it becomes part of the indicator, as national ones have it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import prod

from loaders.concepts import fold
from loaders.errors import SourceError
from loaders.findings import Finding
from loaders.source import Report, Row, Table

HEADERS = ("indicator", "indicator_name", "municipality", "period", "sex", "value", "unit", "status")
# A statistics database gives at most a few hundred thousand cells in a file; this leaves room for whole tables.
MOST_CELLS = 20_000_000
_ROLES = {
    "time": (
        "ar",
        "year",
        "tid",
        "time",
        "period",
        "kalenderar",
        "lasar",
        "aar",
        "manad",
        "month",
        "kvartal",
        "quarter",
    ),
    "geo": ("region", "kommun", "kommuner", "municipality", "lan", "county", "omrade", "geo", "kommunkod", "area"),
    "sex": ("kon", "sex", "gender", "kjonn"),
    "metric": ("tabellinnehall", "contents", "contentscode", "observations", "variabel", "nyckeltal", "matt"),
}
_SEXES = {
    "T": ("totalt", "total", "bada", "badakonen", "alla", "samtliga", "mankvinnor", "manochkvinnor", "both",
          "bothsexes", "kvinnorochman", "menandwomen", "t", "12", "tot"),
    "K": ("kvinnor", "kvinna", "women", "woman", "female", "females", "flickor", "girls", "k", "f"),
    "M": ("man", "men", "male", "males", "pojkar", "boys", "m"),
}  # fmt: skip

# What PC-Axis' signs stand for in the place of a figure, unless a table says otherwise.
SIGNS = {
    "-": "inget finns att redovisa", ".": "uppgift kan inte förekomma", "..": "uppgift saknas",
    "...": "uppgift inte tillgänglig", "....": "uppgift av annat slag saknas",
    ".....": "förtryckt", "......": "förtryckt",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Category:
    """One value of a dimension: its code and its label."""

    code: str
    label: str
    unit: str = ""


@dataclass(frozen=True)
class Dimension:
    """One dimension with its categories in the order of the data; `role` is "" when the file does not say."""

    name: str
    categories: tuple[Category, ...]
    role: str = ""


@dataclass(frozen=True)
class Cube:
    """A cube: dimensions, the slowest first, and its cells in that order as (value, status)."""

    file: str
    name: str
    label: str
    unit: str
    dimensions: tuple[Dimension, ...]
    cells: Callable[[], Iterator[tuple[str, str]]]
    roles: dict[str, int] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """How many cells the cube has."""
        return prod(len(dimension.categories) for dimension in self.dimensions)


def table(cube: Cube) -> Table:
    """Return the cube's cells as a table; raise SourceError when it has none, or far too many."""
    if not cube.size:
        raise SourceError(Finding("source.no-rows", file=cube.file))
    if cube.size > MOST_CELLS:
        raise SourceError(Finding("source.too-large", file=cube.file, detail=(("limit", f"{MOST_CELLS} cells"),)))
    roles = _roles(cube.dimensions)
    headers = tuple(name for name in HEADERS if _is_there(name, roles))
    return Table(cube.file, "", headers, 0, lambda to: _rows(cube, roles, headers, to))


def _is_there(name: str, roles: dict[str, int]) -> bool:
    """A cube of one municipality or one year has no such dimension: its steward gives the value in [constants]."""
    wanted = {"municipality": "geo", "period": "time", "sex": "sex"}.get(name)
    return wanted is None or wanted in roles


def role_of(name: str) -> str:
    """Return what a dimension is by its name, "" when that is not known.

    >>> role_of("År"), role_of("Kön"), role_of("Ålder")
    ('time', 'sex', '')
    """
    folded = fold(name)
    return next((role for role, names in _ROLES.items() if folded in names), "")


def sex_of(text: str) -> str:
    """Return T, K or M for a word about sex, "" for any other.

    >>> sex_of("Kvinnor"), sex_of("män"), sex_of("okänt")
    ('K', 'M', '')
    """
    folded = fold(text)
    return next((code for code, words in _SEXES.items() if folded in words), "")


def period_of(text: str) -> str:
    """Return a year, month or quarter as the specification writes it; any other text as it is, to be told.

    >>> period_of("2025M03"), period_of("2025 kv 1"), period_of("2025/26")
    ('2025-03', '2025-Q1', '2025/26')
    """
    text = text.strip()
    month = re.fullmatch(r"(\d{4})[ -]?M?(0[1-9]|1[0-2])", text, re.IGNORECASE)
    quarter = re.fullmatch(r"(\d{4})[ -]?(?:[KQ]|kv\.?|kvartal)\s?([1-4])", text, re.IGNORECASE)
    if month:
        return f"{month[1]}-{month[2]}"
    return f"{quarter[1]}-Q{quarter[2]}" if quarter else text


def _roles(dimensions: Sequence[Dimension]) -> dict[str, int]:
    """Return the place of each role: what the file says goes before what the names suggest."""
    found: dict[str, int] = {}
    for place, dimension in enumerate(dimensions):
        if dimension.role:
            found.setdefault(dimension.role, place)
    for place, dimension in enumerate(dimensions):
        if place not in found.values() and (role := role_of(dimension.name)):
            found.setdefault(role, place)
    sexes = found.get("sex")
    if sexes is not None and not all(sex_of(each.label) for each in dimensions[sexes].categories):
        # Categories such as "okänt" fit no T, K or M: the dimension then belongs to the indicator.
        del found["sex"]
    return found


def _rows(cube: Cube, roles: dict[str, int], headers: tuple[str, ...], report: Report) -> Iterator[Row]:
    report.headers = headers
    taken = {roles[role] for role in ("time", "geo", "sex") if role in roles}
    rest = [place for place in range(len(cube.dimensions)) if place not in taken]
    metric = roles.get("metric")
    categories = [dimension.categories for dimension in cube.dimensions]
    for number, (key, (value, status)) in enumerate(zip(product(*categories), cube.cells(), strict=False), 1):
        report.counts.rows_in += 1
        # A dimension with a single category tells nothing apart.
        told = [key[place] for place in rest if place == metric or len(categories[place]) > 1]
        others = [each for each in told if metric is None or each is not key[metric]]
        codes = [cube.name] if metric is None else [key[metric].code]
        labels = [cube.label] if metric is None else [key[metric].label]
        row = {
            "indicator": ".".join(filter(None, (*codes, *(_code(each) for each in others)))),
            "indicator_name": ", ".join(filter(None, (*labels, *(each.label for each in others)))),
            "value": value,
            "unit": (key[metric].unit if metric is not None else "") or cube.unit,
            "status": status,
        }
        if "geo" in roles:
            row["municipality"] = _code(key[roles["geo"]])
        if "time" in roles:
            time = key[roles["time"]]
            row["period"] = period_of(time.code if re.fullmatch(r"\d{4}.*", time.code) else time.label)
        if "sex" in roles:
            row["sex"] = sex_of(key[roles["sex"]].label)
        yield number, [row[name] for name in headers]


def _code(category: Category) -> str:
    return category.code or category.label
