"""What a check says to a steward: a rule's id, a place in a source, and never the value itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import ontology
from loaders.person_numbers import masked
from loaders.value_words import kind_words

Severity = Literal["block", "warn", "info"]
Language = Literal["sv", "en"]

# A broken file can break every rule on every row; a steward mends the first ones and runs again.
LISTED_PER_RULE = 200
_SHORTEST = 9
# {row|rows}: the first form goes with a count of one.
_WHERE_KNOWN = re.compile(r"\[( [^\[\]]*\{(\w+)\}[^\[\]]*)\]")  # left out when its word is not known
_FORMS = re.compile(r"\{([^{}|]*)\|([^{}|]*)\}")


@dataclass(frozen=True, slots=True)
class Finding:
    """One result of one rule.

    `row` counts as a spreadsheet does (the header is row 1), `kind` names the kind of value met
    ("10 digits", "text"), `detail` fills the placeholders of the rule's text. Personal values must
    never be put in any field.
    """

    rule: str
    dataset: str = ""
    file: str = ""
    sheet: str = ""
    row: int | None = None
    column: str = ""
    kind: str = ""
    count: int = 1
    detail: tuple[tuple[str, str], ...] = ()
    severity: Severity | None = None

    @property
    def weight(self) -> Severity:
        """The severity of this finding: its own, else its rule's."""
        return self.severity or ontology.rule(self.rule).severity

    def text(self, language: Language = "en") -> str:
        """What is wrong, in one sentence of the language."""
        return self._fill(ontology.rule(self.rule).text, language)

    def advice(self, language: Language = "en") -> str:
        """What to do about it, in one sentence of the language."""
        return self._fill(ontology.rule(self.rule).advice, language)

    def place(self, language: Language = "en") -> str:
        """Where it is: dataset, file, sheet, row and column, as far as known."""
        row, column = {"sv": ("rad", "kolumn"), "en": ("row", "column")}[language]
        parts = [self.dataset, self.file, self.sheet]
        parts.append(f"{row} {self.row}" if self.row is not None else "")
        parts.append(f"{column} {self.column}" if self.column else "")
        return ", ".join(part for part in parts if part)

    def _fill(self, templates: Mapping[str, str], language: Language) -> str:
        template = _FORMS.sub(lambda forms: forms[1 if self.count == 1 else 2], templates[language])
        kind = kind_words(self.kind, language)
        values = {"column": self.column, "kind": kind, "count": str(self.count), "file": self.file}
        values.update(self.detail)
        template = _WHERE_KNOWN.sub(lambda part: part[1] if values.get(part[2], "–") not in ("", "–") else "", template)
        for name, value in values.items():
            template = template.replace("{" + name + "}", value)
        return template


def _masked(finding: Finding) -> Finding:
    """Return the finding without persons' numbers: a file without a header row has a person's for headers."""
    detail = tuple((name, masked(text) if len(text) >= _SHORTEST else text) for name, text in finding.detail)
    column = masked(finding.column) if len(finding.column) >= _SHORTEST else finding.column
    return (
        finding
        if (detail, column) == (finding.detail, finding.column)
        else replace(finding, detail=detail, column=column)
    )


@dataclass
class Findings:
    """Findings of one dataset, capped per rule and column, with true counts."""

    dataset: str = ""
    file: str = ""
    _listed: dict[tuple[str, str, str], list[Finding]] = field(default_factory=dict)
    _counts: dict[tuple[str, str, str], int] = field(default_factory=dict)

    def add(self, finding: Finding) -> None:
        """Keep the finding, or only count it when its rule and column have enough examples already."""
        if not finding.dataset or not finding.file:
            finding = replace(finding, dataset=finding.dataset or self.dataset, file=finding.file or self.file)
        key = (finding.rule, finding.file, finding.column)
        self._counts[key] = self._counts.get(key, 0) + finding.count
        listed = self._listed.setdefault(key, [])
        if len(listed) < LISTED_PER_RULE:
            listed.append(_masked(finding))

    def extend(self, findings: Iterable[Finding]) -> None:
        """Add every finding."""
        for finding in findings:
            self.add(finding)

    def __iter__(self) -> Iterator[Finding]:
        for listed in self._listed.values():
            yield from sorted(listed, key=lambda finding: finding.row or 0)

    def __bool__(self) -> bool:
        return bool(self._counts)

    def count(self, rule: str | None = None, weight: Severity | None = None) -> int:
        """How many findings there were, listed or not, of one rule or one severity or all."""
        return sum(
            number
            for key, number in self._counts.items()
            if (rule is None or key[0] == rule) and (weight is None or self._listed[key][0].weight == weight)
        )

    def totals(self) -> dict[tuple[str, str, str], int]:
        """Return the true number of findings, listed or not, by (rule, file, column)."""
        return dict(self._counts)

    def by_rule(self) -> dict[str, int]:
        """How many findings there were of each rule, listed or not."""
        counts: dict[str, int] = {}
        for (rule, _, _), number in self._counts.items():
            counts[rule] = counts.get(rule, 0) + number
        return counts

    def waive(self, rules: Iterable[str]) -> None:
        """Turn the findings of these rules into information: a steward has published a reason for each."""
        waived = set(rules)
        for key, listed in self._listed.items():
            if key[0] in waived:
                self._listed[key] = [replace(finding, severity="info") for finding in listed]

    def harden(self) -> None:
        """Turn every warning into a finding that blocks (strict mode); what was waived is no warning."""
        for key, listed in self._listed.items():
            self._listed[key] = [
                replace(finding, severity="block") if finding.weight == "warn" else finding for finding in listed
            ]

    @property
    def blocks(self) -> bool:
        """True when at least one finding blocks publication of the dataset."""
        return any(finding.weight == "block" for finding in self)
