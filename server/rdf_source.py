"""Datasets whose sources are RDF already: parsed apart, blank nodes skolemised, graph names kept when asked for."""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from loaders.description import Dataset
from loaders.errors import SourceError
from loaders.findings import Finding
from loaders.load import Delivery
from loaders.source import SourceFile
from server.confined import confined
from server.graph_files import GraphFile, write_graph

MEDIA_TYPES = {
    ".ttl": "text/turtle",
    ".nt": "application/n-triples",
    ".nq": "application/n-quads",
    ".trig": "application/trig",
    ".rdf": "application/rdf+xml",
    ".owl": "application/rdf+xml",
    ".jsonld": "application/ld+json",
    ".n3": "text/n3",
}
PARSE_SECONDS = 1800
_HELD = 50_000  # lines in memory before they are written to the files of their graphs


def is_rdf(delivery: Delivery) -> bool:
    """Return whether every file of a delivery is RDF by its name."""
    return all(Path(file.name).suffix.lower() in MEDIA_TYPES for file in delivery.files)


def convert_rdf(dataset: Dataset, delivery: Delivery, own_graph: str, base: str, dumps: Path) -> dict[str, GraphFile]:
    """Write a graph file for every graph of the delivery's files; return them by graph IRI.

    Graph names are kept with `keepGraphs = true` (never one under our base: those are ours to give);
    otherwise, and for triples without a graph, everything goes to the dataset's own graph.
    Raises SourceError with the parser's own message.
    """
    files: dict[str, GraphFile] = {}
    with tempfile.TemporaryDirectory(prefix="torg-rdf-", dir=_writable(dumps.parent)) as folder:
        parts = _split(dataset, delivery, own_graph, base, Path(folder))
        for graph, part in parts.items():
            target = dumps.with_name(f"{dumps.name}.nt.gz")
            if graph != own_graph:
                target = dumps / f"{hashlib.sha256(graph.encode()).hexdigest()[:16]}.nt.gz"
            with open(part, encoding="utf-8", newline="\n") as lines:
                files[graph] = write_graph(lines, target)
    return files


def _writable(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _split(dataset: Dataset, delivery: Delivery, own_graph: str, base: str, folder: Path) -> dict[str, Path]:
    """Write the lines of each graph to a file of its own in the folder."""
    parts: dict[str, Path] = {own_graph: folder / "0"}
    parts[own_graph].touch()
    waiting: dict[str, list[str]] = {}  # a file of its own held open for each graph could be more than a process may
    count = 0
    for file in delivery.files:
        for line in _quads(dataset, file, base):
            name, triple = line.split("\t", 1)
            graph = name if name and dataset.keep_graphs else own_graph
            if graph.startswith(base) and graph != own_graph:
                detail = (("graph", graph),)
                raise SourceError(Finding("source.graph-name", dataset.key, file.name, detail=detail))
            parts.setdefault(graph, folder / str(len(parts)))
            waiting.setdefault(graph, []).append(triple)
            count += 1
            if count % _HELD == 0:
                _append(parts, waiting)
    _append(parts, waiting)
    return {graph: part for graph, part in parts.items() if part.stat().st_size or len(parts) == 1}


def _append(parts: Mapping[str, Path], waiting: dict[str, list[str]]) -> None:
    for graph, lines in waiting.items():
        with open(parts[graph], "a", encoding="utf-8", newline="\n") as output:
            output.writelines(lines)
    waiting.clear()


def _quads(dataset: Dataset, file: SourceFile, base: str) -> Iterator[str]:
    media_type = MEDIA_TYPES[Path(file.name).suffix.lower()]
    skolem = f"{base}.well-known/genid/{file.sha256[:16]}-"
    with confined("server.rdf_process", [str(file.path), media_type, base, skolem], PARSE_SECONDS) as child:
        yield from child.lines
        if status := child.wait():
            reason = child.complaint() or f"the parser ended with {status}"
            match = re.match(r"line (\d+): ", reason)
            row = int(match[1]) if match else None
            detail = (("reason", reason),)
            raise SourceError(Finding("source.not-rdf", dataset.key, file.name, row=row, detail=detail))
