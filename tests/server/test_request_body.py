"""Bodies that arrive, and bodies that do not."""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Iterable
from typing import Any

import pytest

from server.request_body import RequestBody


def echo(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    body = environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


class Slow(io.RawIOBase):
    """A body whose rest comes when it is let go."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.sent = False

    def read(self, size: int = -1) -> bytes:
        if not self.sent:
            self.sent = True
            return b"ASK"
        self.go.wait(10)
        return b""


@pytest.fixture
def layer() -> RequestBody:
    return RequestBody(echo, most_bytes=1000, most_waiting=2)  # type: ignore[arg-type]


def sent(layer: RequestBody, body: Any, method: str = "POST", **environ: str) -> tuple[int, bytes]:
    """Return the status and the body of the answer to a request as the server would hand it over."""
    said: list[str] = []
    answer = layer(
        {"REQUEST_METHOD": method, "wsgi.input": body, **environ},
        lambda status, headers, exc_info=None: said.append(status),  # type: ignore[arg-type, return-value]
    )
    return int(said[0][:3]), b"".join(answer)


def test_a_body_is_there_whole(layer: RequestBody) -> None:
    assert sent(layer, io.BytesIO(b"x" * 1000), CONTENT_LENGTH="1000") == (200, b"x" * 1000)
    assert sent(layer, io.BytesIO(b"y" * 10), HTTP_TRANSFER_ENCODING="chunked") == (200, b"y" * 10)
    assert sent(layer, io.BytesIO(b""), CONTENT_LENGTH="0") == (200, b"")
    assert sent(layer, Slow(), "GET", CONTENT_LENGTH="9") == (200, b"")


@pytest.mark.parametrize(
    ("environ", "status"),
    [
        ({"CONTENT_LENGTH": "1001"}, 413),
        ({"CONTENT_LENGTH": "1099511627776"}, 413),
        ({"CONTENT_LENGTH": "-1"}, 413),
        ({"CONTENT_LENGTH": "5", "HTTP_TRANSFER_ENCODING": "chunked"}, 400),
        ({"CONTENT_LENGTH": "50"}, 400),
    ],
)
def test_lengths_that_lie_or_are_too_much(layer: RequestBody, environ: dict[str, str], status: int) -> None:
    found, body = sent(layer, io.BytesIO(b"ASK {}"), **environ)
    assert found == status and json.loads(body)["status"] == status


def test_a_chunked_body_ends_at_the_limit(layer: RequestBody) -> None:
    assert sent(layer, io.BytesIO(b"x" * 5000), HTTP_TRANSFER_ENCODING="chunked")[0] == 413


def test_slow_bodies_leave_threads_to_others(layer: RequestBody) -> None:
    bodies = [Slow() for _ in range(2)]
    found: list[int] = []
    threads = [
        threading.Thread(target=lambda body=body: found.append(sent(layer, body, CONTENT_LENGTH="9")[0]))
        for body in bodies
    ]
    for thread in threads:
        thread.start()
    time.sleep(0.1)
    assert sent(layer, io.BytesIO(b"ASK {}"), CONTENT_LENGTH="6")[0] == 503
    assert sent(layer, io.BytesIO(), "GET")[0] == 200
    for body in bodies:
        body.go.set()
    for thread in threads:
        thread.join()
    assert found == [400, 400]
    assert sent(layer, io.BytesIO(b"ASK {}"), CONTENT_LENGTH="6") == (200, b"ASK {}")
