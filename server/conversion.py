"""One delivery of a dataset becomes its graph file and its row index, beside the generation being built."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import ontology
from loaders.description import Dataset
from loaders.findings import Finding, Findings
from loaders.load import Delivery, LoadContext, LoadCounts, Origin, load
from loaders.source import ColumnPlace
from server.columns import header_of, short_name
from server.forgotten import NOTHING, Forgotten
from server.graph_files import GraphFile, canonical, read_graph, subject, subjects, write_graph

_ROWS = """
PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
CREATE TABLE row (key INTEGER PRIMARY KEY, file INTEGER NOT NULL, sheet TEXT NOT NULL, row INTEGER NOT NULL);
CREATE TABLE figure (key INTEGER PRIMARY KEY, header TEXT NOT NULL);
CREATE TABLE place (
    file INTEGER NOT NULL, property TEXT NOT NULL, name TEXT NOT NULL, header TEXT NOT NULL, aside INTEGER NOT NULL,
    PRIMARY KEY (file, property)
) WITHOUT ROWID;
"""

Row = tuple[str, Origin, list[str]]


@dataclass(frozen=True)
class Conversion:
    """What became of one delivery."""

    graph: GraphFile
    counts: LoadCounts


def row_key(subject: str) -> int:
    """Return the 63-bit key of a subject in a row index (eight bytes a row, whatever the IRI's length)."""
    return int.from_bytes(hashlib.blake2b(subject.encode(), digest_size=8).digest(), "big") >> 1


@dataclass
class _Repeats:
    """Rows whose subject was met before; they are numbered by content when all rows are known."""

    rows: dict[str, list[tuple[Origin, list[str]]]] = field(default_factory=dict)
    # Each repeated row, the row that had its subject first, and the properties whose values differ between them.
    differing: list[tuple[Origin, Origin, list[str]]] = field(default_factory=list)
    same: list[tuple[Origin, Origin]] = field(default_factory=list)
    published: dict[str, list[str]] = field(default_factory=dict)


def convert(
    dataset: Dataset,
    delivery: Delivery,
    context: LoadContext,
    graph: Path,
    rows: Path,
    findings: Findings,
    published: Path | None = None,
    forgotten: Forgotten = NOTHING,
) -> Conversion:
    """Write the graph file and the row index of a delivery; findings and counts are filled on the way.

    `published` is the graph file of the last generation: what it says of a key keeps that key. What was purged
    (`forgotten`) is left out.

    Raises SourceError when the source cannot be read at all.
    """
    rows.parent.mkdir(parents=True, exist_ok=True)
    counts = LoadCounts()
    index = sqlite3.connect(rows)
    try:
        index.executescript(_ROWS)
        repeats = _Repeats()
        loaded = load(dataset, delivery, context, findings, counts)
        rows_left = forgotten.rows(loaded, dataset, delivery, findings, counts) if forgotten.names else loaded
        raw = write_graph(_first_rows(rows_left, index, repeats), graph)
        if repeats.rows:
            repeats.published = _published(repeats, published)
            raw = write_graph(_numbered(graph, repeats, index, not _repeats_are_expected(dataset)), graph)
            counts.rows_out -= len(repeats.same)
            counts.rows_told += len(repeats.same)
            _tell(repeats, dataset, delivery, context.concept_base, findings)
        index.executemany(
            "INSERT INTO place VALUES (?, ?, ?, ?, ?)",
            ((file, property, place.file, place.header, place.aside)
             for file, places in counts.places.items() for property, place in places.items()),
        )  # fmt: skip
        index.commit()
    finally:
        index.close()
    return Conversion(raw, counts)


def _first_rows(rows: Iterator[Row], index: sqlite3.Connection, repeats: _Repeats) -> Iterator[str]:
    """Yield the lines of every row whose subject is new; keep the others aside."""
    insert = index.execute
    for name, origin, lines in rows:
        try:
            insert("INSERT INTO row VALUES (?, ?, ?, ?)", (row_key(name), origin.file, origin.sheet, origin.row))
        except sqlite3.IntegrityError:
            repeats.rows.setdefault(name, []).append((origin, lines))
            continue
        if origin.column:
            insert("INSERT INTO figure VALUES (?, ?)", (row_key(name), origin.column))
        yield from lines


def _numbered(graph: Path, repeats: _Repeats, index: sqlite3.Connection, collapse: bool) -> Iterator[str]:
    """Yield all lines again, repeated subjects told apart as `…/2`, `…/3` in the order of their content.

    Ordering by content, not by place, makes a reordered export no change. Rows that are alike in
    everything are one thing (`collapse`), unless the key is expected to come back.
    """
    own: dict[str, list[str]] = {name: [] for name in repeats.rows}
    for line in list_once(graph):
        name = subject(line)
        if name in own:
            own[name].append(line)
        else:
            yield line
    for name, others in repeats.rows.items():
        first = "SELECT file, sheet, row, coalesce(header, '') FROM row LEFT JOIN figure USING (key) WHERE key = ?"
        entries = [(Origin(*index.execute(first, (row_key(name),)).fetchone()), own[name])]
        for origin, lines in others:
            entries.append((origin, sorted({line for line in canonical(lines) if subject(line) == name})))
            yield from (line for line in lines if subject(line) != name)
        if collapse:
            entries = _without_copies(entries, repeats)
        for origin, lines in entries[1:]:
            repeats.differing.append((origin, entries[0][0], _differing(entries[0][1], lines)))
        kept = repeats.published.get(name)
        entries.sort(key=lambda entry: (entry[1] != kept, entry[1], entry[0].file, entry[0].row))
        for number, (origin, lines) in enumerate(entries, start=1):
            numbered = name if number == 1 else f"{name}/{number}"
            key = row_key(numbered)
            place = (key, origin.file, origin.sheet, origin.row)
            index.execute("INSERT OR REPLACE INTO row VALUES (?, ?, ?, ?)", place)
            if origin.column:
                index.execute("INSERT OR REPLACE INTO figure VALUES (?, ?)", (key, origin.column))
            yield from (f"<{numbered}{line[len(name) + 1 :]}" for line in lines)


def _published(repeats: _Repeats, graph: Path | None) -> dict[str, list[str]]:
    """Return what the last generation says of the repeated subjects: a newcomer never takes over their address."""
    return {name: lines for name, lines in subjects(read_graph(graph)) if name in repeats.rows}


def _without_copies(entries: list[tuple[Origin, list[str]]], repeats: _Repeats) -> list[tuple[Origin, list[str]]]:
    kept: dict[tuple[str, ...], tuple[Origin, list[str]]] = {}
    for origin, lines in entries:
        if (content := tuple(lines)) in kept:
            repeats.same.append((origin, kept[content][0]))
        else:
            kept[content] = (origin, lines)
    return list(kept.values())


def _differing(ours: list[str], theirs: list[str]) -> list[str]:
    """Return the properties of the lines that only one of two descriptions of the same subject has."""
    return sorted({line.split(" ", 2)[1][1:-1] for line in {*ours} ^ {*theirs}})


def list_once(graph: Path) -> Iterator[str]:
    """Yield the lines of a graph file that is about to be written again."""
    copy = graph.with_name(graph.name + ".before")
    graph.rename(copy)
    try:
        yield from read_graph(copy)
    finally:
        copy.unlink()


def _tell(repeats: _Repeats, dataset: Dataset, delivery: Delivery, concept_base: str, findings: Findings) -> None:
    if _repeats_are_expected(dataset):
        count = sum(len(others) for others in repeats.rows.values())
        file = delivery.files[0].name if len(delivery.files) == 1 else ""
        findings.add(Finding("identifiers.repeated-line", dataset=dataset.key, file=file, count=count))
        return
    for origin, first in repeats.same:
        file, detail = delivery.files[origin.file].name, (("first", str(first.row)),)
        findings.add(Finding("identifiers.repeated-row", dataset.key, file, origin.sheet, origin.row, detail=detail))
    for origin, first, properties in repeats.differing:
        columns = dict.fromkeys(header_of(dataset, name, concept_base) or short_name(name) for name in properties)
        findings.add(
            Finding("identifiers.repeated", dataset=dataset.key, file=delivery.files[origin.file].name,
                    sheet=origin.sheet, row=origin.row, column=", ".join(columns),
                    detail=(("first", str(first.row)), ("place", delivery.files[first.file].name)))
        )  # fmt: skip


def _repeats_are_expected(dataset: Dataset) -> bool:
    """Return whether the specification says that a key names several rows (a voucher has many lines)."""
    if dataset.specification is None:
        return False
    table = json.loads((ontology.specification(dataset.specification) / "table.json").read_text("utf-8"))
    return bool(table.get(f"{ontology.CSVW_EXTENSION}repeatedKeys") == "expected")


def column_places(rows: Path, file: int, subject: str) -> dict[str, ColumnPlace] | None:
    """Return where the values of each property of a subject stand, whose row is in a file of the delivery.

    In a wide table that is the column above the subject's figure. None when the index, an older one, does not tell.
    """
    with closing(sqlite3.connect(f"file:{rows}?mode=ro&immutable=1", uri=True)) as index:
        if not index.execute("SELECT 1 FROM sqlite_schema WHERE name = 'place'").fetchone():
            return None
        figure = index.execute("SELECT header FROM figure WHERE key = ?", (row_key(subject),)).fetchone()
        return {
            property: ColumnPlace(name, header or (figure[0] if figure else ""), bool(aside))
            for property, name, header, aside in index.execute(
                "SELECT property, name, header, aside FROM place WHERE file = ?", (file,)
            )
        }


def row_origin(rows: Path, subject: str) -> tuple[int, str, int] | None:
    """Return (file number, sheet, row) of a subject from a row index, None when it has none."""
    with sqlite3.connect(f"file:{rows}?mode=ro&immutable=1", uri=True) as index:
        found: tuple[int, str, int] | None = index.execute(
            "SELECT file, sheet, row FROM row WHERE key = ?", (row_key(subject),)
        ).fetchone()
    return found
