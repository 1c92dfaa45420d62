"""Publication: whole or not at all, only when something changed, never losing what was good."""

import gzip
import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from loaders.errors import LoadError
from server.check import check
from server.errors import LockedError, OperationError
from server.generations import DataFolder
from server.graph_files import read_graph, subject
from server.ledger import Ledger
from server.publish import STEPS, publish, rebase, restore
from server.settings import Settings
from server.site import read_site
from server.store import ReadStore
from server.store_building import build_store
from tests.conftest import HEADER, NOW, ROWS, SITE, SmallSite

SCHOOL = "/id/school/10000001"


def current(site: SmallSite):
    return DataFolder(site.data).current()


def graph_of(site: SmallSite) -> list[str]:
    generation = current(site)
    lines = list(read_graph(generation.path / "dumps/asen/skolor.nt.gz"))
    generation.close()
    return lines


def state(site: SmallSite, path: str = SCHOOL) -> str:
    return Ledger(site.data / "ledger.sqlite").state(path).state


def test_publishes_and_says_what_it_did(small_site):
    done = small_site.publish()

    assert (1, []) == (done.generation, done.blocked)
    (report,) = done.report.datasets
    assert (8, 8, "published") == (report.rows_in, report.rows_out, report.status)
    assert "live" == state(small_site)


def test_every_graph_of_the_starter_region_equals_its_file(starter):
    generation = DataFolder(starter / "data").current()
    store = ReadStore(generation.store_path)

    for iri, graph in generation.graphs.items():
        lines = sorted(store.graph_lines(iri))
        assert lines == list(read_graph(generation.path / graph.dump)), iri
    generation.close()


def test_the_default_graph_is_the_merge_of_the_published_graphs(starter):
    generation = DataFolder(starter / "data").current()
    merged: set[str] = set()
    for graph in generation.graphs.values():
        if graph.published:
            merged.update(read_graph(generation.path / graph.dump))

    assert sorted(merged) == sorted(ReadStore(generation.store_path).graph_lines(None))
    assert len(merged) == generation.manifest["default_graph_triples"]
    generation.close()


def test_an_identical_run_makes_no_generation(small_site):
    small_site.publish()

    assert small_site.publish().generation is None
    assert [1] == DataFolder(small_site.data).numbers()


def test_reordered_rows_make_no_generation(small_site):
    small_site.write([*ROWS, ROWS[0].replace("Skola 1", "Skola A")])
    small_site.publish()
    small_site.write([ROWS[0].replace("Skola 1", "Skola A"), *reversed(ROWS)])

    assert small_site.publish().generation is None


def test_repeated_keys_are_numbered_by_content(small_site):
    small_site.write([*ROWS, ROWS[0].replace("Skola 1", "Skola A"), ROWS[0].replace("Skola 1", "Skola 0")])
    done = small_site.publish()

    names = {
        subject(line).rpartition("10000001")[2]: line.split('"')[1]
        for line in graph_of(small_site)
        if "<https://schema.org/name>" in line and "/10000001" in line
    }
    assert {"": "Skola 0", "/2": "Skola 1", "/3": "Skola A"} == names
    assert 2 == sum(finding.rule == "identifiers.repeated" for finding in done.report.findings())


@pytest.mark.parametrize("rebuild_below", [0, 10**9], ids=["by difference", "by rebuild"])
def test_a_small_change_makes_the_same_store_either_way(small_site, monkeypatch, rebuild_below):
    monkeypatch.setattr("server.assemble.REBUILD_BELOW", rebuild_below)
    monkeypatch.setattr(build_store, "__defaults__", (rebuild_below, None))
    small_site.publish()
    small_site.write([*ROWS[1:], ROWS[0].replace("Skola 1", "Norra skolan")])

    assert 2 == small_site.publish().generation

    generation = current(small_site)
    store = ReadStore(generation.store_path)
    merged = set()
    for iri, graph in generation.graphs.items():
        lines = list(read_graph(generation.path / graph.dump))
        assert lines == sorted(store.graph_lines(iri))
        merged.update(lines if graph.published else [])
    assert sorted(merged) == sorted(store.graph_lines(None))
    assert len(merged) == generation.manifest["default_graph_triples"]
    generation.close()


