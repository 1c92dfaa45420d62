"""The start page: the datasets, the concept schemes, and a first line for developers."""

from __future__ import annotations

from flask import Blueprint, Response, current_app

from server.formats import HTML
from server.instance import Opened
from server.labels import alphabetical
from server.presentation import Presenter, Shown, day
from server.texts import texts
from server.views.http import answer, here, in_language, language, negotiated, page, torg

blueprint = Blueprint("home", __name__)

_SCHEME = "http://www.w3.org/2004/02/skos/core#ConceptScheme"
_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"


_CARDS = 12  # datasets on the start page: those that changed last


@blueprint.get("/")
def home() -> Response:
    """Answer the start page in the visitor's language."""
    negotiated((HTML,))
    site, spoken = torg(), language()
    opened = site.current()
    schemes = sorted(opened.generation.store.subjects(_TYPE, _SCHEME))
    keys = _last_changed(opened)
    datasets = {key: site.uris.dataset(*key.split("/", 1)) for key in keys}
    labels = opened.labels.labels([*schemes, *datasets.values()], spoken)
    presenter = Presenter(spoken, site.uris, labels, site.prefixes)
    rules = {rule.rule for rule in current_app.url_map.iter_rules()}
    body = page(
        "home.html",
        spoken,
        datasets=[_card(opened, presenter, key, iri) for key, iri in datasets.items()],
        total=len(opened.generation.datasets),
        all_datasets=here("/datasets") if "/datasets" in rules else "",
        schemes=sorted((presenter.link(scheme) for scheme in schemes), key=lambda link: alphabetical(link.text)),
        example=next(iter(datasets.values()), ""),
        search=here("/search") if "/search" in rules else "",
        generation=opened.generation.name,
    )
    return answer(
        body,
        HTML.content_type,
        vary=("Accept", "Accept-Language"),
        content_language=spoken,
        modified=opened.generation.created,
    )


def _last_changed(opened: Opened) -> list[str]:
    """Return the keys of the datasets that changed last, the latest first."""
    datasets = opened.generation.datasets
    by_key = sorted(datasets)
    return sorted(by_key, key=lambda key: str(datasets[key].get("modified", "")), reverse=True)[:_CARDS]


def _card(opened: Opened, presenter: Presenter, key: str, iri: str) -> tuple[Shown, str, str, str]:
    """Return (link, publisher, rows, day of the last change) of a dataset."""
    spoken = presenter.language
    known = opened.generation.datasets[key]
    publisher = torg().site.publishers.get(key.partition("/")[0])
    name = in_language(publisher.name, spoken) if publisher else key.partition("/")[0]
    rows = sum(delivery.get("rows_out", 0) for delivery in known.get("deliveries", {}).values())
    counted = texts(spoken).ngettext("%(number)s row", "%(number)s rows", rows) % {"number": presenter.number(rows)}
    changed = str(known.get("modified", ""))
    return presenter.link(iri), name, counted if rows else "", day(changed, spoken) if changed else ""
