"""Numbers and dates as municipalities write them, each read in one way or not at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from loaders.value_formats import DATE_FORMATS, NUMBER_FORMATS, date_format, detect, number_format


def anything(_: str) -> bool:
    return True


NUMBERS = {
    "decimal comma": (["1302,03", "-400,68", "12"], ["1302.03", "-400.68", "12"]),
    "spaces": (["1 234,50", "12 345 678,00", "5,00"], ["1234.50", "12345678.00", "5.00"]),
    "non-breaking spaces": (["5\u00a0438,93", "-57\u202f275,00"], ["5438.93", "-57275.00"]),
    "dots between thousands": (["1.234,50", "950", "1.000.000"], ["1234.50", "950", "1000000"]),
    "commas between thousands": (["1,234.50", "950.00"], ["1234.50", "950.00"]),
    "typographic minus": (["\u221212,50", "–3,00"], ["-12.50", "-3.00"]),
    "trailing minus": (["12,50-", "3,00"], ["-12.50", "3.00"]),
    "plus and bare fraction": (["+5,5", ",5"], ["5.5", "0.5"]),
}
DATES = {
    "ISO": (["2026-11-03"], ["2026-11-03"]),
    "ISO with midnight": (["2026-11-03 00:00:00", "2026-11-04T00:00:00"], ["2026-11-03", "2026-11-04"]),
    "digits": (["20261103", "20260101"], ["2026-11-03", "2026-01-01"]),
    "slash and space": (["3/11 2026", "31/12 2026"], ["2026-11-03", "2026-12-31"]),
    "day first": (["3/4/2026", "13/4/2026"], ["2026-04-03", "2026-04-13"]),
    "month first": (["4/3/2026", "4/13/2026"], ["2026-04-03", "2026-04-13"]),
    "year first": (["2026/11/03"], ["2026-11-03"]),
    "dots": (["3.11.2026", "24.12.2026"], ["2026-11-03", "2026-12-24"]),
    "Swedish months": (["3 november 2026", "1 maj 2026"], ["2026-11-03", "2026-05-01"]),
    "short months": (["3 nov. 2026", "1 sept 2026"], ["2026-11-03", "2026-09-01"]),
    "Excel": (["46329", "46023"], ["2026-11-03", "2026-01-01"]),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers(name: str) -> None:
    texts, wanted = NUMBERS[name]
    found = detect(texts, NUMBER_FORMATS, anything)
    assert len(found.fitting) == 1
    assert [found.fitting[0].normalise(text) for text in texts] == wanted


@pytest.mark.parametrize("name", DATES)
def test_dates(name: str) -> None:
    texts, wanted = DATES[name]
    found = detect(texts, DATE_FORMATS, anything)
    assert len(found.fitting) == 1
    assert [found.fitting[0].normalise(text) for text in texts] == wanted


@pytest.mark.parametrize("texts", [["1.234"], ["1,234", "5,678"], ["1.234", "12"], ["1,50", "1.250"]])
def test_doubtful_numbers_stay_doubtful(texts: list[str]) -> None:
    assert len(detect(texts, NUMBER_FORMATS, anything).fitting) > 1


def test_bounds_settle_a_doubt() -> None:
    assert len(detect(["57,665"], NUMBER_FORMATS, lambda text: float(text) <= 90).fitting) == 1


@pytest.mark.parametrize("texts", [["3/4/2026"], ["1-2-2026", "3/4/2026", "5/6/2026"]])
def test_doubtful_dates_stay_doubtful(texts: list[str]) -> None:
    assert len(detect(texts, DATE_FORMATS, anything).fitting) > 1


@pytest.mark.parametrize(
    "text", ["12 34", "1 2345", "1.23.456", "1,2,3", "12-5", "1e5", "", "-", "1 234 kr", "٣", "1..2", "1,", "−"]
)
def test_what_is_no_number_is_not_read(text: str) -> None:
    assert all(form.normalise(text) is None for form in NUMBER_FORMATS)


@pytest.mark.parametrize(
    "text", ["2026-02-30", "2026-13-01", "31/2 2026", "32 maj 2026", "3 mys 2026", "20261301", "1"]
)
def test_what_is_no_date_is_not_read(text: str) -> None:
    assert all(form.normalise(text) is None for form in DATE_FORMATS)


def test_declared_formats() -> None:
    assert date_format("dd/MM/yyyy").normalise("03/11/2026") == "2026-11-03"
    assert date_format("d MMMM yyyy").normalise("3\u00a0November 2026") == "2026-11-03"
    assert number_format(",", "").normalise("1 234,5") is None


@given(some.integers(-(10**12), 10**12), some.integers(0, 99), some.sampled_from([" ", "\u00a0", ".", ""]))
def test_a_written_number_reads_back(whole: int, cents: int, group: str) -> None:
    written = f"{whole:,}".replace(",", group) + f",{cents:02d}"
    assert number_format(",", group).normalise(written) == f"{whole}.{cents:02d}"
