"""Time travel: a Memento client's sequence of requests, `?at=` in all its spellings, states older than the stores."""

import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import rdflib
from flask.testing import FlaskClient

from server import create_app
from server.generations import DataFolder
from server.settings import read_settings

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:rdflib")

BASE = "https://data.asen.example"
SCHOOL = "/res/school/10000001"
RDF = {"Accept": "text/turtle"}


@pytest.fixture(scope="module")
def site(make_site, tmp_path_factory) -> Path:
    """Four generations: a school is named Skola 1, then Ettan, then gone; the fourth has it back."""
    made = make_site(tmp_path_factory.mktemp("memento") / "site")
    rows = made.source.read_text("utf-8").splitlines()[1:]
    named = rows[0].replace("Skola 1", "Ettan")
    for day, now in ((1, rows), (3, [named, *rows[1:]]), (5, rows[1:]), (7, [named, *rows[1:]])):
        made.write(now)
        assert made.publish(now=datetime(2026, 3, day, 4, 0, tzinfo=UTC)).generation
    return made.folder


@pytest.fixture(params=["kept", "rebuilt"])
def client(site, tmp_path, request) -> Iterator[FlaskClient]:
    """The site with all its stores, and with only the last one: the answers are the same."""
    folder = site
    if request.param == "rebuilt":
        folder = Path(shutil.copytree(site, tmp_path / "site"))
        assert DataFolder(folder / "data").forget(1) == [1, 2, 3]
    app = create_app(folder, read_settings(environment={}))
    yield app.test_client()
    app.extensions["torg"].close()


def links(response, relation: str) -> list[str]:
    found = re.findall(r'<([^>]*)>; rel="([^"]*)"', ", ".join(response.headers.getlist("Link")) or response.text)
    return [address for address, named in found if relation in named.split()]


def test_a_memento_client_finds_an_old_state(client):
    original = client.get(SCHOOL, headers=RDF)
    assert original.status_code == 200 and "Accept-Datetime" in original.headers["Vary"]
    (gate,) = links(original, "timegate")
    (timemap,) = links(original, "timemap")
    asked = {"Accept-Datetime": "Mon, 02 Mar 2026 12:00:00 GMT", **RDF}
    redirected = client.get(gate.removeprefix(BASE), headers=asked)
    assert redirected.status_code == 302 and "Accept-Datetime" in redirected.headers["Vary"]
    assert links(redirected, "original") == [BASE + SCHOOL]
    memento = client.get(redirected.headers["Location"], headers=RDF)
    assert memento.status_code == 200 and "Skola 1" in memento.text
    assert memento.headers["Memento-Datetime"] == "Sun, 01 Mar 2026 04:00:00 GMT"
    assert "immutable" in memento.headers["Cache-Control"]
    assert links(memento, "original") == [BASE + SCHOOL] and links(memento, "timemap") == [timemap]
    listed = client.get(timemap.removeprefix(BASE))
    assert listed.mimetype == "application/link-format"
    mementos = links(listed, "memento")
    assert [address.rpartition("=")[2] for address in mementos] == ["000001", "000002", "000003", "000004"]
    assert links(listed, "first") == mementos[:1] and links(listed, "last") == mementos[-1:]
    assert f"{BASE}{redirected.headers['Location']}" in mementos


@pytest.mark.parametrize(
    ("at", "name"),
    [
        ("1", "Skola 1"),
        ("000002", "Ettan"),
        ("2026-03-02", "Skola 1"),
        ("2026-03-03", "Ettan"),
        ("20260303", "Ettan"),
        ("2026-03-03T03:59:59Z", "Skola 1"),
        ("2026-03-03T05:00:00+01:00", "Ettan"),
        ("2026-03-03T05:00:00%2B01:00", "Ettan"),
        ("2126-01-01", "Ettan"),
    ],
)
def test_at_takes_numbers_dates_and_times(client, at, name):
    response = client.get(f"{SCHOOL}.ttl?at={at}", follow_redirects=True)
    assert (response.status_code, response.mimetype) == (200, "text/turtle")
    assert name in response.text


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        (f"{SCHOOL}?at=2020-01-01", 404, "first generation is 1"),
        (f"{SCHOOL}?at=99", 404, "the last 4"),
        (f"{SCHOOL}?at=0", 404, "no generation 0"),
        (f"{SCHOOL}?at=000003", 404, "Nothing described"),
        (f"{SCHOOL}?at=yesterday", 400, "2026-03-01"),
        (f"{SCHOOL}?at=", 400, "at takes"),
        (f"{SCHOOL}?at=2026-02-31", 400, "at takes"),
        (f"{SCHOOL}?at=0001-01-01T00:00%2B14:00", 400, "at takes"),
        (f"{SCHOOL}?at=999999999999", 400, "at takes"),
        ("/dumps/asen/none.nt.gz?at=000001", 404, "no such dump"),
        ("/timemap/res/school/none", 404, "no"),
        ("/timemap/sparql", 404, "no"),
    ],
)
def test_times_that_cannot_be_are_explained(client, path, status, says):
    response = client.get(path, headers={"Accept": "*/*"})
    assert response.status_code == status
    assert says.lower() in response.json["detail"].lower()


