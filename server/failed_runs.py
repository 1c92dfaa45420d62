"""Remembers that `torg publish` ended without a report, so that the operator's figures tell of it until one succeeds.

A run that cannot go on (a wrong setting, a full disk, a base that has moved) writes no report, and the last good one
would look like the last run. Only what kind of fault it was is kept: its sentence stands in the run's own output.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from server.data_version import VERSION, read_version
from server.errors import LockedError, StorageError
from server.generations import REPLICA
from server.whole_files import write_json

FILE = "failed.json"


@dataclass(frozen=True, slots=True)
class FailedRuns:
    """The runs in a row that ended without a report: how many, and when and of what the last one ended."""

    failures: int
    time: str
    fault: str  # the kind of error, never what it says

    @property
    def timestamp(self) -> float:
        """When the last one ended, in seconds since 1970."""
        return datetime.fromisoformat(self.time).timestamp()


def read_failed(data: Path) -> FailedRuns | None:
    """Return the runs that failed since the last that ended with a report, None when there are none."""
    try:
        found = FailedRuns(**json.loads((data / FILE).read_text("utf-8")))
        return found if isinstance(found.failures, int) and found.timestamp else None
    except (OSError, ValueError, TypeError):
        return None


@contextmanager
def told_when_failed(data: Path) -> Iterator[None]:
    """Write down in a data folder that is there when the body fails, and forget it when it does not.

    That another run holds the lock is no failure; the folder of a newer torg, and a copy of another instance where
    nobody publishes, are left alone.
    """
    try:
        yield
    except LockedError:
        raise
    except Exception as error:
        if _is_newer(data) or (data / REPLICA).exists():
            raise
        known = read_failed(data)
        failed = FailedRuns(
            failures=known.failures + 1 if known else 1,
            time=datetime.now(UTC).isoformat(timespec="seconds"),
            fault=type(error).__name__,
        )
        with suppress(OSError):  # the disk may be what is wrong
            write_json(data / FILE, asdict(failed))
        raise
    with suppress(OSError):
        (data / FILE).unlink(missing_ok=True)


def _is_newer(data: Path) -> bool:
    try:
        return read_version(data) > VERSION
    except StorageError:
        return False
