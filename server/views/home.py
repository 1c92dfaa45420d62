"""The start page: the datasets, the concept schemes, and a first line for developers."""

from __future__ import annotations

from babel.numbers import format_decimal
from flask import Blueprint, Response, current_app

from server.formats import HTML
from server.presentation import Presenter, sort_key
from server.texts import texts
from server.views.http import answer, here, in_language, language, negotiated, page, torg

blueprint = Blueprint("home", __name__)

_SCHEME = "http://www.w3.org/2004/02/skos/core#ConceptScheme"
_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"


@blueprint.get("/")
def home() -> Response:
    """Answer the start page in the visitor's language."""
    negotiated((HTML,))
    site, spoken = torg(), language()
    opened = site.current()
    store = opened.generation.store
    schemes = sorted(store.subjects(_TYPE, _SCHEME))
    datasets = {key: site.uris.dataset(*key.split("/", 1)) for key in opened.generation.datasets}
    labels = opened.labels.labels([*schemes, *datasets.values()], spoken)
    presenter = Presenter(spoken, site.uris, labels, site.prefixes)
    cards = []
    for key, iri in datasets.items():
        publisher = site.site.publishers.get(key.partition("/")[0])
        name = in_language(publisher.name, spoken) if publisher else key.partition("/")[0]
        deliveries = opened.generation.datasets[key].get("deliveries", {}).values()
        rows = sum(delivery.get("rows_out", 0) for delivery in deliveries)
        counted = ""
        if rows:
            counted = texts(spoken).ngettext("%(number)s row", "%(number)s rows", rows) % {
                "number": format_decimal(rows, locale=spoken)
            }
        cards.append((presenter.link(iri), name, counted))
    shown = sorted((presenter.link(scheme) for scheme in schemes), key=lambda link: sort_key(link.text))
    rules = {rule.rule for rule in current_app.url_map.iter_rules()}
    body = page(
        "home.html",
        spoken,
        datasets=sorted(cards, key=lambda card: (sort_key(card[0].text), card[1])),
        schemes=shown,
        example=next(iter(datasets.values()), ""),
        search=here("/search") if "/search" in rules else "",
        generation=opened.generation.name,
    )
    return answer(body, HTML.content_type, vary=("Accept", "Accept-Language"), content_language=spoken)
