"""Parse the catalogues of others into one record for each dataset: DCAT-AP as RDF, CKAN and EntryStore search answers.

Addresses are kept as they are; what is said of a dataset, its distributions, publisher and contact comes along as
N-Triples, blank nodes named by their content. Nothing is fetched and nothing is believed: a DOCTYPE is refused, sizes
and depths are limited.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import rdflib
from lxml import etree
from rdflib.namespace import DCTERMS, FOAF, RDF, XSD
from rdflib.term import Node

from loaders.ckan import ckan_triples
from loaders.errors import SourceError
from loaders.findings import Finding

DCAT = rdflib.Namespace("http://www.w3.org/ns/dcat#")
Form = Literal["rdfxml", "turtle", "ckan", "entrystore"]
# The whole national catalogue is 150 MB in pages of a few megabytes; no page comes near this.
LARGEST = 64 << 20
DEEPEST = 16
_KINDS = (DCAT.Dataset, DCAT.DatasetSeries, DCAT.DataService)
_STOPS = (*_KINDS, DCAT.Catalog)


@dataclass(frozen=True)
class Record:
    """One dataset, series or service of a catalogue, or a distribution that came without its dataset."""

    iri: str
    kind: str
    title: dict[str, str]
    publisher: str
    publisher_name: str
    modified: str
    license: tuple[str, ...]
    distributions: tuple[str, ...]
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Catalog:
    """The records of one answer; `total` is how many the whole catalogue says it has, None when it does not say."""

    records: tuple[Record, ...]
    total: int | None = None
    findings: tuple[Finding, ...] = field(default=())


def parse_catalog(data: bytes, name: str, base: str) -> Catalog:
    """Return the records of a catalogue in any of the forms, told apart by content.

    `base` is the address the answer came from. Raises SourceError when the answer is too large, broken or no catalogue.
    """
    if len(data) > LARGEST:
        raise SourceError(Finding("source.too-large", file=name, detail=(("limit", f"{LARGEST >> 20} MiB"),)))
    form = form_of(data)
    if form in ("ckan", "entrystore"):
        return _from_json(data, form, name, base)
    graph = _parsed(data, form, name, base)
    return Catalog(tuple(_records(graph, base)))


def form_of(data: bytes) -> Form:
    """Tell the form of a catalogue by its first signs and its keys.

    >>> form_of(b'{"success": true, "result": {"results": []}}'), form_of(b"@prefix dcat: <x> .")
    ('ckan', 'turtle')
    """
    start = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(b"<") and re.match(rb"<(?:\?xml|!--|!DOCTYPE|[\w]+:?RDF)", start):
        return "rdfxml"
    if start.startswith(b"{"):
        return "entrystore" if b'"resource"' in start or b'"children"' in data[: 1 << 20] else "ckan"
    return "rdfxml" if start.startswith((b"\xff\xfe", b"\xfe\xff")) else "turtle"


def _from_json(data: bytes, form: Form, name: str, base: str) -> Catalog:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        raise SourceError(Finding("source.broken-json", file=name, detail=(("fault", "parse error"),))) from None
    graph = rdflib.Graph()
    try:
        if form == "entrystore":
            total = document.get("results")
            triples = [triple for child in document["resource"]["children"] for triple in _rdf_json(child["metadata"])]
        else:
            result = document["result"]
            listed = result["results"] if isinstance(result, dict) else result
            total = result.get("count") if isinstance(result, dict) else None
            triples = [triple for package in listed for triple in ckan_triples(package, base)]
    except (KeyError, TypeError, AttributeError):
        raise SourceError(Finding("source.not-a-catalog", file=name)) from None
    for triple in triples:
        graph.add(triple)
    return Catalog(tuple(_records(graph, base)), total if isinstance(total, int) else None)


def _rdf_json(metadata: Any) -> Iterator[tuple[Node, Node, Node]]:
    """Yield the triples of RDF 1.1 JSON Alternate Serialization (RDF/JSON), as EntryStore answers."""
    for subject, properties in metadata.items():
        for predicate, values in properties.items():
            for value in values:
                yield _resource(subject), rdflib.URIRef(predicate), _object(value)


def _object(value: Mapping[str, Any]) -> Node:
    text = str(value["value"])
    if value.get("type") in ("uri", "bnode"):
        return _resource(text)
    if value.get("lang"):
        return rdflib.Literal(text, lang=re.sub(r"[^A-Za-z0-9-]", "", str(value["lang"])) or None)
    datatype = value.get("datatype")
    # A wrong lexical form is the publisher's to mend: it is kept as it is.
    return rdflib.Literal(text, datatype=rdflib.URIRef(datatype) if datatype else None, normalize=False)


def _resource(text: str) -> Node:
    return rdflib.BNode(text[2:]) if text.startswith("_:") else rdflib.URIRef(text)


def _parsed(data: bytes, form: Form, name: str, base: str) -> rdflib.Graph:
    graph = rdflib.Graph()
    try:
        if form == "rdfxml":
            graph.parse(data=_without_doctype(data, name), format="xml", publicID=base)
        else:
            graph.parse(data=data, format="turtle", publicID=base)
    except SourceError:
        raise
    except Exception as error:
        # The parsers raise whatever they stumble on; any of it means that this is no RDF.
        row = re.search(r"line (\d+)", str(error))
        detail = (("reason", type(error).__name__),)
        found = Finding("source.not-rdf", file=name, row=int(row[1]) if row else None, detail=detail)
        raise SourceError(found) from None
    return graph


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


def _records(graph: rdflib.Graph, base: str) -> Iterator[Record]:
    found = {node for kind in _KINDS for node in graph.subjects(RDF.type, kind)}
    # A search may answer with distributions alone; their dataset comes in another answer.
    found |= {
        node for node in graph.subjects(RDF.type, DCAT.Distribution) if (None, DCAT.distribution, node) not in graph
    }
    names = _Names(graph, base)
    for node in sorted(found, key=str):
        if isinstance(node, rdflib.BNode):
            # Without an address of its own nobody could tell it from the next harvest's.
            continue
        kind = next((kind for kind in _KINDS if (node, RDF.type, kind) in graph), DCAT.Distribution)
        publisher = graph.value(node, DCTERMS.publisher)
        name = graph.value(publisher, FOAF.name) if publisher is not None else None
        modified = graph.value(node, DCTERMS.modified)
        distributions = sorted(str(each) for each in graph.objects(node, DCAT.distribution))
        licenses = {str(each) for each in graph.objects(node, DCTERMS.license)}
        for distribution in graph.objects(node, DCAT.distribution):
            licenses |= {str(each) for each in graph.objects(distribution, DCTERMS.license)}
        yield Record(
            iri=str(node),
            kind=str(kind).rpartition("#")[2],
            title=_texts(graph.objects(node, DCTERMS.title)),
            publisher=str(publisher or ""),
            publisher_name=str(name or ""),
            modified=str(modified or ""),
            license=tuple(sorted(licenses)),
            distributions=tuple(distributions),
            lines=tuple(sorted(set(_lines(graph, node, names)))),
        )


def _texts(values: Iterable[Node]) -> dict[str, str]:
    return {value.language or "": str(value) for value in values if isinstance(value, rdflib.Literal)}


def _lines(graph: rdflib.Graph, node: Node, names: _Names) -> Iterator[str]:
    """Yield what is said of a node and of what it points at, up to the next dataset, service or catalogue."""
    waiting, seen = [(node, 0)], {node}
    while waiting:
        subject, depth = waiting.pop()
        for predicate, value in graph.predicate_objects(subject):
            if _is_writable(subject) and _is_writable(predicate) and _is_writable(value):
                yield f"{names.written(subject)} <{predicate}> {names.written(value)} .\n"
            is_stop = any((value, RDF.type, stop) in graph for stop in _STOPS)
            if value not in seen and depth < DEEPEST and not isinstance(value, rdflib.Literal) and not is_stop:
                seen.add(value)
                waiting.append((value, depth + 1))


def _is_writable(node: Node) -> bool:
    """An address with spaces or quotes cannot be written in any RDF syntax."""
    return not isinstance(node, rdflib.URIRef) or re.search(r'[\x00-\x20<>"{}|\\^`]', str(node)) is None


@dataclass(slots=True)
class _Names:
    """Names blank nodes by what is said of them, so that the next harvest gives them the same names."""

    graph: rdflib.Graph
    base: str
    known: dict[tuple[Node, int], str] = field(default_factory=dict)

    def written(self, node: Node) -> str:
        """Return a term as N-Triples."""
        if isinstance(node, rdflib.BNode):
            return f"<{self.base}#genid-{self.name(node, DEEPEST)}>"
        return _literal(node) if isinstance(node, rdflib.Literal) else f"<{node}>"

    def name(self, node: Node, depth: int) -> str:
        """Return the hash of what is said of a blank node; those it points at count by theirs, a few levels deep."""
        if (node, depth) not in self.known:
            parts = []
            for predicate, value in self.graph.predicate_objects(node):
                blank = isinstance(value, rdflib.BNode)
                parts.append(f"{predicate} {(self.name(value, depth - 1) if depth else '') if blank else repr(value)}")
            self.known[node, depth] = hashlib.sha256("\n".join(sorted(parts)).encode()).hexdigest()[:24]
        return self.known[node, depth]


def _literal(node: rdflib.Literal) -> str:
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    text = '"' + "".join(escapes.get(sign, sign) for sign in str(node)) + '"'
    if node.language:
        return f"{text}@{node.language}"
    if node.datatype and node.datatype != XSD.string:
        return f"{text}^^<{node.datatype}>"
    return text
