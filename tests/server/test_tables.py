"""The twins for spreadsheets and maps: of a thing, of a list of things, and of a graph."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from openpyxl import load_workbook

from server.errors import Problem
from server.tables import Table, write_csv, write_xlsx

BASE = "https://data.norrsjo.example/"
SCHOOL = "/res/school/09903001"
LEDGER = "/graph/granby/leverantorsreskontra/2026-01"
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def rows(data: bytes) -> list[dict[str, str]]:
    assert data.startswith(b"\xef\xbb\xbf"), "Excel needs the byte order mark"
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def test_a_thing_as_csv_in_either_language(client: FlaskClient) -> None:
    swedish = rows(client.get(f"{SCHOOL}.csv").data)
    english = rows(client.get(f"{SCHOOL}.csv?lang=en").data)
    assert {"Egenskap": "Antal barn eller elever", "Värde": "270"}.items() <= {
        key: value for row in swedish if row["Värde"] == "270" for key, value in row.items()
    }.items()
    assert ["Number of children or pupils"] == [row["Property"] for row in english if row["Value"] == "270"]
    operator = next(row for row in english if row["Property's address"].endswith("#operator"))
    assert operator["Address"] == f"{BASE}id/organization/2120009929"
    assert operator["Value"] == "Älvhult Municipality"


def test_accept_reaches_the_twins(client: FlaskClient) -> None:
    response = client.get(SCHOOL, headers={"Accept": "text/csv", "Accept-Language": "en"})
    assert (response.mimetype, response.headers["Content-Language"]) == ("text/csv", "en")
    assert {"Accept", "Accept-Language"} <= set(response.headers["Vary"].split(", "))
    assert client.get(response.headers["Content-Location"]).data == response.data


def test_a_concepts_members_as_a_table(client: FlaskClient) -> None:
    inverse = quote(f"{BASE}spec/torg#serviceArea", safe="")
    found = rows(client.get(f"/res/def/service/T3.2.csv?inverse={inverse}").data)
    page = client.get(f"/res/def/service/T3.2?inverse={inverse}", headers={"Accept": "text/turtle"}).get_data(
        as_text=True
    )
    assert f"totalItems {len(found)}" in page
    assert {row["Namn"] for row in found} >= {"Sjöskolan"}
    listed = client.get(f"/res/def/service/T3.2?inverse={inverse}&page=1", headers={"Accept": "text/html"}).get_data(
        True
    )
    (link,) = set(re.findall(r'href="(/res/def/service/T3\.2\.csv[^"]*)"', listed))
    assert rows(client.get(link.replace("&amp;", "&")).data) == found
    assert {row["Verksamhetsområde"] for row in found} == {"Grundskola"}


def test_a_graph_as_csv_accounts_for_every_entry(client: FlaskClient) -> None:
    found = rows(client.get(f"{LEDGER}.csv").data)
    lines = client.get(f"{LEDGER}.nt").get_data(as_text=True)
    assert len(found) == lines.count(
        "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <" + BASE + "spec/torg#LedgerEntry>"
    )
    assert all(row["Adress"].startswith(f"{BASE}id/ledger-entry/9902/") for row in found)
    amounts = sum(Decimal(row["Nettobelopp"]) for row in found)
    triples = [line.split('"')[1] for line in lines.splitlines() if f"<{BASE}spec/torg#netAmount>" in line]
    assert len(triples) == len(found)
    assert amounts == sum(map(Decimal, triples))


def test_other_classes_of_a_graph(client: FlaskClient) -> None:
    accounts = client.get(f"{LEDGER}.csv?class={quote(BASE + 'spec/torg#Account', safe='')}")
    assert all(row["Adress"].startswith(f"{BASE}id/account/9902/") for row in rows(accounts.data))
    missing = client.get(f"{LEDGER}.csv?class=urn%3Anone")
    assert missing.status_code == 404
    assert f"{BASE}spec/torg#LedgerEntry" in missing.json["classes"]


def test_a_graph_as_a_workbook_with_real_numbers_and_dates(client: FlaskClient) -> None:
    response = client.get(f"{LEDGER}.xlsx?lang=en")
    book = load_workbook(io.BytesIO(response.data))
    assert len(book.sheetnames) > 1
    sheet = book.worksheets[0]
    head = [cell.value for cell in sheet[1]]
    first = dict(zip(head, [cell.value for cell in sheet[2]], strict=True))
    assert isinstance(first["Net amount"], int | float)
    assert any(isinstance(value, datetime) for value in first.values())
    assert client.get(f"{LEDGER}.xlsx?lang=en").data == response.data


def test_a_map_of_a_graph_and_of_a_thing(client: FlaskClient) -> None:
    collection = json.loads(client.get("/graph/alvhult/skolor.geojson").data)
    assert collection["type"] == "FeatureCollection"
    assert len(collection["features"]) > 3
    single = json.loads(client.get(f"{SCHOOL}.geojson").data)
    assert single["geometry"] == {"type": "Point", "coordinates": [15.474995, 61.042139]}
    assert single["id"] == f"{BASE}id/school/09903001"
    assert single in [feature | {"properties": single["properties"]} for feature in collection["features"]]


def test_no_map_without_a_place(client: FlaskClient) -> None:
    assert client.get("/res/def/service/T3.geojson").status_code == 404
    assert "geojson" not in client.get("/res/def/service/T3").headers["Link"]
    assert "geojson" in client.get(SCHOOL).headers["Link"]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("+46 19 21 00 00", "+46 19 21 00 00"),
        ("-5", "-5"),
        ('Åsen; "Öst"', 'Åsen; "Öst"'),
        ("två\nrader", "två\nrader"),
    ],
)
def test_no_cell_is_a_formula(text: str, written: str) -> None:
    target = io.BytesIO()
    write_csv(Table("t", ["a"], [[text]]), target)
    assert rows(target.getvalue()) == [{"a": written}]
    book = io.BytesIO()
    write_xlsx([Table("t", ["a"], [[text]])], book, NOW)
    cell = load_workbook(book).worksheets[0]["A2"]
    assert (cell.value, cell.data_type) == (text, "s")


def test_leading_zeros_and_long_numbers_stay(client: FlaskClient) -> None:
    book = io.BytesIO()
    write_xlsx(
        [Table("a/b[c]:" * 9, ["x"], [["0180"], [12345678901234567], [Decimal("1.5")], [True], [None]])], book, NOW
    )
    sheet = load_workbook(book).worksheets[0]
    assert [sheet.cell(row, 1).value for row in range(2, 7)] == ["0180", "12345678901234567", 1.5, True, None]


def test_more_rows_than_a_sheet_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.tables.XLSX_ROWS", 3)
    with pytest.raises(Problem) as refused:
        write_xlsx([Table("t", ["a"], ([number] for number in range(5)))], io.BytesIO(), NOW)
    assert refused.value.status == 406
