"""Header lists as WSGI hands them over: joined by name, replaced, and cut down to what a 304 carries."""

from __future__ import annotations

Headers = list[tuple[str, str]]


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
