"""Number formats of CSVW (Tabular Data Model 6.4.2), with the number patterns of UAX35."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

_MINUS = "\u2212"
_SPACES = ("\u00a0", "\u202f", "\u2009")
GROUP_SPACES = (" ", *_SPACES)
# What a 64-bit integer holds of any digits, and what XML Schema 1.0 Part 2, 3.2.3 asks of every processor.
MOST_DIGITS = 18
_SPECIAL = {"NaN": "NaN", "INF": "INF", "-INF": "-INF", "+INF": "INF"}
_PATTERN = re.compile(
    r"(?P<sign>[+\-]?)(?P<prefix_mark>[%‰]?)(?P<inner_sign>[+\-]?)"
    r"(?P<integer>[#0,]*)(?:\.(?P<fraction>[0#,]+))?(?:E(?P<exponent_sign>[+\-]?)(?P<exponent>[#0]+))?"
    r"(?P<suffix_mark>[%‰]?)"
)
# The digits of a pattern, between the signs and marks before and after them.
_NUMBER = re.compile(r"[#0,][#0,.]*(?:E[+\-]?[#0]+)?|\.[#0,]+(?:E[+\-]?[#0]+)?")

Number = Decimal | float
Read = Callable[[str], str | None]


class FormatError(ValueError):
    """The format is no pattern for the datatype."""


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """The `format` of a numeric datatype: a UAX35 pattern or none, and the two characters."""

    pattern: str | None = None
    decimal_char: str = "."
    group_char: str | None = None


def number_reader(form: NumberFormat, *, integer: bool, decimal: bool, lenient: bool = False) -> Read:
    """Return a function from a cell's text to the XSD lexical form, or None where the text does not fit.

    `integer` and `decimal` narrow what the base datatype allows. `lenient` also takes the minus sign U+2212 and
    non-breaking spaces where the group character is a space.

    >>> number_reader(NumberFormat(decimal_char=",", group_char=" "), integer=False, decimal=True)("-1 234,50")
    '-1234.50'
    >>> number_reader(NumberFormat("#,##0.##", group_char=","), integer=False, decimal=True)("1,23") is None
    True
    """
    # The W3C suite (test168) takes `,` for the group character where none is named; in publication that would make
    # a decimal comma a thousand.
    group = form.group_char or ("," if form.pattern or not lenient else None)
    if group == form.decimal_char:
        group = form.group_char
    plain = form == NumberFormat() and not lenient
    form = replace(form, group_char=group)
    matcher = _pattern_matcher(form) if form.pattern is not None else _plain_matcher(form, plain)
    spaced = lenient and group in GROUP_SPACES

    def read(text: str) -> str | None:
        if lenient and not text.isascii():
            text = text.replace(_MINUS, "-")
            if spaced and group is not None:
                for space in GROUP_SPACES:
                    text = text.replace(space, group)
        if text in _SPECIAL:
            return None if decimal or integer else _SPECIAL[text]
        match = matcher(text)
        if match is None or (integer and form.decimal_char in text):
            return None
        sign, whole, fraction, exponent, mark = match
        if group:
            if group + group in whole + fraction:
                return None
            whole, fraction = whole.replace(group, ""), fraction.replace(group, "")
        if exponent and (decimal or integer):
            return None
        lexical = sign + (whole or "0") + ("." + fraction if fraction else "")
        if mark:
            moved = _shift(lexical, 2 if mark == "%" else 3)
            return None if integer and "." in moved else moved + ("E" + exponent if exponent else "")
        return lexical + ("E" + exponent if exponent else "")

    return read


def number_value(lexical: str) -> Number:
    """Return a number to compare with, exact where the lexical form is.

    >>> number_value("10.50") == number_value("10.5")
    True
    """
    if lexical in _SPECIAL:
        return float(lexical.replace("INF", "inf").replace("NaN", "nan"))
    return Decimal(lexical)


Parts = tuple[str, str, str, str, str]


def _plain_matcher(form: NumberFormat, plain: bool) -> Callable[[str], Parts | None]:
    """Return what reads numbers without a pattern; XML Schema's own form (`plain`) may end with the point."""
    group = re.escape(form.group_char) if form.group_char else ""
    whole = rf"[0-9](?:[0-9]|{group})*" if group else r"[0-9]+"
    point = re.escape(form.decimal_char)
    expression = re.compile(
        rf"(?P<sign>[+-]?)(?:(?P<whole>{whole})(?:{point}(?P<fraction>[0-9]{'*' if plain else '+'}))?"
        rf"|{point}(?P<bare>[0-9]+))"
        r"(?:E(?P<exponent>[+-]?[0-9]+)|e(?P<small>[+-]?[0-9]+))?(?P<mark>[%‰]?)"
    )

    def match(text: str) -> Parts | None:
        found = expression.fullmatch(text)
        if found is None:
            return None
        fraction = found["fraction"] or found["bare"] or ""
        return found["sign"], found["whole"] or "", fraction, found["exponent"] or found["small"] or "", found["mark"]

    return match


