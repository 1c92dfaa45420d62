"""The SPARQL endpoint: queries, the service description, the check of a query text, and the query page."""

from __future__ import annotations

import atexit
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from email.utils import format_datetime as http_date

from flask import Blueprint, Flask, Response, current_app, request

from server.errors import Problem
from server.formats import GRAPH_FORMATS, HTML, Format
from server.generations import Generation
from server.history import read_moment
from server.query_hints import hints
from server.query_service import Client, ClientPool, QueryService
from server.readers import Limits, Result
from server.service_description import of_manifest
from server.sparql_protocol import ACCEPT_POST, ProtocolRequest, parse_request
from server.sparql_scan import Scan
from server.views.errors import wants_page
from server.views.http import answer, language, negotiated, public, torg
from server.views.sparql_page import offered, sparql_page

blueprint = Blueprint("sparql", __name__)

_VARY = ("Accept", "Authorization")
_METHODS = ["GET", "HEAD", "POST", "OPTIONS"]
# Up to this size an answer leaves as one bytes body: granian then holds no thread for a slow client. Larger ones
# are sent from their file, so many at a time.
_ONE_BODY = 8 << 20
_MOST_STREAMS = 4
# What a visitor can mend in the query or by waiting is told on the page with the query.
_SHOWN_PROBLEMS = (400, 403, 408, 413, 422, 429, 503, 504)
_SHOWN_ROWS, _SHOWN_BYTES = 1_000, 1_000_000
_EXPOSED = "Content-Location, ETag, Link, Location, Retry-After, X-Query-Limits, X-Result-Truncated"


@blueprint.record
def _start(state: object) -> None:
    app: Flask = state.app  # type: ignore[attr-defined]
    site = app.extensions["torg"]
    service = QueryService(site.settings, site.prefixes, site.data.path)
    app.extensions["torg.queries"] = site.readers = service
    atexit.register(service.close)
    app.extensions["torg.streams"] = threading.BoundedSemaphore(_MOST_STREAMS)


def queries() -> QueryService:
    """Return the service that evaluates visitors' queries."""
    service: QueryService = current_app.extensions["torg.queries"]
    return service


@blueprint.route("/sparql", methods=_METHODS)
def sparql() -> Response:
    """Answer a query (SPARQL 1.1 Protocol, section 2.1), or describe the service when none is asked."""
    if request.method == "OPTIONS":
        return _options()
    asked = _asked()
    if asked is None:
        return _describe()
    try:
        return _answered(asked)
    except Problem as problem:
        if problem.status not in _SHOWN_PROBLEMS or not wants_page():
            raise
        return sparql_page(queries(), asked, problem=problem)


def _answered(asked: ProtocolRequest) -> Response:
    scanned = queries().scan(asked.query)
    if scanned.form == "UPDATE":
        raise Problem(
            403,
            "This site is read-only over HTTP: updates are not taken here.",
            sv="Webbplatsen kan bara läsas över HTTP: uppdateringar tas inte emot.",
            title="Read-only",
        )
    format = negotiated(offered(scanned), asked=asked.format)
    if not asked.at:
        return _answer(asked, scanned, format, None)
    with closing(_past(asked.at)) as past:
        return _answer(asked, scanned, format, past)


def _answer(asked: ProtocolRequest, scanned: Scan, format: Format, past: Generation | None) -> Response:
    """Answer a query over the current generation, or over a past one."""
    service, generation = queries(), torg().generation()
    client = _client(service)
    if format is HTML:
        response = _result_page(service, asked, scanned, generation, client, past)
    else:
        result = service.answer(asked, scanned, format.media_type, generation, client, past=past)
        response = _respond(result, format, client, past or generation)
    if past is not None and response.status_code in (200, 304):
        # What was published does not change, so neither does what is asked of it (RFC 7089, section 2.1.1).
        response.headers["Memento-Datetime"] = http_date(past.created, usegmt=True)
        if scanned.deterministic and not client.token:
            response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return response


def _past(asked: str) -> Generation:
    """Open the generation that `?at=` names by number or time; raises Problem 400, and 404 when it is not kept."""
    data = torg().data
    kept = data.numbers()
    try:
        moment = read_moment(asked)
    except ValueError:
        raise Problem(
            400,
            f"at takes the number of a generation or a time, not {asked[:40]!r}.",
            sv=f"at tar numret på en generation eller en tid, inte {asked[:40]!r}.",
        ) from None
    number = moment if isinstance(moment, int) else _number_at(moment, kept)
    if number not in kept:
        listed = ", ".join(map(str, kept))
        raise Problem(
            404,
            f"Queries are answered for the generations that are kept: {listed}.",
            sv=f"Frågor besvaras för de generationer som finns kvar: {listed}.",
            kept=kept,
        )
    return data.generation(number)


def _number_at(time: datetime, kept: Sequence[int]) -> int:
    """Return the kept generation that was the newest at a time; 0 for a time before all of them."""
    newest = 0
    for number in kept:
        with closing(torg().data.generation(number)) as generation:
            if generation.created <= time:
                newest = number
    return newest


@blueprint.route("/sparql/check", methods=_METHODS)
def check() -> Response:
    """Answer whether a query can be read, and if not, why and where: for editors, without evaluating it."""
    if request.method == "OPTIONS":
        return _options()
    asked = _asked()
    if asked is None:
        raise Problem(
            400, "Give the query to check: /sparql/check?query=…", sv="Ge frågan som ska prövas: /sparql/check?query=…"
        )
    try:
        scanned = client_pool(torg().generation()).check(asked.query)
        said: dict[str, object] = {"valid": True, "form": scanned.form, "deterministic": scanned.deterministic}
    except Problem as problem:
        if problem.status not in (400, 403, 413):
            raise
        told, spelled_in = problem.told(language())
        message = told if spelled_in == "en" else f"{told} {problem.quoted}".strip()
        said = {"valid": False, "message": message, "problem": problem.members()}
    body = json.dumps(said, ensure_ascii=False).encode()
    return answer(body, "application/json", cache_control="no-store")


