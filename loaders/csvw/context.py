"""The CSVW context: its terms, the prefixes of the RDFa initial context, and names expanded by them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from loaders.csvw.datatypes import ALIASES, PARENTS, builtin_iri
from loaders.csvw.terms import CSVW, is_iri, resolve

CONTEXT = "http://www.w3.org/ns/csvw"
# https://www.w3.org/ns/csvw.jsonld takes over the prefixes of the RDFa initial context.
PREFIXES: Mapping[str, str] = {
    "as": "https://www.w3.org/ns/activitystreams#",
    "cat": "http://www.w3.org/ns/dcat#",
    "cc": "http://creativecommons.org/ns#",
    "cnt": "http://www.w3.org/2008/content#",
    "csvw": CSVW,
    "ctag": "http://commontag.org/ns#",
    "dc": "http://purl.org/dc/terms/",
    "dc11": "http://purl.org/dc/elements/1.1/",
    "dcat": "http://www.w3.org/ns/dcat#",
    "dcterms": "http://purl.org/dc/terms/",
    "dctypes": "http://purl.org/dc/dcmitype/",
    "dqv": "http://www.w3.org/ns/dqv#",
    "duv": "https://www.w3.org/ns/duv#",
    "earl": "http://www.w3.org/ns/earl#",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "gldp": "http://www.w3.org/ns/people#",
    "gr": "http://purl.org/goodrelations/v1#",
    "grddl": "http://www.w3.org/2003/g/data-view#",
    "ht": "http://www.w3.org/2011/http#",
    "ical": "http://www.w3.org/2002/12/cal/icaltzd#",
    "jsonld": "http://www.w3.org/ns/json-ld#",
    "ldp": "http://www.w3.org/ns/ldp#",
    "ma": "http://www.w3.org/ns/ma-ont#",
    "oa": "http://www.w3.org/ns/oa#",
    "odrl": "http://www.w3.org/ns/odrl/2/",
    "og": "http://ogp.me/ns#",
    "org": "http://www.w3.org/ns/org#",
    "owl": "http://www.w3.org/2002/07/owl#",
    "prov": "http://www.w3.org/ns/prov#",
    "ptr": "http://www.w3.org/2009/pointers#",
    "qb": "http://purl.org/linked-data/cube#",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "rdfa": "http://www.w3.org/ns/rdfa#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "rev": "http://purl.org/stuff/rev#",
    "rif": "http://www.w3.org/2007/rif#",
    "rr": "http://www.w3.org/ns/r2rml#",
    "schema": "http://schema.org/",
    "sd": "http://www.w3.org/ns/sparql-service-description#",
    "sioc": "http://rdfs.org/sioc/ns#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "skosxl": "http://www.w3.org/2008/05/skos-xl#",
    "sosa": "http://www.w3.org/ns/sosa/",
    "ssn": "http://www.w3.org/ns/ssn/",
    "time": "http://www.w3.org/2006/time#",
    "v": "http://rdf.data-vocabulary.org/#",
    "vcard": "http://www.w3.org/2006/vcard/ns#",
    "void": "http://rdfs.org/ns/void#",
    "wdr": "http://www.w3.org/2007/05/powder#",
    "wdrs": "http://www.w3.org/2007/05/powder-s#",
    "wrds": "http://www.w3.org/2007/05/powder-s#",
    "xhv": "http://www.w3.org/1999/xhtml/vocab#",
    "xml": "http://www.w3.org/XML/1998/namespace",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
# Classes and properties of the CSVW vocabulary that are terms of the context.
CLASSES = frozenset(
    "Cell Column Datatype Dialect Direction ForeignKey JSON NumericFormat Row Schema Table TableGroup TableReference "
    "Transformation uriTemplate csvEncodedTabularData tabularMetadata".split()
)
# BCP 47 2.1, and of 2.2.9 (validity) what needs no registry: primary subtags of two or three letters (no longer one is
# registered), and the registered extensions t and u only. The W3C suite wants `invalid-language` told.
_BCP47 = re.compile(
    r"(?:[A-Za-z]{2,3}(?:-[A-Za-z]{3}){0,3}(?:-[A-Za-z]{4})?(?:-(?:[A-Za-z]{2}|[0-9]{3}))?"
    r"(?:-(?:[A-Za-z0-9]{5,8}|[0-9][A-Za-z0-9]{3}))*(?:-[TUtu](?:-[A-Za-z0-9]{2,8})+)*(?:-[xX](?:-[A-Za-z0-9]{1,8})+)?"
    r"|[xX](?:-[A-Za-z0-9]{1,8})+|[iI]-[A-Za-z]{3,8}|en-GB-oed|sgn-BE-FR|sgn-BE-NL|sgn-CH-DE|zh-min-nan)"
)


def is_language(tag: object) -> bool:
    """Tell whether the tag may be a language's (BCP 47).

    >>> is_language("sv-SE"), is_language("fr-t-sv-t0-mtec"), is_language("invalid-language")
    (True, True, False)
    """
    return isinstance(tag, str) and _BCP47.fullmatch(tag) is not None


def expand_name(name: str) -> str | None:
    """Return the IRI of a term, prefixed name or absolute URL; None when it is none of them.

    >>> expand_name("dc:title")
    'http://purl.org/dc/terms/title'
    >>> expand_name("Table"), expand_name("rubrik")
    ('http://www.w3.org/ns/csvw#Table', None)
    """
    if name in CLASSES:
        return CSVW + name
    base = ALIASES.get(name, name)
    if base in PARENTS:
        return builtin_iri(base)
    prefix, colon, local = name.partition(":")
    if colon and prefix in PREFIXES and not local.startswith("//"):
        return PREFIXES[prefix] + local
    return name if colon and prefix != "_" and is_iri(name) else None


def resolve_template(expanded: str, base: str) -> str:
    """Return the IRI that an expanded template stands for.

    >>> resolve_template("schema:name", "https://orebro.se/skolor.csv")
    'http://schema.org/name'
    >>> resolve_template("#kod-1", "https://orebro.se/skolor.csv")
    'https://orebro.se/skolor.csv#kod-1'
    """
    prefix, colon, local = expanded.partition(":")
    if colon and not local.startswith("//"):
        namespace = expand_name(prefix + ":")
        if namespace is not None and namespace != prefix + ":":
            return namespace + local
    return resolve(base, expanded)
