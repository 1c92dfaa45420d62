"""Say in a reader's own language what form a column wants and what kind of value was met instead."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_KINDS = {
    "text": "text", "empty": "tomt", "number with thousands separators": "tal med tusentalsavgränsare",
    "number with decimal comma": "tal med decimalkomma", "number with decimal point": "tal med decimalpunkt",
    "digits with spaces": "siffror med mellanslag", "date": "datum", "date and time": "datum och klockslag",
    "date in another form": "datum på annat sätt", "digits with a hyphen": "siffror med bindestreck",
    "web address": "webbadress", "e-mail address": "e-postadress", "phone number": "telefonnummer",
}  # fmt: skip
_WHOLE = frozenset(
    """integer long int short byte nonNegativeInteger positiveInteger unsignedLong unsignedInt unsignedShort
    unsignedByte nonPositiveInteger negativeInteger""".split()
)
_FORMAT_ADVICE = (
    "Rätta värdet i källan, eller ange i [columns] hur kolumnen skrivs ({}).",
    "Correct the value in the source, or say in [columns] how the column is written ({}).",
)
_PLAIN_ADVICE = ("Rätta värdet i källan.", "Correct the value in the source.")


def kind_words(kind: str, language: str) -> str:
    """Return how a language names a kind of value; a kind that has no words, such as #REF!, is as it is.

    >>> kind_words("10 digits", "sv"), kind_words("date", "en")
    ('10 siffror', 'date')
    """
    if language != "sv":
        return kind
    digits = re.fullmatch(r"(\d+) digits?", kind)
    return f"{digits[1]} {'siffra' if digits[1] == '1' else 'siffror'}" if digits else _KINDS.get(kind, kind)


def datatype_words(column: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return what fills the texts of the rule values.datatype: form wanted, advice, in both languages."""
    said = column.get("datatype", "string")
    base, form = (said, None) if isinstance(said, str) else (str(said.get("base", "string")), said.get("format"))
    wanted, advice = _wanted(base, form)
    named = (("wanted", wanted), ("advice", advice))
    return tuple((f"{name}_{tongue}", pair[place]) for name, pair in named for place, tongue in enumerate(("sv", "en")))


def _wanted(base: str, form: object) -> tuple[tuple[str, str], tuple[str, str]]:
    decimal = tuple(text.format('decimalChar = ","') for text in _FORMAT_ADVICE)
    if base in _WHOLE:
        return ("ett heltal", "a whole number"), _PLAIN_ADVICE
    if base in ("decimal", "number", "double", "float"):
        return ("ett tal", "a number"), (decimal[0], decimal[1])
    if base == "date":
        date = tuple(text.format('format = "d/M/yyyy"') for text in _FORMAT_ADVICE)
        return ("ett datum", "a date"), (date[0], date[1])
    if base in ("dateTime", "datetime", "dateTimeStamp"):
        return ("datum och klockslag", "a date and time"), _PLAIN_ADVICE
    if base == "boolean":
        return ("ja eller nej (true eller false)", "yes or no (true or false)"), _PLAIN_ADVICE
    if base == "anyURI":
        return ("en webbadress", "a web address"), _PLAIN_ADVICE
    if isinstance(form, str) and "@" in form:
        return ("en e-postadress", "an e-mail address"), _PLAIN_ADVICE
    if isinstance(form, str):
        return (f"formen {form}", f"the form {form}"), _PLAIN_ADVICE
    return (base, base), _PLAIN_ADVICE
