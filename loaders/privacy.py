"""Keep personal data from being published: screens over columns, filters over free text, and what is told of them.

Which numbers are a person's is in `loaders.person_numbers`; nothing here ever repeats one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from loaders.errors import SourceError
from loaders.findings import Finding
from loaders.lookalikes import Likeness, above_chance, likeness
from loaders.person_numbers import (
    begins_as_date,
    check_digit,
    is_person,
    kind_of_number,
    may_be_person,
    organization_number,
    scan,
)

__all__ = [
    "Screen",
    "begins_as_date",
    "check_digit",
    "free_text_filter",
    "is_person",
    "kind_of_number",
    "may_be_person",
    "organization_number",
    "scan",
]

# Share of persons' numbers in a column above which it is no chance (random ten-digit numbers: 0.7 %).
ALARM_SHARE = 0.02


@dataclass
class Screen:
    """Counts, over all rows of one column, how many values read as a person's number.

    Telephone numbers (031-11 20 30) and invoice numbers that begin with the day look like dates too, but only one in
    ten of them has the check digit; so numbers with a date and a wrong check digit speak against persons.
    """

    column: str
    filled: int = 0
    hits: int = 0
    misses: int = 0  # begin as a date, but with another check digit
    strangers: int = 0  # have the check digit, but begin with what is neither a date nor an organisation's
    first_row: int = 0
    others: int = 0  # as long as a person's number, and no one's
    withheld: bool = False  # the numbers are withheld cell by cell, so that only a column full of them alarms
    excused: bool = False  # the column's first rows are a numbering, so that its numbers were let through
    _seen: dict[str, Likeness] = field(default_factory=dict)

    def look(self, text: str, row: int) -> None:
        """Count one value; blanks do not count."""
        if len(text) < 9:
            self.filled += bool(text)
            return
        self.filled += 1
        found = self._seen.get(text)
        if found is None:
            # A text that holds a number among other words is no number of any other numbering.
            found = likeness(text) or ("person" if is_person(text) else "")
            if len(self._seen) < 50_000:
                self._seen[text] = found
        if found == "person":
            self.hits += 1
            self.first_row = self.first_row or row
        self.misses += found == "missed"
        self.strangers += found == "impossible-checked"
        self.others += found in ("other", "impossible")

    @property
    def alarms(self) -> bool:
        """True above the alarm share, chance left out; one hit among several values may be chance, two are not."""
        if self.withheld:
            return self.hits > 3 and self.hits > self.filled / 2
        persons = above_chance(self.hits, self.misses, self.strangers)
        if self.excused and persons and self.hits > max(3, self.misses + self.strangers + self.others):
            return True  # The rows after the first ones show that it is no numbering.
        return persons > ALARM_SHARE * self.filled and (self.hits > 1 or self.filled < 4)

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
