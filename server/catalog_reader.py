"""Reads the published catalogue back as plain values for pages, tables and searches; one pass over the store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal

from server.catalog_graph import term
from server.catalog_values import code_list
from server.labels import alphabetical, fold
from server.rdf_formats import Value, parse_lines, value
from server.store import ReadStore
from server.uris import UriSpace

Text = Mapping[str, str]
Outgoing = Callable[[str], Iterable[tuple[str, Value]]]
"""Looks up a subject: yields (property IRI, value)."""
Facet = Literal["publisher", "theme", "specification", "media", "license", "origin"]
FACETS: tuple[Facet, ...] = ("publisher", "theme", "specification", "media", "license", "origin")
NONE: Mapping[str, str] = MappingProxyType({})
PREF_LABEL = "http://www.w3.org/2004/02/skos/core#prefLabel"


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom to ask about a dataset."""

    name: str
    email: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class DistributionRecord:
    """One way to get a dataset."""

    iri: str
    title: Text
    description: Text
    format: str
    access_url: str
    download_url: str
    license: str
    byte_size: int | None
    issued: str
    modified: str
    media_type: str = ""
    rights: bool = False


@dataclass(frozen=True, slots=True)
class DatasetRecord:
    """One dataset as the catalogue describes it."""

    iri: str
    key: str  # publisher/name
    title: Text
    description: Text
    keywords: Mapping[str, Sequence[str]]
    publisher: str
    publisher_name: Text
    contact: Contact | None
    themes: tuple[str, ...]
    areas: tuple[str, ...]  # our own service areas
    access_rights: str
    frequency: str
    issued: str
    modified: str
    standards: tuple[str, ...]
    specification: str  # the name of a shared specification it conforms to, "" for none
    spatial: tuple[str, ...]
    temporal: tuple[str, str]
    fee: Text
    reason: Text  # why it is not published, or what else applies to it
    distributions: tuple[DistributionRecord, ...]
    words: str = field(repr=False, default="")  # all its texts, folded, for searching
    origin: str = ""  # the key of the harvested catalogue it comes from, "" for the site's own

    @property
    def publisher_key(self) -> str:
        """The publisher's key within the site; of a harvested dataset the end of its publisher's address."""
        return self.publisher.rstrip("/").rpartition("/")[2] if self.origin else self.key.partition("/")[0]

    @property
    def licenses(self) -> tuple[str, ...]:
        """The licences of its distributions."""
        return tuple(sorted({item.license for item in self.distributions if item.license}))

    @property
    def formats(self) -> tuple[str, ...]:
        """The media types it can be had in."""
        return tuple(dict.fromkeys(item.format for item in self.distributions))

    def facet(self, name: Facet) -> tuple[str, ...]:
        """Return the dataset's values of a facet, as the page's address writes them."""
        if name == "publisher":
            return (self.publisher_key,)
        if name == "specification":
            return (self.specification,) if self.specification else ()
        if name == "origin":
            return (self.origin,) if self.origin else ()
        if name == "media":
            return tuple(dict.fromkeys(media.rsplit("/", 1)[-1] for media in self.formats if media))
        if name == "license":
            return self.licenses
        return tuple(theme.rsplit("/", 1)[-1] for theme in self.themes)


@dataclass(frozen=True, slots=True)
class CatalogRecord:
    """The catalogue of the site: its own texts and every dataset, by publisher and title."""

    iri: str
    title: Text
    description: Text
    license: str
    datasets: tuple[DatasetRecord, ...]

    def find(self, q: str = "", **facets: str) -> list[DatasetRecord]:
        """Return the datasets that hold every word of `q` and every facet value asked for."""
        words = fold(q).split()
        return [
            dataset
            for dataset in self.datasets
            if all(word in dataset.words for word in words)
            and all(not wanted or wanted in dataset.facet(name) for name in FACETS for wanted in [facets.get(name, "")])
        ]

    def dataset(self, key: str) -> DatasetRecord | None:
        """Return the dataset of a key (publisher/name), None when the catalogue has none."""
        return next((dataset for dataset in self.datasets if dataset.key == key), None)


def counts(datasets: Iterable[DatasetRecord], name: Facet) -> Counter[str]:
    """Return how many of the datasets have each value of a facet."""
    return Counter(value for dataset in datasets for value in dataset.facet(name))


def of_store(store: ReadStore) -> Outgoing:
    """Return what looks up a subject in a store."""
    return lambda iri: ((property, value(object)) for property, object in store.outgoing(iri))


def of_lines(lines: Iterable[str]) -> Outgoing:
    """Return what looks up a subject among N-Triples lines, such as a catalogue that is not published yet."""
    found: dict[str, list[tuple[str, Value]]] = {}
    for item in parse_lines(lines):
        found.setdefault(value(item.subject).text, []).append((item.predicate.value, value(item.object)))
    return lambda iri: found.get(iri, ())


def read_catalog(
    outgoing: Outgoing, uris: UriSpace, languages: Sequence[str], root: str = "", harvested: Mapping[str, str] = NONE
) -> CatalogRecord:
    """Return our catalogue as `outgoing` knows it, with the datasets of harvested catalogues (key by IRI)."""
    reader = _Reader(outgoing, uris)
    root = root or uris.iri("id/catalog")
    first = languages[0]
    datasets = [reader.dataset(iri) for iri in reader.iris(root, "dcat:dataset")]
    for catalog, origin in harvested.items():
        found = map(reader.dataset, reader.iris(catalog, "dcat:dataset"))
        datasets += [replace(dataset, key=f"{origin}: {dataset.iri}", origin=origin) for dataset in found]
    datasets.sort(
        key=lambda item: (
            alphabetical(_in(item.publisher_name, first)),
            alphabetical(_in(item.title, first)),
            item.key,
        )
    )
    return CatalogRecord(
        root,
        reader.text(root, "dcterms:title"),
        reader.text(root, "dcterms:description"),
        reader.one(root, "dcterms:license"),
        tuple(datasets),
    )


