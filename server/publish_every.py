"""Publishes what is due again and again beside a web process: `torg serve --publish-every`, for small sites.

Each run is a process of its own, so one that fails, hangs or is killed for its memory ends neither the serving nor the
next run. How the last one ended stands in `publishing.json` in the data folder, for `/-/health` and `/-/metrics`.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from server.whole_files import write_json

FILE = "publishing.json"
LONGEST = 6 * 3600.0
"""Seconds after which a run is ended: no small site needs as much, and a hanging one would be the last."""
_SAID = 2_000  # characters of what a failed run said
_log = logging.getLogger("torg")

Run = Callable[[list[str], float], tuple[int, str]]
"""Runs a command for at most so many seconds; returns its exit code and what it said last."""


@dataclass(frozen=True, slots=True)
class LastRun:
    """How the runs of one process have gone: the last one, and how many failed in a row."""

    time: str = ""
    seconds: float = 0.0
    exit: int = 0  # 0 done, 1 something is blocked, anything else failed
    failures: int = 0  # in a row
    runs: int = 0
    failed: int = 0
    message: str = ""  # what a failed run said

    @property
    def status(self) -> str:
        """ok, blocked (some dataset keeps its last good state) or failed."""
        return {0: "ok", 1: "blocked"}.get(self.exit, "failed")


def read_last_run(data: Path) -> LastRun | None:
    """Return how the last run ended, None when nothing publishes here by itself."""
    try:
        return LastRun(**json.loads((data / FILE).read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def publish_every(
    site: Path,
    data: Path,
    minutes: float,
    *,
    run: Run | None = None,
    sleep: Callable[[float], None] = time.sleep,
    rounds: int | None = None,
) -> None:
    """Publish what is due in the site now and then every so many minutes, for ever or for so many rounds."""
    known, done = LastRun(), 0
    while rounds is None or done < rounds:
        known = publish_once(site, data, known, run or _run)
        done += 1
        sleep(minutes * 60)


def publish_once(site: Path, data: Path, known: LastRun, run: Run) -> LastRun:
    """Publish what is due in a process of its own, write down how it went, and return that."""
    command = [sys.executable, "-c", "from server.cli import main; main()", "--lang", "en"]
    started = time.monotonic()
    try:
        code, said = run([*command, "publish", "--due", "--site", str(site)], LONGEST)
    except (OSError, subprocess.SubprocessError) as error:
        code, said = -1, str(error)
    failed = code not in (0, 1)
    last = LastRun(
        time=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=round(time.monotonic() - started, 1),
        exit=code,
        failures=known.failures + 1 if failed else 0,
        runs=known.runs + 1,
        failed=known.failed + failed,
        message=said[-_SAID:] if failed else "",
    )
    if failed:
        _log.error(
            "The publication run failed (exit %s); what is published goes on being served. %s", code, said[-300:]
        )
    elif code == 1:
        _log.warning("The publication run kept some datasets as they were; torg check tells why.")
    else:
        _log.info("The publication run took %s s.", last.seconds)
    _write(data, asdict(last))
    return last


def _run(command: list[str], seconds: float) -> tuple[int, str]:
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
    return done.returncode, done.stderr.strip()


def _write(data: Path, members: Mapping[str, Any]) -> None:
    try:
        data.mkdir(parents=True, exist_ok=True)
        write_json(data / FILE, members)
    except OSError as error:
        _log.error("How the publication run went cannot be written down: %s", error)
