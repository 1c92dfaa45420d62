"""Makes a new site folder from the starter region that ships with torg."""

from __future__ import annotations

import re
from importlib.resources import as_file, files
from pathlib import Path
from shutil import copytree, ignore_patterns

from server.errors import OperationError

_OWN_BASE = re.compile(
    r'^base = "(?:https://data\.norrsjo\.example/|http://(?:127\.0\.0\.1|localhost)(?::\d+)?/)"', re.M
)


def init(folder: Path) -> Path:
    """Copy the starter region into a new or empty folder and return the folder.

    Raises OperationError when the folder has something in it: nothing of a steward's is overwritten.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OperationError(
            f"{folder} is not empty. Name a new folder, such as `torg init mystad`.",
            f"{folder} är inte tom. Ange en ny mapp, till exempel `torg init mystad`.",
        )
    try:
        with as_file(files("server") / "starter") as starter:
            copytree(starter, folder, dirs_exist_ok=True, ignore=ignore_patterns("__pycache__", "*.py"))
    except OSError as error:
        raise OperationError(
            f"{folder} cannot be made: {error.strerror or error}.",
            f"{folder} går inte att skapa: {error.strerror or error}.",
        ) from error
    return folder


def live_at(folder: Path, address: str) -> bool:
    """Let the demo's identifiers begin with the address it is served on; return whether that changed site.toml.

    A base that a steward has chosen is left alone: only the starter's own and a former demo's change.
    """
    path = folder / "site.toml"
    text = path.read_text("utf-8")
    changed = _OWN_BASE.sub(f'base = "{address}"', text, count=1)
    if changed == text:
        return False
    path.write_text(changed, "utf-8")
    return True
