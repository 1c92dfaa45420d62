"""The token scan: what it reads from a query, what it refuses and where, and that it stays linear."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.errors import Problem
from server.sparql_scan import ScanLimits, place, scan

KNOWN = {"schema": "https://schema.org/"}


def refused(text: str, limits: ScanLimits | None = None) -> Problem:
    with pytest.raises(Problem) as caught:
        scan(text, limits or ScanLimits(), KNOWN)
    return caught.value


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("ASK {}", "ASK"),
        ("select * { ?s ?p ?o }", "SELECT"),
        ("# en fråga\nBASE <http://a/> PREFIX : <b> DESCRIBE :x", "DESCRIBE"),
        ("PREFIX select: <http://a/> CONSTRUCT WHERE { ?s select:ask ?o }", "CONSTRUCT"),
        ("INSERT DATA { <a:a> <a:b> 1 }", "UPDATE"),
        ("PREFIX a: <b:> LOAD <http://a/>", "UPDATE"),
        ("WITH <a:g> DELETE { ?s ?p ?o } WHERE { ?s ?p ?o }", "UPDATE"),
    ],
)
def test_the_form_is_the_first_keyword_after_the_prologue(text: str, form: str) -> None:
    assert scan(text).form == form


def test_the_dataset_is_resolved_against_prefixes_and_base() -> None:
    found = scan(
        "BASE <http://torg.example/graph/> PREFIX g: <http://torg.example/graph/storby/> "
        "SELECT * FROM <skolor> FROM g:bad FROM <skolor> FROM NAMED g:parker { GRAPH ?g { ?s ?p ?o } }"
    )
    assert found.default_graphs == ("http://torg.example/graph/skolor", "http://torg.example/graph/storby/bad")
    assert found.named_graphs == ("http://torg.example/graph/storby/parker",)


@pytest.mark.parametrize("call", ["RAND()", "NOW()", "STRUUID()", "UUID()", "BNODE()"])
def test_a_query_whose_answer_changes_is_known(call: str) -> None:
    assert not scan(f"SELECT ({call} AS ?x) {{}}").deterministic
    assert scan(f'SELECT ("{call}" AS ?x) {{}} # {call}').deterministic


SERVICE = [
    "ASK { SERVICE <http://a/> { ?s ?p ?o } }",
    "ASK { service silent <http://a/> { ?s ?p ?o } }",
    "ASK { SERVICE ?where { ?s ?p ?o } }",
    "ASK { SERVICE# en kommentar\n<http://a/> {} }",
    "ASK { ?s ?p trueSERVICE <http://a/> {} }",
    "ASK { SERVICESILENT<http://a/>{} }",
    "PREFIX SERVICE: <a:a> PREFIX : <http://a/> ASK { SERVICE:x { ?s ?p ?o } }",
    "PREFIX servicesilent: <a:a> PREFIX : <http://a/> ASK { ?s ?p 1 . servicesilent:x{ } }",
    r"""ASK { FILTER('a\u0027' = 'b') SERVICE <http://a/> {} FILTER('b' = 'b') }""",
    r"""ASK { FILTER("a\U00000022" = "b") } SERVICE <http://a/> {} #" }""",
    "SELECT * { { SELECT * { OPTIONAL { SERVICE <http://169.254.169.254/> {} } } } }",
    "ASK { FILTER(?a<?b)SERVICE<http://e/>{} }",
]


@pytest.mark.parametrize("text", SERVICE)
def test_service_is_refused_however_it_hides(text: str) -> None:
    problem = refused(text)
    assert problem.status == 403
    assert "SERVICE" in problem.detail


@pytest.mark.parametrize(
    "text",
    [
        "ASK { <http://a/SERVICE> ?p 'SERVICE <http://a/> {}' } # SERVICE",
        'ASK { ?SERVICE <http://a/#SERVICE> """SERVICE\n"""@sv }',
        "PREFIX service: <http://a/> SELECT * FROM service:g { GRAPH service:g { service:x ?p service:y } }",
        r"ASK { FILTER('\u0053ERVICE' = 'x') }",
    ],
)
def test_the_word_service_in_data_is_no_reason_to_refuse(text: str) -> None:
    assert scan(text).form in ("ASK", "SELECT")


