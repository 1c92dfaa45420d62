"""What changed in a generation, thing by thing: created, updated or deleted, with its whole new description.

Derived from the differences between generations, so a feed never loses, keeps or brings back a member wrongly.
"""

from __future__ import annotations

import hashlib
import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, Literal

from server.graph_files import subject
from server.history import History
from server.store import ReadStore

Kind = Literal["Create", "Update", "Delete"]

_AS = "https://www.w3.org/ns/activitystreams#"
_LDES, _TREE = "https://w3id.org/ldes#", "https://w3id.org/tree#"
_DCTERMS, _XSD = "http://purl.org/dc/terms/", "http://www.w3.org/2001/XMLSchema#"
_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
_SKOS = "http://www.w3.org/2004/02/skos/core#"
_MOST_CONCEPTS = 20_000


@dataclass(frozen=True, slots=True)
class Scope:
    """Which changes are meant: all, those of a dataset, of a concept with all beneath it, or of one thing."""

    dataset: str = ""  # "publisher/name"
    branch: frozenset[str] = frozenset()
    resource: str = ""


@dataclass(frozen=True, slots=True)
class Member:
    """One thing that changed in a generation; `lines` describe it afterwards, and are empty when it is deleted."""

    kind: Kind
    iri: str
    generation: int
    time: datetime
    lines: tuple[str, ...]
    purged: bool = False


def branch(store: ReadStore, concept: str) -> frozenset[str]:
    """Return a concept and all beneath it by skos:broader and skos:narrower, whichever the data states."""
    found, ahead = {concept}, [concept]
    while ahead and len(found) < _MOST_CONCEPTS:
        step = ahead.pop()
        for name in (*store.subjects(_SKOS + "broader", step), *store.subjects(_SKOS + "topConceptOf", step),
                     *_narrower(store, step)):  # fmt: skip
            if name not in found:
                found.add(name)
                ahead.append(name)
    return frozenset(found)


def _narrower(store: ReadStore, concept: str) -> Iterator[str]:
    for term in (*store.values(concept, _SKOS + "narrower"), *store.values(concept, _SKOS + "hasTopConcept")):
        if text := str(term):
            yield text.strip("<>")


def changed_graphs(history: History, number: int, scope: Scope) -> list[dict[str, Any]]:
    """Return the entries of a generation's index that a scope can concern."""
    return [
        entry
        for entry in history.index(number)["graphs"]
        if entry["kind"] != "system" and (not scope.dataset or entry["dataset"] == scope.dataset)
    ]


def purged(history: History, number: int, dataset: str = "") -> list[str]:
    """Return the things that a generation was made to forget, of all datasets or of one."""
    told = history.index(number).get("purged", ())
    return [entry["iri"] for entry in told if not dataset or dataset in entry["datasets"]]


