"""What stewards are told about their descriptions: each rule by the description that breaks it."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path

import pytest

import ontology
from loaders.findings import Finding
from server.catalog_check import check_description, check_freshness
from server.site import read_site

SITE = """
[site]
base = "https://data.norrsjo.example/"
title = "Norrsjö"
[publishers.granby]
name = "Granby kommun"
orgnr = "2120001967"
contact = "{contact}"
"""
GOOD = """
title.sv = "Badplatser"
title.en = "Bathing places"
description.sv = "Badplatser i kommunen, en rad per plats."
description.en = "Bathing places of the municipality, one row per place."
keyword.sv = ["badplats"]
theme = ["ENVI"]
accrualPeriodicity = "ANNUAL"
license = "CC0"
source = "bad.csv"
"""


def findings_of(folder: Path, toml: str, contact: str = "data@granby.example") -> list[Finding]:
    path = folder / "datasets/granby/badplatser"
    path.mkdir(parents=True)
    (folder / "site.toml").write_text(SITE.replace("{contact}", contact), "utf-8")
    (path / "dataset.toml").write_text(toml, "utf-8")
    site = read_site(folder)
    assert not site.faults, {key: str(fault) for key, fault in site.faults.items()}
    return list(check_description(site, site.datasets[0]))


def without(word: str) -> str:
    return "\n".join(line for line in GOOD.splitlines() if not line.startswith(word))


def test_a_good_description_gives_no_finding(tmp_path: Path) -> None:
    assert findings_of(tmp_path, GOOD) == []


BREAKS = {
    "no-title": without("title"),
    "no-description": without("description"),
    "no-license": without("license"),
    "unknown-license": without("license") + '\nlicense = "fritt fram"',
    "license-not-open": without("license") + '\nlicense = "CC-BY-NC-4.0"',
    "unknown-code": without("theme") + '\ntheme = ["ENVIRONMENT"]',
    "no-keyword": without("keyword"),
    "keyword-list": without("keyword") + '\nkeyword.sv = ["bad, sjö"]',
    "no-theme": without("theme"),
    "no-frequency": without("accrual"),
    "no-translation": without("title.en"),
    "same-translation": without("description.en") + '\ndescription.en = "Badplatser i kommunen, en rad per plats."',
    "wrong-language": GOOD + '\ntitle.svenska_ = "Bad"',
    "long-title": without("title.sv") + '\ntitle.sv = "En titel som har alldeles för många ord i sig nu"',
    "wrong-address": GOOD + '\nlandingPage = "www.granby.example"',
    "wrong-date": GOOD + '\nissued = "i fjol"',
    "reversed-time": GOOD + '\ntemporal = { start = "2026-05-01", end = "2026-01-01" }',
    "unknown-standard": GOOD + '\nconformsTo = ["badplatser 1.0"]',
    "high-value-without-category": GOOD
    + '\napplicableLegislation = ["http://data.europa.eu/eli/reg_impl/2023/138/oj"]',
    "high-value-not-open": without("license") + '\nlicense = "CC-BY-SA-4.0"\nhvdCategory = ["geospatial"]',
    "closed-but-published": GOOD + '\naccessRights = "RESTRICTED"',
}


@pytest.mark.parametrize("rule", BREAKS)
def test_rule_tells_of_its_breach_with_advice_in_both_languages(tmp_path: Path, rule: str) -> None:
    found = findings_of(tmp_path, BREAKS[rule])
    (finding,) = [finding for finding in found if finding.rule == f"catalog.{rule}"]
    assert finding.dataset == "granby/badplatser"
    for language in ("sv", "en"):
        for text in (finding.text(language), finding.advice(language)):
            assert text and "{" not in text


def test_only_mandatory_properties_block(tmp_path: Path) -> None:
    blocking = {
        name for name, rule in ontology.rules().items() if name.startswith("catalog.") and rule.severity == "block"
    }
    assert blocking == {"catalog.no-title", "catalog.no-description"}


def test_without_any_contact_the_steward_is_told(tmp_path: Path) -> None:
    assert [finding.rule for finding in findings_of(tmp_path, GOOD, contact="")] == ["catalog.no-contact"]


@pytest.mark.parametrize(
    "said",
    [
        "CC0",
        "cc-by-4.0",
        "https://creativecommons.org/licenses/by/4.0/deed.sv",
        "http://www.creativecommons.org/licenses/by/4.0",
    ],
)
def test_usual_ways_to_write_an_open_licence_are_understood(tmp_path: Path, said: str) -> None:
    assert findings_of(tmp_path, without("license") + f'\nlicense = "{said}"') == []


def test_specification_gives_title_and_description(tmp_path: Path) -> None:
    rules = {finding.rule for finding in findings_of(tmp_path, 'conformsTo = "skolor"\nsource = "s.csv"')}
    assert not rules & {"catalog.no-title", "catalog.no-description", "catalog.unknown-standard"}


@pytest.mark.parametrize(
    ("modified", "late"), [("2026-10-20", False), ("2026-10-01T08:00:00Z", True), ("", False)], ids=str
)
def test_monthly_data_is_late_after_a_month_and_a_half(tmp_path: Path, modified: str, late: bool) -> None:
    findings_of(tmp_path, GOOD.replace("ANNUAL", "MONTHLY"))
    (dataset,) = read_site(tmp_path).datasets
    assert [finding.rule for finding in check_freshness(dataset, modified, date(2026, 11, 22))] == (
        ["catalog.late"] if late else []
    )


def test_code_lists_are_whole() -> None:
    codes = tomllib.loads((ontology.root() / "dcat-codes.toml").read_text("utf-8"))
    counts = {name: len(entry["codes"]) for name, entry in codes.items() if "codes" in entry}
    assert counts["theme"] == 13 and counts["accrualPeriodicity"] == 22 and counts["hvdCategory"] == 96
    for name, entry in codes.items():
        for target in entry.get("aliases", {}).values():
            assert target in entry["codes"], name
