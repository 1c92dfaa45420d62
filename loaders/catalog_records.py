"""Cuts the triples of a harvested catalogue into one record for each dataset, whatever parser read them.

Terms are texts as N-Triples writes them: `<iri>`, `_:name`, `"text"@sv`. What cannot be written or kept is counted by
the rule that names it, so that the publisher of the catalogue can be told.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

DEEPEST = 16
_DCAT, _DCTERMS, _FOAF = "http://www.w3.org/ns/dcat#", "http://purl.org/dc/terms/", "http://xmlns.com/foaf/0.1/"
_HYDRA = "http://www.w3.org/ns/hydra/core#"
_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
_STRING = "http://www.w3.org/2001/XMLSchema#string"
_KINDS = tuple(f"<{_DCAT}{name}>" for name in ("Dataset", "DatasetSeries", "DataService"))
_CATALOG, _DISTRIBUTION = f"<{_DCAT}Catalog>", f"<{_DCAT}Distribution>"
_UNWRITABLE = re.compile(r'[\x00-\x20<>"{}|\\^`]')
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_LITERAL = re.compile(r'("(?:[^"\\]|\\.)*")(?:@([^\s^]+)|\^\^<([^<>]*)>)?\Z', re.DOTALL)
_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*\Z")  # N-Triples, LANGTAG
_ESCAPE = re.compile(r'\\(["\\nrtbf]|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8})')
_SIGNS = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", '"': '"', "\\": "\\"}

Statement = tuple[str, str, str]
"""Subject and object as N-Triples writes them; the property is a plain IRI."""


@dataclass(frozen=True)
class Record:
    """One dataset, series or service of a catalogue, or a distribution that came without its dataset."""

    iri: str
    kind: str
    title: dict[str, str]
    publisher: str
    publisher_name: str
    modified: str
    license: tuple[str, ...]
    distributions: tuple[str, ...]
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Found:
    """The records of one document, what it says of itself as a catalogue, its next page, and what was wrong in it."""

    records: tuple[Record, ...]
    iri: str = ""  # of the one catalogue that is described
    title: dict[str, str] = field(default_factory=dict)
    publisher: str = ""
    following: str = ""
    faults: dict[str, int] = field(default_factory=dict)


def cut(statements: Iterable[Statement], skolem: str) -> Found:
    """Return the records among a document's statements; `skolem` begins the names that blank nodes get."""
    graph = _Graph(skolem)
    for subject, property, value in statements:
        graph.said.setdefault(subject, []).append((property, value))
        if property == _TYPE:
            graph.types[subject].add(value)
        elif property == f"{_DCAT}distribution":
            graph.distributed.add(value)
    records = tuple(graph.records())
    graph.count_publishers()
    catalogs = sorted(node for node, types in graph.types.items() if _CATALOG in types and node.startswith("<"))
    alone = catalogs[0] if len(catalogs) == 1 else ""
    following = next((value for said in graph.said.values() for name, value in said if name in _NEXT), "")
    return Found(
        records,
        alone[1:-1],
        graph.texts(alone, f"{_DCTERMS}title"),
        _plain(graph.one(alone, f"{_DCTERMS}publisher")),
        _plain(following),
        dict(graph.faults),
    )


_NEXT = (f"{_HYDRA}next", f"{_HYDRA}nextPage")


