"""Measure CSV → N-Triples of a supplier ledger against a plain hand-written generator of the same triples.

    python -m tests.benchmarks.conversion --rows 1000000

Both run in processes of their own, several times in turn; the ratio is of their least CPU times.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
import urllib.parse
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import ontology
from loaders.concepts import ConceptIndex
from loaders.description import read_dataset
from loaders.findings import Findings
from loaders.load import LoadContext, deliveries, load

BASE = "https://data.granby.example/"
AUTHORITY = "1880"
PUBLISHER = "2120001967"
HEADERS = (
    "kopare_id,kopare,verifikationsnummer,leverantor,leverantor_id,konto_nr,konto_text,bokforingsdatum,forvaltning,"
    "fakturanummer,nettobelopp,grund,avtal,kommun_id,s_kod_nr"
).split(",")
XSD = "http://www.w3.org/2001/XMLSchema#"
RDF_TYPE = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>"


def write_ledger(path: Path, rows: int) -> None:
    """Write a plausible ledger that follows the national specification to the letter."""
    draw = random.Random(1880)
    suppliers = [(f"Leverantör {n} i Granby AB", organization(draw)) for n in range(4_000)]
    accounts = [(str(draw.randrange(40100, 79999)), f"Konto för inköp {n}") for n in range(400)]
    units = ["Barn- och utbildningsförvaltningen", "Socialförvaltningen", "Kommunstyrelsen", "Miljö- och byggnämnden"]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADERS)
        for number in range(rows):
            name, orgnr = draw.choice(suppliers)
            account, text = draw.choice(accounts)
            amount = f"{draw.randrange(-50_000, 9_000_000) / 100:.2f}"
            day = f"2026-{draw.randrange(1, 13):02d}-{draw.randrange(1, 29):02d}"
            invoice = str(draw.randrange(10**7))
            entry = [PUBLISHER, "Granby kommun", f"V{number:08d}", name, orgnr, account, text, day]
            writer.writerow([*entry, draw.choice(units), invoice, amount, "", "", AUTHORITY, ""])


def organization(draw: random.Random) -> str:
    """Return an organisation number with its check digit."""
    digits = f"55{draw.randrange(60, 99)}{draw.randrange(10**5):05d}"
    total = sum(sum(divmod(int(digit) * (2 - place % 2), 10)) for place, digit in enumerate(digits))
    return f"{digits}{-total % 10}"


def by_hand(path: Path) -> Iterator[list[str]]:
    """Yield each row's lines as a programmer would write them for this one file: the measure of what is possible."""
    spec, skos = f"{BASE}spec/torg#", "http://www.w3.org/2004/02/skos/core#"
    memo: dict[str, str] = {}
    groups = spending_groups()

    def quoted(text: str) -> str:
        found = memo.get(text)
        if found is None:
            found = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
            memo[text] = found
        return found

    parts: dict[str, str] = {}

    def part(text: str) -> str:
        found = parts.get(text)
        if found is None:
            found = parts[text] = urllib.parse.quote(text, safe="-._~")
        return found

    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        next(reader)
        for buyer, buyer_name, voucher, name, orgnr, account, text, day, unit, _, amount, *_ in reader:
            entry = (
                f"<{BASE}id/ledger-entry/{AUTHORITY}/{day}/{urllib.parse.quote(voucher, safe='-._~')}/{part(account)}>"
            )
            supplier = f"<{BASE}id/organization/{orgnr}>"
            konto = f"<{BASE}id/account/{AUTHORITY}/{part(account)}>"
            enhet = f"<{BASE}id/unit/{AUTHORITY}/{part(unit)}>"
            lines = [
                f'{entry} <{spec}voucherNumber> "{voucher}" .\n',
                f'{entry} <{spec}bookingDate> "{day}"^^<{XSD}date> .\n',
                f'{entry} <{spec}netAmount> "{amount}"^^<{XSD}decimal> .\n',
                f"{entry} {RDF_TYPE} <{spec}LedgerEntry> .\n",
                f"{entry} <{spec}payer> <{BASE}id/organization/{buyer}> .\n",
                f"{entry} <{spec}payee> {supplier} .\n",
                f"{entry} <{spec}account> {konto} .\n",
                f"{entry} <{spec}unit> {enhet} .\n",
                f'{supplier} <https://schema.org/name> "{quoted(name)}" .\n',
                f"{supplier} {RDF_TYPE} <{spec}Supplier> .\n",
                f'<{BASE}id/organization/{buyer}> <{skos}altLabel> "{quoted(buyer_name)}" .\n',
                f'{konto} <{skos}notation> "{account}" .\n',
                f'{konto} <http://www.w3.org/2000/01/rdf-schema#label> "{quoted(text)}"@sv .\n',
                f"{konto} {RDF_TYPE} <{spec}Account> .\n",
                f'{enhet} <http://www.w3.org/2000/01/rdf-schema#label> "{quoted(unit)}"@sv .\n',
                f"{enhet} {RDF_TYPE} <{spec}Unit> .\n",
                f"{enhet} <http://www.w3.org/ns/org#unitOf> <{BASE}id/organization/{PUBLISHER}> .\n",
            ]
            group = groups.get(account[:2])
            if group:
                lines.append(f"{konto} <{skos}broader> <{group}> .\n")
            yield lines


