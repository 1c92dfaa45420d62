"""Gives back what a web process no longer needs: cycles that hold an old generation, and memory that is free.

A request leaves cycles behind (a page's macros, the frames of an error) that hold the generation it was answered from,
with its store, its files and its lock. Among objects that have lived for a while the interpreter looks for cycles so
seldom that several flips pass meanwhile; and what is freed stays with the process, in pieces, spread over the arenas of
the C library.
"""

from __future__ import annotations

import ctypes
import gc
import os
import threading
from collections.abc import Sequence

_M_ARENA_MAX = -8  # malloc.h of glibc
_ARENAS = 2

AFTER_SECONDS = (3.0, 30.0)
"""How long after a flip it is tidied up: when most requests that began before it are answered, and when nearly all."""


def share_arenas() -> None:
    """Have all threads allocate from a few arenas; call it before they start.

    By default glibc gives each thread one of its own, up to eight for each core. The interpreter lets one thread run at
    a time anyway, and what one leaves free in its arena no other can use: with 32 threads, more than half was free.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None and "MALLOC_ARENA_MAX" not in os.environ:
        mallopt(_M_ARENA_MAX, _ARENAS)


def settle() -> None:
    """Leave what was made at the start out of every later search for cycles, so that it is quick and happens often."""
    gc.collect()
    gc.freeze()
    gc.collect()  # only this tells the interpreter how little there is left to look through


def give_back() -> None:
    """Free what is held by cycles alone, and give free memory back to the system where the C library can."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc has it, musl has not
    if trim is not None:
        trim(0)


class Tidying:
    """Tidies up in the background, some seconds after it was last asked."""

    def __init__(self, seconds: Sequence[float] = AFTER_SECONDS) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._timers: list[threading.Timer] = []

    def soon(self) -> None:
        """Ask for it; returns at once."""
        with self._lock:
            for timer in self._timers:
                timer.cancel()
            self._timers = [threading.Timer(seconds, give_back) for seconds in self._seconds]
            for timer in self._timers:
                timer.daemon = True
                timer.start()
