"""The colours of the pages: whatever accent a municipality has, its text can be read."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from loaders.errors import DescriptionError
from server.site import read_site
from server.theme import contrast, faint_pairs, stylesheet, theme


@given(st.integers(0, 0xFFFFFF))
def test_every_accent_gives_text_that_can_be_read(number: int) -> None:
    accent = f"#{number:06x}"
    colours = theme(accent)
    assert list(faint_pairs(colours)) == []
    assert colours["light"]["base-default"] == accent
    assert contrast(colours["light"]["border-default"], "#ffffff") >= 3


def test_a_faint_pair_is_told() -> None:
    colours = theme("#0b6e5f")
    colours["light"]["text-subtle"] = "#cccccc"
    assert {(scheme, text) for scheme, text, _ground, _found in faint_pairs(colours)} == {("light", "text-subtle")}


def test_the_page_names_its_colours(client: FlaskClient) -> None:
    page = client.get("/", headers={"Accept": "text/html"}).get_data(as_text=True)
    address = re.search(r'href="(/theme\.css[^"]*)"', page)
    assert address is not None
    answer = client.get(address[1])
    assert answer.get_data(as_text=True) == stylesheet("#0b6e5f")
    assert answer.headers["Content-Type"] == "text/css; charset=utf-8"
    assert "immutable" in answer.headers["Cache-Control"]


@pytest.mark.parametrize(
    ("line", "rule"),
    [('accent = "blue"', "site.accent"), ("accent = 12", "site.accent"), ('logo = "../logo.svg"', "site.logo"),
     ('logo = "site.toml"', "site.logo"), ('logo = "none.png"', "site.logo")],
)  # fmt: skip
def test_a_wrong_accent_or_logo_is_told(tmp_path, line: str, rule: str) -> None:
    (tmp_path / "site.toml").write_text(f'[site]\nbase = "https://data.asen.example/"\n{line}\n', "utf-8")
    with pytest.raises(DescriptionError) as told:
        read_site(tmp_path)
    assert told.value.finding.rule == rule
