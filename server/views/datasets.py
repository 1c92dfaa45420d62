"""The catalogue over HTTP: `/datasets`, the register `/psidata`, and the harvest file `/datasets/dcat`."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

from babel.numbers import format_decimal
from flask import Blueprint, Response, current_app, request

from server.catalog_graph import exact
from server.catalog_metadata import specification_texts
from server.catalog_reader import (
    FACETS,
    CatalogRecord,
    DatasetRecord,
    Facet,
    counts,
    of_store,
    read_catalog,
)
from server.catalog_score import DIMENSIONS, Score, score
from server.catalog_series import harvest_view
from server.catalog_values import code_list
from server.dataset_page import DatasetPage, dataset_page
from server.errors import Problem
from server.formats import CSV, GRAPH_FORMATS, HTML, JSON, JSON_LD, RDF_XML, Format, choose
from server.graph_files import read_graph
from server.harvest import KIND as HARVEST
from server.harvest import harvest_iri
from server.instance import Opened
from server.labels import alphabetical
from server.presentation import Presenter
from server.rdf_formats import Triple, Value, parse_lines, value, write
from server.views.compare import blueprint as compare
from server.views.harvest import blueprint as harvest
from server.views.harvest import gathered
from server.views.http import answer, here, in_language, language, negotiated, page, torg, with_query
from server.views.impact import blueprint as impact
from server.views.terminology import blueprint as terminology

blueprint = Blueprint("datasets", __name__)
blueprint.register_blueprint(compare)
blueprint.register_blueprint(harvest)
blueprint.register_blueprint(impact)
blueprint.register_blueprint(terminology)

OFFERED: tuple[Format, ...] = (HTML, JSON, CSV, *GRAPH_FORMATS)
PAGE = 50
_GATHERED = 200  # of a page that is read as one list; all are at /datasets
_COMPACTED = 20_000  # triples; compacting JSON-LD takes some 0.1 ms for each, so larger catalogues go out expanded
_COLUMNS = (
    "iri", "title", "publisher", "description", "keywords", "theme", "specification", "license", "accessRights",
    "accrualPeriodicity", "fee", "reason", "issued", "modified", "formats", "contact", "origin",
)  # fmt: skip


def catalog() -> CatalogRecord:
    """Return the catalogue of the current generation, read once for each."""
    opened, site = torg().current(), torg().site
    if "catalog" not in opened.memo:
        harvested = {harvest_iri(site, about["key"]): about["key"] for about in gathered(opened)}
        store = opened.generation.store
        opened.memo["catalog"] = read_catalog(of_store(store), site.uris, site.languages, harvested=harvested)
    found: CatalogRecord = opened.memo["catalog"]
    return found


@blueprint.get("/datasets")
def datasets() -> Response:
    """Answer the datasets that `?q=` and the facets leave, as a page, a table or RDF."""
    asked = {name: request.args.get(name, "").strip() for name in ("q", *FACETS)}
    chosen = negotiated(OFFERED)
    whole = catalog()
    found = whole.find(**asked)
    spoken = language()
    if chosen is HTML:
        body = _page(whole, found, asked, spoken)
    elif chosen in (CSV, JSON):
        body = table(found, chosen, spoken)
    else:
        body = _rdf(torg().current(), chosen, found if any(asked.values()) else None)
    return _answer(body, chosen, spoken, "/datasets")


@blueprint.get("/psidata")
def psidata() -> Response:
    """Answer the register of what can be had and on which conditions, as Swedish practice wants it at this path."""
    chosen = negotiated(OFFERED)
    whole, spoken = catalog(), language()
    if chosen is HTML:
        own = [dataset for dataset in whole.datasets if not dataset.origin]
        others = [dataset for dataset in whole.datasets if dataset.origin]
        shown = own + others[:_GATHERED]
        body = page(
            "psidata.html",
            spoken,
            **_shown(spoken),
            published=[dataset for dataset in shown if dataset.distributions],
            listed=[dataset for dataset in shown if not dataset.distributions],
            more=len(others[_GATHERED:]),
            harvest=torg().uris.iri("datasets/dcat"),
            sparql=any(rule.rule == "/sparql" for rule in current_app.url_map.iter_rules()),
        )
    elif chosen in (CSV, JSON):
        body = table(whole.datasets, chosen, spoken)
    else:
        body = _rdf(torg().current(), chosen, None)
    return _answer(body, chosen, spoken, "/psidata")


@blueprint.get("/datasets/dcat")
def dcat() -> Response:
    """Answer the whole catalogue for harvesting: RDF/XML, unless another RDF syntax is asked for.

    The national portal reads RDF/XML only (DCAT-AP-SE, harvesting), and old clients send any Accept
    header, so this address never answers 406 to an Accept header.
    """
    asked = request.args.get("format")
    chosen = choose(request.headers.get("Accept"), (RDF_XML, *GRAPH_FORMATS), asked)
    if chosen is None and asked:
        raise Problem(
            406,
            f"There is no format {asked[:20]!r}; format takes rdf, ttl, jsonld or nt.",
            sv=f"Det finns inget format {asked[:20]!r}; format tar rdf, ttl, jsonld eller nt.",
        )
    body = _rdf(torg().current(), chosen or RDF_XML, None, harvested=True)
    return _answer(body, chosen or RDF_XML, "", "/datasets/dcat")


@blueprint.app_template_global("dataset_of")
def dataset_of(iri: str) -> DatasetPage | None:
    """Return what the page of a dataset shows, None when the catalogue has no such dataset."""
    opened, uris = torg().current(), torg().uris
    record = catalog().dataset(iri.removeprefix(uris.iri("id/dataset/")))
    if record is None:
        return None
    kept = f"dataset {record.key}"
    if kept not in opened.memo:
        opened.memo[kept] = dataset_page(record, opened.generation, uris)
    found: DatasetPage = opened.memo[kept]
    return found


@blueprint.app_template_global("comparable")
def comparable(specification: str) -> bool:
    """Tell whether there is a page that compares what publishers say by a specification."""
    rules = {rule.rule for rule in current_app.url_map.iter_rules()}
    same = [dataset for dataset in catalog().datasets if dataset.specification == specification]
    return "/compare/<specification>" in rules and len({dataset.publisher for dataset in same}) > 1


def _answer(body: bytes, chosen: Format, spoken: str, path: str) -> Response:
    offered = (RDF_XML, *GRAPH_FORMATS) if path == "/datasets/dcat" else OFFERED
    fixed = {name: request.args.get(name, "") for name in ("q", *FACETS, "page")} if path == "/datasets" else {}
    links = [
        f'<{here(with_query(path, **fixed, format=other.suffix))}>; rel="alternate"; type="{other.media_type}"'
        for other in dict.fromkeys(offered)
    ]
    spoken = spoken if chosen in (HTML, CSV, JSON) else ""
    return answer(
        body,
        chosen.content_type,
        vary=("Accept", "Accept-Language") if spoken else ("Accept",),
        links=[*links, f'<{torg().uris.iri("id/catalog")}>; rel="describes"'],
        content_language=spoken,
        content_location=here(with_query(path, **fixed, format=chosen.suffix, lang=spoken)),
    )


def _page(whole: CatalogRecord, found: Sequence[DatasetRecord], asked: dict[str, str], spoken: str) -> bytes:
    number = request.args.get("page", "1")
    last = max(1, -(-len(found) // PAGE))
    if not (number.isascii() and number.isdigit() and len(number) < 9 and 1 <= int(number) <= last):
        raise Problem(
            404,
            f"The list has {last} page{'s' if last > 1 else ''}.",
            sv=f"Listan har {last} {'sidor' if last > 1 else 'sida'}.",
        )
    shown = int(number)
    sort = request.args.get("sort", "")
    if sort not in ("", "title", "modified"):
        raise Problem(400, "`sort` is title or modified.", sv="`sort` är title eller modified.")
    links = {
        name: here(with_query("/datasets", **asked, sort=sort, page=str(other), lang=request.args.get("lang", "")))
        for name, other in (("previous", shown - 1), ("next", shown + 1))
        if 1 <= other <= last
    }
    if sort == "modified":
        found = sorted(found, key=lambda dataset: dataset.modified, reverse=True)
    return page(
        "datasets.html",
        spoken,
        **_shown(spoken),
        catalog=whole,
        found=found[(shown - 1) * PAGE : shown * PAGE],
        total=len(found),
        asked=asked,
        sort=sort,
        facets={name: _facet(whole, name, spoken) for name in FACETS},
        page_number=shown,
        pages=last,
        turn=links,
        score=_score(whole),
        dimensions=DIMENSIONS,
        formats=[
            (other.label, here(with_query("/datasets", **asked, format=other.suffix)), other.media_type)
            for other in OFFERED[1:]
        ],
    )


def _score(whole: CatalogRecord) -> Score:
    """Return the points of the whole catalogue, counted once for each generation."""
    memo, uris = torg().current().memo, torg().uris
    if "score" not in memo:
        # Addresses of our own answer as long as this page does; nobody has tried the others.
        memo["score"] = score(whole.datasets, lambda address: True if uris.path(address) else None)
    found: Score = memo["score"]
    return found


def _facet(whole: CatalogRecord, name: Facet, spoken: str) -> list[tuple[str, str, int]]:
    """Return (value, label, datasets) of a facet's values, by label."""
    names = {dataset.publisher_key: in_language(dataset.publisher_name, spoken) for dataset in whole.datasets}
    themes = code_list("theme")

    def label(key: str) -> str:
        if name == "publisher":
            return names.get(key, key)
        if name == "origin":
            return origins(spoken).get(key, key)
        if name == "media":
            return next((text for media, text in _MEDIA.items() if media.endswith(f"/{key}")), key)
        if name == "license":
            return _shown(spoken)["label"](key) if "://" in key else key
        return themes.label(themes.prefix + key, spoken) if name == "theme" else _specification_title(key, spoken)

    found = [(key, label(key), number) for key, number in counts(whole.datasets, name).items()]
    return sorted(found, key=lambda item: alphabetical(item[1]))


