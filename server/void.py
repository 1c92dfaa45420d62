"""The description of everything published here as VoID, with the counts of every dataset's graphs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from server.all_dump import ALL, read_index
from server.formats import GRAPH_FORMATS
from server.generations import Generation, GraphEntry
from server.partitions import Partitions
from server.rdf_formats import Term, Triple, iri, text, triple
from server.site import Site

PATH = ".well-known/void"
_VOID = "http://rdfs.org/ns/void#"
_DCTERMS = "http://purl.org/dc/terms/"
_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
_FORMATS = {
    "ttl": "http://www.w3.org/ns/formats/Turtle",
    "jsonld": "http://www.w3.org/ns/formats/JSON-LD",
    "rdf": "http://www.w3.org/ns/formats/RDF_XML",
    "nt": "http://www.w3.org/ns/formats/N-Triples",
}


def void_triples(
    site: Site, generation: Generation, prefixes: Mapping[str, str], count: Callable[[GraphEntry], Partitions]
) -> Iterator[Triple]:
    """Yield the VoID description: the whole, each dataset, and each graph with its classes and properties.

    The number of triples of the whole is that of the default graph, where each triple counts once.
    """
    here = site.uris.iri(PATH)
    whole = f"{here}#dataset"
    counted = {entry.iri: count(entry) for entry in generation.graphs.values() if entry.published}
    yield from _said(here, (_TYPE, _VOID + "DatasetDescription"), ("http://xmlns.com/foaf/0.1/primaryTopic", whole))
    yield from _said(whole, (_TYPE, _VOID + "Dataset"), (_VOID + "sparqlEndpoint", site.uris.iri("sparql")))
    yield from _said(whole, (_VOID + "uriLookupEndpoint", site.uris.iri("resource?uri=")))
    if read_index(generation.path):
        yield from _said(whole, (_VOID + "dataDump", site.uris.iri(ALL)))
    yield triple(whole, _VOID + "uriSpace", text(site.base))
    yield triple(whole, _VOID + "triples", text(int(generation.manifest["default_graph_triples"])))
    yield triple(whole, _DCTERMS + "modified", _time(generation.manifest["created"]))
    for language, title in site.title.items():
        yield triple(whole, _DCTERMS + "title", text(title, language))
    for format in GRAPH_FORMATS:
        yield triple(whole, _VOID + "feature", iri(_FORMATS[format.suffix]))
    for namespace in _vocabularies(counted.values(), prefixes):
        yield triple(whole, _VOID + "vocabulary", iri(namespace))
    for name, entry in sorted(generation.graphs.items()):
        if not entry.published:
            continue
        owner = site.uris.dataset(*entry.dataset.split("/", 1)) if "/" in entry.dataset else whole
        if owner != whole:
            yield from _said(whole, (_VOID + "subset", owner))
            yield from _said(owner, (_TYPE, _VOID + "Dataset"))
        yield from _said(owner, (_VOID + "subset", name))
        yield from _graph(site, entry, counted[name], f"{here}#{entry.iri.removeprefix(site.base)}")


def _graph(site: Site, entry: GraphEntry, counts: Partitions, fragment: str) -> Iterator[Triple]:
    """Yield what is said of one graph; its partitions are fragments of the VoID document."""
    dump = site.uris.iri(entry.dump)
    yield from _said(entry.iri, (_TYPE, _VOID + "Dataset"), (_VOID + "dataDump", dump))
    yield triple(entry.iri, _VOID + "triples", text(entry.triples))
    yield triple(entry.iri, _VOID + "entities", text(counts.described))
    for kind, link, number, found in (
        ("class", "class", "entities", counts.classes),
        ("property", "property", "triples", counts.properties),
    ):
        for position, (name, total) in enumerate(found.items(), 1):
            part = f"{fragment}/{kind}/{position}"
            yield from _said(entry.iri, (f"{_VOID}{kind}Partition", part))
            yield from _said(part, (_VOID + link, name))
            yield triple(part, _VOID + number, text(total))


def _vocabularies(counted: Iterable[Partitions], prefixes: Mapping[str, str]) -> list[str]:
    used = {name for counts in counted for name in (*counts.classes, *counts.properties)}
    return sorted(space for space in set(prefixes.values()) if any(name.startswith(space) for name in used))


def _said(subject: str, *pairs: tuple[str, str]) -> Iterator[Triple]:
    for property, value in pairs:
        yield triple(subject, property, iri(value))


def _time(moment: str) -> Term:
    return text(moment, datatype="http://www.w3.org/2001/XMLSchema#dateTime")
