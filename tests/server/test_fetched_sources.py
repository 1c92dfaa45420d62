"""Sources at an address: fetched within limits, kept when unchanged, private addresses only when allowed."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from server.publish import publish
from server.settings import Settings
from server.site import read_site
from tests.conftest import HEADER, NOW, ROWS, SmallSite, serving

CSV = ("\n".join([HEADER, *ROWS]) + "\n").encode()


class Portal(ThreadingHTTPServer):
    """A publisher's web server whose answer tests change."""

    answer = (200, "text/csv", CSV)
    asked: list[str]


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.asked.append(self.headers.get("If-None-Match", ""))
        status, kind, body = self.server.answer
        if status == 200 and self.headers.get("If-None-Match") == '"1"':
            self.send_response(304)
            self.end_headers()
            return
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("ETag", '"1"')
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def portal() -> Iterator[Portal]:
    server = Portal(("127.0.0.1", 0), Handler)
    server.asked = []
    with serving(server):
        yield server


@pytest.fixture
def site(small_site: SmallSite, portal: Portal) -> SmallSite:
    toml = small_site.dataset / "dataset.toml"
    address = f"http://127.0.0.1:{portal.server_port}/skolor.csv"
    toml.write_text(toml.read_text("utf-8").replace('"skolor.csv"', f'"{address}"'), "utf-8")
    return small_site


def run(site: SmallSite):
    return publish(read_site(site.folder), Settings({"fetch_private": True}), now=NOW)


def blocking(done) -> list[str]:
    return [finding.rule for finding in done.report.findings() if finding.weight == "block"]


def test_an_address_is_published_and_asked_conditionally(site, portal):
    assert 1 == run(site).generation
    assert run(site).generation is None
    assert ["", '"1"'] == portal.asked


def test_private_addresses_are_refused_unless_allowed(site):
    done = site.publish()
    assert 1 == len(blocking(done)) and blocking(done)[0].startswith("source.")
    assert ["asen/skolor"] == done.blocked


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param((200, "text/html", b"<!DOCTYPE html><html><body>Logga in</body></html>"), id="login page"),
        pytest.param((404, "text/plain", b"borta"), id="not found"),
        pytest.param((200, "text/csv", b""), id="empty"),
    ],
)
def test_what_is_no_data_keeps_the_last_good_state(site, portal, answer):
    run(site)
    portal.answer = answer
    for entry in (site.data / "fetched").rglob("*"):
        if entry.is_file():
            entry.unlink()

    done = run(site)

    assert (None, ["asen/skolor"], 1) == (done.generation, done.blocked, len(blocking(done)))
