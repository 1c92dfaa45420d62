"""The HTTP views: one blueprint per group of addresses, put together into one application."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Flask

from server.direct_descriptions import DirectDescriptions
from server.presentation import day, postal_code
from server.views.errors import register_errors
from server.views.former import register_former_bases
from server.views.http import register_http

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from server.instance import Torg

BLUEPRINTS = (
    "home", "resources", "specifications", "graphs", "dumps", "wellknown", "service", "datasets", "sparql",
    "operations", "queries", "replica", "api", "resolve", "reconcile", "changes", "history", "quality",
    "contracts", "llms", "batches", "appearance", "about", "search", "concepts", "dataset_parts",
)  # fmt: skip
"""The modules of this package with a blueprint named `blueprint`."""
_BATCH_BYTES = 17 << 20  # a batch to resolve or reconcile; each view refuses what is too much for it


def make_app(torg: Torg) -> Flask:
    """Return the application that serves a site."""
    app = Flask(__name__, static_folder="../static", template_folder="../templates")
    app.extensions["torg"] = torg
    # Identifiers are looked up as they are spelled: another spelling is another address, and so a 404.
    app.url_map.strict_slashes = True
    app.url_map.merge_slashes = False
    app.config["MAX_CONTENT_LENGTH"] = max(2 * int(torg.settings.query_length) + 65_536, _BATCH_BYTES)
    app.jinja_env.filters |= {"postal_code": postal_code, "day": day}
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    former = [str(urlsplit(base).hostname) for base in torg.ledger.former_bases()]
    app.wsgi_app = DirectDescriptions(app.wsgi_app, torg, former)  # type: ignore[method-assign]
    if torg.uris.prefix:
        app.wsgi_app = _without_prefix(app.wsgi_app, torg.uris.prefix)  # type: ignore[assignment, method-assign]
    register_former_bases(app, torg)
    register_http(app)
    register_errors(app)
    for name in BLUEPRINTS:
        if find_spec(f"{__name__}.{name}"):
            app.register_blueprint(import_module(f"{__name__}.{name}").blueprint)
    return app


def _without_prefix(application: WSGIApplication, prefix: str) -> WSGIApplication:
    """Return the application for a base with a path prefix, whether a proxy in front takes it away or not."""

    def stripped(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path.startswith(f"{prefix}/"):
            environ = {**environ, "PATH_INFO": path[len(prefix) :]}
        return application(environ, start_response)

    return stripped
