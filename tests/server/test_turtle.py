"""Turtle that is short where it can be, and says exactly what the N-Triples say."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyoxigraph import Literal, NamedNode, RdfFormat, Triple, parse

from server.turtle import Statement, TurtleWriter

PREFIXES = {"ex": "https://example.org/", "exa": "https://example.org/a/", "xsd": "http://www.w3.org/2001/XMLSchema#"}
XSD = PREFIXES["xsd"]
TYPE = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>"
WRITER = TurtleWriter(PREFIXES)


def read(turtle: bytes) -> set[str]:
    return {str(quad.triple) for quad in parse(turtle, format=RdfFormat.TURTLE)}


def test_it_reads_as_a_person_would_write_it() -> None:
    statements: list[Statement] = [
        ("<https://example.org/b>", "<https://example.org/size>", f'"3"^^<{XSD}integer>'),
        ("<https://example.org/b>", "<https://example.org/size>", f'"2.5"^^<{XSD}decimal>'),
        ("<https://example.org/b>", TYPE, "<https://example.org/a/Kind>"),
        ("<https://example.org/b>", "<https://example.org/day>", f'"2026-03-01"^^<{XSD}date>'),
        ("<https://example.org/c>", "<https://example.org/name>", '"Åsen"@sv'),
        ("<https://example.org/c>", "<https://example.org/name>", '"Åsen"@sv'),
        ("<https://other.example/x>", "<https://other.example/y>", "<https://example.org/b>"),
    ]
    assert WRITER.write(statements, "https://example.org/c").decode() == (
        "@prefix ex: <https://example.org/> .\n"
        "@prefix exa: <https://example.org/a/> .\n"
        f"@prefix xsd: <{XSD}> .\n"
        'ex:c ex:name "Åsen"@sv .\n'
        "ex:b a exa:Kind ;\n"
        '\tex:day "2026-03-01"^^xsd:date ;\n'
        "\tex:size 2.5 , 3 .\n"
        "<https://other.example/x> <https://other.example/y> ex:b .\n"
    )


@pytest.mark.parametrize("local", ["", "-a", "a.", ".a", "a b", "å", "a%20b", "a,b", "a~b", "a/b", "1", "a.b-c", "_x"])
def test_every_local_name_is_the_iri_it_was(local: str) -> None:
    name = f"<https://example.org/{local.replace(' ', '%20')}>"
    statement = (name, name, name)
    assert read(WRITER.write([statement])) == {" ".join(statement)}


@pytest.mark.parametrize("datatype", ["integer", "decimal", "double", "boolean", "date", "string"])
@pytest.mark.parametrize("lexical", ["1", "-1", "+1.5", ".5", "1.", "1e5", "1.5E-3", "INF", "true", "", "١", "a", "1 "])
def test_every_literal_keeps_its_lexical_form(lexical: str, datatype: str) -> None:
    term = str(Literal(lexical, datatype=NamedNode(XSD + datatype)))
    statement = ("<https://example.org/a>", "<https://example.org/b>", term)
    assert read(WRITER.write([statement])) == {" ".join(statement)}


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), st.sampled_from(["", "sv", XSD + "date"]))
@settings(max_examples=150, deadline=None)
def test_every_text_survives(content: str, kind: str) -> None:
    literal = (
        Literal(content, language=kind) if kind == "sv"
        else Literal(content, datatype=NamedNode(kind)) if kind
        else Literal(content)
    )  # fmt: skip
    item = Triple(NamedNode("https://example.org/a"), NamedNode("https://example.org/b"), literal)
    written = WRITER.write([(str(item.subject), str(item.predicate), str(item.object))])
    assert read(written) == {str(item)}


def test_nothing_is_an_empty_document() -> None:
    assert WRITER.write([]) == b""
