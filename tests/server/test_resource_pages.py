"""Pages about things: groups from the ontology, the place, the technical view, and data that tries to break them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import html5lib
import pytest
from flask.testing import FlaskClient

from loaders.errors import DescriptionError
from server import create_app
from server.page_groups import read_grouping
from server.places import mini_map, place_of, read_border
from server.settings import read_settings
from server.site import read_site

CHROME = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
GEO = "http://www.w3.org/2003/01/geo/wgs84_pos#"
BASE = "https://data.norrsjo.example/"
LONG = "Åäö lång " * 1_200
HOSTILE = f"""
@base <https://data.asen.example/> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix schema: <https://schema.org/> .
@prefix geo: <{GEO}> .
@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
<def/hostile> a skos:ConceptScheme ; skos:prefLabel "Prov"@sv, "Trial"@en .
<def/hostile/long> a skos:Concept ; skos:inScheme <def/hostile> ; skos:notation "long" ; skos:prefLabel "{LONG}"@sv ;
    skos:definition "{LONG}"@sv ; skos:example "{LONG}"@sv .
<def/hostile/markup> a skos:Concept ; skos:inScheme <def/hostile> ; skos:notation "markup" ;
    skos:prefLabel "<script>alert(1)</script></title><img src=x onerror=alert(2)>"@sv ;
    skos:definition "</script><script>alert(3)</script>"@sv ;
    skos:example "<p onclick=\\"x()\\">Fet <b>stil</b><script>alert(4)</script></p>"^^rdf:HTML ;
    schema:url <javascript:alert(5)>, <data:text/html,hej> ;
    schema:email "a@b.example\\" onmouseover=alert(6)" ;
    schema:image <https://images.example/none.png> .
<def/hostile/arabic> a skos:Concept ; skos:inScheme <def/hostile> ; skos:notation "arabic" ; skos:prefLabel "مدرسة"@ar .
<def/hostile/nameless> a schema:Place ; skos:notation "nameless" ;
    geo:lat 95.0 ; geo:long 15.0 ; schema:startDate "igår"^^xsd:date .
<def/hostile/languages> a skos:Concept ; skos:inScheme <def/hostile> ; skos:notation "languages" ;
    skos:prefLabel {", ".join(f'"Namn {n}"@x-l{n}' for n in range(500))}, "Många"@sv ;
    skos:example {", ".join(f'"Text {n}"@x-l{n}' for n in range(500))}, "På svenska"@sv .
