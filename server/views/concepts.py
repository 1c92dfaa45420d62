"""`/concepts`: the concept schemes, each as a tree and from A to Ö, with a search within; parts of concept pages."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flask import Blueprint, Response, request

from server.concept_page import Node, TreeView
from server.concept_tree import ConceptTree, read_tree
from server.errors import Problem
from server.formats import CSV, HTML, JSON
from server.instance import Opened
from server.labels import alphabetical
from server.rdf_formats import value
from server.search import COUNTED, LONGEST, Asked, can_search, searcher
from server.views.http import answer, here, in_language, language, negotiated, page, torg, with_query

blueprint = Blueprint("concepts", __name__)

_DEPTH, _NODES, _LEVEL, _PAGE, _ROWS = 3, 400, 80, 200, 10_000
_DESCRIPTIONS = ("http://purl.org/dc/terms/description", "http://www.w3.org/2004/02/skos/core#definition")
_PARAMETERS = ("scheme", "under", "letter", "q")
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZÅÄÖ"


def tree_of(opened: Opened) -> ConceptTree:
    """Return the concepts of a generation, read once for each."""
    if "concept tree" not in opened.memo:
        opened.memo["concept tree"] = read_tree(opened.generation.store, opened.labels.labels, torg().languages)
    found: ConceptTree = opened.memo["concept tree"]
    return found


def view_of(opened: Opened, spoken: str) -> TreeView:
    """Return the concepts of a generation as they are shown in a language."""
    tree = tree_of(opened)
    if "concept uses" not in opened.memo:
        opened.memo["concept uses"] = searcher(opened).uses(tree.above) if can_search(opened) else {}
    return TreeView(tree, spoken, opened.memo["concept uses"])


@blueprint.get("/concepts")
def concepts() -> Response:
    """Answer the schemes, or the concepts of one as a tree, by letter, or as a search finds them."""
    chosen, spoken = negotiated((HTML, JSON, CSV)), language()
    view = view_of(torg().current(), spoken)
    given = {name: request.args.get(name, "").strip()[:LONGEST] for name in _PARAMETERS}
    scheme, under = _scheme(view, given["scheme"]), _under(view, given["under"])
    if under and not scheme:
        scheme = view.tree.scheme_of.get(under, "")
    if chosen is not HTML:
        return _twin(view, scheme, under, given, JSON if chosen is JSON else CSV)
    shown: dict[str, Any] = {"scheme": scheme and view.node(scheme), "under": under and view.node(under)}
    if given["q"]:
        shown |= _paged(_found(view, scheme, under, given["q"]), view, given, keep_order=True)
    elif given["letter"]:
        letter = given["letter"][:1].upper()
        shown |= _paged([iri for iri in _members(view, scheme) if _initial(view, iri) == letter], view, given)
    elif under:
        forest, _ = view.forest(_page_of(view, under), _DEPTH - 1, _NODES, _PAGE)
        shown |= {"forest": forest, "trail": _trail(view, under), **_turn(len(view.tree.below[under]), given)}
    elif scheme:
        forest, hidden = view.forest(view.tree.tops(scheme), _DEPTH, _NODES, _LEVEL)
        shown |= {"forest": forest, "left_out": hidden}
    return answer(
        page(
            "concepts.html",
            spoken,
            given=given,
            schemes=_cards(view),
            about=_description(scheme, spoken) if scheme else "",
            total=len(_members(view, scheme)),
            letters=_letters(view, scheme),
            formats=[
                (other.label, here(with_query("/concepts", **given, format=other.suffix)), other.media_type)
                for other in (JSON, CSV)
            ],
            generation=torg().current().generation.name,
            **({"forest": None, "listed": None} | shown),
        ),
        HTML.content_type,
        vary=("Accept", "Accept-Language"),
        content_language=spoken,
    )


@blueprint.app_template_global("concept_of")
def concept_of(iri: str, spoken: str) -> dict[str, Any] | None:
    """Return what the page of a concept shows before its facts, None for what is no concept."""
    opened = torg().current()
    view = view_of(opened, spoken)
    if iri not in view.tree:
        return None
    graphs = opened.graphs
    datasets: dict[str, int] = {}
    used_by = searcher(opened).used_by(iri) if can_search(opened) else {}
    for graph, number in used_by.items():
        if graph in graphs and graphs[graph].dataset:
            datasets[graphs[graph].dataset] = datasets.get(graphs[graph].dataset, 0) + number
    names = {key: torg().uris.dataset(*key.split("/", 1)) for key in datasets}
    labels = opened.labels.labels(names.values(), spoken)
    scheme = view.tree.scheme_of.get(iri, "")
    below = view.tree.below[iri]
    return {
        "node": view.node(iri),
        "tree": view.around(iri),
        "scheme": scheme and view.node(scheme),
        "paths": [[view.node(step) for step in path] for path in view.tree.paths(iri)],
        "narrower": view.nodes(below)[:_LEVEL],
        "narrower_total": len(below),
        "replaced_by": [view.node(name) for name in view.tree.replaced_by.get(iri, ())],
        "used": sum(datasets.values()),
        "datasets": [
            (labels.get(names[key], (key, ""))[0], href(names[key]), number, _uses_address(iri, key))
            for key, number in sorted(datasets.items(), key=lambda item: (-item[1], item[0]))
        ],
        "all_narrower": here(with_query("/concepts", under=_spelled(iri))),
        "browse": here(with_query("/concepts", scheme=_spelled(scheme))) if scheme else here("/concepts"),
    }


@blueprint.app_template_global("href_of")
def href(iri: str) -> str:
    """Return the address of the page about a concept, a scheme or a dataset."""
    uris = torg().uris
    path = uris.path(iri)
    return here(uris.description_path(path) or path) if path else here(with_query("/resource", uri=iri))


def _uses_address(iri: str, dataset: str) -> str:
    return here(with_query("/search", concept=_spelled(iri), dataset=dataset))


@blueprint.app_template_global("spelled_concept")
def _spelled(iri: str) -> str:
    """Return how an address spells a concept or a scheme: service/T3, or its whole IRI."""
    return iri.removeprefix(torg().uris.concepts + "def/")


def _known(view: TreeView, text: str, among: Iterable[str]) -> str:
    name = text if "://" in text else f"{torg().uris.concepts}def/{text}"
    if text and name not in set(among):
        raise Problem(
            404,
            "There is no such concept or concept scheme; /concepts lists those there are.",
            sv="Det finns inget sådant begrepp och ingen sådan begreppslista; /concepts räknar upp dem som finns.",
        )
    return name if text else ""


def _scheme(view: TreeView, text: str) -> str:
    return _known(view, text, view.tree.schemes)


def _under(view: TreeView, text: str) -> str:
    return _known(view, text, view.tree.above)


def _members(view: TreeView, scheme: str) -> list[str]:
    return view.tree.schemes[scheme] if scheme else list(view.tree.above)


def _found(view: TreeView, scheme: str, under: str, words: str) -> list[str]:
    """Return the concepts that words find, best first, within a scheme or below a concept."""
    hits = searcher(torg().current()).find(Asked(words), COUNTED).hits
    within = set(view.tree.beneath(under)) if under else set(_members(view, scheme))
    return [hit.iri for hit in hits if hit.iri in within]


def _initial(view: TreeView, iri: str) -> str:
    """Return the letter that a concept is listed under; # for what begins with another sign."""
    first = view.name(iri)[0].lstrip()[:1].upper()
    return first if first in _ALPHABET and first else "#"


