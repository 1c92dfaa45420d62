"""What the server says of one IRI: its properties, its parts, the names of what it names, and what points at it.

The shape is the same in every RDF format and is documented in docs/descriptions.md. Everything is
bounded: a property shows at most PAGE values with its true count and a link to the next page, and so
do the inverse links. The whole description (the fixed `.nt`) has no bounds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import Literal
from urllib.parse import quote

import queries
from server.rdf_formats import Term, Value, iris, text, value
from server.store import ReadStore
from server.turtle import Statement

PAGE = 200
"""Most values of one property in a description, and on one page of a property or of inverse links."""

FIRST_INVERSE = 20
"""Most subjects per inverse property in a description that is not a page of that property."""

MANY_INVERSE = 1000
"""From here on the store counts the inverse links by a query."""

_DEPTH, _PARTS = 3, 200
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_FOAF = "http://xmlns.com/foaf/0.1/"
_HYDRA = "http://www.w3.org/ns/hydra/core#"
_VOID = "http://rdfs.org/ns/void#"
TYPE = _RDF + "type"
_A = f"<{TYPE}>"
LABELS = (
    "https://schema.org/name",
    "http://www.w3.org/2004/02/skos/core#prefLabel",
    "http://www.w3.org/2000/01/rdf-schema#label",
    "http://purl.org/dc/terms/title",
    "http://xmlns.com/foaf/0.1/name",
    "http://schema.org/name",
)
"""The properties that name a thing, in the order they are tried."""


Names = Callable[[Iterable[str]], Iterable[Statement]]
"""Gives the statements that name these IRIs."""

DatasetsOf = Callable[[Iterable[str]], Iterable[str]]
"""Gives the datasets whose named graphs these are."""


@dataclass(frozen=True, slots=True)
class Window:
    """The page of one property, or of one inverse property, that was asked for instead of everything."""

    property: str
    inverse: bool
    page: int

    def query(self, page: int | None = None) -> str:
        """Return the query string of this page or another one."""
        return f"{collection_query(self.property, self.inverse)}&page={self.page if page is None else page}"


@dataclass(frozen=True, slots=True)
class Property:
    """One property: the values shown, and how many there are."""

    iri: str
    terms: tuple[Term, ...]
    total: int

    @property
    def values(self) -> list[Value]:
        """The values shown, as plain values."""
        return [value(term) for term in self.terms]


@dataclass(frozen=True, slots=True)
class Inverse:
    """One property by which others point here: the subjects shown, and how many there are."""

    iri: str
    subjects: tuple[str, ...]
    total: int


@dataclass(frozen=True)
class Description:
    """A bounded description of one IRI, as a document at its own address; `graphs` are all that state any of it."""

    iri: str
    document: str
    properties: tuple[Property, ...]
    inverse: tuple[Inverse, ...]
    parts: Mapping[str, tuple[Property, ...]] = field(default_factory=dict)
    datasets: tuple[str, ...] = ()
    window: Window | None = None
    graphs: frozenset[str] = frozenset()

    def terms(self, *properties: str) -> list[Value]:
        """Return the values of these properties, in the order the properties are given."""
        by_iri = {property.iri: property for property in self.properties}
        return [value for iri in properties if iri in by_iri for value in by_iri[iri].values]

    @cached_property
    def named(self) -> tuple[str, ...]:
        """Every IRI that the description names as a value or as a subject that points here, each once."""
        found = iris(term for property in self.properties for term in property.terms)
        for group in self.parts.values():
            found += iris(term for property in group for term in property.terms)
        for item in self.inverse:
            found += item.subjects
        # A page of a property does not say what its thing is called.
        return tuple(dict.fromkeys([self.iri, *found] if self.window else found))

    def statements(self, names: Names | None = None) -> Iterator[Statement]:
        """Yield the triples of the description, in no particular order, and what `names` says of what it names."""
        yield from _stated(self.iri, self.properties)
        for part, properties in self.parts.items():
            yield from _stated(part, properties)
        here = f"<{self.iri}>"
        for inverse in self.inverse:
            property = f"<{inverse.iri}>"
            for subject in inverse.subjects:
                yield f"<{subject}>", property, here
        if names:
            yield from names(self.named)
        yield from self._document(here)

    def _document(self, here: str) -> Iterator[Statement]:
        """Yield what is said of the document: its topic, its datasets, the collections it shows a part of."""
        address = f"<{joined(self.document, self.window.query()) if self.window else self.document}>"
        yield address, _A, f"<{_FOAF}Document>"
        yield address, f"<{_FOAF}primaryTopic>", here
        for dataset in self.datasets:
            yield address, f"<{_VOID}inDataset>", f"<{dataset}>"
        for property in self.properties:
            if property.total > len(property.terms):
                yield from self._collection(property.iri, property.total, "property")
        for inverse in self.inverse:
            yield from self._collection(inverse.iri, inverse.total, "inverse")
        if self.window:
            totals = [item.total for item in self.properties] + [item.total for item in self.inverse]
            yield address, _A, f"<{_HYDRA}PartialCollectionView>"
            for page, link in ((self.window.page - 1, "previous"), (self.window.page + 1, "next")):
                if 1 <= page <= pages(max(totals, default=0)):
                    yield address, f"<{_HYDRA}{link}>", f"<{joined(self.document, self.window.query(page))}>"

    def _collection(self, property: str, total: int, way: Literal["property", "inverse"]) -> Iterator[Statement]:
        collection = joined(self.document, collection_query(property, way == "inverse"))
        members = f"<{collection}#members>"
        yield f"<{collection}>", _A, f"<{_HYDRA}Collection>"
        yield f"<{collection}>", f"<{_HYDRA}totalItems>", str(text(total))
        yield f"<{collection}>", f"<{_HYDRA}first>", f"<{collection}&page=1>"
        yield f"<{collection}>", f"<{_HYDRA}memberAssertion>", members
        yield members, f"<{_HYDRA}property>", f"<{property}>"
        yield members, f"<{_HYDRA}{'object' if way == 'inverse' else 'subject'}>", f"<{self.iri}>"


def _stated(subject: str, properties: Iterable[Property]) -> Iterator[Statement]:
    about = f"<{subject}>"
    for property in properties:
        said = f"<{property.iri}>"
        for term in property.terms:
            yield about, said, str(term)


def pages(total: int) -> int:
    """Return how many pages so many values fill.

    >>> pages(0), pages(200), pages(201)
    (0, 1, 2)
    """
    return -(-total // PAGE)


def joined(address: str, query: str) -> str:
    """Return an address with a query string added to what it has.

    >>> joined("/resource?uri=urn%3Aa", "page=2")
    '/resource?uri=urn%3Aa&page=2'
    """
    return f"{address}{'&' if '?' in address else '?'}{query}" if query else address


def collection_query(property: str, inverse: bool) -> str:
    """Return the query string that asks for the values, or the inverse links, of one property."""
    return f"{'inverse' if inverse else 'property'}={quote(property, safe='')}"


def describe(store: ReadStore, iri: str, document: str, datasets_of: DatasetsOf | None = None) -> Description | None:
    """Return the bounded description of an IRI, None when no published triple mentions it."""
    terms: dict[str, list[Term]] = {}
    published, graphs = store.about(iri)
    for property, term in published:
        terms.setdefault(property, []).append(term)
    properties = _grouped(terms)
    inverse = incoming(store, iri, FIRST_INVERSE)
    if not properties and not inverse:
        return None
    datasets = tuple(datasets_of(graphs)) if datasets_of else ()
    parts = _parts(store, iri, properties)
    return Description(iri, document, properties, inverse, parts, datasets, graphs=frozenset(graphs))


def whole(store: ReadStore, description: Description, names: Names | None = None) -> Iterator[Statement]:
    """Yield the description's statements and then all those that its bounds left out, each once."""
    told = set(description.statements(names))
    yield from sorted(told)
    here = f"<{description.iri}>"
    for property, term in store.outgoing(description.iri):
        if (found := (here, f"<{property}>", str(term))) not in told:
            yield found
    for subject, property in store.incoming(description.iri):
        # What points at itself was among the outgoing triples.
        if subject != description.iri and (found := (f"<{subject}>", f"<{property}>", here)) not in told:
            yield found


