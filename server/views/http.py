"""What every answer has in common: conditional requests, Vary, Link, caching, CORS and the security headers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote, urlsplit

from flask import Flask, Response, current_app, request
from werkzeug.datastructures import Headers

from server.answer_headers import answer_headers, ascii_iri
from server.answer_headers import public as kept_for
from server.asked import Asked, asked_by
from server.errors import Problem
from server.formats import CSV, GEOJSON, GRAPH_FORMATS, JSON, N_QUADS, RDF_XML, TRIG, XLSX, Format
from server.instance import Torg
from server.negotiation import LONGEST_HEADER
from server.views.frame import frame
from server.views.templates import in_language as in_language
from server.views.templates import templates
from server.wsgi_headers import completed

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_DOCUMENTS = {
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_DATA = {format.media_type for format in (*GRAPH_FORMATS, N_QUADS, TRIG, CSV, XLSX, GEOJSON, JSON)} - {
    RDF_XML.media_type  # a browser shows XML
}
_EVERY_ANSWER = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "cross-origin",
    # Reads are public and carry no credentials, so every origin may read them (Fetch, CORS protocol).
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Content-Location, Content-Profile, ETag, Link, Location, Memento-Datetime, "
    "Retry-After, X-Generation",
}
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS, POST",
    "Access-Control-Allow-Headers": "Accept, Accept-Datetime, Accept-Language, Accept-Profile, Authorization, "
    "Content-Type, If-None-Match",
    "Access-Control-Max-Age": "86400",
}
_CONDITIONS = {"HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE", "HTTP_IF_RANGE", "HTTP_RANGE"}
# Parameters that mean one thing: what is repeated would otherwise be passed over without a word.
_SINGLE = ("format", "lang", "at", "page", "profile", "uri", "view", "property", "inverse", "q")
_NEGOTIATED = ("Accept", "Accept-Language", "Accept-Encoding", "Accept-Profile")


def torg() -> Torg:
    """Return the site that the current request is for."""
    return cast(Torg, current_app.extensions["torg"])


def asking(suffix: str = "") -> Asked:
    """Return what the current request, at an address with this suffix, asks for."""
    return asked_by(request.environ, request.args, suffix)


def language() -> str:
    """Return the language of the page; raise Problem 400 when `?lang=` asks for a language there is not."""
    return asking().language(torg().languages)


def negotiated(offered: Sequence[Format], suffix: str | None = None, asked: str | None = None) -> Format:
    """Return the format of the answer; raise Problem 406, or 404 for a suffix of a representation that there is not."""
    return asking(suffix or "").format(offered, asked)


class _Whole(Response):
    """A response whose headers are complete when it is made; Werkzeug would copy and check each once more."""

    def get_wsgi_headers(self, environ: WSGIEnvironment) -> Headers:
        return self.headers if self.status_code == 200 else super().get_wsgi_headers(environ)


def answer(
    body: bytes,
    content_type: str,
    *,
    status: int = 200,
    vary: Iterable[str] = (),
    links: Iterable[str] = (),
    content_language: str = "",
    content_location: str = "",
    cache_control: str | None = None,
    etag: str = "",
    modified: datetime | None = None,
) -> Response:
    """Return a whole answer with its validator; a request that has it already gets 304 (RFC 9110, 13)."""
    headers = answer_headers(
        body,
        content_type,
        cache_control=public() if cache_control is None else cache_control,
        status=status,
        vary=vary,
        links=links,
        content_language=content_language,
        content_location=content_location,
        etag=etag,
        modified=modified,
    )
    return whole(body, headers, status)


def whole(body: bytes, headers: Sequence[tuple[str, str]], status: int = 200) -> Response:
    """Return an answer with all its headers; a request that has it already gets 304 (RFC 9110, 13)."""
    response = _Whole(body, status, headers)
    if status == 200 and not _CONDITIONS.isdisjoint(request.environ):
        response.make_conditional(request)
    return response


def public(seconds: int | None = None) -> str:
    """Return the Cache-Control of what every proxy may keep for the site's max_age, or so many seconds."""
    return kept_for(int(torg().settings.max_age) if seconds is None else seconds)


