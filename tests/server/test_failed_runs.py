"""A publication that cannot go on leaves its trace in the operator's figures, until one succeeds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from werkzeug.test import Client

from server import create_app
from server.cli import main
from server.data_state import DataState
from server.errors import LockedError, StorageError
from server.failed_runs import FILE, read_failed, told_when_failed
from server.generations import REPLICA, DataFolder
from server.operator_key import read_key
from server.settings import read_settings
from server.views.operations import front
from tests.conftest import SmallSite


def test_a_run_that_cannot_go_on_is_counted_until_one_succeeds(small_site: SmallSite) -> None:
    small_site.publish()
    toml = small_site.folder / "site.toml"
    good = toml.read_text("utf-8")
    app = create_app(small_site.folder, read_settings(environment={}, flags={"readers": 1}))
    client = Client(front(app))
    try:
        assert "torg_publication_failures 0.0" in client.get("/-/metrics").text
        toml.write_text(good + "base = [", "utf-8")
        assert CliRunner().invoke(main, ["publish", "--site", str(small_site.folder)]).exit_code == 1
        toml.write_text(good.replace("data.asen.example", "other.example"), "utf-8")
        assert CliRunner().invoke(main, ["publish", "--site", str(small_site.folder)]).exit_code == 1
        page = client.get("/-/metrics").text
        assert "torg_publication_failures 2.0" in page and "torg_publication_failed_timestamp_seconds 1." in page
        toml.write_text(good, "utf-8")
        # A mistyped name says nothing of how the timer's runs go.
        CliRunner().invoke(main, ["publish", "asen/none", "--site", str(small_site.folder)])
        assert read_failed(small_site.data).failures == 2  # type: ignore[union-attr]
        assert CliRunner().invoke(main, ["publish", "--site", str(small_site.folder)]).exit_code == 0
        assert "torg_publication_failures 0.0" in client.get("/-/metrics").text
        assert not (small_site.data / FILE).exists()
    finally:
        app.extensions["torg.queries"].close()
        app.extensions["torg"].close()


def test_what_failed_is_kept_without_what_it_said(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="19811218"), told_when_failed(tmp_path):
        raise ValueError("19811218-9876")
    assert "19811218" not in (tmp_path / FILE).read_text("utf-8")
    with pytest.raises(LockedError), told_when_failed(tmp_path):
        raise LockedError("busy", "upptagen")
    found = read_failed(tmp_path)
    assert found is not None and (found.failures, found.fault) == (1, "ValueError")
    for broken in ("", "[]", '{"failures": "x", "time": "y", "fault": 1}'):
        (tmp_path / FILE).write_text(broken, "utf-8")
        assert read_failed(tmp_path) is None
    (tmp_path / REPLICA).write_text('{"source": "https://a.example"}')
    with pytest.raises(StorageError), told_when_failed(tmp_path):
        raise StorageError("Nothing is published into a copy.")
    assert read_failed(tmp_path) is None
    with pytest.raises(OSError, match="full"), told_when_failed(tmp_path / "none"):
        raise OSError("full")


def test_what_stops_a_whole_run_is_among_its_findings(small_site: SmallSite) -> None:
    small_site.publish()
    (newest,) = (small_site.data / "runs").glob("*.json")
    report = json.loads(newest.read_text("utf-8")) | {"datasets": [], "remarks": [{"severity": "block"}]}
    newest.with_name("9999.json").write_text(json.dumps(report), "utf-8")
    assert DataState(DataFolder(small_site.data)).read().findings["block"] == 1


def test_the_operator_has_a_key_before_the_first_publication(small_site: SmallSite) -> None:
    app = create_app(small_site.folder, read_settings(environment={}, flags={"readers": 1}))
    client = Client(front(app))
    try:
        assert len(read_key(small_site.data)) > 40
        assert small_site.publish().generation == 1 and client.get("/-/ready").status_code == 200
    finally:
        app.extensions["torg.queries"].close()
        app.extensions["torg"].close()
