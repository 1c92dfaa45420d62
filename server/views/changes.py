"""`/changes`: what publication changed, as pages, JSON, an Atom feed and a linked data event stream (LDES, TREE)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from babel.dates import format_datetime
from flask import Blueprint, Response, request

from server import changes
from server.changes import Member, Narrowed, Scope
from server.errors import Problem
from server.formats import HTML, JSON, N_QUADS, TRIG, Format
from server.history import History
from server.labels import name_in
from server.naming import called
from server.rdf_formats import iri as checked_iri
from server.texts import locale_of
from server.views.batches import charged
from server.views.http import answer, here, in_language, language, negotiated, page, torg, with_query

blueprint = Blueprint("changes", __name__)

ATOM = Format("atom", "application/atom+xml", "Atom", "page", ("application/rss+xml",))
MEMBERS = 250
"""Members on one page of the stream."""
_ENTRIES, _SHOWN = 50, 100
_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
_CATALOGUE_PARTS = frozenset(("distribution", "checksum", "contact", "interval", "catalog", "service"))
_LOOKED_AT = 100  # generations, when each is compared with the one before it
_REMEMBERED = 2_000
_FILTERS = ("dataset", "branch", "resource")
_VARY = ("Accept", "Accept-Language")
_KINDS = {
    "catalog": {"sv": "Katalogen", "en": "The catalogue"},
    "concepts": {"sv": "Begreppen", "en": "The concepts"},
    "ontology": {"sv": "Vokabulären", "en": "The vocabulary"},
}


def history() -> History:
    """Return the history as of the current generation."""
    opened = torg().current()
    if "history" not in opened.memo:
        opened.memo["history"] = History(torg().data)
    found: History = opened.memo["history"]
    return found


def scope() -> tuple[Scope, dict[str, str]]:
    """Return what the address asks for, and its parameters; raise Problem 400 or 404 for what cannot be."""
    given = {name: request.args[name].strip() for name in _FILTERS if request.args.get(name, "").strip()}
    if len(given) > 1:
        raise Problem(
            400, "Ask for one of dataset, branch and resource.", sv="Fråga efter en av dataset, branch och resource."
        )
    site, opened = torg(), torg().current()
    if dataset := given.get("dataset", ""):
        key = dataset.removeprefix(site.uris.iri("id/dataset/")).strip("/")
        ever = {entry["dataset"] for number in history().numbers() for entry in history().index(number)["graphs"]}
        if key not in ever:
            raise Problem(
                404,
                "No dataset of this name was ever published here; /datasets lists those there are.",
                sv="Ingen datamängd med det namnet har publicerats här; /datasets räknar upp dem som finns.",
            )
        return Scope(dataset=key), {"dataset": key}
    if name := given.get("branch") or given.get("resource"):
        name = name if "://" in name else site.uris.resolve(name)
        checked_iri(name)
        if "resource" in given:
            return Scope(resource=name), {"resource": name}
        if not opened.generation.store.describes(name):
            raise Problem(
                404,
                "There is no such concept; /concepts lists those there are.",
                sv="Det finns inget sådant begrepp; /concepts räknar upp dem som finns.",
            )
        return Scope(branch=changes.branch(opened.generation.store, name)), {"branch": name}
    return Scope(), {}


@blueprint.get("/changes")
def listing() -> Response:
    """Answer the generations and what each changed, newest first."""
    chosen = negotiated((HTML, JSON, ATOM))
    wanted, given = scope()
    spoken = language()
    if chosen is ATOM:
        with charged():
            body = _atom(wanted, given, spoken)
        return answer(body, chosen.content_type, vary=_VARY, links=_links(given), content_language=spoken)
    with charged():
        entries, older = _generations(wanted, _before())
    if chosen is JSON:
        following = _address("/changes", {**given, "before": f"{older:06d}", "format": "json"}) if older else None
        stream = _address("/changes/ldes", given)
        body = _json({"filter": given, "stream": stream, "generations": entries, "next": following})
    else:
        names = _dataset_names(spoken)
        body = page(
            "changes.html",
            spoken,
            entries=entries[:200],
            given=given,
            names=names,
            older=here(with_query("/changes", **given, before=f"{older:06d}")) if older else "",
            when=lambda text: _when(text, spoken),
            atom=here(with_query("/changes", **given, format="atom")),
            stream=here(with_query("/changes/ldes", **given)),
            canonical=here(with_query("/changes", **given)),
        )
    return answer(body, chosen.content_type, vary=_VARY, links=_links(given), content_language=spoken)


def _links(given: dict[str, str]) -> list[str]:
    return [f'<{_address("/changes", {**given, "format": "atom"})}>; rel="alternate"; type="{ATOM.media_type}"']


def _before() -> int:
    """Return the generation that the list is to begin before, 0 for the newest."""
    text = request.args.get("before", "")
    if text and not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Problem(400, "before is the number of a generation.", sv="before är numret på en generation.")
    return int(text or 0)


@blueprint.get("/changes/<int:number>")
def generation(number: int) -> Response:
    """Answer the things that a generation created, updated and deleted."""
    chosen = negotiated((HTML, JSON))
    wanted, given = scope()
    _check(number)
    spoken = language()
    most = _SHOWN if chosen is HTML else 10_000
    with charged():
        found = list(islice(changes.members(history(), number, wanted, request.args.get("after", "")), most + 1))
    more = found[most - 1].iri if len(found) > most else ""
    shown = found[:most]
    labels = called(torg().current(), torg(), [member.iri for member in shown], spoken)
    following = with_query(f"/changes/{number:06d}", **given, after=more) if more else ""
    time = changes.stamp(history().time(number))
    if chosen is JSON:
        listed = [
            {"change": member.kind, "iri": member.iri, "label": labels.get(member.iri, ("", ""))[0]} for member in shown
        ]
        next_page = torg().uris.iri(following) if following else None
        body = _json({"generation": number, "time": time, "filter": given, "members": listed, "next": next_page})
    else:
        body = page(
            "changes_generation.html",
            spoken,
            number=number,
            time=_when(time, spoken),
            **_listed(shown, labels, spoken),
            given=given,
            following=here(following) if following else "",
            canonical=here(with_query(f"/changes/{number:06d}", **given, after=request.args.get("after", ""))),
        )
    return answer(body, chosen.content_type, vary=_VARY, content_language=spoken)


def _listed(shown: Sequence[Member], labels: Mapping[str, tuple[str, str]], spoken: str) -> dict[str, Any]:
    """Return the things that changed as people read of them, and apart the parts of the catalogue and vocabularies."""
    kinds = {member.iri: _kind(member) for member in shown}
    names = torg().labels().labels([kind for kind in kinds.values() if kind], spoken)
    rows: dict[bool, list[tuple[str, str, tuple[str, str], str]]] = {False: [], True: []}
    for member in shown:
        name = labels.get(member.iri) or _was(member, spoken)
        kind = names.get(kinds[member.iri], ("", ""))[0]
        rows[_is_technical(member.iri)].append((member.kind, _href(member.iri), name, kind))
    return {"members": rows[False], "technical": rows[True]}


def _kind(member: Member) -> str:
    """Return the class of a thing as its description tells it, ours before others; "" for what was withdrawn."""
    found = sorted(line.split(" ")[2][1:-1] for line in member.lines if f" <{_TYPE}> <" in line)
    return next((kind for kind in found if "/spec/torg#" in kind), found[0] if found else "")


def _is_technical(iri: str) -> bool:
    """Return whether only programs care: files and contacts of the catalogue, terms of vocabularies."""
    path = torg().uris.path(iri) or ""
    return not path.startswith(("/id/", "/def/")) or path.split("/")[2] in _CATALOGUE_PARTS


def _was(member: Member, spoken: str) -> tuple[str, str]:
    """Return (text, language) of what a thing was called when it was withdrawn, else its address.

    What was erased is not told again.
    """
    path = torg().uris.path(member.iri) if member.kind == "Delete" else None
    state = torg().ledger.state(path) if path else None
    lines = torg().ledger.last_description(path) if path and state and state.state != "purged" else []
    return name_in(lines, member.iri, spoken) or (member.iri, "")


@blueprint.get("/changes/ldes")
def stream() -> Response:
    """Answer the event stream: what it is, and a node for each generation that changed something in its scope."""
    chosen = negotiated((TRIG, N_QUADS))
    wanted, given = scope()
    nodes = []
    for number in history().numbers():
        index = history().index(number)
        if changes.changed_graphs(history(), number, wanted) or index.get("purged") or index.get("touched"):
            nodes.append((_node(number, given), history().time(number)))
    title = in_language(torg().site.title, language())
    lines = changes.feed_head(_feed(given), f"{title}: {' '.join(given.values())}".rstrip(": "), nodes)
    return _quads(lines, [], chosen)


@blueprint.get("/changes/ldes/<int:number>")
def node(number: int) -> Response:
    """Answer one page of a generation's members: what happened to each thing, and its whole new description."""
    chosen = negotiated((TRIG, N_QUADS))
    wanted, given = scope()
    _check(number)
    after = request.args.get("after", "")
    with charged():
        found = list(islice(changes.members(history(), number, wanted, after), MEMBERS + 1))
    more = len(found) > MEMBERS
    shown, base = found[:MEMBERS], _node(number, given)
    following = _address(f"/changes/ldes/{number:06d}", {**given, "after": shown[-1].iri}) if more else ""
    address = _address(f"/changes/ldes/{number:06d}", {**given, "after": after})
    named = [(changes.member_name(base, member.iri), member) for member in shown]
    lines = changes.page_head(_feed(given), address, following)
    lines += [line for name, member in named for line in changes.activity(_feed(given), name, member)]
    return _quads(lines, [(name, member.lines) for name, member in named if member.lines], chosen)


