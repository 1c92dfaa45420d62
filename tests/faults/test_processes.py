"""Faults of processes: two publishers, clocks, read-only disks, no descriptors left, logs that nobody reads, flips."""

from __future__ import annotations

import contextlib
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest

from server import create_app
from server.generations import DataFolder
from server.history import History
from server.ledger import Ledger
from server.settings import read_settings
from tests.conftest import NOW, ROWS, SmallSite

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
TORG = [sys.executable, "-c", "from server.cli import main; main()", "--lang", "en"]
_FLIPS = 5
REQUESTS = int(os.environ.get("TORG_FLIP_REQUESTS", "100000"))
NAMES = "SELECT ?n WHERE { ?s <https://schema.org/name> ?n FILTER(STRSTARTS(STR(?n), 'Version')) }"


class Server:
    """A server process of a small site on loopback."""

    def __init__(self, site: SmallSite, log: int | None = None, **settings: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = int(probe.getsockname()[1])
        said = subprocess.DEVNULL if log is None else log
        self.process = subprocess.Popen(
            [*TORG, "serve", "--site", str(site.folder), "--port", str(self.port)],
            cwd=ROOT, stdout=said, stderr=said, env={**os.environ, "TORG_READERS": "1", **settings},
            start_new_session=True,
        )  # fmt: skip
        until = time.monotonic() + 120
        while self.get("/-/ready")[0] != 200:
            if time.monotonic() > until or self.process.poll() is not None:
                self.close()
                raise AssertionError("the server does not start")
            time.sleep(0.2)

    def get(self, path: str) -> tuple[int, bytes]:
        """Return status and body, status 0 when nobody answers."""
        try:
            with Connection(self.port) as connection:
                return connection.get(path)
        except OSError:
            return 0, b""

    def close(self) -> None:
        """End it, gracefully if it can."""
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(60)
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


class Connection:
    """A connection that is kept alive; it asks quicker than http.client can."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._file = self._socket.makefile("rb")

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._socket.close()

    def get(self, path: str) -> tuple[int, bytes]:
        """Return status and body."""
        self._socket.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/csv, */*;q=0.9\r\n\r\n".encode())
        line = self._file.readline()
        if not line:
            raise ConnectionResetError("closed")
        length = 0
        while (header := self._file.readline()) not in (b"\r\n", b""):
            if header[:15].lower() == b"content-length:":
                length = int(header[15:])
        return int(line[9:12]), self._file.read(length)


def write_version(site: SmallSite, version: int) -> None:
    """Give every school a name that tells the version."""
    site.write([re.sub(r'"Skola \d+"', f'"Version {version} "', row) for row in ROWS])


def test_readers_never_meet_two_generations_in_one_answer(small_site: SmallSite) -> None:
    """Many requests over connections that are kept alive, while publication follows upon publication."""
    write_version(small_site, 1)
    small_site.publish()
    server, left, wrong, lock = Server(small_site), [REQUESTS], list[str](), threading.Lock()
    paths = ("/graph/asen/skolor", "/res/school/10000003.ttl", f"/sparql?query={quote(NAMES)}", "/graph/asen/skolor")
    seen: set[int] = set()
    until = time.monotonic() + 1_200

    def read(number: int) -> None:
        # Another address may be a moment behind: the byte cache looks at the pointer once in each moment.
        last, turn = dict.fromkeys(paths, 0), number
        with Connection(server.port) as connection:
            while time.monotonic() < until:
                with lock:
                    if (left[0] <= 0 and len(seen) >= _FLIPS) or wrong:
                        return
                    left[0] -= 1
                turn += 1
                # A query goes through a reader process and costs a hundred times what a cached answer does.
                path = paths[2] if turn % 50 == 0 else paths[turn % 2]
                status, body = connection.get(path)
                versions = {int(found) for found in re.findall(rb"Version (\d+)", body)}
                if status == 200 and len(versions) == 1 and min(versions) >= last[path]:
                    last[path] = min(versions)
                    seen.add(last[path])
                elif not (status == 503 and path == paths[2]):
                    wrong.append(f"{path}: {status}, versions {versions} after {last[path]}")

    try:
        readers = [threading.Thread(target=read, args=(n,)) for n in range(4)]
        for reader in readers:
            reader.start()
        version = 1
        while any(reader.is_alive() for reader in readers):
            version += 1
            write_version(small_site, version)
            publish = [*TORG, "publish", "--site", str(small_site.folder), "--confirm"]
            done = subprocess.run(publish, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
            assert done.returncode in (0, 1), done.stdout + done.stderr
        for reader in readers:
            reader.join()
    finally:
        server.close()
    assert wrong == []
    assert left[0] <= 0, f"{left[0]} requests were not made in time"
    assert len(seen) >= _FLIPS, seen


def test_publishers_at_once_wait_their_turn_or_are_told_and_lose_nothing(small_site: SmallSite) -> None:
    small_site.publish()
    small_site.write([*ROWS, ROWS[0].replace("10000001", "10000009")])
    command = [*TORG, "publish", "--site", str(small_site.folder)]
    runs = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for _ in range(4)
    ]
    ends = [(run.communicate(timeout=300)[0], run.returncode) for run in runs]
    assert {code for _, code in ends} <= {0, 2} and 0 in {code for _, code in ends}, ends
    assert all("is writing to" in said for said, code in ends if code == 2), ends
    assert DataFolder(small_site.data).numbers() == [1, 2]
    assert Ledger(small_site.data / "ledger.sqlite").state("/id/school/10000009") is not None


def test_clocks_that_jump_change_no_order(small_site: SmallSite) -> None:
    """A year ahead, then back: numbers order generations, never times."""
    for number, now in enumerate((NOW, NOW + timedelta(days=366), NOW - timedelta(days=1)), start=1):
        small_site.write([ROWS[0].replace("Skola 1", f"Skolan {number}"), *ROWS[1:]])
        assert small_site.publish(now=now).generation == number
    client = create_app(small_site.folder, read_settings(environment={})).test_client()
    assert '"Skolan 3"' in client.get("/res/school/10000001.ttl").text
    assert client.get("/-/ready").json["generation"] == "000003"
    for path in ("/changes", "/datasets", "/-/generations", "/changes?format=json"):
        assert client.get(path).status_code == 200, path
    history = History(DataFolder(small_site.data))
    assert history.numbers() == [1, 2, 3]
    assert history.at(NOW + timedelta(days=10_000)) == 3
    with closing(DataFolder(small_site.data).current()) as generation:
        assert generation.number == 3


READ_ONLY = """
import sys
from pathlib import Path
from server import create_app
from server.cli import main
from server.settings import read_settings
from server.views.operations import front
site = Path(sys.argv[1])
try:
    (site / "data" / "probe").touch()
except OSError:
    pass
else:
    sys.exit(77)
app = create_app(site, read_settings(environment={"TORG_READERS": "1"}))
front(app)
client = app.test_client()
answers = [client.get(path, headers={"Accept": "text/csv, */*;q=0.9"}) for path in
           ("/datasets", "/res/school/10000001.ttl", "/search?q=skola", "/sparql?query=ASK%20%7B%7D")]
assert [answer.status_code for answer in answers] == [200] * 4, [answer.status for answer in answers]
sys.argv = ["torg", "--lang", "en", "publish", "--site", str(site)]
main()
"""


def test_a_read_only_disk_is_read_and_publication_says_so(small_site: SmallSite) -> None:
    small_site.publish()
    small_site.write(ROWS[1:])
    mount = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" || exit 77; exec "$2" -c "$3" "$1"'
    command = ["unshare", "--mount", "--map-root-user", "sh", "-c", mount, "sh", str(small_site.folder), sys.executable,
               READ_ONLY]  # fmt: skip
    if shutil.which("unshare") is None:
        pytest.skip("opt-in: needs unshare to mount the site read-only")
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=180, check=False)
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip("opt-in: mounting is not allowed here")
    assert done.returncode == 2, done.stdout + done.stderr
    assert "cannot be written" in done.stdout + done.stderr and "write there" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert DataFolder(small_site.data).current_name() == "000001"


@pytest.fixture
def few_descriptors(small_site: SmallSite) -> Iterator[Server]:
    """A server that may open few files."""
    small_site.publish()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (160, hard))
    try:
        server = Server(small_site)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    yield server
    server.close()


def test_a_server_without_descriptors_recovers_without_a_restart(few_descriptors: Server) -> None:
    web = few_descriptors.process.pid
    idle = [socket.create_connection(("127.0.0.1", few_descriptors.port), timeout=60) for _ in range(200)]
    for connection in idle:
        connection.sendall(b"GET /datasets HTTP/1.1\r\n")  # never ended
    time.sleep(3)
    for connection in idle:
        connection.close()
    until = time.monotonic() + 60
    query = f"/sparql?query={quote('SELECT * { ?s ?p ?o } LIMIT 2')}"
    while few_descriptors.get("/res/school/10000001.ttl")[0] != 200 or few_descriptors.get(query)[0] != 200:
        assert time.monotonic() < until, "it did not recover"
        time.sleep(0.3)
    assert few_descriptors.process.poll() is None and few_descriptors.process.pid == web


def test_a_log_that_nobody_reads_stops_no_answer(small_site: SmallSite) -> None:
    """Standard output and error are one pipe that is full: lines are dropped, errors and pages are answered."""
    small_site.publish()
    reader, writer = os.pipe()
    server = Server(small_site, writer, TORG_ACCESS_LOG="json")
    try:
        os.set_blocking(writer, False)
        for size in (65_536, 1):
            with contextlib.suppress(BlockingIOError):
                while True:
                    os.write(writer, b"x" * size)
        os.set_blocking(writer, True)
        manifest = small_site.data / "generations/000001/labels.sqlite"
        for number in range(60):
            assert server.get(f"/datasets?lang=sv&n={number}")[0] == 200
        manifest.chmod(0o644)
        manifest.write_bytes(b"noise" * (manifest.stat().st_size // 5))
        # Every one of these writes a line to the error log, more than there are threads.
        statuses = [server.get(f"/res/school/1000000{n % 8 + 1}?lang=sv&n={n}")[0] for n in range(80)]
        assert 0 not in statuses and 503 in statuses, statuses
        assert server.get("/-/health")[0] == 200
    finally:
        os.close(reader)
        os.close(writer)
        server.close()
