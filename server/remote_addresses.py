"""Where SPARQL servers take queries, updates and graphs, by product (SPARQL 1.1 Protocol and Graph Store Protocol)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a store takes queries, updates and graphs; "" for what it does not offer."""

    product: str
    query: str
    update: str
    graphs: str
    graph_parameter: str = "graph"


def addresses_of(product: str, url: str, update_url: str = "", graph_store_url: str = "") -> Addresses:
    """Return where a product takes what, from the address of the server or of its query endpoint.

    >>> addresses_of("oxigraph", "http://127.0.0.1:7878").graphs
    'http://127.0.0.1:7878/store'
    """
    if product == "oxigraph":
        root = url.rstrip("/").removesuffix("/query")
        return Addresses(product, f"{root}/query", update_url or f"{root}/update", graph_store_url or f"{root}/store")
    if product == "virtuoso":
        root = url.rstrip("/").removesuffix("/sparql")
        graphs = graph_store_url or f"{root}/sparql-graph-crud-auth"
        return Addresses(product, f"{root}/sparql", update_url or f"{root}/sparql-auth", graphs, "graph-uri")
    return Addresses(product, url, update_url, graph_store_url)
