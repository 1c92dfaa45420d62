"""CSVW datatypes: the built-in ones, their formats and constraints, compiled into one reader per column.

A reader takes the text of a cell and returns the lexical form of an RDF literal, never a float, or raises
CellProblem (Tabular Data Model 6.4; Metadata Vocabulary 5.11).
"""

from __future__ import annotations

import base64
import binascii
import json
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from loaders.csvw.dates import DATE_TYPES, date_reader, date_value
from loaders.csvw.ecmascript import compiled
from loaders.csvw.numbers import MOST_DIGITS, FormatError, NumberFormat, number_reader, number_value
from loaders.csvw.problems import CellProblem, kind_of
from loaders.csvw.terms import CSVW, RDF, XSD, writable

ReadText = Callable[[str], str]
Check = Callable[[str], str | None]

# Metadata Vocabulary 5.11.1 and the diagram of Tabular Data Model 4.6: each datatype and the one it derives from.
PARENTS: Mapping[str, str] = {
    "anyAtomicType": "", "anyURI": "anyAtomicType", "base64Binary": "anyAtomicType", "boolean": "anyAtomicType",
    "date": "anyAtomicType", "dateTime": "anyAtomicType", "dateTimeStamp": "dateTime", "decimal": "anyAtomicType",
    "integer": "decimal", "long": "integer", "int": "long", "short": "int", "byte": "short",
    "nonNegativeInteger": "integer", "positiveInteger": "nonNegativeInteger", "unsignedLong": "nonNegativeInteger",
    "unsignedInt": "unsignedLong", "unsignedShort": "unsignedInt", "unsignedByte": "unsignedShort",
    "nonPositiveInteger": "integer", "negativeInteger": "nonPositiveInteger", "double": "anyAtomicType",
    "duration": "anyAtomicType", "dayTimeDuration": "duration", "yearMonthDuration": "duration",
    "float": "anyAtomicType", "gDay": "anyAtomicType", "gMonth": "anyAtomicType", "gMonthDay": "anyAtomicType",
    "gYear": "anyAtomicType", "gYearMonth": "anyAtomicType", "hexBinary": "anyAtomicType", "QName": "anyAtomicType",
    "string": "anyAtomicType", "normalizedString": "string", "token": "normalizedString", "language": "token",
    "Name": "token", "NMTOKEN": "token", "time": "anyAtomicType", "xml": "string", "html": "string",
    "json": "string",
}  # fmt: skip
ALIASES: Mapping[str, str] = {
    "number": "double", "binary": "base64Binary", "datetime": "dateTime", "any": "anyAtomicType",
}  # fmt: skip
_IRIS = {"xml": RDF + "XMLLiteral", "html": RDF + "HTML", "json": CSVW + "JSON"}
_RANGES: Mapping[str, tuple[int | None, int | None]] = {
    "long": (-(2**63), 2**63 - 1), "int": (-(2**31), 2**31 - 1), "short": (-(2**15), 2**15 - 1), "byte": (-128, 127),
    "nonNegativeInteger": (0, None), "positiveInteger": (1, None), "unsignedLong": (0, 2**64 - 1),
    "unsignedInt": (0, 2**32 - 1), "unsignedShort": (0, 2**16 - 1), "unsignedByte": (0, 255),
    "nonPositiveInteger": (None, 0), "negativeInteger": (None, -1),
}  # fmt: skip
_DURATION_TIME = r"(?:T(?=[0-9])(?:[0-9]+H)?(?:[0-9]+M)?(?:[0-9]+(?:\.[0-9]+)?S)?)?"
_LEXICAL = {
    "duration": re.compile(rf"-?P(?=[0-9T])(?:[0-9]+Y)?(?:[0-9]+M)?(?:[0-9]+D)?{_DURATION_TIME}"),
    "dayTimeDuration": re.compile(rf"-?P(?=[0-9T])(?:[0-9]+D)?{_DURATION_TIME}"),
    "yearMonthDuration": re.compile(r"-?P(?=[0-9])(?:[0-9]+Y)?(?:[0-9]+M)?"),
    "hexBinary": re.compile(r"(?:[0-9A-Fa-f]{2})*"),
    "language": re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*"),
    "Name": re.compile(r"[^\W\d][\w.:\-·]*|:[\w.:\-·]*"),
    "NMTOKEN": re.compile(r"[\w.:\-·]+"),
    "QName": re.compile(r"[^\W\d][\w.\-·]*(?::[^\W\d][\w.\-·]*)?"),
}
_ADDRESS = re.compile(r"[^\s<>\"{}|\\^`]*")
# Tabular Data Model 6.4 steps 1 and 2: these keep their line breaks and tabs, or their spaces, as they are.
KEEP_BREAKS = frozenset({"string", "json", "xml", "html", "anyAtomicType"})
KEEP_SPACES = KEEP_BREAKS | {"normalizedString"}
LENGTHS = ("length", "minLength", "maxLength")
BOUNDS = ("minimum", "maximum", "minInclusive", "maxInclusive", "minExclusive", "maxExclusive")


