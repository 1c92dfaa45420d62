"""`/search`: a plain form with facets, its twins in JSON and CSV, suggestions, and an OpenSearch description."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode
from xml.sax.saxutils import escape, quoteattr

from flask import Blueprint, Response, current_app, request

import queries
from server.errors import Problem
from server.formats import CSV, HTML, JSON, Format
from server.presentation import readable
from server.search import COUNTED, FACETS, LONGEST, Asked, Found, searcher
from server.search_index import stem
from server.texts import texts
from server.views.http import answer, here, in_language, language, negotiated, page, torg, with_query
from server.views.search_results import Names, Result, shown_results

blueprint = Blueprint("search", __name__)

SUGGESTIONS = Format("suggestions", "application/x-suggestions+json", "OpenSearch", "table")
_OPENSEARCH = "application/opensearchdescription+xml"
_PAGE, _MOST_ROWS, _SHOWN_VALUES = 20, 500, 7


@blueprint.get("/search")
def search() -> Response:
    """Answer what `?q=` finds, narrowed by the facets, as a page, JSON or CSV."""
    chosen, spoken = negotiated((HTML, JSON, CSV)), language()
    opened = torg().current()
    names = Names(opened, spoken)
    given = {name: list(dict.fromkeys(filter(None, map(_clean, request.args.getlist(name))))) for name in FACETS}
    typed = _clean(request.args.get("q", ""))
    asked = Asked(typed, {name: names.expanded(name, values) for name, values in given.items()}, _sort() == "name")
    size, number = (_PAGE, _number("page", 1_000)) if chosen is HTML else (_limit(), _number("page", 1_000))
    found = searcher(opened).find(asked, size, (number - 1) * size)
    last = max(1, -(-found.total // size))
    if number > last:
        raise Problem(
            404,
            f"The list has {last} page{'s' if last > 1 else ''}.",
            sv=f"Listan har {last} {'sidor' if last > 1 else 'sida'}.",
        )
    query = {"q": typed, "sort": "name" if asked.by_name else ""}
    turn = {
        name: _address("/search", query, given, page=str(other), format="" if chosen is HTML else chosen.suffix)
        for name, other in (("previous", number - 1), ("next", number + 1))
        if 1 <= other <= last
    }
    results = shown_results(opened, names, found, found.corrected.split() or asked.words, spoken)
    if chosen is HTML:
        body = _page(found, names, results, typed, given, (number, last), turn, query)
    elif chosen is JSON:
        body = _json(_members(found, names, results, typed, given, turn))
    else:
        body = _csv(results)
    links = [
        f'<{torg().uris.iri(address.removeprefix(here("/")))}>; rel="{_REL[name]}"' for name, address in turn.items()
    ]
    return answer(body, chosen.content_type, vary=("Accept", "Accept-Language"), links=links, content_language=spoken)


@blueprint.get("/search/suggest")
def suggest() -> Response:
    """Answer names for what somebody has typed so far: objects with addresses, or OpenSearch suggestions."""
    chosen, spoken = negotiated((JSON, SUGGESTIONS)), language()
    opened, typed = torg().current(), _clean(request.args.get("q", ""))
    names = Names(opened, spoken)
    hits = searcher(opened).suggest(typed, _number("limit", 20, 8))
    labels = opened.labels.labels([name for hit in hits for name in (hit.iri, hit.type, hit.dataset) if name], spoken)
    listed = [
        {
            "label": labels.get(hit.iri, (hit.title, ""))[0][:LONGEST],
            "type": labels.get(hit.type, (readable(hit.type), ""))[0] if hit.type else "",
            "publisher": names.publisher(hit.publisher),
            "iri": hit.iri,
            "href": names.href(hit.iri),
        }
        for hit in hits
    ]
    if chosen is JSON:
        return answer(_json(listed), JSON.content_type, vary=("Accept", "Accept-Language"), content_language=spoken)
    # OpenSearch Suggestions 1.1, section 3: the words, completions, descriptions, and where each leads.
    base = torg().uris
    members = [
        typed,
        [each["label"] for each in listed],
        [", ".join(filter(None, (each["type"], each["publisher"]))) for each in listed],
        [base.iri(base.path(each["iri"]) or f"/resource?uri={each['iri']}") for each in listed],
    ]
    return answer(_json(members), SUGGESTIONS.content_type, vary=("Accept", "Accept-Language"), content_language=spoken)


@blueprint.get("/opensearch.xml")
def opensearch() -> Response:
    """Answer how browsers and portals search here (OpenSearch 1.1, section 4)."""
    site, spoken = torg(), language()
    title = in_language(site.site.title, spoken)
    addresses = (
        ("text/html", "search?q={searchTerms}"),
        ("application/json", "search?q={searchTerms}&page={startPage?}&format=json"),
        ("application/x-suggestions+json", "search/suggest?q={searchTerms}&format=suggestions"),
    )
    urls = "".join(f"<Url type={quoteattr(type)} template={quoteattr(site.uris.iri(to))}/>" for type, to in addresses)
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<OpenSearchDescription xmlns="http://a9.com/-/spec/opensearch/1.1/">'
        f"<ShortName>{escape(title[:16])}</ShortName><LongName>{escape(title[:48])}</LongName>"
        f"<Description>{escape(texts(spoken).gettext('Search all data'))}</Description>{urls}"
        f'<Image width="16" height="16" type="image/svg+xml">{site.uris.iri("static/torg.svg")}</Image>'
        "<InputEncoding>UTF-8</InputEncoding><OutputEncoding>UTF-8</OutputEncoding></OpenSearchDescription>\n"
    )
    return answer(text.encode(), _OPENSEARCH, vary=("Accept-Language",), content_language=spoken)


_REL = {"previous": "prev", "next": "next"}


def _clean(text: str) -> str:
    """Return what was typed without control characters, at most LONGEST characters and one more, which tells."""
    return "".join(char if char.isprintable() else " " for char in text[: LONGEST + 1]).strip()


def _sort() -> str:
    asked = request.args.get("sort", "")
    if asked not in ("", "relevance", "name"):
        raise Problem(400, "`sort` is relevance or name.", sv="`sort` är relevance eller name.")
    return asked


def _number(name: str, most: int, otherwise: int = 1) -> int:
    text = request.args.get(name, "") or str(otherwise)
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= most):
        raise Problem(
            400, f"`{name}` is a whole number from 1 to {most}.", sv=f"`{name}` är ett heltal från 1 till {most}."
        )
    return int(text)


def _limit() -> int:
    return _number("limit", _MOST_ROWS, 100)


def _address(path: str, query: Mapping[str, str], given: Mapping[str, Sequence[str]], **more: str) -> str:
    """Return the address of this search with other parameters."""
    pairs = [(name, text) for name, text in query.items() if text]
    pairs += [(name, each) for name, values in given.items() for each in values]
    pairs += [(name, text) for name, text in more.items() if text and text != "1"]
    if "lang" in request.args:
        pairs.append(("lang", language()))
    return here(path) + (f"?{urlencode(pairs)}" if pairs else "")


def _page(
    found: Found,
    names: Names,
    results: list[Result],
    typed: str,
    given: Mapping[str, Sequence[str]],
    place: tuple[int, int],
    turn: Mapping[str, str],
    query: Mapping[str, str],
) -> bytes:
    facets = {name: names.choices(name, found.facets[name], given[name]) for name in FACETS}
    return page(
        "search.html",
        language(),
        typed=typed[:LONGEST],
        cut=len(typed) > LONGEST,
        found=found,
        counted=COUNTED,
        results=results,
        start=(place[0] - 1) * _PAGE + 1,
        facets=facets,
        shown_values=_SHOWN_VALUES,
        narrowed=any(given.values()),
        sort=query["sort"],
        page_number=place[0],
        pages=place[1],
        turn=turn,
        cleared=_address("/search", query, {}),
        ask=_question(found.corrected or typed, names, given) if "/sparql" in _rules() else "",
        as_typed=_address("/search", query, given),
        formats=[
            (other.label, _address("/search", query, given, format=other.suffix), other.media_type)
            for other in (JSON, CSV)
        ],
        canonical=_address("/search", query, given, page=str(place[0])).partition("&lang=")[0].partition("?lang=")[0],
        generation=torg().current().generation.name,
    )


def _question(typed: str, names: Names, given: Mapping[str, Sequence[str]]) -> str:
    """Return the address of the query page with a query that finds much the same: by the stems of the words."""
    uris = torg().uris
    graphs = [uris.iri(f"graph/{value}") for name in ("dataset", "publisher") for value in given[name]]
    values = {
        "text": [stem(word) for word in Asked(typed).words],
        "type": [names.full("type", value) for value in given["type"]],
        "concept": [names.full("concept", value) for value in given["concept"]],
        "within": graphs,
    }
    limited = {name: listed[: queries.MOST_VALUES] for name, listed in values.items()}
    query = queries.get("resource/by-name").readable(limited, uris.resolve, uris.concepts, language())
    return here(with_query("/sparql", query=query, lang=request.args.get("lang", "")))


def _rules() -> set[str]:
    return {rule.rule for rule in current_app.url_map.iter_rules()}


def _members(
    found: Found,
    names: Names,
    results: Sequence[Result],
    typed: str,
    given: Mapping[str, Sequence[str]],
    turn: Mapping[str, str],
) -> dict[str, Any]:
    return {
        "query": typed[:LONGEST],
        "corrected": found.corrected or None,
        "total": found.total,
        "more": found.more,
        "results": [_row(result) for result in results],
        "facets": {
            name: [
                {"value": each.value, "label": each.text, "count": each.count, "chosen": each.chosen}
                for each in names.choices(name, found.facets[name], given[name])
            ]
            for name in FACETS
        },
        "next": turn.get("next"),
    }


def _row(result: Result) -> dict[str, Any]:
    return {
        "iri": result.iri,
        "label": result.name,
        "type": result.type,
        "description": "".join(piece for piece, _ in result.about),
        "dataset": result.dataset[0],
        "publisher": result.publisher,
        "used": result.used,
        "page": result.href,
    }


def _csv(results: Sequence[Result]) -> bytes:
    target = io.StringIO()
    rows = [_row(result) for result in results]
    writer = csv.DictWriter(target, ["iri", "label", "type", "description", "dataset", "publisher", "used", "page"])
    writer.writeheader()
    writer.writerows(rows)
    return b"\xef\xbb\xbf" + target.getvalue().encode()


def _json(members: Any) -> bytes:
    return (json.dumps(members, ensure_ascii=False, indent=1) + "\n").encode()
