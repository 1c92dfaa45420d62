"""A folder that stands for a site, in which the tests put packages."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rdflib import Graph

from loaders.csvw.convert import Validation, convert, validate

BASE = "https://data.orebro.se/csv/"


class Site:
    """Files beneath BASE, and what the engine makes of them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.warnings: list[str] = []

    def put(self, name: str, content: Any) -> str:
        """Write a file (text, bytes or JSON) and return its IRI."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8", newline="")
        return BASE + name

    def describe(self, csv: str | bytes, **properties: Any) -> str:
        """Write a table and its metadata, and return the metadata's IRI."""
        self.put("t.csv", csv)
        return self.put("t.json", {"@context": "http://www.w3.org/ns/csvw", "url": "t.csv", **properties})

    def lines(self, iri: str, **options: Any) -> list[str]:
        """Convert and return the lines; warnings go to `warnings`."""
        options = {"provenance": False} | options
        conversion = convert(iri, base=BASE, root=self.root, **options)
        found = "".join(conversion.lines())
        self.warnings = list(conversion.warnings)
        return found.splitlines(keepends=True)

    def graph(self, iri: str, **options: Any) -> Graph:
        """Convert and return the graph."""
        return Graph().parse(data="".join(self.lines(iri, **options)), format="nt")

    def cells(self, iri: str, **options: Any) -> dict[str, list[str]]:
        """Convert in minimal mode; return the objects, as N-Triples has them, by the property's last part."""
        found: dict[str, list[str]] = {}
        for line in self.lines(iri, minimal=True, **options):
            _, predicate, rest = line.removesuffix(" .\n").split(" ", 2)
            found.setdefault(predicate.strip("<>").rpartition("#")[2], []).append(rest)
        return found

    def validate(self, iri: str, **options: Any) -> Validation:
        """Validate the package."""
        return validate(iri, base=BASE, root=self.root, **options)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@pytest.fixture
def turtle() -> Callable[[str], Graph]:
    """Parse Turtle with the usual prefixes; `:` is the table's columns."""
    head = (
        "@prefix csvw: <http://www.w3.org/ns/csvw#> . @prefix xsd: <http://www.w3.org/2001/XMLSchema#> ."
        "@prefix dc: <http://purl.org/dc/terms/> . @prefix schema: <http://schema.org/> ."
        f"@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> . @prefix : <{BASE}t.csv#> . @base <{BASE}> ."
        "@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> ."
    )
    return lambda text: Graph().parse(data=head + text, format="turtle")
