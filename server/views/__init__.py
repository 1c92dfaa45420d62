"""The HTTP views: one blueprint per group of addresses, put together into one application."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

from flask import Flask

from server.views.errors import register_errors
from server.views.http import register_http

if TYPE_CHECKING:
    from server.instance import Torg

BLUEPRINTS = (
    "home", "resources", "specifications", "graphs", "dumps", "wellknown", "service", "datasets", "sparql", "api",
)  # fmt: skip
"""The modules of this package with a blueprint named `blueprint`."""


def make_app(torg: Torg) -> Flask:
    """Return the application that serves a site."""
    app = Flask(__name__, static_folder="../static", template_folder="../templates")
    app.extensions["torg"] = torg
    # Identifiers are looked up as they are spelled: another spelling is another address, and so a 404.
    app.url_map.strict_slashes = True
    app.url_map.merge_slashes = False
    app.config["MAX_CONTENT_LENGTH"] = 2 * int(torg.settings.query_length) + 65_536
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    register_http(app)
    register_errors(app)
    for name in BLUEPRINTS:
        if find_spec(f"{__name__}.{name}"):
            app.register_blueprint(import_module(f"{__name__}.{name}").blueprint)
    return app
