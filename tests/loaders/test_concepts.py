"""Texts find their concept however they are spelt; what finds none is told with its row and a proposal."""

from __future__ import annotations

from pathlib import Path

import pytest

from loaders.concepts import ConceptIndex
from tests.loaders.conftest import BASE, Loader, shared_concepts

OWN = """@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
<def/norr/9901> a skos:Concept ; skos:inScheme <def/norr>, <def/place> ;
    skos:notation "9901" ; skos:prefLabel "Åby"@sv .
<def/norr/9902> a skos:Concept ; skos:inScheme <def/place> ; skos:notation "9902" ; skos:prefLabel "Granby"@sv .
<def/norr/9903> a skos:Concept ; skos:inScheme <def/place> ; skos:notation "9903" ; skos:prefLabel "Granby"@sv .
<def/norr/9904> a skos:Concept ; skos:inScheme <def/place> ; skos:notation "9904" ; owl:deprecated true .
"""


@pytest.mark.parametrize("text", ["1880", " 1880 ", "Örebro", "ÖREBRO", "orebro", "Örebro kommun"])
def test_a_municipality_in_many_spellings(text: str) -> None:
    match = shared_concepts().find("place", text)
    assert match is not None and match.iri == f"{BASE}def/place/1880" and match.status == "current"


def test_a_lost_leading_zero_is_found_and_said() -> None:
    match = shared_concepts().find("place", "180")
    assert match is not None and (match.iri, match.kind) == (f"{BASE}def/place/0180", "lost-zero")


def test_a_sites_own_concepts_join_the_shared_scheme(tmp_path: Path) -> None:
    (tmp_path / "own.ttl").write_text(OWN, "utf-8")
    index = ConceptIndex.from_files([], "https://shared.example/", [(tmp_path / "own.ttl", BASE)])
    match = index.find("place", "9901")
    assert match is not None and match.iri == f"{BASE}def/norr/9901"
    assert index.find("norr", "åby") == index.find("place", "ABY")
    assert index.find("place", "Granby") is None and len(index.candidates("place", "Granby")) == 2
    deprecated = index.find("place", "9904")
    assert deprecated is not None and deprecated.status == "deprecated"


@pytest.mark.parametrize(
    ("text", "code"), [("Habo", "0643"), ("Håbo", "0305"), ("HÅBO kommun", "0305"), ("ha\u030abo", "0305")]
)
def test_names_that_differ_in_diacritics_alone_are_told_apart(text: str, code: str) -> None:
    match = shared_concepts().find("place", text)
    assert match is not None and match.iri == f"{BASE}def/place/{code}"


def test_an_ambiguous_name_is_told_with_all_that_it_may_mean(tmp_path: Path) -> None:
    (tmp_path / "own.ttl").write_text(OWN, "utf-8")
    index = ConceptIndex.from_files([], "https://shared.example/", [(tmp_path / "own.ttl", BASE)])
    assert sorted(index.names(index.candidates("place", "Granby"))) == ["9902 Granby", "9903 Granby"]


def test_proposals_name_what_was_probably_meant() -> None:
    assert any("Grundskola" in text for text in shared_concepts().proposals("Grundskola F-9", "facility"))
    assert any("Örebro" in text for text in shared_concepts().proposals("Örbero", "place"))
    assert shared_concepts().proposals("Malung", "place")[0] == "2023 Malung-Sälen"
    assert len(set(found := shared_concepts().proposals("Malung", "place"))) == len(found)


def test_an_unmatched_code_is_told_by_row_with_proposals(load_files: Loader) -> None:
    done = load_files({"a.csv": "id,name,school_form\nB1,Skolan,Grundskola\nB2,Skolan,Grundskola F-9\n"})
    (found,) = [f for f in done.findings if f.rule == "concepts.unmatched"]
    assert (found.row, found.column) == (3, "school_form") and "Grundskola" in found.text("sv")
    assert done.counts.rows_out == 2


def test_lost_zeros_are_told_once(load_files: Loader) -> None:
    done = load_files({"a.csv": "source,id,name\n180,B1,Skolan\n180,B2,Skolan\n"})
    (found,) = [f for f in done.findings if f.rule == "concepts.lost-zero"]
    assert (found.column, found.count) == ("source", 1) and f"<{BASE}def/place/0180>" in done.lines


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param("1880", f"<{BASE}spec/torg#municipality> <{BASE}def/place/1880>", id="municipality"),
        pytest.param(
            "212000-1967", f"<http://purl.org/dc/terms/source> <{BASE}id/organization/2120001967>", id="number"
        ),
    ],
)
def test_who_supplies_the_data_is_a_municipality_or_an_organisation(
    load_files: Loader, source: str, expected: str
) -> None:
    row = f"source,id,name,latitude,longitude\n{source},1,Alnängsbadet,59.28,15.21\n"
    done = load_files({"bad.csv": row}, 'conformsTo = "badplatser"')
    assert done.error is None and expected in done.lines
    assert not any(rule.startswith("concepts.") for rule in done.rules())


def test_a_source_that_is_neither_is_told(load_files: Loader) -> None:
    row = "source,id,name,latitude,longitude\nMystad,1,Alnängsbadet,59.28,15.21\n"
    assert "concepts.unmatched" in load_files({"bad.csv": row}, 'conformsTo = "badplatser"').rules()
