"""A WSGI layer that reads request bodies whole, within a size and a number of threads, before all else.

A blocking server gives a thread to each request, and a client that sends its body slowly keeps it: sixty of them stood
the whole server still. Here few threads at most wait for bodies; the others go on answering. A wait has no end of its
own: granian 2.8 stops the interpreter when a request is answered while another thread still reads its body, so a
limit in time is for a proxy in front.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable
from http import HTTPStatus
from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_BODILESS = ("GET", "HEAD", "OPTIONS", "TRACE")
_BLOCK = 1 << 16


class _TooLong(Exception):
    """The body goes on past the limit."""


class RequestBody:
    """The layer: the application behind it finds the whole body in memory."""

    def __init__(self, app: WSGIApplication, *, most_bytes: int, most_waiting: int) -> None:
        self._app, self._most = app, most_bytes
        self._places = threading.BoundedSemaphore(most_waiting)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer 400, 413 or 503 for a body that is not to be had, else what the application answers."""
        length, coding = environ.get("CONTENT_LENGTH", ""), environ.get("HTTP_TRANSFER_ENCODING", "")
        if length and coding:
            # Two lengths are how one request is smuggled in another (RFC 9112, section 6.1).
            return _refuse(start_response, 400, "A request has Content-Length or Transfer-Encoding, not both.")
        if environ["REQUEST_METHOD"] in _BODILESS or not (coding or length not in ("", "0")):
            environ["wsgi.input"] = BytesIO()
            return self._app(environ, start_response)
        if length and (not length.isdecimal() or int(length) > self._most):
            return self._too_long(start_response)
        if not self._places.acquire(blocking=False):
            return _refuse(start_response, 503, "Too many request bodies are arriving just now.", {"Retry-After": "10"})
        try:
            body = self._read(environ["wsgi.input"].read, int(length) if length else None)
        except _TooLong:
            return self._too_long(start_response)
        except (OSError, RuntimeError, ValueError):  # The connection is gone; the answer is for the log.
            body = None
        finally:
            self._places.release()
        if body is None:
            return _refuse(start_response, 400, "The request body ended before its length.")
        environ["wsgi.input"] = BytesIO(body)
        environ["CONTENT_LENGTH"] = str(len(body))
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        return self._app(environ, start_response)

    def _read(self, read: Callable[[int], bytes], length: int | None) -> bytes | None:
        """Return the body, None when it ends before its length; raises _TooLong."""
        body = bytearray()
        while length is None or len(body) < length:
            piece = read(_BLOCK if length is None else min(_BLOCK, length - len(body)))
            if not piece:
                break
            body += piece
            if len(body) > self._most:
                raise _TooLong
        return bytes(body) if length is None or len(body) == length else None

    def _too_long(self, start_response: StartResponse) -> list[bytes]:
        return _refuse(start_response, 413, f"A request body has at most {self._most} bytes here.")


def _refuse(
    start_response: StartResponse, status: int, detail: str, headers: dict[str, str] | None = None
) -> list[bytes]:
    title = HTTPStatus(status).phrase
    body = json.dumps({"type": "about:blank", "title": title, "status": status, "detail": detail}).encode()
    own = {
        "Content-Type": "application/problem+json",
        "Content-Length": str(len(body)),
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Access-Control-Allow-Origin": "*",
    }
    start_response(f"{status} {title}", list((own | (headers or {})).items()))
    return [body]
