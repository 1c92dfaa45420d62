"""The answer that describes an IRI: the representation that a request gets, its bytes and its headers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from urllib.parse import unquote

from server.answer_headers import answer_headers, ascii_iri, public
from server.asked import Asked
from server.description import Description, Window, describe, describe_page, joined, whole
from server.errors import Problem
from server.formats import GRAPH_FORMATS, HTML, N_TRIPLES, TURTLE, Format
from server.instance import Opened, Torg
from server.paths import spellings, split_suffix
from server.profiles import Profile, choose_profile, profiled, profiles_of
from server.rdf_formats import iri as checked_iri
from server.rdf_formats import write_statements
from server.twins import TABLES, twins_of, write_twin
from server.uris import UriSpace
from server.wsgi_headers import Headers

REPRESENTATIONS: tuple[Format, ...] = (HTML, *GRAPH_FORMATS)
"""What everything is described in; `server.twins` adds tables."""

PageWriter = Callable[[Description, str, tuple[Format, ...], str], bytes]
"""Writes the page of a description in a language, with links to these formats, in a view."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The body and the headers of a 200."""

    body: bytes
    headers: Headers


@dataclass(frozen=True, slots=True)
class Candidate:
    """What the path of a description may be the document of: an IRI, the document's path, the suffix of a format."""

    iri: str
    address: str
    suffix: str
    exact: bool  # False when the path is another Unicode form of the address


def candidates(uris: UriSpace, path: str) -> Iterator[Candidate]:
    """Yield what a path below /res/ can mean, the exact identifier first: an imported key may end like a suffix."""
    stem, suffix = split_suffix(path)
    for tried, ending in ((path, ""), (stem, suffix)) if suffix else ((path, ""),):
        for spelling in spellings(uris.described_path(tried)):
            address = uris.description_path(spelling)
            assert address is not None
            yield Candidate(uris.iri(spelling), address, ending, unquote(address) == tried)


def represent(
    site: Torg, opened: Opened, iri: str, address: str, asked: Asked, page: PageWriter | None = None
) -> Answer | None:
    """Return the description of an IRI at a path of ours as it was asked for; None when there is none.

    Without `page` a page is none either. Raises Problem for a page of values that a description has not, and for a
    representation that there is not.
    """
    store = opened.generation.store
    window, view = window_of(asked.parameters), view_of(asked.parameters)
    document = site.uris.iri(address)
    if window:
        description = describe_page(store, iri, document, window)
        if description is None and store.mentions(iri):
            raise Problem(404, "There is no such page of this description.", sv="Beskrivningen har ingen sådan sida.")
    else:
        description = describe(store, iri, document, partial(_datasets, site, opened))
    whole_known = description is not None and description.properties and not window
    if description is None or not (whole_known or is_here(site, opened, iri)):
        return None
    offered = (*REPRESENTATIONS, *twins_of(store, description))
    chosen = asked.format(offered)
    spoken = asked.language(site.languages) if chosen is HTML or chosen in TABLES else ""
    profiles = profiles_of(description) if chosen.kind == "rdf" and not window else ()
    # A fixed representation is the same bytes for everybody.
    wished = None if asked.named else asked.accept_profile
    profile = choose_profile(profiles, wished, asked.parameters.get("profile"))
    if profile:
        body = site.writer.write(profiled(store, iri, profile), chosen, iri)
    elif chosen in TABLES:
        body = write_twin(site, opened, description, chosen, spoken)
    elif chosen is HTML:
        if page is None:
            return None
        body = page(description, spoken, offered, view)
    else:
        body = _triples(site, opened, description, chosen, bool(asked.suffix))
    view = view if chosen is HTML else ""
    query = "&".join(part for part in (window.query() if window else "", f"view={view}" if view else "") if part)
    links = [*links_of(site, iri, joined(document, query), offered), *_profile_links(document, profiles, profile)]
    gate = not asked.named and address.startswith("/res/")
    if gate:
        links += memento_links(site.uris, address)
    headers = answer_headers(
        body,
        chosen.content_type,
        cache_control=public(int(site.settings.max_age)),
        vary=_depends(asked.named, bool(spoken), bool(profiles) and "profile" not in asked.parameters, gate),
        links=links,
        content_language=spoken,
        modified=opened.generation.created,
        content_location=_fixed(
            site.uris.prefix + address,
            chosen,
            spoken,
            asked.suffix,
            f"profile={profile.token}" if profile else query,
        ),
    )
    if profile:
        headers.append(("Content-Profile", f"<{profile.iri}>"))
    return Answer(body, headers)


