"""Reconciliation API 0.2: OpenRefine's sequence of calls, typing errors, types, properties, extension, bad batches."""

import gzip
import json
import re
from urllib.parse import urlsplit

import jsonschema
import pytest
import rdflib
from flask.testing import FlaskClient

from server.fuzzy_index import FuzzyIndex
from server.labels import Label
from tests.server.reconciliation_schemas import (
    EXTENSION,
    MANIFEST,
    PROPOSED,
    QUERIES,
    RESULTS,
    SCHEMAS,
    SUGGESTED_ENTITIES,
    SUGGESTED_PROPERTIES,
    SUGGESTED_TYPES,
)

BASE = "https://data.norrsjo.example/"
SERVICE = f"{BASE}def/service"
PREFERRED = "http://www.w3.org/2004/02/skos/core#prefLabel"


def ask(client: FlaskClient, **queries: dict) -> dict:
    response = client.post("/reconcile", data={"queries": json.dumps(queries)})
    assert response.status_code == 200, response.text
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert set(response.json) == set(queries)
    jsonschema.validate(response.json, RESULTS)
    for answer in response.json.values():
        for candidate in answer["result"]:
            check_candidate(candidate)
    return response.json


def check_candidate(candidate: dict) -> None:
    """Section 4.3 of the specification, and its schema of result batches."""
    assert {"id", "name", "score"} <= set(candidate)
    assert isinstance(candidate["id"], str) and isinstance(candidate["name"], str) and candidate["name"]
    assert isinstance(candidate["score"], int | float) and isinstance(candidate["match"], bool)
    assert all(set(one) == {"id", "name"} and all(one.values()) for one in candidate["type"])
    assert all(isinstance(one["value"], bool | int | float) for one in candidate["features"])


def test_the_manifest_has_what_a_client_needs(client):
    manifest = client.get("/reconcile").json
    assert {"versions", "name", "identifierSpace", "schemaSpace"} <= set(manifest)
    assert "0.2" in manifest["versions"]
    assert "{{id}}" in manifest["view"]["url"] and "{{id}}" in manifest["preview"]["url"]
    assert isinstance(manifest["preview"]["width"], int)
    for suggest in manifest["suggest"].values():
        assert suggest["service_url"].startswith(BASE) and "${id}" in suggest["flyout_service_path"]
    assert all({"id", "name"} == set(one) for one in manifest["defaultTypes"]) and manifest["defaultTypes"]
    assert len({one["id"] for one in manifest["defaultTypes"]}) == len(manifest["defaultTypes"])
    assert {"type", "label", "name"} <= set(manifest["extend"]["property_settings"][0])


def test_openrefine_reconciles_a_column_previews_and_extends_it(client):
    manifest = client.get("/reconcile").json
    suggested = client.get("/reconcile/suggest/type?prefix=platser").json["result"]
    place = next(one for one in suggested if one["id"] == f"{BASE}def/place")
    found = ask(client, q0={"query": "Gävlle", "type": place["id"], "limit": 3, "type_strict": "should"},
                q1={"query": "Älvsbin", "type": place["id"], "limit": 3})  # fmt: skip
    first = found["q0"]["result"][0]
    assert first["id"] == f"{BASE}def/place/2180"
    assert found["q1"]["result"][0]["id"] == f"{BASE}def/place/2560"
    assert f"{BASE}def/place" in [one["id"] for one in first["type"]]
    shown = client.get(manifest["preview"]["url"].replace("{{id}}", first["id"]).removeprefix(BASE.rstrip("/")))
    assert "Gävle" in shown.text and "frame-ancestors *" in shown.headers["Content-Security-Policy"]
    flyout = client.get(f"/reconcile/flyout/entity?id={first['id']}").json
    assert flyout["id"] == first["id"] and "Gävle" in flyout["html"]
    proposed = client.get(f"/reconcile/properties?type={place['id']}&limit=50").json
    broader = next(one for one in proposed["properties"] if one["id"].endswith("#broader"))
    extension = {"ids": [first["id"], "x"], "properties": [{"id": broader["id"], "settings": {"limit": "1"}},
                 {"id": "http://purl.org/dc/terms/issued"}]}  # fmt: skip
    answer = client.post("/reconcile", data={"extend": json.dumps(extension)}).json
    assert [one["id"] for one in answer["meta"]] == [broader["id"], "http://purl.org/dc/terms/issued"]
    (county,) = answer["rows"][first["id"]][broader["id"]]
    assert county["id"] == f"{BASE}def/place/21" and county["name"]
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT00:00:00Z", answer["rows"][first["id"]]["http://purl.org/dc/terms/issued"][0]["date"]
    )
    assert answer["rows"]["x"][broader["id"]] == []


