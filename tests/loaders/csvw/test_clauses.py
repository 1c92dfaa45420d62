"""The Recommendations clause by clause, where no other test has the clause: one small package for each."""

from __future__ import annotations

import random
from typing import Any

import pyoxigraph
import pytest
from rdflib.compare import isomorphic

from loaders.csvw import CsvwError
from loaders.csvw.canonical import canonical_value
from loaders.csvw.convert import convert, validate
from loaders.csvw.encodings import codec_name
from loaders.csvw.resources import memory
from tests.loaders.csvw.conftest import BASE

CONTEXT = "http://www.w3.org/ns/csvw"
XSD = "http://www.w3.org/2001/XMLSchema#"
BOTH = {"a": '"1"', "b": '"2"'}
CSVM = 'rel="describedby"; type="application/csvm+json"'


def described(**properties: Any) -> dict[str, Any]:
    return {"@context": CONTEXT, "url": "t.csv"} | properties


# Tabular Data Model 5.2, Link Header.
@pytest.mark.parametrize(
    ("link", "expected"),
    [
        pytest.param(f"<sv.json>; {CSVM}", '"1"@sv', id="one"),
        pytest.param(f"<sv.json>; {CSVM}, <en.json>; {CSVM}", '"1"@en', id="last"),
        pytest.param(f"<sv.json>; {CSVM}, <other.json>; {CSVM}", '"1"@sv', id="last-that-is-valid"),
        pytest.param(f"<sv.json>; {CSVM}, <none.json>; {CSVM}", '"1"@sv', id="last-that-is-there"),
        pytest.param('<sv.json>; rel="item describedBy"; type="application/ld+json"', '"1"@sv', id="several-relations"),
        pytest.param('<sv.json>; rel=describedby; type="application/json"', '"1"@sv', id="json"),
        pytest.param('<sv.json>; rel="describedby"; type="application/csvm+json; charset=utf-8"', '"1"@sv', id="more"),
        pytest.param('<sv.json>; rel="describedby"', '"1"@sv', id="no-type"),
        pytest.param('<sv.json>; rel="describedby"; type="text/html"', '"1"@nb', id="other-type"),
        pytest.param('<sv.json>; rel="describes"; type="application/csvm+json"', '"1"@nb', id="other-relation"),
        pytest.param(f'<sv.json>; {CSVM}; anchor="other.csv"', '"1"@nb', id="of-another"),
        pytest.param(f'<sv.json>; {CSVM}; anchor="#row=1"', '"1"@sv', id="of-a-part"),
        pytest.param("<sv.json", '"1"@nb', id="broken"),
    ],
)
def test_metadata_by_link(site, link: str, expected: str) -> None:
    for tag in ("sv", "en"):
        site.put(f"{tag}.json", described(lang=tag))
    site.put("other.json", described(url="other.csv", lang="da"))
    site.put("t.csv-metadata.json", described(lang="nb"))
    assert site.cells(site.put("t.csv", "a\n1\n"), link=link) == {"a": [expected]}


# Tabular Data Model 5.3, site-wide configuration: in order, until one refers to the table.
@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        pytest.param("none.json\n{+url}.json\n", '"1"@sv', id="next"),
        pytest.param("other.json\nsub/m.json\n", '"1"@en', id="that-refers-to-it"),
        pytest.param("{url\nsub/m.json", '"1"@en', id="broken-template"),
        pytest.param("", '"1"', id="none"),
    ],
)
def test_metadata_by_site_configuration(site, patterns: str, expected: str) -> None:
    site.put(".well-known/csvm", patterns)
    site.put("t.csv.json", described(lang="sv"))
    site.put("other.json", described(url="other.csv"))
    site.put("sub/m.json", described(url="../t.csv", lang="en"))
    site.put("t.csv-metadata.json", described(lang="nb"))
    assert site.cells(site.put("t.csv", "a\n1\n")) == {"a": [expected]}


