"""Say what a CKAN package is in DCAT-AP's words; CKAN's own extension for DCAT maps the same fields."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import rdflib
from rdflib.namespace import DCTERMS, FOAF, RDF, XSD
from rdflib.term import Node

DCAT = rdflib.Namespace("http://www.w3.org/ns/dcat#")
Triple = tuple[Node, Node, Node]
_VCARD = rdflib.Namespace("http://www.w3.org/2006/vcard/ns#")
_ADDRESS = re.compile(r"https?://[^\s<>\"{}|\\^`]+")


def ckan_triples(package: Mapping[str, Any], site: str) -> Iterator[Triple]:
    """Yield the triples of one package; `site` is the catalogue's address. Raises KeyError without an id."""
    extras = {str(extra["key"]): str(extra["value"]) for extra in package.get("extras") or () if "key" in extra}
    root = site.partition("/api/")[0].rstrip("/")
    own = extras.get("uri") or package.get("uri") or ""
    dataset = rdflib.URIRef(own if _ADDRESS.fullmatch(str(own)) else f"{root}/dataset/{package['id']}")
    language = str(extras.get("language") or package.get("language") or "")
    lang = language if re.fullmatch(r"[a-z]{2,3}", language) else None
    yield dataset, RDF.type, DCAT.Dataset
    yield dataset, DCTERMS.identifier, rdflib.Literal(extras.get("identifier") or package["id"])
    for key, predicate in (("title", DCTERMS.title), ("notes", DCTERMS.description), ("version", DCAT.version)):
        yield from _text(dataset, predicate, package.get(key), lang)
    for tag in package.get("tags") or ():
        yield from _text(dataset, DCAT.keyword, tag.get("display_name") or tag.get("name"), lang)
    yield from _times(dataset, package, "metadata_created", "metadata_modified", extras)
    yield from _link(dataset, DCAT.landingPage, package.get("url"))
    yield from _link(dataset, DCTERMS.license, package.get("license_url"))
    yield from _publisher(dataset, package, root, extras)
    yield from _contact(dataset, package)
    for resource in package.get("resources") or ():
        yield from _distribution(dataset, resource, package, lang)


def _distribution(
    dataset: Node, resource: Mapping[str, Any], package: Mapping[str, Any], lang: str | None
) -> Iterator[Triple]:
    own = resource.get("uri")
    node = rdflib.URIRef(str(own) if _ADDRESS.fullmatch(str(own)) else f"{dataset}/resource/{resource['id']}")
    yield dataset, DCAT.distribution, node
    yield node, RDF.type, DCAT.Distribution
    yield from _link(node, DCAT.accessURL, resource.get("url"))
    if resource.get("url_type") == "upload":
        yield from _link(node, DCAT.downloadURL, resource.get("url"))
    yield from _text(node, DCTERMS.title, resource.get("name"), lang)
    yield from _text(node, DCTERMS.description, resource.get("description"), lang)
    yield from _link(node, DCTERMS.license, resource.get("license_url") or package.get("license_url"))
    kind = resource.get("mimetype") or resource.get("format")
    if kind and "/" in str(kind):
        yield node, DCAT.mediaType, rdflib.URIRef(f"http://www.iana.org/assignments/media-types/{kind}")
    elif kind:
        yield node, DCTERMS["format"], rdflib.Literal(str(kind))
    if str(resource.get("size") or "").isdigit():
        yield node, DCAT.byteSize, rdflib.Literal(str(resource["size"]), datatype=XSD.nonNegativeInteger)
    yield from _times(node, resource, "created", "last_modified", {})


def _publisher(dataset: Node, package: Mapping[str, Any], root: str, extras: Mapping[str, str]) -> Iterator[Triple]:
    organization = package.get("organization") or {}
    name = extras.get("publisher_name") or organization.get("title")
    if not name:
        return
    own = extras.get("publisher_uri", "")
    node = rdflib.URIRef(own if _ADDRESS.fullmatch(own) else f"{root}/organization/{organization.get('id', 'unknown')}")
    yield dataset, DCTERMS.publisher, node
    yield node, RDF.type, FOAF.Agent
    yield node, FOAF.name, rdflib.Literal(str(name))


def _contact(dataset: Node, package: Mapping[str, Any]) -> Iterator[Triple]:
    """A function's address is its contact; a person's name beside it stays in the catalogue it came from."""
    email = package.get("maintainer_email") or package.get("author_email")
    if email and re.fullmatch(r"[^@\s<>\"]+@[^@\s<>\"]+", str(email)):
        node = rdflib.URIRef(f"{dataset}#contact")
        yield dataset, DCAT.contactPoint, node
        yield node, RDF.type, _VCARD.Organization
        yield node, _VCARD.hasEmail, rdflib.URIRef(f"mailto:{email}")


def _times(node: Node, said: Mapping[str, Any], made: str, changed: str, extras: Mapping[str, str]) -> Iterator[Triple]:
    for predicate, text in (
        (DCTERMS.issued, extras.get("issued") or said.get(made)),
        (DCTERMS.modified, extras.get("modified") or said.get(changed)),
    ):
        if text and re.match(r"\d{4}-\d\d-\d\d", str(text)):
            datatype = XSD.dateTime if "T" in str(text) else XSD.date
            yield node, predicate, rdflib.Literal(str(text), datatype=datatype, normalize=False)


def _text(node: Node, predicate: Node, text: Any, lang: str | None) -> Iterator[Triple]:
    if text:
        yield node, predicate, rdflib.Literal(str(text), lang=lang)


def _link(node: Node, predicate: Node, address: Any) -> Iterator[Triple]:
    if address and _ADDRESS.fullmatch(str(address)):
        yield node, predicate, rdflib.URIRef(str(address))
