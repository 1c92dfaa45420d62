"""What things are called, as statements for their descriptions: many at once, and remembered for a generation."""

from __future__ import annotations

from collections.abc import Iterable

from server.description import label_statements
from server.labels import LabelIndex
from server.store import ReadStore
from server.turtle import Statement

_REMEMBERED = 20_000


class ThingNames:
    """Names the things of one generation; types, concepts and organizations are named again and again."""

    def __init__(self, store: ReadStore, labels: LabelIndex) -> None:
        self._store, self._labels = store, labels
        self._known: dict[str, tuple[Statement, ...]] = {}

    def __call__(self, iris: Iterable[str]) -> list[Statement]:
        """Return the statements that name these IRIs, those of each one together."""
        known = self._known
        found = {iri: known.get(iri) for iri in iris}
        if unknown := [iri for iri, named in found.items() if named is None]:
            # One question to the index saves six to the store for each of the many that have no name at all.
            labelled = self._labels.labels(unknown)
            learnt = {iri: label_statements(self._store, iri) if iri in labelled else () for iri in unknown}
            found |= learnt
            if len(known) + len(learnt) > _REMEMBERED:
                known = self._known = {}
            known.update(learnt)
        return [statement for named in found.values() if named for statement in named]
