"""The starter region: reproducible, as messy as promised, and invented through and through."""

from __future__ import annotations

import csv
import io
import json
import re
import runpy
import tomllib
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import rdflib
from rdflib.namespace import SKOS

from loaders.description import read_dataset

ROOT = Path(__file__).resolve().parents[2]
SITE = Path(str(files("server") / "starter"))
FACTS: dict[str, Any] = json.loads((ROOT / "tests" / "starter_facts.json").read_text("utf-8"))
FOLDERS = sorted(path.parent for path in SITE.glob("datasets/*/*/dataset.toml"))
GENERATOR = ROOT / "scripts" / "make_starter.py"


def luhn(digits: str) -> bool:
    total = sum(sum(divmod(int(digit) * (1 + place % 2), 10)) for place, digit in enumerate(reversed(digits)))
    return total % 10 == 0


def rows_of(path: Path) -> int:
    """Count rows with nothing but the standard library and openpyxl: no loader has a say."""
    if path.suffix == ".json":
        document = json.loads(path.read_text("utf-8"))
        return len(document["results"] if "results" in document else document["data"]["rader"])
    if path.suffix == ".xlsx":
        sheet = openpyxl.load_workbook(path).worksheets[0]
        title = sheet.cell(2, 1).value is None
        return int(sheet.max_row) - (3 if title else 1)
    text = text_of(path)
    delimiter = max(",;\t", key=text.splitlines()[0].count)
    return sum(1 for _ in csv.reader(io.StringIO(text, newline=None), delimiter=delimiter)) - 1


def text_of(path: Path) -> str:
    content = path.read_bytes()
    if content[:2] == b"\xff\xfe":
        return content.decode("utf-16")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252")


@pytest.mark.skipif(not GENERATOR.exists(), reason="the source distribution holds no generator")
def test_generator_writes_what_is_committed(tmp_path: Path) -> None:
    made = runpy.run_path(str(GENERATOR))
    made["make"](tmp_path / "site", tmp_path / "facts.json")
    written = {path.relative_to(tmp_path / "site") for path in (tmp_path / "site").rglob("*") if path.is_file()}
    committed = {path.relative_to(SITE) for path in SITE.rglob("*") if path.is_file()}
    assert written == committed
    for name in sorted(written):
        assert (tmp_path / "site" / name).read_bytes() == (SITE / name).read_bytes(), name
    assert json.loads((tmp_path / "facts.json").read_text("utf-8")) == FACTS


def test_region_has_twelve_municipalities_with_three_datasets_each() -> None:
    site = tomllib.loads((SITE / "site.toml").read_text("utf-8"))
    assert len(site["publishers"]) == 12
    names = {(folder.parent.name, folder.name) for folder in FOLDERS}
    assert names == {
        (key, name) for key in site["publishers"] for name in ("leverantorsreskontra", "skolor", "aldreboenden")
    }
    assert sorted(publisher["kommunkod"] for publisher in site["publishers"].values()) == [
        str(code) for code in range(9901, 9913)
    ]
    for publisher in site["publishers"].values():
        number = publisher["orgnr"].replace("-", "")
        assert luhn(number) and number[:6] == "212000"
        assert publisher["contact"].endswith(".example") and publisher["homepage"].endswith(".example/")


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: f"{folder.parent.name}/{folder.name}")
def test_every_description_is_read_and_its_sources_hold_the_rows_told(folder: Path) -> None:
    dataset = read_dataset(folder, folder.parent.name)
    assert dataset.specification == folder.name
    assert dataset.metadata["title"]["sv"] and dataset.metadata["title"]["en"]
    found = sorted(path for source in dataset.sources for path in folder.glob(source))
    told = FACTS["datasets"][dataset.key]
    assert [path.name for path in found] == [file["name"] for file in told["files"]]
    assert {path.name for path in folder.iterdir()} == {path.name for path in found} | {"dataset.toml"}
    assert [rows_of(path) for path in found] == [file["rows"] for file in told["files"]]


