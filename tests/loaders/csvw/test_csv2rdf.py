"""Conversion to RDF: what standard and minimal mode say of tables, rows and cells."""

from __future__ import annotations

from typing import Any

import pytest
from rdflib.compare import isomorphic

from tests.loaders.csvw.conftest import BASE

XSD = "http://www.w3.org/2001/XMLSchema#"
US_DATE = {"base": "date", "format": "M/d/yyyy"}
BAD_DATE = {"base": "date", "format": "nonsense"}
YES_NO = {"base": "boolean", "format": "J|N"}
BAD_YES_NO = {"base": "boolean", "format": "JN"}
OWN = {"base": "string", "@id": "https://orebro.se/kod"}
EVERY = "http://x.se/{+v}/{_row}/{_sourceRow}/{_name}"
DECIMAL, DATE = f"^^<{XSD}decimal>", f"^^<{XSD}date>"


def test_a_table_without_metadata_is_described_by_its_header(site, turtle) -> None:
    iri = site.put("t.csv", "id,On Street\n1,Storgatan\n")
    expected = turtle(
        """[ a csvw:TableGroup ; csvw:table [ a csvw:Table ; csvw:url <t.csv> ; csvw:row [ a csvw:Row ;
           csvw:rownum 1 ; csvw:url <t.csv#row=2> ; csvw:describes [ :id "1" ; :On%20Street "Storgatan" ] ] ] ] ."""
    )
    assert isomorphic(site.graph(iri), expected)
    assert not site.warnings


def test_common_properties_notes_titles_and_identifiers(site, turtle) -> None:
    iri = site.describe(
        "kod,namn\n1,Vasa\n",
        **{
            "@context": ["http://www.w3.org/ns/csvw", {"@language": "sv"}],
            "@id": "https://data.orebro.se/skolor",
            "dc:title": "Skolor",
            "dc:license": {"@id": "http://creativecommons.org/publicdomain/zero/1.0/"},
            "dc:issued": {"@value": "2025-01-01", "@type": "xsd:date"},
            "schema:offers": {"@type": "schema:Offer", "schema:price": 0, "schema:isNew": True},
            "notes": [{"@id": "https://data.orebro.se/anm", "rdfs:label": ["ett", "två"]}],
            "tableSchema": {"columns": [{"titles": "kod"}, {"titles": "namn"}], "rowTitles": []},
        },
    )
    graph = site.graph(iri)
    expected = turtle(
        """[ a csvw:TableGroup ; csvw:table <https://data.orebro.se/skolor> ] .
        <https://data.orebro.se/skolor> a csvw:Table ; csvw:url <t.csv> ; dc:title "Skolor"@sv ;
          dc:license <http://creativecommons.org/publicdomain/zero/1.0/> ; dc:issued "2025-01-01"^^xsd:date ;
          schema:offers [ a schema:Offer ; schema:price 0 ; schema:isNew true ] ;
          csvw:note <https://data.orebro.se/anm> ;
          csvw:row [ a csvw:Row ; csvw:rownum 1 ; csvw:url <t.csv#row=2> ;
            csvw:describes [ :kod "1" ; :namn "Vasa" ] ] .
        <https://data.orebro.se/anm> rdfs:label "ett"@sv, "två"@sv ."""
    )
    assert isomorphic(graph, expected), graph.serialize()


def test_several_subjects_virtual_columns_and_row_titles(site, turtle) -> None:
    iri = site.describe(
        "namn,plats\nMarknad,Torget\n",
        tableSchema={
            "rowTitles": "namn",
            "columns": [
                {"name": "namn", "titles": "namn", "aboutUrl": "#event-{_row}", "propertyUrl": "schema:name"},
                {"name": "plats", "titles": "plats", "aboutUrl": "#place-{_row}", "propertyUrl": "schema:name"},
                {
                    "name": "typ", "virtual": True, "aboutUrl": "#event-{_row}", "propertyUrl": "rdf:type",
                    "valueUrl": "schema:Event",
                },
                {
                    "name": "var", "virtual": True, "aboutUrl": "#event-{_row}", "propertyUrl": "schema:location",
                    "valueUrl": "#place-{_row}",
                },
            ],
        },
    )  # fmt: skip
    expected = turtle(
        """[ a csvw:TableGroup ; csvw:table [ a csvw:Table ; csvw:url <t.csv> ; csvw:row [ a csvw:Row ;
             csvw:title "Marknad" ; csvw:rownum 1 ; csvw:url <t.csv#row=2> ;
             csvw:describes :event-1, :place-1 ] ] ] .
           :event-1 a schema:Event ; schema:name "Marknad" ; schema:location :place-1 .
           :place-1 schema:name "Torget" ."""
    )
    assert isomorphic(site.graph(iri), expected)


def test_ordered_lists_are_rdf_lists(site, turtle) -> None:
    column = {"name": "v", "titles": "v", "separator": ";", "ordered": True, "datatype": "integer"}
    iri = site.describe("v\n3; 1;2\n", tableSchema={"columns": [column], "aboutUrl": "#r"})
    assert isomorphic(site.graph(iri, minimal=True), turtle(":r :v (3 1 2) ."))