class _Graph:
    """A document's statements by subject, and what is told of those that are left out."""

    def __init__(self, skolem: str) -> None:
        self.skolem = skolem
        self.said: dict[str, list[tuple[str, str]]] = {}
        self.types: dict[str, set[str]] = defaultdict(set)
        self.distributed: set[str] = set()
        self.faults: Counter[str] = Counter()
        self._names: dict[tuple[str, int], str] = {}
        self._unwritable: set[str] = set()
        self._publishers: dict[str, set[str]] = defaultdict(set)

    def values(self, node: str, property: str) -> list[str]:
        return sorted(value for name, value in self.said.get(node, ()) if name == property)

    def one(self, node: str, property: str) -> str:
        return next(iter(self.values(node, property)), "")

    def texts(self, node: str, property: str) -> dict[str, str]:
        found = {}
        for value in self.values(node, property):
            if literal := _LITERAL.match(value):
                found[(literal[2] or "").lower()] = _unescaped(literal[1][1:-1])
        return found

    def records(self) -> Iterator[Record]:
        """Yield a record for everything that has an address of its own, in the order of addresses."""
        wanted = {node for node, types in self.types.items() if types.intersection(_KINDS)}
        # A search may answer with distributions alone; their dataset comes in another answer.
        wanted |= {
            node for node, types in self.types.items() if _DISTRIBUTION in types and node not in self.distributed
        }
        for node in sorted(wanted):
            if node.startswith("_:"):
                # Without an address of its own nobody could tell it from the next harvest's.
                self.faults["blank-dataset"] += 1
            elif _written(node) is None:
                self.faults["broken-address"] += 1
            else:
                yield self._record(node)

    def _record(self, node: str) -> Record:
        kind = next((kind for kind in _KINDS if kind in self.types[node]), _DISTRIBUTION)
        publisher = self.one(node, f"{_DCTERMS}publisher")
        names = self.texts(publisher, f"{_FOAF}name")
        if publisher and names:
            self._publishers[" ".join(sorted(names.values())).casefold()].add(publisher)
        ways = self.values(node, f"{_DCAT}distribution")
        licenses = {license for each in (node, *ways) for license in self.values(each, f"{_DCTERMS}license")}
        return Record(
            iri=node[1:-1],
            kind=kind[1:-1].rpartition("#")[2],
            title=self.texts(node, f"{_DCTERMS}title"),
            publisher=_plain(publisher),
            publisher_name=names.get("sv") or next(iter(names.values()), ""),
            modified=_plain(self.one(node, f"{_DCTERMS}modified")),
            license=tuple(sorted(map(_plain, licenses))),
            distributions=tuple(map(_plain, ways)),
            lines=tuple(sorted(set(self._lines(node)))),
        )

    def count_publishers(self) -> None:
        """Count the names that stand for several publishers: the portal merges publishers by address only."""
        if found := sum(len(nodes) > 1 for nodes in self._publishers.values()):
            self.faults["several-publishers"] += found

    def _lines(self, node: str) -> Iterator[str]:
        """Yield what is said of a node and of what it points at, up to the next dataset, service or catalogue."""
        waiting, seen = [(node, 0)], {node}
        while waiting:
            subject, depth = waiting.pop()
            for property, value in self.said.get(subject, ()):
                if (line := self._line(subject, property, value)) is not None:
                    yield line
                if value in seen or depth >= DEEPEST or value.startswith('"') or value not in self.said:
                    continue
                if not self.types[value].intersection((*_KINDS, _CATALOG)):
                    seen.add(value)
                    waiting.append((value, depth + 1))

    def _line(self, subject: str, property: str, value: str) -> str | None:
        terms = [self._term(subject), _written(f"<{property}>"), self._term(value)]
        if None in terms:
            # Said once for each address, however many records point at it.
            broken = {term for term in (subject, property, value) if term not in self._unwritable}
            broken = {
                term for term in broken if not term.startswith(("_:", '"')) and _written(_bracketed(term)) is None
            }
            self.faults["broken-address"] += len(broken)
            self._unwritable |= broken
            return None
        return f"{terms[0]} {terms[1]} {terms[2]} .\n"

    def _term(self, term: str) -> str | None:
        if term.startswith("_:"):
            return f"<{self.skolem}{self._name(term, DEEPEST)}>"
        if not term.startswith('"'):
            return _written(term)
        literal = _LITERAL.match(term)
        if literal is None or (literal[2] and not _LANGUAGE.match(literal[2])):
            self.faults["broken-language"] += 1
            return literal[1] if literal else None
        if literal[3] is not None and _written(f"<{literal[3]}>") is None:
            self.faults["broken-address"] += 1
            return literal[1]
        return term

    def _name(self, node: str, depth: int) -> str:
        """Return the hash of what is said of a blank node; those it points at count by theirs, a few levels deep.

        So the next harvest gives it the same name, and nothing else in the document can change it.
        """
        if (node, depth) not in self._names:
            parts = []
            for property, value in self.said.get(node, ()):
                blank = value.startswith("_:")
                parts.append(f"{property} {(self._name(value, depth - 1) if depth else '') if blank else value}")
            self._names[node, depth] = hashlib.sha256("\n".join(sorted(parts)).encode()).hexdigest()[:24]
        return self._names[node, depth]


def literal(text: str, language: str = "", datatype: str = "") -> str:
    """Return a literal as N-Triples writes it."""
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    quoted = '"' + "".join(escapes.get(sign, sign) for sign in text) + '"'
    if language:
        return f"{quoted}@{language}"
    return f"{quoted}^^<{datatype}>" if datatype and datatype != _STRING else quoted


def _bracketed(term: str) -> str:
    return term if term.startswith("<") else f"<{term}>"


def _written(term: str) -> str | None:
    """Return an address in brackets, None when no RDF syntax can hold it or it is not absolute."""
    inner = term[1:-1]
    return term if _ABSOLUTE.match(inner) and _UNWRITABLE.search(inner) is None else None


def _plain(term: str) -> str:
    if found := _LITERAL.match(term):
        return _unescaped(found[1][1:-1])
    return term[1:-1] if term.startswith("<") else term


def _unescaped(text: str) -> str:
    def sign(match: re.Match[str]) -> str:
        code = match[1]
        return _SIGNS.get(code) or chr(int(code[1:], 16))

    return _ESCAPE.sub(sign, text) if "\\" in text else text
