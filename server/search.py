"""Finds things by what people type: inflected, without dots, half a word, part of a compound, a code, misspelt.

Three questions to the index, each weaker than the one before: every word whole (or as a stem, or a code); every word as
a beginning; every word anywhere, as a part of a compound or in a description. Within each, exact names come first, then
what people look for most (datasets and concepts before other things), then what is used most. Work is bounded: at most
COUNTED documents are counted and ordered, and the answer says so.
"""

from __future__ import annotations

import re
import sqlite3
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from itertools import chain
from math import log2
from pathlib import Path
from typing import Any

from rapidfuzz import process
from rapidfuzz.distance import OSA

from server.errors import Problem
from server.instance import Opened
from server.label_lookup import LabelLookup
from server.labels import LabelFile, LabelIndex, alphabetical, fold
from server.search_index import TECHNICAL, facet, rank_of, stem
from server.tables import batches

FACETS = ("type", "dataset", "publisher", "concept")
"""The facets, by the names of their parameters."""

COUNTED = 5_000
"""Most documents that one search counts and orders."""

LONGEST = 200
"""Most characters of a search that are read."""

_MOST_WORDS, _BEST, _MOST_PARTS = 10, 200, 40
_LETTERS = re.compile(r"[^\W_]+")
_SHORTEST_PART = 4  # letters of what can be a part of a compound
_MOST_SPELLINGS = 200_000  # words that a misspelt one is compared with, the commonest first
_LINE = "\n"
_SMALL_WORDS = frozenset("i på och av för till med om en ett den det de the of in and for to a an at".split())


