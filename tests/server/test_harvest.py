"""Catalogues of others: gathered page by page, cleaned, judged, kept when they fail, shown with where they are from."""

import gzip
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from loaders.errors import LoadError
from server import create_app
from server.check import check
from server.harvest_sources import harvest_sources
from server.publish import Publication, publish
from server.purge import purge
from server.settings import Settings
from server.site import read_site
from tests.conftest import NOW, SmallSite, serving

PREFIXES = """@prefix dcat: <http://www.w3.org/ns/dcat#> . @prefix dct: <http://purl.org/dc/terms/> .
@prefix foaf: <http://xmlns.com/foaf/0.1/> . @prefix vcard: <http://www.w3.org/2006/vcard/ns#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
"""
AGENT = """<http://dataportal.se/organisation/SE2120001967> a foaf:Agent ; foaf:name "Grannby"@sv ;
  dct:type <http://purl.org/adms/publishertype/LocalAuthority> .
"""


def described(name: str, more: str = "") -> str:
    return f"""<https://grannby.example/d/{name}> a dcat:Dataset ; dct:title "Data {name}"@sv ;
  dct:description "Om {name}"@sv ; dct:publisher <http://dataportal.se/organisation/SE2120001967> ;
  dcat:distribution <https://grannby.example/d/{name}/csv> {more} .
<https://grannby.example/d/{name}/csv> a dcat:Distribution ; dct:format "text/csv" ;
  dcat:accessURL <https://grannby.example/f/{name}.csv> ;
  dct:license <http://creativecommons.org/publicdomain/zero/1.0/> .
"""


def harvest(site: SmallSite, turtle: str, more: str = "", key: str = "grannby") -> Publication:
    (site.folder / f"{key}.ttl").write_text(PREFIXES + AGENT + turtle, "utf-8")
    toml = (site.folder / "site.toml").read_text("utf-8").partition(f"[harvest.{key}]")[0]
    (site.folder / "site.toml").write_text(f'{toml}[harvest.{key}]\nfile = "{key}.ttl"\n{more}', "utf-8")
    return site.publish()


def rules(done: Publication, key: str = "grannby") -> dict[str, int]:
    report = next(one for one in done.report.datasets if one.dataset == f"harvest/{key}")
    found: dict[str, int] = {}
    for finding in report.findings:
        found[finding.rule.removeprefix("harvest.")] = finding.count
    return found


def test_a_gathered_catalogue_is_shown_with_where_it_comes_from(small_site: SmallSite) -> None:
    done = harvest(small_site, described("bad") + described("lek"), 'name.sv = "Grannbys katalog"\nrepublish = true')
    assert done.blocked == []
    client = create_app(small_site.folder, Settings()).test_client()
    page = client.get("/datasets?lang=sv&origin=grannby").text
    assert "Data bad" in page and "Skolor i Åsen" not in page and "Grannbys katalog" in page
    assert "/resource?uri=https%3A%2F%2Fgrannby.example%2Fd%2Fbad" in page
    assert "Data lek" in client.get("/psidata").text
    rows = {row["iri"]: row["origin"] for row in client.get("/datasets?format=json").json}
    assert rows["https://grannby.example/d/bad"] == "grannby"
    assert rows["https://data.asen.example/id/dataset/asen/skolor"] == ""
    assert client.get("/resource?uri=https://grannby.example/d/bad").status_code == 200
    assert b"grannby.example" in client.get("/graph/harvest/grannby").data
    source = client.get("/datasets/sources?format=json").json[0]
    assert source["datasets"] == 2 and source["quality"]["accepted"] and source["quality"]["points"] == 150
    assert "Grannbys katalog" in client.get("/datasets/sources?lang=sv").text
    # One level of hasPart, and both ends said (DCAT-AP-SE, harvesting).
    handed_on = client.get("/datasets/dcat?format=nt").text
    part = "<https://data.asen.example/id/catalog/harvest/grannby>"
    assert f"<http://purl.org/dc/terms/hasPart> {part}" in handed_on and f"{part} <http://www.w3.org/1999" in handed_on
    assert "<https://grannby.example/d/lek/csv> <http://www.w3.org/ns/dcat#accessURL>" in handed_on


