"""Shapes compiled to SPARQL find what pyshacl finds: on specifications, catalogues, concepts and every constraint."""

from __future__ import annotations

import io
from functools import cache

import pytest
from pyshacl import validate
from rdflib import SH, Graph, URIRef

import ontology
from server.shape_model import ShapeError, shapes_of
from server.shapes import loaded
from tests.ontology.catalog_faults import FAULTS, GOOD, PREFIXES
from tests.ontology.test_shapes import BROKEN_CONCEPTS, CONCEPTS, SERIES

BASE = "https://granby.example/"
Found = set[tuple[str, str, str, str]]


def ours(data: Graph, shapes: Graph) -> Found:
    """Return (node, property, component, severity) of every breach."""
    lines = io.BytesIO(data.serialize(format="nt").encode())
    with loaded([lines], len(data)) as store:
        return {
            (named(breach.node), breach.property, result.check.constraint.component,
             result.check.shape.severity)
            for result in store.results(shapes_of(shapes))
            for breach in result.breaches
        }  # fmt: skip


def referee(data: Graph, shapes: Graph) -> Found:
    """Return the same of pyshacl's report."""
    _, report, _ = validate(data, shacl_graph=shapes)
    assert isinstance(report, Graph)
    found = set()
    # Results within results (sh:detail) explain; they are not results of the report.
    for result in report.objects(None, SH.result):
        path = report.value(result, SH.resultPath)
        component = str(report.value(result, SH.sourceConstraintComponent)).rpartition("#")[2]
        severity = str(report.value(result, SH.resultSeverity)).rpartition("#")[2]
        found.add(
            (named(str(report.value(result, SH.focusNode))), str(path) if isinstance(path, URIRef) else "",
             component.removesuffix("ConstraintComponent"), severity)
        )  # fmt: skip
    return found


def named(node: str) -> str:
    """Return a node's IRI; blank nodes are called differently by either side."""
    return node if ":" in node[2:] else "_"


def same(data: Graph, shapes: Graph) -> Found:
    """Return what both found; they must agree."""
    mine = ours(data, shapes)
    assert mine == referee(data, shapes)
    return mine


def parsed(turtle: str, prefixes: str = PREFIXES) -> Graph:
    return Graph().parse(data=prefixes + turtle, format="turtle", publicID=BASE)


@cache
def metadata_shapes(name: str) -> Graph:
    return Graph().parse(data=ontology.shape_file(name).read_text("utf-8"), format="turtle", publicID=BASE)


def test_a_faultless_catalogue_passes() -> None:
    assert same(parsed(GOOD), metadata_shapes("dcat-ap-se")) == set()


@pytest.mark.parametrize(("old", "new"), [fault[:2] for fault in FAULTS.values()], ids=FAULTS)
def test_faults_of_catalogues(old: str, new: str) -> None:
    assert same(parsed(GOOD.replace(old, new, 1)), metadata_shapes("dcat-ap-se"))


def test_series_and_records() -> None:
    assert same(parsed(GOOD + SERIES + "<r> a dcat:CatalogRecord ."), metadata_shapes("dcat-ap-se"))


@pytest.mark.parametrize(("old", "new", "_"), BROKEN_CONCEPTS.values(), ids=BROKEN_CONCEPTS)
def test_faults_of_concepts(old: str, new: str, _: str) -> None:
    assert same(parsed(CONCEPTS.replace(old, new, 1)), metadata_shapes("skos"))


