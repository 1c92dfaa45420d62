"""The one place that builds and takes apart our own URIs (design: things, descriptions, documents, graphs)."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

SUFFIXES = ("ttl", "jsonld", "rdf", "nt", "nq", "trig", "html", "csv", "xlsx", "geojson", "json", "xml", "tsv", "txt")
"""Registered suffixes; each names one fixed representation of a description."""

_SUFFIX = re.compile(rf"\.({'|'.join(SUFFIXES)})$", re.IGNORECASE)
_KEPT = "-._~"


def key_part(text: str) -> str:
    """Return a key as one URI path segment: NFC, unreserved characters kept, the rest percent-encoded.

    `/ ? # %` and the dot of a trailing registered suffix become `~XX`, because WSGI decodes `%2F`
    before we see it, and `.csv` at the end asks for a format. `~` itself becomes `~7E`, so that two
    keys never share a segment.

    >>> key_part("Åsens skola 4/5")
    '%C3%85sens%20skola%204~2F5'
    >>> key_part("lista.csv")
    'lista~2Ecsv'
    """
    text = unicodedata.normalize("NFC", text)
    text = "".join(f"~{ord(char):02X}" if char in "~/?#%" else char for char in text)
    if text in (".", ".."):
        text = text.replace(".", "~2E")
    text = _SUFFIX.sub(lambda match: "~2E" + match[1], text)
    return quote(text, safe=_KEPT)


@dataclass(frozen=True, slots=True)
class UriSpace:
    """Translates between paths on this server and IRIs on the site's base.

    `base` and `concept_base` end with "/". A path is what follows the base, with a leading slash.
    """

    base: str
    concept_base: str = ""

    @property
    def concepts(self) -> str:
        """The base of concepts, ontology and specifications."""
        return self.concept_base or self.base

    @property
    def owns_concepts(self) -> bool:
        """True when concepts are published under our own base."""
        return self.concepts == self.base

    @property
    def prefix(self) -> str:
        """The path prefix of the base, without a trailing slash ("" for most sites)."""
        return urlsplit(self.base).path.rstrip("/")

    def iri(self, path: str) -> str:
        """Return the IRI of a path on the base.

        >>> UriSpace("https://data.norrsjo.example/").iri("/id/school/12345678")
        'https://data.norrsjo.example/id/school/12345678'
        """
        return self.base + path.lstrip("/")

    def resolve(self, relative: str) -> str:
        """Return the IRI of a relative reference: `def/` and `spec/` on concept_base, the rest on base."""
        relative = relative.lstrip("/")
        return (self.concepts if relative.startswith(("def/", "spec/")) else self.base) + relative

    def path(self, iri: str) -> str | None:
        """Return the path of an IRI of ours, None for any other IRI."""
        return "/" + iri[len(self.base) :] if iri.startswith(self.base) else None

    def description_path(self, path: str) -> str | None:
        """Return where a thing or concept is described, None for what is a document itself.

        >>> UriSpace("https://data.norrsjo.example/").description_path("/id/school/12345678")
        '/res/school/12345678'
        >>> UriSpace("https://data.norrsjo.example/").description_path("/def/place/1880")
        '/res/def/place/1880'
        """
        if path.startswith("/id/"):
            return "/res/" + path.removeprefix("/id/")
        return "/res" + path if path.startswith("/def/") else None

    def described_path(self, path: str) -> str:
        """Return the thing that a `/res/` path (without suffix) describes."""
        rest = path.removeprefix("/res/")
        return "/" + rest if rest.startswith("def/") else "/id/" + rest

    def link(self, iri: str) -> str:
        """Return the href of an IRI in a page: path-absolute for our own, the IRI itself otherwise."""
        path = self.path(iri)
        return iri if path is None else self.prefix + path

    def graph(self, publisher: str, dataset: str, period: str | None = None) -> str:
        """Return the named graph of a dataset, or of one period of it."""
        tail = f"/{period}" if period else ""
        return f"{self.base}graph/{publisher}/{dataset}{tail}"

    def dataset(self, publisher: str, dataset: str) -> str:
        """Return the IRI of a dataset."""
        return f"{self.base}id/dataset/{publisher}/{dataset}"

    def organization(self, orgnr: str) -> str:
        """Return the IRI of an organization by its ten-digit organization number."""
        return f"{self.base}id/organization/{orgnr}"
