"""The bulk resolver over HTTP: `POST /resolve` with JSON, CSV or lines; `GET /resolve?item=` for a few."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, request

from server.errors import Problem
from server.formats import CSV, JSON, Format
from server.instance import Opened
from server.label_lookup import LabelLookup
from server.resolver import MOST_ITEMS, Named, NothingBeneath, Resolution, Resolver
from server.views.batches import charged
from server.views.http import answer, negotiated, torg

blueprint = Blueprint("resolve", __name__)

MOST_BYTES = 16 << 20
_LINE_END = re.compile("\r\n|\n|\r")  # and no others: a name may hold the line break of a spreadsheet's cell
_COLUMNS = (
    "given", "status", "iri", "label", "notation", "matched", "type", "scheme", "successors", "broader", "datasets",
    "candidates",
)  # fmt: skip


def lookup(opened: Opened) -> LabelLookup:
    """Return the bulk reader of a generation's label index."""
    if "lookup" not in opened.memo:
        opened.memo["lookup"] = LabelLookup(opened.generation.path / "labels.sqlite")
    found: LabelLookup = opened.memo["lookup"]
    return found


def resolver() -> Resolver:
    """Return a resolver over the current generation."""
    site = torg()
    opened = site.current()
    return Resolver(
        opened.generation.store, lookup(opened), site.ledger, site.uris, site.prefixes, opened.generation.graphs
    )


@blueprint.post("/resolve")
def resolve() -> Response:
    """Answer what each of up to 10 000 items names, in input order, as JSON or CSV."""
    request.max_content_length = MOST_BYTES
    chosen = negotiated((JSON, CSV))
    items = _items()
    return _answered(items, chosen, "no-store")


@blueprint.get("/resolve")
def resolve_few() -> Response:
    """Answer what the items in the address name; for many there is POST."""
    chosen = negotiated((JSON, CSV))
    items = request.args.getlist("item")
    if not items:
        raise Problem(
            400,
            "Give items as ?item=…, or POST up to 10 000 of them as a JSON array, as CSV whose first column is "
            "headed, or as lines of text.",
            sv=(
                "Ge det som ska slås upp som ?item=…, eller skicka upp till 10 000 med POST som JSON-lista, som CSV "
                "vars första kolumn har en rubrik, eller som rader av text."
            ),
            title="Nothing to resolve",
        )
    return _answered(_counted(items), chosen, None)


def _answered(items: list[str], chosen: Format, cache_control: str | None) -> Response:
    """Answer the items; raise Problem 404 when there is nothing beneath `?within=`."""
    within = request.args.get("within", "")
    try:
        with charged():
            found = resolver().resolve(items, within)
    except NothingBeneath as nothing:
        raise Problem(404, str(nothing), sv=nothing.sv, title="Nothing lies beneath that address") from None
    body = _csv(found) if chosen is CSV else _json(found)
    return answer(body, chosen.content_type, vary=("Accept",), cache_control=cache_control)


def _items() -> list[str]:
    """Return the items of the body; raise Problem 400, 413 or 415 that says what was expected."""
    kind = request.mimetype or "text/plain"
    data = request.get_data(cache=False)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Problem(
            400,
            f"Byte {error.start} of the body is not UTF-8. Save the list as UTF-8 and send it again.",
            sv=f"Byte {error.start} är inte UTF-8. Spara listan som UTF-8 och skicka den igen.",
            title="Not UTF-8",
        ) from None
    if kind == "application/json":
        return _counted(_json_items(text))
    if kind == "text/csv":
        return _counted(_csv_items(text))
    if kind == "text/plain":
        return _counted(_LINE_END.split(text.removesuffix("\n").removesuffix("\r")) if text else [])
    raise Problem(
        415,
        f"Send application/json, text/csv or text/plain; {kind[:80]} cannot be read here.",
        sv=f"Skicka application/json, text/csv eller text/plain; {kind[:80]} kan inte läsas här.",
        headers={"Accept-Post": "application/json, text/csv, text/plain"},
    )


def _counted(items: list[str]) -> list[str]:
    if len(items) > MOST_ITEMS:
        raise Problem(
            413,
            f"There are {len(items)} items; at most {MOST_ITEMS} can be resolved at once. Send them in parts.",
            sv=f"Det här är {len(items)} poster; högst {MOST_ITEMS} kan slås upp på en gång. Skicka dem i delar.",
        )
    return items


def _json_items(text: str) -> list[str]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Problem(400, f"The body is not JSON: {str(error)[:200]}.", sv="Det som skickades är inte JSON.") from None
    items = document.get("items") if isinstance(document, dict) else document
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise Problem(
            400,
            'Send an array of texts, or {"items": [...]} with one.',
            sv='Skicka en lista av texter, eller {"items": [...]} med en.',
        )
    return items


def _csv_items(text: str) -> list[str]:
    """Return the column `item`, else the first one; the first row is the header."""
    delimiter = ";" if text.split("\n", 1)[0].count(";") > text.split("\n", 1)[0].count(",") else ","
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise Problem(400, f"The body is not CSV: {error}.", sv="Det som skickades är inte CSV.") from None
    if not rows:
        return []
    header = [name.strip().lower() for name in rows[0]]
    column = header.index("item") if "item" in header else 0
    return [row[column] if len(row) > column else "" for row in rows[1:]]


def _json(found: Sequence[Resolution]) -> bytes:
    site = torg()
    head: dict[str, Any] = {"generation": site.current().generation.name, "count": len(found)}
    opening = json.dumps(head)[:-1]
    encode = json.JSONEncoder(ensure_ascii=False).encode
    lines = ",\n".join(encode(_members(one)) for one in found)
    # An item is given back as it came, also one with half a surrogate pair, which UTF-8 cannot hold.
    return f'{opening}, "items": [\n{lines}\n]}}\n'.encode("utf-8", "backslashreplace")


def _members(one: Resolution) -> dict[str, Any]:
    """Return an entry as JSON members (dataclasses.asdict copies deeply, and takes ten times as long)."""
    return {
        "given": one.given,
        "status": one.status,
        "iri": one.iri,
        "matched": one.matched,
        "labels": one.labels,
        "notation": one.notation,
        "type": one.type,
        "successors": [{"iri": step.iri, "labels": step.labels} for step in one.successors],
        "broader": [{"iri": step.iri, "labels": step.labels} for step in one.broader],
        "scheme": one.scheme,
        "datasets": one.datasets,
        "candidates": [{"iri": step.iri, "labels": step.labels} for step in one.candidates],
    }


def _csv(found: Sequence[Resolution]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(_COLUMNS)
    for one in found:
        writer.writerow(
            (
                _inert(one.given), one.status, one.iri, _inert(_label(one.labels)), _inert(one.notation), one.matched,
                one.type, one.scheme, _listed(one.successors), _listed(one.broader), " ".join(one.datasets),
                _listed(one.candidates),
            )
        )  # fmt: skip
    return out.getvalue().encode("utf-8", "backslashreplace")


def _inert(text: str) -> str:
    """Return a cell that a spreadsheet does not take for a formula: what was sent is a stranger's text."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _label(labels: Any) -> str:
    return next((labels[name] for name in ("sv", "en", "", *labels) if name in labels), "")


def _listed(named: Sequence[Named]) -> str:
    return " ".join(one.iri for one in named)
