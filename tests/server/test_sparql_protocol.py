"""The SPARQL 1.1 Protocol as a pure function: what is a query, and what is refused with which status."""

from __future__ import annotations

from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import Problem
from server.sparql_protocol import FORM, QUERY, UPDATE, ProtocolRequest, parse_request

ASK = "query=ASK%20%7B%7D"
G1, G2 = "https://storby.example/graph/skolor", "https://storby.example/graph/bad"


def parsed(*parts: object) -> ProtocolRequest:
    found = parse_request(*parts)  # type: ignore[arg-type]
    assert found is not None
    return found


@pytest.mark.parametrize(
    "parts",
    [
        ("GET", ASK.encode()),
        ("GET", b"query=ASK+{}&unknown=1&sponge=http://169.254.169.254/"),
        ("POST", b"", FORM, ASK.encode()),
        ("POST", b"", "Application/X-WWW-Form-Urlencoded; charset=UTF-8", ASK.encode()),
        ("POST", b"", QUERY, b"ASK {}"),
        ("POST", b"", f'{QUERY}; charset="utf-8"', b"ASK {}"),
        ("POST", b"", QUERY, b"\xef\xbb\xbfASK {}"),
    ],
    ids=str,
)
def test_a_query_is_read_by_all_three_ways(parts: tuple[object, ...]) -> None:
    assert parsed(*parts) == ProtocolRequest("ASK {}")


@pytest.mark.parametrize("method", ["GET", "FORM", "DIRECT"])
def test_the_dataset_is_read_by_all_three_ways(method: str) -> None:
    graphs = urlencode([("default-graph-uri", G1), ("default-graph-uri", G2), ("named-graph-uri", G2)])
    found = {
        "GET": lambda: parsed("GET", f"{ASK}&{graphs}".encode()),
        "FORM": lambda: parsed("POST", b"", FORM, f"{ASK}&{graphs}".encode()),
        "DIRECT": lambda: parsed("POST", graphs.encode(), QUERY, b"ASK {}"),
    }[method]()
    assert (found.default_graphs, found.named_graphs) == ((G1, G2), (G2,))


def test_no_query_asks_for_the_description() -> None:
    assert parse_request("GET", b"") is None
    assert parse_request("GET", b"format=ttl&lang=en") is None


@pytest.mark.parametrize(
    ("parts", "status"),
    [
        (("GET", f"{ASK}&{ASK}".encode()), 400),
        (("GET", b"query=ASK%FF"), 400),
        (("GET", f"{ASK}&default-graph-uri=relativ".encode()), 400),
        (("GET", f"{ASK}&named-graph-uri={quote('http://a/<>')}".encode()), 400),
        (("GET", b"default-graph-uri=http://a/"), 400),
        (("GET", b"query=%00"), 400),
        (("GET", ("&".join(["a=1"] * 600)).encode()), 400),
        (("GET", ("query=ASK&" + "&".join(f"default-graph-uri=a:{n}" for n in range(101))).encode()), 400),
        (("GET", b"update=CLEAR+ALL"), 403),
        (("GET", f"{ASK}&using-graph-uri=http://a/".encode()), 403),
        (("POST", b"", FORM, b"update=CLEAR+ALL"), 403),
        (("POST", b"", FORM, b"update=CLEAR+ALL&update=CLEAR+ALL"), 400),
        (("POST", b"", FORM, b""), 400),
        (("POST", b"", FORM, b"query=ASK%FF"), 400),
        (("POST", ASK.encode(), QUERY, b"ASK {}"), 400),
        (("POST", b"", QUERY, b"\xff\xfeA"), 400),
        (("POST", b"", QUERY + "; charset=UTF-16", "ASK {}".encode("utf-16")), 415),
        (("POST", b"", FORM + "; charset=iso-8859-1", ASK.encode()), 415),
        (("POST", b"", UPDATE, b"CLEAR ALL"), 403),
        (("POST", b"", "text/plain", b"ASK {}"), 415),
        (("POST", b"", None, b"ASK {}"), 415),
        (("POST", b"", "", ASK.encode()), 415),
        (("POST", b"", "multipart/form-data; boundary=x", b"ASK {}"), 415),
        (("POST", b"", QUERY, b"ASK {}", "gzip"), 415),
    ],
    ids=str,
)
def test_what_is_refused(parts: tuple[object, ...], status: int) -> None:
    with pytest.raises(Problem) as caught:
        parse_request(*parts)  # type: ignore[arg-type]
    assert caught.value.status == status
    assert caught.value.detail
    if status == 415:
        assert QUERY in caught.value.headers["Accept-Post"]


@given(st.binary(max_size=80), st.text(max_size=60), st.binary(max_size=80), st.sampled_from(["GET", "POST"]))
def test_any_request_gives_a_query_a_description_or_a_problem(
    query_string: bytes, content_type: str, body: bytes, method: str
) -> None:
    try:
        parse_request(method, query_string, content_type, body)
    except Problem as problem:
        assert 400 <= problem.status < 500