def _specification_title(name: str, spoken: str) -> str:
    return in_language(specification_texts(name)["title"], spoken) or name


@blueprint.app_template_global("catalog_shown")
def _shown(spoken: str) -> dict[str, Any]:
    """Return the functions by which a template shows values of the catalogue."""
    opened, site = torg().current(), torg()
    harvested = {dataset.iri for dataset in catalog().datasets if dataset.origin}

    def label(iri: str) -> str:
        for name in ("theme", "license", "accrualPeriodicity", "accessRights"):
            if iri.startswith(code_list(name).prefix):
                return code_list(name).label(iri, spoken)
        return site.labels().labels([iri], spoken).get(iri, (iri.rsplit("/", 1)[-1], ""))[0]

    def when(text: str) -> str:
        kind = "dateTime" if "T" in text else "date"
        if len(text) < 10:
            return text
        shown = Presenter(spoken, site.uris, {}, {}).show(Value("literal", text, f"{XSD}{kind}"))
        return shown.text

    def link(iri: str) -> str:
        path = site.uris.path(iri)
        if path is None:
            # What was harvested is described here, whatever its owner's server does.
            return here(with_query("/resource", uri=iri)) if iri in harvested else iri
        return site.uris.link(site.uris.iri(site.uris.description_path(path) or path))

    return {
        "label": label,
        "origins": origins(spoken),
        "when": when,
        "link": link,
        "size": size,
        "number": lambda number: format_decimal(number, locale=spoken),
        "media_label": media_label,
        "generation": opened.generation.name,
    }


