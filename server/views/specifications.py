"""Documents at `/spec/<name>`: our ontology, and the dataset specifications with their columns."""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint, Response, request

import ontology
from server.errors import Problem
from server.formats import GRAPH_FORMATS, HTML, Format
from server.graph_files import read_graph, subject, subjects
from server.instance import Opened
from server.paths import spellings, split_suffix
from server.presentation import Presenter
from server.rdf_formats import Triple, Value, iri, parse_lines, text, triple, value
from server.views.http import answer, here, in_language, language, negotiated, page, redirect, torg

blueprint = Blueprint("specifications", __name__)

CSVW = Format("json", "application/csvm+json", "CSVW", "table", ("application/json",))
_EXTENSION = ontology.CSVW_EXTENSION
_LABEL = "http://www.w3.org/2000/01/rdf-schema#label"
_COMMENT = "http://www.w3.org/2000/01/rdf-schema#comment"
_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
_DCTERMS = "http://purl.org/dc/terms/"


@blueprint.get("/spec/<path:name>")
def specification(name: str) -> Response:
    """Answer a specification document, 200, negotiated (UM-3); 303 to the owner of a shared concept base."""
    site = torg()
    stem, suffix = split_suffix(request.path)
    path = spellings(stem)[0]
    if not site.uris.owns_concepts:
        return redirect(site.uris.resolve(path) + (f".{suffix}" if suffix else ""), 303)
    document = site.uris.resolve(path)
    opened = site.current()
    if stem == "/spec/context" and suffix in ("jsonld", ""):
        body = json.dumps({"@context": site.writer.context}, ensure_ascii=False, indent=1).encode()
        return answer(body, "application/ld+json")
    if lines := _lines(opened, document):
        return _ontology(opened, document, lines, suffix)
    short = path.removeprefix("/spec/")
    if short in ontology.specification_names():
        return _table(opened, document, short, suffix)
    raise Problem(
        404,
        "There is no such document. /spec/torg has our terms; datasets name their specifications.",
        sv="Det finns inget sådant dokument. /spec/torg har våra termer; datamängder anger sina specifikationer.",
    )


def _lines(opened: Opened, document: str) -> list[str]:
    """Return what the published ontology says of a document and of the terms in it."""
    if "specifications" not in opened.memo:
        documents: dict[str, list[str]] = {}
        for entry in opened.graphs.values():
            if entry.kind == "ontology":
                for line in read_graph(opened.generation.path / entry.dump):
                    documents.setdefault(subject(line).partition("#")[0], []).append(line)
        opened.memo["specifications"] = documents
    found: dict[str, list[str]] = opened.memo["specifications"]
    return found.get(document, [])


def _ontology(opened: Opened, document: str, lines: list[str], suffix: str) -> Response:
    chosen = negotiated((HTML, *GRAPH_FORMATS), suffix)
    if chosen is not HTML:
        return _answer(torg().writer.write(parse_lines(lines), chosen, document), chosen, document, "", suffix)
    spoken = language()
    said = {name: _values(group) for name, group in subjects(lines)}
    types = [found.text for values in said.values() for found in values.get(_TYPE, [])]
    presenter = Presenter(spoken, torg().uris, opened.labels.labels([*said, *types], spoken), torg().prefixes)
    terms = [
        {
            "id": name.partition("#")[2],
            "label": _best(values.get(_LABEL, []), spoken),
            "comment": _best(values.get(_COMMENT, []), spoken),
            "types": [presenter.curie(found.text) for found in values.get(_TYPE, [])],
        }
        for name, values in sorted(said.items())
        if name != document
    ]
    head = said.get(document, {})
    body = page(
        "specification.html",
        spoken,
        title=_best(head.get(_DCTERMS + "title", []), spoken) or document,
        about=_best(head.get(_DCTERMS + "description", []), spoken),
        iri=document,
        terms=terms,
        columns=(),
        formats=_links(document, GRAPH_FORMATS),
    )
    return _answer(body, HTML, document, spoken, suffix)


