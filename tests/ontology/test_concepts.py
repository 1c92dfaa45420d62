"""The concept hierarchy is sound SKOS, complete in Swedish and English, and has every place."""

from __future__ import annotations

import subprocess
import sys
import unicodedata
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path

import pytest
from rdflib import DCTERMS, OWL, RDF, SKOS, Graph, Literal, Namespace, URIRef

import ontology

from .conftest import BASE, ROOT

ADMS = Namespace("http://www.w3.org/ns/adms#")
SPEC = Namespace(f"{BASE}spec/torg#")
FACETS = {"service": "T", "facility": "O", "spending": "K", "actor": "A", "datasetkind": "D", "place": ""}


def scheme(name: str) -> URIRef:
    return URIRef(f"{BASE}def/{name}")


def members(graph: Graph, name: str) -> set[URIRef]:
    return {concept for concept in graph.subjects(SKOS.inScheme, scheme(name)) if isinstance(concept, URIRef)}


def folded(label: object) -> str:
    return " ".join(unicodedata.normalize("NFC", str(label)).casefold().split())


def test_every_facet_is_a_scheme_beneath_the_umbrella(concepts: Graph) -> None:
    umbrella = scheme("torg")
    assert {str(part) for part in concepts.objects(umbrella, DCTERMS.hasPart)} == {str(scheme(name)) for name in FACETS}
    for name in FACETS:
        assert (scheme(name), DCTERMS.isPartOf, umbrella) in concepts
    for each in concepts.subjects(RDF.type, SKOS.ConceptScheme):
        for needed in (SKOS.prefLabel, DCTERMS.title, DCTERMS.description):
            assert {text.language for text in concepts.objects(each, needed)} == {"sv", "en"}, (each, needed)
        assert concepts.value(each, OWL.versionInfo) and concepts.value(each, ADMS.status)


@pytest.mark.parametrize(("name", "letter"), FACETS.items())
def test_concepts_have_what_readers_need(concepts: Graph, name: str, letter: str) -> None:
    found = members(concepts, name)
    assert found
    for concept in found:
        notation = concepts.value(concept, SKOS.notation)
        assert concept == URIRef(f"{scheme(name)}/{notation}")
        assert str(notation).startswith(letter)
        for needed in (SKOS.prefLabel, SKOS.definition):
            languages = [text.language for text in concepts.objects(concept, needed)]
            assert sorted(languages) == ["en", "sv"], (concept, needed)
        assert concepts.value(concept, ADMS.status) and concepts.value(concept, DCTERMS.issued)
        assert list(concepts.objects(concept, SKOS.inScheme)) == [scheme(name)]


def test_every_concept_is_in_a_facet(concepts: Graph) -> None:
    assert set(concepts.subjects(RDF.type, SKOS.Concept)) == set().union(*(members(concepts, name) for name in FACETS))


@pytest.mark.parametrize("name", FACETS)
def test_notations_are_unique_in_a_scheme(concepts: Graph, name: str) -> None:
    counted = Counter(str(concepts.value(concept, SKOS.notation)) for concept in members(concepts, name))
    assert max(counted.values()) == 1


@pytest.mark.parametrize("name", FACETS)
def test_a_label_leads_to_one_concept_of_a_scheme(concepts: Graph, name: str) -> None:
    owners: dict[tuple[str, str | None], set[URIRef]] = defaultdict(set)
    for concept in members(concepts, name):
        for predicate in (SKOS.prefLabel, SKOS.altLabel):
            for label in concepts.objects(concept, predicate):
                assert isinstance(label, Literal) and str(label) == str(label).strip()
                owners[folded(label), label.language].add(concept)
    assert {label: found for label, found in owners.items() if len(found) > 1} == {}


def test_a_preferred_label_is_not_also_an_alternative_one(concepts: Graph) -> None:
    preferred, alternative = set(concepts.subject_objects(SKOS.prefLabel)), set(concepts.subject_objects(SKOS.altLabel))
    assert preferred & alternative == set()


def test_hierarchy_is_stated_in_both_directions(concepts: Graph) -> None:
    up = set(concepts.subject_objects(SKOS.broader))
    down = {(narrow, broad) for broad, narrow in concepts.subject_objects(SKOS.narrower)}
    assert up == down
    assert set(concepts.subject_objects(SKOS.topConceptOf)) == {
        (top, owner) for owner, top in concepts.subject_objects(SKOS.hasTopConcept)
    }
    related = set(concepts.subject_objects(SKOS.related))
    assert related == {(other, one) for one, other in related}


