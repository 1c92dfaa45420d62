"""The change feed: Atom and pages for people, and an event stream from which a consumer rebuilds a dataset."""

import html
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest
import rdflib
from flask.testing import FlaskClient

from server import create_app
from server.generations import DataFolder
from server.graph_files import read_graph
from server.history import History
from server.settings import read_settings

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:rdflib")

BASE = "https://data.asen.example/"
AS = rdflib.Namespace("https://www.w3.org/ns/activitystreams#")
LDES = rdflib.Namespace("https://w3id.org/ldes#")
TREE = rdflib.Namespace("https://w3id.org/tree#")
ATOM = "{http://www.w3.org/2005/Atom}"
GRAPH = f"{BASE}graph/asen/skolor"


def day(number: int) -> datetime:
    return datetime(2026, 3, number, 4, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def changed_site(make_site, tmp_path_factory):
    """Three generations: eight schools; one gone and one renamed; it returns under another name."""
    small_site = make_site(tmp_path_factory.mktemp("changes") / "site")
    small_site.publish(now=day(1))
    rows = small_site.source.read_text("utf-8").splitlines()[1:]
    small_site.write([*rows[1:7], rows[7].replace("Skola 8", "Åttans skola")])
    small_site.publish(now=day(2))
    small_site.write(
        [rows[0].replace("Skola 1", "Ettans skola"), *rows[1:7], rows[7].replace("Skola 8", "Åttans skola")]
    )
    small_site.publish(now=day(3))
    return small_site


@pytest.fixture
def client(changed_site) -> Iterator[FlaskClient]:
    app = create_app(changed_site.folder, read_settings(environment={}))
    yield app.test_client()
    app.extensions["torg"].close()


class Consumer:
    """Reads a stream from its address alone: follows every relation, then replays the members in their order."""

    def __init__(self, client: FlaskClient, address: str) -> None:
        self.client, self.data = client, rdflib.Dataset()
        self.pages, waiting = set[str](), [address]
        while waiting:
            page = waiting.pop(0).partition("#")[0]
            if page in self.pages:
                continue
            self.pages.add(page)
            response = client.get(page.removeprefix(BASE.rstrip("/")))
            assert (response.status_code, response.mimetype) == (200, "application/trig"), response.text
            self.data.parse(data=response.data, format="trig")
            waiting += [str(node) for node in self.data.objects(None, TREE.node)]
        (self.feed,) = self.data.subjects(rdflib.RDF.type, LDES.EventStream)

    def replay(self) -> rdflib.Graph:
        return replayed(self.data, self.feed, rdflib.Graph())


def replayed(data: rdflib.Dataset, feed: rdflib.term.Node, before: rdflib.Graph) -> rdflib.Graph:
    """Apply the members of a stream to a graph, oldest first: the newest version of a thing takes its place."""
    version, time = data.value(feed, LDES.versionOfPath), data.value(feed, LDES.timestampPath)
    things = {thing: set(before.triples((thing, None, None))) for thing in before.subjects()}
    for member in sorted(data.objects(feed, TREE.member), key=lambda m: (data.value(m, time), str(m))):
        thing = data.value(member, version)
        if (member, rdflib.RDF.type, AS.Delete) in data:
            assert len(data.graph(member)) == 0
            things.pop(thing)
        else:
            assert ((member, rdflib.RDF.type, AS.Create) in data) == (thing not in things), thing
            things[thing] = set(data.graph(member))
    result = rdflib.Graph()
    for triples in things.values():
        for triple in triples:
            result.add(triple)
    return result


def test_our_consumer_agrees_with_the_test_suite_and_our_stream_with_its_feeds(client, shared):
    ours = Consumer(client, f"{BASE}changes/ldes?dataset=asen/skolor")
    on_feed = set(ours.data.predicates(ours.feed))
    on_members = {name for member in ours.data.objects(ours.feed, TREE.member) for name in ours.data.predicates(member)}
    cases = sorted((shared / "ldes-dcat-ap-testsuite").glob("test*/feed.trig") or ())
    cases = cases or sorted((shared / "data" / "ldes-dcat-ap-testsuite").glob("test*/feed.trig"))
    assert len(cases) > 10
    for case in cases:
        data = rdflib.Dataset()
        data.parse(case, format="trig", publicID="https://example.com/feed")
        (feed,) = data.subjects(rdflib.RDF.type, LDES.EventStream)
        assert set(data.predicates(feed)) - {TREE.shape} <= on_feed
        members = set(data.objects(feed, TREE.member))
        assert {name for member in members for name in data.predicates(member)} == on_members
        before = rdflib.Graph().parse(case.parent / "before.ttl", format="turtle")
        after = replayed(data, feed, before)
        asked = (case.parent / "test.sparql").read_text("utf-8")
        assert after.query(asked).askAnswer, case.parent.name


def test_a_consumer_rebuilds_a_dataset_from_the_stream_alone(client, changed_site):
    consumer = Consumer(client, f"{BASE}changes/ldes?dataset=asen/skolor")
    expected = rdflib.Graph().parse(
        data="".join(read_graph(changed_site.data / "generations/000003/dumps/asen/skolor.nt.gz")), format="nt"
    )
    assert set(consumer.replay()) == set(expected)
    assert len(consumer.pages) == 4
    assert len(list(consumer.data.subjects(rdflib.RDF.type, AS.Delete))) == 1


def test_the_stream_survives_generations_that_are_no_longer_kept(client, changed_site):
    before = {
        page: client.get(page).data for page in ("/changes/ldes/000001", "/changes/ldes/000002?dataset=asen/skolor")
    }
    from server.generations import DataFolder

    assert DataFolder(changed_site.data).forget(1) == [1, 2]
    later = create_app(changed_site.folder, read_settings(environment={})).test_client()
    assert before == {page: later.get(page).data for page in before}


def test_large_generations_come_in_pages(client, monkeypatch):
    from server.views import changes

    monkeypatch.setattr(changes, "MEMBERS", 3)
    whole = Consumer(client, f"{BASE}changes/ldes?dataset=asen/skolor")
    assert len(whole.pages) > 5
    assert len(whole.replay()) > 8


def test_everything_rebuilds_everything(client, changed_site):
    history = History(DataFolder(changed_site.data))
    expected = {line for graph in history.graphs(3) for line in history.lines(3, graph)}
    replayed = Consumer(client, f"{BASE}changes/ldes").replay()
    graph = rdflib.Graph().parse(data="".join(expected), format="nt")
    assert set(replayed) == set(graph)


def test_a_branch_and_a_resource_have_streams_of_their_own(client):
    branch = Consumer(client, f"{BASE}changes/ldes?branch=def/facility/O1")
    kinds = {str(thing).removeprefix(BASE).rpartition("/")[0] for thing in branch.data.objects(None, AS.object)}
    assert {"id/school", "def/facility"} <= kinds and "def/place" not in kinds
    schools = [thing for thing in branch.replay().subjects(rdflib.RDF.type) if "/id/school/" in thing]
    assert len(set(schools)) == 8
    school = f"{BASE}id/school/10000001"
    one = Consumer(client, f"{BASE}changes/ldes?resource={school}")
    assert {str(thing) for thing in one.data.objects(None, AS.object)} == {school}
    kinds = [one.data.value(member, rdflib.RDF.type) for member in sorted(one.data.objects(one.feed, TREE.member))]
    assert {AS.Create, AS.Delete} == set(kinds) and len(kinds) == 3


def test_a_feed_reader_reads_atom(client):
    for query in ("", "&dataset=asen/skolor", f"&resource={BASE}id/school/10000001"):
        response = client.get(f"/changes?format=atom{query}", headers={"Accept-Language": "sv"})
        feed = ElementTree.fromstring(response.data)
        assert feed.find(f"{ATOM}id").text.startswith(BASE) and feed.find(f"{ATOM}author/{ATOM}name").text
        entries = feed.findall(f"{ATOM}entry")
        ids = [entry.find(f"{ATOM}id").text for entry in entries]
        assert len(set(ids)) == len(ids) >= 3
        times = [entry.find(f"{ATOM}updated").text for entry in entries]
        assert times == sorted(times, reverse=True) and times[0] == "2026-03-03T04:00:00Z"
    assert "Borttagen" in response.text


@pytest.mark.parametrize(
    "query", ["", "dataset=asen/skolor", "branch=def/facility/O1", f"resource={BASE}id/school/10000005",
              f"resource={BASE}id/school/never"],
)  # fmt: skip
def test_every_feed_is_as_rfc_4287_wants(client, query):
    response = client.get(f"/changes?format=atom&{query}")
    assert response.mimetype == "application/atom+xml"
    feed = ElementTree.fromstring(response.data)
    assert feed.tag == f"{ATOM}feed"
    for element, entries in (
        (feed, feed.findall(f"{ATOM}entry")),
        *((entry, ()) for entry in feed.iter(f"{ATOM}entry")),
    ):
        for name in ("id", "title", "updated"):  # sections 4.1.1 and 4.1.2: exactly one of each
            assert len(element.findall(f"{ATOM}{name}")) == 1, name
        assert element.find(f"{ATOM}id").text.startswith("https://") and element.find(f"{ATOM}title").text
        moment = datetime.fromisoformat(element.find(f"{ATOM}updated").text)
        assert moment.tzinfo is not None and all(
            datetime.fromisoformat(entry.find(f"{ATOM}updated").text) <= moment for entry in entries
        )
        # Without content an entry has an alternate link; that is what a link without rel is (4.2.7.2).
        assert any(link.get("rel", "alternate") == "alternate" for link in element.findall(f"{ATOM}link"))
    assert [link.get("rel") for link in feed.findall(f"{ATOM}link")] == ["self", "alternate"]
    assert feed.find(f"{ATOM}author/{ATOM}name").text


def test_people_see_what_changed(client):
    page = client.get("/changes?lang=sv", headers={"Accept": "text/html"}).text
    assert "3 mars 2026" in page and "Skolor i Åsen" in page
    one = client.get("/changes/2?lang=sv", headers={"Accept": "text/html"}).text
    assert "Åttans skola" in one and "Borttagen" in one and "10000001" in one
    listed = client.get("/changes/2?dataset=asen/skolor", headers={"Accept": "application/json"}).json
    assert {(m["change"], m["iri"].rpartition("/")[2]) for m in listed["members"] if "/school/" in m["iri"]} == {
        ("Delete", "10000001"), ("Update", "10000008"),
    }  # fmt: skip


def test_files_of_the_catalogue_are_kept_apart_from_what_people_read(client):
    page = client.get("/changes/1?lang=sv", headers={"Accept": "text/html"}).text
    pages = [page]
    while found := re.search(r'rel="next" href="([^"]+)"', pages[-1]):
        following = html.unescape(found[1])
        pages.append(client.get(following, headers={"Accept": "text/html"}).text)
    read, technical = "", ""
    for one in pages:
        main = one[one.index("<main") : one.index("</main>")]
        before, _, after = main.partition("<details><summary>Tekniskt: katalogens filer")
        read, technical = read + before, technical + after
    for kind in ("distribution", "checksum", "contact"):
        assert f"/{kind}/" not in read, kind
        assert re.search(f'href="[^"]*/{kind}/', technical), kind
    assert re.search(r'<a href="[^"]*/school/10000002">Skola 2</a></th><td>Skola</td>', read)
    assert "/dataset/asen/skolor" in read and "/school/" not in technical


def test_every_filter_narrows_the_list_of_generations(client):
    def listed(query: str) -> dict[int, dict]:
        answer = client.get(f"/changes?format=json&{query}").json
        assert answer["next"] is None
        return {entry["generation"]: entry for entry in answer["generations"]}

    whole = listed("")
    assert {graph["dataset"] for entry in whole.values() for graph in entry["graphs"]} >= {"", "asen/skolor"}
    dataset = listed("dataset=asen/skolor")
    assert set(dataset) == {1, 2, 3}
    assert {graph["dataset"] for entry in dataset.values() for graph in entry["graphs"]} == {"asen/skolor"}
    one = listed(f"resource={BASE}id/school/10000008")
    assert {number: entry["things"] for number, entry in one.items()} == {1: {"Create": 1}, 2: {"Update": 1}}
    assert (one[2]["graphs"][0]["added"], one[2]["graphs"][0]["removed"]) == (1, 1)
    assert listed(f"resource={BASE}id/school/10000005").keys() == {1}
    assert listed(f"resource={BASE}id/school/never") == {}
    branch = listed("branch=def/facility/O1")
    assert branch[2]["things"] == {"Update": 1, "Delete": 1} and branch[3]["things"] == {"Create": 1}
    assert all("/id/school/" not in str(entry) for entry in branch.values())
    assert listed("branch=def/service/T1").keys() == {1}


def test_a_long_history_is_compared_in_parts(client, monkeypatch):
    from server.views import changes

    monkeypatch.setattr(changes, "_LOOKED_AT", 2)
    address, seen = "/changes?format=json&branch=def/facility/O1", list[int]()
    while address:
        answer = client.get(address).json
        seen += [entry["generation"] for entry in answer["generations"]]
        address = (answer["next"] or "").removeprefix(BASE.rstrip("/"))
    assert seen == [3, 2, 1]
    assert client.get("/changes?before=x").status_code == 400


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/changes?dataset=asen/nothing", 404),
        ("/changes?branch=def/service/none", 404),
        ("/changes?resource=http://[", 400),
        ("/changes?dataset=asen/skolor&resource=x", 400),
        ("/changes/99", 404),
        ("/changes/ldes/99", 404),
        ("/changes/x", 404),
    ],
)
def test_what_is_not_there_is_said(client, path, status):
    response = client.get(path, headers={"Accept": "*/*"})
    assert response.status_code == status
    assert response.json["detail"]