def origins(spoken: str) -> dict[str, str]:
    """Return what the harvested catalogues are called, by key."""
    return {about["key"]: in_language(about["name"], spoken) for about in gathered(torg().current())}


XSD = "http://www.w3.org/2001/XMLSchema#"
_MEDIA = {
    "text/csv": "CSV",
    "text/turtle": "Turtle",
    "application/n-triples": "N-Triples",
    "application/sparql-query": "SPARQL",
}


def media_label(media_type: str) -> str:
    """Return the short name of a media type."""
    return _MEDIA.get(media_type, media_type)


def size(number: int | None) -> str:
    """Return a number of bytes in the unit that reads best.

    >>> size(2_048), size(3_400_000)
    ('2 kB', '3.4 MB')
    """
    if number is None:
        return ""
    if number < 1_000_000:
        return f"{max(1, round(number / 1000))} kB"
    return f"{number / 1_000_000:.1f} MB"


def table(found: Sequence[DatasetRecord], chosen: Format, spoken: str) -> bytes:
    """Return datasets as one row each, in CSV (RFC 4180, UTF-8) or JSON."""
    rows = [_row(dataset, spoken) for dataset in found]
    if chosen is JSON:
        return (json.dumps(rows, ensure_ascii=False, indent=1) + "\n").encode()
    target = io.StringIO()
    writer = csv.DictWriter(target, _COLUMNS)
    writer.writeheader()
    for row in rows:
        writer.writerow({name: "; ".join(cell) if isinstance(cell, list) else cell for name, cell in row.items()})
    return target.getvalue().encode()


