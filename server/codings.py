"""Content codings (RFC 9110, 8.4): which one a client takes, what is worth coding, and one entity tag for each.

Pure functions; gzip is always there, zstd when the interpreter or an installed library has it.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from importlib import import_module

from server.negotiation import LONGEST_HEADER

LEAST_BYTES = 1_024
_LEVEL = 6
_TEXT = re.compile(
    r"text/|application/(?:[\w.-]+\+)?(?:json|xml)\b|application/(?:n-triples|n-quads|trig|javascript|sparql-query)\b"
    r"|image/svg\+xml"
)
_ELEMENT = re.compile(r"\s*([\w*-]+)\s*(?:;\s*q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*)?\Z", re.IGNORECASE)
_TAG = re.compile(r'(?:W/)?"[^"]*"')


def _gzip(data: bytes) -> bytes:
    return gzip.compress(data, _LEVEL, mtime=0)  # Without a time in it, the same bytes give the same bytes.


def coders() -> dict[str, Callable[[bytes], bytes]]:
    """Return the codings this interpreter can make, best first."""
    for module in ("compression.zstd", "zstandard"):  # Python 3.14 has it; before, a library may.
        try:
            compress: Callable[[bytes], bytes] = import_module(module).compress
        except ImportError:
            continue
        return {"zstd": compress, "gzip": _gzip}
    return {"gzip": _gzip}


def worth_coding(content_type: str, size: int) -> bool:
    """Return whether an answer gains by coding; the choice depends on Accept-Encoding only if so.

    >>> worth_coding("text/turtle; charset=utf-8", 5000), worth_coding("application/zip", 5000)
    (True, False)
    """
    return size >= LEAST_BYTES and _TEXT.match(content_type) is not None


def choose_coding(accept_encoding: str | None, offered: tuple[str, ...]) -> str:
    """Return the coding the client likes best of those offered (best first), "" for none (RFC 9110, 12.5.3).

    >>> choose_coding("gzip;q=0.5, zstd", ("zstd", "gzip"))
    'zstd'
    >>> choose_coding("identity, gzip;q=0", ("zstd", "gzip"))
    ''
    """
    weights: dict[str, float] = {}
    for element in (accept_encoding or "")[:LONGEST_HEADER].split(","):
        match = _ELEMENT.match(element)
        if match:
            weights[match[1].lower().removeprefix("x-")] = float(match[2] or 1)
    best, best_q = "", weights.get("identity", 0.0)
    for coding in offered:
        q = weights.get(coding, weights.get("*", 0.0))
        if q > 0 and (q > best_q or (not best and q >= best_q)):
            best, best_q = coding, q
    return best


def coded_tag(tag: str, coding: str) -> str:
    """Return the entity tag of a coded form: other bytes, so another strong tag (RFC 9110, 8.8.3.3).

    >>> coded_tag('"abc"', "gzip")
    '"abc.gzip"'
    """
    return f'{tag[:-1]}.{coding}"' if coding and tag.endswith('"') else tag


def matches(if_none_match: str, tag: str) -> bool:
    """Return whether If-None-Match names the tag, by weak comparison (RFC 9110, 13.1.2).

    >>> matches('W/"a", "b"', '"b"'), matches("*", '"b"'), matches('"c"', '"b"')
    (True, True, False)
    """
    if if_none_match.strip() == "*":
        return True
    return bool(tag) and tag.removeprefix("W/") in {found.removeprefix("W/") for found in _TAG.findall(if_none_match)}
