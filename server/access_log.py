"""The access log: one line for each request, with nothing in it that tells who asked or, unless set, what.

Addresses are cut to the network they belong to, and the query part of an address is left out: both may say something
about a person. Lines go to standard output from a thread of their own, because a pipe that nobody reads, or a full
disk, must never hold a request; what finds no room is dropped and counted.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import os
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

FORMS = ("off", "text", "json")
_MOST_WAITING = 10_000
_MOST_PATH = 500
_MOST_AGENT = 150
_LAST_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Request:
    """What is said of one request; `query` is empty unless the operator wants it."""

    time: str
    client: str
    method: str
    path: str
    route: str
    status: int
    bytes: int
    seconds: float
    cache: str
    generation: str
    agent: str
    query: str = ""


def shortened(address: str) -> str:
    """Return the network of an address: 24 bits of IPv4, 48 of IPv6; "-" for what is none.

    >>> shortened("203.0.113.77"), shortened("2001:db8:1:2::/64"), shortened("token 1a2b3c4d")
    ('203.0.113.0', '2001:db8:1::', 'token 1a2b3c4d')
    """
    if address.startswith("token "):
        return address
    try:
        found = ipaddress.ip_address(address.partition("/")[0])
    except ValueError:
        return "-"
    bits = 24 if found.version == 4 else 48
    return str(ipaddress.ip_network((found, bits), strict=False).network_address)


def moment() -> str:
    """Return the time now, in UTC, to the millisecond (RFC 3339)."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def clean(text: str, most: int) -> str:
    """Return a text for one field of a line: no control characters, so that no request writes lines of its own."""
    return "".join(sign if sign.isprintable() else "?" for sign in text[:most])


class AccessLog:
    """Writes lines to a file descriptor in the background; `dropped` counts those that found no room."""

    def __init__(self, form: str, descriptor: int = 1, *, queries: bool = False) -> None:
        self.queries, self.dropped = queries, 0
        self._line = _json if form == "json" else _text
        self._descriptor = descriptor
        self._waiting: deque[str] = deque()
        self._wanted = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._write, name="access-log", daemon=True)
        self._thread.start()

    def __call__(self, request: Request) -> None:
        """Let a request be written; never waits for whoever reads the log."""
        with self._wanted:
            if len(self._waiting) >= _MOST_WAITING:
                self.dropped += 1
                return
            self._waiting.append(self._line(request))
            self._wanted.notify()

    def close(self) -> None:
        """Write what waits, as far as a second allows."""
        with self._wanted:
            self._closing = True
            self._wanted.notify()
        self._thread.join(_LAST_SECONDS)

    def _write(self) -> None:
        while True:
            with self._wanted:
                while not self._waiting and not self._closing:
                    self._wanted.wait()
                lines = list(self._waiting)
                if not lines:
                    return
                self._waiting.clear()
            self._put("".join(lines).encode(), len(lines))

    def _put(self, data: bytes, lines: int) -> None:
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(self._descriptor, view) :]
            except OSError:  # A full disk or a reader that has gone: the next lines may find room again.
                with self._wanted:
                    self.dropped += lines
                return


def _json(request: Request) -> str:
    members = {name: value for name, value in asdict(request).items() if value != ""}
    return json.dumps(members, ensure_ascii=False, separators=(",", ":")) + "\n"


def _text(request: Request) -> str:
    query = f"?{request.query}" if request.query else ""
    return (
        f'{request.client} - - [{request.time}] "{request.method} {request.path}{query}" {request.status} '
        f'{request.bytes} {request.seconds:.3f} {request.cache or "-"} {request.generation or "-"} "{request.agent}"\n'
    )


def request_of(
    environ: dict[str, object],
    *,
    client: str,
    route: str,
    status: str,
    size: int,
    seconds: float,
    cache: str,
    generation: str,
    query: Callable[[], str] | None,
) -> Request:
    """Return what is said of a WSGI request; `query` yields the query text where the operator wants it."""
    path = str(environ.get("PATH_INFO", ""))
    with contextlib.suppress(UnicodeError):  # WSGI hands paths over as Latin-1 (PEP 3333).
        path = path.encode("latin-1").decode("utf-8")
    return Request(
        time=moment(),
        client=shortened(client),
        method=clean(str(environ.get("REQUEST_METHOD", "")), 20),
        path=clean(path, _MOST_PATH).replace('"', "%22"),
        route=route,
        status=int(status[:3]),
        bytes=size,
        seconds=round(seconds, 4),
        cache=cache,
        generation=generation,
        agent=clean(str(environ.get("HTTP_USER_AGENT", "")), _MOST_AGENT).replace('"', "'"),
        query=clean(query(), 4_000).replace('"', "%22") if query is not None else "",
    )
