"""What programs look for first: VoID, sitemaps, prefixes, robots.txt, security.txt; and the start page."""

from __future__ import annotations

import gzip
import re
import xml.etree.ElementTree as ET

import html5lib
import pytest
from flask.testing import FlaskClient
from rdflib import RDF, Graph, Namespace, URIRef

from server import create_app
from server.settings import read_settings
from server.texts import texts
from tests.conftest import SmallSite

pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated")
BASE = "https://data.norrsjo.example/"
VOID = Namespace("http://rdfs.org/ns/void#")
MAPS = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


@pytest.mark.parametrize("suffix", ["ttl", "jsonld", "rdf", "nt"])
def test_void_counts_are_true(client: FlaskClient, suffix: str) -> None:
    response = client.get(f"/.well-known/void?format={suffix}")
    syntax = {"ttl": "turtle", "jsonld": "json-ld", "rdf": "xml", "nt": "nt"}[suffix]
    found = Graph().parse(data=response.data, format=syntax)
    graph = URIRef(BASE + "graph/granby/skolor")
    school = URIRef(BASE + "spec/torg#School")
    (partition,) = [
        part for part in found.objects(graph, VOID.classPartition) if (part, VOID["class"], school) in found
    ]
    lines = client.get("/graph/granby/skolor", headers={"Accept": "application/n-triples"}).get_data(as_text=True)
    assert int(next(found.objects(partition, VOID.entities))) == lines.count(f"<{school}> .\n")
    assert int(next(found.objects(graph, VOID.triples))) == len(lines.splitlines())
    counted = [int(next(found.objects(part, VOID.triples))) for part in found.objects(graph, VOID.propertyPartition)]
    assert sum(counted) == len(lines.splitlines())
    assert (URIRef(BASE + "id/dataset/granby/skolor"), RDF.type, VOID.Dataset) in found
    assert list(found.objects(None, VOID.sparqlEndpoint)) == [URIRef(BASE + "sparql")]


def test_the_sitemaps_list_every_thing_once_described(client: FlaskClient) -> None:
    index = ET.fromstring(client.get("/sitemap.xml").data)
    addresses = []
    for entry in index.iter(f"{MAPS}sitemap"):
        location = entry.findtext(f"{MAPS}loc")
        assert location and entry.findtext(f"{MAPS}lastmod")
        response = client.get(location.removeprefix(BASE.rstrip("/")))
        assert response.mimetype == "application/gzip"
        found = [node.text for node in ET.fromstring(gzip.decompress(response.data)).iter(f"{MAPS}loc")]
        assert 0 < len(found) <= 50_000
        addresses += found
    assert f"{BASE}res/school/09903001" in addresses
    assert f"{BASE}res/def/service/T3" in addresses
    for address in sorted(set(addresses))[::211]:
        assert client.get(address.removeprefix(BASE.rstrip("/"))).status_code == 200
    assert client.get("/sitemaps/granby/skolor/2.xml.gz").status_code == 404


@pytest.mark.parametrize(
    ("suffix", "start"),
    [("ttl", "@prefix adms: <"), ("rq", "PREFIX adms: <"), ("json", "{"), ("html", "<!doctype html>")],
)
def test_prefixes(client: FlaskClient, suffix: str, start: str) -> None:
    text = client.get(f"/prefixes?format={suffix}").get_data(as_text=True)
    assert text.startswith(start)
    assert f"{BASE}spec/torg#" in text


def test_robots_and_security(client: FlaskClient) -> None:
    robots = client.get("/robots.txt")
    assert robots.mimetype == "text/plain"
    assert f"Sitemap: {BASE}sitemap.xml" in robots.get_data(as_text=True)
    security = client.get("/.well-known/security.txt").get_data(as_text=True)
    assert "Contact: mailto:oppnadata@norrsjo.example\n" in security  # of the first publisher in site.toml
    assert re.search(r"^Expires: \d{4}-\d\d-01T00:00:00Z$", security, re.M)


