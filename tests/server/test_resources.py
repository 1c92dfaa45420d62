"""What clients of every kind get at the address of a thing, a concept, a description and any other IRI."""

from __future__ import annotations

import json
import re
from urllib.parse import quote

import html5lib
import pytest
from flask.testing import FlaskClient
from rdflib import RDF, Graph, Literal, Namespace, URIRef
from rdflib.compare import isomorphic

# rdflib warns of its own JSON-LD parser.
pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated")
BASE = "https://data.norrsjo.example/"
SCHOOL = "/id/school/09903001"
DOCUMENT = "/res/school/09903001"
CHROME = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
SCHEMA = Namespace("https://schema.org/")
RDF_TYPES = {
    "text/turtle": "turtle",
    "application/ld+json": "json-ld",
    "application/rdf+xml": "xml",
    "application/n-triples": "nt",
}


def get(client: FlaskClient, path: str, accept: str = "*/*", **headers: str):
    return client.get(
        path, headers={"Accept": accept} | {name.replace("_", "-"): value for name, value in headers.items()}
    )


def graph(response) -> Graph:
    return Graph().parse(data=response.data, format=RDF_TYPES[response.mimetype])


@pytest.mark.parametrize("media_type", RDF_TYPES)
def test_a_school_is_described_in_every_format(client: FlaskClient, media_type: str) -> None:
    response = get(client, DOCUMENT, media_type)
    assert (response.status_code, response.mimetype) == (200, media_type)
    found = graph(response)
    assert (URIRef(BASE + SCHOOL[1:]), SCHEMA.name, Literal("Sjöskolan", lang="sv")) in found
    assert isomorphic(found, graph(get(client, DOCUMENT, "text/turtle")))


@pytest.mark.parametrize(
    "path",
    ["/res/dataset/alvhult/skolor", "/res/def/service/T3", "/res/organization/2120009929", "/res/catalog"],
)
def test_formats_agree_on_resources_of_every_kind(client: FlaskClient, path: str) -> None:
    graphs = [graph(get(client, path, media_type)) for media_type in RDF_TYPES]
    assert len(graphs[0]) > 5
    assert all(isomorphic(graphs[0], other) for other in graphs[1:])


def test_the_fixed_representations(client: FlaskClient) -> None:
    for suffix, media_type in {"ttl": "text/turtle", "jsonld": "application/ld+json", "rdf": "application/rdf+xml",
                               "nt": "application/n-triples", "html": "text/html"}.items():  # fmt: skip
        for accept in ("*/*", "image/png", "application/ld+json"):
            response = get(client, f"{DOCUMENT}.{suffix}", accept)
            assert (response.status_code, response.mimetype) == (200, media_type)
        assert client.get(f"{SCHOOL}.{suffix}").headers["Location"] == f"{DOCUMENT}.{suffix}"


def test_content_location_leads_to_the_same_bytes(client: FlaskClient) -> None:
    for accept in (*RDF_TYPES, CHROME):
        response = get(client, DOCUMENT, accept)
        same = get(client, response.headers["Content-Location"], "image/png")
        assert same.data == response.data
        assert same.headers["ETag"] == response.headers["ETag"]


def test_format_parameter_wins_over_accept(client: FlaskClient) -> None:
    response = get(client, f"{DOCUMENT}?format=ttl", "text/html")
    assert response.mimetype == "text/turtle"
    assert "Vary" not in response.headers


def test_every_link_header_alternate_is_there(client: FlaskClient) -> None:
    links = re.findall(r'<([^>]*)>; rel="alternate"; type="([^"]*)"', get(client, DOCUMENT).headers["Link"])
    assert len(links) == 9
    for address, media_type in links:
        response = client.get(address.removeprefix(BASE.rstrip("/")))
        assert (response.status_code, response.mimetype) == (200, media_type)


def test_nothing_acceptable_lists_what_is_offered(client: FlaskClient) -> None:
    response = get(client, DOCUMENT, "image/png")
    assert response.status_code == 406
    assert {"type": "text/turtle", "format": "ttl"} in response.json["offered"]
    assert "Accept" in response.headers["Vary"]


