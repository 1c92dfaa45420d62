"""What can be searched for in the lines of a graph: named things, their codes, texts and concepts, and their uses."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from server.labels import unescape

_RDF_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
_SKOS = "http://www.w3.org/2004/02/skos/core#"
_DCTERMS = "http://purl.org/dc/terms/"
_DCAT = "http://www.w3.org/ns/dcat#"
_RDFS = "http://www.w3.org/2000/01/rdf-schema#"
_SCHEMA_ORG = "https://schema.org/"
_TEXTS = {
    _SKOS + "prefLabel": "name", _RDFS + "label": "name", _SCHEMA_ORG + "name": "name", _DCTERMS + "title": "name",
    "http://schema.org/name": "name", "http://xmlns.com/foaf/0.1/name": "name",
    _SKOS + "altLabel": "alternative", _SCHEMA_ORG + "alternateName": "alternative",
    _SKOS + "hiddenLabel": "alternative",
    _SKOS + "notation": "code", _DCTERMS + "identifier": "code", _SCHEMA_ORG + "identifier": "code",
    "http://www.w3.org/ns/adms#identifier": "code", _SCHEMA_ORG + "legalName": "alternative",
    _DCTERMS + "description": "about", _SCHEMA_ORG + "description": "about", _SKOS + "definition": "about",
    _SKOS + "scopeNote": "about", _RDFS + "comment": "about", _DCAT + "keyword": "about",
    _SCHEMA_ORG + "streetAddress": "about", _SCHEMA_ORG + "addressLocality": "about",
}  # fmt: skip
LONGEST_NAME = 300
_MOST_CONCEPTS = 40
_MOST_COUNTED = 400_000  # values whose uses are counted at once in one graph; what is used once goes first
_OBJECT_TAIL = "> .\n"
_LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"(?:@([a-z0-9-]+)|\^\^<[^>]*>)? \.\n')


@dataclass(frozen=True, slots=True)
class Thing:
    """What one graph says of a thing that can be searched for."""

    iri: str
    type: str
    names: tuple[tuple[str, str, str], ...]  # (kind, language, text): name or alternative
    codes: tuple[str, ...]
    about: tuple[str, ...]
    concepts: tuple[str, ...]

    @property
    def title(self) -> str:
        """The name to sort by: Swedish, else without language, else English, else any."""
        order = {"sv": 0, "": 1, "en": 2}
        best = min(self.names, key=lambda name: (name[0] != "name", order.get(name[1], 3), name[2]))
        return best[2][:LONGEST_NAME]


def things(lines: Iterable[str], concepts: str, uses: Counter[str]) -> Iterator[Thing]:
    """Yield what can be searched for in lines that are grouped by subject, and count what they use as values."""
    current = ""
    types, concept_names = list[str](), list[str]()
    texts: dict[str, list[tuple[str, str]]] = {}
    for line in lines:
        end = line.index("> <")
        close = line.index("> ", end + 3)
        property = line[end + 3 : close]
        role = _TEXTS.get(property)
        iri_value = line[close + 2] == "<" and line.endswith(_OBJECT_TAIL)
        value = line[close + 3 : -4] if iri_value else ""
        if iri_value and property != _RDF_TYPE:
            _use(value, uses, concepts)
            if not value.startswith(concepts):
                continue
        elif role is None and not iri_value:
            continue
        name = line[1:end]
        if name != current:
            if thing := _thing(current, types, texts, concept_names):
                yield thing
            current, types, texts, concept_names = name, [], {}, []
        if iri_value:
            (types if property == _RDF_TYPE else concept_names).append(value)
        elif role and (match := _LITERAL.fullmatch(line, close + 2)):
            texts.setdefault(role, []).append((match[2] or "", unescape(match[1])))
    if thing := _thing(current, types, texts, concept_names):
        yield thing


def _thing(iri: str, types: list[str], texts: dict[str, list[tuple[str, str]]], concepts: list[str]) -> Thing | None:
    if "name" not in texts and "alternative" not in texts:
        return None
    names = [(kind, *text) for kind in ("name", "alternative") for text in texts.get(kind, ())]
    concept = any(name.startswith(_SKOS) for name in types)
    # Ours is the narrowest one: a school is also a place, an organization and more.
    type = next((name for name in types if "/spec/torg#" in name), types[0] if types else "")
    # What a concept is related to is its place in a tree, not what it is about.
    about = () if concept else tuple(dict.fromkeys(concepts))[:_MOST_CONCEPTS]
    return Thing(
        iri,
        type,
        tuple(names),
        tuple(text for _, text in texts.get("code", ())),
        tuple(text for _, text in texts.get("about", ())),
        about,
    )


def counted(lines: Iterable[str], concepts: str, uses: Counter[str]) -> Iterator[str]:
    """Yield the lines, and count what they use as values."""
    for line in lines:
        if line.endswith(_OBJECT_TAIL):
            close = line.index("> ", line.index("> <") + 3)
            if line[close + 2] == "<" and not line.startswith(_RDF_TYPE, line.index("> <") + 3):
                _use(line[close + 3 : -4], uses, concepts)
        yield line


def _use(iri: str, uses: Counter[str], concepts: str) -> None:
    uses[iri] += 1
    if len(uses) > _MOST_COUNTED:
        _forget_rare(uses, concepts)


def _forget_rare(uses: Counter[str], concepts: str) -> None:
    """Make room by forgetting what was used least, so that memory does not grow with the number of rows."""
    floor = 0
    while len(uses) > _MOST_COUNTED // 2 and floor < 1_000:
        floor += 1
        for iri in [iri for iri, n in uses.items() if n <= floor and not iri.startswith(concepts)]:
            del uses[iri]
