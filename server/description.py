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
from urllib.parse import quote

import queries
from server.rdf_formats import Term, Triple, Value, iri, text, triple, value
from server.store import ReadStore

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
_XSD = "http://www.w3.org/2001/XMLSchema#"
TYPE = _RDF + "type"
LABELS = (
    "https://schema.org/name",
    "http://www.w3.org/2004/02/skos/core#prefLabel",
    "http://www.w3.org/2000/01/rdf-schema#label",
    "http://purl.org/dc/terms/title",
    "http://xmlns.com/foaf/0.1/name",
    "http://schema.org/name",
)
"""The properties that name a thing, in the order they are tried."""


Names = Callable[[str], tuple[Triple, ...]]
"""Gives the label triples of an IRI, such as `label_triples` of a store."""


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
    """A bounded description of one IRI, as a document at its own address."""

    iri: str
    document: str
    properties: tuple[Property, ...]
    inverse: tuple[Inverse, ...]
    parts: Mapping[str, tuple[Property, ...]] = field(default_factory=dict)
    names: tuple[Triple, ...] = ()
    datasets: tuple[str, ...] = ()
    window: Window | None = None

    def terms(self, *properties: str) -> list[Value]:
        """Return the values of these properties, in the order the properties are given."""
        by_iri = {property.iri: property for property in self.properties}
        return [value for iri in properties if iri in by_iri for value in by_iri[iri].values]

    @cached_property
    def named(self) -> tuple[str, ...]:
        """Every IRI that the description names as a value or as a subject that points here, each once."""
        return tuple(dict.fromkeys(_named(self.properties, self.inverse, self.parts)))

    def triples(self) -> Iterator[Triple]:
        """Yield the triples of the description, in no particular order."""
        for property in self.properties:
            for term in property.terms:
                yield triple(self.iri, property.iri, term)
        for part, properties in self.parts.items():
            for property in properties:
                for term in property.terms:
                    yield triple(part, property.iri, term)
        here = iri(self.iri)
        for inverse in self.inverse:
            for subject in inverse.subjects:
                yield triple(subject, inverse.iri, here)
        yield from self.names
        yield from self._document()

    def _document(self) -> Iterator[Triple]:
        """Yield what is said of the document: its topic, its datasets, the collections it shows a part of."""
        address = joined(self.document, self.window.query()) if self.window else self.document
        yield triple(address, TYPE, iri(_FOAF + "Document"))
        yield triple(address, _FOAF + "primaryTopic", iri(self.iri))
        for dataset in self.datasets:
            yield triple(address, _VOID + "inDataset", iri(dataset))
        for property in self.properties:
            if property.total > len(property.terms):
                yield from self._collection(property.iri, property.total, inverse=False)
        for inverse in self.inverse:
            yield from self._collection(inverse.iri, inverse.total, inverse=True)
        if self.window:
            totals = [item.total for item in self.properties] + [item.total for item in self.inverse]
            yield triple(address, TYPE, iri(_HYDRA + "PartialCollectionView"))
            for page, link in ((self.window.page - 1, "previous"), (self.window.page + 1, "next")):
                if 1 <= page <= pages(max(totals, default=0)):
                    yield triple(address, _HYDRA + link, iri(joined(self.document, self.window.query(page))))

    def _collection(self, property: str, total: int, inverse: bool) -> Iterator[Triple]:
        collection = joined(self.document, collection_query(property, inverse))
        assertion = f"{collection}#members"
        yield triple(collection, TYPE, iri(_HYDRA + "Collection"))
        yield triple(collection, _HYDRA + "totalItems", text(total))
        yield triple(collection, _HYDRA + "first", iri(f"{collection}&page=1"))
        yield triple(collection, _HYDRA + "memberAssertion", iri(assertion))
        yield triple(assertion, _HYDRA + "property", iri(property))
        yield triple(assertion, _HYDRA + ("object" if inverse else "subject"), iri(self.iri))


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


def describe(
    store: ReadStore, iri: str, document: str, datasets: Iterable[str] = (), names: Names | None = None
) -> Description | None:
    """Return the bounded description of an IRI, None when no published triple mentions it.

    `names` gives the label triples of an IRI; a page does without, since it has the label index.
    """
    properties = _properties(store, iri, PAGE)
    inverse = incoming(store, iri, FIRST_INVERSE)
    if not properties and not inverse:
        return None
    parts = _parts(store, iri, properties)
    labels = _labels(dict.fromkeys(_named(properties, inverse, parts)), names)
    return Description(iri, document, properties, inverse, parts, labels, tuple(datasets))


def whole(store: ReadStore, description: Description) -> Iterator[Triple]:
    """Yield the description's triples and then all those that its bounds left out, each once."""
    told = set(description.triples())
    yield from sorted(told, key=str)
    for property, term in store.outgoing(description.iri):
        if (found := triple(description.iri, property, term)) not in told:
            yield found
    here = iri(description.iri)
    for subject, property in store.incoming(description.iri):
        # What points at itself was among the outgoing triples.
        if subject != description.iri and (found := triple(subject, property, here)) not in told:
            yield found


def describe_page(
    store: ReadStore, iri: str, document: str, window: Window, names: Names | None = None
) -> Description | None:
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
    parts = _parts(store, iri, properties)
    labels = _labels([iri, *dict.fromkeys(_named(properties, inverse, parts))], names)
    return Description(iri, document, properties, inverse, parts, labels, window=window)


def _labels(iris: Iterable[str], names: Names | None) -> tuple[Triple, ...]:
    return tuple(found for iri in iris for found in names(iri)) if names else ()


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


def _properties(store: ReadStore, iri: str, limit: int) -> tuple[Property, ...]:
    terms: dict[str, list[Term]] = {}
    for property, term in store.outgoing(iri):
        terms.setdefault(property, []).append(term)
    return tuple(
        Property(property, tuple(sorted(found, key=str)[:limit]), len(found))
        for property, found in sorted(terms.items(), key=lambda item: (item[0] != TYPE, item[0]))
    )


def _parts(store: ReadStore, of: str, properties: tuple[Property, ...]) -> dict[str, tuple[Property, ...]]:
    """Return the properties of the nodes that only make sense inside this description, to a depth and a number."""
    parts: dict[str, tuple[Property, ...]] = {}
    level = [properties]
    for _ in range(_DEPTH):
        found: list[tuple[Property, ...]] = []
        for name in dict.fromkeys(_iris(item for group in level for item in group)):
            if is_part(name, of) and name != of and name not in parts and len(parts) < _PARTS:
                parts[name] = _properties(store, name, PAGE)
                found.append(parts[name])
        level = found
    return parts


def label_triples(store: ReadStore, iri: str) -> tuple[Triple, ...]:
    """Return the triples that name an IRI: those of the first naming property it has."""
    for property in LABELS:
        if terms := tuple(islice(store.values(iri, property), PAGE)):
            return tuple(triple(iri, property, term) for term in terms)
    return ()


def _named(
    properties: tuple[Property, ...], inverse: tuple[Inverse, ...], parts: Mapping[str, tuple[Property, ...]]
) -> Iterator[str]:
    yield from _iris(properties)
    for group in parts.values():
        yield from _iris(group)
    for item in inverse:
        yield from item.subjects


def _iris(properties: Iterable[Property]) -> Iterator[str]:
    for property in properties:
        for found in property.values:
            if found.kind == "iri":
                yield found.text
