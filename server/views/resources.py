"""Things, concepts and their descriptions: `/id/`, `/def/`, `/res/`, `/resource?uri=` (Digg's rules UM-3 to UM-12)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from urllib.parse import quote, unquote

from flask import Blueprint, Response, request

from server.description import Description, Window, describe, describe_page, joined, whole
from server.errors import Problem
from server.formats import HTML, N_TRIPLES, TURTLE, Format
from server.instance import Opened
from server.paths import spellings, split_suffix
from server.profiles import Profile, choose_profile, profiled, profiles_of
from server.rdf_formats import iri as checked_iri
from server.rdf_formats import write_statements
from server.twins import TABLES, twins_of, write_twin
from server.views.http import answer, ascii_iri, here, language, memento_links, negotiated, redirect, torg, with_query
from server.views.past import REPRESENTATIONS, kept_query, past
from server.views.resource_html import resource_page, with_format

blueprint = Blueprint("resources", __name__)

OFFERED: tuple[Format, ...] = REPRESENTATIONS


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
            if _is_here(opened, site.uris.iri(spelling)):
                document = site.uris.description_path(spelling)
                assert document is not None
                location = with_query(here(document) + ending, **kept_query())
                return redirect(location, 303, _links(site.uris.iri(spelling), site.uris.iri(document)))
    if path.startswith("/def/") and not site.uris.owns_concepts:
        return redirect(site.uris.concepts + spellings(path)[0].lstrip("/"), 303)
    return past(opened, stem if suffix and site.ledger.state(spellings(stem)[0]) else path, document=False)


@blueprint.get("/res/<path:key>")
def document(key: str) -> Response:
    """Answer the description of a thing or concept in the negotiated or named format (UM-3, UM-4)."""
    site = torg()
    opened = site.current()
    path = request.path
    stem, suffix = split_suffix(path)
    for tried, ending in ((path, ""), (stem, suffix)) if suffix else ((path, ""),):
        for spelling in spellings(site.uris.described_path(tried)):
            iri = site.uris.iri(spelling)
            address = site.uris.description_path(spelling)
            assert address is not None
            if unquote(address) == tried:
                if response := _described(opened, iri, address, ending):
                    return response
            elif opened.generation.store.mentions(iri):
                # The same text in another Unicode form: one address for one document.
                dotted = f".{ending}" if ending else ""
                return redirect(with_query(here(address) + dotted, **kept_query()), 308)
    described = site.uris.described_path(stem)
    if described.startswith("/def/") and not site.uris.owns_concepts:
        foreign = site.uris.concepts + spellings(described)[0].lstrip("/")
        return redirect(with_query(here("/resource"), uri=foreign, **kept_query()), 307)
    return past(opened, described, document=True, suffix=suffix if stem != path else "")


@blueprint.get("/resource")
def resource() -> Response:
    """Answer the description of any IRI the store knows; 307 to our own document when the IRI is ours (UM-6)."""
    site = torg()
    opened = site.current()
    iri = request.args.get("uri", "").strip()
    if not iri:
        raise Problem(400, "Name the IRI to describe: /resource?uri=https://…")
    checked_iri(iri)
    path = site.uris.path(iri)
    address = site.uris.description_path(path) if path else None
    if path and address:
        if opened.generation.store.mentions(iri):
            return redirect(with_query(here(address), **kept_query()), 307)
        return past(opened, path, document=True)
    if response := _described(opened, iri, f"/resource?uri={quote(iri, safe='')}", ""):
        return response
    raise Problem(404, "No published triple mentions this IRI.")


def _described(opened: Opened, iri: str, address: str, suffix: str) -> Response | None:
    """Answer the description of an IRI at a path of ours, fixed by a suffix or negotiated; None when there is none.

    Raises Problem 404 for a page that a description has not.
    """
    site, store = torg(), opened.generation.store
    window = _window()
    document = site.uris.iri(address)
    if window:
        description = describe_page(store, iri, document, window)
        if description is None and store.mentions(iri):
            raise Problem(404, "There is no such page of this description.")
    else:
        description = describe(store, iri, document, partial(_datasets, opened))
    whole_known = description is not None and description.properties and not window
    if description is None or not (whole_known or _is_here(opened, iri)):
        return None
    offered = (*OFFERED, *twins_of(store, description))
    chosen = negotiated(offered, suffix or None)
    spoken = language() if chosen is HTML or chosen in TABLES else ""
    profiles = profiles_of(description) if chosen.kind == "rdf" and not window else ()
    named = bool(suffix) or "format" in request.args
    # A fixed representation is the same bytes for everybody.
    wished = None if named else request.headers.get("Accept-Profile")
    profile = choose_profile(profiles, wished, request.args.get("profile"))
    if profile:
        body = site.writer.write(profiled(store, iri, profile), chosen, iri)
    elif chosen in TABLES:
        body = write_twin(site, opened, description, chosen, spoken)
    else:
        body = _written(opened, description, address, chosen, offered, spoken, bool(suffix))
    view = _view() if chosen is HTML else ""
    query = "&".join(part for part in (window.query() if window else "", f"view={view}" if view else "") if part)
    links = [*_links(iri, joined(document, query), offered), *_profile_links(document, profiles, profile)]
    gate = not named and address.startswith("/res/")
    if gate:
        links += memento_links(address)
    response = answer(
        body,
        chosen.content_type,
        vary=_depends(named, bool(spoken), bool(profiles) and "profile" not in request.args, gate),
        links=links,
        content_language=spoken,
        modified=opened.generation.created,
        content_location=_fixed(
            here(address), chosen, spoken, suffix, f"profile={profile.token}" if profile else query
        ),
    )
    if profile:
        response.headers["Content-Profile"] = f"<{profile.iri}>"
    return response


def _is_here(opened: Opened, iri: str) -> bool:
    """Return whether an IRI is published: described, or at least mentioned and not withdrawn or replaced."""
    site, store = torg(), opened.generation.store
    if store.describes(iri):
        return True
    if not store.mentions(iri):
        return False
    # What others still point at is gone all the same when nothing describes it any more (UM-10 to UM-12).
    path = site.uris.path(iri)
    state = site.ledger.state(path) if path else None
    return state is None or state.state == "live"


def _depends(named: bool, spoken: bool, profiles: bool, gate: bool) -> list[str]:
    """Return the request headers that decided on a representation, for one that was named or negotiated."""
    names = ["Accept"] if not named else []
    names += ["Accept-Language"] if spoken or not named else []
    names += ["Accept-Profile"] if profiles and not named else []
    return [*names, "Accept-Datetime"] if gate else names


def _profile_links(document: str, offered: tuple[Profile, ...], chosen: Profile | None) -> list[str]:
    """Return the Link members that tell the profile of this answer and where the others are (DX-PROF-CONNEG, 6)."""
    links = [f'<{chosen.iri}>; rel="profile"'] if chosen else []
    for profile in offered:
        address = joined(with_format(ascii_iri(document), TURTLE), f"profile={profile.token}")
        links.append(f'<{address}>; rel="alternate"; type="text/turtle"; profile="{profile.iri}"')
    return links


def _written(
    opened: Opened,
    description: Description,
    address: str,
    chosen: Format,
    offered: tuple[Format, ...],
    spoken: str,
    fixed: bool,
) -> bytes:
    """Return the description as a page or in an RDF format."""
    site = torg()
    if chosen is HTML:
        return resource_page(opened, description, address, spoken, offered, _view())
    if chosen is N_TRIPLES and fixed and not description.window:
        with site.large_answer():
            return write_statements(whole(opened.generation.store, description, opened.names))
    return site.writer.write_statements(description.statements(opened.names), chosen, description.iri)


def _fixed(address: str, chosen: Format, spoken: str, suffix: str, query: str) -> str:
    """Return the address of exactly this representation (RFC 9110, 8.7): format, language and page in it."""
    parameters = [query] if query else []
    if "?" in address or (chosen is N_TRIPLES and not suffix):
        # The negotiated N-Triples are the bounded description; the fixed `.nt` is the whole one.
        parameters.append(f"format={chosen.suffix}")
    else:
        address = f"{address}.{chosen.suffix}"
    if spoken:
        parameters.append(f"lang={spoken}")
    return joined(address, "&".join(parameters))


def _links(iri: str, document: str, offered: tuple[Format, ...] = OFFERED) -> list[str]:
    """Return the Link header's members: every representation, the canonical one, what is described (UM-4, 8, 9)."""
    site = torg()
    links = []
    iri, document = ascii_iri(iri), ascii_iri(document)
    for format in offered:
        address = with_format(document, format)
        if format is HTML:
            for spoken in site.languages:
                spelled = joined(address, f"lang={spoken}")
                links.append(f'<{spelled}>; rel="alternate"; type="{format.media_type}"; hreflang="{spoken}"')
        else:
            links.append(f'<{address}>; rel="alternate"; type="{format.media_type}"')
    links.append(f'<{document}>; rel="canonical"')
    links.append(f'<{document}>; rel="describedby"; anchor="{iri}"')
    links.append(f'<{iri}>; rel="describes"')
    return links


def _view() -> str:
    """Return the view of the page that was asked for: "" for people, "triples" for the technical one."""
    view = request.args.get("view", "")
    if view not in ("", "triples"):
        raise Problem(400, "view takes triples, or is left out.")
    return view


def _window() -> Window | None:
    """Return the page of one property that was asked for; raise Problem 400 when it cannot be one."""
    named = [(name, value) for name in ("property", "inverse") if (value := request.args.get(name))]
    if not named:
        return None
    if len(named) > 1:
        raise Problem(400, "Ask for a page of `property` or of `inverse`, not both.")
    number = request.args.get("page", "1")
    if not (number.isascii() and number.isdigit() and 1 <= int(number) <= 10_000_000):
        raise Problem(400, "`page` is a whole number from 1.")
    checked_iri(named[0][1])
    return Window(named[0][1], named[0][0] == "inverse", int(number))


def _datasets(opened: Opened, found: Iterable[str]) -> list[str]:
    """Return the datasets of named graphs."""
    graphs, uris = opened.graphs, torg().uris
    keys = {graphs[name].dataset for name in found if name in graphs}
    return sorted(uris.dataset(*key.split("/", 1)) for key in keys if "/" in key)
