"""Header lists as WSGI hands them over: completed, joined by name, replaced, and cut down to what a 304 carries."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Headers = list[tuple[str, str]]


def completed(app: WSGIApplication, always: Headers, documents: Headers, data: Iterable[str]) -> WSGIApplication:
    """Return an application whose answers all carry some headers, unless the answer has set them itself.

    `always` is for every answer, `documents` for those that a browser would show: all but the media types in `data`.
    """
    every = [(name.lower(), (name, value)) for name, value in always]
    shown = every + [(name.lower(), (name, value)) for name, value in documents]
    kinds = frozenset(data)

    def answered(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        def start(status: str, headers: Headers, exc_info: Any = None) -> Callable[[bytes], object]:
            named = {name.lower(): value for name, value in headers}
            kind = named.get("content-type", "").partition(";")[0]
            missing = [pair for name, pair in (every if kind in kinds else shown) if name not in named]
            return start_response(status, headers + missing, exc_info)

        return app(environ, start)

    return answered


def joined_headers(headers: Headers) -> dict[str, str]:
    """Return the headers by their names in lower case, repeated ones joined (RFC 9110, 5.3)."""
    named: dict[str, str] = {}
    for name, value in headers:
        lower = name.lower()
        named[lower] = f"{named[lower]}, {value}" if lower in named else value
    return named


def replaced(headers: Headers, own: dict[str, str]) -> Headers:
    """Return the headers with some of them replaced."""
    names = {name.lower() for name in own}
    return [pair for pair in headers if pair[0].lower() not in names] + list(own.items())


def stays_in_304(name: str) -> bool:
    """Return whether a header belongs in a 304: what a cache updates, and what protects a page."""
    return not name.lower().startswith("content-") or name.lower() in ("content-location", "content-security-policy")
