"""The command `torg csvw`: formats, exit codes, whole output or none."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from rdflib import Graph
from rdflib.compare import isomorphic

from server.cli import main

BASE = "https://data.orebro.se/csv/"
ROOT = Path(__file__).parents[2]


def run(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["csvw", "--base", BASE, "--root", str(folder), *arguments])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "skolor.csv").write_text("kod,namn\n1,Vasaskolan\n2,Ängsskolan\n", "utf-8")
    columns = [{"name": "kod", "titles": "kod"}, {"name": "namn", "titles": "namn", "propertyUrl": "schema:name"}]
    document = {
        "@context": "http://www.w3.org/ns/csvw",
        "url": "skolor.csv",
        "tableSchema": {"columns": columns, "aboutUrl": "#{kod}", "primaryKey": "kod"},
    }
    (tmp_path / "skolor.json").write_text(json.dumps(document), "utf-8")
    return tmp_path


# rdflib's own JSON-LD parser uses what rdflib has deprecated.
@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated")
@pytest.mark.parametrize(
    ("format", "rdflib_format"), [("nt", "nt"), ("turtle", "turtle"), ("jsonld", "json-ld"), ("rdfxml", "xml")]
)
def test_every_format_says_the_same(folder: Path, format: str, rdflib_format: str) -> None:
    expected = Graph().parse(data=run(folder, BASE + "skolor.json", "--no-provenance").stdout, format="nt")
    result = run(folder, BASE + "skolor.json", "--no-provenance", "--format", format)
    assert result.exit_code == 0
    assert isomorphic(Graph().parse(data=result.stdout, format=rdflib_format), expected)
    assert len(expected) == 18


def test_minimal_mode_to_a_file(folder: Path) -> None:
    result = run(folder, str(folder / "skolor.json"), "--minimal", "--output", str(folder / "ut.nt"))
    assert (result.exit_code, result.stdout) == (0, "")
    lines = (folder / "ut.nt").read_text("utf-8").splitlines()
    assert f'<{BASE}skolor.csv#2> <http://schema.org/name> "Ängsskolan" .' in lines
    assert len(lines) == 4


def test_metadata_is_found_beside_the_table_and_can_be_given(folder: Path) -> None:
    assert "schema.org" not in run(folder, BASE + "skolor.csv", "--minimal").stdout
    assert "schema.org" in run(folder, BASE + "skolor.csv", "--minimal", "--metadata", BASE + "skolor.json").stdout
    link = '<skolor.json>; rel="describedby"'
    assert "schema.org" in run(folder, BASE + "skolor.csv", "--minimal", "--link", link).stdout


def test_warnings_go_to_stderr(folder: Path) -> None:
    (folder / "skolor.csv").write_text("kod,annat\n1,Vasa\n", "utf-8")
    result = run(folder, BASE + "skolor.json", "--minimal")
    assert result.exit_code == 0
    assert "warning: " in result.stderr
    assert "warning" not in result.stdout


def test_an_invalid_package_exits_1_without_output(folder: Path) -> None:
    (folder / "skolor.csv").write_bytes(b'kod,namn\n1,Vasa\n2,"\n')
    output = folder / "ut.nt"
    output.write_text("förra\n", "utf-8")
    result = run(folder, BASE + "skolor.json", "--output", str(output))
    assert (result.exit_code, result.stdout) == (1, "")
    assert output.read_text("utf-8") == "förra\n"
    assert sorted(path.name for path in folder.iterdir()) == ["skolor.csv", "skolor.json", "ut.nt"]


def test_validation_exits_by_what_it_finds(folder: Path) -> None:
    assert run(folder, BASE + "skolor.json", "--validate").exit_code == 0
    (folder / "skolor.csv").write_text("kod,namn\n1,a\n1,b\n", "utf-8")
    result = run(folder, BASE + "skolor.json", "--validate")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "primary key" in result.stderr


def test_base_and_root_go_together(folder: Path) -> None:
    assert CliRunner().invoke(main, ["csvw", "--base", BASE, "x.csv"]).exit_code == 2


def test_a_file_made_by_the_shell_is_left_as_it_was_when_the_package_is_invalid(folder: Path) -> None:
    output = folder / "ut.nt"
    command = [sys.executable, "-c", "from server.cli import main; main()", "csvw", str(folder / "skolor.csv")]
    for content, code, expected in ((b"kod\n1\n", 0, "förra\n_:b1 "), (b'kod\n1\n"\n', 1, "förra\n")):
        (folder / "skolor.csv").write_bytes(content)
        output.write_text("förra\n", "utf-8")
        with output.open("ab") as stream:
            assert subprocess.run(command, stdout=stream, stderr=subprocess.DEVNULL, cwd=ROOT).returncode == code
        assert output.read_text("utf-8").startswith(expected)
        assert (output.read_text("utf-8") == expected) is (code == 1)


def test_a_conversion_tells_of_a_key_that_is_not_unique(folder: Path) -> None:
    (folder / "skolor.csv").write_text("kod,namn\n1,Vasaskolan\n1,Ängsskolan\n", "utf-8")
    result = run(folder, f"{BASE}skolor.json", "--minimal")
    assert result.exit_code == 0
    assert result.stdout.count("Vasaskolan") == 1
    assert result.stderr.count("warning: ") == 1
    assert "row 3: the primary key is not unique" in result.stderr