@dataclass(frozen=True, slots=True)
class Datatype:
    """A datatype of a column: a built-in base, perhaps narrowed by a format, lengths and bounds."""

    base: str = "string"
    id: str = ""
    name: str = ""
    format: str | NumberFormat | None = None
    length: int | None = None
    minLength: int | None = None
    maxLength: int | None = None
    minInclusive: str | None = None
    maxInclusive: str | None = None
    minExclusive: str | None = None
    maxExclusive: str | None = None

    @property
    def iri(self) -> str:
        """The IRI of literals of this datatype (csv2rdf 5.1, Interpreting datatypes)."""
        return self.id or builtin_iri(self.base)

    @property
    def bounds(self) -> tuple[str | None, ...]:
        """The four bounds, None where there is none."""
        return self.minInclusive, self.maxInclusive, self.minExclusive, self.maxExclusive

    def is_a(self, ancestor: str) -> bool:
        """Tell whether the base is the ancestor or derives from it."""
        return derives(self.base, ancestor)


def builtin_iri(base: str) -> str:
    """Return the IRI of a built-in datatype.

    >>> builtin_iri("html")
    'http://www.w3.org/1999/02/22-rdf-syntax-ns#HTML'
    """
    return _IRIS.get(base, XSD + base)


def derives(base: str, ancestor: str) -> bool:
    """Tell whether one built-in datatype is, or derives from, another.

    >>> derives("byte", "decimal"), derives("string", "decimal")
    (True, False)
    """
    while base and base != ancestor:
        base = PARENTS[base]
    return bool(base)


def is_numeric(base: str) -> bool:
    """Tell whether number formats and bounds apply."""
    return derives(base, "decimal") or base in ("double", "float")


def is_ordered(base: str) -> bool:
    """Tell whether bounds may be set (Metadata Vocabulary 5.11.2)."""
    return is_numeric(base) or base in DATE_TYPES or derives(base, "duration")


def has_length(base: str) -> bool:
    """Tell whether lengths may be set (Metadata Vocabulary 5.11.2)."""
    return derives(base, "string") or base in ("hexBinary", "base64Binary")


def lexical_reader(datatype: Datatype, lenient: bool = False) -> Check:
    """Return a function from text to lexical form or None, for the base and format alone; raises FormatError."""
    base, form = datatype.base, datatype.format
    if is_numeric(base):
        number = NumberFormat(form) if isinstance(form, str) else form or NumberFormat()
        integer, decimal = derives(base, "integer"), derives(base, "decimal")
        return number_reader(number, integer=integer, decimal=decimal, lenient=lenient)
    pattern = form if isinstance(form, str) else None
    if base in DATE_TYPES:
        return date_reader(base, pattern)
    if base == "boolean":
        return _boolean_reader(pattern)
    return _text_reader(base, pattern, anchored=lenient)


def text_reader(datatype: Datatype, lenient: bool = False) -> ReadText:
    """Return the reader of one value: format, lexical space, lengths and bounds; raises CellProblem on a bad one."""
    read = lexical_reader(datatype, lenient)
    sized = _size_check if lenient and derives(datatype.base, "decimal") else None
    checks = [check for check in (sized, _length_check(datatype), _bounds_check(datatype)) if check]

    def read_text(text: str) -> str:
        lexical = read(text)
        if lexical is None:
            raise CellProblem("values.datatype", kind_of(text))
        if not writable(lexical):
            raise CellProblem("values.control-character", kind_of(text))
        for check in checks:
            check(lexical, text)
        return lexical

    return read_text


def normalise(text: str, base: str) -> str:
    r"""Return the text as steps 1 and 2 of Tabular Data Model 6.4 leave it.

    >>> normalise(" 1\t 234 ", "decimal"), normalise(" a\tb ", "string")
    ('1 234', ' a\tb ')
    """
    if base in KEEP_BREAKS:
        return text
    text = text.replace("\r", " ").replace("\n", " ").replace("\t", " ")
    return text if base in KEEP_SPACES else re.sub("  +", " ", text.strip(" "))


