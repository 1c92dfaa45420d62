"""Recognise numbers that may be a person's, and contact details in free text, in every spelling that people use.

Personnummer and samordningsnummer (day + 60): Folkbokföringslagen 18 §, SKV 704 and 707; organisationsnummer:
lag (1974:174), whose third digit is at least 2, so that the two never meet. A sole trader's organisationsnummer is
the owner's personnummer; that is why the third digit decides what may be published.
"""

from __future__ import annotations

import html
import re
import unicodedata
from functools import lru_cache
from typing import Literal
from urllib.parse import unquote

Kind = Literal["personnummer", "samordningsnummer", "organisationsnummer"]

_GAP = r" {0,3}(?:[-+/_]{1,2} {0,3})?"
_CENTURY = r"(?:1[689]|20)"
_NUMBER = re.compile(rf"(?:({_CENTURY})[ -]?(?=\d\d))?(\d{{6}}){_GAP}(\d{{4}})")
# 1981-12-18-9876, 18/12/1981-9876, 18 dec 1981 9876; which part is the year shows by trying.
_MONTHS = "jan feb mar apr maj jun jul aug sep okt nov dec".split()
_ENGLISH = {"may": "maj", "oct": "okt"}
_PART = r" ?[-./ ] ?"
_LAST = r" ?(?:[-+/_,]| ) ?(\d{4})"
_PARTED = re.compile(rf"(\d{{1,4}}){_PART}(\d{{1,2}}){_PART}(\d{{1,4}}){_LAST}")
_NAMED = re.compile(
    rf"(\d{{1,2}}) ?({'|'.join((*_MONTHS, *_ENGLISH))})[a-z]{{0,6}}\.? ?((?:18|19|20)?\d\d){_LAST}",
    re.IGNORECASE,
)
# Digits with a space between all of them, as forms with boxes give.
_BOXES = re.compile(r"(?<!\d)(?:\d[ .]){5,9}\d ?-? ?\d[ .]\d[ .]\d[ .]\d(?![ .]?\d)")
# A sole trader's VAT number is SE, the owner's number and 01.
_VAT = re.compile(r"(?i:SE) ?-?(\d{6}) ?-?(\d{4}) ?-?01")
_POWER = re.compile(r"(\d)[.,](\d{1,15})[eE]\+?(\d{1,2})")
_GROUPED = re.compile(r"\d{1,3}(?:[\s.,']\d{3}){3}")
_UNSEEN = dict.fromkeys(
    [*map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad"), *range(0x200E, 0x2010), *range(0x202A, 0x202F),
     *range(0x2066, 0x206A)]
)  # fmt: skip
_ESCAPES = re.compile(r"%[0-9A-Fa-f]{2}|&(?:#\w+|[A-Za-z]+);")
# Interim numbers (a letter among the last four) and numbers that someone has masked already.
_INTERIM = re.compile(r"(?:18|19|20)?\d\d(?:0[1-9]|1[0-2])\d\d\s?[-+]?\s?(?:[A-Za-z]{1,2}\d{2,3}|\d{0,3}[xX*]{1,4})")
# What is left of a number that a narrow field cut off; a plusgiro number has one digit after its hyphen.
_CUT_SHORT = re.compile(r"(?:18|19|20)?(\d{6})\s?[-+‐‑–−./_ ]\s?\d{2,3}")
_IN_TEXT = re.compile(
    # Six digits, a sign and four are hardly ever anything else, whatever stands around them.
    rf"(?<!\d){_CENTURY}?\d{{6}}-\d{{4}}(?!\d)"
    rf"|(?<![\d.,])(?<!\d-)(?:SE ?-?\d{{6}} ?-?\d{{4}} ?-?01|(?:{_CENTURY}[ -]?)?\d{{6}}{_GAP}\d{{4}})(?!\d|[.,-]\d)"
    # Dates in parts may overlap with what stands before them: each beginning is tried.
    rf"|(?<!\d)(?=(\d{{1,4}}{_PART}\d{{1,2}}{_PART}\d{{1,4}}{_LAST}(?!\d)))|(?<!\d){_NAMED.pattern}(?!\d)|{_BOXES.pattern}",
    re.IGNORECASE,
)
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_PHONE = re.compile(
    r"(?<![\d.,-])(?:(?:\+46|0046|0)[\s-]?(?:\(0\))?\d{1,3}[\s/-]{1,3}\d{2,3}(?:[\s-]?\d{2,3}){1,3}"
    r"|(?:\+|00)46\s?(?:\(0\))?\d{7,10}|07[02369]\d{7})(?!\d)"
)
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
TextKind = Literal["personnummer", "e-mail address", "phone number"]


