"""W3C's own tests of CSVW (csv2rdf and validation), run where they are at hand."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from rdflib import RDF, Graph, Namespace, URIRef
from rdflib.collection import Collection
from rdflib.compare import isomorphic

from loaders.csvw import CsvwError
from loaders.csvw.convert import convert, validate

BASE = "http://www.w3.org/2013/csvw/tests/"
SHARED = Path(os.environ.get("TORG_SHARED", Path(__file__).parents[4] / "shared"))
SUITE = SHARED / "w3c-csvw-tests"
CSVT = Namespace(BASE + "vocab#")
MF = Namespace("http://www.w3.org/2001/sw/DataAccess/tests/test-manifest#")


def entries(name: str) -> list[Any]:
    """The tests of a manifest whose files are here."""
    manifest = SUITE / name
    if not manifest.is_file():
        reason = "W3C's CSVW tests are not in the shared folder"
        return [pytest.param(None, id=name, marks=pytest.mark.skip(reason=reason))]
    graph = Graph().parse(manifest, format="turtle", publicID=BASE + name)
    found = []
    for start in graph.subjects(RDF.type, MF.Manifest):
        for test in Collection(graph, graph.value(start, MF.entries)):
            if local(str(graph.value(test, MF.action))).is_file():
                found.append(pytest.param((graph, test), id=str(test).rpartition("#")[2]))
    return found


def local(iri: str) -> Path:
    return SUITE / iri.removeprefix(BASE).partition("?")[0]


def options(graph: Graph, test: Any) -> dict[str, Any]:
    """What the test says the processor is given."""
    link = graph.value(test, CSVT.httpLink)
    option = graph.value(test, CSVT.option)
    metadata = graph.value(option, CSVT.metadata) if option is not None else None
    return {
        "metadata": str(metadata) if metadata is not None else None,
        "link": str(link) if link is not None else None,
        "base": BASE,
        "root": SUITE,
    }


@pytest.mark.parametrize("entry", entries("manifest-rdf.ttl"))
def test_csv2rdf(entry: tuple[Graph, URIRef]) -> None:
    manifest, test = entry
    kind = manifest.value(test, RDF.type)
    action = str(manifest.value(test, MF.action))
    option = manifest.value(test, CSVT.option)
    minimal = option is not None and str(manifest.value(option, CSVT.minimal)) == "true"
    if kind == CSVT.NegativeRdfTest:
        with pytest.raises(CsvwError):
            list(convert(action, provenance=False, minimal=minimal, **options(manifest, test)).lines())
        return
    conversion = convert(action, provenance=False, minimal=minimal, **options(manifest, test))
    found = Graph().parse(data="".join(conversion.lines()), format="nt")
    result = str(manifest.value(test, MF.result))
    expected = Graph().parse(local(result), format="turtle", publicID=result)
    assert isomorphic(found, expected), found.serialize(format="turtle")
    if kind == CSVT.ToRdfTestWithWarnings:
        assert conversion.warnings


@pytest.mark.parametrize("entry", entries("manifest-validation.ttl"))
def test_validation(entry: tuple[Graph, URIRef]) -> None:
    manifest, test = entry
    report = validate(str(manifest.value(test, MF.action)), **options(manifest, test))
    kind = manifest.value(test, RDF.type)
    assert report.valid == (kind != CSVT.NegativeValidationTest), report.errors
    if kind == CSVT.WarningValidationTest:
        assert report.warnings
    if kind == CSVT.PositiveValidationTest:
        assert not report.warnings
