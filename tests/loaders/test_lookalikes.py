"""Numberings that only look like persons' numbers are left alone; a person among them is not."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loaders.person_numbers import check_digit, is_person, masked, may_be_person
from loaders.privacy import Screen
from tests.loaders.conftest import Loader
from tests.loaders.test_withholding import NUMBER, TOML, ledger

PUPILS = "B{0},Skolan {0},{1}\n"


def checked(nine: str) -> str:
    return next(f"{nine}{last}" for last in range(10) if check_digit(f"{nine}{last}"))


years, months, days = st.integers(1900, 2025), st.integers(1, 12), st.integers(1, 28)
serials, coordination = st.integers(0, 999), st.booleans()
DASHES = ["-", "–", "—", "‐", "‑", "−", "－", " - ", " – ", "\u00a0-\u00a0", "+", "&ndash;", "%2D"]
SPACES = ["", " ", "\u00a0", "\u202f", "\u2009", "\t"]
PARTS = ["-", "/", ".", " ", "\u2011", "\u00a0", " / "]
FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")
ARABIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")


@st.composite
def spelled(draw: st.DrawFn) -> str:
    """A person's number as somebody, or some program, may have written it."""
    year, month, day = draw(years), draw(months), draw(days)
    shown = day + 60 if draw(coordination) else day
    ten = checked(f"{year % 100:02d}{month:02d}{shown:02d}{draw(serials):03d}")
    six, last, century = ten[:6], ten[6:], str(year)[:2]
    dash, part = draw(st.sampled_from(DASHES)), draw(st.sampled_from(PARTS))
    named = "jan feb mars april maj juni juli aug sept okt nov december".split()[month - 1]
    forms = [
        ten, century + ten, six + dash + last, century + six + dash + last, six + draw(st.sampled_from(SPACES)) + last,
        f"{year}{part}{month:02d}{part}{shown:02d}{dash}{last}",
        f"{shown:02d}{part}{month:02d}{part}{year}{dash}{last}",
        f"{shown}/{month}/{year}-{last}", f"{six[:2]}{part}{six[2:4]}{part}{six[4:]}{dash}{last}",
        f"{month:02d}/{shown:02d}/{year}-{last}", f"{shown} {named} {year}{dash}{last}",
        f"'{ten}", f'="{ten}"', f"{ten}.0", f"{ten},00",
    ]  # fmt: skip
    text = draw(st.sampled_from(forms))
    return text.translate(draw(st.sampled_from([{}, FULL_WIDTH, ARABIC])))


@settings(max_examples=200, deadline=None)
@given(spelled(), st.sampled_from(["{}", "Avser {} enligt beslut", "({})", "Pnr: {}.", "Kim\n{}"]))
def test_no_way_of_writing_a_number_gets_through(number: str, frame: str) -> None:
    assert is_person(number) and may_be_person(number)
    if not number.startswith(("=", "'")) and not {number[-2], number[-3]} & {".", ","}:
        text = frame.format(number)
        assert is_person(text) and not is_person(masked(text))


@settings(max_examples=60, deadline=None)
@given(st.lists(spelled(), min_size=3, max_size=20, unique=True), st.integers(0, 3))
def test_a_column_of_persons_alarms_however_they_are_written(numbers: list[str], blanks: int) -> None:
    screen = Screen("nummer")
    for row, number in enumerate([*numbers, *[""] * blanks]):
        screen.look(number, row)
    assert screen.alarms and screen.hits == len(numbers)


@pytest.mark.parametrize("number", ["6408233234", "196408233234", "6408233234.0", "6,408233234E+09", "6 408 233 234"])
def test_one_number_in_a_column_of_figures_is_withheld(number: str, load_files: Loader) -> None:
    head = "id,name,pupils\n"
    rows = "".join(PUPILS.format(n, 200 + n) for n in range(2, 40))
    cell = f'"{number}"' if "," in number else number
    done = load_files({"a.csv": head + PUPILS.format(1, cell) + rows}, 'conformsTo = "skolor"\n')
    assert done.error is None and done.counts.rows_out == 39
    assert "640823" not in done.lines + done.told() and "3234" not in done.lines + done.told()
    assert [(f.row, f.column) for f in done.findings if f.rule == "personal.number-in-text"] == [(2, "pupils")]


def test_a_number_that_lost_its_zero_is_withheld_among_figures(load_files: Loader) -> None:
    lost = checked("050812987").lstrip("0")
    rows = "".join(PUPILS.format(n, 200 + n) for n in range(2, 20))
    done = load_files({"a.csv": "id,name,pupils\n" + PUPILS.format(1, lost) + rows}, 'conformsTo = "skolor"\n')
    assert done.counts.rows_out == 19 and lost not in done.lines + done.told()


def test_large_amounts_are_published(load_files: Loader) -> None:
    draw = random.Random(5)
    amounts = [f"{draw.randrange(10**8, 10**12)}.{draw.randrange(100):02d}" for _ in range(2_500)]
    done = load_files(ledger(*({"nettobelopp": amount} for amount in amounts)), TOML)
    assert done.counts.rows_out == 2_500
    assert done.findings.count("personal.number-in-text") <= 2 and done.lines.count("netAmount") >= 2_498


