"""Who uses a concept, and whom a change of the concept files would touch, before it is published."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient

from server import create_app
from server.check import check
from server.cli import main
from server.concept_changes import concept_changes, described
from server.generations import DataFolder
from server.impact import impact
from server.settings import Settings
from server.site import read_site
from tests.conftest import SmallSite

SCHEME = """@prefix skos: <http://www.w3.org/2004/02/skos/core#> . @prefix dcterms: <http://purl.org/dc/terms/> .
@prefix adms: <http://www.w3.org/ns/adms#> .
<def/bygd> a skos:ConceptScheme ; dcterms:title "Bygder"@sv .
"""


def concept(notation: str, label: str = "", more: str = "") -> str:
    return f"""<def/bygd/{notation}> a skos:Concept ; skos:inScheme <def/bygd> ; skos:notation "{notation}" ;
  skos:prefLabel "{label or notation}"@sv {more} .
"""


def write(site: SmallSite, *concepts: str) -> None:
    folder = site.folder / "concepts"
    folder.mkdir(exist_ok=True)
    (folder / "egna.ttl").write_text(SCHEME + "".join(concepts), "utf-8")


def test_the_uses_of_a_concept_are_counted_by_dataset_column_and_publisher(client: FlaskClient, starter: Path) -> None:
    found = client.get("/impact?concept=facility/O1.2").json
    rows = client.get("/compare/skolor?format=json&by=school_form").json
    cells = [cell["value"] for cell in rows["cells"] if (cell["concept"] or "").endswith("/O1.2")]
    assert found["columns"]["school_form"] == sum(cells)
    assert set(found["publishers"]) == set(read_site(starter).publishers)
    assert sum(one["uses"] for one in found["datasets"]) == found["uses"]
    assert "school/by-type" in found["queriesByProperty"] or found["queriesByProperty"]
    assert client.get("/impact?concept=O1.2").json == found
    assert client.get("/impact?concept=T99").status_code == 404 and client.get("/impact").status_code == 400
    below = client.get("/impact?concept=facility/O1").json["usesBelow"]
    assert below >= found["uses"]
    page = client.get("/res/def/facility/O1.2?lang=sv").text
    assert "Vem en ändring skulle beröra" in page and "school_form" in page


def test_what_the_catalogue_says_a_dataset_is_about_is_a_use_by_that_dataset(client: FlaskClient) -> None:
    found = client.get("/impact?concept=service/T2.2").json
    named = {one["dataset"] for one in found["datasets"]}
    assert "granby/leverantorsreskontra" in named and "" not in named
    assert len(found["publishers"]) == 12 and sum(one["uses"] for one in found["datasets"]) == found["uses"]


def test_the_command_says_the_same(starter: Path) -> None:
    done = CliRunner().invoke(main, ["--lang", "sv", "impact", "O1.2", "--site", str(starter)])
    assert done.exit_code == 0 and "hos 12 utgivare" in done.output and "granby/skolor" in done.output
    members = json.loads(
        CliRunner().invoke(main, ["impact", "O1.2", "--site", str(starter), "--format", "json"]).output
    )
    assert members["publishers"]["granby"] > 0
    assert CliRunner().invoke(main, ["impact", "T99", "--site", str(starter)]).exit_code == 2


def test_counts_are_those_of_the_triples(starter: Path) -> None:
    site = read_site(starter)
    generation = DataFolder(starter / "data").current()
    assert generation
    iri = site.uris.resolve("def/facility/O1.2")
    found = impact(iri, generation, site.uris)
    counted = sum(1 for _, property in generation.store.incoming(iri) if property.endswith("#facilityType"))
    generation.close()
    assert found.columns["school_form"] == counted


BROKEN = {
    "no-label": '<def/bygd/1> a skos:Concept ; skos:inScheme <def/bygd> ; skos:notation "1" .',
    "two-labels": concept("1", "Norr", ', "Norra"@sv'),
    "label-twice": concept("1", "Norr", '; skos:altLabel "Norr"@sv'),
    "same-notation": concept("1") + concept("2").replace('notation "2"', 'notation "1"'),
    "related-broader": concept("1") + concept("2", "", "; skos:broader <def/bygd/1> ; skos:related <def/bygd/1>"),
    "dangling": concept("1", "", "; skos:broader <def/service/T99>"),
    "cycle": concept("1", "", "; skos:broader <def/bygd/2>") + concept("2", "", "; skos:broader <def/bygd/1>"),
}


@pytest.mark.parametrize("rule", BROKEN)
def test_broken_concepts_are_named_and_nothing_is_published(small_site: SmallSite, rule: str) -> None:
    write(small_site, BROKEN[rule])
    report = check(read_site(small_site.folder), Settings())
    assert f"concepts.{rule}" in {finding.rule for finding in report.remarks}
    done = small_site.publish()
    assert done.generation is None and done.blocked == ["concepts"]
    assert not (small_site.data / "current").exists()


def test_a_notation_that_a_shared_concept_has_clashes(small_site: SmallSite) -> None:
    write(small_site, concept("1", "Egen", "; skos:inScheme <def/service>").replace('"1"', '"T2.2"'))
    assert small_site.publish().blocked == ["concepts"]


def test_a_mapping_to_nowhere_is_told_and_one_elsewhere_is_not(small_site: SmallSite) -> None:
    write(
        small_site,
        concept("1", "", "; skos:exactMatch <https://www.wikidata.org/entity/Q1> ; skos:closeMatch <def/service/T2>"),
    )
    assert small_site.publish().generation == 1
    write(small_site, concept("1", "", "; skos:closeMatch <def/service/T2.99>"))
    assert small_site.publish().blocked == ["concepts"]


def test_what_hangs_below_a_cycle_is_not_in_it(small_site: SmallSite) -> None:
    write(small_site, BROKEN["cycle"], concept("3", "", "; skos:broader <def/bygd/1>"))
    report = check(read_site(small_site.folder), Settings())
    assert {dict(finding.detail)["concept"][-1] for finding in report.remarks} == {"1", "2"}


def used(site: SmallSite) -> None:
    """Make the schools belong to a district of the site's own."""
    toml = site.dataset / "dataset.toml"
    toml.write_text(f'spatial = "https://data.asen.example/def/bygd/1"\n{toml.read_text("utf-8")}', "utf-8")


