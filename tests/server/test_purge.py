"""Forgetting: after one command no file below the data folder holds the value, whatever it is packed in."""

import gzip
import hashlib
import json
import os
import re
import shutil
import sqlite3
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from werkzeug.test import Client

from server import create_app, purge_generation
from server import purge as purging
from server.check import check
from server.checksums import read_checksums
from server.cli import main
from server.concept_uses import count_uses, read_uses
from server.errors import OperationError
from server.generations import DataFolder
from server.graph_files import read_graph
from server.history import History
from server.publish import restore
from server.purge import purge
from server.settings import Settings, read_settings
from server.site import read_site
from server.views.operations import front
from tests.conftest import DATASET

BASE = "https://data.asen.example/"
SECRET = "Hemliga skolan"
THING = f"{BASE}id/school/10000003"


def day(number: int) -> datetime:
    return datetime(2026, 3, number, 4, 0, tzinfo=UTC)


def holding(folder: Path, text: str) -> list[str]:
    """Return every place below a folder that holds a text: plain, packed, in SQLite rows and free pages, in stores."""
    found = []
    wanted = text.encode()
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        raw = path.read_bytes()
        unpacked = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else b""
        if wanted in raw or wanted in unpacked or wanted in raw.decode("utf-16-le", "ignore").encode("utf-8", "ignore"):
            found.append(str(path.relative_to(folder)))
        if raw[:15] == b"SQLite format 3":
            with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as base:
                if in_tables(base, text):
                    found.append(f"{path.name} (rows)")
    for number in DataFolder(folder).numbers():
        with closing(DataFolder(folder).generation(number)) as generation:
            graphs = [None, *generation.graphs]
            if any(text in line for graph in graphs for line in generation.store.graph_lines(graph)):
                found.append(f"store of {number}")
    return found


def in_tables(base: sqlite3.Connection, text: str) -> bool:
    """Return whether any row holds a text, or any full-text index all its words."""
    tables = base.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchall()
    for name, sql in tables:
        if sql.startswith("CREATE VIRTUAL"):
            words = " AND ".join(f'"{word}"' for word in re.findall(r"\w+", text))
            if base.execute(f"SELECT 1 FROM {name} WHERE {name} MATCH ? LIMIT 1", (words,)).fetchone():
                return True
        elif any(text in str(value) for row in base.execute(f'SELECT * FROM "{name}"') for value in row):
            return True
    return False


def published_lines(site, number: int) -> str:
    with closing(DataFolder(site.data).generation(number)) as generation:
        return "".join(generation.store.graph_lines(None))


@pytest.fixture(scope="module")
def published(make_site, tmp_path_factory):
    """Three generations: the school is there in two of them, changes once, and is withdrawn in the third."""
    site = make_site(tmp_path_factory.mktemp("purge") / "site")
    rows = site.source.read_text("utf-8").splitlines()[1:]
    site.write([*rows[:2], rows[2].replace("Skola 3", SECRET), *rows[3:]])
    assert site.publish(now=day(1)).blocked == []
    site.write([*rows[:2], rows[2].replace("Skola 3", f"{SECRET} 2"), rows[3].replace("Skola 4", "Fyran"), *rows[4:]])
    site.publish(now=day(2))
    return site


@pytest.fixture
def site(published, make_site, tmp_path):
    """A copy of the published site, to forget in."""
    copy = object.__new__(type(published))
    copy.folder = Path(shutil.copytree(published.folder, tmp_path / "site"))
    copy.dataset = copy.folder / "datasets" / "asen" / "skolor"
    copy.source = copy.dataset / "skolor.csv"
    return copy


def forget(site, *targets: str) -> list[purging.Purged]:
    return purge(read_site(site.folder), Settings(), targets, "På begäran", now=day(5))


def client(site):
    return create_app(site.folder, read_settings(environment={})).test_client()


