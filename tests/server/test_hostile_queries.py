"""The threat table's queries against the pool: an answer or a Problem in time, and nothing else comes to harm."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pyoxigraph as ox
import pytest

import queries
from server.errors import Problem
from server.readers import Limits, ReaderPool
from server.sparql_scan import QUERY_FORMS, scan

from .hostile import EVALUATED, NESTED, generated

SECONDS = 1.0
LIMITS = Limits(seconds=SECONDS, memory_mb=300, rows=20_000, bytes=2_000_000)
REFUSED = {400, 403, 413, 422}
STOPPED = {503, 504}


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReaderPool]:
    path = tmp_path_factory.mktemp("hostile") / "store"
    store = ox.Store(str(path))
    store.extend(
        ox.Quad(ox.NamedNode(f"http://a/{n % 90}"), ox.NamedNode(f"http://a/p{n % 5}"), object, graph)
        for n in range(600)
        for object in (ox.Literal(n), ox.Literal(str(n)), ox.NamedNode(f"http://a/{n * 7 % 90}"))
        for graph in (ox.DefaultGraph(), ox.NamedNode("http://a/g"))
    )
    store.flush()
    del store
    with ReaderPool(path, readers=2, limits=LIMITS) as pool:
        yield pool


def outcome(pool: ReaderPool, query: str) -> int:
    """Return the status that a client would see, and fail when it comes too late or the pool does not live on."""
    media_type = "application/sparql-results+json"
    started = time.monotonic()
    try:
        if scan(query).is_graph:
            media_type = "application/n-triples"
        pool.query(query, accept_format=media_type)
        status = 200
    except Problem as problem:
        status = problem.status
        assert problem.detail
        if status == 503:
            assert problem.headers["Retry-After"]
    assert time.monotonic() - started < SECONDS + 5
    return status


def light(pool: ReaderPool) -> None:
    answer = pool.query("ASK {}", accept_format="application/sparql-results+json")
    assert answer.body == b'{"head":{},"boolean":true}'


@pytest.mark.parametrize("depth", [40, 300, 1_000, 20_000])
@pytest.mark.parametrize("shape", NESTED)
def test_nesting_never_reaches_the_stack_of_the_web_process(pool: ReaderPool, shape: str, depth: int) -> None:
    crashes = pool.counts.deaths["crash"]
    status = outcome(pool, NESTED[shape](depth))
    assert status in {200} | REFUSED | STOPPED
    assert pool.counts.deaths["crash"] == crashes, "a reader crashed on what the scan let through"
    light(pool)


# Each waits for its limit; one of each kind is enough for every day.
_QUICK = ("construct", "doubling", "many_optionals", "paths", "values_list")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in _QUICK else pytest.mark.slow) for name in EVALUATED]
)
def test_evaluation_stops_at_its_limits(pool: ReaderPool, name: str) -> None:
    status = outcome(pool, EVALUATED[name])
    assert status in {200, 400} | STOPPED
    light(pool)
    assert outcome(pool, EVALUATED[name]) in ({422} if status in STOPPED else {status} | STOPPED)


@pytest.mark.parametrize(
    "name", ["count", "order", "distinct", "group", "ask", "offset", "values", "doubling", "random_order"]
)
def test_what_cannot_end_does_not_look_like_an_answer(pool: ReaderPool, name: str) -> None:
    assert outcome(pool, EVALUATED[name]) in STOPPED | {422}


def test_a_construct_over_a_product_is_cut_and_told(pool: ReaderPool) -> None:
    answer = pool.query(
        EVALUATED["construct"], accept_format="application/n-triples", limits=Limits(seconds=5, rows=1000)
    )
    assert answer.truncated and answer.rows == 1000


def test_queries_from_a_grammar_are_answered_or_refused(pool: ReaderPool) -> None:
    statuses = [outcome(pool, query) for query in generated(seed=20260301, count=600)]
    assert set(statuses) <= {200} | REFUSED | STOPPED
    assert statuses.count(200) > 100, "the generator has lost touch with the grammar"
    light(pool)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_many_queries_from_a_grammar_are_answered_or_refused(pool: ReaderPool, seed: int) -> None:
    statuses = [outcome(pool, query) for query in generated(seed, 2_500)]
    assert set(statuses) <= {200} | REFUSED | STOPPED
    light(pool)


def test_the_scan_passes_every_query_of_our_own() -> None:
    texts = [path.read_text("utf-8") for path in Path(queries.__file__).parent.rglob("*.rq")]
    for text in texts:
        assert scan(text).form in QUERY_FORMS
