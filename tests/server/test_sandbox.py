"""Confinement, tried inside a confined process of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from server import sandbox

ROOT = Path(__file__).resolve().parents[2]
PROBE = """
import json, os, socket, subprocess, sys, threading
sys.path.insert(0, sys.argv[1])
from server import sandbox
found = sandbox.confine(memory_bytes=1 << 30, file_bytes=1 << 20, parent=os.getppid(), stack_bytes=1 << 20)
said = {"denied": found.network_denied, "notices": found.notices}
def attempt(name, action):
    try:
        action()
        said[name] = "done"
    except OSError as error:
        said[name] = "refused"
attempt("tcp", lambda: socket.create_connection(("127.0.0.1", int(sys.argv[2])), timeout=2))
attempt("udp", lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
attempt("unix", lambda: socket.socket(socket.AF_UNIX))
attempt("program", lambda: subprocess.run(["true"]))
attempt("fork", os.fork)
def fill():
    with open(sys.argv[3], "wb") as file:
        file.write(bytes(2 << 20))
        file.flush()
attempt("file", fill)
thread = threading.Thread(target=lambda: said.update(thread="done"))
thread.start()
thread.join()
print(json.dumps(said))
"""


def test_a_confined_process_has_no_network_no_programs_and_small_files(tmp_path: Path) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-c", PROBE, str(ROOT), str(port), str(tmp_path / "file")],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        server.settimeout(0.2)
        with pytest.raises(TimeoutError):
            server.accept()
    said = json.loads(done.stdout)
    assert said["thread"] == "done"
    assert said["file"] == "refused"
    if not said["denied"]:
        assert said["notices"], "the network is open and nothing says so"
        pytest.skip(said["notices"][0])
    assert {said[name] for name in ("tcp", "udp", "unix")} == {"refused"}
    if not any("filter" in notice for notice in said["notices"]):
        assert {said[name] for name in ("program", "fork")} == {"refused"}


def test_the_parent_has_to_be_alive() -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from server import sandbox; "
        "sandbox.confine(memory_bytes=1<<30, file_bytes=1, parent=1 << 22, stack_bytes=0); print('lives')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(ROOT)], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == ""


def test_numbers_are_those_of_the_kernel_headers() -> None:
    header = next(
        (
            path
            for path in map(Path, ("/usr/include/x86_64-linux-gnu/asm/unistd_64.h", "/usr/include/asm/unistd_64.h"))
            if path.exists()
        ),
        None,
    )
    if header is None:
        pytest.skip("no kernel headers here")
    numbers = dict(re.findall(r"#define __NR_(\w+) (\d+)", header.read_text()))
    machine = sandbox._MACHINES["x86_64"]
    assert {name: int(numbers[name]) for name in machine.denied} == machine.denied
    assert (int(numbers["clone"]), int(numbers["clone3"])) == (machine.clone, machine.clone3)


def test_an_unknown_machine_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox.platform, "machine", lambda: "pdp11")
    notices: list[str] = []
    sandbox._filter_system_calls(sandbox.ctypes.CDLL(None), notices)
    assert "pdp11" in notices[0]
    assert os.getpid()
