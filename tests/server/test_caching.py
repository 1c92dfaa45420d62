"""Validators, lifetimes and headers: what a proxy may keep, and what it must not."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

DOCUMENT = "/res/school/09903001"
CHROME = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
PUBLIC = [DOCUMENT, f"{DOCUMENT}.ttl", "/", "/spec/torg", "/spec/skolor", "/graph/granby/skolor", "/.well-known/void",
          "/prefixes", "/sitemap.xml", "/robots.txt", "/dumps/", "/dumps/SHA256SUMS", "/dumps/granby/skolor.nt.gz",
          "/rdf-graph-store?default", "/resource?uri=http%3A%2F%2Fwww.w3.org%2Fns%2Fdcat%23Dataset"]  # fmt: skip


@pytest.mark.parametrize("path", PUBLIC)
@pytest.mark.parametrize("accept", ["text/turtle, */*;q=0.1", CHROME])
def test_every_public_answer_can_be_kept_and_validated(client: FlaskClient, path: str, accept: str) -> None:
    first = client.get(path, headers={"Accept": accept}, buffered=True)
    assert first.status_code == 200
    assert first.headers["Cache-Control"] == "public, max-age=60, stale-while-revalidate=300"
    tag = first.headers["ETag"]
    assert tag.startswith('"')
    assert client.get(path, headers={"Accept": accept}, buffered=True).data == first.data
    for sent in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = client.get(path, headers={"Accept": accept, "If-None-Match": sent}, buffered=True)
        assert (again.status_code, again.data) == (304, b"")
        for name in ("ETag", "Cache-Control", "Vary"):
            assert again.headers.get(name) == first.headers.get(name)
    other = client.get(path, headers={"Accept": accept, "If-None-Match": '"other"'}, buffered=True)
    assert other.status_code == 200


def test_each_representation_has_its_own_tag(client: FlaskClient) -> None:
    tags = [
        client.get(DOCUMENT, headers={"Accept": accept, "Accept-Language": language}).headers["ETag"]
        for accept, language in [
            ("text/turtle", "sv"),
            ("application/ld+json", "sv"),
            ("application/rdf+xml", "sv"),
            ("application/n-triples", "sv"),
            (CHROME, "sv"),
            (CHROME, "en"),
        ]
    ]
    assert len(set(tags)) == len(tags)


def test_vary_names_what_was_negotiated(client: FlaskClient) -> None:
    assert client.get(DOCUMENT).headers["Vary"] == "Accept, Accept-Language, Accept-Datetime"
    turtle = client.get(DOCUMENT, headers={"Accept": "text/turtle"})
    assert turtle.headers["Vary"] == "Accept, Accept-Language, Accept-Profile, Accept-Datetime"
    assert "Vary" not in client.get(f"{DOCUMENT}.ttl").headers
    assert client.get(f"{DOCUMENT}.html").headers["Vary"] == "Accept-Language"
    assert client.get("/res/school/none").headers["Vary"] == "Accept, Accept-Language, Accept-Datetime"


def test_errors_are_kept_shortly_or_not_at_all(client: FlaskClient) -> None:
    assert client.get("/id/school/none").headers["Cache-Control"] == "public, max-age=60"
    assert client.get("/resource").headers["Cache-Control"] == "no-store"
    assert client.post(DOCUMENT).headers["Cache-Control"] == "no-store"


def test_service_answers_are_never_kept(client: FlaskClient) -> None:
    for path in ("/-/health", "/-/ready"):
        response = client.get(path)
        assert (response.status_code, response.headers["Cache-Control"]) == (200, "no-store")


def test_data_carries_what_data_needs(client: FlaskClient) -> None:
    headers = client.get(DOCUMENT, headers={"Accept": "text/turtle"}).headers
    assert (headers["X-Content-Type-Options"], headers["Access-Control-Allow-Origin"]) == ("nosniff", "*")
    assert "Link" in headers["Access-Control-Expose-Headers"]
    assert "Content-Security-Policy" not in headers  # no browser shows it, so nothing could run
    assert "Content-Security-Policy" in client.get(DOCUMENT, headers={"Accept": "application/rdf+xml"}).headers


@pytest.mark.parametrize("path", [DOCUMENT, "/", "/nowhere", "/id/school/09903001", "/static/plain.css"])
def test_security_headers_are_on_every_page(client: FlaskClient, path: str) -> None:
    headers = client.get(path, headers={"Accept": CHROME}, buffered=True).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert "base-uri 'none'" in policy and "frame-ancestors 'none'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"]
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in headers
    assert "Set-Cookie" not in headers


def test_preflight(client: FlaskClient) -> None:
    response = client.options(
        DOCUMENT, headers={"Origin": "https://app.example", "Access-Control-Request-Method": "GET"}
    )
    assert response.status_code == 200
    assert "GET" in response.headers["Access-Control-Allow-Methods"]
    assert "Accept" in response.headers["Access-Control-Allow-Headers"]
