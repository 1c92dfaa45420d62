"""An index of names that forgives typing errors: trigrams choose the candidates, edit distance ranks them."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz

from server.labels import Label, fold

_MOST_COUNTED = 40_000  # trigram hits looked at for one text: some 2 ms, whatever the size of the index
_MOST_COMPARED = 80
_WORST = 50.0
_PREFERENCE = {"notation": 0.0, "label": 0.0, "alternative": 0.5}  # points an alternative label is worth less


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing found: by which of its names, and how alike that is (0 to 100)."""

    iri: str
    text: str
    type: str
    role: str
    score: float


class FuzzyIndex:
    """Finds things by names with typing errors; built once for a generation, then only read."""

    def __init__(self, labels: Iterable[Label]) -> None:
        self._texts: list[str] = []
        self._labels: list[list[Label]] = []
        self._exact: dict[str, list[Label]] = {}
        self._postings: dict[str, array[int]] = {}
        numbers: dict[str, int] = {}
        for label in labels:
            folded = fold(label.text)
            self._exact.setdefault(folded, []).append(label)
            if label.role == "notation":
                continue  # a code with a typing error is another code
            number = numbers.get(folded)
            if number is None:
                number = numbers[folded] = len(self._texts)
                self._texts.append(folded)
                self._labels.append([])
                for gram in trigrams(folded):
                    self._postings.setdefault(gram, array("I")).append(number)
            self._labels[number].append(label)

    def find(self, text: str, limit: int, wanted: Callable[[Label], bool]) -> list[Hit]:
        """Return the things whose names are most like the text, best first; each thing once."""
        folded = fold(text)[:200]
        best: dict[str, Hit] = {}
        for label in self._exact.get(folded, ()):
            self._keep(best, label, 100.0 - _PREFERENCE[label.role], wanted)
        for number, _ in self._candidates(folded):
            score = similarity(folded, self._texts[number])
            if score >= _WORST:
                for label in self._labels[number]:
                    self._keep(best, label, score - _PREFERENCE[label.role], wanted)
        ranked = sorted(best.values(), key=lambda hit: (-hit.score, len(hit.text), hit.text, hit.iri))
        return ranked[:limit]

    @staticmethod
    def _keep(best: dict[str, Hit], label: Label, score: float, wanted: Callable[[Label], bool]) -> None:
        held = best.get(label.iri)
        if (held is None or held.score < score) and wanted(label):
            best[label.iri] = Hit(label.iri, label.text, label.type, label.role, score)

    def _candidates(self, folded: str) -> Sequence[tuple[int, float]]:
        """Return the texts that share most trigrams with a text; rare trigrams are looked at first."""
        postings = sorted((found for gram in trigrams(folded) if (found := self._postings.get(gram))), key=len)
        counts: Counter[int] = Counter()
        looked = 0
        for posting in postings:
            if looked and looked + len(posting) > _MOST_COUNTED:
                break
            counts.update(posting)
            looked += len(posting)
        # Shared trigrams over the longer text: otherwise long names win by having many.
        asked = len(folded) + 1
        weighed = ((number, count / max(asked, len(self._texts[number]) + 1)) for number, count in counts.items())
        return sorted(weighed, key=lambda item: (-item[1], item[0]))[:_MOST_COMPARED]


def trigrams(text: str) -> set[str]:
    """Return the pieces of three letters of a text, with spaces around it so that short words have some too.

    >>> sorted(trigrams("bad"))
    ['  b', ' ba', 'ad ', 'bad']
    """
    padded = f"  {text} "
    return {padded[start : start + 3] for start in range(len(padded) - 2)}


def similarity(one: str, other: str) -> float:
    """Return how alike two folded texts are, 0 to 100: letters first, then words in any order, then shared words.

    >>> similarity("grundskloa", "grundskola")
    90.0
    """
    return max(
        fuzz.ratio(one, other),
        0.97 * fuzz.token_sort_ratio(one, other),
        0.85 * fuzz.token_set_ratio(one, other),
    )
