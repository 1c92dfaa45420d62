"""Fetching from a server on the loopback address, which stands for the whole web and its faults."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from loaders.addresses import is_public
from loaders.errors import SourceError
from loaders.fetch import Fetcher, FetchLimits
from tests.conftest import serving

ROWS = b"id,name\nB1,Bj\xc3\xb6rkskolan\n"


class Handler(BaseHTTPRequestHandler):
    """Answers as a portal does, on a good day and on bad ones."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        server: Any = self.server
        server.asked.append((self.path, dict(self.headers)))
        path = self.path.partition("?")[0]
        getattr(self, "do_" + path.strip("/").split("/")[0].replace(".", "_").replace("-", "_"))()

    def answer(self, body: bytes, status: int = 200, length: int | None = None, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def do_skolor_csv(self) -> None:
        if self.headers.get("If-None-Match") == '"1"':
            self.answer(b"", 304)
        else:
            self.answer(ROWS, ETag='"1"', Content_Type="text/csv; charset=utf-8", Link='<m.json>; rel="describedby"')

    def do_packed(self) -> None:
        self.answer(gzip.compress(ROWS), Content_Encoding="gzip", Content_Disposition='attachment; filename="a 1.csv"')

    def do_bomb(self) -> None:
        self.answer(gzip.compress(b"a" * (64 << 20)), Content_Encoding="gzip")

    def do_login(self) -> None:
        self.answer(b"<!doctype html><html><title>Logga in</title></html>", Content_Type="text/csv")

    def do_hop(self) -> None:
        self.answer(b"", 302, Location="/skolor.csv")

    def do_circle(self) -> None:
        self.answer(b"", 302, Location="/circle")

    def do_file(self) -> None:
        self.answer(b"", 302, Location="file:///etc/passwd")

    def do_gone(self) -> None:
        self.answer(b"gone", 410)

    def do_short(self) -> None:
        self.answer(ROWS, length=9_999)
        self.close_connection = True

    def do_flaky(self) -> None:
        server: Any = self.server
        self.answer(ROWS) if len(server.asked) > 1 else self.answer(b"busy", 503, Retry_After="7")

    def do_drip(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        try:
            for _ in range(200):
                self.wfile.write(b"x")
                time.sleep(0.05)
        except OSError:
            pass

    def do_rowstore(self) -> None:
        offset = int(self.path.partition("_offset=")[2] or 0)
        rows = [{"\ufeffid": f"B{n}", "name": "Skolan"} for n in range(offset, min(offset + 2, 5))]
        page = {
            "next": f"http://{self.headers['Host']}/rowstore?_offset={offset + 2}",
            "resultCount": 5,
            "offset": offset,
        }
        self.answer(json.dumps({**page, "results": rows}).encode())

    def do_ckan(self) -> None:
        offset = int(self.path.partition("offset=")[2] or 0)
        rows = [{"id": n} for n in range(offset, min(offset + 2, 4))]
        result = {"records": rows, "_links": {"next": f"/ckan?offset={offset + 2}"}}
        self.answer(json.dumps({"success": True, "result": result}).encode())

    def do_lure(self) -> None:
        self.answer(json.dumps({"results": [{"id": 1}], "next": "http://10.0.0.1/secret"}).encode())


@pytest.fixture
def web() -> Iterator[Any]:
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.asked = []
    server.daemon_threads = True
    server.address = f"http://127.0.0.1:{server.server_port}"
    with serving(server):
        yield server


def fetcher(tmp_path: Path, **limits: Any) -> Fetcher:
    return Fetcher(tmp_path / "fetched", allow_private=True, limits=FetchLimits(**limits), sleep=lambda _: None)


def refused(fetch: Fetcher, address: str) -> str:
    with pytest.raises(SourceError) as caught:
        fetch(address)
    finding = caught.value.finding
    assert all("{" not in finding.text(tongue) + finding.advice(tongue) for tongue in ("sv", "en"))
    return finding.rule


def test_a_file_is_fetched_once_and_asked_for_conditionally(web: Any, tmp_path: Path) -> None:
    fetch = fetcher(tmp_path)
    (first,) = fetch(f"{web.address}/skolor.csv")
    (second,) = fetch(f"{web.address}/skolor.csv")
    assert first == second and first.name == "skolor.csv" and first.path.read_bytes() == ROWS
    assert [headers.get("If-None-Match") for _, headers in web.asked] == [None, '"1"']


def test_what_the_server_says_of_a_file_is_kept_with_it(web: Any, tmp_path: Path) -> None:
    for _ in range(2):
        (file,) = fetcher(tmp_path)(f"{web.address}/skolor.csv")
        assert file.header("content-type") == "text/csv; charset=utf-8"
        assert file.header("Link") == '<m.json>; rel="describedby"' and file.header("Content-Language") == ""


def test_a_damaged_copy_is_fetched_anew(web: Any, tmp_path: Path) -> None:
    fetch = fetcher(tmp_path)
    (first,) = fetch(f"{web.address}/skolor.csv")
    first.path.write_bytes(b"damaged")
    (again,) = fetch(f"{web.address}/skolor.csv")
    assert again.path.read_bytes() == ROWS


def test_names_and_packed_answers(web: Any, tmp_path: Path) -> None:
    (file,) = fetcher(tmp_path)(f"{web.address}/packed")
    assert file.name == "a 1.csv" and file.path.read_bytes() == ROWS


def test_redirects_are_followed_so_far(web: Any, tmp_path: Path) -> None:
    assert fetcher(tmp_path)(f"{web.address}/hop")[0].path.read_bytes() == ROWS
    assert refused(fetcher(tmp_path), f"{web.address}/circle") == "source.too-many-redirects"
    assert refused(fetcher(tmp_path), f"{web.address}/file") == "source.address-refused"


def test_faults_of_servers(web: Any, tmp_path: Path) -> None:
    assert refused(fetcher(tmp_path), f"{web.address}/login") == "source.html"
    assert refused(fetcher(tmp_path), f"{web.address}/gone") == "source.http-status"
    assert refused(fetcher(tmp_path), f"{web.address}/short") in ("source.cut-short", "source.unreachable")
    assert refused(fetcher(tmp_path, bytes=1 << 20), f"{web.address}/bomb") == "source.too-large"
    assert refused(fetcher(tmp_path), "http://127.0.0.1:9/") == "source.unreachable"


def test_a_login_page_never_replaces_the_last_good_copy(web: Any, tmp_path: Path) -> None:
    fetch = fetcher(tmp_path)
    (good,) = fetch(f"{web.address}/skolor.csv")
    Handler.do_skolor_csv, kept = Handler.do_login, Handler.do_skolor_csv  # type: ignore[method-assign]
    try:
        assert refused(fetch, f"{web.address}/skolor.csv") == "source.html"
    finally:
        Handler.do_skolor_csv = kept  # type: ignore[method-assign]
    assert good.path.read_bytes() == ROWS and list(good.path.parent.glob("data-*")) == []


def test_a_busy_server_is_asked_again_after_the_time_it_says(web: Any, tmp_path: Path) -> None:
    waits: list[float] = []
    fetch = Fetcher(tmp_path, allow_private=True, sleep=waits.append)
    assert fetch(f"{web.address}/flaky")[0].path.read_bytes() == ROWS and waits == [7.0]


def test_a_server_that_drips_is_cut_off(web: Any, tmp_path: Path) -> None:
    started = time.monotonic()
    assert refused(fetcher(tmp_path, seconds=0.4), f"{web.address}/drip") == "source.too-slow"
    assert time.monotonic() - started < 3


def test_pages_are_followed_to_the_end(web: Any, tmp_path: Path) -> None:
    files = fetcher(tmp_path)(f"{web.address}/rowstore")
    assert [file.name for file in files] == ["rowstore", "rowstore (2)", "rowstore (3)"] and len(web.asked) == 3
    assert len(fetcher(tmp_path)(f"{web.address}/ckan")) == 3
    assert refused(fetcher(tmp_path, pages=2), f"{web.address}/rowstore") == "source.too-large"


def test_pages_elsewhere_are_not_followed(web: Any, tmp_path: Path) -> None:
    assert len(fetcher(tmp_path)(f"{web.address}/lure")) == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "0.0.0.0", "127.1"])
def test_private_addresses_are_refused(host: str, web: Any, tmp_path: Path) -> None:
    fetch = Fetcher(tmp_path, limits=FetchLimits(tries=1))
    assert refused(fetch, f"http://{host}:{web.server_port}/skolor.csv") in (
        "source.private-address", "source.unreachable")  # fmt: skip
    assert web.asked == []


@pytest.mark.parametrize("address", ["ftp://a.example/x", "file:///etc/passwd", "http:///x", "https://u:p@a.example/x"])
def test_other_addresses_are_refused(address: str, tmp_path: Path) -> None:
    assert refused(Fetcher(tmp_path), address) == "source.address-refused"


def test_secrets_in_addresses_are_not_told(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        Fetcher(tmp_path)("ftp://kim:hemligt@a.example/x?nyckel=hemligt")
    assert "hemligt" not in str(caught.value) + str(caught.value.finding)


@pytest.mark.parametrize(
    "address",
    ["10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "127.0.0.1", "0.0.0.0", "224.0.0.1",
     "::1", "fe80::1%eth0", "fc00::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "255.255.255.255", "x"],
)  # fmt: skip
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(address)
