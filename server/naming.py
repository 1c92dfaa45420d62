"""What pages call things without a name of their own, and what tells things of one name apart (ontology/naming.ttl)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from types import MappingProxyType

from rdflib import SH, SKOS, Graph, Namespace, Node

import ontology
from server.catalog_values import coded_labels
from server.description import Description
from server.instance import Opened, Torg
from server.presentation import Presenter, Shown, readable
from server.rdf_formats import Value, value
from server.store import ReadStore
from server.texts import texts

_DASH = Namespace("http://datashapes.org/dash#")
_QB = Namespace("http://purl.org/linked-data/cube#")
_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
_CURRENCY = "https://schema.org/currency"
_NUMBERS = {f"http://www.w3.org/2001/XMLSchema#{name}" for name in ("decimal", "integer")}
_ORGANIZATION = re.compile(r"/id/organization/(\d{6})(\d{4})\Z")
_NOTHING: Mapping[str, Description] = MappingProxyType({})
_MOST = 400  # things named on one page
_LONGEST = 80  # letters of one part of a name

Names = dict[str, tuple[str, str]]
"""What each IRI is called, as (text, language)."""


@dataclass(frozen=True, slots=True)
class Naming:
    """The declared naming: by class the properties of each part of a name; what tells apart; what codes mean."""

    parts: Mapping[str, tuple[tuple[str, ...], ...]]
    telling: tuple[str, ...]
    codes: Mapping[str, Mapping[str, Mapping[str, str]]]


@lru_cache(maxsize=4)
def read_naming(concept_base: str) -> Naming:
    """Return the declared naming, with IRIs resolved against the base of concepts."""
    graph = Graph().parse(data=ontology.naming_file().read_text("utf-8"), format="turtle", publicID=concept_base)
    parts: dict[str, tuple[tuple[str, ...], ...]] = {}
    for shape, target in graph.subject_objects(SH.targetClass):
        by_order: dict[float, list[str]] = {}
        for order, path in _ordered(graph, graph.objects(shape, SH.property)):
            by_order.setdefault(order, []).append(path)
        parts[str(target)] = tuple(tuple(sorted(found)) for _, found in sorted(by_order.items()))
    telling = tuple(path for _, path in _ordered(graph, graph.subjects(_DASH.propertyRole, _DASH.KeyInfoRole)))
    codes = {str(property): _meanings(graph, listed) for property, listed in graph.subject_objects(_QB.codeList)}
    return Naming(parts, telling, codes)


def _ordered(graph: Graph, shapes: Iterable[Node]) -> list[tuple[float, str]]:
    return sorted((float(str(graph.value(shape, SH.order))), str(graph.value(shape, SH.path))) for shape in shapes)


def _meanings(graph: Graph, listed: Node) -> dict[str, dict[str, str]]:
    return {
        str(graph.value(member, SKOS.notation)): {
            getattr(label, "language", None) or "": str(label) for label in graph.objects(member, SKOS.prefLabel)
        }
        for member in graph.objects(listed, SKOS.member)
    }


def called(
    opened: Opened, torg: Torg, iris: Iterable[str], language: str, known: Mapping[str, Description] = _NOTHING
) -> Names:
    """Return the label of each IRI in a language; of our own things that have none, a name made of what they are.

    Codes of the European authorities that catalogues use have the names of our code lists. What is `known` by a
    description is not read again.
    """
    wanted = list(dict.fromkeys(iris))
    found: Names = dict(opened.labels.labels(wanted, language))
    for iri in wanted:
        if iri not in found and (coded := coded_labels().get(iri)):
            found[iri] = next(
                ((coded[tag], tag) for tag in (language, "sv", "en") if tag in coded), (readable(iri), "")
            )
    nameless = [iri for iri in wanted if iri not in found and (torg.uris.path(iri) or "").startswith("/id/")][:_MOST]
    store = opened.generation.store
    parts = {iri: _parts(torg, known[iri].terms if iri in known else partial(_read, store, iri)) for iri in nameless}
    named = [part.text for listed in parts.values() for _, part in listed if part.kind == "iri"]
    labels = opened.labels.labels(named, language)
    labels |= {iri: (name, "") for iri in named if iri not in labels if (name := organization(torg, iri, language))}
    presenter = Presenter(language, torg.uris, labels, torg.prefixes)
    for iri, listed in parts.items():
        said = [shown_text(opened, torg, presenter, property, part)[:_LONGEST] for property, part in listed]
        if name := ", ".join(filter(None, said)) or organization(torg, iri, language):
            found[iri] = name, ""
    return found


def organization(torg: Torg, iri: str, language: str) -> str:
    """Return what an organization is called that is known by its number alone, "" for any other thing."""
    number = _ORGANIZATION.match(torg.uris.path(iri) or "")
    return texts(language).gettext("Organization %(number)s") % {"number": "-".join(number.groups())} if number else ""


def _parts(torg: Torg, values: Callable[[str], Iterable[Value]]) -> list[tuple[str, Value]]:
    """Return (property, value) of each part of the name of a thing, from the values of its properties.

    There are none for a class without a declared naming.
    """
    naming = read_naming(torg.uris.concepts)
    kinds = sorted(found.text for found in values(_TYPE))
    properties = next((naming.parts[kind] for kind in kinds if kind in naming.parts), ())
    found = []
    for alternatives in properties:
        said = ((property, each) for property in alternatives for each in _ordered_values(values(property)))
        if first := next(said, None):
            found.append(first)
    return found


def _read(store: ReadStore, iri: str, property: str) -> Iterator[Value]:
    return (value(term) for term in store.values(iri, property))


def _ordered_values(values: Iterable[Value]) -> list[Value]:
    return sorted(values, key=lambda each: each.text)


def shown_text(opened: Opened, torg: Torg, presenter: Presenter, property: str, found: Value) -> str:
    """Return a value as it stands in a name: the label of a thing, money with its currency, the meaning of a code."""
    if meaning := code_meaning(torg, property, found, presenter.language):
        return meaning
    unit = currency(opened, property) if found.datatype in _NUMBERS else ""
    return presenter.show(found, unit, property).text


def code_meaning(torg: Torg, property: str, found: Value, language: str) -> str:
    """Return what a code means that is declared as a literal of a property, "" for any other value."""
    if found.kind != "literal":
        return ""
    meanings = read_naming(torg.uris.concepts).codes.get(property, {}).get(found.text, {})
    return meanings.get(language) or meanings.get("sv", "")


def currency(opened: Opened, property: str) -> str:
    """Return the currency that the ontology gives a property, "" for none."""
    memo = f"currency {property}"
    if memo not in opened.memo:
        found = [value(term).text for term in opened.generation.store.values(property, _CURRENCY)]
        opened.memo[memo] = found[0] if found else ""
    unit: str = opened.memo[memo]
    return unit


def told_apart(opened: Opened, torg: Torg, links: Sequence[Shown], language: str) -> list[Shown]:
    """Return links with what tells apart those that say the same: the first property in which they all differ."""
    linked = [link for link in links if link.kind in ("link", "external") and link.raw]
    count = Counter(link.text for link in linked)
    twins = [link for link in linked if count[link.text] > 1][:_MOST]
    beside: dict[str, str] = {}
    for text in dict.fromkeys(link.text for link in twins):
        group = list(dict.fromkeys(link.raw for link in twins if link.text == text))
        if len(group) > 1:
            beside |= _differences(opened, torg, group, language)
    return [replace(link, beside=beside[link.raw]) if link.raw in beside else link for link in links]


def _differences(opened: Opened, torg: Torg, group: Sequence[str], language: str) -> dict[str, str]:
    """Return what is said beside each of some things of one name; the end of the address, if nothing else differs."""
    store, told = opened.generation.store, dict.fromkeys(group, "")
    for property in read_naming(torg.uris.concepts).telling:
        values = {iri: next(iter(_ordered_values(_read(store, iri, property))), None) for iri in group}
        named = names_of_values(opened, torg, values.values(), language)
        said = {iri: _said(opened, torg, named, property, found) for iri, found in values.items()}
        if len(set(said.values())) == 1:
            continue
        told = {iri: ", ".join(filter(None, (told[iri], said[iri]))) for iri in group}
        if len(set(told.values())) == len(group) and all(told.values()):
            return told
    return {iri: told[iri] if list(told.values()).count(told[iri]) == 1 and told[iri] else _end(iri) for iri in group}


def names_of_values(opened: Opened, torg: Torg, values: Iterable[Value | None], language: str) -> Presenter:
    """Return a presenter that knows what the IRIs among some values are called."""
    iris = [found.text for found in values if found is not None and found.kind == "iri"]
    return Presenter(language, torg.uris, called(opened, torg, iris, language), torg.prefixes)


def _said(opened: Opened, torg: Torg, presenter: Presenter, property: str, found: Value | None) -> str:
    return shown_text(opened, torg, presenter, property, found)[:_LONGEST] if found else ""


def _end(iri: str) -> str:
    return readable(iri)[-_LONGEST:]
