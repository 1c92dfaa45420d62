"""Our own terms are few, described in both languages, and each aligned with a standard one."""

from __future__ import annotations

import re

import pytest
from rdflib import OWL, RDF, RDFS, SDO, Graph, URIRef

import ontology

from .conftest import BASE

NAMESPACE = f"{BASE}spec/torg#"


def terms(core: Graph, kind: URIRef) -> set[URIRef]:
    return {term for term in core.subjects(RDF.type, kind) if isinstance(term, URIRef)}


def test_every_term_is_described_in_both_languages(core: Graph) -> None:
    for term in terms(core, RDFS.Class) | terms(core, RDF.Property):
        for needed in (RDFS.label, RDFS.comment):
            assert sorted(text.language for text in core.objects(term, needed)) == ["en", "sv"], term
        assert core.value(term, RDFS.isDefinedBy) == URIRef(f"{BASE}spec/torg")


def test_every_term_is_aligned_with_a_standard_one(core: Graph) -> None:
    classes, properties = terms(core, RDFS.Class), terms(core, RDF.Property)
    assert len(classes) >= 8 and len(properties) >= 20
    for term, relation in [*((c, RDFS.subClassOf) for c in classes), *((p, RDFS.subPropertyOf) for p in properties)]:
        aligned = list(core.objects(term, relation))
        assert aligned and not any(str(target).startswith(BASE) for target in aligned), term


def test_names_follow_the_convention(core: Graph) -> None:
    for term in terms(core, RDFS.Class):
        assert re.fullmatch(r"[A-Z][A-Za-z]+", term.removeprefix(NAMESPACE))
    for term in terms(core, RDF.Property):
        assert re.fullmatch(r"[a-z][A-Za-z]+", term.removeprefix(NAMESPACE))


def test_schema_org_terms_exist(core: Graph) -> None:
    used = {term for triple in core for term in triple if isinstance(term, URIRef) and term.startswith(str(SDO))}
    assert used and [term for term in used if term not in SDO] == []


def test_properties_have_a_range_that_fits_their_kind(core: Graph) -> None:
    for term in terms(core, OWL.DatatypeProperty):
        target = str(core.value(term, RDFS.range))
        assert target.startswith(("http://www.w3.org/2001/XMLSchema#", str(RDF.langString))), term
    for term in terms(core, OWL.ObjectProperty):
        assert core.value(term, RDFS.range) is not None, term


def test_every_term_is_used_somewhere(core: Graph) -> None:
    text = "".join(file.read_text("utf-8") for file in (*ontology.concept_files(), *ontology.mapping_files()))
    for name in ontology.specification_names():
        text += (ontology.specification(name) / "table.json").read_text("utf-8")
    unused = [
        term
        for term in terms(core, RDFS.Class) | terms(core, RDF.Property)
        if not re.search(rf"spec/torg#{term.removeprefix(NAMESPACE)}\b", text)
    ]
    assert unused == []


@pytest.mark.parametrize("base", ["https://data.example.se", "https://data.example.se/", "https://example.se/begrepp/"])
def test_our_prefix_follows_the_concept_base(base: str) -> None:
    found = ontology.prefixes(base)
    assert found["torg"] == base.rstrip("/") + "/spec/torg#"
    assert found["dcat"] == "http://www.w3.org/ns/dcat#"
    assert list(found) == sorted(found)


def test_prefixes_of_every_turtle_file_agree_with_the_one_map() -> None:
    shapes = [ontology.shape_file("dcat-ap-se"), ontology.shape_file("skos")]
    shapes += [ontology.specification(name) / "shapes.ttl" for name in ontology.specification_names()]
    for file in (ontology.core_file(), *ontology.concept_files(), *ontology.mapping_files(), *shapes):
        text = file.read_text("utf-8")
        assert "@base" not in text
        for prefix, iri in re.findall(r"@prefix (\w+): <([^>]+)>", text):
            assert ontology.PREFIXES.get(prefix, iri) == iri, (file.name, prefix)


def test_an_unknown_shape_file_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        ontology.shape_file("dcat-ap-no")
