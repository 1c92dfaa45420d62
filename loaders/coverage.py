"""How well a coded column meets its concept scheme: what matched, what did not, and what may have been meant."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Outcome = Literal["matched", "unmatched", "ambiguous", "deprecated", "lost-zero"]
OUTCOMES: tuple[Outcome, ...] = ("matched", "unmatched", "ambiguous", "deprecated", "lost-zero")
# Distinct texts that are counted, and unmatched ones that get proposals: a code list is never longer.
MOST_TEXTS = 10_000
PROPOSED_TEXTS = 200
# Unmatched texts that a report lists.
LISTED_TEXTS = 50


@dataclass
class Coverage:
    """How the distinct texts of one coded column met their concept scheme, and on how many rows they did not."""

    column: str
    scheme: str
    outcomes: dict[str, set[str]] = field(default_factory=dict)
    proposals: dict[str, str] = field(default_factory=dict)
    rows: int = 0
    missed_rows: int = 0

    def count(self, outcome: Outcome, text: str) -> None:
        """Remember what a text came to."""
        texts = self.outcomes.setdefault(outcome, set())
        if len(texts) < MOST_TEXTS:
            texts.add(text)

    @property
    def asked(self) -> bool:
        """True when the column had any text to match."""
        return bool(self.outcomes)

    @property
    def missed_share(self) -> float:
        """The share of rows whose text is no concept, or more than one."""
        return self.missed_rows / self.rows if self.rows else 0.0

    def members(self) -> dict[str, Any]:
        """Return the figures as JSON members.

        Of the texts only those are listed that resemble a concept's name: what resembles nothing may be anything,
        a person's name among them, and is only counted.
        """
        listed = sorted((text, meant) for text, meant in self.proposals.items() if meant and len(text) <= 80)
        return {
            "column": self.column,
            "scheme": self.scheme,
            "rows": self.rows,
            "missed_rows": self.missed_rows,
            **{outcome: len(self.outcomes.get(outcome, ())) for outcome in OUTCOMES},
            "proposals": [{"text": text, "concepts": meant} for text, meant in listed[:LISTED_TEXTS]],
        }
