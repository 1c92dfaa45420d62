"""For the operator, on the machine itself: which queries run just now (`/-/queries`), and ending one of them."""

from __future__ import annotations

import json
from dataclasses import asdict

from flask import Blueprint, Response, current_app, request

from server.errors import Problem
from server.operator_key import NAME, is_operator
from server.query_service import QueryService
from server.views.http import answer, torg

blueprint = Blueprint("queries", __name__)


@blueprint.get("/-/queries")
def queries() -> Response:
    """Answer the evaluations that run or wait, the oldest first."""
    pool = _service().started
    listed = [asdict(evaluation) for evaluation in pool.evaluations()] if pool is not None else []
    return _told({"queries": listed})


@blueprint.delete("/-/queries/<int:id>")
def end(id: int) -> Response:
    """End an evaluation; who asked for it gets 503."""
    pool = _service().started
    if pool is None or not pool.end(id):
        raise Problem(
            404,
            f"There is no query {id} any more; it may just have been answered.",
            sv=f"Det finns ingen fråga {id} längre; den kan just ha besvarats.",
        )
    return _told({"ended": id})


def _service() -> QueryService:
    """Return the readers; raises Problem 403 for anybody but the operator."""
    if not is_operator(request.environ, torg().data.path):
        raise Problem(
            403,
            "Running queries are shown to the operator only: with `torg queries list` on the machine itself, which "
            f"reads {NAME} in the data folder.",
            sv=(
                "Frågor som pågår visas bara för den som driver servern: med `torg queries list` på själva maskinen, "
                f"som läser {NAME} i datamappen."
            ),
        )
    service: QueryService = current_app.extensions["torg.queries"]
    return service


def _told(members: dict[str, object]) -> Response:
    body = json.dumps(members, ensure_ascii=False).encode() + b"\n"
    return answer(body, "application/json", cache_control="no-store")
