"""Turns store terms into plain values, and triples into RDF syntaxes; one of the few modules that know pyoxigraph."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Literal, cast

from pyoxigraph import BlankNode, NamedNode, Quad, RdfFormat, Triple, parse, serialize
from pyoxigraph import Literal as StoreLiteral

from server.errors import Problem
from server.store import Term
from server.turtle import Statement

__all__ = [
    "Term",
    "Triple",
    "Value",
    "iri",
    "iris",
    "parse_lines",
    "statements",
    "text",
    "transcode",
    "triple",
    "value",
    "write",
    "write_statements",
]

_FORMATS = {
    "text/turtle": RdfFormat.TURTLE,
    "application/n-triples": RdfFormat.N_TRIPLES,
    "application/n-quads": RdfFormat.N_QUADS,
    "application/trig": RdfFormat.TRIG,
    "application/rdf+xml": RdfFormat.RDF_XML,
    "application/ld+json": RdfFormat.JSON_LD,
}
_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
_LONGEST_HEAD = 65_536  # of a serialisation: more than all our prefixes take
# The end of a property's IRI that can be an XML element's local name (Namespaces in XML 1.0, NCName).
_LOCAL_NAME = re.compile(r"[A-Za-z_À-ÖØ-öø-˿Ͱ-ͽͿ-῿][\w.·-]*\Z")


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a property: an IRI, or a literal with its datatype and language ("" for none)."""

    kind: Literal["iri", "literal"]
    text: str
    datatype: str = ""
    language: str = ""


def value(term: Term) -> Value:
    """Return a store term as a plain value; a blank node (none are published) shows as its label."""
    if isinstance(term, NamedNode):
        return Value("iri", term.value)
    if isinstance(term, StoreLiteral):
        return Value("literal", term.value, term.datatype.value, term.language or "")
    return Value("literal", str(term))


def iri(name: str) -> Term:
    """Return the term of an IRI; raise Problem 400 when it is none (RFC 3987)."""
    try:
        return NamedNode(name)
    except ValueError as error:
        raise Problem(
            400, f"This is not an absolute IRI: {name[:200]}", sv=f"Det här är ingen fullständig IRI: {name[:200]}"
        ) from error


def iris(terms: Iterable[Term]) -> list[str]:
    """Return those of the terms that are IRIs."""
    return [term.value for term in terms if isinstance(term, NamedNode)]


def text(content: str | int, language: str = "", datatype: str = "") -> Term:
    """Return the term of a plain text, a text in a language or with a datatype, or a whole number."""
    if language:
        return StoreLiteral(content, language=language)
    return StoreLiteral(content, datatype=NamedNode(datatype)) if datatype else StoreLiteral(content)


def triple(subject: str, property: str, term: Term) -> Triple:
    """Return the triple of a subject's and a property's IRI and a term."""
    return Triple(NamedNode(subject), NamedNode(property), term)


def parse_lines(lines: Iterable[str]) -> list[Triple]:
    """Return the triples of N-Triples lines."""
    return [quad.triple for quad in parse("".join(lines).encode(), format=RdfFormat.N_TRIPLES)]


def statements(triples: Iterable[Triple]) -> Iterator[Statement]:
    """Yield triples as N-Triples writes their terms."""
    for item in triples:
        yield str(item.subject), str(item.predicate), str(item.object)


def write(triples: Iterable[Triple], media_type: str, prefixes: Mapping[str, str], first: str = "") -> bytes:
    """Return the triples in an RDF syntax: each once, sorted, the subject `first` before all others.

    Raises Problem 406 when RDF/XML is asked for and a property cannot be an XML element.
    """
    ordered = sorted(set(triples), key=lambda item: _order(item, first))
    if media_type == "application/rdf+xml":
        for item in ordered:
            _check_element(item.predicate.value)
    written = serialize(ordered, format=_FORMATS[media_type], prefixes=_used(prefixes, ordered))
    assert written is not None
    head, body = _split_head(written, media_type)
    return head + _escaped(body, media_type)


def write_statements(statements: Iterable[Statement]) -> bytes:
    """Return statements as N-Triples in the order they come, each line made and let go."""
    return b"".join(f"{subject} {property} {term} .\n".encode() for subject, property, term in statements)


