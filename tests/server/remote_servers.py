"""SPARQL servers for tests: real ones started on free ports in temporary folders, and one that misbehaves."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
import requests

from server.remote_store import PASSWORD, USER

PRODUCTS = ("oxigraph", "virtuoso")
_READY_SECONDS = 60.0
_INI = """
[Database]
DatabaseFile = virtuoso.db
ErrorLogFile = virtuoso.log
LockFile = virtuoso.lck
TransactionFile = virtuoso.trx
xa_persistent_file = virtuoso.pxa
FileExtend = 200
MaxCheckpointRemap = 2000
[TempDatabase]
DatabaseFile = virtuoso-temp.db
TransactionFile = virtuoso-temp.trx
[Parameters]
ServerPort = 127.0.0.1:{sql}
ServerThreads = 20
CheckpointInterval = 0
NumberOfBuffers = {buffers}
MaxDirtyBuffers = {dirty}
DirsAllowed = .
[HTTPServer]
ServerPort = 127.0.0.1:{http}
ServerThreads = 10
[SPARQL]
ResultSetMaxRows = 1000000
MaxQueryExecutionTime = {seconds}
"""


@dataclass(frozen=True)
class Server:
    """A server that runs: the address for the settings, and the one that takes queries."""

    product: str
    url: str
    query_url: str

    def ask(self, query: str) -> list[dict[str, str]]:
        """Return the rows of a query asked of the server itself."""
        answer = requests.post(
            self.query_url,
            data={"query": query},
            headers={"Accept": "application/sparql-results+json"},
            timeout=30,
        )
        assert answer.status_code == 200, answer.text
        found = answer.json()["results"]["bindings"]
        return [{name: term["value"] for name, term in row.items()} for row in found]

    def graphs(self, start: str) -> set[str]:
        """Return the names of the graphs that begin so; Virtuoso would take for ever over DISTINCT."""
        rows = self.ask("SELECT ?g WHERE { GRAPH ?g { ?s ?p ?o } } GROUP BY ?g")
        return {row["g"] for row in rows if row["g"].startswith(start)}


def free_port() -> int:
    """Return a port that nobody listens on."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(product: str, folder: Path, seconds: int = 4, buffers: int = 10_000) -> Iterator[Server]:
    """Run a server that gives a query so many seconds; skip, in CI fail, where it is not installed."""
    port = free_port()
    folder.mkdir(parents=True, exist_ok=True)
    if product == "oxigraph":
        program = _installed(str(Path(sys.executable).parent / "oxigraph"), "the development extra (pip)")
        command = [program, "serve", "-l", "store", "-b", f"127.0.0.1:{port}", "--timeout-s", str(seconds)]
        server = Server(product, f"http://127.0.0.1:{port}", f"http://127.0.0.1:{port}/query")
    else:
        program = _installed("virtuoso-t", "virtuoso-opensource-7-bin (apt)")
        values = {
            "sql": free_port(),
            "http": port,
            "seconds": seconds,
            "buffers": buffers,
            "dirty": buffers * 3 // 4,
        }
        (folder / "virtuoso.ini").write_text(_INI.format(**values), "utf-8")
        command = [program, "-f", "-c", "virtuoso.ini"]
        server = Server(product, f"http://127.0.0.1:{port}", f"http://127.0.0.1:{port}/sparql")
    with open(folder / "out", "wb") as out:
        process = subprocess.Popen(command, cwd=folder, stdout=out, stderr=out)
    try:
        _until_ready(server, process)
        yield server
    finally:
        process.kill()
        process.wait()


@contextmanager
def credentials(product: str) -> Iterator[None]:
    """Have the environment hold what a server wants before it takes graphs."""
    with pytest.MonkeyPatch.context() as patch:
        if product == "virtuoso":
            patch.setenv(USER, "dba")
            patch.setenv(PASSWORD, "dba")
        yield


def _installed(program: str, where: str) -> str:
    found = shutil.which(program)
    if found:
        return found
    why = f"{Path(program).name} is not installed: it comes with {where}"
    if os.environ.get("TORG_CI"):
        pytest.fail(why)
    pytest.skip(why)


