"""Sources as they come: sheets as they show their values, JSON in every nesting, headers in other words, periods."""

from __future__ import annotations

import gzip
import io
import json
import tempfile
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest

from loaders.description import read_dataset
from loaders.errors import DescriptionError, SourceError
from loaders.load import deliveries
from loaders.spreadsheet import shown
from tests.loaders.conftest import Loader
from tests.loaders.test_bad_input import workbook

LEDGER = [
    "verifikationsnummer",
    "leverantor",
    "leverantor_id",
    "konto_nr",
    "konto_text",
    "bokforingsdatum",
    "nettobelopp",
]
TOML = 'conformsTo = "leverantorsreskontra"\n'


@pytest.mark.parametrize(
    ("value", "pattern", "text"),
    [
        (180, "0000", "0180"), (12345, "000\\ 00", "123 45"), (2120001967, '000000"-"0000', "212000-1967"),
        (0.1 + 0.2, "General", "0.3"), (1302.03, "#,##0.00", "1302.03"), (1e15, "General", "1000000000000000"),
        (1e-7, "General", "0.0000001"), (5.0, "0.00", "5"), (True, "General", "true"), (None, "General", ""),
        (datetime(2026, 11, 3), "d mmmm yyyy", "2026-11-03"), (datetime(2026, 11, 3, 8, 5), "yyyy-mm-dd hh:mm",
        "2026-11-03T08:05:00"), (-7, "0000", "-7"), (1.5, "0000", "1.5"), ("0180", "@", "0180"),
    ],
)  # fmt: skip
def test_values_as_the_sheet_shows_them(value: object, pattern: str, text: str) -> None:
    assert shown(value, pattern) == text


def test_a_sheet_with_preamble_totals_and_blank_rows(load_files: Loader) -> None:
    rows: list[list[object]] = [
        ["Leverantörsreskontra januari"], [], list(LEDGER),
        ["V1", "Bygg AB", 5560747551, 4010, "Sand", date(2026, 1, 2), 12.5], [],
        ["V2", "Bygg AB", 5560747551, 10, "Sand", datetime(2026, 1, 3), 0.1 + 0.2],
        ["Summa", None, None, None, None, None, 12.8],
    ]  # fmt: skip
    done = load_files({"rad 2026-01.xlsx": workbook(rows, D6="0000")}, TOML)
    assert [origin.row for _, origin, _ in done.rows] == [4, 6] and done.rows[0][1].sheet == "Blad1"
    assert '"0010"' in done.lines and '"2026-01-03"' in done.lines and '"0.3"' in done.lines
    assert {("source.totals-row", 7), ("source.blank-rows", 5)} <= {(f.rule, f.row) for f in done.findings}


def test_number_and_text_in_one_cell(load_files: Loader) -> None:
    head = "Ver nr;Leverantör;Orgnr;Konto;Datum;Belopp exkl. moms\n"
    rows = "V1;Bygg AB;556074-7551;60150 Konsulter;2026-01-02;1 234,50\nV2;Bygg AB;556074-7551;Sand;2026-01-02;1,00\n"
    toml = TOML + '[columns]\nKonto = { split = ["konto_nr", "konto_text"] }\n'
    done = load_files({"r202601.csv": head + rows}, toml)
    assert "/V1/60150> " in done.lines and '"Konsulter"@sv' in done.lines and '"1234.50"' in done.lines
    assert ("source.not-split", 3, "Konto") in {(f.rule, f.row, f.column) for f in done.findings}
    assert done.counts.rows_out == 1


DOCUMENTS = {
    "rows": lambda rows: rows,
    "EntryStore": lambda rows: {"next": "x", "resultCount": 2, "results": rows},
    "CKAN": lambda rows: {"success": True, "result": {"fields": [{"id": "name"}], "records": rows}},
    "somewhere": lambda rows: {"data": {"rader": rows}},
}


@pytest.mark.parametrize("shape", DOCUMENTS)
def test_json_rows_are_found_wherever_they_are(shape: str, load_files: Loader) -> None:
    rows = [{"\ufeffid": "B1", "name": "Björkskolan", "pupils": 210, "kontakt": {"email": "a@b.example"}},
            {"\ufeffid": "B2", "name": "Sjöskolan", "pupils": None}]  # fmt: skip
    toml = 'conformsTo = "skolor"\n[columns]\n"kontakt.email" = "email"\n'
    done = load_files({"a.json": json.dumps(DOCUMENTS[shape](rows), ensure_ascii=False)}, toml)
    assert [origin.row for _, origin, _ in done.rows] == [1, 2]
    assert '"210"' in done.lines and '"a@b.example"' in done.lines


