"""The functions that a specification's `derive` annotation names: from a cell's text to a template variable.

`organization`     a path beneath id/ for a legal person's number, a local one for other identifiers
`possible-person`  set when an identifier may be a person's: then no IRI and no name is published
`concept`          the IRI of the concept that the text means
`key`              a path beneath id/ for the publisher's own or a nationally unique key
`matching`         the text itself when it fits a pattern
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from loaders.concepts import ConceptIndex, Match
from loaders.coverage import PROPOSED_TEXTS, Coverage, Outcome
from loaders.csvw.problems import CellProblem, kind_of
from loaders.errors import DescriptionError
from loaders.findings import Finding
from loaders.privacy import may_be_person, organization_number, scan

Derivation = Callable[[str], str | None]
Factory = Callable[[Mapping[str, Any]], Derivation]


@dataclass
class Derivations:
    """Makes the derivation functions of one publisher, and keeps what they met of concepts."""

    authority: str
    concepts: ConceptIndex
    expand: Callable[[str], str]
    coverage: dict[str, list[Coverage]] = field(default_factory=dict)

    def factories(self) -> dict[str, Factory]:
        """Return every function by the name that specifications use."""
        return {
            "organization": self._organization,
            "possible-person": self._possible_person,
            "concept": self._concept,
            "key": self._key,
            "matching": _matching,
        }

    def _organization(self, params: Mapping[str, Any]) -> Derivation:
        local = params.get("local", True) is not False
        kind = str(params.get("kind", "supplier"))

        def organization(text: str) -> str | None:
            text = text.strip()
            number = organization_number(text)
            if number:
                return f"organization/{number}"
            # A number that may be a person's gets no IRI at all: not even a local one, nor a hash of it.
            if not local or not text or may_be_person(text):
                return None
            return f"{kind}/{self.expand(self.authority)}/{self.expand(text)}"

        return organization

    def _possible_person(self, params: Mapping[str, Any]) -> Derivation:
        return lambda text: "true" if may_be_person(text) else None

    def _key(self, params: Mapping[str, Any]) -> Derivation:
        kind = str(params["kind"])
        national = re.compile(str(params.get("national", r"(?!)")))

        def key(text: str) -> str | None:
            text = text.strip()
            if not text:
                return None
            if national.fullmatch(text):
                return f"{kind}/{self.expand(text)}"
            return f"{kind}/{self.expand(self.authority)}/{self.expand(text)}"

        return key

    def _concept(self, params: Mapping[str, Any]) -> Derivation:
        scheme, how = str(params["scheme"]), str(params.get("match", "any"))
        length = int(params.get("length", 0))
        if scheme not in self.concepts.schemes():
            detail = (("fault", f"no concept scheme “{scheme}”"),)
            raise DescriptionError(Finding("description.broken-mapping", detail=detail))
        # A scheme may be one kind of publisher's only: a region's account 7551 is no municipality's 75.
        if not re.fullmatch(str(params.get("authority", ".*")), self.authority):
            return lambda text: None
        prefix = str(params.get("prefix", ""))
        organizations = params.get("except") == "organization"
        coverage = Coverage(str(params.get("column", "")), scheme)
        self.coverage.setdefault(coverage.column, []).append(coverage)

        def concept(text: str) -> str | None:
            text = text.strip()
            if not text or (organizations and organization_number(text)):
                return None
            wanted = prefix + (text[:length] if how == "prefix" and length else text)
            matches = self.concepts.candidates(scheme, wanted)
            if how != "any":
                matches = tuple(match for match in matches if match.kind in ("notation", "lost-zero"))
            # A prefix names the group of a finer code of one's own: that a code has none is no fault.
            if how == "prefix" and len(matches) != 1:
                return None
            return self._settle(coverage, text, matches)

        return concept

    def _settle(self, coverage: Coverage, text: str, matches: tuple[Match, ...]) -> str:
        if len(matches) != 1:
            outcome: Outcome = "ambiguous" if matches else "unmatched"
            coverage.count(outcome, text)
            if text not in coverage.proposals and len(coverage.proposals) < PROPOSED_TEXTS and not scan(text):
                meant = self.concepts.names(matches) or self.concepts.proposals(text, coverage.scheme)
                coverage.proposals[text] = " / ".join(meant)
            raise CellProblem(f"concepts.{outcome}", kind_of(text))
        match = matches[0]
        coverage.count("matched", text)
        if match.status == "deprecated":
            coverage.count("deprecated", text)
        elif match.kind == "lost-zero":
            coverage.count("lost-zero", text)
        return match.iri

    def detail(self, column: str, text: str) -> tuple[tuple[str, str], ...]:
        """Return what to say of a text that met no concept: the scheme, and what it may mean."""
        for coverage in self.coverage.get(column, ()):
            if text.strip() in coverage.proposals:
                proposals = coverage.proposals[text.strip()]
                return (("scheme", coverage.scheme), ("proposals", proposals or "–"))
        return (("scheme", ""), ("proposals", "–"))

    def miss(self, column: str, text: str) -> None:
        """Count one row whose text in the column is no concept, or more than one."""
        for coverage in self.coverage.get(column, ()):
            if any(text.strip() in coverage.outcomes.get(outcome, ()) for outcome in ("unmatched", "ambiguous")):
                coverage.missed_rows += 1

    def covered(self, rows: int) -> list[Coverage]:
        """Return how each coded column met its scheme over so many rows."""
        merged: dict[tuple[str, str], Coverage] = {}
        for coverage in (coverage for listed in self.coverage.values() for coverage in listed if coverage.asked):
            # A function made twice for one column (whole rows, shared things) met the same texts.
            whole = merged.setdefault(
                (coverage.column, coverage.scheme), Coverage(coverage.column, coverage.scheme, rows=rows)
            )
            whole.missed_rows = max(whole.missed_rows, coverage.missed_rows)
            whole.proposals.update(coverage.proposals)
            for outcome, texts in coverage.outcomes.items():
                whole.outcomes.setdefault(outcome, set()).update(texts)
        return list(merged.values())

    def findings(self) -> list[Finding]:
        """Return what to tell of whole columns: codes that lost their zero or are no longer in use."""
        return [
            Finding(f"concepts.{outcome}", column=coverage.column, count=len(coverage.outcomes[outcome]),
                    detail=(("scheme", coverage.scheme),))
            for listed in self.coverage.values()
            for coverage in listed
            for outcome in ("deprecated", "lost-zero")
            if coverage.outcomes.get(outcome)
        ]  # fmt: skip


def _matching(params: Mapping[str, Any]) -> Derivation:
    fits = re.compile(str(params["pattern"])).fullmatch

    def matching(text: str) -> str | None:
        text = text.strip()
        return text if fits(text) else None

    return matching
