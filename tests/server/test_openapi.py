"""/openapi.json names every query and route, and the server keeps what it promises (schemathesis)."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, assume, given, settings

import queries

schemathesis = pytest.importorskip("schemathesis", reason="a development dependency is missing: pip install torg[dev]")
GenerationMode = schemathesis.GenerationMode


@pytest.fixture(scope="module")
def document(app: Flask) -> dict:
    response = app.test_client().get("/openapi.json?lang=en")
    assert response.status_code == 200
    assert response.content_type == "application/vnd.oai.openapi+json"
    return response.get_json(force=True)


def test_every_query_is_an_operation(document: dict) -> None:
    for query in queries.all_queries():
        operation = document["paths"][f"/api/{query.name}"]["get"]
        assert operation["summary"] == query.title["en"] and operation["tags"] == [query.group]
        own = [found for found in operation["parameters"] if found.get("name", "format") != "format"]
        expected = [parameter for parameter in query.parameters if parameter.type != "language"]
        assert [parameter["name"] for parameter in own] == [parameter.name for parameter in expected]
        assert [parameter["required"] for parameter in own] == [not parameter.optional for parameter in expected]
        media_types = set(operation["responses"]["200"]["content"])
        assert ("text/turtle" in media_types) == query.is_graph
        assert ("text/csv" in media_types) != query.is_graph
    operations = [operation["operationId"] for methods in document["paths"].values() for operation in methods.values()]
    assert len(operations) == len(set(operations)) >= 60


def test_every_route_is_described(app: Flask, document: dict) -> None:
    rules = {
        re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        for rule in app.url_map.iter_rules()
        if rule.endpoint != "static"
    }
    assert rules - {"/api/{group}/{name}"} <= set(document["paths"])
    for operations in document["paths"].values():
        for operation in operations.values():
            assert operation["summary"].strip().endswith((".", ":")) or operation["operationId"]


def test_every_reference_leads_somewhere(document: dict) -> None:
    def references(node: object):
        if isinstance(node, dict):
            yield from [node["$ref"]] if "$ref" in node else []
            for item in node.values():
                yield from references(item)
        elif isinstance(node, list):
            for item in node:
                yield from references(item)

    for reference in set(references(document)):
        found = document
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]


def test_titles_come_in_both_languages(client: FlaskClient, document: dict) -> None:
    swedish = client.get("/openapi.json?lang=sv").get_json(force=True)
    path = "/api/ledger/top-suppliers"
    assert swedish["paths"][path]["get"]["summary"] == "De största leverantörerna"
    assert document["paths"][path]["get"]["summary"] == "The largest suppliers"


@pytest.fixture(scope="module")
def contract(app: Flask):
    return schemathesis.openapi.from_wsgi("/openapi.json", app)


PATHS = [f"/api/{query.name}" for query in queries.all_queries()]
RIGHT, WRONG = GenerationMode.POSITIVE, GenerationMode.NEGATIVE


@pytest.mark.slow
@pytest.mark.parametrize("mode", [RIGHT, WRONG], ids=["right", "wrong"])
@pytest.mark.parametrize("path", PATHS)
def test_the_server_keeps_what_the_document_says(contract, path: str, mode: GenerationMode) -> None:
    """Requests made from the document, right ones and wrong ones: status, media type and schema are as promised."""
    operation = contract[path]["GET"]

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(max_examples=6, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    def ask(case) -> None:
        # A field of a form that is left empty is not given: empty is neither right nor wrong.
        assume("" not in case.query.values() and [""] not in case.query.values() and [] not in case.query.values())
        case.call_and_validate()

    ask()