def test_what_goes_is_withdrawn_and_may_return(small_site):
    small_site.publish()
    small_site.write(ROWS[1:])
    small_site.publish()
    assert "withdrawn" == state(small_site)
    assert any("Skola 1" in line for line in Ledger(small_site.data / "ledger.sqlite").last_description(SCHOOL))
    small_site.write(ROWS)
    small_site.publish()
    assert "live" == state(small_site)


def test_many_vanishing_identifiers_need_a_confirmation(small_site):
    small_site.publish()
    small_site.write(ROWS[:5])

    done = small_site.publish()
    assert (None, ["asen/skolor"]) == (done.generation, done.blocked)
    assert "live" == state(small_site, "/id/school/10000008")

    assert 2 == small_site.publish(confirm=True).generation
    assert "withdrawn" == state(small_site, "/id/school/10000008")


@pytest.mark.parametrize(
    ("spoil", "rule"),
    [
        pytest.param(lambda site: site.source.unlink(), "source.missing", id="missing source"),
        pytest.param(lambda site: site.source.write_bytes(b""), "source.empty", id="empty file"),
        pytest.param(
            lambda site: site.source.write_text("<!DOCTYPE html><html><body>Logga in</body></html>"),
            "source.html",
            id="an error page instead of CSV",
        ),
        pytest.param(
            lambda site: site.write(ROWS, HEADER.replace("name", "xyzzy")),
            "source.missing-column",
            id="renamed column",
        ),
        pytest.param(
            lambda site: (site.dataset / "dataset.toml").write_text('titel = "x"'),
            "description.unknown-key",
            id="unknown key",
        ),
    ],
)
def test_bad_input_is_one_clear_finding_and_the_good_state_stays(small_site, spoil, rule):
    small_site.publish()
    before = graph_of(small_site)
    spoil(small_site)

    done = small_site.publish()

    blocking = [finding for finding in done.report.findings() if finding.weight == "block"]
    assert [rule] == [finding.rule for finding in blocking]
    assert blocking[0].text("sv") and blocking[0].advice("sv") and "{" not in blocking[0].text("en")
    assert (None, ["asen/skolor"]) == (done.generation, done.blocked)
    assert before == graph_of(small_site)


def test_a_blocked_dataset_does_not_stop_the_others(small_site):
    small_site.publish()
    other = small_site.folder / "datasets/asen/skolor-norra"
    other.mkdir()
    (other / "dataset.toml").write_text((small_site.dataset / "dataset.toml").read_text("utf-8"), "utf-8")
    (other / "skolor.csv").write_text(f"{HEADER}\n{ROWS[0].replace('10000001', '20000001')}\n", "utf-8")
    small_site.source.unlink()

    done = small_site.publish()

    assert (2, ["asen/skolor"]) == (done.generation, done.blocked)
    assert "live" == state(small_site, "/id/school/20000001") == state(small_site)


def test_only_the_named_dataset_is_read(small_site):
    small_site.publish()
    small_site.write([*ROWS[1:], ROWS[0].replace("Skola 1", "Ny")])
    with pytest.raises(OperationError, match="There is no dataset asen/skola here"):
        small_site.publish(only=["asen/skola"])
    assert 2 == small_site.publish(only=["asen/skolor"]).generation


def test_a_dry_run_changes_nothing(small_site):
    small_site.publish()
    small_site.write([*ROWS, ROWS[0].replace("10000001", "10000009")])

    done = small_site.publish(dry_run=True)

    assert (None, 2) == (done.generation, len(done.changed))
    assert [1] == DataFolder(small_site.data).numbers()


def test_check_publishes_nothing_and_finds_the_same(small_site):
    small_site.write([*ROWS, '9901,10000009,"Skola 9",95.1,15.2,Grundskola,Skolgatan 9'])
    report = check(read_site(small_site.folder), Settings())
    assert not (small_site.data / "current").exists()
    assert [f.rule for f in small_site.publish().report.findings()] == [f.rule for f in report.findings()]


