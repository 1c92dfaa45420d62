"""`torg describe FILE`: what it proposes is explained, is written only once, and passes `torg check`."""

from __future__ import annotations

import json
import os
import threading
import tomllib
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import server
from server.cli import main

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("TORG_SHARED", ROOT.parent / "shared")) / "data"
STARTER = Path(server.__file__).parent / "starter" / "datasets"
SITE = """[site]
base = "https://prov.example/"
license = "http://creativecommons.org/publicdomain/zero/1.0/"
[publishers.granby]
name.sv = "Granby kommun"
orgnr = "212000-9911"
kommunkod = "1880"
contact = "data@granby.example"
"""


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["--lang", "sv", *map(str, arguments)])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "site.toml").write_text(SITE, "utf-8")
    made = tmp_path / "datasets" / "granby" / "prov"
    made.mkdir(parents=True)
    return made


def written(folder: Path, name: str, content: bytes) -> dict[str, object]:
    """Describe a file with --write, check the site, and return the dataset.toml; every row must be accounted for."""
    site = folder.parents[2]
    (folder / name).write_bytes(content)
    done = run("describe", folder / name, "--write", "--site", site)
    assert done.exit_code == 0, done.output
    checked = run("check", "--site", site, "--format", "json")
    report = next(entry for entry in json.loads(checked.stdout)["datasets"] if entry["dataset"] == "granby/prov")
    assert checked.exit_code == 0, report
    assert report["rows_in"] >= report["rows_out"] > 0
    described: dict[str, object] = tomllib.loads((folder / "dataset.toml").read_text("utf-8"))
    return described


def test_headers_with_synonyms_and_misspelling_in_an_old_encoding(folder: Path) -> None:
    text = "Skolregister;;;;\nSkolenhetskod;Skola;Latitud;Longitud;Telefonnumer\n12345678;Björkskolan;59,2;15,1;019-1\n"
    said = written(folder, "register.csv", text.encode("cp1252"))
    assert said["conformsTo"] == "skolor" and said["encoding"] == "windows-1252" and said["headerRow"] == 2
    assert said["dialect"] == {"delimiter": ";"} and said["columns"] == {"Telefonnumer": "phone"}


def test_guesses_are_explained_in_both_languages(folder: Path) -> None:
    (folder / "lekplatser.csv").write_text("namn,gata\nTorget,A\nHamnen,B\n", "utf-8")
    shown = run("describe", folder / "lekplatser.csv").output
    assert 'id = "{namn}"' in shown.replace('"id"', "id")
    assert "# Prövat: 2 rader lästa, 2 blev resurser" in shown and "# Tried: 2 rows read, 2 became" in shown
    assert "Ge hellre varje rad en egen." in shown and "Better give each row its own." in shown
    assert not (folder / "dataset.toml").exists()


def test_nothing_is_written_over(folder: Path) -> None:
    (folder / "skolor.csv").write_text("id,namn\n1,A\n", "utf-8")
    (folder / "dataset.toml").write_text("# min egen", "utf-8")
    done = run("describe", folder / "skolor.csv", "--write")
    assert done.exit_code == 2 and "finns redan" in done.output
    assert (folder / "dataset.toml").read_text("utf-8") == "# min egen"


def test_a_file_that_fits_no_specification_gets_csvw_metadata(folder: Path) -> None:
    text = (
        "Ärende-ID,Inkom,Kommun,Antal,Öppet,Kontaktperson\nA-1,2026-01-31,1880,3,Ja,Eva\nA-2,2026-02-01,0180,-,Nej,Bo\n"
    )
    said = written(folder, "ärenden.csv", text.encode())
    assert "conformsTo" not in said
    assert said["columns"] == {"Kontaktperson": {"drop": True, "reason": "Kan avse enskilda personer."}}
    metadata = json.loads((folder / "ärenden.csv-metadata.json").read_text("utf-8"))
    columns = {column["name"]: column for column in metadata["tableSchema"]["columns"]}
    assert metadata["tableSchema"]["aboutUrl"] == "id/arenden/{authority}/{arende_id}"
    assert columns["inkom"]["datatype"] == "date" and columns["antal"]["datatype"] == "integer"
    assert columns["antal"]["null"] == ["", "-"]
    assert columns["oppet"]["datatype"] == {"base": "boolean", "format": "Ja|Nej"}
    assert columns["kommun"]["https://w3id.org/torg/csvw#derive"]["kommun_concept"]["scheme"] == "place"
    assert "kontaktperson" not in columns


