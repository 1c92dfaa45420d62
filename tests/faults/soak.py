"""Mixed load, publications and hostile requests for a while; then everything has to be back where it was.

    python -m tests.faults.soak --minutes 10

Starts a server of the starter region on loopback, warms it with the very load that follows, lets it settle, takes its
measure (memory, descriptors, threads, processes), wears it out, lets it settle, and measures again. Exit 1 when
something grew, when memory rose through the second half, when something was answered wrongly, or died.
"""

from __future__ import annotations

import argparse
import http.client
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from urllib.parse import quote

from tests.faults.measures import Measure, course, risen, take

ROOT = Path(__file__).resolve().parents[2]
TORG = [sys.executable, "-c", "from server.cli import main; main()"]
HEAVY = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"
_END = b" HTTP/1.1\r\nHost: a\r\n\r\n"
PAGES = (
    "/", "/datasets", "/concepts", "/search?q=skola", "/sparql", "/about", "/changes?format=json", "/catalog.rdf",
    "/.well-known/void", "/-/ready", "/-/metrics", "/id/organization/2120009901", "/nowhere", "/api",
)  # fmt: skip
HOSTILE = (
    b"GET /sparql?query=" + quote("SELECT * {" * 3_000).encode() + _END,
    b"GET /sparql?query=" + quote(f"SELECT ({'STR(' * 900}?s{')' * 900} AS ?x) {{}}").encode() + _END,
    b"CONNECT evil.example:443 HTTP/1.1\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"GET /../../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n",
    b"POST /sparql HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\nContent-Type: text/plain\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nAccept: " + b"text/html;q=0.1," * 500 + b"\r\n\r\n",
    b"GET /id/%00%ff%c0%af HTTP/1.1\r\nHost: a\r\n\r\n",
    b"PUT /id/x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
)  # fmt: skip
_SETTINGS = {"TORG_QUERY_SECONDS": "3", "TORG_READERS": "2", "TORG_CLIENT_SECONDS_PER_MINUTE": "1000",
             "TORG_KEEP_GENERATIONS": "3"}  # fmt: skip
_SETTLE_SECONDS = 35.0  # the server tidies up 30 seconds after a flip
_SAMPLE_SECONDS = 2.0
_SCHOOL, _NAME = "norrsjo/skolor/skolor.csv", re.compile(r"Friskolan Kometen Norrsjö[ 0-9]*")


