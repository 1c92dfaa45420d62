"""Writes small files whole or not at all: who is killed, or loses power, in the middle leaves what was there before."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

PART = ".part"
"""What the name of a file ends with that is not whole yet; one that is left means nothing."""


def write_text(path: Path, text: str, mode: int = 0o666) -> None:
    """Write a text in UTF-8 in place of a file, durably; its folder must be there. Raises OSError."""
    part = path.with_name(path.name + PART)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)


def write_json(path: Path, document: Any, mode: int = 0o666) -> None:
    """Write a document as JSON in place of a file, as `write_text` does."""
    write_text(path, json.dumps(document, indent=1, ensure_ascii=False), mode)
