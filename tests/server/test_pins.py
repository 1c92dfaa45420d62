"""Contracts: pins are asked of the candidate before it is served; retired queries say so on every answer."""

import json
import shutil
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

import ontology
import queries
from loaders.errors import LoadError
from server import create_app
from server.check import check
from server.cli import main
from server.pins import check_pins, read_contracts
from server.settings import Settings, read_settings
from server.site import read_site
from tests.conftest import HEADER


@pytest.fixture(scope="module")
def published(make_site, tmp_path_factory):
    site = make_site(tmp_path_factory.mktemp("pins") / "site")
    # The query goes by municipalities that are concepts.
    site.write([row.replace("9901,", "1880,", 1) for row in site.source.read_text("utf-8").splitlines()[1:]])
    site.publish()
    return site


@pytest.fixture
def site(published, tmp_path):
    copy = object.__new__(type(published))
    copy.folder = shutil.copytree(published.folder, tmp_path / "site")
    copy.dataset = copy.folder / "datasets" / "asen" / "skolor"
    copy.source = copy.dataset / "skolor.csv"
    return copy


def pin(site, text: str) -> None:
    (site.folder / "pins.toml").write_text(text, "utf-8")


def found(site, text: str) -> list:
    """Return the findings of pins asked of the generation that is there."""
    pin(site, text)
    base = read_site(site.folder).uris
    return check_pins(
        read_contracts(site.folder), site.data / "generations/000001/store", base, ontology.prefixes(base.concepts)
    )


SCHOOLS = '[pins.bussar]\nquery = "school/list"\nconsumer = "Trafiken"\n'


def test_promises_that_hold_say_nothing(site):
    columns = json.dumps(list(queries.get("school/list").columns))
    assert found(site, f"{SCHOOLS}columns = {columns}\nleast_rows = 8\n") == []


@pytest.mark.parametrize(
    ("more", "rule", "says"),
    [
        ("least_rows = 9\n", "pins.too-few-rows", "8"),
        ("least_rows = 20000\n", "pins.too-few-rows", "20000"),
        ('columns = ["school", "price"]\n', "pins.columns-gone", "price"),
        ('parameters = { colour = "red" }\n', "pins.parameters", "colour"),
    ],
)
def test_broken_promises_are_told_to_whom_they_matter(site, more, rule, says):
    (finding,) = found(site, SCHOOLS + more)
    assert (finding.rule, finding.weight) == (rule, "warn")
    assert says in finding.text("sv") and says in finding.text("en")
    assert "Trafiken" in finding.advice("sv")


def test_a_query_that_is_gone_names_the_nearest(site):
    (finding,) = found(site, '[pins.x]\nquery = "school/lists"\n')
    assert finding.rule == "pins.query-gone" and "school/list" in finding.advice("en")


def test_a_blocking_pin_stops_the_flip_until_confirmed(site):
    pin(site, f"{SCHOOLS}least_rows = 8\nblocks = true\n")
    rows = site.source.read_text("utf-8").splitlines()[1:]
    site.write(rows[:7])
    report = check(read_site(site.folder), Settings())
    assert report.blocked == ["pins.toml"] and [f.rule for f in report.pins] == ["pins.too-few-rows"]
    stopped = site.publish()
    assert (stopped.generation, stopped.blocked) == (None, ["pins.toml"])
    assert (site.data / "current").read_text().strip() == "000001"
    again = site.publish(due=True)
    assert (again.generation, again.blocked) == (None, ["pins.toml"]), "what was stopped is still due"
    command = CliRunner().invoke(main, ["--lang", "sv", "publish", "--site", str(site.folder)])
    assert command.exit_code == 1 and "bussar" in command.output and "7 rader" in command.output
    confirmed = site.publish(confirm=True)
    assert confirmed.generation == 2 and [f.rule for f in confirmed.report.pins] == ["pins.too-few-rows"]


