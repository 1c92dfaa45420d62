"""The bulk resolver: what many URIs, codes and labels name, in input order; bad input gets a clear answer."""

import csv
import io
import json
import shutil
import sqlite3
from contextlib import closing

import pytest
from flask.testing import FlaskClient

from server import create_app
from server.labels import is_current
from server.settings import read_settings

BASE = "https://data.norrsjo.example/"
# Saved up and given anew so slowly that a slow machine does not outrun it.
_LITTLE_TIME = {"TORG_CLIENT_BURST_SECONDS": "0.02", "TORG_CLIENT_SECONDS_PER_MINUTE": "0.6"}
SCHOOL = f"{BASE}def/service/T3.2"


def resolve(client: FlaskClient, items: list[str], query: str = "") -> list[dict]:
    response = client.post(f"/resolve{query}", json=items)
    assert response.status_code == 200, response.text
    assert [item["given"] for item in response.json["items"]] == items
    return response.json["items"]


def test_a_concept_is_found_by_uri_code_and_label(client):
    label = next(iter(resolve(client, [SCHOOL])))["labels"]["sv"]
    spelled = [SCHOOL, "/def/service/T3.2", "/res/def/service/T3.2.ttl", SCHOOL.replace("https", "http"),
               f"<{SCHOOL}>", "T3.2", label, label.upper(), f"  {label} "]  # fmt: skip
    for item in resolve(client, spelled, "?within=def/service"):
        assert (item["iri"], item["status"]) == (SCHOOL, "current"), item
        assert item["broader"][0]["iri"].endswith("/def/service/T3")
        assert item["broader"][0]["labels"]["sv"] and item["broader"][0]["labels"]["en"]
        assert item["scheme"] == f"{BASE}def/service"
        assert item["notation"] == "T3.2"
    assert ["uri", "uri", "uri", "uri", "uri", "notation", "label", "label", "label"] == [
        item["matched"] for item in resolve(client, spelled, "?within=def/service")
    ]


def test_swedish_letters_fold(client):
    (first, second) = resolve(client, ["ÄLDREOMSORG", "aldreomsorg"])
    assert first["iri"] == second["iri"] or first["status"] == second["status"] == "ambiguous"
    assert first["status"] != "unknown"


def test_a_thing_names_its_dataset(client):
    (item,) = resolve(client, [f"{BASE}id/school/09910008"])
    assert item["status"] == "current"
    assert item["datasets"] == [f"{BASE}id/dataset/kvarnede/skolor"]
    assert item["labels"]


def test_a_text_of_several_things_is_ambiguous(client):
    (item,) = resolve(client, ["Representation"], "?within=id/account")
    assert item["status"] == "ambiguous"
    assert item["iri"] == ""
    assert len(item["candidates"]) > 1
    assert all("/id/account/" in candidate["iri"] for candidate in item["candidates"])


def test_codes_of_things_are_resolved(client):
    school, plain, written, company = resolve(client, ["09910008", "2120009929", "212000-9929", "16212000-9929"])
    assert (school["iri"], school["matched"]) == (f"{BASE}id/school/09910008", "notation")
    assert school["notation"] == "09910008"
    for organization in (plain, written, company):
        assert organization["iri"] == f"{BASE}id/organization/2120009929", organization
    (none,) = resolve(client, ["212000-0000"])
    assert none["status"] == "unknown"


def test_an_index_made_before_codes_were_in_it_is_not_built_upon(starter, tmp_path):
    old = tmp_path / "labels.sqlite"
    shutil.copyfile(starter / "data/generations/000001/labels.sqlite", old)
    assert is_current(old) and not is_current(tmp_path / "none.sqlite")
    with closing(sqlite3.connect(old)) as index:
        index.execute("PRAGMA user_version = 0")
    assert not is_current(old)


@pytest.mark.parametrize("within", ["def/service", "/def/service/", f"{BASE}def/service", "def/service/T3", "DEF"])
def test_within_a_scheme_or_a_branch(client, within):
    found = client.post("/resolve", query_string={"within": within}, json=["T3.2", "T1.2", "Representation"])
    if within == "DEF":
        assert found.status_code == 404
        return
    grundskola, other, account = found.json["items"]
    assert (grundskola["iri"], account["status"]) == (SCHOOL, "unknown")
    assert other["status"] == ("unknown" if within.endswith("T3") else "current")


@pytest.mark.parametrize(
    "within", ["nonsense", "def", "def/nothing", "https://x.example/", "id/../id", "\x00", "id/%00"]
)
def test_within_what_never_was_is_refused(client, within):
    for response in (
        client.post("/resolve", query_string={"within": within}, json=["T3.2"]),
        client.get("/resolve", query_string={"within": within, "item": "T3.2"}),
    ):
        if within == "def":
            assert response.status_code == 200
        else:
            assert response.status_code == 404 and "def/service" in response.json["detail"], within


