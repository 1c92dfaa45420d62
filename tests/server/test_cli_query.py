"""`torg query` as a steward sees it: the list, tables, CSV and JSON, graphs, and errors with an exit code."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

import queries
from server.cli import Torg
from server.cli_output import set_language
from server.cli_query import query


@pytest.fixture
def run(starter: Path):
    group = Torg("torg", commands=[query])

    def run(*arguments: str, language: str = "en", site: bool = True) -> Result:
        place = ["--site", str(starter)] if site else []
        said = {"TORG_LANG": language}
        return CliRunner().invoke(group, ["query", *arguments, *place], env=said, catch_exceptions=False)

    yield run
    set_language("en")


def test_without_a_name_the_queries_are_listed(run) -> None:
    result = run(site=False)
    assert result.exit_code == 0
    for found in queries.all_queries():
        assert found.name in result.output and found.title["en"] in result.output
    assert "ledger/voucher municipality=… voucher=…" in result.output
    listed = json.loads(run("--format", "json", site=False).output)
    assert [entry["name"] for entry in listed] == [found.name for found in queries.all_queries()]


def test_a_table_for_people(run) -> None:
    result = run("school/by-municipality", "municipality=9905", language="sv")
    assert result.exit_code == 0
    head, *rows = result.output.splitlines()
    assert head.split()[:3] == ["Kommunkod", "Kommun", "Kod"]
    assert rows and all(row.startswith("9905") for row in rows)
    assert "https://" not in result.output


def test_csv_and_json_for_programs(run) -> None:
    lines = list(csv.DictReader(io.StringIO(run("ledger/spending-by-municipality", "--format", "csv").output)))
    assert len(lines) == 12
    rows = json.loads(run("ledger/spending-by-municipality", "--format", "json").output)["rows"]
    assert [row["municipalityIri"] for row in rows] == [line["municipalityIri"] for line in lines]


def test_several_values_and_the_examples(run) -> None:
    query = ("ledger/spending-by-municipality", "--format", "csv")
    assert run(*query, "municipality=9901", "municipality=9902").output.count("\n") == 3
    assert run("ledger/voucher", "--example", "--format", "csv").output.count("\n") >= 2


def test_a_graph_is_turtle_or_json_ld(run) -> None:
    assert "a skos:ConceptScheme" in run("concept/scheme", "scheme=def/actor").output
    assert "@graph" in json.loads(run("concept/scheme", "scheme=def/actor", "--format", "json").output)


def test_the_query_can_be_read(run) -> None:
    text = run("ledger/spending-by-month", "municipality=9905", "--sparql").output
    assert 'VALUES ?municipality { "9905" }' in text and "VALUES ?year" not in text and "#+" not in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("ledger/top-supplier",), "Did you mean ledger/top-suppliers"),
        (("ledger/voucher",), "municipality is missing: give a code, for example 9903."),
        (("ledger/credits", "year=soon"), "year takes a whole number"),
        (("ledger/credits", "yaer=2026"), "Did you mean year?"),
        (("ledger/credits", "2026"), "write name=value"),
        (("resource/labels", "resource=https://x.example/%zz"), "resource takes an IRI"),
    ],
)
def test_errors_say_what_to_do_and_exit_2(run, arguments: tuple[str, ...], said: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert said in result.output
    assert "Traceback" not in result.output


def test_a_site_where_nothing_is_published(run, small_site) -> None:
    group: click.Group = Torg("torg", commands=[query])
    result = CliRunner().invoke(group, ["query", "ledger/credits", "--site", str(small_site.folder)])
    assert result.exit_code == 2 and "torg publish" in result.output