def _letters(view: TreeView, scheme: str) -> list[tuple[str, bool]]:
    used = {_initial(view, iri) for iri in _members(view, scheme)}
    return [(letter, letter in used) for letter in [*_ALPHABET, "#"] if letter in used or letter != "#"]


def _paged(iris: Sequence[str], view: TreeView, given: Mapping[str, str], keep_order: bool = False) -> dict[str, Any]:
    """Return one page of a list of concepts, each with the way down to it."""
    ordered = list(iris) if keep_order else sorted(iris, key=lambda iri: alphabetical(view.name(iri)[0]))
    turn = _turn(len(ordered), given)
    start = (turn["page_number"] - 1) * _PAGE
    listed = [(view.node(iri), [view.node(step) for step in _way(view, iri)]) for iri in ordered[start : start + _PAGE]]
    return {"listed": listed, **turn}


def _way(view: TreeView, iri: str) -> list[str]:
    scheme = view.tree.scheme_of.get(iri)
    paths = view.tree.paths(iri)
    return [*([scheme] if scheme else []), *(paths[0][-4:] if paths else [])]


def _trail(view: TreeView, iri: str) -> list[Node]:
    return [view.node(step) for step in [*(view.tree.paths(iri) or [[]])[0], iri]]


def _page_of(view: TreeView, under: str) -> list[str]:
    below = view.tree.ordered(view.tree.below[under], view.language)
    start = (_number() - 1) * _PAGE
    return below[start : start + _PAGE]