def check_digit(digits: str) -> bool:
    """Tell whether the last of ten digits checks (modulus 10, weights 2 1 2 1 …).

    >>> check_digit("2120001967"), check_digit("2120001968")
    (True, False)
    """
    total = 0
    for place, sign in enumerate(digits):
        value = int(sign) * (2 - place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def kind_of_number(text: str) -> Kind | None:
    """Return what a number is by its digits and check digit, in any spelling, None when it is neither.

    >>> kind_of_number("19811218-9876"), kind_of_number("811278-9873"), kind_of_number("212000-1967")
    ('personnummer', 'samordningsnummer', 'organisationsnummer')
    """
    parts = _parts(text)
    if parts is None:
        return None
    century, date, last = parts
    if not check_digit(date + last):
        return None
    if int(date[2]) >= 2:
        # Twelve digits with 16 in front is how some authorities write organisations.
        return "organisationsnummer" if century in ("", "16") else None
    # Systems that put 16 before every supplier's number put it before sole traders' too: the date decides.
    if not is_date(date):
        return None
    return "samordningsnummer" if int(date[4:6]) > 60 else "personnummer"


def _parts(text: str) -> tuple[str, str, str] | None:
    """Return (century, six digits of date, last four) of a number in any spelling, None when it has another form."""
    text = plain(text)
    if len(text) < 10:
        return None
    hit = _NUMBER.fullmatch(text)
    if hit:
        return hit[1] or "", hit[2], hit[3]
    hit = _VAT.fullmatch(text)
    if hit:
        return "", hit[1], hit[2]
    if hit := _PARTED.fullmatch(text):
        return _of_parts(hit[1], hit[2], hit[3], hit[4], text)
    if hit := _NAMED.fullmatch(text):
        month = _ENGLISH.get(hit[2].lower(), hit[2].lower())
        return _dated(hit[3], str(_MONTHS.index(month) + 1), hit[1], hit[4])
    if _BOXES.fullmatch(text):
        return _parts(re.sub("[ .]", "", text))
    return None


def _of_parts(one: str, two: str, three: str, last: str, text: str) -> tuple[str, str, str] | None:
    """Return the parts of a date in pieces and four digits: year first, day first or month first, what checks first."""
    orders = [(one, two, three), (three, two, one), (three, one, two)]
    found = [dated for order in orders if (dated := _dated(*order, last))]
    found.sort(key=lambda parts: not check_digit(parts[1] + parts[2]))
    if not found:
        return None
    # 2026-01-02 1430 is a date and an hour, if the four digits can be one and the year is of the computers' time.
    hour = text[-5] == " " and text[-6] not in "-+/_" and int(last[:2]) < 24 and int(last[2:]) < 60
    return None if hour and (not found[0][0] or int(found[0][0] + found[0][1][:2]) >= 1995) else found[0]


def _dated(year: str, month: str, day: str, last: str) -> tuple[str, str, str] | None:
    """Return the parts of a number whose date is given in three, None when they are no date."""
    if len(year) not in (2, 4) or len(month) > 2 or len(day) > 2 or year[:-2] not in ("", "18", "19", "20"):
        return None
    six = f"{year[-2:]}{int(month):02d}{int(day):02d}"
    return (year[:-2], six, last) if is_date(six) else None


def plain(text: str) -> str:
    """Return a cell's text without what spreadsheets put around and into numbers, in plain digits, dashes and spaces.

    >>> plain('="8112189876"'), plain("8112189876.00"), plain("8,112189876E+09"), plain("8 112 189 876")
    ('8112189876', '8112189876', '8112189876', '8112189876')
    >>> plain("８１１２１８\u20139876"), plain("811218&#45;9876"), plain("811218%2D9876")
    ('811218-9876', '811218-9876', '811218-9876')
    """
    text = _simple(text).strip().removeprefix("=").strip("'\"‘’”").strip()
    power = _POWER.fullmatch(text)
    if power and int(power[3]) >= len(power[2]):
        return power[1] + power[2] + "0" * (int(power[3]) - len(power[2]))
    whole, mark, zeros = text.replace(",", ".").rpartition(".")
    if mark and whole.isdigit() and zeros and not zeros.strip("0"):
        text = whole
    if text[:1].isdigit() and _GROUPED.fullmatch(text):
        return re.sub(r"\D", "", text)
    return text


def _simple(text: str) -> str:
    """Return a text with every kind of digit, dash and space as ASCII has them, and what hides between taken away."""
    if ("%" in text or "&" in text) and _ESCAPES.search(text):
        text = unquote(html.unescape(text))
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text.translate(_UNSEEN))
        text = "".join(map(_ascii, text))
    return " ".join(text.split("\n")).replace("\t", " ").replace("\r", " ")


@lru_cache(maxsize=1_000)
def _ascii(sign: str) -> str:
    match unicodedata.category(sign):
        case "Nd":
            return str(unicodedata.decimal(sign))
        case "Pd":
            return "-"
        case "Zs" | "Zl" | "Zp":
            return " "
    return "-" if sign == "\u2212" else sign


def organization_number(text: str) -> str | None:
    """Return the ten digits of a legal person's number, None for every other text.

    >>> organization_number("212000-1967"), organization_number("SE556074755101"), organization_number("811218-9876")
    ('2120001967', '5560747551', None)
    """
    parts = _parts(text)
    if parts is None or kind_of_number(text) != "organisationsnummer":
        return None
    return parts[1] + parts[2]


