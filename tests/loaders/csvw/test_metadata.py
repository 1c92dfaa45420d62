"""Metadata documents: what is an error, what a warning, and what they come to."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdflib import Graph

import ontology
from loaders.csvw import CsvwError, read_group, read_table
from loaders.csvw.csv2rdf import Nodes, RowWriter

CONTEXT = "http://www.w3.org/ns/csvw"
XSD = "http://www.w3.org/2001/XMLSchema#"
BASE = "https://data.orebro.se/m.json"
TRANSFORMATION = {"url": "mall.txt", "scriptFormat": "https://mustache.github.io/", "targetFormat": "http://x.se/ical"}
COLUMNS = [{"name": "kod", "titles": "Kod"}, {"name": "namn", "titles": "Namn"}]


def table(**properties: Any) -> dict[str, Any]:
    return {"@context": CONTEXT, "url": "t.csv", "tableSchema": {"columns": COLUMNS}} | properties


def schema(**properties: Any) -> dict[str, Any]:
    return table(tableSchema={"columns": COLUMNS} | properties)


def datatype(**properties: Any) -> dict[str, Any]:
    return table(datatype=properties)


def key(**properties: Any) -> dict[str, Any]:
    reference = {"resource": "t.csv", "columnReference": "kod"}
    return schema(foreignKeys=[{"columnReference": "namn", "reference": reference} | properties])


@pytest.mark.parametrize(
    "document",
    [
        pytest.param([], id="no-object"),
        pytest.param({"url": "t.csv"}, id="no-context"),
        pytest.param(table(**{"@context": "http://schema.org"}), id="other-context"),
        pytest.param(table(**{"@context": [CONTEXT, {"@vocab": "x"}]}), id="context-with-more"),
        pytest.param({"@context": CONTEXT, "tables": []}, id="no-tables"),
        pytest.param({"@context": CONTEXT, "tables": 1}, id="tables-no-array"),
        pytest.param({"@context": CONTEXT, "tableSchema": {}}, id="neither-tables-nor-url"),
        pytest.param({"@context": CONTEXT, "tables": [{"tableSchema": {}}]}, id="table-without-url"),
        pytest.param(table(url=1), id="url-no-string"),
        pytest.param(table(url="100%.csv"), id="url-no-address"),
        pytest.param(table(**{"@id": "_:b"}), id="blank-id"),
        pytest.param(table(**{"@type": "TableGroup"}), id="other-type"),
        pytest.param(schema(**{"@type": "Table"}), id="schema-of-other-type"),
        pytest.param(schema(columns=[{"@type": "Schema"}]), id="column-of-other-type"),
        pytest.param(table(dialect={"@type": "Column"}), id="dialect-of-other-type"),
        pytest.param(table(dialect={"@id": "_:d"}), id="blank-dialect"),
        pytest.param(table(transformations=[{"url": "a"}]), id="transformation-without-formats"),
        pytest.param(schema(columns=[{"name": "a"}, {"name": "a"}]), id="same-name-twice"),
        pytest.param(schema(columns=[{"name": "a", "virtual": True}, {"name": "b"}]), id="virtual-first"),
        pytest.param(table(**{"dc:title": {"@value": "a", "@language": "sv", "@type": "xsd:date"}}), id="value-both"),
        pytest.param(table(**{"dc:title": {"@value": "a", "dc:x": 1}}), id="value-with-more"),
        pytest.param(table(**{"dc:title": {"@value": [1]}}), id="value-of-array"),
        pytest.param(table(**{"dc:title": {"@language": "sv"}}), id="language-without-value"),
        pytest.param(table(**{"dc:title": {"@list": [1]}}), id="list"),
        pytest.param(table(**{"dc:title": {"@set": [1]}}), id="set"),
        pytest.param(table(**{"dc:title": {"@context": {}}}), id="context-inside"),
        pytest.param(table(**{"dc:title": {"@type": "okänd"}}), id="unknown-type"),
        pytest.param(table(**{"dc:title": {"@type": 1}}), id="type-no-string"),
        pytest.param(table(**{"dc:title": {"@id": "_:b"}}), id="blank-node-value"),
        pytest.param(table(**{"dc:title": {"@value": "a", "@type": "_:t"}}), id="blank-datatype"),
        pytest.param(datatype(base="string", **{"@id": "_:t"}), id="datatype-blank"),
        pytest.param(datatype(base="string", **{"@id": XSD + "date"}), id="datatype-builtin"),
        pytest.param(datatype(base="date", length=3), id="length-of-date"),
        pytest.param(datatype(length=3, minLength=4), id="length-below-least"),
        pytest.param(datatype(length=3, maxLength=2), id="length-above-most"),
        pytest.param(datatype(minLength=3, maxLength=2), id="least-above-most"),
        pytest.param(datatype(base="string", minimum=1), id="minimum-of-string"),
        pytest.param(datatype(base="integer", minInclusive=1, minExclusive=1), id="two-lower-bounds"),
        pytest.param(datatype(base="integer", maxInclusive=1, maxExclusive=1), id="two-upper-bounds"),
        pytest.param(datatype(base="integer", minInclusive=2, maxInclusive=1), id="empty-range"),
        pytest.param(datatype(base="date", minInclusive="2025-01-02", maxExclusive="2025-01-02"), id="empty-dates"),
        pytest.param(datatype(base="integer", minExclusive=1, maxInclusive=1), id="empty-half-open"),
        pytest.param(datatype(base="integer", minimum=1, minInclusive=2), id="two-minimums"),
        pytest.param(datatype(base="integer", maximum="1", maxInclusive=2), id="two-maximums"),
        pytest.param(table(**{"dc:title": {"Table": 1}}), id="term-inside"),
        pytest.param(table(**{"dc:title": {"date": 1}}), id="datatype-as-property"),
        pytest.param(table(**{"dc:title": {"_:a": 1}}), id="blank-property"),
        pytest.param({"@context": CONTEXT, "tables": [table()]}, id="context-in-table"),
        pytest.param(schema(**{"@context": CONTEXT}), id="context-in-schema"),
        pytest.param(schema(columns=[{"@context": CONTEXT}]), id="context-in-column"),
        pytest.param(datatype(**{"@context": CONTEXT}), id="context-in-datatype"),
        pytest.param(table(dialect={"@context": CONTEXT}), id="context-in-dialect"),
        pytest.param(key(**{"dc:title": "x"}), id="key-with-more"),
        pytest.param(key(columnReference="okänd"), id="key-of-unknown-column"),
        pytest.param(key(reference=1), id="key-without-reference"),
        pytest.param(key(reference={"columnReference": "kod"}), id="key-to-nothing"),
        pytest.param(
            schema(columns=[{"titles": "kod"}], foreignKeys=[
                {"columnReference": "kod", "reference": {"resource": "t.csv", "columnReference": "kod"}}
            ]),
            id="key-of-unnamed-column",
        ),
    ],
)  # fmt: skip
def test_an_error(document: Any) -> None:
    with pytest.raises(CsvwError):
        read_group(document, BASE)


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(table(**{"@context": [CONTEXT, {"@language": "invalid-language"}]}), id="language"),
        pytest.param(table(**{"dc:title": {"@value": "a", "@language": "det är svenska"}}), id="value-language"),
        pytest.param(table(**{"@id": 1}), id="id"),
        pytest.param(schema(columns=[{"titles": "a"}, {"titles": "a"}]), id="same-title-twice"),
        pytest.param(table(okänd=1), id="unknown-property"),
        pytest.param(table(titles="x"), id="column-property-on-table"),
        pytest.param(schema(columns=[{"url": "x"}]), id="table-property-on-column"),
        pytest.param(table(tableDirection="upp"), id="direction"),
        pytest.param(table(suppressOutput="ja"), id="suppress"),
        pytest.param(table(notes=1), id="notes"),
        pytest.param(table(null=True), id="null"),
        pytest.param(table(null=["-", 1]), id="nulls"),
        pytest.param(table(lang="1"), id="lang"),
        pytest.param(table(textDirection="upp"), id="text-direction"),
        pytest.param(table(separator=1), id="separator"),
        pytest.param(table(ordered="ja"), id="ordered"),
        pytest.param(table(default=1), id="default"),
        pytest.param(table(datatype=1), id="datatype"),
        pytest.param(table(datatype="okänd"), id="unknown-datatype"),
        pytest.param(table(datatype="https://orebro.se/kod"), id="datatype-url"),
        pytest.param(datatype(base="okänd"), id="unknown-base"),
        pytest.param(datatype(base="integer", format="+"), id="number-format"),
        pytest.param(datatype(base="integer", format={"pattern": "x"}), id="number-pattern"),
        pytest.param(datatype(base="integer", format=""), id="empty-number-pattern"),
        pytest.param(datatype(base="integer", format={"pattern": "0", "okänd": 1}), id="number-format-property"),
        pytest.param(datatype(base="date", format="kl"), id="date-format"),
        pytest.param(datatype(base="boolean", format="JN"), id="boolean-format"),
        pytest.param(datatype(base="string", format="("), id="regular-expression"),
        pytest.param(datatype(base="string", format={}), id="format-object-of-string"),
        pytest.param(table(aboutUrl=1), id="about"),
        pytest.param(table(propertyUrl=True), id="property"),
        pytest.param(table(valueUrl=["x"]), id="value"),
        pytest.param(table(valueUrl="{"), id="broken-template"),
        pytest.param(table(dialect=1), id="dialect"),
        pytest.param(table(dialect={"okänd": 1}), id="dialect-property"),
        pytest.param(table(dialect={"encoding": "okänd"}), id="encoding"),
        pytest.param(table(dialect={"commentPrefix": 1}), id="comment-prefix"),
        pytest.param(table(dialect={"delimiter": 1}), id="delimiter"),
        pytest.param(table(dialect={"trim": 1}), id="trim"),
        pytest.param(table(dialect={"skipRows": -1}), id="skip-rows"),
        pytest.param(table(dialect={"headerRowCount": "1"}), id="header-row-count"),
        pytest.param(table(dialect={"lineTerminators": True}), id="terminators"),
        pytest.param(table(dialect={"quoteChar": True}), id="quote"),
        pytest.param(table(tableSchema=1), id="schema"),
        pytest.param(table(transformations=1), id="transformations"),
        pytest.param(table(transformations=[1]), id="transformation"),
        pytest.param(table(transformations=[TRANSFORMATION | {"url": 1}]), id="transformation-link"),
        pytest.param(table(transformations=[TRANSFORMATION | {"source": "xml"}]), id="transformation-source"),
        pytest.param(table(transformations=[TRANSFORMATION | {"titles": 1}]), id="transformation-titles"),
        pytest.param(table(transformations=[TRANSFORMATION | {"okänd": 1}]), id="transformation-property"),
        pytest.param(schema(columns={}), id="columns-no-array"),
        pytest.param(schema(columns=None), id="columns-null"),
        pytest.param(schema(columns=[*COLUMNS, 1]), id="column"),
        pytest.param(schema(columns=[{"name": 1}]), id="name"),
        pytest.param(schema(columns=[{"name": "_rad"}]), id="name-reserved"),
        pytest.param(schema(columns=[{"name": "två ord"}]), id="name-with-space"),
        pytest.param(schema(columns=[{"name": "a..b"}]), id="name-with-empty-part"),
        pytest.param(schema(columns=[{"name": "a."}]), id="name-that-ends-with-a-point"),
        pytest.param(schema(columns=[{"titles": 1}]), id="titles"),
        pytest.param(schema(columns=[{"titles": ["a", 1]}]), id="titles-array"),
        pytest.param(schema(columns=[{"titles": {"not-a-language": "a"}}]), id="titles-language"),
        pytest.param(schema(columns=[{"virtual": "ja"}]), id="virtual"),
        pytest.param(schema(primaryKey="okänd"), id="primary-key"),
        pytest.param(schema(foreignKeys=1), id="foreign-keys"),
        pytest.param(schema(foreignKeys=[1]), id="foreign-key"),
        pytest.param({"@context": CONTEXT, "tables": [{"url": "t.csv"}, 1]}, id="table"),
    ],
)
def test_a_warning(document: dict[str, Any]) -> None:
    group, warnings = read_group(document, BASE)
    assert warnings
    assert group.tables[0].url == "https://data.orebro.se/t.csv"


def test_a_good_document_gives_no_warning() -> None:
    document = table(
        **{
            "@context": [CONTEXT, {"@base": "csv/", "@language": "sv"}],
            "dc:title": "Skolor",
            "null": ["-"],
            "dialect": {"delimiter": ";", "trim": "end"},
            ontology.CSVW_EXTENSION + "delivery": "full",
            "tableSchema": {
                "columns": [{"titles": "Antal barn", ontology.CSVW_EXTENSION + "synonyms": ["barn"]}],
                "aboutUrl": "#{_row}",
            },
        }
    )
    group, warnings = read_group(document, BASE)
    described = group.tables[0]
    column = described.schema.columns[0]
    assert warnings == []
    assert described.url == "https://data.orebro.se/csv/t.csv"
    assert described.annotations == {"delivery": "full"}
    assert (column.name, column.titles, column.null) == ("Antal%20barn", {"sv": ["Antal barn"]}, ("-",))
    assert (column.aboutUrl, column.annotations) == ("#{_row}", {"synonyms": ["barn"]})
    assert described.dialect is not None
    assert (described.dialect.delimiter, described.dialect.trim) == (";", "end")


def test_schemas_and_dialects_are_loaded_by_url() -> None:
    documents: dict[str, Any] = {
        "https://data.orebro.se/s/schema.json": {"@context": [CONTEXT, {"@language": "sv"}], "columns": COLUMNS},
        "https://data.orebro.se/d.json": {"delimiter": "\t"},
    }
    group, warnings = read_group(table(tableSchema="s/schema.json", dialect="d.json"), BASE, load=documents.__getitem__)
    assert warnings == []
    described = group.tables[0]
    assert described.schema.id == "https://data.orebro.se/s/schema.json"
    assert described.schema.columns[0].titles == {"sv": ["Kod"]}
    assert described.dialect is not None
    assert described.dialect.delimiter == "\t"


def test_read_table_is_for_one_table_and_needs_no_context() -> None:
    assert read_table({"tableSchema": {"columns": COLUMNS}}, BASE).schema.column("namn").number == 2
    assert len(read_table({"okänd": 1, "tableSchema": {"columns": COLUMNS}}, BASE).warnings) == 1
    with pytest.raises(CsvwError, match="several"):
        read_table({"tables": [{"url": "a"}, {"url": "b"}]}, BASE)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        pytest.param("HTTPS://DATA.Orebro.se:443/a/../%74.csv", "https://data.orebro.se/t.csv", id="spelling"),
        pytest.param("t%c3%a5.csv?a=%7e", "https://data.orebro.se/t%C3%A5.csv?a=~", id="escapes"),
        pytest.param("../t.csv", "https://data.orebro.se/t.csv", id="above-the-root"),
        pytest.param("https://data.orebro.se:8443/t.csv", "https://data.orebro.se:8443/t.csv", id="port"),
        pytest.param("file:///srv/t.csv", "file:///srv/t.csv", id="file"),
        pytest.param("urn:isbn:91", "urn:isbn:91", id="urn"),
    ],
)
def test_links_are_normalised(url: str, expected: str) -> None:
    assert read_group(table(url=url), BASE)[0].tables[0].url == expected


def test_an_unknown_datatype_leaves_the_inherited_one() -> None:
    described = table(datatype="integer", tableSchema={"columns": [{"name": "a", "datatype": "okänd"}, {"name": "b"}]})
    group, warnings = read_group(described, BASE)
    assert [column.datatype.base for column in group.tables[0].schema.columns] == ["integer", "integer"]
    assert len(warnings) == 1


def test_an_error_speaks_both_languages() -> None:
    with pytest.raises(CsvwError) as caught:
        read_group({}, BASE)
    assert "@context" in caught.value.finding.text("sv")
    assert "@context" in str(caught.value)


WORDS = st.sampled_from(
    "@id @type @value @language @context @base url tables tableSchema columns name titles datatype base format pattern "
    "decimalChar groupChar null lang separator ordered required default aboutUrl propertyUrl valueUrl virtual dialect "
    "delimiter quoteChar commentPrefix encoding header headerRowCount skipRows trim lineTerminators foreignKeys "
    "columnReference reference resource schemaReference primaryKey rowTitles notes transformations scriptFormat "
    "targetFormat suppressOutput tableDirection length minLength maxLength minimum maximum minExclusive dc:title "
    "sv en integer date Table Column t.csv #{x} {+a _:b http://x.se/ yyyy-MM-dd #,##0.0 true ( https://w3id.org/torg/csvw#derive".split()
)  # fmt: skip
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-2, 2), st.floats(allow_nan=False), WORDS, st.text(max_size=3)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(WORDS, inner, max_size=4)),
    max_leaves=20,
)


@settings(max_examples=200, deadline=None)
@given(properties=st.dictionaries(WORDS, JSON, max_size=6), column=st.dictionaries(WORDS, JSON, max_size=5))
def test_no_document_breaks_the_reader(properties: dict[str, Any], column: dict[str, Any]) -> None:
    document = {"@context": CONTEXT, "url": "t.csv", "tableSchema": {"columns": [column]}} | properties
    try:
        group, _ = read_group(document, BASE)
    except CsvwError as error:
        assert error.problem
        return
    for described in group.tables:
        writer = RowWriter(described, "_:t", False, Nodes(), lambda warning: None)
        lines = writer.row(["a", "1", "2025-01-01"], 1, 2)
        Graph().parse(data="".join(lines).replace("<t.csv", "<http://x.se/t.csv"), format="nt")
