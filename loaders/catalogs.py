"""Parse the catalogues of others into one record for each dataset: DCAT-AP as RDF, CKAN and EntryStore search answers.

Addresses are kept as they are; what is said of a dataset, its distributions, publisher and contact comes along as
N-Triples, blank nodes named by their content. Nothing is fetched and nothing is believed: a DOCTYPE is refused, sizes
and depths are limited.
"""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import rdflib
from lxml import etree
from rdflib.term import Node

from loaders.catalog_records import Found, Record, Statement, cut, literal
from loaders.ckan import ckan_triples
from loaders.errors import SourceError
from loaders.findings import Finding

__all__ = ["FORMS", "Catalog", "Form", "Parse", "Record", "form_of", "parse_catalog"]

Form = Literal["rdfxml", "turtle", "jsonld", "ckan", "entrystore"]
FORMS: tuple[Form, ...] = ("rdfxml", "turtle", "jsonld", "ckan", "entrystore")
Parse = Callable[[bytes, str, str], Iterator[Statement]]
"""Parses an RDF document: (bytes, media type, base) to statements. Raises SyntaxError or ValueError."""
# The whole national catalogue is 150 MB in pages of a few megabytes; no page comes near this.
LARGEST = 64 << 20
_MEDIA_TYPES = {"rdfxml": "application/rdf+xml", "turtle": "text/turtle", "jsonld": "application/ld+json"}
_SQUARE = re.compile(rb'\[\s*(?:\{\s*("@|\})|\])')


@dataclass(frozen=True)
class Catalog:
    """The records of one answer; `total` is how many the whole catalogue says it has, None when it does not say."""

    records: tuple[Record, ...]
    total: int | None = None
    form: Form = "rdfxml"
    entries: int = 0  # that the answer had, whatever became of them: what the next page begins after
    found: Found = field(default_factory=lambda: Found(()))


def rdflib_statements(data: bytes, media_type: str, base: str) -> Iterator[Statement]:
    """Yield the statements of an RDF document, read by RDFLib."""
    names = {"application/rdf+xml": "xml", "text/turtle": "turtle", "application/ld+json": "json-ld"}
    graph = rdflib.Graph()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # RDFLib's own parser of JSON-LD uses what RDFLib is about to take away
        graph.parse(data=data, format=names[media_type], publicID=base)
    yield from map(_statement, graph)


def parse_catalog(
    data: bytes, name: str, base: str, form: str = "", parse: Parse = rdflib_statements, skolem: str = ""
) -> Catalog:
    """Return the records of a catalogue in any of the forms, told apart by content unless `form` says.

    `base` is the address the answer came from; blank nodes get names that begin with `skolem` (else with the base).
    Raises SourceError when the answer is too large, broken or no catalogue.
    """
    if len(data) > LARGEST:
        raise SourceError(Finding("source.too-large", file=name, detail=(("limit", f"{LARGEST >> 20} MiB"),)))
    known: Form = form if form in FORMS else form_of(data)
    total, entries = None, 0
    if known in ("ckan", "entrystore"):
        statements, total, entries = _from_json(data, known, name, base)
    else:
        statements = _parsed(data, known, name, base, parse)
    found = cut(statements, skolem or f"{base}#genid-")
    return Catalog(found.records, total, known, entries or len(found.records), found)


def form_of(data: bytes) -> Form:
    """Tell the form of a catalogue by its first signs and its keys.

    >>> form_of(b'{"success": true, "result": {"results": []}}'), form_of(b"@prefix dcat: <x> .")
    ('ckan', 'turtle')
    >>> form_of(b'{"@context": {}, "@graph": []}')
    'jsonld'
    """
    start = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(b"<") and re.match(rb"<(?:\?xml|!--|!DOCTYPE|[\w]+:?RDF)", start):
        return "rdfxml"
    if start.startswith(b"{"):
        if re.match(rb'\{\s*"@(context|graph|id|type)"', start) or b'"@graph"' in start or b'"@context"' in start:
            return "jsonld"
        return "entrystore" if b'"resource"' in start or b'"children"' in data[: 1 << 20] else "ckan"
    if _SQUARE.match(start):
        return "jsonld"
    return "rdfxml" if start.startswith((b"\xff\xfe", b"\xfe\xff")) else "turtle"


def _from_json(data: bytes, form: Form, name: str, base: str) -> tuple[list[Statement], int | None, int]:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        raise SourceError(Finding("source.broken-json", file=name, detail=(("fault", "parse error"),))) from None
    try:
        if form == "entrystore":
            total = document.get("results")
            listed = document["resource"]["children"]
            said = [each for number, child in enumerate(listed) for each in _rdf_json(child["metadata"], number)]
        else:
            result = document["result"]
            listed = result["results"] if isinstance(result, dict) else result
            total = result.get("count") if isinstance(result, dict) else None
            said = [_statement(triple) for package in listed for triple in ckan_triples(package, base)]
    except (KeyError, TypeError, AttributeError):
        raise SourceError(Finding("source.not-a-catalog", file=name)) from None
    return said, total if isinstance(total, int) else None, len(listed)


def _rdf_json(metadata: Any, number: int) -> Iterator[Statement]:
    """Yield the statements of RDF 1.1 JSON Alternate Serialization (RDF/JSON), as EntryStore answers.

    Each entry has blank nodes of its own, so `number` tells them apart.
    """
    for subject, properties in metadata.items():
        for property, values in properties.items():
            for value in values:
                yield _resource(subject, number), property, _object(value, number)


def _object(value: Mapping[str, Any], number: int) -> str:
    text = str(value["value"])
    if value.get("type") in ("uri", "bnode"):
        return _resource(text, number)
    # A wrong lexical form is the publisher's to mend: it is kept as it is.
    return literal(text, re.sub(r"[^A-Za-z0-9-]", "", str(value.get("lang") or "")), str(value.get("datatype") or ""))


def _resource(text: str, number: int) -> str:
    return f"_:e{number}-{text[2:]}" if text.startswith("_:") else f"<{text}>"


def _statement(triple: Iterable[Node]) -> Statement:
    subject, property, value = triple
    return _term(subject), str(property), _term(value)


def _term(node: Node) -> str:
    if isinstance(node, rdflib.Literal):
        return literal(str(node), node.language or "", str(node.datatype or ""))
    return f"_:{node}" if isinstance(node, rdflib.BNode) else f"<{node}>"


def _parsed(data: bytes, form: Form, name: str, base: str, parse: Parse) -> list[Statement]:
    try:
        return list(parse(_without_doctype(data, name) if form == "rdfxml" else data, _MEDIA_TYPES[form], base))
    except SourceError:
        raise
    except Exception as error:
        # The parsers raise whatever they stumble on; any of it means that this is no RDF.
        row = re.search(r"line (\d+)", str(error))
        found = row[1] if row else getattr(error, "lineno", None)
        detail = (("reason", type(error).__name__),)
        fault = Finding("source.not-rdf", file=name, row=int(found) if found else None, detail=detail)
        raise SourceError(fault) from None


def _without_doctype(data: bytes, name: str) -> bytes:
    """Return the document written anew, so that what the RDF parser reads is what was looked at."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise SourceError(
            Finding("source.broken-xml", file=name, row=error.lineno, detail=(("fault", "XML"),))
        ) from None
    if root.getroottree().docinfo.doctype:
        raise SourceError(Finding("source.doctype", file=name))
    return bytes(etree.tostring(root, encoding="utf-8"))
