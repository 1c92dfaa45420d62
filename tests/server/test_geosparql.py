"""docs/geosparql.md tells the truth: each function it lists gives the value it shows, each other is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from pyoxigraph import Store

from server.service_description import GEOSPARQL_FUNCTIONS

TEXT = (Path(__file__).parent.parent.parent / "docs" / "geosparql.md").read_text("utf-8")
PREFIXES = """
PREFIX geo: <http://www.opengis.net/ont/geosparql#>
PREFIX geof: <http://www.opengis.net/def/function/geosparql/>
PREFIX uom: <http://www.opengis.net/def/uom/OGC/1.0/>
"""
CRS84 = "<http://www.opengis.net/def/crs/OGC/1.3/CRS84> "
GEOMETRIES = dict(re.findall(r"^\| `\?(\w+)` \| `([^`]+)` \|$", TEXT, re.M))
EXAMPLES = re.findall(r"^\| `geof:(\w+)` \| `(geof:[^`]+)` \| `([^`]+)` \|", TEXT, re.M)
ABSENT = re.findall(r"`geof:(\w+)`", TEXT.split("## Functions that are not there")[1].split("Query rewriting")[0])
STORE = Store()


def value(call: str) -> str | None:
    given = " ".join(f'VALUES ?{name} {{ "{wkt}"^^geo:wktLiteral }}' for name, wkt in GEOMETRIES.items())
    ((found,),) = [tuple(row) for row in STORE.query(f"{PREFIXES} SELECT ({call} AS ?x) {{ {given} }}")]
    return None if found is None else found.value


def test_every_function_that_the_service_describes_is_shown():
    assert {name for name, _, _ in EXAMPLES} == set(GEOSPARQL_FUNCTIONS)


@pytest.mark.parametrize(("name", "call", "shown"), EXAMPLES, ids=[call for _, call, _ in EXAMPLES])
def test_a_function_gives_the_value_shown(name: str, call: str, shown: str) -> None:
    found = value(call)
    assert found is not None
    found = found.replace(CRS84, "")
    if re.fullmatch(r"-?[0-9.]+", shown):
        assert float(found) == pytest.approx(float(shown))
    elif "POLYGON" in shown:  # where a ring begins, and which way it goes, is not promised
        assert set(re.findall(r"[0-9.]+ [0-9.]+", found)) == set(re.findall(r"[0-9.]+ [0-9.]+", shown))
    else:
        assert found == shown


@pytest.mark.parametrize("name", ABSENT)
def test_a_function_that_is_not_there_is_refused_by_name(client: FlaskClient, name: str) -> None:
    query = f'{PREFIXES} SELECT (geof:{name}("POINT(14 61)"^^geo:wktLiteral) AS ?x) {{}}'
    response = client.get("/sparql", query_string={"query": query}, headers={"Accept": "text/csv"})
    assert response.status_code == 400
    assert name in response.get_data(as_text=True)


def test_what_cannot_be_computed_is_no_value():
    assert value("geof:distance(?school, ?west, uom:metre)") is None
    assert value("geof:distance(?school, ?home, uom:furlong)") is None
    assert value('geof:sfWithin("POINT(nowhere)"^^geo:wktLiteral, ?west)') is None
    assert (
        value('geof:sfWithin("<http://www.opengis.net/def/crs/EPSG/0/4326> POINT(61 14.6)"^^geo:wktLiteral, ?west)')
        is None
    )


def test_crs84_may_be_named_and_geojson_be_used():
    assert value(f'geof:sfWithin("{CRS84}POINT(14.6 61)"^^geo:wktLiteral, ?west)') == "true"
    point = '{\\"type\\": \\"Point\\", \\"coordinates\\": [14.6, 61]}'
    assert value(f'geof:sfWithin("{point}"^^geo:geoJSONLiteral, ?west)') == "true"


def test_the_published_places_have_wkt_beside_their_coordinates(client: FlaskClient) -> None:
    query = """
    PREFIX geo: <http://www.opengis.net/ont/geosparql#>
    PREFIX wgs84: <http://www.w3.org/2003/01/geo/wgs84_pos#>
    SELECT (COUNT(*) AS ?places) (SUM(IF(STR(?wkt) = CONCAT("POINT(", STR(?long), " ", STR(?lat), ")"), 1, 0)) AS ?same)
    { ?place geo:asWKT ?wkt ; wgs84:lat ?lat ; wgs84:long ?long FILTER(DATATYPE(?wkt) = geo:wktLiteral) }"""
    answer = client.get("/sparql", query_string={"query": query}, headers={"Accept": "text/csv"})
    places, same = answer.text.split()[1].split(",")
    assert int(places) >= 190 and places == same


def test_the_example_query_of_the_page_answers(client: FlaskClient) -> None:
    query = TEXT.split("```sparql\n")[1].split("```")[0]
    answer = client.get("/sparql", query_string={"query": query}, headers={"Accept": "text/csv"})
    assert answer.status_code == 200 and len(answer.text.splitlines()) > 2