def _pattern_matcher(form: NumberFormat) -> Callable[[str], Parts | None]:
    positive, *rest = _uax35(form).split(";")
    if len(rest) > 1:
        raise FormatError("a number pattern has at most two parts")
    expressions = [re.compile(_pattern_expression(positive, form))]
    expressions += [re.compile(_pattern_expression(_negative(positive, part), form, negative=True)) for part in rest]

    def match(text: str) -> Parts | None:
        for number, expression in enumerate(expressions):
            found = expression.fullmatch(text)
            if found is not None:
                sign = "-" if number else found["sign"]
                return sign, found["whole"], found["fraction"] or "", found["exponent"] or "", found["mark"]
        return None

    return match


def _uax35(form: NumberFormat) -> str:
    """Return the pattern with `.` and `,` for the characters that the format names in their stead (6.4.2)."""
    pattern, decimal, group = form.pattern or "", form.decimal_char, form.group_char or ","
    marks = set(pattern) - set("0#E+-%‰;")
    if not marks <= {decimal, group}:
        return pattern
    return "".join("." if mark == decimal else "," if mark == group else mark for mark in pattern)


def _negative(positive: str, negative: str) -> str:
    """Return the pattern of negative numbers: only the signs of its own part count, not the digits (UAX35 2.2)."""
    number, signs = _NUMBER.search(positive), _NUMBER.search(negative)
    if number is None or signs is None:
        raise FormatError("no number pattern of UAX35")
    return negative[: signs.start()] + number[0] + negative[signs.end() :]


def _pattern_expression(pattern: str, form: NumberFormat, negative: bool = False) -> str:
    found = _PATTERN.fullmatch(pattern)
    if found is None or not (found["integer"] or found["fraction"]):
        raise FormatError("no number pattern of UAX35")
    integer, fraction = found["integer"], found["fraction"] or ""
    if not re.fullmatch(r"[#,]*[0,]*", integer) or not re.fullmatch(r"[0,]*[#,]*", fraction):
        raise FormatError("digits and # in the wrong order")
    if integer.endswith(",") or integer.startswith(",") or ",," in integer + "." + fraction:
        raise FormatError("a group without digits")
    given = found["sign"] or found["inner_sign"]
    if negative and not given:
        raise FormatError("negative numbers without a sign")
    signs = re.escape(given) if negative else {"+": "[+-]", "-": "-?", "": "[+-]?"}[given]
    exponent = "(?P<exponent>)"
    if found["exponent"] is not None:
        digits = max(found["exponent"].count("0"), 1)
        exponent = rf"[Ee](?P<exponent>{'[+-]' if found['exponent_sign'] == '+' else '[+-]?'}[0-9]{{{digits},}})"
    whole = _integer_expression(integer, form.group_char or ",")
    decimals = _fraction_expression(fraction, form.decimal_char, form.group_char or ",")
    body = f"(?P<whole>{whole}){decimals}{exponent}"
    sign = f"(?=[^0-9]*[0-9])(?P<sign>{signs})"
    if found["prefix_mark"]:
        mark = f"(?P<mark>{found['prefix_mark']})"
        return (mark + sign if found["inner_sign"] else sign + mark) + body
    return sign + body + f"(?P<mark>{found['suffix_mark']})"


def _integer_expression(integer: str, group: str) -> str:
    """Return the expression of the integer part: at least as many digits as zeros, grouped as the pattern is."""
    least = integer.count("0")
    if "," not in integer:
        return rf"[0-9]{{{least},}}"
    groups = integer.split(",")
    primary = len(groups[-1])
    secondary = len(groups[-2]) if len(groups) > 2 else primary
    mark = re.escape(group)
    ungrouped = rf"[0-9]{{{min(least, primary)},{primary}}}" if least <= primary else None
    head = rf"[0-9]{{1,{secondary}}}(?:{mark}[0-9]{{{secondary}}})*{mark}[0-9]{{{primary}}}"
    enough = rf"(?=(?:{mark}?[0-9]){{{least},}})" if least else ""
    return f"{enough}(?:{head}|{ungrouped})" if ungrouped else enough + head


def _fraction_expression(fraction: str, point: str, group: str) -> str:
    """Return the expression of the fraction: between as many digits as zeros and as many as places."""
    if not fraction:
        return "(?P<fraction>)"
    least, most = fraction.count("0"), len(fraction.replace(",", ""))
    size = len(fraction.split(",")[0]) if "," in fraction else 0
    if size:
        mark = re.escape(group)
        shape = rf"(?=(?:[0-9]{mark}?){{{least},{most}}}(?![0-9]))(?:[0-9]{{{size}}}{mark})*[0-9]{{1,{size}}}"
    else:
        shape = rf"[0-9]{{{max(least, 1)},{most}}}"
    part = rf"{re.escape(point)}(?P<fraction>{shape})"
    return part if least else f"(?:{part})?"


def _shift(lexical: str, places: int) -> str:
    """Move the decimal point to the left, in text, so that nothing is rounded."""
    sign = lexical[0] if lexical[0] in "+-" else ""
    whole, _, fraction = lexical[len(sign) :].partition(".")
    digits = whole.rjust(places + 1, "0")
    whole, fraction = digits[:-places], (digits[-places:] + fraction).rstrip("0")
    return sign + (whole.lstrip("0") or "0") + ("." + fraction if fraction else "")
