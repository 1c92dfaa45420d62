"""The difference between two generations, graph by graph and in plain words."""

from __future__ import annotations

from contextlib import closing

from loaders.findings import Finding
from server.change_words import GraphChange, graph_change
from server.concept_changes import described, touched
from server.generations import DataFolder
from server.history import History, missing


def diff(data: DataFolder, one: int, two: int) -> list[GraphChange]:
    """Return what changed from one generation to another, dataset by dataset; older ones are rebuilt from history.

    Raises OperationError for a generation that never was, or was purged.
    """
    history = History(data)
    numbers = history.numbers()
    for number in (one, two):
        if number not in numbers:
            raise missing(history, number)
    before, after = history.graphs(one), history.graphs(two)
    found = []
    for iri in sorted(before.keys() | after.keys()):
        graph = after.get(iri) or before[iri]
        if graph.kind == "catalog":
            continue  # it repeats what changed in the datasets, with new dates
        if iri in before and iri in after and before[iri].sha256 == after[iri].sha256 != "":
            continue
        old = history.lines(one, iri) if iri in before else iter(())
        new = history.lines(two, iri) if iri in after else iter(())
        change = graph_change(iri, graph.kind, graph.dataset, graph.period, old, new)
        if change:
            found.append(change)
    return found


def touches(data: DataFolder, one: int, two: int) -> list[Finding]:
    """Return whom the changes of concepts from one generation to another touch, by what is published now."""
    current = data.current()
    if current is None:
        return []
    with closing(current):
        history = History(data)
        states = (
            described(
                line
                for iri, graph in history.graphs(number).items()
                if graph.kind == "concepts"
                for line in history.lines(number, iri)
            )
            for number in (one, two)
        )
        before, after = states
        return touched(before, after, current)
