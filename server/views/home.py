"""The start page: search, datasets, the top of the concepts, what changed last, and a first line for developers."""

from __future__ import annotations

from typing import Any

from babel.numbers import format_decimal
from flask import Blueprint, Response, current_app

from server.concept_page import Node, TreeView
from server.formats import HTML
from server.instance import Opened
from server.labels import alphabetical
from server.presentation import Presenter, day
from server.texts import texts
from server.views.changes import history
from server.views.concepts import view_of
from server.views.http import answer, here, in_language, language, negotiated, page, torg

blueprint = Blueprint("home", __name__)

_CARDS = 6  # datasets on the start page: those that changed last
_TOPS, _EXAMPLES, _CHANGES, _NAMED = 24, 3, 5, 3
_MAIN_SCHEME = "def/service"  # what a municipality does: the concepts that most people look by


@blueprint.get("/")
def home() -> Response:
    """Answer the start page in the visitor's language."""
    negotiated((HTML,))
    site, spoken = torg(), language()
    opened = site.current()
    keys = _last_changed(opened, spoken)
    datasets = {key: site.uris.dataset(*key.split("/", 1)) for key in keys}
    labels = opened.labels.labels(datasets.values(), spoken)
    presenter = Presenter(spoken, site.uris, labels, site.prefixes)
    rules = {rule.rule for rule in current_app.url_map.iter_rules()}
    body = page(
        "home.html",
        spoken,
        datasets=[_card(opened, presenter, key, iri) for key, iri in datasets.items()],
        total=len(opened.generation.datasets),
        figures=_figures(opened, presenter),
        all_datasets=here("/datasets") if "/datasets" in rules else "",
        concepts=_concepts(opened, spoken),
        changes=_changes(opened, spoken),
        example=next(iter(datasets.values()), ""),
        generation=opened.generation.name,
    )
    return answer(
        body,
        HTML.content_type,
        vary=("Accept", "Accept-Language"),
        content_language=spoken,
        modified=opened.generation.created,
    )


def _last_changed(opened: Opened, spoken: str) -> list[str]:
    """Return the keys of the datasets that changed last, the latest first."""
    datasets = opened.generation.datasets
    names = opened.labels.labels((torg().uris.dataset(*key.split("/", 1)) for key in datasets), spoken)

    def name(key: str) -> tuple[str, str]:
        publisher = torg().site.publishers.get(key.partition("/")[0])
        own = names.get(torg().uris.dataset(*key.split("/", 1)), (key, ""))[0]
        return alphabetical(in_language(publisher.name, spoken) if publisher else key), alphabetical(own)

    # Of one day the alphabet decides, by publisher first: whose data it is tells more than which minute it came.
    by_name = sorted(datasets, key=name)
    return sorted(by_name, key=lambda key: str(datasets[key].get("modified", ""))[:10], reverse=True)[:_CARDS]


def _rows(opened: Opened, key: str) -> int:
    deliveries = opened.generation.datasets[key].get("deliveries", {})
    return sum(int(delivery.get("rows_out", 0)) for delivery in deliveries.values())


def _card(opened: Opened, presenter: Presenter, key: str, iri: str) -> dict[str, Any]:
    """Return what the card of a dataset says: link, publisher, rows, day of the last change."""
    spoken = presenter.language
    publisher = torg().site.publishers.get(key.partition("/")[0])
    rows = _rows(opened, key)
    counted = texts(spoken).ngettext("%(number)s row", "%(number)s rows", rows) % {"number": presenter.number(rows)}
    changed = str(opened.generation.datasets[key].get("modified", ""))
    link = presenter.link(iri)
    path = torg().uris.path(iri) or ""
    return {
        "name": link.text,
        "language": link.language,
        "href": here(torg().uris.description_path(path) or path),
        "publisher": in_language(publisher.name, spoken) if publisher else key.partition("/")[0],
        "rows": counted if rows else "",
        "changed": day(changed, spoken) if changed else "",
    }


def _figures(opened: Opened, presenter: Presenter) -> list[tuple[str, str]]:
    """Return (what, how many) of all that is published."""
    datasets = opened.generation.datasets
    words = texts(presenter.language).gettext
    publishers = {key.partition("/")[0] for key in datasets}
    return [
        (words("Datasets"), presenter.number(len(datasets))),
        (words("Publishers"), presenter.number(len(publishers))),
        (words("Rows"), presenter.number(sum(_rows(opened, key) for key in datasets))),
        (words("Concepts"), presenter.number(len(view_of(opened, presenter.language).tree.above))),
    ]


def _examples(view: TreeView, main: str) -> list[str]:
    """Return words to try: the names of the concepts of the main scheme that the data uses most."""
    nodes = sorted((view.node(iri) for iri in view.tree.schemes.get(main, ())), key=lambda node: -node.used)
    names = (node.name for node in nodes if node.used and node.name.isalpha() and len(node.name) < 24)
    return list(dict.fromkeys(names))[:_EXAMPLES]


def _concepts(opened: Opened, spoken: str) -> dict[str, Any]:
    """Return the top of the concepts that most people look by, and the other schemes."""
    view = view_of(opened, spoken)
    used = (iri for iri in view.tree.schemes if view.tree.schemes[iri])
    schemes = sorted(used, key=lambda iri: alphabetical(view.name(iri)[0]))
    main = torg().uris.resolve(_MAIN_SCHEME)
    if main not in schemes:
        main = max(schemes, key=lambda iri: len(view.tree.schemes[iri]), default="")
    tops: tuple[Node, ...] = view.nodes(view.tree.tops(main))[:_TOPS] if main else ()
    others = [view.node(iri) for iri in schemes if iri != main]
    return {"scheme": main and view.node(main), "tops": tops, "others": others, "examples": _examples(view, main)}


def _changes(opened: Opened, spoken: str) -> list[dict[str, Any]]:
    """Return what the latest publications changed, the latest first: day, address, datasets, number of statements."""
    past, found = history(), []
    for number in reversed(past.numbers()):
        graphs = [graph for graph in past.index(number)["graphs"] if graph["kind"] == "dataset"]
        keys = list(dict.fromkeys(graph["dataset"] for graph in graphs))
        if keys:
            iris = {key: torg().uris.dataset(*key.split("/", 1)) for key in keys[:_NAMED]}
            names = opened.labels.labels(iris.values(), spoken)
            added, removed = (sum(graph[what] for graph in graphs) for what in ("added", "removed"))
            found.append(
                {
                    "day": day(past.time(number).isoformat(), spoken),
                    "href": here(f"/changes/{number:06d}"),
                    "datasets": [names.get(iri, (key, ""))[0] for key, iri in iris.items()],
                    "more": max(0, len(keys) - _NAMED),
                    "added": format_decimal(added, locale=spoken),
                    "removed": format_decimal(removed, locale=spoken),
                }
            )
        if len(found) == _CHANGES:
            break
    return found