def purged_problem(what: str, time: str) -> Problem:
    """Return Problem 410 for what was purged; why is for those who run the site, who see it in `torg log`."""
    day = time[:10]
    return Problem(
        410,
        f"{what} was removed, with its history{day and f', {day}'}.",
        sv=f"{what} togs bort med sin historik{day and f' {day}'}.",
    )


def _check(number: int) -> None:
    if number in history().numbers():
        return
    if purged := history().purged(number):
        raise purged_problem(f"Generation {number}", purged.time)
    raise Problem(
        404,
        f"There is no generation {number}; /changes lists those there are.",
        sv=f"Det finns ingen generation {number}; /changes räknar upp dem som finns.",
    )


def _generations(wanted: Scope, before: int) -> tuple[list[dict[str, Any]], int]:
    """Return the generations that changed something in the scope, newest first, and the one to go on before (or 0).

    To know what changed in a branch, whole states are compared; so only so many generations are looked at.
    """
    found: list[dict[str, Any]] = []
    last = 0
    numbers = [number for number in reversed(history().numbers()) if not before or number < before]
    narrow = bool(wanted.branch or wanted.resource)
    for looked, number in enumerate(numbers):
        if narrow and looked >= _LOOKED_AT:
            return found, last
        last = number
        members = _narrowed(wanted, number) if narrow else None
        graphs = members.graphs if members else () if narrow else changes.changed_graphs(history(), number, wanted)
        gone = [] if narrow else changes.purged(history(), number, wanted.dataset)
        if not graphs and not members and not gone:
            continue
        entry: dict[str, Any] = {
            "generation": number,
            "time": changes.stamp(history().time(number)),
            "address": torg().uris.iri(f"changes/{number:06d}"),
            "graphs": [
                {name: graph[name] for name in ("iri", "kind", "dataset", "period", "added", "removed")}
                for graph in graphs
            ],
        }
        found.append(entry | ({"things": dict(members.kinds)} if members else {}) | ({"purged": gone} if gone else {}))
    return found, 0


