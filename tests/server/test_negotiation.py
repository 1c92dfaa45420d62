"""The decision table of content negotiation, with the headers that real clients send."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.negotiation import Offer, negotiate, negotiate_language

HTML = "text/html"
TURTLE = "text/turtle"
JSONLD = "application/ld+json"
RDFXML = "application/rdf+xml"
NT = "application/n-triples"
CSV = "text/csv"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
OFFERS = [
    Offer(HTML, ("application/xhtml+xml",)),
    Offer(TURTLE, ("text/n3",)),
    Offer(JSONLD, ("application/json",)),
    Offer(RDFXML, ("application/xml", "text/xml")),
    Offer(NT, ("text/plain",)),
    Offer(CSV),
    Offer(XLSX),
]

CHROME = (
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,"
    "application/signed-exchange;v=b3;q=0.7"
)
CASES = {
    "no header": (None, HTML),
    "empty": ("", HTML),
    "anything": ("*/*", HTML),
    "curl": ("*/*", HTML),
    "python requests": ("*/*", HTML),
    "wget": ("*/*", HTML),
    "chrome": (CHROME, HTML),
    "firefox": ("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8", HTML),
    "safari": ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", HTML),
    "googlebot": (
        "text/html,application/xhtml+xml,application/signed-exchange;v=b3,application/xml;q=0.9,*/*;q=0.8",
        HTML,
    ),
    "internet explorer 8": ("image/gif, image/jpeg, application/x-ms-application, */*", HTML),
    "rdflib": (
        "text/turtle, application/rdf+xml;q=0.9, text/n3;q=0.8, application/n-triples;q=0.8, "
        "application/ld+json;q=0.8, */*;q=0.1",
        TURTLE,
    ),
    "rdflib asked for xml": ("application/rdf+xml, */*;q=0.1", RDFXML),
    "jena": (
        "text/turtle,application/n-triples;q=0.9,application/ld+json;q=0.8,application/rdf+xml;q=0.7,*/*;q=0.3",
        TURTLE,
    ),
    "old jena": ("application/rdf+xml, text/turtle;q=0.9, */*;q=0.1", RDFXML),
    "comunica": (
        "application/n-quads,application/trig;q=0.95,application/ld+json;q=0.9,application/n-triples;q=0.8,"
        "text/turtle;q=0.6,application/rdf+xml;q=0.5,text/n3;q=0.35,application/xml;q=0.3,image/svg+xml;q=0.3,"
        "text/html;q=0.2,application/xhtml+xml;q=0.18",
        JSONLD,
    ),
    "pandas read_csv": ("*/*", HTML),
    "r jsonlite and httr": ("application/json, text/xml, application/xml, */*", JSONLD),
    "r readr": ("text/csv, */*;q=0.5", CSV),
    "axios": ("application/json, text/plain, */*", JSONLD),
    "excel open": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet, */*;q=0.1", XLSX),
    "excel power query": ("*/*", HTML),
    "fetch json": ("application/json", JSONLD),
    "java url connection": ("text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", HTML),
    "q decides": ("text/turtle;q=0.5, application/ld+json;q=0.9", JSONLD),
    "q default is one": ("text/html;q=0.9, text/turtle", TURTLE),
    "small q": ("text/html;q=0.1, application/rdf+xml;q=0.2", RDFXML),
    "refused by zero": ("text/html;q=0, */*;q=0.1", TURTLE),
    "specific beats range": ("text/*;q=0.9, text/turtle;q=0.1, application/n-triples;q=0.5", HTML),
    "type wildcard": ("application/*, text/html;q=0.5", JSONLD),
    "outright beats wildcard at equal q": ("text/turtle, */*", TURTLE),
    "our order at ties": ("application/n-triples, text/turtle", TURTLE),
    "letter case": ("Text/TURTLE", TURTLE),
    "profile parameter": (
        'application/ld+json;profile="http://www.w3.org/ns/json-ld#compacted", text/html;q=0.5',
        JSONLD,
    ),
    "comma in a quoted parameter": ('application/ld+json;profile="a,text/html", text/turtle;q=0.5', JSONLD),
    "charset parameter": ("text/turtle;charset=utf-8", TURTLE),
    "q among parameters": ("text/turtle;charset=utf-8;q=0.2, application/n-triples;q=0.4", NT),
    "unknown first": ("image/png, text/turtle;q=0.1", TURTLE),
    "nothing fits": ("image/png", None),
    "everything refused": ("*/*;q=0", None),
    "bad q is passed over": ("text/turtle;q=x, application/n-triples;q=0.5", NT),
    "only a bad q": ("text/turtle;q=x", HTML),
    "commas": (",,", HTML),
    "half a type": ("text/", HTML),
    "no type": (";q=1", HTML),
    "a star": ("*", HTML),
    "star with subtype": ("*/turtle", HTML),
    "q above one": ("text/turtle;q=5, text/csv", CSV),
}


@pytest.mark.parametrize(("accept", "chosen"), CASES.values(), ids=CASES.keys())
def test_media_type(accept: str | None, chosen: str | None) -> None:
    offer = negotiate(accept, OFFERS)
    assert (offer.media_type if offer else None) == chosen


def test_a_huge_header_is_read_in_part() -> None:
    assert negotiate("a/b;c=" + "d" * 100_000 + ", text/turtle", OFFERS) is None
    assert negotiate("text/turtle, " + "x/y," * 50_000, OFFERS) == OFFERS[1]


@given(st.text(max_size=200))
def test_no_header_is_an_error(header: str) -> None:
    offer = negotiate(header, OFFERS)
    assert offer is None or offer in OFFERS
    assert negotiate_language(header, ["sv", "en"], "sv") in ("sv", "en")


LANGUAGES = {
    "none": (None, "sv"),
    "empty": ("", "sv"),
    "anything": ("*", "sv"),
    "swedish": ("sv", "sv"),
    "english": ("en", "en"),
    "a region": ("en-GB", "en"),
    "letter case": ("EN-us", "en"),
    "a real browser": ("sv-SE,sv;q=0.9,en-US;q=0.8,en;q=0.7", "sv"),
    "an English browser": ("en-US,en;q=0.9,sv;q=0.8", "en"),
    "weights": ("sv;q=0.2, en;q=0.9", "en"),
    "unknown first": ("xx, en-AA;q=0.8", "en"),
    "unknown only": ("de", "sv"),
    "Swedish refused": ("sv;q=0, *;q=0.5", "en"),
    "all refused": ("*;q=0", "sv"),
    "malformed": (";;,q=,-", "sv"),
}


@pytest.mark.parametrize(("header", "chosen"), LANGUAGES.values(), ids=LANGUAGES.keys())
def test_language(header: str | None, chosen: str) -> None:
    assert negotiate_language(header, ["sv", "en"], "sv") == chosen
