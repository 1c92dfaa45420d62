"""The doctor's checks of the machine: interpreter and libraries, limits, disk, confinement of readers, clock."""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

from server.reader import Reader, ReaderDied
from server.remote_store import PASSWORD, USER
from server.settings import SETTINGS, Settings

Found = tuple[Literal["ok", "warn", "fail"], str, str, dict[str, Any]]
_OTHER_VARIABLES = {"TORG_LANG", "TORG_FOLLOW_TOKEN", "TORG_SITE_FOLDER", "TORG_SHARED", USER, PASSWORD}
_LEAST_FILES = 1_024
_LEAST_FREE = 256 << 20
_CLOCK_UNSYNCHRONISED = 5  # TIME_ERROR of adjtimex(2)
_TIMEX_BYTES = 1_024  # struct timex has 208; the kernel writes no more


def environment() -> Iterator[Found]:
    """Look at interpreter, libraries and the TORG_ variables."""
    known = {setting.variable for setting in SETTINGS} | _OTHER_VARIABLES
    strange = sorted(name for name in os.environ if name.startswith("TORG_") and name not in known)
    facts: dict[str, Any] = {"python": platform.python_version(), "system": platform.platform()}
    for name in ("torg", "pyoxigraph", "granian", "flask"):
        try:
            facts[name] = version(name)
        except PackageNotFoundError:
            facts[name] = None
    if strange:
        yield (
            "warn", f"Okända miljövariabler: {', '.join(strange)}. Namnen står i docs/settings.md.",
            f"Unknown environment variables: {', '.join(strange)}. The names are in docs/settings.md.",
            {"unknown": strange},
        )  # fmt: skip
    if sys.platform != "linux":
        yield (
            "warn", "Frågor kan bara stängas in helt på Linux. Använd Linux för en publik server.",
            "Queries can be confined wholly on Linux only. Use Linux for a public server.", facts,
        )  # fmt: skip
    else:
        said = ", ".join(f"{name} {value}" for name, value in facts.items() if name != "system")
        yield "ok", f"{said}.".capitalize(), f"{said}.".capitalize(), facts


