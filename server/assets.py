"""The built scripts and styles: the hashed name of each, as the manifest of server/static/dist tells."""

from __future__ import annotations

import json
import os
from functools import cache, lru_cache
from importlib.resources import files

PLAIN = "plain.css"
"""The style of an installation that was built without the front end."""


def manifest_time() -> int:
    """Return when the manifest was written, 0 without one; a rebuild beside a running server is seen by it."""
    try:
        return os.stat(_path()).st_mtime_ns
    except OSError:
        return 0


@lru_cache(maxsize=2)
def read_manifest(_time: int) -> dict[str, str]:
    """Return the path below /static of each built file by its plain name; {} when nothing was built."""
    manifest = files("server") / "static" / "dist" / "manifest.json"
    if not manifest.is_file():
        return {}
    return {name: f"dist/{built}" for name, built in json.loads(manifest.read_text("utf-8")).items()}


@cache
def _path() -> str:
    return str(files("server") / "static" / "dist" / "manifest.json")
