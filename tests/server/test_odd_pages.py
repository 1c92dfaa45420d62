"""Pages stay whole, bounded and readable whatever the data holds: deep and wide trees, endless names, odd languages."""

import re

import html5lib
import pytest
from flask.testing import FlaskClient

from server import create_app
from server.concept_page import TreeView
from server.settings import read_settings
from tests.conftest import HEADER, ROWS

pytestmark = pytest.mark.slow

HTML = {"Accept": "text/html", "Accept-Language": "sv"}
BASE = "https://data.asen.example/"
LONG = "Långt namn " * 1_000
ARABIC = "مدرسة الشمال"


def concepts() -> str:
    """A scheme forty levels deep, with five thousand children in one place, and the names nobody expects."""
    lines = [
        "@prefix skos: <http://www.w3.org/2004/02/skos/core#> .",
        "@prefix dcterms: <http://purl.org/dc/terms/> .",
        "@prefix owl: <http://www.w3.org/2002/07/owl#> .",
        '<def/prov> a skos:ConceptScheme ; skos:prefLabel "Prov"@sv, "Trial"@en .',
    ]

    def concept(code: str, broader: str, name: str, more: str = "") -> None:
        above = f"skos:broader <def/prov/{broader}>" if broader else "skos:topConceptOf <def/prov>"
        lines.append(f'<def/prov/{code}> a skos:Concept ; skos:notation "{code}" ; skos:inScheme <def/prov> ;')
        lines.append(f"  {above} {name and '; skos:prefLabel ' + name} {more} .")

    for depth in range(40):
        concept(f"D{depth}", f"D{depth - 1}" if depth else "", f'"Djup {depth}"@sv')
    concept("W", "", '"Bred"@sv')
    for number in range(5_000):
        concept(f"W{number}", "W", f'"Barn {number}"@sv')
    concept("L", "", f'"{LONG.strip()}"@sv', '; skos:definition "' + "ord " * 2_500 + '"@sv')
    concept("A", "", f'"{ARABIC}"@ar')
    tags = [f"x-a{number:03d}" for number in range(498)]
    concept("M", "", ", ".join(f'"Namn {tag}"@{tag}' for tag in ["sv", "en", *tags]))
    concept(
        "H", "", '"<script>alert(1)</script> & <b>fet</b>"@sv', '; skos:definition "<img src=x onerror=alert(2)>"@sv'
    )
    concept("P", "D1", '"Två vägar"@sv', "; skos:broader <def/prov/W>")
    concept("R", "", '"Gammalt"@sv', "; owl:deprecated true ; dcterms:isReplacedBy <def/prov/P>")
    return "\n".join(lines)


@pytest.fixture(scope="module")
def client(make_site, tmp_path_factory):
    site = make_site(tmp_path_factory.mktemp("odd") / "site")
    (site.folder / "concepts").mkdir()
    (site.folder / "concepts" / "prov.ttl").write_text(concepts(), "utf-8")
    odd = [
        f'9901,10000011,"{LONG.strip()}",59.1,15.1,Grundskola,Skolgatan 1',
        f'9901,10000012,"{ARABIC}",59.1,15.1,Grundskola,Skolgatan 2',
        '9901,10000013,"<script>alert(4)</script>",59.1,15.1,Grundskola,"<b>Gatan</b>"',
        '9901,10000014,"Utanför världen",95.1,190.1,Grundskola,Skolgatan 4',
        '9901,10000015,"Mitt i havet",0,0,Grundskola,Skolgatan 5',
    ]
    site.write([*ROWS, *odd], HEADER)
    done = site.publish()
    blocking = [finding.text("en") for finding in done.report.findings() if finding.weight == "block"]
    assert done.generation == 1, blocking[:5]
    app = create_app(site.folder, read_settings(environment={}))
    yield app.test_client()
    app.extensions["torg"].close()


def whole(client: FlaskClient, path: str, most: int = 400_000) -> str:
    """The page at a path, which parses without a fault, has one first heading, and is of a size to read."""
    answer = client.get(path, headers=HTML)
    assert 200 == answer.status_code, answer.text[:300]
    assert len(answer.data) < most
    html5lib.HTMLParser(strict=True).parse(answer.text)
    assert 1 == len(re.findall(r"<h1[ >]", answer.text))
    assert "<script>alert" not in answer.text and "<img src=x" not in answer.text
    assert not re.search(r'href="(javascript|data):', answer.text)
    return answer.text


