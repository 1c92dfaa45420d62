"""Tell numberings that only look like persons' numbers from persons, by what a whole column shows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Literal

from loaders.person_numbers import check_digit, is_date, number_parts, plain

Likeness = Literal["person", "missed", "impossible", "impossible-checked", "other", ""]

# One in ten numbers that merely begin like a date ends in the right check digit.
CHANCE = 0.1
# Numbers that all have a check digit (customers, payments) begin as a date 0.58 times as often as with 0 or 1 in the
# third place and no date: 12 of 20 months, 61 of 100 days.
CHECKED_CHANCE = 0.58
_DIGIT = re.compile(r"\d")
_NEIGHBOURS = 3
_NEIGHBOUR_SHARE = 0.05
_ENOUGH = 10


def likeness(text: str) -> Likeness:
    """Return how like a person's number a text is: one, one but for its check digit, or none that could be.

    >>> likeness("811218-9876"), likeness("811218-9870"), likeness("811318-9875"), likeness("556074-7552")
    ('person', 'missed', 'impossible', 'other')
    """
    parts = number_parts(text)
    if parts is None:
        return ""
    _, six, last = parts
    checks = check_digit(six + last)
    if is_date(six):
        return "person" if checks else "missed"
    if int(six[2]) < 2:
        # No organisation has such a number either: its third digit is at least 2.
        return "impossible-checked" if checks else "impossible"
    return "" if checks else "other"


def above_chance(persons: int, missed: int, impossible_checked: int) -> float:
    """Return how many numbers of a column are more than chance explains; 0 when all of them may be chance."""
    expected = max(CHANCE * (persons + missed) if missed else 0.0, CHECKED_CHANCE * impossible_checked)
    # Three standard deviations: one column in a thousand of look-alikes would seem to hold persons.
    if expected and persons < expected + 3 * (expected * (1 - CHANCE)) ** 0.5:
        return 0.0
    return (persons - expected) / (1 - CHANCE) if missed else persons - expected


class Lookalikes:
    """What a column's values say of a number in it that passes for a person's.

    Vouchers and invoices that begin with a day have neighbours of the same year, spelled alike, whose check digit is
    wrong; a person born another year, or spelled in another way, stands out among them. A numbering without days says
    nothing of a single number of plain digits, but is no excuse for one that is spelled with a sign.
    """

    def __init__(self, texts: Iterable[str], *, strict: bool = False) -> None:
        self._strict = strict  # plain digits are no excuse either
        self._kinds: Counter[str] = Counter()
        self._years: Counter[tuple[str, ...]] = Counter()
        for text in texts:
            kind = likeness(text) if len(text) >= 9 else ""
            if kind:
                self._kinds[kind] += 1
            if kind == "missed":
                self._years[_year(text)] += 1

    @property
    def are_many(self) -> bool:
        """True when most numbers as long as a person's are no one's, so that only their share tells."""
        return self._others + self._kinds["missed"] > self._kinds["person"]

    def excuse(self, text: str) -> bool:
        """Tell whether a person's number in the column is more likely the next of a numbering."""
        missed = self._kinds["missed"]
        if not above_chance(self._kinds["person"], missed, self._kinds["impossible-checked"]):
            near = self._years[_year(text)]
            if near >= _NEIGHBOURS and near >= _NEIGHBOUR_SHARE * missed:
                return True
        by_day = missed >= _ENOUGH and missed > 3 * self._others
        return not self._strict and self.are_many and not by_day and plain(text).isdigit()

    @property
    def _others(self) -> int:
        return self._kinds["other"] + self._kinds["impossible"] + self._kinds["impossible-checked"]


def _year(text: str) -> tuple[str, ...]:
    """Return the year that a number begins with, its century where it is told, and how the number is spelled."""
    parts = number_parts(text)
    return (parts[0], parts[1][:2], _DIGIT.sub("0", text.strip())) if parts else ()
