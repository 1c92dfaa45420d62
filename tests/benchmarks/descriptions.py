"""Measure descriptions against `oxigraph serve-read-only` DESCRIBE on the same store, in turns, in the same run.

    python -m tests.benchmarks.descriptions --site FOLDER --oxigraph oxigraph

FOLDER is a published site; without it the starter region is published. The yardstick is the PyPI package
`oxigraph` (its `oxigraph` command). Each figure is answers a second over a few kept connections, the best
of several short turns, so that a busy machine hits all alike. "cold" is torg without its byte cache; "HTTP alone"
is the same HTTP server with an application that does nothing but answer in bytes of the same length: the ceiling.
CPU is microseconds of processor time of the server for an answer, which says more on a busy machine.

The client reads as little as HTTP allows, since it runs on the same processors: a general one spends more on
the header of an answer than the server does on the answer.
"""

from __future__ import annotations

import argparse
import gzip
import json
import multiprocessing
import os
import random
import re
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
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
HELLO = (
    "import sys; from granian.constants import Interfaces; from granian.log import LogLevels; "
    "from granian.server import Server; body = b'.' * 1650; "
    "headers = [('Content-Type', 'text/turtle'), ('Content-Length', str(len(body)))]; "
    "app = lambda environ, start: (start('200 OK', headers), [body])[1]; "
    "Server('', port=int(sys.argv[1]), interface=Interfaces.WSGI, blocking_threads=32, backpressure=128, "
    "log_level=LogLevels.error).serve(target_loader=lambda *_: app, wrap_loader=False)"
)
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
PAGE = "text/html"
TURTLE = "text/turtle"
Job = tuple[int, list[str], str, float, int]


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
    """Ask for addresses round and round over a few connections; return how many answers came in the time.

    All are asked before any is read, so that the client sleeps seldom: a wait for each answer by itself takes more
    of the processors than a server does that knows the answer.
    """
    port, addresses, accept, seconds, connections = job
    head = f"HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: {accept}\r\n\r\n"
    requests = [f"GET {address} {head}".encode() for address in addresses]
    answers, until = 0, time.monotonic() + seconds
    with ExitStack() as stack:
        opened = [
            stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=60)) for _ in range(connections)
        ]
        for connection in opened:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while time.monotonic() < until:
            for place, connection in enumerate(opened, start=answers):
                connection.sendall(requests[place % len(requests)])
            for place, connection in enumerate(opened, start=answers):
                if (status := _read(connection)) != b"200":
                    raise RuntimeError(f"{addresses[place % len(addresses)]} answered {status.decode()}")
            answers += connections
    return answers


def _read(connection: socket.socket) -> bytes:
    """Read one answer whole, by its length or its chunks (RFC 9112, section 6); return its status."""
    received = b""
    while True:
        piece = connection.recv(1 << 20)
        if not piece:
            raise ConnectionError("the server hung up")
        received += piece
        end = received.find(b"\r\n\r\n")
        if end < 0:
            continue
        length = _LENGTH.search(received, 0, end + 2)
        whole = len(received) >= end + 4 + int(length[1]) if length else received.endswith(b"\r\n0\r\n\r\n")
        if whole:
            return received[9:12]


def processor_time(process: int) -> float:
    """Return the seconds of processor time that a process and those it started have used (proc(5))."""
    fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    used = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return used + sum(processor_time(int(child)) for child in children)


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


def measure(site: Path, oxigraph: str, clients: int, connections: int, seconds: float, turns: int) -> dict[str, float]:
    """Return answers a second of each way to ask, and the ratios to DESCRIBE."""
    iris = sample(site, 2_000)
    base = read_site(site).base
    paths = [f"/res/{iri.removeprefix(base).removeprefix('id/')}" for iri in iris]
    queries = [f"/query?query={quote(f'DESCRIBE <{iri}>')}" for iri in iris]
    store = DataFolder(site / "data").generations / str(DataFolder(site / "data").current_name()) / "store"
    cold, cached, raw, alone = free_port(), free_port(), free_port(), free_port()
    torg = [sys.executable, "-c", SERVE, str(site)]
    yard = [oxigraph, "serve-read-only", "--location", str(store), "--bind", f"127.0.0.1:{raw}"]
    running = {
        cold: start([*torg, str(cold), "0"], cold),
        cached: start([*torg, str(cached), "64"], cached),
        raw: start(yard, raw),
        alone: start([sys.executable, "-c", HELLO, str(alone)], alone),
    }
    ways: dict[str, tuple[int, list[str], str]] = {
        "oxigraph DESCRIBE": (raw, queries, TURTLE),
        "HTTP alone": (alone, paths[:200], TURTLE),
        "cold Turtle": (cold, paths, TURTLE),
        "cold page": (cold, paths, PAGE),
        "cached Turtle": (cached, paths[:200], TURTLE),
        "cached page": (cached, paths[:200], PAGE),
    }
    best, used = dict.fromkeys(ways, 0.0), dict.fromkeys(ways, float("inf"))
    try:
        with multiprocessing.Pool(clients) as pool:
            for _ in range(turns):
                for name, (port, addresses, accept) in ways.items():
                    jobs = [(port, addresses[n::clients], accept, seconds, connections) for n in range(clients)]
                    before = processor_time(running[port].pid)
                    answers = sum(pool.map(ask, jobs))
                    best[name] = max(best[name], answers / seconds)
                    used[name] = min(used[name], (processor_time(running[port].pid) - before) / answers)
    finally:
        for process in running.values():
            process.terminate()
            process.wait(timeout=60)
    yardstick = best["oxigraph DESCRIBE"]
    ratios = {f"{name} ÷ DESCRIBE": round(rate / yardstick, 2) for name, rate in best.items() if rate != yardstick}
    ratios["cached Turtle ÷ HTTP alone"] = round(best["cached Turtle"] / best["HTTP alone"], 2)
    cpu = {f"{name}, µs of CPU": round(seconds * 1e6) for name, seconds in used.items()}
    return {name: round(rate) for name, rate in best.items()} | ratios | cpu


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--site", type=Path, help="a published site; default: the starter region, published now")
    parser.add_argument("--oxigraph", default="oxigraph", help="the oxigraph command")
    parser.add_argument("--clients", type=int, default=2, help="processes that ask")
    parser.add_argument("--connections", type=int, default=4, help="of each of them")
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        site = options.site
        if site is None:
            site = init(Path(folder) / "site")
            publish(read_site(site), Settings(), now=datetime(2026, 3, 1, tzinfo=UTC))
        found = measure(site, options.oxigraph, options.clients, options.connections, options.seconds, options.turns)
        json.dump(found, sys.stdout, indent=1, ensure_ascii=False)


if __name__ == "__main__":
    main()
