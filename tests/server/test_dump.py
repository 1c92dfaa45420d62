"""`torg dump`: the same triples in every syntax, canonical bytes, past states, clear refusals."""

from pathlib import Path

import pytest
import rdflib
from click.testing import CliRunner

from server.cli import main
from server.generations import DataFolder
from server.graph_files import read_graph

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:rdflib")


def dump(site: Path, *arguments: str) -> str:
    done = CliRunner().invoke(main, ["dump", "--site", str(site), *arguments])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_all_syntaxes_say_the_same(starter):
    quads = rdflib.Dataset().parse(data=dump(starter, "norrsjo/skolor"), format="nquads")
    trig = rdflib.Dataset().parse(data=dump(starter, "norrsjo/skolor", "--format", "trig"), format="trig")
    assert set(quads.quads()) == set(trig.quads()) != set()
    triples = dump(starter, "norrsjo/skolor", "--format", "nt")
    assert triples == "".join(read_graph(starter / "data/generations/000001/dumps/norrsjo/skolor.nt.gz"))


def test_the_whole_is_the_default_graph(starter):
    generation = DataFolder(starter / "data").current()
    lines = dump(starter, "--format", "nt").splitlines(keepends=True)
    assert lines == sorted(generation.store.graph_lines(None))
    generation.close()
    assert dump(starter) == dump(starter, "--at", "1") == dump(starter, "--at", "2026-03-01")


def test_a_file_is_written_whole_or_not_at_all(starter, tmp_path):
    target = tmp_path / "all.nq"
    dump(starter, "-o", str(target))
    assert target.read_text("utf-8") == dump(starter)
    failed = CliRunner().invoke(main, ["dump", "x/y", "-o", str(target), "--site", str(starter)])
    assert failed.exit_code == 2 and "x/y" in failed.output
    assert target.stat().st_size and list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("at", ["2020-01-01", "99", "yesterday"])
def test_a_time_without_a_generation_is_refused(starter, at):
    failed = CliRunner().invoke(main, ["dump", "--at", at, "--site", str(starter)])
    assert failed.exit_code == 2 and at in failed.output