def test_the_page_is_for_people(client: FlaskClient) -> None:
    response = get(client, DOCUMENT, CHROME)
    page = response.get_data(as_text=True)
    parser = html5lib.HTMLParser(strict=False)
    parser.parse(page)
    assert parser.errors == []
    assert '<html lang="sv"' in page
    assert '<h1 dir="auto">Sjöskolan</h1>' in page
    assert page.count("<h1") == 1
    assert "6 oktober 2025" in page
    assert "61,0421° N, 15,4750° Ö" in page and "SWEREF 99 TM: N 6\xa0767\xa0574, Ö 525\xa0656" in page
    assert 'href="/id/organization/2120009929">Älvhult kommun<' in page
    assert f"curl -L -H 'Accept: text/turtle' '{BASE}id/school/09903001'" in page
    assert "Skolor och förskolor Älvhult" in page


def test_the_page_in_english(client: FlaskClient) -> None:
    for response in (
        get(client, DOCUMENT, CHROME, Accept_Language="en-GB,en;q=0.9"),
        get(client, f"{DOCUMENT}?lang=en", CHROME),
    ):
        page = response.get_data(as_text=True)
        assert response.headers["Content-Language"] == "en"
        assert '<html lang="en"' in page
        assert "6 October 2025" in page
        assert "About this record" in page and "Open in a map program" in page


def test_a_language_there_is_not(client: FlaskClient) -> None:
    assert get(client, f"{DOCUMENT}?lang=xx", CHROME).status_code == 400


def test_data_does_not_depend_on_language(client: FlaskClient) -> None:
    path = "/res/def/service/T3"
    bodies = {get(client, path, "text/turtle", Accept_Language=spoken).data for spoken in ("sv", "en", "de")}
    assert len(bodies) == 1
    found = Graph().parse(data=bodies.pop(), format="turtle")
    assert {str(value.language) for value in found.objects() if isinstance(value, Literal) and value.language} >= {
        "sv",
        "en",
    }


def test_a_concept_shows_its_place(client: FlaskClient) -> None:
    page = get(client, "/res/def/service/T3.1", CHROME).get_data(as_text=True)
    assert '<h1 dir="auto">Förskola</h1>' in page
    trail = page[page.index("breadcrumb") : page.index("<article>")]
    assert 'href="/def/service/T3"' in trail


def test_any_iri_of_the_store_is_described(client: FlaskClient) -> None:
    theme = "http://publications.europa.eu/resource/authority/data-theme/EDUC"
    response = get(client, f"/resource?uri={quote(theme, safe='')}", "text/turtle")
    assert response.status_code == 200
    assert (None, None, URIRef(theme)) in graph(response)
    page = get(client, f"/resource?uri={quote(theme, safe='')}", CHROME)
    assert page.status_code == 200
    assert get(client, page.headers["Content-Location"]).data == page.data
    assert get(client, "/resource?uri=https%3A%2F%2Felsewhere.example%2F", CHROME).status_code == 404


@pytest.mark.parametrize("bad", ["", "not an iri", "<>", "http://e/ x", "%00", "javascript:%0aalert(1)"])
def test_what_is_no_iri_is_refused(client: FlaskClient, bad: str) -> None:
    assert client.get("/resource", query_string={"uri": bad}).status_code in (400, 404)


def test_counts_are_true_and_paged(client: FlaskClient) -> None:
    hydra = Namespace("http://www.w3.org/ns/hydra/core#")
    found = graph(get(client, "/res/organization/2120009929", "text/turtle"))
    collections = list(found.subjects(RDF.type, hydra.Collection))
    assert collections
    for collection in collections:
        total = int(next(found.objects(collection, hydra.totalItems)))
        page = get(
            client, str(next(found.objects(collection, hydra.first))).removeprefix(BASE.rstrip("/")), "text/turtle"
        )
        assert page.status_code == 200
        (assertion,) = found.objects(collection, hydra.memberAssertion)
        (property,) = found.objects(assertion, hydra.property)
        (target,) = found.objects(assertion, hydra.object)
        assert len(set(graph(page).subjects(property, target))) == min(total, 200)


def test_pages_add_up_to_the_true_count(client: FlaskClient) -> None:
    hydra = Namespace("http://www.w3.org/ns/hydra/core#")
    thing = "/res/def/actor/A1"
    found = graph(get(client, thing, "text/turtle"))
    sizes = {next(found.objects(c, hydra.totalItems)).toPython(): c for c in found.subjects(RDF.type, hydra.Collection)}
    largest = max(sizes)
    seen: set[URIRef] = set()
    address = str(next(found.objects(sizes[largest], hydra.first)))
    while address:
        page = graph(get(client, address.removeprefix(BASE.rstrip("/")), "text/turtle"))
        seen |= {s for s, _, o in page if o == URIRef(BASE + "def/actor/A1") and not str(s).startswith(BASE + "res/")}
        address = str(next(page.objects(URIRef(address), hydra.next), ""))
    assert len(seen) == largest


