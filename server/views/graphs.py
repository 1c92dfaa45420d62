"""Whole graphs over HTTP: the SPARQL 1.1 Graph Store Protocol, reading only, direct and indirect."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from hashlib import sha256
from typing import IO

from flask import Blueprint, Response, request

from server.errors import Problem
from server.formats import GRAPH_FORMATS, HTML, N_QUADS, TRIG, TURTLE, Format
from server.generations import GraphEntry
from server.graph_answers import SMALL, write_graph_answer
from server.graph_tables import write_graph_table
from server.instance import Opened
from server.paths import spellings, split_suffix
from server.presentation import Presenter
from server.rdf_formats import iri as checked_iri
from server.twins import TABLES
from server.views.http import answer, here, language, negotiated, page, public, torg

blueprint = Blueprint("graphs", __name__)
_QUADS = (N_QUADS, TRIG)


@blueprint.get("/graph/<path:name>")
def direct(name: str) -> Response:
    """Answer the named graph whose IRI this is (Graph Store Protocol, section 4.1)."""
    opened = torg().current()
    stem, suffix = split_suffix(request.path)
    for tried, ending in ((request.path, ""), (stem, suffix)) if suffix else ((request.path, ""),):
        for spelling in spellings(tried):
            if entry := opened.graphs.get(torg().uris.iri(spelling)):
                return _graph(
                    opened, entry, (TURTLE, HTML, *GRAPH_FORMATS[1:], *_QUADS, *TABLES), ending, here(spelling)
                )
    raise _no_graph(opened, torg().uris.iri(spellings(stem)[0]))


@blueprint.get("/rdf-graph-store")
def indirect() -> Response:
    """Answer the graph named by `?graph=`, or the default graph for `?default` (section 4.2)."""
    opened = torg().current()
    names = request.args.getlist("graph")
    if len(names) + ("default" in request.args) != 1:
        raise Problem(
            400,
            "Name one graph: ?graph=IRI, or ?default for the merge of all published graphs.",
            sv="Namnge en graf: ?graph=IRI, eller ?default för alla publicerade grafer tillsammans.",
        )
    if not names:
        return _graph(opened, None, (*GRAPH_FORMATS, *_QUADS), "", "")
    checked_iri(names[0])
    entry = opened.graphs.get(names[0])
    if entry is None:
        raise _no_graph(opened, names[0])
    return _graph(opened, entry, (*GRAPH_FORMATS, *_QUADS), "", "")


def _no_graph(opened: Opened, iri: str) -> Problem:
    """Return the 404 of a graph there is not; a dataset delivered by period has a graph for each of them."""
    parts = sorted(name for name in opened.graphs if name.startswith(f"{iri}/"))
    if parts:
        return Problem(
            404,
            "This dataset has one graph for each period.",
            sv="Datamängden har en graf för varje period.",
            graphs=parts,
        )
    return Problem(404, "There is no graph of this name.", sv="Det finns ingen graf med det namnet.")


def _graph(
    opened: Opened, entry: GraphEntry | None, offered: tuple[Format, ...], suffix: str, address: str
) -> Response:
    site = torg()
    chosen = negotiated(offered, suffix or None)
    vary = () if suffix or request.args.get("format") else ("Accept", "Accept-Language") if address else ("Accept",)
    links = [f'<{site.uris.iri(entry.dump)}>; rel="alternate"; type="application/gzip"'] if entry else []
    if chosen is HTML:
        assert entry is not None
        return _page(opened, entry, offered, address)
    # The dump is canonical and the writers are deterministic, so this names the bytes before they are made.
    content = entry.sha256[:40] if entry else f"default-{opened.generation.name}"
    etag = f"{content}-{chosen.suffix}"
    spoken, only = "", ""
    if chosen in TABLES:
        # The words come from the labels of the whole generation.
        spoken, only = language(), request.args.get("class", "")
        etag = f"{etag}-{spoken}-{opened.generation.name}-{sha256(only.encode()).hexdigest()[:8] if only else ''}"
        vary = tuple(dict.fromkeys((*vary, "Accept-Language")))
    created = opened.generation.created
    response = answer(
        b"", chosen.content_type, vary=vary, links=links, etag=etag, content_language=spoken, modified=created
    )
    if response.status_code == 304:
        return response
    if request.method == "HEAD":
        response.automatically_set_content_length = False
        del response.headers["Content-Length"]
        return response
    with ExitStack() as opened_files:
        opened_files.enter_context(site.large_answer())
        if spoken and entry:
            written = write_graph_table(site, opened, entry, chosen, spoken, only)
        else:
            written = write_graph_answer(opened.generation, entry, chosen, site.prefixes)
        file = opened_files.enter_context(written)
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        if size <= SMALL:
            response.data = file.read()
        else:
            held = opened_files.pop_all()
            response.response = _pieces(file, held)
            response.content_length = size
            response.call_on_close(held.close)
    return response


def _pieces(file: IO[bytes], held: ExitStack) -> Iterator[bytes]:
    """Yield a file in pieces and let go of it at the end, even when the server forgets to close the answer."""
    with held:
        while piece := file.read(1 << 16):
            yield piece


def _page(opened: Opened, entry: GraphEntry, offered: tuple[Format, ...], address: str) -> Response:
    site, spoken = torg(), language()
    dataset = site.uris.dataset(*entry.dataset.split("/", 1)) if entry.dataset else ""
    presenter = Presenter(spoken, site.uris, opened.labels.labels([dataset], spoken), site.prefixes)
    formats = [(format.label, f"{address}.{format.suffix}", format.media_type) for format in offered if format != HTML]
    body = page(
        "graph.html",
        spoken,
        entry=entry,
        dataset=presenter.link(dataset) if dataset else None,
        formats=formats,
        dump=here(f"/{entry.dump}"),
        generation=opened.generation.name,
    )
    vary = ("Accept", "Accept-Language")
    return answer(body, HTML.content_type, vary=vary, content_language=spoken, cache_control=public())
