"""Locates the metadata of a table and reads the package it belongs to (Tabular Data Model 5, Locating Metadata)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from loaders.csvw.metadata import MetadataReader
from loaders.csvw.model import Schema, Table, TableGroup
from loaders.csvw.problems import CsvwError
from loaders.csvw.properties import Warn
from loaders.csvw.resources import Resources, parse_json, same_url
from loaders.csvw.templates import TemplateError, parse_template
from loaders.csvw.terms import is_iri, resolve

_METADATA_TYPES = ("application/csvm+json", "application/ld+json", "application/json")
# 5.3: what holds where a site has no configuration of its own.
_PATTERNS = ("{+url}-metadata.json", "csv-metadata.json")
# A mirror (--base with --root) cannot ask the site. These two are W3C's own configuration beyond the defaults; a
# document found by them counts, as any, only when it refers to the table.
_MIRROR_PATTERNS = (*_PATTERNS, "{+url}.json", "csvm.json")


def load_package(
    iri: str, resources: Resources, warn: Warn, *, metadata: str | None = None, link: str | None = None
) -> TableGroup:
    """Return the table group to process for a table or metadata document; raise CsvwError when it is invalid."""
    if metadata is not None:
        document = resources.json(metadata)
        if isinstance(document, dict) and not {"url", "tables"} & set(document):
            document = {**document, "url": iri}
        # What the user gives is never ignored (5.1), but leads to other tables than the one that was named.
        if not refers(document, metadata, iri) and not is_metadata(iri, resources):
            warn(f"the metadata at {metadata} does not refer to the table {iri}")
        return _read(document, metadata, resources, warn)
    if is_metadata(iri, resources):
        return _read(resources.json(iri), iri, resources, warn)
    for location in _locations(iri, resources, link):
        text = resources.text(location)
        # A server may answer a metadata address with the table itself: `{+url}-metadata.json` of `a.csv?q` does.
        if text is None or not text.lstrip().startswith("{"):
            continue
        document = parse_json(text, location)
        if refers(document, location, iri):
            return _read(document, location, resources, warn)
        warn(f"the metadata at {location} does not refer to the table and is ignored")
    if not is_iri(iri):
        raise CsvwError(f"{iri} is no address that RDF can hold")
    return TableGroup([Table(url=iri, schema=Schema())], base=iri, location="")


def is_metadata(iri: str, resources: Resources) -> bool:
    """Tell whether the IRI is a metadata document's: by its name, or by its first character where that says nothing."""
    path = iri.partition("#")[0].partition("?")[0].lower()
    if path.endswith((".json", ".jsonld", ".csvm")):
        return True
    if path.endswith((".csv", ".tsv", ".txt", ".tab")):
        return False
    response = resources.open(iri)
    if response is None:
        return False
    with response.body as body:
        return body.read(256).removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{")


def check_foreign_keys(group: TableGroup) -> None:
    """Raise CsvwError when a foreign key refers to no table or column of the group (Metadata Vocabulary 5.5.2.1)."""
    for table in group.tables:
        for key in table.schema.foreignKeys:
            target = referenced_table(group, key.resource, key.schemaReference)
            if target is None:
                raise CsvwError("a foreign key refers to a table that the group has not")
            users = [t for t in group.tables if key.schemaReference and _has_schema(t, key.schemaReference)]
            if len(users) > 1:
                raise CsvwError("a foreign key refers to a schema that several tables have")
            names = {column.name for column in target.schema.columns if column.declared}
            if not set(key.reference) <= names:
                raise CsvwError("a foreign key refers to a column that the table has not")


def referenced_table(group: TableGroup, resource: str | None, schema: str | None) -> Table | None:
    """Return the table that a foreign key refers to, by its URL or by its schema's."""
    for table in group.tables:
        if resource is not None and same_url(table.url, resource):
            return table
        if schema is not None and _has_schema(table, schema):
            return table
    return None


def _has_schema(table: Table, schema: str) -> bool:
    return bool(table.schema.id) and same_url(table.schema.id, schema)


def _read(document: Any, location: str, resources: Resources, warn: Warn) -> TableGroup:
    reader = MetadataReader(location, load=resources.json)
    group = reader.read(document)
    for warning in reader.warnings:
        warn(warning)
    check_foreign_keys(group)
    return group


def _locations(iri: str, resources: Resources, link: str | None) -> Iterator[str]:
    """Yield where metadata may be: the Link headers' documents, then the site-wide patterns' (5.2, 5.3)."""
    if link is None and not resources.mirrored and not iri.startswith("file:"):
        response = resources.open(iri)
        if response is not None:
            response.body.close()
            link = response.header("Link")
    # The last of several that are valid counts (5.2); whoever asks goes on until one is.
    yield from reversed(described_by(link or "", iri))
    url = iri.partition("#")[0]
    for pattern in _patterns(url, resources):
        try:
            yield resolve(url, parse_template(pattern).expand({"url": url}))
        except TemplateError:
            continue


def _patterns(url: str, resources: Resources) -> tuple[str, ...]:
    """Return the site's patterns (5.3); a mirror's may lie in its root, and the site itself is not asked."""
    if url.startswith("file:"):
        return _PATTERNS
    mirrored = resources.mirrored and resources.base is not None
    configured = resources.text(f"{resources.base}.well-known/csvm" if mirrored else resolve(url, "/.well-known/csvm"))
    if configured is None:
        return _MIRROR_PATTERNS if mirrored else _PATTERNS
    return tuple(line.strip() for line in configured.splitlines() if line.strip())


def described_by(link: str, iri: str) -> list[str]:
    """Return the targets of `describedby` links to metadata, in order (RFC 8288; Tabular Data Model 5.2).

    >>> described_by('<m.json>; rel="describedBy"; type="application/csvm+json"', "http://a.se/t.csv")
    ['http://a.se/m.json']
    >>> described_by('<m.html>; rel="describedby"; type="text/html"', "http://a.se/t.csv")
    []
    """
    found = []
    for target, parameters in re.findall(r'<([^>]*)>((?:\s*;\s*[^;,"=]+(?:=(?:"[^"]*"|[^;,"]*))?)*)', link):
        values: dict[str, str] = {}
        for name, quoted, plain in re.findall(r';\s*([^;,"=]+)(?:=(?:"([^"]*)"|([^;,"]*)))?', parameters):
            # RFC 8288 3.3: of a parameter given twice the first counts.
            values.setdefault(name.strip().lower(), (quoted or plain).strip())
        described = "describedby" in values.get("rel", "").lower().split()
        # A link that says no type is tried: what it leads to must be metadata of the table in any case.
        typed = values.get("type", _METADATA_TYPES[0]).partition(";")[0].strip().lower() in _METADATA_TYPES
        if described and typed and same_url(resolve(iri, values.get("anchor", "")), iri):
            found.append(resolve(iri, target))
    return found


def refers(document: Any, location: str, iri: str) -> bool:
    """Tell whether a metadata document names the table, as it must where it was only found (5.3)."""
    if not isinstance(document, dict):
        return False
    base = location
    context = document.get("@context")
    if isinstance(context, list) and len(context) == 2 and isinstance(context[1], dict):
        local = context[1].get("@base")
        base = resolve(location, local) if isinstance(local, str) else location
    tables = document.get("tables", [document])
    urls = [table.get("url") for table in tables if isinstance(table, dict)] if isinstance(tables, list) else []
    return any(isinstance(url, str) and same_url(resolve(base, url), iri) for url in urls)
