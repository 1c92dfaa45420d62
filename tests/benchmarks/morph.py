"""Measure CSV → N-Triples of the supplier ledger against morph-kgc, the RML engine, in an environment of its own.

    python -m tests.benchmarks.morph --morph-kgc "/elsewhere/bin/python -m morph_kgc" --rows 1000000

Both sides run as processes of their own, with one process each, and must make the same triples; figures are of the
whole command: CPU, wall clock and peak memory.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.conversion import AUTHORITY, BASE, PUBLISHER, XSD, spending_groups, write_ledger

_PREFIXES = f"""@prefix rr: <http://www.w3.org/ns/r2rml#> .
@prefix rml: <http://semweb.mmlab.be/ns/rml#> .
@prefix ql: <http://semweb.mmlab.be/ns/ql#> .
@prefix xsd: <{XSD}> .
@prefix torg: <{BASE}spec/torg#> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix org: <http://www.w3.org/ns/org#> .
@prefix schema: <https://schema.org/> .
"""
# Subject template, class, then predicate and object of each statement; all rows are of the one ledger.
_MAPS = (
    (f"id/ledger-entry/{AUTHORITY}/{{bokforingsdatum}}/{{verifikationsnummer}}/{{konto_nr}}", "torg:LedgerEntry", (
        ("torg:voucherNumber", 'rml:reference "verifikationsnummer"'),
        ("torg:bookingDate", 'rml:reference "bokforingsdatum" ; rr:datatype xsd:date'),
        ("torg:netAmount", 'rml:reference "nettobelopp" ; rr:datatype xsd:decimal'),
        ("torg:payer", f'rr:template "{BASE}id/organization/{{kopare_id}}"'),
        ("torg:payee", f'rr:template "{BASE}id/organization/{{leverantor_id}}"'),
        ("torg:account", f'rr:template "{BASE}id/account/{AUTHORITY}/{{konto_nr}}"'),
        ("torg:unit", f'rr:template "{BASE}id/unit/{AUTHORITY}/{{forvaltning}}"'),
    )),
    ("id/organization/{leverantor_id}", "torg:Supplier", (("schema:name", 'rml:reference "leverantor"'),)),
    ("id/organization/{kopare_id}", "", (("skos:altLabel", 'rml:reference "kopare"'),)),
    (f"id/account/{AUTHORITY}/{{konto_nr}}", "torg:Account", (
        ("skos:notation", 'rml:reference "konto_nr"'),
        ("rdfs:label", 'rml:reference "konto_text" ; rr:language "sv"'),
    )),
    (f"id/unit/{AUTHORITY}/{{forvaltning}}", "torg:Unit", (
        ("rdfs:label", 'rml:reference "forvaltning" ; rr:language "sv"'),
        ("org:unitOf", f"rr:constant <{BASE}id/organization/{PUBLISHER}>"),
    )),
)  # fmt: skip


def mapping(ledger: Path, groups: Path) -> str:
    """Return the RML mapping of the ledger: what the specification says of it, with one join for the concepts."""
    source = f'rml:source "{ledger}" ; rml:referenceFormulation ql:CSV'
    maps = [_map(number, source, *each) for number, each in enumerate(_MAPS)]
    query = (
        f"SELECT DISTINCT l.konto_nr AS konto_nr, g.iri AS iri FROM read_csv('{ledger}', all_varchar=true) l "
        f"JOIN read_csv('{groups}', all_varchar=true) g ON substr(l.konto_nr, 1, 2) = g.code"
    )
    broader = (("skos:broader", 'rml:reference "iri" ; rr:termType rr:IRI'),)
    maps.append(_map(len(maps), f'rml:query """{query}"""', f"id/account/{AUTHORITY}/{{konto_nr}}", "", broader))
    return _PREFIXES + "\n".join(maps)


def _map(number: int, source: str, subject: str, kind: str, statements: tuple[tuple[str, str], ...]) -> str:
    typed = f" ; rr:class {kind}" if kind else ""
    said = " ;\n".join(f"  rr:predicateObjectMap [ rr:predicate {p} ; rr:objectMap [ {o} ] ]" for p, o in statements)
    return (
        f'<#M{number}> rml:logicalSource [ {source} ] ;\n'
        f'  rr:subjectMap [ rr:template "{BASE}{subject}"{typed} ] ;\n{said} .\n'
    )  # fmt: skip


def measured(command: list[str]) -> dict[str, float]:
    """Run a command; return its CPU and wall seconds, and its peak memory in MB."""
    watched = (
        "import json, resource, subprocess, sys, time\n"
        "began = time.perf_counter(); code = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL)\n"
        "used = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        "print(json.dumps({'wall': time.perf_counter() - began, 'cpu': used.ru_utime + used.ru_stime,"
        " 'peak': used.ru_maxrss / 1024})); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", watched, *command], check=True, stdout=subprocess.PIPE, text=True)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def sorted_lines(path: Path) -> int:
    """Sort the file's lines uniquely in place, by the system's tool; return how many there are."""
    subprocess.run(["sort", "-u", "-o", str(path), str(path)], check=True, env={**os.environ, "LC_ALL": "C"})
    return int(subprocess.run(["wc", "-l", str(path)], check=True, capture_output=True, text=True).stdout.split()[0])


def main() -> None:
    """Print the figures of both sides and their ratios; fail when they made other triples."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--morph-kgc", required=True, help="The command that runs morph-kgc, in its own environment.")
    parser.add_argument("--rows", type=int, default=100_000)
    said = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="torg-morph-") as name:
        folder = Path(name)
        ledger, groups = folder / "ledger.csv", folder / "groups.csv"
        write_ledger(ledger, said.rows)
        with groups.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("code", "iri"), *spending_groups().items()])
        (folder / "map.ttl").write_text(mapping(ledger, groups), "utf-8")
        outs = {"morph-kgc": folder / "morph.nt", "torg": folder / "torg.nt"}
        settings = f"output_file = {outs['morph-kgc']}\noutput_format = N-TRIPLES\nnumber_of_processes = 1\n"
        settings += "safe_percent_encoding = -._~\n"
        (folder / "morph.ini").write_text(f"[CONFIGURATION]\n{settings}[Ledger]\nmappings = {folder / 'map.ttl'}\n")
        torg = [sys.executable, "-m", "tests.benchmarks.conversion", "--run", "torg", "--ledger", str(ledger)]
        commands = {
            "torg": [*torg, "--out", str(outs["torg"])],
            "morph-kgc": [*shlex.split(said.morph_kgc), str(folder / "morph.ini")],
        }
        figures = {}
        for side, command in commands.items():
            figures[side] = measured(command)
            time.sleep(1)
        triples = {side: sorted_lines(out) for side, out in outs.items()}
        if subprocess.run(["cmp", *map(str, outs.values())]).returncode:
            subprocess.run(f"comm -3 {outs['morph-kgc']} {outs['torg']} | head -20", shell=True, check=True)
            raise SystemExit("the two sides made different triples")
    for side, each in figures.items():
        rate = triples[side] / each["wall"] / 1000
        print(f"{side:10} {each['wall']:7.1f} s  {each['cpu']:7.1f} s CPU  {rate:6.0f} k triples/s", end="")
        print(f"  {each['peak']:6.0f} MB peak")
    ours, theirs = figures["torg"], figures["morph-kgc"]
    faster, cheaper, leaner = (theirs[key] / ours[key] for key in ("wall", "cpu", "peak"))
    print(
        f"{triples['torg']} distinct triples of {said.rows} rows: "
        f"{faster:.1f} x the speed, {cheaper:.1f} x in CPU, 1/{leaner:.0f} of the memory"
    )


if __name__ == "__main__":
    main()