@dataclass(frozen=True, slots=True)
class Asked:
    """What is searched for: words, and the values of facets that a hit must have one of."""

    text: str = ""
    chosen: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    by_name: bool = False

    @property
    def words(self) -> tuple[str, ...]:
        """The words typed, without operators and signs."""
        text = unicodedata.normalize("NFC", self.text[:LONGEST]).lower()
        words = [word[:64] for word in _LETTERS.findall(text)]
        telling = [word for word in words if word not in _SMALL_WORDS]
        return tuple((telling or words)[:_MOST_WORDS])


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing found."""

    iri: str
    type: str
    dataset: str
    publisher: str
    title: str
    used: int


@dataclass(frozen=True, slots=True)
class Found:
    """What a search gave: one page of hits, how many there are, and what they can be narrowed by."""

    hits: tuple[Hit, ...]
    total: int
    more: bool  # there are more than could be counted
    facets: Mapping[str, tuple[tuple[str, int], ...]]
    corrected: str = ""  # the words searched for instead of what was typed, when that found nothing


@dataclass(slots=True)
class _Document:
    id: int
    iri: str
    type: int
    dataset: int
    publisher: int
    concepts: str
    title: str
    used: int


def can_search(opened: Opened) -> bool:
    """Return whether a generation has a search index; one that an older torg published has none."""
    return (opened.generation.path / "search.sqlite").exists()


def searcher(opened: Opened) -> Search:
    """Return the search of a generation; raise Problem 503 for one that was published without."""
    if "search" not in opened.memo:
        if not can_search(opened):
            raise Problem(
                503,
                "This state was published before there was a search. The next publication brings it.",
                sv="Det som visas publicerades innan det fanns någon sökning. Nästa publicering ger den.",
            )
        opened.memo["search"] = Search(opened.generation.path)
    found: Search = opened.memo["search"]
    return found


class Search(LabelFile):
    """Searches one generation; safe to share between threads."""

    def __init__(self, generation: Path) -> None:
        super().__init__(generation / "search.sqlite")
        self._labels = LabelIndex(generation / "labels.sqlite")
        self._lookup = LabelLookup(generation / "labels.sqlite")

    def find(self, asked: Asked, limit: int = 20, offset: int = 0) -> Found:
        """Return the hits of one page, the count and the facets; other words when what was typed finds nothing."""
        found = self._find(asked, limit, offset)
        if found.total or not asked.words or offset:
            return found
        corrected = self.spelled(asked.words)
        if not corrected or corrected == asked.words:
            return found
        return replace(
            self._find(replace(asked, text=" ".join(corrected)), limit, offset), corrected=" ".join(corrected)
        )

    def suggest(self, text: str, limit: int = 8) -> tuple[Hit, ...]:
        """Return the best hits of what somebody has typed so far; nothing for fewer than two letters."""
        asked = Asked(text)
        if len("".join(asked.words)) < 2:
            return ()
        documents = self._ranked(asked, weak=False)
        if not documents:
            documents = self._ranked(asked, weak=True)
        return tuple(self._hits(_each_once(documents)[:limit]))

    def _find(self, asked: Asked, limit: int, offset: int) -> Found:
        known = self._known(asked.text)
        if known:
            return Found(tuple(self._hits(known)), len(known), False, {name: () for name in FACETS})
        if not asked.words and not any(asked.chosen.values()):
            return Found((), 0, False, {name: () for name in FACETS})
        documents = self._documents(self._match(asked, _ANYWHERE), COUNTED + 1)
        more = len(documents) > COUNTED
        documents = documents[:COUNTED]
        ranked = self._order(asked, documents)
        facets = {name: self._counted(name, ranked) for name in FACETS}
        for name in (name for name in FACETS if asked.chosen.get(name)):
            # What else could be chosen beside what is: without the choice in this facet itself.
            others = {key: values for key, values in asked.chosen.items() if key != name}
            wider = self._match(replace(asked, chosen=others), _ANYWHERE)
            facets[name] = self._counted(name, self._documents(wider, COUNTED) if wider else ranked)
        things = _each_once(ranked)
        return Found(tuple(self._hits(things[offset : offset + limit])), len(things), more, facets)

    def _known(self, text: str) -> list[_Document]:
        """Return the thing whose IRI, or the address of whose page, was typed."""
        name = _whole(text.strip())
        if "://" not in name or len(name) > 2_000:
            return []
        described = name.replace("/res/def/", "/def/", 1) if "/res/def/" in name else name.replace("/res/", "/id/", 1)
        rows = self._index().execute(f"SELECT {_COLUMNS} FROM doc WHERE iri IN (?, ?) ORDER BY id", (name, described))
        return _each_once(_Document(*row) for row in rows)

    def _order(self, asked: Asked, documents: list[_Document]) -> list[_Document]:
        if asked.by_name:
            return sorted(documents, key=lambda each: (alphabetical(each.title), each.iri))
        if not asked.words:
            return documents
        best = self._ranked(asked, weak=False)
        first = {each.id for each in best}
        rest = [each for each in documents if each.id not in first]
        head, tail = rest[: 2 * _BEST], rest[2 * _BEST :]
        return [*best, *sorted(head, key=self._weight(asked, set())), *tail]

    def _ranked(self, asked: Asked, weak: bool) -> list[_Document]:
        """Return the best documents in order: those that have every word, then those where each begins one."""
        exact = {label.iri for label in self._labels.exact(_whole(asked.text.strip()[:LONGEST]))}
        if code := _together(asked.words):
            exact.update(each.iri for each in self._documents(f'code : "{code}"', 50))
        ranked: list[_Document] = []
        known: set[int] = set()
        for strength in (_WHOLE, _BEGINNING, _ANYWHERE) if weak else (_WHOLE, _BEGINNING):
            found = [each for each in self._documents(self._match(asked, strength), _BEST) if each.id not in known]
            known.update(each.id for each in found)
            ranked += sorted(found, key=self._weight(asked, exact))
        return ranked

    @staticmethod
    def _weight(asked: Asked, exact: Collection[str]) -> Callable[[_Document], tuple[Any, ...]]:
        """Return the key to order by: exact names, then the rank of the class, then use, then short names."""
        typed = fold(" ".join(asked.words))

        def weight(each: _Document) -> tuple[Any, ...]:
            title, rank = fold(each.title), rank_of(each.id)
            same = each.iri in exact or title == typed
            # Terms of the vocabulary are for developers, who find them; others look for what the terms are about.
            technical = rank > TECHNICAL
            return (
                technical,
                not same,
                not title.startswith(typed),
                rank,
                -log2(1 + each.used),
                len(title),
                title,
                each.iri,
            )

        return weight

    def _documents(self, match: str, limit: int) -> list[_Document]:
        """Return the documents that match, at most so many, in the order of the index: what matters most first."""
        if not match:
            return []
        rows = self._index().execute(
            f"SELECT {_COLUMNS} FROM doc WHERE id IN (SELECT rowid FROM word WHERE word MATCH ? LIMIT ?) ORDER BY id",
            (match, limit),
        )
        try:
            return [_Document(*row) for row in rows]
        except sqlite3.OperationalError:
            return []  # a word of characters that the index takes for several words

    def _match(self, asked: Asked, strength: int) -> str:
        """Return the FTS5 query of words and chosen facets; "" for one that would match everything."""
        words = [self._word(word, strength) for word in asked.words]
        text = " AND ".join(words)
        if (code := _together(asked.words)) and words:
            text = f'({text}) OR code : "{code}"'
        parts = [f"({text})"] if text else []
        for name in FACETS:
            if chosen := asked.chosen.get(name):
                numbers = [self._numbers[value] for value in chosen if value in self._numbers]
                tokens = " OR ".join(f'"{facet(number)}"' for number in numbers) or '"t0"'
                parts.append(f"facet : ({tokens})")
        return " AND ".join(parts)

    def _word(self, word: str, strength: int) -> str:
        root = stem(word)
        forms = [f'{{name stem code}} : "{word}"', f'{{name stem}} : "{root}"']
        if strength >= _BEGINNING and len(word) > 1:
            forms.append(f'{{name code}} : "{word}" *')
        if strength >= _ANYWHERE:
            forms.append(f'about : "{root}" *' if len(root) > 2 else f'about : "{root}"')
            if compounds := self._compounds(fold(root)):
                forms.append("name : (" + " OR ".join(f'"{each}"' for each in compounds) + ")")
        return f"({' OR '.join(forms)})"

    def _compounds(self, part: str) -> list[str]:
        """Return the commonest words of names that this is a later part of: grundskola of skola."""
        if len(part) < _SHORTEST_PART:
            return []
        found: list[str] = []
        text, place = self._vocabulary, -1
        while len(found) < _MOST_PARTS and (place := text.find(part, place + 1)) >= 0:
            start, end = text.rfind(_LINE, 0, place) + 1, text.find(_LINE, place)
            if place > start + 1:
                found.append(text[start:end])
            place = end
        return found

    @cached_property
    def _vocabulary(self) -> str:
        """Every word of names, the commonest first, each on a line."""
        rows = self._index().execute("SELECT term FROM vocabulary ORDER BY n DESC, term")
        return "".join(f"{term}{_LINE}" for (term,) in rows)

    @cached_property
    def _spellings(self) -> list[str]:
        return self._vocabulary.split(_LINE, _MOST_SPELLINGS)[:_MOST_SPELLINGS]

    def spelled(self, words: Sequence[str]) -> tuple[str, ...]:
        """Return the words as they may have been meant; () when nothing is like one of them."""
        if len(words) > 1 and self._documents(self._word("".join(words), _BEGINNING), 1):
            return (self._as_written("".join(words)),)
        meant = []
        for word in words:
            if self._documents(self._word(word, _ANYWHERE), 1):
                meant.append(word)
            elif near := self._near(fold(word)):
                meant.append(self._as_written(near))
            else:
                return ()
        return tuple(meant)

    def _near(self, word: str) -> str:
        """Return the commonest of the words that differ least from this one, else the longest that it begins with."""
        if len(word) < 3:
            return ""
        allowed = 1 if len(word) < 6 else 2 if len(word) < 11 else 3
        near = process.extract(word, self._spellings, scorer=OSA.distance, score_cutoff=allowed, limit=20)
        if near:
            # Equal distances come in the order of the list, which is how common the words are.
            return str(min(near, key=lambda each: (each[1], each[2]))[0])
        for end in range(len(word) - 2, 4, -1):
            if f"{_LINE}{word[:end]}{_LINE}" in self._vocabulary:
                return word[:end]
        return ""

    def _as_written(self, term: str) -> str:
        """Return a word of the index as a name spells it: snorojning is written snöröjning."""
        for document in self._documents(f'name : "{term}"', 3):
            others = (label.text for label in self._lookup.of([document.iri]).get(document.iri, ()))
            for label in chain([document.title], others):
                for word in _LETTERS.findall(label):
                    if fold(word) == term:
                        return str(word).lower()
        return term

    @cached_property
    def _numbers(self) -> dict[str, int]:
        """The number of every class, dataset, publisher and concept."""
        return dict(self._index().execute("SELECT iri, id FROM term").fetchall())

    @cached_property
    def _names(self) -> dict[int, str]:
        return {number: iri for iri, number in self._numbers.items()}

    def _hits(self, documents: Iterable[_Document]) -> Iterable[Hit]:
        names = self._names
        for each in documents:
            yield Hit(each.iri, names[each.type], names[each.dataset], names[each.publisher], each.title, each.used)

    def _counted(self, name: str, documents: Iterable[_Document]) -> tuple[tuple[str, int], ...]:
        """Return (value, things) of a facet, the commonest first."""
        listed = list(documents)
        pairs: Iterable[tuple[str, int]]
        if name == "concept":
            pairs = ((each.iri, int(number)) for each in listed for number in each.concepts.split())
        else:
            pairs = ((each.iri, getattr(each, name)) for each in listed)
        if len(_each_once(listed)) < len(listed):
            pairs = set(pairs)  # a thing that several graphs describe counts once
        counts = Counter(number for _, number in pairs)
        named = ((self._names[number], n) for number, n in counts.items() if self._names[number])
        return tuple(sorted(named, key=lambda item: (-item[1], item[0])))

    def uses(self, iris: Iterable[str]) -> dict[str, int]:
        """Return how often published data names each of these as a value; nothing for what is never named."""
        found: dict[str, int] = {}
        for chunk in batches(dict.fromkeys(iris), 500):
            marks = ",".join("?" * len(chunk))
            rows = self._index().execute(f"SELECT iri, sum(n) FROM used WHERE iri IN ({marks}) GROUP BY iri", chunk)
            found.update(rows.fetchall())
        return found

    def used_by(self, iri: str) -> dict[str, int]:
        """Return how often each named graph names a thing as a value."""
        rows = self._index().execute(
            "SELECT term.iri, n FROM used JOIN term ON term.id = used.graph WHERE used.iri = ? ORDER BY n DESC, 1",
            (iri,),
        )
        return dict(rows.fetchall())


_WHOLE, _BEGINNING, _ANYWHERE = range(3)
_COLUMNS = "id, iri, class, dataset, publisher, concepts, title, used"


def _whole(text: str) -> str:
    """Return a text without halves of surrogate pairs, which SQLite refuses."""
    return text.encode("utf-8", "replace").decode()


def _each_once(documents: Iterable[_Document]) -> list[_Document]:
    """Return the first document of each thing."""
    return list({each.iri: each for each in reversed(list(documents))}.values())[::-1]


@lru_cache(maxsize=1_000)
def _together(words: tuple[str, ...]) -> str:
    """Return a code typed with signs between its parts as one word, "" when the words are not like a code.

    >>> _together(("212000", "9903")), _together(("t7", "6")), _together(("norra", "skolan"))
    ('2120009903', 't76', '')
    """
    joined = "".join(words)
    return joined if 1 < len(words) < 5 and any(char.isdigit() for char in joined) and len(joined) <= 40 else ""


def marked(text: str, words: Sequence[str]) -> list[tuple[str, bool]]:
    """Return a text in pieces, each with whether it is a word that was searched for.

    >>> marked("Norra skolan", ("skola",))
    [('Norra ', False), ('skolan', True)]
    """
    wanted = [fold(word) for word in words if len(word) > 1]
    roots = {fold(stem(word)) for word in words}
    pieces: list[tuple[str, bool]] = []
    end = 0
    for match in _LETTERS.finditer(text):
        folded = fold(match[0])
        hit = any(folded.startswith(word) or (len(word) >= _SHORTEST_PART and word in folded) for word in wanted)
        if hit or fold(stem(match[0].lower())) in roots:
            if match.start() > end:
                pieces.append((text[end : match.start()], False))
            pieces.append((match[0], True))
            end = match.end()
    if end < len(text):
        pieces.append((text[end:], False))
    return pieces