def redirect(location: str, status: int, links: Iterable[str] = ()) -> Response:
    """Return a redirection to a path-absolute location, so that it works wherever the site is served."""
    body = f"{location}\n".encode()
    response = answer(body, "text/plain; charset=utf-8", status=status, links=links)
    response.headers["Location"] = ascii_iri(location)
    return response


def here(path: str) -> str:
    """Return the path-absolute address of a path on the site (the base may have a path prefix)."""
    return torg().uris.prefix + path


def with_query(path: str, **parameters: str) -> str:
    """Return a path with a query string of those parameters that have a value."""
    pairs = [f"{name}={quote(value, safe='')}" for name, value in parameters.items() if value]
    return f"{path}?{'&'.join(pairs)}" if pairs else path


def page(template: str, spoken: str, **context: Any) -> bytes:
    """Return a page in a language as bytes; `canonical` is its own address when the request's is another."""
    site = torg()
    parameters = {name: value for name, value in request.args.items() if name not in ("lang", "format")}
    # A page that several addresses show must be the same bytes at each (Content-Location).
    canonical: str = context.pop("canonical", "") or with_query(here(request.path), **parameters)
    shared = frame(site, canonical, _rules(), site.uris.prefix.__add__)
    others = [
        (other, f"{canonical}{'&' if '?' in canonical else '?'}lang={other}")
        for other in site.languages
        if other != spoken
    ]
    made = templates(site, spoken).get_template(template)
    return made.render(other_languages=others, **shared, **context).encode()


def content_security_policy(nonce: str = "") -> str:
    """Return what a page may load: its own scripts and styles, and images of the map that the site has chosen.

    The nonce is for the query editor, which writes its style into the page.
    """
    tiles = urlsplit(str(torg().site.raw.get("map", {}).get("tiles", "")).replace("{s}.", "*.")).hostname
    images = f"'self' data:{f' https://{tiles}' if tiles else ''}"
    style = f"'self' 'nonce-{nonce}'" if nonce else "'self'"
    return (
        f"default-src 'none'; script-src 'self'; style-src {style}; img-src {images}; font-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'"
    )


def _rules() -> set[str]:
    """Return the rules of the addresses that this installation has."""
    kept: set[str] | None = current_app.extensions.get("torg.rules")
    if kept is None:
        kept = current_app.extensions["torg.rules"] = {rule.rule for rule in current_app.url_map.iter_rules()}
    return kept


def register_http(app: Flask) -> None:
    """Add the headers that every answer carries."""
    site: Torg = app.extensions["torg"]
    always = list(_EVERY_ANSWER.items())
    if site.site.base.startswith("https:"):
        always.append(("Strict-Transport-Security", "max-age=31536000"))
    with app.app_context():
        documents = [*_DOCUMENTS.items(), ("Content-Security-Policy", content_security_policy())]
    app.wsgi_app = completed(app.wsgi_app, always, documents, _DATA)  # type: ignore[assignment, method-assign]

    @app.before_request
    def refuse_ambiguous() -> None:
        for header in _NEGOTIATED:
            given = request.environ.get(f"HTTP_{header.upper().replace('-', '_')}", "")
            if len(given) > LONGEST_HEADER:
                # Read in part, it could say the opposite of the whole.
                raise Problem(
                    431,
                    f"{header} has at most {LONGEST_HEADER} characters here; this has {len(given)}.",
                    sv=f"{header} har högst {LONGEST_HEADER} tecken här; den här har {len(given)}.",
                )
        if not request.environ.get("QUERY_STRING") or request.path.startswith("/api/"):
            return  # the API knows which of its parameters may be repeated
        for name in _SINGLE:
            if name in request.args and (times := len(request.args.getlist(name))) > 1:
                raise Problem(
                    400,
                    f"`{name}` is given {times} times; give it once.",
                    sv=f"`{name}` är given {times} gånger; ge den en gång.",
                )

    @app.after_request
    def add_headers(response: Response) -> Response:
        if request.path.startswith("/static/") and response.status_code in (200, 304):
            # Built files are named by their content, so a copy never grows old.
            built = request.path.startswith("/static/dist/")
            response.headers["Cache-Control"] = f"public, max-age={31_536_000 if built else 86_400}"
        if request.method == "OPTIONS":
            response.headers.update(_PREFLIGHT)
            response.headers.setdefault("Cache-Control", "public, max-age=86400")
        return response