def spending_groups() -> dict[str, str]:
    """Return the concept of each two-digit account group, as the loader finds it."""
    index = concepts()
    found = ((f"{n:02d}", index.find("spending", f"K{n:02d}", only=("notation",))) for n in range(100))
    return {code: match.iri for code, match in found if match}


@cache
def concepts() -> ConceptIndex:
    """Return the shared concepts, read once."""
    return ConceptIndex.from_files(ontology.concept_files(), BASE)


def by_torg(path: Path) -> Iterator[list[str]]:
    """Yield each row's lines by the loader, with detection, screening, provenance and accounting."""
    folder = path.parent / "granby" / "ledger"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dataset.toml").write_text(
        'source = "ledger.csv"\nconformsTo = "leverantorsreskontra"\nperiod = "2026"\n'
    )
    if not (folder / "ledger.csv").exists():
        os.link(path, folder / "ledger.csv")
    context = LoadContext(BASE, BASE, AUTHORITY, f"id/organization/{PUBLISHER}", concepts())
    dataset = read_dataset(folder, "granby")
    for delivery in deliveries(dataset):
        for _, _, lines in load(dataset, delivery, context, Findings()):
            yield lines


def run(which: str, path: Path, out: Path) -> dict[str, float]:
    """Convert in this process; return CPU seconds, triples and peak memory."""
    concepts()  # read once for the whole site, so not part of what one file costs
    before, started = time.process_time(), time.perf_counter()
    triples = 0
    with out.open("w", encoding="utf-8", newline="\n", buffering=1 << 20) as target:
        for lines in by_hand(path) if which == "hand" else by_torg(path):
            target.writelines(lines)
            triples += len(lines)
    return {
        "cpu": time.process_time() - before,
        "wall": time.perf_counter() - started,
        "triples": triples,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def measured(which: str, path: Path, out: Path) -> dict[str, float]:
    """Run one side in a process of its own."""
    command = [
        sys.executable,
        "-m",
        "tests.benchmarks.conversion",
        "--run",
        which,
        "--ledger",
        str(path),
        "--out",
        str(out),
    ]
    result: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return result


def main() -> None:
    """Print the figures of both sides, and their ratio; fail when they made other triples."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--run", choices=("hand", "torg"))
    parser.add_argument("--ledger", type=Path)
    parser.add_argument("--out", type=Path)
    said = parser.parse_args()
    if said.run:
        print(json.dumps(run(said.run, said.ledger, said.out)))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.csv"
        write_ledger(path, said.rows)
        outs = {which: Path(folder) / f"{which}.nt" for which in ("hand", "torg")}
        best: dict[str, dict[str, float]] = {}
        for _ in range(said.rounds):
            for which, out in outs.items():
                figures = measured(which, path, out)
                if which not in best or figures["cpu"] < best[which]["cpu"]:
                    best[which] = figures
        # Sorted by the system's tool: a million rows are 2 GB of lines.
        for out in outs.values():
            subprocess.run(["sort", "-u", "-o", str(out), str(out)], check=True, env={**os.environ, "LC_ALL": "C"})
        if subprocess.run(["cmp", "-s", *map(str, outs.values())]).returncode:
            raise SystemExit("the two sides made different triples")
    for which, figures in best.items():
        # Both state the same triples; torg leaves out repetitions, so the rate counts what the other one wrote.
        rate = best["hand"]["triples"] / figures["cpu"] / 1000
        print(f"{which:5} {figures['cpu']:7.2f} s CPU  {rate:6.0f} k triples/s  {figures['peak_mb']:5.0f} MB peak")
    print(f"ratio {best['torg']['cpu'] / best['hand']['cpu']:.2f}  ({said.rows} rows, same triples)")


if __name__ == "__main__":
    main()