def test_a_thing_is_forgotten_everywhere(site):
    assert len(holding(site.data, SECRET)) > 8
    (done,) = forget(site, THING)
    assert holding(site.data, SECRET) == []
    assert done.generation == 3 and done.datasets == ["asen/skolor"]
    answer = client(site).get("/id/school/10000003")
    assert answer.status_code == 410 and SECRET not in answer.text
    assert client(site).get("/res/school/10000004").status_code == 200
    assert DataFolder(site.data).numbers() == [1, 3]
    history = History(DataFolder(site.data))
    for number in (1, 2, 3):
        lines = list(history.lines(number, f"{BASE}graph/asen/skolor"))
        assert len(lines) > 40 and not any(THING in line for line in lines)
    assert "Skola 4" in published_lines(site, 1) and "Fyran" in published_lines(site, 3)


def test_a_withdrawn_thing_is_forgotten_too(site):
    rows = site.source.read_text("utf-8").splitlines()[1:]
    site.write([row for row in rows if SECRET not in row])
    site.publish(now=day(3))
    assert holding(site.data, SECRET)
    before = client(site).get("/id/school/10000003", headers={"Accept": "text/turtle"})
    assert before.status_code == 410 and SECRET in before.text
    forget(site, "/res/school/10000003", THING)
    assert holding(site.data, SECRET) == []
    after = client(site).get("/id/school/10000003", headers={"Accept": "text/turtle"})
    assert after.status_code == 410 and SECRET not in after.text


def test_what_is_forgotten_does_not_come_back_with_the_next_publication(site):
    forget(site, THING)
    rows = site.source.read_text("utf-8").splitlines()[1:]
    site.write([*rows[:-1], rows[-1].replace("Skola 8", "Åttan")])
    done = site.publish(now=day(6))
    assert done.generation == 4
    there = client(site)
    assert there.get("/id/school/10000003").status_code == 410
    assert "Åttan" in there.get("/res/school/10000008.ttl").text
    assert SECRET not in published_lines(site, 4)


def test_rows_of_what_is_forgotten_are_told_and_not_counted_as_published(site):
    forget(site, THING)
    generation = DataFolder(site.data).current()
    assert [delivery["rows_out"] for delivery in generation.datasets["asen/skolor"]["deliveries"].values()] == [7]
    assert json.loads((generation.path / "reports/asen/skolor.json").read_text("utf-8"))["rows_out"] == 7
    generation.close()
    rows = site.source.read_text("utf-8").splitlines()[1:]
    site.write([*rows[:-1], rows[-1].replace("Skola 8", "Åttan")])
    report = check(read_site(site.folder), Settings())
    published = site.publish(now=day(6)).report
    for (dataset,) in (report.datasets, published.datasets):
        assert (dataset.rows_in, dataset.rows_out) == (8, 7)
        (finding,) = [one for one in dataset.findings if one.rule == "identifiers.forgotten"]
        assert (finding.file, finding.row, finding.weight) == ("skolor.csv", 4, "warn")
        assert "källan" in finding.advice("sv") and "source" in finding.advice("en")
        assert SECRET not in str(finding) and "10000003" not in str(finding)
    current = DataFolder(site.data).current()
    assert [delivery["rows_out"] for delivery in current.datasets["asen/skolor"]["deliveries"].values()] == [7]
    with closing(sqlite3.connect(current.path / "rows/asen/skolor.sqlite")) as index:
        assert index.execute("SELECT count(*) FROM row").fetchone() == (7,)
    current.close()


def test_what_a_source_that_is_rdf_says_of_the_forgotten_stays_out(small_site):
    folder = small_site.folder / "datasets" / "asen" / "rdf"
    folder.mkdir()
    (folder / "dataset.toml").write_text(
        DATASET.replace('conformsTo = "skolor"\n', "").replace(".csv", ".ttl"), "utf-8"
    )
    thing, other = f"{BASE}id/book/1", f"{BASE}id/book/2"
    text = f'<{thing}> <urn:name> "{SECRET}" ; <urn:part> [ <urn:says> "{SECRET} i" ] . <{other}> <urn:name> "Två" .'
    (folder / "skolor.ttl").write_text(text, "utf-8")
    assert small_site.publish(now=day(1)).blocked == []
    forget(small_site, thing)
    (folder / "skolor.ttl").write_text(f"{text} <{other}> <urn:after> <{thing}> .", "utf-8")
    report = next(one for one in small_site.publish(now=day(6)).report.datasets if one.dataset == "asen/rdf")
    assert [(one.rule, one.count) for one in report.findings if "forgotten" in one.rule] == [
        ("identifiers.forgotten-thing", 1)
    ]
    assert (report.rows_in, report.rows_out) == (5, 1)
    assert all(place.startswith("archive") for place in holding(small_site.data, SECRET))


