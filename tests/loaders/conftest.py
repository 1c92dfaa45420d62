"""A small site folder on disk, and one call that loads a dataset of it."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest

import ontology
from loaders.concepts import ConceptIndex
from loaders.description import read_dataset
from loaders.errors import LoadError
from loaders.findings import Finding, Findings
from loaders.load import LoadContext, LoadCounts, Origin, deliveries, load

BASE = "https://data.granby.example/"


@cache
def shared_concepts() -> ConceptIndex:
    """The shared hierarchy, read once for all tests."""
    return ConceptIndex.from_files(ontology.concept_files(), BASE)


@dataclass
class Loaded:
    """What came of loading one dataset."""

    rows: list[tuple[str, Origin, list[str]]] = field(default_factory=list)
    findings: Findings = field(default_factory=Findings)
    counts: LoadCounts = field(default_factory=LoadCounts)
    error: Finding | None = None

    @property
    def lines(self) -> str:
        """All lines, as one text."""
        return "".join(line for _, _, lines in self.rows for line in lines)

    def rules(self) -> set[str]:
        """The rules of all findings, the blocking one too."""
        return {finding.rule for finding in self.findings} | ({self.error.rule} if self.error else set())

    def told(self) -> str:
        """Everything a steward would read."""
        every = [*self.findings, *([self.error] if self.error else [])]
        return "\n".join(
            f"{f.place(tongue)}: {f.text(tongue)} {f.advice(tongue)} {f}" for f in every for tongue in ("sv", "en")
        )


Loader = Callable[..., Loaded]


@pytest.fixture
def load_files(tmp_path: Path) -> Loader:
    """Return a function that loads files (by name) with a dataset.toml, and keeps the account of rows."""

    def load_all(files: dict[str, bytes | str], toml: str = 'conformsTo = "skolor"') -> Loaded:
        folder = tmp_path / "granby" / "prov"
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
        source = "" if "source" in tomllib.loads(toml) else f'source = "{next(iter(files))}"\n'
        (folder / "dataset.toml").write_text(source + toml, "utf-8")
        done = Loaded()
        context = LoadContext(BASE, BASE, "1880", "id/organization/2120001967", shared_concepts())
        try:
            dataset = read_dataset(folder, "granby")
            done.findings.dataset = dataset.key
            for delivery in deliveries(dataset):
                done.rows += load(dataset, delivery, context, done.findings, done.counts)
            assert done.counts.rows_in == done.counts.rows_out + done.counts.rows_told
            assert len(done.rows) == done.counts.rows_out
        except LoadError as error:
            done.error = error.finding
        return done

    return load_all