PATHS = (
    "/", "/concepts", "/concepts?scheme=prov", "/concepts?scheme=prov&letter=B", "/concepts?under=prov/W",
    "/concepts?under=prov/W&page=25", "/concepts?under=prov/D3", "/concepts?q=barn", "/res/def/prov/D39",
    "/res/def/prov/W", "/res/def/prov/W2500", "/res/def/prov/L", "/res/def/prov/A", 
    "/res/def/prov/M", "/res/def/prov/H", "/res/def/prov/P", "/res/def/prov/R",
    "/res/def/prov", "/datasets", "/psidata", "/res/dataset/asen/skolor", "/search?q=barn", "/search?q=script",
    "/search?q=" + "a" * 10_000, "/search?q=%22+AND+(&type=%00&concept=..%2F..&page=1",
    "/search?q=%D9%85%D8%AF%D8%B1%D8%B3%D8%A9",
    "/datasets?q=" + "b" * 5_000, "/concepts?q=" + "c" * 5_000,
)  # fmt: skip


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path[:40])
def test_pages_are_whole_and_bounded(client, path):
    whole(client, path)


def test_a_deep_tree_is_cut_and_its_end_can_be_reached(client):
    page = whole(client, "/concepts?scheme=prov")
    assert "Djup 2" in page and "Djup 9<" not in page
    assert "/concepts?under=prov%2FD" in page or "/concepts?under=prov/D" in page
    deep = whole(client, "/res/def/prov/D39")
    assert "34 nivåer" in deep and "Djup 38" in deep and "Djup 0" in deep


def test_five_thousand_children_come_in_pages(client):
    page = whole(client, "/res/def/prov/W", 100_000)
    assert "Visa alla 5001" in page and page.count("Barn ") < 60
    assert "Barn 4999" in whole(client, "/concepts?under=prov/W&page=25") + whole(
        client, "/concepts?under=prov/W&page=26"
    )
    assert 404 == client.get("/concepts?under=prov/W&page=27", headers=HTML).status_code


def test_endless_names_are_cut_on_pages_and_whole_in_the_data(client):
    for path in ("/res/def/prov/L", "/search?q=namn", "/concepts?scheme=prov", "/res/dataset/asen/skolor"):
        # What a page holds for search engines is data.
        assert LONG.strip() not in re.sub(
            r"(?s)<script type=.application/ld.json.>.*?</script>", "", whole(client, path)
        )
    assert LONG.strip() in client.get("/res/def/prov/L.ttl").text


def test_right_to_left_names_keep_their_direction(client):
    page = whole(client, "/res/def/prov/A")
    assert re.search(rf'<h1 dir="auto" lang="ar">{ARABIC}', page)
    assert ARABIC in whole(client, "/search?q=%D9%85%D8%AF%D8%B1%D8%B3%D8%A9").replace("<mark>", "").replace(
        "</mark>", ""
    )


def test_five_hundred_languages_fold_away(client):
    page = whole(client, "/res/def/prov/M", 120_000)
    assert '<h1 dir="auto">Namn sv' in page and "Namn x-a010" in page


def test_every_way_down_is_shown(client):
    page = whole(client, "/res/def/prov/P")
    assert "Djup 1</a>" in page and "Bred</a>" in page


def test_a_concept_out_of_use_names_what_replaces_it(client):
    page = whole(client, "/res/def/prov/R")
    assert "Begreppet används inte längre. Det är ersatt av" in page and "Två vägar" in page
    row = client.get("/concepts?q=gammalt&format=json").json[0]
    assert row["deprecated"] and row["replacedBy"] == [f"{BASE}def/prov/P"]


def test_places_outside_the_world_are_not_on_the_map(client):
    page = whole(client, "/res/dataset/asen/skolor")
    assert (
        'data-lat="0.0"' in page
        and "95.1" not in re.sub(r"(?s)<table id=\"place-table\">.*?</table>", "", page)[:0] + page
    )


def test_the_list_of_concepts_is_data_too(client):
    rows = client.get("/concepts?under=prov/W&format=json").json
    assert 5_001 == len(rows) and {"iri", "notation", "label", "broader", "used"} <= rows[0].keys()
    assert client.get("/concepts?scheme=prov&format=csv").text.startswith("\ufeffiri,notation,label")
    assert 404 == client.get("/concepts?scheme=nothing").status_code


def test_a_tree_is_cut_where_it_says(client):
    app = client.application
    with app.app_context():
        from server.views.concepts import tree_of

        view = TreeView(tree_of(app.extensions["torg"].current()), "sv", {})
    forest, hidden = view.forest(view.tree.tops(f"{BASE}def/prov"), 3, 100, 30)
    wide = next(node for node in forest if node.name == "Bred")
    assert hidden == 0 and wide.hidden + len(wide.children) == 5_001 and len(wide.children) <= 30