def _narrowed(wanted: Scope, number: int) -> Narrowed | None:
    """Return what a generation changed in a branch or of a thing; compared once for each current generation."""
    memo: dict[tuple[Scope, int], Narrowed | None] = torg().current().memo.setdefault("narrowed", {})
    if (wanted, number) not in memo:
        if len(memo) >= _REMEMBERED:
            memo.clear()
        memo[wanted, number] = changes.narrowed(history(), number, wanted)
    return memo[wanted, number]


def _atom(wanted: Scope, given: dict[str, str], spoken: str) -> bytes:
    """Return the feed (RFC 4287): an entry for each dataset of a generation, or each thing of a narrower scope."""
    site = torg()
    entries = list(islice(_atom_entries(wanted, given, spoken), _ENTRIES))
    # A feed in which nothing has happened was last changed when the first generation was made.
    updated = entries[0][0] if entries else changes.stamp(history().time(history().numbers()[0]))
    alternate, own = _address("/changes", given), _address("/changes", {**given, "format": "atom"})
    title = in_language(site.site.title, spoken)
    publishers = sorted({in_language(publisher.name, spoken) for publisher in site.site.publishers.values()})
    head = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="{spoken}">\n'
        f"<id>{escape(own)}</id>\n<title>{escape(title)}</title>\n<updated>{updated}</updated>\n"
        f"<author><name>{escape(publishers[0] if len(publishers) == 1 else title)}</name></author>\n"
        f'<link rel="self" type="application/atom+xml" href={quoteattr(own)}/>\n'
        f'<link rel="alternate" type="text/html" href={quoteattr(alternate)}/>\n'
    )
    return (head + "".join(text for _, text in entries) + "</feed>\n").encode()


