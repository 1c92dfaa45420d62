"""How programs find their way: VoID, prefixes, robots.txt, the sitemap and security.txt."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.sax.saxutils import escape

from flask import Blueprint, Response

from server.errors import Problem
from server.formats import GRAPH_FORMATS, HTML, JSON, TURTLE, Format
from server.generations import GraphEntry
from server.instance import Opened
from server.partitions import addressed_subjects
from server.presentation import Presenter
from server.views.http import answer, here, language, negotiated, page, torg
from server.void import PATH, void_triples

blueprint = Blueprint("wellknown", __name__)

SITEMAP_URLS = 40_000
"""Most addresses in one sitemap; the protocol allows 50 000."""

_SPARQL = Format("rq", "application/sparql-query", "SPARQL", "table")
_SITEMAPS = "http://www.sitemaps.org/schemas/sitemap/0.9"
_TEXT = "text/plain; charset=utf-8"


@blueprint.get("/.well-known/void")
def void() -> Response:
    """Answer the VoID description of everything published here (VoID, section 6.2)."""
    site = torg()
    opened = site.current()
    chosen = negotiated((HTML, *GRAPH_FORMATS))
    if chosen is HTML:
        spoken = language()
        body = page("void.html", spoken, **_void_page(opened, spoken), formats=GRAPH_FORMATS)
        return answer(body, chosen.content_type, vary=("Accept", "Accept-Language"), content_language=spoken)
    memo = f"void.{chosen.suffix}"
    if memo not in opened.memo:
        triples = void_triples(
            site.site, opened.generation, site.prefixes, lambda entry: site.partitions(opened, entry)
        )
        opened.memo[memo] = site.writer.write(triples, chosen, site.uris.iri(PATH))
    return answer(opened.memo[memo], chosen.content_type, vary=("Accept", "Accept-Language"))


def _void_page(opened: Opened, spoken: str) -> dict[str, Any]:
    """Return what the page shows: the whole in numbers, then each graph by size."""
    site = torg()
    published = [entry for entry in opened.graphs.values() if entry.published]
    names = {entry.iri: site.uris.dataset(*entry.dataset.split("/", 1)) for entry in published if entry.dataset}
    labels = opened.labels.labels(names.values(), spoken)
    presenter = Presenter(spoken, site.uris, labels, site.prefixes)
    return {
        "triples": presenter.number(int(opened.generation.manifest["default_graph_triples"])),
        "graphs": [
            (
                presenter.link(names.get(entry.iri, entry.iri)),
                here(f"/{entry.iri.removeprefix(site.site.base)}"),
                entry.period,
                presenter.number(entry.triples),
                presenter.number(site.partitions(opened, entry).described),
            )
            for entry in sorted(published, key=lambda entry: (-entry.triples, entry.iri))
        ],
        "generation": opened.generation.name,
    }


@blueprint.get("/prefixes")
def prefixes() -> Response:
    """Answer the prefixes as a page, JSON, Turtle or the head of a SPARQL query."""
    found = torg().prefixes
    chosen = negotiated((HTML, JSON, TURTLE, _SPARQL))
    spoken = language() if chosen is HTML else ""
    if chosen is HTML:
        body = page("prefixes.html", spoken, prefixes=found)
    elif chosen is JSON:
        body = json.dumps(dict(found), indent=1).encode()
    elif chosen is TURTLE:
        body = "".join(f"@prefix {prefix}: <{namespace}> .\n" for prefix, namespace in found.items()).encode()
    else:
        body = "".join(f"PREFIX {prefix}: <{namespace}>\n" for prefix, namespace in found.items()).encode()
    vary = ("Accept", "Accept-Language")
    return answer(body, chosen.content_type, vary=vary, content_language=spoken)


@blueprint.get("/robots.txt")
def robots() -> Response:
    """Answer what crawlers may read: all but the query endpoint, and where the sitemap is (RFC 9309)."""
    site = torg()
    kept_out = "".join(f"Disallow: {site.uris.prefix}{path}\n" for path in ("/sparql", "/rdf-graph-store", "/-/"))
    body = f"User-agent: *\n{kept_out}Sitemap: {site.uris.iri('sitemap.xml')}\n"
    return answer(body.encode(), _TEXT)


@blueprint.get("/sitemap.xml")
def sitemap_index() -> Response:
    """Answer the index of the sitemaps, one or more for each graph that describes things of ours."""
    site = torg()
    opened = site.current()
    entries = "".join(
        f"<sitemap><loc>{escape(site.uris.iri(_sitemap_path(entry, number)))}</loc>"
        f"<lastmod>{escape(_modified(opened, entry))}</lastmod></sitemap>\n"
        for entry, number in _sitemaps(opened)
    )
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<sitemapindex xmlns="{_SITEMAPS}">\n{entries}</sitemapindex>\n'
    return answer(body.encode(), "application/xml")


@blueprint.get("/sitemaps/<path:name>")
def sitemap(name: str) -> Response:
    """Answer one sitemap, compressed: the descriptions of the things of one graph."""
    site = torg()
    opened = site.current()
    for entry, number in _sitemaps(opened):
        if _sitemap_path(entry, number) == f"sitemaps/{name}":
            etag = f"{entry.sha256[:40]}-{number}-{_modified(opened, entry)}"
            return answer(_sitemap(opened, entry, number), "application/gzip", etag=etag)
    raise Problem(
        404,
        "There is no such sitemap; /sitemap.xml lists them.",
        sv="Det finns ingen sådan sidkarta; /sitemap.xml räknar upp dem.",
    )


@blueprint.get("/.well-known/security.txt")
def security() -> Response:
    """Answer whom to tell of a weakness (RFC 9116); it expires, as it must, and is renewed by being served."""
    site = torg().site
    # In the order of site.toml: the first publisher is the one that keeps the site.
    listed = [site.publishers[key] for key in site.raw.get("publishers", {}) if key in site.publishers]
    contact = str(site.raw.get("site", {}).get("contact", ""))
    contact = contact or next((publisher.contact for publisher in listed if publisher.contact), "")
    if not contact:
        raise Problem(
            404,
            "This site names no contact. Set contact under [site] in site.toml.",
            sv="Webbplatsen anger ingen kontakt. Ange contact under [site] i site.toml.",
        )
    # The first day of a month, so that the bytes and their ETag stay the same for weeks.
    expires = (datetime.now(UTC) + timedelta(days=200)).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    address = contact if ":" in contact else f"mailto:{contact}"
    lines = [
        f"Contact: {address}",
        f"Expires: {expires:%Y-%m-%dT%H:%M:%SZ}",
        f"Preferred-Languages: {', '.join(site.languages)}",
        f"Canonical: {site.uris.iri('.well-known/security.txt')}",
    ]
    return answer("".join(f"{line}\n" for line in lines).encode(), _TEXT)


def _sitemaps(opened: Opened) -> Iterator[tuple[GraphEntry, int]]:
    """Yield (graph, number) of every sitemap, numbers from 1."""
    for _, entry in sorted(opened.graphs.items()):
        if entry.published:
            described = torg().partitions(opened, entry).described
            for number in range(1, -(-described // SITEMAP_URLS) + 1):
                yield entry, number


def _sitemap_path(entry: GraphEntry, number: int) -> str:
    return f"sitemaps/{entry.dump.removeprefix('dumps/').removesuffix('.nt.gz')}/{number}.xml.gz"


def _modified(opened: Opened, entry: GraphEntry) -> str:
    """Return when a graph last changed: what the manifest says of its dataset, else of the generation."""
    dataset = opened.generation.datasets.get(entry.dataset, {})
    return str(dataset.get("modified") or opened.generation.manifest["created"])


def _sitemap(opened: Opened, entry: GraphEntry, number: int) -> bytes:
    site = torg()
    modified = escape(_modified(opened, entry))
    lines = [f'<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="{_SITEMAPS}">\n']
    start = (number - 1) * SITEMAP_URLS
    dump = opened.generation.path / entry.dump
    for iri in addressed_subjects(dump, site.site.base, start, SITEMAP_URLS):
        path = site.uris.path(iri)
        address = site.uris.description_path(path) if path else None
        if address:
            lines.append(f"<url><loc>{escape(site.uris.iri(address))}</loc><lastmod>{modified}</lastmod></url>\n")
    lines.append("</urlset>\n")
    return gzip.compress("".join(lines).encode(), 6, mtime=0)
