"""Whole graphs by the Graph Store Protocol, and the dumps."""

from __future__ import annotations

import gzip
import hashlib
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from pyoxigraph import RdfFormat, parse
from rdflib import Graph
from rdflib.compare import isomorphic

pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated")
BASE = "https://data.norrsjo.example/"
GRAPH = "/graph/granby/skolor"
FORMATS = {
    "text/turtle": "turtle",
    "application/n-triples": "nt",
    "application/rdf+xml": "xml",
    "application/ld+json": "json-ld",
}


def dump(client: FlaskClient, name: str) -> Graph:
    return Graph().parse(data=gzip.decompress(client.get(f"/dumps/{name}.nt.gz", buffered=True).data), format="nt")


@pytest.mark.parametrize("media_type", FORMATS)
def test_a_graph_is_the_same_by_either_address_and_as_its_dump(client: FlaskClient, media_type: str) -> None:
    direct = client.get(GRAPH, headers={"Accept": media_type})
    indirect = client.get(f"/rdf-graph-store?graph={quote(BASE + GRAPH[1:], safe='')}", headers={"Accept": media_type})
    assert direct.mimetype == indirect.mimetype == media_type
    assert direct.data == indirect.data
    found = Graph().parse(data=direct.data, format=FORMATS[media_type])
    assert isomorphic(found, dump(client, "granby/skolor"))


def test_the_default_graph_is_the_merge(client: FlaskClient, app) -> None:
    lines = client.get("/rdf-graph-store?default", headers={"Accept": "application/n-triples"}).data.splitlines()
    assert len(lines) == len(set(lines)) == app.extensions["torg"].generation().manifest["default_graph_triples"]
    part = client.get(GRAPH, headers={"Accept": "application/n-triples"}).data.splitlines()
    assert set(part) <= set(lines)


def test_a_browser_gets_a_page_about_the_graph(client: FlaskClient) -> None:
    page = client.get(GRAPH, headers={"Accept": "text/html"})
    assert page.mimetype == "text/html"
    assert "/dumps/granby/skolor.nt.gz" in page.get_data(as_text=True)
    assert client.get(f"{GRAPH}.ttl").mimetype == "text/turtle"


def test_which_graph(client: FlaskClient) -> None:
    assert client.get("/rdf-graph-store").status_code == 400
    assert client.get("/rdf-graph-store?default&graph=urn:a").status_code == 400
    assert client.get("/rdf-graph-store?graph=not%20an%20iri").status_code == 400
    assert client.get("/rdf-graph-store?graph=urn:nosuch").status_code == 404
    periods = client.get("/graph/granby/leverantorsreskontra")
    assert periods.status_code == 404
    assert periods.json["graphs"] == [f"{BASE}graph/granby/leverantorsreskontra/2026-0{month}" for month in (1, 2)]


@pytest.mark.parametrize("method", ["put", "post", "delete", "patch"])
@pytest.mark.parametrize("path", [GRAPH, "/rdf-graph-store?graph=urn:a", "/rdf-graph-store?default"])
def test_writing_is_refused_with_the_reason(client: FlaskClient, method: str, path: str) -> None:
    response = getattr(client, method)(path, data=b"<urn:s> <urn:p> 1 .", content_type="text/turtle")
    assert response.status_code == 405
    assert "stewards" in response.json["detail"]
    assert "GET" in response.headers["Allow"]


def test_large_graphs_come_whole_with_their_length(client: FlaskClient, monkeypatch) -> None:
    whole = client.get(GRAPH, headers={"Accept": "application/n-triples"})
    monkeypatch.setattr("server.views.graphs.SMALL", 100)
    spooled = client.get(GRAPH, headers={"Accept": "application/n-triples"})
    assert spooled.data == whole.data
    assert spooled.headers["Content-Length"] == str(len(whole.data))
    assert spooled.headers["ETag"] == whole.headers["ETag"]


def test_no_place_is_lost_when_large_answers_end(client: FlaskClient, monkeypatch) -> None:
    monkeypatch.setattr("server.views.graphs.SMALL", 100)
    for _ in range(12):
        assert client.get(GRAPH, headers={"Accept": "text/turtle"}).status_code == 200


def test_dumps_check_against_their_sums(client: FlaskClient) -> None:
    sums = dict(line.split("  ")[::-1] for line in client.get("/dumps/SHA256SUMS").get_data(as_text=True).splitlines())
    assert "granby/skolor.nt.gz" in sums
    response = client.get("/dumps/granby/skolor.nt.gz", buffered=True)
    assert response.mimetype == "application/gzip"
    assert "Content-Encoding" not in response.headers
    assert hashlib.sha256(response.data).hexdigest() == sums["granby/skolor.nt.gz"]


def test_a_broken_download_goes_on(client: FlaskClient) -> None:
    whole = client.get("/dumps/granby/skolor.nt.gz", buffered=True).data
    part = client.get("/dumps/granby/skolor.nt.gz", headers={"Range": "bytes=10-19"}, buffered=True)
    assert (part.status_code, part.data) == (206, whole[10:20])
    assert (
        client.get(
            "/dumps/granby/skolor.nt.gz", headers={"Range": f"bytes={len(whole) + 1}-"}, buffered=True
        ).status_code
        == 416
    )


@pytest.mark.parametrize("name", ["../manifest.json", "granby/../../manifest.json", "granby/none.nt.gz", "%2e%2e/lock"])
def test_only_dumps_are_files_here(client: FlaskClient, name: str) -> None:
    assert client.get(f"/dumps/{name}").status_code == 404


def test_the_dump_of_everything_holds_every_quad(client: FlaskClient, app) -> None:
    response = client.get("/dumps/all.nq.gz", buffered=True)
    sums = client.get("/dumps/SHA256SUMS").get_data(as_text=True)
    assert f"{hashlib.sha256(response.data).hexdigest()}  all.nq.gz\n" in sums
    lines = gzip.decompress(response.data).splitlines()
    assert len(lines) == len(set(lines))
    assert len(lines) == sum(entry.triples for entry in app.extensions["torg"].generation().graphs.values())
    assert client.get("/dumps/?format=json").json["all"]["bytes"] == len(response.data)


@pytest.mark.parametrize(("suffix", "media_type"), [("nq", "application/n-quads"), ("trig", "application/trig")])
def test_a_graph_comes_with_its_name(client: FlaskClient, suffix: str, media_type: str) -> None:
    plain = client.get("/graph/granby/skolor.nt").data
    triples = {str(quad.triple) for quad in parse(plain, format=RdfFormat.N_TRIPLES)}
    answer = client.get(f"/graph/granby/skolor.{suffix}")
    assert (200, media_type) == (answer.status_code, answer.mimetype)
    quads = list(parse(answer.data, format=RdfFormat.from_media_type(media_type)))
    assert triples == {str(quad.triple) for quad in quads}
    assert {"<https://data.norrsjo.example/graph/granby/skolor>"} == {str(quad.graph_name) for quad in quads}
