"""What stewards are told that the portal would say, before it says it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from server.catalog import catalog_lines
from server.catalog_prediction import Prediction, expected_entries, predict, predict_site
from server.generations import DataFolder
from server.site import Site, read_site


@pytest.fixture(scope="module")
def published(starter: Path) -> Prediction:
    generation = DataFolder(starter / "data").current()
    assert generation
    try:
        return predict_site(read_site(starter), generation)
    finally:
        generation.close()


def test_the_starter_region_would_be_accepted(published: Prediction) -> None:
    assert published.accepted
    assert published.score.rating == "excellent"
    assert {finding.severity for finding in published.findings} <= {"Warning", "Info"}


def test_stars_tell_tables_from_linked_data(published: Prediction) -> None:
    by_kind = {iri.split("/")[7]: count for iri, count in published.stars.items()}
    assert by_kind == {"csv": 3, "turtle": 5, "n-triples": 5, "sparql": 5}
    assert 4 < published.average < 5


def test_the_same_is_said_in_both_languages_and_as_json(published: Prediction) -> None:
    swedish, english = list(published.sentences("sv")), list(published.sentences("en"))
    assert len(swedish) == len(english)
    assert swedish[0] == "dataportal.se skulle ta emot katalogen: inget obligatoriskt saknas."
    assert english[0] == "dataportal.se would accept the catalogue: nothing mandatory is missing."
    assert not any("{" in sentence for sentence in swedish + english)
    members = json.loads(json.dumps(published.members()))
    assert members["points"] == published.score.points
    assert [step["points"] for step in members["next"]] == sorted(
        (step["points"] for step in members["next"]), reverse=True
    )


def copied(starter: Path, folder: Path) -> Site:
    shutil.copytree(starter, folder, ignore=shutil.ignore_patterns("data"))
    return read_site(folder)


def test_a_site_that_was_never_published_is_predicted_too(starter: Path, tmp_path: Path) -> None:
    found = predict_site(copied(starter, tmp_path / "site"), None)
    assert found.accepted
    assert all(count < 5 for count in found.stars.values())


FAULTS = {
    "publisher": ("<http://purl.org/dc/terms/publisher>", "id/dataset/granby/skolor> "),
    "title": ("<http://purl.org/dc/terms/title>", "id/dataset/granby/skolor> "),
    "format": ("<http://purl.org/dc/terms/format>", "id/distribution/granby/skolor/csv> "),
    "type": ("<http://purl.org/dc/terms/type>", "organisation/SE2120009911> "),
}


@pytest.mark.parametrize("missing", FAULTS)
def test_what_is_mandatory_and_missing_is_told_first(starter: Path, tmp_path: Path, missing: str) -> None:
    site = copied(starter, tmp_path / "site")
    property, subject = FAULTS[missing]
    lines = catalog_lines(site, expected_entries(site, None))
    left = [line for line in lines if not (property in line and subject in line)]
    assert len(left) < len(lines)
    found = predict(site, left, {})
    assert not found.accepted
    assert found.findings[0].severity == "Violation"
    sentences = list(found.sentences("sv"))
    assert sentences[1].startswith("Måste rättas:")
    assert any(subject.rstrip("> ") in node for node in found.findings[0].nodes)
