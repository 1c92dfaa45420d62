"""The built scripts and styles: the hashed name of each, as the manifest of server/static/dist tells."""

from __future__ import annotations

import json
from importlib.resources import files

PLAIN = "plain.css"
"""The style of an installation that was built without the front end."""


def read_manifest() -> dict[str, str]:
    """Return the path below /static of each built file by its plain name; {} when nothing was built."""
    manifest = files("server") / "static" / "dist" / "manifest.json"
    if not manifest.is_file():
        return {}
    return {name: f"dist/{built}" for name, built in json.loads(manifest.read_text("utf-8")).items()}
