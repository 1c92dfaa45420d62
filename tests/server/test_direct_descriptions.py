"""Descriptions answered past the application are those of the application, to the byte, and only the plain ones are."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from urllib.parse import unquote

import pytest
from flask import Flask
from werkzeug.test import EnvironBuilder

from server import direct_descriptions
from server.direct_descriptions import DirectDescriptions

Given = tuple[str, list[tuple[str, str]], bytes]
SCHOOL = "/res/school/09903001"
THINGS = [
    SCHOOL,
    "/res/dataset/alvhult/skolor",
    "/res/def/service/T3",
    "/res/def/account/71%3A2",
    "/res/organization/2120009929",
    "/res/catalog",
    "/res/contact/alvhult/oppnadata%40alvhult.example",
]
PROGRAMS = {
    "curl": "text/turtle",
    "rdflib": "application/xml, application/rdf+xml;q=0.9, text/turtle;q=0.8, */*;q=0.1",
    "jena": "text/turtle,application/n-triples;q=0.9,application/ld+json;q=0.8,application/rdf+xml;q=0.7,*/*;q=0.3",
    "comunica": "application/n-quads,application/trig;q=0.95,application/ld+json;q=0.9,application/n-triples;q=0.8",
    "picky": "text/turtle;q=0, application/n-triples",
}


def given(application: Callable, path: str, method: str = "GET", host: str = "localhost", **headers: str) -> Given:
    """Return (status, headers, body) of what a WSGI application answers."""
    address, _, query = path.partition("?")
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    environ = EnvironBuilder(method=method, query_string=query, headers=named, base_url=f"http://{host}").get_environ()
    environ["PATH_INFO"] = unquote(address, "latin-1")
    environ["wsgi.input"] = BytesIO()
    said: list = []
    body = application(environ, lambda status, headers, exc_info=None: said.extend((status, list(headers))))
    return said[0], said[1], b"".join(body)


def plain(app: Flask) -> Callable:
    """Return the application without the layers around it."""
    return lambda environ, start: Flask.wsgi_app(app, environ, start)


@pytest.fixture
def layer(app: Flask) -> DirectDescriptions:
    """The layer around an application that refuses to be asked."""

    def asked(environ: dict, start: Callable) -> list[bytes]:
        start("500 Asked", [])
        return []

    return DirectDescriptions(asked, app.extensions["torg"])


@pytest.mark.parametrize("accept", PROGRAMS.values(), ids=PROGRAMS)
def test_what_programs_ask_for_is_the_applications_own_answer(
    app: Flask, layer: DirectDescriptions, accept: str
) -> None:
    paths = [path for path in THINGS if given(plain(app), path, Accept=accept)[0] == "200 OK"]
    assert len(paths) > 4
    for path in paths:
        assert given(layer, path, Accept=accept) == given(plain(app), path, Accept=accept)


@pytest.mark.parametrize("suffix", ["ttl", "jsonld", "rdf"])
def test_fixed_representations_are_the_applications_own(app: Flask, layer: DirectDescriptions, suffix: str) -> None:
    for accept in ("text/html", "image/png", "application/ld+json"):
        wanted = given(plain(app), f"{SCHOOL}.{suffix}", Accept=accept)
        assert wanted[0] == "200 OK"
        assert given(layer, f"{SCHOOL}.{suffix}", Accept=accept) == wanted


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        (SCHOOL, {"Accept": "text/html,*/*;q=0.8"}),
        (SCHOOL, {}),
        (SCHOOL, {"Accept": "text/csv"}),
        (SCHOOL, {"Accept": "image/png"}),
        (SCHOOL, {"Accept": "text/turtle", "method": "HEAD"}),
        (SCHOOL, {"Accept": "text/turtle", "Accept-Datetime": "Sun, 01 Mar 2026 12:00:00 GMT"}),
        (SCHOOL, {"Accept": "text/turtle", "Accept-Profile": "<http://www.w3.org/Submission/CBD/>"}),
        (SCHOOL, {"Accept": "text/turtle", "If-None-Match": "*"}),
        (SCHOOL, {"Accept": "text/turtle", "Accept-Encoding": "x" * 20_000}),
        (f"{SCHOOL}?lang=en", {"Accept": "text/turtle"}),
        (f"{SCHOOL}.nt", {"Accept": "text/turtle"}),
        (f"{SCHOOL}.trig", {"Accept": "text/turtle"}),
        ("/res/school/none", {"Accept": "text/turtle"}),
        ("/res/unit/9902/Ba%CC%88ckaskolan", {"Accept": "text/turtle"}),
        ("/res/unit/9902/B%E4ckaskolan", {"Accept": "text/turtle"}),
        ("/id/school/09903001", {"Accept": "text/turtle"}),
    ],
)
def test_everything_else_is_left_to_the_application(
    app: Flask, layer: DirectDescriptions, path: str, asked: dict
) -> None:
    assert given(layer, path, **asked)[0] == "500 Asked"


def test_a_host_whose_addresses_lead_on_is_left_to_the_application(app: Flask, layer: DirectDescriptions) -> None:
    moved = DirectDescriptions(layer._app, app.extensions["torg"], ["old.example"])
    assert given(moved, SCHOOL, host="old.example:8080", Accept="text/turtle")[0] == "500 Asked"
    assert given(moved, SCHOOL, host="new.example", Accept="text/turtle")[0] == "200 OK"


def test_a_fault_is_told_by_the_application(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise OSError("disk")

    monkeypatch.setattr(direct_descriptions, "represent", broken)
    both = DirectDescriptions(plain(app), app.extensions["torg"])
    assert given(both, SCHOOL, Accept="text/turtle") == given(plain(app), SCHOOL, Accept="text/turtle")