@pytest.mark.parametrize(
    ("header", "number"),
    [("Thu, 01 Jan 1970 00:00:00 GMT", "000001"), ("Fri, 01 Jan 2100 00:00:00 GMT", "000004"),
     ("Tue, 03 Mar 2026 04:00:00 GMT", "000002")],
)  # fmt: skip
def test_times_outside_give_the_first_or_last_state(client, header, number):
    response = client.get(SCHOOL, headers={"Accept-Datetime": header})
    assert (response.status_code, response.headers["Location"]) == (302, f"{SCHOOL}?at={number}")


def test_a_malformed_date_is_refused_and_a_fixed_representation_ignores_it(client):
    assert client.get(SCHOOL, headers={"Accept-Datetime": "yesterday"}).status_code == 400
    fixed = client.get(f"{SCHOOL}.ttl", headers={"Accept-Datetime": "yesterday"})
    assert fixed.status_code == 200 and "Accept-Datetime" not in fixed.headers.get("Vary", "")


def test_a_thing_and_the_catalogue_have_a_past(client):
    thing = client.get("/id/school/10000001?at=1")
    assert (thing.status_code, thing.headers["Location"]) == (303, f"{SCHOOL}?at=1")
    for path in ("/datasets", "/datasets/dcat"):
        catalog = client.get(f"{path}?at=000001", headers={"Accept": "application/rdf+xml"})
        assert catalog.status_code == 200 and "2026-03-01T04:00:00Z" in catalog.text
        assert "2026-03-07" not in catalog.text
    page = client.get(f"{SCHOOL}?at=000001&lang=sv", headers={"Accept": "text/html"})
    assert "Så här var det" in page.text and "Skola 1" in page.text


def test_old_dumps_have_the_bytes_they_had(client, site):
    for number in (1, 2, 3, 4):
        response = client.get(f"/dumps/asen/skolor.nt.gz?at={number:06d}")
        assert response.status_code == 200
        assert response.data == (site / f"data/generations/{number:06d}/dumps/asen/skolor.nt.gz").read_bytes()


def test_a_named_graph_has_a_past_in_every_syntax(client):
    graphs = []
    for suffix, syntax in (("ttl", "turtle"), ("nt", "nt"), ("rdf", "xml"), ("jsonld", "json-ld")):
        response = client.get(f"/graph/asen/skolor.{suffix}?at=000001")
        assert response.status_code == 200 and response.headers["Memento-Datetime"]
        graphs.append(set(rdflib.Graph().parse(data=response.data, format=syntax)))
    assert graphs[0] == graphs[1] == graphs[2] == graphs[3] and len(graphs[0]) > 40
    assert client.get("/graph/asen/none?at=000001", headers=RDF).status_code == 404


def test_at_is_never_ignored(client):
    for path in ("/resource?uri=https://x.example/&at=1", "/rdf-graph-store?default&at=1", "/psidata?at=1"):
        assert client.get(path, headers={"Accept": "*/*"}).status_code == 400


def test_head_and_conditional_requests(client):
    whole = client.get(f"{SCHOOL}.nt?at=000001")
    head = client.head(f"{SCHOOL}.nt?at=000001")
    assert head.headers["ETag"] == whole.headers["ETag"] and head.data == b""
    again = client.get(f"{SCHOOL}.nt?at=000001", headers={"If-None-Match": whole.headers["ETag"]})
    assert again.status_code == 304


def test_a_change_of_a_part_is_a_state_of_the_whole(small_site):
    """A part (`thing#address`) is described with its thing, so the thing has another description since."""
    said = (small_site.dataset / "dataset.toml").read_text("utf-8").replace("skolor.csv", "skolor.nt")
    (small_site.dataset / "dataset.toml").write_text(said.replace('conformsTo = "skolor"\n', ""), "utf-8")
    small_site.source.unlink()
    thing = f"{BASE}/id/x/9901/1"
    for day, street in ((1, "Storgatan"), (3, "Lillgatan")):
        lines = f"<{thing}> <http://a.example/at> <{thing}#at> .\n", f'<{thing}#at> <http://a.example/s> "{street}" .\n'
        (small_site.dataset / "skolor.nt").write_text("".join(lines), "utf-8")
        assert small_site.publish(now=datetime(2026, 3, day, 4, 0, tzinfo=UTC)).generation
    app = create_app(small_site.folder, read_settings(environment={}))
    try:
        client = app.test_client()
        listed = client.get("/timemap/res/x/9901/1?format=json").json["mementos"]["list"]
        assert [each["uri"].rpartition("=")[2] for each in listed] == ["000001", "000002"]
        asked = RDF | {"Accept-Datetime": "Wed, 04 Mar 2026 12:00:00 GMT"}
        assert "Lillgatan" in client.get("/res/x/9901/1", headers=asked, follow_redirects=True).text
    finally:
        app.extensions["torg"].close()


def test_addresses_whose_states_are_known_do_not_pile_up(client, monkeypatch):
    monkeypatch.setattr("server.views.history._REMEMBERED", 3)
    for number in range(5):
        client.get(f"/timemap/res/school/{number}")
    assert len(client.application.extensions["torg"].current().memo["states"]) <= 3