<def/hostile/wide> a skos:Concept ; skos:inScheme <def/hostile> ; skos:notation "wide" ; skos:prefLabel "Bred"@sv .
""" + "\n".join(
    f'<def/hostile/w{n}> a skos:Concept ; skos:inScheme <def/hostile> ; skos:notation "w{n}" ;'
    f' skos:prefLabel "Barn {n}"@sv ; skos:broader <def/hostile/wide> .'
    for n in range(120)
)


@pytest.fixture(scope="module")
def hostile(make_site, tmp_path_factory) -> Iterator[FlaskClient]:
    """A client of a site whose concepts were written by an enemy."""
    site = make_site(tmp_path_factory.mktemp("hostile") / "site")
    (site.folder / "concepts").mkdir()
    (site.folder / "concepts" / "hostile.ttl").write_text(HOSTILE, "utf-8")
    site.publish()
    app = create_app(site.folder, read_settings(environment={}))
    yield app.test_client()
    app.extensions["torg"].close()


def shown(client: FlaskClient, path: str) -> str:
    response = client.get(path, headers={"Accept": CHROME, "Accept-Language": "sv"})
    assert response.status_code == 200
    page = response.get_data(as_text=True)
    parser = html5lib.HTMLParser(strict=False)
    parser.parse(page)
    assert parser.errors == []
    assert page.count("<h1") == 1
    return page


def test_facts_stand_in_the_groups_of_the_ontology(client: FlaskClient) -> None:
    page = shown(client, "/res/school/09903001")
    headings = re.findall(r"<h2 id=\"(group-[a-z]+)\">([^<]+)", page)
    assert [title for _name, title in headings] == ["Om", "Kontakt", "Plats", "Om uppgifterna"]
    place = page[page.index('id="group-place"') : page.index('id="group-record"')]
    assert "791 14" in place and "Latitud" not in place and 'href="geo:61.042139,15.474995"' in place
    assert '<svg class="minimap" role="img"' in place


def test_every_group_has_titles_and_an_order() -> None:
    grouping = read_grouping(BASE)
    assert all({"sv", "en"} <= set(titles) for titles in grouping.titles.values())
    assert set(grouping.orders) == set(grouping.titles) == {group for group, _order in grouping.places.values()}


def test_the_technical_view_has_what_is_stored(client: FlaskClient) -> None:
    page = shown(client, "/res/school/09903001?view=triples")
    assert "xsd:decimal" in page and "61.042139" in page and "@sv" in page
    assert f"{GEO}lat" in page
    response = client.get("/res/school/09903001?view=triples", headers={"Accept": CHROME})
    assert "view=triples" in response.headers["Content-Location"]
    assert client.get("/res/school/09903001?view=none", headers={"Accept": CHROME}).status_code == 400


def test_the_page_tells_how_to_cite_ask_and_report(client: FlaskClient) -> None:
    page = shown(client, "/res/school/09903001")
    assert f"Älvhult kommun: Sjöskolan. {BASE}id/school/09903001. Version 1, 1 mars 2026." in page
    assert 'href="mailto:oppnadata@alvhult.example?subject=Fel%20i%20Sj%C3%B6skolan' in page
    assert 'href="/sparql?query=SELECT' in page
    assert 'href="/graph/alvhult/skolor"' in page


def test_markup_in_data_is_text(hostile: FlaskClient) -> None:
    page = shown(hostile, "/res/def/hostile/markup")
    assert "<script>alert" not in page and "<img" not in page.replace('<img src="/static/torg.svg"', "")
    assert "onclick" not in page and "&lt;script&gt;alert(1)" in page
    assert "<p>Fet <b>stil</b></p>" in page
    assert not re.search(r'(href|src)="(javascript|data):', page)
    assert not re.search(r"<[^>]+\sonmouseover=", page)
    assert 'src="https://images.example' not in page


@pytest.mark.parametrize(("name", "most"), [("long", 110_000), ("languages", 75_000), ("wide", 40_000)])
def test_much_is_bounded(hostile: FlaskClient, name: str, most: int) -> None:
    page = shown(hostile, f"/res/def/hostile/{name}")
    assert len(page) < most
    title = re.search(r"<title>([^<]*)</title>", page)
    assert title and len(title[1]) < 250
    if name == "languages":
        assert '<h1 dir="auto">Många</h1>' in page and "Andra namn och språk" in page
    if name == "wide":
        assert "Visa alla 120" in page and page.count(">Barn ") < 30


def test_other_directions_and_missing_names_can_be_read(hostile: FlaskClient) -> None:
    assert '<h1 dir="auto" lang="ar">مدرسة</h1>' in shown(hostile, "/res/def/hostile/arabic")
    nameless = shown(hostile, "/res/def/hostile/nameless")
    assert ">nameless</h1>" in nameless
    assert "geo:95" not in nameless and "minimap" not in nameless
    assert "igår" in nameless and "chip warn" in nameless


@pytest.mark.parametrize(
    ("values", "degrees"),
    [({GEO + "lat": ["59.6271"], GEO + "long": ["16.4403"]}, "59,6271° N, 16,4403° Ö"),
     ({GEO + "lat": ["-33.9"], GEO + "long": ["-18.4"]}, "33,9000° S, 18,4000° V"),
     ({"http://www.opengis.net/ont/geosparql#asWKT": ["POINT(15.2 59.3)"]}, "59,3000° N, 15,2000° Ö")],
)  # fmt: skip
def test_a_place_is_written_as_people_write_it(values, degrees: str) -> None:
    place = place_of(values, "sv")
    assert place is not None and place.degrees == degrees
    assert bool(place.sweref) == degrees.endswith("Ö")


@pytest.mark.parametrize("pair", [("91", "15"), ("59", "181"), ("nan", "15"), ("inf", "15"), ("x", "15"), ("", "")])
def test_what_is_nowhere_on_earth_is_no_place(pair: tuple[str, str]) -> None:
    assert place_of({GEO + "lat": [pair[0]], GEO + "long": [pair[1]]}, "sv") is None


def test_the_map_is_drawn_within_its_box(starter: Path) -> None:
    border = starter / "border.geojson"
    drawing = mini_map(border, 15.474995, 61.042139)
    assert drawing is not None and 0 < drawing.x < drawing.width and 0 < drawing.y < drawing.height
    assert mini_map(border, 12.0, 57.7) is None and mini_map(None, 15.0, 61.0) is None
    assert len(next(read_border(border))) > 20


@pytest.mark.parametrize(
    ("lines", "rule"),
    [('base = "none.geojson"', "site.map-base"), ('base = "../x.geojson"', "site.map-base"),
     ('base = "bad.geojson"', "site.map-base"), ('base = "point.geojson"', "site.map-base"),
     ('tiles = "http://t.example/{z}/{x}/{y}.png"', "site.map-tiles"),
     ('tiles = "https://t.example/{z}/{x}/{y}.png"', "site.map-attribution"), ('zoom = 3', "site.unknown-key")],
)  # fmt: skip
def test_a_wrong_map_is_told(tmp_path: Path, lines: str, rule: str) -> None:
    (tmp_path / "bad.geojson").write_text('{"type": "Polygon", "coordinates": [[["a", 1]]]}', "utf-8")
    (tmp_path / "point.geojson").write_text(json.dumps({"type": "Point", "coordinates": [15, 61]}), "utf-8")
    (tmp_path / "site.toml").write_text(f'[site]\nbase = "https://data.asen.example/"\n[map]\n{lines}\n', "utf-8")
    with pytest.raises(DescriptionError) as told:
        read_site(tmp_path)
    assert told.value.finding.rule == rule


def test_a_ledger_entry_leads_to_the_invoice_and_the_supplier(client: FlaskClient) -> None:
    page = shown(client, "/res/ledger-entry/9906/2026-01-17/9906001/41106")
    assert ">89\xa0465,00\xa0kr<" in page and "17 januari 2026" in page
    voucher = re.search(r'href="(/api/ledger/voucher\?[^"]+)"', page)
    payee = re.search(r'href="(/api/ledger/supplier-entries\?[^"]+)"', page)
    assert voucher and payee
    for link in (voucher, payee):
        found = client.get(link[1].replace("&amp;", "&"), headers={"Accept": "text/csv"})
        assert found.status_code == 200 and len(found.text.splitlines()) >= 2


def test_the_sums_of_a_supplier_are_those_of_its_entries(client: FlaskClient) -> None:
    iri = f"{BASE}id/organization/5599901104"
    page = shown(client, "/res/organization/5599901104")
    said = client.get(
        "/api/ledger/supplier-entries", query_string={"supplier": iri}, headers={"Accept": "application/json"}
    )
    entries = said.json["items"] if "items" in said.json else said.json["rows"]
    assert "7\xa0943\xa0001,20\xa0kr" in page
    assert len(entries) in (51, 50, 100) and '<svg class="chart" role="img"' in page


def test_a_publisher_leads_to_its_datasets(client: FlaskClient) -> None:
    page = shown(client, "/res/organization/2120009929")
    assert 'href="/datasets?publisher=alvhult">3 datamängder' in page
