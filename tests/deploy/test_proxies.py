"""The examples for nginx and Caddy, as they stand in deploy/, in front of a real server on this machine."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask
from werkzeug.serving import make_server

from server import create_app
from server.settings import read_settings
from server.views.operations import front

ROOT = Path(__file__).parent.parent.parent
NAME = "data.example.se"

pytestmark = pytest.mark.slow


def free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports


@pytest.fixture(scope="module")
def app(starter: Path) -> Iterator[Flask]:
    """An application that believes its proxy."""
    settings = read_settings(environment={}, flags={"trusted_proxies": "127.0.0.1", "readers": 1})
    app = create_app(starter, settings)
    yield app
    app.extensions["torg.queries"].close()
    app.extensions["torg"].close()


@pytest.fixture(scope="module")
def torg_budgets(app: Flask) -> Any:
    """The accounts of the clients."""
    return app.extensions["torg.queries"].budgets


@pytest.fixture(scope="module")
def torg(app: Flask) -> Iterator[int]:
    """The port of a server behind which that application stands."""
    server = make_server("127.0.0.1", 0, front(app), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield int(server.server_port)
    server.shutdown()
    thread.join()
    server.server_close()


def certificate(folder: Path) -> None:
    for name in ("fullchain.pem", "privkey.pem"):
        (folder / name).touch()
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={NAME}", "-keyout",
         folder / "privkey.pem", "-out", folder / "fullchain.pem"],
        check=True, capture_output=True,
    )  # fmt: skip


class Proxy:
    """A proxy process with the ports it listens on."""

    def __init__(self, arguments: list[str], plain: int, secure: int, folder: Path) -> None:
        self.plain, self.secure = plain, secure
        environment = {**os.environ, "HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
        self.log = open(folder / "log", "wb")
        self.process = subprocess.Popen(arguments, stdout=self.log, stderr=subprocess.STDOUT, env=environment)
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", secure)) == 0:
                    return
            assert self.process.poll() is None, (folder / "log").read_text()
            time.sleep(0.05)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)
        self.log.close()

    def raw(self, request: bytes, seconds: float) -> tuple[bytes, float]:
        """What is answered to bytes sent without TLS, and after how long the connection ends."""
        started = time.monotonic()
        with socket.create_connection(("127.0.0.1", self.plain), timeout=seconds) as connection:
            connection.sendall(request)
            answered = b""
            try:
                while piece := connection.recv(65_536):
                    answered += piece
            except TimeoutError:
                pass
        return answered, time.monotonic() - started

    def curl(self, path: str, *options: str) -> tuple[int, str, str]:
        """Status, headers and body of what curl gets over TLS."""
        command = [
            "curl", "--silent", "--insecure", "--noproxy", "*", "--max-time", "15", "--include",
            "--resolve", f"{NAME}:{self.secure}:127.0.0.1", *options, f"https://{NAME}:{self.secure}{path}",
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, check=True)
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        return int(head.split()[1]), head.decode().lower(), body.decode("utf-8", "replace")


@pytest.fixture(scope="module")
def nginx(torg: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    if not shutil.which("nginx") or not shutil.which("openssl"):
        pytest.skip("nginx and openssl are not installed here")
    folder = tmp_path_factory.mktemp("nginx")
    certificate(folder)
    plain, secure = free_ports(2)
    text = (ROOT / "deploy" / "nginx.conf").read_text("utf-8")
    changes = {
        "/var/cache/nginx/torg": f"{folder}/cache", "127.0.0.1:8080": f"127.0.0.1:{torg}", "/etc/ssl/torg": str(folder),
        "listen 80;": f"listen 127.0.0.1:{plain};", "listen [::]:80;": "",
        "listen 443 ssl http2;": f"listen 127.0.0.1:{secure} ssl http2;", "listen [::]:443 ssl http2;": "",
    }  # fmt: skip
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    (folder / "torg.conf").write_text(text, "utf-8")
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"{'user root;' if os.geteuid() == 0 else ''} daemon off; pid {folder}/pid; error_log stderr;\n"
        "worker_processes 1; events { worker_connections 256; }\n"
        f"http {{ access_log off; {temporary} include {folder}/torg.conf; }}\n",
        "utf-8",
    )
    subprocess.run(["nginx", "-t", "-c", folder / "nginx.conf", "-p", folder], check=True, capture_output=True)
    proxy = Proxy(["nginx", "-c", str(folder / "nginx.conf"), "-p", str(folder)], plain, secure, folder)
    yield proxy
    proxy.stop()


@pytest.fixture(scope="module")
def caddy(torg: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    if not shutil.which("caddy") or not shutil.which("openssl"):
        pytest.skip("caddy and openssl are not installed here")
    folder = tmp_path_factory.mktemp("caddy")
    certificate(folder)
    plain, secure = free_ports(2)
    text = (ROOT / "deploy" / "Caddyfile").read_text("utf-8")
    listening = f"{{\n\tadmin off\n\thttp_port {plain}\n\thttps_port {secure}\n\tauto_https disable_redirects\n"
    text = text.replace("{\n\tservers", f"{listening}\tservers", 1).replace("127.0.0.1:8080", f"127.0.0.1:{torg}")
    text = text.replace(f"\n{NAME} {{", f"\n{NAME} {{\n\ttls {folder}/fullchain.pem {folder}/privkey.pem", 1)
    (folder / "Caddyfile").write_text(text, "utf-8")
    arguments = ["--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]
    checked = subprocess.run(["caddy", "validate", *arguments], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr
    proxy = Proxy(["caddy", "run", *arguments], plain, secure, folder)
    yield proxy
    proxy.stop()


@pytest.fixture(params=["nginx", "caddy"])
def proxy(request: pytest.FixtureRequest) -> Proxy:
    return request.getfixturevalue(request.param)  # type: ignore[no-any-return]


def test_a_page_comes_as_torg_made_it(proxy: Proxy, torg: int) -> None:
    own = requests.get(f"http://127.0.0.1:{torg}/datasets", headers={"Accept-Encoding": "gzip"}, timeout=10)
    status, head, body = proxy.curl("/datasets")
    assert status == 200 and body == own.text
    assert "content-security-policy" in head and "x-content-type-options: nosniff" in head
    _, head, _ = proxy.curl("/datasets", "--header", "Accept-Encoding: gzip")
    assert "content-encoding: gzip" in head and own.headers["ETag"] in head
    status, _, _ = proxy.curl("/datasets", "--header", "Accept-Encoding: gzip", "--header",
                              f"If-None-Match: {own.headers['ETag']}")  # fmt: skip
    assert status == 304


def test_formats_are_not_mixed_up_in_a_cache(proxy: Proxy) -> None:
    for _ in range(2):
        for accept in ("text/turtle", "application/rdf+xml", "text/html"):
            _, head, _ = proxy.curl("/datasets", "--header", f"Accept: {accept}")
            assert f"content-type: {accept}" in head


def test_the_operators_pages_stay_inside(proxy: Proxy) -> None:
    assert proxy.curl("/-/ready")[0] == 200
    # From this machine the figures are seen, and running queries still are not: they came through a proxy.
    assert proxy.curl("/-/metrics")[0] == 200
    assert proxy.curl("/-/queries")[0] == 403


def test_who_asks_cannot_choose_an_address(proxy: Proxy, torg_budgets: Any) -> None:
    before = proxy.curl("/-/metrics")[2]
    options = ("--data-urlencode", "query=ASK {}", "--header", "X-Forwarded-For: 198.51.100.7")
    assert (
        proxy.curl("/sparql", *options, "--header", "Torg-Operator: x", "--header", "Forwarded: for=1.2.3.4")[0] == 200
    )
    assert "torg_requests_total" in before


def test_a_body_that_is_too_large_is_refused(proxy: Proxy, tmp_path: Path) -> None:
    (tmp_path / "body").write_bytes(b"x" * (21 << 20))
    status, _, _ = proxy.curl("/sparql", "--data-binary", f"@{tmp_path / 'body'}")
    assert status == 413


def test_dumps_are_resumed(proxy: Proxy) -> None:
    listed = proxy.curl("/dumps/SHA256SUMS")[2].splitlines()[0].split()[1]
    status, head, _ = proxy.curl(f"/dumps/{listed}", "--range", "10-19")
    assert status == 206 and "content-range: bytes 10-19/" in head


def test_nginx_leads_http_to_https_and_keeps_the_path(nginx: Proxy) -> None:
    request = f"GET /id/school/1?x=%C3%A5 HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n".encode()
    answered, _ = nginx.raw(request, 5)
    assert (
        answered.startswith(b"HTTP/1.1 308") and f"Location: https://{NAME}/id/school/1?x=%C3%A5".encode() in answered
    )


def test_nginx_answers_again_from_its_cache(nginx: Proxy) -> None:
    path = "/datasets?lang=en"
    nginx.curl(path)
    assert "x-cache: hit" in nginx.curl(path)[1]
    assert "x-cache: bypass" in nginx.curl(path, "--header", "Authorization: Bearer none")[1]


def test_a_slow_sender_is_let_go(nginx: Proxy) -> None:
    """Half a header, and then nothing: the example gives it ten seconds."""
    _, seconds = nginx.raw(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ", 20)
    assert 5 < seconds < 15
