"""Writes the starter region into server/starter/, and what is true of it into tests/starter_facts.json.

Run from the repository's root: `python scripts/make_starter.py` (needs openpyxl). The same bytes come out every
time. The facts are reckoned from the generator's own model and never through the loaders, so that tests can hold
the loaders to them: how many rows each source has, which faults are planted in which rows, what every supplier was
paid by all municipalities together. Change the region here, never in server/starter/.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from starter_region.delivery import Delivery, Written, write
from starter_region.descriptions import concepts_ttl, dataset_toml, readme, site_toml
from starter_region.facilities import HOMES, SCHOOLS
from starter_region.ledger import MONTHS, Posting, postings
from starter_region.ledgers import INTERNAL, LEDGERS, MASKED
from starter_region.places import homes, schools
from starter_region.region import MUNICIPALITIES, TRADERS, Municipality

ROOT = Path(__file__).resolve().parent.parent
BORDER = Path(__file__).parent / "starter_region" / "border.geojson"
Totals = dict[str, Decimal]
GIT_ATTRIBUTES = "# Sources keep the bytes they came in: line ends and encodings are part of what is tested.\n* -text\n"


def ledger_files(town: Municipality) -> list[Written]:
    """Return the ledger files of a municipality: one a month, or one for the whole year."""
    delivery, rows = LEDGERS[town.key], postings(town)
    if len(delivery.files) == 1:
        return [write(delivery, delivery.files[0], rows)]
    return [
        write(delivery, name, [row for row in rows if row.month == month])
        for name, month in zip(delivery.files, MONTHS, strict=True)
    ]


def facts_of(delivery: Delivery, files: list[Written], names: list[str]) -> dict[str, object]:
    """Return what is true of every dataset: rows, rows lost, faults."""
    return {
        "rows": sum(file.rows for file in files),
        "rows_published": sum(file.rows - len(file.lost) for file in files),
        "files": [
            {
                "name": file.name,
                "period": period,
                "rows": file.rows,
                "rows_published": file.rows - len(file.lost),
                "faults": file.faults,
            }
            for file, period in zip(files, names, strict=True)
        ],
    }


def ledger_facts(town: Municipality, files: list[Written], paid: Totals) -> dict[str, object]:
    """Return what is true of a ledger besides, and add what it paid to the totals by organisation number."""
    kept: list[Posting] = [row for file in files for row in file.kept()]
    persons = [row for row in kept if row.supplier.person]
    keys = [[(row.day, row.voucher, row.konto) for row in file.kept()] for file in files]
    masked = town.key in MASKED
    for row in kept:
        if not row.supplier.person and town.key != INTERNAL:
            paid[row.supplier.number] += row.amount
    return {
        "amount": f"{sum((row.amount for row in kept), Decimal(0)):.2f}",
        "repeated_keys": sum(len(file) - len(set(file)) for file in keys),
        "person_suppliers": 0 if masked else len({row.supplier.number for row in persons}),
        "person_rows": 0 if masked else len(persons),
        "masked_rows": len(persons) if masked else 0,
        "internal_supplier_ids": town.key == INTERNAL,
    }


def make(site: Path, facts_file: Path) -> None:
    """Write the whole site and the facts, in place of what was there."""
    shutil.rmtree(site, ignore_errors=True)
    datasets: dict[str, dict[str, object]] = {}
    paid: Totals = defaultdict(Decimal)
    for town in MUNICIPALITIES:
        ledgers = ledger_files(town)
        periods = list(MONTHS) if len(ledgers) > 1 else ["2026"]
        folder = site / "datasets" / town.key
        said = facts_of(LEDGERS[town.key], ledgers, periods) | ledger_facts(town, ledgers, paid)
        datasets[f"{town.key}/leverantorsreskontra"] = said
        _save(folder / "leverantorsreskontra", dataset_toml("leverantorsreskontra", town, LEDGERS[town.key]), ledgers)
        for name, deliveries, rows in (("skolor", SCHOOLS, schools(town)), ("aldreboenden", HOMES, homes(town))):
            delivery = deliveries[town.key]
            files = [write(delivery, delivery.files[0], rows)]
            persons = sum(1 for row in files[0].kept() if row.operator.person)
            datasets[f"{town.key}/{name}"] = facts_of(delivery, files, [""]) | {"person_rows": persons}
            _save(folder / name, dataset_toml(name, town, delivery), files)
    _text(site / "site.toml", site_toml())
    _text(site / "concepts" / "norrsjo.ttl", concepts_ttl())
    _text(site / "README.md", readme())
    shutil.copyfile(BORDER, site / BORDER.name)
    _text(site / ".gitattributes", GIT_ATTRIBUTES)
    facts = {
        "about": "Written by scripts/make_starter.py from its own model; rows are counted as in the source, "
        "where a header is row 1.",
        "municipalities": {town.key: {"kommunkod": town.kommunkod, "orgnr": town.number} for town in MUNICIPALITIES},
        "persons": [{"name": trader.name, "number": trader.number} for trader in TRADERS],
        "datasets": datasets,
        "paid_to_supplier": {number: f"{paid[number]:.2f}" for number in sorted(paid)},
        "paid_in_all": f"{sum(paid.values(), Decimal(0)):.2f}",
    }
    _text(facts_file, json.dumps(facts, ensure_ascii=False, indent=1) + "\n")


def _save(folder: Path, description: str, files: list[Written]) -> None:
    _text(folder / "dataset.toml", description)
    for file in files:
        (folder / file.name).write_bytes(file.content)


def _text(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())


if __name__ == "__main__":
    make(ROOT / "server" / "starter", ROOT / "tests" / "starter_facts.json")
