"""Measure validation of a ledger's graph against its specification's shapes, beside the bare load of the same triples.

    python -m tests.benchmarks.shapes --triples 1100000

pyshacl needs some 108 s for as many; give --referee to time it on a tenth of them in the same run.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import resource
import time
from collections.abc import Iterator

from pyoxigraph import RdfFormat, Store
from pyshacl import validate
from rdflib import Graph

import ontology
from server.shape_model import read_shapes
from server.shape_sparql import checks
from server.shapes import loaded

BASE = "https://data.granby.example/"
TORG = f"{BASE}spec/torg#"
XSD = "http://www.w3.org/2001/XMLSchema#"
TYPE = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>"
SUPPLIERS, ACCOUNTS, UNITS = 4_000, 400, 20


def ledger(triples: int) -> Iterator[str]:
    """Yield the canonical lines of a plausible ledger: eight triples an entry, and the things that entries name."""
    draw = random.Random(1880)
    for number in range(triples // 8):
        entry = f"<{BASE}id/ledger-entry/1880/2026-01-02/V{number}/4010>"
        yield f"{entry} {TYPE} <{TORG}LedgerEntry> .\n"
        yield f"{entry} <{TORG}payer> <{BASE}id/organization/2120001967> .\n"
        yield f"{entry} <{TORG}payee> <{BASE}id/organization/55{number % SUPPLIERS:08d}> .\n"
        yield f'{entry} <{TORG}netAmount> "{draw.randrange(100, 10**7) / 100:.2f}"^^<{XSD}decimal> .\n'
        yield f'{entry} <{TORG}bookingDate> "2026-01-{number % 28 + 1:02d}"^^<{XSD}date> .\n'
        yield f"{entry} <{TORG}account> <{BASE}id/account/1880/{4000 + number % ACCOUNTS}> .\n"
        yield f"{entry} <{TORG}unit> <{BASE}id/unit/1880/{number % UNITS}> .\n"
        yield f'{entry} <{TORG}voucherNumber> "V{number}" .\n'
    for number in range(SUPPLIERS):
        supplier = f"<{BASE}id/organization/55{number:08d}>"
        yield f'{supplier} {TYPE} <{TORG}Supplier> .\n{supplier} <https://schema.org/name> "Bolag {number}" .\n'
    for number in range(ACCOUNTS):
        account = f"<{BASE}id/account/1880/{4000 + number}>"
        yield f"{account} {TYPE} <{TORG}Account> .\n"
        yield f'{account} <http://www.w3.org/2004/02/skos/core#notation> "{4000 + number}" .\n'
        yield f'{account} <http://www.w3.org/2000/01/rdf-schema#label> "Konto {number}"@sv .\n'
    for number in range(UNITS):
        unit = f"<{BASE}id/unit/1880/{number}>"
        yield f"{unit} {TYPE} <{TORG}Unit> .\n"
        yield f"{unit} <http://www.w3.org/ns/org#unitOf> <{BASE}id/organization/2120001967> .\n"


def main() -> None:
    """Print what loading and checking took, as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--triples", type=int, default=1_100_000)
    parser.add_argument("--referee", action="store_true")
    given = parser.parse_args()
    data = "".join(ledger(given.triples)).encode()
    count = data.count(b"\n")
    turtle = (ontology.specification("leverantorsreskontra") / "shapes.ttl").read_text("utf-8")
    shapes = read_shapes(turtle, BASE)
    started = time.perf_counter()
    Store().bulk_load(data, format=RdfFormat.N_TRIPLES)
    bare = time.perf_counter() - started
    started = time.perf_counter()
    with loaded([io.BytesIO(data)], count) as store:
        load = time.perf_counter() - started
        started = time.perf_counter()
        breaches = sum(result.count for result in store.results(shapes))
        check = time.perf_counter() - started
    found = {
        "triples": count, "constraints": len(checks(shapes)), "breaches": breaches, "load_seconds": round(load, 2),
        "check_seconds": round(check, 2), "bare_load_seconds": round(bare, 2), "check_to_load": round(check / bare, 2),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }  # fmt: skip
    if given.referee:
        started = time.perf_counter()
        few = Graph().parse(data="".join(ledger(given.triples // 10)), format="nt")
        validate(few, shacl_graph=Graph().parse(data=turtle, format="turtle", publicID=BASE))
        found["referee_seconds_on_a_tenth"] = round(time.perf_counter() - started, 2)
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
