"""Match the headers of a source to the columns of a specification: by name, title, synonym, or as the steward says."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import ontology
from loaders.concepts import fold
from loaders.description import DESCRIPTION_FILE, ColumnChange, nearest
from loaders.errors import DescriptionError, SourceError
from loaders.findings import Finding
from loaders.source import Report, Table

SYNONYMS = ontology.CSVW_EXTENSION + "synonyms"
LEVEL = ontology.CSVW_EXTENSION + "level"
NULL = ontology.CSVW_EXTENSION + "null"
# What a message lists of a source's headers.
MOST_SHOWN = 40
LONGEST_SHOWN = 60
# Headers this alike are more often one renamed than two: telefonnr and telefonnummer, E-post 1 and e-post.
_LIKELY = 0.8
_SHORTEST = 4


@dataclass(frozen=True)
class HeaderMatch:
    """Where each column of the specification stands in the source's rows, and what stands there besides."""

    positions: dict[str, int]
    changes: dict[str, ColumnChange] = field(default_factory=dict)
    splits: dict[int, tuple[str, str]] = field(default_factory=dict)
    undeclared: tuple[int, ...] = ()


def words(column: Mapping[str, Any]) -> list[set[str]]:
    """Return the folded words for a column, the surest first: its name, its titles, its synonyms."""
    return [
        {fold(str(column.get("name", "")))},
        {fold(title) for title in _texts(column.get("titles", ()))},
        {fold(synonym) for synonym in _texts(column.get(SYNONYMS, ()))},
    ]


def recogniser(columns: Sequence[Mapping[str, Any]], changes: Mapping[str, ColumnChange]) -> Callable[..., int]:
    """Return a function that counts how many cells of a row are headers that can be matched."""
    known = {word for column in columns for group in words(column) for word in group}
    known |= {fold(header) for header in changes}
    known.discard("")

    def recognise(cells: Sequence[str]) -> int:
        # Long texts are no headers, and folding each would cost more than reading them.
        return len({word for cell in cells if 0 < len(cell) < 120 and (word := fold(cell)) in known})

    return recognise


def match(
    table: Table,
    columns: Sequence[Mapping[str, Any]],
    changes: Mapping[str, ColumnChange],
    constants: Mapping[str, str],
    report: Report,
) -> HeaderMatch:
    """Return where the columns stand; tell of columns that are not published or absent.

    Raises SourceError when a required column is missing or two headers become one column, DescriptionError when
    [columns] or [constants] name a column that the specification does not have.
    """
    return _Matcher(table, columns, changes, constants, report).match()


