"""What a page about one thing shows: names, facts, what points at it, and where the data comes from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeVar
from urllib.parse import unquote

from server.description import LABELS, PAGE, TYPE, Description, Inverse, Property, collection_query, joined, pages
from server.instance import Opened, Torg
from server.labels import alphabetical
from server.naming import called, code_meaning, currency, told_apart
from server.presentation import Presenter, Shown, day
from server.rdf_formats import Value, parse_lines, value
from server.store import ReadStore
from server.texts import texts

_SKOS = "http://www.w3.org/2004/02/skos/core#"
_DCTERMS = "http://purl.org/dc/terms/"
_ABOUT = (
    "https://schema.org/description",
    _SKOS + "definition",
    _DCTERMS + "description",
    "http://www.w3.org/2000/01/rdf-schema#comment",
    _SKOS + "scopeNote",
)
_OTHER_NAMES = {_SKOS + "altLabel", "https://schema.org/alternateName", "https://schema.org/legalName"}
_NOTATION = _SKOS + "notation"
_IN_TITLE = {*LABELS, *_ABOUT, TYPE, _NOTATION}
_MONEY = {f"http://www.w3.org/2001/XMLSchema#{name}" for name in ("decimal", "integer")}
_OPPOSITE = {
    _SKOS + "broader": _SKOS + "narrower",
    _SKOS + "narrower": _SKOS + "broader",
    _SKOS + "topConceptOf": _SKOS + "hasTopConcept",
    _SKOS + "hasTopConcept": _SKOS + "topConceptOf",
    _SKOS + "related": _SKOS + "related",
    "http://www.w3.org/2002/07/owl#sameAs": "http://www.w3.org/2002/07/owl#sameAs",
}
_Item = TypeVar("_Item", Property, Inverse)
_SHOWN_VALUES, _SHOWN_INVERSE, _LONGEST_PATH = 10, 10, 8


@dataclass(frozen=True, slots=True)
class Fact:
    """One property and its values as shown, each with the facts nested in it; `more` leads to the rest."""

    iri: str
    name: str
    language: str
    curie: str
    values: tuple[tuple[Shown, tuple[Fact, ...]], ...]
    total: int
    more: str = ""
    others: tuple[Value, ...] = ()  # texts in other languages than the visitor's


@dataclass(frozen=True, slots=True)
class Source:
    """A dataset that describes the thing: its name and address, its publisher, its licence."""

    dataset: Shown
    publisher: Shown | None
    license: Shown | None


@dataclass(frozen=True, slots=True)
class ResourcePage:
    """Everything the template of a resource needs, in one language."""

    iri: str
    title: Shown
    other_titles: tuple[Value, ...]
    notation: str
    types: tuple[Shown, ...]
    about: tuple[Value, ...]
    path: tuple[Shown, ...]
    facts: tuple[Fact, ...]
    inverse: tuple[Fact, ...]
    sources: tuple[Source, ...]
    pager: Pager | None = None


@dataclass(frozen=True, slots=True)
class Pager:
    """Where one page of a property stands among the others."""

    page: int
    pages: int
    total: int
    previous: str
    next: str


def describe_for_page(opened: Opened, torg: Torg, description: Description, language: str) -> ResourcePage:
    """Return what the page of a description shows in a language."""
    store = opened.generation.store
    path = _path(store, description) if description.window is None else []
    sources = {dataset: _source(opened, dataset) for dataset in description.datasets}
    named: list[str] = [description.iri, *description.named, *path, *(item.iri for item in description.properties)]
    named += [item.iri for group in description.parts.values() for item in group]
    named += [item.iri for item in description.inverse]
    named += [name for dataset, found in sources.items() for name in (dataset, *found) if name]
    known = {description.iri: description} if description.window is None else {}
    presenter = Presenter(language, torg.uris, called(opened, torg, named, language, known), torg.prefixes)
    labels = [value for value in description.terms(*LABELS) if value.kind == "literal"]
    title, title_language = _title(presenter, description)
    about = [value for value in description.terms(*_ABOUT) if value.kind == "literal"]
    return ResourcePage(
        iri=description.iri,
        title=Shown("text", title, language=title_language),
        other_titles=tuple(label for label in labels if label.text != title and label.language != title_language),
        notation=next((value.text for value in description.terms(_NOTATION)), ""),
        types=tuple(presenter.link(value.text) for value in description.terms(TYPE) if value.kind == "iri"),
        about=tuple(_spoken(about, language)[0]),
        path=tuple(presenter.link(step) for step in path),
        facts=_facts(opened, torg, presenter, description),
        inverse=tuple(
            _pointing(opened, torg, presenter, description, item) for item in _inverse(presenter, description)
        ),
        sources=tuple(_shown_source(presenter, dataset, found) for dataset, found in sources.items()),
        pager=_pager(torg, description),
    )


def _title(presenter: Presenter, description: Description) -> tuple[str, str]:
    """Return (text, language) of the heading: the label, else what it is and the end of its key."""
    if description.iri in presenter.labels:
        return presenter.labels[description.iri]
    path = presenter.uris.path(description.iri) or ""
    types = [found.text for found in description.terms(TYPE) if found.text in presenter.labels]
    if not types or not path.startswith("/id/"):
        return presenter.name(description.iri)
    kind, language = presenter.labels[types[0]]
    key = [unquote(part) for part in path.split("/")[3:]]
    return f"{kind} {' '.join(key[-3:])}", language


@dataclass(frozen=True, slots=True)
class StoryEvent:
    """One event in the life of an identifier, as a page tells it."""

    what: str
    time: str
    day: str
    generation: int


def story(torg: Torg, iri: str, language: str) -> tuple[StoryEvent, ...]:
    """Return what happened to one of our identifiers, oldest first; nothing for an IRI of others."""
    path = torg.uris.path(iri)
    if path is None:
        return ()
    words = texts(language).gettext
    told = {
        "minted": words("First published"),
        "withdrawn": words("Withdrawn"),
        "returned": words("Published again"),
        "replaced-by": words("Replaced"),
        "merged-into": words("Merged with others"),
        "split-into": words("Split into several"),
        "purged": words("Erased"),
    }
    return tuple(
        StoryEvent(told.get(event.event, event.event), event.time, day(event.time, language), event.generation)
        for event in torg.ledger.events(path)
    )


def facts_of_lines(
    opened: Opened, torg: Torg, lines: Iterable[str], iri: str, language: str
) -> tuple[tuple[str, tuple[Shown, ...]], ...]:
    """Return (name, values) of each property in N-Triples lines about an IRI: a last description."""
    found: dict[str, list[Value]] = {}
    for triple in parse_lines(lines):
        found.setdefault(triple.predicate.value, []).append(value(triple.object))
    named = [*found, *(item.text for values in found.values() for item in values if item.kind == "iri")]
    presenter = Presenter(language, torg.uris, called(opened, torg, named, language), torg.prefixes)
    return tuple(
        (presenter.name(property)[0], tuple(presenter.show(item) for item in values[:_SHOWN_VALUES]))
        for property, values in sorted(found.items())
    )


def _facts(opened: Opened, torg: Torg, presenter: Presenter, description: Description) -> tuple[Fact, ...]:
    hidden = set() if description.window else _IN_TITLE
    order = torg.property_order
    shown = sorted(
        (item for item in description.properties if item.iri not in hidden),
        key=lambda item: (order.get(item.iri, len(order)), alphabetical(presenter.name(item.iri)[0])),
    )
    facts = (_fact(opened, torg, presenter, description, item, 0) for item in shown)
    # Another name that is the heading's own says nothing.
    title = _title(presenter, description)[0]
    found = [
        fact
        for fact in facts
        if fact.iri not in _OTHER_NAMES or fact.others or any(one.text != title for one, _ in fact.values)
    ]
    # Nor does the name of an operator or a payee beside the link that says it.
    linked = {(f"{fact.iri}Name", one.text) for fact in found for one, _ in fact.values if one.href}
    return tuple(fact for fact in found if not {(fact.iri, one.text) for one, _ in fact.values} & linked)


def _fact(
    opened: Opened, torg: Torg, presenter: Presenter, description: Description, item: Property, depth: int
) -> Fact:
    most = PAGE if description.window else _SHOWN_VALUES
    values: list[tuple[Shown, tuple[Fact, ...]]] = []
    spoken, others = _spoken(item.values, presenter.language)
    for found in spoken[:most]:
        nested: tuple[Fact, ...] = ()
        if found.kind == "iri" and found.text in description.parts and depth < 3:
            inside = _by_name(presenter, description.parts[found.text])
            nested = tuple(_fact(opened, torg, presenter, description, part, depth + 1) for part in inside)
        unit = currency(opened, item.iri) if found.datatype in _MONEY else ""
        shown = presenter.show(found, unit, item.iri)
        meaning = code_meaning(torg, item.iri, found, presenter.language)
        values.append((replace(shown, text=f"{meaning} ({found.text})") if meaning else shown, nested))
    apart = told_apart(opened, torg, [shown for shown, _ in values], presenter.language)
    values = [(shown, nested) for shown, (_, nested) in zip(apart, values, strict=True)]
    left_out = item.total > len(values) + len(others) and not depth
    more = _more(presenter, description, item.iri, inverse=False) if left_out else ""
    name, language = presenter.name(item.iri)
    total = item.total - len(others)
    return Fact(item.iri, name, language, presenter.curie(item.iri), tuple(values), total, more, tuple(others))


def _inverse(presenter: Presenter, description: Description) -> list[Inverse]:
    """Return the inverse links without those that the description itself states the other way round."""
    stated = {item.iri for item in description.properties}
    return [
        item
        for item in _by_name(presenter, description.inverse)
        if description.window or _OPPOSITE.get(item.iri) not in stated
    ]


def _pointing(opened: Opened, torg: Torg, presenter: Presenter, description: Description, item: Inverse) -> Fact:
    most = PAGE if description.window else _SHOWN_INVERSE
    shown = (presenter.link(subject) for subject in item.subjects)
    first = sorted(shown, key=lambda link: alphabetical(link.text))[:most]
    links = sorted(
        told_apart(opened, torg, first, presenter.language),
        key=lambda link: (alphabetical(link.text), alphabetical(link.beside)),
    )
    more = "" if item.total <= len(links) else _more(presenter, description, item.iri, inverse=True)
    name, language = presenter.name(item.iri)
    return Fact(
        item.iri, name, language, presenter.curie(item.iri), tuple((link, ()) for link in links), item.total, more
    )


def _more(presenter: Presenter, description: Description, property: str, inverse: bool) -> str:
    return joined(presenter.uris.link(description.document), collection_query(property, inverse))


def _by_name(presenter: Presenter, items: Iterable[_Item]) -> list[_Item]:
    return sorted(items, key=lambda item: alphabetical(presenter.name(item.iri)[0]))


def _spoken(values: list[Value], language: str) -> tuple[list[Value], list[Value]]:
    """Return (values to show, texts in other languages); without a text in the visitor's language all are shown."""
    others = [item for item in values if item.language and item.language.split("-")[0] != language]
    spoken = [item for item in values if item not in others]
    return (spoken, others) if any(item.language for item in spoken) else (spoken + others, [])