def test_an_undeclared_prefix_is_named_with_its_place_and_our_declaration() -> None:
    problem = refused("SELECT *\nWHERE { ?s schema:name ?o }")
    assert (problem.status, problem.extra["line"], problem.extra["column"]) == (400, 2, 12)
    assert "PREFIX schema: <https://schema.org/>" in problem.detail
    assert "Add" not in refused("ASK { ?s okänd:name ?o }").detail


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("ASK " + "{" * 101 + "}" * 101, "nested"),
        ("ASK { FILTER(" + "(" * 120 + "1" + ")" * 120 + ") }", "nested"),
        ("SELECT (" + "STR(" * 120 + "1" + ")" * 120 + " AS ?x) {}", "nested"),
        ("ASK { FILTER(" + "!" * 51 + "true) }", "prefix operators"),
        ("ASK { FILTER(" + " || ".join(["true"] * 2002) + ") }", "operators in one chain"),
        ("ASK { " + " UNION ".join(["{}"] * 2002) + " }", "operators in one chain"),
        ("ASK { ?s " + "/".join(["<a:b>"] * 51) + " ?o }", "steps"),
        ("ASK { ?s (" + "|".join(["<a:b>"] * 51) + ")* ?o }", "steps"),
        ("ASK { " + " ".join(f"?a{n} ?b ?c ." for n in range(201)) + " }", "triple patterns"),
        ("ASK { ?s ?p " + " , ".join(str(n) for n in range(202)) + " }", "triple patterns"),
        ("ASK { ?s ?p (" + "1 " * 202 + ") }", "triple patterns"),
        ("ASK { ?s ?p ?o FILTER(REGEX(?o, '" + "a" * 1100 + "')) }", "pattern is longer"),
        ("ASK { ?x ?y 'slutar inte }", "no SPARQL token"),
        ("¤ASK {}", "no SPARQL token"),
        ("", "ends before"),
        ("VÄLJ * {}", "expected SELECT"),
    ],
)
def test_what_a_limit_refuses_is_named_with_line_and_column(text: str, what: str) -> None:
    problem = refused(text)
    assert problem.status == 400
    assert what in problem.detail
    assert problem.extra["line"] >= 1


def test_a_text_over_the_limit_is_413_by_its_bytes() -> None:
    assert refused("ASK {} #" + "å" * 50, ScanLimits(bytes=100)).status == 413


@pytest.mark.parametrize(
    "text",
    [
        "SELECT (" + "/".join(["1"] * 100) + " AS ?x) {}",
        "ASK { FILTER(1 IN (" + ",".join(["1"] * 20_000) + ")) }",
        "ASK { VALUES (?x ?y) { " + "(1 2) " * 20_000 + "} }",
        "ASK { ?s ?p ?o FILTER(REPLACE(?o, 'a', '" + "b" * 2000 + "') = 'x') }",
        "ASK { ?s <a:b>/(<a:c>|^<a:d>)* ?o ; a <a:E> . << ?s ?p ?o >> ?x ?y . FILTER(?a<?b && ?c>?d) }",
        "SELECT (COUNT(*) AS ?n) { ?s ?p 1., -2.5e3 }",
    ],
)
def test_ordinary_and_large_queries_pass(text: str) -> None:
    assert scan(text).form in ("ASK", "SELECT")


@pytest.mark.parametrize(
    "text",
    [
        "ASK { " + piece * (240_000 // len(piece))
        for piece in ("a.", "<a", "<", "'a' ", "'''a", "a:.", "?a", "\\u0041", "#a\n")
    ],
    ids=lambda text: text[6:12],
)
def test_any_text_is_read_in_linear_time(text: str) -> None:
    started = time.process_time()
    try:
        scan(text)
    except Problem:
        pass
    assert time.process_time() - started < 2


@given(st.text(alphabet="ASKELCT?{}()[]<>.;,|/^!'\"\\u0053 #:a\n", max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_text_gives_a_scan_or_a_problem(text: str) -> None:
    try:
        assert scan(text).form
    except Problem as problem:
        assert problem.status in (400, 403)


def test_places_count_from_one() -> None:
    assert [place("å\nb", n) for n in (0, 1, 2, 3)] == [(1, 1), (1, 2), (2, 1), (2, 2)]
