"""What is answered for an identifier that nothing describes now: 410, 308, 300 or 404 (Digg's UM-10 to UM-12)."""

from __future__ import annotations

import json

from flask import Response, request

from server.errors import Problem
from server.formats import HTML, choose
from server.instance import Opened
from server.labels import name_in
from server.ledger import LedgerState
from server.paths import spellings
from server.rdf_formats import parse_lines
from server.representation import REPRESENTATIONS
from server.resource_page import facts_of_lines, story
from server.views.errors import problem_answer
from server.views.http import answer, here, language, page, redirect, torg, with_query

_VARY = ("Accept", "Accept-Language")


def kept_query() -> dict[str, str]:
    """Return the parameters that a redirection takes along: those that choose a representation."""
    return {
        name: value for name in ("format", "lang", "property", "inverse", "page") if (value := request.args.get(name))
    }


def past(opened: Opened, path: str, document: bool, suffix: str = "") -> Response:
    """Answer for a path that nothing describes now: 410, 308, 300, or 404 when it was never published."""
    site = torg()
    for spelling in spellings(path):
        state = site.ledger.state(spelling)
        if state is None:
            continue
        if state.state == "replaced":
            return redirect(_successor(state.successors[0], document, suffix), 308)
        if state.state in ("merged", "split"):
            return _choices(state, document, suffix)
        return _withdrawn(opened, spelling, state, suffix)
    raise Problem(
        404,
        "Nothing has been published at this address.",
        sv="Inget har publicerats på den här adressen.",
        headers={"Vary": "Accept, Accept-Language"},
    )


def _successor(path: str, document: bool, suffix: str = "") -> str:
    """Return where a successor is found: itself, or its description when a description was asked for."""
    site = torg()
    own = site.uris.path(path) if "://" in path else path
    if own is None:
        return path
    address = site.uris.description_path(own) if document else own
    dotted = f".{suffix}" if suffix and document else ""
    return with_query(here(address or own) + dotted, **kept_query())


def _choices(state: LedgerState, document: bool, suffix: str) -> Response:
    """Answer 300 with every successor in Link and in the body (UM-12)."""
    site = torg()
    iris = [site.uris.iri(path) if path.startswith("/") else path for path in state.successors]
    links = [f'<{iri}>; rel="successor-version"' for iri in iris]
    choices = [_successor(path, document, suffix) for path in state.successors]
    if choose(request.headers.get("Accept"), REPRESENTATIONS, suffix or request.args.get("format")) is HTML:
        spoken = language()
        labels = torg().labels().labels(iris, spoken)
        named = [(labels.get(iri, (iri, ""))[0], choice) for iri, choice in zip(iris, choices, strict=True)]
        body = page("choices.html", spoken, state=state.state, choices=named)
        response = answer(body, HTML.content_type, status=300, links=links, vary=_VARY, content_language=spoken)
    else:
        members = {"title": state.state, "status": 300, "successors": iris}
        response = answer(json.dumps(members).encode(), "application/json", status=300, links=links, vary=_VARY)
    return response


def _withdrawn(opened: Opened, path: str, state: LedgerState, suffix: str) -> Response:
    """Answer 410 with the last description (UM-10), as RDF to those who ask for RDF."""
    site = torg()
    iri = site.uris.iri(path)
    # What was erased is not told again, whatever the ledger remembers of it.
    lines = [] if state.state == "purged" else site.ledger.last_description(path)
    triples = parse_lines(lines)
    chosen = choose(request.headers.get("Accept"), REPRESENTATIONS, suffix or request.args.get("format"))
    what = "removed, with its history," if state.state == "purged" else "withdrawn"
    what_sv = "togs bort med sin historik" if state.state == "purged" else "drogs tillbaka"
    problem = Problem(
        410,
        f"{iri} was {what} {state.time[:10]} and will not be used for anything else.",
        sv=f"{iri} {what_sv} {state.time[:10]} och används inte till något annat.",
    )
    if chosen is None or chosen is HTML or not triples:
        spoken = _page_language()
        facts = facts_of_lines(opened, site, lines, iri, spoken)
        name = name_in(lines, iri, spoken)
        return problem_answer(
            problem, "withdrawn.html", lines=facts, iri=iri, story=story(site, iri, spoken), name=name
        )
    body = site.writer.write(triples, chosen, iri)
    response = answer(body, chosen.content_type, status=410, vary=_VARY)
    response.headers["Cache-Control"] = "public, max-age=60"
    return response


def _page_language() -> str:
    try:
        return language()
    except Problem:
        return torg().languages[0]
