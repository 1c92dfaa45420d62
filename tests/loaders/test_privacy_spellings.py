"""The table of spellings: every way a person's number is written, and every number that only looks like one."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable

import pytest

from loaders.privacy import Screen, check_digit, is_person, may_be_person, organization_number, scan
from tests.loaders.conftest import Loader

# 811218-9876 is the authority's own example; its coordination number has the day raised by sixty.
SPELLINGS = {
    "ten digits": "8112189876",
    "hyphen": "811218-9876",
    "plus from a hundred years": "811218+9876",
    "twelve digits": "198112189876",
    "twelve digits, hyphen": "19811218-9876",
    "nineteenth century": "188112189876",
    "space": "811218 9876",
    "no-break space": "811218\u00a09876",
    "spaces round the hyphen": "811218 - 9876",
    "space after the century": "19 811218-9876",
    "en dash": "811218–9876",
    "non-breaking hyphen": "811218\u20119876",
    "minus sign": "811218−9876",
    "parted date": "1981-12-18-9876",
    "parted by spaces": "81 12 18-9876",
    "parted by dots": "1981.12.18-9876",
    "spaces outside": "  811218-9876 ",
    "zero-width space inside": "811218\u200b-9876",
    "byte order mark": "\ufeff8112189876",
    "Excel number": "8112189876.0",
    "Excel number, two decimals": "8112189876.00",
    "Swedish decimals": "8112189876,0",
    "scientific": "8.112189876E+09",
    "scientific, Swedish": "8,112189876E+09",
    "scientific, twelve digits": "1.98112189876E+11",
    "thousands by spaces": "8 112 189 876",
    "thousands by no-break spaces": "8\u00a0112\u00a0189\u00a0876",
    "Excel text by apostrophe": "'8112189876",
    "Excel formula": '="8112189876"',
    "quoted": '"811218-9876"',
    "coordination number": "811278-9873",
    "coordination number, twelve digits": "198112789873",
    "sole trader, as sixteen of authorities": "168112189876",
    "sole trader's VAT number": "SE811218987601",
    "sole trader's VAT number, parted": "SE 811218-9876-01",
    "fullwidth digits": "８１１２１８-９８７６",
}
IN_TEXT = (
    "Utlägg {0}, resa", "({0})", "pnr:{0}", "pnr {0}.", "Pnr{0}", "Avser {0}; ny faktura", "Kim/{0}/2026",
    "först\nsedan {0}\nsist", "{0}", "nr {0}, {0}",
)  # fmt: skip
LOOKALIKES = {
    "organization": "556074-7551",
    "organization, sixteen": "165560747551",
    "VAT number": "SE556074755101",
    "wrong check digit": "811218-9877",
    "no such month": "811318-9876",
    "no such day": "811232-9876",
    "bankgiro": "5050-1055",
    "bankgiro, seven digits": "991-2346",
    "plusgiro": "15 98 06-8",
    "telephone": "019-21 10 00",
    "telephone, Gothenburg": "031-368 00 00",
    "mobile": "070-123 45 67",
    "mobile, abroad": "+46701234567",
    "voucher": "V2026-000123",
    "invoice of eight digits": "81121898",
    "OCR of fourteen digits": "81121898760001",
    "amount": "8112189,87",
    "a date and an hour": "2026-01-02 1430",
    "a date": "2026-01-02",
    "two dates": "2026-01-02 - 2026-03-04",
    "coordinates": "59.2741, 15.2066",
    "UUID": "550e8400-e29b-41d4-a716-811218987600",
    "empty": "",
}


@pytest.mark.parametrize("text", SPELLINGS.values(), ids=SPELLINGS)
def test_every_spelling_is_a_person(text: str) -> None:
    assert is_person(text) and may_be_person(text)
    assert organization_number(text) is None


@pytest.mark.parametrize("text", LOOKALIKES.values(), ids=LOOKALIKES)
def test_what_only_looks_so_is_none(text: str) -> None:
    assert not is_person(text) and "personnummer" not in scan(f"Se {text} i bilagan")


@pytest.mark.parametrize(
    "text",
    ["811218/9876", "811218.9876", "811218_9876", "0811218-9876", "00198112189876", "811218-987", "811218 / 9876",
     "19811218.9876", "81.12.18.9876", "811218–987", "198112189876-01", "811278/9873", "SE8112189876", "811218--9876",
     "8112-189876", "811218:9876", "811218'9876", "811218  9876", "00811218-9877", "Kim 811218/9876", "811218-98"],
)  # fmt: skip
def test_an_identifier_spelled_to_evade_is_a_persons(text: str, load_files: Loader) -> None:
    assert may_be_person(text) and organization_number(text) is None
    row = f'V1;Kims Snickeri;"{text}";4010;Snickeri;2026-01-02;100.00;\n'
    done = load_files({"r-2026-01.csv": LEDGER + row}, 'conformsTo = "leverantorsreskontra"')
    assert 1 == done.counts.rows_out and "Enskild näringsidkare" in done.lines
    assert "Kim" not in done.lines and "8112" not in done.lines + done.told()


@pytest.mark.parametrize(
    "text",
    ["811218", "640823", "L811218", "10004007", "556074-7551", "556074/7551", "SE556074755101", "165560747551",
     "5560747551-01", "00005560747551", "5050-1055", "15 98 06-8", "811218-9", "DE811218123", "V2026-000123", "12"],
)  # fmt: skip
def test_an_identifier_of_anyone_else_is_kept(text: str) -> None:
    assert not may_be_person(text)


@pytest.mark.parametrize("frame", IN_TEXT)
@pytest.mark.parametrize(
    "number",
    ["8112189876", "811218-9876", "811218+9876", "198112189876", "19811218-9876", "811218 9876", "811278-9873",
     "168112189876", "SE811218987601", "1981-12-18-9876"],
)  # fmt: skip
def test_numbers_in_free_text_are_found(number: str, frame: str) -> None:
    assert "personnummer" in scan(frame.format(number))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Skriv till kim.berg+skola@granby.example.", "e-mail address"),
        ("KIM@GRANBY.EXAMPLE", "e-mail address"),
        ("tfn 0701234567", "phone number"),
        ("+46701234567", "phone number"),
        ("+46 (0)19-21 10 00", "phone number"),
        ("0046 19 211000", "phone number"),
    ],
)
def test_contact_details_in_free_text(text: str, kind: str) -> None:
    assert kind in scan(text)


def test_vat_numbers_of_companies_name_the_company() -> None:
    assert "5560747551" == organization_number("SE556074755101") == organization_number("SE 556074-7551-01")


def digits(draw: random.Random, form: str) -> str:
    return "".join(str(draw.randrange(10)) if sign == "#" else sign for sign in form)


COLUMNS: dict[str, Callable[[random.Random], str]] = {
    "invoices of ten digits": lambda draw: digits(draw, "##########"),
    "invoices that begin with the day": lambda draw: f"2601{draw.randrange(1, 29):02d}{digits(draw, '####')}",
    "vouchers of day and number": lambda draw: f"2601{draw.randrange(1, 29):02d}-{digits(draw, '####')}",
    "telephones of Gothenburg": lambda draw: f"031{digits(draw, '1######')}",
    "mobile telephones": lambda draw: f"070{digits(draw, '#######')}",
    "numbers of agencies": lambda draw: f"010{digits(draw, '#######')}",
    "bankgiro": lambda draw: digits(draw, "####-####"),
    "meters of twelve digits": lambda draw: f"20{digits(draw, '##########')}",
}


@pytest.mark.parametrize("make", COLUMNS.values(), ids=COLUMNS)
@pytest.mark.parametrize("rows", [50, 3_000])
def test_columns_of_lookalikes_do_not_alarm(make: Callable[[random.Random], str], rows: int) -> None:
    alarms = 0
    for seed in range(20):
        draw, column = random.Random(seed), Screen("nummer")
        for row in range(rows):
            column.look(make(draw), row)
        alarms += column.alarms
    assert alarms <= 1, "one column in a hundred may, by chance"


def person(draw: random.Random) -> str:
    start = f"{draw.randrange(30, 99)}{draw.randrange(1, 13):02d}{draw.randrange(1, 29):02d}{digits(draw, '###')}"
    return next(f"{start}{last}" for last in range(10) if check_digit(f"{start}{last}"))


@pytest.mark.parametrize("share", [1.0, 0.5, 0.1, 0.05])
@pytest.mark.parametrize("others", COLUMNS.values(), ids=COLUMNS)
def test_persons_among_lookalikes_alarm(others: Callable[[random.Random], str], share: float) -> None:
    draw, column = random.Random(7), Screen("nummer")
    for row in range(3_000):
        column.look(person(draw) if draw.random() < share else others(draw), row)
    assert column.alarms


LEDGER = "verifikationsnummer;leverantor;leverantor_id;konto_nr;konto_text;bokforingsdatum;nettobelopp;grund\n"


@pytest.mark.parametrize("text", SPELLINGS.values(), ids=SPELLINGS)
def test_no_spelling_leaves_the_loader(text: str, load_files: Loader, caplog: pytest.LogCaptureFixture) -> None:
    cell = text.replace('"', '""')
    row = f'V1;Kims Snickeri;"{cell}";4010;Snickeri;2026-01-02;100.00;"Utlägg {cell}"\n'
    with caplog.at_level(logging.DEBUG):
        done = load_files({"r-2026-01.csv": LEDGER + row}, 'conformsTo = "leverantorsreskontra"')
    published = done.lines + done.told() + caplog.text
    assert 1 == done.counts.rows_out and "Enskild näringsidkare" in done.lines
    for secret in ("Kim", "811218", "9876", "811278", "9873", "8112", text):
        assert secret not in published


@pytest.mark.parametrize("text", SPELLINGS.values(), ids=SPELLINGS)
def test_an_undeclared_column_in_any_spelling_quarantines(text: str, load_files: Loader) -> None:
    cell = text.replace('"', '""')
    rows = "".join(f'B{n},Skolan {n},"{cell}"\n' for n in range(9))
    done = load_files({"a.csv": "id,name,Elev\n" + rows})
    assert done.error is not None and "personal.undeclared-column" == done.error.rule
    assert (done.error.column, done.error.row) == ("Elev", 2)
    assert "9876" not in done.told() and "9873" not in done.told()