def _until_ready(server: Server, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _READY_SECONDS
    while True:
        with suppress(requests.RequestException):
            if requests.get(server.query_url, params={"query": "ASK {}"}, timeout=5).status_code == 200:
                return
        assert process.poll() is None, f"{server.product} ended by itself"
        assert time.monotonic() < until, f"{server.product} did not become ready"
        time.sleep(0.1)


# -- a server that misbehaves -----------------------------------------------------------------------------------------

_ROW = '{"s":{"type":"uri","value":"http://e/a"}}'
_ANSWER = f'{{"head":{{"vars":["s"]}},"results":{{"bindings":[{_ROW}]}}}}'.encode()
_YES = b'{"head":{},"boolean":true}'
RESULTS = "application/sparql-results+json"


@dataclass
class Fake:
    """A server that answers queries in the `mode` it is in; it is asked whether it works in the mode `probe`."""

    mode: str = "right"
    probe: str = "right"
    asked: list[str] = field(default_factory=list)
    port: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/query"

    @contextmanager
    def running(self) -> Iterator[Fake]:
        """Listen until the end of the block."""
        with closing(socket.create_server(("127.0.0.1", 0), backlog=64)) as listener:
            self.port = listener.getsockname()[1]
            accepting = threading.Thread(target=self._accept, args=(listener,), daemon=True)
            accepting.start()
            try:
                yield self
            finally:
                self._stop.set()
                listener.shutdown(socket.SHUT_RDWR)
                accepting.join(5)

    def _accept(self, listener: socket.socket) -> None:
        while not self._stop.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with closing(connection), suppress(OSError):
            text = _form(connection).get("query", [""])[0]
            self.asked.append(text)
            if "/-/complete/" in text:
                _answer(connection, _ANSWER)
                return
            body, mode = (_YES, self.probe) if text == "ASK {}" else (_ANSWER, self.mode)
            getattr(self, f"_{mode}")(connection, body)

    def _right(self, connection: socket.socket, body: bytes) -> None:
        _answer(connection, body)

    def _hangs(self, connection: socket.socket, body: bytes) -> None:
        self._stop.wait(30)

    def _hangs_up(self, connection: socket.socket, body: bytes) -> None:
        return

    def _drips_headers(self, connection: socket.socket, body: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        self._drip(connection, b"X-A: b\r\n")

    def _drips_body(self, connection: socket.socket, body: bytes) -> None:
        connection.sendall(_head(RESULTS, "Content-Length: 100000"))
        self._drip(connection, b" ")

    def _drip(self, connection: socket.socket, piece: bytes) -> None:
        while not self._stop.wait(0.05):
            connection.sendall(piece)

    def _truncates(self, connection: socket.socket, body: bytes) -> None:
        connection.sendall(_head(RESULTS, f"Content-Length: {len(body)}") + body[:-10])

    def _truncates_chunks(self, connection: socket.socket, body: bytes) -> None:
        connection.sendall(_head(RESULTS, "Transfer-Encoding: chunked") + b"%x\r\n%b\r\n" % (len(body), body))

    def _tells_no_end(self, connection: socket.socket, body: bytes) -> None:
        connection.sendall(_head(RESULTS, "X-A: b") + body)

    def _half_a_document(self, connection: socket.socket, body: bytes) -> None:
        _answer(connection, body[:-10])

    def _garbage(self, connection: socket.socket, body: bytes) -> None:
        _answer(connection, os.urandom(3000))

    def _deep(self, connection: socket.socket, body: bytes) -> None:
        _answer(connection, b'{"head":' + b"[" * 1_000_000)

    def _page(self, connection: socket.socket, body: bytes) -> None:
        _answer(connection, b"<!doctype html><title>Welcome</title>", "text/html")

    def _page_as_results(self, connection: socket.socket, body: bytes) -> None:
        _answer(connection, b"<!doctype html><title>Welcome</title>")

    def _other_type(self, connection: socket.socket, body: bytes) -> None:
        _answer(connection, b"s\r\nhttp://e/a\r\n", "text/csv")

    def _other_results(self, connection: socket.socket, body: bytes) -> None:
        _answer(connection, b'{"head":{"vars":["s"]},"results":{"bindings":[{"s":{"type":"x"}}]}}')

    def _compressed(self, connection: socket.socket, body: bytes) -> None:
        connection.sendall(_head(RESULTS, "Content-Length: 3", "Content-Encoding: gzip") + b"abc")

    def _elsewhere(self, connection: socket.socket, body: bytes) -> None:
        there = f"Location: http://127.0.0.1:{self.port}/elsewhere"
        connection.sendall(_head("text/plain", there, "Content-Length: 0", status="302 Found"))

    def _fails(self, connection: socket.socket, body: bytes) -> None:
        _answer(connection, b"oops", "text/plain", "500 Internal Server Error")

    def _refuses(self, connection: socket.socket, body: bytes) -> None:
        _answer(connection, b"no", "text/plain", "400 Bad Request")

    def _is_busy(self, connection: socket.socket, body: bytes) -> None:
        _answer(connection, b"later", "text/plain", "503 Service Unavailable")

    def _cuts(self, connection: socket.socket, body: bytes) -> None:
        connection.sendall(_head(RESULTS, f"Content-Length: {len(body)}", "X-SPARQL-MaxRows: 1") + body)

    def _endless(self, connection: socket.socket, body: bytes) -> None:
        connection.sendall(_head(RESULTS, "Transfer-Encoding: chunked"))
        head, row = b'{"head":{"vars":["s"]},"results":{"bindings":[', (_ROW + ",").encode() * 2000
        connection.sendall(b"%x\r\n%b\r\n" % (len(head), head))
        while not self._stop.is_set():
            connection.sendall(b"%x\r\n%b\r\n" % (len(row), row))

    def _endless_blank(self, connection: socket.socket, body: bytes) -> None:
        connection.sendall(_head(RESULTS, "Transfer-Encoding: chunked"))
        while not self._stop.is_set():
            connection.sendall(b"%x\r\n%b\r\n" % (1 << 16, b" " * (1 << 16)))


def _head(media_type: str, *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {media_type}", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode()


def _answer(connection: socket.socket, body: bytes, media_type: str = RESULTS, status: str = "200 OK") -> None:
    connection.sendall(_head(media_type, f"Content-Length: {len(body)}", status=status) + body)


def _form(connection: socket.socket) -> dict[str, Any]:
    """Read a request and return what its form holds."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            return {}
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    found = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    length = int(found[0].split(b":")[1]) if found else 0
    while len(body) < length:
        body += connection.recv(65536)
    return parse_qs(body.decode())


def bindings(body: bytes) -> list[dict[str, str]]:
    """Return the rows of a JSON answer."""
    found = json.loads(body)["results"]["bindings"]
    return [{name: term["value"] for name, term in row.items()} for row in found]