def transcode(
    source: IO[bytes], media_type: str, prefixes: Mapping[str, str], target: IO[bytes], graph: str = ""
) -> None:
    """Write a stream of N-Triples to a target in another syntax, in constant memory for all but the target.

    `graph` names the graph that the triples are in, for syntaxes that have graphs.

    Raises Problem 406 when RDF/XML is asked for and a property cannot be an XML element.
    """
    triples: Iterator[Triple] = (quad.triple for quad in parse(source, format=RdfFormat.N_TRIPLES))
    if media_type == "application/rdf+xml":
        triples = _checked(triples)
    tidy = _Tidy(target, media_type)
    if graph:
        quads = (Quad(triple.subject, triple.predicate, triple.object, NamedNode(graph)) for triple in triples)
        serialize(quads, cast(IO[bytes], tidy), format=_FORMATS[media_type], prefixes=dict(prefixes))
        tidy.flush()
        return
    serialize(triples, cast(IO[bytes], tidy), format=_FORMATS[media_type], prefixes=dict(prefixes))
    tidy.flush()


class _Tidy:
    """Passes a serialisation on with its head put in order and, in RDF/XML, carriage returns escaped."""

    def __init__(self, target: IO[bytes], media_type: str) -> None:
        self._target, self._media_type = target, media_type
        self._held: bytes | None = b""

    def write(self, data: bytes) -> int:
        if self._held is None:
            self._target.write(_escaped(bytes(data), self._media_type))
        else:
            self._held += bytes(data)
            if len(self._held) > _LONGEST_HEAD:
                self.flush()
        return len(data)

    def flush(self) -> None:
        if self._held is not None:
            head, body = _split_head(self._held, self._media_type)
            self._held = None
            self._target.write(head + _escaped(body, self._media_type))


def _split_head(written: bytes, media_type: str) -> tuple[bytes, bytes]:
    """Return (head, rest) with the prefixes of the head sorted: the serializer gives them in a random order."""
    if media_type in ("text/turtle", "application/trig"):
        end = 0
        while written.startswith(b"@prefix ", end):
            end = written.index(b"\n", end) + 1
        return b"".join(sorted(written[:end].splitlines(keepends=True))), written[end:]
    if media_type == "application/rdf+xml":
        start, end = written.index(b"<rdf:RDF"), written.index(b">", written.index(b"<rdf:RDF"))
        names = sorted(written[start:end].split(b" ")[1:])
        return b" ".join([written[:start] + b"<rdf:RDF", *names]), written[end:]
    return b"", written


def _escaped(written: bytes, media_type: str) -> bytes:
    """Return RDF/XML with raw carriage returns as references: a parser would read a line feed (XML 1.0, 2.11)."""
    return written.replace(b"\r", b"&#xD;") if media_type == "application/rdf+xml" else written


def _checked(triples: Iterable[Triple]) -> Iterator[Triple]:
    seen: set[str] = set()
    for item in triples:
        if item.predicate.value not in seen:
            seen.add(item.predicate.value)
            _check_element(item.predicate.value)
        yield item


def _check_element(property: str) -> None:
    tail = re.split(r"[#/:?]", property)[-1]
    while tail and not _LOCAL_NAME.match(tail):
        tail = tail[1:]
    if not tail:
        raise Problem(
            406,
            f"RDF/XML cannot write the property {property}: its IRI does not end in an XML name. "
            "Ask for Turtle, JSON-LD or N-Triples.",
            sv=(
                f"RDF/XML kan inte skriva egenskapen {property}: dess IRI slutar inte med ett XML-namn. "
                "Be om Turtle, JSON-LD eller N-Triples."
            ),
        )


def _order(item: Triple, first: str) -> tuple[bool, str, bool, str, str]:
    subject = item.subject.value if isinstance(item.subject, NamedNode | BlankNode) else str(item.subject)
    property = item.predicate.value
    return (subject != first, subject, property != _TYPE, property, str(item.object))


def _used(prefixes: Mapping[str, str], triples: list[Triple]) -> dict[str, str]:
    """Return the prefixes whose namespace occurs, so that a description is not headed by a vocabulary list."""
    namespaces: set[str] = set()
    for item in triples:
        for term in (item.subject, item.predicate, item.object):
            if isinstance(term, NamedNode):
                name = term.value
            elif isinstance(term, StoreLiteral):
                name = term.datatype.value
            else:
                continue
            namespaces.add(name[: max(name.rfind("/"), name.rfind("#")) + 1])
    return {prefix: namespace for prefix, namespace in sorted(prefixes.items()) if namespace in namespaces}


def quads_of(triples: Iterable[Triple], graph: str) -> Iterator[Quad]:
    """Yield the triples as quads of a named graph."""
    for item in triples:
        yield Quad(item.subject, item.predicate, item.object, NamedNode(graph))