def _number() -> int:
    text = request.args.get("page", "1")
    if not (text.isascii() and text.isdigit() and len(text) < 8 and 1 <= int(text)):
        raise Problem(400, "`page` is a whole number from 1.", sv="`page` är ett heltal från 1.")
    return int(text)


def _turn(total: int, given: Mapping[str, str]) -> dict[str, Any]:
    """Return where a page stands among those of a list; raise Problem 404 past the last."""
    number, last = _number(), max(1, -(-total // _PAGE))
    if number > last:
        raise Problem(
            404,
            f"The list has {last} page{'s' if last > 1 else ''}.",
            sv=f"Listan har {last} {'sidor' if last > 1 else 'sida'}.",
        )

    def address(other: int) -> str:
        return here(with_query("/concepts", **given, page=str(other), lang=request.args.get("lang", "")))

    return {
        "found_total": total,
        "page_number": number,
        "pages": last,
        "previous": address(number - 1) if number > 1 else "",
        "next": address(number + 1) if number < last else "",
    }


def _description(iri: str, spoken: str) -> str:
    store = torg().current().generation.store
    for property in _DESCRIPTIONS:
        found = {text.language: text.text for term in store.values(iri, property) if (text := value(term)).text}
        if found:
            return in_language(found, spoken)
    return ""


def _cards(view: TreeView) -> list[tuple[Node, str, int]]:
    """Return (scheme, what it is, number of concepts) of every scheme that has any, by name."""
    schemes = sorted(view.tree.schemes, key=lambda iri: alphabetical(view.name(iri)[0]))
    return [
        (view.node(scheme), _description(scheme, view.language), len(view.tree.schemes[scheme]))
        for scheme in schemes
        if view.tree.schemes[scheme]
    ]


def _twin(view: TreeView, scheme: str, under: str, given: Mapping[str, str], chosen: Any) -> Response:
    """Answer the chosen concepts as data, one row each, at most _ROWS; the dump of the graph has them all."""
    iris = list(view.tree.beneath(under)) if under else _members(view, scheme)
    if given["q"]:
        iris = _found(view, scheme, under, given["q"])
    elif given["letter"]:
        iris = [iri for iri in iris if _initial(view, iri) == given["letter"][:1].upper()]
    rows = [_row(view, iri) for iri in (iris if given["q"] else view.tree.ordered(iris, view.language))[:_ROWS]]
    if chosen is JSON:
        body = (json.dumps(rows, ensure_ascii=False, indent=1) + "\n").encode()
    else:
        target = io.StringIO()
        writer = csv.DictWriter(target, list(_row(view, "")))
        writer.writeheader()
        writer.writerows({name: "; ".join(v) if isinstance(v, list) else v for name, v in row.items()} for row in rows)
        body = b"\xef\xbb\xbf" + target.getvalue().encode()
    return answer(body, chosen.content_type, vary=("Accept", "Accept-Language"), content_language=view.language)


def _row(view: TreeView, iri: str) -> dict[str, Any]:
    node = view.node(iri)
    return {
        "iri": iri,
        "notation": node.notation,
        "label": node.name,
        "scheme": view.tree.scheme_of.get(iri, ""),
        "broader": list(view.tree.above.get(iri, ())),
        "used": node.used,
        "deprecated": node.deprecated,
        "replacedBy": list(view.tree.replaced_by.get(iri, ())),
    }