@blueprint.get("/sparql/hints.json")
def sparql_hints() -> Response:
    """Answer what an editor can propose: prefixes, classes and properties of the current generation, with counts."""
    spoken = language()
    body = json.dumps(hints(torg(), torg().current(), spoken), ensure_ascii=False).encode()
    return answer(body, "application/json", vary=("Accept-Language",), content_language=spoken)


def _asked() -> ProtocolRequest | None:
    """Return the query of this request, None when it asks for the description; raises Problem."""
    posted = request.method == "POST"
    return parse_request(
        "POST" if posted else "GET",
        request.query_string,
        request.headers.get("Content-Type"),
        request.get_data() if posted else b"",
        request.headers.get("Content-Encoding", ""),
    )


def _options() -> Response:
    response = Response(status=204)
    response.headers["Allow"] = ", ".join(_METHODS)
    response.headers["Accept-Post"] = ACCEPT_POST
    return response


def _limits_header(limits: Limits) -> str:
    parts = {
        "seconds": f"{limits.seconds:g}",
        "memory-mb": limits.memory_mb,
        "rows": limits.rows,
        "bytes": limits.bytes,
    }
    return "; ".join(f"{name}={'none' if value is None else value}" for name, value in parts.items())


def client_pool(generation: Generation) -> ClientPool:
    """Return the readers as the client of this request may use them; raises Problem 401 or 429."""
    return queries().for_client(_client(queries()), generation)


def _client(service: QueryService) -> Client:
    """Return who asks; raises Problem, also for a token in the address, where logs and history would keep it."""
    if "access_token" in request.args:
        raise Problem(
            400,
            "A token is sent in the header Authorization: Bearer …, never in the address.",
            sv="En nyckel skickas i huvudet Authorization: Bearer …, aldrig i adressen.",
        )
    return service.client(
        request.remote_addr or "", request.headers.getlist("X-Forwarded-For"), request.headers.get("Authorization")
    )


def _respond(result: Result, format: Format, client: Client, generation: Generation) -> Response:
    """Return the answer whole: as bytes when small, from its file when large."""
    # Two formats may give the same bytes ("true"): the tag has to differ all the same (RFC 9110, 8.8.3).
    etag = f"{result.digest[:32]}-{format.suffix}"
    cache = public() if result.scan.deterministic else "no-store"
    if client.token:
        cache = "private, no-store"
    if result.size <= _ONE_BODY:
        response = answer(b"".join(result.pieces()), format.content_type, vary=_VARY, cache_control=cache, etag=etag)
    else:
        response = answer(b"", format.content_type, vary=_VARY, cache_control=cache, etag=etag)
        if response.status_code == 200:
            _stream(response, result)
    if response.status_code == 200 and format.kind == "table":
        # A table is saved, never rendered by the browser: its cells are exact, formulas included.
        response.headers["Content-Disposition"] = f'inline; filename="result.{format.suffix}"'
    _tell(response, result, client.limits, generation)
    return response


def _stream(response: Response, result: Result) -> None:
    streams: threading.BoundedSemaphore = current_app.extensions["torg.streams"]
    if request.method == "HEAD":
        response.headers["Content-Length"] = str(result.size)
        return
    if not streams.acquire(timeout=5):
        raise Problem(
            503,
            "Too many large answers are being sent just now. Ask again in a minute.",
            sv="För många stora svar skickas just nu. Fråga igen om en minut.",
            title="Too many large answers",
            headers={"Retry-After": "60"},
        )

    def pieces() -> Iterator[bytes]:
        yield from result.pieces()

    response.response = pieces()
    response.call_on_close(streams.release)
    response.headers["Content-Length"] = str(result.size)


def _tell(response: Response, result: Result, limits: Limits, generation: Generation) -> None:
    response.headers["X-Query-Limits"] = _limits_header(limits)
    response.headers["X-Generation"] = generation.name
    response.headers["Access-Control-Expose-Headers"] = _EXPOSED
    if result.truncated:
        limit = limits.rows if result.truncated == "rows" else limits.bytes
        response.headers["X-Result-Truncated"] = f"{result.truncated}; limit={limit}"


def _describe() -> Response:
    """Return the service description, or the query page to those who like a page better."""
    format = negotiated((*GRAPH_FORMATS, HTML))
    site, service = torg(), queries()
    if format is HTML:
        return sparql_page(service)
    endpoint = site.uris.iri("/sparql")
    length = service.scan_limits.bytes
    triples = of_manifest(endpoint, service.limits, length, site.generation().manifest)
    body = site.writer.write(triples, format, endpoint)
    response = answer(body, format.content_type, vary=("Accept",))
    response.headers["X-Query-Limits"] = _limits_header(service.limits)
    return response


def _result_page(
    service: QueryService,
    asked: ProtocolRequest,
    scanned: Scan,
    generation: Generation,
    client: Client,
    past: Generation | None,
) -> Response:
    """Return the page with the query and its answer; errors are pages too."""
    media_type = "text/turtle" if scanned.is_graph else "application/sparql-results+json"
    limits = replace(
        client.limits,
        rows=min(_SHOWN_ROWS, client.limits.rows or _SHOWN_ROWS),
        bytes=min(_SHOWN_BYTES, client.limits.bytes or _SHOWN_BYTES),
    )
    result = service.answer(asked, scanned, media_type, generation, client, limits, past)
    response = sparql_page(service, asked, scanned, result, shortened=limits != client.limits)
    _tell(response, result, limits, past or generation)
    return response