def comparable(base: str, lexical: str) -> Any:
    """Return a value of an ordered datatype that compares as the datatype does; raises ValueError on a bad form."""
    if is_numeric(base):
        if lexical == "NaN":
            raise ValueError("NaN is neither less nor more than any number")
        try:
            return number_value(lexical)
        except ArithmeticError as error:
            raise ValueError("no number") from error
    if base in DATE_TYPES:
        return date_value(base, lexical)
    return _duration_value(lexical)


def _boolean_reader(pattern: str | None) -> Check:
    values = {"true": "true", "1": "true", "false": "false", "0": "false"}
    if pattern is not None:
        true, separator, false = pattern.partition("|")
        if not (true and separator and false) or true == false or "|" in false:
            raise FormatError("a boolean format is two values with | between them")
        values = {true: "true", false: "false"}
    return values.get


def _text_reader(base: str, pattern: str | None, anchored: bool) -> Check:
    """Return the reader of a text; in publication an expression means the whole of it, in CSVW any part (6.4.6)."""
    lexical = _LEXICAL.get(base)
    matches = None
    if pattern is not None:
        expression = compiled(pattern)
        matches = expression.fullmatch if anchored else expression.search

    def read(text: str) -> str | None:
        if matches is not None and matches(text) is None:
            return None
        if lexical is not None and lexical.fullmatch(text) is None:
            return None
        if base == "base64Binary" and _octets(base, text) is None:
            return None
        # CSVW leaves JSON and addresses as they are (6.4.6; XML Schema 1.1 Part 2, 3.3.17); publication does not.
        if anchored and not _is_sound(base, text):
            return None
        return text

    return read


def _is_sound(base: str, text: str) -> bool:
    if base == "anyURI":
        return _ADDRESS.fullmatch(text) is not None
    return base != "json" or _is_json(text)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _octets(base: str, lexical: str) -> int | None:
    if base == "hexBinary":
        return len(lexical) // 2
    try:
        return len(base64.b64decode(lexical.replace(" ", ""), validate=True))
    except (binascii.Error, ValueError):
        return None


def _length_check(datatype: Datatype) -> Callable[[str, str], None] | None:
    exact, least, most = datatype.length, datatype.minLength, datatype.maxLength
    if exact is None and least is None and most is None:
        return None
    binary = datatype.base in ("hexBinary", "base64Binary")

    def check(lexical: str, text: str) -> None:
        size = (_octets(datatype.base, lexical) or 0) if binary else len(lexical)
        short = size < (exact if exact is not None else least or 0)
        long = (exact is not None and size > exact) or (most is not None and size > most)
        if short or long:
            raise CellProblem("values.length", f"{size} characters")

    return check


def _size_check(lexical: str, text: str) -> None:
    """Refuse what no store can count with: XML Schema 3.2.3 asks of processors eighteen digits."""
    if len(lexical) > MOST_DIGITS and len(lexical.partition(".")[0].lstrip("+-0")) > MOST_DIGITS:
        raise CellProblem("values.range", kind_of(text))


def _bounds_check(datatype: Datatype) -> Callable[[str, str], None] | None:
    base = datatype.base
    low, high = _RANGES.get(base, (None, None))
    tests: list[Callable[[Any], bool]] = []
    if low is not None:
        tests.append(partial(operator.le, low))
    if high is not None:
        tests.append(partial(operator.ge, high))
    if datatype.minInclusive is not None:
        tests.append(partial(operator.le, comparable(base, datatype.minInclusive)))
    if datatype.minExclusive is not None:
        tests.append(partial(operator.lt, comparable(base, datatype.minExclusive)))
    if datatype.maxInclusive is not None:
        tests.append(partial(operator.ge, comparable(base, datatype.maxInclusive)))
    if datatype.maxExclusive is not None:
        tests.append(partial(operator.gt, comparable(base, datatype.maxExclusive)))
    if not tests:
        return None

    def check(lexical: str, text: str) -> None:
        try:
            value = comparable(base, lexical)
        except ValueError:
            raise CellProblem("values.range", kind_of(text)) from None
        if not all(test(value) for test in tests):
            raise CellProblem("values.range", kind_of(text))

    return check


def _duration_value(lexical: str) -> tuple[float, float]:
    """Return days and seconds in all, a month as 30.436875 days: enough to compare what can be compared."""
    match = re.fullmatch(
        r"(-?)P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?", lexical
    )
    if match is None:
        raise ValueError("no duration")
    years, months, days, hours, minutes, seconds = (float(part or 0) for part in match.groups()[1:])
    sign = -1 if match[1] else 1
    total = (years * 12 + months) * 30.436875 + days + (hours * 3600 + minutes * 60 + seconds) / 86400
    return (sign * total, 0.0)
