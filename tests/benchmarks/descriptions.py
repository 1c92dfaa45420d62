"""Measure descriptions against `oxigraph serve-read-only` DESCRIBE on the same store, in turns, in the same run.

    python -m tests.benchmarks.descriptions --site FOLDER --oxigraph oxigraph

FOLDER is a published site; without it the starter region is published. The yardstick is the PyPI package
`oxigraph` (its `oxigraph` command). Each figure is answers a second over a few kept connections, the best
of several short turns, so that a busy machine hits all alike. "cold" is torg without its byte cache.
"""

from __future__ import annotations

import argparse
import gzip
import http.client
import json
import multiprocessing
import random
import socket
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from server.generations import DataFolder
from server.graph_files import subject
from server.partitions import addressed
from server.publish import publish
from server.settings import Settings
from server.site import read_site
from server.starter_site import init

ROOT = Path(__file__).resolve().parents[2]
SERVE = (
    "import sys; from pathlib import Path; from server.serve import serve; from server.settings import read_settings; "
    "from server.site import read_site; site = Path(sys.argv[1]); "
    "flags = {'port': int(sys.argv[2]), 'cache_mb': int(sys.argv[3])}; "
    "serve(site, read_settings(read_site(site).raw, environment={}, flags=flags))"
)
PAGE = "text/html"
TURTLE = "text/turtle"
Job = tuple[int, list[str], str, float]


def sample(site: Path, most: int) -> list[str]:
    """Return IRIs of things of every dataset, always the same ones."""
    base = read_site(site).base
    generation = DataFolder(site / "data").current()
    assert generation is not None
    found: set[str] = set()
    for entry in generation.graphs.values():
        if entry.kind == "dataset":
            with gzip.open(generation.path / entry.dump, "rt", encoding="utf-8") as lines:
                for line, _ in zip(lines, range(200_000), strict=False):
                    name = subject(line)
                    if addressed(name, base):
                        found.add(name)
    generation.close()
    return random.Random(1).sample(sorted(found), min(most, len(found)))


def ask(job: Job) -> int:
    """Ask for addresses round and round over one connection; return how many answers came in the time."""
    port, addresses, accept, seconds = job
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    until, answers = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        connection.request("GET", addresses[answers % len(addresses)], headers={"Accept": accept})
        response = connection.getresponse()
        response.read()
        if response.status != 200:
            raise RuntimeError(f"{addresses[answers % len(addresses)]} answered {response.status}")
        answers += 1
    return answers


def start(command: list[str], port: int) -> subprocess.Popen[bytes]:
    """Start a server and wait until it answers."""
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return process
        except OSError:
            time.sleep(0.2)
    raise RuntimeError(f"{command[0]} does not answer on port {port}")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def measure(site: Path, oxigraph: str, clients: int, seconds: float, turns: int) -> dict[str, float]:
    """Return answers a second of each way to ask, and the ratios to DESCRIBE."""
    iris = sample(site, 2_000)
    base = read_site(site).base
    paths = [f"/res/{iri.removeprefix(base).removeprefix('id/')}" for iri in iris]
    queries = [f"/query?query={quote(f'DESCRIBE <{iri}>')}" for iri in iris]
    store = DataFolder(site / "data").generations / str(DataFolder(site / "data").current_name()) / "store"
    cold, cached, raw = free_port(), free_port(), free_port()
    torg = [sys.executable, "-c", SERVE, str(site)]
    running = [
        start([*torg, str(cold), "0"], cold),
        start([*torg, str(cached), "64"], cached),
        start([oxigraph, "serve-read-only", "--location", str(store), "--bind", f"127.0.0.1:{raw}"], raw),
    ]
    ways: dict[str, tuple[int, list[str], str]] = {
        "oxigraph DESCRIBE": (raw, queries, TURTLE),
        "cold Turtle": (cold, paths, TURTLE),
        "cold page": (cold, paths, PAGE),
        "cached Turtle": (cached, paths[:200], TURTLE),
        "cached page": (cached, paths[:200], PAGE),
    }
    best = dict.fromkeys(ways, 0.0)
    try:
        with multiprocessing.Pool(clients) as pool:
            for _ in range(turns):
                for name, (port, addresses, accept) in ways.items():
                    jobs = [(port, addresses[n::clients], accept, seconds) for n in range(clients)]
                    best[name] = max(best[name], sum(pool.map(ask, jobs)) / seconds)
    finally:
        for process in running:
            process.terminate()
            process.wait(timeout=60)
    yardstick = best["oxigraph DESCRIBE"]
    ratios = {f"{name} ÷ DESCRIBE": round(rate / yardstick, 2) for name, rate in best.items() if rate != yardstick}
    return {name: round(rate) for name, rate in best.items()} | ratios


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--site", type=Path, help="a published site; default: the starter region, published now")
    parser.add_argument("--oxigraph", default="oxigraph", help="the oxigraph command")
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        site = options.site
        if site is None:
            site = init(Path(folder) / "site")
            publish(read_site(site), Settings(), now=datetime(2026, 3, 1, tzinfo=UTC))
        found = measure(site, options.oxigraph, options.clients, options.seconds, options.turns)
        json.dump(found, sys.stdout, indent=1, ensure_ascii=False)


if __name__ == "__main__":
    main()
