"""Every RDF format carries the same graph, deterministically, over the whole starter region."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdflib import Graph
from rdflib.compare import isomorphic

import ontology
from server.errors import Problem
from server.formats import FORMATS, GRAPH_FORMATS, HTML, JSON_LD, RDF_XML, TURTLE, Format, RdfWriter, choose
from server.rdf_formats import parse_lines, text, triple

# rdflib warns of its own JSON-LD parser.
pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated")
BASE = "https://data.norrsjo.example/"
WRITER = RdfWriter(ontology.prefixes(BASE), ontology.context(BASE))
RDFLIB = {"text/turtle": "turtle", "application/ld+json": "json-ld", "application/rdf+xml": "xml"}


def parsed(body: bytes, format: Format) -> Graph:
    return Graph().parse(data=body, format=RDFLIB.get(format.media_type, "nt"))


def test_suffixes_are_registered() -> None:
    from server.uris import SUFFIXES

    assert set(FORMATS) <= set(SUFFIXES)


@pytest.mark.parametrize("format", GRAPH_FORMATS, ids=lambda format: format.suffix)
def test_every_graph_of_the_starter_survives_every_format(starter: Path, format: Format) -> None:
    dumps = sorted((starter / "data" / "generations" / "000001" / "dumps").rglob("*.nt.gz"))
    assert len(dumps) > 36
    # One graph of each kind and municipality is enough for one format; periods are alike.
    for dump in [dump for dump in dumps if "2026-02" not in dump.name][:: 1 if format is not JSON_LD else 4]:
        lines = gzip.open(dump, "rt", encoding="utf-8").read()
        body = WRITER.write(parse_lines([lines]), format)
        assert isomorphic(parsed(body, format), Graph().parse(data=lines, format="nt")), dump


@given(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")).filter(
        lambda s: all(c >= " " or c in "\t\n\r" for c in s)
    )
)
@settings(max_examples=150, deadline=None)
def test_every_text_survives_every_format(content: str) -> None:
    triples = [triple(BASE + "id/school/1", "https://schema.org/name", text(content, "sv"))]
    for format in GRAPH_FORMATS:
        if format is RDF_XML and any(char in "\ufffe\uffff" for char in content):
            continue  # not XML characters (XML 1.0, 2.2); refused when data is loaded
        (found,) = parsed(WRITER.write(triples, format), format).objects()
        assert str(found) == content


def test_carriage_returns_survive_xml() -> None:
    triples = [triple(BASE + "id/school/1", "https://schema.org/name", text("a\r\nb\rc"))]
    body = WRITER.write(triples, RDF_XML)
    assert b"\r" not in body
    assert str(next(iter(parsed(body, RDF_XML).objects()))) == "a\r\nb\rc"


def test_a_property_that_is_no_xml_name_is_refused_as_xml_only() -> None:
    triples = [triple(BASE + "id/school/1", "https://example.org/2026/1", text("x"))]
    with pytest.raises(Problem) as refused:
        WRITER.write(triples, RDF_XML)
    assert refused.value.status == 406
    assert "https://example.org/2026/1" in refused.value.detail
    assert len(parsed(WRITER.write(triples, TURTLE), TURTLE)) == 1


SCRIPT = """
import ontology
from server.formats import GRAPH_FORMATS, RdfWriter
from server.rdf_formats import parse_lines
import sys
writer = RdfWriter(ontology.prefixes("https://data.norrsjo.example/"), ontology.context("https://data.norrsjo.example/"))
triples = parse_lines(sys.stdin.read().splitlines(keepends=True))
for format in GRAPH_FORMATS:
    sys.stdout.buffer.write(writer.write(triples, format))
"""


def test_another_process_writes_the_same_bytes(starter: Path) -> None:
    lines = gzip.open(starter / "data/generations/000001/dumps/granby/skolor.nt.gz", "rb").read().splitlines(True)
    outputs = {
        subprocess.run([sys.executable, "-c", SCRIPT], input=b"".join(order), stdout=subprocess.PIPE, check=True).stdout
        for order in (lines[:60], lines[:60][::-1])
    }
    assert len(outputs) == 1


def test_json_ld_is_compact_with_only_the_context_it_needs() -> None:
    import json

    lines = [f'<{BASE}id/dataset/a/b> <http://purl.org/dc/terms/title> "Skolor"@sv .\n']
    document = json.loads(WRITER.write(parse_lines(lines), JSON_LD))
    assert document["@graph"] == [{"@id": BASE + "id/dataset/a/b", "title": {"sv": "Skolor"}}]
    assert set(document["@context"]) == {"@version", "dcterms", "title"}


@pytest.mark.parametrize(
    ("accept", "asked", "chosen"),
    [
        ("text/turtle", None, TURTLE),
        ("text/turtle", "html", HTML),
        ("text/html", "application/ld+json", JSON_LD),
        ("text/turtle", "docx", None),
        ("image/png", None, None),
    ],
)
def test_what_is_asked_for_by_name_wins(accept: str, asked: str | None, chosen: Format | None) -> None:
    assert choose(accept, (HTML, *GRAPH_FORMATS), asked) is chosen
