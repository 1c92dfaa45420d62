"""Stewards declare where identifiers went: the ledger tells, faults are named."""

import pytest

from loaders.errors import DescriptionError
from server import create_app
from server.ledger import Ledger
from server.replacements import replacements
from server.settings import Settings
from server.uris import UriSpace
from tests.conftest import ROWS, SmallSite


def declare(site: SmallSite, text: str) -> None:
    (site.folder / "replacements.toml").write_text(text, "utf-8")


def test_a_replacement_is_recorded_with_the_publication_that_withdraws(small_site):
    small_site.publish()
    small_site.write(ROWS[1:])
    declare(small_site, '["/id/school/10000001"]\nreplacedBy = "https://data.asen.example/id/school/10000002"')
    small_site.publish()

    state = Ledger(small_site.data / "ledger.sqlite").state("/id/school/10000001")
    assert ("replaced", ("/id/school/10000002",)) == (state.state, state.successors)


def test_a_later_declaration_needs_no_other_change(small_site):
    small_site.publish()
    small_site.write(ROWS[1:])
    small_site.publish()
    declare(small_site, '["/id/school/10000001"]\nsplitInto = ["/id/school/10000002", "/id/school/10000003"]')

    assert small_site.publish().generation is None

    assert "split" == Ledger(small_site.data / "ledger.sqlite").state("/id/school/10000001").state


def test_what_is_still_published_is_replaced_the_day_it_is_withdrawn(small_site):
    small_site.publish()
    declare(small_site, '["/id/school/10000001"]\nreplacedBy = "/id/school/10000002"')
    told = small_site.publish().report.remarks
    assert [("site.replaced-but-published", (("name", "/id/school/10000001"),))] == [(f.rule, f.detail) for f in told]
    ledger = Ledger(small_site.data / "ledger.sqlite")
    assert ["minted"] == [event.event for event in ledger.events("/id/school/10000001")]

    small_site.write(ROWS[1:])
    done = small_site.publish()
    assert [] == done.report.remarks
    events = [(event.event, event.generation) for event in ledger.events("/id/school/10000001")]
    assert [("minted", 1), ("withdrawn", 2), ("replaced-by", 2)] == events

    small_site.write(ROWS)  # it is back: told, and served again
    assert ["site.replaced-but-published"] == [finding.rule for finding in small_site.publish().report.remarks]
    assert "live" == ledger.state("/id/school/10000001").state


def test_a_successor_that_is_not_published_is_told(small_site):
    small_site.publish()
    small_site.write(ROWS[1:])
    declare(small_site, '["/id/school/10000001"]\nreplacedBy = "/id/school/19999999"')
    (told,) = small_site.publish().report.remarks
    assert "site.replaced-by-nothing" == told.rule
    assert "/id/school/19999999" in told.text("en") and "inte är publicerad" in told.text("sv")


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        pytest.param('["/id/a"]\nreplaceBy = "/id/b"', "site.unknown-key", id="unknown key"),
        pytest.param('["https://other.example/id/a"]\nreplacedBy = "/id/b"', "site.not-ours", id="foreign"),
        pytest.param(
            '["/id/a"]\nreplacedBy = "/id/b"\n["/id/b"]\nreplacedBy = "/id/a"', "site.replacement-cycle", id="cycle"
        ),
        pytest.param("[[", "site.not-toml", id="no toml"),
        pytest.param('["/id/a"]\nreplacedBy = []', "site.replacement-value", id="by none"),
        pytest.param('["/id/a"]\nreplacedBy = ["/id/b", "/id/c"]', "site.replacement-value", id="by two"),
        pytest.param('["/id/a"]\nsplitInto = 5', "site.replacement-value", id="no address"),
        pytest.param('["/id/a"]\nsplitInto = ["/id/b", 5]', "site.replacement-value", id="not all addresses"),
    ],
)
def test_faults_are_named_and_nothing_is_published(small_site, text, rule):
    declare(small_site, text)
    with pytest.raises(DescriptionError) as caught:
        small_site.publish()
    assert rule == caught.value.finding.rule
    assert not (small_site.data / "current").exists()


