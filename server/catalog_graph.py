"""A metadata graph under construction: prefixed names and values in, N-Triples lines out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from server.catalog_values import XSD, as_list, time

PREFIXES = {
    "adms": "http://www.w3.org/ns/adms#",
    "dcat": "http://www.w3.org/ns/dcat#",
    "dcatap": "http://data.europa.eu/r5r/",
    "dcterms": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "org": "http://www.w3.org/ns/org#",
    "owl": "http://www.w3.org/2002/07/owl#",
    "prov": "http://www.w3.org/ns/prov#",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "schema": "http://schema.org/",
    "spdx": "http://spdx.org/rdf/terms#",
    "vcard": "http://www.w3.org/2006/vcard/ns#",
    "xsd": XSD,
}


_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")  # no XML document may hold them (XML 1.0, 2.2)
_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*\Z")  # N-Triples, LANGTAG


@dataclass
class CatalogGraph:
    """Collects triples as N-Triples lines; a property is written as prefix:name."""

    lines: set[str] = field(default_factory=set)

    def link(self, subject: str, property: str, *values: str | None) -> None:
        """Add triples whose objects are IRIs; None is left out."""
        for value in values:
            if value:
                self.lines.add(f"<{subject}> <{term(property)}> <{value}> .\n")

    def literal(self, subject: str, property: str, value: str, language: str = "", datatype: str = "") -> None:
        """Add a triple whose object is a literal."""
        value = _CONTROLS.sub(" ", value)
        tail = f"@{language.lower()}" if language else f"^^<{datatype}>" if datatype else ""
        self.lines.add(f'<{subject}> <{term(property)}> "{escaped(value)}"{tail} .\n')

    def text(self, subject: str, property: str, values: Mapping[str, Any]) -> None:
        """Add a literal for each language, several when the value is a list (one literal per keyword).

        What stands under a key that is no language tag is left out (a finding tells).
        """
        for language, said in values.items():
            if not _LANGUAGE.match(language):
                continue
            for value in as_list(said):
                self.literal(subject, property, str(value).strip(), language)

    def time(self, subject: str, property: str, value: Any) -> None:
        """Add a typed date, time or year; anything else is left out (a finding tells)."""
        typed = time(value) if value else None
        if typed:
            self.literal(subject, property, typed[0], datatype=typed[1])


def term(name: str) -> str:
    """Return the IRI of a prefixed name.

    >>> term("dcat:Dataset")
    'http://www.w3.org/ns/dcat#Dataset'
    """
    prefix, _, local = name.partition(":")
    return PREFIXES[prefix] + local


_SIZE = re.compile(rf"(<{re.escape(PREFIXES['dcat'])}byteSize> \"\d+\"\^\^<{re.escape(XSD)})integer>")


def exact(lines: Iterable[str]) -> Iterator[str]:
    """Yield a stored catalogue's lines with the datatypes that the profile asks for.

    The store keeps every whole number as xsd:integer, while DCAT-AP's shapes demand
    xsd:nonNegativeInteger of dcat:byteSize.
    """
    return (_SIZE.sub(r"\1nonNegativeInteger>", line) for line in lines)


def escaped(text: str) -> str:
    """Return a literal's text with the escapes of N-Triples (canonical form, RDF 1.1 N-Triples 4)."""
    for char, escape in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r")):
        text = text.replace(char, escape)
    return text
