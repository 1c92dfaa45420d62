"""Mappings lead from our concepts to terms that exist, and keep SKOS's disjoint relations apart."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from rdflib import SDO, SKOS, Graph, URIRef

from .conftest import BASE

RELATIONS = (SKOS.exactMatch, SKOS.closeMatch, SKOS.broadMatch, SKOS.narrowMatch, SKOS.relatedMatch)
COFOG = "http://linked.data.gov.au/def/cofog/"
LOS = "https://psi.norge.no/los/"
THEME = "http://publications.europa.eu/resource/authority/data-theme/"
HVD = "http://data.europa.eu/bna/"
PUBLISHER = "http://purl.org/adms/publishertype/"


def targets(mappings: Graph, prefix: str) -> set[str]:
    found = {str(target) for relation in RELATIONS for target in mappings.objects(None, relation)}
    return {target for target in found if target.startswith(prefix)}


def test_mappings_start_at_our_concepts(concepts: Graph, mappings: Graph) -> None:
    assert set(mappings.subjects()) <= set(concepts.subjects())


def test_targets_are_outside_our_own_concepts(mappings: Graph) -> None:
    for relation in RELATIONS:
        for target in mappings.objects(None, relation):
            assert isinstance(target, URIRef) and not target.startswith(BASE)


def test_disjoint_relations_are_kept_apart(mappings: Graph) -> None:
    pairs = Counter((one, other) for relation in RELATIONS for one, other in mappings.subject_objects(relation))
    assert [pair for pair, count in pairs.items() if count > 1] == []


def test_exact_match_is_one_to_one(mappings: Graph) -> None:
    counted = Counter(mappings.objects(None, SKOS.exactMatch))
    assert [target for target, count in counted.items() if count > 1] == []


def test_schema_org_classes_exist(mappings: Graph) -> None:
    found = targets(mappings, str(SDO))
    assert len(found) > 20
    assert [target for target in found if URIRef(target) not in SDO] == []


def test_cofog_codes_exist(mappings: Graph, shared: Path) -> None:
    known = {str(concept) for concept in Graph().parse(shared / "cofog" / "cofog-skos.ttl").subjects(SKOS.notation)}
    found = targets(mappings, COFOG)
    assert len(found) > 30
    assert found - known == set()


def test_los_terms_exist(mappings: Graph, shared: Path) -> None:
    known = {str(concept) for concept in Graph().parse(shared / "no-los" / "los.rdf").subjects()}
    found = targets(mappings, LOS)
    assert len(found) > 40
    assert found - known == set()


@pytest.mark.parametrize(("prefix", "at_least"), [(THEME, 10), (HVD, 3), (PUBLISHER, 4)])
def test_choices_of_the_swedish_profile_exist(mappings: Graph, shared: Path, prefix: str, at_least: int) -> None:
    bundle = json.loads((shared / "dcat-ap-se" / "3.0.1" / "rdforms-bundle.json").read_text("utf-8"))

    def values(node: object) -> set[str]:
        if isinstance(node, dict):
            own = {node["value"]} if isinstance(node.get("value"), str) else set()
            return own.union(*(values(child) for child in node.values()))
        return set().union(*(values(child) for child in node)) if isinstance(node, list) else set()

    found = targets(mappings, prefix)
    assert len(found) >= at_least
    assert found - values(bundle) == set()


def test_every_service_area_has_a_theme_of_its_own_or_above(concepts: Graph, mappings: Graph) -> None:
    bare = []
    for concept in concepts.subjects(SKOS.inScheme, URIRef(f"{BASE}def/service")):
        above = [concept, *concepts.transitive_objects(concept, SKOS.broader)]
        if not any(str(target).startswith(THEME) for one in above for target in mappings.objects(one, SKOS.broadMatch)):
            bare.append(str(concept).rsplit("/", 1)[1])
    # Water supply, internal services and burial grounds have no theme in the table of the hierarchy.
    assert sorted(bare) == ["T12", "T14", "T14.1", "T14.2", "T14.3", "T15"]


def test_counties_are_mapped_to_nuts_and_wikidata(mappings: Graph) -> None:
    nuts = targets(mappings, "http://data.europa.eu/nuts/code/SE")
    assert len(nuts) == 22  # 21 counties and the country
    county = URIRef(f"{BASE}def/place/18")
    assert (county, SKOS.exactMatch, URIRef("http://data.europa.eu/nuts/code/SE124")) in mappings
    assert (county, SKOS.exactMatch, URIRef("http://www.wikidata.org/entity/Q104257")) in mappings