def may_be_person(text: str) -> bool:
    """Tell whether an identifier may be a person's; rather one too many, for what is published cannot be called back.

    The check digit is not asked for: a number with a slip of the pen still points at someone. Shorter numbers are
    tried with the leading zeros that a spreadsheet takes away.

    >>> may_be_person("811218-9877"), may_be_person("5560747551"), may_be_person("10004007")
    (True, False, False)
    """
    text = plain(text)
    parts = _parts(text)
    if parts:
        return 1 <= int(parts[1][2:4]) <= 12
    if text.isdigit() and len(text) == 9:
        # A spreadsheet's number that lost its zero; shorter ones are more often a supplier's own, from 10000000 on.
        return is_date("0" + text)
    if text.isdigit() and 7 <= len(text) <= 8:
        return _is_persons(text.rjust(10, "0"))
    cut = _CUT_SHORT.fullmatch(text)
    if _INTERIM.fullmatch(text) or (cut and is_date(cut[1])):
        return True
    return "personnummer" in scan(text) or _may_hold_person(text)


def _may_hold_person(text: str) -> bool:
    """Tell whether digits, all that parts them taken away, are a person's number, a padded one, or hold one."""
    for run in re.findall(r"\d{10,}", re.sub(r"[\W_]", "", text)):
        number = run.lstrip("0")
        number = number.rjust(10, "0") if len(number) <= 10 else number
        if len(number) == 12 and number[:2] in ("16", "18", "19", "20"):
            number = number[2:]
        if len(number) == 10:
            if is_date(number):
                return True
            continue
        windows = (run[start : start + 10] for start in range(len(run) - 9))
        # One in ten numbers that begin as a date has the check digit: a longer number holds several such beginnings.
        if any(is_date(window) and check_digit(window) for window in windows):
            return organization_number(run) is None
    return False


def scan(text: str) -> frozenset[TextKind]:
    """Return which personal details a free text holds.

    >>> sorted(scan("Ring Kim, 019-21 10 00, eller kim@granby.example"))
    ['e-mail address', 'phone number']
    """
    found: set[TextKind] = set()
    if "@" in text and _EMAIL.search(text):
        found.add("e-mail address")
    simple = _simple(text)
    if any(_is_persons(hit[0] or hit[1]) for hit in _IN_TEXT.finditer(simple)):
        found.add("personnummer")
    if any(kind_of_number(re.sub(r"\s", "", hit[0])) is None for hit in _PHONE.finditer(text)):
        found.add("phone number")
    return frozenset(found)


def is_person(text: str) -> bool:
    """Tell whether a text is, or holds, a personnummer or samordningsnummer with its check digit.

    >>> is_person("Utlägg 19811218-9876, resa"), is_person("Faktura 1234567890")
    (True, False)
    """
    if len(text) < 9:
        return False
    text = plain(text)
    if text.isdigit() and len(text) == 9:
        text = "0" + text
    return _is_persons(text) or "personnummer" in scan(text)


def _is_persons(text: str) -> bool:
    return kind_of_number(text) in ("personnummer", "samordningsnummer")


def is_persons_number(text: str) -> bool:
    """Tell whether a text is nothing but a person's number with its check digit, its first zero lost or not.

    >>> is_persons_number("8112189876.0"), is_persons_number("101010017"), is_persons_number("Kim 811218-9876")
    (True, True, False)
    """
    parts = number_parts(text)
    return parts is not None and is_date(parts[1]) and check_digit(parts[1] + parts[2])


def number_parts(text: str) -> tuple[str, str, str] | None:
    """Return (century, six digits, last four) of a text spelled like a person's number, None for every other.

    >>> number_parts("811318-9870"), number_parts("kim")
    (('', '811318', '9870'), None)
    """
    text = plain(text)
    return _parts("0" + text if text.isdigit() and len(text) == 9 else text)


def begins_as_date(text: str) -> bool:
    """Tell whether a text is spelled like a person's number as far as the date, whatever its check digit.

    >>> begins_as_date("811218-9870"), begins_as_date("812318-9876"), begins_as_date("kim")
    (True, False, False)
    """
    parts = number_parts(text)
    return parts is not None and is_date(parts[1])


def is_date(six: str) -> bool:
    """Tell whether six digits are a day, or one with sixty added as in a coordination number; year, month, day."""
    month, day = int(six[2:4]), int(six[4:6])
    return 1 <= month <= 12 and 1 <= (day - 60 if day > 60 else day) <= _DAYS[month - 1]


def masked(text: str) -> str:
    """Return a text with every person's number in it taken out, for what is shown to stewards and kept.

    >>> masked("Kolumnen 811218-9876 saknas")
    'Kolumnen … saknas'
    """
    found = _IN_TEXT.sub(lambda hit: "…" if hit[0] and _is_persons(hit[0]) else hit[0], text)
    return "…" if is_person(found) else found
