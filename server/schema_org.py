"""What search engines read in a page: the description in schema.org's words, as a JSON-LD data block."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from server.description import LABELS, TYPE, Description
from server.rdf_formats import Value

_SCHEMA = "https://schema.org/"
_DCTERMS = "http://purl.org/dc/terms/"
_DCAT = "http://www.w3.org/ns/dcat#"
_SKOS = "http://www.w3.org/2004/02/skos/core#"
_GEO = "http://www.w3.org/2003/01/geo/wgs84_pos#"
_TYPES = {
    _DCAT + "Dataset": "Dataset",
    _DCAT + "Catalog": "DataCatalog",
    _DCAT + "Distribution": "DataDownload",
    _SKOS + "Concept": "DefinedTerm",
    _SKOS + "ConceptScheme": "DefinedTermSet",
    "http://xmlns.com/foaf/0.1/Agent": "Organization",
}
_WORDS: Mapping[str, str] = {
    **dict.fromkeys(LABELS, "name"),
    _DCTERMS + "description": "description",
    _SKOS + "definition": "description",
    _SKOS + "notation": "termCode",
    _SKOS + "inScheme": "inDefinedTermSet",
    _DCTERMS + "identifier": "identifier",
    _DCTERMS + "license": "license",
    _DCTERMS + "publisher": "publisher",
    _DCTERMS + "issued": "datePublished",
    _DCTERMS + "modified": "dateModified",
    _DCAT + "keyword": "keywords",
    _DCAT + "distribution": "distribution",
    _DCAT + "dataset": "dataset",
    "http://xmlns.com/foaf/0.1/homepage": "url",
}
_ADDRESS = ("streetAddress", "postalCode", "addressLocality")


def schema_org(description: Description, language: str) -> str:
    """Return the data block's text, "" when schema.org has no type for the thing; safe inside a script element."""
    types = [found.text for found in description.terms(TYPE)]
    named = [_TYPES[name] for name in types if name in _TYPES]
    named += [name.removeprefix(_SCHEMA) for name in types if name.startswith(_SCHEMA)]
    if not named or description.window is not None:
        return ""
    block: dict[str, Any] = {"@context": _SCHEMA, "@type": named[0], "@id": description.iri}
    for item in description.properties:
        word = _WORDS.get(item.iri) or item.iri.removeprefix(_SCHEMA)
        if "/" not in word and word not in block and (said := _said(item.values, language)):
            block[word] = said[0] if len(said) == 1 else said
    address = {word: block.pop(word) for word in _ADDRESS if word in block}
    if address:
        block["address"] = {"@type": "PostalAddress", **address}
    place = [found.text for name in ("lat", "long") for found in description.terms(_GEO + name)]
    if len(place) == 2:
        block["geo"] = {"@type": "GeoCoordinates", "latitude": place[0], "longitude": place[1]}
    # A "<" in the data must not end the script element.
    return json.dumps(block, ensure_ascii=False, indent=1).replace("<", "\\u003c")


def _said(values: list[Value], language: str) -> list[Any]:
    """Return the values as JSON-LD, texts in the visitor's language when there are any."""
    spoken = [item for item in values if item.language.split("-")[0] == language]
    return [{"@id": item.text} if item.kind == "iri" else item.text for item in (spoken or values)]