def test_the_address_of_every_service_answers(client):
    manifest = client.get("/reconcile").json
    for name, suggest in manifest["suggest"].items():
        path = urlsplit(suggest["service_url"]).path + suggest["service_path"]
        result = client.get(f"{path}?prefix=pl").json["result"]
        assert result, name
        assert all({"id", "name"} <= set(one) for one in result)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("T3.2", "def/service/T3.2"),
        ("grundskloa", "def/service/T3.2"),
        ("Grundskola ", "def/service/T3.2"),
        ("hemtjanst", ""),
    ],
)
def test_codes_and_typing_errors_find_the_concept(client, typed, meant):
    result = ask(client, q={"query": typed, "type": SERVICE})["q"]["result"]
    assert result
    assert all(f"{SERVICE}/" in one["id"] for one in result)
    if meant:
        assert result[0]["id"] == BASE + meant


def test_properties_decide_between_namesakes(client):
    name = "Representation"
    plain = ask(client, q={"query": name, "type": f"{BASE}spec/torg#Account", "limit": 50})["q"]["result"]
    assert len(plain) > 1 and not plain[0]["match"]
    wanted = plain[-1]["id"]
    code = wanted.rpartition("/")[2]
    notation = "http://www.w3.org/2004/02/skos/core#notation"
    better = ask(client, q={"query": name, "properties": [{"pid": notation, "v": code}]})["q"]["result"]
    assert better[0]["id"].endswith(f"/{code}") and better[0]["score"] > better[-1]["score"]


def test_a_query_by_properties_alone(client):
    broader = "http://www.w3.org/2004/02/skos/core#broader"
    result = ask(client, q={"properties": [{"pid": broader, "v": {"id": f"{SERVICE}/T3"}}], "limit": 50})["q"]["result"]
    assert f"{SERVICE}/T3.2" in [one["id"] for one in result]


def test_a_certain_match_is_exact_and_alone(client):
    (first, *others) = ask(client, q={"query": "Gävle", "type": f"{BASE}def/place"})["q"]["result"]
    assert first["match"] and first["score"] == 100
    assert not any(one["match"] for one in others)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        ({"queries": "{"}, 400),
        ({"queries": "[]"}, 400),
        ({"queries": '{"q": {"query": ""}}'}, 400),
        ({"queries": '{"q": {"query": "x", "limit": "many"}}'}, 400),
        ({"queries": '{"q": {"query": "x", "type_strict": "perhaps"}}'}, 400),
        ({"queries": '{"q": {"query": "x", "properties": [1]}}'}, 400),
        ({"queries": '{"q": {"query": "x", "limit": 0}, "r": {"query": "x", "limit": true}, "s": 1}'}, 400),
        ({"queries": '{"q": {"query": "x", "limit": NaN}}'}, 400),
        ({"queries": json.dumps({f"q{n}": {"query": "x"} for n in range(1001)})}, 413),
        ({"extend": "{}"}, 400),
        ({"extend": '{"ids": ["x"], "properties": [{"id": "not an iri", "settings": {"limit": "x"}}]}'}, 400),
        ({}, 400),
    ],
)
def test_bad_batches_get_a_reason(client, data, status):
    response = client.post("/reconcile", data=data)
    assert response.status_code == status
    assert response.json["detail"]


def test_hostile_texts_are_only_texts(client):
    for text in ("'\"; DROP TABLE label", "x" * 5000, "\x00", "*", "AND OR NOT", "<script>", "🙂"):
        ask(client, q={"query": text})
        assert client.get("/reconcile/suggest/entity", query_string={"prefix": text}).status_code == 200
    assert client.get("/reconcile/preview?id=nothing").status_code == 404


def fuzzy(labels: list[Label]) -> FuzzyIndex:
    return FuzzyIndex(((n, label.text) for n, label in enumerate(labels)), lambda ids: [labels[n] for n in ids])