def test_copies_of_sources_go_too(site):
    for folder in ("fetched/abc", "publishers/asen/1/datasets/asen/skolor", "publishers/other/1"):
        (site.data / folder).mkdir(parents=True)
        text = "Annat" if "other" in folder else SECRET
        (site.data / folder / "skolor.csv").write_text(text, "utf-8")
    forget(site, THING)
    assert holding(site.data, SECRET) == []
    assert (site.data / "publishers/other/1/skolor.csv").exists()


def test_a_rewritten_generation_has_all_that_a_published_one_has(site):
    before = {path.name for path in (site.data / "generations/000002").iterdir()}
    sums = (site.data / "generations/000001/SHA256SUMS").read_bytes()
    forget(site, THING)
    for number in (1, 3):
        folder = site.data / f"generations/{number:06d}"
        assert {path.name for path in folder.iterdir()} == before
        assert all(hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
                   for name, digest in read_checksums(folder).items())  # fmt: skip
        with closing(DataFolder(site.data).generation(number)) as generation:
            graph = generation.graphs[f"{BASE}graph/asen/skolor"]
            bases = generation.manifest["concept_base"], generation.manifest["base"]
            assert read_uses(generation)[graph.iri] == count_uses(folder / graph.dump, bases) != {}
    assert (site.data / "generations/000001/SHA256SUMS").read_bytes() != sums
    with client(site).get("/dumps/all.nq.gz") as whole:
        assert whole.status_code == 200 and b"Skola 5" in gzip.decompress(whole.data)


def test_consumers_are_told_without_content(site):
    forget(site, THING)
    feed = client(site).get("/changes/ldes/000003?dataset=asen/skolor").text
    assert "activitystreams#Delete" in feed and THING in feed
    there = client(site)
    for query in ("", "dataset=asen/skolor"):
        (newest, *_) = there.get(f"/changes?format=json&{query}").json["generations"]
        assert (newest["generation"], newest["purged"]) == (3, [THING])
        assert {graph["kind"] for graph in newest["graphs"]} <= {"catalog"}  # sizes and checksums of dumps
        assert "<title>Raderat: 1</title>" in there.get(f"/changes?format=atom&lang=sv&{query}").text
        assert "Borttagen: 1" in there.get(f"/changes?lang=sv&{query}", headers={"Accept": "text/html"}).text
    things = there.get("/changes/3?format=json").json["members"]
    assert ("Delete", THING) in [(one["change"], one["iri"]) for one in things]
    assert SECRET not in "".join(client(site).get(f"/changes/ldes/00000{n}").text for n in (1, 2, 3))


def test_no_page_of_the_stream_leaves_out_what_was_forgotten_or_what_else_changed(site, monkeypatch):
    forget(site, THING)
    there = client(site)

    def told(address: str) -> list[str]:
        page = there.get(address.removeprefix(BASE.rstrip("/"))).text
        members = re.findall(r"<https://www.w3.org/ns/activitystreams#object> <([^>]+)>", page)
        following = re.search(r"#next> <https://w3id.org/tree#node> <([^>]+)>", page)
        return members + (told(following[1]) if following else [])

    whole = told("/changes/ldes/000003")
    monkeypatch.setattr("server.views.changes.MEMBERS", 1)
    assert told("/changes/ldes/000003") == whole
    assert THING in whole and len(whole) > 2 and len(set(whole)) == len(whole)


def test_no_cache_is_told_that_a_past_dump_is_as_it_was(site):
    past = "/dumps/asen/skolor.nt.gz?at=000001"
    before = client(site).get(past)
    assert SECRET.encode() in gzip.decompress(before.data)
    assert client(site).get(past, headers={"If-None-Match": before.headers["ETag"]}).status_code == 304
    forget(site, THING)
    for address in (past, "/graph/asen/skolor.nt?at=000001"):
        after = client(site).get(address, headers={"If-None-Match": before.headers["ETag"]})
        assert after.status_code == 200 and after.headers["ETag"] != before.headers["ETag"]


