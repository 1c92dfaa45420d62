"""Real files of Swedish publishers, as they came: published whole, every row accounted for (opt-in)."""

from __future__ import annotations

import gzip
import os
import shutil
from decimal import Decimal
from pathlib import Path

import pytest
import rdflib
from rdflib.namespace import RDF

from server.publish import Publication, publish
from server.settings import read_settings
from server.site import read_site

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("TORG_SHARED", ROOT.parent / "shared")) / "data"
NO, UK = "no-datahotellet/stavanger", "uk-council-spending"
SOURCES = {
    "harryda/badplatser": ["se-badplatser/Badplatser_Harryda.csv"],
    "vgr/leverantorsreskontra": ["se-leverantorsreskontra/vgr_2026-01_sample.csv"],
    "vasteras/leverantorsreskontra": ["se-leverantorsreskontra/vasteras_2025_sample.json"],
    "skolverket/forskolor": ["se-forskolor/forskolor_5_lan.csv"],
    "skolverket/skolenheter": ["se-skolenheter/compact-school-units-mellansverige.json"],
    "skolverket/skolenheter-stockholm": ["se-skolenheter/school-units-stockholm.ndjson"],
    "speglingar/atervinning": ["se-atervinning/stations.csv", "se-atervinning/services.csv"],
    "speglingar/kommunstatistik": ["se-kommunstatistik/municip_data22.csv"],
    "speglingar/stavanger-badeplasser": [f"{NO}/badeplasser/dataset.csv"],
    "speglingar/stavanger-barnehager": [f"{NO}/barnehager/dataset.csv"],
    "speglingar/stavanger-lekeplasser": [f"{NO}/lekeplasser/dataset.csv"],
    "speglingar/stavanger-toaletter": [f"{NO}/offentligetoalett/dataset.csv"],
    "speglingar/stavanger-miljostasjoner": [f"{NO}/miljostasjoner/dataset.csv"],
    "speglingar/leeds-spending": [f"{UK}/leeds/raw/2013-12.csv"],
    "speglingar/trafford-care-homes": ["uk-trafford/care_homes/trafford_care_homes.csv"],
    "speglingar/trafford-ev": ["uk-trafford/ev_charging/trafford_electric_vehicle_charging_locations.csv"],
    "speglingar/trafford-schools": ["uk-trafford/schools_and_colleges/trafford_schools_and_colleges.csv"],
}
# Rows read and rows published; the difference stands in findings, and is the sources' own faults.
ROWS = {
    "harryda/badplatser": (9, 9),
    "vgr/leverantorsreskontra": (4, 4),
    "vasteras/leverantorsreskontra": (2, 2),
    "skolverket/forskolor": (2694, 2694),
    "skolverket/skolenheter": (462, 462),
    "skolverket/skolenheter-stockholm": (432, 432),
    "speglingar/atervinning": (1577, 1565),  # twelve stations have no name
    "speglingar/kommunstatistik": (4640, 4640),  # 290 municipalities, 16 indicators
    "speglingar/stavanger-badeplasser": (33, 33),
    "speglingar/stavanger-barnehager": (133, 133),
    "speglingar/stavanger-lekeplasser": (259, 259),
    "speglingar/stavanger-toaletter": (14, 13),  # a row of delimiters only
    "speglingar/stavanger-miljostasjoner": (56, 54),  # a row cut short, and one that stands twice
    "speglingar/leeds-spending": (9575, 9574),  # one payment without an account
    "speglingar/trafford-care-homes": (56, 56),
    "speglingar/trafford-ev": (50, 44),  # six rows like others in all that is published
    "speglingar/trafford-schools": (103, 103),
}
BASE = "https://real.example/"
TORG = rdflib.Namespace(f"{BASE}spec/torg#")
SCHEMA = rdflib.Namespace("https://schema.org/")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not all((SHARED / name).exists() for names in SOURCES.values() for name in names),
        reason="the publishers' files are not here (TORG_SHARED names their folder)",
    ),
]


@pytest.fixture(scope="module")
def site_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("real") / "site"
    shutil.copytree(ROOT / "tests" / "real_site", folder)
    for key, names in SOURCES.items():
        for name in names:
            shutil.copyfile(SHARED / name, folder / "datasets" / key / Path(name).name)
    return folder


@pytest.fixture(scope="module")
def published(site_folder: Path) -> Publication:
    site = read_site(site_folder)
    assert not site.faults
    return publish(site, read_settings(site.raw, environment={}))


