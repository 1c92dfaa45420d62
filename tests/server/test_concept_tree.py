"""Trees of concepts: circles end, lattices are bounded, what has no name still has one to show."""

from server.concept_page import TreeView
from server.concept_tree import ConceptTree

BASE = "https://data.asen.example/"


def test_a_concept_without_a_name_is_shown_by_the_end_of_its_address():
    assert ("N", "") == TreeView(ConceptTree(above={f"{BASE}def/prov/N": []}), "sv", {}).name(f"{BASE}def/prov/N")


def test_circles_of_concepts_end():
    tree = ConceptTree(above={"a": ["b"], "b": ["c"], "c": ["a"]}, below={"b": ["a"], "c": ["b"], "a": ["c"]})
    view = TreeView(tree, "sv", {})
    assert tree.paths("a") == [] or all("a" not in path for path in tree.paths("a"))
    assert {"b", "c"} == set(tree.beneath("a"))
    assert view.around("a") is not None
    assert view.forest(["a"], 60, 1_000)[0][0].iri == "a"


def test_a_lattice_of_concepts_has_a_few_ways_shown():
    names = [f"{level}-{place}" for level in range(30) for place in range(3)]
    above = {name: [f"{int(name.split('-')[0]) - 1}-{place}" for place in range(3)] for name in names}
    above |= {f"0-{place}": [] for place in range(3)}
    assert 1 <= len(ConceptTree(above=above).paths("29-0")) <= 8


def test_notations_sort_as_people_count():
    codes = ["T10", "T2", "T2.10", "T2.9", "A1"]
    tree = ConceptTree(above={code: [] for code in codes}, notations={code: code for code in codes})
    assert ["A1", "T2", "T2.9", "T2.10", "T10"] == tree.ordered(codes, "sv")
