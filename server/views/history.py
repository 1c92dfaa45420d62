"""The past over HTTP (Memento, RFC 7089): `?at=` on descriptions, the catalogue and dumps, TimeGates and TimeMaps."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime as http_date
from email.utils import parsedate_to_datetime
from tempfile import TemporaryFile
from typing import IO

from flask import Blueprint, Response, request

from server.catalog_series import harvest_view
from server.errors import Problem
from server.formats import GRAPH_FORMATS, HTML, JSON, RDF_XML, Format
from server.graph_answers import SMALL
from server.history import one_second, read_moment
from server.paths import spellings, split_suffix
from server.presentation import Presenter
from server.rdf_formats import parse_lines, transcode
from server.representation import memento_links
from server.resource_page import facts_of_lines
from server.views.batches import charged
from server.views.changes import history, purged_problem
from server.views.http import answer, here, language, negotiated, page, redirect, torg, with_query

blueprint = Blueprint("history", __name__)

LINK_FORMAT = Format("link", "application/link-format", "Link", "table")
_IMMUTABLE = "public, max-age=31536000, immutable"
_CATALOG = ("/datasets", "/datasets/dcat")
_PRESENT_ONLY = ("/rdf-graph-store", "/resource", "/search", "/concepts", "/compare", "/quality", "/psidata")
_GATE_VARY = "Accept-Datetime"
_REMEMBERED = 2_000  # addresses whose states are known; each takes a walk through all differences


@dataclass(frozen=True, slots=True)
class _Original:
    """A resource that has a past: its path without suffix, and the graph or the thing that its states are of."""

    path: str
    suffix: str
    iri: str = ""  # of the thing, when it is a description
    graph: str = ""  # of the graph, when it is the catalogue or a dump

    @property
    def is_gate(self) -> bool:
        """Whether this very request may be answered by time: a fixed representation is not negotiated."""
        fixed = self.suffix or self.path.startswith(("/dumps/", "/graph/")) or request.args.get("format")
        return not fixed


@blueprint.before_app_request
def travel() -> Response | None:
    """Answer a request for the past of what the current views answer for the present."""
    if request.method not in ("GET", "HEAD"):
        return None
    asked, header = request.args.get("at"), request.headers.get("Accept-Datetime")
    if asked is None and header is None:
        return None
    if asked is not None and request.path.startswith(("/id/", "/def/")):
        path = torg().uris.description_path(spellings(request.path)[0])
        return redirect(with_query(here(path or request.path), at=asked, format=request.args.get("format", "")), 303)
    original = _original(request.path)
    if original is None:
        if asked is not None and request.path.startswith(_PRESENT_ONLY):
            raise Problem(
                400,
                "at works on /res/…, /graph/…, /datasets, /dumps/… and /sparql; this shows the present.",
                sv="at fungerar på /res/…, /graph/…, /datasets, /dumps/… och /sparql; det här visar nuet.",
            )
        return None
    if asked is not None:
        return _memento(original, asked)
    return _gate(original, str(header)) if original.is_gate else None


@blueprint.after_app_request
def tell(response: Response) -> Response:
    """Tell of the past on every answer that has one: it is its own TimeGate (RFC 7089, pattern 1.1)."""
    if "Memento-Datetime" in response.headers or request.method not in ("GET", "HEAD"):
        return response
    if _GATE_VARY in response.headers.get("Vary", ""):  # told already
        return response
    original = _original(request.path)
    if original is None or not original.is_gate or request.args.get("at") is not None:
        return response
    response.vary.add(_GATE_VARY)
    if response.status_code in (200, 410):
        response.headers.add("Link", ", ".join(memento_links(torg().uris, original.path)))
    return response


@blueprint.get("/timemap/<path:name>")
def timemap(name: str) -> Response:
    """Answer every state of a resource with its time, as links (RFC 7089, section 5) or JSON."""
    chosen = negotiated((LINK_FORMAT, JSON))
    original = _original(f"/{name}")
    states = _states(original) if original is not None else []
    if original is None or not states:
        raise _gone(original) or Problem(
            404, "Nothing at this address has a past here.", sv="Inget på den här adressen har ett förflutet här."
        )
    here_iri = torg().uris.iri(f"/timemap{original.path}")
    address = torg().uris.iri(original.path)
    mementos = [(_memento_iri(original, number), history().time(number)) for number in states]
    if chosen is JSON:
        listed = [{"datetime": _stamp(time), "uri": iri} for iri, time in mementos]
        members = {
            "original_uri": address, "timegate_uri": address, "timemap_uri": here_iri, "mementos": {"list": listed},
        }  # fmt: skip
        return answer(json.dumps(members, indent=1).encode(), chosen.content_type, vary=("Accept",))
    links = [f'<{address}>; rel="original timegate"', f'<{here_iri}>; rel="self"; type="{LINK_FORMAT.media_type}"']
    for place, (iri, time) in enumerate(mementos):
        relation = {0: "first ", len(mementos) - 1: "last "}.get(place, "") if len(mementos) > 1 else "first last "
        links.append(f'<{iri}>; rel="{relation}memento"; datetime="{_http(time)}"')
    return answer((",\n".join(links) + "\n").encode(), chosen.content_type, vary=("Accept",))


def _original(path: str) -> _Original | None:
    """Return the resource at a path when it has a past."""
    uris = torg().uris
    if path.startswith("/res/"):
        stem, suffix = split_suffix(path)
        described = spellings(uris.described_path(stem))[0]
        document = uris.description_path(described)
        return _Original(document or stem, suffix, iri=uris.iri(described))
    if path.startswith("/graph/"):
        stem, suffix = split_suffix(path)
        spelling = spellings(stem)[0]
        return _Original(spelling, suffix, graph=uris.iri(spelling))
    if path in _CATALOG:
        return _Original(path, "", graph=uris.iri("graph/site/catalog"))
    if path.startswith("/dumps/") and path.endswith(".nt.gz"):
        return _Original(path, "", graph=uris.iri(f"graph/{path.removeprefix('/dumps/').removesuffix('.nt.gz')}"))
    return None


def _states(original: _Original) -> list[int]:
    """Return the generations in which a resource came to be what it then was."""
    memo: dict[str, list[int]] = torg().current().memo.setdefault("states", {})
    found = memo.get(original.path)
    if found is None:
        if len(memo) >= _REMEMBERED:
            memo.clear()
        with charged():
            found = memo[original.path] = [number for number in history().numbers() if _changed(original, number)]
    return found


def _changed(original: _Original, number: int) -> bool:
    for entry in history().index(number)["graphs"]:
        if entry["iri"] == original.graph:
            return True
        if original.iri and entry["kind"] != "system":
            # A part of a thing is named after it, and is described with it.
            start, end = (f"<{original.iri}> ", f"<{original.iri}#"), f"<{original.iri}>~"
            for lines in history().difference(number, entry):
                for line in lines:
                    if line.startswith(start):
                        return True
                    if line > end:  # the lines are sorted
                        break
    return False


def _gate(original: _Original, header: str) -> Response | None:
    """Answer 302 to the state at a time; the first one for a time before it (RFC 7089, section 4.5.3)."""
    try:
        moment = parsedate_to_datetime(header)
        moment = one_second(moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, TypeError, OverflowError):
        raise Problem(
            400,
            "Accept-Datetime is an HTTP date, for example Sun, 01 Mar 2026 04:00:00 GMT.",
            sv="Accept-Datetime är ett HTTP-datum, till exempel Sun, 01 Mar 2026 04:00:00 GMT.",
            headers={"Vary": _GATE_VARY},
        ) from None
    states = _states(original)
    if not states:
        return None
    number = max((state for state in states if history().time(state) <= moment), default=states[0])
    location = with_query(here(original.path), at=f"{number:06d}", lang=request.args.get("lang", ""))
    response = redirect(location, 302, memento_links(torg().uris, original.path))
    response.headers["Vary"] = f"Accept, Accept-Language, {_GATE_VARY}"
    return response


def _memento(original: _Original, asked: str) -> Response:
    """Answer a resource as it was; another way to name the generation is redirected to its number."""
    number = _number(asked)
    if asked != f"{number:06d}":
        given = {name: request.args.get(name, "") for name in ("format", "lang")}
        suffix = f".{original.suffix}" if original.suffix else ""
        response = redirect(with_query(here(original.path + suffix), at=f"{number:06d}", **given), 302)
        response.headers["Cache-Control"] = "no-store"
        return response
    if original.path.startswith("/dumps/"):
        response = _dump(original, number)
    elif original.path.startswith("/graph/"):
        response = _whole_graph(original, number)
    elif original.graph:
        response = _catalog(original, number)
    else:
        response = _description(original, number)
    response.headers["Memento-Datetime"] = _http(history().time(number))
    response.headers["Link"] = ", ".join(memento_links(torg().uris, original.path))
    if response.status_code == 200:
        response.headers["Cache-Control"] = _IMMUTABLE
    return response


def _number(asked: str) -> int:
    """Return the generation of a number or time; raise Problem 400, 404 or 410 that says which there are."""
    numbers = history().numbers()
    try:
        moment = read_moment(asked)
    except ValueError:
        raise Problem(
            400,
            "at takes a generation's number, or a time such as 2026-03-01 or 2026-03-01T04:00Z; "
            f"{asked[:40]!r} is neither.",
            sv="at tar numret på en generation, eller en tid som 2026-03-01 eller 2026-03-01T04:00Z; "
            f"{asked[:40]!r} är ingetdera.",
        ) from None
    if not numbers:
        raise Problem(
            503,
            "Nothing has been published here yet.",
            sv="Här är ingenting publicerat än.",
            headers={"Retry-After": "10"},
        )
    if isinstance(moment, datetime):
        number = history().at(moment)
        if number is None:
            raise Problem(
                404,
                f"The first generation is {numbers[0]}, of {_stamp(history().time(numbers[0]))}.",
                sv=f"Den första generationen är {numbers[0]}, från {_stamp(history().time(numbers[0]))}.",
            )
        return number
    if moment in numbers:
        return moment
    if purged := history().purged(moment):
        raise purged_problem(f"Generation {moment}", purged.time)
    raise Problem(
        404,
        f"There is no generation {moment}; the first is {numbers[0]}, the last {numbers[-1]}.",
        sv=f"Det finns ingen generation {moment}; den första är {numbers[0]}, den sista {numbers[-1]}.",
    )


def _gone(original: _Original | None) -> Problem | None:
    """Return Problem 410 for a thing, or the graph of a dataset, that was purged, None for any other."""
    if original is None:
        return None
    uris = torg().uris
    path = uris.path(original.iri)
    if original.graph:
        publisher, name, *_ = [*original.graph.removeprefix(uris.iri("graph/")).split("/"), ""]
        path = uris.path(uris.dataset(publisher, name))
    purged = [event for event in torg().ledger.events(path or "") if event.event == "purged"]
    return purged_problem(original.iri or original.graph, purged[-1].time) if purged else None


def _description(original: _Original, number: int) -> Response:
    lines = history().description(number, original.iri)
    if not lines:
        raise _gone(original) or Problem(
            404,
            f"Nothing described {original.iri} in generation {number}.",
            sv=f"Inget beskrev {original.iri} i generation {number}.",
        )
    return _written(original, number, lines, original.iri, (HTML, *GRAPH_FORMATS))


def _catalog(original: _Original, number: int) -> Response:
    lines = list(history().lines(number, original.graph))
    if not lines:
        raise Problem(
            404, f"There was no catalogue in generation {number}.", sv=f"Det fanns ingen katalog i generation {number}."
        )
    if original.path == "/datasets/dcat":
        lines = harvest_view(lines)
    offered = (RDF_XML, *GRAPH_FORMATS) if original.path == "/datasets/dcat" else (HTML, *GRAPH_FORMATS)
    return _written(original, number, lines, torg().uris.iri("id/catalog"), offered)


def _written(original: _Original, number: int, lines: Sequence[str], iri: str, offered: Sequence[Format]) -> Response:
    site, opened = torg(), torg().current()
    chosen = negotiated(list(dict.fromkeys(offered)), original.suffix or None)
    vary = () if original.suffix or request.args.get("format") else ("Accept", "Accept-Language")
    if chosen is not HTML:
        return answer(site.writer.write(parse_lines(lines), chosen, iri), chosen.content_type, vary=vary)
    spoken = language()
    own = [line for line in lines if line.startswith(f"<{iri}> ")]
    shown = facts_of_lines(opened, site, own, iri, spoken)
    time = history().time(number)
    body = page(
        "memento.html",
        spoken,
        facts=shown,
        title=Presenter(spoken, site.uris, opened.labels.labels([iri], spoken), site.prefixes).name(iri),
        iri=iri,
        number=number,
        time=_stamp(time),
        present=here(original.path),
        timemap=here(f"/timemap{original.path}"),
        formats=[
            (format.label, here(with_query(original.path, at=f"{number:06d}", format=format.suffix)))
            for format in offered
            if format is not HTML
        ],
        canonical=here(with_query(original.path, at=f"{number:06d}")),
    )
    return answer(body, chosen.content_type, vary=("Accept", "Accept-Language"), content_language=spoken)


def _whole_graph(original: _Original, number: int) -> Response:
    """Answer a named graph as it was, in a syntax of RDF."""
    if original.graph not in history().graphs(number):
        raise _gone(original) or Problem(
            404,
            f"There was no such graph in generation {number}.",
            sv=f"Det fanns ingen sådan graf i generation {number}.",
        )
    chosen = negotiated(GRAPH_FORMATS, original.suffix or None)
    vary = () if original.suffix or request.args.get("format") else ("Accept",)
    etag = f"{_content(original, number)}-{chosen.suffix}"
    response = answer(b"", chosen.content_type, vary=vary, etag=etag)
    if response.status_code == 304:
        return response
    file = TemporaryFile()  # without a name; closed when the answer has been sent
    with TemporaryFile() as plain:
        plain.writelines(line.encode() for line in history().lines(number, original.graph))
        plain.seek(0)
        transcode(plain, chosen.media_type, torg().prefixes, file)
    return _send(response, file)


def _content(original: _Original, number: int) -> str:
    """Return a name of the bytes of a graph in a generation: another one when a purge has rewritten them."""
    known = history().graphs(number)[original.graph].sha256[:40]
    return known or f"{number:06d}-as-of-{torg().current().generation.name}"


def _dump(original: _Original, number: int) -> Response:
    """Answer a dump as it was: rebuilt from history, which gives the same bytes as the file had."""
    if original.graph not in history().graphs(number):
        raise _gone(original) or Problem(
            404,
            f"There was no such dump in generation {number}.",
            sv=f"Det fanns ingen sådan dump i generation {number}.",
        )
    etag = _content(original, number)
    response = answer(b"", "application/gzip", etag=etag)
    if response.status_code == 304:
        return response
    file = TemporaryFile()  # without a name; closed when the answer has been sent
    with gzip.GzipFile("", "wb", 5, file, mtime=0) as packed:
        for line in history().lines(number, original.graph):
            packed.write(line.encode())
    return _send(response, file)


def _send(response: Response, file: IO[bytes]) -> Response:
    """Return the answer with a file as its body: in one piece when it is small."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    if size <= SMALL or request.method == "HEAD":
        with file:
            response.data = file.read()
    else:
        response.response = _pieces(file)
        response.call_on_close(file.close)
        response.content_length = size
    return response


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    """Yield a file in pieces and let go of it at the end, even when the server forgets to close the answer."""
    with file:
        while piece := file.read(1 << 16):
            yield piece


def _memento_iri(original: _Original, number: int) -> str:
    return torg().uris.iri(with_query(original.path, at=f"{number:06d}"))


def _http(time: datetime) -> str:
    return http_date(time.astimezone(UTC), usegmt=True)


def _stamp(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")