def _table(opened: Opened, document: str, name: str, suffix: str) -> Response:
    offered = (HTML, *GRAPH_FORMATS, CSVW)
    chosen = negotiated(offered, suffix)
    table = ontology.table(name)
    if chosen is CSVW:
        body = json.dumps(table, ensure_ascii=False, indent=1).encode()
        return _answer(body, chosen, document, "", suffix)
    titles, abouts = _texts(table.get("dc:title")), _texts(table.get("dc:description"))
    if chosen is not HTML:
        triples = _standard(opened, document, titles, abouts)
        return _answer(torg().writer.write(triples, chosen, document), chosen, document, "", suffix)
    spoken = language()
    columns = [_column(column, spoken) for column in table["tableSchema"]["columns"] if not column.get("virtual")]
    body = page(
        "specification.html",
        spoken,
        title=in_language(titles, spoken) or name,
        about=in_language(abouts, spoken),
        iri=document,
        terms=(),
        columns=columns,
        formats=_links(document, (*GRAPH_FORMATS, CSVW)),
    )
    return _answer(body, HTML, document, spoken, suffix)


def _standard(opened: Opened, document: str, titles: dict[str, str], abouts: dict[str, str]) -> list[Triple]:
    """Return the RDF of a specification: a standard with names, and who conforms to it."""
    triples = [
        triple(document, _TYPE, iri(_DCTERMS + "Standard")),
        triple(document, "http://www.w3.org/2000/01/rdf-schema#seeAlso", iri(f"{document}.json")),
    ]
    triples += [triple(document, _DCTERMS + "title", text(title, spoken)) for spoken, title in titles.items()]
    triples += [triple(document, _DCTERMS + "description", text(about, spoken)) for spoken, about in abouts.items()]
    store = opened.generation.store
    triples += [triple(name, property, iri(document)) for name, property in store.incoming(document)]
    triples += [triple(document, property, term) for property, term in store.outgoing(document)]
    return triples


def _column(column: dict[str, Any], spoken: str) -> dict[str, Any]:
    """Return what the page shows of a column of a specification."""
    datatype = column.get("datatype", "string")
    titles = column.get("titles", {})
    return {
        "name": column["name"],
        "title": in_language(titles, spoken) if isinstance(titles, dict) else "",
        "about": in_language(_texts(column.get("dc:description")), spoken),
        "datatype": datatype.get("base", "string") if isinstance(datatype, dict) else datatype,
        "level": column.get(f"{_EXTENSION}level", ""),
    }


def _texts(values: Any) -> dict[str, str]:
    """Return CSVW's list of language strings as a text by language."""
    listed = values if isinstance(values, list) else [values] if values else []
    return {item["@language"]: item["@value"] for item in listed if isinstance(item, dict)}


def _values(lines: list[str]) -> dict[str, list[Value]]:
    values: dict[str, list[Value]] = {}
    for item in parse_lines(lines):
        values.setdefault(item.predicate.value, []).append(value(item.object))
    return values


def _best(values: list[Value], spoken: str) -> str:
    return in_language({found.language: found.text for found in values}, spoken)


def _links(document: str, formats: tuple[Format, ...]) -> list[tuple[str, str, str]]:
    path = torg().uris.path(document)
    return [(format.label, here(f"{path}.{format.suffix}"), format.media_type) for format in formats]


def _answer(body: bytes, chosen: Format, document: str, spoken: str, suffix: str) -> Response:
    links = [f'<{document}.{format.suffix}>; rel="alternate"; type="{format.media_type}"' for format in GRAPH_FORMATS]
    fixed = bool(suffix or request.args.get("format"))
    return answer(
        body,
        chosen.content_type,
        vary=(("Accept-Language",) if spoken else ()) if fixed else ("Accept", "Accept-Language"),
        links=[*links, f'<{document}>; rel="canonical"'],
        content_language=spoken,
        content_location=here(f"{torg().uris.path(document)}.{chosen.suffix}") + (f"?lang={spoken}" if spoken else ""),
    )
