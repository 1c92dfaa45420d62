"""Recognise numbers that may be a person's, and contact details in free text, in every spelling that people use.

Personnummer and samordningsnummer (day + 60): Folkbokföringslagen 18 §, SKV 704 and 707; organisationsnummer:
lag (1974:174), whose third digit is at least 2, so that the two never meet. A sole trader's organisationsnummer is
the owner's personnummer; that is why the third digit decides what may be published.
"""

from __future__ import annotations

import re
from typing import Literal

Kind = Literal["personnummer", "samordningsnummer", "organisationsnummer"]

_SIGN = r"[-+‐‑–−]"
_NUMBER = re.compile(rf"(?:(1[689]|20)\s?(?=\d{{2}}))?(\d{{6}})\s?({_SIGN}?)\s?(\d{{4}})")
# 1981-12-18-9876, 81 12 18-9876: parted dates count only with a sign before the last four (else a date and an hour).
_PARTED = re.compile(rf"((?:1[89]|20)?\d\d)[-./ ](\d\d)[-./ ](\d\d)({_SIGN})(\d{{4}})")
# A sole trader's VAT number is SE, the owner's number and 01.
_VAT = re.compile(r"(?i:SE)\s?-?(\d{6})\s?-?(\d{4})\s?-?01")
_POWER = re.compile(r"(\d)[.,](\d{1,15})[eE]\+?(\d{1,2})")
_GROUPED = re.compile(r"\d{1,3}(?:[\s.,']\d{3}){3}")
_UNSEEN = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad"))
# Interim numbers (a letter among the last four) and numbers that someone has masked already.
_INTERIM = re.compile(r"(?:18|19|20)?\d\d(?:0[1-9]|1[0-2])\d\d\s?[-+]?\s?(?:[A-Za-z]{1,2}\d{2,3}|\d{0,3}[xX*]{1,4})")
# What is left of a number that a narrow field cut off; a plusgiro number has one digit after its hyphen.
_CUT_SHORT = re.compile(r"(?:18|19|20)?(\d{6})\s?[-+‐‑–−./_ ]\s?\d{2,3}")
_IN_TEXT = re.compile(
    # Six digits, a sign and four are hardly ever anything else, whatever stands around them.
    rf"(?<!\d)(?:1[689]|20)?\d{{6}}{_SIGN}\d{{4}}(?!\d)"
    rf"|(?<![\d.,])(?<!\d-)(?:SE\s?-?\d{{6}}\s?-?\d{{4}}\s?-?01|(?:(?:1[689]|20)\s?)?\d{{6}}\s?{_SIGN}?\s?\d{{4}}"
    rf"|(?:1[89]|20)?\d\d[-./ ]\d\d[-./ ]\d\d{_SIGN}\d{{4}})(?!\d|[.,-]\d)",
    re.IGNORECASE,
)
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_PHONE = re.compile(
    r"(?<![\d.,-])(?:(?:\+46|0046|0)[\s-]?(?:\(0\))?\d{1,3}[\s/-]{1,3}\d{2,3}(?:[\s-]?\d{2,3}){1,3}"
    r"|(?:\+|00)46\s?(?:\(0\))?\d{7,10}|07[02369]\d{7})(?!\d)"
)
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
TextKind = Literal["personnummer", "e-mail", "phone"]


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
    if not _is_date(date):
        return None
    return "samordningsnummer" if int(date[4:6]) > 60 else "personnummer"


def _parts(text: str) -> tuple[str, str, str] | None:
    """Return (century, six digits of date, last four) of a number in any spelling, None when it has another form."""
    text = plain(text)
    hit = _NUMBER.fullmatch(text)
    if hit:
        return hit[1] or "", hit[2], hit[4]
    hit = _PARTED.fullmatch(text)
    if hit:
        return hit[1][:-2], hit[1][-2:] + hit[2] + hit[3], hit[5]
    hit = _VAT.fullmatch(text)
    if hit:
        return "", hit[1], hit[2]
    return None


def plain(text: str) -> str:
    """Return a cell's text without what spreadsheets put around and into numbers.

    >>> plain('="8112189876"'), plain("8112189876.00"), plain("8,112189876E+09"), plain("8 112 189 876")
    ('8112189876', '8112189876', '8112189876', '8112189876')
    """
    text = text.translate(_UNSEEN).strip().removeprefix("=").strip("'\"‘’”").strip()
    power = _POWER.fullmatch(text)
    if power and int(power[3]) >= len(power[2]):
        return power[1] + power[2] + "0" * (int(power[3]) - len(power[2]))
    whole, mark, zeros = text.replace(",", ".").rpartition(".")
    if mark and whole.isdigit() and zeros and not zeros.strip("0"):
        text = whole
    if text[:1].isdigit() and _GROUPED.fullmatch(text):
        return re.sub(r"\D", "", text)
    return text


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
        return _is_date("0" + text)
    if text.isdigit() and 7 <= len(text) <= 8:
        return kind_of_number(text.rjust(10, "0")) in ("personnummer", "samordningsnummer")
    cut = _CUT_SHORT.fullmatch(text)
    if _INTERIM.fullmatch(text) or (cut and _is_date(cut[1])):
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
            if _is_date(number):
                return True
            continue
        windows = (run[start : start + 10] for start in range(len(run) - 9))
        # One in ten numbers that begin as a date has the check digit: a longer number holds several such beginnings.
        if any(_is_date(window) and check_digit(window) for window in windows):
            return organization_number(run) is None
    return False


def scan(text: str) -> frozenset[TextKind]:
    """Return which personal details a free text holds.

    >>> sorted(scan("Ring Kim, 019-21 10 00, eller kim@granby.example"))
    ['e-mail', 'phone']
    """
    found: set[TextKind] = set()
    if "@" in text and _EMAIL.search(text):
        found.add("e-mail")
    if any(kind_of_number(hit[0]) in ("personnummer", "samordningsnummer") for hit in _IN_TEXT.finditer(text)):
        found.add("personnummer")
    if any(kind_of_number(re.sub(r"\s", "", hit[0])) is None for hit in _PHONE.finditer(text)):
        found.add("phone")
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
    return kind_of_number(text) in ("personnummer", "samordningsnummer") or "personnummer" in scan(text)


def begins_as_date(text: str) -> bool:
    """Tell whether a text is spelled like a person's number as far as the date, whatever its check digit.

    >>> begins_as_date("811218-9870"), begins_as_date("812318-9876"), begins_as_date("kim")
    (True, False, False)
    """
    text = plain(text)
    parts = _parts("0" + text if text.isdigit() and len(text) == 9 else text)
    return parts is not None and _is_date(parts[1])


def _is_date(six: str) -> bool:
    month, day = int(six[2:4]), int(six[4:6])
    return 1 <= month <= 12 and 1 <= (day - 60 if day > 60 else day) <= _DAYS[month - 1]


def masked(text: str) -> str:
    """Return a text with every person's number in it taken out, for what is shown to stewards and kept.

    >>> masked("Kolumnen 811218-9876 saknas")
    'Kolumnen … saknas'
    """
    found = _IN_TEXT.sub(lambda hit: "…" if is_person(hit[0]) else hit[0], text)
    return "…" if is_person(found) else found
