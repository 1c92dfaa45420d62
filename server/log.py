"""The story of a site: its generations, and what happened to one URI."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from server.generations import DataFolder
from server.history import History
from server.ledger import Ledger, LedgerEvent
from server.paths import spellings, split_suffix
from server.trace import sentence, trace
from server.uris import UriSpace


def generations(data: Path) -> list[dict[str, Any]]:
    """Return every generation ever made, newest first: number, time when kept, what changed, which is current."""
    folder = DataFolder(data)
    history = History(folder)
    current = int(folder.current_name() or 0)
    kept = set(folder.numbers())
    entries = []
    for number in sorted(_made(data) | kept, reverse=True):
        index, gone = history.index(number), history.purged(number)
        created = index.get("created") or (_created(folder, number) if number in kept else "")
        entry: dict[str, Any] = {
            "generation": number,
            "created": created,
            "graphs": len(index["graphs"]),
            "added": sum(graph["added"] for graph in index["graphs"]),
            "removed": sum(graph["removed"] for graph in index["graphs"]),
            "state": "current" if number == current else "kept" if number in kept else "history",
        }
        if gone:
            entry |= {"state": "purged", "purged": gone.time, "reason": gone.reason}
        elif "purged" in index:
            entry["forgotten"] = ", ".join(one["iri"] for one in index["purged"])
        entries.append(entry)
    return entries


def _created(folder: DataFolder, number: int) -> str:
    generation = folder.generation(number)
    try:
        return str(generation.manifest["created"])
    finally:
        generation.close()


def _made(data: Path) -> set[int]:
    history = data / "history"
    return {int(entry.name) for entry in history.iterdir() if entry.name.isdigit()} if history.is_dir() else set()


def story(data: Path, uris: UriSpace, uri: str) -> list[dict[str, Any]]:
    """Return what happened to a URI (absolute, or a path), oldest first; empty when it was never published."""
    ledger = Ledger(data / "ledger.sqlite")
    told = (ledger.events(path) for path in _paths(uris, uri))
    return [
        {"generation": event.generation, "time": event.time, "event": event.event, "detail": _short(event)}
        for event in next((events for events in told if events), [])
    ]


def _paths(uris: UriSpace, uri: str) -> list[str]:
    """Return the paths that a person may mean: a thing for its page, spelled as identifiers are."""
    path = uris.path(uri) if "://" in uri else "/" + uri.lstrip("/")
    if path is None:
        return []
    stem = split_suffix(path)[0]
    meant = [path] if not path.startswith("/res/") else [uris.described_path(path), uris.described_path(stem)]
    return list(dict.fromkeys(spelling for one in meant for spelling in (one, *spellings(unquote(one)))))


def origins(data: Path, uris: UriSpace, uri: str, language: str) -> list[str]:
    """Return where a URI of the current generation comes from, one line for each dataset and row, in a language."""
    generation = DataFolder(data).current()
    if generation is None:
        return []
    try:
        iris = [uris.iri(path) for path in _paths(uris, uri)] or [uri]
        found = next((traces for iri in iris if (traces := trace(generation, uris, iri))), [])
        return [sentence(one, language) for one in found]
    finally:
        generation.close()


def _short(event: LedgerEvent) -> str:
    if event.event == "purged":
        return event.detail  # the reason
    return ", ".join(json.loads(event.detail)) if event.detail.startswith("[") else ""
