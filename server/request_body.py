"""A WSGI layer that reads request bodies whole, within a size, a time and a number of threads, before all else.

A blocking server gives a thread to each request, and a client that sends its body slowly would keep it: sixty of them
stood the whole server still. Here a body has some seconds to arrive, and few threads at most ever wait for one.
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


class RequestBody:
    """The layer: the application behind it finds the whole body in memory."""

    def __init__(self, app: WSGIApplication, *, most_bytes: int, most_waiting: int, seconds: float = 15.0) -> None:
        self._app, self._most, self._seconds = app, most_bytes, seconds
        self._places = threading.BoundedSemaphore(most_waiting)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer 400, 408, 413 or 503 for a body that is not to be had, else what the application answers."""
        length, coding = environ.get("CONTENT_LENGTH", ""), environ.get("HTTP_TRANSFER_ENCODING", "")
        if length and coding:
            # Two lengths are how one request is smuggled in another (RFC 9112, section 6.1).
            return _refuse(start_response, 400, "A request has Content-Length or Transfer-Encoding, not both.")
        if environ["REQUEST_METHOD"] in _BODILESS or not (coding or length not in ("", "0")):
            environ["wsgi.input"] = BytesIO()
            return self._app(environ, start_response)
        if length and (not length.isdecimal() or int(length) > self._most):
            return _refuse(start_response, 413, f"A request body has at most {self._most} bytes here.")
        if not self._places.acquire(blocking=False):
            return _refuse(start_response, 503, "Too many request bodies are arriving just now.", {"Retry-After": "10"})
        reading = _Reading(environ["wsgi.input"].read, int(length) if length else None, self._most, self._places)
        if not reading.done.wait(self._seconds):
            return _refuse(start_response, 408, f"The request body did not arrive within {self._seconds:g} s.")
        if reading.body is None:
            return _refuse(start_response, 413 if reading.too_long else 400, "The request body cannot be read.")
        environ["wsgi.input"] = BytesIO(reading.body)
        environ["CONTENT_LENGTH"] = str(len(reading.body))
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        return self._app(environ, start_response)


class _Reading:
    """One body being read in a thread of its own, which ends with the connection if not before."""

    def __init__(
        self, read: Callable[[int], bytes], length: int | None, most: int, places: threading.BoundedSemaphore
    ) -> None:
        self.body: bytes | None = None
        self.too_long = False
        self.done = threading.Event()
        self._read, self._length, self._most, self._places = read, length, most, places
        threading.Thread(target=self._run, name="request-body", daemon=True).start()

    def _run(self) -> None:
        try:
            body = bytearray()
            while self._length is None or len(body) < self._length:
                piece = self._read(_BLOCK if self._length is None else min(_BLOCK, self._length - len(body)))
                if not piece:
                    break
                body += piece
                if len(body) > self._most:
                    self.too_long = True
                    return
            if self._length is None or len(body) == self._length:
                self.body = bytes(body)
        except (OSError, RuntimeError, ValueError):
            return  # The connection is gone; there is nobody to tell.
        finally:
            self._places.release()
            self.done.set()


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
