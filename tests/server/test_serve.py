"""The server as a process: what it refuses to start with, and that reloads and stops cut nothing off."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner

from loaders.errors import LoadError
from server.cli import main
from server.errors import OperationError, SettingsError
from server.serve import check, reloaded
from server.settings import Settings

ROWS = [f'9901,1000000{n},"Skola {n}",59.{n}1,15.{n}2,Grundskola,Skolgatan {n}' for n in range(1, 9)]
HEAVY = "SELECT (COUNT(*) AS ?n) WHERE { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"TORG_PORT": "abc"}, "ange ett heltal"),
        ({"TORG_PORT": "70000"}, "ange 1 till 65535"),
        ({"TORG_ACCESS_LOG": "xml"}, "ange off, text, json"),
        ({"TORG_THREADS": "0"}, "ange 1 till 1024"),
        ({"TORG_TRUSTED_PROXIES": "everyone"}, "adresser eller nät"),
        ({"TORG_HOST": "192.0.2.1"}, "Välj en annan --host"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_setting_that_cannot_be_is_said_and_nothing_starts(starter: Path, environment, said: str) -> None:
    done = CliRunner().invoke(main, ["--lang", "sv", "serve", "--site", str(starter)], env=environment)
    assert done.exit_code == 2 and said in done.output, done.output


def test_a_port_in_use_is_said(starter: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for language, said in (("sv", "används redan"), ("en", "is in use")):
            arguments = ["--lang", language, "serve", "--site", str(starter), "--port", str(port)]
            done = CliRunner().invoke(main, arguments)
            assert done.exit_code == 2 and said in done.output


@pytest.mark.parametrize("harm", ["none", "broken", "unreadable"])
def test_a_site_that_cannot_be_read_is_said(starter: Path, tmp_path: Path, harm: str) -> None:
    folder = tmp_path / "site"
    folder.mkdir()
    if harm == "broken":
        (folder / "site.toml").write_text("[site\n", "utf-8")
    elif harm == "unreadable":
        (folder / "site.toml").mkdir()
    done = CliRunner().invoke(main, ["--lang", "en", "serve", "--site", str(folder), "--port", str(free_port())])
    assert done.exit_code in (1, 2) and "site.toml" in done.output and "Traceback" not in done.output
    assert not (folder / "data").exists()


def test_a_reload_takes_what_can_change_and_says_what_cannot(starter: Path, tmp_path: Path) -> None:
    site = Path(shutil.copytree(starter, tmp_path / "site"))
    with open(site / "site.toml", "a", encoding="utf-8") as file:
        file.write("\n[server]\nmax_age = 7\nport = 9999\nthreads = 8\n")
    settings, moved = reloaded(site, Settings({"port": 8080}), {"threads": 4})
    assert (settings.max_age, settings.port, settings.threads, moved) == (7, 8080, 4, ["port"])
    text = (site / "site.toml").read_text("utf-8")
    (site / "site.toml").write_text(text.replace("https://data.norrsjo.example/", "https://other.example/", 1), "utf-8")
    with pytest.raises(OperationError, match="torg rebase"):
        reloaded(site, Settings(), {})
    (site / "site.toml").write_text(text + "oops =\n", "utf-8")
    with pytest.raises(LoadError):
        reloaded(site, Settings(), {})
    (site / "site.toml").write_text(text.replace("max_age = 7", 'max_age = "long"'), "utf-8")
    with pytest.raises(SettingsError, match="max_age"):
        reloaded(site, Settings(), {})
    check(starter, Settings())


class Running:
    """A server process on a site of its own."""

    def __init__(self, site: Path, log: Path, *options: str, **settings: str) -> None:
        self.site, self.port = site, free_port()
        self.address, self.log = f"http://127.0.0.1:{self.port}", log
        self.output = open(log, "wb")
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                "from server.cli import main; main()",
                "--lang",
                "en",
                "serve",
                "--site",
                str(site),
                "--port",
                str(self.port),
                *options,
            ],
            stdout=self.output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "TORG_ACCESS_LOG": "json", "TORG_QUERY_SECONDS": "6", "TORG_READERS": "2", **settings},
            start_new_session=True,
        )
        self.wait(lambda: requests.get(f"{self.address}/-/ready", timeout=2).status_code == 200)

    def wait(self, done: object, seconds: float = 120) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                if done():  # type: ignore[operator]
                    return
            except requests.RequestException:
                pass
            time.sleep(0.1)
        raise AssertionError(self.said())

    def said(self) -> str:
        return self.log.read_text("utf-8")

    def ask(self, query: str) -> requests.Response:
        return requests.post(f"{self.address}/sparql", data={"query": query}, timeout=60)

    def torg(self, *arguments: str) -> str:
        place = ["--site", str(self.site), "--port", str(self.port)]
        done = CliRunner().invoke(main, ["--lang", "en", *arguments, *place])
        assert done.exit_code == 0, done.output
        return done.stdout


@pytest.fixture
def running(starter: Path, tmp_path: Path) -> Iterator[Running]:
    server = Running(Path(shutil.copytree(starter, tmp_path / "site")), tmp_path / "log")
    yield server
    if server.process.poll() is None:
        os.killpg(server.process.pid, signal.SIGKILL)
    server.process.wait()
    server.output.close()


@pytest.mark.slow
def test_the_operator_sees_and_ends_a_query_and_nobody_else_does(running: Running) -> None:
    with ThreadPoolExecutor(1) as visitors:
        asked = visitors.submit(running.ask, HEAVY)
        running.wait(lambda: HEAVY in running.torg("queries", "list"))
        assert requests.get(f"{running.address}/-/queries", timeout=60).status_code == 403
        assert requests.delete(f"{running.address}/-/queries/1", timeout=60).status_code == 403
        key = (running.site / "data" / "operator.key").read_text().strip()
        behind_a_proxy = {"Torg-Operator": key, "X-Forwarded-For": "203.0.113.9"}
        assert requests.get(f"{running.address}/-/queries", headers=behind_a_proxy, timeout=60).status_code == 403
        entry = json.loads(running.torg("queries", "list", "--format", "json"))[0]
        assert entry["state"] in ("running", "waiting") and entry["seconds"] > 0
        assert "is ended" in running.torg("queries", "end", str(entry["id"]))
        answer = asked.result()
    assert answer.status_code == 503 and answer.json()["title"] == "Query ended by the operator"
    assert running.ask("ASK {}").status_code == 200


@pytest.mark.slow
def test_sigterm_finishes_what_is_asked_and_exits_0(running: Running) -> None:
    """Slow queries that run, to the whole process group as Ctrl+C or a service manager may send it."""
    with ThreadPoolExecutor(6) as visitors:
        slow = [visitors.submit(running.ask, HEAVY.replace("?n)", f"?n{number})")) for number in range(2)]
        running.wait(lambda: running.torg("queries", "list").count("running") == 2)
        started = time.monotonic()
        os.killpg(running.process.pid, signal.SIGTERM)
        answers = [each.result() for each in slow]
    assert running.process.wait(35) == 0, running.said()
    # The whole answer of each: that its time was up, a second or more after the signal.
    assert [answer.json()["title"] for answer in answers] == ["Query too slow"] * 2
    assert time.monotonic() - started > 1
    logged = [json.loads(line) for line in running.said().splitlines() if line.startswith("{")]
    assert sum(line["status"] == 504 for line in logged) == 2
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{running.address}/-/health", timeout=2)


@pytest.mark.slow
def test_a_reload_under_load_loses_no_request_and_a_wrong_one_changes_nothing(running: Running) -> None:
    def age() -> str:
        return requests.get(f"{running.address}/datasets", timeout=60).headers["Cache-Control"]

    def load(seconds: float) -> list[int]:
        until, statuses = time.monotonic() + seconds, []
        with requests.Session() as session:
            while time.monotonic() < until:
                statuses.append(session.get(f"{running.address}/datasets?lang=en", timeout=10).status_code)
                time.sleep(0.01)
        return statuses

    path = running.site / "site.toml"
    text = path.read_text("utf-8")
    with ThreadPoolExecutor(4) as visitors:
        under = [visitors.submit(load, 5.0) for _ in range(3)]
        path.write_text(text + "\n[server]\nmax_age = 7\n", "utf-8")
        os.kill(running.process.pid, signal.SIGHUP)
        running.wait(lambda: "max-age=7," in age())
        statuses = [status for each in under for status in each.result()]
    assert set(statuses) == {200} and len(statuses) > 20
    path.write_text(text + "\n[server]\nmax_age = \n", "utf-8")
    os.kill(running.process.pid, signal.SIGHUP)
    running.wait(lambda: "is not reloaded" in running.said() and "line" in running.said())
    assert "max-age=7," in age()
    path.write_text(text + "\n[server]\nmax_age = 8\n", "utf-8")  # noticed without a signal
    running.wait(lambda: "max-age=8," in age())


@pytest.mark.slow
def test_no_web_process_outlives_the_one_that_started_it(running: Running) -> None:
    running.process.kill()
    running.process.wait()

    def nobody_listens() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", running.port)) != 0

    running.wait(nobody_listens, 10)


@pytest.mark.slow
def test_a_replica_follows_while_it_serves_and_outlives_its_source(small_site, tmp_path: Path) -> None:
    small_site.publish()
    replica = tmp_path / "replica"
    replica.mkdir()
    shutil.copy(small_site.folder / "site.toml", replica)
    server = Running(replica, tmp_path / "log", "--follow", str(small_site.folder), TORG_FOLLOW_SECONDS="0.3")

    def generation() -> str:
        return str(requests.get(f"{server.address}/-/ready", timeout=60).json()["generation"])

    try:
        assert generation() == "000001"
        small_site.write([row for row in ROWS if "Skola 8" not in row])
        small_site.publish()
        server.wait(lambda: generation() == "000002")
        assert requests.get(f"{server.address}/id/school/10000008", timeout=60).status_code == 410
        os.rename(small_site.data, small_site.data.with_name("away"))
        server.wait(lambda: "look after the source" in server.said())
        assert generation() == "000002"
        assert requests.get(f"{server.address}/datasets", timeout=60).status_code == 200
    finally:
        server.process.terminate()
        assert server.process.wait(35) == 0
        server.output.close()


@pytest.mark.slow
def test_a_web_process_that_dies_is_replaced(running: Running) -> None:
    children = Path(f"/proc/{running.process.pid}/task/{running.process.pid}/children").read_text().split()
    os.kill(int(children[0]), signal.SIGKILL)
    started = time.monotonic()
    time.sleep(0.05)
    running.wait(lambda: requests.get(f"{running.address}/-/ready", timeout=2).status_code == 200)
    assert time.monotonic() - started < 20
