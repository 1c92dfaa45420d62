"""The search page is a plain form with twins; suggestions and OpenSearch say the same; the start page leads on."""

import csv
import html
import io
import re
from xml.etree import ElementTree

import html5lib
import pytest

from server import create_app
from server.settings import read_settings

HTML = {"Accept": "text/html", "Accept-Language": "sv"}
BASE = "https://data.norrsjo.example/"


def page(client, path: str) -> str:
    answer = client.get(path, headers=HTML)
    assert 200 == answer.status_code
    html5lib.HTMLParser(strict=True).parse(answer.text)
    return answer.text


def test_hits_are_marked_and_told_where_they_come_from(client):
    text = page(client, "/search?q=snorojning")
    assert '<a href="/res/def/service/T7.6" dir="auto"><mark>Snöröjning</mark></a>' in text
    assert "1 träff" in text and "Begrepp" in text
    assert '<meta name="robots" content="noindex">' in text


def test_facets_are_check_boxes_of_the_form_and_stay_chosen(client):
    text = page(client, "/search?q=skola&type=torg:School&publisher=granby")
    assert re.search(r'<input type="checkbox" form="find" name="type" value="torg:School" checked>', text)
    assert re.search(r'name="publisher" value="granby" checked>', text)
    assert re.search(r'name="publisher" value="norrsjo">', text)  # what else could be chosen
    assert re.search(r'name="concept" value="facility/O1.2">', text)
    assert "Rensa filtren" in text


def test_a_concept_finds_what_is_below_it_too(client):
    below = client.get("/search?concept=service/T3&type=torg:School&format=json").json
    one = client.get("/search?concept=service/T3.3&type=torg:School&format=json").json
    assert below["total"] > one["total"] > 0


def test_every_page_of_hits_can_be_turned_to_and_no_more(client):
    text = page(client, "/search?q=kommun&sort=name")
    following = re.search(r'<a rel="next" href="([^"]+)"', text)
    assert following
    second = page(client, following[1].replace("&amp;", "&"))
    assert 'start="21"' in second
    names = re.findall(r'<h2><a href="[^"]*" dir="auto"[^>]*>', text + second)
    assert 40 == len(names) == len(set(names))
    assert 404 == client.get("/search?q=kommun&page=900", headers=HTML).status_code
    assert 400 == client.get("/search?q=kommun&page=x", headers=HTML).status_code
    assert 400 == client.get("/search?q=kommun&sort=size", headers=HTML).status_code


def test_twins_hold_the_same_hits(client):
    listed = client.get("/search?q=skola&format=json&limit=500").json
    table = client.get("/search?q=skola&format=csv&limit=500")
    rows = list(csv.DictReader(io.StringIO(table.text.lstrip("\ufeff"))))
    assert listed["total"] == len(listed["results"]) == len(rows)
    assert [row["iri"] for row in listed["results"]] == [row["iri"] for row in rows]
    assert {"type", "dataset", "publisher", "concept"} == listed["facets"].keys()
    assert sum(each["count"] for each in listed["facets"]["type"]) == listed["total"]
    assert 406 == client.get("/search?q=skola&format=ttl").status_code


@pytest.mark.parametrize(("typed", "meant"), [("grundskloa", "grundskola"), ("hemtjenst", "hemtjänst")])
def test_a_misspelt_word_says_what_was_searched_for_instead(client, typed, meant):
    assert f"Inget hittades för ”{typed}”. Det här är träffarna för ”{meant}”." in page(client, f"/search?q={typed}")
    assert meant == client.get(f"/search?q={typed}&format=json").json["corrected"]


def test_nothing_found_says_what_to_do(client):
    text = page(client, "/search?q=xyzzyq")
    assert "Inget hittades" in text and "Kontrollera stavningen" in text and 'href="/concepts"' in text


@pytest.mark.parametrize(
    "typed", ["a" * 10_000, "%22%27%3Cscript%3E", "%00%01%1F", "AND%20OR%20NOT%20(", "%F0%9F%98%80"]
)
def test_odd_input_is_shown_back_short_and_harmless(client, typed):
    text = page(client, f"/search?q={typed}")
    assert "<script>" not in text and "a" * 250 not in text
    if len(typed) > 200 and "%" not in typed:
        assert "de första 200 tecknen användes" in text


