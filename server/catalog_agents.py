"""Who publishes and whom to ask: agents and contacts of the catalogue, each described once and apart."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from server.catalog_concepts import Places
from server.catalog_graph import CatalogGraph, term
from server.catalog_metadata import publisher_iri, publisher_type
from server.catalog_values import address, by_language, email
from server.site import Publisher, Site
from server.uris import key_part


class Agents:
    """Adds publishers and contacts to a catalogue's graph."""

    def __init__(self, site: Site, graph: CatalogGraph, places: Places) -> None:
        self._site, self._graph, self._places = site, graph, places
        self._contacts: set[str] = set()

    def publisher(self, publisher: Publisher) -> None:
        g, iri, ours = self._graph, publisher_iri(publisher), self._site.uris.organization(publisher.orgnr)
        g.link(iri, "rdf:type", term("foaf:Agent"))
        g.text(iri, "foaf:name", publisher.name)
        g.text(iri, "dcterms:description", publisher.description)
        g.literal(iri, "dcterms:identifier", publisher.orgnr)
        g.link(iri, "dcterms:type", publisher_type(publisher))
        g.link(iri, "foaf:homepage", address(publisher.homepage) if publisher.homepage else None)
        g.link(iri, "owl:sameAs", ours)
        # Ours is not typed as a foaf:Agent, or the portal would count it as a second publisher.
        g.link(ours, "rdf:type", term("org:FormalOrganization"))
        g.link(ours, "owl:sameAs", iri)
        g.text(ours, "rdfs:label", publisher.name)
        g.literal(ours, "dcterms:identifier", publisher.orgnr)
        if publisher.kommunkod:
            g.link(ours, "dcterms:spatial", self._places.at(publisher.kommunkod))

    def contact(self, publisher: Publisher, said: Any) -> str | None:
        """Describe the contact of a dataset, else of its publisher; return its IRI, None without any contact.

        The address is the key: a contact that several datasets share is described once (harvesting, identifiers).
        """
        table = dict(said) if isinstance(said, Mapping) else {"email": said} if said else {}
        mail = email(table.get("email") or publisher.contact or "")
        url = address(table.get("url") or ("" if mail else publisher.contact))
        if not mail and not url:
            return None
        iri = self._site.uris.iri(
            f"id/contact/{publisher.key}/{key_part((mail or url or '').removeprefix('mailto:').lower())}"
        )
        if iri in self._contacts:
            return iri
        self._contacts.add(iri)
        g = self._graph
        kind = "vcard:Individual" if str(table.get("type", "")).endswith("Individual") else "vcard:Organization"
        g.link(iri, "rdf:type", term(kind))
        names = by_language(table.get("name") or publisher.name, self._site.languages[0])
        g.literal(iri, "vcard:fn", str(next(iter(names.values()))))
        g.link(iri, "vcard:hasEmail", mail)
        g.link(iri, "vcard:hasURL", url)
        if phone := table.get("phone") or table.get("telephone"):
            g.link(iri, "vcard:hasTelephone", address("tel:" + re.sub(r"[^\d+]", "", str(phone))))
        return iri
