"""The steward reads what would change, or did, in plain words: before it is public, and between any two generations."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from server.change_words import graph_change, sentences, vocabulary
from server.cli_diff import diff as command
from server.cli_output import set_language
from server.diff import diff
from server.errors import OperationError
from server.generations import DataFolder
from tests.conftest import ROWS, SmallSite

BASE = "https://data.asen.example/"


def changed_rows() -> list[str]:
    """One school gone, one new, two with a new street and one of these with a new name."""
    rows = [ROWS[0].replace("Skolgatan 1", "Nygatan 1"), ROWS[1].replace("Skolgatan 2", "Nygatan 2"), *ROWS[2:-1]]
    rows[1] = rows[1].replace("Skola 2", "Södra skolan")
    return [*rows, ROWS[0].replace("10000001", "10000009").replace("Skola 1", "Norra skolan")]


def test_a_dry_run_says_what_would_change(small_site: SmallSite) -> None:
    small_site.publish()
    small_site.write(changed_rows())

    (said,) = small_site.publish(dry_run=True).differences

    assert "asen/skolor" == said["dataset"]
    sv, en = said["text"]["sv"][0], said["text"]["en"][0]
    assert sv == "Skola: 1 tillkommer (Norra skolan), 1 försvinner (Skola 8), 2 ändras (gatuadress 2, namn 1)."
    assert en == "School: 1 added (Norra skolan), 1 withdrawn (Skola 8), 2 changed (street address 2, name 1)."


def test_the_difference_of_two_generations_either_way(small_site: SmallSite) -> None:
    small_site.publish()
    small_site.write(changed_rows())
    small_site.publish()

    data, labels = DataFolder(small_site.data), vocabulary(BASE)
    (there,), (back,) = diff(data, 1, 2), diff(data, 2, 1)

    assert "1 tillkommer (Norra skolan)" in sentences(there, labels, "sv")[0]
    assert "1 försvinner (Norra skolan)" in sentences(back, labels, "sv")[0]
    assert [] == diff(data, 2, 2)
    with pytest.raises(OperationError, match="no generation 9; the first is 1, the last 2"):
        diff(data, 1, 9)


def test_the_command_speaks_both_languages_and_json(small_site: SmallSite) -> None:
    small_site.publish()
    small_site.write(changed_rows())
    small_site.publish()
    try:
        set_language("sv")
        said = CliRunner().invoke(command, ["1", "--site", str(small_site.folder)]).output
        assert "asen/skolor\n  Skola: 1 tillkommer" in said
        assert "Inget skiljer." in CliRunner().invoke(command, ["2", "2", "--site", str(small_site.folder)]).output
    finally:
        set_language("en")
    listed = CliRunner().invoke(command, ["1", "2", "--site", str(small_site.folder), "--format", "json"]).output
    assert "School: 1 added" in json.loads(listed)[0]["text"]["en"][0]


def test_many_things_are_counted_and_three_are_named() -> None:
    type = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>"
    lines = [
        line
        for number in range(12)
        for line in (
            f"<{BASE}id/x/{number:02d}> {type} <{BASE}spec/torg#School> .\n",
            f'<{BASE}id/x/{number:02d}> <https://schema.org/name> "S\\"{number}" .\n',
        )
    ]
    change = graph_change(BASE, "dataset", "a/b", "", [], lines)
    assert change is not None
    assert ['School: 12 added (S"0, S"1, S"2, 9 more).'] == sentences(change, vocabulary(BASE), "en")
    assert graph_change(BASE, "dataset", "a/b", "", lines, lines) is None
