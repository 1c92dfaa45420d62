"""A person's number is withheld wherever it stands: in labels, in keys, in the addresses of other things."""

from __future__ import annotations

import io
import random

import openpyxl
import pytest

from loaders.privacy import check_digit
from tests.loaders.conftest import Loader

TOML = 'conformsTo = "leverantorsreskontra"'
NUMBER = "640823-3234"
SPELLED = [NUMBER, "19640823-3234", "640823+3234", "640823 3234", "6408233234", "196408233234", "19640823 3234"]
HEADERS = ("kopare_id", "kopare", "verifikationsnummer", "leverantor", "leverantor_id", "konto_nr", "konto_text",
           "bokforingsdatum", "forvaltning", "fakturanummer", "nettobelopp", "grund", "avtal", "kommun_id")  # fmt: skip
GOOD = {
    "kopare_id": "2120001967", "kopare": "Granby kommun", "verifikationsnummer": "V1", "leverantor": "Firma AB",
    "leverantor_id": "5560747551", "konto_nr": "4010", "konto_text": "Konsulter", "bokforingsdatum": "2026-01-02",
    "forvaltning": "Socialförvaltningen", "fakturanummer": "17", "nettobelopp": "100.00", "grund": "Beslut",
    "avtal": "A1", "kommun_id": "1880",
}  # fmt: skip
KEYS = {"kopare_id", "verifikationsnummer", "konto_nr", "forvaltning"}


def ledger(*changes: dict[str, str]) -> dict[str, str]:
    rows = [{**GOOD, "verifikationsnummer": f"V{number}", **change} for number, change in enumerate(changes)]
    lines = [";".join(HEADERS), *(";".join(row[name] for name in HEADERS) for row in rows)]
    return {"r-2026-01.csv": "\n".join(lines) + "\n"}


@pytest.mark.parametrize("frame", ["{}", "God man X {}", "Konsult ({}), del 2", "V-{}"])
@pytest.mark.parametrize("number", SPELLED)
@pytest.mark.parametrize(
    "column", ["kopare", "konto_text", "leverantor", "verifikationsnummer", "konto_nr", "forvaltning"]
)
def test_no_column_of_a_ledger_lets_a_number_out(column: str, number: str, frame: str, load_files: Loader) -> None:
    done = load_files(ledger({}, {column: frame.format(number)}, {}, {}), TOML)
    assert done.error is None
    for secret in ("640823", "3234"):
        assert secret not in done.lines + done.told()
    rule = "personal.number-in-key" if column in KEYS else "personal.number-in-text"
    assert [(f.row, f.column) for f in done.findings if f.rule == rule] == [(3, column)]
    assert done.counts.rows_out == (3 if column in KEYS else 4)


@pytest.mark.parametrize("number", ["640823-3234", "19640823-3234", "6408233234"])
def test_a_thing_whose_key_is_a_persons_number_is_stopped(number: str, load_files: Loader) -> None:
    done = load_files({"a.csv": f"id,name\nB1,Skolan 1\n{number},Skolan 2\nB3,Skolan 3\nB4,Skolan 4\n"})
    assert done.error is None and done.counts.rows_out == 3
    assert [(f.row, f.column) for f in done.findings if f.rule == "personal.number-in-key"] == [(3, "id")]
    assert "640823" not in done.lines + done.told() and "Skolan 2" not in done.lines


def test_a_number_far_down_in_a_file_is_found(load_files: Loader) -> None:
    rows = [{} for _ in range(2_300)]
    done = load_files(ledger(*rows, {"konto_text": f"Arvode {NUMBER}"}, {"verifikationsnummer": NUMBER}), TOML)
    assert done.counts.rows_out == 2_301 and "640823" not in done.lines


def test_cells_that_are_split_or_composed_are_watched_too(load_files: Loader) -> None:
    head = "verifikationsnummer;Konto;bokforingsdatum;nettobelopp;A;B\n"
    rows = f"V1;4010 Arvode {NUMBER};2026-01-02;1.00;x;y\nV2;4010 Arvode;2026-01-02;1.00;Kim;{NUMBER}\n"
    rows += "".join(f"V{n};4020 Resor;2026-01-02;1.00;x;y\n" for n in range(3, 9))
    toml = TOML + '\n[columns]\nKonto = { split = ["konto_nr", "konto_text"] }\n[constants]\nkopare = "{A} {B}"\n'
    done = load_files({"r-2026-01.csv": head + rows}, toml)
    assert "640823" not in done.lines + done.told() and "personal.number-in-text" in done.rules()


