"""The gates between a converted delivery and the next generation: codes, lost rows, vanished and changed things."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loaders.coverage import Coverage
from loaders.description import Dataset
from loaders.findings import Finding, Findings
from server.columns import header_of, short_name
from server.comparing import Compared, Subjects, compare
from server.conversion import row_origin
from server.settings import Settings

# Below these, a share says nothing: one renamed school of two is half of them.
_FEWEST_ROWS = 5
_FEWEST_CHANGED = 3
# A delivery with less than half of the last one's rows is more often cut off than right.
_ROWS_LOST = 0.5


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Shares at which gates warn or block: those of dataset.toml, else the site's settings."""

    unmatched_warn: float
    unmatched_block: float
    vanishing: float
    changed: float


def thresholds(dataset: Dataset, settings: Settings) -> Thresholds:
    """Return the thresholds of a dataset."""
    said = dataset.thresholds
    return Thresholds(
        said.get("unmatchedWarn", settings.unmatched_warn),
        said.get("unmatchedBlock", settings.unmatched_block),
        said.get("vanishing", settings.vanishing),
        said.get("changed", settings.changed),
    )


def coverage_gate(
    coverage: Iterable[Coverage],
    before: Iterable[Mapping[str, Any]],
    limits: Thresholds,
    absolute: bool,
    findings: Findings,
) -> None:
    """Add a finding for every coded column that too many rows use without meeting a concept.

    `before` is the coverage of the last publication. A column that never met its scheme warns; one that did and does
    not now blocks, for its codes have changed. An `absolute` limit, one that the steward has set, blocks in any case.
    """
    known = {(each["column"], each["scheme"]): each["missed_rows"] / max(1, each["rows"]) for each in before}
    for column in coverage:
        share = column.missed_share
        worse = absolute or known.get((column.column, column.scheme), 1.0) <= limits.unmatched_block
        blocks = worse and share > limits.unmatched_block
        if column.rows < _FEWEST_ROWS or not (blocks or share > limits.unmatched_warn):
            continue
        rule = "concepts.coverage-low" if blocks else "concepts.coverage"
        meant = [f"”{said['text']}” → {said['concepts']}" for said in column.members()["proposals"][:3]]
        detail = (
            ("scheme", column.scheme), ("share", _percent(share)), ("missed", str(column.missed_rows)),
            ("rows", str(column.rows)), ("proposals", "; ".join(meant) or "–"),
        )  # fmt: skip
        findings.add(Finding(rule, column=column.column, detail=detail))


def lost_rows_gate(before: int, now: int, findings: Findings) -> None:
    """Add a finding when a delivery has less than half of the rows it had."""
    if before >= _FEWEST_ROWS and now < before * _ROWS_LOST:
        detail = (("before", str(before)), ("now", str(now)))
        findings.add(Finding("source.fewer-rows", count=before - now, detail=detail))


def change_gate(
    dataset: Dataset, old: Path, new: Path, rows: Path, base: str, limits: Thresholds, findings: Findings
) -> Compared:
    """Add findings when identifiers vanish, columns change places, or known things change meaning; return the counts.

    `rows` is the new delivery's row index, by which the first of the changed things is found in the source.
    """
    found = compare(old, new, f"{base}id/")
    if found.before and found.gone / found.before > limits.vanishing:
        detail = (("gone", str(found.gone)), ("before", str(found.before)))
        findings.add(Finding("identifiers.vanishing", count=found.gone, detail=detail))
    swapped: set[tuple[str, str]] = set()
    for (kind, one, two), subjects in sorted(found.swaps.items()):
        if subjects.count >= _FEWEST_CHANGED and subjects.count > limits.changed * found.common[kind]:
            swapped |= {(kind, one), (kind, two)}
            names = (("one", _column(dataset, one, base)), ("two", _column(dataset, two, base)))
            findings.add(
                Finding("source.swapped-columns", row=_row(rows, subjects.first), column=names[0][1],
                        count=subjects.count, detail=(*names, *_counted(subjects, found, kind)))
            )  # fmt: skip
    for (kind, property), subjects in sorted(found.meanings.items()):
        share = subjects.count / found.common[kind]
        if subjects.count >= _FEWEST_CHANGED and share > limits.changed and (kind, property) not in swapped:
            findings.add(
                Finding("identifiers.meaning-changed", row=_row(rows, subjects.first),
                        column=_column(dataset, property, base), count=subjects.count,
                        detail=_counted(subjects, found, kind))
            )  # fmt: skip
    return found


def _counted(subjects: Subjects, found: Compared, kind: str) -> tuple[tuple[str, str], ...]:
    return (("changed", str(subjects.count)), ("common", str(found.common[kind])), ("kind_of_thing", kind))


def _row(rows: Path, subject: str) -> int | None:
    found = row_origin(rows, subject) if rows.exists() else None
    return found[2] if found else None


def _column(dataset: Dataset, property: str, base: str) -> str:
    return header_of(dataset, property, base) or short_name(property)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