@pytest.mark.parametrize(
    ("contact", "told"),
    [
        ("sakerhet@asen.example", "Contact: mailto:sakerhet@asen.example"),
        ("https://asen.example/rapportera", "Contact: https://asen.example/rapportera"),
    ],
)
def test_the_site_says_whom_to_tell_of_a_weakness(small_site: SmallSite, contact: str, told: str) -> None:
    toml = small_site.folder / "site.toml"
    toml.write_text(toml.read_text("utf-8").replace("[site]", f'[site]\ncontact = "{contact}"', 1), "utf-8")
    app = create_app(small_site.folder, read_settings(environment={}))
    assert told in app.test_client().get("/.well-known/security.txt").text.splitlines()


PAGES = ["/", "/prefixes", "/dumps/", "/spec/torg", "/spec/skolor", "/graph/granby/skolor", "/res/school/09903001",
         "/res/def/service/T3", "/res/dataset/granby/skolor", "/nowhere", "/res/organization/2120009929",
         "/resource?uri=http%3A%2F%2Fwww.w3.org%2Fns%2Fdcat%23Dataset"]  # fmt: skip


@pytest.mark.parametrize("spoken", ["sv", "en"])
@pytest.mark.parametrize("path", PAGES)
def test_pages_are_whole_html_in_both_languages(client: FlaskClient, path: str, spoken: str) -> None:
    response = client.get(path, headers={"Accept": "text/html", "Accept-Language": spoken})
    page = response.get_data(as_text=True)
    parser = html5lib.HTMLParser(strict=False)
    parser.parse(page)
    assert parser.errors == []
    assert f'<html lang="{spoken}"' in page
    assert page.count("<h1") == 1
    assert response.headers["Content-Language"] == spoken
    assert all(
        re.fullmatch(r'type="application/ld\+json"|type="module" src="/static/dist/[^"]+"', given)
        for given in re.findall(r"<script ([^>]*)>", page)
    )
    assert " style=" not in page
    for href in re.findall(r'href="(/[^"#]*)', page):
        local = href.replace("&amp;", "&")
        if not local.startswith(("/static/", "/nowhere")):
            assert client.head(local, headers={"Accept": "text/html"}, buffered=True).status_code in (200, 303), local


def test_swedish_words_are_complete() -> None:
    from babel.messages.extract import extract_from_dir
    from babel.messages.pofile import read_po

    import server

    root = server.__path__[0]
    sources = [("templates/**.html", "jinja2"), ("**.py", "python")]
    words = {"_": None, "gettext": None, "ngettext": (1, 2), "words": None}
    used = {
        found[2] if isinstance(found[2], str) else found[2][0]
        for found in extract_from_dir(root, sources, keywords=words)
    }
    with open(f"{root}/translations/sv.po", "rb") as lines:
        catalog = read_po(lines, locale="sv")
    translated = {
        entry.id if isinstance(entry.id, str) else entry.id[0] for entry in catalog if entry.id and entry.string
    }
    assert used <= translated
    assert not [entry.id for entry in catalog if entry.fuzzy and entry.id]
    assert texts("sv").ngettext("%(number)s row", "%(number)s rows", 2) == "%(number)s rader"
    assert texts("de").gettext("Datasets") == "Datasets"


def test_counts_are_kept_and_read_again(app, tmp_path) -> None:
    from server.partitions import count_partitions, read_partitions, write_partitions

    generation = app.extensions["torg"].generation()
    (tmp_path / "dumps").symlink_to(generation.path / "dumps")
    write_partitions(tmp_path, generation.graphs.values(), BASE, None)
    left = read_partitions(tmp_path, BASE)
    for entry in generation.graphs.values():
        if entry.published:
            assert left[entry.sha256] == count_partitions(generation.path / entry.dump, BASE)
    assert read_partitions(tmp_path, "https://other.example/") == {}
