"""What stewards are told that the portal would say, before it says it."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from server.catalog import catalog_lines
from server.catalog_advice import members as all_members
from server.catalog_advice import sentences, to_do, whole_site
from server.catalog_prediction import Prediction, expected_entries, predict, predict_site
from server.check import check
from server.generations import DataFolder
from server.settings import Settings
from server.site import Site, read_site
from tests.conftest import SmallSite


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
    swedish, english = list(sentences(published, "sv")), list(sentences(published, "en"))
    assert len(swedish) == len(english)
    assert swedish[0] == "dataportal.se skulle ta emot katalogen: inget obligatoriskt saknas."
    assert english[0] == "dataportal.se would accept the catalogue: nothing mandatory is missing."
    assert not any("{" in sentence for sentence in swedish + english)
    members = json.loads(json.dumps(all_members(published)))
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
    first = to_do(found)[0]
    assert first.kind == "required" and next(sentences(found, "sv")).startswith("dataportal.se skulle anmärka")
    assert any(subject.rstrip("> ") in node for node in found.findings[0].nodes)


def test_points_are_told_by_dimension_and_stars_by_distribution(published: Prediction) -> None:
    said = "\n".join(sentences(published, "sv"))
    for name in ("Sökbarhet", "Tillgänglighet", "Interoperabilitet", "Återanvändbarhet", "Sammanhang"):
        assert f"{name}: " in said
    assert "5 stjärnor: " in said and "3 stjärnor: " in said


def test_the_list_of_what_to_do_is_in_order(starter: Path, tmp_path: Path) -> None:
    site = copied(starter, tmp_path / "site")
    toml = site.folder / "datasets" / "granby" / "skolor" / "dataset.toml"
    toml.write_text(re.sub(r"(?m)^(license|keyword).*\n", "", toml.read_text("utf-8")), "utf-8")
    found = whole_site(read_site(site.folder), Settings())
    assert found is not None
    order = {kind: number for number, kind in enumerate(("required", "points", "stars", "recommended"))}
    steps = to_do(found)
    assert [order[step.kind] for step in steps] == sorted(order[step.kind] for step in steps)
    assert any(step.kind == "stars" and "granby/skolor" in step.sentence("sv") for step in steps)


def test_a_check_tells_what_the_portal_would_say(small_site: SmallSite) -> None:
    report = check(read_site(small_site.folder), Settings())
    assert report.portal is not None and report.portal.accepted
    assert report.members()["portal"]["todo"][0]["text"]["sv"]
    assert check(read_site(small_site.folder), Settings(), ["asen/skolor"]).portal is None
