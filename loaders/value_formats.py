"""Find out how a source writes numbers and dates, and turn each value into its canonical form, or into a finding.

A format is chosen only when every value looked at fits it and no other format would give other values. When two
readings fit ("1.234", "03/04/2026") nothing is guessed: the column blocks until the steward declares its format.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache

Normalise = Callable[[str], str | None]

SPACES = " \u00a0\u202f\u2009"
# U+2212 is the minus sign of typography, U+2013 what word processors make of a hyphen.
_MINUS = str.maketrans({"\u2212": "-", "\u2013": "-"})
_NUMBER = re.compile(r"[+-]?(?:\d+|\d{1,3}(?P<group>[ \u00a0\u202f\u2009.,'])\d{3}(?:(?P=group)\d{3})*)(?:[.,]\d+)?")
MONTHS = {
    name: month
    for month, names in enumerate(
        ("januari jan january", "februari feb february", "mars mar march", "april apr", "maj may", "juni jun june",
         "juli jul july", "augusti aug august", "september sep sept", "oktober okt october oct", "november nov",
         "december dec"), 1)
    for name in names.split()
}  # fmt: skip
# Excel's day 60 is the 29 February 1900 that never was; dates of public records lie far beyond it.
_SERIAL_ZERO = date(1899, 12, 30)
_SERIALS = range(20_000, 80_000)


@dataclass(frozen=True, slots=True)
class Format:
    """One way to write a kind of value: its name for stewards, and the function from text to canonical text.

    Formats with the same `sign` never read one text as two values. `proof` matches a text that can only be written
    in this format; without one, a grouping sign that reads more values than another format is still a doubt.
    """

    name: str
    normalise: Normalise
    sign: str
    proof: re.Pattern[str] | None = None


@dataclass(frozen=True, slots=True)
class Detection:
    """The formats that read the sample, one for each set of values they give.

    `settled` when no further value could speak for another reading; `identical` when texts are canonical already.
    """

    fitting: tuple[Format, ...]
    settled: bool
    unfit: int = 0
    identical: bool = False


_DATE_PARTS = {
    "yyyy": r"(?P<year>\d{4})", "yy": r"(?P<year>\d\d)", "MM": r"(?P<month>\d\d)", "M": r"(?P<month>\d{1,2})",
    "dd": r"(?P<day>\d\d)", "d": r"(?P<day>\d{1,2})",
    "MMM": r"(?P<month>[^\W\d]{3,4}\.?)", "MMMM": r"(?P<month>[^\W\d]{3,9})",
}  # fmt: skip


def _number_name(decimal: str, group: str) -> str:
    return f'decimalChar = "{decimal}"' + (f', groupChar = "{group}"' if group else "")


def _from_serial(text: str) -> str | None:
    number = text.strip().removesuffix(".0")
    if not (number.isdigit() and len(number) == 5 and int(number) in _SERIALS):
        return None
    return (_SERIAL_ZERO + timedelta(days=int(number))).isoformat()


def number_format(decimal: str, group: str) -> Format:
    """Return the format with this decimal sign and these grouping signs ("" for none, a space for any space)."""
    groups = SPACES if group in SPACES and group else group

    def normalise(text: str) -> str | None:
        plain = text.strip(SPACES + "\t").translate(_MINUS)
        if plain[-1:] == "-" and plain[:-1].strip():
            plain = "-" + plain[:-1].strip()
        whole, point, fraction = plain.partition(decimal)
        if point and not fraction.isdigit():
            return None
        sign = whole[:1] if whole[:1] in "+-" else ""
        whole = whole[len(sign) :].lstrip(SPACES)
        if groups and whole and not whole.isdigit():
            parts = re.split(f"[{re.escape(groups)}]", whole)
            if not 1 <= len(parts[0]) <= 3 or any(len(part) != 3 for part in parts[1:]):
                return None
            whole = "".join(parts)
        if not (whole.isdigit() or (not whole and fraction)) or not (whole + fraction).isascii():
            return None
        return f"{sign.replace('+', '')}{whole or '0'}{'.' if point else ''}{fraction}"

    # "1.234,50" and "1.234.567" can be read in one way only, "1.234" in two.
    sign = re.escape(group)
    proof = re.compile(rf"{sign}\d{{3}}(?:{sign}|{re.escape(decimal)})") if group and groups != SPACES else None
    return Format(_number_name(decimal, group), normalise, decimal, proof)


def date_format(pattern: str) -> Format:
    """Return the format of a Unicode date pattern (CSVW Metadata 6.4.4, and MMM or MMMM for a month's name).

    >>> date_format("d MMMM yyyy").normalise("3 november 2026")
    '2026-11-03'
    """
    if pattern == "excel":
        return Format("excel", _from_serial, "excel")
    parts = re.findall(r"y+|M+|d+|[^yMd]+", pattern)
    expression = "".join(_DATE_PARTS.get(part, re.escape(part).replace(r"\ ", r"\s+")) for part in parts)
    matches = re.compile(expression + r"(?:[T ]00:00(?::00(?:\.0+)?)?)?").fullmatch

    def normalise(text: str) -> str | None:
        hit = matches(text.strip(SPACES + "\t").replace("\u00a0", " "))
        if hit is None:
            return None
        said = hit.groupdict()
        month = said.get("month") or ""
        number = int(month) if month.isdigit() else MONTHS.get(month.casefold().rstrip("."), 0)
        year = int(said["year"]) + (2000 if len(said["year"]) == 2 else 0)
        try:
            return date(year, number, int(said.get("day") or 1)).isoformat()
        except ValueError:
            return None

    return Format(pattern, normalise, pattern)


# Spaces between thousands never mean anything else, so every reading without another grouping sign allows them.
NUMBER_FORMATS = tuple(
    number_format(decimal, group) for decimal, group in ((".", " "), (",", " "), (",", "."), (".", ","), (".", "'"))
)
DATE_FORMATS = tuple(
    date_format(pattern)
    for pattern in ("yyyy-MM-dd", "yyyyMMdd", "yyyy/MM/dd", "yyyy.MM.dd", "d/M yyyy", "d/M/yyyy", "M/d/yyyy",
                    "d.M.yyyy", "d-M-yyyy", "d MMMM yyyy", "d MMM yyyy", "excel")
)  # fmt: skip


def detect(samples: Iterable[str], formats: Sequence[Format], fits: Callable[[str], bool]) -> Detection:
    """Return the formats that read the most samples, leaving out those that read them just as an earlier one does.

    `fits` tells whether a canonical value is within the column's bounds; a reading outside them is none.
    """
    texts = list(dict.fromkeys(text for text in samples if text and not text.isspace()))
    readings = [
        [read if (read := form.normalise(text)) is not None and fits(read) else None for text in texts]
        for form in formats
    ]
    scores = [sum(reading is not None for reading in row) for row in readings]
    best = max(scores, default=0)
    if not best:
        return Detection((), False, len(texts))
    leading = [place for place, score in enumerate(scores) if score == best]
    fitting: list[int] = []
    for place in leading:
        if not any(_same(readings[place], readings[other]) for other in fitting):
            fitting.append(place)
    proof = formats[leading[0]].proof
    if proof and len(leading) == 1 and not any(proof.search(text) for text in texts):
        rival = max((place for place in range(len(formats)) if place != leading[0]), key=lambda place: scores[place])
        fitting += [rival] if scores[rival] else []
    settled = len({formats[place].sign for place in leading}) == 1
    identical = all(read in (text, None) for read, text in zip(readings[leading[0]], texts, strict=True))
    return Detection(tuple(formats[place] for place in fitting), settled, len(texts) - best, identical)


def _same(one: Sequence[str | None], other: Sequence[str | None]) -> bool:
    return all(a == b or (a and b and _value(a) == _value(b)) for a, b in zip(one, other, strict=True))


@lru_cache(maxsize=4096)
def _value(text: str) -> object:
    return Decimal(text) if re.fullmatch(r"-?\d+(?:\.\d+)?", text) else text
