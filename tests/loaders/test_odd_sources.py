"""Sources that are right but oddly named, declared or sized are read, or told plainly."""

from __future__ import annotations

import io
from datetime import date

import openpyxl
import pytest

from tests.loaders.conftest import Loader


def workbook(*rows: list[object]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def test_a_workbook_with_the_name_of_a_text_file_is_read_by_its_content(load_files: Loader) -> None:
    done = load_files({"skolor.csv": workbook(["id", "name"], ["B1", "Skolan"])})
    assert done.error is None and 1 == done.counts.rows_out and '"Skolan"' in done.lines


@pytest.mark.parametrize("said", ["utf-16", "UTF-16LE", "utf-32"])
def test_a_declared_encoding_that_the_file_has_not_is_told(said: str, load_files: Loader) -> None:
    text = "id;name;city\n" + "B1;Skolan;Örebro\n" * 40
    done = load_files({"a.csv": text.encode("cp1252")}, f'conformsTo = "skolor"\nencoding = "{said}"')
    assert done.error is not None and "source.encoding-declared" == done.error.rule
    assert f"{said}" in done.told() and "windows-1252" in done.told() and len(done.error.text("sv")) < 120


@pytest.mark.parametrize("said", ["utf-16", "utf-16-le"])
def test_a_declared_encoding_that_the_file_has_is_taken(said: str, load_files: Loader) -> None:
    text = "id;name;city\nB1;Skolan;Örebro\n"
    done = load_files({"a.csv": text.encode("utf-16-le")}, f'conformsTo = "skolor"\nencoding = "{said}"')
    assert done.error is None and "Örebro" in done.lines


@pytest.mark.parametrize("encoding", ["utf-8", "windows-1252"])
def test_a_file_said_to_be_ascii_that_is_not_is_told(encoding: str, load_files: Loader) -> None:
    text = "id;name;city\nB1;Skolan;Örebro\n"
    done = load_files({"a.csv": text.encode(encoding)}, 'conformsTo = "skolor"\nencoding = "ascii"')
    assert "Örebro" in done.lines and "source.encoding-other" in done.rules() and encoding in done.told()
    assert (
        "source.encoding-other"
        not in load_files({"a.csv": "id;name\nB1;S\n"}, 'conformsTo = "skolor"\nencoding = "ascii"').rules()
    )


@pytest.mark.parametrize("number", ["9" * 400, "9" * 5_000, "1" + "0" * 19, "-" + "9" * 30])
def test_a_number_beyond_all_counting_costs_its_cell_only(number: str, load_files: Loader) -> None:
    done = load_files({"a.csv": f"id,name,pupils\nB1,Skolan,{number}\nB2,Skolan,123456789012345678\n"})
    assert done.error is None and 2 == done.counts.rows_out
    assert number not in done.lines and '"123456789012345678"' in done.lines
    assert [(f.row, f.column) for f in done.findings if f.rule == "values.range"] == [(2, "pupils")]


LEDGER = "verifikationsnummer;leverantor;leverantor_id;konto_nr;konto_text;bokforingsdatum;nettobelopp\n"


@pytest.mark.parametrize("amount", ["9" * 400 + ",50", "9" * 19, "1 000 000 000 000 000 000 000,00"])
def test_an_amount_beyond_all_counting_costs_its_row_only(amount: str, load_files: Loader) -> None:
    rows = "".join(
        f"V{n};Firma AB;5560747551;4010;Snickeri;2026-01-02;{amount if n == 3 else '1000,00'}\n" for n in range(9)
    )
    done = load_files({"r-2026-01.csv": LEDGER + rows}, 'conformsTo = "leverantorsreskontra"')
    assert (
        done.error is None
        and 8 == done.counts.rows_out
        and {3 + 2} == {f.row for f in done.findings if f.rule in ("values.range", "values.datatype")}
    )


@pytest.mark.parametrize("toml", ["", '[columns]\nlatitude = { column = "latitude", decimalChar = "," }\n'])
def test_number_cells_and_texts_in_one_column_are_both_read(toml: str, load_files: Loader) -> None:
    rows: list[list[object]] = [["id", "name", "latitude", "longitude"]]
    rows += [[f"B{n}", "Skolan", 59.33 if n % 2 else "59,34", 15.5 if n % 3 else "15,25"] for n in range(20)]
    done = load_files({"a.xlsx": workbook(*rows)}, 'conformsTo = "skolor"\n' + toml)
    assert done.error is None and 20 == done.counts.rows_out and "values.datatype" not in done.rules()
    assert '"59.33"' in done.lines and '"59.34"' in done.lines and '"15.25"' in done.lines


def test_date_cells_and_texts_in_one_column_are_both_read(load_files: Loader) -> None:
    head = LEDGER.strip().split(";")
    rows: list[list[object]] = [
        [
            f"V{n}",
            "Firma AB",
            "5560747551",
            "4010",
            "Resor",
            date(2026, 1, 2) if n % 2 else "3.1.2026",
            17.5 if n else "1 000,50",
        ]
        for n in range(9)
    ]
    done = load_files({"r-2026-01.xlsx": workbook(head, *rows)}, 'conformsTo = "leverantorsreskontra"')
    assert done.error is None and 9 == done.counts.rows_out
    for value in ("2026-01-02", "2026-01-03", "17.5", "1000.50"):
        assert f'"{value}"' in done.lines


def test_a_wrong_form_is_told_with_the_form_wanted_in_the_readers_language(load_files: Loader) -> None:
    done = load_files({"a.csv": "id,name,pupils,email,latitude\nB1,Skolan,många,kim,nära\n"})
    told = {f.column: f for f in done.findings if f.rule == "values.datatype"}
    assert "kolumnen ska ha ett heltal" in told["pupils"].text("sv") and "formen text" in told["pupils"].text("sv")
    assert "wants an e-mail address" in told["email"].text("en")
    assert "decimalChar" not in told["email"].advice("en") and "decimalChar" in told["latitude"].advice("en")
    assert not any("{" in f.text(tongue) for f in told.values() for tongue in ("sv", "en"))
