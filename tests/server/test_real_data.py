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
SOURCES = {
    "harryda/badplatser": "se-badplatser/Badplatser_Harryda.csv",
    "vgr/leverantorsreskontra": "se-leverantorsreskontra/vgr_2026-01_sample.csv",
    "vasteras/leverantorsreskontra": "se-leverantorsreskontra/vasteras_2025_sample.json",
}
ROWS = {"harryda/badplatser": 9, "vgr/leverantorsreskontra": 4, "vasteras/leverantorsreskontra": 2}
BASE = "https://real.example/"
TORG = rdflib.Namespace(f"{BASE}spec/torg#")
SCHEMA = rdflib.Namespace("https://schema.org/")

pytestmark = pytest.mark.skipif(
    not all((SHARED / name).exists() for name in SOURCES.values()),
    reason="the publishers' files are not here (TORG_SHARED names their folder)",
)


@pytest.fixture(scope="module")
def site_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("real") / "site"
    shutil.copytree(ROOT / "tests" / "real_site", folder)
    for key, name in SOURCES.items():
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
    assert counted == {key: (rows, rows) for key, rows in ROWS.items()}


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
