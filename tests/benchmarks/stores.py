"""Measure one ledger in the embedded store, in `oxigraph serve` and in Virtuoso, asked in turns in the same run.

    python -m tests.benchmarks.stores --entries 125000

Every store holds the same generation and is asked through the same pool of readers, so scan, limits and formats are
in every figure. Reported: medians in milliseconds with their ratio to the embedded store, the time a publication
takes to each, and what it holds on disk and in memory. Virtuoso is left out where it is not installed.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import os
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from server.readers import Limits, ReaderPool
from server.remote_store import remote_store
from server.remote_store_publish import RemotePublisher
from server.remote_store_queries import RemoteQueries
from server.settings import Settings
from server.store import WriteStore
from tests.server.remote_servers import PRODUCTS, credentials, running

BASE, XSD = "https://region.example/", "http://www.w3.org/2001/XMLSchema#"
TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
PROLOGUE = f"PREFIX t: <{BASE}spec/torg#> PREFIX name: <https://schema.org/name> "
QUERIES = {
    "description of one entry, as a query": f"SELECT ?p ?o {{ <{BASE}id/entry/4711> ?p ?o }}",
    "join: entries of one supplier, 20 rows": PROLOGUE
    + f"SELECT ?e ?a ?n {{ ?e t:supplier <{BASE}id/organization/77> ; t:netAmount ?a ; t:account/name: ?n }} LIMIT 20",
    "sum and count by account": PROLOGUE
    + "SELECT ?k (SUM(?a) AS ?s) (COUNT(*) AS ?n) { ?e t:account ?k ; t:netAmount ?a } GROUP BY ?k ORDER BY ?k",
    "count with a numeric filter": PROLOGUE + "SELECT (COUNT(*) AS ?n) { ?e t:netAmount ?a FILTER(?a > 90000) }",
    "ten largest suppliers": PROLOGUE
    + "SELECT ?n (SUM(?a) AS ?s) { ?e t:supplier ?o ; t:netAmount ?a . ?o name: ?n } GROUP BY ?n "
    + "ORDER BY DESC(?s) LIMIT 10",
    "sum by account and month": PROLOGUE
    + "SELECT ?k ?m (SUM(?a) AS ?s) { ?e t:account ?k ; t:month ?m ; t:netAmount ?a } GROUP BY ?k ?m ORDER BY ?k ?m",
    "100 000 rows": PROLOGUE + "SELECT ?e ?a { ?e t:netAmount ?a } LIMIT 100000",
}


def ledger(entries: int) -> list[str]:
    """Return the sorted lines of a ledger: eight triples an entry, and the names of suppliers and accounts."""
    lines = []
    for n in range(entries):
        entry = f"<{BASE}id/entry/{n}>"
        month = f"2026-{1 + n % 12:02d}"
        facts = {
            TYPE: f"<{BASE}spec/torg#LedgerEntry>",
            f"{BASE}spec/torg#netAmount": f'"{n * 7919 % 100_000}.{1 + n % 9}"^^<{XSD}decimal>',
            f"{BASE}spec/torg#supplier": f"<{BASE}id/organization/{n * 31 % 2000}>",
            f"{BASE}spec/torg#account": f"<{BASE}def/account/{n * 17 % 300}>",
            f"{BASE}spec/torg#payer": f"<{BASE}id/organization/payer>",
            f"{BASE}spec/torg#month": f'"{month}"^^<{XSD}gYearMonth>',
            f"{BASE}spec/torg#date": f'"{month}-{1 + n % 28:02d}"^^<{XSD}date>',
            "http://purl.org/dc/terms/identifier": f'"F{n}"',
        }
        lines += [f"{entry} <{name}> {value} .\n" for name, value in facts.items()]
    named = {f"id/organization/{n}": f"Leverantör {n} AB" for n in range(2000)}
    named |= {f"def/account/{n}": f"Konto {n}" for n in range(300)}
    lines += [f'<{BASE}{path}> <https://schema.org/name> "{name}" .\n' for path, name in named.items()]
    return sorted(lines)


def generation(folder: Path, lines: list[str]) -> None:
    """Make a folder that holds what the stores are made from."""
    text = "".join(lines).encode()
    (folder / "ledger.nt.gz").write_bytes(gzip.compress(text, 1))
    (folder / "ledger.nt").write_bytes(text)
    graph = {
        "iri": f"{BASE}graph/asen/ledger",
        "kind": "dataset",
        "sha256": hashlib.sha256(text).hexdigest(),
        "triples": len(lines),
        "dump": "ledger.nt.gz",
    }
    manifest = {"base": BASE, "graphs": [graph], "default_graph_triples": len(lines)}
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    store = WriteStore(folder / "store")
    for name in (None, f"{BASE}graph/asen/ledger"):
        store.bulk_load(str(folder / "ledger.nt"), name)
    store.close()


def megabytes(folder: Path) -> float:
    """Return the size of the files in a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6


