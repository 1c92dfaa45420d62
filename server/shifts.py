"""Finds values that moved as a whole between things: codes that mean another concept, a column sorted by itself.

What single things change is their own business. When all that had one concept have another, or when things have got
each other's values, the source has changed its codes or lost its order, however few of the rows it is.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

# A shift shows in the first things that changed; of a file that changed all over the rest says no more.
_MOST_KEPT = 20_000
FEWEST = 3
_NEARLY_ALL = 0.8
_NEARLY_UNIQUE = 0.8
_NUMBERED = re.compile(r"/[0-9]+$")

Values = Mapping[str, frozenset[str]]
Key = tuple[str, str]
"""Kind of thing and property."""


@dataclass(frozen=True, slots=True)
class Recoded:
    """Things of one concept that have another now: how many, of how many, and the first of them."""

    old: str
    new: str
    count: int
    users: int
    subjects: tuple[str, ...]
    mutual: bool


@dataclass
class Shifts:
    """Collects, for each kind of thing and property, the values before and now of the things that changed.

    `numbered` says that a key may come back in the dataset: its things are numbered by content, so that a new one
    moves the others on.
    """

    numbered: bool = False
    users: dict[Key, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    filled: Counter[Key] = field(default_factory=Counter)
    still: Counter[Key] = field(default_factory=Counter)
    _changed: dict[Key, dict[str, tuple[str, str]]] = field(default_factory=lambda: defaultdict(dict))

    def unchanged(self, kind: str, lines: list[str]) -> None:
        """Count the concepts and filled properties of a thing that stayed as it was."""
        for line in lines:
            _, property, value = line.split(" ", 2)
            key = (kind, property[1:-1])
            self.filled[key] += 1
            self.still[key] += 1
            if _is_concept(value[:-3]):
                self.users[key][value[:-3]] += 1

    def changed(self, kind: str, subject: str, before: Values, after: Values) -> None:
        """Note what a thing had and has."""
        for property, values in before.items():
            key = (kind, property)
            self.filled[key] += 1
            self.still[key] += property in after
            if len(values) != 1:
                continue
            (old,) = values
            if _is_concept(old):
                self.users[key][old] += 1
            now = after.get(property, frozenset())
            if len(now) == 1 and now != values and len(self._changed[key]) < _MOST_KEPT:
                (new,) = now
                self._changed[key][subject] = (old, new)

    def recoded(self) -> dict[Key, list[Recoded]]:
        """Return the concepts whose things have, nearly all of them, one other concept now."""
        found: dict[Key, list[Recoded]] = {}
        for key, changed in sorted(self._changed.items()):
            moves: dict[tuple[str, str], list[str]] = defaultdict(list)
            for subject, (old, new) in changed.items():
                if _is_concept(old) and _is_concept(new):
                    moves[old, new].append(subject)
            whole = {
                move for move, subjects in moves.items() if len(subjects) >= _NEARLY_ALL * self.users[key][move[0]]
            }
            for (old, new), subjects in sorted(moves.items()):
                mutual = (new, old) in whole
                if (old, new) in whole and (len(subjects) >= FEWEST or mutual) and not (mutual and new < old):
                    listed = [*subjects, *(moves[new, old] if mutual else ())]
                    users = self.users[key][old] + (self.users[key][new] if mutual else 0)
                    found.setdefault(key, []).append(
                        Recoded(old, new, len(listed), users, tuple(sorted(listed)), mutual)
                    )
        return found

    def moved(self) -> dict[Key, list[str]]:
        """Return the things that have got what another thing had, where that is true of most that changed."""
        found = {}
        for key, changed in sorted(self._changed.items()):
            texts = {subject: pair for subject, pair in changed.items() if not _is_concept(pair[0])}
            had = Counter(old for old, _ in texts.values())
            if len(texts) < FEWEST or len(had) < _NEARLY_UNIQUE * len(texts):
                continue
            owners = {old: subject for subject, (old, _) in texts.items()}
            hits = [
                subject
                for subject, (_, new) in texts.items()
                if new in owners and not (self.numbered and _base(owners[new]) == _base(subject))
            ]
            if len(hits) >= FEWEST and 2 * len(hits) >= len(texts):
                found[key] = hits
        return found

    def emptied(self) -> dict[Key, int]:
        """Return the properties that things had and none of them has now, with how many had them."""
        return {key: count for key, count in sorted(self.filled.items()) if count >= FEWEST and not self.still[key]}


def _base(subject: str) -> str:
    return _NUMBERED.sub("", subject)


def _is_concept(value: str) -> bool:
    return value.startswith("<") and "/def/" in value
