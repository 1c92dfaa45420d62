"""The JSON-LD context reads descriptions as DCAT and gives compact descriptions back without loss."""

from __future__ import annotations

import json
from typing import Any

from pyld import jsonld
from rdflib import Graph
from rdflib.compare import isomorphic

import ontology

from .conftest import BASE

EU = "http://publications.europa.eu/resource/authority/"
CONTEXT = {"@context": ontology.context(BASE)}


def expanded(document: dict[str, Any]) -> dict[str, Any]:
    found: list[dict[str, Any]] = jsonld.expand({**CONTEXT, **document}, {"base": BASE})
    return found[0]


def test_a_dataset_description_is_dcat() -> None:
    found = expanded(
        {
            "@type": "Dataset",
            "title": {"sv": "Badplatser", "en": "Bathing places"},
            "keyword": {"sv": ["bad", "sjö"]},
            "theme": ["ENVI", "https://data.example.se/begrepp/def/service/T9.4"],
            "accrualPeriodicity": "MONTHLY",
            "license": "CC0-1.0",
            "accessRights": "PUBLIC",
            "language": ["sv"],
            "issued": "2026-01-01",
            "temporal": {"start": "2026-01-01", "end": "2026-12-31"},
            "contactPoint": {"@type": "Organization", "name": "Öppna data", "email": "mailto:data@granby.example"},
            "publisher": {"@id": "id/organization/2120009911", "name": {"sv": "Granby kommun"}},
            "landingPage": "https://www.granby.example/bad",
        }
    )
    dcat, dcterms = "http://www.w3.org/ns/dcat#", "http://purl.org/dc/terms/"
    assert found["@type"] == [f"{dcat}Dataset"]
    assert {(text["@language"], text["@value"]) for text in found[f"{dcterms}title"]} == {
        ("sv", "Badplatser"),
        ("en", "Bathing places"),
    }
    assert [word["@value"] for word in found[f"{dcat}keyword"]] == ["bad", "sjö"]
    assert [theme["@id"] for theme in found[f"{dcat}theme"]] == [f"{EU}data-theme/ENVI", f"{BASE}def/service/T9.4"]
    assert found[f"{dcterms}accrualPeriodicity"] == [{"@id": f"{EU}frequency/MONTHLY"}]
    assert found[f"{dcterms}license"] == [{"@id": "http://creativecommons.org/publicdomain/zero/1.0/"}]
    assert found[f"{dcterms}language"] == [{"@id": f"{EU}language/SWE"}]
    assert found[f"{dcterms}issued"][0]["@type"].endswith("#date")
    assert found[f"{dcterms}temporal"][0][f"{dcat}startDate"][0]["@value"] == "2026-01-01"
    contact = found[f"{dcat}contactPoint"][0]
    assert contact["@type"] == ["http://www.w3.org/2006/vcard/ns#Organization"]
    assert contact["http://www.w3.org/2006/vcard/ns#hasEmail"] == [{"@id": "mailto:data@granby.example"}]
    assert found[f"{dcterms}publisher"][0]["http://xmlns.com/foaf/0.1/name"][0]["@language"] == "sv"


def test_compact_descriptions_keep_language_maps_and_lose_nothing(concepts: Graph) -> None:
    source = Graph()
    for name in ("facility/O1.2", "place/1880", "spending"):
        subject = f"{BASE}def/{name}"
        for triple in concepts:
            if str(triple[0]) == subject:
                source.add(triple)
    compact = jsonld.compact(json.loads(source.serialize(format="json-ld")), CONTEXT)
    school = next(node for node in compact["@graph"] if node["@id"].endswith("O1.2"))
    assert school["prefLabel"] == {"sv": "Grundskola (enhet)", "en": "Compulsory school (unit)"}
    assert school["broader"] == f"{BASE}def/facility/O1"
    assert isinstance(school["altLabel"]["sv"], list)
    lines = jsonld.to_rdf(compact, {"format": "application/n-quads"})
    assert isomorphic(Graph().parse(data=lines, format="nt"), source)


def test_ledger_entries_compact_to_our_own_words() -> None:
    entry = {
        "@id": f"{BASE}id/ledger-entry/9902/2026-01-12/1/66202",
        "@type": [f"{BASE}spec/torg#LedgerEntry"],
        f"{BASE}spec/torg#netAmount": [{"@value": "12.5", "@type": "http://www.w3.org/2001/XMLSchema#decimal"}],
        f"{BASE}spec/torg#payee": [{"@id": f"{BASE}id/organization/5599902219"}],
        f"{BASE}spec/torg#payeeName": [{"@value": "Enskild näringsidkare", "@language": "sv"}],
    }
    compact = jsonld.compact(entry, CONTEXT)
    assert compact["netAmount"] == "12.5"
    assert compact["payee"] == f"{BASE}id/organization/5599902219"
    assert compact["payeeName"] == {"sv": "Enskild näringsidkare"}
    assert compact["@type"] == "LedgerEntry"


def test_prefixes_are_those_of_the_one_map() -> None:
    own = {name: iri for name, iri in CONTEXT["@context"].items() if name in ontology.PREFIXES}
    assert own and all(ontology.PREFIXES[name] == iri for name, iri in own.items())


def test_terms_of_ours_exist(core: Graph) -> None:
    known = {str(subject) for subject in core.subjects()}
    for name, definition in CONTEXT["@context"].items():
        iri = definition["@id"] if isinstance(definition, dict) else str(definition)
        if iri.startswith("torg:"):
            assert f"{BASE}spec/torg#{iri.removeprefix('torg:')}" in known, name
