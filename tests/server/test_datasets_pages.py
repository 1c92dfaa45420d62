"""The catalogue over HTTP, as visitors, harvesters and link checkers meet it."""

from __future__ import annotations

import csv
import gzip
import io
from html.parser import HTMLParser
from urllib.parse import unquote, urljoin, urlsplit

import html5lib
import pytest
from flask import Flask
from flask.testing import FlaskClient
from lxml import etree
from pyoxigraph import RdfFormat, parse, serialize
from rdflib import DCAT, DCTERMS, RDF, BNode, Graph, Namespace, URIRef

from ontology import shape_file

BASE = "https://data.norrsjo.example/"
HTML = {"Accept": "text/html"}
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


class Page(HTMLParser):
    """Collects links, ids, form fields and the language of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: list[str] = []
        self.labels: set[str] = set()
        self.fields: set[str] = set()
        self.language = ""
        self.headings = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "html":
            self.language = values.get("lang", "")
        if tag in ("a", "link") and "href" in values:
            self.links.append(values["href"])
        if "id" in values:
            self.ids.append(values["id"])
        if tag == "label":
            self.labels.add(values.get("for", ""))
        if tag in ("input", "select", "textarea") and values.get("type") != "hidden":
            self.fields.add(values.get("id", ""))
        self.headings += tag == "h1"


def local(address: str) -> str:
    """Return the path that the test client asks for; addresses elsewhere give ""."""
    if address.startswith(BASE):
        return "/" + address.removeprefix(BASE)
    return address if address.startswith(("/", "?")) else ""


@pytest.fixture(scope="module")
def harvested(app: Flask) -> Graph:
    response = app.test_client().get("/datasets/dcat")
    return Graph().parse(data=response.data, format="xml")


@pytest.mark.parametrize(
    "accept", [None, "*/*", "application/rdf+xml", "text/html, */*; q=.2", "text/html", "image/png"]
)
def test_harvest_file_is_rdf_xml_whatever_the_harvester_accepts(client: FlaskClient, accept: str | None) -> None:
    response = client.get("/datasets/dcat", headers={"Accept": accept} if accept else {})
    assert (response.status_code, response.mimetype) == (200, "application/rdf+xml")
    assert int(response.headers["Content-Length"]) == len(response.data)
    root = etree.fromstring(response.data)
    assert root.tag == "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}RDF"


def test_harvest_file_has_a_validator(client: FlaskClient) -> None:
    first = client.get("/datasets/dcat")
    again = client.get("/datasets/dcat", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_harvest_file_holds_every_dataset_and_no_blank_node(harvested: Graph) -> None:
    datasets = set(harvested.subjects(RDF.type, DCAT.Dataset))
    assert len(datasets) == 36
    assert datasets == set(harvested.objects(URIRef(BASE + "id/catalog"), DCAT.dataset))
    assert not any(isinstance(node, BNode) for triple in harvested for node in triple)


def test_harvest_file_passes_our_own_shapes(harvested: Graph) -> None:
    from pyshacl import validate

    shapes = Graph().parse(data=shape_file("dcat-ap-se").read_bytes(), format="turtle")
    _, report, text = validate(harvested, shacl_graph=shapes, advanced=True)
    shacl = Namespace("http://www.w3.org/ns/shacl#")
    assert not list(report.subjects(shacl.resultSeverity, shacl.Violation)), text


def test_harvest_file_in_other_syntaxes_says_the_same(client: FlaskClient, harvested: Graph) -> None:
    for suffix, format in (("ttl", RdfFormat.TURTLE), ("nt", RdfFormat.N_TRIPLES), ("jsonld", RdfFormat.JSON_LD)):
        triples = (quad.triple for quad in parse(client.get(f"/datasets/dcat?format={suffix}").data, format=format))
        lines = serialize(triples, format=RdfFormat.N_TRIPLES)
        assert set(Graph().parse(data=lines, format="nt")) == set(harvested), suffix
    assert client.get("/datasets/dcat?format=pdf").status_code == 406


def test_every_distribution_can_be_fetched(client: FlaskClient, harvested: Graph) -> None:
    distributions = set(harvested.subjects(RDF.type, DCAT.Distribution))
    assert len(distributions) > 100
    addresses = {
        (str(url), str(harvested.value(distribution, DCTERMS["format"])))
        for distribution in distributions
        for property in (DCAT.accessURL, DCAT.downloadURL)
        for url in harvested.objects(distribution, property)
    }
    for address, media_type in sorted(addresses):
        path = local(address)
        assert path, address
        if path == "/sparql":
            response = client.get(path, query_string={"query": "ASK {}"})
        else:
            response = client.get(path, headers={"Accept": media_type})
            assert response.data
        assert response.status_code == 200, address
        response.close()


def test_dump_is_whole_ranged_and_validated(client: FlaskClient) -> None:
    path = "/dumps/granby/skolor.nt.gz"
    with client.get(path) as whole:
        assert gzip.decompress(whole.data).decode().startswith("<" + BASE)
    with client.get(path, headers={"Range": "bytes=0-9"}) as part:
        assert (part.status_code, part.data) == (206, whole.data[:10])
    with client.get(path, headers={"If-None-Match": whole.headers["ETag"]}) as again:
        assert again.status_code == 304
    for wrong in ("/dumps/granby/nothing.nt.gz", "/dumps/../manifest.json", "/dumps/%2e%2e/manifest.json"):
        assert client.get(wrong).status_code == 404


def test_everything_described_in_the_catalogue_has_its_own_page(client: FlaskClient, harvested: Graph) -> None:
    for subject in {str(subject) for subject in harvested.subjects() if str(subject).startswith(BASE + "id/")}:
        response = client.get(local(subject), headers=HTML)
        assert response.status_code == 303, subject
        kind = urlsplit(subject).path.split("/")[2]
        if kind in ("catalog", "dataset", "contact", "service", "interval"):
            page = client.get(response.headers["Location"], headers=HTML)
            assert page.status_code == 200, subject


@pytest.mark.parametrize(
    "path", ["/datasets", "/datasets?q=skolor&theme=EDUC", "/psidata", "/res/dataset/granby/leverantorsreskontra"]
)
@pytest.mark.parametrize("language", ["sv", "en"])
def test_pages_are_sound_and_every_link_leads_somewhere(client: FlaskClient, path: str, language: str) -> None:
    response = client.get(path, headers=HTML | {"Accept-Language": language})
    assert response.status_code == 200
    assert response.headers["Content-Language"] == language
    page = Page(response.text)
    assert page.language == language
    assert page.headings == 1
    assert len(page.ids) == len(set(page.ids))
    assert page.fields <= page.labels
    targets = {local(urljoin(path, link)) for link in page.links if "#" not in link} - {""}
    for target in sorted(targets):
        answered = client.get(target, headers=BROWSER, follow_redirects=True)
        assert answered.status_code == 200, target
        answered.close()


def test_swedish_page_has_no_english_words_of_ours(client: FlaskClient) -> None:
    text = client.get("/datasets", headers=HTML | {"Accept-Language": "sv"}).text
    for word in (">Publisher<", ">Theme<", ">Show<", ">Words<", "Changed", "datasets</p>"):
        assert word not in text


def test_words_find_datasets_whatever_their_accents(client: FlaskClient) -> None:
    found = client.get("/datasets?q=ALDREBOENDEN+angshamn&format=json").json
    assert found is not None
    assert [row["iri"] for row in found] == [BASE + "id/dataset/angshamn/aldreboenden"]


def test_facets_leave_what_they_say(client: FlaskClient) -> None:
    found = client.get("/datasets?publisher=granby&specification=skolor&format=json").json
    assert found is not None
    assert [row["publisher"] for row in found] == ["Granby kommun"]
    nothing = client.get("/datasets?q=nosuchword", headers=HTML)
    assert nothing.status_code == 200
    assert client.get("/datasets?q=nosuchword&format=json").json == []


def test_filtered_rdf_tells_of_those_datasets_only(client: FlaskClient) -> None:
    graph = Graph().parse(data=client.get("/datasets?publisher=granby&format=ttl").data, format="turtle")
    datasets = {str(dataset) for dataset in graph.subjects(RDF.type, DCAT.Dataset)}
    assert datasets == {
        BASE + f"id/dataset/granby/{name}" for name in ("aldreboenden", "leverantorsreskontra", "skolor")
    }
    assert set(graph.subjects(RDF.type, DCAT.Distribution)) == set(graph.objects(None, DCAT.distribution))


def test_list_as_csv_is_one_row_a_dataset(client: FlaskClient) -> None:
    response = client.get("/datasets", headers={"Accept": "text/csv", "Accept-Language": "sv"})
    rows = list(csv.DictReader(io.StringIO(response.text)))
    assert len(rows) == 36
    assert {row["license"] for row in rows} == {"http://creativecommons.org/publicdomain/zero/1.0/"}


@pytest.mark.parametrize("page", ["0", "2", "x", "-1", "١"])
def test_a_page_that_is_not_there_is_404(client: FlaskClient, page: str) -> None:
    assert client.get("/datasets", query_string={"page": page}, headers=HTML).status_code == 404


@pytest.mark.parametrize("q", ["<script>alert(1)</script>", '"><b>', "%00", "å" * 3000])
def test_what_is_asked_for_is_never_markup(client: FlaskClient, q: str) -> None:
    response = client.get("/datasets", query_string={"q": q}, headers=HTML)
    assert response.status_code == 200
    assert "<script>alert" not in response.text and '"><b>' not in response.text


def test_register_tells_conditions_fee_contact_and_how_to_ask(client: FlaskClient) -> None:
    text = client.get("/psidata", headers=HTML).text
    assert '<html lang="sv"' in text
    for said in (
        "CC0 1.0",
        "Ingen, 0 kr",
        "mailto:oppnadata@granby.example",
        "Begär fler data",
        BASE + "datasets/dcat",
    ):
        assert said in unquote(text)


def test_datasets_page_offers_its_formats_and_says_so(client: FlaskClient) -> None:
    response = client.get("/datasets", headers={"Accept": "image/png"})
    assert response.status_code == 406
    for suffix in ("csv", "json", "ttl", "jsonld", "rdf", "nt"):
        assert client.get(f"/datasets?format={suffix}").status_code == 200
    assert "Accept" in client.get("/datasets", headers=HTML).headers["Vary"]


def test_dataset_page_shows_how_to_get_it_before_anything_else(client: FlaskClient) -> None:
    text = client.get("/res/dataset/granby/skolor", headers=HTML | {"Accept-Language": "en"}).text
    order = [
        "Get the data", "/graph/granby/skolor.csv", "/graph/granby/skolor.xlsx", "/dumps/granby/skolor.nt.gz",
        "Preview", "Backaskolan", "What the columns mean", "Rows published", "Use it", "Related datasets",
    ]  # fmt: skip
    places = [text.index(words) for words in order]
    assert places == sorted(places)
    assert "<code>school_form</code>" in text and "Compulsory school" in text
    assert f"curl -o skolor.csv '{BASE}graph/granby/skolor.csv'" in text.replace("&#39;", "'")
    assert all(
        f"<summary>{name}</summary>" in text for name in ("Excel", "Python", "R", "QGIS", "OpenRefine", "SPARQL")
    )


def test_examples_on_the_dataset_page_lead_to_data(client: FlaskClient) -> None:
    text = client.get("/res/dataset/granby/skolor", headers=HTML | {"Accept-Language": "en"}).text
    for suffix, start in (("csv", b"\xef\xbb\xbfAddress,Name"), ("geojson", b'{"type": "FeatureCollection"')):
        address = f"{BASE}graph/granby/skolor.{suffix}"
        assert address in text
        assert client.get(address.removeprefix(BASE.rstrip("/")), headers={"Accept-Language": "en"}).data.startswith(
            start
        )


def test_dataset_page_shows_its_places_and_counts_by_concept(client: FlaskClient) -> None:
    text = client.get("/res/dataset/granby/skolor", headers=HTML | {"Accept-Language": "sv"}).text
    assert text.count("data-lat=") == 5
    assert '<svg class="chart" role="img"' in text
    ledger = client.get("/res/dataset/granby/leverantorsreskontra", headers=HTML | {"Accept-Language": "sv"}).text
    assert "data-lat=" not in ledger and "946 907,86" in ledger.replace("\xa0", " ")
    assert "1 tidigare period" in ledger


def test_dataset_page_counts_the_rows_of_every_period(app: Flask, client: FlaskClient) -> None:
    page = client.get("/res/dataset/tallmo/leverantorsreskontra", headers=HTML | {"Accept-Language": "en"}).text
    deliveries = app.extensions["torg"].generation().datasets["tallmo/leverantorsreskontra"]["deliveries"]
    assert sorted(deliveries) == ["2026-01", "2026-02"]
    total, out = (sum(delivery[name] for delivery in deliveries.values()) for name in ("rows_in", "rows_out"))
    assert f"<dt>Rows published</dt><dd>{out} of {total} in the source</dd>" in page
    assert "/dumps/tallmo/leverantorsreskontra/2026-02.nt.gz" in page


@pytest.mark.parametrize(
    "path",
    [
        "/datasets",
        "/psidata",
        "/compare",
        "/compare/skolor",
        "/compare/leverantorsreskontra",
        "/res/dataset/granby/skolor",
    ],
)
def test_pages_are_html_without_faults(client: FlaskClient, path: str) -> None:
    html5lib.HTMLParser(strict=True).parse(client.get(path, headers=HTML).text)


@pytest.mark.parametrize(
    "address",
    [
        "/datasets?page={}",
        "/concepts?scheme=service&letter=A&page={}",
        "/res/catalog?property=http://a.example/p&page={}",
    ],
)
def test_a_page_number_that_no_list_reaches_is_no_fault_of_ours(client, address):
    for number in ("9" * 5_000, "000000001" + "9" * 5_000, "0", "-1", "١"):
        assert client.get(address.format(number), headers={"Accept": "text/html"}).status_code in (400, 404)
