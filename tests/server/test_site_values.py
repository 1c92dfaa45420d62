"""Values of site.toml and settings that will not do: each is told by name, none crashes and none passes silently."""

import pytest

from loaders.errors import DescriptionError
from server.budgets import Budgets
from server.errors import Problem, SettingsError
from server.harvest_sources import harvest_sources
from server.settings import read_settings
from server.site import read_site

BASE = '[site]\nbase = "https://data.asen.example/"\n'
PUBLISHER = '[publishers.asen]\nname.sv = "Åsens kommun"\norgnr = "212000-9903"\n'


@pytest.mark.parametrize(
    ("text", "rule", "named"),
    [
        ("site = 5", "site.wrong-value", "[site]"),
        (f"limits = 5\n{BASE}", "site.wrong-value", "[limits]"),
        (f"map = 5\n{BASE}", "site.wrong-value", "[map]"),
        (f"publishers = [1]\n{BASE}", "site.wrong-value", "[publishers]"),
        (f"publishers = {{ asen = 5 }}\n{BASE}", "site.wrong-value", "[publishers.asen]"),
        (f'{BASE}languages = "sv"', "site.wrong-value", "languages"),
        (f"{BASE}languages = []", "site.wrong-value", "languages"),
        (f'{BASE}languages = ["Svenska"]', "site.wrong-value", "languages"),
        (f"{BASE}title = 5", "site.wrong-value", "title"),
        (f"{BASE}title.sv = 5", "site.wrong-value", "title"),
        (f'{BASE}contact = ["data@asen.example"]', "site.wrong-value", "contact"),
        (BASE + PUBLISHER.replace('name.sv = "Åsens kommun"', "name = 5"), "site.wrong-value", "name"),
        (BASE + PUBLISHER.replace("Åsens kommun", "") + "description = 5", "site.wrong-value", "description"),
        (BASE + PUBLISHER + "homepage = 5", "site.wrong-value", "homepage"),
        (f'{BASE}[server]\nurl = "https://x.example/"', "site.unknown-key", "url"),
        (f'{BASE}[map]\ntiles = "https://[x/{{x}}{{y}}{{z}}"', "site.map-tiles", "tiles"),
        ('[site]\nbase = "https://[::1"', "site.base", "base"),
        ('[site]\nbase = "https://data.asen.example/<x>/"', "site.base", "base"),
        ('[site]\nbase = "https://data asen.example/"', "site.base", "base"),
        ('[site]\nbase = "https://data.asen.example:99999/"', "site.base", "base"),
        ('[site]\nbase = "https://data.asen.example/a/../b/"', "site.base", "base"),
        ('[site]\nbase = "https://data.asen.example//a/"', "site.base", "base"),
        ('[site]\nbase = "https://data.asen.example/\\n"', "site.base", "base"),
    ],
)  # fmt: skip
def test_a_value_that_will_not_do_is_told_by_name(tmp_path, text, rule, named):
    (tmp_path / "site.toml").write_text(text, "utf-8")
    with pytest.raises(DescriptionError) as told:
        read_site(tmp_path)
    assert told.value.finding.rule == rule
    assert all(named in told.value.finding.text(language) for language in ("sv", "en"))


@pytest.mark.parametrize(
    "base", ["https://data.asen.example/öppna/data", "http://[::1]:8080", "https://a.example:8443/x/"]
)
def test_an_address_that_will_do_is_a_base(tmp_path, base):
    (tmp_path / "site.toml").write_text(f'[site]\nbase = "{base}"\n', "utf-8")
    assert read_site(tmp_path).base == base.rstrip("/") + "/"


@pytest.mark.parametrize(
    ("line", "named"),
    [('url = "https://[::1"', "url"), ('file = "a\\u0000b"', "file"),
     ('url = "https://x.example/"\nmost = true', "most"),
     ('url = "https://x.example/"\nrepublish = "false"', "republish")],
)  # fmt: skip
def test_a_wrong_source_to_harvest_is_told_by_name(tmp_path, line, named):
    (tmp_path / "site.toml").write_text(f"{BASE}[harvest.grannen]\n{line}\n", "utf-8")
    with pytest.raises(DescriptionError) as told:
        harvest_sources(read_site(tmp_path))
    assert named in told.value.finding.text("en")


@pytest.mark.parametrize(
    ("table", "name", "value", "says"),
    [
        ("server", "port", 80.5, "whole number"),
        ("server", "host", ["127.0.0.1"], "text"),
        ("server", "publish_every", True, "a number"),
        ("store", "keep_generations", 0, "at least 1"),
        ("store", "follow_seconds", "inf", "a number"),
        ("limits", "query_seconds", "nan", "a number"),
        ("limits", "query_seconds", 0, "at least 0.01"),
        ("limits", "query_rows", -1, "negative"),
        ("limits", "client_parallel", 0, "at least 1"),
        ("limits", "client_seconds_per_minute", 0, "at least 0.01"),
    ],
)
def test_a_setting_that_cannot_work_is_refused(table, name, value, says):
    with pytest.raises(SettingsError, match=f"{name} is .*{says}"):
        read_settings({table: {name: value}}, environment={})


def test_settings_are_read_as_people_write_them():
    read = read_settings(
        {"limits": {"query_rows": 5.0}}, {"TORG_PORT": "0", "TORG_QUERY_SECONDS": "2"}, {"cache_mb": 0}
    )
    assert (read.query_rows, read.port, read.query_seconds, read.cache_mb) == (5, 0, 2.0, 0)


def test_who_has_used_up_the_least_time_there_can_be_is_told_to_wait():
    least = read_settings({"limits": {"client_seconds_per_minute": 0.01, "client_burst_seconds": 0}}, environment={})
    budgets = Budgets(least.client_seconds_per_minute, least.client_burst_seconds, least.client_parallel)
    with pytest.raises(Problem) as refused:
        budgets.enter("a")
    assert refused.value.status == 429
