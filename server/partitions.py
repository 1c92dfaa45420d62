"""What a graph holds, counted: classes, properties and described things, for VoID and the sitemap."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

from server.generations import GraphEntry
from server.graph_files import read_graph, subject
from server.survey import Surveys

FILE = "partitions.json"
"""Where publication leaves the counts, below the generation."""

_TYPE = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>"


@dataclass(frozen=True, slots=True)
class Partitions:
    """The counts of one graph: triples by property, things by class, and how many subjects have an address."""

    classes: dict[str, int]
    properties: dict[str, int]
    described: int


def count_partitions(dump: Path, base: str) -> Partitions:
    """Return the counts of a canonical dump, in one pass (about a microsecond a triple)."""
    classes: Counter[str] = Counter()
    properties: Counter[str] = Counter()
    described, last = 0, ""
    for line in read_graph(dump):
        name, property, rest = line.split(" ", 2)
        properties[property[1:-1]] += 1
        if property == _TYPE:
            classes[rest[1 : rest.index(">")]] += 1
        if name != last:
            last = name
            described += addressed(name[1:-1], base)
    return Partitions(dict(sorted(classes.items())), dict(sorted(properties.items())), described)


def write_partitions(
    folder: Path, graphs: Iterable[GraphEntry], base: str, previous: Path | None, surveys: Surveys | None = None
) -> None:
    """Write the counts of a generation's published graphs; those of unchanged graphs are taken from the last one's."""
    known = read_partitions(previous, base)

    def count(entry: GraphEntry) -> Partitions:
        if surveys is None:
            return count_partitions(folder / entry.dump, base)
        found = surveys.of(entry, entry.dump)
        return Partitions(found.classes, found.properties, found.described)

    counted = {entry.sha256: asdict(known.get(entry.sha256) or count(entry)) for entry in graphs if entry.published}
    (folder / FILE).write_text(json.dumps({"base": base, "graphs": counted}, ensure_ascii=False), "utf-8")


def read_partitions(folder: Path | None, base: str = "") -> dict[str, Partitions]:
    """Return the counts of a generation's graphs by the hash of their content; empty when it has none for the base."""
    if folder is None or not (folder / FILE).is_file():
        return {}
    read = json.loads((folder / FILE).read_text("utf-8"))
    if base and read["base"] != base:
        return {}
    return {sha256: Partitions(**counts) for sha256, counts in read["graphs"].items()}


def addressed(iri: str, base: str) -> bool:
    """Return whether an IRI is one of our things or concepts, and so has a description at an address of its own."""
    return iri.startswith((f"{base}id/", f"{base}def/")) and "#" not in iri


def addressed_subjects(dump: Path, base: str, start: int, most: int) -> Iterator[str]:
    """Yield the subjects of a canonical dump that have an address, from a number on, at most so many."""
    return islice(_addressed(dump, base), start, start + most)


def _addressed(dump: Path, base: str) -> Iterator[str]:
    last = ""
    for line in read_graph(dump):
        name = subject(line)
        if name != last:
            last = name
            if addressed(name, base):
                yield name
