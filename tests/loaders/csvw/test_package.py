"""Packages: metadata found, tables read by dialect, keys checked, bad input told."""

from __future__ import annotations

import csv
from io import BytesIO, StringIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loaders.csvw import CsvwError, Dialect
from loaders.csvw.convert import convert
from loaders.csvw.properties import read_dialect
from loaders.csvw.tabular import TabularReader
from tests.loaders.csvw.conftest import BASE

CONTEXT = "http://www.w3.org/ns/csvw"
CSV = "a,b\n1,2\n"


def described(**properties: Any) -> dict[str, Any]:
    return {"@context": CONTEXT, "url": "t.csv", "tableSchema": {"propertyUrl": "#{_name}"}} | properties


@pytest.mark.parametrize(
    ("name", "link"),
    [
        pytest.param("t.csv-metadata.json", None, id="file"),
        pytest.param("csv-metadata.json", None, id="directory"),
        pytest.param("other.json", '<other.json>; rel="describedby"; type="application/csvm+json"', id="link"),
    ],
)
def test_metadata_is_found(site, name: str, link: str | None) -> None:
    site.put(name, described(lang="sv"))
    assert site.cells(site.put("t.csv", CSV), link=link)["a"] == ['"1"@sv']
    assert site.warnings == []


def test_a_site_says_where_its_metadata_is(site) -> None:
    site.put(".well-known/csvm", "{+url}.meta\n")
    site.put("t.csv.meta", described(lang="sv"))
    assert site.cells(site.put("t.csv", CSV))["a"] == ['"1"@sv']


def test_metadata_that_does_not_refer_to_the_table_is_ignored_with_a_warning(site) -> None:
    site.put("t.csv-metadata.json", described(url="other.csv", lang="sv"))
    site.put("csv-metadata.json", described(lang="en"))
    assert site.cells(site.put("t.csv", CSV))["a"] == ['"1"@en']
    assert len(site.warnings) == 1


def test_given_metadata_overrides_what_would_be_found(site) -> None:
    site.put("t.csv-metadata.json", described(lang="en"))
    given = site.put("mine.json", described(lang="sv"))
    assert site.cells(site.put("t.csv", CSV), metadata=given)["a"] == ['"1"@sv']


def test_urls_are_compared_normalised(site) -> None:
    site.put("csv-metadata.json", described(url="HTTPS://DATA.orebro.se:443/csv/x/../%74.csv", lang="sv"))
    assert site.validate(site.put("t.csv", CSV)).warnings == []


def test_a_table_is_found_however_its_address_is_spelled(site) -> None:
    iri = site.put("m.json", described(url="https://data.orebro.se:443/csv/%74.csv"))
    site.put("t.csv", CSV)
    assert site.validate(iri).valid


@pytest.mark.parametrize("base", [BASE, BASE.removesuffix("/")])
def test_a_mirror_may_be_named_without_its_slash(site, base: str) -> None:
    iri = site.put("t.csv", CSV)
    for name in (iri, str(site.root / "t.csv")):
        assert f"<{BASE}t.csv#a>" in "".join(convert(name, base=base, root=site.root, minimal=True).lines())


def test_a_mirror_stands_for_http_and_https(site) -> None:
    site.put("t.csv", CSV)
    lines = site.lines(site.put("m.json", described(url="http://data.orebro.se/csv/t.csv")), minimal=True)
    assert all("<http://data.orebro.se/csv/t.csv#" in line for line in lines)


def test_a_query_belongs_to_the_address_but_not_to_the_file(site) -> None:
    site.put("t.csv", CSV)
    assert all("t.csv?q#" in line for line in site.lines(BASE + "t.csv?q", minimal=True))


