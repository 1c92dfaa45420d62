"""Addresses of a site's former bases: answered with 308 to the same path on the base of today (Digg UM-11)."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, Response, redirect, request

from server.instance import Torg
from server.paths import spellings


def register_former_bases(app: Flask, torg: Torg) -> None:
    """Redirect requests that come to a former base; a base is only ever compared with, never taken from a request."""
    today = urlsplit(torg.uris.base)
    former = [urlsplit(base) for base in torg.ledger.former_bases()]
    if not former:
        return

    @app.before_request
    def lead_on() -> Response | None:
        path = request.environ.get("PATH_INFO", "").encode("latin-1").decode("utf-8", "replace")
        for base in former:
            elsewhere = base.netloc != today.netloc or not path.startswith(today.path)
            if request.host == base.netloc and elsewhere and path.startswith(base.path):
                query = f"?{request.query_string.decode('ascii', 'replace')}" if request.query_string else ""
                rest = request.environ.get("RAW_URI", "").partition("?")[0] or _quoted(path)
                return redirect(torg.uris.base + rest[len(base.path) :] + query, 308)  # type: ignore[return-value]
        return None


def _quoted(path: str) -> str:
    return spellings(path)[0]
