"""Writes the graphs of a generation as one document: N-Quads, TriG, or their merge as N-Triples."""

from __future__ import annotations

import heapq
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import IO

from server.errors import OperationError
from server.generations import DataFolder
from server.history import History, missing, read_moment


def dump(data: Path, target: IO[bytes], format: str, dataset: str = "", at: str = "") -> None:
    """Write the published graphs, or those of one dataset, to a stream in constant memory, sorted.

    The same content gives the same bytes. Raises OperationError when there is no such dataset or generation.
    """
    history = History(DataFolder(data))
    number = _number(history, at)
    graphs = {
        iri: graph for iri, graph in sorted(history.graphs(number).items()) if dataset.strip("/") in ("", graph.dataset)
    }
    if not graphs:
        known = sorted({graph.dataset for graph in history.graphs(number).values()} - {""})
        raise OperationError(
            f"Generation {number} has no dataset {dataset}. These are: {', '.join(known)}.",
            f"Generation {number} har ingen datamängd {dataset}. De som finns är: {', '.join(known)}.",
        )
    if format == "nt":
        merged = heapq.merge(*(history.lines(number, iri) for iri in graphs))
        for line, _ in groupby(merged):
            target.write(line.encode())
        return
    for iri in graphs:
        if format == "trig":
            target.write(f"<{iri}> {{\n".encode())
        for line in history.lines(number, iri):
            target.write((f"{line[:-2]}<{iri}> .\n" if format == "nq" else line).encode())
        if format == "trig":
            target.write(b"}\n")


def _number(history: History, at: str) -> int:
    numbers = history.numbers()
    if not numbers:
        raise missing(history, 0)
    if not at:
        return numbers[-1]
    try:
        moment = read_moment(at)
    except ValueError:
        raise OperationError(
            f"--at takes a generation's number or a time such as 2026-03-01; {at!r} is neither.",
            f"--at tar en generations nummer eller en tid som 2026-03-01; {at!r} är ingetdera.",
        ) from None
    if not isinstance(moment, datetime):
        if moment not in numbers:
            raise missing(history, moment)
        return moment
    number = history.at(moment)
    if number is None:
        first = history.time(numbers[0])
        raise OperationError(
            f"There was nothing at {at}: the first generation is {numbers[0]}, of {first:%Y-%m-%d %H:%M} UTC.",
            f"Det fanns inget {at}: den första generationen är {numbers[0]}, från {first:%Y-%m-%d %H:%M} UTC.",
        )
    return number
