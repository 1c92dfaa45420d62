"""The stewards' error family: what stops a dataset, said as a finding.

LoadError                 anything that stops one dataset
├── SourceError           the source cannot be read as what it claims to be
└── DescriptionError      site.toml, dataset.toml or a specification is wrong
"""

from __future__ import annotations

from loaders.findings import Finding


class LoadError(Exception):
    """Stops one dataset, never the others; `finding` says what, where and what to do."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding)
        self.finding = finding

    def __str__(self) -> str:
        place = self.finding.place()
        return f"{place + ': ' if place else ''}{self.finding.text()} {self.finding.advice()}"


class SourceError(LoadError):
    """The source is missing, unreadable, empty, or not what it claims to be."""


class DescriptionError(LoadError):
    """A file written by a steward (site.toml, dataset.toml, metadata) has a fault."""
