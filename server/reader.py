"""One reader as its owner sees it: started, asked with a deadline and a memory limit, killed and reaped."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from struct import Struct
from typing import Any

_REQUEST_HEAD = Struct("!I")
_REPLY_HEAD = Struct("!IQ")
_START_SECONDS = 30.0
_TRANSFER_SECONDS = 10.0
_LOOK_SECONDS = 0.05
_PAGE = os.sysconf("SC_PAGE_SIZE")
# A reader must not run server/__init__.py (Flask, 150 ms): an empty package with the same folder stands in for it.
_BOOTSTRAP = (
    "import sys, types; package = types.ModuleType('server'); package.__path__ = [sys.argv[2]]; "
    "sys.modules['server'] = package; sys.path.append(sys.argv[3]); "
    "from server.reader_process import main; main()"
)


class ReaderDied(Exception):
    """The reader is no more, or must be killed: `reason` is time, memory, crash or start."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(detail or reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Reply:
    """What a reader sent back: the known facts, and the body as bytes or as an open file descriptor."""

    facts: Mapping[str, Any]
    body: bytes
    descriptor: int = -1


class Reader:
    """A confined process with one store open.

    The thread that makes a Reader has to outlive it: Linux sends the parent-death signal when that *thread* ends.
    """

    def __init__(self, store: str, memory_bytes: int, file_bytes: int) -> None:
        """Start the process and wait until it is ready; raises ReaderDied("start")."""
        self.store, self.asked = store, 0
        self._statistics = -1
        options = {"store": store, "memory_bytes": memory_bytes, "file_bytes": file_bytes, "parent": os.getpid()}
        self._connection, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with theirs:
                self._process = subprocess.Popen(
                    [sys.executable, "-I", "-S", "-c", _BOOTSTRAP, json.dumps(options), *_folders()],
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    cwd="/",
                    env={"LANG": "C.UTF-8", "TMPDIR": os.environ.get("TMPDIR", "/tmp")},
                )
        except OSError as error:
            self._connection.close()
            raise ReaderDied("start", f"No reader could be started: {error}") from error
        try:
            self._statistics = os.open(f"/proc/{self._process.pid}/statm", os.O_RDONLY | os.O_CLOEXEC)
            self.facts = self._receive(time.monotonic() + _START_SECONDS, None).facts
        except (ReaderDied, OSError) as error:
            self.kill()
            raise ReaderDied("start", f"No reader could be started: {error}") from error

    @property
    def pid(self) -> int:
        return self._process.pid

    def ask(
        self,
        request: Mapping[str, Any],
        until: float,
        memory_bytes: int | None,
        give_up: Callable[[], bool] | None = None,
        descriptor: int = -1,
    ) -> Reply:
        """Return the reader's reply to the request; raises ReaderDied at the deadline, the limit or a crash.

        `give_up` is asked now and then; once it says so, the deadline counts as reached. `descriptor` is a file that
        goes with the request.
        """
        data = json.dumps(request).encode()
        self.asked += 1
        try:
            self._connection.settimeout(_TRANSFER_SECONDS)
            if descriptor >= 0:
                socket.send_fds(self._connection, [_REQUEST_HEAD.pack(len(data))], [descriptor])
                self._connection.sendall(data)
            else:
                self._connection.sendall(_REQUEST_HEAD.pack(len(data)) + data)
        except OSError as error:
            raise ReaderDied("crash", str(error)) from error
        return self._receive(until, memory_bytes, give_up)

    def _receive(self, until: float, memory_bytes: int | None, give_up: Callable[[], bool] | None = None) -> Reply:
        poll = select.poll()
        poll.register(self._connection, select.POLLIN)
        while True:
            remaining = until - time.monotonic()
            if poll.poll(max(0.0, min(_LOOK_SECONDS, remaining)) * 1000):
                break
            if remaining <= 0 or (give_up is not None and give_up()):
                raise ReaderDied("time")
            if memory_bytes is not None and self.resident() > memory_bytes:
                raise ReaderDied("memory")
        descriptors: list[int] = []
        try:
            self._connection.settimeout(_TRANSFER_SECONDS)
            head, descriptors, _flags, _address = socket.recv_fds(
                self._connection, _REPLY_HEAD.size, 1, socket.MSG_CMSG_CLOEXEC
            )
            head += self._exactly(_REPLY_HEAD.size - len(head))
            length, size = _REPLY_HEAD.unpack(head)
            facts = json.loads(self._exactly(length))
            return Reply(facts, self._exactly(size), descriptors[0] if descriptors else -1)
        except (OSError, ValueError) as error:
            for descriptor in descriptors:
                os.close(descriptor)
            raise ReaderDied("crash", str(error)) from error

    def _exactly(self, count: int) -> bytes:
        data = bytearray(count)
        view, position = memoryview(data), 0
        while position < count:
            taken = self._connection.recv_into(view[position:])
            if not taken:
                raise ConnectionError("the reader ended")
            position += taken
        return bytes(data)

    def resident(self) -> int:
        """Return the bytes of memory that are this process's own; file pages of the store are shared and free."""
        try:
            fields = os.pread(self._statistics, 256, 0).split()
            return (int(fields[1]) - int(fields[2])) * _PAGE
        except (OSError, IndexError):
            return 0

    def alive(self) -> bool:
        """Return whether the process runs; a dead one is reaped."""
        return self._process.poll() is None

    def interrupt(self) -> None:
        """Signal the process to end, from any thread; its owner sees the death and reaps it."""
        with contextlib.suppress(OSError):
            self._process.send_signal(signal.SIGKILL)

    def kill(self) -> None:
        """End the process at once, reap it and release its descriptors; harmless when done twice."""
        with contextlib.suppress(OSError):
            self._process.kill()
        self._process.wait()
        self._connection.close()
        if self._statistics >= 0:
            os.close(self._statistics)
            self._statistics = -1


def _folders() -> list[str]:
    """Return the folder of this package and the one that holds pyoxigraph, for an interpreter without site."""
    found = importlib.util.find_spec("pyoxigraph")
    if found is None or found.origin is None:
        raise ReaderDied("start", "pyoxigraph is not installed.")
    return [str(Path(__file__).parent), str(Path(found.origin).parent.parent)]