@pytest.mark.parametrize(
    ("dialect", "text", "expected"),
    [
        pytest.param({}, "a,b\r\n1,2\r\n", [["1", "2"]], id="crlf"),
        pytest.param({"delimiter": "\t"}, "a\tb\n1\t2\n", [["1", "2"]], id="tab"),
        pytest.param({"delimiter": ";"}, "a;b\n1;2\n", [["1", "2"]], id="semicolon"),
        pytest.param({"quoteChar": "'"}, "a,b\n'1,1',2\n", [["1,1", "2"]], id="quote"),
        pytest.param({"quoteChar": None}, 'a,b\n"1",2\n', [['"1"', "2"]], id="no-quote"),
        pytest.param({}, 'a,b\n"1 ""x""","2\n3"\n', [['1 "x"', "2\n3"]], id="doubled-quote-and-line-break"),
        pytest.param({}, 'a,b\n"",""""\n', [["", '"']], id="empty-quoted"),
        pytest.param({"doubleQuote": False}, 'a,b\n"1 \\"x\\"",2\n', [['1 "x"', "2"]], id="backslash"),
        pytest.param({"commentPrefix": "#"}, "a,b\n#x\n1,2\n", [["1", "2"]], id="comment"),
        pytest.param({"commentPrefix": None}, "a,b\n#x,2\n", [["#x", "2"]], id="no-comment"),
        pytest.param({"skipRows": 2}, "x\ny\na,b\n1,2\n", [["1", "2"]], id="skip-rows"),
        pytest.param({"skipColumns": 1}, "x,a,b\n9,1,2\n", [["1", "2"]], id="skip-columns"),
        pytest.param({"headerRowCount": 2}, "a,b\nA,B\n1,2\n", [["1", "2"]], id="two-header-rows"),
        pytest.param({"skipBlankRows": True}, "a,b\n,\n\n1,2\n", [["1", "2"]], id="blank-rows"),
        pytest.param({"trim": True}, 'a,b\n 1 ," 2 "\n', [["1", " 2 "]], id="trim-leaves-quoted"),
        pytest.param({"trim": "start"}, "a,b\n 1 ,2\n", [["1 ", "2"]], id="trim-start"),
        pytest.param({"trim": "end"}, "a,b\n 1 ,2\n", [[" 1", "2"]], id="trim-end"),
        pytest.param({"skipInitialSpace": True}, "a,b\n1, 2\n", [["1", "2"]], id="skip-initial-space"),
        pytest.param({"lineTerminators": "|"}, "a,b|1,2|3,4", [["1", "2"], ["3", "4"]], id="terminator"),
        pytest.param({"lineTerminators": ["\r"]}, "a,b\r1,2\r", [["1", "2"]], id="bare-return"),
        pytest.param({}, "a,b\r1,2\r3,4", [["1", "2"], ["3", "4"]], id="bare-return-undeclared"),
        pytest.param({"encoding": "windows-1252"}, "a,b\nå,ä\n".encode("cp1252"), [["å", "ä"]], id="encoding"),
        pytest.param({"encoding": "utf-16-le"}, "\ufeffa,b\nå,2\n".encode("utf-16-le"), [["å", "2"]], id="utf-16-mark"),
        pytest.param({}, b"\xef\xbb\xbfa,b\n1,2\n", [["1", "2"]], id="utf-8-mark"),
    ],
)
def test_a_table_is_read_by_its_dialect(dialect: dict[str, Any], text: str | bytes, expected: Any) -> None:
    warnings: list[str] = []
    content = text if isinstance(text, bytes) else text.encode()
    reader = TabularReader(BytesIO(content), read_dialect(dialect, warnings.append), warnings.append)
    assert [cells for _, cells in reader.rows()] == expected
    assert reader.titles()[0][0] == "a"
    assert warnings == []


