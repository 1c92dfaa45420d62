"""Things, concepts and their descriptions: `/id/`, `/def/`, `/res/`, `/resource?uri=` (Digg's rules UM-3 to UM-12)."""

from __future__ import annotations

from urllib.parse import quote

from flask import Blueprint, Response, request

from server.description import Description
from server.errors import Problem
from server.formats import Format
from server.instance import Opened
from server.paths import spellings, split_suffix
from server.rdf_formats import iri as checked_iri
from server.representation import candidates, is_here, links_of, represent
from server.views.http import asking, here, redirect, torg, whole, with_query
from server.views.past import kept_query, past
from server.views.resource_html import resource_page

blueprint = Blueprint("resources", __name__)


@blueprint.get("/id/<path:key>")
@blueprint.get("/def/<path:key>")
def thing(key: str) -> Response:
    """Answer 303 to the description of a thing or concept (UM-7), or tell what became of it (UM-10 to UM-12)."""
    site = torg()
    opened = site.current()
    path = request.path
    stem, suffix = split_suffix(path)
    # The exact identifier first: a key may end like a suffix when an importer made it.
    for tried, ending in ((path, ""), (stem, f".{suffix}")) if suffix else ((path, ""),):
        for spelling in spellings(tried):
            if is_here(site, opened, site.uris.iri(spelling)):
                document = site.uris.description_path(spelling)
                assert document is not None
                location = with_query(here(document) + ending, **kept_query())
                return redirect(location, 303, links_of(site, site.uris.iri(spelling), site.uris.iri(document)))
    if path.startswith("/def/") and not site.uris.owns_concepts:
        return redirect(site.uris.concepts + spellings(path)[0].lstrip("/"), 303)
    return past(opened, stem if suffix and site.ledger.state(spellings(stem)[0]) else path, document=False)


@blueprint.get("/res/<path:key>")
def document(key: str) -> Response:
    """Answer the description of a thing or concept in the negotiated or named format (UM-3, UM-4)."""
    site = torg()
    opened = site.current()
    path = request.path
    for found in candidates(site.uris, path):
        if found.exact:
            if response := _described(opened, found.iri, found.address, found.suffix):
                return response
        elif opened.generation.store.mentions(found.iri):
            # The same text in another Unicode form: one address for one document.
            dotted = f".{found.suffix}" if found.suffix else ""
            return redirect(with_query(here(found.address) + dotted, **kept_query()), 308)
    stem, suffix = split_suffix(path)
    described = site.uris.described_path(stem)
    if described.startswith("/def/") and not site.uris.owns_concepts:
        foreign = site.uris.concepts + spellings(described)[0].lstrip("/")
        return redirect(with_query(here("/resource"), uri=foreign, **kept_query()), 307)
    return past(opened, described, document=True, suffix=suffix)


@blueprint.get("/resource")
def resource() -> Response:
    """Answer the description of any IRI the store knows; 307 to our own document when the IRI is ours (UM-6)."""
    site = torg()
    opened = site.current()
    iri = request.args.get("uri", "").strip()
    if not iri:
        raise Problem(
            400,
            "Name the IRI to describe: /resource?uri=https://…",
            sv="Ange den IRI som ska beskrivas: /resource?uri=https://…",
        )
    checked_iri(iri)
    path = site.uris.path(iri)
    address = site.uris.description_path(path) if path else None
    if path and address:
        if opened.generation.store.mentions(iri):
            return redirect(with_query(here(address), **kept_query()), 307)
        return past(opened, path, document=True)
    if response := _described(opened, iri, f"/resource?uri={quote(iri, safe='')}", ""):
        return response
    raise Problem(404, "No published triple mentions this IRI.", sv="Ingen publicerad uppgift nämner den IRI:n.")


def _described(opened: Opened, iri: str, address: str, suffix: str) -> Response | None:
    """Answer the description of an IRI at a path of ours, fixed by a suffix or negotiated; None when there is none."""

    def page(description: Description, spoken: str, offered: tuple[Format, ...], view: str) -> bytes:
        return resource_page(opened, description, address, spoken, offered, view)

    found = represent(torg(), opened, iri, address, asking(suffix), page)
    return whole(found.body, found.headers) if found else None
