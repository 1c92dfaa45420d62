"""An index of names that forgives typing errors: trigrams choose the candidates, edit distance ranks them."""

from __future__ import annotations

import heapq
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz

from server.labels import Label, fold

MOST_NAMES = 500_000
"""Different names that are found in spite of typing errors; the others are found as they are written."""
_MOST_NAMESAKES = 200  # things of one name
_LONGEST = 200  # letters of a name that are compared
_MOST_COUNTED = 40_000  # trigram hits looked at for one text: some 3 ms, whatever the size of the index
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
    """Finds things by names with typing errors; built once for a generation, then only read.

    Of each name it holds the folded text, its trigrams and the numbers of its labels in the label index, some
    280 bytes; the labels themselves are read when a text is like them. Names beyond `MOST_NAMES` are left out.
    """

    def __init__(self, names: Iterable[tuple[int, str]], read: Callable[[Iterable[int]], Iterable[Label]]) -> None:
        self._read = read
        self._texts: list[str] = []
        self._first = array("Q")  # of each text, the number of its first label
        self._others: dict[int, array[int]] = {}
        self._postings: dict[str, array[int]] = {}
        numbers: dict[str, int] = {}
        for id, text in names:
            folded = fold(text)[:_LONGEST]
            number = numbers.get(folded)
            if number is not None:
                others = self._others.setdefault(number, array("Q"))
                if len(others) < _MOST_NAMESAKES:
                    others.append(id)
            elif len(self._texts) < MOST_NAMES:
                number = numbers[folded] = len(self._texts)
                self._texts.append(folded)
                self._first.append(id)
                for gram in trigrams(folded):
                    self._postings.setdefault(gram, array("I")).append(number)

    def find(self, text: str, limit: int, wanted: Callable[[Label], bool], exact: Iterable[Label] = ()) -> list[Hit]:
        """Return the things whose names are most like the text, best first; each thing once.

        `exact` are labels and codes known to be the text: a code with a typing error is another code.
        """
        folded = fold(text)[:_LONGEST]
        best: dict[str, Hit] = {}
        for label in exact:
            self._keep(best, label, 100.0, wanted)
        scores: dict[str, float] = {}
        ids: list[int] = []
        for number, _ in self._candidates(folded):
            known = self._texts[number]
            score = similarity(folded, known)
            if score >= _WORST:
                scores[known] = score
                ids += [self._first[number], *self._others.get(number, ())]
        for label in self._read(ids):
            self._keep(best, label, scores[fold(label.text)[:_LONGEST]], wanted)
        ranked = sorted(best.values(), key=lambda hit: (-hit.score, len(hit.text), hit.text, hit.iri))
        return ranked[:limit]

    @staticmethod
    def _keep(best: dict[str, Hit], label: Label, alike: float, wanted: Callable[[Label], bool]) -> None:
        held, score = best.get(label.iri), alike - _PREFERENCE[label.role]
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
        # Most texts share one or two common trigrams; those are not weighed, which would take most of the time.
        least = max(counts.values(), default=0) / 2
        alike = [(number, count) for number, count in counts.items() if count >= least]
        # Shared trigrams over the longer text: otherwise long names win by having many.
        asked, texts = len(folded) + 1, self._texts
        weighed = ((count / max(asked, len(texts[number]) + 1), -number) for number, count in alike)
        return [(-number, share) for share, number in heapq.nlargest(_MOST_COMPARED, weighed)]


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
