"""Fair use of answers that take work in the web process: few at a time, and their time is the client's query time."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Blueprint, current_app, request

from server.errors import Problem
from server.query_service import QueryService
from server.sparql_errors import BUSY
from server.views.http import torg

blueprint = Blueprint("batches", __name__)

_AT_ONCE = 3  # they share one interpreter with the pages, which stay quick with a few of these beside them
_WAIT = 5.0


@blueprint.record
def _start(state: object) -> None:
    state.app.extensions["torg.batches"] = threading.BoundedSemaphore(_AT_ONCE)  # type: ignore[attr-defined]


@contextmanager
def charged() -> Iterator[None]:
    """Let a batch in and charge its client for the time it takes; raises Problem 401, 429 or 503."""
    service: QueryService = torg().readers
    client = service.client(
        request.remote_addr or "", request.headers.getlist("X-Forwarded-For"), request.headers.get("Authorization")
    )
    turn: threading.BoundedSemaphore = current_app.extensions["torg.batches"]
    if not client.token:
        service.budgets.enter(client.name)
    spent = 0.0
    try:
        if not turn.acquire(timeout=_WAIT):
            raise Problem(
                503,
                "Others are sending batches just now.",
                sv="Andra skickar många frågor på en gång just nu.",
                title=BUSY,
                headers={"Retry-After": "5"},
            )
        started = time.monotonic()
        try:
            yield
        finally:
            spent = time.monotonic() - started
            turn.release()
    finally:
        if not client.token:
            service.budgets.leave(client.name, spent)
