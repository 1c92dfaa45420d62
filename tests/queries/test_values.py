"""Values as terms: whatever is given becomes one term of its type, or is refused; it never becomes query text."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyoxigraph import Literal, NamedNode, Store

import queries
from queries import ParameterError
from queries.values import TYPES, term
from server.uris import UriSpace

URIS = UriSpace("https://data.norrsjo.example/", "https://begrepp.example/")
XSD = "http://www.w3.org/2001/XMLSchema#"
STORE = Store()

ATTACKS = [
    '" } SELECT * WHERE { ?s ?p ?o',
    '"9901" } UNION { ?s ?p ?o } #',
    "9901 }\n VALUES ?year { 2026",
    "\\",
    '\\" } #',
    "a\\u0022 } ",
    "https://x.example/> } UNION { ?s ?p ?o } #<",
    "https://x.example/\\u003E",
    "https://x.example/ y",
    "2026 UNDEF",
    '2026-01-01"^^<http://x.example/>',
    "2026; DROP ALL",
    "1e400",
    "٢٠٢٦",
    "²",
    "NaN",
    "-0",
    'sv" }',
    "\x00",
    "a\x0bb",
    "\ud800",
    "'''",
    "?year",
    "$year",
    "_:b0",
    "<x>",
    "{ }",
    "%00",
    "javascript:alert(1)",
    "\u202e",
]


def written(type: str, text: str) -> str | None:
    return term(type, text, URIS.resolve)


def parsed(text: str) -> Literal | NamedNode:
    """Return the one term that a written term is in a query."""
    ((found,),) = [tuple(row) for row in STORE.query(f"SELECT ?x {{ VALUES ?x {{ {text} }} }}")]
    return found


@pytest.mark.parametrize("type", TYPES)
@pytest.mark.parametrize("attack", ATTACKS)
def test_what_looks_like_a_query_is_a_term_or_refused(type: str, attack: str) -> None:
    found = written(type, attack)
    if found is None:
        return
    value = parsed(found)
    if type in ("string", "iri"):
        assert value.value == attack
    else:
        # A language tag is compared without case, and minus zero is zero.
        assert value.value in (attack, attack.lower(), "0")


@given(st.sampled_from(sorted(TYPES)), st.text(max_size=60))
@settings(max_examples=600, deadline=None)
def test_any_text_is_one_term_or_refused(type: str, text: str) -> None:
    found = written(type, text)
    if found is not None:
        assert isinstance(parsed(found), NamedNode if type == "iri" else Literal)


@given(st.text(alphabet=st.characters(blacklist_categories=["Cc", "Cs"]), min_size=1, max_size=80))
@settings(max_examples=300, deadline=None)
def test_every_text_without_controls_comes_through_whole(text: str) -> None:
    import unicodedata

    found = written("string", text)
    assert found is not None
    assert parsed(found).value == unicodedata.normalize("NFC", text)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**12), max_value=10**12))
@settings(max_examples=200, deadline=None)
def test_decimals_keep_every_digit(number: Decimal) -> None:
    found = written("decimal", f"{number:f}")
    assert found is not None
    value = parsed(found)
    assert isinstance(value, Literal) and value.datatype.value == XSD + "decimal"
    assert Decimal(value.value) == number


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize(
    ("name", "parameter"),
    [("ledger/spending-by-municipality", "municipality"), ("ledger/spending-by-municipality", "year"),
     ("concept/search", "text"), ("place/near", "type"), ("change/datasets", "since"), ("place/near", "latitude")],
)  # fmt: skip
def test_a_bound_query_has_the_shape_of_its_file(name: str, parameter: str, attack: str) -> None:
    query = queries.get(name)
    values = query.examples() | {parameter: [attack]}
    try:
        text = query.bind(values, URIS.resolve, URIS.concepts)
    except ParameterError:
        return
    # All that may differ is the one line of the parameter, and it is still one line of one term.
    usual = query.bind(query.examples(), URIS.resolve, URIS.concepts).split("\n")
    lines = text.split("\n")
    assert len(lines) == len(usual)
    changed = [line for line, was in zip(lines, usual, strict=True) if line != was]
    assert all(line.startswith(f"  VALUES ?{parameter} {{ ") and line.endswith(" }") for line in changed)
    for line in changed:
        parsed(line.removeprefix(f"  VALUES ?{parameter} {{ ").removesuffix(" }"))


@pytest.mark.parametrize(
    ("type", "text", "expected"),
    [
        ("iri", "def/spending/K71", "<https://begrepp.example/def/spending/K71>"),
        ("iri", "/id/school/12345678", "<https://data.norrsjo.example/id/school/12345678>"),
        ("iri", "https://schema.org/School", "<https://schema.org/School>"),
        ("iri", "urn:sha256:00", "<urn:sha256:00>"),
        ("iri", "school/1", None),
        ("iri", "Åsens skola", None),
        ("integer", "+12", "12"),
        ("integer", "12.0", None),
        ("integer", "1" * 19, None),
        ("decimal", "61,04", "61.04"),
        ("decimal", "-5", "-5.0"),
        ("decimal", "1 000", None),
        ("decimal", ".5", None),
        ("date", "2026-02-28", f'"2026-02-28"^^<{XSD}date>'),
        ("date", "2026-02-30", None),
        ("date", "2026-2-3", None),
        ("notation", "O1.2", '"O1.2"'),
        ("notation", "två ord", None),
        ("language", "SV", '"sv"'),
        ("language", "sv_SE", None),
        ("string", "", None),
        ("string", "x" * 2001, None),
        ("string", "A\u030asen", '"Åsen"'),
        ("string", "två\nrader", '"två\\nrader"'),
    ],
)
def test_values_by_type(type: str, text: str, expected: str | None) -> None:
    assert written(type, text) == expected