@given(st.lists(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r")), min_size=2, max_size=3)))
def test_what_the_standard_library_writes_is_read_back(rows: list[list[str]]) -> None:
    text = StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerows([["a"], *rows])
    reader = TabularReader(BytesIO(text.getvalue().encode()), Dialect(commentPrefix=None), lambda warning: None)
    assert [cells for _, cells in reader.rows()] == rows


def test_no_header_names_columns_by_number(site) -> None:
    iri = site.describe("1,2\n", dialect={"header": False})
    assert site.cells(iri) == {"_col.1": ['"1"'], "_col.2": ['"2"']}


def test_comments_become_comments_of_the_table(site) -> None:
    iri = site.describe("#om filen\na\n1\n", dialect={"commentPrefix": "#"})
    assert any('rdf-schema#comment> "om filen"' in line for line in site.lines(iri))


def test_source_rows_count_rows_not_lines(site) -> None:
    iri = site.put("t.csv", 'a\n"1\n1"\n2\n')
    assert [line.rpartition("row=")[2][0] for line in site.lines(iri) if "#row=" in line] == ["2", "3"]


@pytest.mark.parametrize(
    ("text", "properties", "valid"),
    [
        pytest.param("a,b\n1,2\n2,2\n", {"primaryKey": "a"}, True, id="unique"),
        pytest.param("a,b\n1,2\n1,3\n", {"primaryKey": "a"}, False, id="not-unique"),
        pytest.param("a,b\n1,2\n1,3\n", {"primaryKey": ["a", "b"]}, True, id="unique-pairs"),
        pytest.param("a,b\n1,2\n1,2\n", {"primaryKey": ["a", "b"]}, False, id="repeated-pair"),
        pytest.param("a,b\n1,2\n2,1\n", {"foreignKeys": "b-a"}, True, id="reference"),
        pytest.param("a,b\n1,2\n2,3\n", {"foreignKeys": "b-a"}, False, id="no-such-row"),
        pytest.param("a,b\n1,1\n1,1\n", {"foreignKeys": "b-a"}, False, id="several-such-rows"),
        pytest.param("a,b\n1,\n", {"foreignKeys": "b-a"}, True, id="null-refers-to-nothing"),
        pytest.param("a,b\n1,x\n", {}, True, id="no-keys"),
        pytest.param("a,c\n1,2\n", {}, False, id="other-title"),
        pytest.param("a,b,c\n1,2,3\n", {}, False, id="more-columns"),
        pytest.param("a,b\n1\n", {}, False, id="short-row"),
    ],
)
def test_validation(site, text: str, properties: dict[str, Any], valid: bool) -> None:
    columns = [{"name": "a", "titles": "a"}, {"name": "b", "titles": "b"}]
    if properties.get("foreignKeys") == "b-a":
        reference = {"resource": "t.csv", "columnReference": "a"}
        properties = {"foreignKeys": [{"columnReference": "b", "reference": reference}]}
    report = site.validate(site.describe(text, tableSchema={"columns": columns, **properties}))
    assert report.valid is valid, report.errors
    assert not report.warnings


def test_foreign_keys_reach_other_tables_by_resource_and_by_schema(site) -> None:
    site.put("kommun.csv", "kod\n1880\n")
    site.put("skola.csv", "kommun\n1880\n0180\n")
    site.put("kommun.json", {"@context": CONTEXT, "columns": [{"name": "kod", "titles": "kod"}]})
    for reference in ({"resource": "kommun.csv"}, {"schemaReference": "kommun.json"}):
        key = {"columnReference": "kommun", "reference": {**reference, "columnReference": "kod"}}
        school = {"columns": [{"name": "kommun", "titles": "kommun"}], "foreignKeys": [key]}
        tables = [{"url": "kommun.csv", "tableSchema": "kommun.json"}, {"url": "skola.csv", "tableSchema": school}]
        report = site.validate(site.put("g.json", {"@context": CONTEXT, "tables": tables}))
        assert len(report.errors) == 1
        assert "1 foreign keys" in report.errors[0]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        pytest.param({"resource": "ingen.csv"}, "table", id="no-such-table"),
        pytest.param({"resource": "t.csv", "columnReference": "ingen"}, "column", id="no-such-column"),
    ],
)
def test_a_key_that_leads_nowhere_is_an_error_even_without_validation(site, wrong: Any, message: str) -> None:
    key = {"columnReference": "a", "reference": {"columnReference": "a"} | wrong}
    with pytest.raises(CsvwError, match=message):
        site.lines(site.describe("a\n1\n", tableSchema={"columns": [{"name": "a"}], "foreignKeys": [key]}))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        pytest.param("t.json", "{", "JSON", id="broken-json"),
        pytest.param("t.json", "[" * 100_000, "JSON", id="deep-json"),
        pytest.param("t.json", {"@context": CONTEXT, "url": "ingen.csv"}, "cannot be read", id="no-table"),
        pytest.param("t.json", {"@context": CONTEXT, "url": "../../hemlig.csv"}, "cannot be read", id="outside"),
        pytest.param("t.csv", 'a\n"1\n', "never ends", id="unclosed-quote"),
    ],
)
def test_bad_input_is_one_error(site, name: str, content: Any, message: str) -> None:
    with pytest.raises(CsvwError, match=message):
        site.lines(site.put(name, content))


def test_warnings_are_capped_and_counted(site) -> None:
    iri = site.describe("a\n" + "x\n" * 1500, tableSchema={"columns": [{"titles": "a", "datatype": "integer"}]})
    assert len(site.lines(iri, minimal=True)) == 1500
    assert len(site.warnings) == 1000