def test_json_lines_and_a_declared_path(load_files: Loader) -> None:
    lines = '{"id": "B1", "name": "a"}\n{"id": "B2", "name": "b"}\n'
    assert load_files({"a.ndjson": lines}).counts.rows_out == 2
    document = json.dumps({"a": [{"x": 1}], "b": {"c": [{"id": "B1", "name": "a"}]}})
    toml = 'conformsTo = "skolor"\nitems = "b.c"\nsource = "b.json"'
    assert load_files({"b.json": document}, toml).counts.rows_out == 1
    done = load_files({"b.json": document}, toml.replace("b.c", "b.d"))
    assert done.error is not None and done.error.rule == "source.no-items" and "b.c" in done.error.advice()


def test_json_numbers_keep_their_digits(load_files: Loader) -> None:
    text = '[{"id": "B1", "name": "a", "latitude": 59.27000000000000001, "longitude": 15.1e0}]'
    assert '"59.27000000000000001"' in load_files({"a.json": text}).lines


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(delimiter: str, load_files: Loader) -> None:
    rows = [["id", "name", "description"], ["B1", "Skolan", "a, b; c"], ["B2", "Skolan", "d"]]
    text = "\n".join(delimiter.join(f'"{cell}"' for cell in row) for row in rows)
    assert load_files({"a.txt": text}).counts.rows_out == 2


def test_headers_in_other_words_case_and_spelling(load_files: Loader) -> None:
    done = load_files(
        {"a.csv": "SKOLENHETSKOD;Verksamhetens  Namn;E-post;Årskurser\n12345678;Skolan;a@b.example;F-6\n"}
    )
    assert done.error is None and "/id/school/12345678>" in done.lines and "F-6" in done.lines


def test_constants_fill_columns_that_the_source_lacks(load_files: Loader) -> None:
    done = load_files({"a.csv": "id,name\nB1,Skolan\n"}, 'conformsTo = "skolor"\n[constants]\nsource = "1880"\n')
    assert "def/place/1880>" in done.lines


def test_columns_must_exist_on_both_sides(load_files: Loader) -> None:
    done = load_files({"a.csv": "id,name\nB1,a\n"}, 'conformsTo = "skolor"\n[columns]\n"nam" = "name"\n')
    assert done.error is not None and done.error.rule == "source.renamed-column"
    done = load_files({"a.csv": "id,namnet\nB1,a\n"}, 'conformsTo = "skolor"\n[columns]\n"namnet" = "nane"\n')
    assert (
        done.error is not None and done.error.rule == "description.unknown-column" and "“name”" in done.error.advice()
    )


PERIODS = {
    "r-2026-01.csv": "2026-01",
    "r_202602.csv": "2026-02",
    "Öbacka 2026-03.csv": "2026-03",
    "lev_2025.csv": "2025",
}


def test_periods_come_from_file_names(tmp_path: Path) -> None:
    folder = tmp_path / "granby" / "reskontra"
    folder.mkdir(parents=True)
    for name in [*PERIODS, ".dold-2026-04.csv", "~$r-2026-05.csv", "x-metadata.json"]:
        (folder / name).write_text("x")
    (folder / "dataset.toml").write_text(TOML + 'source = "*"\n')
    found = deliveries(read_dataset(folder, "granby"))
    assert {delivery.files[0].name: delivery.period for delivery in found} == PERIODS
    assert [delivery.period for delivery in found] == sorted(PERIODS.values())
    (folder / "dataset.toml").write_text(TOML + 'source = "*"\ndelivery = "full"\n')
    (whole,) = deliveries(read_dataset(folder, "granby"))
    assert whole.period is None and len(whole.files) == 4 and len(whole.files[0].sha256) == 64
    (folder / "namn.csv").write_text("x")
    (folder / "dataset.toml").write_text(TOML + 'source = "namn.csv"\n')
    with pytest.raises(SourceError) as caught:
        deliveries(read_dataset(folder, "granby"))
    assert caught.value.finding.rule == "source.period-missing"
    (folder / "dataset.toml").write_text(TOML + 'source = "namn.csv"\nperiod = "2026-07"\n')
    assert deliveries(read_dataset(folder, "granby"))[0].period == "2026-07"


def test_a_dataset_without_mapping_is_told_what_to_do(load_files: Loader) -> None:
    done = load_files({"a.csv": "id,name\nB1,a\n"}, 'title = "Skolor"')
    assert done.error is not None and done.error.rule == "description.no-mapping"
    assert "a.csv-metadata.json" in done.error.advice()


