"""Which concepts a description's short words mean: places by code, service areas by notation, and their EU themes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from rdflib import Graph, URIRef
from rdflib.namespace import SKOS

import ontology
from server.catalog_values import address
from server.site import Site

_BASE = "https://base.invalid/"
_AREA = re.compile(r"(?:T|.*/def/service/T)(\d+(?:\.\d+)*)\Z")


@cache
def _codes(file: str) -> frozenset[str]:
    """The notations that a file of shared concepts gives, read from the concepts' addresses."""
    text = (ontology.root() / "concepts" / f"{file}.ttl").read_text("utf-8")
    return frozenset(re.findall(rf"^<def/{file}/([\w.]+)> a skos:Concept\b", text, re.MULTILINE))


@cache
def _themes() -> Mapping[str, str]:
    """EU data themes by the notation of a service area."""
    graph = Graph().parse(data=(ontology.root() / "mappings" / "data-theme.ttl").read_bytes(), publicID=_BASE)
    themes: dict[str, str] = {}
    for area, theme in sorted(graph.subject_objects()):
        themes.setdefault(str(area).rsplit("/", 1)[-1], str(theme))
    return themes


def service_area(text: str) -> str | None:
    """Return the notation of one of our service areas from a notation or an address, None when it is none.

    >>> service_area("T2.2"), service_area("ECON")
    ('T2.2', None)
    """
    found = _AREA.match(text)
    notation = f"T{found[1]}" if found else ""
    return notation if notation in _codes("service") else None


def theme_of(area: str) -> str | None:
    """Return the IRI of the EU theme of a service area, or of the nearest area above it that has one.

    >>> theme_of("T2.3")
    'http://publications.europa.eu/resource/authority/data-theme/ECON'
    """
    while area:
        if area in _themes():
            return _themes()[area]
        area = area.rpartition(".")[0]
    return None


class Places:
    """Finds a place by its code (SCB's for counties and municipalities), among shared and the site's own."""

    def __init__(self, site: Site) -> None:
        self._shared = site.uris.resolve("def/place")
        self._own: dict[str, str] = {}
        for file in site.concept_files:
            graph = Graph().parse(file, format="turtle", publicID=site.base)
            for concept in graph.subjects(SKOS.inScheme, URIRef(self._shared)):
                for notation in graph.objects(concept, SKOS.notation):
                    self._own[str(notation)] = str(concept)

    def iri(self, code: str) -> str | None:
        """Return the IRI of the place with this code, None when there is none."""
        return f"{self._shared}/{code}" if code in _codes("place") else self._own.get(code)

    def at(self, value: str) -> str | None:
        """Return the IRI of a place given by its code or by its address, None when it is neither."""
        return self.iri(value) if ":" not in value else address(value)
