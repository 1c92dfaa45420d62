"""A publisher's organisation number and municipality code are checked before they become part of any address."""

from __future__ import annotations

from pathlib import Path

import pytest

from loaders.errors import DescriptionError
from server.site import read_site

SITE = """
[site]
base = "https://data.granby.example/"
[publishers.granby]
name = "Granby"
orgnr = "{orgnr}"
{rest}
"""


@pytest.mark.parametrize(
    ("orgnr", "rest", "rule"),
    [
        ("811218-9876", "", "site.orgnr-person"),
        ("811218-9870", "", "site.orgnr-person"),
        ("212000-0000", "", "site.orgnr-digit"),
        ("212000-9903", 'kommunkod = "180"', "site.kommunkod"),
        ("212000-9903", "kommunkod = 180", "site.kommunkod"),
        ("212000-9903", 'kommunkod = "granby"', "site.kommunkod"),
        ("212000-9903", 'kommunkod = "９９０１"', "site.kommunkod"),
    ],
)
def test_a_number_that_is_not_the_publishers_is_told(orgnr: str, rest: str, rule: str, tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text(SITE.format(orgnr=orgnr, rest=rest), "utf-8")
    with pytest.raises(DescriptionError) as raised:
        read_site(tmp_path)
    finding = raised.value.finding
    assert finding.rule == rule and "publishers.granby" in finding.text("sv") and finding.advice("en")
    assert orgnr not in finding.text("sv") + finding.text("en") + str(finding)


@pytest.mark.parametrize("rest", ["", 'kommunkod = "9901"', 'kommunkod = ""'])
def test_right_numbers_are_taken(rest: str, tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text(SITE.format(orgnr="212000-9903", rest=rest), "utf-8")
    assert read_site(tmp_path).publishers["granby"].orgnr == "2120009903"