def describe_page(store: ReadStore, iri: str, document: str, window: Window) -> Description | None:
    """Return one page of one property or inverse property of an IRI, None when there is no such page."""
    start = (window.page - 1) * PAGE
    properties: tuple[Property, ...] = ()
    inverse: tuple[Inverse, ...] = ()
    if window.inverse:
        total = len(list(islice(store.subjects(window.property, iri), MANY_INVERSE)))
        if total == MANY_INVERSE:
            total = _incoming_counts(store, iri)[window.property]
        if shown := tuple(islice(store.subjects(window.property, iri), start, start + PAGE)):
            inverse = (Inverse(window.property, shown, total),)
    else:
        values = sorted(store.values(iri, window.property), key=str)
        if terms := values[start : start + PAGE]:
            properties = (Property(window.property, tuple(terms), len(values)),)
    if not properties and not inverse:
        return None
    return Description(iri, document, properties, inverse, _parts(store, iri, properties), window=window)


def incoming(store: ReadStore, iri: str, limit: int) -> tuple[Inverse, ...]:
    """Return every property by which something points at an IRI, its count and its first subjects."""
    first: dict[str, list[str]] = {}
    totals: dict[str, int] = {}
    for number, (subject, property) in enumerate(store.incoming(iri)):
        if number == MANY_INVERSE:
            return _many_incoming(store, iri, limit)
        total = totals.get(property, 0)
        totals[property] = total + 1
        if total < limit:
            first.setdefault(property, []).append(subject)
    return tuple(
        Inverse(property, tuple(sorted(subjects)), totals[property]) for property, subjects in sorted(first.items())
    )


