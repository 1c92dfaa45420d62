"""A running site: publications are picked up at once, bases may be shared or prefixed, hostile data stays bounded."""

from __future__ import annotations

import gc
import re
import time
from pathlib import Path

import pytest
from flask import Flask
from rdflib import Graph, URIRef

from server import create_app
from server.settings import read_settings
from tests.conftest import ROWS, SITE, SmallSite

CHROME = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


def serve(site: SmallSite) -> Flask:
    return create_app(site.folder, read_settings(environment={}))


def test_before_the_first_publication(small_site: SmallSite) -> None:
    client = serve(small_site).test_client()
    assert client.get("/-/health").status_code == 200
    assert client.get("/-/ready").status_code == 503
    for path in ("/", "/id/school/10000001", "/res/school/10000001", "/.well-known/void", "/sitemap.xml"):
        response = client.get(path)
        assert (response.status_code, response.headers["Retry-After"]) == (503, "10")
        assert response.headers["Cache-Control"] == "no-store"
    assert client.get("/", headers={"Accept": CHROME}).mimetype == "text/html"
    assert client.get("/robots.txt").status_code == 200


def test_a_publication_is_served_without_restart(small_site: SmallSite) -> None:
    small_site.publish()
    app = serve(small_site)
    client = app.test_client()
    assert client.get("/-/ready").json["generation"] == "000001"
    before = client.get("/res/school/10000001.ttl")
    small_site.write([row.replace("Skola 1", "Ängsskolan") for row in ROWS])
    assert small_site.publish().generation == 2
    after = client.get("/res/school/10000001.ttl")
    assert client.get("/-/ready").json["generation"] == "000002"
    assert "Ängsskolan" in after.get_data(as_text=True)
    assert after.headers["ETag"] != before.headers["ETag"]
    assert client.get("/res/school/10000002.ttl").status_code == 200


def test_an_old_generation_is_let_go_when_its_last_reader_is_done(small_site: SmallSite) -> None:
    small_site.publish()
    torg = serve(small_site).extensions["torg"]
    held = torg.current()
    lock = held.generation._lock
    small_site.write(ROWS[:-1])
    small_site.publish()
    assert torg.generation().number == 2
    assert not lock.closed
    assert held.generation.store.describes("https://data.asen.example/id/school/10000001")
    del held
    gc.collect()
    assert lock.closed


@pytest.mark.parametrize("mounted", ["/oppna/data", ""])
def test_a_base_with_a_path_prefix(small_site: SmallSite, mounted: str) -> None:
    text = SITE.replace("https://data.asen.example/", "https://www.asen.example/oppna/data/")
    (small_site.folder / "site.toml").write_text(text, "utf-8")
    small_site.publish()
    client = serve(small_site).test_client()
    thing = client.get(f"{mounted}/id/school/10000001")
    assert (thing.status_code, thing.headers["Location"]) == (303, "/oppna/data/res/school/10000001")
    page = client.get(f"{mounted}/res/school/10000001", headers={"Accept": CHROME})
    assert 'href="/oppna/data/static/torg.svg"' in page.get_data(as_text=True)
    assert page.headers["Content-Location"].startswith("/oppna/data/res/")
    found = Graph().parse(data=client.get(f"{mounted}/res/school/10000001.ttl").data, format="turtle")
    assert (URIRef("https://www.asen.example/oppna/data/id/school/10000001"), None, None) in found
    assert client.get(f"{mounted}/-/ready").status_code == 200


def test_concepts_of_another_owner(small_site: SmallSite) -> None:
    text = SITE.replace("title.sv", 'concept_base = "https://begrepp.lan.example/"\ntitle.sv')
    (small_site.folder / "site.toml").write_text(text, "utf-8")
    small_site.publish()
    client = serve(small_site).test_client()
    ours = client.get("/def/service/T3")
    assert (ours.status_code, ours.headers["Location"]) == (303, "https://begrepp.lan.example/def/service/T3")
    document = client.get("/res/def/service/T3?lang=en")
    assert document.status_code == 307
    described = client.get(document.headers["Location"], headers={"Accept": "text/turtle"})
    assert described.status_code == 200
    found = Graph().parse(data=described.data, format="turtle")
    assert (URIRef("https://begrepp.lan.example/def/service/T3"), None, None) in found
    assert client.get("/spec/torg").headers["Location"] == "https://begrepp.lan.example/spec/torg"


