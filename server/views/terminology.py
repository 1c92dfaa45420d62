"""The concept schemes as terminologies to harvest: `/terminology`, and `/terminology/<scheme>` in every format."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, request

from server.errors import Problem
from server.formats import CSV, GRAPH_FORMATS, HTML, JSON, Format
from server.graph_files import read_graph
from server.history import History, read_moment
from server.instance import Opened
from server.paths import split_suffix
from server.rdf_formats import parse_lines, write
from server.terminology import Terminologies
from server.views.http import answer, here, language, negotiated, page, redirect, torg, with_query

blueprint = Blueprint("terminology", __name__)

OFFERED: tuple[Format, ...] = (*GRAPH_FORMATS, CSV)
_COMPACTED = 20_000  # triples; compacting JSON-LD takes some 0.1 ms for each, so larger ones go out expanded


@blueprint.get("/terminology")
def index() -> Response:
    """Answer the schemes that can be harvested, with version, number of concepts and addresses."""
    chosen, spoken = negotiated((HTML, JSON)), language()
    opened = torg().current()
    found = [_members(opened, scheme) for scheme in _present(opened).schemes()]
    if chosen is JSON:
        body = (json.dumps(found, ensure_ascii=False, indent=1) + "\n").encode()
    else:
        body = page("terminology.html", spoken, schemes=found, offered=OFFERED, generation=opened.generation.name)
    return answer(body, chosen.content_type, vary=("Accept", "Accept-Language"), content_language=spoken)


@blueprint.get("/terminology/<path:name>")
def scheme(name: str) -> Response:
    """Answer a whole scheme, or all of them (`torg`), as it is now or, with ?at=, as it was."""
    opened = torg().current()
    stem, suffix = split_suffix(name)
    chosen = negotiated(OFFERED, suffix or None)
    asked = request.args.get("at")
    number = _number(asked) if asked is not None else opened.generation.number
    kept_address = with_query(f"/terminology/{stem}.{chosen.suffix}", at=f"{number:06d}")
    if asked is not None and asked != f"{number:06d}":
        response = redirect(here(kept_address), 302)
        response.headers["Cache-Control"] = "no-store"
        return response
    terminologies = _present(opened) if asked is None else _past(number)
    found = terminologies.find(stem)
    if found is None:
        names = ", ".join(one.name for one in terminologies.schemes())
        raise Problem(
            404,
            f"There is no concept scheme {stem[:80]!r}; there are: {names}.",
            sv=f"Det finns ingen begreppslista {stem[:80]!r}; det finns: {names}.",
        )
    key = f"terminology {stem}.{chosen.suffix} {number}"
    if key not in opened.memo:
        opened.memo[key] = _written(terminologies, found.iri, chosen)
    body: bytes = opened.memo[key]
    links = [
        f'<{here(f"/terminology/{stem}.{other.suffix}")}>; rel="alternate"; type="{other.media_type}"'
        for other in OFFERED
    ]
    links += [
        f'<{found.iri}>; rel="describes"',
        f'<{here(kept_address)}>; rel="memento"; type="{chosen.media_type}"',
        f'<{here(with_query("/changes", branch=found.iri))}>; rel="version-history"',
    ]
    response = answer(
        body,
        chosen.content_type,
        vary=() if suffix else ("Accept",),
        links=links,
        content_location=here(kept_address if asked is not None else f"/terminology/{stem}.{chosen.suffix}"),
        cache_control="public, max-age=31536000, immutable" if asked is not None else None,
    )
    if chosen is CSV:
        response.headers["Content-Disposition"] = f'attachment; filename="{stem.replace("/", "-")}.csv"'
    return response


def _written(terminologies: Terminologies, iri: str, chosen: Format) -> bytes:
    if chosen is CSV:
        return terminologies.table(iri)
    triples = parse_lines(terminologies.lines(iri))
    if len(triples) > _COMPACTED:
        return write(triples, chosen.media_type, torg().prefixes)
    return torg().writer.write(triples, chosen, iri)


def _present(opened: Opened) -> Terminologies:
    if "terminologies" not in opened.memo:
        entries = [entry for entry in opened.graphs.values() if entry.kind == "concepts"]
        lines = (line for entry in entries for line in read_graph(opened.generation.path / entry.dump))
        opened.memo["terminologies"] = Terminologies(lines, torg().uris)
    found: Terminologies = opened.memo["terminologies"]
    return found


def _past(number: int) -> Terminologies:
    history = History(torg().data)
    graphs = [iri for iri, graph in history.graphs(number).items() if graph.kind == "concepts"]
    return Terminologies((line for iri in sorted(graphs) for line in history.lines(number, iri)), torg().uris)


def _number(asked: str) -> int:
    history = History(torg().data)
    with suppress(ValueError):
        moment = read_moment(asked)
        number = history.at(moment) if isinstance(moment, datetime) else moment
        if number in history.numbers():
            return int(number)
        raise Problem(
            404,
            f"Nothing was published then; the first generation is {min(history.numbers(), default=0)}.",
            sv=f"Då var ingenting publicerat; den första generationen är {min(history.numbers(), default=0)}.",
        )
    raise Problem(
        400,
        "at takes a generation's number, or a time such as 2026-03-01 or 2026-03-01T04:00Z.",
        sv="at tar numret på en generation, eller en tid som 2026-03-01 eller 2026-03-01T04:00Z.",
    )


def _members(opened: Opened, one: Any) -> dict[str, Any]:
    return {
        "iri": one.iri,
        "name": one.name,
        "title": dict(one.title),
        "version": one.version,
        "concepts": one.concepts,
        "formats": {other.suffix: here(f"/terminology/{one.name}.{other.suffix}") for other in OFFERED},
        "dated": here(with_query(f"/terminology/{one.name}.ttl", at=f"{opened.generation.number:06d}")),
        "changes": here(with_query("/changes", branch=one.iri)),
    }