def test_a_running_server_forgets_at_once(site):
    app = create_app(site.folder, read_settings(environment={}))
    running = app.test_client()
    question = {"query": "SELECT ?n WHERE { ?s <https://schema.org/name> ?n }"}
    assert SECRET in running.get("/res/school/10000003.ttl").text
    assert SECRET in running.get("/sparql", query_string=question).text
    assert SECRET in running.get("/res/school/10000003.ttl?at=000001").text
    forget(site, THING)
    assert running.get("/res/school/10000003.ttl").status_code == 410
    assert SECRET not in running.get("/sparql", query_string=question).text
    for past in ("/res/school/10000003?at=000001", "/res/school/10000003.ttl?at=1", "/timemap/res/school/10000003"):
        gone = running.get(past, headers={"Accept": "*/*"}, follow_redirects=True)
        assert gone.status_code == 410 and "2026-03-05" in gone.json["detail"], past
    assert SECRET not in running.get("/resolve", query_string={"item": THING}).text
    assert running.get("/resolve", query_string={"item": THING}).json["items"][0]["status"] == "purged"
    assert SECRET not in running.get("/reconcile/suggest/entity", query_string={"prefix": SECRET}).text
    app.extensions["torg"].close()


def test_a_rewritten_generation_can_be_restored(site):
    forget(site, THING)
    done = restore(read_site(site.folder), Settings(), 1, now=day(7))
    assert done.generation == 4 and "Skola 4" in published_lines(site, 4)
    assert holding(site.data, SECRET) == []


def test_a_dataset_is_forgotten_when_the_steward_has_removed_it(site):
    with pytest.raises(OperationError, match="still in the site"):
        forget(site, "asen/skolor")
    shutil.rmtree(site.dataset)
    (done,) = forget(site, f"{BASE}id/dataset/asen/skolor")
    for value in (SECRET, "Skolgatan", "Skolor i Åsen", "Alla skolor"):
        assert holding(site.data, value) == [], value
    assert len([iri for iri in done.identifiers if "/id/school/" in iri]) == 8
    there = client(site)
    assert there.get("/id/school/10000001").status_code == 410
    assert there.get("/id/dataset/asen/skolor").status_code == 410
    for past in ("/graph/asen/skolor.nt?at=000001", "/dumps/asen/skolor.nt.gz?at=000001", "/timemap/graph/asen/skolor",
                 "/res/dataset/asen/skolor.ttl?at=000001", "/timemap/res/school/10000001"):  # fmt: skip
        assert there.get(past).status_code == 410, past
    assert there.get("/graph/asen/none.nt?at=000001").status_code == 404
    assert there.get("/datasets").status_code == 200
    assert list((site.data / "archive").iterdir()) == []
    assert site.publish(now=day(6)).blocked == []


