"""What was purged and must not be published again, though a source still holds it: left out row by row, and told."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from loaders.description import Dataset
from loaders.findings import Finding, Findings
from loaders.load import Delivery, LoadCounts, Origin
from server.graph_files import GraphFile, read_graph, subject, write_graph

REFUSED = "purged.json"
"""The file of the data folder that lists what must not be published again; the steward may edit it."""
_JOURNAL = "purge.json"
_PART_ROUNDS = 4


def journal(data: Path) -> Path:
    """Return the file that is there as long as something is being forgotten, also when that was interrupted."""
    return data / _JOURNAL


def refused(data: Path) -> frozenset[str]:
    """Return the IRIs that were purged and must not be published again."""
    path = data / REFUSED
    return frozenset(json.loads(path.read_text("utf-8"))["uris"]) if path.exists() else frozenset()


@dataclass(frozen=True, slots=True)
class Forgotten:
    """The IRIs of purged things; lines about them, about their parts, and lines that lead to them are left out."""

    names: frozenset[str]

    def mentions(self, line: str) -> bool:
        """Return whether a canonical line is about something that was purged, or leads to it."""
        if subject(line).partition("#")[0] in self.names:
            return True
        return line.endswith("> .\n") and line[line.rindex("<") + 1 : -4].partition("#")[0] in self.names

    def rows(
        self,
        rows: Iterable[tuple[str, Origin, list[str]]],
        dataset: Dataset,
        delivery: Delivery,
        findings: Findings,
        counts: LoadCounts,
    ) -> Iterator[tuple[str, Origin, list[str]]]:
        """Yield the rows of what was not purged; each of the others is a finding, and is not counted as published."""
        left_out = 0
        for name, origin, lines in rows:
            rule, kept = "", lines
            if name.partition("#")[0] in self.names:
                rule, left_out = "forgotten", left_out + 1
            elif self.names:
                kept = [line for line in lines if not self.mentions(line)]
                rule = "forgotten-mentioned" if len(kept) < len(lines) else ""
            if rule:
                file = delivery.files[origin.file].name
                findings.add(Finding(f"identifiers.{rule}", dataset.key, file, origin.sheet, origin.row))
            if rule != "forgotten":
                yield name, origin, kept
        # Only now: a source of which every row was purged is no source that nothing could be read from.
        counts.rows_out -= left_out
        counts.rows_told += left_out

    def graph(self, file: GraphFile, findings: Findings, name: str) -> GraphFile:
        """Return a graph file of a source that is RDF without what was purged; how many things that is is a finding."""
        found = self.without(file.path)
        if found is None:
            return file
        left, things = found
        rule = "forgotten-thing" if things else "forgotten-mentioned"
        findings.add(Finding(f"identifiers.{rule}", file=name, count=things or 1))
        return left

    def without(self, path: Path) -> tuple[GraphFile, int] | None:
        """Write a graph file anew without what was purged; return it with how many things went, None when none did."""
        things = {subject(line).partition("#")[0] for line in read_graph(path)} & self.names if self.names else set()
        if not things and not any(self.mentions(line) for line in read_graph(path)):
            return None
        meant = Forgotten(self.names | self._parts(path))
        whole = path.with_name(path.name + ".all")
        path.rename(whole)
        try:
            return write_graph((line for line in read_graph(whole) if not meant.mentions(line)), path), len(things)
        finally:
            whole.unlink()

    def _parts(self, path: Path) -> frozenset[str]:
        """Return the blank nodes' IRIs that what was purged leads to: they hold what is said of it."""
        names = set(self.names)
        for _ in range(_PART_ROUNDS):
            lines = (line for line in read_graph(path) if subject(line).partition("#")[0] in names)
            found = {line[line.rindex("<") + 1 : -4] for line in lines if line.endswith("> .\n")}
            parts = {name for name in found if "/.well-known/genid/" in name} - names
            if not parts:
                break
            names |= parts
        return frozenset(names)


NOTHING = Forgotten(frozenset())
"""What is forgotten where nothing was purged."""
