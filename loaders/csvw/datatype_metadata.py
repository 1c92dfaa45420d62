"""Reads datatype descriptions (Metadata Vocabulary 5.11.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from loaders.csvw.context import expand_name
from loaders.csvw.datatypes import (
    ALIASES,
    BOUNDS,
    LENGTHS,
    PARENTS,
    Datatype,
    builtin_iri,
    comparable,
    has_length,
    is_numeric,
    is_ordered,
    lexical_reader,
)
from loaders.csvw.notes import normalise_value
from loaders.csvw.numbers import FormatError, NumberFormat
from loaders.csvw.problems import CsvwError
from loaders.csvw.properties import Warn, count, some_text, string, take

_BUILTIN_IRIS = frozenset(builtin_iri(base) for base in PARENTS)
_PROPERTIES = frozenset({"@id", "@type", "base", "format", "name", *LENGTHS, *BOUNDS})


def read_datatype(source: Any, warn: Warn, language: str = "und", base_url: str = "") -> Datatype | None:
    """Return the datatype, or None with a warning when there is none (5.1.7: as if it had not been specified).

    Contradicting constraints raise CsvwError. A description's wrong `base` is string, its default.
    """
    if isinstance(source, str) and ALIASES.get(source, source) in PARENTS:
        return Datatype(ALIASES.get(source, source))
    if not isinstance(source, dict):
        warn("datatype is neither the name of a built-in datatype nor an object")
        return None
    if "@type" in source and source["@type"] != "Datatype":
        raise CsvwError("@type must be Datatype")
    base = _base(source["base"], warn) if "base" in source else "string"
    identifier = source.get("@id", "")
    if not isinstance(identifier, str):
        warn("@id is no string")
        identifier = ""
    if identifier.startswith("_:") or identifier in _BUILTIN_IRIS:
        raise CsvwError("@id of a datatype must be neither a blank node nor a built-in datatype")
    for name in source:
        if name not in _PROPERTIES:
            if name == "@context":
                raise CsvwError("@context may stand at the top of a document only")
            if ":" not in name or expand_name(name) is None:
                warn("a datatype has a property that is not defined")
            else:
                normalise_value(source[name], language, base_url, warn)
    lengths = _lengths(source, base, warn)
    bounds = _bounds(source, base, warn)
    datatype = Datatype(base, identifier, take(source, "name", string, warn, ""), None, *lengths, *bounds)
    return _formatted(datatype, source.get("format"), warn)


def _base(name: Any, warn: Warn) -> str:
    base = ALIASES.get(name, name) if isinstance(name, str) else ""
    if base not in PARENTS:
        warn("datatype is none of the built-in datatypes")
        return "string"
    return base


def _lengths(source: Mapping[str, Any], base: str, warn: Warn) -> tuple[int | None, int | None, int | None]:
    length, least, most = (take(source, name, count, warn) for name in LENGTHS)
    given = [value for value in (length, least, most) if value is not None]
    if given and not has_length(base):
        raise CsvwError("only strings and binary data have a length")
    if length is not None and ((least is not None and length < least) or (most is not None and length > most)):
        raise CsvwError("length contradicts minLength or maxLength")
    if least is not None and most is not None and least > most:
        raise CsvwError("minLength is greater than maxLength")
    return length, least, most


def _bounds(source: Mapping[str, Any], base: str, warn: Warn) -> tuple[str | None, ...]:
    """Return minInclusive, maxInclusive, minExclusive, maxExclusive; minimum and maximum are the inclusive ones."""
    given: dict[str, str] = {}
    for name in BOUNDS:
        if name in source and source[name] is not None:
            if not is_ordered(base):
                raise CsvwError(f"{name} is for numbers, dates, times and durations only")
            value = source[name]
            if isinstance(value, bool) or not isinstance(value, str | int | float):
                warn(f"{name} is no number or string")
                continue
            text = str(value)
            try:
                comparable(base, text)
            except ValueError:
                warn(f"{name} is no value of the datatype")
                continue
            given[name] = text
    for first, second in (("minimum", "minInclusive"), ("maximum", "maxInclusive")):
        if first in given and second in given and comparable(base, given[first]) != comparable(base, given[second]):
            raise CsvwError(f"{first} and {second} mean the same and have two values")
    low = given.get("minInclusive", given.get("minimum"))
    high = given.get("maxInclusive", given.get("maximum"))
    above, below = given.get("minExclusive"), given.get("maxExclusive")
    if (low is not None and above is not None) or (high is not None and below is not None):
        raise CsvwError("an inclusive and an exclusive bound exclude each other")
    for least, most, equal in ((low, high, True), (low, below, False), (above, below, True), (above, high, False)):
        if least is not None and most is not None:
            first, last = comparable(base, least), comparable(base, most)
            if last < first or (not equal and last == first):
                raise CsvwError("the greatest value is less than the least one")
    return low, high, above, below


def _formatted(datatype: Datatype, form: Any, warn: Warn) -> Datatype:
    """Return the datatype with its format, or without when the format is none (a warning; 6.4.2 to 6.4.5)."""
    if form is None:
        return datatype
    if isinstance(form, dict) and is_numeric(datatype.base):
        decimal = take(form, "decimalChar", some_text, warn, ".")
        group = take(form, "groupChar", some_text, warn)
        pattern = take(form, "pattern", string, warn)
        if not set(form) <= {"decimalChar", "groupChar", "pattern"}:
            warn("format has a property that is not defined")
        form = NumberFormat(pattern, decimal, group)
        plain = NumberFormat(None, decimal, group)
    else:
        plain = None
        if isinstance(form, str) and is_numeric(datatype.base):
            form = NumberFormat(form)
    for candidate in (form, plain):
        if isinstance(candidate, str | NumberFormat):
            formatted = _with_format(datatype, candidate)
            try:
                lexical_reader(formatted)
            except FormatError:
                warn("format is none that the datatype can be read by")
                continue
            return formatted
    if not isinstance(form, str | NumberFormat):
        warn("format is neither a string nor, for numbers, an object")
    return datatype


def _with_format(datatype: Datatype, form: str | NumberFormat) -> Datatype:
    return Datatype(
        datatype.base, datatype.id, datatype.name, form, datatype.length, datatype.minLength, datatype.maxLength,
        datatype.minInclusive, datatype.maxInclusive, datatype.minExclusive, datatype.maxExclusive,
    )  # fmt: skip