def test_an_address_may_be_written_as_a_browser_shows_it(tmp_path):
    text = '\ufeff["/id/bad/9901/Åsens badplats"]\nreplacedBy = "https://data.asen.example/id/bad/9901/%C3%85sen~2FÖ"\n'
    (tmp_path / "replacements.toml").write_text(text, "utf-8")
    assert replacements(tmp_path, UriSpace("https://data.asen.example/")) == [
        ("/id/bad/9901/%C3%85sens%20badplats", "replaced-by", ["/id/bad/9901/%C3%85sen~2F%C3%96"])
    ]


def test_a_replaced_document_leads_to_the_same_format(small_site):
    small_site.publish()
    small_site.write(ROWS[1:])
    declare(small_site, '["/id/school/10000001"]\nreplacedBy = "/id/school/10000002"')
    small_site.publish()
    app = create_app(small_site.folder, Settings())
    client = app.test_client()
    try:
        assert "/res/school/10000002.ttl" == client.get("/res/school/10000001.ttl").location
        assert "/id/school/10000002?lang=en" == client.get("/id/school/10000001?lang=en").location
    finally:
        app.extensions["torg"].close()


def test_the_suffix_of_a_withdrawn_document_chooses_its_format(small_site):
    small_site.publish()
    small_site.write(ROWS[1:])
    small_site.publish()
    app = create_app(small_site.folder, Settings())
    try:
        gone = app.test_client().get("/res/school/10000001.ttl", headers={"Accept": "text/html"})
        assert (410, "text/turtle", True) == (gone.status_code, gone.mimetype, "Skola 1" in gone.text)
    finally:
        app.extensions["torg"].close()


CONCEPTS = """
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
<def/asen> a skos:ConceptScheme ; skos:prefLabel "Åsens begrepp"@sv , "Concepts of Åsen"@en .
<def/asen/a> a skos:Concept ; skos:inScheme <def/asen> ; skos:topConceptOf <def/asen> ; skos:notation "a" ;
    skos:prefLabel "A"@sv , "A"@en ; rdfs:seeAlso <id/school/10000001> .
"""


def test_what_others_still_point_at_is_gone_all_the_same(small_site):
    (small_site.folder / "concepts").mkdir()
    (small_site.folder / "concepts" / "asen.ttl").write_text(CONCEPTS, "utf-8")
    assert small_site.publish().blocked == []
    small_site.write(ROWS[1:])
    small_site.publish()
    app = create_app(small_site.folder, Settings())
    client = app.test_client()
    addresses = ("/id/school/10000001", "/res/school/10000001", "/res/school/10000001.ttl")
    try:
        assert "/id/school/10000001>" in client.get("/res/def/asen/a.nt").text  # still pointed at
        assert [410, 410, 410] == [client.get(address).status_code for address in addresses]
        declare(small_site, '["/id/school/10000001"]\nreplacedBy = "/id/school/10000002"')
        small_site.publish()
        answers = [client.get(address) for address in addresses]
        assert [(308, address.replace("0001", "0002")) for address in addresses] == [
            (answer.status_code, answer.location) for answer in answers
        ]
    finally:
        app.extensions["torg"].close()


def test_what_is_gone_is_told_whatever_its_texts_hold(small_site):
    """A literal may hold line breaks that are none in N-Triples: a line separator, a next line, a vertical tab."""
    small_site.write([ROWS[0].replace("Skola 1", "Skola\u2028ett\u0085"), *ROWS[1:]])
    assert small_site.publish().blocked == []
    small_site.write(ROWS[1:])
    small_site.publish()
    app = create_app(small_site.folder, Settings())
    try:
        for kind in ("text/turtle", "text/html"):
            gone = app.test_client().get("/res/school/10000001", headers={"Accept": kind})
            assert gone.status_code == 410 and gone.mimetype == kind
            assert "ett" in gone.text
    finally:
        app.extensions["torg"].close()