# Tabular Data Model 6.1: what the headers say goes into the default dialect, and gives the language.
@pytest.mark.parametrize(
    ("headers", "body", "metadata", "expected"),
    [
        pytest.param({}, b"a,b\n1,2\n", None, BOTH, id="none"),
        pytest.param({"Content-Type": "text/tab-separated-values"}, b"a\tb\n1\t2\n", None, BOTH, id="tab"),
        pytest.param({"content-type": "text/csv; header=absent"}, b"1\n", None, {"_col.1": '"1"'}, id="header"),
        pytest.param({"Content-Type": 'text/csv; charset="latin1"'}, b"a\n\xe5\n", None, {"a": '"å"'}, id="charset"),
        pytest.param({"Content-Language": "sv"}, b"a\n1\n", None, {"a": '"1"@sv'}, id="language"),
        pytest.param({"Content-Language": "sv, en"}, b"a\n1\n", None, {"a": '"1"'}, id="languages"),
        pytest.param({"Content-Language": "sv"}, b"a\n1\n", {"lang": "en"}, {"a": '"1"@en'}, id="language-is-said"),
        pytest.param({"Content-Language": "sv"}, b"a\n1\n", {}, {"a": '"1"@sv'}, id="language-is-not-said"),
        pytest.param({"Content-Type": "text/csv; charset=utf-16"}, b"a\n1\n", {"dialect": {}}, {"a": '"1"'}, id="said"),
    ],
)  # fmt: skip
def test_what_headers_say(headers: dict[str, str], body: bytes, metadata: Any, expected: dict[str, str]) -> None:
    found = {f"{BASE}t.csv": memory(body, headers)}
    if metadata is not None:
        text = str(described(tableSchema={"columns": [{"titles": "a"}]}, **metadata)).replace("'", '"')
        found[f"{BASE}t.csv-metadata.json"] = memory(text.encode())

    def fetch(iri: str) -> Any:
        response = found.get(iri)
        return memory(response.body.getvalue(), response.headers) if response else None  # type: ignore[attr-defined]

    lines = "".join(convert(f"{BASE}t.csv", minimal=True, fetch=fetch).lines()).splitlines()
    cells = {line.split(" ", 2)[1].partition("#")[2][:-1]: line.split(" ", 2)[2][:-2] for line in lines}
    assert cells == expected
    assert validate(f"{BASE}t.csv", fetch=fetch).valid


# Tabular Data Model 8, and 7.3 for line ends within quotes.
@pytest.mark.parametrize(
    ("dialect", "text", "expected"),
    [
        pytest.param({}, 'a\r\n"1\r\n2"\r\n', ['"1\\r\\n2"'], id="line-ends-in-quotes-stay"),
        pytest.param({}, 'a\n"1\n\n2"\n', ['"1\\n\\n2"'], id="blank-line-in-quotes"),
        pytest.param({"lineTerminators": "|"}, 'a|"1|2"|', ['"1|2"'], id="own-terminator-in-quotes"),
        pytest.param({"skipBlankRows": True, "skipColumns": 1}, "x,a\ny,\n,\n", [], id="blank-rows-count-all-cells"),
        pytest.param({"quoteChar": None, "doubleQuote": False}, "a\n\\1\n", ['"\\\\1"'], id="nothing-escapes"),
        pytest.param({"quoteChar": "'"}, "a\n'it''s'\n", ['"it\'s"'], id="own-quote-doubled"),
        pytest.param({"encoding": "iso-8859-1"}, b"a\n\x80\n", ['"€"'], id="latin-1-is-windows-1252"),
        pytest.param({"encoding": "utf-16"}, "a\nå\n".encode("utf-16-le"), ['"å"'], id="utf-16-without-mark"),
        pytest.param({}, "a\nå\n".encode("utf-16"), ['"å"'], id="a-mark-goes-first"),
        pytest.param({"encoding": "windows-1252"}, "\ufeffa\nå\n".encode(), ['"å"'], id="utf-8-mark"),
        pytest.param({"encoding": "windows-1258"}, b"a\na\xcc\n", ['"à"'], id="old-encodings-are-composed"),
        pytest.param({}, "a\nå\n".replace("å", "a\u030a"), ['"a\u030a"'], id="unicode-is-not"),
    ],
)
def test_how_a_table_is_parsed(site, dialect: dict[str, Any], text: str | bytes, expected: list[str]) -> None:
    assert site.cells(site.describe(text, dialect=dialect)).get("a", []) == expected
    assert site.warnings == []


def test_bytes_of_no_character_are_replaced_and_told(site) -> None:
    assert site.cells(site.put("t.csv", b"a\n\xff\n"))["a"] == ['"\ufffd"']
    assert len(site.warnings) == 1
    assert "row 2" in site.warnings[0]


