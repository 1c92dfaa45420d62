"""The graphs that do not come from datasets: shared concepts, mappings, ontology, and the site's own concepts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import ontology
from loaders.errors import DescriptionError
from loaders.findings import Finding
from server.graph_files import subject
from server.site import Site
from server.store import read_rdf


@dataclass(frozen=True, slots=True)
class SharedGraph:
    """A graph made from Turtle files: its IRI path, kind, and the files with the base to read them on."""

    path: str
    kind: str
    files: tuple[tuple[str, bytes], ...]
    base: str

    def lines(self) -> list[str]:
        """Return the N-Triples lines; raise DescriptionError when a file is no Turtle."""
        return list(_lines(self.files, self.base))


@lru_cache(maxsize=16)
def _lines(files: tuple[tuple[str, bytes], ...], base: str) -> tuple[str, ...]:
    """Return the lines of Turtle files: a run asks for the same ones several times."""
    lines: list[str] = []
    for name, source in files:
        try:
            lines += read_rdf([(source, name.removesuffix(".ttl"))], base)
        except SyntaxError as error:
            detail = (("reason", str(error)),)
            raise DescriptionError(Finding("site.not-turtle", file=name, row=error.lineno, detail=detail)) from None
    return tuple(lines)


def shared_graphs(site: Site) -> Iterator[SharedGraph]:
    """Yield the shared graphs of a site, in the order they are published."""
    base = site.concept_base
    yield SharedGraph("graph/shared/ontology", "ontology", _packaged("core.ttl") + _packaged("labels.ttl"), base)
    yield SharedGraph("graph/shared/concepts", "concepts", _packaged("concepts"), base)
    yield SharedGraph("graph/shared/mappings", "concepts", _packaged("mappings"), base)
    own = tuple((path.name, path.read_bytes()) for path in site.concept_files)
    if own:
        yield SharedGraph("graph/site/concepts", "concepts", own, site.base)


def _packaged(name: str) -> tuple[tuple[str, bytes], ...]:
    entry = ontology.root() / name
    files = [entry] if entry.is_file() else sorted(entry.iterdir(), key=lambda file: file.name)
    return tuple((file.name, file.read_bytes()) for file in files if file.name.endswith(".ttl"))


def check_concepts(site: Site) -> None:
    """Raise DescriptionError when the site's own concepts are no Turtle, or say something of a shared concept."""
    graphs = {graph.path: graph for graph in shared_graphs(site)}
    own = graphs.get("graph/site/concepts")
    if own is None:
        return
    shared = {subject(line) for line in graphs["graph/shared/concepts"].lines()}
    for name in sorted({subject(line) for line in own.lines()} & shared):
        raise DescriptionError(Finding("site.redefines-concept", file="concepts", detail=(("name", name),)))


def meaning_hash(site: Site) -> str:
    """Return a hash of all that gives a source its meaning: concepts, specifications, bases, mapping version."""
    digest = hashlib.sha256(f"{site.base} {site.concept_base} {MAPPING_VERSION}".encode())
    for graph in shared_graphs(site):
        for name, source in graph.files:
            digest.update(name.encode() + source)
    return digest.hexdigest()


MAPPING_VERSION = "1"
"""Raise it when the loaders give other triples for the same source and specification."""


def mapping_version(specification: str | None) -> str:
    """Return the version of the mapping that makes triples of rows: ours, and the specification's by its hash."""
    return f"{MAPPING_VERSION}/{specification_hash(specification)[:12]}" if specification else MAPPING_VERSION


def specification_hash(name: str) -> str:
    """Return a hash of a specification's table and shapes: a graph that no longer fits is looked at again."""
    folder = ontology.specification(name)
    return hashlib.sha256(b"".join((folder / file).read_bytes() for file in ("table.json", "shapes.ttl"))).hexdigest()


def concept_files(site: Site) -> tuple[list[Path], str, list[tuple[Path, str]]]:
    """Return what a ConceptIndex is built from: shared files, the base to read them on, and the site's own."""
    shared = [Path(str(file)) for file in (ontology.root() / "concepts").iterdir() if file.name.endswith(".ttl")]
    return sorted(shared), site.concept_base, [(path, site.base) for path in site.concept_files]
