"""Personal numbers in every spelling, and numbers that only look so; what is found is never repeated."""

from __future__ import annotations

import random

import pytest

from loaders.privacy import Screen, check_digit, is_person, kind_of_number, may_be_person, organization_number, scan
from tests.loaders.conftest import Loader

# Invented: 811218-9876 is the authority's own example, the others are made with its check digit.
PERSONS = ["811218-9876", "8112189876", "19811218-9876", "198112189876", "811218+9876", "19811218 9876", "811218 9876",
           "811278-9873", "198112789873", "8112189876.0", " 811218-9876 "]  # fmt: skip
OTHERS = ["2120001967", "212000-1967", "162120001967", "5560747551", "8112189877", "811318-9876", "0101", "10004007",
          "5050-1055", "019-21 10 00", "faktura 1234567", "2026-01-02", ""]  # fmt: skip


@pytest.mark.parametrize("text", PERSONS)
def test_persons_are_found(text: str) -> None:
    assert is_person(text) and may_be_person(text) and organization_number(text) is None


@pytest.mark.parametrize("text", OTHERS)
def test_other_numbers_are_left_alone(text: str) -> None:
    assert not is_person(text)


@pytest.mark.parametrize(
    "text", ["8112189877", "811218-987X", "811218-XXXX", "811218-****", "850101-TF12", "811239-1234"]
)
def test_an_identifier_that_may_be_a_persons_counts_as_one(text: str) -> None:
    assert may_be_person(text)


def test_a_zero_that_a_spreadsheet_took_is_thought_of() -> None:
    whole = next(f"010101123{digit}" for digit in range(10) if check_digit(f"010101123{digit}"))
    assert may_be_person(whole[1:]) and is_person(whole[1:])


def test_organizations_by_their_third_digit() -> None:
    assert organization_number("212000-1967") == organization_number("162120001967") == "2120001967"
    assert kind_of_number("2120001968") is None and not may_be_person("2120001968")


def test_random_numbers_rarely_alarm() -> None:
    draw = random.Random(7)
    column = Screen("fakturanummer")
    for row in range(5_000):
        column.look(str(draw.randrange(10**9, 10**10)), row)
    assert 0 < column.hits < 0.015 * column.filled and not column.alarms


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("Utlägg för 811218-9876, resa", {"personnummer"}),
        ("pnr19811218-9876", {"personnummer"}),
        ("Ring 019-21 10 00 eller skriv till kim@granby.example", {"phone number", "e-mail address"}),
        ("Bankgiro 5050-1055, faktura 8112189877, 2026-01-02", set()),
        ("+46 70 123 45 67", {"phone number"}),
    ],
)
def test_free_text(text: str, kinds: set[str]) -> None:
    assert scan(text) == kinds


HEAD = "id,name,description,Anteckning\n"


def rows(note: str, many: int = 60) -> str:
    return HEAD + "".join(f"B{n},Skolan {n},,{note if n % 20 == 0 else 'x'}\n" for n in range(1, many))


def test_an_undeclared_column_of_persons_blocks_without_showing_any(load_files: Loader) -> None:
    done = load_files({"a.csv": rows("811218-9876")})
    assert done.error is not None and done.error.rule == "personal.undeclared-column"
    assert (done.error.column, done.error.row) == ("Anteckning", 21)
    assert "811218" not in done.told() and "9876" not in done.told() + done.lines


def test_a_dropped_column_is_neither_read_nor_screened(load_files: Loader) -> None:
    toml = 'conformsTo = "skolor"\n[columns]\nAnteckning = { drop = true, reason = "Internt." }\n'
    done = load_files({"a.csv": rows("811218-9876")}, toml)
    assert done.error is None and done.counts.rows_out == 59


def test_a_declared_column_that_turns_out_to_hold_persons_blocks(load_files: Loader) -> None:
    done = load_files({"a.csv": "id,name,city\n" + "".join(f"B{n},Skolan,811218-9876\n" for n in range(9))})
    assert done.error is not None and (done.error.rule, done.error.column) == ("personal.declared-column", "city")
    assert "9876" not in done.told()


def test_a_number_in_free_text_is_withheld_and_told(load_files: Loader) -> None:
    done = load_files(
        {"a.csv": 'id,name,description\nB1,Skolan,"Fråga Kim, 811218-9876"\nB2,Skolan,Ring 019-21 10 00\n'}
    )
    told = {(f.rule, f.row, f.column, f.kind) for f in done.findings}
    assert ("personal.number-in-text", 2, "description", "personnummer") in told
    assert ("personal.contact-in-text", 3, "description", "phone number") in told
    contact = next(finding for finding in done.findings if finding.rule == "personal.contact-in-text")
    assert "(telefonnummer)" in contact.text("sv") and "(phone number)" in contact.text("en")
    assert "Fråga Kim" not in done.lines and "9876" not in done.lines + done.told() and done.counts.rows_out == 2


LEDGER = "verifikationsnummer;leverantor;leverantor_id;konto_nr;konto_text;bokforingsdatum;nettobelopp\n"


@pytest.mark.parametrize("number", ["811218-9876", "8112189876", "198112189876", "811278-9873", "811218-9877"])
def test_a_sole_trader_gets_no_address_and_a_neutral_name(number: str, load_files: Loader) -> None:
    row = f"V1;Kims Snickeri;{number};4010;Snickeri;2026-01-02;100.00\n"
    done = load_files({"r-2026-01.csv": LEDGER + row}, 'conformsTo = "leverantorsreskontra"')
    assert done.counts.rows_out == 1 and "Enskild näringsidkare" in done.lines
    for secret in ("Kim", number, number.replace("-", ""), "811218"):
        assert secret not in done.lines + done.told()


def test_swapped_columns_publish_no_person(load_files: Loader) -> None:
    rows = "".join(f"V{n};811218-9876;Kims Snickeri;4010;Snickeri;2026-01-02;100.00\n" for n in range(9))
    done = load_files({"r-2026-01.csv": LEDGER + rows}, 'conformsTo = "leverantorsreskontra"')
    assert "9876" not in done.lines + done.told()
    assert "personal.number-in-text" in done.rules()


def test_check_digits() -> None:
    assert check_digit("8112189876") and not check_digit("8112189875")