def test_common_trigrams_do_not_make_a_search_slow():
    index = fuzzy([Label(f"urn:{n}", f"Skolan nummer {n}", "sv", "label", "urn:c", "urn:g") for n in range(60_000)])
    best = index.find("Skoaln nummer 777", 3, lambda label: True)
    assert "urn:777" in [hit.iri for hit in best]


def test_namesakes_and_names_beyond_the_limit_are_found_as_they_are_written(monkeypatch):
    monkeypatch.setattr("server.fuzzy_index.MOST_NAMES", 2)
    names = ("Åsens skola", "Åsens skola", "Bergets skola", "Näset")
    labels = [Label(f"urn:{n}", name, "sv", "label", "urn:c", "urn:g") for n, name in enumerate(names)]
    index = fuzzy(labels)
    assert {hit.iri for hit in index.find("asens skoal", 5, lambda label: True)} >= {"urn:0", "urn:1"}
    assert index.find("Näset", 5, lambda label: True) == []
    assert [hit.iri for hit in index.find("Näset", 5, lambda label: True, labels[3:])] == ["urn:3"]


def test_a_faulty_query_leaves_the_others_answered(client):
    faulty = {
        "empty": {"query": "  "}, "none": {}, "limit": {"query": "x", "limit": -1}, "list": [],
        "many": {"query": "x", "properties": [{"pid": "a", "v": "b"}] * 51}, "type": {"query": "x", "type": 1},
    }  # fmt: skip
    answers = ask(client, good={"query": "T3.2", "type": SERVICE, "limit": 1e300}, **faulty)
    assert answers["good"]["result"][0]["id"] == f"{SERVICE}/T3.2"
    for key in faulty:
        assert answers[key]["result"] == [] and answers[key]["error"]["message"], key


def test_half_a_surrogate_pair_is_only_a_text(client):
    half = "\ud83d"
    queries = {half: {"query": half, "type": half, "properties": [{"pid": half, "v": half}]}, "q": {"query": "T3.2"}}
    answers = client.post("/reconcile", data={"queries": json.dumps(queries)})
    assert answers.status_code == 200 and answers.json["q"]["result"] and answers.json[half]["result"] == []
    extended = client.post(
        "/reconcile",
        data={
            "extend": json.dumps({"ids": [half, f"{SERVICE}/T3.2"], "properties": [{"id": half}, {"id": PREFERRED}]})
        },
    )
    assert extended.status_code == 200
    assert extended.json["rows"][half] == {half: [], PREFERRED: []}
    assert extended.json["rows"][f"{SERVICE}/T3.2"][PREFERRED]
    for path in ("/reconcile/preview", "/reconcile/flyout/entity", "/reconcile/properties?type="):
        assert client.get(f"{path}{'' if '?' in path else '?id='}%ED%A0%BD").status_code in (200, 400, 404)


def test_types_that_a_query_would_rather_have_come_first(client):
    wish = {"query": "Grundskola", "type": f"{BASE}def/service", "type_strict": "should", "limit": 20}
    result = ask(client, q=wish)["q"]["result"]
    assert result[0]["id"].startswith(f"{SERVICE}/")
    own = [one["id"].startswith(f"{SERVICE}/") for one in result if one["score"] >= 90]
    assert own == sorted(own, reverse=True)
    assert not all(one["id"].startswith(f"{SERVICE}/") for one in result)


def test_one_value_of_an_extension_is_in_the_language_asked_for(client):
    asked = {"ids": [f"{SERVICE}/T3.2"], "properties": [{"id": PREFERRED, "settings": {"limit": 1}}]}
    for spoken, name in (("sv", "rundskol"), ("en", "school")):
        data = {"extend": json.dumps(asked)}
        answer = client.post("/reconcile", data=data, headers={"Accept-Language": spoken}).json
        (cell,) = answer["rows"][f"{SERVICE}/T3.2"][PREFERRED]
        assert name in cell["str"], spoken


def test_codes_of_things_are_matched(client):
    school = next(one for one in ask(client, q={"query": "09910008"})["q"]["result"])
    assert school["id"] == f"{BASE}id/school/09910008" and school["match"]


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_the_schemas_refuse_what_the_specification_refuses(name):
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[name])
    for wrong in ([], "x", None, {"result": [{"id": "x"}], "rows": []}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, SCHEMAS[name])


