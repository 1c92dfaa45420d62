"""Measure the SPARQL endpoint against `oxigraph serve-read-only` on the same store, in turns, in the same run.

    python -m tests.benchmarks.sparql --triples 1000000 --oxigraph oxigraph

The yardstick is the PyPI package `oxigraph` (its `oxigraph` command). Reported: medians and their ratio for a cold and
a cached small join, the time of a million rows, and what a reader costs over an evaluation in process.
"""

from __future__ import annotations

import argparse
import json
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

import pyoxigraph as ox

from server.generations import DataFolder
from server.publish import publish
from server.readers import ReaderPool
from server.settings import Settings
from server.site import read_site
from server.starter_site import init
from server.tokens import TokenFile

ROOT = Path(__file__).resolve().parents[2]
JSON, CSV = "application/sparql-results+json", "text/csv"
SERVE = (
    "import sys; from pathlib import Path; from server.serve import serve; from server.settings import read_settings; "
    "from server.site import read_site; site = Path(sys.argv[1]); "
    "flags = {'port': int(sys.argv[2]), 'client_burst_seconds': 1e6}; "
    "serve(site, read_settings(read_site(site).raw, environment={}, flags=flags))"
)
JOIN = "SELECT ?s ?n ?k {{ ?s <http://a/kind> <http://a/kind/{n}> ; <http://a/name> ?n ; <http://a/part> ?k }} LIMIT 20"
ROWS = "SELECT ?s ?p ?o { ?s ?p ?o } LIMIT 1000000"


def build(path: Path, triples: int) -> None:
    """Make a store of so many triples, four about each thing."""
    things = triples // 4
    lines = path.with_suffix(".nt")
    with lines.open("w", encoding="utf-8") as file:
        for n in range(things):
            thing = f"<http://a/id/{n}>"
            file.write(f"{thing} <http://a/kind> <http://a/kind/{n % 5000}> .\n")
            file.write(f'{thing} <http://a/name> "Sak nummer {n} på torget"@sv .\n')
            file.write(f"{thing} <http://a/part> <http://a/id/{n * 7 % things}> .\n")
            file.write(f'{thing} <http://a/amount> "{n % 9973}.5"^^<http://www.w3.org/2001/XMLSchema#decimal> .\n')
    store = ox.Store(str(path))
    store.bulk_load(path=str(lines), format=ox.RdfFormat.N_TRIPLES)
    store.flush()
    del store
    lines.unlink()