@pytest.mark.parametrize(
    ("label", "codec"),
    [("UTF-8", "utf-8"), ("latin1", "cp1252"), ("ascii", "cp1252"), ("utf-16", "utf-16-le"), ("gb2312", "gb18030")],
)
def test_encodings_have_the_names_of_the_encoding_standard(label: str, codec: str) -> None:
    assert codec_name(label) == codec
    assert codec_name("rot13") is codec_name("okänd") is None


# Tabular Data Model 6.6 and 8: what a validator must tell of rows.
@pytest.mark.parametrize(
    ("text", "errors"),
    [
        pytest.param("a,b\n1,2\n", 0, id="right"),
        pytest.param("a,b\n1,2,3\n4,5\n", 1, id="one-long-row"),
        pytest.param("a,b\n1\n4,5\n", 1, id="one-short-row"),
        pytest.param('a,b\n1,x"y\n', 1, id="quote-in-a-cell"),
        pytest.param('a,b\n1,"x"y\n', 1, id="text-after-a-quote"),
        pytest.param('a,b\n1, "x" \n', 0, id="space-around-quotes"),
    ],
)
def test_ragged_rows_and_stray_quotes(site, text: str, errors: int) -> None:
    assert len(site.validate(site.put("t.csv", text)).errors) == errors
    site.cells(BASE + "t.csv")
    assert len(site.warnings) == errors


def test_columns_without_a_header_are_counted(site) -> None:
    dialect = {"header": False}
    columns = [{"name": "a"}, {"name": "b"}]
    assert site.validate(site.describe("1,2\n", dialect=dialect, tableSchema={"columns": columns})).valid
    assert not site.validate(site.describe("1,2,3\n", dialect=dialect, tableSchema={"columns": columns})).valid


# Tabular Data Model 6.6: equal values are equal however they are written; keys hold values, not texts.
def test_keys_are_compared_by_value(site) -> None:
    columns = [{"name": "a", "titles": "a", "datatype": "decimal"}]
    schema = {"columns": columns, "primaryKey": "a"}
    assert not site.validate(site.describe("a\n1.0\n1\n", tableSchema=schema)).valid


def test_a_schema_that_two_tables_have_cannot_be_referred_to(site) -> None:
    site.put("s.json", {"@context": CONTEXT, "columns": [{"name": "kod", "titles": "kod"}]})
    reference = {"schemaReference": "s.json", "columnReference": "kod"}
    school = {
        "columns": [{"name": "kommun", "titles": "kommun"}],
        "foreignKeys": [{"columnReference": "kommun", "reference": reference}],
    }
    for name in ("k.csv", "l.csv"):
        site.put(name, "kod\n1\n")
    site.put("skola.csv", "kommun\n1\n")
    tables = [{"url": "k.csv", "tableSchema": "s.json"}, {"url": "skola.csv", "tableSchema": school}]
    assert site.validate(site.put("g.json", {"@context": CONTEXT, "tables": tables})).valid
    tables.append({"url": "l.csv", "tableSchema": "s.json"})
    assert not site.validate(site.put("g.json", {"@context": CONTEXT, "tables": tables})).valid


# Metadata Vocabulary 5.5.1, schema compatibility.
@pytest.mark.parametrize(
    ("column", "lang", "converter", "validator"),
    [
        pytest.param({"titles": "Namn"}, None, True, True, id="title"),
        pytest.param({"titles": ["Name", "Namn"]}, None, True, True, id="one-of-the-titles"),
        pytest.param({"titles": "namn"}, None, False, False, id="case"),
        pytest.param({"name": "namn"}, None, True, False, id="name-alone"),
        pytest.param({}, None, True, True, id="neither"),
        pytest.param({"titles": {"en": "Namn"}}, None, True, True, id="undetermined-language"),
        pytest.param({"titles": {"en": "Namn"}}, "sv", False, False, id="another-language"),
        pytest.param({"titles": {"sv-SE": "Namn"}}, "sv", True, True, id="longer-tag"),
        pytest.param({"titles": {"sv": "Namn"}}, "sv-FI", True, True, id="shorter-tag"),
        pytest.param({"titles": {"en": "Name", "sv": "Namn"}}, "sv", True, True, id="one-of-the-languages"),
    ],
)
def test_descriptions_and_headers(site, column: Any, lang: str | None, converter: bool, validator: bool) -> None:
    iri = site.describe("Namn\nA\n", tableSchema={"columns": [column]}, **({"lang": lang} if lang else {}))
    site.cells(iri)
    assert (not site.warnings) is converter
    assert site.validate(iri).valid is validator


