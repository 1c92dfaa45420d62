"""Who uses a concept: `/impact?concept=`, and what the concept's own page shows of it."""

from __future__ import annotations

import json

from flask import Blueprint, Response, request

from server.errors import OperationError, Problem
from server.formats import JSON
from server.impact import Impact, find_concept, impact
from server.views.http import answer, negotiated, torg

blueprint = Blueprint("impact", __name__)


@blueprint.get("/impact")
def of_concept() -> Response:
    """Answer the datasets, columns, publishers and queries that use a concept, as JSON."""
    chosen, asked = negotiated((JSON,)), request.args.get("concept", "").strip()
    if not asked:
        raise Problem(
            400,
            "Which concept? ?concept= takes its address, a path such as service/T2.2, or its notation.",
            sv="Vilket begrepp? ?concept= tar dess adress, en sökväg som service/T2.2, eller dess kod.",
        )
    try:
        iri = find_concept(asked[:1000], torg().current().generation.store, torg().uris)
    except OperationError as error:
        raise Problem(404, str(error), sv=error.sv) from None
    body = (json.dumps(_impact(iri).members(), ensure_ascii=False, indent=1) + "\n").encode()
    return answer(body, chosen.content_type, vary=("Accept",))


@blueprint.app_template_global("impact_of")
def impact_of(iri: str) -> Impact | None:
    """Return who uses a concept, None when nobody does."""
    found = _impact(iri)
    return found if found.uses or found.below or found.queries else None


def _impact(iri: str) -> Impact:
    opened, kept = torg().current(), f"impact {iri}"
    if kept not in opened.memo:
        opened.memo[kept] = impact(iri, opened.generation, torg().uris)
    found: Impact = opened.memo[kept]
    return found