@pytest.mark.parametrize("query", ["inverse=x", "inverse=https://schema.org/name&page=0", "inverse=a:b&property=a:b",
                                   "property=https://schema.org/name&page=x", "property=%00&page=1"])  # fmt: skip
def test_a_page_that_cannot_be(client: FlaskClient, query: str) -> None:
    assert client.get(f"{DOCUMENT}?{query}").status_code in (400, 404)


def test_errors_fit_the_client(client: FlaskClient) -> None:
    page = get(client, "/id/school/no-such", CHROME)
    assert (page.status_code, page.mimetype) == (404, "text/html")
    assert "Här finns inget" in page.get_data(as_text=True)
    for accept in ("text/turtle", "application/ld+json", "*/*", "application/json"):
        machine = get(client, "/id/school/no-such", accept)
        assert (machine.status_code, machine.mimetype) == (404, "application/problem+json")
        assert json.loads(machine.data)["status"] == 404


HOSTILE = [
    "/id/school/09903001/", "/id//school/09903001", "//id/school/09903001", "/ID/SCHOOL/09903001",
    "/id/school/09903001%00", "/id/school/%FF%FE", "/id/school/..%2F..%2Fetc%2Fpasswd", "/id/../id/school/09903001x",
    "/res/school/09903001.exe", "/res/school/09903001.ttl.ttl", "/id/" + "a" * 5000, "/id/school/09903001%0d%0aX:1",
    "/res/school/0990300１", "/id/school/<script>", "/def/../../x", "/spec/../x", "/graph/../x",
    "/dumps/../manifest.json",
    "/dumps/..%2fmanifest.json", "/static/..%2ferrors.py", "/id/school/09903001;x=1", "/id/school/%ED%A0%80",
]  # fmt: skip


@pytest.mark.parametrize("path", HOSTILE)
@pytest.mark.parametrize("accept", ["text/turtle", CHROME])
def test_strange_addresses_are_refused_calmly(client: FlaskClient, path: str, accept: str) -> None:
    response = get(client, path, accept)
    assert response.status_code in (301, 303, 307, 308, 400, 404)
    assert "Traceback" not in response.get_data(as_text=True)
    location = response.headers.get("Location", "/")
    assert location.startswith("/") and not location.startswith("//")


def test_host_headers_mean_nothing(client: FlaskClient) -> None:
    evil = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "gopher"}
    for path in (SCHOOL, DOCUMENT, "/", "/resource?uri=" + BASE + "id/school/09903001", "/sitemap.xml", "/robots.txt"):
        response = client.get(path, headers=evil | {"Accept": CHROME})
        assert b"evil" not in response.data
        assert "evil" not in str(response.headers)


def test_only_reading(client: FlaskClient) -> None:
    for method in ("post", "put", "delete", "patch"):
        response = getattr(client, method)(DOCUMENT, data=b"x")
        assert response.status_code == 405
        assert "GET" in response.headers["Allow"]
    assert client.options(DOCUMENT).headers["Access-Control-Allow-Origin"] == "*"


def data_block(page: str) -> dict:
    (block,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page, re.DOTALL)
    return json.loads(block)


def test_search_engines_read_schema_org(client: FlaskClient) -> None:
    school = data_block(get(client, f"{DOCUMENT}?lang=sv", CHROME).get_data(as_text=True))
    assert (school["@type"], school["@id"], school["name"]) == ("School", BASE + SCHOOL[1:], "Sjöskolan")
    assert school["address"]["addressLocality"] == "Älvhult"
    assert school["geo"]["latitude"] == "61.042139"
    concept = data_block(get(client, "/res/def/service/T3?lang=en", CHROME).get_data(as_text=True))
    assert (concept["@type"], concept["name"], concept["termCode"]) == ("DefinedTerm", "Education", "T3")
    dataset = data_block(get(client, "/res/dataset/granby/skolor?lang=en", CHROME).get_data(as_text=True))
    assert dataset["@type"] == "Dataset"
    assert dataset["publisher"] and dataset["distribution"]


