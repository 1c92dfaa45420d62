"""The access log: what is in a line, what never is, and that nobody waits for it."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest
from werkzeug.test import Client

from server import create_app
from server.access_log import AccessLog, Request, shortened
from server.settings import read_settings
from server.views.operations import front

SECRET = "SELECT * WHERE { ?s ?p 'Anna Andersson' }"


def lines(starter: Path, **settings: object) -> list[str]:
    """What is logged of a few requests."""
    read, write = os.pipe()
    app = create_app(starter, read_settings(environment={}, flags={"readers": 1, **settings}))
    from server.views import operations

    made = operations.AccessLog
    operations.AccessLog = lambda form, **options: made(form, write, **options)  # type: ignore[misc,assignment]
    try:
        client = Client(front(app))
    finally:
        operations.AccessLog = made  # type: ignore[misc]
    around = {"REMOTE_ADDR": "203.0.113.77"}
    client.get("/sparql", query_string={"query": SECRET}, environ_overrides=around, headers={"Accept": "text/csv"})
    client.post("/sparql", data={"query": SECRET}, environ_overrides=around)
    forged = {"REMOTE_ADDR": "2001:db8:1:2:3::4", "HTTP_USER_AGENT": 'x" 200\nforged', "PATH_INFO": "/nothing\nhere"}
    client.get("/", environ_overrides=forged)
    app.extensions["torg.metrics"].log.close()
    os.close(write)
    app.extensions["torg.queries"].close()
    app.extensions["torg"].close()
    with open(read, encoding="utf-8") as file:
        return file.read().splitlines()


def test_a_line_holds_neither_address_nor_query(starter: Path) -> None:
    found = [json.loads(line) for line in lines(starter, access_log="json")]
    assert [(each["route"], each["status"], each["cache"]) for each in found] == [
        ("/sparql", 200, "miss"), ("/sparql", 200, "miss"), ("other", 404, "miss"),
    ]  # fmt: skip
    assert [each["client"] for each in found] == ["203.0.113.0", "203.0.113.0", "2001:db8:1::"]
    assert found[0]["path"] == "/sparql" and found[0]["bytes"] > 0 and found[0]["seconds"] > 0
    assert found[0]["generation"] == "000001" and found[0]["time"].endswith("Z")
    assert "Anna" not in json.dumps(found)


def test_queries_are_written_where_the_operator_wants_them(starter: Path) -> None:
    found = [json.loads(line) for line in lines(starter, access_log="json", log_queries=True)]
    assert "Anna" in found[0]["query"] and "Anna" in found[1]["query"]


def test_no_request_writes_lines_of_its_own(starter: Path) -> None:
    found = lines(starter, access_log="text")
    assert len(found) == 3
    assert found[2].count('"') == 4 and '" 404 ' in found[2]


@pytest.mark.parametrize(
    ("address", "short"),
    [("203.0.113.9", "203.0.113.0"), ("::1", "::"), ("token 1a2b3c4d", "token 1a2b3c4d"), ("unix:", "-"), ("", "-")],
)
def test_addresses_are_shortened(address: str, short: str) -> None:
    assert shortened(address) == short


REQUEST = Request("2026-03-01T04:00:00.000Z", "-", "GET", "/", "/", 200, 1, 0.1, "hit", "000001", "x" * 100)


def test_a_log_that_nobody_reads_holds_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.access_log._MOST_WAITING", 50)
    read, write = os.pipe()
    log = AccessLog("json", write)
    asked = threading.Thread(target=lambda: [log(REQUEST) for _ in range(20_000)])
    asked.start()
    asked.join(5)
    assert not asked.is_alive() and log.dropped > 10_000
    os.set_blocking(read, False)
    while True:  # somebody reads again
        try:
            os.read(read, 1 << 20)
        except BlockingIOError:
            break
    log.close()
    os.close(read)
    os.close(write)


def test_a_full_disk_drops_and_counts() -> None:
    descriptor = os.open("/dev/full", os.O_WRONLY)
    log = AccessLog("text", descriptor)
    log(REQUEST)
    log.close()
    os.close(descriptor)
    assert log.dropped == 1
