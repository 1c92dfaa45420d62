"""Reads back what publication runs found of a dataset: the report of what is published, and the last refusal."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class DatasetReports:
    """The findings of a dataset as it is published, and those that stopped a newer delivery, if one was stopped."""

    time: str = ""
    findings: list[dict[str, Any]] = field(default_factory=list)
    refused: dict[str, Any] | None = None

    @property
    def ordered(self) -> list[dict[str, Any]]:
        """The findings, the worst first."""
        order = {"block": 0, "warn": 1, "info": 2}
        return sorted(self.findings, key=lambda finding: order.get(finding.get("severity", "info"), 2))


# What a reader sees of a finding, but for its row.
_SHOWN = ("severity", "rule", "file", "sheet", "column", "text", "advice")


@dataclass
class Alike:
    """Findings that say the same of the same column: the first of them, and the row of each in the report's order."""

    finding: dict[str, Any]
    rows: list[int] = field(default_factory=list)


def alike(findings: list[dict[str, Any]]) -> list[Alike]:
    """Return the findings with those that differ in their row alone put together, in the order of the first of each."""
    found: dict[str, Alike] = {}
    for finding in findings:
        same = json.dumps([finding.get(name) for name in _SHOWN], sort_keys=True)
        rows = found.setdefault(same, Alike(finding)).rows
        if finding.get("row") and finding["row"] not in rows[-1:]:
            rows.append(finding["row"])
    return list(found.values())


def report_of(generation: Path, data: Path, key: str) -> DatasetReports:
    """Return what is known of a dataset; empty when its report is not kept."""
    path = generation / "reports" / f"{key}.json"
    found = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return DatasetReports(found.get("time", ""), found.get("findings", []), latest_refusals(data).get(key))


def latest_refusals(data: Path) -> dict[str, dict[str, Any]]:
    """Return the report of every dataset that the last run refused, by key: its time and what blocked it."""
    runs = sorted((data / "runs").glob("*.json")) if (data / "runs").is_dir() else []
    if not runs:
        return {}
    run = json.loads(runs[-1].read_text("utf-8"))
    return {
        report["dataset"]: {
            "time": run["time"],
            "findings": [finding for finding in report["findings"] if finding["severity"] == "block"],
        }
        for report in run["datasets"]
        if report["status"] in ("kept", "blocked")
    }
