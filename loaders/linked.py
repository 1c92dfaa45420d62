"""CSVW metadata that a source on the web links to: fetched with the source, when nothing nearer describes it.

Tabular Data Model 5.2 (Link Header). A link that leads nowhere, or to metadata of another file, is passed over.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from loaders.csvw.discovery import described_by, refers
from loaders.csvw.problems import CsvwError
from loaders.csvw.resources import parse_json
from loaders.errors import SourceError
from loaders.source import SourceFile

Fetch = Callable[[str], list[SourceFile]]
# What is longer is data.
_LONGEST = 16 << 20


def linked_metadata(source: str, file: SourceFile, fetch: Fetch) -> SourceFile | None:
    """Return the metadata document that the answer of an address links to and that describes it; None without one."""
    for target in reversed(described_by(file.header("Link"), source)):
        try:
            found = fetch(target)[0]
            if found.path.stat().st_size > _LONGEST:
                continue
            document = parse_json(found.path.read_text("utf-8-sig"), target)
        except (SourceError, CsvwError, UnicodeError):
            continue
        if refers(document, target, source):
            return replace(found, name=f"{file.name}-metadata.json", describes=file.name)
    return None
