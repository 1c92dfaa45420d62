"""The ledger: a path is minted once, its story is kept, unpublished events leave no trace."""

import sqlite3
from contextlib import closing

import pytest

from server.errors import Problem
from server.ledger import Ledger

SCHOOL = "/id/school/10000001"
LINES = ['<https://data.norrsjo.example/id/school/10000001> <https://schema.org/name> "Åsens skola" .\n']


def test_a_path_lives_goes_and_returns(tmp_path):
    ledger = Ledger(tmp_path / "ledger.sqlite")
    assert ledger.state(SCHOOL) is None
    with ledger.recording(1, "2026-01-01T00:00:00Z") as recorder:
        recorder.seen([SCHOOL])
    assert ledger.state(SCHOOL).state == "live"
    with ledger.recording(2, "2026-02-01T00:00:00Z") as recorder:
        recorder.gone(SCHOOL, LINES)
        recorder.gone("/id/school/never", [])
    assert ledger.state(SCHOOL).state == "withdrawn"
    assert ledger.last_description(SCHOOL) == LINES
    assert ledger.state("/id/school/never") is None
    with ledger.recording(3, "2026-03-01T00:00:00Z") as recorder:
        recorder.seen([SCHOOL])
    assert ["minted", "withdrawn", "returned"] == [event.event for event in ledger.events(SCHOOL)]


def test_replacement_names_the_successor(tmp_path):
    ledger = Ledger(tmp_path / "ledger.sqlite")
    with ledger.recording(1, "t") as recorder:
        recorder.seen([SCHOOL])
        recorder.declared(SCHOOL, "replaced-by", ["/id/school/2"])
        recorder.declared(SCHOOL, "replaced-by", ["/id/school/2"])
    assert ("replaced", ("/id/school/2",)) == (ledger.state(SCHOOL).state, ledger.state(SCHOOL).successors)
    assert len(ledger.events(SCHOOL)) == 2


def test_a_failed_recording_leaves_nothing(tmp_path):
    ledger = Ledger(tmp_path / "ledger.sqlite")
    try:
        with ledger.recording(1, "t") as recorder:
            recorder.seen([SCHOOL])
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass
    assert ledger.state(SCHOOL) is None


def test_events_of_a_generation_that_never_flipped_are_rolled_back(tmp_path):
    ledger = Ledger(tmp_path / "ledger.sqlite")
    for generation, path in ((1, SCHOOL), (2, "/id/school/2")):
        with ledger.recording(generation, "t") as recorder:
            recorder.seen([path])
    ledger.roll_back(1)
    assert ledger.state(SCHOOL).state == "live"
    assert ledger.state("/id/school/2") is None


def test_a_server_reads_while_a_large_publication_is_recorded(tmp_path):
    ledger = Ledger(tmp_path / "ledger.sqlite")
    with ledger.recording(1, "t") as recorder:
        recorder.seen([SCHOOL])
    serving = Ledger(ledger.path, lambda: 1)
    with ledger.recording(2, "t") as recorder:
        recorder.seen(f"/id/invoice/9901/{number:060d}" for number in range(25_000))
        assert serving.state(SCHOOL).state == "live"
        assert serving.state("/id/invoice/9901/0") is None
    assert serving.damage == ""


def test_a_ledger_that_is_being_written_is_not_taken_for_a_damaged_one(tmp_path, monkeypatch):
    monkeypatch.setattr("server.ledger._SERVING_SECONDS", 0.01)
    ledger = Ledger(tmp_path / "ledger.sqlite")
    with ledger.recording(1, "t") as recorder:
        recorder.seen([SCHOOL])
    serving = Ledger(ledger.path, lambda: 1)
    with closing(sqlite3.connect(ledger.path, isolation_level=None)) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        with pytest.raises(Problem) as refused:
            serving.state(SCHOOL)
        assert refused.value.status == 503 and refused.value.headers["Retry-After"] == "5"
    assert serving.damage == "" and serving.state(SCHOOL).state == "live"
