"""Recognise numbers that may be a person's, and contact details in free text, without ever repeating them.

Personnummer and samordningsnummer (day + 60): Folkbokföringslagen 18 §, SKV 704 and 707; organisationsnummer:
lag (1974:174), whose third digit is at least 2, so that the two never meet. A sole trader's organisationsnummer is
the owner's personnummer; that is why the third digit decides what may be published.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from loaders.errors import SourceError
from loaders.findings import Finding

Kind = Literal["personnummer", "samordningsnummer", "organisationsnummer"]

# Random ten-digit numbers pass date and check digit in 0.7 % of cases: twice that and more is no chance.
ALARM_SHARE = 0.02
_NUMBER = re.compile(r"(?:(1[689]|20)(?=\d{2}))?(\d{6})\s?([-+–−]?)\s?(\d{4})")
# Interim numbers (a letter among the last four) and numbers that someone has masked already.
_INTERIM = re.compile(r"(?:18|19|20)?\d\d(?:0[1-9]|1[0-2])\d\d\s?[-+]?\s?(?:[A-Za-z]{1,2}\d{2,3}|\d{0,3}[xX*]{1,4})")
_IN_TEXT = re.compile(r"(?<![\d\w.,-])(?:18|19|20)?\d{6}\s?[-+–−]?\s?\d{4}(?![\d\w]|[.,-]\d)")
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_PHONE = re.compile(r"(?<![\d.,-])(?:\+46|0046|0)[\s-]?(?:\(0\))?\d{1,3}[\s/-]{1,3}\d{2,3}(?:[\s-]?\d{2,3}){1,3}(?!\d)")
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
    hit = _NUMBER.fullmatch(text.strip())
    if hit is None:
        return None
    century, date, _, last = hit.groups()
    if not check_digit(date + last):
        return None
    if int(date[2]) >= 2:
        # Twelve digits with 16 in front is how some authorities write organisations.
        return "organisationsnummer" if century in (None, "16") else None
    if century == "16" or not _is_date(date):
        return None
    return "samordningsnummer" if int(date[4:6]) > 60 else "personnummer"


def organization_number(text: str) -> str | None:
    """Return the ten digits of a legal person's number, None for every other text.

    >>> organization_number("212000-1967"), organization_number("811218-9876")
    ('2120001967', None)
    """
    if kind_of_number(text) != "organisationsnummer":
        return None
    return re.sub(r"\D", "", text)[-10:]


def may_be_person(text: str) -> bool:
    """Tell whether an identifier may be a person's; rather one too many, for what is published cannot be called back.

    The check digit is not asked for: a number with a slip of the pen still points at someone. Shorter numbers are
    tried with the leading zeros that a spreadsheet takes away.

    >>> may_be_person("811218-9877"), may_be_person("5560747551"), may_be_person("10004007")
    (True, False, False)
    """
    text = text.strip()
    hit = _NUMBER.fullmatch(text)
    if hit:
        century, date, _, _ = hit.groups()
        return century != "16" and 1 <= int(date[2:4]) <= 12
    if text.isdigit() and 7 <= len(text) <= 9:
        return kind_of_number(text.rjust(10, "0")) in ("personnummer", "samordningsnummer")
    if text.endswith(".0") and text[:-2].isdigit():
        return may_be_person(text[:-2])
    return bool(_INTERIM.fullmatch(text)) or "personnummer" in scan(text)


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
    text = text.strip()
    if len(text) < 9:
        return False
    if text.isdigit() and len(text) == 9:
        return kind_of_number("0" + text) in ("personnummer", "samordningsnummer")
    if text.endswith(".0"):
        text = text[:-2]
    return kind_of_number(text) in ("personnummer", "samordningsnummer") or "personnummer" in scan(text)


def _is_date(six: str) -> bool:
    month, day = int(six[2:4]), int(six[4:6])
    return 1 <= month <= 12 and 1 <= (day - 60 if day > 60 else day) <= _DAYS[month - 1]


@dataclass
class Screen:
    """Counts, over all rows of one column, how many values read as a person's number."""

    column: str
    filled: int = 0
    hits: int = 0
    first_row: int = 0
    _seen: dict[str, bool] = field(default_factory=dict)

    def look(self, text: str, row: int) -> None:
        """Count one value; blanks do not count."""
        if len(text) < 9:
            self.filled += bool(text)
            return
        self.filled += 1
        found = self._seen.get(text)
        if found is None:
            found = is_person(text)
            if len(self._seen) < 50_000:
                self._seen[text] = found
        if found:
            self.hits += 1
            self.first_row = self.first_row or row

    @property
    def alarms(self) -> bool:
        """True above the alarm share; one hit among a few values may be chance, two are not."""
        return self.hits > ALARM_SHARE * self.filled and (self.hits > 1 or self.filled < 4)

    def alarm(self, rule: str, file: str, sheet: str) -> SourceError:
        """Return the error for this column: share and first row, never a value."""
        share = f"{100 * self.hits / self.filled:.0f} %"
        return SourceError(
            Finding(rule, file=file, sheet=sheet, row=self.first_row, column=self.column, count=self.hits,
                    detail=(("share", share),))
        )  # fmt: skip


def free_text_filter(column: str, tell: Callable[[str, str], None]) -> Callable[[str], str]:
    """Return a function that withholds texts with a person's number and tells of contact details."""

    def filtered(text: str) -> str:
        if len(text) < 6:
            return text
        kinds = scan(text)
        if "personnummer" in kinds:
            tell("personal.number-in-text", "personnummer")
            return ""
        for kind in sorted(kinds):
            tell("personal.contact-in-text", kind)
        return text

    return filtered
