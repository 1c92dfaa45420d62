"""Where gathered datasets come from: `/datasets/sources`, each catalogue with its counts and the quality it has."""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint, Response

from server.formats import HTML, JSON
from server.harvest import harvest_iri, read_about
from server.instance import Opened
from server.views.http import answer, here, language, negotiated, page, torg, with_query

blueprint = Blueprint("harvest", __name__)

_KEPT = ("key", "name", "address", "source", "form", "time", "datasets", "republish", "quality")


def gathered(opened: Opened) -> list[dict[str, Any]]:
    """Return what a generation knows of its gathered catalogues, read once."""
    if "gathered" not in opened.memo:
        about = read_about(opened.generation.path)
        opened.memo["gathered"] = [{name: one[name] for name in _KEPT} for one in about]
    found: list[dict[str, Any]] = opened.memo["gathered"]
    return found


@blueprint.get("/datasets/sources")
def sources() -> Response:
    """Answer the catalogues that are gathered here, as a page or as JSON."""
    chosen, spoken = negotiated((HTML, JSON)), language()
    opened, site = torg().current(), torg().site
    found = [
        about | {"iri": harvest_iri(site, about["key"]), "graph": site.uris.iri(f"graph/harvest/{about['key']}")}
        for about in gathered(opened)
    ]
    if chosen is JSON:
        body = (json.dumps(found, ensure_ascii=False, indent=1) + "\n").encode()
    else:
        listed = [(about, here(with_query("/datasets", origin=str(about["key"])))) for about in found]
        body = page("sources.html", spoken, listed=listed, generation=opened.generation.name)
    return answer(body, chosen.content_type, vary=("Accept", "Accept-Language"), content_language=spoken)
