"""What a public site has to tell about itself: what it is, how accessible it is, and what it knows of its visitors."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response
from flask.typing import ResponseReturnValue

from server.formats import HTML
from server.presentation import day
from server.views.frame import contact
from server.views.http import answer, in_language, language, negotiated, page, torg

blueprint = Blueprint("about", __name__)


@blueprint.get("/about")
def about() -> ResponseReturnValue:
    """Answer who publishes here, what there is and how it may be used."""
    site = torg()
    opened = site.current()
    return _page(
        "about.html",
        publishers=sorted(site.site.publishers.values(), key=lambda publisher: publisher.key),
        datasets=len(opened.generation.datasets),
        triples=int(opened.generation.manifest["default_graph_triples"]),
        generation=opened.generation.name,
    )


@blueprint.get("/accessibility")
def accessibility() -> ResponseReturnValue:
    """Answer the accessibility statement (the Swedish act 2018:1937, and the model of (EU) 2018/1523)."""
    site = torg().site
    said: dict[str, Any] = site.raw.get("accessibility", {})
    spoken = language()
    return _page(
        "accessibility.html",
        status=said.get("status", ""),
        assessed=day(str(said["assessed"]), spoken) if said.get("assessed") else "",
        method=in_language(said.get("method", {}), spoken),
        faults=[in_language(fault, spoken) for fault in said.get("faults", [])],
        write_to=str(said.get("contact", "")) or contact(torg()),
    )


@blueprint.get("/privacy")
def privacy() -> ResponseReturnValue:
    """Answer what the site keeps of its visitors: no cookies, no other servers, and what the log holds."""
    parts = torg().site.raw.get("map", {})
    settings = torg().settings
    return _page(
        "privacy.html",
        tiles=bool(parts.get("tiles")),
        owner=parts.get("attribution", ""),
        logged=str(settings.access_log) != "off",
        queries=bool(settings.log_queries),
    )


def _page(template: str, **context: Any) -> Response:
    negotiated((HTML,))
    spoken = language()
    body = page(template, spoken, **context)
    return answer(body, HTML.content_type, vary=("Accept", "Accept-Language"), content_language=spoken)
