"""How one value is written into a cell by different systems: amounts, dates and organisation numbers."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

NBSP = "\u00a0"
MINUS = "\u2212"
_MONTHS = "januari februari mars april maj juni juli augusti september oktober november december".split()


def dot(amount: Decimal) -> str:
    """1302.03"""
    return f"{amount:.2f}"


def comma(amount: Decimal) -> str:
    """1302,03"""
    return dot(amount).replace(".", ",")


def spaced(amount: Decimal) -> str:
    """1 302,03, with an ordinary space"""
    return f"{amount:,.2f}".replace(",", " ").replace(".", ",")


def typeset(amount: Decimal) -> str:
    """1 302,03, with no-break spaces and a true minus sign"""
    return spaced(amount).replace(" ", NBSP).replace("-", MINUS)


def kronor(amount: Decimal) -> str:
    """1 302,03 as in `typeset`, but without öre when there are none"""
    return typeset(amount).removesuffix(",00")


def iso(day: date) -> str:
    """2026-02-03"""
    return day.isoformat()


def compact(day: date) -> str:
    """20260203"""
    return day.strftime("%Y%m%d")


def swedish(day: date) -> str:
    """3 februari 2026"""
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def slashed(day: date) -> str:
    """3/2 2026"""
    return f"{day.day}/{day.month} {day.year}"


def british(day: date) -> str:
    """03/02/2026, which an American reads as 2 March: to be declared"""
    return day.strftime("%d/%m/%Y")


def serial(day: date) -> int:
    """46056, the number of days that a spreadsheet keeps"""
    return (day - date(1899, 12, 30)).days


def hyphened(number: str) -> str:
    """212000-9901"""
    return f"{number[:6]}-{number[6:]}"


def padded(number: str, person: bool = False) -> str:
    """The twelve-digit form: 16 before an organisation, the century before a person"""
    if not person:
        return "16" + number
    return ("20" if number < "26" else "19") + number