def test_a_check_of_one_dataset_asks_the_pins_too(site):
    pin(site, f'{SCHOOLS}least_rows = 8\nblocks = true\n[pins.katalogen]\nquery = "catalog/datasets"\nleast_rows = 1\n')
    rows = site.source.read_text("utf-8").splitlines()[1:]
    folder = site.folder / "datasets" / "asen" / "annat"
    shutil.copytree(site.dataset, folder)
    (folder / "dataset.toml").write_text(
        (folder / "dataset.toml").read_text("utf-8").replace("Skolor", "Andra"), "utf-8"
    )
    (folder / "skolor.csv").write_text("\n".join([HEADER, rows[0].replace("10000001", "20000001")]) + "\n", "utf-8")
    site.write(rows[:7])
    assert [one.rule for one in check(read_site(site.folder), Settings(), ["asen/skolor"]).pins] == [
        "pins.too-few-rows"
    ]
    # The other dataset is looked at, this one stays as it is published.
    whole = check(read_site(site.folder), Settings(), ["asen/annat"])
    assert whole.pins == [] and not whole.broken
    shutil.rmtree(site.data)
    (untold,) = check(read_site(site.folder), Settings(), ["asen/skolor"]).pins
    assert untold.rule == "pins.skipped" and "bussar" in untold.text("sv") and untold.weight == "info"


def test_a_check_asks_the_pins_although_a_dataset_is_blocked(site):
    pin(site, f"{SCHOOLS}least_rows = 8\n")
    site.source.unlink()
    report = check(read_site(site.folder), Settings())
    assert report.blocked == ["asen/skolor"] and report.pins == []


def test_a_warning_pin_is_reported_and_published(site):
    pin(site, f"{SCHOOLS}least_rows = 8\n")
    rows = site.source.read_text("utf-8").splitlines()[1:]
    site.write(rows[:7])
    tried = site.publish(dry_run=True)
    assert tried.generation is None and [f.rule for f in tried.report.pins] == ["pins.too-few-rows"]
    done = site.publish()
    assert done.generation == 2 and done.blocked == []
    assert done.report.members()["pins"][0]["rule"] == "pins.too-few-rows"


@pytest.mark.parametrize(
    "text",
    [
        "[pins", "[pin.x]\n", "[pins.x]\n", '[pins.x]\nquery = "a/b"\nrows = 1\n', "[pins]\nx = 1\n",
        '[pins.x]\nquery = "a/b"\nleast_rows = -1\n', '[pins.x]\nquery = "a/b"\ncolumns = "name"\n',
        '[retired."a/b"]\n', '[retired."a/b"]\ndeprecated = 2026-06-01\nsunset = 2026-01-01\n',
    ],
)  # fmt: skip
def test_what_cannot_be_read_names_the_entry(site, text):
    pin(site, text)
    with pytest.raises(LoadError) as caught:
        read_contracts(site.folder)
    assert caught.value.finding.rule == "pins.unreadable"
    assert caught.value.finding.text("sv") and "{" not in caught.value.finding.text("en")


def test_a_retired_query_says_so(site):
    pin(site, '[retired."school/list"]\ndeprecated = 2026-06-01\nsunset = 2026-12-31\nsuccessor = "school/pupils"\n')
    app = create_app(site.folder, read_settings(environment={}))
    client = app.test_client()
    for path in ("/api/school/list", "/api/school/list.csv", "/api/school/list?size=x"):
        response = client.get(path)
        assert response.headers["Sunset"] == "Thu, 31 Dec 2026 00:00:00 GMT", path
        assert response.headers["Deprecation"] == f"@{int(datetime(2026, 6, 1, tzinfo=UTC).timestamp())}"
        assert '/api/school/pupils>; rel="successor-version"' in ", ".join(response.headers.getlist("Link"))
    assert "Sunset" not in client.get("/api/resource/types").headers
    app.extensions["torg"].close()
