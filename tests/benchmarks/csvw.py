"""Measure `torg csvw --minimal` against a plain hand-written generator of the same triples.

    python -m tests.benchmarks.csvw --rows 1000000

Both run in processes of their own, several times in turn; the ratio is of their least CPU times, start-up included.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import resource
import subprocess
import sys
import tempfile
import urllib.parse
from pathlib import Path
from typing import Any

from tests.benchmarks.conversion import AUTHORITY, HEADERS, write_ledger

ROOT = Path(__file__).parents[2]
BASE = "https://data.granby.example/"
TERM = f"{BASE}spec/torg#"
XSD = "http://www.w3.org/2001/XMLSchema#"
TORG = "from server.cli import main; main()"
# What is said of each column: property, then datatype or language or the beginning of a link.
COLUMNS: dict[str, dict[str, Any]] = {
    "verifikationsnummer": {"propertyUrl": f"{TERM}voucherNumber", "required": True},
    "leverantor": {"propertyUrl": f"{TERM}payeeName", "lang": "sv"},
    "leverantor_id": {"propertyUrl": f"{TERM}payee", "valueUrl": BASE + "id/organization/{leverantor_id}"},
    "konto_nr": {"propertyUrl": f"{TERM}account", "valueUrl": BASE + "id/account/" + AUTHORITY + "/{konto_nr}"},
    "bokforingsdatum": {"propertyUrl": f"{TERM}bookingDate", "datatype": "date", "required": True},
    "forvaltning": {"propertyUrl": f"{TERM}unitName", "lang": "sv"},
    "fakturanummer": {"propertyUrl": f"{TERM}invoiceNumber"},
    "nettobelopp": {"propertyUrl": f"{TERM}netAmount", "datatype": "decimal", "required": True},
}


def write_metadata(path: Path) -> None:
    """Write the description of the ledger as any CSVW tool reads it."""
    described = [{"name": name, "titles": name} | COLUMNS.get(name, {"suppressOutput": True}) for name in HEADERS]
    kind = {"name": "typ", "virtual": True, "propertyUrl": "rdf:type", "valueUrl": f"{TERM}LedgerEntry"}
    about = BASE + "id/ledger-entry/" + AUTHORITY + "/{bokforingsdatum}/{verifikationsnummer}/{konto_nr}"
    schema = {"aboutUrl": about, "columns": [*described, kind]}
    document = {"@context": "http://www.w3.org/ns/csvw", "url": "ledger.csv", "tableSchema": schema}
    path.write_text(json.dumps(document), "utf-8")


def by_hand(ledger: Path, out: Path) -> None:
    """Write the triples as a programmer would for this one file."""
    parts: dict[str, str] = {}

    def part(text: str) -> str:
        found = parts.get(text)
        if found is None:
            found = parts[text] = urllib.parse.quote(text, safe="-._~")
        return found

    def quoted(text: str) -> str:
        return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")

    with ledger.open(encoding="utf-8", newline="") as file, out.open("w", encoding="utf-8", newline="\n") as target:
        reader = csv.reader(file)
        next(reader)
        for _, _, voucher, name, orgnr, account, _, day, unit, invoice, amount, *_ in reader:
            entry = f"<{BASE}id/ledger-entry/{AUTHORITY}/{day}/{urllib.parse.quote(voucher, safe='')}/{part(account)}>"
            lines = [
                f'{entry} <{TERM}voucherNumber> "{quoted(voucher)}" .\n',
                f'{entry} <{TERM}bookingDate> "{day}"^^<{XSD}date> .\n',
                f'{entry} <{TERM}netAmount> "{amount}"^^<{XSD}decimal> .\n',
                f"{entry} <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <{TERM}LedgerEntry> .\n",
            ]
            if name:
                lines.append(f'{entry} <{TERM}payeeName> "{quoted(name)}"@sv .\n')
            if orgnr:
                lines.append(f"{entry} <{TERM}payee> <{BASE}id/organization/{part(orgnr)}> .\n")
            if account:
                lines.append(f"{entry} <{TERM}account> <{BASE}id/account/{AUTHORITY}/{part(account)}> .\n")
            if unit:
                lines.append(f'{entry} <{TERM}unitName> "{quoted(unit)}"@sv .\n')
            if invoice:
                lines.append(f'{entry} <{TERM}invoiceNumber> "{quoted(invoice)}" .\n')
            target.writelines(lines)


def measured(command: list[str]) -> tuple[float, float]:
    """Run a command; return its CPU seconds and its peak memory in MB."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    watched = "import resource, subprocess, sys; code = subprocess.call(sys.argv[1:]);"
    watched += "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024); sys.exit(code)"
    peak = subprocess.run([sys.executable, "-c", watched, *command], check=True, stdout=subprocess.PIPE, cwd=ROOT)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, float(peak.stdout)


def main() -> None:
    """Print the figures of both sides, and their ratio; fail when they made other triples."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--by-hand", type=Path, nargs=2)
    said = parser.parse_args()
    if said.by_hand:
        by_hand(*said.by_hand)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_ledger(folder / "ledger.csv", said.rows)
        write_metadata(folder / "ledger.json")
        hand, torg = folder / "hand.nt", folder / "torg.nt"
        this = [sys.executable, "-m", "tests.benchmarks.csvw", "--by-hand", str(folder / "ledger.csv"), str(hand)]
        command = [sys.executable, "-c", TORG, "csvw", "--minimal", "--no-provenance", "--output", str(torg)]
        sides = {"hand": this, "torg": [*command, str(folder / "ledger.json")]}
        rounds = [{side: measured(sides[side]) for side in sides} for _ in range(said.rounds)]
        best = {side: min(figures[side] for figures in rounds) for side in sides}
        for out in (hand, torg):
            subprocess.run(["sort", "-u", "-o", str(out), str(out)], check=True, env={**os.environ, "LC_ALL": "C"})
        if subprocess.run(["cmp", "-s", str(hand), str(torg)]).returncode:
            raise SystemExit("the two sides made different triples")
    for side, (cpu, peak) in best.items():
        print(f"{side:5} {cpu:7.2f} s CPU  {9 * said.rows / cpu / 1000:6.0f} k triples/s  {peak:5.0f} MB peak")
    print(f"ratio {best['torg'][0] / best['hand'][0]:.2f}  ({said.rows} rows, same triples)")


if __name__ == "__main__":
    main()