def _in(text: Text, language: str) -> str:
    return text.get(language) or next(iter(text.values()), "")


class _Reader:
    def __init__(self, outgoing: Outgoing, uris: UriSpace) -> None:
        self._outgoing, self._uris = outgoing, uris
        self._described: dict[str, dict[str, list[Value]]] = {}

    def properties(self, iri: str) -> dict[str, list[Value]]:
        if iri not in self._described:
            found: dict[str, list[Value]] = {}
            for property, item in self._outgoing(iri) if iri else ():
                found.setdefault(property, []).append(item)
            for values in found.values():
                values.sort(key=lambda item: (item.language, item.text))
            self._described[iri] = found
        return self._described[iri]

    def values(self, iri: str, property: str) -> list[Value]:
        return self.properties(iri).get(term(property), [])

    def one(self, iri: str, property: str) -> str:
        return next((item.text for item in self.values(iri, property)), "")

    def iris(self, iri: str, property: str) -> tuple[str, ...]:
        return tuple(item.text for item in self.values(iri, property) if item.kind == "iri")

    def text(self, iri: str, property: str) -> dict[str, str]:
        return {item.language: item.text for item in self.values(iri, property)}

    def dataset(self, iri: str) -> DatasetRecord:
        publisher = self.one(iri, "dcterms:publisher")
        keywords: dict[str, list[str]] = {}
        for item in self.values(iri, "dcat:keyword"):
            keywords.setdefault(item.language, []).append(item.text)
        standards = self.iris(iri, "dcterms:conformsTo")
        shared = self._uris.resolve("spec/")
        names = [name.removeprefix(shared) for name in standards if name.startswith(shared)]
        interval = self.one(iri, "dcterms:temporal")
        areas = tuple(area for area in self.iris(iri, "dcterms:subject"))
        record = DatasetRecord(
            iri=iri,
            key=iri.removeprefix(self._uris.iri("id/dataset/")),
            title=self.text(iri, "dcterms:title"),
            description=self.text(iri, "dcterms:description"),
            keywords=keywords,
            publisher=publisher,
            publisher_name=self.text(publisher, "foaf:name"),
            contact=self.contact(self.one(iri, "dcat:contactPoint")),
            themes=self.iris(iri, "dcat:theme"),
            areas=areas,
            access_rights=self.one(iri, "dcterms:accessRights"),
            frequency=self.one(iri, "dcterms:accrualPeriodicity"),
            issued=self.one(iri, "dcterms:issued"),
            modified=self.one(iri, "dcterms:modified"),
            standards=standards,
            specification=names[0] if names else "",
            spatial=self.iris(iri, "dcterms:spatial"),
            temporal=(self.one(interval, "dcat:startDate"), self.one(interval, "dcat:endDate"))
            if interval
            else ("", ""),
            fee=self.text(self.one(iri, "schema:offers"), "schema:description"),
            reason=self.text(self.one(iri, "dcterms:rights"), "rdfs:label"),
            distributions=_ordered(map(self.distribution, self.iris(iri, "dcat:distribution"))),
        )
        return replace(record, words=fold(" ".join(self.searched(record))))

    def searched(self, record: DatasetRecord) -> Iterator[str]:
        yield record.key
        for text in (record.title, record.description, record.publisher_name):
            yield from text.values()
        for words in record.keywords.values():
            yield from words
        for theme in record.themes:
            yield from (code_list("theme").label(theme, language) for language in ("sv", "en"))
        for concept in (*record.areas, *record.spatial):
            yield from (item.text for item in self.properties(concept).get(PREF_LABEL, []))

    def contact(self, iri: str) -> Contact | None:
        if not iri:
            return None
        mail = self.one(iri, "vcard:hasEmail").removeprefix("mailto:")
        return Contact(self.one(iri, "vcard:fn"), mail, self.one(iri, "vcard:hasURL"))

    def distribution(self, iri: str) -> DistributionRecord:
        size = self.one(iri, "dcat:byteSize")
        return DistributionRecord(
            iri=iri,
            title=self.text(iri, "dcterms:title"),
            description=self.text(iri, "dcterms:description"),
            format=self.one(iri, "dcterms:format"),
            access_url=self.one(iri, "dcat:accessURL"),
            download_url=self.one(iri, "dcat:downloadURL"),
            license=self.one(iri, "dcterms:license"),
            byte_size=int(size) if size.isdigit() else None,
            issued=self.one(iri, "dcterms:issued"),
            modified=self.one(iri, "dcterms:modified"),
            media_type=self.one(iri, "dcat:mediaType"),
            rights=bool(self.one(iri, "dcterms:rights")),
        )


_KINDS = ("csv", "turtle", "n-triples", "sparql")


def _ordered(items: Iterable[DistributionRecord]) -> tuple[DistributionRecord, ...]:
    """What most people want first: tables, then RDF, then queries; the latest period first within a kind."""

    def kind(item: DistributionRecord) -> int:
        return next((number for number, name in enumerate(_KINDS) if f"/{name}" in item.iri), len(_KINDS))

    return tuple(sorted(sorted(items, key=lambda item: item.iri, reverse=True), key=kind))
