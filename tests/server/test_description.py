"""The documented shape of a description: own properties, parts, names, what points here, and the document."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path

import pytest
from rdflib import Graph, URIRef

from server.description import PAGE, Description, Window, describe, describe_page, incoming, label_statements, whole
from server.rdf_formats import write_statements
from server.store import ReadStore, WriteStore
from server.turtle import Statement

BASE = "https://data.asen.example/"
SCHOOL, DOCUMENT = f"{BASE}id/school/1", f"{BASE}res/school/1"
NAME, LABEL = "https://schema.org/name", "http://www.w3.org/2000/01/rdf-schema#label"
OPENS, ADDRESS = "https://schema.org/opens", "https://schema.org/address"
PART = f"{BASE}.well-known/genid/skolor-c14n0"


def iri(subject: str, property: str, value: str) -> str:
    return f"<{subject}> <{property}> <{value}> .\n"


def text(subject: str, property: str, value: str) -> str:
    return f'<{subject}> <{property}> "{value}"@sv .\n'


LINES = [
    text(SCHOOL, NAME, "Ängsskolan"),
    iri(SCHOOL, "https://schema.org/areaServed", f"{BASE}def/place/9901"),
    text(f"{BASE}def/place/9901", LABEL, "Åsen"),
    text(f"{BASE}def/place/9901", "https://schema.org/slogan", "Inte här"),
    iri(SCHOOL, ADDRESS, PART),
    text(PART, "https://schema.org/streetAddress", "Skolgatan 1"),
    iri(PART, "https://schema.org/containedInPlace", PART),  # a circle of parts ends
    *(text(SCHOOL, OPENS, f"tid {number:04d}") for number in range(PAGE + 50)),
    *(iri(f"{BASE}id/pupil-count/{number:04d}", "https://schema.org/about", SCHOOL) for number in range(1500)),
    *(iri(f"{BASE}id/board/{number}", "https://schema.org/owns", SCHOOL) for number in range(3)),
    text(f"{BASE}id/board/1", NAME, "Skolnämnden"),
]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> ReadStore:
    folder: Path = tmp_path_factory.mktemp("description") / "store"
    made = WriteStore(folder)
    made.add(LINES, None)
    made.close()
    return ReadStore(folder)


def graph(statements: Iterable[Statement]) -> Graph:
    return Graph().parse(data=write_statements(statements), format="nt")


def names(store: ReadStore, iris: Iterable[str]) -> list[Statement]:
    return [statement for iri in iris for statement in label_statements(store, iri)]


def described(store: ReadStore) -> Description:
    found = describe(store, SCHOOL, DOCUMENT, lambda graphs: [f"{BASE}id/dataset/asen/skolor"])
    assert found is not None
    return found


@pytest.fixture(scope="module")
def found(store: ReadStore) -> Graph:
    description = described(store)
    return graph(description.statements(partial(names, store)))


def values(found: Graph, subject: str, property: str) -> set[str]:
    return {str(value) for value in found.objects(URIRef(subject), URIRef(property))}


def test_own_properties_are_bounded_with_their_true_count(found: Graph) -> None:
    assert values(found, SCHOOL, NAME) == {"Ängsskolan"}
    assert len(values(found, SCHOOL, OPENS)) == PAGE
    collection = f"{DOCUMENT}?property=https%3A%2F%2Fschema.org%2Fopens"
    assert values(found, collection, "http://www.w3.org/ns/hydra/core#totalItems") == {str(PAGE + 50)}
    assert values(found, collection, "http://www.w3.org/ns/hydra/core#first") == {f"{collection}&page=1"}


def test_parts_come_along(found: Graph) -> None:
    assert values(found, PART, "https://schema.org/streetAddress") == {"Skolgatan 1"}


def test_what_is_named_is_named_and_no_more(found: Graph) -> None:
    assert values(found, f"{BASE}def/place/9901", LABEL) == {"Åsen"}
    assert values(found, f"{BASE}def/place/9901", "https://schema.org/slogan") == set()
    assert values(found, f"{BASE}id/board/1", NAME) == {"Skolnämnden"}


def test_what_points_here_is_counted(found: Graph, store: ReadStore) -> None:
    totals = {item.iri: (item.total, len(item.subjects)) for item in incoming(store, SCHOOL, 20)}
    assert totals == {"https://schema.org/about": (1500, 20), "https://schema.org/owns": (3, 3)}
    collection = f"{DOCUMENT}?inverse=https%3A%2F%2Fschema.org%2Fabout"
    assert values(found, collection, "http://www.w3.org/ns/hydra/core#totalItems") == {"1500"}


def test_the_document_says_what_it_is_about(found: Graph) -> None:
    assert values(found, DOCUMENT, "http://xmlns.com/foaf/0.1/primaryTopic") == {SCHOOL}
    assert values(found, DOCUMENT, "http://rdfs.org/ns/void#inDataset") == {f"{BASE}id/dataset/asen/skolor"}


def test_the_whole_has_everything_and_the_description_too(store: ReadStore, found: Graph) -> None:
    every = graph(whole(store, described(store), partial(names, store)))
    assert set(found) <= set(every)
    assert len(values(every, SCHOOL, OPENS)) == PAGE + 50
    assert len(set(every.subjects(URIRef("https://schema.org/about"), URIRef(SCHOOL)))) == 1500


@pytest.mark.parametrize(
    ("property", "inverse", "sizes"),
    [(OPENS, False, [200, 50]), ("https://schema.org/about", True, [200] * 7 + [100])],
)
def test_pages_hold_every_value_once(store: ReadStore, property: str, inverse: bool, sizes: list[int]) -> None:
    seen: list[str] = []
    for page, size in enumerate(sizes, 1):
        part = describe_page(store, SCHOOL, DOCUMENT, Window(property, inverse, page))
        assert part is not None
        shown = list(part.inverse[0].subjects) if inverse else [value.text for value in part.properties[0].values]
        assert len(shown) == size
        seen += shown
    assert len(seen) == len(set(seen)) == sum(sizes)
    assert describe_page(store, SCHOOL, DOCUMENT, Window(property, inverse, len(sizes) + 1)) is None


def test_nothing_is_said_of_what_nobody_mentions(store: ReadStore) -> None:
    assert describe(store, f"{BASE}id/school/none", DOCUMENT) is None