def test_deliveries_differ_as_real_ones_do() -> None:
    sources = [path for path in SITE.glob("datasets/*/*/*") if path.name != "dataset.toml"]
    first = {path: path.read_bytes() for path in sources}
    bare = [path for path, content in first.items() if b"\r" in content[:2000] and b"\n" not in content]
    assert any(content.startswith(b"\xef\xbb\xbf") for content in first.values())
    assert any(content.startswith(b"\xff\xfe") for content in first.values())
    assert any(re.search(rb'^\s*\{\s*"\xef\xbb\xbf', content, re.M) for content in first.values())
    assert bare and all(path.suffix == ".csv" for path in bare)
    assert {path.suffix for path in sources} == {".csv", ".tsv", ".json", ".xlsx"}
    texts = [text_of(path) for path in sources if path.suffix != ".xlsx"]
    assert any("\u00a0" in text for text in texts) and any("\u2212" in text for text in texts)
    assert any("****" in text for text in texts) and any("29 januari 2026" in text for text in texts)
    with pytest.raises(UnicodeDecodeError):
        (SITE / "datasets/granby/skolor/skolor.csv").read_text("utf-8")


def test_supplier_numbers_are_valid_and_persons_are_nobody() -> None:
    assert all(luhn(number) and number[2] >= "2" for number in FACTS["paid_to_supplier"])
    ledger = text_of(SITE / "datasets/norrsjo/leverantorsreskontra/leverantorsreskontra-2026-01.csv")
    ledger += text_of(SITE / "datasets/norrsjo/leverantorsreskontra/leverantorsreskontra-2026-02.csv")
    persons = {row.split(",")[4] for row in ledger.splitlines() if row.split(",")[4][2] in "01"}
    assert len(persons) == FACTS["datasets"]["norrsjo/leverantorsreskontra"]["person_suppliers"] == 3
    # Birth numbers 980-999 are never given to anyone born: no living person is named.
    assert all(luhn(number) and number[6:9] >= "980" for number in persons)


def test_same_suppliers_sell_to_all() -> None:
    """At least forty suppliers come back in every ledger that tells who they are."""
    sellers = []
    for key in ("norrsjo", "granby", "alvhult", "tallmo", "angshamn", "obacka"):
        text = "".join(text_of(path) for path in SITE.glob(f"datasets/{key}/leverantorsreskontra/*.?sv"))
        sellers.append({match.replace("-", "") for match in re.findall(r"\b\d{6}-?\d{4}\b", text)})
    assert len(set.intersection(*sellers) & set(FACTS["paid_to_supplier"])) >= 40


def test_sums_of_the_facts_agree_with_each_other() -> None:
    ledgers = [said for key, said in FACTS["datasets"].items() if key.endswith("/leverantorsreskontra")]
    assert sum(Decimal(amount) for amount in FACTS["paid_to_supplier"].values()) == Decimal(FACTS["paid_in_all"])
    assert sum(Decimal(said["amount"]) for said in ledgers) > Decimal(FACTS["paid_in_all"])
    for said in FACTS["datasets"].values():
        lost = {(file["name"], fault["row"]) for file in said["files"] for fault in file["faults"]
                if fault["effect"] == "row"}  # fmt: skip
        assert said["rows"] - said["rows_published"] == len(lost)


def test_local_places_hang_below_sweden() -> None:
    graph = rdflib.Graph().parse(
        data=(SITE / "concepts" / "norrsjo.ttl").read_text("utf-8"), format="turtle", publicID="https://x.example/"
    )
    codes = {str(code) for code in graph.objects(None, SKOS.notation)}
    assert codes == {"99", *(str(code) for code in range(9901, 9913))}
    county = rdflib.URIRef("https://x.example/def/norrsjo/99")
    assert (county, SKOS.broader, rdflib.URIRef("https://x.example/def/place/SE")) in graph
    assert len(list(graph.subjects(SKOS.broader, county))) == 12