@pytest.mark.slow
def test_a_catalogue_is_not_handed_on_unless_asked(small_site: SmallSite) -> None:
    harvest(small_site, described("bad"))
    client = create_app(small_site.folder, Settings()).test_client()
    assert "grannby.example" not in client.get("/datasets/dcat?format=nt").text
    assert "grannby.example" in client.get("/datasets?q=bad&format=ttl").text


@pytest.mark.slow
def test_what_breaks_the_profile_is_not_handed_on(small_site: SmallSite) -> None:
    broken = described("lek").replace('dct:format "text/csv"', 'dct:format "text/csv", "text/plain"')
    done = harvest(small_site, described("bad") + broken, "republish = true")
    assert rules(done)["not-republished"] == 1 and done.blocked == []
    handed_on = create_app(small_site.folder, Settings()).test_client().get("/datasets/dcat?format=nt").text
    assert "/d/bad>" in handed_on and "/d/lek>" not in handed_on


def test_the_last_good_copy_is_kept_when_a_catalogue_fails(small_site: SmallSite) -> None:
    harvest(small_site, "".join(map(described, "abcde")))
    broken = harvest(small_site, "this is no Turtle")
    assert broken.blocked == ["harvest/grannby"] and set(rules(broken)) == {"source.not-rdf", "kept"}
    fewer = harvest(small_site, described("a"))
    assert set(rules(fewer)) == {"fewer", "kept"}
    client = create_app(small_site.folder, Settings()).test_client()
    assert client.get("/datasets/sources?format=json").json[0]["datasets"] == 5
    assert small_site.publish(confirm=True).generation == 2
    again = small_site.publish()
    assert again.generation is None and again.blocked == []  # nothing has changed
    assert client.get("/datasets/sources?format=json").json[0]["datasets"] == 1


@pytest.mark.slow
def test_a_source_taken_out_of_the_site_goes_away(small_site: SmallSite) -> None:
    harvest(small_site, described("bad"))
    toml = small_site.folder / "site.toml"
    toml.write_text(toml.read_text("utf-8").partition("[harvest")[0], "utf-8")
    assert small_site.publish().generation == 2
    client = create_app(small_site.folder, Settings()).test_client()
    assert client.get("/datasets/sources?format=json").json == []
    assert client.get("/graph/harvest/grannby").status_code in (404, 410)


def test_a_gathered_dataset_is_forgotten_with_its_parts(small_site: SmallSite) -> None:
    kept, gone = described("a"), described("b").replace("Data b", "Hemlig data")
    harvest(small_site, kept + gone + '<https://grannby.example/d/b/csv> dct:title "Hemlig fil"@sv .')
    (done,) = purge(read_site(small_site.folder), Settings(), ["https://grannby.example/d/b"], "På begäran", now=NOW)
    assert done.generation == 2
    client = create_app(small_site.folder, Settings()).test_client()
    assert client.get("/datasets/sources?format=json").json[0]["datasets"] == 1
    assert client.get("/resource?uri=https://grannby.example/d/b").status_code in (404, 410)
    for path in small_site.data.rglob("*.gz"):
        assert b"Hemlig" not in gzip.decompress(path.read_bytes())
    # The catalogue still has it; it is told and does not come back, and the other dataset is whole.
    again = small_site.publish()
    assert again.blocked == [] and "identifiers.forgotten-thing" in rules(again)
    graph = create_app(small_site.folder, Settings()).test_client().get("/graph/harvest/grannby?format=nt").text
    assert "Data a" in graph and "/d/a/csv> <" in graph and "/d/b" not in graph
    assert "/d/b" not in next((small_site.data / "generations").glob("*/harvest/grannby.json")).read_text("utf-8")