# Metadata Vocabulary 5.1.3: templates take canonical values, in both ways of writing a row.
@pytest.mark.parametrize(
    ("datatype", "text", "expected"),
    [
        pytest.param("integer", "+007", "7", id="integer"),
        pytest.param("decimal", "01.50", "1.5", id="decimal"),
        pytest.param("decimal", "-0.0", "0", id="zero"),
        pytest.param("double", "1000", "1.0E3", id="double"),
        pytest.param("double", "-0.00125", "-1.25E-3", id="small-double"),
        pytest.param("double", "NaN", "NaN", id="no-number"),
        pytest.param("boolean", "1", "true", id="boolean"),
        pytest.param({"base": "date", "format": "M/d/yyyy"}, "10/18/2010", "2010-10-18", id="date"),
        pytest.param("dateTime", "2025-01-01T10:00:00.50+00:00", "2025-01-01T10%3A00%3A00.5Z", id="time"),
        pytest.param("hexBinary", "0fb7", "0FB7", id="hexadecimal"),
        pytest.param("integer", "1x", "1x", id="bad"),
        pytest.param("string", "007", "007", id="string"),
    ],
)
def test_templates_take_canonical_values(site, datatype: Any, text: str, expected: str) -> None:
    column = {"name": "v", "titles": "v", "datatype": datatype, "valueUrl": "http://x.se/{v}"}
    iri = site.describe(f"v\n{text}\n", tableSchema={"columns": [column]})
    assert site.cells(iri)["v"] == [f"<http://x.se/{expected}>"]
    assert any(f"<http://x.se/{expected}>" in line for line in site.lines(iri))


def test_lists_are_canonical_item_by_item() -> None:
    assert canonical_value("integer", ("01", "x", "02"), frozenset({1})) == ("1", "x", "2")
    assert canonical_value("integer", None) is None


# Metadata Vocabulary 5.1.3 and 5.7: expansion, prefixes, resolution.
@pytest.mark.parametrize(
    ("template", "cell", "expected"),
    [
        pytest.param("schema:{v}", "Place", "http://schema.org/Place", id="prefix"),
        pytest.param("{+v}", "foaf:Project", "http://xmlns.com/foaf/0.1/Project", id="prefix-in-the-cell"),
        pytest.param("{#v}", "a", BASE + "t.csv#a", id="fragment"),
        pytest.param("#{v}-{_row}-{_sourceRow}", "a", BASE + "t.csv#a-1-2", id="row-numbers"),
        pytest.param("#{_column}-{_sourceColumn}-{_name}", "a", BASE + "t.csv#1-1-v", id="column-numbers"),
        pytest.param("../{v}", "a", "https://data.orebro.se/a", id="relative"),
        pytest.param("/x/{v}", "a b", "https://data.orebro.se/x/a%20b", id="absolute-path"),
        pytest.param("?q={v}", "å", BASE + "t.csv?q=%C3%A5", id="query"),
        pytest.param("http://x.se/{saknas}/{v}", "3", "http://x.se//3", id="null-leaves-nothing"),
    ],
)
def test_value_urls(site, template: str, cell: str, expected: str) -> None:
    column = {"name": "v", "titles": "v", "valueUrl": template}
    assert site.cells(site.describe(f"v\n{cell}\n", tableSchema={"columns": [column]}))["v"] == [f"<{expected}>"]


def test_a_list_in_a_template_is_joined_by_commas(site) -> None:
    column = {"name": "v", "titles": "v", "separator": ";", "valueUrl": "https://x.se/?q={v}"}
    iri = site.describe('v,w\na;b,1\n"",1\n', tableSchema={"columns": [column, {"titles": "w"}]})
    assert site.cells(iri)["v"] == ["<https://x.se/?q=a,b>", "<https://x.se/?q=>"]


# csv2rdf 4.2 and 4.3.
def test_an_empty_ordered_list_is_nil(site, turtle) -> None:
    column = {"name": "v", "titles": "v", "separator": ";", "ordered": True}
    iri = site.describe("v,w\n,1\n", tableSchema={"columns": [column, {"titles": "w"}], "aboutUrl": "#r"})
    assert isomorphic(site.graph(iri, minimal=True), turtle(':r :v () ; :w "1" .'))