def test_restore_makes_a_new_generation_equal_to_the_old_one(small_site):
    small_site.publish()
    before = graph_of(small_site)
    small_site.write([*ROWS[1:], ROWS[0].replace("Skola 1", "Ny")])
    small_site.publish()

    done = restore(read_site(small_site.folder), Settings(), 1, now=NOW)

    assert 3 == done.generation
    assert before == graph_of(small_site)
    assert small_site.publish().generation is None, "a scheduled run must not bring back what was rolled back"
    small_site.write([*ROWS[1:], ROWS[0].replace("Skola 1", "Nyare")])
    assert 4 == small_site.publish().generation


def test_generations_that_somebody_had_open_go_with_the_next_run_though_nothing_changed(small_site):
    small_site.publish()
    reader = DataFolder(small_site.data).generation(1)
    small_site.write([*ROWS[1:], ROWS[0].replace("Skola 1", "Ny")])
    publish(read_site(small_site.folder), Settings({"keep_generations": 1}), now=NOW)
    assert DataFolder(small_site.data).numbers() == [1, 2]
    reader.close()
    again = publish(read_site(small_site.folder), Settings({"keep_generations": 1}), now=NOW)
    assert again.generation is None and DataFolder(small_site.data).numbers() == [2]


def test_the_second_publisher_is_told_who_holds_the_lock(small_site):
    with DataFolder(small_site.data).writing("publish"), pytest.raises(LockedError, match=str(os.getpid())):
        small_site.publish()


def test_another_base_is_an_error_once_something_is_published(small_site):
    small_site.publish()
    (small_site.folder / "site.toml").write_text(SITE.replace("data.asen", "data2.asen"), "utf-8")
    with pytest.raises(LoadError, match=r"https://data2\.asen\.example/"):
        small_site.publish()


def test_a_rebase_moves_every_identifier_and_remembers_the_old_base(small_site):
    small_site.publish()
    (small_site.folder / "site.toml").write_text(SITE.replace("data.asen", "data2.asen"), "utf-8")
    moved = rebase(read_site(small_site.folder), Settings())
    assert ("https://data.asen.example/", "https://data2.asen.example/") == moved
    assert rebase(read_site(small_site.folder), Settings()) is None

    assert 2 == small_site.publish().generation

    ledger = Ledger(small_site.data / "ledger.sqlite")
    assert ["https://data.asen.example/"] == ledger.former_bases()
    assert ["minted"] == [event.event for event in ledger.events(SCHOOL)]
    assert all("data2.asen" in subject(line) for line in graph_of(small_site))


def test_nothing_is_left_under_the_old_base_by_a_restore_or_by_what_is_blocked(small_site):
    small_site.publish()
    (small_site.folder / "site.toml").write_text(SITE.replace("data.asen", "data2.asen"), "utf-8")
    rebase(read_site(small_site.folder), Settings())
    small_site.write(ROWS, header="helt,andra,rubriker")
    with pytest.raises(OperationError, match="asen/skolor would stay"):
        small_site.publish()
    small_site.write(ROWS)
    assert small_site.publish().generation == 2
    with pytest.raises(OperationError, match="restore nothing from before"):
        restore(read_site(small_site.folder), Settings(), 1, now=NOW)

    assert DataFolder(small_site.data).current_name() == "000002"
    assert Ledger(small_site.data / "ledger.sqlite").state(SCHOOL).state == "live"


KILLED = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from server.publish import publish
from server.settings import Settings
from server.site import read_site

def progress(step, what):
    if step == sys.argv[2]:
        os.kill(os.getpid(), signal.SIGKILL)

