"""The label index of a generation: what things are called, by IRI, and what a whole name or code names.

One SQLite file: `label` holds every label, alternative label, notation and name of the published triples; `word` is an
FTS5 index of them with folded letters (å, ä, ö written as a, o), for texts whose case or diacritics differ. What people
search for by half words and other inflections is in the search index (server/search_index.py).
"""

from __future__ import annotations

import re
import shutil
import sqlite3
import threading
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import snowballstemmer

_ROLES = {
    "http://www.w3.org/2004/02/skos/core#prefLabel": "label",
    "http://www.w3.org/2000/01/rdf-schema#label": "label",
    "http://schema.org/name": "label",
    "https://schema.org/name": "label",
    "http://purl.org/dc/terms/title": "label",
    "http://xmlns.com/foaf/0.1/name": "label",
    "http://www.w3.org/2004/02/skos/core#altLabel": "alternative",
    "http://www.w3.org/2004/02/skos/core#notation": "notation",
    "http://purl.org/dc/terms/identifier": "notation",
}
_VERSION = 3  # of what an index holds; an index of another version is made anew
_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
_TOLD = {*_ROLES, _TYPE}
_UNASKED = ("", "")  # of what is known to have no label it is None
_REMEMBERED, _MOST_LEARNT = 20_000, 500
_LABEL_LINE = re.compile(r'<[^>]*> <([^>]*)> "((?:[^"\\]|\\.)*)"(?:@([a-z0-9-]+)|\^\^<[^>]*>)? \.\n')
_TYPE_LINE = re.compile(rf"<[^>]*> <{re.escape(_TYPE)}> <([^>]*)> \.\n")
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|.)")
_ESCAPED = {"t": "\t", "b": "\b", "n": "\n", "r": "\r", "f": "\f"}
_SCHEMA = """
CREATE TABLE label (
    id INTEGER PRIMARY KEY, iri TEXT NOT NULL, text TEXT NOT NULL, language TEXT NOT NULL, role TEXT NOT NULL,
    class TEXT NOT NULL, graph TEXT NOT NULL
);
CREATE VIRTUAL TABLE word USING fts5(
    folded, content='', tokenize='unicode61 remove_diacritics 2'
);
"""
_OF_GRAPH = "SELECT id, iri, class, role, text, language FROM label WHERE graph = ?"
_INDEXES = (
    "CREATE INDEX label_iri ON label (iri); CREATE INDEX label_text ON label (text COLLATE NOCASE); "
    "CREATE INDEX label_graph ON label (graph);"
)


@dataclass(frozen=True, slots=True)
class Label:
    """One label found: whose it is, its text, language ("" for none), role, class and graph."""

    iri: str
    text: str
    language: str
    role: str
    type: str
    graph: str


def build_labels(path: Path, graphs: Iterable[tuple[str, Iterable[str]]]) -> None:
    """Write the label index of (graph IRI, canonical lines) pairs."""
    index = sqlite3.connect(path)
    index.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + _SCHEMA)
    for graph, lines in graphs:
        _insert(index, graph, _labels(lines))
    index.executescript(f"{_INDEXES} PRAGMA user_version = {_VERSION};")
    index.commit()
    index.close()


def is_current(path: Path) -> bool:
    """Return whether a label index holds what one made now would hold."""
    if not path.exists():
        return False
    index = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
    try:
        return bool(index.execute("PRAGMA user_version").fetchone() == (_VERSION,))
    finally:
        index.close()


def update_labels(old: Path, path: Path, graphs: Iterable[tuple[str, Iterable[str]]]) -> None:
    """Write the label index that follows from an older one when only these graphs have changed."""
    shutil.copyfile(old, path)
    index = sqlite3.connect(path)
    index.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;")
    for graph, lines in graphs:
        left: dict[tuple[str, ...], list[int]] = {}
        for id, *label in index.execute(_OF_GRAPH, (graph,)):
            left.setdefault(tuple(label), []).append(id)
        # What is the same stays: telling the search of a label costs more than comparing it.
        new = [label for label in _labels(lines) if not left.get(label) or left[label].pop() is None]
        for text, id in [(label[3], id) for label, ids in left.items() for id in ids]:
            # A contentless FTS5 table forgets a row only when told what the row said.
            index.execute("INSERT INTO word (word, rowid, folded) VALUES ('delete', ?, ?)", (id, text))
            index.execute("DELETE FROM label WHERE id = ?", (id,))
        _insert(index, graph, new)
    index.commit()
    index.close()


def _insert(index: sqlite3.Connection, graph: str, labels: Iterable[tuple[str, str, str, str, str]]) -> None:
    for iri, type, role, text, language in labels:
        row = (iri, text, language, role, type, graph)
        id = index.execute(
            "INSERT INTO label (iri, text, language, role, class, graph) VALUES (?, ?, ?, ?, ?, ?)", row
        ).lastrowid
        index.execute("INSERT INTO word (rowid, folded) VALUES (?, ?)", (id, text))


def _labels(lines: Iterable[str]) -> Iterator[tuple[str, str, str, str, str]]:
    """Yield (iri, type, role, text, language) of each label in lines that are grouped by subject."""
    current, type, held = "", "", list[tuple[str, str, str]]()
    for line in lines:
        end = line.index("> <")
        property = line[end + 3 : line.index("> ", end + 3)]
        if property not in _TOLD:  # Most lines say nothing of names: no regular expression for those.
            continue
        name = line[1:end]
        if name != current:
            yield from ((current, type, *label) for label in held)
            current, type, held = name, "", []
        if property == _TYPE:
            typed = _TYPE_LINE.fullmatch(line)
            type = type or (typed[1] if typed else "")
        elif match := _LABEL_LINE.fullmatch(line):
            held.append((_ROLES[property], unescape(match[2]), match[3] or ""))
    yield from ((current, type, *label) for label in held)


