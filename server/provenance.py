"""Provenance of the published graphs as PROV: which run made each graph, from which source bytes."""

from __future__ import annotations

from collections.abc import Iterable

from server.delivery import DatasetState
from server.site import Site

_PROV = "http://www.w3.org/ns/prov#"
_RDF_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
_XSD = "http://www.w3.org/2001/XMLSchema#"


def provenance_lines(site: Site, states: Iterable[DatasetState], number: int, time: str) -> list[str]:
    """Return N-Triples lines: one Activity per generation that made a graph, its sources named by their hash."""
    run = site.uris.iri(f"id/run/{number:06d}")
    lines = [
        f"<{run}> <{_RDF_TYPE}> <{_PROV}Activity> .\n",
        f'<{run}> <{_PROV}endedAtTime> "{time}"^^<{_XSD}dateTime> .\n',
    ]
    for state in states:
        for graph in state.graphs:
            delivery = state.deliveries[graph.period]
            activity = site.uris.iri(f"id/run/{delivery.get('generation', number):06d}")
            lines.append(f"<{graph.iri}> <{_PROV}wasGeneratedBy> <{activity}> .\n")
            for source in delivery["sources"]:
                lines.append(f"<{graph.iri}> <{_PROV}wasDerivedFrom> <urn:sha256:{source['sha256']}> .\n")
    return lines
