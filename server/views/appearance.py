"""How a site looks: the colours computed from its accent, and its logo."""

from __future__ import annotations

import mimetypes

from flask import Blueprint, Response

from server.errors import Problem
from server.theme import stylesheet
from server.views.frame import accent
from server.views.http import answer, torg

blueprint = Blueprint("appearance", __name__)

# The address holds a mark of the colours, so that a copy can be kept until they change.
_KEEP = "public, max-age=31536000, immutable"
_DAY = "public, max-age=86400"


@blueprint.get("/theme.css")
def theme() -> Response:
    """Answer the accent colours as custom properties."""
    return answer(stylesheet(accent(torg())).encode(), "text/css; charset=utf-8", cache_control=_KEEP)


@blueprint.get("/logo")
def logo() -> Response:
    """Answer the image that site.toml names as its logo."""
    site = torg().site
    name = site.raw.get("site", {}).get("logo")
    if not name or not (file := site.folder / name).is_file():
        raise Problem(404, "This site has no logo.", sv="Webbplatsen har ingen logotyp.")
    return answer(file.read_bytes(), mimetypes.guess_type(name)[0] or "image/svg+xml", cache_control=_DAY)


@blueprint.get("/map/border.geojson")
def border() -> Response:
    """Answer the border that site.toml gives for maps, as the GeoJSON it is."""
    site = torg().site
    name = site.raw.get("map", {}).get("base")
    if not name:
        raise Problem(404, "This site has no border for maps.", sv="Webbplatsen har ingen gräns för kartor.")
    return answer((site.folder / name).read_bytes(), "application/geo+json", cache_control=_DAY)
