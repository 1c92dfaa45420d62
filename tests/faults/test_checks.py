"""The drill of kills finds what it is there to find: each of its checks fails when something is lost."""

from __future__ import annotations

import gzip
import os
import random
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults.checks import Album, remains, served_badly, wrong_in
from tests.faults.killing import changes_files
from tests.faults.town import Operation, Town

GONE = "/res/school/10000002.nt"


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A town of two generations; what each test does with a copy of its data folder is nobody else's."""
    town = Town(tmp_path_factory.mktemp("town") / "town", random.Random(1))
    for version in (1, 2):
        town.schools[10_000_001] = version
        town.write()
        Operation("publish", 0, town.now()).run(town)
    yield town


@pytest.fixture
def town(published: Town, tmp_path: Path) -> Iterator[Town]:
    copy = Town(tmp_path / "town", random.Random(1))
    shutil.copytree(published.site.data, copy.site.data)
    copy.schools = dict(published.schools)
    copy.write()
    yield copy
    for place, _, _ in os.walk(copy.folder):
        os.chmod(place, 0o755)


def test_a_whole_town_is_whole(town: Town) -> None:
    assert wrong_in(town, [1, 2]) == []


def test_what_is_lost_is_found(town: Town) -> None:
    dump = town.data.generations / "000001" / "dumps" / "asen" / "skolor.nt.gz"
    os.chmod(dump, 0o644)
    dump.write_bytes(gzip.compress(b"nothing"))
    (town.site.data / "archive" / "unused").touch()
    (town.data.generations / "next-000003").mkdir()
    with closing(sqlite3.connect(town.site.data / "ledger.sqlite")) as ledger, ledger:
        ledger.execute("INSERT INTO event (path, event, generation, time) VALUES ('/id/x', 'minted', 3, '')")
    town.schools[10_000_029] = 1
    found = wrong_in(town, [1, 2])
    for told in (
        "000001: dumps/asen/skolor.nt.gz is changed", "1 events are ahead", "[10000029] are published",
        "generations/next-000003", "/id/x is live, and not described", "archive/unused",
    ):  # fmt: skip
        assert any(told in one for one in found), (told, found)
    shutil.rmtree(town.data.generations / "next-000003")
    os.chmod(town.data.generations / "000001", 0o755)
    (town.data.generations / "000001").rename(town.folder / "aside")
    assert "generation 1 is kept no more" in wrong_in(town, [1, 2])


def test_history_that_was_lost_is_found(town: Town) -> None:
    for file in (town.site.data / "history" / "000002").rglob("*.gz"):
        file.write_bytes(gzip.compress(b""))
    assert any("replays to other lines" in one for one in wrong_in(town, []))
    assert "differs from generation 1" in town.unlike(1)


def test_what_a_purge_left_is_found(town: Town) -> None:
    purge = Operation("purge generation", 1, town.now())
    told = purge.forgets(town)
    assert told == {"Namnet10000001 001"}
    found = remains(town, purge, told)
    assert "generation 1 is not purged" in found and any("store of 1" in one for one in found)
    purge.run(town)
    assert remains(town, purge, told) == [] == wrong_in(town, [2])


def test_as_long_as_a_generation_is_served_answers_are_what_they_were() -> None:
    album, whole = Album(), {"/": (200, b"a"), GONE: (410, b"<a> <b> <c> .\n<a> <b> <d> .\n"), "/?lang=sv": (200, b"1")}
    assert album.compare("000001", whole, "") == []
    assert album.compare("000001", whole | {"/": (200, b"b")}, "publish") == ["/ was 200 a and is 200 b"]
    assert album.compare("000002", whole | {"/": (404, b"")}, "publish") == []
    shorter = whole | {GONE: (410, b"<a> <b> <c> .\n"), "/?lang=sv": (200, b"2")}
    other = whole | {GONE: (410, b"<a> <b> <e> .\n")}
    for found, kind, many in (
        (other, "purge generation", 1),
        (shorter, "publish", 2),
        (shorter, "purge generation", 0),
    ):
        album = Album()
        album.compare("000001", whole, "")
        assert len(album.compare("000001", found, kind)) == many
    assert served_badly({"/": (404, b""), GONE: (410, b""), "/res/x": (503, b"")}) == ["/ is 404", "/res/x is 503"]


def test_kills_are_counted_by_changes_to_files() -> None:
    assert changes_files("open", ("/x", "w", os.O_WRONLY | os.O_CREAT))
    assert not changes_files("open", ("/x", "r", os.O_RDONLY | os.O_CLOEXEC))
    assert changes_files("os.rename", ("/x", "/y", -1, -1)) and not changes_files("import", ("x",))
