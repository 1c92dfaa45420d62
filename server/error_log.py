"""What goes wrong while serving, written to standard error without ever waiting for whoever reads it."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections import deque

_MOST_WAITING = 1_000


class BackgroundHandler(logging.Handler):
    """Writes records from a thread of its own; a full pipe or disk drops them, `dropped` counts how many."""

    def __init__(self, descriptor: int = 2) -> None:
        super().__init__()
        self.dropped = 0
        self._descriptor = descriptor
        self._waiting: deque[str] = deque()
        self._wanted = threading.Condition()
        threading.Thread(target=self._write, name="error-log", daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        """Let a record be written."""
        line = self.format(record) + "\n"
        with self._wanted:
            if len(self._waiting) >= _MOST_WAITING:
                self.dropped += 1
                return
            self._waiting.append(line)
            self._wanted.notify()

    def _write(self) -> None:
        while True:
            with self._wanted:
                while not self._waiting:
                    self._wanted.wait()
                data = "".join(self._waiting).encode("utf-8", "replace")
                self._waiting.clear()
            with contextlib.suppress(OSError):
                while data:
                    data = data[os.write(self._descriptor, data) :]


def log_in_background() -> None:
    """Have what torg and its libraries log written in the background, unless somebody has set up logging already."""
    root = logging.getLogger()
    if not root.handlers:
        handler = BackgroundHandler()
        handler.setLevel(logging.WARNING)
        root.addHandler(handler)