def may_concern(history: History, number: int, scope: Scope) -> bool:
    """Tell cheaply whether a generation can have changed anything in a scope; False is certain."""
    index, entries = history.index(number), changed_graphs(history, number, scope)
    if index.get("purged") or index.get("touched") or not scope.resource:
        return bool(entries or index.get("purged") or index.get("touched"))
    # A part of a thing is named after it, or is a blank node that only the description itself tells whose it is.
    starts = (f"<{scope.resource}>", f"<{scope.resource}#")
    return any(
        line.startswith(starts) or "/.well-known/genid/" in line[: line.index("> ")]
        for entry in entries
        for lines in history.difference(number, entry)
        for line in lines
    )


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What a generation changed in a branch, or of one thing: things by what happened to them, and the graphs."""

    kinds: Mapping[str, int]
    graphs: Sequence[Mapping[str, Any]]  # as in the history's index, with the lines that are about those things


def narrowed(history: History, number: int, scope: Scope) -> Narrowed | None:
    """Return what a generation changed within a scope, None when that was nothing."""
    if not may_concern(history, number, scope):
        return None
    kinds: Counter[str] = Counter()
    names: set[str] = set()
    for member in members(history, number, scope):
        kinds[member.kind] += 1
        names.add(member.iri)
    if not kinds:
        return None
    graphs = []
    for entry in changed_graphs(history, number, scope):
        added, removed = (
            sum(subject(line).partition("#")[0] in names for line in lines)
            for lines in history.difference(number, entry)
        )
        if added or removed:
            graphs.append(entry | {"added": added, "removed": removed})
    return Narrowed(kinds, graphs)


def members(history: History, number: int, scope: Scope, after: str = "") -> Iterator[Member]:
    """Yield what changed in a generation within a scope, in the order of the things' IRIs, from `after` on.

    A dataset's feed describes things as the dataset's own graphs do; any other as all published graphs do.
    """
    time = history.time(number)
    told = (
        _purged(history, number, scope, time),
        _relieved(history, number, scope, time),
        _differing(history, number, scope, time),
    )
    in_order = heapq.merge(*told, key=lambda member: _key(member.iri))
    for name, same in groupby(in_order, key=lambda member: member.iri):
        if not after or _key(name) > _key(after):
            yield next(same)


def _differing(history: History, number: int, scope: Scope, time: datetime) -> Iterator[Member]:
    """Yield what the differences of a generation tell of."""
    before_it, entries = _previous(history, number), changed_graphs(history, number, scope)
    if not entries:
        return
    if scope.resource:
        lines, earlier = (tuple(history.description(moment, scope.resource)) for moment in (number, before_it))
        member = _member(scope.resource, lines, earlier, scope, number, time)
        yield from (member,) if member is not None else ()
        return
    touched = _touched(history, number, entries)
    now, before = (_states(history, moment, scope) for moment in (number, before_it))
    new, old = next(now, None), next(before, None)
    for name in touched:
        while new is not None and _key(new[0]) < _key(name):
            new = next(now, None)
        while old is not None and _key(old[0]) < _key(name):
            old = next(before, None)
        lines = new[1] if new is not None and new[0] == name else ()
        earlier = old[1] if old is not None and old[0] == name else ()
        member = _member(name, lines, earlier, scope, number, time)
        if member is not None:
            yield member


def _member(
    name: str, lines: tuple[str, ...], earlier: tuple[str, ...], scope: Scope, number: int, time: datetime
) -> Member | None:
    if scope.branch:
        lines = lines if _belongs(name, lines, scope.branch) else ()
        earlier = earlier if _belongs(name, earlier, scope.branch) else ()
    if lines == earlier:
        return None
    kind: Kind = "Delete" if not lines else "Update" if earlier else "Create"
    return Member(kind, name, number, time, lines)


def _belongs(name: str, lines: Iterable[str], concepts: frozenset[str]) -> bool:
    """Tell whether a description is of a concept of the branch, or refers to one."""
    return any(True for _ in lines) and (
        name in concepts
        or any(line.endswith("> .\n") and line[line.rindex("<") + 1 : -4] in concepts for line in lines)
    )


def _purged(history: History, number: int, scope: Scope, time: datetime) -> Iterator[Member]:
    for entry in sorted(history.index(number).get("purged", ()), key=lambda entry: _key(entry["iri"])):
        fits = not scope.dataset or scope.dataset in entry["datasets"]
        if fits and (not scope.resource or scope.resource == entry["iri"]):
            yield Member("Delete", entry["iri"], number, time, (), purged=True)


def _relieved(history: History, number: int, scope: Scope, time: datetime) -> Iterator[Member]:
    """Yield the things whose descriptions lost a mention of what was purged; no difference tells of that."""
    names = history.index(number).get("touched", [])
    wanted = {scope.resource} & set(names) if scope.resource else set(names)
    for name, lines in _states(history, number, scope) if wanted else ():
        if name in wanted and (not scope.branch or _belongs(name, lines, scope.branch)):
            yield Member("Update", name, number, time, lines)


def _touched(history: History, number: int, entries: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the subjects of all lines that were added or removed, each once, in the order of the lines."""
    streams = [lines for entry in entries for lines in history.difference(number, entry)]
    for name, _ in groupby(heapq.merge(*streams), key=subject):
        yield name


def _states(history: History, number: int, scope: Scope) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield (subject, lines) of the merge of the scope's graphs in a generation."""
    graphs = [name for name, graph in history.graphs(number).items() if scope.dataset in ("", graph.dataset)]
    merged = heapq.merge(*(history.lines(number, graph) for graph in graphs)) if number else iter(())
    for name, lines in groupby(merged, key=subject):
        yield name, tuple(line for line, _ in groupby(lines))