def _atom_entries(wanted: Scope, given: dict[str, str], spoken: str) -> Iterator[tuple[str, str]]:
    """Yield (time, entry), newest first."""
    names = _dataset_names(spoken)
    for looked, number in enumerate(reversed(history().numbers())):
        time, entries = history().time(number), changes.changed_graphs(history(), number, wanted)
        if wanted.branch or wanted.resource:
            if looked >= _LOOKED_AT:
                return
            if _narrowed(wanted, number):
                yield from _thing_entries(list(islice(changes.members(history(), number, wanted), _ENTRIES)), spoken)
            continue
        if gone := changes.purged(history(), number, wanted.dataset):
            link = _address(f"/changes/{number:06d}", given)
            yield _entry(f"{link}#purged", f"{'Raderat' if spoken == 'sv' else 'Removed'}: {len(gone)}", link, time)
        for key in dict.fromkeys(entry["dataset"] or entry["kind"] for entry in entries):
            counted = [entry for entry in entries if key == (entry["dataset"] or entry["kind"])]
            added, removed = (sum(entry[name] for entry in counted) for name in ("added", "removed"))
            link = _address(f"/changes/{number:06d}", {"dataset": key} if "/" in key else {})
            title = f"{names.get(key) or in_language(_KINDS.get(key, {}), spoken) or key}: +{added} −{removed}"
            yield _entry(link if "/" in key else f"{link}#{key}", title, link, time)


def _thing_entries(found: Sequence[Member], spoken: str) -> Iterator[tuple[str, str]]:
    words = {"Create": ("Ny", "New"), "Update": ("Ändrad", "Changed"), "Delete": ("Borttagen", "Removed")}
    labels = called(torg().current(), torg(), [member.iri for member in found], spoken)
    for member in found:
        title = f"{words[member.kind][spoken != 'sv']}: {labels.get(member.iri, (member.iri, ''))[0]}"
        id = changes.member_name(_node(member.generation, {}), member.iri)
        yield _entry(id, title, member.iri, member.time)


def _entry(id: str, title: str, link: str, time: datetime) -> tuple[str, str]:
    stamp = changes.stamp(time)
    return stamp, (
        f"<entry><id>{escape(id)}</id><title>{escape(title)}</title><updated>{stamp}</updated>"
        f"<link href={quoteattr(link)}/></entry>\n"
    )


def _quads(lines: list[str], graphs: list[tuple[str, Sequence[str]]], chosen: Format) -> Response:
    body = changes.to_nquads(lines, graphs) if chosen is N_QUADS else changes.to_trig(lines, graphs)
    return answer(body, chosen.content_type, vary=("Accept",))


def _feed(given: dict[str, str]) -> str:
    return _address("/changes/ldes", given) + "#feed"


def _node(number: int, given: dict[str, str]) -> str:
    return _address(f"/changes/ldes/{number:06d}", given)


def _address(path: str, parameters: dict[str, str]) -> str:
    return torg().uris.iri(with_query(path, **parameters))


def _href(iri: str) -> str:
    """Return where a thing of the past or present is described."""
    path = torg().uris.path(iri)
    return here(torg().uris.description_path(path) or path) if path else here(with_query("/resource", uri=iri))


def _dataset_names(spoken: str) -> dict[str, str]:
    uris = torg().uris
    keys = list(torg().generation().datasets)
    labels = torg().labels().labels([uris.dataset(*key.split("/", 1)) for key in keys], spoken)
    return {key: labels.get(uris.dataset(*key.split("/", 1)), (key, ""))[0] for key in keys}


def _when(stamp: str, spoken: str) -> str:
    moment = datetime.fromisoformat(stamp)
    return str(format_datetime(moment, "d MMMM y HH:mm", locale=locale_of(spoken))) + " UTC"


def _json(members: dict[str, Any]) -> bytes:
    return (json.dumps(members, ensure_ascii=False, indent=1) + "\n").encode()
