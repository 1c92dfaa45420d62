"""Service pages: is the process alive, and can it answer questions (`/-/health`, `/-/ready`); never cached."""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint, Response

from server.errors import OperationError, Problem
from server.publish_every import read_last_run
from server.views.http import answer, torg

blueprint = Blueprint("service", __name__)


@blueprint.get("/-/health")
def health() -> Response:
    """Answer 200 as long as the process answers at all, with what is damaged and how the last run went by itself."""
    # Neither damage nor a failing publication is mended by restarting what serves: they are told beside.
    members: dict[str, Any] = {"status": "ok"}
    last = read_last_run(torg().data.path)
    if last is not None:
        members["publishing"] = {"status": last.status, "time": last.time, "failures": last.failures}
    if damaged := torg().watch.still_damaged():
        members["damaged"] = damaged
    if torg().ledger.damage:
        members["ledger"] = torg().ledger.damage
    return _told(members, 200)


@blueprint.get("/-/ready")
def ready() -> Response:
    """Answer 200 when a generation is open and its store reads, else 503 with the reason."""
    try:
        generation = torg().generation()
        generation.store.describes(torg().site.base)
    except (Problem, OperationError) as error:
        return _told({"status": "not ready", "reason": str(error)}, 503)
    return _told({"status": "ready", "generation": generation.name}, 200)


def _told(members: dict[str, Any], status: int) -> Response:
    return answer(json.dumps(members).encode() + b"\n", "application/json", status=status, cache_control="no-store")