class Endpoint:
    """One of the two servers, asked over one kept connection by the leanest of clients."""

    def __init__(self, command: list[str], port: int, path: str, headers: dict[str, str] | None = None) -> None:
        self.path, self.headers = path, "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
        self.process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        until = time.monotonic() + 30
        while True:
            try:
                self.connection = socket.create_connection(("127.0.0.1", port), timeout=600)
                self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.answers = self.connection.makefile("rb")
                self.ask("ASK {}", JSON)
                return
            except OSError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.2)

    def ask(self, query: str, accept: str) -> float:
        """Return the seconds until the last byte; raise OSError for anything but 200."""
        address = f"{self.path}?{urlencode({'query': query})}"
        request = f"GET {address} HTTP/1.1\r\nHost: localhost\r\nAccept: {accept}\r\n{self.headers}\r\n".encode()
        started = time.perf_counter()
        self.connection.sendall(request)
        status = self.answers.readline()
        headers = {}
        while (line := self.answers.readline()) not in (b"\r\n", b""):
            name, _, value = line.partition(b":")
            headers[name.lower()] = value.strip()
        if b"content-length" in headers:
            self._skip(int(headers[b"content-length"]))
        else:
            while size := int(self.answers.readline(), 16):
                self._skip(size + 2)
            self.answers.readline()
        if b" 200 " not in status:
            raise OSError(f"{self.path} answered {status.decode()}")
        return time.perf_counter() - started

    def _skip(self, size: int) -> None:
        while size:
            size -= len(self.answers.read(min(size, 1 << 18)))

    def stop(self) -> None:
        """End the server."""
        self.process.terminate()
        self.process.wait(timeout=60)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def in_turns(actions: dict[str, Callable[[int], float]], rounds: int) -> dict[str, float]:
    """Return the median seconds of each action, measured alternately so that a busy machine hits all alike."""
    found: dict[str, list[float]] = {name: [] for name in actions}
    for n in range(rounds):
        for name, action in actions.items():
            found[name].append(action(n))
    return {name: statistics.median(times) for name, times in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--triples", type=int, default=1_000_000)
    parser.add_argument("--oxigraph", default="oxigraph", help="the oxigraph command")
    parser.add_argument("--rounds", type=int, default=300)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        json.dump(measure(Path(folder), options.triples, options.oxigraph, options.rounds), sys.stdout, indent=1)


def measure(folder: Path, triples: int, oxigraph: str, rounds: int) -> dict[str, object]:
    site = init(folder / "site")
    publish(read_site(site), Settings(), now=datetime(2026, 3, 1, tzinfo=UTC))
    store = DataFolder(site / "data").generations / "000001" / "store"
    for path in (store, store.parent):
        path.chmod(0o755)
    shutil.rmtree(store)
    build(store, triples)
    _, token = TokenFile(site / "data" / "tokens.json").create("benchmark")
    ports = free_port(), free_port()
    torg = [sys.executable, "-c", SERVE, str(site), str(ports[0])]
    ours = Endpoint(torg, ports[0], "/sparql")
    lifted = Endpoint(["true"], ports[0], "/sparql", {"Authorization": f"Bearer {token}"})
    theirs = Endpoint(
        [oxigraph, "serve-read-only", "--location", str(store), "--bind", f"127.0.0.1:{ports[1]}"], ports[1], "/query"
    )
    try:
        report: dict[str, object] = {}
        cold = in_turns(
            {
                "torg": lambda n: ours.ask(JOIN.format(n=n), JSON),
                "oxigraph": lambda n: theirs.ask(JOIN.format(n=n), JSON),
            },
            rounds,
        )
        cached = in_turns(
            {
                "torg": lambda n: ours.ask(JOIN.format(n=0), JSON),
                "oxigraph": lambda n: theirs.ask(JOIN.format(n=0), JSON),
            },
            rounds,
        )
        for name, times in (("cold_join", cold), ("cached_join", cached)):
            report[name] = {**milliseconds(times), "times_as_fast": round(times["oxigraph"] / times["torg"], 2)}
        for accept in (CSV, JSON):
            rows = in_turns(
                {"torg": lambda n, a=accept: lifted.ask(ROWS, a), "oxigraph": lambda n, a=accept: theirs.ask(ROWS, a)},
                3,
            )
            report[f"rows {accept}"] = {
                **milliseconds(rows),
                "times_as_long": round(rows["torg"] / rows["oxigraph"], 2),
            }
    finally:
        for endpoint in (ours, lifted, theirs):
            endpoint.stop()
    report["ask"] = ask_overhead(store)
    return report


def ask_overhead(store: Path) -> dict[str, float]:
    """Return what ASK {} costs in process and through a reader, in milliseconds."""
    opened = ox.Store.read_only(str(store))

    def inside(_: int) -> float:
        started = time.perf_counter()
        answer = opened.query("ASK {}")
        assert isinstance(answer, ox.QueryBoolean)
        answer.serialize(format=ox.QueryResultsFormat.JSON)
        return time.perf_counter() - started

    with ReaderPool(store) as pool:

        def through(_: int) -> float:
            started = time.perf_counter()
            pool.query("ASK {}", accept_format=JSON)
            return time.perf_counter() - started

        return milliseconds(in_turns({"in_process": inside, "reader": through}, 500))


def milliseconds(times: dict[str, float]) -> dict[str, float]:
    return {f"{name}_ms": round(seconds * 1000, 3) for name, seconds in times.items()}


if __name__ == "__main__":
    main()