@pytest.mark.parametrize("spoken", ["sv", "en"])
def test_every_answer_is_as_the_specification_wants(client, spoken):
    headers = {"Accept-Language": spoken}
    jsonschema.validate(client.get("/reconcile", headers=headers).json, MANIFEST)
    for prefix in ("g", "skol", "T3.2", "Gävlle", "0991", "zzz"):
        for path, schema in (
            ("entity", SUGGESTED_ENTITIES), ("type", SUGGESTED_TYPES), ("property", SUGGESTED_PROPERTIES),
        ):  # fmt: skip
            answer = client.get(f"/reconcile/suggest/{path}", query_string={"prefix": prefix}, headers=headers)
            jsonschema.validate(answer.json, schema)
    types = [one["id"] for one in client.get("/reconcile").json["defaultTypes"]]
    for type in types:
        jsonschema.validate(client.get("/reconcile/properties", query_string={"type": type}).json, PROPOSED)
    queries = {
        f"q{n}": {"query": text, "type": type, "limit": 7, "type_strict": strict, "properties": [
            {"pid": PREFERRED, "v": ["x", 1, True, {"id": f"{SERVICE}/T3"}]}]}
        for n, (text, type, strict) in enumerate(
            (("Grundskola", [SERVICE, types[0]], "should"), ("gävle", SERVICE, "any"), ("T3", SERVICE, "all"))
        )
    }  # fmt: skip
    jsonschema.validate(queries, QUERIES)
    assert any(answer["result"] for answer in ask(client, **queries).values())


def test_every_kind_of_value_extends_a_row_as_the_specification_wants(client, starter):
    """One of every property and datatype that the starter region publishes is asked for."""
    graph = rdflib.Graph()
    for dump in ("norrsjo/skolor", "norrsjo/badplatser", "site/catalog"):
        path = starter / f"data/generations/000001/dumps/{dump}.nt.gz"
        if path.exists():
            graph.parse(data=gzip.decompress(path.read_bytes()), format="nt")
    things: dict[tuple, str] = {}
    for thing, property, value in graph:
        if str(thing).startswith(f"{BASE}id/"):
            things.setdefault((str(property), getattr(value, "datatype", None), type(value)), str(thing))
    assert len(things) > 30
    asked = {"ids": list(dict.fromkeys(things.values()))[:100],
             "properties": [{"id": name} for name in dict.fromkeys(key[0] for key in things)][:50]}  # fmt: skip
    answer = client.post("/reconcile", data={"extend": json.dumps(asked)})
    jsonschema.validate(answer.json, EXTENSION)
    kinds = {
        next(iter(cell)) for row in answer.json["rows"].values() for cells in row.values() for cell in cells if cell
    }
    assert {"id", "str", "date"} <= kinds


def test_the_preview_is_a_page_that_another_site_may_frame(client):
    preview = client.get("/reconcile").json["preview"]
    address = preview["url"].replace("{{id}}", f"{BASE}id/school/09910008").removeprefix(BASE.rstrip("/"))
    shown = client.get(address)
    assert (shown.status_code, shown.mimetype) == (200, "text/html")
    assert shown.text.lstrip().lower().startswith("<!doctype html>") and "09910008" in shown.text
    assert "X-Frame-Options" not in shown.headers


@pytest.mark.parametrize(
    ("typed", "first"), [("snorojning", "Snöröjning"), ("forskola", "Förskola"), ("09910008", "Förskolan Myran")]
)
def test_suggestions_find_other_spellings_and_codes_what_matters_most_first(client, typed, first):
    result = client.get("/reconcile/suggest/entity", query_string={"prefix": typed}).json["result"]
    assert result and first in result[0]["name"], [one["name"] for one in result]
    assert not any("/distribution/" in one["id"] for one in result)


def test_more_suggestions_can_be_asked_for(client):
    def suggested(start: int) -> list[str]:
        given = {"prefix": "skola", "cursor": start}
        return [one["id"] for one in client.get("/reconcile/suggest/entity", query_string=given).json["result"]]

    first = suggested(0)
    assert first and not set(first) & set(suggested(len(first)))


def test_a_property_that_is_no_address_is_one_that_nothing_has(client):
    value = {"id": f"{SERVICE}/T3"}
    for pid, one in (("{}", value), ("no address", value), ("http://a.example/p", {"id": "http://[no address"})):
        assert ask(client, q={"properties": [{"pid": pid, "v": one}]})["q"]["result"] == []
