"""The SPARQL 1.1 Service Description of the endpoint: languages, formats, limits, and the datasets it answers over.

Everything is said of IRIs of this site, never of blank nodes, so that each part can be linked to.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from server.rdf_formats import Triple, iri, text, triple
from server.readers import Limits

_SD = "http://www.w3.org/ns/sparql-service-description#"
_VOID = "http://rdfs.org/ns/void#"
_FORMAT = "http://www.w3.org/ns/formats/"
_DCTERMS = "http://purl.org/dc/terms/"
_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
_GEOF = "http://www.opengis.net/def/function/geosparql/"
_RESULT_FORMATS = (
    "SPARQL_Results_JSON SPARQL_Results_XML SPARQL_Results_CSV SPARQL_Results_TSV Turtle N-Triples RDF_XML JSON-LD"
).split()
# Those that Oxigraph evaluates; a test asks each of them.
GEOSPARQL_FUNCTIONS = (
    "area asGeoJSON centroid convexHull coordinateDimension difference dimension distance envelope getSRID "
    "intersection isEmpty isSimple length perimeter relate spatialDimension symDifference union "
    "sfEquals sfDisjoint sfIntersects sfTouches sfCrosses sfWithin sfContains sfOverlaps "
    "ehEquals ehDisjoint ehMeet ehOverlap ehCovers ehCoveredBy ehInside ehContains "
    "rcc8eq rcc8dc rcc8ec rcc8po rcc8tppi rcc8tpp rcc8ntpp rcc8ntppi"
).split()


@dataclass(frozen=True, slots=True)
class Graph:
    """A named graph that queries can name, and its number of triples."""

    iri: str
    triples: int


def service_description(
    endpoint: str, limits: Limits, query_length: int, default_triples: int, graphs: Sequence[Graph]
) -> list[Triple]:
    """Return the description of the endpoint at this IRI (SPARQL 1.1 Service Description, section 3)."""
    return list(_service(endpoint, limits, query_length)) + list(_dataset(endpoint, default_triples, graphs))


def of_manifest(endpoint: str, limits: Limits, query_length: int, manifest: Mapping[str, Any]) -> list[Triple]:
    """Return the description with the statistics of a generation's manifest."""
    graphs = [Graph(entry["iri"], int(entry["triples"])) for entry in manifest["graphs"]]
    return service_description(endpoint, limits, query_length, int(manifest["default_graph_triples"]), graphs)


def limit_words(limits: Limits, query_length: int) -> dict[str, str]:
    """Return the limits as the texts name them."""
    return {
        "seconds": f"{limits.seconds:g}",
        "memory": _number(limits.memory_mb),
        "rows": _number(limits.rows),
        "bytes": _number(limits.bytes),
        "merge": _number(limits.merge_triples),
        "length": _number(query_length),
    }


def _number(value: int | None) -> str:
    return "∞" if value is None else f"{value:,}".replace(",", "\u00a0")


def _service(endpoint: str, limits: Limits, query_length: int) -> Iterator[Triple]:
    yield _link(endpoint, _TYPE, _SD + "Service")
    yield _link(endpoint, _SD + "endpoint", endpoint)
    yield _link(endpoint, _SD + "supportedLanguage", _SD + "SPARQL11Query")
    for name in _RESULT_FORMATS:
        yield _link(endpoint, _SD + "resultFormat", _FORMAT + name)
    for name in GEOSPARQL_FUNCTIONS:
        yield _link(endpoint, _SD + "extensionFunction", _GEOF + name)
        yield _link(_GEOF + name, _TYPE, _SD + "Function")
    yield _link(endpoint, _SD + "defaultEntailmentRegime", "http://www.w3.org/ns/entailment/Simple")
    yield _link(endpoint, _SD + "defaultDataset", f"{endpoint}#dataset")
    words = limit_words(limits, query_length)
    for key, property in (
        ("title", "title"),
        ("description", "description"),
        ("limits", "description"),
        ("from", "description"),
        ("functions", "description"),
    ):
        yield from _say(endpoint, _DCTERMS + property, key, words)


def _dataset(endpoint: str, default_triples: int, graphs: Sequence[Graph]) -> Iterator[Triple]:
    dataset, default = f"{endpoint}#dataset", f"{endpoint}#default-graph"
    for kind in (_SD + "Dataset", _VOID + "Dataset"):
        yield _link(dataset, _TYPE, kind)
    yield _link(dataset, _SD + "defaultGraph", default)
    yield _link(dataset, _VOID + "sparqlEndpoint", endpoint)
    yield triple(dataset, _VOID + "triples", text(default_triples))
    yield _link(default, _TYPE, _SD + "Graph")
    yield triple(default, _VOID + "triples", text(default_triples))
    yield from _say(default, _DCTERMS + "description", "default_graph", {})
    for number, graph in enumerate(sorted(graphs, key=lambda graph: graph.iri), 1):
        named, content = f"{endpoint}#graph-{number}", f"{endpoint}#graph-{number}-content"
        yield _link(dataset, _SD + "namedGraph", named)
        yield _link(named, _TYPE, _SD + "NamedGraph")
        yield _link(named, _SD + "name", graph.iri)
        yield _link(named, _SD + "graph", content)
        yield _link(content, _TYPE, _SD + "Graph")
        yield triple(content, _VOID + "triples", text(graph.triples))


def _link(subject: str, property: str, object: str) -> Triple:
    return triple(subject, property, iri(object))


def _say(subject: str, property: str, key: str, words: Mapping[str, str]) -> Iterator[Triple]:
    for language, said in service_texts()[key].items():
        yield triple(subject, property, text(said.format(**words), language))


@cache
def service_texts() -> dict[str, dict[str, str]]:
    """Return what the description says, by key and language."""
    return tomllib.loads((files("server") / "service_texts.toml").read_text("utf-8"))