def _path(store: ReadStore, description: Description) -> list[str]:
    """Return the broader concepts from the top down; a cycle ends where it began."""
    path: list[str] = []
    step = iri = description.iri
    if not description.terms(_SKOS + "broader", _SKOS + "inScheme"):
        return path
    while len(path) < _LONGEST_PATH:
        broader = sorted(
            found.text for term in store.values(step, _SKOS + "broader") if (found := value(term)).kind == "iri"
        )
        if not broader or broader[0] in path or broader[0] == iri:
            break
        step = broader[0]
        path.append(step)
    top = path[-1] if path else iri
    schemes = sorted(
        found.text for term in store.values(top, _SKOS + "inScheme") if (found := value(term)).kind == "iri"
    )
    return [*schemes[:1], *reversed(path)]


def _source(opened: Opened, dataset: str) -> tuple[str, str]:
    """Return (publisher, licence) of a dataset, "" for what it does not say; read once for all its things."""
    memo = f"source {dataset}"
    if memo not in opened.memo:
        opened.memo[memo] = _read_source(opened.generation.store, dataset)
    found: tuple[str, str] = opened.memo[memo]
    return found


def _read_source(store: ReadStore, dataset: str) -> tuple[str, str]:
    def first(property: str, of: str) -> str:
        return min(
            (found.text for term in store.values(of, property) if (found := value(term)).kind == "iri"), default=""
        )

    license = first(_DCTERMS + "license", dataset)
    if not license:
        distribution = first("http://www.w3.org/ns/dcat#distribution", dataset)
        license = first(_DCTERMS + "license", distribution) if distribution else ""
    return first(_DCTERMS + "publisher", dataset), license


def _shown_source(presenter: Presenter, dataset: str, found: tuple[str, str]) -> Source:
    publisher, license = (presenter.link(name) if name else None for name in found)
    return Source(presenter.link(dataset), publisher, license)


def _pager(torg: Torg, description: Description) -> Pager | None:
    window = description.window
    if window is None:
        return None
    total = max([item.total for item in description.properties] + [item.total for item in description.inverse])
    last = pages(total)
    address = torg.uris.link(description.document)
    return Pager(
        window.page,
        last,
        total,
        joined(address, window.query(window.page - 1)) if window.page > 1 else "",
        joined(address, window.query(window.page + 1)) if window.page < last else "",
    )