@pytest.mark.parametrize(
    ("described", "text", "expected"),
    [
        pytest.param({}, "a", ['"a"'], id="string"),
        pytest.param({"lang": "sv"}, "a", ['"a"@sv'], id="language"),
        pytest.param({"null": "-"}, "-", [], id="null"),
        pytest.param({"null": ["-", "NULL"]}, "NULL", [], id="nulls"),
        pytest.param({"null": "-"}, "", ['""'], id="empty-is-not-null"),
        pytest.param({"default": "x"}, "", ['"x"'], id="default"),
        pytest.param({"separator": ";"}, "a;b", ['"a"', '"b"'], id="list"),
        pytest.param({"separator": ";"}, "", [], id="empty-list"),
        pytest.param({"separator": ";", "null": ["", "b"]}, "a;b;;c", ['"a"', '"c"'], id="nulls-in-list"),
        pytest.param({"datatype": "decimal"}, "1,234.50", [f'"1234.50"{DECIMAL}'], id="implicit-group"),
        pytest.param({"datatype": "decimal"}, "1,,2", ['"1,,2"'], id="repeated-group-is-a-string"),
        pytest.param({"datatype": "decimal"}, "50%", [f'"0.5"{DECIMAL}'], id="percent"),
        pytest.param({"datatype": "decimal"}, "1E3", ['"1E3"'], id="no-exponent-in-decimal"),
        pytest.param({"datatype": "number"}, "1E3", [f'"1E3"^^<{XSD}double>'], id="number-is-double"),
        pytest.param({"datatype": "any"}, "x", [f'"x"^^<{XSD}anyAtomicType>'], id="any"),
        pytest.param({"datatype": "integer"}, " 7 ", [f'"7"^^<{XSD}integer>'], id="trimmed"),
        pytest.param({"datatype": "byte"}, "128", ['"128"'], id="byte-range"),
        pytest.param({"datatype": US_DATE}, "6/2/2010", [f'"2010-06-02"{DATE}'], id="us"),
        pytest.param({"datatype": BAD_DATE}, "2010-06-02", [f'"2010-06-02"{DATE}'], id="bad-format"),
        pytest.param({"datatype": YES_NO}, "N", [f'"false"^^<{XSD}boolean>'], id="boolean"),
        pytest.param({"datatype": BAD_YES_NO}, "1", [f'"true"^^<{XSD}boolean>'], id="bad-boolean"),
        pytest.param({"datatype": "json"}, "[1]", ['"[1]"^^<http://www.w3.org/ns/csvw#JSON>'], id="json"),
        pytest.param({"datatype": OWN}, "a", ['"a"^^<https://orebro.se/kod>'], id="own"),
        pytest.param({"datatype": {"base": "string", "format": "^[a-z]+$"}}, "A", ['"A"'], id="pattern-breach"),
        pytest.param({"datatype": {"base": "integer", "minimum": 5}}, "4", ['"4"'], id="minimum-breach"),
        pytest.param({"valueUrl": "#x-{v}"}, "å", [f"<{BASE}t.csv#x-%C3%A5>"], id="value-url"),
        pytest.param({"valueUrl": EVERY}, "a/b", ["<http://x.se/a/b/1/2/v>"], id="variables"),
        pytest.param({"valueUrl": "http://x.se/{v}{?saknas}"}, "a", ["<http://x.se/a>"], id="unknown-variable"),
        pytest.param({"suppressOutput": True}, "a", [], id="suppressed"),
    ],
)  # fmt: skip
def test_value_of_a_cell(site, described: dict[str, Any], text: str, expected: list[str]) -> None:
    iri = site.describe(f'v\n"{text}"\n', tableSchema={"columns": [{"name": "v", "titles": "v", **described}]})
    assert site.cells(iri).get("v", []) == expected
    slow = [line.removesuffix(" .\n").split(" ", 2)[2] for line in site.lines(iri) if "t.csv#v>" in line]
    assert slow == expected


def test_inherited_properties_come_down_and_the_nearest_wins(site) -> None:
    site.put("t.csv", "a,b\n1,2\n")
    columns = [{"name": "a", "titles": "a"}, {"name": "b", "titles": "b", "lang": "en"}]
    table = {"url": "t.csv", "tableSchema": {"columns": columns, "propertyUrl": "schema:{_name}"}}
    iri = site.put("g.json", {"@context": "http://www.w3.org/ns/csvw", "lang": "sv", "tables": [table]})
    assert sorted(line.split(" ", 1)[1] for line in site.lines(iri, minimal=True)) == [
        '<http://schema.org/a> "1"@sv .\n',
        '<http://schema.org/b> "2"@en .\n',
    ]


def test_a_table_wider_than_its_description_is_warned_about(site) -> None:
    iri = site.describe("a,b\n1,2\n", tableSchema={"columns": [{"titles": "a"}]})
    assert site.cells(iri) == {"a": ['"1"'], "_col.2": ['"2"']}
    assert len(site.warnings) == 1


def test_a_suppressed_table_is_left_out(site) -> None:
    site.put("t.csv", "a\n1\n")
    site.put("u.csv", "a\n2\n")
    tables = [{"url": "t.csv", "suppressOutput": True}, {"url": "u.csv"}]
    iri = site.put("g.json", {"@context": "http://www.w3.org/ns/csvw", "tables": tables})
    text = "".join(site.lines(iri))
    assert "u.csv#a" in text
    assert "t.csv" not in text


def test_provenance_names_what_was_used(site) -> None:
    iri = site.describe("a\n1\n")
    text = "".join(site.lines(iri, provenance=True))
    assert f"<http://www.w3.org/ns/prov#entity> <{BASE}t.csv>" in text
    assert f"<http://www.w3.org/ns/prov#entity> <{BASE}t.json>" in text


def test_names_are_encoded_titles(site) -> None:
    iri = site.put("t.csv", "HH:mm:ss.S,d-M,å\n1,2,3\n")
    assert set(site.cells(iri)) == {"HH%3Amm%3Ass.S", "d%2DM", "%C3%A5"}
