"""A named graph as tables: one for each class of ours in it, read from its canonical dump in constant memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, cast

from server.errors import Problem
from server.formats import CSV, GEOJSON, Format
from server.generations import GraphEntry
from server.graph_answers import SMALL
from server.graph_files import read_graph, subjects
from server.instance import Opened, Torg
from server.tables import Table, write_csv, write_geojson, write_xlsx
from server.thing_tables import Namer, Thing, Values, features, namer, of_lines, things_table

_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
_OBSERVATION = "http://purl.org/linked-data/cube#Observation"


def write_graph_table(
    torg: Torg, opened: Opened, entry: GraphEntry, format: Format, language: str, only: str = ""
) -> IO[bytes]:
    """Return an open file, at its start, with the things of a graph as CSV, XLSX or GeoJSON.

    CSV holds the things of one class, `only` or the most frequent; XLSX has a sheet for each class.
    Raises Problem 404 when the graph has no things of the class.
    """
    classes = main_classes(torg, opened, entry)
    if only and only not in classes:
        raise Problem(
            404, "The graph has no things of this class.", sv="Grafen har inga saker av den klassen.", classes=classes
        )
    if not classes:
        raise Problem(
            404,
            "The graph has no things with a class; ask for it in an RDF format.",
            sv="Grafen har inga saker med en klass; be om den i ett RDF-format.",
        )
    names = namer(torg, opened, language)
    dump = opened.generation.path / entry.dump
    target = cast(IO[bytes], SpooledTemporaryFile(max_size=SMALL))
    try:
        if format is CSV:
            write_csv(_table(names, opened, dump, only or classes[0]), target)
        elif format is GEOJSON:
            found = of_lines(subjects(read_graph(dump)), lambda values: True)
            properties = torg.partitions(opened, entry).properties
            write_geojson(features(names, properties, found), target)
        else:
            wanted = [only] if only else classes
            write_xlsx([_table(names, opened, dump, name) for name in wanted], target, opened.generation.created)
    except BaseException:
        target.close()
        raise
    target.seek(0)
    return target


def main_classes(torg: Torg, opened: Opened, entry: GraphEntry) -> list[str]:
    """Return the classes whose things make a table each, the most frequent first: ours and observations, else all.

    Statistics are their observations (RDF Data Cube, section 6), whatever else the graph says of indicators.
    """
    counted = torg.partitions(opened, entry).classes
    ours = {name for name in counted if name.startswith(f"{torg.uris.concepts}spec/") or name == _OBSERVATION}
    ours = ours or set(counted)
    return sorted(ours, key=lambda name: (-counted[name], name))


def _table(names: Namer, opened: Opened, dump: Path, of: str) -> Table:
    memo = f"columns {dump} {of}"
    if memo not in opened.memo:
        opened.memo[memo] = _properties(dump, of)
    title = names.presenter([of]).name(of)[0]
    return things_table(names, title, opened.memo[memo], _things(dump, of))


def _things(dump: Path, of: str) -> Iterator[Thing]:
    def is_one(values: Values) -> bool:
        return any(item.text == of for item in values.get(_TYPE, ()))

    return of_lines(subjects(read_graph(dump)), is_one)


def _properties(dump: Path, of: str) -> list[str]:
    """Return the properties that the things of a class have, in one pass over the lines."""
    typed = f" <{_TYPE}> <{of}> .\n"
    found: set[str] = set()
    for _, lines in subjects(read_graph(dump)):
        if any(line.endswith(typed) for line in lines):
            found.update(line.split(" ", 2)[1][1:-1] for line in lines)
    return sorted(found)
