"""Which content coding an answer gets."""

from __future__ import annotations

import gzip

import pytest

from server.codings import choose_coding, coded_tag, coders, matches, worth_coding


@pytest.mark.parametrize(
    ("accept", "coding"),
    [
        (None, ""),
        ("", ""),
        ("gzip", "gzip"),
        ("GZIP", "gzip"),
        ("x-gzip", "gzip"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("zstd;q=0.2, gzip;q=0.9", "gzip"),
        ("gzip;q=0", ""),
        ("*", "zstd"),
        ("*;q=0.1, gzip;q=0", "zstd"),
        ("identity", ""),
        ("identity;q=1, gzip;q=0.5", ""),
        ("identity;q=0.5, gzip", "gzip"),
        ("br", ""),
        ("gzip;q=nonsense", ""),
        (";;;,gzip" * 300, "gzip"),
    ],
)
def test_the_coding_a_client_likes_best(accept: str | None, coding: str) -> None:
    assert choose_coding(accept, ("zstd", "gzip")) == coding


@pytest.mark.parametrize(
    ("content_type", "worth"),
    [
        ("text/html; charset=utf-8", True),
        ("application/sparql-results+json", True),
        ("application/rdf+xml", True),
        ("application/n-triples; charset=utf-8", True),
        ("image/svg+xml", True),
        ("image/png", False),
        ("application/gzip", False),
        ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", False),
        ("", False),
    ],
)
def test_text_is_worth_coding_and_what_is_packed_is_not(content_type: str, worth: bool) -> None:
    assert worth_coding(content_type, 10_000) is worth
    assert not worth_coding(content_type, 100)


def test_codings_give_the_bytes_back_and_the_same_bytes_each_time() -> None:
    data = "Åsens öppna data ".encode() * 500
    coded = coders()["gzip"](data)
    assert gzip.decompress(coded) == data and len(coded) < len(data) / 10
    assert coders()["gzip"](data) == coded


def test_each_coding_has_its_own_tag() -> None:
    assert coded_tag('"abc"', "gzip") != '"abc"'
    assert coded_tag('"abc"', "") == '"abc"'
    assert coded_tag("", "gzip") == ""
    assert matches('"zz", W/"abc.gzip"', coded_tag('"abc"', "gzip"))
    assert not matches('"abc"', coded_tag('"abc"', "gzip"))
    assert not matches('"abc"', "")