def _previous(history: History, number: int) -> int:
    return max((known for known in history.numbers() if known < number), default=0)


def _key(name: str) -> str:
    return name + ">"  # as the lines are sorted: `<a#b>` comes before `<a>`


# Linked data event streams -------------------------------------------------------------------


def feed_head(feed: str, title: str, nodes: Iterable[tuple[str, datetime]]) -> list[str]:
    """Return the N-Triples of a stream: what it is, and one node for each generation by time (TREE, relations)."""
    view = feed.partition("#")[0]
    lines = [
        f"<{feed}> <{_TYPE}> <{_LDES}EventStream> .\n",
        f'<{feed}> <{_DCTERMS}title> "{escaped(title)}" .\n',
        f"<{feed}> <{_LDES}timestampPath> <{_AS}published> .\n",
        f"<{feed}> <{_LDES}versionOfPath> <{_AS}object> .\n",
        f"<{feed}> <{_TREE}view> <{view}> .\n",
        f"<{view}> <{_TYPE}> <{_TREE}Node> .\n",
    ]
    for node, time in nodes:
        relation = f"{view}#at-{hashlib.blake2b(node.encode(), digest_size=6).hexdigest()}"
        lines += [
            f"<{view}> <{_TREE}relation> <{relation}> .\n",
            f"<{relation}> <{_TYPE}> <{_TREE}EqualToRelation> .\n",
            f"<{relation}> <{_TREE}path> <{_AS}published> .\n",
            f'<{relation}> <{_TREE}value> "{stamp(time)}"^^<{_XSD}dateTime> .\n',
            f"<{relation}> <{_TREE}node> <{node}> .\n",
        ]
    return lines


def page_head(feed: str, page: str, following: str) -> list[str]:
    """Return the N-Triples of one page of a stream, which leads to the following page when there is one."""
    lines = [f"<{page}> <{_TYPE}> <{_TREE}Node> .\n"]
    if following:
        relation = f"{page}#next"
        lines += [
            f"<{page}> <{_TREE}relation> <{relation}> .\n",
            f"<{relation}> <{_TYPE}> <{_TREE}Relation> .\n",
            f"<{relation}> <{_TREE}node> <{following}> .\n",
        ]
    return lines


def activity(feed: str, name: str, member: Member) -> list[str]:
    """Return the N-Triples that say what happened to a thing, under the name of the member."""
    return [
        f"<{feed}> <{_TREE}member> <{name}> .\n",
        f"<{name}> <{_TYPE}> <{_AS}{member.kind}> .\n",
        f"<{name}> <{_AS}object> <{member.iri}> .\n",
        f'<{name}> <{_AS}published> "{stamp(member.time)}"^^<{_XSD}dateTime> .\n',
    ]


def member_name(page: str, iri: str) -> str:
    """Return the IRI of the version of a thing that a page tells of."""
    return f"{page}#{hashlib.blake2b(iri.encode(), digest_size=10).hexdigest()}"


def to_trig(lines: Iterable[str], graphs: Iterable[tuple[str, Iterable[str]]]) -> bytes:
    """Return triples of the default graph and of named graphs as TriG (without abbreviations: N-Triples are TriG)."""
    named = (f"<{name}> {{\n{''.join(inside)}}}\n" for name, inside in graphs)
    return ("".join(lines) + "".join(named)).encode()


def to_nquads(lines: Iterable[str], graphs: Iterable[tuple[str, Iterable[str]]]) -> bytes:
    """Return triples of the default graph and of named graphs as N-Quads."""
    named = (f"{line[:-2]}<{name}> .\n" for name, inside in graphs for line in inside)
    return ("".join(lines) + "".join(named)).encode()


def stamp(time: datetime) -> str:
    """Return a time in UTC as xsd:dateTime and RFC 3339 both write it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def escaped(text: str) -> str:
    """Return a text as it stands between the quotes of an N-Triples literal."""
    for char, written in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r")):
        text = text.replace(char, written)
    return text