def test_columns_of_numbers_that_only_look_so_lose_nothing(load_files: Loader) -> None:
    draw = random.Random(3)
    rows = [
        {"verifikationsnummer": f"{draw.randrange(10**9, 10**10)}", "avtal": f"070{draw.randrange(10**7):07d}"}
        for _ in range(3_000)
    ]
    done = load_files(ledger(*rows), TOML)
    assert done.error is None and done.counts.rows_out == 3_000


def test_a_column_of_organisations_does_not_hide_a_person(load_files: Loader) -> None:
    assert check_digit("6408233234")
    done = load_files(ledger({}, {}, {"kopare_id": "6408233234"}, {}), TOML)
    assert done.counts.rows_out == 3 and "640823" not in done.lines + done.told()


def workbook(*rows: list[object]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


@pytest.mark.parametrize("number", [101010017, 101010012, 6408233234])
def test_numbers_that_a_spreadsheet_took_a_zero_from_may_be_persons(number: int, load_files: Loader) -> None:
    homes = workbook(["id", "name", "operator", "operator_orgnr"], ["B1", "Hemmet", "Kims Omsorg", number])
    done = load_files({"a.xlsx": homes}, 'conformsTo = "aldreboenden"')
    assert 1 == done.counts.rows_out and "Kim" not in done.lines and str(number) not in done.lines + done.told()
    row = {**GOOD, "leverantor": "Kims Omsorg", "leverantor_id": number, "nettobelopp": 100}
    done = load_files({"r-2026-01.xlsx": workbook(list(HEADERS), [row[name] for name in HEADERS])}, TOML)
    assert 1 == done.counts.rows_out and "Enskild näringsidkare" in done.lines
    assert "Kim" not in done.lines and str(number) not in done.lines + done.told()


@pytest.mark.parametrize("account", ["4010-A", "640823-32", "Resor", "7"])
def test_a_malformed_account_costs_its_own_row_only(account: str, load_files: Loader) -> None:
    done = load_files(ledger({}, {"konto_nr": account}, {}), TOML)
    assert done.error is None and done.counts.rows_out == 2 and f'"{account}"' not in done.lines
    assert [(f.row, f.column) for f in done.findings if f.rule == "values.datatype"] == [(3, "konto_nr")]


@pytest.mark.parametrize("blank", ["", "-", "***"])
def test_a_supplier_without_a_number_is_told_and_its_name_kept_back(blank: str, load_files: Loader) -> None:
    done = load_files(ledger({}, {"leverantor_id": blank, "leverantor": "Kim Berg"}, {}), TOML)
    assert done.error is None and done.counts.rows_out == 3 and "Kim" not in done.lines + done.told()
    (told,) = [finding for finding in done.findings if finding.rule == "personal.name-without-number"]
    assert (told.row, told.column, told.weight) == (3, "leverantor", "warn")
    assert "leverantor_id saknas eller är tom" in told.text("sv")


def test_every_supplier_without_a_number_is_counted(load_files: Loader) -> None:
    rows = [{"leverantor_id": "", "leverantor": f"Firma {n}"} for n in range(300)]
    done = load_files(ledger(*rows, {"leverantor_id": "", "leverantor": ""}), TOML)
    assert done.findings.count("personal.name-without-number") == 300


def test_a_buyers_name_without_a_number_is_information(load_files: Loader) -> None:
    done = load_files(ledger({}, {"kopare_id": ""}), TOML)
    (told,) = [finding for finding in done.findings if finding.rule == "values.without-key"]
    assert (told.row, told.column, told.weight) == (3, "kopare", "info")


def test_a_file_without_suppliers_numbers_counts_every_name(load_files: Loader) -> None:
    head = "verifikationsnummer;leverantor;konto_nr;bokforingsdatum;nettobelopp\n"
    done = load_files({"r-2026-01.csv": head + "V1;Firma AB;4010;2026-01-02;1.00\n" * 3}, TOML)
    (told,) = [finding for finding in done.findings if finding.rule == "personal.name-without-number"]
    assert (told.count, told.row) == (3, None)
