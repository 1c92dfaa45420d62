"""Damaged files: the newest whole generation is served instead, and health, log and doctor say so."""

from __future__ import annotations

import logging
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from server import create_app
from server.cli import main
from server.doctor import examine
from server.errors import StorageError
from server.generations import DataFolder
from server.publish import restore
from server.settings import Settings, read_settings
from server.site import read_site
from server.views.operations import front
from tests.conftest import NOW, ROWS, SmallSite

pytestmark = pytest.mark.slow

SCHOOL = "/res/school/10000001.ttl"
Harm = Callable[[Path], None]


def write(path: Path, data: bytes, at: int | None = None) -> None:
    """Write into a file of a finished generation, as a failing disk does; `at` None replaces it."""
    if path.exists():
        path.chmod(0o644)
    with open(path, "wb" if at is None else "r+b") as file:
        file.seek(at or 0)
        file.write(data)


def tables(path: Path) -> list[Path]:
    return sorted((path / "store").glob("*.sst"), key=lambda file: file.stat().st_size)


def every_block(path: Path) -> None:
    for table in tables(path):
        write(table, b"torn" * (table.stat().st_size // 8), 16)


AT_ONCE: dict[str, Harm] = {
    "manifest cut off": lambda path: os.truncate(_open(path / "manifest.json"), 100),
    "manifest of another kind": lambda path: write(path / "manifest.json", b"[]"),
    "manifest gone": lambda path: _open(path / "manifest.json").unlink(),
    "CURRENT of the store gone": lambda path: _open(path / "store/CURRENT").unlink(),
    "CURRENT of the store empty": lambda path: write(path / "store/CURRENT", b""),
    "MANIFEST of the store cut off": lambda path: os.truncate(next(_open(path / "store").glob("MANIFEST*")), 10),
    "a table of the store gone": lambda path: [_open(table).unlink() for table in tables(path)],
    "labels are no database": lambda path: write(path / "labels.sqlite", b"noise" * 1000),
    "labels gone": lambda path: _open(path / "labels.sqlite").unlink(),
    "search is empty": lambda path: write(path / "search.sqlite", b""),
    "lock gone": lambda path: _open(path / "lock").unlink(),
    "the whole folder gone": lambda path: (_open(path), shutil.rmtree(path)),
}  # fmt: skip
BY_CHECKSUM: dict[str, Harm] = {
    "blocks of the store": every_block,
    "one byte of the largest table": lambda path: write(
        tables(path)[-1], b"\xff", tables(path)[-1].stat().st_size // 2
    ),
    "a page of the labels": lambda path: write(path / "labels.sqlite", b"torn" * 500, 5_000),
    "a dump": lambda path: write(path / "dumps/asen/skolor.nt.gz", b"torn", 40),
}


def _open(path: Path) -> Path:
    """Make a file or folder and what is in it writable, and return it."""
    for place, folders, files in os.walk(path):
        for name in (*folders, *files, "."):
            os.chmod(os.path.join(place, name), 0o755)
    for one in (path, path.parent):
        if one.exists():
            one.chmod(0o755)
    return path


@pytest.fixture(scope="module")
def published(make_site: Callable[[Path], SmallSite], tmp_path_factory: pytest.TempPathFactory) -> SmallSite:
    """Two generations; the first school was renamed in the second."""
    site = make_site(tmp_path_factory.mktemp("damage") / "site")
    site.publish()
    site.write([ROWS[0].replace("Skola 1", "Nya skolan"), *ROWS[1:]])
    assert site.publish().generation == 2
    return site


@pytest.fixture
def site(published: SmallSite, tmp_path: Path) -> SmallSite:
    """A copy of it, to be damaged."""
    copy = object.__new__(SmallSite)
    copy.folder = Path(shutil.copytree(published.folder, tmp_path / "site"))
    copy.dataset = copy.folder / "datasets" / "asen" / "skolor"
    copy.source = copy.dataset / "skolor.csv"
    return copy


def current(site: SmallSite) -> Path:
    return _open(site.data / "generations" / "000002")


@pytest.mark.parametrize("harm", AT_ONCE.values(), ids=AT_ONCE.keys())
def test_what_cannot_be_opened_is_not_served(site: SmallSite, harm: Harm, caplog: pytest.LogCaptureFixture) -> None:
    harm(current(site))
    client = create_app(site.folder, read_settings(environment={})).test_client()
    with caplog.at_level(logging.ERROR, "torg"):
        assert '"Skola 1"' in client.get(SCHOOL).text
    assert client.get("/datasets").status_code == 200
    assert client.get("/-/ready").json == {"status": "ready", "generation": "000001"}
    health = client.get("/-/health").json
    assert health["status"] == "ok" and set(health["damaged"]) == {"000002"} and health["damaged"]["000002"]
    kept = client.get("/-/generations").json["generations"]
    assert harm is not AT_ONCE["manifest gone"] or [each["number"] for each in kept if "damaged" in each] == [2]
    assert [record for record in caplog.records if "Generation 000002 is damaged" in record.getMessage()]
    done = CliRunner().invoke(main, ["--lang", "en", "doctor", "--site", str(site.folder)])
    assert done.exit_code == 1 and "Generation 1 is served in its place" in done.stdout


@pytest.mark.parametrize("harm", BY_CHECKSUM.values(), ids=BY_CHECKSUM.keys())
def test_what_only_a_checksum_tells_is_found_by_a_server_at_its_start(site: SmallSite, harm: Harm) -> None:
    harm(current(site))
    app = create_app(site.folder, read_settings(environment={"TORG_READERS": "1"}))
    front(app)
    client, until = app.test_client(), time.monotonic() + 120
    while client.get("/-/ready").json.get("generation") != "000001" and time.monotonic() < until:
        time.sleep(0.05)
    assert '"Skola 1"' in client.get(SCHOOL).text
    assert set(client.get("/-/health").json["damaged"]) == {"000002"}
    app.extensions["torg.queries"].close()


def test_a_read_that_fails_is_503_and_the_next_one_comes_from_the_whole_generation(site: SmallSite) -> None:
    app = create_app(site.folder, read_settings(environment={}))
    client = app.test_client()
    assert "Nya skolan" in client.get(SCHOOL).text
    app.extensions["torg"].watch.thorough = True
    path = current(site)
    write(path / "labels.sqlite", b"torn" * ((path / "labels.sqlite").stat().st_size // 4))
    until, statuses = time.monotonic() + 120, set()
    while client.get("/-/ready").json["generation"] != "000001" and time.monotonic() < until:
        statuses.add(client.get("/res/school/10000002?lang=sv").status_code)
    assert 503 in statuses and statuses <= {200, 503}
    assert client.get("/res/school/10000002?lang=sv").status_code == 200


def test_nothing_is_served_from_before_an_unfinished_purge(site: SmallSite) -> None:
    AT_ONCE["manifest gone"](current(site))
    (site.data / "purge.json").write_text("{}", "utf-8")
    client = create_app(site.folder, read_settings(environment={})).test_client()
    assert client.get(SCHOOL).status_code == 503
    assert client.get("/-/ready").status_code == 503
    assert client.get("/-/health").status_code == 200


def test_nothing_whole_is_503_and_says_so(site: SmallSite) -> None:
    for number in (1, 2):
        AT_ONCE["manifest gone"](_open(site.data / "generations" / f"{number:06d}"))
    client = create_app(site.folder, read_settings(environment={})).test_client()
    answer = client.get("/datasets", headers={"Accept": "text/html"})
    assert answer.status_code == 503 and answer.headers["Retry-After"]
    assert set(client.get("/-/health").json["damaged"]) == {"000001", "000002"}


@pytest.mark.parametrize("noise", [b"noise" * 2_000, b""], ids=["noise", "empty"])
def test_a_damaged_ledger_stops_publication_and_not_reading(site: SmallSite, noise: bytes) -> None:
    write(site.data / "ledger.sqlite", noise)
    client = create_app(site.folder, read_settings(environment={})).test_client()
    assert "Nya skolan" in client.get(SCHOOL).text
    assert client.get("/res/school/19999999").status_code == 404
    assert client.get("/-/health").json["ledger"]
    site.write(ROWS)
    with pytest.raises(StorageError, match="ledger"):
        site.publish()
    assert DataFolder(site.data).current_name() == "000002"
    found = {check.name: check for check in examine(site.folder)}
    assert found["ledger"].level == "fail" and "backup" in found["ledger"].en


@pytest.mark.parametrize("name", ["manifest gone", "labels are no database", "a table of the store gone"])
def test_publication_refuses_to_build_on_damage_and_restore_goes_back(site: SmallSite, name: str) -> None:
    AT_ONCE[name](current(site))
    site.write(ROWS[1:])
    with pytest.raises(StorageError, match="torg restore 1"):
        site.publish()
    done = restore(read_site(site.folder), Settings(), 1, now=NOW)
    assert done.generation == 3
    client = create_app(site.folder, read_settings(environment={})).test_client()
    assert '"Skola 1"' in client.get(SCHOOL).text and "damaged" not in client.get("/-/health").json
    assert site.publish().generation == 4
    assert client.get("/id/school/10000001").status_code == 410
