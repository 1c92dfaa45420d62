"""The starter region with two generations, served to a real browser that notes what it must not meet."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from server import create_app
from server.errors import Problem
from server.publish import publish
from server.settings import Settings, read_settings
from server.site import read_site

FLAGS = (
    "--no-sandbox --disable-gpu --disable-dev-shm-usage --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --no-default-browser-check --disable-extensions"
)
PATIENCE = 60_000  # milliseconds: a busy machine is slow, not wrong
WITHDRAWN = "09901002"
_NOTE_VIOLATIONS = """
  window.cspViolations = [];
  addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI, sourceFile, lineNumber }) =>
    window.cspViolations.push(`${violatedDirective}: ${blockedURI} ${sourceFile}:${lineNumber}`));
"""


class _Quiet(WSGIRequestHandler):
    """Answers without a line on the terminal, and keeps connections: a page has a handful of parts."""

    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """Serve an application on a free port of this machine; give its origin."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


@pytest.fixture(scope="session")
def region(starter: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """The starter region after a second run, in which a school was withdrawn and another changed its name."""
    folder = Path(shutil.copytree(starter, tmp_path_factory.mktemp("browser") / "site"))
    source = folder / "datasets" / "norrsjo" / "skolor" / "skolor.csv"
    text = source.read_bytes().decode("utf-8-sig")
    start = text.index(f"9901,{WITHDRAWN},")
    end = text.index("\n9901,", start) + 1
    text = (text[:start] + text[end:]).replace("Centralskolan", "Nya Centralskolan")
    source.write_bytes(text.encode("utf-8-sig"))
    done = publish(read_site(folder), Settings(), now=datetime(2026, 3, 8, 4, 0, tzinfo=UTC))
    assert done.generation == 2, done.blocked
    app = create_app(folder, read_settings(environment={}))

    def refuse(status: int) -> str:
        if status == 500:
            raise RuntimeError("a fault of the test")
        raise Problem(status, "Trial", headers={"Retry-After": "30"})

    app.add_url_rule("/test/<int:status>", view_func=refuse)
    yield app
    app.extensions["torg"].close()


@pytest.fixture(scope="session")
def origin(region: Flask) -> Iterator[str]:
    """Where the region is served."""
    with served(region) as address:
        yield address


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """Debian's Chromium; without it tests are skipped, except where REQUIRE_BROWSER says that it must be there."""
    program = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        if os.environ.get("REQUIRE_BROWSER"):
            pytest.fail("no Chromium on this machine, and REQUIRE_BROWSER is set")
        pytest.skip("no Chromium on this machine (apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS.split(), timeout=PATIENCE)
        yield browser
        browser.close()


class Visit:
    """A tab of a browser, and what went wrong in it."""

    def __init__(self, browser: Any, origin: str, **options: Any) -> None:
        self.origin = origin
        self.context = browser.new_context(viewport={"width": 1200, "height": 900}, **options)
        self.context.set_default_timeout(PATIENCE)
        self.context.add_init_script(_NOTE_VIOLATIONS)
        self.page = self.context.new_page()
        self.troubles: list[str] = []
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.troubles.append(f"script: {error}"))
        self.page.on("request", self._request)

    def _console(self, message: Any) -> None:
        # What the browser itself says of a refusal that the test asked for is no fault of the page.
        refused = "Failed to load resource" in message.text and message.location.get("url") == self.page.url
        if message.type in ("error", "warning") and not refused:
            self.troubles.append(f"console: {message.text}")

    def _request(self, request: Any) -> None:
        if not request.url.startswith((f"{self.origin}/", "data:", "blob:")):
            self.troubles.append(f"foreign request: {request.url}")

    def open(self, path: str) -> int:
        """Open a page and wait until its scripts have run; give its status."""
        self.troubles.clear()
        answer = self.page.goto(self.origin + path, wait_until="load", timeout=PATIENCE)
        return int(answer.status)

    def faults(self) -> list[str]:
        """What the browser noted on the page that is open: policy, console, hosts, cookies."""
        cookies = [f"cookie: {cookie['name']}" for cookie in self.context.cookies()]
        return [*self.troubles, *(f"policy: {text}" for text in self.page.evaluate("cspViolations")), *cookies]

    def axe(self, *rules: str) -> list[str]:
        """What axe finds on the page that is open: by all of its rules for WCAG and good practice, or by some."""
        options = {"runOnly": {"type": "rule", "values": list(rules)}} if rules else {}
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(_axe_source())
        found = self.page.evaluate("(options) => axe.run(document, {...options, resultTypes: ['violations']})", options)
        return [
            f"{fault['id']}: {node['target']} {node['html'][:160]} {node.get('failureSummary', '')[:200]}"
            for fault in found["violations"]
            for node in fault["nodes"]
        ]

    def sideways(self) -> int:
        """By how many pixels the page is wider than its window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def _axe_source() -> str:
    from importlib.resources import files

    return files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")


@pytest.fixture(scope="session")
def visit(chromium: Any, origin: str) -> Iterator[Visit]:
    """One tab for the whole session."""
    visit = Visit(chromium, origin)
    yield visit
    visit.context.close()


@pytest.fixture(scope="session")
def visit_without_scripts(chromium: Any, origin: str) -> Iterator[Visit]:
    """A tab of a browser that runs no scripts."""
    visit = Visit(chromium, origin, java_script_enabled=False)
    yield visit
    visit.context.close()


@pytest.fixture
def new_visit(chromium: Any) -> Iterator[Callable[..., Visit]]:
    """Makes a tab at an origin with options of its own, closed after the test."""
    made: list[Visit] = []

    def make(origin: str, **options: Any) -> Visit:
        made.append(Visit(chromium, origin, **options))
        return made[-1]

    yield make
    for visit in made:
        visit.context.close()