publish(read_site(Path(sys.argv[1])), Settings(), progress=progress, now=datetime(2026, 4, 1, tzinfo=UTC))
"""


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS)
def test_a_killed_publication_leaves_the_old_generation_and_no_trace(small_site, step):
    small_site.publish()
    before = tree(small_site.data)
    small_site.write([*ROWS, ROWS[0].replace("10000001", "10000009")])

    root = Path(__file__).parent.parent.parent
    killed = subprocess.run([sys.executable, "-c", KILLED, small_site.folder, step], cwd=root, check=False)

    assert killed.returncode == -signal.SIGKILL
    if step == "clean":  # The flip is the last act; what was killed after it is published.
        assert "000002" == DataFolder(small_site.data).current_name()
        return
    assert "000001" == DataFolder(small_site.data).current_name()
    with DataFolder(small_site.data).writing("publish"):
        pass
    assert before == tree(small_site.data)
    assert 2 == small_site.publish().generation
    assert "live" == state(small_site, "/id/school/10000009")


def tree(data: Path) -> set[str]:
    """What lies below the data folder, but for the lock, the ledger (its events are rolled back) and run reports."""
    names = {str(path.relative_to(data)) for path in data.rglob("*")}
    return {name for name in names if not name.startswith(("runs", "lock", "ledger", "history"))} | {
        name for name in names if name.startswith("history/")
    }


def test_a_full_disk_is_a_sentence_and_the_old_generation_stays(small_site):
    small_site.publish()
    rows = [f'9901,2{n:07d},"{"Lång " * 50}{n}",59.1,15.2,Grundskola,Gatan {n}' for n in range(20_000)]
    small_site.write([*ROWS, *rows])
    script = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000)); "
        "from server.cli import main; sys.argv = ['torg', *sys.argv[1:]]; main()"
    )
    root = Path(__file__).parent.parent.parent
    command = [sys.executable, "-c", script, "publish", "--site", str(small_site.folder)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert "cannot be written" in done.stderr and "Traceback" not in done.stderr
    assert "000001" == DataFolder(small_site.data).current_name()


def test_history_keeps_what_was_added_and_removed(small_site):
    small_site.publish()
    small_site.write(ROWS[1:])
    small_site.publish()

    index = json.loads((small_site.data / "history/000002/index.json").read_text("utf-8"))
    (entry,) = [graph for graph in index["graphs"] if graph["dataset"] == "asen/skolor"]
    assert 0 == entry["added"] < entry["removed"]
    removed = gzip.decompress((small_site.data / "history/000002" / entry["files"][1]).read_bytes()).decode()
    assert entry["removed"] == len(removed.splitlines())


def test_every_term_in_the_starter_region_has_a_label_in_both_languages(starter):
    generation = DataFolder(starter / "data").current()
    terms: set[str] = set()
    labelled: dict[str, set[str]] = {}
    for graph in generation.graphs.values():
        if not graph.published:
            continue
        for line in read_graph(generation.path / graph.dump):
            name, predicate, rest = line.split("> ", 2)
            terms.add(predicate[1:])
            if predicate.endswith("rdf-syntax-ns#type"):
                terms.add(rest[1:].split(">")[0])
            if predicate.endswith("rdf-schema#label"):
                labelled.setdefault(name[1:], set()).add(rest.split("@")[-1].split(" ")[0])
    generation.close()
    assert {} == {term: labelled.get(term) for term in sorted(terms) if not {"sv", "en"} <= labelled.get(term, set())}


def test_a_newcomer_never_takes_over_a_published_address(small_site):
    small_site.publish()
    small_site.write([*ROWS, ROWS[0].replace("Skola 1", "Annan skola")])
    small_site.publish()
    named = [line for line in graph_of(small_site) if "schema.org/name" in line and subject(line).endswith(SCHOOL)]
    assert 1 == len(named) and '"Skola 1"' in named[0]


@pytest.mark.parametrize("change", ["changed", "taken away"])
def test_the_archive_keeps_no_other_bytes_than_those_that_were_read(small_site, change):
    def meddle(step: str, what: str) -> None:
        if step == "store":
            small_site.source.unlink() if change == "taken away" else small_site.write(ROWS[:2])

    assert small_site.publish(progress=meddle).generation == 1
    assert list((small_site.data / "archive").iterdir()) == []
    small_site.write(ROWS[:3])
    assert small_site.publish(confirm=True).generation == 2
    (kept,) = (small_site.data / "archive").iterdir()
    assert kept.name == hashlib.sha256(kept.read_bytes()).hexdigest()
