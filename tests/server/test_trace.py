"""From a published value back to the file's hash, the row and the column it stands in, and the run that read it."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient

from server.cli import main
from server.generations import DataFolder
from server.site import read_site
from server.trace import Trace, sentence, trace
from tests.conftest import ROWS, SmallSite

BASE = "https://data.asen.example/"
NAME = "https://schema.org/name"


def traced(folder: Path, subject: str, property: str = "") -> list[Trace]:
    generation = DataFolder(folder / "data").current()
    assert generation is not None
    try:
        return trace(generation, read_site(folder).uris, subject, property)
    finally:
        generation.close()


def test_a_value_leads_to_its_cell(small_site: SmallSite) -> None:
    with (small_site.dataset / "dataset.toml").open("a", encoding="utf-8") as description:
        description.write('[columns]\n"Skolans namn" = "name"\n')
    small_site.write(ROWS, "source,id,Skolans namn,latitude,longitude,school_form,street")
    small_site.publish()

    (found,) = traced(small_site.folder, f"{BASE}id/school/10000003", NAME)

    assert ("asen/skolor", "skolor.csv", 4, {NAME: "Skolans namn"}) == (
        found.dataset, found.file, found.row, found.columns,
    )  # fmt: skip
    assert hashlib.sha256(small_site.source.read_bytes()).hexdigest() == found.sha256
    assert (f"{BASE}id/run/000001", 1, "skolor") == (found.run, found.generation, found.specification)
    assert found.mapping.startswith("1/")
    assert not (set(found.columns) - {NAME})


def test_the_run_is_the_one_that_read_it(small_site: SmallSite) -> None:
    small_site.publish()
    other = small_site.folder / "datasets/asen/andra"
    other.mkdir()
    (other / "dataset.toml").write_text((small_site.dataset / "dataset.toml").read_text("utf-8"), "utf-8")
    (other / "skolor.csv").write_bytes(small_site.source.read_bytes().replace(b"1000000", b"2000000"))
    small_site.publish()

    assert [1] == [found.generation for found in traced(small_site.folder, f"{BASE}id/school/10000003")]
    assert [2] == [found.generation for found in traced(small_site.folder, f"{BASE}id/school/20000003")]


def test_every_column_of_a_thing(small_site: SmallSite) -> None:
    small_site.publish()
    (found,) = traced(small_site.folder, f"{BASE}id/school/10000001")
    assert {"name", "street", "latitude", "school_form"} <= set(found.columns.values())


def test_what_nobody_published_has_no_trace(small_site: SmallSite) -> None:
    small_site.publish()
    assert [] == traced(small_site.folder, f"{BASE}id/school/99999999")
    assert [] == traced(small_site.folder, f"{BASE}id/school/10000001", "https://schema.org/none")


def test_shared_things_are_traced_through_rows(starter: Path) -> None:
    generation = DataFolder(starter / "data").current()
    assert generation is not None
    site = read_site(starter)
    account = next(generation.store.subjects("http://www.w3.org/1999/02/22-rdf-syntax-ns#type",
                                             f"{site.concept_base}spec/torg#Account"))  # fmt: skip
    found = trace(generation, site.uris, account)
    generation.close()
    assert 1 <= len(found) and all(one.through and one.row and one.file and one.period for one in found)


def test_the_command_and_the_address_tell_it(starter: Path, client: FlaskClient) -> None:
    site = read_site(starter)
    generation = DataFolder(starter / "data").current()
    assert generation is not None
    school = next(generation.store.subjects("http://www.w3.org/1999/02/22-rdf-syntax-ns#type",
                                            f"{site.concept_base}spec/torg#School"))  # fmt: skip
    generation.close()
    told = CliRunner().invoke(main, ["--lang", "sv", "log", school, "--site", str(starter)])
    assert 0 == told.exit_code and ", rad " in told.output and "name ur kolumnen" in told.output

    answer = client.get("/quality/trace", query_string={"uri": school, "property": NAME})
    (one,) = json.loads(answer.data)["traces"]
    assert one["row"] and one["sha256"] and list(one["columns"]) == [NAME]
    assert 404 == client.get("/quality/trace?uri=https://x.example/").status_code
    assert 400 == client.get("/quality/trace").status_code


@pytest.mark.parametrize("uri", ["http://[", "not an iri", "<x>", "https://x.example/ y"])
def test_odd_addresses_are_no_crash(client: FlaskClient, uri: str) -> None:
    assert client.get("/quality/trace", query_string={"uri": uri}).status_code in (400, 404)


TEXT = "\n".join(
    ["Enhetens kod,Skolans namn,Lat,Long", *(f"1000000{n},Skola {n},59.{n}1,15.{n}2" for n in range(1, 5))]
)
COLUMNS = '[columns]\n"Enhetens kod" = "id"\n"Skolans namn" = "name"\n"Lat" = "latitude"\n"Long" = "longitude"\n'
LAT = "http://www.w3.org/2003/01/geo/wgs84_pos#lat"
VALUE = "http://purl.org/linked-data/sdmx/2009/measure#obsValue"
STREET = "https://schema.org/streetAddress"


def workbook(path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["Om filen"])
    for name, table in (("Skolor", TEXT), ("Annat", "a,b\n1,2")):
        sheet = book.create_sheet(name)
        for row in [["Förteckning"], [], *(line.split(",") for line in table.splitlines())]:
            sheet.append(row)
    book.save(path)


def zipped(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("LÄSMIG.txt", "x")
        archive.writestr("export/skolor.csv", TEXT)


@pytest.fixture(scope="module")
def forms(make_site: Callable[[Path], SmallSite], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One list of schools in every form that a source may have, and a wide table of figures."""
    site = make_site(tmp_path_factory.mktemp("forms") / "site")
    toml = (site.dataset / "dataset.toml").read_text("utf-8")
    rows = [line.split(",") for line in TEXT.splitlines()]
    items = [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
    tags = {name: name.replace(" ", "_") for name in rows[0]}
    xml = "".join("<skola>\n" + "".join(f"<{tags[name]}>{text}</{tags[name]}>\n" for name, text in item.items())
                  + "</skola>\n" for item in items)  # fmt: skip
    metadata = {"@context": "http://www.w3.org/ns/csvw", "url": "egen.csv", "tableSchema": {
        "aboutUrl": "id/matning/{nr}", "columns": [{"name": "nr", "titles": "Nr"}, {"name": "ph", "titles": "pH-värde",
                                                    "propertyUrl": "https://schema.org/value"}]}}  # fmt: skip

    def add(name: str, source: str, more: str = COLUMNS, specification: str = "skolor") -> Path:
        folder = site.folder / "datasets/asen" / name
        folder.mkdir()
        said = toml.replace('"skolor.csv"', f'"{source}"')
        said = said.replace('conformsTo = "skolor"', f'conformsTo = "{specification}"' if specification else "")
        (folder / "dataset.toml").write_text(said + more, "utf-8")
        return folder / source

    workbook(add("bok", "skolor.xlsx"))
    zipped(add("packad", "skolor.zip"))
    add("json", "skolor.json").write_text(json.dumps({"skolor": items}), "utf-8")
    underscored = COLUMNS.replace("Enhetens kod", "Enhetens_kod").replace("Skolans namn", "Skolans_namn")
    add("xml", "skolor.xml", underscored).write_text(f"<skolor>\n{xml}</skolor>", "utf-8")
    join = '"Gata" = "street"\n[join]\nsource = "gator.csv"\non = { "Enhetens kod" = "Kod" }\ntake = ["Gata"]\n'
    joined = add("fogad", "skolor.csv", COLUMNS + join)
    joined.write_text(TEXT, "utf-8")
    (joined.parent / "gator.csv").write_text("Kod,Gata\n10000003,Skolgatan 3\n", "utf-8")
    wide = '[constants]\nindicator = "U1"\nsex = "T"\n[wide]\n"20??" = { period = "{header}", unit = "antal" }\n'
    add("bred", "tal.csv", wide, "kommunal-statistik").write_text("kommun;2024;2025\n1880;1;2\n1881;3;4\n", "utf-8")
    own = add("egen", "egen.csv", "", "")
    own.write_text("Nr,pH-värde\n7,6.5\n8,7.1\n", "utf-8")
    (own.parent / "egen.csv-metadata.json").write_text(json.dumps(metadata), "utf-8")
    assert not site.publish().blocked
    return site.folder


def of(folder: Path, name: str, subject: str, property: str = "") -> Trace:
    (found,) = [one for one in traced(folder, subject, property) if one.dataset == f"asen/{name}"]
    sources = folder / "datasets/asen" / name
    assert hashlib.sha256((sources / found.file.partition("/")[0]).read_bytes()).hexdigest() == found.sha256
    return found


@pytest.mark.parametrize(
    ("name", "file", "sheet", "row", "header"),
    [
        ("bok", "skolor.xlsx", "Skolor", 6, "Skolans namn"),
        ("packad", "skolor.zip/skolor.csv", "", 4, "Skolans namn"),
        ("json", "skolor.json", "", 3, "Skolans namn"),  # the third item
        ("xml", "skolor.xml", "", 14, "Skolans_namn"),  # the line that its element begins on
        ("fogad", "skolor.csv", "", 4, "Skolans namn"),
    ],
)
def test_every_form_leads_to_its_cell(forms: Path, name: str, file: str, sheet: str, row: int, header: str) -> None:
    found = of(forms, name, f"{BASE}id/school/10000003")

    assert (file, sheet, row, header, "Lat") == (
        found.file, found.sheet, found.row, found.columns[NAME], found.columns[LAT],
    )  # fmt: skip


def test_what_another_file_gave_is_told_with_that_file(forms: Path) -> None:
    found = of(forms, "fogad", f"{BASE}id/school/10000003")
    (other,) = found.other_files.values()

    assert "Gata" == found.columns[STREET] and [STREET] == list(found.other_files)
    text = (forms / "datasets/asen/fogad/gator.csv").read_bytes()
    assert ("gator.csv", hashlib.sha256(text).hexdigest()) == (other.file, other.sha256)
    assert "streetAddress ur kolumnen Gata (gator.csv)" in sentence(found, "sv")


def test_a_figure_of_a_wide_table_leads_to_the_column_it_stands_in(forms: Path) -> None:
    found = of(forms, "bred", f"{BASE}id/observation/9901/bred/U1/1881/2025/T")

    assert (3, "2025") == (found.row, found.columns[VALUE])
    assert "2025" == found.columns["http://purl.org/linked-data/sdmx/2009/dimension#refPeriod"]
    # What dataset.toml says stands in no column.
    assert not {name for name in found.columns if name.endswith(("unitOfMeasure", "sex"))}


def test_a_table_with_metadata_of_its_own_tells_its_columns_and_their_version(forms: Path) -> None:
    found = of(forms, "egen", f"{BASE}id/matning/8")
    metadata = (forms / "datasets/asen/egen/egen.csv-metadata.json").read_bytes()

    assert (3, "pH-värde") == (found.row, found.columns["https://schema.org/value"])
    assert hashlib.sha256(metadata).hexdigest()[:12] == found.mapping.partition("/")[2]