def test_csvw_metadata_beside_the_source_takes_the_place_of_a_specification(load_files: Loader) -> None:
    columns = [
        {"name": "nr", "titles": "Nummer", "required": True},
        {"name": "namn", "titles": {"sv": "Namn"}, "propertyUrl": "https://schema.org/name", "lang": "sv"},
        {"name": "dag", "titles": "Dag", "datatype": {"base": "date", "format": "dd/MM/yyyy"},
         "propertyUrl": "spec/torg#day"},
    ]  # fmt: skip
    schema = {"aboutUrl": "id/bench/{authority}/{nr}", "columns": columns}
    document = {"@context": "http://www.w3.org/ns/csvw", "url": "a.csv", "tableSchema": schema}
    files: dict[str, bytes | str] = {
        "a.csv": "Nummer;Namn;Dag\n7;Soffan;03/11/2026\n",
        "a.csv-metadata.json": json.dumps(document),
    }
    done = load_files(files, 'title = "Bänkar"')
    assert done.error is None
    assert '<https://data.granby.example/id/bench/1880/7> <https://schema.org/name> "Soffan"@sv .' in done.lines
    assert '<https://data.granby.example/spec/torg#day> "2026-11-03"' in done.lines
    files["a.csv-metadata.json"] = "{"
    done = load_files(files, 'title = "Bänkar"')
    assert done.error is not None and done.error.rule == "description.broken-mapping"


def test_a_folder_outside_is_never_read(tmp_path: Path) -> None:
    folder = tmp_path / "granby" / "skolor"
    folder.mkdir(parents=True)
    (tmp_path / "hemligt.csv").write_text("id,name\nB1,a\n")
    (folder / "a.csv").symlink_to(tmp_path / "hemligt.csv")
    (folder / "dataset.toml").write_text('conformsTo = "skolor"\nsource = "a.csv"\n')
    with pytest.raises((SourceError, DescriptionError)):
        deliveries(read_dataset(folder, "granby"))


def test_nested_names_match_by_their_ending_when_only_one_ends_so(load_files: Loader) -> None:
    row = {"id": "B1", "name": "Skolan", "kontakt": {"email": "a@b.example"}, "a": {"phone": "1"}, "b": {"phone": "2"}}
    done = load_files({"a.json": json.dumps([row])})
    assert '"a@b.example"' in done.lines and "telephone" not in done.lines
    assert {(f.rule, f.column) for f in done.findings} >= {
        ("source.matched-ending", "kontakt.email"),
        ("source.undeclared-column", "a.phone"),
    }


def test_codes_that_a_program_took_for_numbers(load_files: Loader) -> None:
    done = load_files({"a.csv": "id,name,postcode\nB1,Skolan,44834.0\nB2,Skolan,\nB3,Skolan,51170.0\n"})
    assert '"44834"' in done.lines and ".0" not in done.lines and "source.whole-numbers" in done.rules()
    mixed = load_files({"a.csv": "id,name,postcode\nB1,Skolan,44834.0\nB2,Skolan,448 34\n"})
    assert '"44834.0"' in mixed.lines


def sheets(**pages: list[list[object]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for title, rows in pages.items():
        page = book.create_sheet(title)
        for row in rows:
            page.append(row)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def test_the_sheet_with_known_headers_is_read_and_the_others_told(load_files: Loader) -> None:
    schools: list[list[object]] = [["id", "name"], ["B1", "Skolan"]]
    book = sheets(Om=[["Läs mig"], ["Kontakt"]], Skolor=schools, Tomt=[])
    done = load_files({"a.xlsx": book})
    assert done.rows[0][1].sheet == "Skolor"
    assert [f.text() for f in done.findings if f.rule == "source.other-sheets"] == ["The sheets Om were not read."]
    twice = load_files({"a.xlsx": sheets(A=schools, B=schools)})
    assert twice.error is not None and twice.error.rule == "source.sheet-unsure"
    toml = 'conformsTo = "skolor"\nsource = "a.xlsx"\nsheet = "B"'
    assert load_files({"a.xlsx": sheets(A=schools, B=schools)}, toml).rows[0][1].sheet == "B"
    missing = load_files({"a.xlsx": sheets(A=schools)}, toml)
    assert missing.error is not None and missing.error.rule == "source.sheet-missing"


def test_lists_in_one_cell_become_several_values(load_files: Loader) -> None:
    toml = 'conformsTo = "skolor"\n[columns]\n"Telefon" = { column = "phone", separator = "/" }\n'
    done = load_files({"a.csv": "id,name,Telefon\nB1,Skolan,019-21 10 00/019-21 10 01\n"}, toml)
    assert '"019-21 10 00"' in done.lines and '"019-21 10 01"' in done.lines


def test_several_files_of_a_full_delivery_are_one(load_files: Loader) -> None:
    files: dict[str, bytes | str] = {"a.csv": "id,name\nB1,Skolan\n", "b.csv": "id;namn\nB2;Skolan\n"}
    done = load_files(files, 'conformsTo = "skolor"\nsource = "*.csv"\n')
    assert [(origin.file, origin.row) for _, origin, _ in done.rows] == [(0, 2), (1, 2)]


def test_nothing_unpacked_is_left_behind(load_files: Loader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
    assert load_files({"a.gz": gzip.compress(b"id,name\nB1,Skolan\n")}).counts.rows_out == 1
    assert list((tmp_path / "scratch").iterdir()) == []