def timed(pool: ReaderPool, query: str) -> tuple[float, bytes]:
    """Return the milliseconds of one answer, and its bytes."""
    started = time.perf_counter()
    result = pool.query(query, accept_format="text/csv", limits=Limits(seconds=120.0))
    body = b"".join(result.pieces())
    return (time.perf_counter() - started) * 1000, body


def main() -> None:
    """Build, ask in turns and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=125_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--stores", nargs="*", choices=PRODUCTS, default=PRODUCTS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary, ExitStack() as held:
        folder = Path(temporary) / "generation"
        folder.mkdir()
        lines = ledger(options.entries)
        started = time.perf_counter()
        generation(folder, lines)
        print(f"{len(lines)} triples, each in its graph and in the merge; load {os.getloadavg()[0]:.1f}")
        print(f"embedded: made in {time.perf_counter() - started:.0f} s, {megabytes(folder / 'store'):.0f} MB")
        pools: dict[str, tuple[ReaderPool, RemoteQueries | None]] = {}
        pools["embedded"] = held.enter_context(ReaderPool(folder / "store", readers=1)), None
        for product in options.stores:
            pools[product] = _remote(product, folder, Path(temporary), held)
        _compare(pools, options.rounds)


def _remote(product: str, folder: Path, temporary: Path, held: ExitStack) -> tuple[ReaderPool, RemoteQueries]:
    """Start a server, publish the generation to it, and return a pool that asks it."""
    held.enter_context(credentials(product))
    server = held.enter_context(running(product, temporary / product, seconds=120, buffers=100_000))
    store = remote_store(Settings({"url": server.url}))
    assert store is not None
    data = temporary / f"{product}-data"
    data.mkdir()
    started = time.perf_counter()
    RemotePublisher(store, data).bring(folder)
    seconds = time.perf_counter() - started
    print(f"{product}: published to in {seconds:.0f} s, {megabytes(temporary / product):.0f} MB")
    queries = RemoteQueries(store)
    return held.enter_context(ReaderPool(folder / "store", readers=1, ask=queries.ask)), queries


def _compare(pools: dict[str, tuple[ReaderPool, Any]], rounds: int) -> None:
    wide = max(map(len, QUERIES))
    print(f"{'milliseconds, median (least–most)':{wide}}", *(f"{name:>26}" for name in pools), file=sys.stdout)
    for title, query in QUERIES.items():
        found: dict[str, list[float]] = {name: [] for name in pools}
        sizes = {}
        for turn in range(rounds + 1):
            for name, (pool, _) in pools.items():
                milliseconds, body = timed(pool, query)
                sizes[name] = body.count(b"\n")
                if turn:  # The first of each warms what there is to warm.
                    found[name].append(milliseconds)
        assert len(set(sizes.values())) == 1, sizes
        first = statistics.median(found["embedded"])
        shown = []
        for times in found.values():
            middle = statistics.median(times)
            shown.append(f"{middle:.0f} ({min(times):.0f}–{max(times):.0f}) {first / middle:5.2f} ×")
        print(f"{title:{wide}}", *(f"{each:>26}" for each in shown), flush=True)
    for name, (_, queries) in pools.items():
        if queries is not None:
            assert queries.counts["embedded"] == queries.counts["failed"] == 0, (name, queries.counts)


if __name__ == "__main__":
    main()