CORE = """
@prefix : <urn:x#> . @prefix sh: <http://www.w3.org/ns/shacl#> . @prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> . @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
"""
DATA = """
:a a :T ; :p 1 ; :q "ett"@sv, "one"@en ; :r :b .
:b a :T ; :p 2, 3 ; :q "två"@sv, "tu"@sv ; :r :c, _:blank ; :s 5 .
:c a :Sub ; :p "x" ; :q "tre" ; :r :d ; :s "1"^^xsd:integer .
:d a :Other ; :p "2026-01-01"^^xsd:date, "not"^^xsd:date ; :r "text" .
:e a :T ; :p 1.0, "1"^^xsd:integer, -4 ; :q "1", "lång text"@sv-SE ; :s 1, 2 ; :r :a, :b .
:f a :T ; :p "abc"^^xsd:integer, "NaN"^^xsd:double, true ; :q :a .
:Sub rdfs:subClassOf :T .
"""
CONSTRAINTS = {
    "min-count": "sh:path :p ; sh:minCount 2",
    "min-count-3": "sh:path :p ; sh:minCount 3",
    "max-count-0": "sh:path :s ; sh:maxCount 0",
    "max-count": "sh:path :p ; sh:maxCount 1",
    "max-count-2": "sh:path :p ; sh:maxCount 2 ; sh:severity sh:Info",
    "datatype-integer": "sh:path :p ; sh:datatype xsd:integer",
    "datatype-date": "sh:path :p ; sh:datatype xsd:date",
    "datatype-string": "sh:path :q ; sh:datatype xsd:string",
    "datatype-language": "sh:path :q ; sh:datatype rdf:langString",
    "class": "sh:path :r ; sh:class :T ; sh:severity sh:Warning",
    "node-kind-iri": "sh:path :r ; sh:nodeKind sh:IRI",
    "node-kind-blank": "sh:path :q ; sh:nodeKind sh:BlankNodeOrIRI",
    "node-kind-literal": "sh:path :r ; sh:nodeKind sh:IRIOrLiteral",
    "range": "sh:path :p ; sh:minInclusive 1 ; sh:maxExclusive 3",
    "range-exclusive": "sh:path :p ; sh:minExclusive 1 ; sh:maxInclusive 2",
    "length": "sh:path :q ; sh:minLength 2 ; sh:maxLength 3",
    "length-of-iri": "sh:path :r ; sh:maxLength 7",
    "pattern": 'sh:path :q ; sh:pattern "^T" ; sh:flags "i"',
    "pattern-escapes": r'sh:path :q ; sh:pattern "^\\w+$"',
    "pattern-of-any": 'sh:path :r ; sh:pattern "x#"',
    "languages": 'sh:path :q ; sh:languageIn ( "sv" "fi" )',
    "unique-language": "sh:path :q ; sh:uniqueLang true",
    "in": 'sh:path :p ; sh:in ( 1 2 "x" )',
    "has-value": "sh:path :r ; sh:hasValue :b",
    "has-literal": "sh:path :p ; sh:hasValue 1",
    "equals": "sh:path :p ; sh:equals :s",
    "disjoint": "sh:path :p ; sh:disjoint :s",
    "less-than": "sh:path :p ; sh:lessThan :s",
    "less-than-or-equals": "sh:path :p ; sh:lessThanOrEquals :s",
    "not": "sh:path :p ; sh:not [ sh:datatype xsd:integer ]",
    "and": "sh:path :p ; sh:and ( [ sh:datatype xsd:integer ] [ sh:minInclusive 1 ] )",
    "or": "sh:path :p ; sh:or ( [ sh:datatype xsd:date ] [ sh:minInclusive 1 ] )",
    "xone": "sh:path :p ; sh:xone ( [ sh:datatype xsd:integer ] [ sh:minInclusive 2 ] )",
    "node": "sh:path :r ; sh:node [ sh:property [ sh:path :p ; sh:minCount 2 ] ]",
    "node-of-node": "sh:path :r ; sh:node [ sh:class :T ; "
    "sh:property [ sh:path :r ; sh:node [ sh:nodeKind sh:IRI ] ] ]",
    "node-with-sets": "sh:path :r ; sh:node [ sh:property [ sh:path :q ; sh:uniqueLang true ; sh:maxCount 1 ] ]",
    "node-has-value": "sh:path :r ; sh:node [ sh:property [ sh:path :r ; sh:hasValue :b ] ]",
    "node-pairs": "sh:path :r ; sh:node [ sh:property [ sh:path :p ; sh:lessThan :s ; sh:disjoint :s ] ]",
    "node-equals": "sh:path :r ; sh:node [ sh:property [ sh:path :p ; sh:equals :s ] ]",
    "node-closed": "sh:path :r ; sh:node [ sh:closed true ; sh:ignoredProperties ( rdf:type :p :q :r ) ]",
    "nested-property": "sh:path :r ; sh:property [ sh:path :s ; sh:minCount 1 ]",
    "qualified-min": "sh:path :p ; sh:qualifiedValueShape [ sh:datatype xsd:integer ] ; sh:qualifiedMinCount 1",
    "qualified-max": "sh:path :p ; sh:qualifiedValueShape [ sh:datatype xsd:integer ] ; sh:qualifiedMaxCount 1",
    "deactivated": "sh:path :p ; sh:maxCount 0 ; sh:deactivated true",
    "deactivated-not": "sh:path :p ; sh:not [ sh:nodeKind sh:IRI ; sh:deactivated true ]",
}
PATHS = {
    "inverse": "[ sh:inversePath :r ]",
    "sequence": "( :r :r )",
    "sequence-of-inverse": "( [ sh:inversePath :r ] :p )",
    "alternative": "[ sh:alternativePath ( :p :s ) ]",
    "zero-or-more": "[ sh:zeroOrMorePath :r ]",
    "one-or-more": "[ sh:oneOrMorePath :r ]",
    "zero-or-one": "[ sh:zeroOrOnePath :r ]",
}
NODE_SHAPES = {
    "closed": ":n a sh:NodeShape ; sh:targetClass :T ; sh:closed true ; sh:ignoredProperties ( rdf:type ) ; "
    "sh:property [ sh:path :p ] , [ sh:path :q ] .",
    "node-kind-of-node": ":n a sh:NodeShape ; sh:targetObjectsOf :r ; sh:nodeKind sh:IRI ; sh:class :T .",
    "subjects": ":n a sh:NodeShape ; sh:targetSubjectsOf :s ; sh:property [ sh:path :p ; sh:maxCount 1 ] .",
    "one-node": ":n a sh:NodeShape ; sh:targetNode :b, :d ; sh:property [ sh:path :p ; sh:maxCount 1 ] .",
    "two-targets": ":n a sh:NodeShape ; sh:targetNode :d ; sh:targetClass :T ; "
    "sh:property [ sh:path :s ; sh:minCount 1 ] .",
    "implicit": ":T a sh:NodeShape, rdfs:Class ; sh:property [ sh:path :s ; sh:minCount 1 ] .",
    "property-shape": ":n a sh:PropertyShape ; sh:targetClass :T ; sh:path :s ; sh:minCount 1 .",
    "has-value-of-node": ":n a sh:NodeShape ; sh:targetClass :T ; sh:hasValue :a .",
    "or-of-nodes": ":n a sh:NodeShape ; sh:targetClass :T ; sh:or ( [ sh:property [ sh:path :s ; sh:minCount 1 ] ] "
    "[ sh:property [ sh:path :r ; sh:hasValue :b ] ] ) .",
    "xone-of-properties": ":n a sh:NodeShape ; sh:targetClass :T ; sh:xone ( [ sh:path :s ; sh:minCount 1 ] "
    "[ sh:path :p ; sh:minCount 2 ] ) .",
    "siblings": ":n a sh:NodeShape ; sh:targetClass :T ; sh:property "
    "[ sh:path :p ; sh:qualifiedValueShape [ sh:datatype xsd:integer ] ; sh:qualifiedMinCount 1 ; "
    "sh:qualifiedValueShapesDisjoint true ] , [ sh:path :p ; sh:qualifiedValueShape [ sh:minInclusive 2 ] ; "
    "sh:qualifiedMinCount 1 ; sh:qualifiedValueShapesDisjoint true ] .",
    "shared-by-name": ":n a sh:NodeShape ; sh:targetClass :T ; sh:property :m ; sh:node :o . "
    ":m a sh:PropertyShape ; sh:path :p ; sh:maxCount 1 . :o a sh:NodeShape ; sh:property :m .",
    "nobody": ":n a sh:NodeShape ; sh:targetClass :Nothing ; sh:property [ sh:path :p ; sh:minCount 1 ] .",
}  # fmt: skip


