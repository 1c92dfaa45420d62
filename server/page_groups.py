"""The groups in which pages show facts, as the ontology and the specifications' shapes declare them (SHACL, 2.3.2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from rdflib import RDFS, SH, Graph

import ontology
from server.resource_page import Fact
from server.texts import texts

_LAST = 1_000.0


@dataclass(frozen=True, slots=True)
class Group:
    """A heading with its facts; `name` makes an identifier in the page."""

    name: str
    title: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Grouping:
    """Which group each property belongs to and where it stands there; titles of the groups by language."""

    places: Mapping[str, tuple[str, float]]
    orders: Mapping[str, float]
    titles: Mapping[str, Mapping[str, str]]


@lru_cache(maxsize=4)
def read_grouping(concept_base: str) -> Grouping:
    """Return the declared grouping with IRIs resolved against the base of concepts; the ontology's word comes first."""
    graph = Graph()
    graph.parse(data=ontology.groups_file().read_text("utf-8"), format="turtle", publicID=concept_base)
    places = _places(graph)
    for name in ontology.specification_names():
        shapes = ontology.specification(name) / "shapes.ttl"
        if shapes.is_file() and "sh:group" in (text := shapes.read_text("utf-8")):
            own = Graph().parse(data=text, format="turtle", publicID=concept_base)
            places = {**_places(own), **places}
            graph += own
    groups = {str(group) for group, _order in places.values()}
    orders = {str(group): float(str(order)) for group, order in graph.subject_objects(SH.order) if str(group) in groups}
    titles: dict[str, dict[str, str]] = {group: {} for group in groups}
    for group, label in graph.subject_objects(RDFS.label):
        if str(group) in groups:
            titles[str(group)][getattr(label, "language", None) or ""] = str(label)
    return Grouping(places, orders, titles)


def grouped(facts: Iterable[Fact], grouping: Grouping, language: str) -> list[Group]:
    """Return the facts by group, groups and facts in their declared order; facts of no group come as "Other facts"."""
    found: dict[str, list[Fact]] = {}
    for fact in facts:
        group, _order = grouping.places.get(fact.iri, ("", _LAST))
        found.setdefault(group, []).append(fact)
    words = texts(language).gettext
    other = words("Other facts") if len(found) > 1 else words("Facts")
    # What no group names is about the thing itself, so it comes before where the record comes from (20).
    by_order = sorted(found, key=lambda group: grouping.orders.get(group, 19.0 if not group else _LAST))
    return [
        Group(_name(group), _title(grouping, group, language) if group else other, _sorted(found[group], grouping))
        for group in by_order
    ]


def _places(graph: Graph) -> dict[str, tuple[str, float]]:
    found = {}
    for shape, group in graph.subject_objects(SH.group):
        path, order = graph.value(shape, SH.path), graph.value(shape, SH.order)
        if path is not None:
            found[str(path)] = (str(group), float(str(order)) if order is not None else _LAST)
    return found


def _sorted(facts: list[Fact], grouping: Grouping) -> tuple[Fact, ...]:
    return tuple(sorted(facts, key=lambda fact: grouping.places.get(fact.iri, ("", _LAST))[1]))


def _title(grouping: Grouping, group: str, language: str) -> str:
    titles = grouping.titles[group]
    return titles.get(language) or titles.get("sv") or next(iter(titles.values()), _name(group))


def _name(group: str) -> str:
    return group.rsplit("#", 1)[-1] or "facts"
