"""From a row of a source file to the thing that was published from it: what `server.trace` tells, the other way."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from server.conversion import row_key
from server.generations import Generation

# A place in a source: file, sheet ("" when the file has none, or none was told), row.
Place = tuple[str, str, int]


def published_places(generation: Generation, dataset: str, places: Iterable[Place]) -> set[Place]:
    """Return those of the places that a published thing of the dataset has its row at."""
    wanted = set(places)
    return {place for _, found in _deliveries(generation, dataset, wanted) for place, _ in found}


def thing_at(generation: Generation, dataset: str, place: Place) -> str:
    """Return the IRI of the thing that was made of a row, "" when there is none."""
    for graph, found in _deliveries(generation, dataset, {place}):
        keys = {key for _, key in found}
        for subject in generation.store.classed_in(graph):
            if row_key(subject) in keys:
                return subject
    return ""


def _deliveries(
    generation: Generation, dataset: str, wanted: set[Place]
) -> Iterator[tuple[str, list[tuple[Place, int]]]]:
    """Yield (named graph, [(place, key of the subject)]) of each delivery that has any of the places."""
    known = generation.datasets.get(dataset, {}).get("deliveries", {})
    for graph in generation.graphs.values():
        if graph.kind != "dataset" or graph.dataset != dataset:
            continue
        rows = generation.path / "rows" / f"{dataset}{f'/{graph.period}' if graph.period else ''}.sqlite"
        found = list(_rows(rows, known.get(graph.period, {}), wanted)) if rows.exists() else []
        if found:
            yield graph.iri, found


def _rows(rows: Path, delivery: Mapping[str, Any], wanted: set[Place]) -> Iterator[tuple[Place, int]]:
    files = {source.get("name", ""): number for number, source in enumerate(delivery.get("sources", []))}
    asked: dict[tuple[int, int], list[Place]] = {}
    for place in wanted:
        if place[0] in files:
            asked.setdefault((files[place[0]], place[2]), []).append(place)
    if not asked:
        return
    least, most = min(row for _, row in asked), max(row for _, row in asked)
    with closing(sqlite3.connect(f"file:{rows}?mode=ro&immutable=1", uri=True)) as index:
        for key, file, sheet, row in index.execute(
            "SELECT key, file, sheet, row FROM row WHERE row BETWEEN ? AND ?", (least, most)
        ):
            yield from ((place, key) for place in asked.get((file, row), ()) if place[1] in ("", sheet))
