"""Holds a dataset's graph against the shapes of its specification, and says what breaks them: rule, row and column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path
from typing import Any

import ontology
from loaders.description import Dataset
from loaders.findings import Finding, Findings
from loaders.load import Delivery
from server.columns import header_of, short_name
from server.conversion import row_origin
from server.graph_files import GraphFile, open_graph, read_graph
from server.shape_model import Shape, ShapeError, read_shapes
from server.shape_screen import classes_asked_for, lines_needed, unsettled
from server.shapes import Breach, Result, ShapeStore, loaded
from server.survey import Surveys

_RULES = {"Violation": "shapes.violation", "Warning": "shapes.warning", "Info": "shapes.info"}
# What is broken, for shapes without a message of their own.
_COMPONENTS: Mapping[str, tuple[str, str]] = {
    "MinCount": ("värde saknas", "a value is missing"),
    "MaxCount": ("för många värden", "too many values"),
    "Datatype": ("fel datatyp", "wrong datatype"),
    "NodeKind": ("fel sorts värde", "wrong kind of value"),
    "Class": ("pekar på något av fel slag", "points to something of the wrong class"),
    "Pattern": ("fel form", "wrong form"),
    "In": ("inte i listan", "not in the list"),
    "MinInclusive": ("för litet", "too small"),
    "MinExclusive": ("för litet", "too small"),
    "MaxInclusive": ("för stort", "too large"),
    "MaxExclusive": ("för stort", "too large"),
    "MinLength": ("för kort", "too short"),
    "MaxLength": ("för långt", "too long"),
    "LanguageIn": ("fel språk", "wrong language"),
    "UniqueLang": ("flera på samma språk", "several in one language"),
    "Closed": ("okänd egenskap", "unknown property"),
}
_OTHER = ("bryter mot formen", "breaks the shape")


def check_shapes(
    dataset: Dataset,
    delivery: Delivery,
    graphs: Sequence[GraphFile],
    rows: Path,
    concept_base: str,
    findings: Findings,
    surveys: Surveys | None = None,
) -> None:
    """Add a finding for everything in the graphs of a delivery that breaks its specification's shapes.

    `rows` is the delivery's row index, which need not exist. Findings beyond those listed are counted. What `surveys`
    settle is asked of no store.
    """
    if dataset.specification is None or not graphs:
        return
    turtle = (ontology.specification(dataset.specification) / "shapes.ttl").read_text("utf-8")
    try:
        shapes = read_shapes(turtle, concept_base)
        if surveys is not None and len(graphs) == 1 and _all_keep(shapes, graphs[0], surveys):
            return
        with ExitStack() as stack:
            files = [stack.enter_context(open_graph(graph.path)) for graph in graphs]
            triples = sum(graph.triples for graph in graphs)
            with loaded(files, triples, beside=graphs[0].path.parent) as store:
                telling = _Telling(dataset, delivery, rows, concept_base, store, findings)
                for result in store.results(shapes):
                    telling.tell(result)
    except ShapeError as error:
        detail = (("specification", dataset.specification), ("fault", str(error)))
        findings.add(Finding("shapes.unreadable", detail=detail))


def _all_keep(shapes: list[Shape], graph: GraphFile, surveys: Surveys) -> bool:
    """Tell whether a graph certainly keeps all shapes; what its survey leaves open is asked of what it is about."""
    left = unsettled(shapes, surveys.read(graph, graph.path, classes_asked_for(shapes)))
    needed = lines_needed(left)
    if not left or needed is None:
        return not left
    said = surveys.named(graph, graph.path) if needed.of_named else read_graph(graph.path)
    text = BytesIO("".join(filter(needed, said)).encode())
    with loaded([text], graph.triples, beside=graph.path.parent) as store:
        return not any(True for _ in store.results(left))


class _Telling:
    """Turns results into findings of one delivery."""

    def __init__(
        self,
        dataset: Dataset,
        delivery: Delivery,
        rows: Path,
        concept_base: str,
        store: ShapeStore,
        findings: Findings,
    ) -> None:
        self._dataset, self._delivery, self._rows = dataset, delivery, rows
        self._store, self._findings, self._base = store, findings, concept_base
        assert dataset.specification is not None
        self._specification = dataset.specification

    def tell(self, result: Result) -> None:
        """Add the findings of one constraint: those listed with their places, the rest as a number."""
        for breach in result.breaches:
            self._findings.add(self._finding(result, breach, self._place(breach.node), 1))
        rest = result.count - len(result.breaches)
        if rest:
            # Same column, so that it joins the count of those listed.
            self._findings.add(self._finding(result, result.breaches[-1], self._place(result.breaches[-1].node), rest))

    def _finding(self, result: Result, breach: Breach, place: dict[str, Any], count: int) -> Finding:
        shape = result.check.shape
        what = _COMPONENTS.get(result.check.constraint.component, _OTHER)
        short = short_name(breach.property)
        messages = shape.messages
        detail = [
            ("specification", self._specification),
            ("property", breach.property),
            ("node", breach.node),
            ("component", f"{ontology.PREFIXES['sh']}{result.check.constraint.component}ConstraintComponent"),
            ("shape", shape.id),
        ]
        for number, language in enumerate(("sv", "en")):
            message = messages.get(language) or messages.get("en") or messages.get("") or f"{short}: {what[number]}."
            detail.append((f"message_{language}", message))
            detail.append((f"what_{language}", f"{what[number]}{', ' if breach.kind else ''}{breach.kind}"))
        return Finding(
            _RULES.get(shape.severity, _RULES["Violation"]),
            column=header_of(self._dataset, breach.property, self._base),
            kind=breach.kind,
            count=count,
            detail=tuple(detail),
            **place,
        )

    def _place(self, node: str) -> dict[str, Any]:
        """Return file, sheet and row of a node, or of the row that points to it; nothing when neither is known."""
        if not self._rows.exists():
            return {}
        found = row_origin(self._rows, node)
        if found is None:
            for number, other in enumerate(self._store.referrers(node)):
                found = row_origin(self._rows, other)
                if found or number > 20:
                    break
        if found is None:
            return {}
        file, sheet, row = found
        return {"file": self._delivery.files[file].name, "sheet": sheet, "row": row}
