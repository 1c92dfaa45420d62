"""The rules for persistent identifiers of Digg (BI-1 to BI-7, UM-1 to UM-12), each as a client sees it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from rdflib import Graph, URIRef

from server import create_app
from server.ledger import Ledger
from server.settings import read_settings
from tests.conftest import ROWS, SmallSite

BASE = "https://data.norrsjo.example/"
SCHOOL, DOCUMENT = "/id/school/09903001", "/res/school/09903001"
CHROME = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
OLD = "https://data.asen.example/id/school/"


@pytest.fixture(scope="session")
def identifiers(app, starter: Path) -> list[str]:
    """Every IRI of ours that the starter region minted as a subject."""
    import gzip

    found: set[str] = set()
    for dump in (starter / "data" / "generations" / "000001" / "dumps").rglob("*.nt.gz"):
        for line in gzip.open(dump, "rt", encoding="utf-8"):
            found.add(line[1 : line.index("> ")])
    return sorted(name for name in found if name.startswith((BASE + "id/", BASE + "def/")))


def test_bi_1_identifiers_are_web_addresses_on_a_domain_name(identifiers: list[str]) -> None:
    assert len(identifiers) > 3500
    assert all(re.match(r"https?://[a-z][a-z0-9.-]*\.[a-z]+/", name) for name in identifiers)


def test_bi_2_no_port_and_no_user(identifiers: list[str]) -> None:
    assert not [name for name in identifiers if "@" in name.split("/")[2] or ":" in name.split("/")[2]]


def test_bi_3_no_query_and_no_fragment(identifiers: list[str]) -> None:
    assert not [name for name in identifiers if "?" in name or "#" in name]


def test_bi_4_no_version_number(identifiers: list[str]) -> None:
    assert not [name for name in identifiers if re.search(r"/v\d+(\.\d+)*(/|$)", name)]


def test_bi_5_no_file_extension(identifiers: list[str]) -> None:
    assert not [
        name for name in identifiers if re.search(r"\.(ttl|rdf|nt|jsonld|html|csv|xlsx|json|xml|php|asp)$", name)
    ]


def test_bi_6_only_unreserved_and_encoded_characters(identifiers: list[str]) -> None:
    assert not [name for name in identifiers if not re.fullmatch(r"https://[A-Za-z0-9._~/%-]+", name)]


def test_bi_7_type_concept_and_reference(identifiers: list[str]) -> None:
    """The pattern {domain}/{type}/{concept}/{reference}; the catalogue itself is the one thing without a reference."""
    short = [name for name in identifiers if not re.match(rf"{BASE}(id|def)/[^/]+/.", name)]
    assert all(re.match(rf"{BASE}(id/catalog|def/[a-z-]+)$", name) for name in short), short


def test_um_1_the_identifier_itself_answers(client: FlaskClient, identifiers: list[str]) -> None:
    for name in identifiers[::97]:
        assert client.get(name.removeprefix(BASE.rstrip("/"))).status_code == 303, name


def test_um_2_head_answers_as_get(client: FlaskClient) -> None:
    for path in (SCHOOL, DOCUMENT, f"{DOCUMENT}.ttl", "/", "/.well-known/void", "/graph/alvhult/skolor", "/spec/torg"):
        for accept in ("text/turtle", CHROME):
            get, head = (call(path, headers={"Accept": accept}) for call in (client.get, client.head))
            assert head.status_code == get.status_code
            assert head.data == b""
            for name in ("Content-Type", "ETag", "Vary", "Location", "Link", "Cache-Control", "Content-Language"):
                assert head.headers.get(name) == get.headers.get(name), (path, name)


def test_um_3_a_document_answers_200(client: FlaskClient) -> None:
    assert client.get(DOCUMENT).status_code == 200
    assert client.get("/spec/torg").status_code == 200


def test_um_4_type_and_language_are_negotiated_and_alternates_told(client: FlaskClient) -> None:
    response = client.get(DOCUMENT, headers={"Accept": CHROME, "Accept-Language": "en"})
    assert (response.mimetype, response.headers["Content-Language"]) == ("text/html", "en")
    assert {"Accept", "Accept-Language"} <= set(response.headers["Vary"].split(", "))
    link = response.headers["Link"]
    for media_type in (
        "text/turtle",
        "application/ld+json",
        "application/rdf+xml",
        "application/n-triples",
        "text/html",
    ):
        assert f'rel="alternate"; type="{media_type}"' in link
    assert 'hreflang="sv"' in link and 'hreflang="en"' in link


def test_um_6_a_document_leads_to_another_by_307(client: FlaskClient) -> None:
    response = client.get("/resource", query_string={"uri": BASE + SCHOOL[1:], "lang": "en"})
    assert (response.status_code, response.headers["Location"]) == (307, f"{DOCUMENT}?lang=en")


def test_um_7_a_thing_answers_303_to_its_description(client: FlaskClient) -> None:
    for accept in ("text/turtle", CHROME, "image/png"):
        response = client.get(SCHOOL, headers={"Accept": accept})
        assert (response.status_code, response.headers["Location"]) == (303, DOCUMENT)
    assert client.get("/def/service/T3").headers["Location"] == "/res/def/service/T3"


def test_um_8_described_by(client: FlaskClient) -> None:
    for path in (SCHOOL, DOCUMENT):
        link = client.get(path).headers["Link"]
        assert f'<{BASE}res/school/09903001>; rel="describedby"; anchor="{BASE}id/school/09903001"' in link


def test_um_9_canonical(client: FlaskClient) -> None:
    for path in (DOCUMENT, f"{DOCUMENT}.ttl", f"{DOCUMENT}?lang=en"):
        assert f'<{BASE}res/school/09903001>; rel="canonical"' in client.get(path).headers["Link"]


REPLACEMENTS = """
["/id/school/10000002"]
replacedBy = "/id/school/10000003"
["/id/school/10000004"]
mergedInto = "/id/school/10000005"
["/id/school/10000006"]
splitInto = ["/id/school/10000007", "/id/school/10000008"]
"""


@dataclass
class Aftermath:
    """A small site after a school was withdrawn, and others replaced, merged and split."""

    client: FlaskClient
    story: Callable[[str], list[str]]


@pytest.fixture
def aftermath(small_site: SmallSite) -> Aftermath:
    assert small_site.publish().generation == 1
    small_site.write([row for row in ROWS if not any(f"1000000{gone}," in row for gone in (1, 2, 4, 6))])
    (small_site.folder / "replacements.toml").write_text(REPLACEMENTS, "utf-8")
    assert small_site.publish(confirm=True).generation == 2
    ledger = Ledger(small_site.data / "ledger.sqlite")
    app = create_app(small_site.folder, read_settings(environment={}))
    return Aftermath(app.test_client(), lambda path: [event.event for event in ledger.events(path)])


def test_um_10_what_ceased_answers_410_with_its_last_description(aftermath: Aftermath) -> None:
    for path in ("/id/school/10000001", "/res/school/10000001", "/res/school/10000001.ttl"):
        response = aftermath.client.get(path, headers={"Accept": "text/turtle"})
        assert response.status_code == 410
        found = Graph().parse(data=response.data, format="turtle")
        assert (URIRef(OLD + "10000001"), URIRef("https://schema.org/name"), None) in found
    page = aftermath.client.get("/id/school/10000001", headers={"Accept": CHROME})
    assert (page.status_code, page.mimetype) == (410, "text/html")
    text = page.get_data(as_text=True)
    assert "Skola 1" in text
    assert "1 mars 2026" in text and "Borttagen" in text and "Först publicerad" in text
    assert aftermath.story("/id/school/10000001") == ["minted", "withdrawn"]
    machine = aftermath.client.get("/id/school/10000001", headers={"Accept": "application/problem+json"})
    assert (machine.status_code, machine.json["status"]) == (410, 410)


def test_um_10_never_published_is_404(aftermath: Aftermath) -> None:
    assert aftermath.client.get("/id/school/30000001").status_code == 404
    assert aftermath.client.get("/res/school/30000001").status_code == 404


def test_um_11_what_is_replaced_answers_308(aftermath: Aftermath) -> None:
    thing = aftermath.client.get("/id/school/10000002")
    assert (thing.status_code, thing.headers["Location"]) == (308, "/id/school/10000003")
    document = aftermath.client.get("/res/school/10000002?lang=en")
    assert (document.status_code, document.headers["Location"]) == (308, "/res/school/10000003?lang=en")


@pytest.mark.parametrize(("number", "successors"), [("10000004", ["10000005"]), ("10000006", ["10000007", "10000008"])])
def test_um_12_merged_or_split_answers_300_with_successors(
    aftermath: Aftermath, number: str, successors: list[str]
) -> None:
    for accept in ("text/turtle", "application/json", CHROME):
        response = aftermath.client.get(f"/id/school/{number}", headers={"Accept": accept})
        assert response.status_code == 300
        for successor in successors:
            assert f'<{OLD}{successor}>; rel="successor-version"' in response.headers["Link"]
            assert successor in response.get_data(as_text=True)
    assert 'href="/id/school/' in response.get_data(as_text=True)
