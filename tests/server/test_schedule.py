"""What is due when: by the interval, by a change here, after a failure; and what is late is told."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from server import schedule
from server.check import check
from server.publish import publish
from server.schedule import due, timetable
from server.settings import Settings
from server.site import read_site
from tests.conftest import NOW, ROWS, SmallSite


def keys(site: SmallSite, now: datetime) -> list[tuple[str, str]]:
    return [(one.key, one.reason) for one in due(read_site(site.folder), Settings(), now)]


def say(site: SmallSite, line: str) -> None:
    toml = site.dataset / "dataset.toml"
    toml.write_text(f"{line}\n{toml.read_text('utf-8')}", "utf-8")


def test_a_local_file_is_due_when_it_changes(small_site: SmallSite) -> None:
    assert keys(small_site, NOW) == [("asen/skolor", "new")]
    assert small_site.publish(due=True).generation == 1
    assert keys(small_site, NOW + timedelta(days=900)) == []
    again = small_site.publish(due=True)
    assert again.generation is None and again.report.datasets == []
    small_site.write(ROWS[:7])
    assert keys(small_site, NOW) == [("asen/skolor", "changed")]
    assert small_site.publish(due=True).generation == 2


def test_a_file_that_changes_while_the_run_goes_on_is_due_again(small_site: SmallSite) -> None:
    def change(step: str, what: str) -> None:
        if step == "flip":
            small_site.write(ROWS[:7])

    assert publish(read_site(small_site.folder), Settings(), now=NOW, due=True, progress=change).generation == 1
    assert keys(small_site, NOW) == [("asen/skolor", "changed")]
    assert small_site.publish(due=True).generation == 2
    assert keys(small_site, NOW) == []


def test_an_address_is_due_by_its_frequency_and_the_last_change(small_site: SmallSite) -> None:
    small_site.publish()
    say(small_site, 'accrualPeriodicity = "MONTHLY"')
    toml = small_site.dataset / "dataset.toml"
    toml.write_text(toml.read_text("utf-8").replace('"skolor.csv"', '"https://asen.example/skolor.csv"'), "utf-8")
    site = read_site(small_site.folder)
    schedule.remember(site, Settings(), schedule.marks(site), {"asen/skolor": True}, NOW + timedelta(days=25))
    (one,) = timetable(site, Settings(), NOW)
    # The next edition may be there a month after the last change; until then corrections are looked for weekly.
    assert one.reason == "interval" and timedelta(days=28) < one.at - NOW < timedelta(days=29)
    schedule.remember(site, Settings(), schedule.marks(site), {"asen/skolor": True}, NOW + timedelta(days=40))
    (one,) = timetable(site, Settings(), NOW)
    assert timedelta(days=40.9) < one.at - NOW < timedelta(days=41)
    schedule.remember(site, Settings(), schedule.marks(site), {"asen/skolor": False}, NOW + timedelta(days=40))
    (one,) = timetable(site, Settings(), NOW)
    assert one.reason == "again" and one.at - NOW == timedelta(days=40, hours=1)


def test_what_is_never_updated_is_never_due(small_site: SmallSite) -> None:
    say(small_site, 'accrualPeriodicity = "NEVER"')
    toml = small_site.dataset / "dataset.toml"
    toml.write_text(toml.read_text("utf-8").replace('"skolor.csv"', '"https://asen.example/skolor.csv"'), "utf-8")
    site = read_site(small_site.folder)
    schedule.remember(site, Settings(), schedule.marks(site), {"asen/skolor": True}, NOW)
    assert timetable(site, Settings(), NOW) == []


def test_a_changed_site_makes_everything_due(small_site: SmallSite) -> None:
    small_site.publish()
    toml = small_site.folder / "site.toml"
    toml.write_text(toml.read_text("utf-8").replace("Åsens öppna data", "Öppet Åsen"), "utf-8")
    assert keys(small_site, NOW) == [("asen/skolor", "meaning")]
    assert small_site.publish(due=True).generation == 2


def test_what_is_only_listed_does_not_keep_the_rest_due(small_site: SmallSite) -> None:
    listed = small_site.dataset.parent / "bygglov"
    listed.mkdir()
    (listed / "dataset.toml").write_text(
        'status = "not-published"\nreason = "Innehåller personuppgifter."\n'
        '[title]\nsv = "Bygglov"\n[description]\nsv = "Beslut om bygglov."\n',
        "utf-8",
    )
    assert not read_site(small_site.folder).faults
    small_site.publish()
    toml = small_site.folder / "site.toml"
    toml.write_text(toml.read_text("utf-8").replace("Åsens öppna data", "Öppet Åsen"), "utf-8")
    assert keys(small_site, NOW) == [("asen/skolor", "meaning")]
    small_site.publish(due=True)
    assert keys(small_site, NOW) == []


def test_a_gathered_catalogue_is_due_daily(small_site: SmallSite) -> None:
    with (small_site.folder / "site.toml").open("a", encoding="utf-8") as toml:
        toml.write('[harvest.k]\nurl = "https://k.example/dcat"\n')
    site = read_site(small_site.folder)
    schedule.remember(site, Settings(), schedule.marks(site), {"asen/skolor": True, "harvest/k": True}, NOW)
    assert keys(small_site, NOW + timedelta(hours=20)) == []
    assert keys(small_site, NOW + timedelta(hours=23)) == [("harvest/k", "interval")]


def test_a_dataset_that_is_gone_is_due_until_it_is_confirmed(small_site: SmallSite) -> None:
    small_site.publish()
    (small_site.dataset / "dataset.toml").unlink()
    small_site.source.unlink()
    small_site.dataset.rmdir()
    assert keys(small_site, NOW) == [("asen/skolor", "gone")]
    assert small_site.publish(due=True).blocked == ["asen/skolor"]


def test_a_broken_timetable_is_no_timetable(small_site: SmallSite) -> None:
    small_site.publish()
    (small_site.data / schedule.FILE).write_text("{", "utf-8")
    assert keys(small_site, NOW) == [("asen/skolor", "new")]


def test_what_is_late_is_told_though_it_is_not_looked_at(small_site: SmallSite) -> None:
    say(small_site, 'accrualPeriodicity = "MONTHLY"')
    small_site.publish()
    later = NOW + timedelta(days=60)
    told = publish(read_site(small_site.folder), Settings(), due=True, now=later).report
    assert [(finding.rule, finding.dataset) for finding in told.findings()] == [("catalog.late", "asen/skolor")]
    if datetime.now(UTC) > later:
        assert "catalog.late" in {
            finding.rule for finding in check(read_site(small_site.folder), Settings()).findings()
        }


@pytest.mark.skipif(os.name != "posix", reason="the command is run in a shell")
def test_the_command_says_what_is_due_next(small_site: SmallSite, tmp_path: Path) -> None:
    from click.testing import CliRunner

    from server.cli import main

    first = CliRunner().invoke(main, ["--lang", "sv", "publish", "--due", "--site", str(small_site.folder)])
    assert first.exit_code == 0 and "Generation 1" in first.output
    again = CliRunner().invoke(main, ["--lang", "sv", "publish", "--due", "--site", str(small_site.folder)])
    assert again.exit_code == 0 and "Inget har ändrats" in again.output