@pytest.mark.parametrize(
    ("datatype", "text", "expected"),
    [
        pytest.param("integer", "x", '"x"', id="bad-number-has-no-language"),
        pytest.param({"base": "string", "maxLength": 1}, "xy", '"xy"@sv', id="bad-string-has"),
        pytest.param("normalizedString", "x", f'"x"^^<{XSD}normalizedString>', id="subtype-has-none"),
        pytest.param("html", "<p>", '"<p>"^^<http://www.w3.org/1999/02/22-rdf-syntax-ns#HTML>', id="html"),
        pytest.param("xml", "<p", '"<p"^^<http://www.w3.org/1999/02/22-rdf-syntax-ns#XMLLiteral>', id="xml"),
        pytest.param("gYear", "2025", f'"2025"^^<{XSD}gYear>', id="year"),
        pytest.param("token", " a  b ", f'"a b"^^<{XSD}token>', id="token-collapsed"),
        pytest.param("normalizedString", " a  b ", f'" a  b "^^<{XSD}normalizedString>', id="spaces-kept"),
    ],
)
def test_literals(site, datatype: Any, text: str, expected: str) -> None:
    column = {"name": "v", "titles": "v", "datatype": datatype, "lang": "sv"}
    iri = site.describe(f'v\n"{text}"\n', tableSchema={"columns": [column]})
    assert site.cells(iri)["v"] == [expected]


def test_row_titles_have_the_language_of_strings_only(site) -> None:
    columns = [
        {"name": "namn", "titles": "namn"},
        {"name": "ar", "titles": "ar", "datatype": "gYear"},
        {"name": "slag", "virtual": True, "default": "skola"},
    ]
    iri = site.describe(
        "namn,ar\nVasa,2025\n", lang="sv", tableSchema={"columns": columns, "rowTitles": ["namn", "ar", "slag"]}
    )
    titles = {line.split(" ", 2)[2][:-3] for line in site.lines(iri) if "csvw#title>" in line}
    assert titles == {'"Vasa"@sv', '"2025"', '"skola"@sv'}


def test_columns_that_are_suppressed_describe_nothing(site) -> None:
    columns = [{"titles": "a", "suppressOutput": True, "aboutUrl": "#x"}, {"titles": "b", "aboutUrl": "#y"}]
    text = "".join(site.lines(site.describe("a,b\n1,\n", tableSchema={"columns": columns})))
    assert "#x" not in text
    assert f"describes> <{BASE}t.csv#y>" in text


@pytest.mark.parametrize("text", ['{"a": NaN}', '{"a": Infinity}', "[1,]", "{'a': 1}"])
def test_what_is_no_json_is_an_error(site, text: str) -> None:
    with pytest.raises(CsvwError, match="JSON"):
        site.lines(site.put("t.json", text))


# csv2rdf 5.1 and JSON-LD: arrays within arrays stand for their items, numbers may pass what a double holds.
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param('[["a"], [["b"], []]]', {'"a"', '"b"'}, id="nested-arrays"),
        pytest.param("1e400", {f'"INF"^^<{XSD}double>'}, id="infinite"),
        pytest.param("-1e400", {f'"-INF"^^<{XSD}double>'}, id="infinitely-small"),
        pytest.param('{"@id": "a b"}', {f"<{BASE}a%20b>"}, id="address-with-space"),
    ],
)
def test_values_of_common_properties(site, value: str, expected: set[str]) -> None:
    site.put("t.csv", "a\n1\n")
    iri = site.put("t.json", f'{{"@context": "{CONTEXT}", "url": "t.csv", "dc:x": {value}}}')
    assert {line.split(" ", 2)[2][:-3] for line in site.lines(iri) if "terms/x>" in line} == expected


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"dc:a":', "}")])
def test_metadata_nested_too_deep_is_refused(site, opening: str, closing: str) -> None:
    site.put("t.csv", "a\n1\n")
    for depth in (150, 300, 600):
        value = opening * depth + "1" + closing * depth
        with pytest.raises(CsvwError, match="nested"):
            site.lines(site.put("t.json", f'{{"@context": "{CONTEXT}", "url": "t.csv", "dc:x": {value}}}'))


