"""Every file of the starter region is accounted for, row by row, against the facts of the model that wrote it."""

from __future__ import annotations

import json
import re
import tomllib
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import ontology
from loaders.concepts import ConceptIndex
from loaders.description import read_dataset
from loaders.findings import Findings
from loaders.load import LoadContext, LoadCounts, deliveries, load

ROOT = Path(__file__).parents[2]
STARTER = ROOT / "server" / "starter"
FACTS = json.loads((ROOT / "tests" / "starter_facts.json").read_text("utf-8"))
SITE = tomllib.loads((STARTER / "site.toml").read_text("utf-8"))
BASE = SITE["site"]["base"]


@cache
def concepts() -> ConceptIndex:
    own = [(path, BASE) for path in sorted((STARTER / "concepts").glob("*.ttl"))]
    return ConceptIndex.from_files(ontology.concept_files(), BASE, own)


def run(key: str) -> tuple[dict[str, Any], str]:
    """Load one dataset; return counts, row faults and texts by file, and all lines."""
    publisher, name = key.split("/")
    said = SITE["publishers"][publisher]
    number = said["orgnr"].replace("-", "")
    context = LoadContext(BASE, BASE, said["kommunkod"], f"id/organization/{number}", concepts())
    dataset = read_dataset(STARTER / "datasets" / publisher / name, publisher)
    files: dict[str, Any] = {}
    lines: list[str] = []
    for delivery in deliveries(dataset):
        findings, counts = Findings(dataset.key), LoadCounts()
        for _, _, made in load(dataset, delivery, context, findings, counts):
            lines += made
        assert counts.rows_in == counts.rows_out + counts.rows_told
        (file,) = delivery.files
        told = " ".join(f"{f} {f.text('sv')} {f.advice('sv')} {f.text()} {f.advice()}" for f in findings)
        files[file.name] = {
            "period": delivery.period or "",
            "rows": counts.rows_in,
            "rows_published": counts.rows_out,
            "faults": {(f.rule, f.row, f.column) for f in findings if f.row is not None},
            "told": told,
        }
    return files, "".join(lines)


@pytest.mark.parametrize("key", sorted(FACTS["datasets"]))
def test_rows_in_are_resources_out_and_findings(key: str) -> None:
    facts = FACTS["datasets"][key]
    files, lines = run(key)
    assert {name: (f["period"], f["rows"], f["rows_published"]) for name, f in files.items()} == {
        f["name"]: (f["period"], f["rows"], f["rows_published"]) for f in facts["files"]
    }
    for file in facts["files"]:
        for fault in file["faults"]:
            # Repeated keys are seen where the graph is written, not here.
            if fault["rule"] and not fault["rule"].startswith("identifiers."):
                assert (fault["rule"], fault["row"], fault["column"]) in files[file["name"]]["faults"]
    for person in FACTS["persons"]:
        for text in (person["number"], person["number"][:6] + "-" + person["number"][6:], person["name"]):
            assert text not in lines
            assert all(text not in file["told"] for file in files.values())


def test_amounts_add_up_to_the_ore() -> None:
    total = Decimal()
    for key, facts in FACTS["datasets"].items():
        if "amount" in facts:
            _, lines = run(key)
            amounts = re.findall(r'#netAmount> "([^"]+)"\^\^<[^>]+#decimal>', lines)
            assert sum(map(Decimal, amounts)) == Decimal(facts["amount"]), key
            total += Decimal(facts["amount"])
    assert total > 0
