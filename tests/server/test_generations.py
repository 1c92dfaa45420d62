"""Generations: one writer, atomic switch, nothing half-made is ever served or deleted under a reader."""

import errno
import os
import sqlite3
from pathlib import Path

import pytest

from server import generations
from server.errors import LockedError, StorageError
from server.generations import DataFolder


def make(data: DataFolder) -> int:
    folder = data.begin()
    (folder / "manifest.json").write_text('{"graphs": [], "datasets": {}}')
    number = data.finish(folder)
    data.flip(number)
    return number


def test_the_first_generation_is_one(tmp_path):
    data = DataFolder(tmp_path / "data")
    assert data.current() is None
    assert 1 == make(data)
    current = data.current()
    assert "000001" == current.name
    current.close()


def test_a_finished_generation_is_read_only(tmp_path):
    data = DataFolder(tmp_path)
    make(data)
    assert 0o444 == os.stat(data.generations / "000001" / "manifest.json").st_mode & 0o777


def test_the_second_writer_is_told_who_holds_the_lock(tmp_path):
    data = DataFolder(tmp_path)
    with data.writing("publish"), pytest.raises(LockedError, match=f"torg publish .process {os.getpid()}"):
        with data.writing("publish"):
            pass


def test_what_a_killed_run_left_is_removed(tmp_path):
    data = DataFolder(tmp_path)
    make(data)
    folder = data.begin()
    (folder / "store").mkdir()
    data.finish(folder)  # finished, but the pointer was never flipped
    (tmp_path / "history" / "000002").mkdir(parents=True)
    data.begin()  # half-made

    with data.writing("publish"):
        assert [1] == data.numbers()
        assert [] == list((tmp_path / "history").iterdir())
        assert ["000001"] == [entry.name for entry in data.generations.iterdir()]


def test_old_generations_go_but_not_under_a_reader(tmp_path):
    data = DataFolder(tmp_path)
    for _ in range(5):
        make(data)
    reader = data.generation(2)

    assert [1, 3] == data.forget(keep=2)
    assert [2, 4, 5] == data.numbers()
    reader.close()
    assert [2] == data.forget(keep=2)


def test_a_killed_deletion_leaves_no_half_of_a_generation(tmp_path, monkeypatch):
    data = DataFolder(tmp_path)
    for _ in range(3):
        make(data)

    def killed(path: Path) -> None:
        next(path.iterdir()).unlink()
        raise KeyboardInterrupt

    monkeypatch.setattr("server.generations.shutil.rmtree", killed)
    with pytest.raises(KeyboardInterrupt):
        data.forget(keep=1)
    with pytest.raises(KeyboardInterrupt):
        data.discard(2)
    monkeypatch.undo()

    assert [3] == data.numbers()
    with data.writing("publish"):
        assert ["000003"] == [entry.name for entry in data.generations.iterdir()]


@pytest.mark.parametrize("step", ["_exchange", "_out_of_the_way", "remove_tree"])
def test_a_killed_exchange_leaves_the_corrected_generation(tmp_path, monkeypatch, step):
    data = DataFolder(tmp_path)
    make(data)
    make(data)
    corrected = data.generations / "purge-000001"
    corrected.mkdir()
    (corrected / "manifest.json").write_text('{"graphs": [], "datasets": {}, "corrected": true}')

    def killed(*arguments: Path) -> None:
        if step == "_out_of_the_way":  # it is, and nothing is in its place yet
            arguments[0].rename(arguments[0].with_name("gone-000001"))
        raise KeyboardInterrupt

    monkeypatch.setattr(DataFolder if step == "_exchange" else generations, step, killed)
    with pytest.raises(KeyboardInterrupt):
        data.place(corrected, 1)
    monkeypatch.undo()

    with data.writing("publish"):
        assert ["000001", "000002"] == sorted(entry.name for entry in data.generations.iterdir())
        assert "corrected" in (data.generations / "000001" / "manifest.json").read_text()
        assert 0o444 == os.stat(data.generations / "000001" / "manifest.json").st_mode & 0o777


def test_copies_of_sources_of_a_killed_run_go_though_their_removal_is_killed_too(tmp_path, monkeypatch):
    data = DataFolder(tmp_path)
    make(data)
    for number, source in ((1, "used"), (2, "unused")):
        folder = tmp_path / "history" / f"{number:06d}"
        folder.mkdir(parents=True)
        (folder / "index.json").write_text(f'{{"graphs": [], "sources": ["{source}"]}}')
        (tmp_path / "archive").mkdir(exist_ok=True)
        (tmp_path / "archive" / source).touch()
    removed = generations.remove_tree

    def killed(path: Path) -> None:
        removed(path)
        raise KeyboardInterrupt

    monkeypatch.setattr("server.generations.remove_tree", killed)
    with pytest.raises(KeyboardInterrupt):
        data.clean()
    monkeypatch.undo()

    data.clean()
    assert ["used"] == [entry.name for entry in (tmp_path / "archive").iterdir()]
    assert ["000001"] == [entry.name for entry in (tmp_path / "history").iterdir()]


def test_a_generation_that_is_not_kept_is_named(tmp_path):
    data = DataFolder(tmp_path)
    make(data)
    with pytest.raises(StorageError, match="Generation 7 is not kept; these are: 1"):
        data.generation(7)


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "Free some space"),
        (sqlite3.OperationalError("database or disk is full"), "Free some space"),
        (OSError("IO error: No space left on device (os error 28)"), "Free some space"),
        (PermissionError(errno.EACCES, "Permission denied"), "Let the user that runs torg write there"),
        (OSError(errno.EROFS, "Read-only file system"), "Let the user that runs torg write there"),
        (FileNotFoundError(errno.ENOENT, "No such file or directory"), "torg doctor"),
        (OSError(errno.EIO, "Input/output error"), "look after the disk"),
    ],
)
def test_what_to_do_is_told_by_what_is_wrong(tmp_path, error, advice):
    with pytest.raises(StorageError) as told, DataFolder(tmp_path).guarded():
        raise error
    assert advice in told.value.en and told.value.sv != told.value.en
    assert ("Free" in told.value.en) == ("Free" in advice)
