"""Strict mode, for a municipality's own CI: no warning passes, and nothing is published without a decision."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from server.check import check
from server.cli import main
from server.decision import QUESTIONS
from server.generations import DataFolder
from server.graph_files import read_graph
from server.settings import Settings
from server.site import read_site
from tests.conftest import ROWS, SmallSite

DECISION = """
[decision]
informationOwner = "Utbildningsnämnden"
secrecy = "Ingen; prövat av arkivarien"
personalData = "inga"
thirdPartyRights = "inga"
license = "CC0, för att alla ska kunna använda listan"
decidedBy = "Utbildningsnämnden § 12"
"""
WAIVED = ("shapes.warning", "concepts.unmatched", "concepts.coverage", "catalog.no-license", "values.datatype")


@pytest.fixture
def site(small_site: SmallSite) -> SmallSite:
    """A site that is right in all but the decision."""
    small_site.write([row.replace("9901", "1880") for row in ROWS])
    waivers = "".join(f'"{rule}" = "Provet har bara några kolumner."\n' for rule in WAIVED)
    with (small_site.dataset / "dataset.toml").open("a", encoding="utf-8") as description:
        description.write(f"[waivers]\n{waivers}")
    return small_site


def declare(site: SmallSite, text: str) -> None:
    with (site.dataset / "dataset.toml").open("a", encoding="utf-8") as description:
        description.write(text)


def blocking(report) -> set[str]:
    return {finding.rule for finding in report.findings() if finding.weight == "block"}


def test_without_a_decision_nothing_strict_is_published(site: SmallSite) -> None:
    done = site.publish(strict=True)
    assert {"decision.missing"} == blocking(done.report)
    assert ["asen/skolor"] == done.blocked
    assert not site.publish().blocked, "only strict runs ask for it"


def test_with_one_it_is_and_the_decision_is_public(site: SmallSite) -> None:
    declare(site, DECISION)
    done = site.publish(strict=True)
    assert (1, []) == (done.generation, done.blocked)
    generation = DataFolder(site.data).current()
    assert generation is not None
    lines = "".join(read_graph(generation.path / "dumps/site/quality.nt.gz"))
    generation.close()
    for text in ("decision secrecy", "Ingen; prövat av arkivarien", "Utbildningsnämnden § 12", "waiver shapes.warning"):
        assert text in lines


@pytest.mark.parametrize("key", QUESTIONS)
def test_every_question_wants_its_answer(site: SmallSite, key: str) -> None:
    declare(site, "\n".join(line for line in DECISION.splitlines() if not line.startswith(f"{key} ")))
    report = check(read_site(site.folder), Settings(), strict=True)
    (finding,) = [finding for finding in report.findings() if finding.weight == "block"]
    assert "decision.incomplete" == finding.rule
    assert key in finding.text("sv") and QUESTIONS[key][1] in finding.text("en")


def test_an_unknown_word_names_the_nearest(site: SmallSite) -> None:
    declare(site, DECISION + 'secret = "nej"\n')
    finding = next(f for f in check(read_site(site.folder), Settings()).findings() if f.rule == "decision.unknown-key")
    assert "secrecy" in finding.advice("sv") and "warn" == finding.weight


def test_a_warning_blocks_in_strict_mode_only(site: SmallSite) -> None:
    declare(site, DECISION)
    site.write([row.replace("9901", "1880") for row in ROWS] + ['1880,10000009,"Skola 9",95.1,15.2,Grundskola,Gatan'])
    assert {"values.range"} == blocking(site.publish(strict=True).report)
    assert not blocking(site.publish().report)


def test_the_commands_take_strict(site: SmallSite) -> None:
    told = CliRunner().invoke(main, ["--lang", "en", "check", "--strict", "--site", str(site.folder)])
    assert 1 == told.exit_code and "The decision to publish is missing" in told.output
    declare(site, DECISION)
    assert 0 == CliRunner().invoke(main, ["publish", "--strict", "--site", str(site.folder)]).exit_code
