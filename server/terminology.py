"""The concept hierarchy as terminologies that others harvest: one scheme, or all, with everything said of its concepts.

One skos:ConceptScheme for each document and every concept with skos:inScheme, as Digg's specification of
interoperable terminologies wants them; the umbrella's document holds all that is part of it.
"""

from __future__ import annotations

import csv
import io
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from server.graph_files import subject
from server.labels import unescape
from server.uris import UriSpace

_SKOS, _DCTERMS = "http://www.w3.org/2004/02/skos/core#", "http://purl.org/dc/terms/"
_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
_VERSION = "http://www.w3.org/2002/07/owl#versionInfo"
_LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"(?:@([\w-]+))?')
_LINKS = ("broader", "narrower", "related", "exactMatch", "closeMatch", "broadMatch", "narrowMatch", "relatedMatch")
_TEXTS = ("prefLabel", "altLabel", "definition", "scopeNote", "changeNote")

Said = Mapping[str, list[str]]


@dataclass(frozen=True, slots=True)
class Scheme:
    """A concept scheme that can be harvested."""

    iri: str
    name: str  # the end of its address: service, torg
    title: Mapping[str, str]
    version: str
    concepts: int


class Terminologies:
    """All schemes of the concept graphs of one generation, from their lines."""

    def __init__(self, lines: Iterable[str], uris: UriSpace) -> None:
        self._uris = uris
        self._lines: dict[str, list[str]] = defaultdict(list)
        self._members: dict[str, set[str]] = defaultdict(set)
        self._parts: dict[str, set[str]] = defaultdict(set)
        scheme, inside = f"<{_SKOS}ConceptScheme>", f"{_SKOS}inScheme"
        self._schemes: set[str] = set()
        for line in lines:
            name = subject(line)
            self._lines[name].append(line)
            _, property, value = line.split(" ", 2)
            if property == f"<{inside}>":
                self._members[value[1:-4]].add(name)
            elif property == f"<{_TYPE}>" and value.startswith(scheme):
                self._schemes.add(name)
            elif property == f"<{_DCTERMS}hasPart>":
                self._parts[name].add(value[1:-4])

    def schemes(self) -> list[Scheme]:
        """Return every scheme, by address."""
        return [self._scheme(iri) for iri in sorted(self._schemes)]

    def find(self, name: str) -> Scheme | None:
        """Return the scheme at `def/<name>`, shared or the site's own; None when there is none."""
        for iri in (self._uris.resolve(f"def/{name}"), self._uris.iri(f"def/{name}")):
            if iri in self._schemes:
                return self._scheme(iri)
        return None

    def lines(self, scheme: str) -> list[str]:
        """Return everything said of a scheme, its parts and their concepts, mappings included, sorted."""
        schemes = [scheme, *sorted(self._parts[scheme])]
        names = {name for one in schemes for name in (one, *self._members[one])}
        return sorted({line for name in names for line in self._lines[name]})

    def table(self, scheme: str) -> bytes:
        """Return the concepts of a scheme as CSV: one row each, several values parted by a vertical bar."""
        languages = ("sv", "en")
        columns = [
            "uri", "scheme", "notation", *(f"{word}_{tag}" for word in _TEXTS for tag in languages), *_LINKS, "status",
            "issued", "modified", "isReplacedBy",
        ]  # fmt: skip
        target = io.StringIO()
        writer = csv.DictWriter(target, columns)
        writer.writeheader()
        for one in [scheme, *sorted(self._parts[scheme])]:
            for name in sorted(self._members[one], key=_natural):
                writer.writerow(_row(name, one, said(self._lines[name]), languages))
        return target.getvalue().encode()

    def _scheme(self, iri: str) -> Scheme:
        about = said(self._lines[iri])
        titles = {tag: text for text, tag in _texts(about.get(f"{_DCTERMS}title", []))}
        version = next((text for text, _ in _texts(about.get(_VERSION, []))), "")
        members = {name for one in (iri, *self._parts[iri]) for name in self._members[one]}
        return Scheme(iri, iri.partition("/def/")[2], titles, version, len(members))


def said(lines: Iterable[str]) -> Said:
    """Return the values by property of one subject's lines, as N-Triples writes them."""
    found: dict[str, list[str]] = defaultdict(list)
    for line in lines:
        _, property, value = line.split(" ", 2)
        found[property[1:-1]].append(value.removesuffix("\n").removesuffix(" ."))
    return found


def _row(name: str, scheme: str, about: Said, languages: Iterable[str]) -> dict[str, str]:
    row = {"uri": name, "scheme": scheme}
    row["notation"] = "|".join(text for text, _ in _texts(about.get(f"{_SKOS}notation", [])))
    for word in _TEXTS:
        texts = list(_texts(about.get(f"{_SKOS}{word}", [])))
        for tag in languages:
            row[f"{word}_{tag}"] = "|".join(text for text, language in texts if language == tag)
    for word in _LINKS:
        row[word] = "|".join(sorted(value[1:-1] for value in about.get(f"{_SKOS}{word}", []) if value[0] == "<"))
    status = about.get("http://www.w3.org/ns/adms#status", [])
    row["status"] = "|".join(value[1:-1].rpartition("/")[2] for value in status)
    for word in ("issued", "modified"):
        row[word] = "|".join(text for text, _ in _texts(about.get(f"{_DCTERMS}{word}", [])))
    row["isReplacedBy"] = "|".join(value[1:-1] for value in about.get(f"{_DCTERMS}isReplacedBy", []))
    return row


def _texts(values: Iterable[str]) -> Iterator[tuple[str, str]]:
    for value in sorted(values):
        if match := _LITERAL.match(value):
            yield unescape(match[1]), match[2] or ""


def _natural(name: str) -> list[tuple[int, str]]:
    """Return what orders T2 before T10."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", name)]
