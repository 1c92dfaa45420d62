"""Where the pulled copies of publishers' sites lie in the data folder, and the datasets in them."""

from __future__ import annotations

import json
from pathlib import Path

PULLED = "publishers"
STATE = "pulled.json"


def pulled_datasets(data: Path, key: str) -> Path | None:
    """Return the datasets' folder in the copy of a publisher's site; None when nothing was pulled."""
    folder = data / PULLED / key
    try:
        state = json.loads((folder / STATE).read_text("utf-8"))
        name = state["copy"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return datasets_of(folder / name, key) if isinstance(name, str) and "/" not in name else None


def datasets_of(folder: Path, key: str) -> Path | None:
    """Return the folder of the publisher's datasets in a copy: by the key, or the only one there is."""
    named = folder / "datasets" / key
    if named.is_dir():
        return named
    found = [place for place in (folder / "datasets").glob("*") if place.is_dir()]
    return found[0] if len(found) == 1 else None
