"""Data that nobody expects, in a browser: scripts, foreign schemes, endless and right-to-left names, 500 languages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from server import create_app
from server.settings import read_settings
from tests.browser.conftest import Visit, served
from tests.conftest import HEADER, ROWS, SmallSite

pytestmark = pytest.mark.slow

LONG, UNBROKEN = "Långt namn " * 900, "Ö" * 9_900
HARM = "<script>window.harmed = 1</script><img src=x onerror='window.harmed = 1'>"
LANGUAGES = ", ".join(f'"Namn {number}"@x-a{number:03d}' for number in range(498))
CONCEPTS = f"""
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix schema: <https://schema.org/> .
@prefix foaf: <http://xmlns.com/foaf/0.1/> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
<def/prov> a skos:ConceptScheme ; skos:prefLabel "Prov"@sv, "Trial"@en .
<def/prov/L> a skos:Concept ; skos:inScheme <def/prov> ; skos:topConceptOf <def/prov> ; skos:notation "L" ;
  skos:prefLabel "{LONG.strip()}"@sv ; skos:definition "{"ord " * 2_400}"@sv ; skos:altLabel "{UNBROKEN}"@sv .
<def/prov/U> a skos:Concept ; skos:inScheme <def/prov> ; skos:topConceptOf <def/prov> ; skos:notation "U" ;
  skos:prefLabel "{UNBROKEN}"@sv .
<def/prov/A> a skos:Concept ; skos:inScheme <def/prov> ; skos:topConceptOf <def/prov> ; skos:notation "A" ;
  skos:prefLabel "مدرسة الشمال"@ar ; skos:definition "تعريف المدرسة في الشمال"@ar .
<def/prov/M> a skos:Concept ; skos:inScheme <def/prov> ; skos:topConceptOf <def/prov> ; skos:notation "M" ;
  skos:prefLabel "Många"@sv, "Many"@en, {LANGUAGES} .
<def/prov/H> a skos:Concept ; skos:inScheme <def/prov> ; skos:topConceptOf <def/prov> ; skos:notation "H" ;
  skos:prefLabel "{HARM}"@sv ; skos:definition "{HARM}"@sv ; skos:scopeNote "</script>{HARM}"@sv ;
  rdfs:seeAlso <javascript:window.harmed=1>, <data:text/html,harm>, <vbscript:harm> ;
  schema:url "javascript:window.harmed=1"^^xsd:anyURI ; schema:image <https://images.invalid/nothing.png> ;
  foaf:depiction <javascript:window.harmed=1>, <https://images.invalid/none.png> .
"""
PATHS = (
    "/res/def/prov/L", "/res/def/prov/U", "/res/def/prov/A", "/res/def/prov/M", "/res/def/prov/H",
    "/res/def/prov/H?view=triples", "/res/def/prov", "/concepts?scheme=prov", "/res/dataset/asen/skolor",
    "/search?q=namn", "/search?q=script", "/search?q=%22%27%3Cscript%3E+OR+NEAR%28", "/search?q=" + "a" * 10_000,
    "/compare/skolor", "/res/school/10000013", "/res/school/10000014",
)  # fmt: skip


@pytest.fixture(scope="module")
def odd(make_site: Callable[[Path], SmallSite], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A served site of such data."""
    site = make_site(tmp_path_factory.mktemp("odd") / "site")
    (site.folder / "concepts").mkdir()
    (site.folder / "concepts" / "prov.ttl").write_text(CONCEPTS, "utf-8")
    rows = [
        f'9901,10000011,"{LONG.strip()}",59.1,15.1,Grundskola,Skolgatan 1',
        '9901,10000012,"مدرسة الشمال",59.1,15.1,Grundskola,Skolgatan 2',
        f'9901,10000013,"{HARM}",59.1,15.1,Grundskola,"<b>Gatan</b>"',
        f'9901,10000014,"{UNBROKEN}",95.1,190.1,Grundskola,Skolgatan 4',
        '9901,10000015,"Mitt i havet",0,0,Grundskola,Skolgatan 5',
    ]
    site.write([*ROWS, *rows], HEADER)
    done = site.publish()
    assert done.generation == 1, [finding.text("en") for finding in done.report.findings()][:5]
    app = create_app(site.folder, read_settings(environment={}))
    with served(app) as origin:
        yield origin
    app.extensions["torg"].close()


@pytest.fixture(scope="module")
def odd_visit(chromium: object, odd: str) -> Iterator[Visit]:
    """One tab for the whole of this file."""
    visit = Visit(chromium, odd, reduced_motion="reduce")
    yield visit
    visit.context.close()


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path[:40])
def test_the_page_stays_whole(odd_visit: Visit, path: str) -> None:
    visit = odd_visit
    visit.page.set_viewport_size({"width": 1200, "height": 900})
    assert visit.open(path) == 200
    faults = [f"wide: {visit.sideways()}"] if visit.sideways() > 0 else []
    visit.page.set_viewport_size({"width": 320, "height": 640})
    faults += [f"narrow: {visit.sideways()}"] if visit.sideways() > 0 else []
    faults += visit.axe() + visit.faults()
    assert not visit.page.evaluate("window.harmed")
    led = visit.page.eval_on_selector_all(
        "[href], [src]", "all => all.map(one => one.href?.baseVal ?? one.href ?? one.src)"
    )
    faults += [
        address for address in led if not str(address).startswith(("http://", "https://", "mailto:", "tel:", "geo:"))
    ]
    assert not faults, "\n".join(faults)


def test_right_to_left_words_stand_right_to_left(odd_visit: Visit) -> None:
    odd_visit.open("/res/def/prov/A")
    heading = odd_visit.page.locator("h1")
    assert heading.evaluate("one => getComputedStyle(one).direction") == "rtl"
    assert heading.get_attribute("lang") == "ar"
    assert odd_visit.page.locator("header").evaluate("one => getComputedStyle(one).direction") == "ltr"