def test_a_concept_that_is_used_cannot_be_removed_by_mistake(small_site: SmallSite) -> None:
    write(small_site, concept("1", "Norr"), concept("2", "Söder"))
    used(small_site)
    small_site.publish()
    write(small_site, concept("2", "Söder"))
    dry = small_site.publish(dry_run=True)
    assert [finding.rule for finding in dry.report.remarks] == ["concepts.change-removed"] and dry.blocked
    told = dry.report.remarks[0].text("sv")
    assert "Norr" in told and "1 gånger" in told and "{" not in told
    assert small_site.publish().generation is None
    client = create_app(small_site.folder, Settings()).test_client()
    assert client.get("/res/def/bygd/1").status_code == 200
    assert small_site.publish(confirm=True).generation == 2
    # The address does not break: the dataset still points at it, and its page says so.
    assert client.get("/res/def/bygd/1").status_code in (200, 410)


@pytest.mark.parametrize(
    ("after", "kind"),
    [
        (concept("1", "Norra bygden"), "renamed"),
        (concept("1", "Norr", "; adms:status <http://purl.org/adms/status/Deprecated>"), "deprecated"),
        (concept("1", "Norr").replace('notation "1"', 'notation "01"'), "notation"),
        (concept("1", "Norr", "; skos:broader <def/bygd/2>"), "moved"),
    ],
)
def test_each_kind_of_change_is_told_apart(after: str, kind: str, small_site: SmallSite) -> None:
    write(small_site, after)
    base = "https://data.asen.example/"
    from server.store import read_rdf

    before = described(read_rdf([((SCHEME + concept("1", "Norr")).encode(), "a")], base))
    now = described(read_rdf([((SCHEME + after).encode(), "a")], base))
    assert [change.kind for change in concept_changes(before, now)] == [kind]


@pytest.mark.slow
def test_a_diff_says_whom_a_change_of_concepts_touches(small_site: SmallSite) -> None:
    write(small_site, concept("1", "Norr"))
    used(small_site)
    small_site.publish()
    write(small_site, concept("1", "Norra bygden"))
    assert [finding.rule for finding in small_site.publish().report.remarks] == ["concepts.change-renamed"]
    said = CliRunner().invoke(main, ["--lang", "en", "diff", "1", "2", "--site", str(small_site.folder)])
    assert said.exit_code == 0 and "gets another label. It is used 1 times" in said.output


def test_rdf_that_redefines_a_shared_concept_is_stopped(small_site: SmallSite) -> None:
    toml = small_site.dataset / "dataset.toml"
    toml.write_text(
        toml.read_text("utf-8").replace('"skolor.csv"', '"data.ttl"').replace('conformsTo = "skolor"\n', ""), "utf-8"
    )
    said = '@prefix skos: <http://www.w3.org/2004/02/skos/core#> . <def/{}> skos:altLabel "Annat"@sv .'
    (small_site.dataset / "data.ttl").write_text(said.format("service/T2"), "utf-8")
    done = small_site.publish()
    assert done.blocked == ["asen/skolor"]
    assert "concepts.redefined" in {finding.rule for finding in done.report.findings()}
    (small_site.dataset / "data.ttl").write_text(said.format("kvarter/1"), "utf-8")
    assert small_site.publish().blocked == []


def test_one_key_with_two_publishers_and_two_names_is_told(small_site: SmallSite) -> None:
    other = small_site.folder / "datasets" / "by" / "skolor"
    other.mkdir(parents=True)
    (other / "dataset.toml").write_text((small_site.dataset / "dataset.toml").read_text("utf-8"), "utf-8")
    rows = small_site.source.read_text("utf-8").replace("Skola 1,", "Annan skola,")
    (other / "skolor.csv").write_text(rows.replace('"Skola 1"', '"Annan skola"'), "utf-8")
    with (small_site.folder / "site.toml").open("a", encoding="utf-8") as toml:
        toml.write('[publishers.by]\nname.sv = "By kommun"\norgnr = "212000-9911"\nkommunkod = "9902"\n')
    told = [one for one in check(read_site(small_site.folder), Settings()).remarks if one.rule == "identifiers.clash"]
    assert len(told) == 1 and told[0].count == 1 and dict(told[0].detail)["other"] == "asen/skolor"
    assert {"identifiers.clash"} == {one.rule for one in small_site.publish().report.remarks}
