"""The label index finds what a whole name or code names, also without dots and in another case."""

import pytest

from server.label_lookup import LabelLookup
from server.labels import LabelIndex, build_labels, update_labels

SKOS = "http://www.w3.org/2004/02/skos/core#"
CONCEPT = "https://data.norrsjo.example/def/service/T7.6"
GRAPH = "https://data.norrsjo.example/graph/shared/concepts"


def concept(iri: str, sv: str, en: str, notation: str = "T1") -> list[str]:
    return sorted(
        [
            f'<{iri}> <{SKOS}prefLabel> "{sv}"@sv .\n',
            f'<{iri}> <{SKOS}prefLabel> "{en}"@en .\n',
            f'<{iri}> <{SKOS}notation> "{notation}" .\n',
            f"<{iri}> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <{SKOS}Concept> .\n",
        ]
    )


@pytest.fixture
def index(tmp_path):
    lines = concept(CONCEPT, "Snöröjning", "Snow clearance", "T7.6") + concept(
        "https://data.norrsjo.example/def/x/M", "Måleriarbeten", 'Painting "works"'.replace('"', '\\"')
    )
    build_labels(tmp_path / "labels.sqlite", [(GRAPH, lines)])
    return LabelIndex(tmp_path / "labels.sqlite")


@pytest.mark.parametrize("typed", ["Snöröjning", "SNÖRÖJNING", "snorojning", "T7.6", "t7.6"])
def test_a_whole_name_or_code_names_the_concept_whatever_its_case_and_dots(index, tmp_path, typed):
    found = LabelLookup(tmp_path / "labels.sqlite").named([typed])
    assert [CONCEPT] == [label.iri for label in found[typed]]


@pytest.mark.parametrize("typed", ['"', "AND OR NOT", "a*b(c)", "", "x" * 10_000, "NEAR(snö", "snör"])
def test_operators_nonsense_and_half_words_name_nothing(index, tmp_path, typed):
    assert {} == LabelLookup(tmp_path / "labels.sqlite").named([typed])


def test_labels_come_in_the_language_asked_for(index):
    assert ("Snow clearance", "en") == index.label(CONCEPT, "en")
    assert ("Snöröjning", "sv") == index.label(CONCEPT, "fi")
    assert 'Painting "works"' == index.label("https://data.norrsjo.example/def/x/M", "en")[0]
    assert index.label("https://data.norrsjo.example/def/none") is None


def test_an_update_equals_a_new_index(index, tmp_path):
    changed = concept(CONCEPT, "Halkbekämpning", "De-icing", "T7.6")

    update_labels(tmp_path / "labels.sqlite", tmp_path / "next.sqlite", [(GRAPH, changed)])

    updated = LabelLookup(tmp_path / "next.sqlite")
    assert {} == updated.named(["snorojning"])
    assert CONCEPT == updated.named(["halkbekampning"])["halkbekampning"][0].iri


def test_a_text_that_thousands_share_is_looked_up_in_bounded_work(tmp_path):
    lines = (f'<urn:{n % 3}:{n:04d}> <http://purl.org/dc/terms/identifier> "1" .\n' for n in range(3_000))
    build_labels(tmp_path / "labels.sqlite", [(GRAPH, sorted(lines))])
    lookup = LabelLookup(tmp_path / "labels.sqlite")
    whole, part = lookup.named(["1"])["1"], lookup.named(["1"], "urn:1:")["1"]
    assert len(whole) == len(part) == 500
    assert {label.role for label in whole} == {"notation"}
    assert all(label.iri.startswith("urn:1:") for label in part)
    assert lookup.named(["1"], "urn:9:") == {}


def test_labels_are_read_once_and_remembered_by_language(tmp_path):
    lines = ['<a:b> <http://schema.org/name> "Skola"@sv .\n', '<a:b> <http://schema.org/name> "School"@en .\n']
    build_labels(tmp_path / "labels.sqlite", [("g:", lines)])
    index = LabelIndex(tmp_path / "labels.sqlite")
    asked: list[str] = []
    index._index().set_trace_callback(asked.append)
    for _ in range(2):
        assert index.labels(["a:b", "a:none"], "sv") == {"a:b": ("Skola", "sv")}
        assert index.labels(["a:b", "a:none"], "en") == {"a:b": ("School", "en")}
    assert len(asked) == 2