def _row(dataset: DatasetRecord, spoken: str) -> dict[str, Any]:
    contact = dataset.contact
    return {
        "iri": dataset.iri,
        "title": in_language(dataset.title, spoken),
        "publisher": in_language(dataset.publisher_name, spoken),
        "description": in_language(dataset.description, spoken),
        "keywords": list(in_language(dataset.keywords, spoken)),
        "theme": list(dataset.themes),
        "specification": dataset.specification,
        "license": list(dataset.licenses),
        "accessRights": dataset.access_rights,
        "accrualPeriodicity": dataset.frequency,
        "fee": in_language(dataset.fee, spoken),
        "reason": in_language(dataset.reason, spoken),
        "issued": dataset.issued,
        "modified": dataset.modified,
        "formats": list(dataset.formats),
        "contact": (contact.email or contact.url) if contact else "",
        "origin": dataset.origin,
    }


def _rdf(opened: Opened, chosen: Format, found: Sequence[DatasetRecord] | None, harvested: bool = False) -> bytes:
    """Return the catalogue's graph, or what it says of some datasets, in an RDF syntax; as a portal wants it if so."""
    site = torg()
    kept = f"catalog.{chosen.suffix}{' harvested' if harvested else ''}"
    if found is None and kept in opened.memo:
        body: bytes = opened.memo[kept]
        return body
    graphs = [site.uris.iri("graph/site/catalog"), *_harvested(opened, found)]
    files = (read_graph(opened.generation.path / opened.graphs[graph].dump) for graph in graphs)
    lines = [line for file in files for line in exact(file)]
    triples = parse_lines(harvest_view(lines) if harvested else lines)
    if found is not None:
        triples = _about(triples, [dataset.iri for dataset in found], site.uris.iri("id/catalog"))
    if chosen is JSON_LD and len(triples) > _COMPACTED:
        written = write(triples, chosen.media_type, site.prefixes)
    else:
        written = site.writer.write(triples, chosen, site.uris.iri("id/catalog"))
    if found is None:
        opened.memo[kept] = written
    return written


def _harvested(opened: Opened, found: Sequence[DatasetRecord] | None) -> list[str]:
    """Return the graphs of the harvested catalogues to write too: those handed on, or those that were found."""
    if found is None:
        keys = {about["key"] for about in gathered(opened) if about["republish"]}
    else:
        keys = {dataset.origin for dataset in found if dataset.origin}
    names = {torg().uris.iri(f"graph/harvest/{key}") for key in keys}
    return sorted(iri for iri, entry in opened.graphs.items() if entry.kind == HARVEST and iri in names)


def _about(triples: Sequence[Triple], iris: Sequence[str], root: str) -> list[Triple]:
    """Return the triples that say something of these datasets or of what they refer to, catalogues left out."""
    by_subject: dict[str, list[Triple]] = {}
    for triple in triples:
        by_subject.setdefault(value(triple.subject).text, []).append(triple)
    waiting, seen, kept = list(iris), set[str](), list[Triple]()
    while waiting:
        name = waiting.pop()
        if name in seen or name == root or name.startswith(f"{root}/"):
            continue
        seen.add(name)
        for triple in by_subject.get(name, ()):
            kept.append(triple)
            about = value(triple.object)
            if about.kind == "iri" and not triple.predicate.value.endswith("#servesDataset"):
                waiting.append(about.text)
    return kept