def test_half_a_surrogate_pair_is_malformed(client):
    for query in ("", "?format=csv"):
        response = client.post(f"/resolve{query}", data=b'["\\ud83d", "T3.2"]', content_type="application/json")
        assert response.status_code == 200 and "malformed" in response.text


def test_unknown_and_malformed_items_do_not_stop_the_batch(client):
    items = [
        "",
        "Finns inte alls",
        f"{BASE}id/school/never",
        "x" * 2001,
        "a\x00b",
        "https://[",
        "urn:",
        "http:// x",
        SCHOOL,
    ]
    found = resolve(client, items)
    assert [
        "malformed",
        "unknown",
        "unknown",
        "malformed",
        "malformed",
        "unknown",
        "unknown",
        "unknown",
        "current",
    ] == [item["status"] for item in found]


def test_lines_and_csv_go_in_and_csv_comes_out(client):
    lines = client.post("/resolve", data="T3.2\r\n\r\nokänt\n".encode(), content_type="text/plain")
    assert ["T3.2", "", "okänt"] == [item["given"] for item in lines.json["items"]]
    in_cells = client.post(
        "/resolve", data="Norra\vskolan\nSödra\u2028skolan\rT3.2".encode(), content_type="text/plain"
    )
    assert ["Norra\vskolan", "Södra\u2028skolan", "T3.2"] == [item["given"] for item in in_cells.json["items"]]
    table = "namn;item\nx;T3.2\ny;\n"
    answer = client.post(
        "/resolve?format=csv", data=("\ufeff" + table).encode(), content_type="text/csv; charset=utf-8"
    )
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert answer.mimetype == "text/csv"
    assert ["T3.2", ""] == [row["given"] for row in rows]
    formula = client.post("/resolve?format=csv", data=b"=1+1", content_type="text/plain")
    assert list(csv.reader(io.StringIO(formula.text)))[1][0] == "'=1+1"


@pytest.mark.parametrize(
    ("body", "kind", "status", "says"),
    [
        (json.dumps(["x"] * 10_001), "application/json", 413, "10000"),
        (b"\xe5\xe4\xf6", "text/plain", 400, "UTF-8"),
        (b"{", "application/json", 400, "JSON"),
        (b"[" * 100_000, "application/json", 400, "JSON"),
        (b"[1]", "application/json", 400, "array of texts"),
        (b"x", "application/xml", 415, "text/csv"),
        (b"x" * (17 << 20), "text/plain", 413, ""),
    ],
)
def test_bad_batches_are_refused_with_a_reason(client, body, kind, status, says):
    response = client.post("/resolve", data=body, content_type=kind)
    assert response.status_code == status
    assert says in response.json["detail"]


def test_successors_are_followed_and_cycles_end(small_site):
    small_site.publish()
    (small_site.folder / "replacements.toml").write_text(
        '["/id/school/10000001"]\nreplacedBy = "/id/school/10000002"\n'
        '["/id/school/10000003"]\nsplitInto = ["/id/school/10000004", "/id/school/10000005"]\n',
        "utf-8",
    )
    rows = small_site.source.read_text("utf-8").splitlines()[1:]
    small_site.write([row for row in rows if not row.startswith(("9901,10000001", "9901,10000003", "9901,10000006"))])
    small_site.publish(confirm=True)
    client = create_app(small_site.folder, read_settings(environment={})).test_client()
    base = "https://data.asen.example/id/school/"
    gone, split, withdrawn = resolve(client, [base + key for key in ("10000001", "10000003", "10000006")])
    assert (gone["status"], [s["iri"] for s in gone["successors"]]) == ("replaced", [f"{base}10000002"])
    assert gone["successors"][0]["labels"] == {"": "Skola 2"} or "Skola 2" in gone["successors"][0]["labels"].values()
    assert (split["status"], len(split["successors"])) == ("split", 2)
    assert (withdrawn["status"], withdrawn["successors"]) == ("withdrawn", [])
    with_cycle = create_app(small_site.folder, read_settings(environment={})).extensions["torg"].ledger
    with with_cycle.recording(2, "2026-03-01T00:00:00Z") as recorder:
        recorder.declared("/id/school/10000006", "replaced-by", ["/id/school/10000007"])
        recorder.declared("/id/school/10000007", "replaced-by", ["/id/school/10000006"])
    (cyclic,) = resolve(client, [f"{base}10000006"])
    assert [s["iri"] for s in cyclic["successors"]] == [f"{base}10000007"]


def test_batches_are_charged_to_the_client(starter):
    app = create_app(starter, read_settings(environment=_LITTLE_TIME))
    client = app.test_client()
    codes = [client.post("/resolve", json=[SCHOOL] * 500).status_code for _ in range(40)]
    assert codes[0] == 200 and 429 in codes
    refused = client.post("/resolve", json=[SCHOOL])
    assert refused.status_code == 429 and int(refused.headers["Retry-After"]) > 0
    assert client.get("/res/def/service/T3.2").status_code == 200
    app.extensions["torg"].close()
