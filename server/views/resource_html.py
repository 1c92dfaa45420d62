"""The page about one thing: for people with what developers need beside it, and the technical view of its triples."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from server.concept_page import SAID_BY_CONCEPT
from server.concept_tree import CONCEPT
from server.dataset_page import SAID_BY_DATASET
from server.description import TYPE, Description, joined
from server.formats import HTML, Format
from server.instance import Opened
from server.page_groups import grouped, read_grouping
from server.payments import payments
from server.places import SAID_BY_PLACE, mini_map, place_of
from server.presentation import Presenter, day
from server.representation import with_format
from server.resource_page import Fact, ResourcePage, describe_for_page, story
from server.schema_org import schema_org
from server.texts import texts
from server.views.concepts import tree_of
from server.views.frame import contact
from server.views.http import here, in_language, page, torg

_CLASS = re.compile(r"[A-Za-z]{1,60}\Z")
_DATASET = "http://www.w3.org/ns/dcat#Dataset"
_MOST_TRIPLES = 1_000


def resource_page(
    opened: Opened, description: Description, address: str, spoken: str, offered: tuple[Format, ...], view: str = ""
) -> bytes:
    """Return the page of a description at a path of ours, in a language."""
    site = torg()
    query = description.window.query() if description.window else ""
    plain = joined(address, query)
    canonical = joined(plain, f"view={view}" if view else "")
    formats = [
        (format.label, here(with_format(plain, format)), format.media_type) for format in offered if format is not HTML
    ]
    shown = describe_for_page(opened, site, description, spoken)
    common: dict[str, Any] = {
        "it": shown,
        "formats": formats,
        "address": here(address),
        "canonical": here(canonical),
        "generation": opened.generation.name,
        "document": site.uris.iri(address),
        "technical": here(joined(plain, "view=triples")),
        "plain": here(plain),
    }
    if view:
        rows = triple_rows(opened, description, spoken)
        return page(
            "resource_triples.html", spoken, rows=rows[:_MOST_TRIPLES], left=len(rows) - _MOST_TRIPLES, **common
        )
    return page(
        "resource.html",
        spoken,
        story=story(site, description.iri, spoken),
        data_block=schema_org(description, spoken),
        ask=_question(description.iri),
        cite=_cite(opened, shown, spoken),
        report=_report(shown, spoken),
        graphs=[(iri, site.uris.link(iri)) for iri in _graphs(opened, description)],
        **_body(description, shown, spoken),
        **common,
    )


def triple_rows(opened: Opened, description: Description, spoken: str) -> list[dict[str, str]]:
    """Return every triple of the description about the thing itself: full IRIs, lexical forms, datatypes."""
    site = torg()
    presenter = Presenter(spoken, site.uris, {}, site.prefixes)
    return [
        {
            "property": item.iri,
            "curie": presenter.curie(item.iri),
            "property_href": site.uris.link(item.iri),
            "kind": value.kind,
            "text": value.text,
            "href": presenter.link(value.text).href if value.kind == "iri" else "",
            "datatype": presenter.curie(value.datatype) if value.datatype else "",
            "language": value.language,
        }
        for item in description.properties
        for value in item.values
    ]


def _body(description: Description, shown: ResourcePage, spoken: str) -> Mapping[str, Any]:
    """Return the facts in their groups, and the place of the thing with its drawing."""
    site = torg()
    values = {item.iri: [value.text for value in item.values] for item in description.properties}
    place = None if description.window else place_of(values, spoken)
    in_tree = _is(description, CONCEPT) and description.iri in tree_of(site.current())
    told = {*(SAID_BY_PLACE if place else ()), *(SAID_BY_CONCEPT if in_tree else ())}
    told |= SAID_BY_DATASET if _is(description, _DATASET) else set()
    facts = [fact for fact in shown.facts if fact.iri not in told]
    base = site.site.raw.get("map", {}).get("base")
    border = site.site.folder / Path(base) if base else None
    by_name = {fact.curie: fact for fact in shown.facts}

    def fact(curie: str) -> Fact | None:
        return by_name.get(curie)

    return {
        "groups": grouped(facts, read_grouping(site.uris.concepts), spoken),
        "place": place,
        "drawing": place and mini_map(border, place.longitude, place.latitude),
        "fact": fact,
        "payments": lambda: payments(site, site.current(), description.iri, spoken),
        "publishes": lambda: _publishes(description.iri),
        "kind_list": _kind_list(description, shown, spoken),
        "templates": _templates(description, place is not None),
    }


def _is(description: Description, type: str) -> bool:
    """Return whether the head of the page tells what a thing of this class is, so that its facts need not."""
    return not description.window and any(value.text == type for value in description.terms(TYPE))


def _kind_list(description: Description, shown: ResourcePage, spoken: str) -> tuple[str, str] | None:
    """Return (name, address) of the list of all things of the same class: what stands above a thing in its path."""
    types = [value.text for value in description.terms(TYPE)]
    if _DATASET in types:
        return texts(spoken).gettext("Datasets"), here("/datasets")
    site = torg()
    for iri, link in zip(types, shown.types, strict=False):
        curie = Presenter(spoken, site.uris, {}, site.prefixes).curie(iri)
        if site.uris.path(iri) and ":" in curie and "://" not in curie:
            return link.text, here(f"/search?{urlencode({'type': curie})}")
    return None


def _publishes(iri: str) -> tuple[str, int] | None:
    """Return (key, number of published datasets) of an organization that publishes here, None for any other."""
    site = torg()
    for key, publisher in site.site.publishers.items():
        if site.uris.organization(publisher.orgnr) == iri:
            return key, sum(name.startswith(f"{key}/") for name in site.current().generation.datasets)
    return None


def _templates(description: Description, has_place: bool) -> list[str]:
    """Return the templates that may show the thing before its facts, the most special first: one per class."""
    kinds = [value.text.replace("#", "/").rsplit("/", 1)[-1] for value in description.terms(TYPE)]
    kinds += ["Place"] if has_place else []
    return [f"resource/{kind}.html" for kind in dict.fromkeys(kinds) if _CLASS.match(kind)]


def _question(iri: str) -> str:
    """Return the address of the query page with the question that this page answers."""
    text = f"SELECT ?property ?value WHERE {{\n  <{iri}> ?property ?value .\n}}\nORDER BY ?property"
    return f"{here('/sparql')}?{urlencode({'query': text})}"


def _cite(opened: Opened, shown: ResourcePage, spoken: str) -> str:
    """Return how to cite the thing: who, what, where, which version and when."""
    site, generation = torg(), opened.generation
    publisher = next((source.publisher.text for source in shown.sources if source.publisher), "")
    said = texts(spoken).gettext("Version %(number)s, %(day)s") % {
        "number": int(generation.name),
        "day": day(generation.created.isoformat(), spoken),
    }
    return f"{publisher or in_language(site.site.title, spoken)}: {shown.title.text[:200]}. {shown.iri}. {said}."


def _report(shown: ResourcePage, spoken: str) -> str:
    """Return the link that opens a letter about a fault, "" when nobody is named to write to."""
    site = torg()
    named = {source.publisher.text for source in shown.sources if source.publisher}
    to = next(
        (
            publisher.contact
            for publisher in site.site.publishers.values()
            if "@" in publisher.contact and named & set(publisher.name.values())
        ),
        contact(site),
    )
    if not to:
        return ""
    subject = texts(spoken).gettext("Error in %(name)s") % {"name": shown.title.text[:80]}
    return f"mailto:{to}?{urlencode({'subject': subject, 'body': shown.iri}).replace('+', '%20')}"


def _graphs(opened: Opened, description: Description) -> list[str]:
    """Return the named graphs that speak of an IRI and are published."""
    graphs = opened.graphs
    stated = description.graphs or opened.generation.store.graphs_of(description.iri)
    found = (name for name in stated if name in graphs)
    return sorted(name for name in found if graphs[name].published)[:5]