def limits(settings: Settings) -> Iterator[Found]:
    """Compare open files and memory with what the readers may use."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    readers = (int(settings.readers) or len(os.sched_getaffinity(0))) + 1
    wanted = readers * int(settings.query_memory_mb) << 20
    there = memory_bytes()
    facts = {"open_files": files, "readers": readers, "query_memory_bytes": wanted, "memory_bytes": there}
    if files != resource.RLIM_INFINITY and files < _LEAST_FILES:
        yield (
            "warn", f"Processen får ha {files} filer öppna; ge den minst {_LEAST_FILES} (LimitNOFILE).",
            f"The process may have {files} files open; give it {_LEAST_FILES} at least (LimitNOFILE).", facts,
        )  # fmt: skip
    if there and wanted > there:
        yield (
            "warn",
            f"{readers} läsare får använda {wanted >> 20} MiB tillsammans, men minnet är {there >> 20} MiB. Sänk "
            "query_memory_mb eller readers.",
            f"{readers} readers may use {wanted >> 20} MiB together, and there are {there >> 20} MiB. Lower "
            "query_memory_mb or readers.",
            facts,
        )
    else:
        yield (
            "ok", f"{readers} läsare, {files} öppna filer, {there >> 20} MiB minne.",
            f"{readers} readers, {files} open files, {there >> 20} MiB of memory.", facts,
        )  # fmt: skip


def memory_bytes() -> int:
    """Return the memory of this machine, or of the control group when that is less."""
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            text = Path(path).read_text("ascii").strip()
        except OSError:
            continue
        if text.isdigit():
            total = min(total, int(text))
    return total


def disk(data: Path, generation: Path | None) -> Iterator[Found]:
    """Look for room for the next generation, and whether the file system does what publication needs."""
    place = next(folder for folder in (data, *data.absolute().parents) if folder.is_dir())
    free = shutil.disk_usage(place).free
    size = sum(path.stat().st_size for path in generation.rglob("*") if path.is_file()) if generation else 0
    wanted = max(_LEAST_FREE, 3 * size)
    facts = {"free_bytes": free, "generation_bytes": size, "wanted_bytes": wanted}
    if free < wanted:
        yield (
            "warn",
            f"{place} har {free >> 20} MiB ledigt; nästa publicering kan behöva {wanted >> 20} MiB. Gör plats.",
            f"{place} has {free >> 20} MiB free; the next publication may need {wanted >> 20} MiB. Free some space.",
            facts,
        )
    else:
        yield "ok", f"{free >> 20} MiB ledigt i {place}.", f"{free >> 20} MiB free in {place}.", facts
    spool = shutil.disk_usage(tempfile.gettempdir()).free
    if spool < _LEAST_FREE:
        yield (
            "warn", f"{tempfile.gettempdir()} har {spool >> 20} MiB ledigt; stora svar skrivs där.",
            f"{tempfile.gettempdir()} has {spool >> 20} MiB free; large answers are written there.", {"spool": spool},
        )  # fmt: skip
    if not data.is_dir():
        return
    try:
        with tempfile.TemporaryDirectory(prefix="doctor-", dir=data) as probe:
            one = Path(probe) / "one"
            one.touch()
            os.link(one, Path(probe) / "two")
    except PermissionError:
        yield (
            "ok", f"{data} kan inte skrivas av den här användaren; det räcker för torg serve.",
            f"{data} cannot be written by this user; that is enough for torg serve.", {"writable": False},
        )  # fmt: skip
    except OSError as error:
        yield (
            "fail", f"{data} klarar inte hårda länkar ({error.strerror}). Lägg datamappen på ett lokalt filsystem.",
            f"{data} takes no hard links ({error.strerror}). Put the data folder on a local file system.",
            {"writable": True},
        )  # fmt: skip


def confinement(store: Path | None) -> Iterator[Found]:
    """Start a reader as the server does, and tell what could not be taken away from it."""
    with tempfile.TemporaryDirectory(prefix="torg-doctor-") as empty:
        started = time.monotonic()
        try:
            reader = Reader(str(store or empty), 1 << 30, 1 << 30)
        except ReaderDied as death:
            if store is None:  # There is no store to open yet; that says nothing of the machine.
                return
            yield "fail", f"Ingen läsprocess kan startas: {death}.", f"No reader can be started: {death}.", {}
            return
        seconds = time.monotonic() - started
        try:
            notices = list(reader.facts.get("notices", ()))
            denied = bool(reader.facts.get("network_denied"))
        finally:
            reader.kill()
    facts = {"network_denied": denied, "notices": notices, "start_seconds": round(seconds, 3)}
    if not denied:
        yield (
            "fail",
            "Läsprocesser kan nå nätet här: varken seccomp eller namnrymder fungerar. Kör inte som publik server.",
            "Readers can reach the network here: neither seccomp nor namespaces work. Do not run a public server.",
            facts,
        )
    elif notices:
        yield (
            "ok", f"Läsprocesser når inte nätet. {' '.join(notices)}", f"Readers have no network. {' '.join(notices)}",
            facts,
        )  # fmt: skip
    else:
        yield "ok", "Läsprocesser är instängda.", "Readers are confined.", facts


def clock(created: datetime | None) -> Iterator[Found]:
    """Compare the clock with the newest generation, and ask the kernel whether it is kept right."""
    now = datetime.now(UTC)
    facts = {"now": now.isoformat(timespec="seconds"), "synchronised": synchronised()}
    if created is not None and created > now + timedelta(minutes=5):
        yield (
            "fail",
            f"Klockan är {facts['now']}, före den publicerade generationen ({created}). Ställ klockan.",
            f"The clock says {facts['now']}, before the published generation ({created}). Set the clock.",
            facts,
        )
    elif facts["synchronised"] is False:
        yield (
            "warn", "Kärnan säger att klockan inte hålls i takt. Slå på tidssynkronisering (NTP).",
            "The kernel says that nothing keeps the clock right. Turn time synchronisation (NTP) on.", facts,
        )  # fmt: skip
    else:
        yield "ok", f"Klockan är {facts['now']}.", f"The clock says {facts['now']}.", facts


def synchronised() -> bool | None:
    """Return whether something keeps the kernel's clock right (adjtimex(2)); None where that cannot be asked."""
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        state = libc.adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))  # All zero: asks, and sets nothing.
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != _CLOCK_UNSYNCHRONISED
