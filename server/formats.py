"""The table of formats: media type, suffix, name and writer; one place that says what an answer can be."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from pyld import jsonld

from server.negotiation import Offer, negotiate
from server.rdf_formats import Triple, parse_lines, statements, write
from server.turtle import Statement, TurtleWriter

_LONGEST_REMEMBERED = 500
_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"


@dataclass(frozen=True, slots=True, eq=False)
class Format:
    """One format: how it is asked for, named and shown. Each is one object, equal to itself alone."""

    suffix: str
    media_type: str
    label: str
    kind: str  # page, rdf or table
    aliases: tuple[str, ...] = ()

    @property
    def content_type(self) -> str:
        """The Content-Type header; text formats name their encoding."""
        text = self.media_type.startswith("text/") or self.media_type in ("application/n-triples", "application/trig")
        return f"{self.media_type}; charset=utf-8" if text else self.media_type

    def offer(self) -> Offer:
        """Return the format as negotiation sees it."""
        return Offer(self.media_type, self.aliases)


HTML = Format("html", "text/html", "HTML", "page", ("application/xhtml+xml",))
TURTLE = Format("ttl", "text/turtle", "Turtle", "rdf", ("text/n3", "application/x-turtle"))
JSON_LD = Format("jsonld", "application/ld+json", "JSON-LD", "rdf", ("application/json",))
RDF_XML = Format("rdf", "application/rdf+xml", "RDF/XML", "rdf", ("application/xml", "text/xml"))
N_TRIPLES = Format("nt", "application/n-triples", "N-Triples", "rdf", ("text/plain",))
N_QUADS = Format("nq", "application/n-quads", "N-Quads", "rdf")
TRIG = Format("trig", "application/trig", "TriG", "rdf")
CSV = Format("csv", "text/csv", "CSV", "table")
XLSX = Format("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "Excel", "table")
GEOJSON = Format("geojson", "application/geo+json", "GeoJSON", "table", ("application/vnd.geo+json",))
JSON = Format("json", "application/json", "JSON", "table")

FORMATS: Mapping[str, Format] = {
    format.suffix: format
    for format in (HTML, TURTLE, JSON_LD, RDF_XML, N_TRIPLES, N_QUADS, TRIG, CSV, XLSX, GEOJSON, JSON)
}
"""Every format by its suffix, which is also what `?format=` takes; the order settles ties."""

GRAPH_FORMATS: tuple[Format, ...] = (TURTLE, JSON_LD, RDF_XML, N_TRIPLES)
"""The syntaxes of one RDF graph."""


def choose(accept: str | None, offered: Sequence[Format], asked: str | None = None) -> Format | None:
    """Return the format to answer in: `asked` (a suffix or a media type) wins over Accept; None is a 406.

    >>> choose("text/turtle", [HTML, TURTLE], "html").suffix
    'html'
    """
    if asked:
        wanted = asked.lower()
        for format in offered:
            if wanted in (format.suffix, format.media_type):
                return format
        return None
    if accept and len(accept) > _LONGEST_REMEMBERED:
        return _negotiated.__wrapped__(accept, tuple(offered))
    return _negotiated(accept, tuple(offered))


@lru_cache(maxsize=1_024)  # programs send the same few headers again and again
def _negotiated(accept: str | None, offered: tuple[Format, ...]) -> Format | None:
    offer = negotiate(accept, [format.offer() for format in offered])
    return next((format for format in offered if offer and format.media_type == offer.media_type), None)


@dataclass(frozen=True)
class RdfWriter:
    """Writes triples in any RDF format with one set of prefixes and one JSON-LD context."""

    prefixes: Mapping[str, str]
    context: Mapping[str, Any]

    def write(self, triples: Iterable[Triple], format: Format, first: str = "") -> bytes:
        """Return the triples in a format, each once, sorted, with the subject `first` at the top."""
        if format is TURTLE:
            return self._turtle.write(statements(triples), first)
        written = write(triples, format.media_type, self.prefixes, first)
        return self._compact(written) if format is JSON_LD else written

    def write_statements(self, given: Iterable[Statement], format: Format, first: str = "") -> bytes:
        """Return statements in a format, the same bytes as their triples."""
        if format is TURTLE:
            return self._turtle.write(given, first)
        return self.write(
            parse_lines(f"{subject} {property} {term} .\n" for subject, property, term in given), format, first
        )

    @cached_property
    def _turtle(self) -> TurtleWriter:
        return TurtleWriter(self.prefixes)

    def _compact(self, expanded: bytes) -> bytes:
        """Return flat JSON-LD as compact JSON-LD with the part of our context that it uses (JSON-LD 1.1 API, 5.6)."""
        nodes = json.loads(expanded)
        for node in nodes:
            if types := node.pop(_TYPE, None):
                node["@type"] = [type["@id"] for type in types]
        document = jsonld.compact(nodes, {"@context": dict(self.context)}, {"graph": True})
        context = _used_context(self.context, document["@graph"])
        return _json({"@context": context, "@graph": document["@graph"]})


def _used_context(context: Mapping[str, Any], graph: Any) -> dict[str, Any]:
    """Return the terms and prefixes of a context that a compacted graph uses; terms it names count as used."""
    words: set[str] = set()
    _collect(graph, words)
    used: dict[str, Any] = {}
    pending = [word for word in words if word in context]
    while pending:
        term = pending.pop()
        if term in used or term not in context:
            continue
        used[term] = context[term]
        named: set[str] = set()
        _collect(context[term], named)
        pending += sorted(named)
    keywords = {key: value for key, value in context.items() if key.startswith("@")}
    return {**keywords, **{term: used[term] for term in sorted(used)}}


def _collect(node: Any, words: set[str]) -> None:
    """Add every key and text of a JSON tree, and the part before a colon, to `words`."""
    if isinstance(node, str):
        words.add(node)
        words.add(node.partition(":")[0])
    elif isinstance(node, list):
        for item in node:
            _collect(item, words)
    elif isinstance(node, dict):
        for key, item in node.items():
            _collect(key, words)
            _collect(item, words)


def _json(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode()