def test_suggestions_are_objects_with_addresses_or_opensearch(client):
    listed = client.get("/search/suggest?q=grun&limit=3").json
    assert 3 >= len(listed) > 0
    assert {"label", "type", "publisher", "iri", "href"} == listed[0].keys()
    assert 200 == client.get(listed[0]["href"], headers=HTML).status_code
    answer = client.get("/search/suggest?q=grun&limit=3", headers={"Accept": "application/x-suggestions+json"})
    assert "application/x-suggestions+json" == answer.content_type
    words, names, _, addresses = answer.json
    assert "grun" == words and [each["label"] for each in listed] == names and len(addresses) == len(names)
    assert [] == client.get("/search/suggest?q=g").json


def test_opensearch_describes_addresses_that_answer(client):
    answer = client.get("/opensearch.xml", headers={"Accept-Language": "sv"})
    root = ElementTree.fromstring(answer.text)
    space = "{http://a9.com/-/spec/opensearch/1.1/}"
    assert len(root.find(f"{space}ShortName").text) <= 16
    for url in root.iter(f"{space}Url"):
        address = url.get("template").replace("{searchTerms}", "skola").replace("{startPage?}", "1")
        found = client.get(address.removeprefix(BASE.rstrip("/")), headers={"Accept": url.get("type")})
        assert 200 == found.status_code and found.mimetype == url.get("type")
    assert 'type="application/opensearchdescription+xml"' in client.get("/", headers=HTML).text


def test_the_start_page_leads_to_search_datasets_concepts_and_changes(client):
    text = page(client, "/")
    for words in (
        'role="search"',
        "Till exempel",
        "Datamängder",
        "Verksamhetsområden",
        "Senast ändrat",
        "För utvecklare",
    ):
        assert words in text
    for address in re.findall(r'href="(/search\?q=[^"]+)"', text):
        assert "0 träffar" not in page(client, address)


@pytest.mark.parametrize(
    "query", ["media=csv", "license=http%3A//creativecommons.org/publicdomain/zero/1.0/", "sort=modified"]
)
def test_the_catalogue_is_filtered_by_format_and_licence(client, query):
    assert "36 datamängder" in page(client, f"/datasets?{query}")
    assert "0 datamängder" in page(client, "/datasets?media=nothing")


def test_a_state_published_without_an_index_is_served_without_search(copy_of_starter):
    folder = copy_of_starter()
    generation = folder / "data/generations/000001"
    generation.chmod(0o755)
    for name in ("search.sqlite", "SHA256SUMS"):
        (generation / name).unlink()
    app = create_app(folder, read_settings(environment={}))
    client = app.test_client()
    for path in ("/", "/concepts", "/concepts?scheme=service", "/res/def/service/T3", "/res/dataset/granby/skolor"):
        page(client, path)
    answer = client.get("/search?q=skola", headers=HTML)
    assert 503 == answer.status_code and "Nästa publicering" in answer.text
    app.extensions["torg"].close()


def test_a_search_can_be_seen_as_a_query_that_finds_the_same(client) -> None:
    shown = client.get(
        "/search?q=skolor&type=torg:School&publisher=alvhult&lang=sv", headers={"Accept": "text/html"}
    ).text
    found = re.search(r'<a href="([^"]+)">Se det här som en fråga \(SPARQL\)</a>', shown)
    assert found is not None
    address = html.unescape(found[1])
    assert address.startswith("/sparql?query=")
    answer = client.get(f"{address}&format=json", headers={"Accept": "application/json"}).get_json()
    things = {row["thing"]["value"] for row in answer["results"]["bindings"]}
    searched = client.get("/search?q=skolor&type=torg:School&publisher=alvhult&limit=100&format=json").get_json()
    named = {one["iri"] for one in searched["results"] if "skol" in one["label"].lower()}
    assert named == things and len(things) > 5
    assert "SPARQL)" not in client.get("/search?q=zzzzzz&lang=sv", headers={"Accept": "text/html"}).text


def test_datasets_of_one_day_stand_in_the_order_of_the_alphabet(client) -> None:
    cards = re.findall(r"<li><h3><a [^>]*>([^<]+)</a>", page(client, "/?lang=sv"))
    assert cards == [
        f"{name} {place}"
        for place in ("Ekvalla", "Granby")
        for name in ("Leverantörsreskontra", "Skolor och förskolor", "Äldreboenden")
    ]
