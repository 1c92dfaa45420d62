"""Looks at concept files before they are published: what is broken in them, what they change, and whom that touches."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

import ontology
from loaders.findings import Finding, Severity
from server.concept_uses import Uses, read_uses
from server.generations import Generation
from server.graph_files import read_graph
from server.labels import unescape
from server.shared_graphs import shared_graphs
from server.site import Site

_SKOS = "http://www.w3.org/2004/02/skos/core#"
_TYPE, _STATUS = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type", "http://www.w3.org/ns/adms#status"
_DEPRECATED = "<http://purl.org/adms/status/Deprecated>"
_GRAPHS = ("graph/shared/concepts", "graph/site/concepts")
_HIERARCHY = tuple(_SKOS + name for name in ("broader", "narrower", "related", "inScheme", "topConceptOf"))
_LINKS = (*_HIERARCHY, *(f"{_SKOS}{name}Match" for name in ("exact", "close", "broad", "narrow", "related")))
_LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"(?:@([\w-]+))?')

Described = Mapping[str, Mapping[str, frozenset[str]]]
"""What is said of each concept: values as N-Triples writes them, by property."""


@dataclass(frozen=True, slots=True)
class ConceptChange:
    """One concept that is other than it was."""

    concept: str
    kind: str  # removed, deprecated, notation, renamed or moved
    name: str


def described(lines: Iterable[str]) -> dict[str, dict[str, frozenset[str]]]:
    """Return what is said of every concept among N-Triples lines."""
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for line in lines:
        subject, property, value = line.split(" ", 2)
        found[subject[1:-1]][property[1:-1]].add(value.removesuffix("\n").removesuffix(" ."))
    concept = f"<{_SKOS}Concept>"
    return {
        name: {property: frozenset(values) for property, values in said.items()}
        for name, said in found.items()
        if concept in said[_TYPE]
    }


@lru_cache(maxsize=8)
def _described(lines: tuple[str, ...]) -> Described:
    """Return what is said of concepts; the shared ones are the same from run to run."""
    return described(lines)


@lru_cache(maxsize=8)
def _digest(lines: tuple[str, ...]) -> str:
    """Return the hash that a graph file of these lines has, if they are canonical as they are."""
    return hashlib.sha256("".join(sorted(set(lines))).encode()).hexdigest()


def concept_findings(site: Site, previous: Generation | None, confirm: bool) -> list[Finding]:
    """Return what is wrong with the concepts to be published, and whom their changes touch.

    What blocks stops the whole run: every dataset's codes hang on the concepts. A concept that is gone, or has another
    notation, passes when it is confirmed. Raises DescriptionError when a file is no Turtle.
    """
    graphs = {graph.path: graph for graph in shared_graphs(site)}
    now = {path: _described(tuple(graphs[path].lines())) for path in _GRAPHS if path in graphs}
    everything = {name: said for concepts in now.values() for name, said in concepts.items()}
    own = now.get("graph/site/concepts", {})
    findings = list(integrity(own, everything, site)) if own else []
    if previous is None:
        return findings
    before: dict[str, Mapping[str, frozenset[str]]] = {}
    for path in _GRAPHS:
        entry = previous.graphs.get(site.uris.iri(path))
        if entry is not None and previous.manifest["concept_base"] == site.concept_base:
            # Most runs change no concept: a graph with the same content need not be read.
            same = path in now and entry.sha256 == _digest(tuple(graphs[path].lines()))
            before |= now[path] if same else described(read_graph(previous.path / entry.dump))
    uses = read_uses(previous)
    found = list(concept_changes(before, everything))
    return findings + [_told(change, uses, previous, confirm) for change in found if _matters(change, uses)]


def touched(before: Described, now: Described, counted: Generation) -> list[Finding]:
    """Return whom the changes of concepts between two states touch, by the uses in a generation."""
    uses = read_uses(counted)
    return [_told(one, uses, counted, True) for one in concept_changes(before, now) if _matters(one, uses)]


def redefined(lines: Iterable[str], site: Site) -> Iterator[Finding]:
    """Yield a finding when a graph taken over as RDF describes shared concepts, or terms of ours."""
    shared = {f"{site.concept_base}def/{file.name.removesuffix('.ttl')}" for file in ontology.concept_files()}
    begins = (f"<{site.concept_base}def/", f"<{site.concept_base}spec/")
    names = set()
    for line in lines:
        if line.startswith(begins):
            name = line[1 : line.index(">")]
            # A site that shares its base with the concepts may publish schemes of its own beside them.
            if "/spec/" in name or name in shared or name.rpartition("/")[0] in shared:
                names.add(name)
    if names:
        yield Finding("concepts.redefined", count=len(names), detail=(("name", min(names)),))


def concept_changes(before: Described, now: Described) -> Iterator[ConceptChange]:
    """Yield what has happened to each concept that was there before, the gravest thing of each."""
    for concept, old in sorted(before.items()):
        new, name = now.get(concept), _name(old) or concept
        if new is None:
            yield ConceptChange(concept, "removed", name)
        elif _DEPRECATED in new.get(_STATUS, ()) and _DEPRECATED not in old.get(_STATUS, ()):
            yield ConceptChange(concept, "deprecated", name)
        elif not old.get(f"{_SKOS}notation", frozenset()) <= new.get(f"{_SKOS}notation", frozenset()):
            yield ConceptChange(concept, "notation", name)
        elif old.get(f"{_SKOS}prefLabel") != new.get(f"{_SKOS}prefLabel"):
            yield ConceptChange(concept, "renamed", name)
        elif old.get(f"{_SKOS}broader") != new.get(f"{_SKOS}broader"):
            yield ConceptChange(concept, "moved", name)


def integrity(own: Described, everything: Described, site: Site) -> Iterator[Finding]:
    """Yield what breaks SKOS in a site's own concepts: labels, notations, cycles, links to nowhere (SKOS S9 to S46)."""
    notations = _notations(everything)
    for concept, said in sorted(own.items()):
        labels = _languages(said.get(f"{_SKOS}prefLabel", ()))
        if not labels:
            yield _finding("no-label", concept)
        for language in sorted({language for language in labels if labels.count(language) > 1}):
            yield _finding("two-labels", concept, language=language)
        texts = said.get(f"{_SKOS}prefLabel", frozenset()) & said.get(f"{_SKOS}altLabel", frozenset())
        if texts:
            yield _finding("label-twice", concept)
        for notation in said.get(f"{_SKOS}notation", ()):
            for scheme in said.get(f"{_SKOS}inScheme", ()):
                others = notations[notation, scheme] - {concept}
                if others:
                    yield _finding("same-notation", concept, other=min(others))
        if said.get(f"{_SKOS}broader", frozenset()) & said.get(f"{_SKOS}related", frozenset()):
            yield _finding("related-broader", concept)
        yield from _dangling(concept, said, everything, site)
    for concept in sorted(_cyclic(everything) & set(own)):
        yield _finding("cycle", concept)


