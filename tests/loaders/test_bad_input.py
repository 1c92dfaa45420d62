"""Bad input gives one clear finding with file, row and column, in Swedish and English; it never crashes or passes."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from pathlib import Path

import openpyxl
import pytest

from tests.loaders.conftest import Loaded, Loader

HEAD = "id,name,school_form,latitude,longitude,email\n"
ROW = "B1,Björkskolan,Grundskola,59.27,15.21,info@granby.example\n"
LEDGER = "verifikationsnummer;leverantor;leverantor_id;konto_nr;konto_text;bokforingsdatum;nettobelopp\n"


def only(done: Loaded, rule: str, row: int | None = None, column: str = "") -> None:
    """The rule is told once, at its place, readably, in both languages."""
    found = [f for f in [*done.findings, *([done.error] if done.error else [])] if f.rule == rule]
    assert [(f.row, f.column) for f in found] == [(row, column)], done.told()
    for tongue in ("sv", "en"):
        said = f"{found[0].text(tongue)} {found[0].advice(tongue)}"
        assert "{" not in said.replace("{ drop = true", "").replace("= { column", "") and len(said) > 40


def workbook(rows: list[list[object]], sheet: str = "Blad1", **formats: str) -> bytes:
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    page.title = sheet
    for row in rows:
        page.append(row)
    for cell, pattern in formats.items():
        page[cell].number_format = pattern
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


BLOCKING: dict[str, tuple[dict[str, bytes | str], str, int | None, str]] = {
    "html error page": ({"skolor.csv": "<!DOCTYPE html><html><body>404</body></html>"}, "source.html", None, ""),
    "html fragment": ({"skolor.csv": "\n <html lang=sv><head><title>Logga in</title>"}, "source.html", None, ""),
    "xhtml": ({"a.csv": '<?xml version="1.0"?>\n<html xmlns="x"></html>'}, "source.html", None, ""),
    "pdf": ({"skolor.csv": b"%PDF-1.7\n\x00\x01"}, "source.unknown-format", None, ""),
    "empty file": ({"skolor.csv": b""}, "source.empty", None, ""),
    "white space": ({"skolor.csv": b" \r\n\t\r\n"}, "source.empty", None, ""),
    "only a mark": ({"skolor.csv": b"\xef\xbb\xbf"}, "source.empty", None, ""),
    "header alone": ({"skolor.csv": HEAD}, "source.no-rows", None, ""),
    "renamed column": ({"skolor.csv": (HEAD + ROW).replace("name", "skolnamn-ny")}, "source.missing-column", 1, "name"),
    "header twice": ({"skolor.csv": "id,name,name\nB1,a,b\n"}, "source.duplicate-header", 1, ""),
    "two headers, one column": ({"skolor.csv": "id,skola,skolnamn\nB1,a,b\n"}, "source.same-column", 1, "name"),
    "mixed encodings": (
        {"skolor.csv": HEAD.encode() + ROW.encode() + ROW.encode("cp1252")}, "source.mixed-encodings", 3, ""),
    "old encoding": ({"skolor.csv": (HEAD + ROW * 3).encode("cp850")}, "source.encoding-unsure", 2, ""),
    "no encoding": ({"skolor.csv": HEAD.encode() + b"B1,Bj\x81rk\xe5skolan,,,,\n"}, "source.encoding", 2, ""),
    "cut utf-16": ({"skolor.csv": b"\xff\xfe" + (HEAD + ROW).encode("utf-16-le")[:-1]}, "source.encoding", None, ""),
    "too many columns": ({"skolor.csv": "x," * 20_000 + "\n1\n"}, "source.too-many-columns", 1, ""),
    "broken json": ({"skolor.json": '{"results": [{"id": "B1", "name": "Björkskolan"}, {"id": '},
                    "source.broken-json", None, ""),
    "json with NaN": ({"skolor.json": '[{"id": "B1", "name": "a", "latitude": NaN}]'}, "source.nan", 1, ""),
    "nested json": ({"skolor.json": '[{"id":' * 100_000}, "source.nested", None, ""),
    "nested lists": ({"skolor.json": "[" * 100_000 + "]" * 100_000}, "source.nested", None, ""),
    "two lists": ({"a.json": '{"a": [{"id": 1}], "b": [{"id": 2}]}'}, "source.items-unsure", None, ""),
    "no list": ({"a.json": '["a", "b"]'}, "source.no-items", None, ""),
    "truncated xlsx": ({"skolor.xlsx": workbook([["id", "name"], ["B1", "a"]])[:-900]},
                       "source.broken-workbook", None, ""),
    "xlsx of noise": ({"skolor.xlsx": b"PK\x03\x04" + b"xl/workbook" + bytes(range(256)) * 9},
                      "source.broken-workbook", None, ""),
    "formulas without values": ({"skolor.xlsx": workbook([["id", "name"], ["B1", "=A2"]])},
                                "source.uncalculated", None, ""),
    "nothing fits": ({"skolor.csv": "id,name\n,\"\"\n , \n,x\n"}, "source.nothing-mapped", None, ""),
}  # fmt: skip


@pytest.mark.parametrize("case", BLOCKING)
def test_unreadable_input_blocks_with_one_finding(case: str, load_files: Loader) -> None:
    files, rule, row, column = BLOCKING[case]
    done = load_files(files)
    assert done.error is not None and done.error.weight == "block"
    only(done, rule, row, column)
    assert done.error.file == next(iter(files))


def test_a_missing_column_names_the_headers_and_the_nearest(load_files: Loader) -> None:
    done = load_files({"skolor.csv": "id,namm,plats\nB1,Björkskolan,Granby\n"})
    assert '"namm" = "name"' in done.told() and "id, namm, plats" in done.told()


def test_a_broken_row_costs_that_row_only(load_files: Loader) -> None:
    rows = [ROW.replace("B1", f"B{number}") for number in range(2, 9)]
    rows[2] = 'B4,"Björk" skolan,Grundskola,59.27,15.21,a@granby.example\n'
    rows[4] = 'B6,"Oavslutad,Grundskola,59.27,15.21,a@granby.example\n'
    done = load_files({"skolor.csv": HEAD + "".join(rows)})
    told = [(f.rule, f.row) for f in done.findings if f.rule == "source.broken-quotes"]
    assert told == [("source.broken-quotes", 4), ("source.broken-quotes", 6)]
    assert [origin.row for _, origin, _ in done.rows] == [2, 3, 5, 7, 8]


def test_short_long_and_blank_rows_are_told(load_files: Loader) -> None:
    rows = ["B0,Kort\n", ROW, "\n", ",,,,,\n", ROW.strip() + ",x\n", ROW.strip() + ",,\n"]
    done = load_files({"skolor.csv": HEAD + "".join(rows)})
    assert {(f.rule, f.row, f.count) for f in done.findings if f.row} >= {
        ("source.short-row", 2, 1),
        ("source.long-row", 6, 1),
        ("source.blank-rows", 4, 2),
    }
    assert done.counts.rows_in == 6 and done.counts.rows_out == 2


def test_nul_bytes_cost_their_row(load_files: Loader) -> None:
    done = load_files({"skolor.csv": HEAD + ROW + "B2,Lind\0skolan,Grundskola,59,15,a@b.example\n"})
    only(done, "source.control-character", 3, "name")
    assert done.counts.rows_out == 1 and "\0" not in done.lines


def test_a_huge_cell_costs_its_row(load_files: Loader) -> None:
    done = load_files({"skolor.csv": HEAD + ROW + "B2," + "x" * (1 << 20) + "x,,,,\n" + ROW.replace("B1", "B3")})
    only(done, "source.broken-quotes", 3)
    assert done.counts.rows_out == 2


def test_a_huge_json_value_costs_its_row(load_files: Loader) -> None:
    import json

    rows = [{"id": "B1", "name": "a"}, {"id": "B2", "name": "x" * ((1 << 20) + 1)}, {"id": "B3", "name": "\x01"}, 7]
    done = load_files({"skolor.json": json.dumps(rows)})
    assert {(f.rule, f.row, f.column) for f in done.findings if f.row} == {
        ("source.long-cell", 2, "name"), ("source.control-character", 3, "name"), ("source.not-an-object", 4, ""),
    }  # fmt: skip


@pytest.mark.slow
def test_ten_thousand_columns_load(load_files: Loader) -> None:
    extra = [f"k{number}" for number in range(10_000)]
    done = load_files({"skolor.csv": ",".join(["id", "name", *extra]) + "\nB1,Björkskolan" + ",1" * 10_000 + "\n"})
    assert done.counts.rows_out == 1
    assert done.findings.count("source.undeclared-column") == 10_000


def test_a_zip_bomb_is_not_unpacked(tmp_path: Path, load_files: Loader) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        with archive.open("xl/sharedStrings.xml", "w", force_zip64=True) as part:
            for _ in range(300):
                part.write(b"\0" * (1 << 20))
    tracemalloc.start()
    done = load_files({"skolor.xlsx": stream.getvalue()})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    only(done, "source.too-large")
    assert peak < 50 << 20


def test_a_workbook_with_a_doctype_is_refused(load_files: Loader) -> None:
    good = zipfile.ZipFile(io.BytesIO(workbook([["id", "name"], ["B1", "a"]])))
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in good.namelist():
            text = good.read(name)
            if name.endswith("sheet1.xml"):
                text = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]>' + text.split(b"?>", 1)[-1]
            archive.writestr(name, text)
    only(load_files({"skolor.xlsx": stream.getvalue()}), "source.doctype")


def test_a_missing_source_is_named(load_files: Loader) -> None:
    done = load_files({"skolor.csv": HEAD}, 'source = "skola-*.csv"\nconformsTo = "skolor"')
    only(done, "source.missing")
    assert "skola-*.csv" in done.told()


def test_a_value_that_makes_no_address_is_told_without_the_value(load_files: Loader) -> None:
    done = load_files({"skolor.csv": "id,name,visit_url\nB1,Björkskolan,https://a b.example/hemlig\n"})
    assert ("values.iri" in done.rules() or "values.datatype" in done.rules()) and done.counts.rows_out == 1
    assert "hemlig" not in done.told() and "hemlig" not in done.lines


def test_ambiguous_formats_block_with_the_line_to_write(load_files: Loader) -> None:
    rows = "V1;Bygg AB;5560747551;4010;Sand;2026-01-02;1.234\nV2;Bygg AB;5560747551;4010;Sand;2026-01-02;2.500\n"
    toml = 'conformsTo = "leverantorsreskontra"\nperiod = "2026-01"\n'
    done = load_files({"rad.csv": LEDGER + rows}, toml)
    only(done, "source.ambiguous-format", None, "nettobelopp")
    assert not done.rows and 'decimalChar = "."' in done.told()
    toml += '[columns]\nnettobelopp = { decimalChar = ",", groupChar = "." }'
    done = load_files({"rad.csv": LEDGER + rows}, toml)
    assert '"1234"' in done.lines and '"2500"' in done.lines


def test_an_ambiguity_far_down_is_found(load_files: Loader) -> None:
    rows = "".join(f"V{n};Bygg AB;5560747551;4010;Sand;2026-01-02;{100 + n}\n" for n in range(3_000))
    odd = "V9999;Bygg AB;5560747551;4010;Sand;2026-01-02;1.234\n"
    toml = 'conformsTo = "leverantorsreskontra"\nperiod = "2026-01"\n'
    only(load_files({"rad.csv": LEDGER + rows + odd}, toml), "source.ambiguous-format", None, "nettobelopp")


def test_a_value_off_the_detected_format_is_a_finding_never_another_number(load_files: Loader) -> None:
    rows = [f"V{n};Bygg AB;5560747551;4010;Sand;2026-01-02;{n},50\n" for n in range(1, 6)]
    rows.append("V7;Bygg AB;5560747551;4010;Sand;2026-01-02;1.250\n")
    toml = 'conformsTo = "leverantorsreskontra"\n'
    only(load_files({"r-2026-01.csv": LEDGER + "".join(rows)}, toml), "source.ambiguous-format", None, "nettobelopp")
    toml += '[columns]\n"nettobelopp" = { decimalChar = "," }\n'
    done = load_files({"r-2026-01.csv": LEDGER + "".join(rows)}, toml)
    only(done, "values.datatype", 7, "nettobelopp")
    assert done.counts.rows_out == 5 and "1.250" not in done.lines + done.told()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_encoding_and_line_end_gives_the_same_rows(encoding: str, end: str, load_files: Loader) -> None:
    text = HEAD + ROW + ROW.replace("B1", "B2").replace("Björk", "Sjö")
    plain = load_files({"a.csv": text})
    done = load_files({"b.csv": text.replace("\n", end).encode(encoding)}, 'conformsTo = "skolor"\nsource = "b.csv"')
    assert done.lines == plain.lines and done.counts.rows_out == 2


def test_line_separators_of_unicode_are_text(load_files: Loader) -> None:
    done = load_files({"a.csv": "id,name\nB1,Björk\u2028skolan\nB2,Sjö\u0085skolan\n"})
    assert done.counts.rows_out == 2 and "Björk\u2028skolan" in done.lines
