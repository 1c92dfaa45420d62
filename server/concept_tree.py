"""The concepts of a generation as trees: what is above and below each, in which scheme it stands, what replaced it.

Broader and narrower are taken both ways whichever is stated, cycles end where they began, and a concept that nothing is
above is at the top of its scheme. Read once for a generation and kept in memory: a few hundred bytes for each concept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from server.labels import alphabetical
from server.rdf_formats import value
from server.store import ReadStore

_SKOS = "http://www.w3.org/2004/02/skos/core#"
_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
_STATUS = "http://www.w3.org/ns/adms#status"
_DEPRECATED = "http://www.w3.org/2002/07/owl#deprecated"
_REPLACED = "http://purl.org/dc/terms/isReplacedBy"
CONCEPT, SCHEME = _SKOS + "Concept", _SKOS + "ConceptScheme"
_MOST_PATHS, _DEEPEST = 8, 60

Names = Mapping[str, tuple[str, str]]


@dataclass
class ConceptTree:
    """Every published concept with its place; keys and values are IRIs."""

    above: dict[str, list[str]] = field(default_factory=dict)
    below: dict[str, list[str]] = field(default_factory=dict)
    schemes: dict[str, list[str]] = field(default_factory=dict)  # the concepts of each scheme
    scheme_of: dict[str, str] = field(default_factory=dict)
    notations: dict[str, str] = field(default_factory=dict)
    deprecated: set[str] = field(default_factory=set)
    replaced_by: dict[str, list[str]] = field(default_factory=dict)
    names: dict[str, Names] = field(default_factory=dict)  # of all concepts and schemes, by language

    def __contains__(self, iri: object) -> bool:
        return iri in self.above

    def tops(self, scheme: str) -> list[str]:
        """Return the concepts of a scheme that have nothing above them in it."""
        members = self.schemes.get(scheme, [])
        own = set(members)
        return [iri for iri in members if not own.intersection(self.above[iri])]

    def paths(self, iri: str) -> list[list[str]]:
        """Return the ways down to a concept from the tops above it, the shortest first; none of a concept at the top.

        At most _MOST_PATHS of them; a cycle ends where it began.
        """
        found: list[list[str]] = []
        waiting: list[list[str]] = [[iri]]
        while waiting and len(found) < _MOST_PATHS:
            path = waiting.pop(0)
            higher = [name for name in self.above.get(path[0], ()) if name not in path]
            if not higher or len(path) > _DEEPEST:
                if len(path) > 1:
                    found.append(path[:-1])
                continue
            # What is waiting is bounded too: a lattice of concepts has more ways up than there are atoms.
            waiting += [[name, *path] for name in higher[: max(1, 100 - len(waiting))]]
        return found

    def beneath(self, iri: str) -> Iterator[str]:
        """Yield every concept below one, each once, in no order."""
        waiting, seen = [iri], {iri}
        while waiting:
            for name in self.below.get(waiting.pop(), ()):
                if name not in seen:
                    seen.add(name)
                    waiting.append(name)
                    yield name

    def ordered(self, iris: list[str], language: str) -> list[str]:
        """Return concepts in the order of their notations, numbers by size; those without by name, in Swedish order."""
        names = self.names.get(language, {})

        def key(iri: str) -> tuple[bool, list[tuple[int, int, str]], str]:
            notation = self.notations.get(iri, "")
            return not notation, _natural(notation), alphabetical(names.get(iri, (iri, ""))[0])

        return sorted(iris, key=key)


def read_tree(store: ReadStore, labels: Callable[[list[str], str], Names], languages: tuple[str, ...]) -> ConceptTree:
    """Return the concepts of a store, with their names in the languages of the pages."""
    tree = ConceptTree()
    for iri in sorted(set(store.subjects(_TYPE, CONCEPT))):
        tree.above[iri], tree.below[iri] = [], []
    schemes = set(store.subjects(_TYPE, SCHEME))
    for iri in tree.above:
        _read_concept(tree, store, iri, schemes)
    for links in (tree.above, tree.below):
        for iri, others in links.items():
            links[iri] = sorted(set(others) - {iri})
    tree.schemes = {scheme: [] for scheme in sorted(schemes)}
    for iri, scheme in tree.scheme_of.items():
        tree.schemes.setdefault(scheme, []).append(iri)
    named = [*tree.above, *tree.schemes]
    tree.names = {language: labels(named, language) for language in languages}
    return tree


def _read_concept(tree: ConceptTree, store: ReadStore, iri: str, schemes: set[str]) -> None:
    said: dict[str, list[str]] = {}
    for property, term in store.outgoing(iri):
        said.setdefault(property, []).append(value(term).text)
    for name in said.get(_SKOS + "broader", ()):
        if name in tree.above:
            tree.above[iri].append(name)
            tree.below[name].append(iri)
    for name in said.get(_SKOS + "narrower", ()):
        if name in tree.above:
            tree.below[iri].append(name)
            tree.above[name].append(iri)
    own = sorted({*said.get(_SKOS + "inScheme", ()), *said.get(_SKOS + "topConceptOf", ())})
    if own:
        tree.scheme_of[iri] = next((scheme for scheme in own if scheme in schemes), own[0])
    if _SKOS + "notation" in said:
        tree.notations[iri] = min(said[_SKOS + "notation"])
    replaced = sorted(said.get(_REPLACED, ()))
    if replaced:
        tree.replaced_by[iri] = replaced
    ended = any(status.endswith(("/Deprecated", "/Withdrawn")) for status in said.get(_STATUS, ()))
    if replaced or ended or said.get(_DEPRECATED) == ["true"]:
        tree.deprecated.add(iri)


def _natural(text: str) -> list[tuple[int, int, str]]:
    """Return a notation as what it sorts by: T2 before T10, T3 before T3.1."""
    pieces: list[tuple[int, int, str]] = []
    number = ""
    for char in [*text[:80], ""]:
        if char.isascii() and char.isdigit():
            number += char
            continue
        if number:
            pieces.append((0, int(number), ""))
            number = ""
        if char:
            pieces.append((1, 0, char))
    return pieces
