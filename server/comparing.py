"""Compare two graph files thing by thing: what came, what went, and which properties of what stayed have new values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

from server.graph_files import read_graph, subjects
from server.shifts import Shifts

_LABELS = frozenset(
    ("http://www.w3.org/2000/01/rdf-schema#label", "http://www.w3.org/2004/02/skos/core#prefLabel",
     "https://schema.org/name", "http://purl.org/dc/terms/title")
)  # fmt: skip
_MOST_PAIRED = 12
# Subjects of which the rows are told.
LISTED = 20

Values = Mapping[str, frozenset[str]]


@dataclass
class Subjects:
    """How many subjects something holds for, the first of them, and how many different values they have."""

    count: int = 0
    listed: list[str] = field(default_factory=list)
    values: set[str] = field(default_factory=set)

    def add(self, subject: str, value: str = "") -> None:
        """Count a subject."""
        self.count += 1
        if len(self.listed) < LISTED:
            self.listed.append(subject)
        if value and len(self.values) < LISTED:
            self.values.add(value)

    @property
    def first(self) -> str:
        """The first subject."""
        return self.listed[0]


@dataclass
class Compared:
    """What differs between two graphs, by kind of thing (the first part of its path: `school`)."""

    before: int = 0
    gone: int = 0
    common: Counter[str] = field(default_factory=Counter)
    meanings: dict[tuple[str, str], Subjects] = field(default_factory=dict)  # names and concepts that are others now
    swaps: dict[tuple[str, str, str], Subjects] = field(default_factory=dict)  # two properties in each other's place
    shifts: Shifts = field(default_factory=Shifts)


def pairs(old: Path | None, new: Path | None) -> Iterator[tuple[str, list[str], list[str]]]:
    """Yield (subject, its lines before, its lines now) of every subject in either file, in the files' order."""
    return pair_lines(read_graph(old), read_graph(new))


def pair_lines(old: Iterable[str], new: Iterable[str]) -> Iterator[tuple[str, list[str], list[str]]]:
    """Yield (subject, its lines before, its lines now) from canonical lines in order."""
    ours, theirs = subjects(old), subjects(new)
    before, after = next(ours, None), next(theirs, None)
    while before is not None or after is not None:
        # Lines are sorted whole, so subjects are in the order of "subject> ".
        if after is None or (before is not None and f"{before[0]}> " < f"{after[0]}> "):
            assert before is not None
            yield before[0], before[1], []
            before = next(ours, None)
        elif before is None or f"{after[0]}> " < f"{before[0]}> ":
            yield after[0], [], after[1]
            after = next(theirs, None)
        else:
            yield before[0], before[1], after[1]
            before, after = next(ours, None), next(theirs, None)


def values_of(lines: list[str]) -> dict[str, frozenset[str]]:
    """Return the values by property of one subject's canonical lines; IRIs keep their brackets."""
    found: dict[str, set[str]] = {}
    for line in lines:
        _, property, value = line.split(" ", 2)
        found.setdefault(property[1:-1], set()).add(value[:-3])
    return {property: frozenset(values) for property, values in found.items()}


def compare(old: Path, new: Path, own: str, numbered: bool = False) -> Compared:
    """Return what differs between two graph files among things whose IRIs begin with `own`.

    `numbered` says that things whose key came back are numbered by their content.
    """
    found = Compared(shifts=Shifts(numbered))
    for subject, before, after in pairs(old, new):
        if not subject.startswith(own):
            continue
        kind = subject[len(own) :].partition("/")[0]
        if before:
            found.before += 1
            if not after:
                found.gone += 1
                continue
            found.common[kind] += 1
            if before == after:
                found.shifts.unchanged(kind, before)
            else:
                values, now = values_of(before), values_of(after)
                found.shifts.changed(kind, subject, values, now)
                _note(found, kind, subject, values, now)
    return found


def _note(found: Compared, kind: str, subject: str, before: Values, after: Values) -> None:
    changed = [name for name in before.keys() & after.keys() if before[name] != after[name]]
    for name in changed:
        if name in _LABELS or (_are_concepts(before[name]) and _are_concepts(after[name])):
            found.meanings.setdefault((kind, name), Subjects()).add(subject)
    for one, two in combinations(sorted(changed)[:_MOST_PAIRED], 2):
        if _texts(before[one]) == _texts(after[two]) and _texts(before[two]) == _texts(after[one]):
            found.swaps.setdefault((kind, one, two), Subjects()).add(subject, " ".join(sorted(before[one])))


def _are_concepts(values: frozenset[str]) -> bool:
    return all(value.startswith("<") and "/def/" in value for value in values)


def _texts(values: frozenset[str]) -> set[str]:
    """Return the texts of literals without language and datatype."""
    return {value[: value.rindex('"') + 1] if value.startswith('"') else value for value in values}