def graph_of(site_folder: Path, name: str) -> rdflib.Graph:
    dump = next(site_folder.glob(f"data/generations/*/dumps/{name}.nt.gz"))
    return rdflib.Graph().parse(data=gzip.decompress(dump.read_bytes()).decode(), format="nt")


def test_every_row_is_accounted_for(published: Publication) -> None:
    assert published.generation is not None and not published.blocked
    counted = {report.dataset: (report.rows_in, report.rows_out) for report in published.report.datasets}
    assert counted == ROWS
    for report in published.report.datasets:
        told = sum(finding.count for finding in report.findings if finding.weight != "info" or "rows" in finding.rule)
        assert told >= report.rows_in - report.rows_out


def test_bathing_places_without_ids_are_found_by_name(published: Publication, site_folder: Path) -> None:
    graph = graph_of(site_folder, "harryda/badplatser")
    places = {str(name): place for place, name in graph.subject_objects(SCHEMA.name)}
    assert len(places) == 9
    assert str(places["Pålen"]) == f"{BASE}id/bathing-place/1401/P%C3%A5len"
    # A slash in a name is no part of a path: "Säteriet/Hästviken".
    assert str(places["Säteriet/Hästviken"]).count("/") == f"{BASE}id/bathing-place/1401/x".count("/")
    # A no-break space or a comma inside quotes costs nothing.
    assert sum(1 for _ in graph.subject_objects(SCHEMA.description)) == 9


def test_bare_carriage_returns_and_credit_notes_of_vgr(published: Publication, site_folder: Path) -> None:
    graph = graph_of(site_folder, "vgr/leverantorsreskontra/2026-01")
    amounts = sorted(Decimal(str(amount)) for amount in graph.objects(None, TORG.netAmount))
    assert amounts == [Decimal("-14250"), Decimal("136.98"), Decimal("3285"), Decimal("5058332.75")]
    paid = {str(supplier) for supplier in graph.objects(None, TORG.payee)}
    assert f"{BASE}id/organization/5564594538" in paid


def test_regional_accounts_are_not_taken_for_municipal_ones(published: Publication, site_folder: Path) -> None:
    """Regions keep another account plan: their 75 is no temporary staff."""
    graph = graph_of(site_folder, "vgr/leverantorsreskontra/2026-01")
    assert not [group for group in graph.objects() if "/def/spending/" in str(group)]


def test_internal_supplier_ids_of_vasteras_are_no_organization_numbers(
    published: Publication, site_folder: Path
) -> None:
    graph = graph_of(site_folder, "vasteras/leverantorsreskontra/2025")
    entries = set(graph.subjects(RDF.type, TORG.LedgerEntry))
    assert len(entries) == 2
    assert sum(Decimal(str(amount)) for amount in graph.objects(None, TORG.netAmount)) == Decimal("-1702.71")
    suppliers = {str(supplier) for supplier in graph.objects(None, TORG.payee)}
    assert suppliers == {f"{BASE}id/supplier/1980/10004007"}


def test_two_tables_make_one_station(published: Publication, site_folder: Path) -> None:
    graph = graph_of(site_folder, "speglingar/atervinning")
    station = rdflib.URIRef(f"{BASE}id/recycling-station/2120009903/14855")
    assert {str(material) for material in graph.objects(station, TORG.materials)} == set("123456789")
    assert str(graph.value(station, SCHEMA.name)) == "Skörby Skog"


def test_preschools_keep_their_municipality_in_spite_of_lost_zeros(published: Publication, site_folder: Path) -> None:
    graph = graph_of(site_folder, "skolverket/forskolor")
    places = {str(place) for place in graph.objects() if "/def/place/" in str(place)}
    assert f"{BASE}def/place/0380" in places and f"{BASE}def/place/1880" in places
    assert not [text for text in graph.objects(None, SCHEMA.postalCode) if str(text).endswith(".0")]


def test_municipal_figures_are_observations(published: Publication, site_folder: Path) -> None:
    graph = graph_of(site_folder, "speglingar/kommunstatistik")
    name = "id/observation/2120009903/kommunstatistik/pop/114/2022/T"
    value = graph.value(
        rdflib.URIRef(BASE + name), rdflib.URIRef("http://purl.org/linked-data/sdmx/2009/measure#obsValue")
    )
    assert value is not None and str(value) == "47820"
