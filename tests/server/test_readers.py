"""The pool of readers: right answers, limits that kill, and a pool that is whole again after anything."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyoxigraph as ox
import pytest

from server.errors import Problem
from server.readers import Limits, ReaderPool, Result

JSON, XML, CSV, TSV = (
    "application/sparql-results+json",
    "application/sparql-results+xml",
    "text/csv",
    "text/tab-separated-values",
)
GRAPH = "https://storby.example/graph/"
HEAVY = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"


def build(path: Path, count: int) -> Path:
    store = ox.Store(str(path))
    school, name = "https://storby.example/id/skola/", ox.NamedNode("https://schema.org/name")
    for graph in (ox.DefaultGraph(), ox.NamedNode(GRAPH + "skolor")):
        store.extend(
            ox.Quad(ox.NamedNode(f"{school}{n}"), name, ox.Literal(f"Skola {n}", language="sv"), graph)
            for n in range(count)
        )
    shared = (ox.NamedNode(school + "1"), name, ox.Literal("Skola 1", language="sv"))
    store.add(ox.Quad(*shared, ox.NamedNode(GRAPH + "utvald")))
    store.flush()
    del store
    return path


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("stores")
    return build(folder / "first", 1000), build(folder / "second", 1001)


@pytest.fixture(scope="module")
def shared_pool(stores: tuple[Path, Path]) -> Iterator[ReaderPool]:
    with ReaderPool(stores[0], readers=1, prefixes={"schema": "https://schema.org/"}) as pool:
        yield pool


@pytest.fixture
def pool(stores: tuple[Path, Path]) -> Iterator[ReaderPool]:
    with ReaderPool(stores[0], readers=2) as pool:
        yield pool


def eventually(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.02)


def rows(result: Result) -> list[dict[str, str]]:
    bindings = json.loads(b"".join(result.pieces()))["results"]["bindings"]
    return [{name: term["value"] for name, term in row.items()} for row in bindings]


def count(pool: ReaderPool, query: str = "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }", **options: object) -> int:
    return int(rows(pool.query(query, accept_format=JSON, **options))[0]["n"])  # type: ignore[arg-type]


def problem(pool: ReaderPool, query: str, **options: object) -> Problem:
    with pytest.raises(Problem) as caught:
        pool.query(query, **({"accept_format": JSON} | options))  # type: ignore[arg-type]
    return caught.value


# -- answers ----------------------------------------------------------------------------------------------------------


def test_each_form_is_answered_in_its_formats(shared_pool: ReaderPool) -> None:
    assert shared_pool.query("ASK {}", accept_format=JSON).body == b'{"head":{},"boolean":true}'
    assert b"<boolean>true</boolean>" in (shared_pool.query("ASK {}", accept_format=XML).body or b"")
    assert shared_pool.query("SELECT (1 AS ?x) {}", accept_format=CSV).body == b"x\r\n1\r\n"
    turtle = shared_pool.query(
        "CONSTRUCT { ?s <https://schema.org/name> ?o } { ?s ?p ?o } LIMIT 2", accept_format="text/turtle"
    )
    assert b"@prefix schema: <https://schema.org/>" in (turtle.body or b"")
    assert len(list(ox.parse(turtle.body or b"", ox.RdfFormat.TURTLE))) == 2


def test_prefixes_nobody_uses_are_not_written(shared_pool: ReaderPool) -> None:
    answer = shared_pool.query("CONSTRUCT { <a:a> <a:b> 1 } {}", accept_format="text/turtle")
    assert b"schema" not in (answer.body or b"")


@pytest.mark.parametrize(
    ("default", "named", "triples", "in_graphs"),
    [
        ((), (), 1000, 1001),
        (("skolor",), (), 1000, 0),
        (("utvald",), (), 1, 0),
        (("skolor", "utvald"), (), 1000, 0),  # the RDF merge: what both hold counts once
        (("skolor", "skolor"), (), 1000, 0),
        (("skolor", "utvald"), ("utvald",), 1000, 1),
        ((), ("utvald",), 0, 1),
        (("finns-inte",), (), 0, 0),
    ],
)
def test_the_dataset_of_the_request(
    shared_pool: ReaderPool, default: tuple[str, ...], named: tuple[str, ...], triples: int, in_graphs: int
) -> None:
    graphs = {"default_graphs": [GRAPH + g for g in default], "named_graphs": [GRAPH + g for g in named]}
    inside = "SELECT (COUNT(*) AS ?n) { GRAPH ?g { ?s ?p ?o } }"
    assert (count(shared_pool, **graphs), count(shared_pool, inside, **graphs)) == (triples, in_graphs)
    if default or named:
        clauses = "".join(f" FROM <{GRAPH}{g}>" for g in default) + "".join(f" FROM NAMED <{GRAPH}{g}>" for g in named)
        text = f"SELECT (COUNT(*) AS ?n) {clauses} {{ ?s ?p ?o }}"
        assert count(shared_pool, text) == triples
        assert count(shared_pool, text, default_graphs=[GRAPH + "utvald"]) == 1, "the request's dataset wins"


def test_a_merge_that_is_too_large_is_refused_with_the_reason(shared_pool: ReaderPool) -> None:
    found = problem(
        shared_pool,
        f"SELECT * FROM <{GRAPH}skolor> FROM <{GRAPH}utvald> {{ ?s ?p ?o }}",
        limits=Limits(merge_triples=10),
    )
    assert found.status == 400 and "more than 10 triples" in found.detail


def test_the_row_and_byte_limits_cut_and_say_so(shared_pool: ReaderPool) -> None:
    query = "SELECT * { ?s ?p ?o }"
    few = shared_pool.query(query, accept_format=JSON, limits=Limits(rows=7))
    assert (few.rows, few.truncated, len(rows(few))) == (7, "rows", 7)
    small = shared_pool.query(query, accept_format=JSON, limits=Limits(bytes=5000))
    assert small.truncated == "bytes" and small.size <= 5000 and len(rows(small)) == small.rows
    whole = shared_pool.query(query, accept_format=JSON, limits=Limits(rows=1000))
    assert (whole.rows, whole.truncated, len(rows(whole))) == (1000, "", 1000)
    graph = shared_pool.query("CONSTRUCT WHERE { ?s ?p ?o }", accept_format="text/turtle", limits=Limits(rows=7))
    assert (graph.rows, graph.truncated) == (7, "rows")
    assert len(list(ox.parse(graph.body or b"", ox.RdfFormat.TURTLE))) == 7


def test_a_large_answer_is_a_file_that_many_can_read(shared_pool: ReaderPool) -> None:
    answer = shared_pool.query(
        "SELECT * { { ?s ?p ?o } UNION { ?a ?b ?c } UNION { ?s ?p ?d } VALUES ?x { 1 2 3 4 5 6 } }", accept_format=JSON
    )
    assert answer.body is None and answer.file is not None and answer.size > 1 << 20
    assert len(rows(answer)) == len(rows(answer)) == answer.rows == 18_000
    assert b"".join(answer.file.pieces(10, 20)) == b"".join(answer.pieces())[10:20]


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("ASK {", 400, "line 1, column 6"),
        ("SELECT ?x ?y {} GROUP BY ?x", 400, "unbound"),
        ("ASK { ?s schema:name ?o }", 400, "PREFIX schema: <https://schema.org/>"),
        ("ASK { <relativ> ?p ?o }", 400, "line 1"),
        ("ASK { SERVICE <http://127.0.0.1:9/> { ?s ?p ?o } }", 403, "SERVICE"),
        ("ASK { FILTER(<http://www.opengis.net/def/function/geosparql/buffer>(1)) }", 400, "not supported"),
        ("INSERT DATA { <a:a> <a:b> 1 }", 403, "updates"),
        ("ASK {}", 406, "boolean"),
    ],
)
def test_errors_say_what_and_where(shared_pool: ReaderPool, query: str, status: int, words: str) -> None:
    if status == 406:
        with pytest.raises(Problem) as caught:
            shared_pool.query(query, accept_format="text/turtle")
        assert caught.value.status == 406
        return
    found = problem(shared_pool, query)
    assert found.status == status and words in found.detail


def test_what_a_format_cannot_hold_is_refused_and_not_altered(shared_pool: ReaderPool) -> None:
    query = "SELECT ('a\\u0001b' AS ?x) {}"
    assert problem(shared_pool, query, accept_format=XML).status == 406
    assert rows(shared_pool.query(query, accept_format=JSON)) == [{"x": "a\x01b"}]
    number = "CONSTRUCT { <a:a> <http://a/1> 1 } {}"
    assert problem(shared_pool, number, accept_format="application/rdf+xml").status == 406
    assert problem(shared_pool, number, accept_format=CSV).status == 406
    own = "PREFIX own: <http://a/> CONSTRUCT { <a:a> <http://a/> 1 } {}"
    assert problem(shared_pool, own, accept_format="application/rdf+xml").status == 406
    triple_term = "CONSTRUCT { <a:a> <a:b> <<( <a:a> <a:b> 1 )>> } {}"
    assert problem(shared_pool, triple_term, accept_format="application/ld+json").status == 406


def test_a_store_that_breaks_while_it_is_read_is_503(tmp_path: Path) -> None:
    store = build(tmp_path / "store", 3000)
    for file in store.glob("*.sst"):
        file.write_bytes(b"broken" * 1000)
    with ReaderPool(store, readers=1) as pool:
        assert problem(pool, "SELECT * { ?s ?p ?o }").status == 503


def test_a_store_that_is_not_there_is_503(shared_pool: ReaderPool, tmp_path: Path) -> None:
    assert problem(shared_pool, "ASK {}", store=tmp_path / "none").status == 503
    assert count(shared_pool) == 1000


# -- limits that kill -------------------------------------------------------------------------------------------------


def test_a_slow_query_is_stopped_and_not_tried_again(pool: ReaderPool) -> None:
    started = time.monotonic()
    found = problem(pool, HEAVY, deadline=0.5)
    assert found.status == 504 and time.monotonic() - started < 1.5
    again = problem(pool, HEAVY, deadline=0.5)
    assert again.status == 422 and "time limit" in again.detail and int(again.headers["Retry-After"]) > 500
    assert count(pool) == 1000
    assert pool.counts.deaths["time"] == 1


def test_a_query_that_takes_too_much_memory_is_stopped(pool: ReaderPool) -> None:
    query = "SELECT * { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i } ORDER BY ?i"
    found = problem(pool, query, limits=Limits(memory_mb=150))
    assert found.status == 503 and "150 MiB" in found.detail and found.headers["Retry-After"]
    assert count(pool) == 1000


def test_a_crash_costs_one_request_only(pool: ReaderPool) -> None:
    eventually(lambda: len(pool.processes()) == 3)
    timer = threading.Timer(0.5, lambda: [os.kill(pid, signal.SIGSEGV) for pid in pool.processes()])
    timer.start()
    assert problem(pool, HEAVY).status == 503
    timer.join()
    assert count(pool) == 1000
    eventually(lambda: len(pool.processes()) == 3)
    assert problem(pool, HEAVY).status == 422


def test_sorting_mixed_values_never_reaches_the_web_process(pool: ReaderPool) -> None:
    values = " ".join(f'{n} "{n * 7919 % 9973}" "{n}"^^<a:t>' for n in range(4000))
    query = f"SELECT ?x {{ VALUES ?x {{ {values} }} }} ORDER BY ?x"
    try:
        assert pool.query(query, accept_format=JSON).rows == 12_000
    except Problem as found:
        assert found.status == 503
    assert count(pool) == 1000


def test_readers_killed_while_idle_are_replaced_unseen(pool: ReaderPool) -> None:
    for _ in range(3):
        eventually(lambda: len(pool.processes()) == 3)
        for pid in pool.processes():
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)
        assert [count(pool) for _ in range(4)] == [1000] * 4


def test_no_zombie_and_no_descriptor_is_left(stores: tuple[Path, Path]) -> None:
    def open_files() -> int:
        return len(os.listdir("/proc/self/fd"))

    before = open_files()
    with ReaderPool(stores[0], readers=2) as pool:
        for n in range(6):
            assert problem(pool, f"{HEAVY} #{n}", deadline=0.1).status == 504
            pool.query("SELECT * { ?s ?p ?o } VALUES ?x { 1 2 3 4 5 6 7 8 9 }", accept_format=JSON)
        eventually(lambda: len(pool.processes()) == 3)
        processes = pool.processes()
    assert open_files() == before
    assert not [pid for pid in processes if os.path.exists(f"/proc/{pid}")]


def test_readers_end_with_a_pool_owner_that_is_killed(stores: tuple[Path, Path]) -> None:
    import subprocess
    import sys

    code = (
        "import sys, time; sys.path.insert(0, sys.argv[1])\n"
        "from server.readers import ReaderPool\n"
        "pool = ReaderPool(sys.argv[2], readers=1)\n"
        "import threading; threading.Thread(target=lambda: pool.query(sys.argv[3], accept_format='text/csv')).start()\n"
        "while not pool.processes(): time.sleep(0.05)\n"
        "time.sleep(0.3); print(*pool.processes(), flush=True); time.sleep(60)"
    )
    root = str(Path(__file__).resolve().parents[2])
    owner = subprocess.Popen(
        [sys.executable, "-c", code, root, str(stores[0]), HEAVY], stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    pids = [int(pid) for pid in owner.stdout.readline().split()]
    owner.kill()
    owner.wait()
    owner.stdout.close()
    assert pids
    eventually(lambda: not any(_running(pid) for pid in pids))


def _running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


# -- crowds -----------------------------------------------------------------------------------------------------------


def in_parallel(count: int, action: Callable[[int], object]) -> list[object]:
    found: list[object] = [None] * count

    def run(n: int) -> None:
        try:
            found[n] = action(n)
        except Problem as error:
            found[n] = error.status

    threads = [threading.Thread(target=run, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_identical_questions_are_evaluated_once(pool: ReaderPool) -> None:
    eventually(lambda: len(pool.processes()) == 3)
    query = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f }"
    found = in_parallel(8, lambda n: count(pool, query))
    assert found == [1_000_000] * 8
    assert pool.counts.shared >= 5


def test_random_answers_are_not_shared(pool: ReaderPool) -> None:
    found = in_parallel(4, lambda n: pool.query("SELECT (STRUUID() AS ?x) {}", accept_format=CSV).body)
    assert len(set(found)) == 4


def test_an_evaluation_survives_the_first_asker(pool: ReaderPool) -> None:
    """The first asker gives up waiting in the queue; the one who joined still gets the answer."""
    eventually(lambda: len(pool.processes()) == 3)
    long = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f VALUES ?x { 1 2 3 4 5 6 7 8 } }"
    busy = threading.Thread(target=lambda: in_parallel(2, lambda n: count(pool, f"{HEAVY} #{n}", deadline=2)))
    busy.start()
    eventually(lambda: pool.load()["running"] == 2)
    first: list[object] = []
    hasty, patient = Limits(wait_seconds=0.2), Limits(wait_seconds=9)
    asker = threading.Thread(target=lambda: first.extend(in_parallel(1, lambda _: count(pool, long, limits=hasty))))
    asker.start()
    eventually(lambda: pool.load()["running"] == 3)
    joined = in_parallel(1, lambda _: count(pool, long, limits=patient))
    asker.join()
    busy.join()
    assert (first, joined) == ([503], [8_000_000])
    assert (pool.counts.shared, pool.counts.tried) == (1, 1)


def test_light_queries_are_answered_while_heavy_ones_flood(pool: ReaderPool) -> None:
    eventually(lambda: len(pool.processes()) == 3)
    flood = threading.Thread(target=lambda: in_parallel(32, lambda n: count(pool, f"{HEAVY} #{n}", deadline=4)))
    flood.start()
    eventually(lambda: pool.load()["running"] >= 2)
    slowest, until = 0.0, time.monotonic() + 3
    while time.monotonic() < until:
        started = time.monotonic()
        assert count(pool) == 1000
        slowest = max(slowest, time.monotonic() - started)
    flood.join()
    assert slowest < 2


def test_a_flood_is_refused_at_once_and_the_pool_stays_quick(stores: tuple[Path, Path]) -> None:
    with ReaderPool(stores[0], readers=1, limits=Limits(seconds=1.5, wait_seconds=0.5), most_askers=8) as pool:
        eventually(lambda: len(pool.processes()) == 2)
        started = time.monotonic()
        found = in_parallel(20, lambda n: count(pool, f"{HEAVY} #{n}"))
        assert time.monotonic() - started < 4
        assert set(found) <= {503, 504} and found.count(503) >= 17
        assert pool.counts.busy >= 17
        eventually(lambda: pool.load()["running"] == 0)
        assert count(pool) == 1000


# -- generations ------------------------------------------------------------------------------------------------------


def test_a_switch_moves_every_query_to_the_new_store(stores: tuple[Path, Path]) -> None:
    with ReaderPool(stores[0], readers=2) as pool:
        found: list[int] = []
        stop = threading.Event()

        def ask() -> None:
            while not stop.is_set():
                found.append(count(pool))

        thread = threading.Thread(target=ask)
        thread.start()
        eventually(lambda: len(found) > 20)
        pool.switch(stores[1])
        assert {count(pool) for _ in range(10)} == {1001}
        eventually(lambda: len(pool.processes()) == 3)
        stop.set()
        thread.join()
        assert set(found) == {1000, 1001}
        assert found == sorted(found)
        assert count(pool, store=stores[0]) == 1000


def test_a_reader_holds_the_lock_of_its_generation(tmp_path: Path) -> None:
    import fcntl

    store = build(tmp_path / "store", 3)
    lock = tmp_path / "lock"
    lock.touch()
    with ReaderPool(store, readers=1) as pool:
        assert count(pool) == 3
        with lock.open() as file, pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with lock.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
