"""Points and stars: each indicator by what earns it and what loses it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from server.catalog_reader import Contact, DatasetRecord, DistributionRecord
from server.catalog_score import DIMENSIONS, Score, indicators, links_out, score, stars

CC0 = "http://creativecommons.org/publicdomain/zero/1.0/"
ITEM = DistributionRecord(
    iri="https://data.norrsjo.example/id/distribution/granby/skolor/turtle",
    title={"sv": "Skolor"},
    description={"sv": "Skolor"},
    format="text/turtle",
    access_url="https://data.norrsjo.example/graph/granby/skolor",
    download_url="https://data.norrsjo.example/graph/granby/skolor?format=ttl",
    license=CC0,
    byte_size=100,
    issued="2026-01-01",
    modified="2026-01-01",
    rights=True,
)
DATASET = DatasetRecord(
    iri="https://data.norrsjo.example/id/dataset/granby/skolor",
    key="granby/skolor",
    title={"sv": "Skolor"},
    description={"sv": "Skolor"},
    keywords={"sv": ["skola"]},
    publisher="http://dataportal.se/organisation/SE2120001967",
    publisher_name={"sv": "Granby"},
    contact=Contact("Granby", "data@granby.example"),
    themes=("http://publications.europa.eu/resource/authority/data-theme/EDUC",),
    areas=(),
    access_rights="http://publications.europa.eu/resource/authority/access-right/PUBLIC",
    frequency="",
    issued="2026-01-01",
    modified="2026-01-01",
    standards=(),
    specification="",
    spatial=("https://data.norrsjo.example/def/place/1880",),
    temporal=("2026-01-01", ""),
    fee={},
    reason={},
    distributions=(ITEM,),
)


def scored(*datasets: DatasetRecord, reachable: bool | None = True) -> Score:
    return score(datasets, lambda address: reachable)


def test_points_are_those_of_the_european_method() -> None:
    most = {name: sum(i.points for i in indicators() if i.dimension == name) for name in DIMENSIONS}
    assert most == {
        "findability": 100,
        "accessibility": 100,
        "interoperability": 110,
        "reusability": 75,
        "contextuality": 20,
    }


def test_a_perfect_dataset_gets_all_points_and_nothing_to_do() -> None:
    found = scored(DATASET)
    assert (found.points, found.most, found.rating) == (405, 405, "excellent")
    assert found.next_steps() == []


LOSES = {
    "dcat-ap": replace(DATASET, description={}),
    "keywords": replace(DATASET, keywords={}),
    "theme": replace(DATASET, themes=()),
    "spatial": replace(DATASET, spatial=()),
    "temporal": replace(DATASET, temporal=("", "")),
    "access-rights": replace(DATASET, access_rights=""),
    "access-rights-vocabulary": replace(DATASET, access_rights="https://granby.example/fritt"),
    "contact": replace(DATASET, contact=None),
    "publisher": replace(DATASET, publisher=""),
    "issued": replace(DATASET, issued="", distributions=(replace(ITEM, issued=""),)),
    "modified": replace(DATASET, modified="", distributions=(replace(ITEM, modified=""),)),
    "download-url": replace(DATASET, distributions=(replace(ITEM, download_url=""),)),
    "format": replace(DATASET, distributions=(replace(ITEM, format=""),)),
    "media-type": replace(DATASET, distributions=(replace(ITEM, format="Turtle"),)),
    "format-vocabulary": replace(DATASET, distributions=(replace(ITEM, format="application/x-eget"),)),
    "non-proprietary": replace(DATASET, distributions=(replace(ITEM, format="application/vnd.ms-excel"),)),
    "machine-readable": replace(DATASET, distributions=(replace(ITEM, format="application/pdf"),)),
    "license": replace(DATASET, distributions=(replace(ITEM, license=""),)),
    "license-vocabulary": replace(DATASET, distributions=(replace(ITEM, license="https://granby.example/v"),)),
    "rights": replace(DATASET, distributions=(replace(ITEM, rights=False),)),
    "byte-size": replace(DATASET, distributions=(replace(ITEM, byte_size=None),)),
}


@pytest.mark.parametrize("name", LOSES)
def test_indicator_is_lost_by_what_it_is_about(name: str) -> None:
    steps = scored(LOSES[name]).next_steps()
    assert name in {step.indicator.name for step in steps}
    for step in steps:
        assert step.indicator.advice["sv"] and step.indicator.advice["en"]


def test_what_nobody_has_tried_is_not_counted() -> None:
    found = scored(DATASET, reachable=None)
    assert found.most == 405 - 80
    assert found.points == found.most
    assert scored(DATASET, reachable=False).points == 405 - 80


def test_steps_come_in_the_order_of_their_points() -> None:
    worse = replace(DATASET, keywords={}, contact=None, distributions=(replace(ITEM, rights=False),))
    assert [step.indicator.name for step in scored(worse).next_steps()] == ["keywords", "contact", "rights"]


def test_a_share_of_the_datasets_gives_a_share_of_the_points() -> None:
    assert scored(DATASET, LOSES["keywords"]).points == 405 - 15


def test_listed_only_datasets_are_not_scored() -> None:
    assert scored(DATASET, replace(DATASET, distributions=())).points == 405
    assert scored().rating == "bad"


@pytest.mark.parametrize(
    ("changes", "linked", "expected"),
    [
        ({"license": ""}, True, 0),
        ({"format": "application/pdf"}, True, 1),
        ({"format": "application/vnd.ms-excel"}, True, 2),
        ({"format": "text/csv"}, True, 3),
        ({}, False, 4),
        ({}, True, 5),
    ],
    ids=["no licence", "pdf", "excel", "csv", "rdf", "linked"],
)
def test_each_star_needs_the_ones_before(changes: dict[str, str], linked: bool, expected: int) -> None:
    assert stars(replace(ITEM, **changes), linked) == expected  # type: ignore[arg-type]


def test_fifth_star_is_a_link_to_other_data_and_not_to_vocabulary() -> None:
    own = "https://data.norrsjo.example/id/"
    typed = f"<{own}school/1> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <https://schema.org/School> .\n"
    inside = f"<{own}school/1> <https://schema.org/parent> <{own}school/2> .\n"
    outside = f"<{own}school/1> <http://www.w3.org/2002/07/owl#sameAs> <http://www.wikidata.org/entity/Q1> .\n"
    text = f'<{own}school/1> <https://schema.org/name> "<http://a b" .\n'
    assert not links_out([typed, inside, text], own)
    assert links_out([typed, inside, outside], own)
