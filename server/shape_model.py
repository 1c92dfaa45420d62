"""SHACL shapes as plain data: what a Turtle file of shapes says, read once, before any query is made of it.

Covers SHACL core (W3C Recommendation 2017, sections 2 to 4). What lies outside it, such as SHACL-SPARQL, is refused
with ShapeError, so that no constraint is ever skipped in silence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from rdflib import RDF, RDFS, BNode, Graph, Literal, URIRef
from rdflib.namespace import SH
from rdflib.term import Node

# Parameters of the core constraint components that take a single term or number.
_SIMPLE = (
    "class", "datatype", "nodeKind", "minCount", "maxCount", "minExclusive", "minInclusive", "maxExclusive",
    "maxInclusive", "minLength", "maxLength", "equals", "disjoint", "lessThan", "lessThanOrEquals", "hasValue",
)  # fmt: skip
_NESTED = ("not", "node")
_LISTS = ("and", "or", "xone")
_TARGETS = ("targetClass", "targetNode", "targetSubjectsOf", "targetObjectsOf")
# What a shape may say besides constraints.
_OTHER = frozenset(
    """path property severity message deactivated flags name description order group defaultValue pattern closed
    ignoredProperties in languageIn uniqueLang qualifiedValueShape qualifiedMinCount qualifiedMaxCount
    qualifiedValueShapesDisjoint""".split()
)
_KNOWN = frozenset((*_SIMPLE, *_NESTED, *_LISTS, *_TARGETS)) | _OTHER
_PATHS = {
    "inversePath": ("^", ""),
    "zeroOrMorePath": ("", "*"),
    "oneOrMorePath": ("", "+"),
    "zeroOrOnePath": ("", "?"),
}
_DEEPEST = 12


class ShapeError(Exception):
    """A file of shapes says something that cannot be checked: which shape, and what."""


@dataclass(frozen=True, slots=True)
class Path:
    """A property path: as SPARQL writes it, and the property when it is a single one."""

    text: str
    property: str = ""


@dataclass(frozen=True)
class Constraint:
    """One constraint of a shape: the name of its component (`MinCount`), and its parameter."""

    component: str
    value: Any


@dataclass
class Shape:
    """A node shape (without a path) or a property shape."""

    id: str
    path: Path | None = None
    targets: list[tuple[str, str]] = field(default_factory=list)  # kind of target, and the term as SPARQL writes it
    constraints: list[Constraint] = field(default_factory=list)
    properties: list[Shape] = field(default_factory=list)
    severity: str = "Violation"
    messages: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Qualified:
    """The parameter of a qualified value shape: the shape, how many, and the siblings it must not overlap."""

    shape: Shape
    number: int
    siblings: tuple[Shape, ...] = ()


def read_shapes(turtle: str, base: str) -> list[Shape]:
    """Return the shapes of a Turtle text that have targets; raise ShapeError for what is not SHACL core."""
    graph = Graph()
    graph.parse(data=turtle, format="turtle", publicID=base)
    return shapes_of(graph)


def shapes_of(graph: Graph) -> list[Shape]:
    """Return the shapes of a graph that have targets, by their names; raise ShapeError for what is not SHACL core."""
    found = {
        node for name in _TARGETS for node in graph.subjects(SH[name], None)
    } | {
        node for kind in (SH.NodeShape, SH.PropertyShape) for node in graph.subjects(RDF.type, kind)
        if (node, RDF.type, RDFS.Class) in graph
    }  # fmt: skip
    reader = _Reader(graph)
    return [shape for node in sorted(found, key=str) if (shape := reader.shape(node)) is not None]


class _Reader:
    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    def shape(self, node: Node, depth: int = 0, sibling: bool = True) -> Shape | None:
        """Return the shape at a node, None when it is switched off (SHACL 2.1.3.3)."""
        if depth > _DEEPEST:
            raise ShapeError(f"{node}: shapes within shapes go too deep; recursive shapes are not checked.")
        graph = self._graph
        if self._truth(node, "deactivated"):
            return None
        self._refuse(node)
        path = graph.value(node, SH.path)
        shape = Shape(
            str(node),
            self._path(path) if path is not None else None,
            list(self._targets(node)),
            severity=str(graph.value(node, SH.severity) or SH.Violation).rpartition("#")[2],
            messages={text.language or "": str(text) for text in graph.objects(node, SH.message)
                      if isinstance(text, Literal)},
        )  # fmt: skip
        shape.constraints = list(self._constraints(node, depth, sibling))
        for inner in sorted(graph.objects(node, SH.property), key=lambda inner: self._order(inner)):
            nested = self.shape(inner, depth + 1)
            if nested is not None:
                shape.properties.append(nested)
        return shape

    def _order(self, node: Node) -> tuple[str, str]:
        return str(self._graph.value(node, SH.path)), str(node)

    def _refuse(self, node: Node) -> None:
        for predicate in self._graph.predicates(node, None):
            name = str(predicate).removeprefix(str(SH))
            if name != str(predicate) and name not in _KNOWN:
                raise ShapeError(f"{node}: sh:{name} is not part of SHACL core.")

    def _targets(self, node: Node) -> Iterator[tuple[str, str]]:
        for kind in _TARGETS:
            for target in self._graph.objects(node, SH[kind]):
                yield kind, self._term(target)
        if isinstance(node, URIRef) and (node, RDF.type, RDFS.Class) in self._graph:
            yield "targetClass", node.n3()

    def _constraints(self, node: Node, depth: int, sibling: bool) -> Iterator[Constraint]:
        graph = self._graph
        for name in _SIMPLE:
            for value in sorted(graph.objects(node, SH[name]), key=str):
                yield Constraint(_component(name), int(str(value)) if name.endswith("Count") else self._term(value))
        for value in graph.objects(node, SH.pattern):
            yield Constraint("Pattern", (str(value), str(graph.value(node, SH.flags) or "")))
        for name in ("in", "languageIn"):
            for head in graph.objects(node, SH[name]):
                yield Constraint(_component(name), tuple(self._term(item) for item in graph.items(head)))
        if self._truth(node, "uniqueLang"):
            yield Constraint("UniqueLang", True)
        if self._truth(node, "closed"):
            yield Constraint("Closed", self._allowed(node))
        for name in _NESTED:
            for inner in graph.objects(node, SH[name]):
                yield Constraint(_component(name), self._inner(inner, depth))
        for name in _LISTS:
            for head in graph.objects(node, SH[name]):
                yield Constraint(_component(name), tuple(self._inner(item, depth) for item in graph.items(head)))
        if sibling:
            yield from self._qualified(node, depth)

    def _qualified(self, node: Node, depth: int) -> Iterator[Constraint]:
        graph = self._graph
        for value in graph.objects(node, SH.qualifiedValueShape):
            siblings = tuple(self._siblings(node, value, depth))
            for name in ("qualifiedMinCount", "qualifiedMaxCount"):
                number = graph.value(node, SH[name])
                if number is not None:
                    yield Constraint(_component(name), Qualified(self._inner(value, depth), int(str(number)), siblings))

    def _siblings(self, node: Node, own: Node, depth: int) -> Iterator[Shape]:
        """Yield the qualified shapes of the other properties of the same parents (SHACL 4.7.3)."""
        if not self._truth(node, "qualifiedValueShapesDisjoint"):
            return
        for parent in self._graph.subjects(SH.property, node):
            for other in self._graph.objects(parent, SH.property):
                for value in self._graph.objects(other, SH.qualifiedValueShape):
                    if value != own:
                        yield self._inner(value, depth)

    def _inner(self, node: Node, depth: int) -> Shape:
        return self.shape(node, depth + 1) or Shape(str(node))

    def _allowed(self, node: Node) -> tuple[str, ...]:
        graph = self._graph
        ignored = [item for head in graph.objects(node, SH.ignoredProperties) for item in graph.items(head)]
        paths = [graph.value(inner, SH.path) for inner in graph.objects(node, SH.property)]
        return tuple(sorted(term.n3() for term in (*ignored, *paths) if isinstance(term, URIRef)))

    def _truth(self, node: Node, name: str) -> bool:
        return str(self._graph.value(node, SH[name]) or "").lower() in ("true", "1")

    def _path(self, node: Node) -> Path:
        if isinstance(node, URIRef):
            return Path(node.n3(), str(node))
        return Path(self._path_text(node))

    def _path_text(self, node: Node) -> str:
        """Return a SHACL path (2.3.1) as SPARQL writes it."""
        graph = self._graph
        if isinstance(node, URIRef):
            return node.n3()
        if graph.value(node, RDF.first) is not None:
            return "(" + "/".join(self._path_text(item) for item in graph.items(node)) + ")"
        for name, (before, after) in _PATHS.items():
            inner = graph.value(node, SH[name])
            if inner is not None:
                return f"({before}{self._path_text(inner)}{after})"
        either = graph.value(node, SH.alternativePath)
        if either is not None:
            return "(" + "|".join(self._path_text(item) for item in graph.items(either)) + ")"
        raise ShapeError(f"{node}: the path cannot be read.")

    def _term(self, term: Node) -> str:
        if isinstance(term, BNode):
            raise ShapeError("A blank node stands where SHACL compares values; no value can ever equal it.")
        if isinstance(term, Literal):
            # rdflib would write numbers bare; the datatype decides what equals what.
            text = Literal(str(term), lang=term.language).n3()
            return f"{text}^^{term.datatype.n3()}" if term.datatype else text
        assert isinstance(term, URIRef)
        return term.n3()


def _component(name: str) -> str:
    return name[0].upper() + name[1:]
