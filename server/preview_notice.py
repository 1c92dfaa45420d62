"""Reads what a data folder tells of the preview that it is, for the banner that every page of a preview carries."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

FOLDER, TOLD = "previews", "preview.json"
"""Where previews live below the real data folder, and the file in each that tells what it would change."""


def read_preview(data: Path) -> dict[str, Any] | None:
    """Return what a data folder tells of the preview that it is, None for a real one."""
    return _read(data) if FOLDER in data.parts else None


@lru_cache(maxsize=4)
def _read(data: Path) -> dict[str, Any] | None:
    try:
        told: dict[str, Any] = json.loads((data / TOLD).read_text("utf-8"))
    except FileNotFoundError:
        return None
    return told
