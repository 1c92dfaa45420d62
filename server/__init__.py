"""How data is published and served: the store, generations, publishing, the HTTP views and the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from server.settings import Settings


def create_app(site: Path, settings: Settings | None = None) -> Flask:
    """Return the WSGI application of the site in a folder.

    Raises DescriptionError or SettingsError when the site's own files are wrong. Flask is imported
    here and not above, since reader processes and commands import this package without it.
    """
    from server.instance import Torg
    from server.views import make_app

    return make_app(Torg.open(site, settings))
