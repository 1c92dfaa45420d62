"""Tables as files have them: delimiters of any length, headers with blanks, columns that share a title, tabs."""

from __future__ import annotations

from typing import Any

import pytest

AB = [{"titles": "a"}, {"titles": "b"}]


# Metadata Vocabulary 5.9: delimiter and quoteChar are strings; Tabular Data Model 8: what escapes, does so anywhere.
@pytest.mark.parametrize(
    ("dialect", "text", "expected"),
    [
        pytest.param({"delimiter": "||"}, 'a||b\n1|2||"x||y"\n', {"a": ['"1|2"'], "b": ['"x||y"']}, id="delimiter"),
        pytest.param({"quoteChar": "''"}, "a,b\n''1''''2'',3\n", {"a": ["\"1''2\""], "b": ['"3"']}, id="quote"),
        pytest.param(
            {"quoteChar": "''", "doubleQuote": False}, "a\n''1\\''2''\n", {"a": ["\"1''2\""]}, id="escaped"
        ),
        pytest.param({"doubleQuote": False}, "a,b\n1\\,2,3\n", {"a": ['"1,2"'], "b": ['"3"']}, id="outside-quotes"),
    ],
)  # fmt: skip
def test_strings_that_part_cells(site, dialect: dict[str, Any], text: str, expected: dict[str, list[str]]) -> None:
    iri = site.describe(text, dialect=dialect)
    assert site.cells(iri) == expected
    assert site.warnings == []
    assert site.validate(iri).valid


# Tabular Data Model 8, step 6: what is skipped are rows, and a row's quoted cell may have several lines.
@pytest.mark.parametrize(
    ("head", "comment"),
    [
        pytest.param('"Skolor\n2025",\n', '"Skolor\\n2025",', id="several-lines"),
        pytest.param('"Skolor",2025\n', '"Skolor",2025', id="one-line"),
        pytest.param('"Skolor 2025\n', '"Skolor 2025', id="never-closed"),
        pytest.param('Rör 5"\n', 'Rör 5"', id="inches"),
    ],
)
def test_skipped_rows(site, head: str, comment: str) -> None:
    iri = site.describe(head + "a\n1\n", dialect={"skipRows": 1})
    assert site.cells(iri) == {"a": ['"1"']}
    text = [line for line in site.lines(iri) if "rdf-schema#comment>" in line]
    assert [line.split(" ", 2)[2].replace('\\"', '"')[1:-4] for line in text] == [comment]
    assert any("#row=3>" in line for line in site.lines(iri))


# Tabular Data Model 8, step 7: a blank header gives no column description; Metadata Vocabulary 5.5.1 counts those.
@pytest.mark.parametrize(
    ("header", "columns", "compatible"),
    [
        pytest.param("a,b,", AB, True, id="at-the-end"),
        pytest.param("a,b, ,", AB, True, id="several"),
        pytest.param("a,b,", [*AB, {"name": "c"}], True, id="described"),
        pytest.param("a,,b", AB, False, id="in-the-middle"),
        pytest.param("a,b,", [*AB, {"name": "c"}, {"name": "d"}], False, id="too-many"),
        pytest.param("a,b,c", AB, False, id="titled"),
    ],
)
def test_blank_headers(site, header: str, columns: list[Any], compatible: bool) -> None:
    commas = "," * header.count(",")
    iri = site.describe(f"{header}\n{commas}\n", tableSchema={"columns": columns})
    site.cells(iri)
    assert (site.warnings == []) is compatible
    assert site.validate(iri).valid is compatible


# Metadata Vocabulary 5.5: the `name` properties are unique; titles are not names.
def test_two_columns_may_share_a_title(site) -> None:
    iri = site.describe("a,a\n1,2\n3\n", tableSchema={"columns": [{"titles": "a"}, {"titles": "a"}]})
    assert site.cells(iri) == {"a": ['"1"', '"2"', '"3"']}
    assert ["same title" in site.warnings[0], "1 cells instead of 2" in site.warnings[1]] == [True, True]
    assert site.cells(site.put("u.csv", "a,a\n1\n")) == {"a": ['"1"']}


# Tabular Data Model 6.1, step 3.2: a file's name says what a server's Content-Type would.
def test_a_file_of_tabs_is_known_by_its_name(site) -> None:
    assert site.cells(site.put("t.tsv", "a\tb\n1,0\t2\n")) == {"a": ['"1,0"'], "b": ['"2"']}
    described = {"@context": "http://www.w3.org/ns/csvw", "url": "t.tsv", "dialect": {"delimiter": ","}}
    assert site.cells(site.put("m.json", described))["a%09b"] == ['"1"']


# Tabular Data Model 4.3: the source number is the place in the file, which a virtual column has not.
def test_numbers_of_columns(site) -> None:
    columns = [{"titles": "a"}, {"name": "v", "virtual": True, "default": "z"}]
    schema = {"columns": columns, "propertyUrl": "#{_name}-{_column}-{_sourceColumn}", "aboutUrl": "#r"}
    iri = site.describe("x,a\n0,1\n", dialect={"skipColumns": 1}, tableSchema=schema)
    assert site.cells(iri) == {"a-1-2": ['"1"'], "v-2-": ['"z"']}
    text = "".join(site.lines(iri))
    assert "#a-1-2>" in text and "#v-2->" in text


# Tabular Data Model 6.4 and 6.6: a virtual column's cells have errors too, and are the same in every row.
@pytest.mark.parametrize(
    ("column", "errors"),
    [
        pytest.param({"default": "1"}, 0, id="default"),
        pytest.param({"default": "x"}, 1, id="bad-default"),
        pytest.param({"required": True}, 1, id="required"),
        pytest.param({"required": True, "valueUrl": "#x"}, 0, id="given-by-its-url"),
    ],
)
def test_errors_of_virtual_columns(site, column: dict[str, Any], errors: int) -> None:
    virtual = {"name": "v", "virtual": True, "datatype": "integer", **column}
    iri = site.describe("a\n1\n2\n", tableSchema={"columns": [{"titles": "a"}, virtual]})
    for minimal in (True, False):
        site.lines(iri, minimal=minimal)
        assert len(site.warnings) == errors
    assert len(site.validate(iri).errors) == errors