def test_a_date_that_can_be_read_in_two_ways_is_settled_and_said(folder: Path) -> None:
    text = "Skolenhetskod,Skolans namn,Elever,Uppdaterad\n12345678,A,10,03/04/2026\n12345679,B,11,05/06/2026\n"
    said = written(folder, "skolor.csv", text.encode())
    assert said["columns"] == {"Uppdaterad": {"column": "updated", "format": "d/M/yyyy"}}
    assert "det svenska valdes" in (folder / "dataset.toml").read_text("utf-8")


def test_stand_ins_for_nothing_are_declared(folder: Path) -> None:
    text = "Skolenhetskod,Skolans namn,Elever,Webb\n12345678,A,NA,https://a.example/\n12345679,B,3,NA\n"
    said = written(folder, "skolor.csv", text.encode())
    assert said["columns"] == {
        "Elever": {"column": "pupils", "null": ["NA"]}, "Webb": {"column": "visit_url", "null": ["NA"]},
    }  # fmt: skip


def test_personal_numbers_are_left_out(folder: Path) -> None:
    text = "id,namn,nyckel\n" + "".join(f"{n},Lek {n},640823-3234\n" for n in range(1, 9))
    said = written(folder, "lekplatser.csv", text.encode())
    assert said["columns"] == {"nyckel": {"drop": True, "reason": "Ser ut att innehålla personnummer."}}
    assert "640823" not in (folder / "dataset.toml").read_text("utf-8")


def test_a_column_for_each_year(folder: Path) -> None:
    text = "Kommun;2024;2025\n1880;1,5;2\n0180;3;4\n1480;5;6\n"
    said = written(folder, "befolkning.csv", text.encode())
    assert said["conformsTo"] == "kommunal-statistik" and said["wide"] == {"20??": {"period": "{header}"}}


def test_a_file_that_cannot_be_read_is_told_of(folder: Path) -> None:
    (folder / "tom.csv").write_text("a,b\n", "utf-8")
    done = run("describe", folder / "tom.csv", "--write")
    assert done.exit_code == 1 and "inga rader" in done.output and not (folder / "dataset.toml").exists()
    (folder / "sida.csv").write_text("<!doctype html><title>Logga in</title>", "utf-8")
    assert run("describe", folder / "sida.csv").exit_code == 1


STARTER_FILES = [
    path for path in sorted(STARTER.rglob("*")) if path.is_file() and path.suffix not in (".toml", ".md")
]  # fmt: skip


# Three of the twelve have every form there is; what the rest add is time.
_QUICK = ("obacka", "ronnhed", "stenasa")


@pytest.mark.parametrize(
    "path",
    [pytest.param(path, marks=() if path.parts[-3] in _QUICK else pytest.mark.slow) for path in STARTER_FILES],
    ids=lambda path: "-".join(path.parts[-3:]),
)
def test_every_file_of_the_starter_region_gets_its_specification(path: Path, folder: Path) -> None:
    said = written(folder, path.name, path.read_bytes())
    assert said["conformsTo"] == path.parent.name


REAL = [
    path
    for path in sorted(SHARED.glob("se-*/*"))
    if path.suffix not in (".md", ".rdf") and "valfrihetsystem" not in path.name
]


@pytest.mark.slow
@pytest.mark.parametrize("path", REAL, ids=lambda path: path.name)
def test_every_real_file_is_described(path: Path, folder: Path) -> None:
    written(folder, path.name, path.read_bytes())


