"""How a data folder stands: what is served, how old it is, and how the last publication run ended."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from server.errors import StorageError
from server.generations import DataFolder


@dataclass(frozen=True, slots=True)
class State:
    """How a data folder stands; `generation` 0 before the first publication, `run_time` 0 before the first run."""

    generation: int = 0
    created: datetime | None = None
    triples: int = 0
    datasets: Mapping[str, int] = field(default_factory=dict)  # by status
    run_time: float = 0.0  # seconds since 1970
    findings: Mapping[str, int] = field(default_factory=dict)  # by severity
    blocked: int = 0

    @property
    def age(self) -> float:
        """Seconds since the generation was made; 0 for one that a wrong clock has put in the future."""
        return max(0.0, (datetime.now(UTC) - self.created).total_seconds()) if self.created else 0.0


class DataState:
    """Reads the state of a data folder, and reads it again only when a run or a flip has changed it."""

    def __init__(self, data: DataFolder) -> None:
        self._data = data
        self._seen: tuple[Any, ...] | None = None
        self._state = State()

    @property
    def path(self) -> Path:
        """The data folder."""
        return self._data.path

    def read(self) -> State:
        """Return the state; what cannot be read counts as not there."""
        seen = (_stamp(self._data.path / "current"), _stamp(self._data.path / "runs"))
        if seen != self._seen:
            self._state = State(**self._generation(), **_last_run(self._data.path / "runs"))
            self._seen = seen
        return self._state

    def _generation(self) -> dict[str, Any]:
        try:
            generation = self._data.current()
            if generation is None:
                return {}
            try:
                return {
                    "generation": generation.number,
                    "created": generation.created,
                    "triples": int(generation.manifest["default_graph_triples"]),
                    "datasets": Counter(str(each.get("status")) for each in generation.datasets.values()),
                }
            finally:
                generation.close()
        except (StorageError, OSError, KeyError, ValueError):
            return {}


def _last_run(runs: Path) -> dict[str, Any]:
    newest = max(runs.glob("*.json"), key=lambda path: path.name, default=None) if runs.is_dir() else None
    if newest is None:
        return {}
    try:
        report = json.loads(newest.read_text("utf-8"))
        findings: Counter[str] = Counter()
        for dataset in report["datasets"]:
            findings.update(dataset["counts"])
        # What is wrong with the concepts or breaks a pin stops the whole run, and is no dataset's.
        others = [*report.get("remarks", ()), *report.get("pins", ())]
        findings.update(finding["severity"] for finding in others)
        return {
            "run_time": datetime.fromisoformat(report["time"]).timestamp(),
            "findings": findings,
            "blocked": sum(dataset["status"] in ("kept", "blocked") for dataset in report["datasets"]),
        }
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns
