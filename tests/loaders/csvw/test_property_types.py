"""What a property of a wrong type comes to, by its kind: array, link, URI template, atomic, common (5.1 and 5.8)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.loaders.csvw.conftest import BASE

DC = "http://purl.org/dc/terms/"


# Metadata Vocabulary 5.1.1: what is no array counts as an empty one, which names no column; 5.6: `_col.N` then.
@pytest.mark.parametrize(
    ("schema", "name", "warnings"),
    [
        pytest.param({"columns": {}}, "_col.1", 1, id="object"),
        pytest.param({"columns": None}, "_col.1", 1, id="null"),
        pytest.param({"columns": "a"}, "_col.1", 1, id="string"),
        pytest.param({"columns": []}, "_col.1", 0, id="empty"),
        pytest.param({"aboutUrl": "#x"}, "a", 0, id="none"),
        pytest.param({}, "a", 0, id="empty-schema"),
        pytest.param(1, "_col.1", 1, id="number-for-schema"),
        pytest.param(None, "_col.1", 1, id="null-for-schema"),
        pytest.param([], "_col.1", 1, id="array-for-schema"),
    ],
)
def test_columns(site, schema: Any, name: str, warnings: int) -> None:
    iri = site.describe("a\n1\n", tableSchema=schema)
    assert site.cells(iri) == {name: ['"1"']}
    assert len(site.warnings) == warnings
    report = site.validate(iri)
    assert (report.errors, len(report.warnings)) == ([], warnings)


# Metadata Vocabulary 5.1.3: a template that is no string counts as an empty one, which is the table's address.
@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        pytest.param({"aboutUrl": 1}, f'<{BASE}t.csv> <{BASE}t.csv#a> "1" .', id="aboutUrl"),
        pytest.param({"propertyUrl": True}, f'<{BASE}#s> <{BASE}t.csv> "1" .', id="propertyUrl"),
        pytest.param({"valueUrl": ["x"]}, f"<{BASE}#s> <{BASE}t.csv#a> <{BASE}t.csv> .", id="valueUrl"),
        pytest.param({"valueUrl": "{"}, f'<{BASE}#s> <{BASE}t.csv#a> "1" .', id="no-template"),
    ],
)
def test_templates(site, wrong: dict[str, Any], line: str) -> None:
    schema = {"aboutUrl": f"{BASE}#s", "columns": [{"titles": "a", **wrong}]}
    iri = site.describe("a\n1\n", tableSchema=schema)
    assert site.lines(iri, minimal=True) == [line + "\n"]
    assert len(site.warnings) == 1
    assert line + "\n" in site.lines(iri)


# Metadata Vocabulary 5.1.2: a link that is no string counts as an empty one: the base URL.
@pytest.mark.parametrize(("value", "warnings"), [(1, 1), (None, 1), ("", 0)])
@pytest.mark.parametrize(("base", "expected"), [("https://x.se/a/", "https://x.se/a/"), ("", BASE + "t.json")])
def test_identifiers(site, value: Any, warnings: int, base: str, expected: str) -> None:
    context = ["http://www.w3.org/ns/csvw", {"@base": base}]
    lines = site.lines(site.describe("a\n1\n", **{"@context": context, "@id": value, "url": BASE + "t.csv"}))
    assert f"<{expected}> <http://www.w3.org/ns/csvw#url> <{BASE}t.csv> .\n" in lines
    assert len(site.warnings) == warnings


# Metadata Vocabulary 5.1.7: one value of a wrong type spoils an atomic property, which counts as not given.
@pytest.mark.parametrize(
    ("null", "cells"),
    [
        pytest.param("-", {"a": ['"x"']}, id="string"),
        pytest.param(["-", "x"], {}, id="strings"),
        pytest.param(["-", 1], {"a": ['"-"', '"x"']}, id="one-is-none"),
        pytest.param(None, {"a": ['"-"', '"x"']}, id="null"),
    ],
)
def test_nulls(site, null: Any, cells: dict[str, list[str]]) -> None:
    iri = site.describe("a\n-\nx\n", tableSchema={"columns": [{"titles": "a", "null": null}]})
    assert site.cells(iri) == cells


# Metadata Vocabulary 5.8.2 and 6.1: languages beside @value, and @id: prefixes are expanded there, terms are not.
@pytest.mark.parametrize(
    ("value", "expected", "warnings"),
    [
        pytest.param({"@value": "a", "@language": "sv"}, '"a"@sv', 0, id="language"),
        pytest.param({"@value": "a", "@language": None}, '"a"', 0, id="no-language"),
        pytest.param({"@value": "a", "@language": "det är"}, '"a"', 1, id="wrong-language"),
        pytest.param({"@value": "a", "@language": 1}, '"a"', 1, id="language-no-string"),
        pytest.param({"@id": "date"}, f"<{BASE}date>", 0, id="named-as-a-datatype"),
        pytest.param({"@id": "Table"}, f"<{BASE}Table>", 0, id="named-as-a-class"),
        pytest.param({"@id": "dc:title"}, f"<{DC}title>", 0, id="prefixed"),
        pytest.param({"@id": "urn:x:y"}, "<urn:x:y>", 0, id="absolute"),
    ],
)
def test_values_of_common_properties(site, value: Any, expected: str, warnings: int) -> None:
    lines = site.lines(site.describe("a\n1\n", **{"dc:relation": value}))
    assert [line.split(" ", 2)[2] for line in lines if DC + "relation" in line] == [expected + " .\n"]
    assert len(site.warnings) == warnings


# Metadata Vocabulary, appendix A: a type is a term of the context, and so are the prefixes.
def test_a_type_may_be_a_prefix(site) -> None:
    lines = site.lines(site.describe("a\n1\n", **{"dc:relation": {"@type": ["schema", "Column"]}}))
    types = {line.split(" ")[2] for line in lines if "#type>" in line}
    assert {"<http://schema.org/>", "<http://www.w3.org/ns/csvw#Column>"} <= types
