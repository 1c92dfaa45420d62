"""Measure publication end to end against its bare parts: conversion and a bulk load of the same quads.

    python -m tests.benchmarks.publication --datasets 10 --rows 12500

Publishes a site of ledgers (about eight triples a row), then again with a few rows of one ledger changed, and again
with all of them. Prints wall and CPU seconds and the time of each step, and ratios to the bare operations measured in
the same run. On a machine that others use too the ratio of CPU seconds says more than that of wall seconds.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pyoxigraph import DefaultGraph, NamedNode, RdfFormat, Store

from loaders.description import read_dataset
from loaders.findings import Findings
from loaders.load import LoadCounts, deliveries, load
from server.delivery import DatasetWork, GateOptions, Making
from server.generations import DataFolder, remove_tree
from server.graph_files import open_graph, write_graph
from server.publish import publish
from server.settings import Settings
from server.site import read_site
from tests.benchmarks.conversion import write_ledger

SITE = """
[site]
base = "https://data.granby.example/"
title.sv = "Prov"

[publishers.granby]
name.sv = "Granby kommun"
orgnr = "212000-1967"
kommunkod = "1880"
contact = "data@granby.example"
"""
GRAPH = "https://data.granby.example/graph/granby/reskontra-0"
DATASET = """
title.sv = "Reskontra"
description.sv = "Prov."
conformsTo = "leverantorsreskontra"
delivery = "full"
license = "CC0"
source = "reskontra.csv"
"""


def make_site(folder: Path, datasets: int, rows: int) -> None:
    """Write a site of so many ledgers of so many rows."""
    folder.mkdir(parents=True)
    (folder / "site.toml").write_text(SITE, "utf-8")
    for number in range(datasets):
        dataset = folder / "datasets" / "granby" / f"reskontra-{number}"
        dataset.mkdir(parents=True)
        (dataset / "dataset.toml").write_text(DATASET, "utf-8")
        write_ledger(dataset / "reskontra.csv", rows)
        # Each ledger has its own days, so that no entry is in two of them.
        text = (dataset / "reskontra.csv").read_text("utf-8").replace(",2026-", f",{2000 + number}-")
        (dataset / "reskontra.csv").write_text(text, "utf-8")


def change(source: Path, rows: int) -> None:
    """Give the first rows of a ledger another amount."""
    draw = random.Random(1)
    with source.open(encoding="utf-8", newline="") as file:
        table = list(csv.reader(file))
    place = table[0].index("nettobelopp")
    for row in table[1 : rows + 1]:
        row[place] = f"{draw.randrange(100, 10**6) / 100:.2f}"
    with source.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(table)


@dataclass(frozen=True)
class Cost:
    """Seconds by the clock and of the processors, those of child processes too."""

    wall: float
    cpu: float

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.wall + other.wall, self.cpu + other.cpu)

    def members(self) -> dict[str, float]:
        """Return both, rounded."""
        return {"wall": round(self.wall, 2), "cpu": round(self.cpu, 2)}

    def ratio(self, other: Cost) -> dict[str, float]:
        """Return both as shares of another cost."""
        return {"wall": round(self.wall / other.wall, 2), "cpu": round(self.cpu / other.cpu, 2)}


def timed(run: Callable[[], Any]) -> tuple[Cost, Any]:
    """Return what a call cost, and what it gave."""
    started, before = time.perf_counter(), sum(os.times()[:4])
    found = run()
    return Cost(time.perf_counter() - started, sum(os.times()[:4]) - before), found


def published(folder: Path) -> tuple[Cost, dict[str, float]]:
    """Publish and return the whole cost, and the time of each step."""
    steps: dict[str, float] = {}
    last = ["start", time.perf_counter()]

    def progress(step: str, what: str) -> None:
        now = time.perf_counter()
        steps[last[0]] = round(steps.get(last[0], 0) + now - last[1], 3)
        last[:] = [step, now]

    whole, done = timed(lambda: publish(read_site(folder), Settings(), progress=progress))
    progress("end", "")
    assert done.generation is not None and not done.blocked, [f.text() for f in done.report.findings()][:5]
    return whole, steps


def bare_conversion(folder: Path, only: str, scratch: Path) -> None:
    """Run the loaders and write one sorted file a dataset, without anything else."""
    site = read_site(folder)
    work = DatasetWork(Making(site, Settings(), None, scratch, GateOptions()))
    for path in sorted((folder / "datasets/granby").glob(only)):
        dataset = read_dataset(path, "granby")
        for delivery in deliveries(dataset):
            rows = load(dataset, delivery, work._context(dataset), Findings(dataset.key), LoadCounts())
            write_graph((line for _, _, lines in rows for line in lines), scratch / f"{path.name}.nt.gz")


def bare_load(generation: Path, store: Path) -> None:
    """Bulk load every dump into its graph and the default graph."""
    manifest = json.loads((generation / "manifest.json").read_text("utf-8"))
    target = Store(str(store))
    for graph in manifest["graphs"]:
        for name in [NamedNode(graph["iri"]), DefaultGraph()]:
            with open_graph(generation / graph["dump"]) as lines:
                target.bulk_load(lines, format=RdfFormat.N_TRIPLES, to_graph=name)
    target.flush()


def bare_exchange(generation: Path, graph: str, store: Path) -> None:
    """Make a checkpoint in which one graph is cleared and loaded anew, and the merge gets it too."""
    manifest = json.loads((generation / "manifest.json").read_text("utf-8"))
    entry = next(each for each in manifest["graphs"] if each["iri"] == graph)
    Store.read_only(str(generation / "store")).backup(str(store))
    target = Store(str(store))
    target.clear_graph(NamedNode(graph))
    for name in [NamedNode(graph), DefaultGraph()]:
        with open_graph(generation / entry["dump"]) as lines:
            target.bulk_load(lines, format=RdfFormat.N_TRIPLES, to_graph=name)
    target.flush()


def main() -> None:
    """Print times and ratios as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", type=int, default=10)
    parser.add_argument("--rows", type=int, default=12_500)
    parser.add_argument("--folder", type=Path, help="where to work; needs some 700 bytes a triple")
    given = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="torg-benchmark-", dir=given.folder))
    try:
        site = root / "site"
        make_site(site, given.datasets, given.rows)
        whole, steps = published(site)
        generation = DataFolder(site / "data").generations / "000001"
        converted, _ = timed(lambda: bare_conversion(site, "*", root))
        loaded, _ = timed(lambda: bare_load(generation, root / "bare"))
        manifest = json.loads((generation / "manifest.json").read_text("utf-8"))
        found: dict[str, Any] = {
            "triples": manifest["default_graph_triples"], "quads": manifest["quads"], "bytes": size(generation),
            "publish": whole.members(), "bare_convert": converted.members(), "bare_load": loaded.members(),
            "ratio": whole.ratio(converted + loaded), "steps": steps,
        }  # fmt: skip
        print(json.dumps(found), flush=True)
        remove_tree(root / "bare")
        source = site / "datasets/granby/reskontra-0/reskontra.csv"
        for name, rows in (("few", 20), ("all", given.rows)):
            change(source, rows)
            whole, steps = published(site)
            converted, _ = timed(lambda: bare_conversion(site, "reskontra-0", root))
            current = DataFolder(site / "data").current()
            assert current is not None
            exchanged, _ = timed(partial(bare_exchange, current.path, GRAPH, root / f"exchange-{name}"))
            current.close()
            found[f"republish_{name}"] = {
                "publish": whole.members(), "bare_convert": converted.members(), "bare_exchange": exchanged.members(),
                "ratio": whole.ratio(converted + exchanged), "steps": steps,
            }  # fmt: skip
        print(json.dumps(found, indent=1))
    finally:
        remove_tree(root)


def size(folder: Path) -> int:
    """Return how many bytes the files of a folder have."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


if __name__ == "__main__":
    main()