def test_a_generation_is_forgotten_and_others_are_what_they_were(site):
    rows = site.source.read_text("utf-8").splitlines()[1:]
    site.write([row.replace(f"{SECRET} 2", "Skola 3") for row in rows])
    site.publish(now=day(3))
    history = History(DataFolder(site.data))
    graph = f"{BASE}graph/asen/skolor"
    expected = {number: list(history.lines(number, graph)) for number in (1, 3)}
    with pytest.raises(OperationError, match="served now"):
        forget(site, "3")
    forget(site, "2")
    assert holding(site.data, f"{SECRET} 2") == []
    for keep in (10, 1):
        DataFolder(site.data).forget(keep)
        later = History(DataFolder(site.data))
        assert expected == {number: list(later.lines(number, graph)) for number in (1, 3)}
        assert later.numbers() == [1, 3, 4]
    there = client(site)
    for path in ("/changes/2", "/changes/ldes/2", "/res/school/10000004?at=2"):
        gone = there.get(path, headers={"Accept": "*/*"})
        assert gone.status_code == 410 and "2026-03-05" in gone.json["detail"] and "begäran" not in gone.text, path
    assert there.get("/res/school/10000004.nt?at=2026-03-02", follow_redirects=True).status_code == 200
    for command in (["diff", "2"], ["diff", "1", "2"], ["dump", "--at", "2"], ["restore", "2"]):
        for language, word in (("sv", "raderades 2026-03-05. Skäl: På begäran."), ("en", "was purged 2026-03-05")):
            told = CliRunner().invoke(main, ["--lang", language, *command, "--site", str(site.folder)])
            assert told.exit_code == 2 and word in told.output, (command, told.output)
    listed = json.loads(CliRunner().invoke(main, ["log", "--site", str(site.folder), "--format", "json"]).output)
    states = {entry["generation"]: (entry["created"][:10], entry["state"]) for entry in listed}
    assert states == {4: ("2026-03-05", "current"), 3: ("2026-03-03", "history"), 2: ("2026-03-02", "purged"),
                      1: ("2026-03-01", "history")}  # fmt: skip
    assert next(entry for entry in listed if entry["generation"] == 2)["reason"] == "På begäran"


def test_a_source_that_a_later_generation_has_from_a_forgotten_one_stays_accounted_for(site):
    data = DataFolder(site.data)
    forget(site, "1")
    forget(site, "2")  # 3 and 4 publish what came with it
    source = hashlib.sha256(site.source.read_bytes()).hexdigest()
    indexes = [json.loads(path.read_text("utf-8")) for path in sorted((site.data / "history").glob("*/index.json"))]
    assert [source in index["sources"] for index in indexes] == [False, False, True, False]
    data.begin()  # as a killed publication leaves it
    data.clean()
    assert [path.name for path in (site.data / "archive").iterdir()] == [source]


def test_generations_are_forgotten_one_after_another(site):
    rows = site.source.read_text("utf-8").splitlines()[1:]
    site.write([row.replace(f"{SECRET} 2", "Skola 3") for row in rows])
    site.publish(now=day(3))
    graph = f"{BASE}graph/asen/skolor"
    expected = list(History(DataFolder(site.data)).lines(3, graph))
    forget(site, "2", "1")
    assert holding(site.data, SECRET) == []
    with pytest.raises(OperationError, match="Generation 2 was purged 2026-03-05"):
        forget(site, "2")
    assert list((site.data / "history/000002").rglob("*.gz")) == []
    for keep in (10, 1):
        DataFolder(site.data).forget(keep)
        assert list(History(DataFolder(site.data)).lines(3, graph)) == expected


@pytest.mark.parametrize("step", ["_rewrite_kept", "_forget_archive", "_flip", "_rewrite_runs"])
def test_an_interrupted_purge_is_finished_by_the_next_command(site, monkeypatch, step):
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as context:
        context.setattr(purging._Work, step, die)
        with pytest.raises(KeyboardInterrupt):
            forget(site, THING)
    assert (site.data / "purge.json").exists()
    site.publish(now=day(6))
    assert [] == [place for place in holding(site.data, SECRET) if not place.startswith("archive")]
    assert not (site.data / "purge.json").exists()
    assert client(site).get("/id/school/10000003").status_code == 410


@pytest.mark.parametrize("nth", [1, 3])
def test_indexes_of_the_history_say_what_their_files_hold_after_a_kill(site, monkeypatch, nth):
    """Killed where the nth of them is written beside the one that it replaces."""
    left = [nth]

    def replace(source: Any, target: Any) -> None:
        if Path(target).name == "index.json" and not left[0]:
            raise KeyboardInterrupt
        left[0] -= Path(target).name == "index.json"
        rename(source, target)

    rename = os.replace
    with monkeypatch.context() as context, suppress(KeyboardInterrupt):
        context.setattr(os, "replace", replace)
        forget(site, THING)
    site.publish(now=day(6))
    for folder in (site.data / "history").iterdir():
        for entry in json.loads((folder / "index.json").read_text("utf-8"))["graphs"]:
            counts = [sum(1 for _ in read_graph(folder / name)) for name in entry["files"]]
            assert counts == [entry["added"], entry["removed"]]
    assert [*site.data.rglob("*.part")] == []
    assert holding(site.data, SECRET) == [place for place in holding(site.data, SECRET) if place.startswith("archive")]


