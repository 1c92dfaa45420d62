"""The shapes of catalogues and concepts find each fault one by one, and let the faultless pass."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from pyshacl import validate
from rdflib import SH, Graph

import ontology

from .catalog_faults import CATEGORY, FAULTS, GOOD, GOOD_SERIES, HVD, MORE_FAULTS, PREFIXES, SERIES_FAULTS
from .conftest import BASE, parsed

SERIES = '<x> a dcat:DatasetSeries ; dcterms:title "År"@sv ; dcterms:publisher <p> ; dcat:inSeries <y> .'


@cache
def shapes(name: str) -> Graph:
    return parsed(ontology.shape_file(name))


def results(turtle: str, name: str = "dcat-ap-se") -> set[tuple[str, str]]:
    """Return severity and English message of every result."""
    data = Graph().parse(data=PREFIXES + turtle, format="turtle", publicID="https://granby.example/")
    _, report, _ = validate(data, shacl_graph=shapes(name))
    assert isinstance(report, Graph)
    return {
        (str(report.value(one, SH.resultSeverity)).rsplit("#", 1)[1], str(message))
        for one in report.objects(None, SH.result)
        for message in report.objects(one, SH.resultMessage)
        if message.language == "en"
    }


def test_a_faultless_catalogue_passes() -> None:
    assert results(GOOD) == set()


@pytest.mark.parametrize(("old", "new", "severity", "word"), FAULTS.values(), ids=FAULTS)
def test_each_fault_is_found(old: str, new: str, severity: str, word: str) -> None:
    assert GOOD.count(old) >= 1, "the fault must be put somewhere"
    found = results(GOOD.replace(old, new, 1))
    assert any(level == severity and word in message for level, message in found), found


def test_series_need_description_and_are_not_nested() -> None:
    found = results(GOOD + SERIES)
    assert ("Violation", "A description is missing.") in found
    assert ("Violation", "Series are not in other series.") in found


def test_catalogue_records_are_refused() -> None:
    found = results(GOOD + "<r> a dcat:CatalogRecord .")
    assert ("Violation", "Catalogue records are not part of the profile.") in found


def test_a_high_value_dataset_with_everything_passes() -> None:
    marked = GOOD.replace("dcat:distribution <f> .", f"dcat:distribution <f> ; {HVD} ; {CATEGORY} .")
    marked = marked.replace('dcterms:format "text/csv" ;', f'dcterms:format "text/csv" ; {HVD} ;')
    assert results(marked) == set()


def test_every_constraint_speaks_both_languages() -> None:
    for name in ("dcat-ap-se", "skos"):
        graph = shapes(name)
        for shape in set(graph.objects(None, SH.property)):
            if graph.value(shape, SH.severity) is not None:
                assert {message.language for message in graph.objects(shape, SH.message)} == {"sv", "en"}


def test_the_profiles_own_examples_of_version_two_get_the_known_remarks(shared: Path) -> None:
    found = results((shared / "dcat-ap-se" / "exempel" / "rekommenderat.ttl").read_text("utf-8"))
    wrong = {message for severity, message in found if severity == "Violation"}
    assert wrong == {
        "The availability is given at most once, with the EU code.",
        "The publisher's name is given with its language, at most once per language.",
        "One format, neither more nor less.",
    }


@pytest.mark.parametrize("name", ["sambruk-open-accounts-payable", "sambruk-open-meal", "it-unibo"])
def test_other_catalogues_are_judged_without_a_crash(shared: Path, name: str) -> None:
    data = Graph().parse(shared / "dcat-catalogs" / f"{name}.rdf")
    conforms, report, _ = validate(data, shacl_graph=shapes("dcat-ap-se"))
    assert isinstance(report, Graph) and not conforms


def test_our_hierarchy_passes_its_shapes(concepts: Graph, mappings: Graph) -> None:
    services = Graph()
    for triple in concepts:
        if not triple[0].startswith(f"{BASE}def/place/"):
            services.add(triple)
    services += parsed(*(file for file in ontology.concept_files() if file.name == "place.ttl"))
    _, report, text = validate(services + mappings, shacl_graph=shapes("skos"))
    assert isinstance(report, Graph) and not list(report.objects(None, SH.result)), text


BROKEN_CONCEPTS = {
    "two-labels": ('"Bad"@sv', '"Bad"@sv, "Badande"@sv', "one preferred label"),
    "no-swedish": ('"Bad"@sv, ', "", "Swedish"),
    "label-twice": ('skos:altLabel "Simning"@sv', 'skos:altLabel "Bad"@sv', "alternative"),
    "no-notation": ('skos:notation "B" ;', "", "one notation"),
    "no-scheme": ("skos:inScheme <s> ;", "", "belongs to"),
    "dangling-broader": ("skos:broader <t>", "skos:broader <u>", "broader concept exists"),
    "related-above": ("skos:broader <t>", "skos:broader <t> ; skos:related <t>", "merely related"),
    "two-matches": ("skos:broader <t>", "skos:broader <t> ; skos:exactMatch <m> ; skos:broadMatch <m>", "not both"),
    "odd-status": ("adms/status/Completed", "adms/status/Done", "four values"),
    "deprecated": ("adms/status/Completed", "adms/status/Deprecated", "replaces"),
}
CONCEPTS = """
<s> a skos:ConceptScheme ; dcterms:title "S"@sv ; dcterms:description "S."@sv ; owl:versionInfo "1" .
<b> a skos:Concept ; skos:prefLabel "Bad"@sv, "Bathing"@en ; skos:altLabel "Simning"@sv ; skos:notation "B" ;
    skos:definition "Att bada."@sv ; skos:inScheme <s> ; skos:broader <t> ;
    adms:status <http://purl.org/adms/status/Completed> .
<t> a skos:Concept ; skos:prefLabel "Fritid"@sv, "Leisure"@en ; skos:notation "T" ; skos:inScheme <s> ;
    skos:definition "Fri tid."@sv .
"""


def test_faultless_concepts_pass() -> None:
    assert results(CONCEPTS, "skos") == set()


@pytest.mark.parametrize(("old", "new", "word"), BROKEN_CONCEPTS.values(), ids=BROKEN_CONCEPTS)
def test_each_fault_of_a_concept_is_found(old: str, new: str, word: str) -> None:
    assert old in CONCEPTS
    found = results(CONCEPTS.replace(old, new, 1), "skos")
    assert any(word in message for _, message in found), found


def test_a_faultless_series_passes() -> None:
    assert results(GOOD + GOOD_SERIES) == set()


@pytest.mark.parametrize(("old", "new", "severity", "word"), SERIES_FAULTS.values(), ids=SERIES_FAULTS)
def test_each_fault_of_a_series_is_found(old: str, new: str, severity: str, word: str) -> None:
    assert GOOD_SERIES.count(old) == 1
    found = results(GOOD + GOOD_SERIES.replace(old, new))
    assert any(level == severity and word in message for level, message in found), found


@pytest.mark.parametrize(("old", "new", "severity", "word"), MORE_FAULTS.values(), ids=MORE_FAULTS)
def test_each_broken_value_is_found(old: str, new: str, severity: str, word: str) -> None:
    assert GOOD.count(old) >= 1
    found = results(GOOD.replace(old, new, 1))
    assert any(level == severity and word in message for level, message in found), found
