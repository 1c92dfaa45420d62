"""What a web process gives back: old generations that only cycles hold, and free memory."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from server import memory
from server.instance import Torg
from server.memory import Tidying, give_back, settle, share_arenas
from server.settings import read_settings
from tests.conftest import ROWS, SmallSite


@pytest.fixture
def no_collection() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


def test_a_generation_that_only_a_cycle_holds_is_closed_after_the_flip(
    small_site: SmallSite, no_collection: None
) -> None:
    small_site.publish()
    torg = Torg.open(small_site.folder, read_settings(environment={}))
    torg.watch.thorough = True
    torg._tidying = Tidying((0.05,))
    opened = torg.current()
    opened.memo["frame"] = opened  # what a traceback or a page's macros leave
    store, lock = Path(opened.generation.store_path), opened.generation._lock
    assert opened.generation.store.size() and not lock.closed
    del opened
    small_site.write(ROWS[:-1])
    small_site.publish()
    assert torg.generation().number == 2
    until = time.monotonic() + 10
    while not lock.closed and time.monotonic() < until:
        time.sleep(0.02)
    assert lock.closed
    assert not [file for file in _open_files() if file.startswith(str(store))]


def _open_files() -> list[str]:
    return [str(file.readlink()) for file in Path("/proc/self/fd").iterdir() if file.is_symlink()]


def test_who_asks_several_times_is_tidied_up_after_once(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[float] = []
    monkeypatch.setattr(memory, "give_back", lambda: done.append(time.monotonic()))
    tidying = Tidying((0.05, 0.1))
    for _ in range(20):
        tidying.soon()
    for thread in tidying._timers:
        assert thread.daemon  # a process that ends waits for none of them
        thread.join(10)
    assert len(done) == 2


def test_a_c_library_without_these_calls_is_no_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda name: object())
    share_arenas()
    give_back()


def test_the_operator_decides_on_arenas(monkeypatch: pytest.MonkeyPatch) -> None:
    class Library:
        asked: list[tuple[int, int]] = []  # noqa: RUF012

        def mallopt(self, name: int, value: int) -> int:
            self.asked.append((name, value))
            return 1

    monkeypatch.setattr(memory.ctypes, "CDLL", lambda name: Library())
    monkeypatch.setenv("MALLOC_ARENA_MAX", "8")
    share_arenas()
    assert Library.asked == []
    monkeypatch.delenv("MALLOC_ARENA_MAX")
    share_arenas()
    assert Library.asked == [(-8, 2)]


def test_what_is_there_at_the_start_is_not_looked_through_again() -> None:
    try:
        settle()
        assert gc.get_freeze_count() > 1_000
    finally:
        gc.unfreeze()
