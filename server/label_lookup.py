"""Reads the label index in bulk: every label of many things, and the things that many texts name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from server.labels import Label, LabelFile, fold

_CHUNK = 500
_MOST_SHARED, _MOST_NAMED = 2_000, 500  # labels of one text that are looked at, and returned
_LAST = "\U0010ffff"  # sorts after every letter of an IRI
_COLUMNS = "label.iri, label.text, label.language, label.role, label.class, label.graph"


class LabelLookup(LabelFile):
    """Bulk questions to a label index; safe to share between threads."""

    def of(self, iris: Iterable[str]) -> dict[str, list[Label]]:
        """Return all labels, alternative labels and notations of each IRI that has any."""
        found: dict[str, list[Label]] = {}
        for label in self._rows("iri IN ({})", list(dict.fromkeys(iris))):
            found.setdefault(label.iri, []).append(label)
        return found

    def named(self, texts: Iterable[str], beneath: str = "") -> dict[str, list[Label]]:
        """Return what each text names: letter case, diacritics and spaces aside, but otherwise the whole text.

        A text in the same case is looked up by an index; the few others go through the word index. Of a text that
        very many things share, as many as `_MOST_SHARED` are looked at, and those beneath an IRI are returned.
        """
        found = {}
        for text in dict.fromkeys(texts):
            folded = fold(text)
            labels = [label for label in self._shared(text, beneath) if fold(label.text) == folded]
            labels = labels or [label for label in self._folded(text) if label.iri.startswith(beneath)]
            if labels:
                found[text] = labels[:_MOST_NAMED]
        return found

    def _shared(self, text: str, beneath: str) -> Iterator[Label]:
        rows = self._index().execute(
            f"SELECT {_COLUMNS} FROM (SELECT * FROM label WHERE text = ? COLLATE NOCASE LIMIT {_MOST_SHARED}) AS label "
            f"WHERE substr(label.iri, 1, ?) = ? LIMIT {_MOST_NAMED}",
            (text, len(beneath), beneath),
        )
        return (Label(*row) for row in rows)

    def _folded(self, text: str) -> list[Label]:
        folded = fold(text)
        words = "".join(char if char.isalnum() else " " for char in folded).split()
        if not words or len(words) > 24:
            return []
        phrase = " ".join(words)
        rows = self._index().execute(
            f"SELECT {_COLUMNS} FROM (SELECT rowid FROM word WHERE word MATCH ? LIMIT 500) AS hit "
            "JOIN label ON label.id = hit.rowid",
            (f'folded : "{phrase}"',),
        )
        return [label for label in (Label(*row) for row in rows) if fold(label.text) == folded]

    def names(self, beneath: Sequence[str]) -> Iterator[tuple[int, str]]:
        """Yield (number, text) of the labels and alternative labels of what lies beneath some IRIs, in their order."""
        for prefix in dict.fromkeys(beneath):
            yield from self._index().execute(
                "SELECT id, text FROM label WHERE iri >= ? AND iri < ? AND role != 'notation'", (prefix, prefix + _LAST)
            )

    def numbered(self, ids: Iterable[int]) -> Iterator[Label]:
        """Yield the labels with these numbers."""
        return self._rows("id IN ({})", list(ids))

    def any_beneath(self, prefix: str) -> bool:
        """Return whether anything whose IRI begins with a prefix has a label or a code."""
        found = self._index().execute(
            "SELECT 1 FROM label WHERE iri >= ? AND iri < ? LIMIT 1", (prefix, prefix + _LAST)
        )
        return found.fetchone() is not None

    def all(self) -> Iterator[Label]:
        """Yield every label, alternative label and notation, in the order of the index."""
        for row in self._index().execute(f"SELECT {_COLUMNS} FROM label ORDER BY id"):
            yield Label(*row)

    def classes(self) -> dict[str, int]:
        """Return how many things with a label there are of each class."""
        rows = self._index().execute(
            "SELECT class, count(DISTINCT iri) FROM label WHERE class != '' GROUP BY class ORDER BY class"
        )
        return dict(rows.fetchall())

    def _rows(self, condition: str, values: Sequence[str | int]) -> Iterator[Label]:
        for start in range(0, len(values), _CHUNK):
            chunk = values[start : start + _CHUNK]
            where = condition.format(",".join("?" * len(chunk)))
            for row in self._index().execute(f"SELECT {_COLUMNS} FROM label WHERE {where} ORDER BY id", chunk):
                yield Label(*row)