@pytest.mark.parametrize("form", ["{}-{}", "{}{}", "20{}-{}"])
@pytest.mark.parametrize("rows", [60, 2_500])
def test_vouchers_that_begin_with_the_day_lose_no_row(form: str, rows: int, load_files: Loader) -> None:
    draw = random.Random(1)
    vouchers = {form.format(f"2601{draw.randrange(1, 29):02d}", f"{draw.randrange(10**4):04d}") for _ in range(rows)}
    assert any(is_person(voucher) for voucher in vouchers)
    done = load_files(ledger(*({"verifikationsnummer": voucher} for voucher in vouchers)), TOML)
    assert done.error is None and done.counts.rows_out == len(vouchers)
    assert not {rule for rule in done.rules() if rule.startswith("personal.")}


@pytest.mark.parametrize("form", ["{}-{}", "{}{}"])
def test_a_person_among_vouchers_of_the_year_is_withheld(form: str, load_files: Loader) -> None:
    draw = random.Random(1)
    vouchers = [form.format(f"2601{draw.randrange(1, 29):02d}", f"{draw.randrange(10**4):04d}") for _ in range(200)]
    person = form.format(NUMBER[:6], NUMBER[7:])
    done = load_files(ledger(*({"verifikationsnummer": number} for number in [*vouchers, person])), TOML)
    assert [f.row for f in done.findings if f.rule == "personal.number-in-key"] == [202]
    assert "640823" not in done.lines + done.told()


@pytest.mark.parametrize(
    ("voucher", "person"), [("{}-{}", "{}{}"), ("{}{}", "{}-{}"), ("{}-{}", "19{}-{}"), ("20{}{}", "19{}{}")]
)
def test_a_person_of_the_vouchers_own_year_is_told_by_the_spelling(
    voucher: str, person: str, load_files: Loader
) -> None:
    draw = random.Random(1)
    vouchers = [voucher.format(f"2601{draw.randrange(1, 29):02d}", f"{draw.randrange(10**4):04d}") for _ in range(200)]
    number = checked("260117987")
    cells = [*vouchers, person.format(number[:6], number[6:])]
    done = load_files(ledger(*({"verifikationsnummer": cell} for cell in cells)), TOML)
    assert [f.row for f in done.findings if f.rule == "personal.number-in-key"] == [202]
    assert cells[-1] not in done.lines + done.told()


def later_persons(count: int) -> list[str]:
    draw = random.Random(3)
    return [
        checked(
            f"{draw.randrange(50, 99)}{draw.randrange(1, 13):02d}{draw.randrange(10, 29)}{draw.randrange(1000):03d}"
        )
        for _ in range(count)
    ]


@pytest.mark.parametrize("first", ["numbering", "one"])
def test_persons_after_the_first_rows_of_a_numbering_stop_the_file(first: str, load_files: Loader) -> None:
    """What the first rows show excuses numbers after them; every row is counted, so that the excuse is called back."""
    draw = random.Random(4)
    invoices = [str(draw.randrange(10**6) if first == "one" else 9_990_000_000 + n) for n in range(2_000)]
    invoices[0] = "9990000000"
    persons = later_persons(400 if first == "numbering" else 30)
    done = load_files(ledger(*({"verifikationsnummer": number} for number in [*invoices, *persons])), TOML)
    assert done.error is not None
    assert ("personal.declared-column", "verifikationsnummer", 2002) == (
        done.error.rule,
        done.error.column,
        done.error.row,
    )
    assert not [number for number in persons if number in done.told()]


def test_customers_with_a_check_digit_are_no_persons(load_files: Loader) -> None:
    draw = random.Random(2)
    numbers = [checked(f"{draw.randrange(10**9):09d}") for _ in range(3_000)]
    assert sum(map(is_person, numbers)) > 150
    done = load_files(ledger(*({"avtal": number} for number in numbers)), TOML)
    assert done.error is None and "personal.declared-column" not in done.rules()


COLUMN = "id,name,Mätare\n" + "".join(f"B{n},Skolan {n},{checked(f'64{n % 12 + 1:02d}2332{n}')}\n" for n in range(9))


def test_a_reason_lets_the_dataset_through_and_no_number_out(load_files: Loader) -> None:
    assert "personal.undeclared-column" == load_files({"a.csv": COLUMN}).error.rule  # type: ignore[union-attr]
    waiver = '[waivers]\n"personal.undeclared-column" = "Mätarnummer"\n'
    done = load_files({"a.csv": COLUMN}, f'conformsTo = "skolor"\n{waiver}')
    assert done.error is None and done.counts.rows_out == 9
    assert "6401" not in done.lines + done.told() and "personal.undeclared-column" in done.rules()


def test_a_described_column_keeps_its_numbers_back_though_waived(load_files: Loader) -> None:
    rows = [{"konto_text": checked(f"64{n % 12 + 1:02d}2332{n % 10}")} for n in range(12)]
    assert load_files(ledger(*rows), TOML).error is not None
    done = load_files(ledger(*rows), TOML + '\n[waivers]\n"personal.declared-column" = "Kontonummer"\n')
    assert done.error is None and done.counts.rows_out == 12 and "6401" not in done.lines + done.told()


@pytest.mark.parametrize("rule", ["personal.number-in-rdf", "personal.number-in-address", "personal.rdf-property"])
def test_what_cannot_be_withheld_cannot_be_waived(rule: str, load_files: Loader) -> None:
    done = load_files(ledger({}), TOML + f'\n[waivers]\n"{rule}" = "Det går bra"\n')
    assert done.error is not None and ("description.never-waived", rule) == (done.error.rule, done.error.detail[0][1])
