"""The record of a publication run: every dataset's status, counts and findings, as JSON beside the data."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from loaders.findings import Finding, Findings, Language
from server.catalog_advice import members as portal_members
from server.catalog_prediction import Prediction
from server.delivery import DatasetState


@dataclass
class DatasetReport:
    """What a run says of one dataset."""

    dataset: str
    status: str
    rows_in: int
    rows_out: int
    findings: list[Finding]
    counts: dict[str, int]
    coverage: list[dict[str, Any]] = field(default_factory=list)
    totals: dict[tuple[str, str, str], int] = field(
        default_factory=dict
    )  # by rule, file and column; the list is capped

    def members(self) -> dict[str, Any]:
        """Return the report as JSON members, each finding with its text in every language."""
        return {
            "dataset": self.dataset,
            "status": self.status,
            "rows_in": self.rows_in,
            "rows_out": self.rows_out,
            "counts": self.counts,
            "coverage": self.coverage,
            "findings": [finding_members(finding) for finding in self.findings],
        }


@dataclass
class RunReport:
    """What a run says of every dataset it looked at."""

    time: str
    datasets: list[DatasetReport] = field(default_factory=list)
    pins: list[Finding] = field(default_factory=list)  # what consumers would lose
    broken: bool = False  # a contract that blocks does not hold
    remarks: list[Finding] = field(default_factory=list)  # on the site, and on datasets that were not looked at
    portal: Prediction | None = None  # what the national portal would say of the whole catalogue, of a check

    def add(self, state: DatasetState, findings: Findings) -> None:
        """Add a dataset's state and findings."""
        counts = {weight: findings.count(weight=weight) for weight in ("block", "warn", "info")}
        rows_in = sum(delivery["rows_in"] for delivery in state.deliveries.values())
        coverage = [each for delivery in state.deliveries.values() for each in delivery.get("coverage", ())]
        self.datasets.append(
            DatasetReport(
                state.key, state.status, rows_in, state.rows, list(findings), counts, coverage, findings.totals()
            )
        )

    @property
    def blocked(self) -> list[str]:
        """The datasets whose new state cannot be published; concepts or pins.toml when those stop the whole run."""
        kept = [report.dataset for report in self.datasets if report.status in ("kept", "blocked")]
        kept += ["concepts"] if any(finding.weight == "block" for finding in self.remarks) else []
        return [*kept, "pins.toml"] if self.broken else kept

    def findings(self) -> Iterator[Finding]:
        """Yield every listed finding."""
        for report in self.datasets:
            yield from report.findings
        yield from self.pins
        yield from self.remarks

    def members(self) -> dict[str, Any]:
        """Return the report as JSON members."""
        members: dict[str, Any] = {"time": self.time, "datasets": [report.members() for report in self.datasets]}
        members |= {"pins": [finding_members(finding) for finding in self.pins]} if self.pins else {}
        members |= {"remarks": [finding_members(finding) for finding in self.remarks]} if self.remarks else {}
        return members | ({"portal": portal_members(self.portal)} if self.portal else {})


def finding_members(finding: Finding) -> dict[str, Any]:
    """Return a finding as JSON members; it never holds the value it is about."""
    languages: tuple[Language, ...] = ("sv", "en")
    members = {name: value for name, value in asdict(finding).items() if value not in ("", None, ())}
    members["severity"] = finding.weight
    members["detail"] = dict(finding.detail)
    members["text"] = {language: finding.text(language) for language in languages}
    members["advice"] = {language: finding.advice(language) for language in languages}
    return members


def write_reports(data: Path, generation: Path | None, report: RunReport) -> None:
    """Write the run's report below the data folder, and each dataset's into the generation it made."""
    _write(data / "runs" / f"{report.time.replace(':', '')}.json", report.members())
    if generation is not None:
        for dataset in report.datasets:
            path = generation / "reports" / f"{dataset.dataset}.json"
            if not path.exists():  # linked from the last generation: the dataset is as it was
                _write(path, {"time": report.time} | dataset.members())


def _write(path: Path, members: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(members, indent=1, ensure_ascii=False), "utf-8")