def name_in(lines: Iterable[str], iri: str, language: str) -> tuple[str, str] | None:
    """Return (text, language) of the best label that N-Triples lines give an IRI, None when they give it none.

    >>> name_in(['<a:b> <http://schema.org/name> "Sjöskolan" .\\n'], "a:b", "sv")
    ('Sjöskolan', '')
    """
    order = {"sv": 1, "en": 2, "": 3} | {language: 0}
    found = [(text, tag) for named, _type, role, text, tag in _labels(lines) if named == iri and role == "label"]
    return min(found, key=lambda label: (order.get(label[1], 4), label), default=None)


def unescape(text: str) -> str:
    r"""Return the value of an N-Triples string without its quotes.

    >>> unescape(r"a \"b\" \u00e5")
    'a "b" å'
    """
    if "\\" not in text:
        return text
    return _ESCAPE.sub(lambda match: _unescape_one(match[1]), text)


def _unescape_one(code: str) -> str:
    if code[0] in "uU" and len(code) > 1:
        return chr(int(code[1:], 16))
    return _ESCAPED.get(code, code)


@lru_cache(maxsize=1)
def _stemmer() -> snowballstemmer.stemmer:
    return snowballstemmer.stemmer("swedish")


_stemming = threading.Lock()


def stems(text: str) -> list[str]:
    """Return the Swedish stems of the words of a text.

    >>> stems("Måleriarbeten i skolor")
    ['måleriarbet', 'i', 'skol']
    """
    return [_stem(word) for word in re.findall(r"\w+", text.lower())]


# A word takes some 50 microseconds, and a million names are made of some ten thousand words.
@lru_cache(maxsize=200_000)
def _stem(word: str) -> str:
    with _stemming:  # The stemmer keeps state between calls.
        return str(_stemmer().stemWord(word))


_DOTLESS = str.maketrans("åäöéèêëüáàâíîïóòôúùûñç", "aaoeeeeuaaaiiiooouuunc")


def fold(text: str) -> str:
    """Return a text as it is compared: no case, no diacritics, single spaces.

    >>> fold("  Äldreomsorg ")
    'aldreomsorg'
    """
    plain = text.casefold().translate(_DOTLESS)
    if plain.isascii():  # nearly every text, and ten times as quick
        return " ".join(plain.split())
    decomposed = unicodedata.normalize("NFKD", plain)
    return " ".join("".join(char for char in decomposed if not unicodedata.combining(char)).split())


_SWEDISH = str.maketrans({"å": "z{", "ä": "z|", "ö": "z}", "æ": "z|", "ø": "z}", "é": "e", "ü": "y"})


def alphabetical(text: str) -> str:
    """Return a text to sort by in Swedish order: å, ä and ö after z, letter case aside.

    >>> sorted(["Öbacka", "Ängshamn", "Alvesta", "Zinkgruvan", "Åsen"], key=alphabetical)
    ['Alvesta', 'Zinkgruvan', 'Åsen', 'Ängshamn', 'Öbacka']
    """
    return text.casefold().translate(_SWEDISH)


class LabelFile:
    """An open label index, one connection for each thread that asks."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()

    def _index(self) -> sqlite3.Connection:
        index: sqlite3.Connection | None = getattr(self._local, "index", None)
        if index is None:
            index = sqlite3.connect(f"file:{self._path}?mode=ro&immutable=1", uri=True)
            self._local.index = index
        return index


class LabelIndex(LabelFile):
    """Reads a label index; safe to share between threads.

    Properties, classes, concepts and organizations are named on page after page, so their labels are remembered.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._known: dict[tuple[str, str], tuple[str, str] | None] = {}

    def label(self, iri: str, language: str = "sv") -> tuple[str, str] | None:
        """Return (text, language) of the best label in this language, else sv, en, none, any."""
        return self.labels([iri], language).get(iri)

    def labels(self, iris: Iterable[str], language: str = "sv") -> dict[str, tuple[str, str]]:
        """Return the best label of each IRI that has one, as (text, language of the text)."""
        known = self._known
        found = {iri: known.get((language, iri), _UNASKED) for iri in iris}
        if unasked := [iri for iri, label in found.items() if label is _UNASKED]:
            learnt = self._read(unasked, language)
            found |= {iri: learnt.get(iri) for iri in unasked}
            if len(known) + len(unasked) > _REMEMBERED:
                known = self._known = {}
            if len(unasked) <= _MOST_LEARNT:
                known.update({(language, iri): learnt.get(iri) for iri in unasked})
        return {iri: label for iri, label in found.items() if label is not None}

    def _read(self, wanted: Sequence[str], language: str) -> dict[str, tuple[str, str]]:
        order = {language: 0, "sv": 1, "en": 2, "": 3} | {language: 0}
        best: dict[str, tuple[int, str, str]] = {}
        for start in range(0, len(wanted), 500):
            chunk = wanted[start : start + 500]
            marks = ",".join("?" * len(chunk))
            rows = self._index().execute(
                f"SELECT iri, text, language FROM label WHERE role = 'label' AND iri IN ({marks}) ORDER BY text", chunk
            )
            for iri, text, found in rows:
                rank = order.get(found, 4)
                if iri not in best or rank < best[iri][0]:
                    best[iri] = (rank, text, found)
        return {iri: (text, found) for iri, (_, text, found) in best.items()}

    def exact(self, text: str) -> list[Label]:
        """Return the labels and notations with exactly this text, letter case aside."""
        rows = self._index().execute(
            "SELECT iri, text, language, role, class, graph FROM label WHERE text = ? COLLATE NOCASE LIMIT 100", (text,)
        )
        return [Label(*row) for row in rows]
