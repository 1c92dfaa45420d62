"""Publication mode: a table description becomes a function from rows to N-Triples and errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdflib import Graph

import ontology
from loaders.csvw import CellProblem, CsvwError, RowFunction, compile_table, read_table

X = ontology.CSVW_EXTENSION
BASE = "https://data.orebro.se/"
S = "<https://data.orebro.se/id/faktura/1880/F1>"
P = "https://data.orebro.se/spec/reskontra#"
XSD = "http://www.w3.org/2001/XMLSchema#"
DATE = {"base": "date", "format": "yyyyMMdd"}
YES_NO = {"base": "boolean", "format": "Ja|Nej"}
DECIMAL = {"base": "decimal", "format": {"decimalChar": ",", "groupChar": " "}}


def column(name: str, **properties: Any) -> dict[str, Any]:
    return {"name": name, "titles": name, "propertyUrl": f"spec/reskontra#{name}", **properties}


def person(parameters: Mapping[str, Any]) -> Any:
    def derive(text: str) -> str | None:
        if not text.isdigit():
            raise CellProblem("values.datatype", "text")
        return text if text[2] < "2" else None

    return derive


def function(*columns: dict[str, Any], about: str = "id/faktura/{kommun}/{nr}", **options: Any) -> RowFunction:
    document = {"tableSchema": {"aboutUrl": about, "columns": [column("nr", required=True), *columns]}}
    table = read_table(document, BASE)
    names = [entry.name for entry in table.schema.columns if not entry.virtual]
    positions = options.pop("positions", {name: index for index, name in enumerate(names)})
    options = {"base": BASE, "constants": {"kommun": "1880"}, "derivations": {"person": person}} | options
    return compile_table(table, positions, **options)


def objects(lines: list[str]) -> dict[str, str]:
    """The object of each property, by its short name."""
    found = {}
    for line in lines:
        assert line.endswith(" .\n")
        assert "\n" not in line[:-1]
        _subject, predicate, rest = line[:-3].split(" ", 2)
        found[predicate.rpartition("#")[2][:-1]] = rest
    return found


@pytest.mark.parametrize(
    ("described", "text", "expected"),
    [
        pytest.param({}, "Ägg & bacon", '"Ägg & bacon"', id="string"),
        pytest.param({}, 'a "b" \\ c\nd', '"a \\"b\\" \\\\ c\\nd"', id="escapes"),
        pytest.param({"lang": "sv"}, "Torg", '"Torg"@sv', id="language"),
        pytest.param({"datatype": DECIMAL}, "1 234,50", f'"1234.50"^^<{XSD}decimal>', id="comma"),
        pytest.param({"datatype": DECIMAL}, "1\u00a0234,50", f'"1234.50"^^<{XSD}decimal>', id="nbsp"),
        pytest.param({"datatype": DECIMAL}, "−1\u202f234", f'"-1234"^^<{XSD}decimal>', id="minus"),
        pytest.param({"datatype": DECIMAL}, " 10,50 ", f'"10.50"^^<{XSD}decimal>', id="trimmed"),
        pytest.param({"datatype": DATE}, "20251105", f'"2025-11-05"^^<{XSD}date>', id="date"),
        pytest.param({"datatype": YES_NO}, "Nej", f'"false"^^<{XSD}boolean>', id="boolean"),
        pytest.param({"valueUrl": "def/konto/{v}"}, "a/å", f"<{BASE}def/konto/a%2F%C3%A5>", id="value-url"),
        pytest.param({"valueUrl": "def/konto/{v}"}, "a\u030a", "<https://data.orebro.se/def/konto/%C3%A5>", id="nfc"),
        pytest.param({"valueUrl": "{+v}"}, "https://orebro.se/x", "<https://orebro.se/x>", id="web-address"),
        pytest.param({"valueUrl": "schema:{v}"}, "School", "<http://schema.org/School>", id="prefixed"),
        pytest.param({"null": ["-", ""]}, "-", None, id="null-token"),
        pytest.param({"default": "okänd"}, "", '"okänd"', id="default"),
        pytest.param({"suppressOutput": True}, "x", None, id="suppressed"),
        pytest.param({X + "privacy": "drop"}, "x", None, id="dropped"),
        pytest.param({X + "maskedWhen": "nr"}, "x", None, id="masked"),
        pytest.param({X + "unless": "nr"}, "x", None, id="unless"),
        pytest.param({X + "when": "nr"}, "x", '"x"', id="when"),
    ],
)  # fmt: skip
def test_value_of_one_column(described: dict[str, Any], text: str, expected: str | None) -> None:
    subject, lines, errors = function(column("v", **described))(["F1", text], 1, 2)
    assert (subject, list(errors)) == (S[1:-1], [])
    assert objects(lines).get("v") == expected
    assert all(line.startswith(S + " <" + P) for line in lines)


@pytest.mark.parametrize(
    ("described", "text", "rule", "kind"),
    [
        pytest.param({"datatype": DECIMAL}, "1.5", "values.datatype", "number with decimal point", id="point"),
        pytest.param({"datatype": "date"}, "2025-02-30", "values.datatype", "date", id="no-such-day"),
        pytest.param({"datatype": {"base": "integer", "minimum": 0}}, "-5", "values.range", "text", id="range"),
        pytest.param({"datatype": {"length": 4}}, "180", "values.length", "3 characters", id="lost-zero"),
        pytest.param({}, "a\x00b", "values.control-character", "text", id="nul"),
        pytest.param({}, "\ud800", "values.control-character", "text", id="surrogate"),
        pytest.param({"valueUrl": "{+v}"}, "www orebro", "values.iri", "no address", id="no-address"),
        pytest.param({"valueUrl": "def/{v}"}, "..", "values.iri", "dots", id="dots"),
        pytest.param({X + "derive": {"p": {"function": "person"}}}, "abc", "values.datatype", "text", id="derivation"),
    ],
)  # fmt: skip
def test_a_bad_cell_is_an_error_and_the_row_stays(described: dict[str, Any], text: str, rule: str, kind: str) -> None:
    compiled = function(column("v", **described), column("w"))
    for _ in range(2):
        subject, lines, errors = compiled(["F1", text, "kvar"], 1, 2)
        assert subject == S[1:-1]
        assert objects(lines)["w"] == '"kvar"'
        assert [(e.rule, e.column, e.kind, e.fatal) for e in errors] == [(rule, "v", kind, False)]
        assert text not in str(errors)


@pytest.mark.parametrize(
    ("cells", "rule", "where"),
    [
        pytest.param(["", "x"], "values.required", "nr", id="required"),
        pytest.param(["F1", "", "x"], "values.key", "del", id="null-in-key"),
        pytest.param(["..", "a"], "values.iri", "nr", id="dots"),
        pytest.param(["F\x01", "a"], "values.control-character", "nr", id="control"),
    ],
)
def test_a_row_without_subject_is_fatal(cells: list[str], rule: str, where: str) -> None:
    compiled = function(column("del"), about="id/{nr}/{del}")
    subject, lines, errors = compiled(cells, 1, 2)
    assert (subject, lines) == ("", [])
    assert (rule, where, True) in [(e.rule, e.column, e.fatal) for e in errors]


def test_a_short_row_is_told_and_mapped() -> None:
    _, lines, errors = function(column("v"), column("w"))(["F1", "x"], 1, 2)
    assert objects(lines)["v"] == '"x"'
    assert [(e.rule, e.kind, e.fatal) for e in errors] == [("values.short-row", "2 of 3", False)]


def test_derived_variables_mask_choose_and_link() -> None:
    derive = {X + "derive": {"p": {"function": "person"}}}
    compiled = function(
        column("id", valueUrl="id/organisation/{id}", **derive, **{X + "unless": "p"}),
        column("namn", **{X + "maskedWhen": "p"}),
        column("etikett", virtual=True, default="Enskild näringsidkare", lang="sv", **{X + "when": "p"}),
        column("typ", virtual=True, propertyUrl="rdf:type", valueUrl="spec/reskontra#Faktura"),
    )
    _, company, _ = compiled(["F1", "5560747551", "AB Torget"], 1, 2)
    _, private, _ = compiled(["F1", "8001019999", "Anna Andersson"], 2, 3)
    assert objects(company)["id"] == "<https://data.orebro.se/id/organisation/5560747551>"
    assert objects(company)["namn"] == '"AB Torget"'
    assert "etikett" not in objects(company)
    assert {"id", "namn"}.isdisjoint(objects(private))
    assert objects(private)["etikett"] == '"Enskild näringsidkare"@sv'
    assert "8001019999" not in "".join(private)
    assert f"{S} <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <{P}Faktura> .\n" in company


def test_several_subjects_lists_rows_and_links_between_them() -> None:
    compiled = function(
        column("plats", aboutUrl="id/plats/{plats}"),
        column("taggar", separator=";"),
        column("rad", virtual=True, valueUrl="https://x.se/{_row}/{_sourceRow}/{nr}"),
        column("vid", virtual=True, valueUrl="id/plats/{plats}"),
    )
    _, lines, errors = compiled(["F1", "torg", "a;b"], 7, 9)
    assert not errors
    assert sorted(lines) == sorted([
        f'{S} <{P}nr> "F1" .\n',
        f'<https://data.orebro.se/id/plats/torg> <{P}plats> "torg" .\n',
        f'{S} <{P}taggar> "a" .\n',
        f'{S} <{P}taggar> "b" .\n',
        f"{S} <{P}rad> <https://x.se/7/9/F1> .\n",
        f"{S} <{P}vid> <https://data.orebro.se/id/plats/torg> .\n",
    ])  # fmt: skip
    _, lines, _ = compiled(["F1", "", ""], 7, 9)
    assert len(lines) == 2


def test_what_is_said_of_other_subjects_once_is_enough() -> None:
    columns = (
        column("konto", aboutUrl="id/konto/{konto}"),
        column("text", aboutUrl="id/konto/{konto}"),
        column("slag", virtual=True, aboutUrl="id/konto/{konto}", propertyUrl="rdf:type", valueUrl="spec/Konto"),
        column("rad", virtual=True, aboutUrl="id/rad/{nr}", valueUrl="https://x.se/{_row}"),
    )
    cells = [("1", "Hyra"), ("1", "Hyra"), ("1", "Lokalhyra"), ("", "Hyra"), ("1", 'Hy"ra')]
    rows = [[f"F{number}", *row] for number, row in enumerate(cells)]
    every, once = function(*columns), function(*columns, once=True)
    repeated = [line for number, row in enumerate(rows) for line in every(row, number, number)[1]]
    said = [line for number, row in enumerate(rows) for line in once(row, number, number)[1]]
    assert set(said) == set(repeated)
    assert sum("/konto/1>" in line for line in repeated) == 12
    assert sum("/konto/1>" in line for line in said) == 9


def test_absent_optional_columns_are_null_and_required_ones_stop() -> None:
    _, lines, _ = function(column("v"), positions={"nr": 3})(["", "", "", "F1"], 1, 2)
    assert list(objects(lines)) == ["nr"]
    with pytest.raises(CsvwError, match="required column nr is missing"):
        function(column("v"), positions={"v": 0})


def test_expand_is_the_publications_own() -> None:
    subject, _, _ = function(expand=lambda text: text.replace("/", "~2F"))(["a/b"], 1, 2)
    assert subject == "https://data.orebro.se/id/faktura/1880/a~2Fb"


@given(st.text(), st.text())
def test_whatever_the_cells_hold_the_lines_parse_and_say_it(key: str, text: str) -> None:
    _, lines, errors = function(column("v", null=[]))([key, text], 1, 2)
    graph = Graph().parse(data="".join(lines), format="nt")
    if not errors:
        assert {str(value) for value in graph.objects()} == {key, text}
    assert all(error.fatal or error.column for error in errors)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (("F1", "61.05", "-14.62"), '"POINT(-14.62 61.05)"^^<http://www.opengis.net/ont/geosparql#wktLiteral>'),
        (("F1", "", "14.62"), None),
        (("F1", "north", "14.62"), None),
    ],
    ids=["both", "one null", "one bad"],
)
def test_value_template_makes_one_literal_of_several_cells(cells: tuple[str, ...], expected: str | None) -> None:
    wkt = {"@id": "http://www.opengis.net/ont/geosparql#wktLiteral", "base": "string"}
    point = column("point", virtual=True, datatype=wkt, **{f"{X}value": "POINT({long} {lat})"})
    row = function(column("lat", datatype="decimal"), column("long", datatype="decimal"), point)
    _, lines, errors = row(cells, 1, 2)
    assert objects(lines).get("point") == expected
    assert bool(errors) == ("north" in cells)


def test_value_template_with_an_operator_is_refused() -> None:
    with pytest.raises(CsvwError, match="plain variables"):
        function(column("lat"), column("point", virtual=True, **{f"{X}value": "{+lat}"}))


@given(st.text(max_size=12))
def test_value_template_escapes_what_it_takes(text: str) -> None:
    both = column("both", virtual=True, **{f"{X}value": 'a "{note}"'})
    subject, lines, errors = function(column("note"), both)(("F1", text), 1, 2)
    if subject and not errors:
        list(Graph().parse(data="".join(lines), format="nt"))


WORDS = st.sampled_from(
    "name titles datatype base format decimalChar groupChar pattern null lang separator required default aboutUrl "
    "propertyUrl valueUrl virtual suppressOutput minimum maxLength function a b p id/{a} {+b} x/{p}/{_row} #{_name} "
    "integer decimal date schema:name sv person , - 1".split()
    + [X + word for word in ("derive", "when", "unless", "maskedWhen", "privacy", "value")]
)  # fmt: skip
PROPERTIES = st.dictionaries(
    WORDS,
    st.one_of(
        WORDS, st.booleans(), st.integers(0, 3), st.none(), st.dictionaries(WORDS, st.dictionaries(WORDS, WORDS))
    ),
    max_size=6,
)


@settings(max_examples=200, deadline=None)
@given(
    columns=st.lists(PROPERTIES, min_size=1, max_size=3), cells=st.lists(st.text(max_size=4), min_size=3, max_size=3)
)
def test_no_description_and_no_row_breaks_publication(columns: list[dict[str, Any]], cells: list[str]) -> None:
    described = [{"name": name} | properties for name, properties in zip("abc", columns, strict=False)]
    try:
        table = read_table({"tableSchema": {"aboutUrl": "id/{a}", "columns": described}}, BASE)
        real = [entry.name for entry in table.schema.columns if not entry.virtual]
        compiled = compile_table(
            table,
            {name: place for place, name in enumerate(real)},
            base=BASE,
            derivations={"person": person},
            once=True,
        )
    except CsvwError:
        return
    for _ in range(2):
        subject, lines, errors = compiled(cells, 1, 2)
        Graph().parse(data="".join(lines), format="nt")
        assert bool(subject) or any(error.fatal for error in errors)
        assert subject or not lines
