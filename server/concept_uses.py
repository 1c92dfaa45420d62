"""Where concepts are used: for each published graph, how often each concept stands as the value of which property.

Counted once for each content of a graph, in the pass that publication makes anyway, so that the page of a concept with
a million uses is as quick as that of one with none.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from server.generations import Generation, GraphEntry
from server.graph_files import read_graph
from server.survey import Surveys

FILE = "uses.json"
"""Where publication leaves the counts, below the generation."""
_KINDS = ("dataset", "catalog", "harvest")

Uses = Mapping[str, Mapping[str, int]]
"""Number of uses by concept and property."""


def count_uses(dump: Path, bases: Iterable[str]) -> dict[str, dict[str, int]]:
    """Return how often concepts below these bases are used in a canonical dump, by property."""
    begins = tuple(f"<{base}def/" for base in dict.fromkeys(bases))
    found: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for line in read_graph(dump):
        _, property, value = line.split(" ", 2)
        if value.startswith(begins):
            found[value[1:-4]][property[1:-1]] += 1
    return {concept: dict(sorted(uses.items())) for concept, uses in sorted(found.items())}


def write_uses(
    folder: Path,
    graphs: Iterable[GraphEntry],
    bases: Iterable[str],
    previous: Path | None,
    surveys: Surveys | None = None,
) -> None:
    """Write the uses in a generation's graphs; those of unchanged graphs are taken from the last one's."""
    bases = list(bases)
    known = _read(previous, bases)

    def count(entry: GraphEntry) -> Uses:
        return surveys.of(entry, entry.dump).concepts if surveys else count_uses(folder / entry.dump, bases)

    counted = {
        entry.sha256: known[entry.sha256] if entry.sha256 in known else count(entry)
        for entry in graphs
        if entry.kind in _KINDS
    }
    (folder / FILE).write_text(json.dumps({"bases": bases, "graphs": counted}, ensure_ascii=False), "utf-8")


def read_uses(generation: Generation) -> dict[str, Uses]:
    """Return the uses in every graph of a generation, by the graph's IRI; empty for one made before they were kept."""
    counted = _read(generation.path, None)
    return {iri: counted[entry.sha256] for iri, entry in generation.graphs.items() if entry.sha256 in counted}


def _read(folder: Path | None, bases: list[str] | None) -> dict[str, Uses]:
    if folder is None or not (folder / FILE).is_file():
        return {}
    read = json.loads((folder / FILE).read_text("utf-8"))
    if bases is not None and read["bases"] != bases:
        return {}
    graphs: dict[str, Uses] = read["graphs"]
    return graphs
