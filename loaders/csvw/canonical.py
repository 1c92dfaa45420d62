"""Canonical representations: what a value looks like in an address, and what two equal values share.

Metadata Vocabulary 5.1.3 puts them in URI templates; XML Schema 1.1 Part 2 says what they are. (Literals keep the
digits of their cells.)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal

from loaders.csvw.datatypes import derives
from loaders.csvw.dates import DATE_TYPES
from loaders.csvw.templates import Value


def canonical(base: str) -> Callable[[str], str] | None:
    """Return the function from a lexical form to the canonical one; None for datatypes where they are the same.

    >>> [canonical(base)(text) for base, text in (("integer", "+007"), ("decimal", "7.50"), ("double", "1000"))]
    ['7', '7.5', '1.0E3']
    """
    if derives(base, "integer"):
        return _integer
    return _moment if base in DATE_TYPES else _OTHERS.get(base)


def canonical_value(base: str, value: Value, bad: frozenset[int] = frozenset()) -> Value:
    """Return a cell's value, lone or a list, in canonical form; what is `bad` is a string and stays as it is."""
    write = canonical(base)
    if write is None or value is None:
        return value
    if isinstance(value, str):
        return value if bad else write(value)
    return tuple(item if place in bad else write(item) for place, item in enumerate(value))


def _integer(text: str) -> str:
    sign = "-" if text.startswith("-") else ""
    digits = text.lstrip("+-").lstrip("0") or "0"
    return digits if digits == "0" else sign + digits


def _decimal(text: str) -> str:
    whole, _, fraction = text.partition(".")
    fraction = fraction.rstrip("0")
    if not fraction:
        return _integer(whole or "0")
    return ("-" if whole.startswith("-") else "") + (whole.lstrip("+-").lstrip("0") or "0") + "." + fraction


def _double(text: str) -> str:
    """Return one digit, a point, the rest and an exponent (XML Schema 1.1 Part 2, doubleCanonicalMap)."""
    if text.endswith(("NaN", "INF")):
        return text
    number = float(text)
    if number in (float("inf"), float("-inf")):
        return "INF" if number > 0 else "-INF"
    sign, digits, exponent = Decimal(repr(number)).as_tuple()
    figures = "".join(map(str, digits)).lstrip("0")
    power = int(exponent) + len(figures) - 1 if figures else 0
    figures = figures.rstrip("0") or "0"
    return f"{'-' if sign else ''}{figures[0]}.{figures[1:] or '0'}E{power}"


def _moment(text: str) -> str:
    """Write Greenwich as Z and a fraction of a second without zeros at its end."""
    text = re.sub(r"[+-]00:00$", "Z", text)
    return re.sub(r"(\.[0-9]*[1-9])0+(?![0-9])|\.0+(?![0-9])", r"\1", text)


def _hexadecimal(text: str) -> str:
    return text.upper()


def _base64(text: str) -> str:
    return text.replace(" ", "")


_OTHERS: Mapping[str, Callable[[str], str]] = {
    "decimal": _decimal, "double": _double, "float": _double, "hexBinary": _hexadecimal, "base64Binary": _base64,
}  # fmt: skip
