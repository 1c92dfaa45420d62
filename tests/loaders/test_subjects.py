"""What rows share is stated when it is new; the set of triples is that of the whole description."""

from __future__ import annotations

from typing import Any

from loaders import subjects
from loaders.csvw import RowFunction, Table, compile_table, read_table

BASE = "https://data.granby.example/"
EXTENSION = "https://w3id.org/torg/csvw#"
COLUMNS: list[dict[str, Any]] = [
    {"name": "nr", "required": True, "propertyUrl": "https://a.example/nr"},
    {"name": "belopp", "datatype": "decimal", "propertyUrl": "https://a.example/belopp"},
    {"name": "lev", "aboutUrl": "id/lev/{+orgnr}", "propertyUrl": "https://a.example/namn",
     EXTENSION + "maskedWhen": "hemlig"},
    {"name": "orgnr", "suppressOutput": True, EXTENSION + "derive": {"hemlig": {"function": "secret"}}},
    {"name": "konto", "required": True, "aboutUrl": "id/konto/{konto}", "propertyUrl": "https://a.example/konto"},
    {"name": "v", "virtual": True, "propertyUrl": "https://a.example/betalar", "valueUrl": "id/lev/{+orgnr}"},
    {"name": "w", "virtual": True, "aboutUrl": "id/konto/{konto}", "propertyUrl": "https://a.example/i",
     "valueUrl": "id/plan/{plan}"},
]  # fmt: skip
ROWS = [
    ["1", "10", "Bygg", "55", "40"], ["2", "20", "Bygg", "55", "40"], ["3", "x", "Bygg", "55", "41"],
    ["4", "5", "Kim", "81", "41"], ["5", "5", "Kim", "", "41"], ["6", "5", "Sand", "56", ""],
    ["", "5", "Ny", "57", "42"], ["7", "5", "Ny", "57", "42"], ["8", "5", "Nytt", "57", "42"],
]  # fmt: skip


def functions(columns: list[dict[str, Any]]) -> tuple[RowFunction, RowFunction]:
    schema = {"aboutUrl": "id/rad/{nr}", "columns": columns}
    table = read_table({"@context": "http://www.w3.org/ns/csvw", "url": "a.csv", "tableSchema": schema}, BASE)
    names = ["nr", "belopp", "lev", "orgnr", "konto"]
    positions = {name: place for place, name in enumerate(names)}

    def compile_(described: Table, places: Any) -> RowFunction:
        derivations = {"secret": lambda _: lambda text: "true" if text.startswith("8") else None}
        return compile_table(described, places, base=BASE, constants={"plan": "bas"}, derivations=derivations)

    return compile_(table, positions), subjects.compiled(table, positions, compile_)


def test_the_same_triples_errors_and_subjects_stated_less_often() -> None:
    whole, split = functions(COLUMNS)
    before, after = (
        [whole(row, n, n) for n, row in enumerate(ROWS)],
        [split(list(row), n, n) for n, row in enumerate(ROWS)],
    )
    assert [row[0] for row in after] == [row[0] for row in before]
    assert [list(row[2]) for row in after] == [list(row[2]) for row in before]
    lines = [[line for row in rows for line in row[1]] for rows in (before, after)]
    assert set(lines[1]) == set(lines[0]) and len(lines[1]) < len(lines[0])
    assert "Kim" not in "".join(lines[1])


def test_a_lost_row_does_not_use_up_what_it_shares() -> None:
    _, split = functions(COLUMNS)
    assert split(ROWS[6], 1, 1)[0] == ""
    assert any("/konto/42>" in line for line in split(ROWS[7], 2, 2)[1])


def test_subjects_that_depend_on_the_row_number_stay_with_their_row() -> None:
    columns = [*COLUMNS[:5], {"name": "r", "virtual": True, "aboutUrl": "id/x/{_row}", "propertyUrl": "https://a.example/r",
                              "valueUrl": "id/rad/{nr}"}]  # fmt: skip
    whole, split = functions(columns)
    for number, row in enumerate(ROWS, 1):
        assert split(row, number, number) == whole(row, number, number)
