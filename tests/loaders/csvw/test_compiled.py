"""The compiled row function against the row writer: whatever a row holds, minimal mode says the same."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loaders.csvw import CsvwError, read_table
from loaders.csvw.csv2rdf import Nodes, RowWriter
from loaders.csvw.publication import compile_text

BASE = "https://data.orebro.se/t.csv"
TABLES: dict[str, dict[str, Any]] = {
    "blank-subject": {"columns": [{"name": "a"}, {"name": "b", "lang": "sv"}]},
    "keyed": {"aboutUrl": "#{a}", "columns": [{"name": "a"}, {"name": "b", "propertyUrl": "schema:name"}]},
    "typed": {
        "aboutUrl": "http://x.se/{_row}",
        "columns": [
            {"name": "a", "datatype": {"base": "decimal", "format": {"decimalChar": ",", "groupChar": " "}}},
            {"name": "b", "datatype": {"base": "integer", "minimum": 0}, "required": True},
        ],
    },
    "linked": {
        "aboutUrl": "{+a}",
        "columns": [
            {"name": "a", "suppressOutput": True},
            {"name": "b", "valueUrl": "def/{b}"},
            {"name": "t", "virtual": True, "propertyUrl": "rdf:type", "valueUrl": "schema:Thing"},
            {"name": "l", "virtual": True, "valueUrl": "x/{a}/{b}"},
            {"name": "d", "virtual": True, "default": "5", "datatype": "integer"},
        ],
    },
    "listed": {"columns": [{"name": "a", "separator": ";", "null": ["", "-"]}, {"name": "b", "null": "-"}]},
    "two-subjects": {
        "columns": [
            {"name": "a", "aboutUrl": "#a-{a}"},
            {"name": "b", "aboutUrl": "#b-{_name}-{a}-{b}", "default": "x"},
        ]
    },
}
CELL = st.one_of(
    st.sampled_from(["", "-", "1", "-7", "1 234,50", "a;b;;-", 'a "b"', "\\", "x\ny", "å\u030a", "\xa0", ".."]),
    st.sampled_from(["http://x.se/a", "x.se"]),
    st.text(max_size=8),
)  # fmt: skip


@pytest.mark.parametrize("name", TABLES)
@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.lists(CELL, min_size=1, max_size=3), max_size=4))
def test_the_compiled_function_agrees_with_the_row_writer(name: str, rows: list[list[str]]) -> None:
    def table() -> Any:
        return read_table({"url": "t.csv", "tableSchema": TABLES[name]}, BASE)

    referee = RowWriter(table(), "_:t", True, Nodes(), lambda warning: None)
    described = table()
    fallback = RowWriter(described, "_:t", True, Nodes(), lambda warning: None)
    compiled = compile_text(described, lambda cells, row, source: "".join(fallback.row(cells, row, source)), "b0")
    for _ in range(2):
        for number, cells in enumerate(rows, 1):
            expected = sorted(re.sub(r"_:\w+", "_:x", line) for line in referee.row(cells, number, number + 1))
            found = compiled(cells, number, number + 1).splitlines(keepends=True)
            assert sorted(re.sub(r"_:\w+", "_:x", "".join(line)) for line in _lines(found)) == expected


def _lines(parts: list[str]) -> list[str]:
    """Whole lines again: splitlines also splits at characters that a literal may hold."""
    return [line + " .\n" for line in "".join(parts).split(" .\n")[:-1]]


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param({"columns": [{"name": "a", "separator": ";", "ordered": True}]}, id="ordered"),
        pytest.param({"columns": [{"name": "a", "propertyUrl": "#{a}"}]}, id="property-by-row"),
        pytest.param({"columns": [{"name": "a", "valueUrl": "#{unknown}"}]}, id="unknown-variable"),
    ],
)
def test_what_only_the_row_writer_knows_is_not_compiled(schema: dict[str, Any]) -> None:
    with pytest.raises(CsvwError):
        compile_text(read_table({"url": "t.csv", "tableSchema": schema}, BASE), lambda *row: "", "b0")