class _Matcher:
    def __init__(
        self,
        table: Table,
        columns: Sequence[Mapping[str, Any]],
        changes: Mapping[str, ColumnChange],
        constants: Mapping[str, str],
        report: Report,
    ) -> None:
        self.table = table
        self.columns = [column for column in columns if not column.get("virtual")]
        self.names = [str(column["name"]) for column in self.columns]
        self.changes = changes
        self.constants = constants
        self.report = report
        self.free = dict(enumerate(table.headers))
        self.positions: dict[str, int] = {}
        self.by_column: dict[str, ColumnChange] = {}
        self.splits: dict[int, tuple[str, str]] = {}

    def match(self) -> HeaderMatch:
        self._declared()
        for name in self.constants:
            self._known(name)
        self._named()
        self._missing()
        missing = [column for column in self.columns if str(column["name"]) not in {*self.positions, *self.constants}]
        for header in self.free.values():
            # A column without a header is told only if it turns out to hold values.
            if is_unnamed(header):
                continue
            if name := _likely(header, missing):
                line = f'"{header}" = "{name}"'
                self.report.tell(self._finding("source.likely-renamed", column=header, name=name, line=line))
            else:
                self.report.tell(self._finding("source.undeclared-column", column=header))
        return HeaderMatch(self.positions, self.by_column, self.splits, tuple(self.free))

    def _declared(self) -> None:
        """Follow [columns] first: what the steward says outweighs every guess."""
        for header, change in self.changes.items():
            place = self._place(header)
            if place is None:
                known = listed(self.table.headers)
                raise SourceError(self._finding("source.renamed-column", name=header, known=known,
                                                nearest=nearest(header, self.table.headers)))  # fmt: skip
            for name in change.columns:
                self._known(name)
                if name in self.positions:
                    raise self._same(name, [header, self.table.headers[self.positions[name]]])
            if len(change.columns) == 2:
                self.splits[place] = (change.columns[0], change.columns[1])
                for name in change.columns:
                    self.positions[name] = place
            elif change.columns:
                self.positions[change.columns[0]] = place
                self.by_column[change.columns[0]] = change
            elif not change.drop:
                # Only the way of writing is said: the header itself is matched below.
                self._follow(change, place)
                continue
            del self.free[place]

    def _follow(self, change: ColumnChange, place: int) -> None:
        for column in self.columns:
            if any(fold(self.table.headers[place]) in group for group in words(column)):
                self.by_column[str(column["name"])] = change
                return

    def _place(self, header: str) -> int | None:
        exact = [place for place, found in self.free.items() if found == header]
        folded = [place for place, found in self.free.items() if fold(found) == fold(header)]
        return exact[0] if exact else folded[0] if len(folded) == 1 else None

    def _known(self, name: str) -> None:
        if name not in self.names:
            finding = Finding("description.unknown-column", file=DESCRIPTION_FILE,
                              detail=(("name", name), ("nearest", nearest(name, self.names))))  # fmt: skip
            raise DescriptionError(finding)

    def _named(self) -> None:
        """Match by name for all columns, then by title, then by synonym, so that a sure match is never taken away.

        Last, nested records: `contactInfo.email` is the e-mail when no other header ends so.
        """
        for rank in range(3):
            for column in self.columns:
                name = str(column["name"])
                if name in self.positions:
                    continue
                wanted = words(column)[rank]
                places = [place for place, header in self.free.items() if fold(header) in wanted]
                if len(places) > 1:
                    raise self._same(name, [self.table.headers[place] for place in places])
                if places:
                    self.positions[name] = places[0]
                    del self.free[places[0]]
        self._by_ending()

    def _by_ending(self) -> None:
        endings = {place: fold(header.rpartition(".")[2]) for place, header in self.free.items() if "." in header}
        for column in self.columns:
            name = str(column["name"])
            if name in self.positions:
                continue
            known = set().union(*words(column)) - {""}
            places = [place for place, ending in endings.items() if ending in known]
            if len(places) == 1:
                self.report.tell(
                    self._finding("source.matched-ending", column=self.table.headers[places[0]], name=name)
                )
                self.positions[name] = places[0]
                del self.free[places[0]], endings[places[0]]

    def _missing(self) -> None:
        for column in self.columns:
            name = str(column["name"])
            if name in self.positions or name in self.constants:
                continue
            if column.get("required"):
                raise SourceError(self._missing_finding(column))
            if column.get(LEVEL) == "mandatory":
                self.report.tell(self._finding("source.absent-column", column=name))

    def _missing_finding(self, column: Mapping[str, Any]) -> Finding:
        name = str(column["name"])
        folded = {fold(header): header for header in (self.table.headers[place] for place in self.free)}
        near: list[tuple[float, str]] = []
        for word in (word for group in words(column) for word in group):
            for close in difflib.get_close_matches(word, folded, n=1, cutoff=0.6):
                near.append((difflib.SequenceMatcher(None, word, close).ratio(), folded[close]))
        swedish = "Lägg till den i källan, peka ut den i [columns], eller ge värdet i [constants]."
        english = "Add it to the source, point it out in [columns], or give its value in [constants]."
        if near:
            likely = max(near)[1]
            line = f'"{likely}" = "{name}"'
            swedish = f"Är det ”{likely}”? Skriv då {line} under [columns] i dataset.toml."
            english = f"Is it “{likely}”? Then write {line} below [columns] in dataset.toml."
        advice = (("advice_sv", swedish), ("advice_en", english))
        known = listed(self.table.headers)
        finding = self._finding("source.missing-column", column=name, known=known)
        return Finding(finding.rule, file=finding.file, sheet=finding.sheet, row=finding.row, column=name,
                       detail=(*finding.detail, *advice))  # fmt: skip

    def _same(self, name: str, headers: Sequence[str]) -> SourceError:
        return SourceError(self._finding("source.same-column", column=name, known=listed(headers)))

    def _finding(self, rule: str, column: str = "", **detail: str) -> Finding:
        row = self.table.header_row or None
        return Finding(rule, file=self.table.file, sheet=self.table.sheet, row=row, column=column,
                       detail=tuple(detail.items()))  # fmt: skip


def _likely(header: str, missing: Sequence[Mapping[str, Any]]) -> str:
    """Return the missing column whose words a header comes nearest to, "" when it is not near any."""
    wanted = fold(header)
    # Of nested records (`a.phone`) the ending was tried, and refused when several end so.
    if len(wanted) < _SHORTEST or "." in header:
        return ""
    near = [
        (difflib.SequenceMatcher(None, wanted, word).ratio(), str(column["name"]))
        for column in missing
        for group in words(column)
        for word in group
        if len(word) >= _SHORTEST
    ]
    best = max(near, default=(0.0, ""))
    return best[1] if best[0] >= _LIKELY else ""


def listed(headers: Sequence[str]) -> str:
    """Return headers as one text for a steward, the first ones when there are many."""
    shown = [header if len(header) <= LONGEST_SHOWN else header[: LONGEST_SHOWN - 1] + "…" for header in headers]
    more = f" … ({len(headers)})" if len(headers) > MOST_SHOWN else ""
    return ", ".join(shown[:MOST_SHOWN]) + more


def is_unnamed(header: str) -> bool:
    """Tell whether a header is the stand-in for an empty one ("#8")."""
    return header.startswith("#") and header[1:].isdigit()


def _texts(said: object) -> list[str]:
    """Return the texts of a natural language property (CSVW Metadata 5.1.6): string, list, or map by language."""
    if isinstance(said, str):
        return [said]
    if isinstance(said, Mapping):
        return [text for entry in said.values() for text in _texts(entry)]
    if isinstance(said, Sequence):
        return [text for entry in said for text in _texts(entry)]
    return []
