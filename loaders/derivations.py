"""The functions that a specification's `derive` annotation names: from a cell's text to a template variable.

`organization`     a path beneath id/ for a legal person's number, a local one for other identifiers
`possible-person`  set when an identifier may be a person's: then no IRI and no name is published
`concept`          the IRI of the concept that the text means
`key`              a path beneath id/ for the publisher's own or a nationally unique key
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from loaders.concepts import ConceptIndex, Match
from loaders.errors import DescriptionError
from loaders.findings import Finding
from loaders.privacy import is_person, may_be_person, organization_number

Derivation = Callable[[str], str | None]
Factory = Callable[[Mapping[str, Any]], Derivation]
# Distinct unmatched texts kept for proposals; more are only counted.
LISTED_TEXTS = 50


@dataclass
class Coverage:
    """How the distinct texts of one coded column met their concept scheme."""

    scheme: str
    outcomes: Counter[str] = field(default_factory=Counter)
    unmatched: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass
class Derivations:
    """Makes the derivation functions of one publisher, and keeps what they met of concepts."""

    authority: str
    concepts: ConceptIndex
    expand: Callable[[str], str]
    coverage: dict[str, Coverage] = field(default_factory=dict)

    def factories(self) -> dict[str, Factory]:
        """Return every function by the name that specifications use."""
        return {
            "organization": self._organization,
            "possible-person": self._possible_person,
            "concept": self._concept,
            "key": self._key,
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
        # A prefix names the group of a finer code of one's own: that most codes have none is no fault.
        coverage = Coverage(scheme) if how == "prefix" else self._coverage(str(params.get("column", scheme)), scheme)

        def concept(text: str) -> str | None:
            text = text.strip()
            if not text:
                return None
            wanted = text[:length] if how == "prefix" and length else text
            matches = self.concepts.candidates(scheme, wanted)
            if how != "any":
                matches = tuple(match for match in matches if match.kind in ("notation", "lost-zero"))
            return self._settle(coverage, text, matches)

        return concept

    def _coverage(self, column: str, scheme: str) -> Coverage:
        return self.coverage.setdefault(f"{column}\n{scheme}", Coverage(scheme))

    def _settle(self, coverage: Coverage, text: str, matches: tuple[Match, ...]) -> str | None:
        if len(matches) != 1:
            coverage.outcomes["ambiguous" if matches else "unmatched"] += 1
            if len(coverage.unmatched) < LISTED_TEXTS and not is_person(text):
                coverage.unmatched[text] = self.concepts.proposals(text, coverage.scheme)
            return None
        match = matches[0]
        outcome = "deprecated" if match.status == "deprecated" else match.kind
        coverage.outcomes["matched" if outcome in ("notation", "prefLabel", "altLabel") else outcome] += 1
        return match.iri

    def findings(self) -> list[Finding]:
        """Return what to tell of each coded column: how many distinct texts met no concept, or an odd one."""
        found: list[Finding] = []
        for key, coverage in self.coverage.items():
            column = key.split("\n")[0]
            for outcome in ("unmatched", "ambiguous", "deprecated", "lost-zero"):
                if count := coverage.outcomes[outcome]:
                    found.append(
                        Finding(f"concepts.{outcome}", column=column, count=count,
                                detail=(("scheme", coverage.scheme), ("matched", str(coverage.outcomes["matched"])),
                                        ("proposals", _proposals(coverage)), ))
                    )  # fmt: skip
        return found


def _proposals(coverage: Coverage) -> str:
    """Write the first unmatched texts with what they may mean."""
    parts = []
    for text, near in list(coverage.unmatched.items())[:5]:
        shown = text if len(text) <= 60 else text[:59] + "…"
        parts.append(f"”{shown}” → {' / '.join(near) or '?'}")
    return "; ".join(parts) or "–"
