"""The hierarchy as one graph, and the folder of shared data when it is there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from rdflib import Graph

import ontology

BASE = "https://data.example.se/begrepp/"
ROOT = Path(__file__).parents[2]


def parsed(*files: object) -> Graph:
    """Return the Turtle files as one graph beneath BASE."""
    graph = Graph()
    for file in files:
        graph.parse(data=file.read_text("utf-8"), format="turtle", publicID=BASE)  # type: ignore[attr-defined]
    return graph


@pytest.fixture(scope="session")
def concepts() -> Graph:
    return parsed(*ontology.concept_files())


@pytest.fixture(scope="session")
def mappings() -> Graph:
    return parsed(*ontology.mapping_files())


@pytest.fixture(scope="session")
def core() -> Graph:
    return parsed(ontology.core_file())


@pytest.fixture(scope="session")
def shared() -> Path:
    folder = Path(os.environ.get("TORG_SHARED", ROOT.parent / "shared")) / "data"
    if not folder.is_dir():
        pytest.skip("the folder of shared data is not here")
    return folder
