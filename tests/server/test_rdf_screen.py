"""Graphs that come as RDF are screened for persons' numbers like columns are; none is shown, none is published."""

from __future__ import annotations

import pytest

from loaders.findings import Findings
from server.rdf_screen import screen_graph
from tests.conftest import SmallSite

P = "<https://x.example/p>"


def told(*lines: str) -> dict[str, int]:
    findings = Findings("a/b")
    screen_graph(lines, findings)
    every = "".join(f"{f.text('sv')} {f.text('en')} {f.advice()} {f}" for f in findings)
    assert "9876" not in every and "{" not in "".join(f.text() for f in findings)
    return {finding.rule: finding.count for finding in findings}


def line(value: str, subject: str = "urn:s") -> str:
    return f"<{subject}> {P} {value} .\n"


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        ('"811218-9876"', "personal.rdf-property"),
        ('"8112189876"^^<http://www.w3.org/2001/XMLSchema#integer>', "personal.rdf-property"),
        ('"8112189876"^^<http://www.w3.org/2001/XMLSchema#decimal>', "personal.rdf-property"),
        ('"Kim Berg, 811218-9876"@sv', "personal.number-in-rdf"),
        ('"rad ett\\n811218-9876\\nrad tre"', "personal.number-in-rdf"),
        ("<https://x.example/person/19811218-9876>", "personal.number-in-address"),
        ("<https://x.example/?pnr=811218-9876>", "personal.number-in-address"),
        ("<https://x.example/supplier/811218%2B9876>", "personal.number-in-address"),
    ],
)
def test_persons_are_found(value: str, rule: str) -> None:
    assert told(line(value)) == {rule: 1}


def test_subjects_are_addresses_too() -> None:
    found = told(line('"x"', "https://x.example/person/8112189876"), line('"y"', "https://x.example/person/8112189876"))
    assert found == {"personal.number-in-address": 1}


@pytest.mark.parametrize(
    "value",
    ['"556074-7551"', '"5050-1055"', '"2026-01-02T14:30:00"^^<http://www.w3.org/2001/XMLSchema#dateTime>',
     "<https://x.example/organization/5560747551>", '"59.2741"^^<http://www.w3.org/2001/XMLSchema#decimal>',
     '"031-368 00 00"', "<urn:sha256:8112189876aaaaaa>", '"Bygg AB"'],
)  # fmt: skip
def test_others_are_left_alone(value: str) -> None:
    assert told(line(value)) == {}


def test_a_graph_with_a_person_is_not_published(small_site: SmallSite) -> None:
    small_site.source.unlink()
    source = small_site.dataset / "skolor.ttl"
    source.write_text('<https://x.example/s> <https://schema.org/name> "Kim, 811218-9876" .', "utf-8")
    description = (small_site.dataset / "dataset.toml").read_text("utf-8").replace("skolor.csv", "skolor.ttl")
    (small_site.dataset / "dataset.toml").write_text(description.replace('conformsTo = "skolor"', ""), "utf-8")

    done = small_site.publish()

    assert ["asen/skolor"] == done.blocked
    secret = b"811218-9876"
    for path in small_site.data.rglob("*"):
        if path.is_file() and "archive" not in path.parts:
            assert secret not in path.read_bytes(), path
