"""The headers of a whole answer: validators, lifetime, what it varies by and what it links to (RFC 9110 and 9111)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from urllib.parse import quote

from werkzeug.http import http_date

from server.wsgi_headers import Headers

_STALE = 300  # seconds that a cache may go on with an old answer while it asks for the new one


def answer_headers(
    body: bytes,
    content_type: str,
    *,
    cache_control: str,
    status: int = 200,
    vary: Iterable[str] = (),
    links: Iterable[str] = (),
    content_language: str = "",
    content_location: str = "",
    etag: str = "",
    modified: datetime | None = None,
) -> Headers:
    """Return the headers of an answer; a 200 has an entity tag, by default of its bytes, and the date it changed."""
    headers = {
        "Cache-Control": cache_control,
        "Vary": ", ".join(dict.fromkeys(vary)),
        "Link": ", ".join(links),
        "Content-Language": content_language,
        "Content-Location": ascii_iri(content_location),
        "Content-Length": str(len(body)),
        "Content-Type": content_type,
    }
    if status == 200:
        headers["ETag"] = f'"{etag or hashlib.blake2b(body, digest_size=16).hexdigest()}"'
        headers["Last-Modified"] = _http_date(modified) if modified is not None else ""
    return [pair for pair in headers.items() if pair[1]]


@lru_cache(maxsize=100)
def _http_date(moment: datetime) -> str:
    return http_date(moment)


def public(seconds: int) -> str:
    """Return the Cache-Control of what every proxy may keep for so many seconds."""
    return f"public, max-age={seconds}, stale-while-revalidate={_STALE}"


def ascii_iri(iri: str) -> str:
    """Return an IRI as the URI that a header can carry (RFC 3987, section 3.1)."""
    return iri if iri.isascii() else quote(iri, safe="%:/?#[]@!$&'()*+,;=-._~")