BAD = {
    "blank-dataset": '[] a dcat:Dataset ; dct:title "Utan adress"@sv .',
    "broken-address": """<https://grannby.example/d/a> dcat:landingPage <https://grannby.example/två[ord> .
        <https://grannby.example/d/%zz> a dcat:Dataset ; dct:title "Felskriven"@sv ; dct:publisher <http://%zz> .""",
    "several-publishers": described("z", "").replace("SE2120001967", "SE2120001975")
    + AGENT.replace("SE2120001967", "SE2120001975"),
    "own-dataset": '<https://data.asen.example/id/dataset/asen/x> a dcat:Dataset ; dct:title "Vår"@sv .',
    "about-ours": """<https://grannby.example/d/a> dct:subject <https://data.asen.example/def/service/T3> .
        <https://data.asen.example/def/service/T3> <http://www.w3.org/2004/02/skos/core#prefLabel> "Annat"@sv .""",
    "orphan-distribution": '<https://grannby.example/alone> a dcat:Distribution ; dct:title "Ensam"@sv .',
    "person": described("p", '; dct:rights "Fråga 19811218-9876 om lov"'),
    "breach": described("f", "; dct:accrualPeriodicity <http://publications.europa.eu/resource/authority/frequency/X>"),
}


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> tuple[Publication, SmallSite]:
    site = SmallSite(tmp_path_factory.mktemp("bad") / "site")
    return harvest(site, described("a") + "\n".join(BAD.values())), site


@pytest.mark.parametrize("rule", BAD)
def test_what_is_wrong_has_a_name_and_stops_nothing_else(rule: str, bad: tuple[Publication, SmallSite]) -> None:
    done, _ = bad
    assert done.blocked == [] and rules(done)[rule] >= 1
    finding = next(one for one in done.report.findings() if one.rule == f"harvest.{rule}")
    assert "{" not in finding.text("sv") + finding.text("en") + finding.advice("sv")
    assert "19811218" not in str(list(done.report.findings()))


def test_others_cannot_say_anything_of_what_is_ours(bad: tuple[Publication, SmallSite]) -> None:
    client = create_app(bad[1].folder, Settings()).test_client()
    assert "Annat" not in client.get("/res/def/service/T3.nt").text
    listed = client.get("/datasets?format=json").text
    assert "Data a" in listed and "Vår" not in listed and "Data p" not in listed and "Felskriven" not in listed


@pytest.mark.slow
def test_the_same_dataset_in_two_catalogues_is_taken_once(small_site: SmallSite) -> None:
    uuid = '; dct:identifier "0f8fad5b-d9cb-469f-a165-70867728950e"'
    harvest(small_site, described("a", uuid))
    second = described("b", uuid) + described("c") + described("a")
    assert rules(harvest(small_site, second, key="andra"), "andra")["duplicate"] == 2
    third = rules(harvest(small_site, described("a") + described("c"), key="tredje"), "tredje")
    assert (third["duplicate"], third["nothing-left"], "empty" in third) == (2, 2, False)
    found = create_app(small_site.folder, Settings()).test_client().get("/datasets?format=json").json
    assert {row["iri"][-1]: row["origin"] for row in found if row["origin"]} == {"a": "grannby", "c": "andra"}


@pytest.mark.slow
def test_a_check_gathers_too_and_publishes_nothing(small_site: SmallSite) -> None:
    small_site.publish()
    (small_site.folder / "k.jsonld").write_text(
        json.dumps({"@id": "https://k.example/1", "@type": "http://www.w3.org/ns/dcat#Dataset",
                    "http://purl.org/dc/terms/title": {"@value": "Ett", "@language": "sv"}}), "utf-8",
    )  # fmt: skip
    with (small_site.folder / "site.toml").open("a", encoding="utf-8") as toml:
        toml.write('[harvest.k]\nfile = "k.jsonld"\n')
    report = check(read_site(small_site.folder), Settings(), ["harvest/k"])
    assert [one.dataset for one in report.datasets] == ["harvest/k"] and report.datasets[0].rows_out == 1
    assert small_site.publish(dry_run=True).generation is None


class Portal(ThreadingHTTPServer):
    """Somebody's portal: CKAN's and EntryStore's searches, page by page; it can be made to fail."""

    fails_after = 99
    asked: list[str]


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        asked = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        if len(self.server.asked) > self.server.fails_after:
            self.send_error(404)
            return
        start = int(asked.get("start") or asked.get("offset") or 0)
        numbers = range(start, min(start + 2, 5))
        if "ckan" in self.path:
            packages = [{"id": f"p{n}", "title": f"Paket {n}", "resources": []} for n in numbers]
            body = json.dumps({"success": True, "result": {"count": 5, "results": packages}})
        else:
            dcat, dct = "http://www.w3.org/ns/dcat#", "http://purl.org/dc/terms/"
            kind = {"http://www.w3.org/1999/02/22-rdf-syntax-ns#type": [{"type": "uri", "value": f"{dcat}Dataset"}]}
            children = [
                {
                    "metadata": {
                        f"https://e.example/{n}": kind | {f"{dct}title": [{"type": "literal", "value": f"Nr {n}"}]}
                    }
                }
                for n in numbers
            ]
            body = json.dumps({"results": 5, "resource": {"children": children}})
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def portal() -> Iterator[Portal]:
    server = Portal(("127.0.0.1", 0), Handler)
    server.asked = []
    with serving(server):
        yield server


