"""Catalogues of others: every dataset with its own address, whatever form they come in."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import rdflib
from rdflib.namespace import DCAT, DCTERMS, RDF

from loaders.catalog_records import cut
from loaders.catalogs import parse_catalog
from loaders.errors import SourceError

SHARED = Path(os.environ.get("TORG_SHARED", Path(__file__).resolve().parents[3] / "shared")) / "data" / "dcat-catalogs"
BASE = "https://katalog.example/api/3/action/package_search"
XML = """<?xml version="1.0"?>{doctype}
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:dcat="http://www.w3.org/ns/dcat#"
         xmlns:dcterms="http://purl.org/dc/terms/" xmlns:vcard="http://www.w3.org/2006/vcard/ns#">
  <dcat:Dataset rdf:about="https://a.example/skolor">
    <dcterms:title xml:lang="sv">Skolor</dcterms:title><dcterms:title xml:lang="en">Schools</dcterms:title>
    <dcat:contactPoint><vcard:Organization><vcard:fn>Kansliet</vcard:fn></vcard:Organization></dcat:contactPoint>
    <dcat:distribution><dcat:Distribution rdf:about="https://a.example/skolor/csv">
      <dcterms:license rdf:resource="http://creativecommons.org/publicdomain/zero/1.0/"/></dcat:Distribution>
    </dcat:distribution>
    <dcterms:relation rdf:resource="https://a.example/lekplatser"/>
  </dcat:Dataset>
  <dcat:Dataset rdf:about="https://a.example/lekplatser"><dcterms:title>Lekplatser</dcterms:title></dcat:Dataset>
