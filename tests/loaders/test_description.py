"""dataset.toml is read strictly: whatever it says that nobody knows is refused with its line and the nearest word."""

from __future__ import annotations

from pathlib import Path

import pytest

from loaders.description import Dataset, read_dataset
from loaders.errors import DescriptionError
from loaders.findings import Finding

WHOLE = """
title.sv = "Skolor i Granby"
keyword.sv = ["skola"]
license = "http://creativecommons.org/publicdomain/zero/1.0/"
theme = ["EDUC", "T3"]
contactPoint = { name = "Granby kommun", email = "oppnadata@granby.example" }
conformsTo = "skolor"
source = ["skolor-*.csv", "https://data.granby.example/skolor.csv"]
delivery = "period"
period = 2026
encoding = "windows-1252"
headerRow = 3
[dialect]
delimiter = ";"
quoteChar = ""
[columns]
"Verksamhetens namn" = "name"
"Konto" = { split = ["konto_nr", "konto_text"] }
"Uppdaterad" = { column = "updated", format = "d MMMM yyyy" }
"Rektor" = { drop = true, reason = "Namn på anställda." }
[constants]
source = "1880"
[waivers]
"values.range" = "Mätaren är trasig."
"""


def read(tmp_path: Path, text: str, name: str = "skolor") -> Dataset:
    folder = tmp_path / "granby" / name
    folder.mkdir(parents=True)
    (folder / "dataset.toml").write_text(text, "utf-8")
    return read_dataset(folder, "granby")


def refused(tmp_path: Path, text: str, name: str = "skolor") -> Finding:
    with pytest.raises(DescriptionError) as caught:
        read(tmp_path, text, name)
    return caught.value.finding


def test_a_whole_description(tmp_path: Path) -> None:
    dataset = read(tmp_path, WHOLE)
    assert dataset.key == "granby/skolor" and dataset.specification == "skolor"
    assert dataset.sources == ("skolor-*.csv", "https://data.granby.example/skolor.csv")
    assert (dataset.delivery, dataset.period, dataset.encoding, dataset.header_row) == (
        "period", "2026", "windows-1252", 3)  # fmt: skip
    assert dataset.columns["Konto"].columns == ("konto_nr", "konto_text")
    assert dataset.columns["Uppdaterad"].format == "d MMMM yyyy" and dataset.columns["Rektor"].drop
    assert dataset.constants == {"source": "1880"} and dataset.waivers == {"values.range": "Mätaren är trasig."}
    assert set(dataset.metadata) == {"title", "keyword", "license", "theme", "contactPoint", "conformsTo"}


@pytest.mark.parametrize(
    ("line", "row", "key", "near"),
    [
        ('titel = "Skolor"', 2, "titel", "title"),
        ('delivry = "full"', 2, "delivry", "delivery"),
        ('[dialect]\ndelimeter = ";"', 3, "dialect.delimeter", "delimiter"),
        ('[columns]\n"Namn" = { colum = "name" }', 3, "columns.Namn.colum", "column"),
    ],
)
def test_an_unknown_key_names_the_nearest_and_its_line(
    line: str, row: int, key: str, near: str, tmp_path: Path
) -> None:
    finding = refused(tmp_path, f'source = "a.csv"\n{line}\n')
    assert (finding.rule, finding.row, finding.file) == ("description.unknown-key", row, "dataset.toml")
    assert f"“{key}”" in finding.text() and f"”{near}”" in finding.advice("sv")


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("title = ", "description.unreadable"),
        ('conformsTo = "skolr"', "description.unknown-specification"),
        ('source = "../../hemligt.csv"', "description.outside-folder"),
        ('source = "/etc/passwd"', "description.outside-folder"),
        ("source = 7", "description.wrong-value"),
        ('delivery = "daily"', "description.wrong-value"),
        ('period = "januari"', "description.wrong-value"),
        ('encoding = "base64"', "description.wrong-value"),
        ('encoding = "utf-99"', "description.wrong-value"),
        ("headerRow = 0", "description.wrong-value"),
        ('[dialect]\ndelimiter = ";;"', "description.wrong-value"),
        ("columns = 3", "description.wrong-value"),
        ('[columns]\n"A" = { split = ["x"] }', "description.wrong-value"),
        ('[waivers]\n"values.rage" = "x"', "description.unknown-waiver"),
        ('[waivers]\n"values.range" = ""', "description.wrong-value"),
        ("x = " + "[" * 3000, "description.unreadable"),
    ],
)
def test_faults_are_told_with_advice(text: str, rule: str, tmp_path: Path) -> None:
    finding = refused(tmp_path, text)
    assert finding.rule == rule
    for tongue in ("sv", "en"):
        assert "{" not in finding.text(tongue) + finding.advice(tongue)


def test_a_folder_name_must_fit_an_address(tmp_path: Path) -> None:
    assert refused(tmp_path, "", "Skolor i Åby").rule == "description.folder-name"


def test_a_missing_description(tmp_path: Path) -> None:
    with pytest.raises(DescriptionError) as caught:
        read_dataset(tmp_path / "skolor", "granby")
    assert caught.value.finding.rule == "description.missing"


def test_a_description_in_another_encoding(tmp_path: Path) -> None:
    folder = tmp_path / "granby" / "skolor"
    folder.mkdir(parents=True)
    (folder / "dataset.toml").write_bytes('title = "Åk"'.encode("cp1252"))
    with pytest.raises(DescriptionError) as caught:
        read_dataset(folder, "granby")
    assert caught.value.finding.rule == "description.unreadable"
