"""Date and time formats of CSVW (Tabular Data Model 6.4.4), with the field patterns of UAX35."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

from loaders.csvw.numbers import FormatError

Read = Callable[[str], str | None]

_ZONE = r"(?P<zone>Z|[+-](?:0[0-9]|1[0-3]):[0-5][0-9]|[+-]14:00)?"
_YEAR = r"(?P<y>-?(?:[1-9][0-9]{3,}|0[0-9]{3}))"
_MONTH, _DAY = r"(?P<M>0[1-9]|1[0-2])", r"(?P<d>0[1-9]|[12][0-9]|3[01])"
_CLOCK = r"(?P<H>[01][0-9]|2[0-4]):(?P<m>[0-5][0-9]):(?P<s>[0-5][0-9])(?P<S>\.[0-9]+)?"
# XSD 1.1 Part 2, 3.3: lexical spaces of the date and time datatypes.
_LEXICAL = {
    "date": rf"{_YEAR}-{_MONTH}-{_DAY}{_ZONE}",
    "dateTime": rf"{_YEAR}-{_MONTH}-{_DAY}T{_CLOCK}{_ZONE}",
    "dateTimeStamp": rf"{_YEAR}-{_MONTH}-{_DAY}T{_CLOCK}{_ZONE.removesuffix('?')}",
    "time": rf"{_CLOCK}{_ZONE}",
    "gYear": rf"{_YEAR}{_ZONE}",
    "gYearMonth": rf"{_YEAR}-{_MONTH}{_ZONE}",
    "gMonth": rf"--{_MONTH}{_ZONE}",
    "gMonthDay": rf"--{_MONTH}-{_DAY}{_ZONE}",
    "gDay": rf"---{_DAY}{_ZONE}",
}
_FIELDS = {
    "yyyy": r"(?P<y>-?[0-9]{4,})",
    "MM": r"(?P<M>0[1-9]|1[0-2])",
    "M": r"(?P<M>1[0-2]|0?[1-9])",
    "dd": r"(?P<d>0[1-9]|[12][0-9]|3[01])",
    "d": r"(?P<d>[12][0-9]|3[01]|0?[1-9])",
    "HH": r"(?P<H>[01][0-9]|2[0-4])",
    "H": r"(?P<H>1[0-9]|2[0-4]|0?[0-9])",
    "mm": r"(?P<m>[0-5][0-9])",
    "m": r"(?P<m>[1-5][0-9]|0?[0-9])",
    "ss": r"(?P<s>[0-5][0-9])",
    "s": r"(?P<s>[1-5][0-9]|0?[0-9])",
    # UAX35 date field symbols: X with Z for zero, x without; one letter hours, two hhmm, three hh:mm. (The colon is
    # taken for one and two letters too: tables of W3C's suite have it.)
    "X": r"(?P<zone>Z|[+-][0-9]{2}(?::?[0-9]{2})?)",
    "XX": r"(?P<zone>Z|[+-][0-9]{2}:?[0-9]{2})",
    "XXX": r"(?P<zone>Z|[+-][0-9]{2}:[0-9]{2})",
    "XXXX": r"(?P<zone>Z|[+-][0-9]{2}:?[0-9]{2})",
    "XXXXX": r"(?P<zone>Z|[+-][0-9]{2}:[0-9]{2})",
    "xxxx": r"(?P<zone>[+-][0-9]{2}:?[0-9]{2})",
    "xxxxx": r"(?P<zone>[+-][0-9]{2}:[0-9]{2})",
    "x": r"(?P<zone>[+-][0-9]{2}(?::?[0-9]{2})?)",
    "xx": r"(?P<zone>[+-][0-9]{2}:?[0-9]{2})",
    "xxx": r"(?P<zone>[+-][0-9]{2}:[0-9]{2})",
}
_NEEDED = {
    "date": "yMd", "dateTime": "yMdHm", "dateTimeStamp": "yMdHm", "time": "Hm", "gYear": "y",
    "gYearMonth": "yM", "gMonth": "M", "gMonthDay": "Md", "gDay": "d",
}  # fmt: skip
DATE_TYPES = frozenset(_LEXICAL)


def date_reader(base: str, pattern: str | None = None) -> Read:
    """Return a function from a cell's text to the XSD lexical form, or None where the text does not fit.

    Raises FormatError when the pattern is none that the datatype can be read by.

    >>> date_reader("date", "d/M/yyyy")("5/11/2025")
    '2025-11-05'
    >>> date_reader("date")("2025-02-30") is None
    True
    """
    expression = re.compile(_pattern_expression(base, pattern) if pattern else _LEXICAL[base])

    def read(text: str) -> str | None:
        match = expression.fullmatch(text)
        if match is None:
            return None
        fields = match.groupdict()
        if not _on_calendar(fields) or (base == "dateTimeStamp" and not fields.get("zone")):
            return None
        return _write(base, fields) if pattern else text

    return read


def date_value(base: str, lexical: str) -> datetime:
    """Return a moment to compare with; a missing zone counts as UTC, missing fields as their first value.

    >>> date_value("date", "2025-11-05") < date_value("date", "2025-11-06")
    True
    """
    match = re.fullmatch(_LEXICAL[base], lexical)
    if match is None:
        raise ValueError("no lexical form of the datatype")
    fields = match.groupdict()
    year = int(fields.get("y") or 2000)
    moment = datetime(
        min(max(year, 1), 9999), int(fields.get("M") or 1), int(fields.get("d") or 1), tzinfo=_zone(fields.get("zone"))
    )
    fraction = (fields.get("S") or ".0")[1:7].ljust(6, "0")
    clock = timedelta(
        hours=int(fields.get("H") or 0),
        minutes=int(fields.get("m") or 0),
        seconds=int(fields.get("s") or 0),
        microseconds=int(fraction),
    )
    return moment + clock if year < 9999 else moment


def _pattern_expression(base: str, pattern: str) -> str:
    parts: list[str] = []
    seen: set[str] = set()
    position = 0
    for token in re.finditer(r"y+|M+|d+|H+|m+|s+|\.?S+|[Xx]+|'(?:[^']|'')*'|[^yMdHmsSXx']", pattern):
        if token.start() != position:
            raise FormatError("no date pattern of UAX35")
        position = token.end()
        text = token[0]
        if text.lstrip(".").startswith("S"):
            name, expression = "S", _fraction(text)
        elif text[0] in "yMdHmsXx":
            name, expression = ("zone" if text[0] in "Xx" else text[0]), _FIELDS.get(text, "")
        elif text[0].isalpha() and text != "T":
            raise FormatError("a field that CSVW does not name")
        else:
            literal = text[1:-1].replace("''", "'") or "'" if text[0] == "'" else text
            parts.append(re.escape(literal))
            continue
        if not expression or name in seen:
            raise FormatError("a field of an unknown length, or given twice")
        seen.add(name)
        parts.append(expression)
    if position != len(pattern) or not set(_NEEDED[base]) <= seen:
        raise FormatError("not the fields that the datatype needs")
    if (seen & set("HmsS") and base in ("date", "gYear", "gYearMonth", "gMonth", "gMonthDay", "gDay")) or (
        base == "time" and seen & set("yMd")
    ):
        raise FormatError("fields that the datatype has not")
    return "".join(parts)


def _fraction(token: str) -> str:
    """`.SSS` takes one to three digits of a fraction, or none (Tabular Data Model 6.4.4)."""
    places = token.count("S")
    point = r"\." if token.startswith(".") else ""
    return rf"(?:{point}(?P<S>[0-9]{{1,{places}}}))?"


def _on_calendar(fields: dict[str, str | None]) -> bool:
    past = (fields.get("m"), fields.get("s"), (fields.get("S") or "").lstrip("."))
    if fields.get("H") == "24" and any(int(part or 0) for part in past):
        return False
    if not re.fullmatch(_ZONE, _zone_text(fields.get("zone"))):
        return False
    day = int(fields.get("d") or 1)
    if day <= 28:
        return True
    month = int(fields.get("M") or 1)
    # A leap year stands in where there is no year: --02-29 is legal.
    year = abs(int(fields.get("y") or 2000))
    return day <= monthrange(2000 + year % 400, month)[1]


def _write(base: str, fields: dict[str, str | None]) -> str:
    def two(name: str) -> str:
        return (fields.get(name) or "0").zfill(2)

    zone = _zone_text(fields.get("zone"))
    date = {
        "gYear": "{y}", "gYearMonth": "{y}-{M}", "gMonth": "--{M}", "gMonthDay": "--{M}-{d}", "gDay": "---{d}",
    }.get(base, "{y}-{M}-{d}")  # fmt: skip
    day = date.format(y=fields.get("y"), M=two("M"), d=two("d"))
    if base not in ("time", "dateTime", "dateTimeStamp"):
        return day + zone
    fraction = (fields.get("S") or "").lstrip(".").rstrip("0")
    clock = f"{two('H')}:{two('m')}:{two('s')}" + ("." + fraction if fraction else "")
    return clock + zone if base == "time" else f"{day}T{clock}{zone}"


def _zone_text(zone: str | None) -> str:
    if not zone or zone == "Z":
        return zone or ""
    digits = zone[1:].replace(":", "").ljust(4, "0")
    return f"{zone[0]}{digits[:2]}:{digits[2:]}"


def _zone(zone: str | None) -> timezone:
    if not zone or zone == "Z":
        return UTC
    sign = -1 if zone[0] == "-" else 1
    return timezone(sign * timedelta(hours=int(zone[1:3]), minutes=int(zone[4:6])))