@pytest.fixture
def web() -> Iterator[Callable[[dict[str, tuple[bytes, dict[str, str]]]], str]]:
    """Serve files on the loopback address; return the address."""
    servers: list[ThreadingHTTPServer] = []

    def serve(files: dict[str, tuple[bytes, dict[str, str]]]) -> str:
        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                """Say nothing."""

            def do_GET(self) -> None:
                body, headers = files.get(self.path.lstrip("/"), (b"", {}))
                self.send_response(200 if body else 404)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=servers[-1].serve_forever, args=(0.02,), daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}/"

    yield serve
    for server_ in servers:
        server_.shutdown()
        server_.server_close()


SCHOOLS = "skolenhetskod;namn;latitud;longitud\n12345678;Björkskolan;59,2;15,1\n"


def test_an_address_is_described_and_becomes_the_source(folder, web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORG_FETCH_PRIVATE", "true")
    address = web({"skolor.csv": (SCHOOLS.encode("cp1252"), {})}) + "skolor.csv"
    site = folder.parents[2]
    shown = run("describe", address, "--site", site)
    assert shown.exit_code == 0, shown.output
    assert tomllib.loads(shown.output)["source"] == address
    done = run("describe", address, "--write", "--into", folder, "--site", site)
    assert done.exit_code == 0, done.output
    said = tomllib.loads((folder / "dataset.toml").read_text("utf-8"))
    assert (said["source"], said["conformsTo"], said["encoding"]) == (address, "skolor", "windows-1252")
    assert [path.name for path in folder.iterdir()] == ["dataset.toml"]
    assert run("describe", address, "--write", "--into", folder, "--site", site).exit_code == 2


def test_an_address_that_gives_nothing_is_told(folder, web, monkeypatch: pytest.MonkeyPatch) -> None:
    address = web({}) + "skolor.csv"
    refused = run("describe", address)
    assert refused.exit_code != 0 and "privat" in refused.output + str(refused.stderr)
    monkeypatch.setenv("TORG_FETCH_PRIVATE", "true")
    assert run("describe", address).exit_code != 0
    assert run("describe", folder / "skolor.csv").exit_code == 2


def test_csvw_reads_what_the_headers_of_an_address_say(web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORG_FETCH_PRIVATE", "true")
    described = {"@context": "http://www.w3.org/ns/csvw", "url": "t.csv", "lang": "sv"}
    link = {"Link": '<m.json>; rel="describedby"; type="application/csvm+json"'}
    address = web({
        "t.csv": ("a\nå\n".encode("cp1252"), {"Content-Type": "text/csv; charset=iso-8859-1", **link}),
        "m.json": (json.dumps(described).encode(), {}),
    })  # fmt: skip
    done = run("csvw", address + "t.csv", "--minimal")
    assert done.exit_code == 0, done.output
    assert '"å"@sv' in done.output


@pytest.mark.parametrize(
    ("lang", "said"),
    [
        ("sv", "Nästa steg: läs igenom dataset.toml och kör torg check --site {} granby/prov"),
        ("en", "Next: read dataset.toml through and run torg check --site {} granby/prov"),
    ],
)
def test_after_writing_the_next_step_is_told_and_works(folder: Path, lang: str, said: str) -> None:
    (folder / "lekplatser.csv").write_text("id,namn,lat,long\n1,Torget,59.1,15.2\n2,Hamnen,59.2,15.3\n", "utf-8")
    done = CliRunner().invoke(main, ["--lang", lang, "describe", str(folder / "lekplatser.csv"), "--write"])
    assert done.exit_code == 0, done.output
    last = done.output.splitlines()[-1]
    assert last == said.format(folder.parents[2])
    assert "granby/prov" in run(*last.partition("torg ")[2].split(" ")).output


def test_a_folder_of_no_site_is_told_where_it_belongs(tmp_path: Path) -> None:
    (tmp_path / "lekplatser.csv").write_text("id,namn,lat,long\n1,Torget,59.1,15.2\n", "utf-8")
    done = run("describe", tmp_path / "lekplatser.csv", "--write")
    assert done.output.splitlines()[-1].startswith("Nästa steg: lägg mappen som datasets/<utgivare>/<datamängd>")
