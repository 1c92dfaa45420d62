"""Finds things that two publishers describe under one address and call differently: keys that were to be unique clash.

Addresses hold the publisher's authority unless their key is unique in the country (a school unit's code), so only those
without it are looked at. Organizations are left out: every ledger names its suppliers in its own way.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from loaders.findings import Finding
from server.generations import GraphEntry
from server.graph_files import read_graph
from server.site import Site

_NAMES = tuple(
    f"<{name}>"
    for name in ("https://schema.org/name", "http://www.w3.org/2000/01/rdf-schema#label", "http://purl.org/dc/terms/title")
)  # fmt: skip
_MOST = 500_000  # triples of a graph; what is larger is a ledger, whose rows have their publisher's authority


def clashes(folder: Path, graphs: Iterable[GraphEntry], site: Site) -> list[Finding]:
    """Return a finding for each two datasets of different publishers that call the same things differently."""
    begins = f"<{site.base}id/"
    known: dict[str, tuple[str, str]] = {}  # name and dataset by address
    found: dict[tuple[str, str], list[str]] = {}
    for entry in sorted(graphs, key=lambda graph: graph.iri):
        path = folder / entry.dump
        if entry.kind != "dataset" or entry.triples > _MOST or not path.is_file():
            continue
        for line in read_graph(path):
            if not line.startswith(begins):
                continue
            subject, property, value = line.split(" ", 2)
            kind, _, key = subject[len(begins) : -1].partition("/")
            if property not in _NAMES or "/" in key or kind == "organization":
                continue
            name, dataset = known.setdefault(subject, (value, entry.dataset))
            mine, theirs = entry.dataset.partition("/")[0], dataset.partition("/")[0]
            if mine != theirs and name.casefold() != value.casefold():
                found.setdefault((dataset, entry.dataset), []).append(subject[1:-1])
    return [
        Finding("identifiers.clash", second, count=len(things), detail=(("other", first), ("thing", things[0])))
        for (first, second), things in sorted(found.items())
    ]
