"""From a published value back to the file's hash, the row and the column it stands in, and the run that read it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient

from server.cli import main
from server.generations import DataFolder
from server.site import read_site
from server.trace import Trace, trace
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