def test_what_was_answered_while_a_purge_went_on_is_not_answered_after_it(site, monkeypatch):
    app = create_app(site.folder, read_settings(environment={}, flags={"readers": 1}))
    there, asked = Client(front(app)), []

    def ask() -> str:
        return there.get("/graph/asen/skolor?at=000001", headers={"Accept": "application/n-triples"}).text

    def rewrite(work: purging._Work, *arguments: Any) -> None:
        asked.append(ask())
        rewrite_kept(work, *arguments)

    rewrite_kept = purging._Work._rewrite_kept
    monkeypatch.setattr(purging._Work, "_rewrite_kept", rewrite)
    forget(site, THING)
    asked.append(ask())
    app.extensions["torg.queries"].close()
    app.extensions["torg"].close()
    assert [SECRET in text for text in asked] == [True, False] and "Skola 4" in asked[1]


def test_a_purge_of_a_generation_that_is_interrupted_changes_last_descriptions_alone(site, monkeypatch):
    """A generation that is being forgotten is told of no more at once; what is published stays until the flip."""
    rows = site.source.read_text("utf-8").splitlines()[1:]
    site.write([row for row in rows if "10000003" not in row])
    site.publish(now=day(3), confirm=True)
    pages = ("/graph/asen/skolor", "/res/school/10000004.nt", "/res/school/10000003.nt")

    def answers() -> dict[str, tuple[int, bytes]]:
        there = client(site)
        return {page: (answer.status_code, answer.data) for page in pages for answer in [there.get(page)]}

    write = purge_generation.write_index

    def die(path: Path, index: dict[str, Any]) -> None:
        if path.name == "index.json":  # when all that replaces it has been written, and the ledger too
            raise KeyboardInterrupt
        write(path, index)

    before = answers()
    monkeypatch.setattr("server.purge_generation.write_index", die)
    with pytest.raises(KeyboardInterrupt):
        forget(site, "2")
    monkeypatch.undo()
    after = answers()
    gone = pages[-1]
    assert [page for page in pages if after[page] != before[page]] == [gone] and after[gone][0] == 410
    then, now = (answers[gone][1].splitlines() for answers in (before, after))
    assert len(now) == len(then) - 1 and set(now) < set(then)
    assert f'"{SECRET} 2"'.encode() in (set(then) - set(now)).pop()
    (again,) = forget(site, "2")  # what was interrupted is not refused as done when it is asked for again
    assert again.rewritten == [2] and again.generation == DataFolder(site.data).numbers()[-1]
    assert holding(site.data, f"{SECRET} 2") == [] and answers()[gone] == after[gone]


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("/id/school/never", "never published"),
        ("https://other.example/x", "never published"),
        ("asen/nothing", "never was a dataset"),
        ("99", "never was a generation"),
        ("2", "served now"),
        ("/def/service/T3", "never vanish"),
        ("http://a b", "no IRI"),
    ],
)
def test_what_cannot_be_forgotten_is_refused_before_anything_is_touched(site, target, says):
    before = sorted(path.name for path in (site.data / "generations").iterdir())
    with pytest.raises(OperationError, match=says):
        forget(site, THING, target)
    assert before == sorted(path.name for path in (site.data / "generations").iterdir())
    assert holding(site.data, SECRET)


def test_the_command_tells_what_it_did(site):
    done = CliRunner().invoke(
        main, ["purge", THING, THING, "--reason", "GDPR", "--site", str(site.folder), "--format", "json"]
    )
    assert done.exit_code == 0, done.output
    assert [one["target"]["name"] for one in json.loads(done.output)] == [THING]
    again = CliRunner().invoke(main, ["--lang", "sv", "purge", THING, "--reason", "GDPR", "--site", str(site.folder)])
    assert again.exit_code == 0 and "borttaget" in again.output
    assert CliRunner().invoke(main, ["purge", THING, "--site", str(site.folder)]).exit_code == 2
