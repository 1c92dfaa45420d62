"""Writes the search index of a generation: a document for each named thing in each graph, and how much it is used.

    doc     what was found: IRI, class, dataset, publisher, concepts, title, number of uses
    word    an FTS5 index of its names, their Swedish stems, its codes, its descriptions, and its facets as tokens
    used    how often each graph names something as a value; of concepts all, of other things those used twice or more
    vocabulary   every word of a name and how many things have it: for parts of compounds and for spelling

Row numbers say how much a class matters to people, so that the index yields the best hits first and a search can stop
early. A change rewrites the documents that differ and nothing else.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from unicodedata import normalize
from urllib.parse import unquote

from server.comparing import pair_lines
from server.labels import stems
from server.search_things import LONGEST_NAME, Thing, counted, things

VERSION = 2
"""Of the tables and of what is written to them; an index of another version is made anew."""

_SKOS = "http://www.w3.org/2004/02/skos/core#"
_DCAT = "http://www.w3.org/ns/dcat#"
_RDFS = "http://www.w3.org/2000/01/rdf-schema#"
_LAST, _THING = 6, 3
_RANKS = {
    _DCAT + "Dataset": 0, _SKOS + "Concept": 1, _SKOS + "ConceptScheme": 1,
    "http://www.w3.org/ns/org#FormalOrganization": 2, "http://www.w3.org/1999/02/22-rdf-syntax-ns#Property": 5,
    _RDFS + "Class": 5, "http://www.w3.org/2002/07/owl#Ontology": 5, _DCAT + "Catalog": _LAST,
    _DCAT + "DataService": _LAST,
}  # fmt: skip
# What says the same as another hit: a file of a dataset, the publisher as the harvested catalogue spells it.
_LEFT_OUT = {_DCAT + "Distribution", "http://xmlns.com/foaf/0.1/Agent"}
_RANK_BITS = 40
TECHNICAL = 3
"""The last rank of what visitors look for; those after it are terms of vocabularies and parts of the catalogue."""
_LONGEST_ABOUT = 4_000
_MOST_KEPT = 50_000
_WORD = re.compile(r"[^\W_]+")
_TOKENS = "unicode61 remove_diacritics 2"
_IS_WORD = "col = 'name' AND length(term) BETWEEN 3 AND 40 AND term NOT GLOB '*[0-9]*'"
_SCHEMA = f"""
CREATE TABLE term (id INTEGER PRIMARY KEY, iri TEXT NOT NULL UNIQUE);
CREATE TABLE doc (
    id INTEGER PRIMARY KEY, iri TEXT NOT NULL, graph INTEGER NOT NULL, class INTEGER NOT NULL, dataset INTEGER NOT NULL,
    publisher INTEGER NOT NULL, concepts TEXT NOT NULL, title TEXT NOT NULL, used INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE used (graph INTEGER NOT NULL, iri TEXT NOT NULL, n INTEGER NOT NULL);
CREATE TABLE vocabulary (term TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID;
CREATE VIRTUAL TABLE word USING fts5(
    name, stem, code, about, facet, content='', detail=column, columnsize=0,
    tokenize='{_TOKENS}', prefix='2 3'
);
"""
_INDEXES = (
    "CREATE INDEX IF NOT EXISTS doc_iri ON doc (iri);"
    "CREATE INDEX IF NOT EXISTS used_iri ON used (iri); CREATE INDEX IF NOT EXISTS used_graph ON used (graph);"
)


@dataclass(frozen=True, slots=True)
class IndexedGraph:
    """A graph to index: its IRI, kind and dataset ("publisher/name", "" for shared ones), and its canonical lines.

    Where `uses` tells how often things are values in it, lines of subjects without a name may be left out; so may, of a
    changed graph, the lines of subjects that are as they were.
    """

    iri: str
    kind: str
    dataset: str
    lines: Iterable[str]
    before: Iterable[str] = ()  # the lines that the index was made of
    uses: Mapping[str, int] | None = None


def build_search(path: Path, graphs: Iterable[IndexedGraph], base: str, concept_base: str) -> None:
    """Write the search index of a generation's published graphs."""
    index = _open(path)
    index.executescript(_SCHEMA)
    writer = _Writer(index, base, concept_base, whole=True)
    for graph in graphs:
        writer.add(graph)
    writer.finish()


def update_search(old: Path, path: Path, graphs: Iterable[IndexedGraph], base: str, concept_base: str) -> None:
    """Write the search index that follows from an older one when only these graphs differ (or are gone)."""
    shutil.copyfile(old, path)
    writer = _Writer(_open(path), base, concept_base, whole=False)
    for graph in graphs:
        writer.change(graph)
    writer.finish()


def is_current(path: Path) -> bool:
    """Return whether there is a search index of this version at a path, so that it can be carried on."""
    if not path.exists():
        return False
    index = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
    try:
        return bool(index.execute("PRAGMA user_version").fetchone() == (VERSION,))
    finally:
        index.close()


def _open(path: Path) -> sqlite3.Connection:
    index = sqlite3.connect(path)
    index.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -64000;")
    return index


class _Writer:
    """One run of writing to an open index."""

    def __init__(self, index: sqlite3.Connection, base: str, concept_base: str, whole: bool) -> None:
        self._index, self._base, self._whole = index, base, whole
        self._concepts = f"{concept_base or base}def/"
        self._terms: dict[str, int] = {}
        (self._last_term,) = index.execute("SELECT coalesce(max(id), 0) FROM term").fetchone()
        # Documents of each rank are numbered on from the last one.
        self._next = {rank: self._last_id(rank) + 1 for rank in range(_LAST + 1)}
        # When not everything is counted anyway: what is used more or less than before, names that came and went.
        self._used, self._spoken = set[str](), list[str]()

    def _last_id(self, rank: int) -> int:
        low = rank << _RANK_BITS
        (found,) = self._index.execute(
            "SELECT max(id) FROM doc WHERE id BETWEEN ? AND ?", (low, low + (1 << _RANK_BITS) - 1)
        ).fetchone()
        return int(found) if found is not None else low

    def add(self, graph: IndexedGraph) -> None:
        """Write the documents of a graph that the index does not have."""
        uses: Counter[str] = Counter()
        self._index.executemany(*self._documents(graph, things(graph.lines, self._concepts, uses)))
        self._count(graph, uses if graph.uses is None else Counter(graph.uses))

    def _documents(self, graph: IndexedGraph, found: Iterable[Thing]) -> tuple[str, Iterator[tuple[object, ...]]]:
        """Return the statement that fills `word`, and its rows; `doc` is filled on the way."""
        return "INSERT INTO word (rowid, name, stem, code, about, facet) VALUES (?, ?, ?, ?, ?, ?)", (
            (id, *self._words(thing, graph)) for thing in found if (id := self._document(thing, graph)) is not None
        )

    def _document(self, thing: Thing, graph: IndexedGraph) -> int | None:
        if self._left_out(thing, graph):
            return None
        if not self._whole:
            self._used.add(thing.iri)
            self._spoken.append(_names(thing))
        rank = _RANKS.get(thing.type, _THING if "#" not in thing.type or "/spec/" in thing.type else 4)
        id = self._next[rank]
        self._next[rank] += 1
        dataset, publisher = self._source(thing, graph)
        concepts = " ".join(str(self._term(name)) for name in thing.concepts)
        row = (
            id, thing.iri, self._term(graph.iri), self._term(thing.type), self._term(dataset),
            self._term(publisher), concepts, thing.title,
        )  # fmt: skip
        self._index.execute(
            "INSERT INTO doc (id, iri, graph, class, dataset, publisher, concepts, title) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            row,
        )
        return id

    @staticmethod
    def _left_out(thing: Thing, graph: IndexedGraph) -> bool:
        return thing.type in _LEFT_OUT or (not thing.type and graph.kind == "ontology")

    def _source(self, thing: Thing, graph: IndexedGraph) -> tuple[str, str]:
        """Return (dataset, publisher key) of a thing; a dataset is found under itself."""
        own = f"{self._base}id/dataset/"
        dataset = own + graph.dataset if graph.dataset else ""
        if thing.type == _DCAT + "Dataset" and thing.iri.startswith(own):
            dataset = thing.iri
        return dataset, dataset.removeprefix(own).partition("/")[0] if dataset else ""

    def _words(self, thing: Thing, graph: IndexedGraph) -> tuple[str, str, str, str, str]:
        """Return the texts of the five columns of `word`; the same thing always gives the same texts."""
        names = _names(thing)
        codes = [form for code in (*thing.codes, _local(thing.iri, self._base)) for form in spellings(code)]
        about = _composed(thing.about)[:_LONGEST_ABOUT]
        facets = [self._term(name) for name in (thing.type, *self._source(thing, graph), *thing.concepts)]
        return (
            names,
            " ".join(dict.fromkeys(root for word in _WORD.findall(names.lower()) if (root := stem(word)) != word)),
            " ".join(dict.fromkeys(codes)),
            " ".join(dict.fromkeys(stem(word) for word in _WORD.findall(about.lower()))),
            " ".join(dict.fromkeys(facet(number) for number in facets)),
        )

    def change(self, graph: IndexedGraph) -> None:
        """Rewrite the documents of a graph that differ from the ones the index was made of."""
        uses: Counter[str] = Counter()
        number = self._term(graph.iri)
        # Most things are the same line by line, and need not be understood.
        for _, before, after in pair_lines(graph.before, counted(graph.lines, self._concepts, uses)):
            if before == after:
                continue
            was, now = (next(things(lines, self._concepts, Counter()), None) for lines in (before, after))
            if was == now:
                continue
            if was is not None and not self._left_out(was, graph):
                self._remove(was, graph, number)
            if now is not None:
                self._index.executemany(*self._documents(graph, [now]))
        self._count(graph, uses if graph.uses is None else Counter(graph.uses))

    def _remove(self, thing: Thing, graph: IndexedGraph, number: int) -> None:
        found = self._index.execute("SELECT id FROM doc WHERE iri = ? AND graph = ?", (thing.iri, number)).fetchone()
        if found:
            # A contentless FTS5 table forgets a row only when told what the row said.
            self._index.execute(
                "INSERT INTO word (word, rowid, name, stem, code, about, facet) VALUES ('delete', ?, ?, ?, ?, ?, ?)",
                (found[0], *self._words(thing, graph)),
            )
            self._index.execute("DELETE FROM doc WHERE id = ?", found)
            self._spoken.append(_names(thing))

    def _count(self, graph: IndexedGraph, uses: Counter[str]) -> None:
        """Write how often a graph uses what: every concept, and the other things it uses most."""
        number = self._term(graph.iri)
        if graph.kind in ("concepts", "ontology"):
            uses.clear()  # how concepts hang together is not a use of them
        concepts = [item for item in uses.items() if item[0].startswith(self._concepts)]
        others = (item for item in uses.most_common(_MOST_KEPT) if item[1] > 1)
        kept = dict([*others, *concepts])
        if not self._whole:
            self._forget(number, kept)
        self._index.executemany("INSERT INTO used VALUES (?, ?, ?)", ((number, iri, n) for iri, n in kept.items()))

    def _forget(self, number: int, kept: dict[str, int]) -> None:
        """Remove the uses of a graph that have changed, and take from those to be kept what is there already."""
        gone = []
        for row, iri, n in self._index.execute("SELECT rowid, iri, n FROM used WHERE graph = ?", (number,)).fetchall():
            if kept.get(iri) == n:
                del kept[iri]
            else:
                gone.append((row,))
                self._used.add(iri)
        self._index.executemany("DELETE FROM used WHERE rowid = ?", gone)
        self._used.update(kept)

    def finish(self) -> None:
        """Count the uses of every thing, or of those used more or less than before; collect the vocabulary; close."""
        self._index.executescript(_INDEXES)
        total = "UPDATE doc SET used = coalesce((SELECT sum(n) FROM used WHERE used.iri = doc.iri), 0) WHERE iri = ?"
        touched: Iterable[str] = self._used
        if self._whole:
            touched = [iri for (iri,) in self._index.execute("SELECT DISTINCT iri FROM used")]
        self._index.executemany(total, ((iri,) for iri in touched))
        self._collect_vocabulary()
        self._index.execute(f"PRAGMA user_version = {VERSION}")
        self._index.commit()
        self._index.close()

    def _collect_vocabulary(self) -> None:
        """Count in how many names each word is: every word, or those of the names that came or went."""
        self._index.execute("CREATE VIRTUAL TABLE temp.spoken USING fts5vocab(main, word, col)")
        if self._whole:
            self._index.execute(f"INSERT INTO vocabulary SELECT term, doc FROM temp.spoken WHERE {_IS_WORD}")
        elif self._spoken:
            # The words of a name are what the index takes for words.
            self._index.execute(f"CREATE VIRTUAL TABLE temp.came_or_went USING fts5(name, tokenize='{_TOKENS}')")
            self._index.executemany("INSERT INTO temp.came_or_went VALUES (?)", ((name,) for name in self._spoken))
            self._index.execute("CREATE VIRTUAL TABLE temp.touched USING fts5vocab(temp, came_or_went, row)")
            for (term,) in self._index.execute("SELECT term FROM temp.touched").fetchall():
                self._index.execute("DELETE FROM vocabulary WHERE term = ?", (term,))
                self._index.execute(
                    f"INSERT INTO vocabulary SELECT term, doc FROM temp.spoken WHERE term = ? AND {_IS_WORD}", (term,)
                )

    def _term(self, iri: str) -> int:
        known = self._terms.get(iri)
        if known is None:
            found = None if self._whole else self._index.execute("SELECT id FROM term WHERE iri = ?", (iri,)).fetchone()
            if found:
                known = int(found[0])
            else:
                known = self._last_term = self._last_term + 1
                self._index.execute("INSERT INTO term VALUES (?, ?)", (known, iri))
            self._terms[iri] = known
        return known


def rank_of(id: int) -> int:
    """Return how much the class of a document matters, 0 for most, by the number of the document."""
    return id >> _RANK_BITS


def facet(number: int) -> str:
    """Return the token by which `word` knows a class, dataset, publisher or concept.

    >>> facet(12)
    't12'
    """
    return f"t{number}"


def _names(thing: Thing) -> str:
    return _composed(dict.fromkeys(text[:LONGEST_NAME] for _, _, text in thing.names))


def _composed(texts: Iterable[str]) -> str:
    """Return texts as one, with each accented letter one character, as the stemmer and the searcher have it."""
    return normalize("NFC", " ".join(texts))


@lru_cache(maxsize=200_000)
def stem(word: str) -> str:
    """Return the Swedish stem of a lower-case word, also of the definite form that the stemmer leaves as it is.

    >>> stem("skolan"), stem("skolor"), stem("snöröjningen")
    ('skol', 'skol', 'snöröjning')
    """
    ending = 2 if word.endswith("ans") else 1 if word.endswith("an") else 0
    return "".join(stems(word[:-ending] if ending and len(word) > 5 else word)) or word


def spellings(code: str) -> list[str]:
    """Return the ways to type a code: as it is, and without what separates its parts.

    >>> spellings("AB-06"), spellings("212000-9903"), spellings("")
    (['AB-06', 'AB06'], ['212000-9903', '2120009903'], [])
    """
    together = "".join(_WORD.findall(code))[:64]
    return [code[:64], together] if together and together != code else [code] if code else []


def _local(iri: str, base: str) -> str:
    """Return the last part of the key of one of our own things when it looks like a code."""
    if not iri.startswith(f"{base}id/"):
        return ""
    key = unquote(iri.rpartition("/")[2])
    return key if len(key) <= 64 and any(char.isdigit() for char in key) else ""