def test_a_concept_is_top_or_has_a_broader_one_in_its_scheme(concepts: Graph) -> None:
    for concept in concepts.subjects(RDF.type, SKOS.Concept):
        broader, top = set(concepts.objects(concept, SKOS.broader)), concepts.value(concept, SKOS.topConceptOf)
        assert bool(broader) != bool(top), concept
        for other in broader:
            assert concepts.value(other, SKOS.inScheme) == concepts.value(concept, SKOS.inScheme)


def test_dotted_notations_follow_the_hierarchy(concepts: Graph) -> None:
    for concept, broader in concepts.subject_objects(SKOS.broader):
        notation, above = str(concept).rsplit("/", 1)[1], str(broader).rsplit("/", 1)[1]
        if "." in notation:
            assert notation.rsplit(".", 1)[0] == above


def ancestors(graph: Graph, concept: object) -> set[object]:
    return set(graph.transitive_objects(concept, SKOS.broader)) - {concept}  # type: ignore[arg-type]


def test_there_are_no_cycles_and_related_is_never_above(concepts: Graph) -> None:
    for concept in concepts.subjects(RDF.type, SKOS.Concept):
        above: set[object] = set()
        for broader in concepts.objects(concept, SKOS.broader):
            above |= {broader} | ancestors(concepts, broader)
        assert concept not in above
        assert above.isdisjoint(concepts.objects(concept, SKOS.related))


def test_links_between_our_concepts_lead_somewhere(concepts: Graph, mappings: Graph, core: Graph) -> None:
    known = set(concepts.subjects()) | set(core.subjects())
    known |= {URIRef(f"{BASE}spec/{name}") for name in ontology.specification_names()}
    for graph in (concepts, mappings):
        for triple in graph:
            for term in triple:
                if isinstance(term, URIRef) and term.startswith(BASE):
                    # The scheme as one document is served at /terminology.
                    assert URIRef(term.replace("/terminology/", "/def/")) in known, term


def test_places_are_complete(concepts: Graph) -> None:
    counties = set(concepts.subjects(RDF.type, SPEC.County))
    municipalities = set(concepts.subjects(RDF.type, SPEC.Municipality))
    assert (len(counties), len(municipalities)) == (21, 290)
    assert all(len(str(place).rsplit("/", 1)[1]) == 4 for place in municipalities)
    for place in municipalities:
        code = str(place).rsplit("/", 1)[1]
        assert concepts.value(place, SKOS.broader) == URIRef(f"{scheme('place')}/{code[:2]}")
    assert len(set(concepts.objects(URIRef(f"{scheme('place')}/18"), SKOS.narrower))) == 12


def test_habo_and_habo_are_not_mixed_up(concepts: Graph, mappings: Graph) -> None:
    def named(code: str) -> str:
        return next(
            str(label)
            for label in concepts.objects(URIRef(f"{scheme('place')}/{code}"), SKOS.prefLabel)
            if isinstance(label, Literal) and label.language == "sv"
        )

    assert (named("0305"), named("0643")) == ("Håbo", "Habo")
    wikidata = URIRef("http://www.wikidata.org/entity/Q503198")
    assert set(mappings.subjects(SKOS.exactMatch, wikidata)) == {URIRef(f"{scheme('place')}/0643")}


def test_place_files_are_what_the_script_writes(shared: Path, tmp_path: Path) -> None:
    for folder in ("concepts", "mappings"):
        (tmp_path / "ontology" / folder).mkdir(parents=True)
    (tmp_path / "scripts").mkdir()
    for name in ("place_concepts.py", "counties.csv", "municipality_names.csv"):
        (tmp_path / "scripts" / name).write_bytes((ROOT / "scripts" / name).read_bytes())
    script = tmp_path / "scripts" / "place_concepts.py"
    municipalities = shared / "se-geodata" / "municipality_county.csv"
    bodies = shared / "se-publicbodies" / "public-se-wikidata.csv"
    options = ["--municipalities", str(municipalities), "--bodies", str(bodies)]
    subprocess.run([sys.executable, str(script), *options], check=True, capture_output=True)
    for folder in ("concepts", "mappings"):
        written = (tmp_path / "ontology" / folder / "place.ttl").read_bytes()
        assert written == (ROOT / "ontology" / folder / "place.ttl").read_bytes()


def test_dataset_kinds_and_specifications_belong_together(concepts: Graph) -> None:
    conforms = [str(target) for target in concepts.objects(None, DCTERMS.conformsTo)]
    assert sorted(conforms) == sorted(f"{BASE}spec/{name}" for name in ontology.specification_names())


def test_files_are_named_after_their_scheme(concepts: Graph) -> None:
    names = [file.name.removesuffix(".ttl") for file in ontology.concept_files()]
    assert names == sorted([*FACETS, "torg"])
    assert all(one < two for one, two in pairwise(names))