# Metadata Vocabulary 5.5: a schema without columns says nothing of them, wherever it stands.
def test_a_schema_of_its_own_document_need_not_describe_columns(site) -> None:
    site.put("s.json", {"@context": CONTEXT, "aboutUrl": "#x"})
    for schema in ("s.json", {"aboutUrl": "#x"}):
        iri = site.describe("a\n1\n", tableSchema=schema)
        assert site.lines(iri, minimal=True) == [f'<{BASE}t.csv#x> <{BASE}t.csv#a> "1" .\n']
        assert site.warnings == []
        assert site.validate(iri).valid


def test_a_subject_may_vary_by_column(site) -> None:
    schema = {"aboutUrl": "#{_name}-{_row}", "columns": [{"titles": "a"}, {"titles": "b"}]}
    text = "".join(site.lines(site.describe("a,b\n1,2\n", tableSchema=schema)))
    assert f"<{BASE}t.csv#a-1> <{BASE}t.csv#a>" in text and f"<{BASE}t.csv#b-1> <{BASE}t.csv#b>" in text


# Tabular Data Model 8, step 9: a comment between the rows is the table's too; Metadata Vocabulary 5.9: any prefix.
def test_comments_between_rows_are_the_tables(site) -> None:
    iri = site.describe("// head\na\n1\n//row\n2\n// end", dialect={"commentPrefix": "//"})
    text = [line for line in site.lines(iri) if "rdf-schema#comment>" in line]
    assert [line.split('"')[1] for line in text] == ["head", "row", "end"]
    assert len({line.split(" ")[0] for line in text}) == 1
    assert site.cells(iri) == {"a": ['"1"', '"2"']}
    assert site.warnings == []


# Tabular Data Model 5.1: what the user gives counts, even where it leads to another table.
def test_given_metadata_of_another_table_is_told(site) -> None:
    site.put("other.csv", "b\n2\n")
    given = site.put("mine.json", described(url="other.csv"))
    assert site.cells(site.put("t.csv", "a\n1\n"), metadata=given) == {"b": ['"2"']}
    assert len(site.warnings) == 1
    assert "does not refer" in site.warnings[0]


# Metadata Vocabulary 5.1.3: an empty template is the table's own address, in both modes.
def test_an_empty_subject_is_the_table(site) -> None:
    iri = site.describe("a\n1\n", aboutUrl="")
    expected = f'<{BASE}t.csv> <{BASE}t.csv#a> "1" .\n'
    assert site.lines(iri, minimal=True) == [expected]
    assert expected in site.lines(iri)


# What no Recommendation asks: names and addresses that nothing can have.
@pytest.mark.parametrize("url", ["x" * 5000, "a\0b", "http://[", "//[", "../../../etc/passwd"])
def test_addresses_that_nothing_has(site, url: str) -> None:
    with pytest.raises(CsvwError, match=r"cannot be read|no address"):
        site.lines(site.put("m.json", described(url=url)))


def rows_damaged(draw: random.Random) -> bytes:
    """A table with quotes, NULs, broken encodings, huge cells and rows of any length put in somewhere."""
    text = b"a,b,c\n" + b"".join(b'%d,"b ""%d""",c\n' % (number, number) for number in range(20))
    data = bytearray(text)
    for _ in range(draw.randrange(1, 9)):
        at = draw.randrange(len(data) + 1)
        piece = draw.choice([b'"', b"\0", b"\xff", b"\xc3", b"\r", b"\n", b"\\", b",", b",y" * 300, b"x" * 9_000])
        data[at : at + draw.randrange(3)] = piece * draw.choice((1, 1, 3))
    return bytes(data)


@pytest.mark.parametrize("seed", range(30))
def test_damaged_tables_are_converted_or_refused(site, seed: int) -> None:
    draw = random.Random(seed)
    columns = [{"name": "a", "titles": "a", "datatype": "integer"}, {"name": "b", "titles": "b", "separator": ";"}]
    dialect = draw.choice([{}, {"quoteChar": None}, {"doubleQuote": False}, {"encoding": "latin1"}, {"trim": True}])
    iri = site.describe(rows_damaged(draw), dialect=dialect, tableSchema={"columns": columns, "aboutUrl": "#{a}"})
    for minimal in (True, False):
        try:
            lines = "".join(site.lines(iri, minimal=minimal))
        except CsvwError as error:
            assert error.problem
            continue
        assert sum(1 for _ in pyoxigraph.parse(lines.encode(), format=pyoxigraph.RdfFormat.N_TRIPLES)) > 0
