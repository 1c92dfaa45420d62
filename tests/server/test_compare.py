"""One question to all publishers: the table, its twins, and the rows behind it."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from collections import defaultdict
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openpyxl import load_workbook

import ontology
from server import create_app
from server.comparison import comparable, to_xlsx
from server.settings import read_settings
from server.specification_rows import specification_rows
from server.uris import UriSpace

BASE = "https://data.norrsjo.example/"
URIS = UriSpace(BASE)
HTML = {"Accept": "text/html", "Accept-Language": "en"}


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def rows_of(client: FlaskClient, specification: str, **query: str) -> list[dict[str, str]]:
    with client.get(f"/compare/{specification}/download", query_string={"format": "csv", **query}) as response:
        assert response.status_code == 200, response.text
        return list(csv.DictReader(io.StringIO(response.data.decode())))


def cells_of(client: FlaskClient, specification: str, **query: str) -> dict[tuple[str, str], Decimal]:
    found = client.get(f"/compare/{specification}", query_string={"format": "json", "lang": "sv", **query})
    assert found.status_code == 200, found.text
    members = json.loads(found.data, parse_float=Decimal)
    return {(cell["publisherName"], cell["conceptName"]): Decimal(cell["value"]) for cell in members["cells"]}


@pytest.mark.parametrize("specification", ontology.specification_names())
def test_every_specification_can_be_read_back_in_its_own_columns(specification: str) -> None:
    rows = specification_rows(specification, URIS)
    schema = ontology.table(specification)["tableSchema"]["columns"]
    assert list(rows.columns) == [column["name"] for column in schema if not column.get("virtual")]
    mandatory = {column["name"] for column in schema if column.get("required")}
    assert mandatory <= {way.column for way in rows.ways}
    found = comparable(specification, URIS)
    assert any(figure.name == "number" for figure in found.figures)


def test_merged_table_has_the_columns_of_the_specification_and_all_publishers(client: FlaskClient) -> None:
    rows = rows_of(client, "skolor")
    assert list(rows[0]) == list(specification_rows("skolor", URIS).columns)
    assert len({row["source"] for row in rows}) == 12
    assert all(row["id"] and row["name"] for row in rows)


def test_rows_out_are_rows_in_the_download(app: Flask, client: FlaskClient) -> None:
    for key, entry in app.extensions["torg"].generation().datasets.items():
        published = sum(delivery["rows_out"] for delivery in entry["deliveries"].values())
        assert len(rows_of(client, entry["specification"], dataset=key)) == published, key


def test_table_of_sums_is_the_sum_of_the_rows(client: FlaskClient) -> None:
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows_of(client, "leverantorsreskontra"):
        sums[row["kommun_id"]] += Decimal(row["nettobelopp"])
    by_publisher: dict[str, Decimal] = defaultdict(Decimal)
    for (publisher, _), number in cells_of(client, "leverantorsreskontra").items():
        by_publisher[publisher] += number
    assert sorted(sums.values()) == sorted(by_publisher.values())
    assert len(by_publisher) == 12


def test_numbers_of_things_are_the_numbers_of_rows(client: FlaskClient) -> None:
    counted: dict[str, int] = defaultdict(int)
    for row in rows_of(client, "skolor"):
        counted[row["school_form"]] += 1
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for (_, concept), number in cells_of(client, "skolor", by="school_form").items():
        totals[concept] += number
    assert dict(totals) == dict(counted)


def test_a_year_stands_for_its_months(app: Flask, client: FlaskClient) -> None:
    graphs = app.extensions["torg"].generation().graphs.values()
    months = {graph.period for graph in graphs if re.fullmatch(r"2026-\d\d", graph.period)}
    assert len(months) > 1
    rows = rows_of(client, "leverantorsreskontra", period="2026", publisher="granby")
    by_month = [rows_of(client, "leverantorsreskontra", period=month, publisher="granby") for month in sorted(months)]
    assert sorted(map(repr, rows)) == sorted(repr(row) for month in by_month for row in month)


def test_a_person_has_a_neutral_name_in_the_rows(client: FlaskClient) -> None:
    rows = rows_of(client, "leverantorsreskontra")
    masked = [row for row in rows if row["leverantor"] == "Enskild näringsidkare"]
    assert masked
    assert all(row["leverantor_id"] == "" for row in masked)


def test_twins_say_the_same(client: FlaskClient) -> None:
    cells = cells_of(client, "skolor")
    table = list(csv.reader(io.StringIO(client.get("/compare/skolor?format=csv&lang=sv").text)))
    book = load_workbook(io.BytesIO(client.get("/compare/skolor?format=xlsx&lang=sv").data))
    sheet = [[cell or "" for cell in row] for row in book.active.iter_rows(values_only=True)]
    for rows in (table, sheet):
        found = {
            (row[0], concept): Decimal(str(cell))
            for row in rows[1:]
            for concept, cell in zip(rows[0][1:], row[1:], strict=True)
            if cell != ""
        }
        assert found == cells


def test_a_name_is_never_a_formula() -> None:
    book = load_workbook(io.BytesIO(to_xlsx([["publisher", "=1+1"], ["=cmd()", Decimal("2.5")]], "Skolor: [alla]")))
    cells = [cell for row in book.active.iter_rows() for cell in row]
    assert [cell.data_type for cell in cells] == ["s", "s", "s", "n"]
    assert [cell.value for cell in cells][:3] == ["publisher", "=1+1", "=cmd()"]


def test_gaps_are_seen(client: FlaskClient) -> None:
    text = client.get("/compare/skolor", headers=HTML).text
    assert 'class="gap"' in text
    assert "Compulsory school" in text


def test_who_does_not_publish_is_named(small_site: object, tmp_path: object) -> None:
    from server import create_app

    folder = small_site.folder  # type: ignore[attr-defined]
    toml = (folder / "site.toml").read_text("utf-8")
    more = '\n[publishers.boda]\nname.sv = "Boda kommun"\norgnr = "212000-9911"\n'
    (folder / "site.toml").write_text(toml + more, "utf-8")
    small_site.publish()  # type: ignore[attr-defined]
    app = create_app(folder)
    text = app.test_client().get("/compare/skolor", headers=HTML | {"Accept-Language": "sv"}).text
    assert re.search(r"Boda kommun</th><td colspan=\"\d+\">publicerar inte detta ännu", text)
    app.extensions["torg"].close()


def test_the_question_behind_the_table_is_there_to_be_asked(client: FlaskClient) -> None:
    class Links(HTMLParser):
        found = ""

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            href = dict(attrs).get("href") or ""
            if tag == "a" and "/sparql?query=" in href:
                self.found = href

    links = Links()
    links.feed(client.get("/compare/leverantorsreskontra?figure=nettobelopp", headers=HTML).text)
    assert links.found
    answer = client.get(links.found, headers={"Accept": "application/sparql-results+json"})
    assert answer.status_code == 200
    assert len(json.loads(answer.data)["results"]["bindings"]) > 100


def test_merged_triples_are_the_dumps_after_each_other(app: Flask, client: FlaskClient) -> None:
    with client.get("/compare/skolor/download?format=nt") as response:
        assert response.mimetype == "application/gzip"
        lines = gzip.decompress(response.data).splitlines()
    graphs = app.extensions["torg"].generation().graphs.values()
    assert len(lines) == sum(graph.triples for graph in graphs if graph.dataset.endswith("/skolor"))


def test_json_rows_name_the_thing_and_its_dataset(client: FlaskClient) -> None:
    with client.get("/compare/aldreboenden/download?format=json&publisher=granby") as response:
        rows = json.loads(response.data)
    assert rows and all(row["@id"].startswith(BASE + "id/care-home/") for row in rows)
    assert {row["dataset"] for row in rows} == {BASE + "id/dataset/granby/aldreboenden"}


def test_downloads_have_a_length_a_name_and_a_validator(client: FlaskClient) -> None:
    with client.get("/compare/leverantorsreskontra/download?format=csv&period=2026-01") as response:
        assert int(response.headers["Content-Length"]) == len(response.data)
        assert 'filename="leverantorsreskontra-2026-01.csv"' in response.headers["Content-Disposition"]
        etag = response.headers["ETag"]
    again = client.get(
        "/compare/leverantorsreskontra/download?format=csv&period=2026-01", headers={"If-None-Match": etag}
    )
    assert again.status_code == 304


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/compare/nosuch", 404),
        ("/compare/badplatser", 404),
        ("/compare/skolor?figure=nosuch", 400),
        ("/compare/skolor?by=nosuch", 400),
        ("/compare/leverantorsreskontra?period=1999", 404),
        ("/compare/skolor/download?format=xlsx", 406),
        ("/compare/skolor/download?format=csv&publisher=nosuch", 404),
        ("/compare/skolor/download?format=csv&dataset=granby/aldreboenden", 404),
        ("/compare/skolor/download?format=csv&dataset=%22%0d%0aX-A:%20b", 404),
    ],
)
def test_what_is_not_there_is_said_plainly(client: FlaskClient, path: str, status: int) -> None:
    response = client.get(path, headers={"Accept": "application/problem+json, */*;q=0.1"})
    assert response.status_code == status
    assert response.json and response.json["detail"]


def test_list_of_specifications_leads_to_each(client: FlaskClient) -> None:
    listed = client.get("/compare?format=json").json
    assert [row["specification"] for row in listed] == ["aldreboenden", "leverantorsreskontra", "skolor"]
    page = client.get("/compare", headers=HTML).text
    for row in listed:
        assert f'href="/compare/{row["specification"]}"' in page


def test_comparisons_and_downloads_are_paid_for(starter: Path) -> None:
    app = create_app(starter, read_settings(environment={}, flags={"client_burst_seconds": 0.0}))
    try:
        client = app.test_client()
        for path in ("/compare/skolor?format=json", "/compare/skolor/download?format=csv"):
            refused = client.get(path)
            assert refused.status_code == 429 and int(refused.headers["Retry-After"]) > 0, path
    finally:
        app.extensions["torg"].close()


def test_the_json_table_holds_its_query(client: FlaskClient) -> None:
    asked = client.get("/compare/skolor?format=json").json["query"]
    answered = client.post("/sparql", data={"query": asked}, headers={"Accept": "application/sparql-results+json"})
    assert answered.status_code == 200 and answered.json["results"]["bindings"]


def test_specifications_are_listed_in_the_order_of_the_alphabet(client: FlaskClient) -> None:
    listed = re.findall(r"<li><h2><a[^>]*>([^<]+)</a>", client.get("/compare?lang=sv", headers=HTML).text)
    assert listed[0] == "Leverantörsreskontra" and listed[-1] == "Äldreboenden" and len(listed) > 2


def test_publishers_stand_in_the_order_of_the_alphabet(client: FlaskClient) -> None:
    page = client.get("/compare/skolor?lang=sv", headers={"Accept": "text/html"}).text
    rows = re.findall(r'<th scope="row"><a [^>]*>([^<]+) kommun</a>', page)
    assert rows[0] == "Ekvalla" and rows[-3:] == ["Älvhult", "Ängshamn", "Öbacka"]


def test_a_comparison_with_nothing_to_choose_has_no_form_and_no_second_total(make_site, tmp_path) -> None:
    site = make_site(tmp_path / "site")
    description = site.dataset / "dataset.toml"
    text = description.read_text("utf-8").replace('conformsTo = "skolor"', 'conformsTo = "lekplatser"')
    description.write_text(text, "utf-8")
    site.write(['9901,1,"Torget",59.1,15.2'], "source,id,name,latitude,longitude")
    site.publish()
    app = create_app(site.folder, read_settings(environment={}))
    try:
        page = app.test_client().get("/compare/lekplatser?lang=sv", headers={"Accept": "text/html"}).text
        main = page[page.index("<main") : page.index("</main>")]
        assert "Visa</button>" not in main and "<select" not in main
        assert main.count(">Summa</th>") == 1  # of the row beneath, not of a column that repeats the only one
        assert re.search(r'<td class="number"><data value="1">1</data></td>\s*</tr>', main)
    finally:
        app.extensions["torg"].close()
