"""What may be wrong with one cell, a table description or a table, said without ever repeating a value."""

from __future__ import annotations

import re
from dataclasses import dataclass

from loaders.errors import DescriptionError
from loaders.findings import Finding


class CellProblem(ValueError):
    """A cell does not fit its column: the rule broken and the kind of value met."""

    def __init__(self, rule: str, kind: str) -> None:
        super().__init__(rule, kind)
        self.rule = rule
        self.kind = kind


@dataclass(frozen=True, slots=True)
class CellError:
    """One error of one row: the rule, the column's name, the kind of value met; fatal when no row came out."""

    rule: str
    column: str
    kind: str
    fatal: bool = False


class CsvwError(DescriptionError):
    """Metadata or a table breaks a MUST of the CSVW Recommendations; `problem` says which, in English."""

    def __init__(self, problem: str, *, file: str = "", rule: str = "csvw.invalid") -> None:
        super().__init__(Finding(rule, file=file, detail=(("problem", problem),)))
        self.problem = problem


_KINDS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\s*"), "empty"),
    (re.compile(r"[+\-−]?\d{1,3}(?:[\s.,]\d{3})+[.,]\d+"), "number with thousands separators"),
    (re.compile(r"[+\-−]?\d+,\d+"), "number with decimal comma"),
    (re.compile(r"[+\-−]?\d+\.\d+"), "number with decimal point"),
    (re.compile(r"[+\-−]?\d+(?:\s\d+)+"), "digits with spaces"),
    (re.compile(r"\d{4}-\d\d-\d\d"), "date"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d.*"), "date and time"),
    (re.compile(r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}"), "date in another form"),
    (re.compile(r"\d{6,8}-\d{4}"), "digits with a hyphen"),
    (re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://\S*"), "web address"),
    (re.compile(r"\S+@\S+\.\S+"), "e-mail address"),
)


def kind_of(text: str) -> str:
    """Name the kind of a value, never the value.

    >>> kind_of("5560747551"), kind_of("1 234,50"), kind_of("Torget 1")
    ('10 digits', 'number with thousands separators', 'text')
    """
    if text.isdigit():
        return f"{len(text)} digits" if len(text) > 1 else "1 digit"
    for pattern, kind in _KINDS:
        if len(text) < 80 and pattern.fullmatch(text):
            return kind
    return "text" if text.strip() else "empty"