BASE = "https://data.asen.example/"
CONCEPTS = f"""
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
<def/local/A> a skos:Concept ; skos:prefLabel "A"@sv, "A"@en ; skos:broader <def/local/B> .
<def/local/B> a skos:Concept ; skos:prefLabel "B"@sv, "B"@en ; skos:broader <def/local/A> .
<def/local/Ö%20dal> a skos:Concept ; skos:prefLabel "<script>alert(1)</script>"@sv ; skos:broader <def/local/A> ;
  skos:note "Öppet \\"citat\\" & mera" .
<def/local/many> a skos:Concept ; skos:prefLabel "Många"@sv ;
  skos:related {", ".join(f"<def/other/{n:05d}>" for n in range(30_000))} .
{" ".join(f"<def/other/{n:05d}> skos:broader <def/local/hub> ." for n in range(30_000))}
""".replace("Ö%20dal", "%C3%96%20dal")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    site = SmallSite(tmp_path_factory.mktemp("hostile") / "site")
    # As data: in a file of concepts the circle alone would stop the run.
    folder = site.dataset.parent / "begrepp"
    folder.mkdir()
    described = (site.dataset / "dataset.toml").read_text("utf-8")
    described = described.replace('conformsTo = "skolor"\n', "").replace("skolor.csv", "begrepp.ttl")
    (folder / "dataset.toml").write_text(described, "utf-8")
    (folder / "begrepp.ttl").write_text(f"@base <{BASE}> .\n{CONCEPTS}", "utf-8")
    site.publish()
    return serve(site)


@pytest.mark.parametrize("accept", ["text/turtle", "application/ld+json", "application/rdf+xml", CHROME])
@pytest.mark.parametrize("path", ["/res/def/local/many", "/res/def/local/hub"])
def test_thirty_thousand_values_are_bounded_with_a_true_count(hostile: Flask, path: str, accept: str) -> None:
    start = time.monotonic()
    response = hostile.test_client().get(path, headers={"Accept": accept})
    assert time.monotonic() - start < 5
    assert response.status_code == 200
    assert len(response.data) < 200_000
    assert b"30000" in response.data or "30\xa0000".encode() in response.data


def test_the_fixed_n_triples_are_whole(hostile: Flask) -> None:
    client = hostile.test_client()
    whole = client.get("/res/def/local/many.nt").get_data(as_text=True)
    assert whole.count("core#related> <") == 30_000
    assert client.get("/res/def/local/hub.nt").get_data(as_text=True).count(f"<{BASE}def/local/hub> .") >= 30_000
    bounded = client.get("/res/def/local/many", headers={"Accept": "application/n-triples"}).get_data(as_text=True)
    assert bounded.count("core#related> <") == 200
    assert set(bounded.splitlines()) <= set(whole.splitlines())


def test_pages_of_a_property(hostile: Flask) -> None:
    client = hostile.test_client()
    related = "property=http%3A%2F%2Fwww.w3.org%2F2004%2F02%2Fskos%2Fcore%23related"
    last = client.get(f"/res/def/local/many?{related}&page=150", headers={"Accept": "text/turtle"})
    assert last.get_data(as_text=True).count("def/other/") >= 200
    assert client.get(f"/res/def/local/many?{related}&page=151").status_code == 404
    page = client.get(f"/res/def/local/many?{related}&page=2", headers={"Accept": CHROME}).get_data(as_text=True)
    assert 'rel="prev"' in page and 'rel="next"' in page


def test_pages_of_inverse_links(hostile: Flask) -> None:
    client = hostile.test_client()
    broader = "inverse=http%3A%2F%2Fwww.w3.org%2F2004%2F02%2Fskos%2Fcore%23broader"
    seen: set[str] = set()
    for page in (1, 2, 150):
        text = client.get(f"/res/def/local/hub?{broader}&page={page}", headers={"Accept": "text/turtle"}).get_data(True)
        assert "totalItems 30000" in text
        found = set(re.findall(r"<https://data\.asen\.example/(def/other/\d{5})> ", text))
        assert len(found) == 200 and not found & seen
        seen |= found
    assert client.get(f"/res/def/local/hub?{broader}&page=151").status_code == 404


def test_broader_in_a_circle_ends(hostile: Flask) -> None:
    page = hostile.test_client().get("/res/def/local/A", headers={"Accept": CHROME})
    assert page.status_code == 200


def test_markup_in_data_stays_text_and_odd_letters_are_found(hostile: Flask) -> None:
    client = hostile.test_client()
    for spelled in ("/def/local/%C3%96%20dal", "/def/local/Ö dal"):
        assert client.get(spelled).headers["Location"] == "/res/def/local/%C3%96%20dal"
    page = client.get("/res/def/local/%C3%96%20dal", headers={"Accept": CHROME}).get_data(as_text=True)
    assert "<script>" not in page and "alert(1)</script" not in page
    assert "&lt;script&gt;alert(1)" in page
    decomposed = client.get("/res/def/local/O%CC%88%20dal")
    assert (decomposed.status_code, decomposed.headers["Location"]) == (308, "/res/def/local/%C3%96%20dal")


def test_the_site_folder_is_not_served(small_site: SmallSite) -> None:
    small_site.publish()
    client = serve(small_site).test_client()
    for path in ("/site.toml", "/data/current", "/datasets/asen/skolor/skolor.csv", "/static/../site.toml"):
        assert client.get(path).status_code == 404
    assert Path(small_site.folder / "site.toml").is_file()
