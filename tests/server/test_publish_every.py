"""A site that publishes by itself: a run that fails is told and ends neither the serving nor the next run."""

import subprocess

import pytest

from server import create_app
from server.publish_every import publish_every, read_last_run
from server.settings import Settings
from tests.conftest import SmallSite


def test_runs_go_on_after_one_that_failed_and_are_told(small_site: SmallSite) -> None:
    small_site.publish()
    client = create_app(small_site.folder, Settings()).test_client()
    assert client.get("/-/health").json == {"status": "ok"}
    answers = iter([(2, "Disken är full"), (0, ""), (1, "")])
    asked: list[list[str]] = []
    seen = []

    def run(command: list[str], seconds: float) -> tuple[int, str]:
        asked.append(command)
        return next(answers)

    def sleep(seconds: float) -> None:
        assert seconds == 1800
        seen.append(client.get("/-/health").json["publishing"]["status"])
        metrics = client.get("/-/metrics").text
        assert f"torg_publish_every_failures {1.0 if seen[-1] == 'failed' else 0.0}" in metrics

    publish_every(small_site.folder, small_site.data, 30, run=run, sleep=sleep, rounds=3)
    assert seen == ["failed", "ok", "blocked"]
    assert asked[0][-4:] == ["publish", "--due", "--site", str(small_site.folder)]
    last = read_last_run(small_site.data)
    assert last and (last.runs, last.failed, last.failures) == (3, 1, 0)
    assert client.get("/datasets").status_code == 200


def test_a_run_that_hangs_or_cannot_start_is_a_failure(small_site: SmallSite) -> None:
    def run(command: list[str], seconds: float) -> tuple[int, str]:
        raise subprocess.TimeoutExpired(command, seconds)

    publish_every(small_site.folder, small_site.data, 1, run=run, sleep=lambda _: None, rounds=2)
    last = read_last_run(small_site.data)
    assert last and last.failures == 2 and last.status == "failed" and "timed out" in last.message


@pytest.mark.slow
def test_the_real_command_publishes(small_site: SmallSite) -> None:
    publish_every(small_site.folder, small_site.data, 1, sleep=lambda _: None, rounds=1)
    last = read_last_run(small_site.data)
    assert last and last.status == "ok"
    assert (small_site.data / "current").read_text("ascii").strip() == "000001"