def test_searches_are_asked_page_by_page_and_half_of_one_is_nothing(small_site: SmallSite, portal: Portal) -> None:
    here = f"http://127.0.0.1:{portal.server_port}"
    with (small_site.folder / "site.toml").open("a", encoding="utf-8") as toml:
        toml.write(f'[harvest.ckan]\nurl = "{here}/ckan"\nformat = "ckan"\n')
        toml.write(f'[harvest.entry]\nurl = "{here}/store/search?type=solr"\n')
    site, settings = read_site(small_site.folder), Settings({"fetch_private": True})
    done = publish(site, settings, now=NOW)
    assert {one.dataset: one.rows_out for one in done.report.datasets[1:]} == {"harvest/ckan": 5, "harvest/entry": 5}
    assert [parse_qs(urlsplit(path).query).get("start") for path in portal.asked[:3]] == [None, ["2"], ["4"]]
    assert portal.asked[0].startswith("/ckan/api/3/action/package_search?rows=500")
    portal.asked, portal.fails_after = [], 1
    failed = publish(site, settings, now=NOW)
    assert failed.blocked == ["harvest/ckan", "harvest/entry"] and failed.generation is None
    refused = publish(site, Settings(), now=NOW)
    assert "source.private-address" in rules(refused, "ckan")


@pytest.mark.parametrize(
    ("table", "rule"),
    [
        ("[harvest.a]", "harvest.needs"),
        ('[harvest.a]\nurl = "ftp://a.example"', "harvest.needs"),
        ('[harvest.a]\nfile = "../hemligt.ttl"', "harvest.needs"),
        ('[harvest.a]\nurl = "https://a.example"\nfile = "a"', "harvest.needs"),
        ('[harvest.a]\nurl = "https://a.example"\nformat = "xls"', "harvest.choice"),
        ('[harvest.a]\nurl = "https://a.example"\nadress = "x"', "site.unknown-key"),
        ('[harvest.Å]\nurl = "https://a.example"', "site.folder-name"),
        ('[harvest]\nurl = "https://a.example"', "harvest.needs"),
    ],
)
def test_a_wrong_table_is_told_before_anything_is_fetched(small_site: SmallSite, table: str, rule: str) -> None:
    path = small_site.folder / "site.toml"
    path.write_text(path.read_text("utf-8") + table.replace("Å", '"Å"'), "utf-8")
    with pytest.raises(LoadError) as error:
        harvest_sources(read_site(small_site.folder))
    assert error.value.finding.rule == rule


@pytest.mark.slow
def test_ten_thousand_datasets_are_gathered_in_bounded_time(small_site: SmallSite) -> None:
    import time

    started = time.monotonic()
    done = harvest(small_site, "".join(described(str(number)) for number in range(10_000)))
    assert done.blocked == [] and time.monotonic() - started < 240
    assert create_app(small_site.folder, Settings()).test_client().get("/datasets?page=200").status_code == 200


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "count"),
    [("it-unibo.rdf", 12), ("sambruk-open-meal.rdf", 3), ("sambruk-open-accounts-payable.rdf", 1),
     ("vgr-entrystore-search.json", 0)],
)  # fmt: skip
def test_real_catalogues(small_site: SmallSite, shared: Path, name: str, count: int) -> None:
    data = (shared / "data" / "dcat-catalogs" / name).read_bytes()
    (small_site.folder / name).write_bytes(data)
    with (small_site.folder / "site.toml").open("a", encoding="utf-8") as toml:
        toml.write(f'[harvest.real]\nfile = "{name}"\n')
    done = small_site.publish()
    report = next(one for one in done.report.datasets if one.dataset == "harvest/real")
    assert report.rows_out == count
    assert ("harvest/real" in done.blocked) == (count == 0)