def is_here(site: Torg, opened: Opened, iri: str) -> bool:
    """Return whether an IRI is published: described, or at least mentioned and not withdrawn or replaced."""
    store = opened.generation.store
    if store.describes(iri):
        return True
    if not store.mentions(iri):
        return False
    # What others still point at is gone all the same when nothing describes it any more (UM-10 to UM-12).
    path = site.uris.path(iri)
    state = site.ledger.state(path) if path else None
    return state is None or state.state == "live"


def links_of(site: Torg, iri: str, document: str, offered: Sequence[Format] = REPRESENTATIONS) -> list[str]:
    """Return the Link header's members: every representation, the canonical one, what is described (UM-4, 8, 9)."""
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


def memento_links(uris: UriSpace, path: str) -> list[str]:
    """Return the Link members that lead to the past of a path: it is its own TimeGate (RFC 7089, pattern 1.1)."""
    states = uris.iri(f"/timemap{path}")
    return [
        f'<{uris.iri(path)}>; rel="original timegate"',
        f'<{states}>; rel="timemap"; type="application/link-format"',
    ]


def with_format(document: str, format: Format) -> str:
    """Return the address of a document in a format: by its suffix, or as a parameter of /resource."""
    path, mark, query = document.partition("?")
    if mark and path.endswith("/resource"):
        return f"{document}&format={format.suffix}"
    return f"{path}.{format.suffix}{mark}{query}"


def view_of(parameters: Mapping[str, str]) -> str:
    """Return the view of the page that was asked for: "" for people, "triples" for the technical one."""
    view = parameters.get("view", "")
    if view not in ("", "triples"):
        raise Problem(400, "view takes triples, or is left out.", sv="view tar triples, eller utelämnas.")
    return view


def window_of(parameters: Mapping[str, str]) -> Window | None:
    """Return the page of one property that was asked for; raise Problem 400 when it cannot be one."""
    named = [(name, value) for name in ("property", "inverse") if (value := parameters.get(name))]
    if not named:
        return None
    if len(named) > 1:
        raise Problem(
            400,
            "Ask for a page of `property` or of `inverse`, not both.",
            sv="Be om en sida av `property` eller av `inverse`, inte båda.",
        )
    number = parameters.get("page", "1")
    if not (number.isascii() and number.isdigit() and len(number) < 9 and 1 <= int(number)):
        raise Problem(400, "`page` is a whole number from 1.", sv="`page` är ett heltal från 1.")
    checked_iri(named[0][1])
    return Window(named[0][1], named[0][0] == "inverse", int(number))


def _triples(site: Torg, opened: Opened, description: Description, chosen: Format, fixed: bool) -> bytes:
    """Return the description in an RDF format: with its bounds, or the whole of it in the fixed N-Triples."""
    if chosen is N_TRIPLES and fixed and not description.window:
        with site.large_answer():
            return write_statements(whole(opened.generation.store, description, opened.names))
    return site.writer.write_statements(description.statements(opened.names), chosen, description.iri)


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


def _datasets(site: Torg, opened: Opened, found: Iterable[str]) -> list[str]:
    """Return the datasets of named graphs."""
    graphs = opened.graphs
    keys = {graphs[name].dataset for name in found if name in graphs}
    return sorted(site.uris.dataset(*key.split("/", 1)) for key in keys if "/" in key)