@pytest.mark.parametrize("constraint", CONSTRAINTS.values(), ids=CONSTRAINTS)
def test_each_constraint_of_core(constraint: str) -> None:
    shape = f":n a sh:NodeShape ; sh:targetClass :T ; sh:property [ {constraint} ] ."
    found = same(parsed(DATA, CORE), parsed(shape, CORE))
    assert bool(found) != ("deactivated true ; " in constraint or constraint.startswith("sh:path :p ; sh:maxCount 0"))


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
@pytest.mark.parametrize("constraint", ["sh:minCount 2", "sh:maxCount 1", "sh:datatype xsd:integer", "sh:class :T"])
def test_each_path_of_core(path: str, constraint: str) -> None:
    shape = f":n a sh:NodeShape ; sh:targetClass :T ; sh:property [ sh:path {path} ; {constraint} ] ."
    same(parsed(DATA, CORE), parsed(shape, CORE))


@pytest.mark.parametrize("shape", NODE_SHAPES.values(), ids=NODE_SHAPES)
def test_targets_and_node_shapes(shape: str) -> None:
    assert bool(same(parsed(DATA, CORE), parsed(shape, CORE))) != ("Nothing" in shape)


@pytest.mark.parametrize(
    "shape",
    [
        'sh:sparql [ sh:select "SELECT $this {}" ]',
        "sh:property [ sh:path [ :odd :p ] ; sh:minCount 1 ]",
        "sh:property [ sh:path :p ; sh:minCount 99 ]",
        "sh:property [ sh:path :p ; sh:in ( [ ] ) ]",
        "sh:node :n",
        "sh:minCount 1",
    ],
)
def test_what_is_not_core_is_refused_and_not_skipped(shape: str) -> None:
    with pytest.raises(ShapeError):
        ours(parsed(DATA, CORE), parsed(f":n a sh:NodeShape ; sh:targetClass :T ; {shape} .", CORE))