class Soak:
    """A server under load; what its clients meet is counted."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.site, self.log, self.seed = folder / "site", folder / "log", seed
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = int(probe.getsockname()[1])
        self._run("init", str(self.site))
        self._run("publish", "--site", str(self.site))
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [*TORG, "serve", "--site", str(self.site), "--port", str(self.port)],
                cwd=ROOT, stdout=log, stderr=log, env={**os.environ, **_SETTINGS}, start_new_session=True,
            )  # fmt: skip
        self.seen: Counter[str] = Counter()
        self.wrong: Counter[str] = Counter()
        self.samples: list[int] = []
        self._stop = threading.Event()

    def _run(self, *arguments: str) -> None:
        done = subprocess.run(
            [*TORG, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
            env={**os.environ, **_SETTINGS},
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"torg {arguments[0]} ended with {done.returncode}: {done.stdout}{done.stderr}")

    def ready(self, seconds: float = 120) -> None:
        """Wait until the server is ready."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                if self._get("/-/ready")[0] == 200:
                    return
            except OSError:
                pass
            time.sleep(0.2)
        raise RuntimeError("the server is not ready: " + self.log.read_text("utf-8", "replace")[-2_000:])

    def _get(self, path: str, accept: str = "*/*") -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("GET", path, headers={"Accept": accept})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def wear(self, seconds: float) -> None:
        """Put every kind of load on the server at once, and note meanwhile what memory it takes."""
        self._stop.clear()
        self.samples = []
        work = (self._visit, self._visit, self._ask, self._ask_much, self._attack, self._publish)
        threads = [threading.Thread(target=self._loop, args=(each, n)) for n, each in enumerate(work)]
        for thread in threads:
            thread.start()
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._stop.wait(min(left, _SAMPLE_SECONDS))
            self.samples.append(take(self.process.pid).web)
        self._stop.set()
        for thread in threads:
            thread.join(400)
            if thread.is_alive():
                self.wrong["a client never got an answer"] += 1

    def _loop(self, work: object, number: int) -> None:
        chance = random.Random(self.seed * 100 + number)
        while not self._stop.is_set():
            try:
                work(chance)  # type: ignore[operator]
            except (OSError, http.client.HTTPException, RuntimeError, subprocess.SubprocessError) as error:
                self.wrong[f"{getattr(work, '__name__', '')}: {type(error).__name__}: {str(error)[:300]}"] += 1
                self._stop.wait(0.5)

    def _visit(self, chance: random.Random) -> None:
        path = chance.choice(PAGES)
        status, _ = self._get(path, chance.choice(("text/html", "text/turtle, */*;q=0.1", "*/*")))
        self._count("page", status, status < 500)

    def _ask(self, chance: random.Random) -> None:
        query = f"SELECT * {{ ?s ?p ?o }} LIMIT {chance.randint(1, 200)}"
        status, _ = self._get(f"/sparql?query={quote(query)}", "text/csv")
        self._count("query", status, status in (200, 429, 503))

    def _ask_much(self, chance: random.Random) -> None:
        status, _ = self._get(f"/sparql?query={quote(HEAVY)}%20%23{chance.random()}", "text/csv")
        self._count("heavy query", status, status in (200, 429, 503, 504, 422))
        self._stop.wait(chance.uniform(0, 5))

    def _attack(self, chance: random.Random) -> None:
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as connection:
            connection.settimeout(3)
            connection.sendall(chance.choice(HOSTILE))
            try:
                answer = connection.recv(200)
            except (TimeoutError, ConnectionResetError):
                answer = b""
        status = int(answer[9:12]) if answer.startswith(b"HTTP/") and answer[9:12].isdigit() else 0
        self._count("hostile request", status, status not in (500, 502))
        self._stop.wait(0.05)

    def _publish(self, chance: random.Random) -> None:
        """Give a school a name that it never had, or go back to an earlier generation, and publish."""
        if chance.random() < 0.25:
            kept = sorted(p.name for p in (self.site / "data/generations").iterdir() if p.name.isdigit())
            if len(kept) > 1:
                self._run("restore", str(int(kept[-2])), "--site", str(self.site))
                self._count("restore", 0, True)
        else:
            source = self.site / "datasets" / _SCHOOL
            text, renamed = _NAME.subn(
                f"Friskolan Kometen Norrsjö {chance.randrange(10**4)}", source.read_text("utf-8")
            )
            if not renamed:
                raise RuntimeError(f"{_SCHOOL} has no school to rename")
            source.write_text(text, "utf-8")
            self._run("publish", "--site", str(self.site), "--confirm")
            self._count("publication", 0, True)
        self._stop.wait(chance.uniform(4, 10))

    def _count(self, what: str, status: int, good: bool) -> None:
        self.seen[f"{what} {status}" if status else what] += 1
        if not good:
            self.wrong[f"{what} answered {status}"] += 1

    def settle(self) -> Measure:
        """Let what runs come to its end, and measure the server: the least of three, since some things come and go."""
        time.sleep(_SETTLE_SECONDS)
        measures = []
        for _ in range(3):
            measures.append(take(self.process.pid))
            time.sleep(2)
        return min(measures, key=lambda measure: (measure.zombies, measure.processes, measure.descriptors))

    def close(self) -> None:
        """End the server; what does not exit 0 in time is wrong."""
        if self.process.poll() is not None:
            self.wrong[f"the server ended by itself with {self.process.returncode}"] += 1
            return
        self.process.terminate()
        try:
            if self.process.wait(60) != 0:
                self.wrong[f"the server exited {self.process.returncode}"] += 1
        except subprocess.TimeoutExpired:
            self.wrong["the server did not end"] += 1
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def main() -> None:
    """Soak as long as the command or TORG_SOAK_MINUTES says; exit 1 when something is not as it was."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak", description="Load, then back where it was.")
    parser.add_argument("--minutes", type=float, default=float(os.environ.get("TORG_SOAK_MINUTES", "10")))
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the server ends with us
    with tempfile.TemporaryDirectory(prefix="torg-soak-", ignore_cleanup_errors=True) as folder:
        soak = Soak(Path(folder), asked.seed)
        try:
            soak.ready()
            # A fifth of the time, at most two minutes, fills caches and starts every thread there will be.
            soak.wear(min(120.0, asked.minutes * 12))
            before = soak.settle()
            soak.wear(asked.minutes * 60)
            soak.ready()
            after = soak.settle()
        finally:
            soak.close()
        told = soak.log.read_text("utf-8", "replace")[-4_000:]
        for place, _, _ in os.walk(folder):
            os.chmod(place, 0o755)
    wrong = [f"{what} ({count} times)" for what, count in soak.wrong.items()] + after.grown(before)
    wrong += [rise] if (rise := risen(soak.samples)) else []
    print(f"Soaked {asked.minutes:g} minutes: {dict(sorted(soak.seen.items()))}")
    print(f"Before: {before}\nAfter:  {after}\nMiB of the web process under load: {course(soak.samples)}")
    if wrong:
        print("Wrong: " + "; ".join(wrong) + f"\nThe server's log ends:\n{told}")
        sys.exit(1)
    print("Everything is back where it was.")


if __name__ == "__main__":
    main()
