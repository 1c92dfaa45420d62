"""For the operator: figures (`/-/metrics`), kept generations (`/-/generations`), and the front of the web process."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from io import BytesIO
from multiprocessing.util import Finalize
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Flask, Response, current_app

from server.access_log import AccessLog, request_of
from server.byte_cache import OUTCOME, ByteCache
from server.data_state import DataState
from server.errors import OperationError, Problem
from server.forgotten import journal
from server.metrics import Metrics
from server.operator_key import make_key
from server.query_service import QueryService
from server.request_body import RequestBody
from server.routes import Routes
from server.settings import Settings
from server.views.http import answer, torg

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

blueprint = Blueprint("operations", __name__)


@blueprint.record
def _start(state: Any) -> None:
    app: Flask = state.app
    app.extensions["torg.metrics"] = Metrics(app.extensions["torg.queries"], DataState(app.extensions["torg"].data))


@blueprint.get("/-/metrics")
def metrics() -> Response:
    """Answer the figures of this process in the Prometheus text format."""
    figures: Metrics = current_app.extensions["torg.metrics"]
    return answer(figures.page(), "text/plain; version=0.0.4; charset=utf-8", cache_control="no-store")


@blueprint.get("/-/generations")
def generations() -> Response:
    """Answer the generations that are kept, the newest first, and which of them is served."""
    data = torg().data
    current = data.current_name()
    kept = []
    for number in reversed(data.numbers()):
        try:
            generation = data.generation(number)
        except OperationError as error:
            kept.append({"number": number, "damaged": str(error)})
            continue
        try:
            kept.append(
                {
                    "number": number,
                    "created": generation.manifest["created"],
                    "triples": generation.manifest["default_graph_triples"],
                    "current": generation.name == current,
                }
            )
        except (OperationError, KeyError) as error:
            kept.append({"number": number, "damaged": str(error)})
        finally:
            generation.close()
    body = json.dumps({"generations": kept}).encode() + b"\n"
    return answer(body, "application/json", cache_control="no-store")


def _warm(app: Flask) -> None:
    """Start the readers before the first query asks for them; without a publication there is nothing to read yet."""
    with suppress(Problem, OperationError):
        app.extensions["torg.queries"].pool(app.extensions["torg"].generation())


def front(app: Flask) -> WSGIApplication:
    """Return the application as it is served: behind the byte cache, with every request counted.

    Queries collapse in the readers, so that those who wait for one hold no more threads than readers allow.
    """
    site, figures = app.extensions["torg"], app.extensions["torg.metrics"]
    site.watch.thorough = True
    most = int(site.settings.cache_mb) << 20

    def generation() -> str:
        try:
            name: str = site.generation().name
            return name
        except (Problem, OperationError):
            return ""

    unfinished = journal(site.data.path)

    def state() -> str:
        # A purge goes on after the flip: what is answered meanwhile must not be kept for the time after it.
        return f"{generation()} purging" if os.path.exists(unfinished) else generation()

    cache = ByteCache(app.wsgi_app, state, most, own_flights=("/sparql", "/api/"))
    figures.cache = cache
    # A quarter of the threads may wait for bodies, so that slow senders leave the others to everybody else.
    waiting = max(1, int(site.settings.threads) // 4)
    bodies = RequestBody(cache, most_bytes=int(app.config["MAX_CONTENT_LENGTH"]), most_waiting=waiting)
    threading.Thread(target=_warm, args=(app,), daemon=True).start()
    make_key(site.data.path)
    routes = Routes((rule.rule for rule in app.url_map.iter_rules()), site.uris.prefix)
    log = figures.log = _access_log(site.settings)
    service: QueryService = app.extensions["torg.queries"]

    def observe(environ: WSGIEnvironment, status: str, size: int, seconds: float) -> None:
        outcome = str(environ.get(OUTCOME, "passed"))
        route = routes.of(environ.get("PATH_INFO", ""))
        figures.observe(route, status, outcome, seconds)
        if log is not None:
            forwarded = [environ["HTTP_X_FORWARDED_FOR"]] if "HTTP_X_FORWARDED_FOR" in environ else []
            log(
                request_of(
                    environ,
                    client=service.address(environ.get("REMOTE_ADDR", ""), forwarded),
                    route=route,
                    status=status,
                    size=size,
                    seconds=seconds,
                    cache=outcome,
                    generation=generation(),
                    query=partial(_query_text, environ) if log.queries else None,
                )
            )

    def counted(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        started, said, size = time.perf_counter(), "500", 0

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
            nonlocal said, size
            said = status
            if log is not None:
                size = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
            return start_response(status, headers, exc_info) if exc_info else start_response(status, headers)

        try:
            again = cache.repeated(environ, start)
            return bodies(environ, start) if again is None else again
        finally:
            observe(environ, said, size, time.perf_counter() - started)

    return counted


def _access_log(settings: Settings) -> AccessLog | None:
    form = str(settings.access_log)  # one of FORMS: `server.serve.check` has refused any other
    if form == "off":
        return None
    log = AccessLog(form, queries=bool(settings.log_queries))
    # The web process ends without running what atexit knows; this runs in it too.
    Finalize(None, log.close, exitpriority=10)
    return log


def _query_text(environ: WSGIEnvironment) -> str:
    """Return the query part of the address, and a posted body where there is one."""
    body = environ["wsgi.input"].getvalue() if isinstance(environ.get("wsgi.input"), BytesIO) else b""
    return "&".join(filter(None, (environ.get("QUERY_STRING", ""), body.decode("utf-8", "replace"))))