def _dangling(concept: str, said: Mapping[str, frozenset[str]], everything: Described, site: Site) -> Iterator[Finding]:
    ours = tuple(f"<{base}def/" for base in {site.base, site.concept_base})
    for property in _LINKS:
        for value in sorted(said.get(property, ())):
            target = value[1:-1]
            if not value.startswith("<") or ("Match" in property and not value.startswith(ours)):
                if "Match" in property and not value.startswith("<http"):
                    yield _finding("dangling", concept, other=value[:80])
                continue
            known = target in everything or property.endswith(("inScheme", "topConceptOf"))
            if value.startswith(ours) and not known:
                yield _finding("dangling", concept, other=target)


def _cyclic(concepts: Described) -> set[str]:
    """Return the concepts that are their own broader concept in the end (SKOS 8.6.8 allows it; a hierarchy cannot)."""
    above = {
        name: {value[1:-1] for value in said.get(f"{_SKOS}broader", ())} & concepts.keys()
        for name, said in concepts.items()
    }
    left = dict(above)
    while free := [name for name, broader in left.items() if not broader & left.keys()]:
        for name in free:
            del left[name]
    # What merely hangs below a cycle is not in it.
    return {name for name in left if name in _ancestors(name, above)}


def _ancestors(name: str, above: Mapping[str, set[str]]) -> set[str]:
    waiting, seen = list(above[name]), set[str]()
    while waiting:
        other = waiting.pop()
        if other not in seen:
            seen.add(other)
            waiting.extend(above[other])
    return seen


def _notations(concepts: Described) -> Mapping[tuple[str, str], set[str]]:
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for name, said in concepts.items():
        for notation in said.get(f"{_SKOS}notation", ()):
            for scheme in said.get(f"{_SKOS}inScheme", ()):
                found[notation, scheme].add(name)
    return found


def _languages(values: Iterable[str]) -> list[str]:
    return [(match[2] or "").lower() for value in values if (match := _LITERAL.match(value))]


def _name(said: Mapping[str, frozenset[str]]) -> str:
    labels = sorted(said.get(f"{_SKOS}prefLabel", ()))
    chosen = next((label for label in labels if label.endswith('"@sv')), labels[0] if labels else "")
    match = _LITERAL.match(chosen)
    return unescape(match[1]) if match else ""


def _uses_of(concept: str, uses: Mapping[str, Uses]) -> dict[str, int]:
    return {iri: sum(counted[concept].values()) for iri, counted in uses.items() if concept in counted}


def _matters(change: ConceptChange, uses: Mapping[str, Uses]) -> bool:
    return change.kind in ("removed", "notation") or bool(_uses_of(change.concept, uses))


def _told(change: ConceptChange, uses: Mapping[str, Uses], previous: Generation, confirm: bool) -> Finding:
    """Return what a change does to whom; what breaks an address or a code blocks until it is confirmed."""
    touched = _uses_of(change.concept, uses)
    datasets = sorted({previous.graphs[iri].dataset for iri in touched} - {""})
    publishers = sorted({key.partition("/")[0] for key in datasets})
    detail = {
        "concept": change.concept,
        "name": change.name,
        "uses": str(sum(touched.values())),
        "datasets": str(len(datasets)),
        "publishers": str(len(publishers)),
        "who": ", ".join(publishers[:5]) + (" …" if len(publishers) > 5 else "") or "–",
    }
    severity: Severity | None = "block" if change.kind in ("removed", "notation") and not confirm else None
    return Finding(f"concepts.change-{change.kind}", file="concepts", detail=tuple(detail.items()), severity=severity)


def _finding(rule: str, concept: str, **detail: str) -> Finding:
    return Finding(f"concepts.{rule}", file="concepts", detail=(("concept", concept), *detail.items()))
