"""How the words of dataset.toml become properties and terms of the catalogue: one table, and what it needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from loaders.description import specification_names
from server.catalog_concepts import Places, service_area, theme_of
from server.catalog_graph import CatalogGraph
from server.catalog_values import XSD, address, as_list, by_language, code_list
from server.site import Site

# How a word of dataset.toml becomes a property of dcat:Dataset: (word, property, kind of value).
DATASET_PROPERTIES = (
    ("title", "dcterms:title", "text"),
    ("alternative", "dcterms:alternative", "text"),
    ("description", "dcterms:description", "text"),
    ("keyword", "dcat:keyword", "text"),
    ("accrualPeriodicity", "dcterms:accrualPeriodicity", "code"),
    ("accessRights", "dcterms:accessRights", "code"),
    ("language", "dcterms:language", "code"),
    ("hvdCategory", "dcatap:hvdCategory", "code"),
    ("applicableLegislation", "dcatap:applicableLegislation", "iri"),
    ("issued", "dcterms:issued", "time"),
    ("modified", "dcterms:modified", "time"),
    ("conformsTo", "dcterms:conformsTo", "specification"),
    ("landingPage", "dcat:landingPage", "iri"),
    ("page", "foaf:page", "iri"),
    ("documentation", "foaf:page", "iri"),
    ("spatial", "dcterms:spatial", "place"),
    ("temporalResolution", "dcat:temporalResolution", "duration"),
    ("spatialResolutionInMeters", "dcat:spatialResolutionInMeters", "decimal"),
    ("identifier", "dcterms:identifier", "string"),
    ("version", "dcat:version", "string"),
    ("versionNotes", "adms:versionNotes", "text"),
    ("hasVersion", "dcat:hasVersion", "iri"),
    ("isVersionOf", "dcterms:isVersionOf", "iri"),
    ("source_of", "dcterms:source", "iri"),
    ("relation", "dcterms:relation", "iri"),
    ("isReferencedBy", "dcterms:isReferencedBy", "iri"),
    ("type", "dcterms:type", "iri"),
    ("sample", "adms:sample", "iri"),
)


class Properties:
    """Writes a description's words into a catalogue's graph; what is no term of its kind is left out, and told."""

    def __init__(self, site: Site, graph: CatalogGraph, places: Places) -> None:
        self.site, self.graph, self.places = site, graph, places

    def dataset(self, iri: str, said: Mapping[str, Any]) -> None:
        """Write every word of the table, and the themes."""
        for word, property, kind in DATASET_PROPERTIES:
            if word in said:
                self.write(iri, word, property, kind, said[word])
        self.themes(iri, said)

    def themes(self, iri: str, said: Mapping[str, Any]) -> None:
        """Write EU themes as dcat:theme, our own service areas as dcterms:subject; the first follow from the second."""
        values = [str(value) for value in as_list(said.get("theme"))]
        areas = [area for value in values if (area := service_area(value))]
        themes = [theme for value in values if (theme := code_list("theme").iri(value))]
        self.graph.link(iri, "dcat:theme", *(themes or map(theme_of, areas)))
        self.graph.link(iri, "dcterms:subject", *(self.site.uris.resolve(f"def/service/{area}") for area in areas))

    def write(self, iri: str, word: str, property: str, kind: str, said: Any) -> None:
        """Write one word's values as a property."""
        g = self.graph
        if kind == "text":
            g.text(iri, property, by_language(said, self.site.languages[0]))
            return
        for value in as_list(said):
            if kind == "time":
                g.time(iri, property, value)
            elif kind == "string":
                g.literal(iri, property, str(value))
            elif kind in ("duration", "decimal"):
                g.literal(iri, property, str(value), datatype=XSD + kind)
            else:
                g.link(iri, property, self.object_iri(word, kind, str(value)))

    def object_iri(self, word: str, kind: str, value: str) -> str | None:
        if kind == "code":
            return code_list(word).iri(value)
        if kind == "place":
            return self.places.at(value)
        if kind == "specification" and ":" not in value:
            return self.site.uris.resolve(f"spec/{value}") if value in specification_names() else None
        return address(value)