def test_money_and_mailboxes(client: FlaskClient) -> None:
    entries = client.get("/graph/granby/leverantorsreskontra/2026-01.nt").get_data(as_text=True).splitlines()
    line, raw = next(
        (line, found[1]) for line in entries if (found := re.search(r'torg#netAmount> "(\d{4}\.\d\d)"', line))
    )
    path = line[1 : line.index("> ")].removeprefix(BASE + "id/")
    page = get(client, f"/res/{path}?lang=sv", CHROME).get_data(as_text=True)
    kronor = f"{raw[0]}\xa0{raw[1:4]},{raw[5:]}\xa0kr"
    assert f'<data value="{raw}">{kronor}</data>' in page
    assert re.search(rf"<h1[^>]*>[^<]+, \d+ januari 2026, {kronor}</h1>", page)
    school = get(client, f"{DOCUMENT}?lang=sv", CHROME).get_data(as_text=True)
    assert 'href="mailto:sjoskolan@alvhult.example"' in school
    assert 'href="tel:0980319216"' in school


VCARD = URIRef("http://www.w3.org/2006/vcard/ns#fn")


def test_a_dataset_as_a_harvester_wants_it(client: FlaskClient) -> None:
    path = "/res/dataset/granby/skolor"
    asked = {"Accept": "text/turtle", "Accept-Profile": "<http://data.europa.eu/r5r/>, <urn:other>;q=0.5"}
    response = client.get(path, headers=asked)
    assert response.headers["Content-Profile"] == "<http://data.europa.eu/r5r/>"
    assert '<http://data.europa.eu/r5r/>; rel="profile"' in response.headers["Link"]
    assert "Accept-Profile" in response.headers["Vary"]
    found = graph(response)
    assert list(found.objects(None, VCARD)), "the contact comes along"
    assert not list(found.subjects(RDF.type, URIRef("http://www.w3.org/ns/hydra/core#Collection")))
    for other in (f"{path}.ttl?profile=dcat-ap-se", response.headers["Content-Location"]):
        assert client.get(other).data == response.data


def test_a_plain_description(client: FlaskClient) -> None:
    found = graph(get(client, f"{DOCUMENT}?profile=cbd", "text/turtle"))
    assert set(found.subjects()) == {URIRef(BASE + SCHOOL[1:])}


def test_profiles_there_are_not(client: FlaskClient) -> None:
    assert get(client, f"{DOCUMENT}?profile=dcat-ap-se", "text/turtle").status_code == 406
    wished = get(client, DOCUMENT, "text/turtle", Accept_Profile="<http://data.europa.eu/r5r/>")
    assert wished.status_code == 200
    assert "Content-Profile" not in wished.headers
    assert wished.data == get(client, DOCUMENT, "text/turtle").data


@pytest.mark.parametrize(
    "address",
    [
        "/res/school/09903001?format=ttl&format=nt",
        "/res/school/09903001?lang=sv&lang=sv",
        "/res/school/09903001?page=1&property=https://schema.org/name&page=2",
        "/resource?uri=urn:a&uri=urn:b",
        "/graph/granby/skolor?format=ttl&format=csv",
        "/search?q=skola&q=dagis",
        "/datasets?at=1&at=2",
        "/.well-known/void?format=ttl&format=ttl",
        "/sparql?query=ASK%20{}&format=json&format=csv",
    ],
)
def test_a_parameter_given_twice_is_refused_with_a_sentence(client: FlaskClient, address: str) -> None:
    answer = client.get(address, headers={"Accept": "application/json"})
    assert answer.status_code == 400
    assert "is given 2 times; give it once." in answer.get_json()["detail"]


@pytest.mark.parametrize("header", ["Accept", "Accept-Language", "Accept-Encoding", "Accept-Profile"])
def test_a_header_too_long_to_be_read_whole_is_refused(client: FlaskClient, header: str) -> None:
    given = {"Accept": "text/turtle"} | {header: ", ".join(["image/png;q=0.1"] * 1_100)}
    answer = client.get("/res/school/09903001", headers=given)
    assert answer.status_code == 431
    assert f"{header} has at most 16384 characters" in answer.get_json()["detail"]
    given[header] = ("image/png;q=0.1, " * 900) + {"Accept": "text/turtle"}.get(header, "sv")
    assert client.get("/res/school/09903001", headers=given).mimetype == "text/turtle"
