"""Finds things that two publishers describe under one address and call differently: keys that were to be unique clash.

Addresses hold the publisher's authority unless their key is unique in the country (a school unit's code), so only those
without it are looked at. Organizations are left out: every ledger names its suppliers in its own way.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from loaders.findings import Finding
from server.generations import GraphEntry
from server.graph_files import read_graph
from server.survey import NAMES, Surveys

_MOST = 500_000  # triples of a graph; what is larger is a ledger, whose rows have their publisher's authority


FILE = "keys.json"
"""Where publication leaves the names by key of each graph, so that only changed graphs are read for them."""


def clashes(
    folder: Path,
    graphs: Iterable[GraphEntry],
    base: str,
    previous: Path | None = None,
    surveys: Surveys | None = None,
) -> list[Finding]:
    """Return a finding for each two datasets of different publishers that call the same things differently.

    What the generation in `previous` knows of unchanged graphs is used again; what is known now is left in `folder`.
    """
    before, now = _read(previous), dict[str, dict[str, str]]()
    known: dict[str, tuple[str, str]] = {}  # name and dataset by address
    found: dict[tuple[str, str], list[str]] = {}
    for entry in sorted(graphs, key=lambda graph: graph.iri):
        path = folder / entry.dump
        if entry.kind != "dataset" or entry.triples > _MOST or not path.is_file():
            continue
        names = before.get(entry.sha256)
        if names is None:
            names = surveys.of(entry, entry.dump).keys if surveys else _names(path, f"<{base}id/")
        now[entry.sha256] = names
        for key, value in names.items():
            name, dataset = known.setdefault(key, (value, entry.dataset))
            mine, theirs = entry.dataset.partition("/")[0], dataset.partition("/")[0]
            if mine != theirs and name.casefold() != value.casefold():
                found.setdefault((dataset, entry.dataset), []).append(f"{base}id/{key}")
    (folder / FILE).write_text(json.dumps(now, ensure_ascii=False), "utf-8")
    return [
        Finding("identifiers.clash", second, count=len(things), detail=(("other", first), ("thing", things[0])))
        for (first, second), things in sorted(found.items())
    ]


def _names(dump: Path, begins: str) -> dict[str, str]:
    """Return the name of each thing of a graph whose key is unique in the country, by that key."""
    names: dict[str, str] = {}
    for line in read_graph(dump):
        if not line.startswith(begins):
            continue
        kind, _, key = line[len(begins) : line.index("> ")].partition("/")
        if "/" in key or kind == "organization":
            continue
        _, property, value = line.split(" ", 2)
        if property in NAMES:
            names.setdefault(f"{kind}/{key}", value)
    return names


def _read(folder: Path | None) -> dict[str, dict[str, str]]:
    if folder is None or not (folder / FILE).is_file():
        return {}
    read: dict[str, dict[str, str]] = json.loads((folder / FILE).read_text("utf-8"))
    return read