def _many_incoming(store: ReadStore, iri: str, limit: int) -> tuple[Inverse, ...]:
    """Return the same for what very much points at: the store counts ten times as fast by itself."""
    return tuple(
        Inverse(property, tuple(sorted(islice(store.subjects(property, iri), limit))), total)
        for property, total in sorted(_incoming_counts(store, iri).items())
    )


def _incoming_counts(store: ReadStore, iri: str) -> dict[str, int]:
    return store.tally(queries.get("resource/incoming-counts").bind({"resource": [iri]}, lambda given: given, iri))


def is_part(name: str, of: str) -> bool:
    """Return whether an IRI names a part of a description: a fragment of its subject, or a skolem IRI."""
    return name.startswith(of + "#") or "/.well-known/genid/" in name


def _properties(store: ReadStore, iri: str) -> tuple[Property, ...]:
    terms: dict[str, list[Term]] = {}
    for property, term in store.outgoing(iri):
        terms.setdefault(property, []).append(term)
    return _grouped(terms)


def _grouped(terms: Mapping[str, list[Term]]) -> tuple[Property, ...]:
    """Return what is said of a thing as properties in order, the type first, each with its first values."""
    return tuple(
        Property(property, tuple(sorted(found, key=str)[:PAGE]) if len(found) > 1 else tuple(found), len(found))
        for property, found in sorted(terms.items(), key=lambda item: (item[0] != TYPE, item[0]))
    )


def _parts(store: ReadStore, of: str, properties: tuple[Property, ...]) -> dict[str, tuple[Property, ...]]:
    """Return the properties of the nodes that only make sense inside this description, to a depth and a number."""
    parts: dict[str, tuple[Property, ...]] = {}
    level = [properties]
    for _ in range(_DEPTH):
        found: list[tuple[Property, ...]] = []
        for name in iris(term for group in level for property in group for term in property.terms):
            if is_part(name, of) and name != of and name not in parts and len(parts) < _PARTS:
                parts[name] = _properties(store, name)
                found.append(parts[name])
        if not found:
            break
        level = found
    return parts


def label_statements(store: ReadStore, iri: str) -> tuple[Statement, ...]:
    """Return the statements that name an IRI: those of the first naming property it has."""
    for property in LABELS:
        if terms := tuple(islice(store.values(iri, property), PAGE)):
            return tuple((f"<{iri}>", f"<{property}>", str(term)) for term in terms)
    return ()