</rdf:RDF>"""


def package(**changes: Any) -> dict[str, Any]:
    return {
        "id": "42", "title": "Skolor", "notes": 'Alla "skolor"\nhär', "metadata_modified": "2026-01-31T10:00:00.1",
        "license_url": "http://creativecommons.org/publicdomain/zero/1.0/", "maintainer": "Eva Ek",
        "maintainer_email": "data@granby.example", "organization": {"id": "7", "title": "Granby kommun"},
        "tags": [{"name": "skola"}], "extras": [{"key": "language", "value": "sv"}],
        "resources": [{"id": "9", "url": "https://granby.example/skolor.csv", "format": "CSV", "size": 1200}],
    } | changes  # fmt: skip


def ckan(*packages: dict[str, Any]) -> bytes:
    return json.dumps({"success": True, "result": {"count": 99, "results": list(packages)}}).encode()


def graph_of(lines: tuple[str, ...]) -> rdflib.Graph:
    return rdflib.Graph().parse(data="".join(lines), format="nt")


def test_rdf_xml_keeps_addresses_and_names_blank_nodes_by_content() -> None:
    catalog = parse_catalog(XML.format(doctype="").encode(), "a.rdf", "https://a.example/")
    assert [record.iri for record in catalog.records] == ["https://a.example/lekplatser", "https://a.example/skolor"]
    schools = catalog.records[1]
    assert schools.title == {"sv": "Skolor", "en": "Schools"} and schools.kind == "Dataset"
    assert schools.license == ("http://creativecommons.org/publicdomain/zero/1.0/",)
    graph = graph_of(schools.lines)
    assert "Kansliet" in "".join(schools.lines) and "Lekplatser" not in "".join(schools.lines)
    assert not [node for triple in graph for node in triple if isinstance(node, rdflib.BNode)]
    again = parse_catalog(XML.format(doctype="<!-- ny -->").encode("utf-16"), "a.rdf", "https://a.example/")
    assert again.records[1].lines == schools.lines


def test_ckan_packages_become_dcat() -> None:
    own = package(id="43", extras=[{"key": "uri", "value": "https://granby.example/id/skolor"}])
    catalog = parse_catalog(ckan(package(), own), "ckan.json", BASE)
    assert catalog.total == 99
    assert [record.iri for record in catalog.records] == [
        "https://granby.example/id/skolor", "https://katalog.example/dataset/42",
    ]  # fmt: skip
    record = catalog.records[1]
    assert record.publisher_name == "Granby kommun" and record.modified == "2026-01-31T10:00:00.1"
    graph = graph_of(record.lines)
    dataset = rdflib.URIRef(record.iri)
    assert graph.value(dataset, DCTERMS.description) == rdflib.Literal('Alla "skolor"\nhär', lang="sv")
    distribution = graph.value(dataset, DCAT.distribution)
    assert (distribution, DCAT.accessURL, rdflib.URIRef("https://granby.example/skolor.csv")) in graph
    # The function's address comes along, the person's name does not.
    assert "data@granby.example" in "".join(record.lines) and "Eva" not in "".join(record.lines)


def test_addresses_that_cannot_be_written_are_left_out() -> None:
    record = parse_catalog(ckan(package(url="javascript:alert(1)", license_url="http://x y> <z")), "c", BASE).records[0]
    assert "javascript" not in "".join(record.lines) and len(graph_of(record.lines)) == len(record.lines)


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (XML.format(doctype='<!DOCTYPE r [<!ENTITY e "x">]>').encode(), "source.doctype"),
        (XML.format(doctype='<!DOCTYPE r SYSTEM "http://x.example/d">').encode("utf-16"), "source.doctype"),
        (XML.format(doctype="").encode()[:500], "source.broken-xml"),
        (b"@prefix a: <b> . a:b a:c", "source.not-rdf"),
        (b"<html><body>Logga in</body></html>", "source.not-rdf"),
        (b'{"result": 3}', "source.not-a-catalog"),
        (b'{"resource": {"children": [{"info": 1}]}}', "source.not-a-catalog"),
        (b'{"success": true, "result": {"results": [{"title": "utan id"}]}}', "source.not-a-catalog"),
        (b'{"success": ' + b"[" * 100_000, "source.broken-json"),
        (b"[" * 5000 + b" .", "source.not-rdf"),
    ],
)
def test_hostile_and_broken_answers(data: bytes, rule: str) -> None:
    with pytest.raises(SourceError) as error:
        parse_catalog(data, "katalog", BASE)
    assert error.value.finding.rule == rule


@pytest.mark.parametrize(
    ("name", "count"),
    [("sambruk-open-meal.rdf", 3), ("sambruk-open-accounts-payable.rdf", 1), ("it-unibo.rdf", None),
     ("vgr-entrystore-search.json", 3)],
)  # fmt: skip
def test_real_catalogues(name: str, count: int | None) -> None:
    path = SHARED / name
    if not path.exists():
        pytest.skip("the publishers' files are not here (TORG_SHARED names their folder)")
    catalog = parse_catalog(path.read_bytes(), name, f"https://{name}/")
    assert catalog.records and (count is None or len(catalog.records) == count)
    for record in catalog.records:
        graph = graph_of(record.lines)
        assert (rdflib.URIRef(record.iri), RDF.type, DCAT[record.kind]) in graph
        assert record.title
        assert len(graph) == len(record.lines)


def test_an_entrystore_search_keeps_what_the_publisher_wrote() -> None:
    value = {"type": "literal", "value": "2026-06-26T11:45:23Z", "datatype": "http://www.w3.org/2001/XMLSchema#date"}
    dcterms, rdf = "http://purl.org/dc/terms/", "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
    kind = {"type": "uri", "value": "http://www.w3.org/ns/dcat#Dataset"}
    said = {
        f"{rdf}type": [kind],
        f"{dcterms}modified": [value],
        f"{dcterms}publisher": [{"type": "bnode", "value": "_:p"}],
    }
    answer = {
        "results": 1,
        "resource": {"children": [{"metadata": {
            "https://a.example/1": said,
            "_:p": {"http://xmlns.com/foaf/0.1/name": [{"type": "literal", "value": "Granby", "lang": "sv"}]},
        }}]},
    }  # fmt: skip
    catalog = parse_catalog(json.dumps(answer).encode(), "search", "https://a.example/store/search")
    record = catalog.records[0]
    assert catalog.total == 1 and record.iri == "https://a.example/1" and record.publisher_name == "Granby"
    assert record.modified == "2026-06-26T11:45:23Z" and "_:p" not in "".join(record.lines)


def test_json_ld_and_what_cannot_be_kept() -> None:
    said = {
        "@graph": [
            {"@id": "https://a.example/1", "@type": str(DCAT.Dataset),
             str(DCTERMS.title): {"@value": "Ett", "@language": "sv"},
             str(DCAT.landingPage): {"@id": "https://a.example/en sida"}},
            {"@type": str(DCAT.Dataset), str(DCTERMS.title): "Utan adress"},
        ]
    }  # fmt: skip
    catalog = parse_catalog(json.dumps(said).encode(), "k.jsonld", BASE)
    assert catalog.form == "jsonld" and [record.title for record in catalog.records] == [{"sv": "Ett"}]
    assert catalog.found.faults["blank-dataset"] == 1 and "en sida" not in "".join(catalog.records[0].lines)


def test_a_language_that_is_none_is_left_out_and_told() -> None:
    dcat, title = str(DCAT.Dataset), str(DCTERMS.title)
    statements = [
        ("<https://a.example/1>", str(RDF.type), f"<{dcat}>"), ("<https://a.example/1>", title, '"Ett"@sv_SE'),
    ]  # fmt: skip
    found = cut(statements, "urn:x:")
    assert found.faults == {"broken-language": 1} and any('"Ett" .' in line for line in found.records[0].lines)
