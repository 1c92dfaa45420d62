"""Whom a change of a concept would touch: the datasets, columns, publishers and queries that use it, counted."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import ontology
import queries
from queries import Query
from server.concept_uses import read_uses
from server.errors import OperationError
from server.generations import Generation
from server.specification_rows import specification_rows
from server.store import ReadStore
from server.uris import UriSpace

_SKOS = "http://www.w3.org/2004/02/skos/core#"
_MOST_BELOW = 10_000


@dataclass(frozen=True, slots=True)
class DatasetUse:
    """One dataset, or harvested catalogue, that uses a concept: how often, and in which columns or properties."""

    dataset: str  # "publisher/name", "harvest/<key>", or "" for the catalogue's own descriptions
    uses: int
    columns: Mapping[str, int]

    @property
    def publisher(self) -> str:
        """The publisher's key."""
        return self.dataset.partition("/")[0]


@dataclass(frozen=True, slots=True)
class Impact:
    """Everything that uses a concept itself; `below` counts the uses of the concepts beneath it."""

    concept: str
    uses: int
    below: int
    datasets: tuple[DatasetUse, ...]
    columns: Mapping[str, int]
    publishers: Mapping[str, int]
    queries: tuple[str, ...]  # that name it
    asking: tuple[str, ...]  # that ask by a property it is a value of

    def members(self) -> dict[str, Any]:
        """Return the impact as JSON members."""
        return {
            "concept": self.concept,
            "uses": self.uses,
            "usesBelow": self.below,
            "publishers": dict(self.publishers),
            "datasets": [
                {"dataset": one.dataset, "uses": one.uses, "columns": dict(one.columns)} for one in self.datasets
            ],
            "columns": dict(self.columns),
            "queries": list(self.queries),
            "queriesByProperty": list(self.asking),
        }


def impact(concept: str, generation: Generation, uris: UriSpace) -> Impact:
    """Return what uses a concept in a generation."""
    uses = read_uses(generation)
    found: dict[str, Counter[str]] = {}
    properties: Counter[str] = Counter()
    for iri, counted in uses.items():
        entry = generation.graphs[iri]
        key = entry.dataset or (iri.removeprefix(uris.iri("graph/")) if entry.kind == "harvest" else "")
        specification = generation.datasets.get(entry.dataset, {}).get("specification") or ""
        for property, number in counted.get(concept, {}).items():
            columns = columns_by_property(specification, uris)
            shares = _described(property, concept, generation.store, uris) if entry.kind == "catalog" else Counter()
            if (left := number - shares.total()) > 0:
                shares[key] += left
            for user, times in shares.items():
                found.setdefault(user, Counter())[columns.get(property, _short(property))] += times
            properties[property] += number
    listed = [DatasetUse(key, sum(each.values()), dict(each.most_common())) for key, each in found.items()]
    listed.sort(key=lambda one: (-one.uses, one.dataset))
    publishers: Counter[str] = Counter()
    named: Counter[str] = Counter()
    for one in listed:
        named.update(one.columns)
        if one.dataset:
            publishers[one.publisher] += one.uses
    under = set(_below(generation.store, concept))
    below = sum(sum(counted[name].values()) for counted in uses.values() for name in under if name in counted)
    mentioned = tuple(query.name for query in queries.all_queries() if _mentions(query, concept, uris))
    asking = tuple(
        query.name
        for query in queries.all_queries()
        if query.name not in mentioned and any(_asks(query, property, uris) for property in properties)
    )
    return Impact(
        concept,
        sum(one.uses for one in listed),
        below,
        tuple(listed),
        dict(named.most_common()),
        dict(publishers.most_common()),
        mentioned,
        asking,
    )


def _described(property: str, concept: str, store: ReadStore, uris: UriSpace) -> Counter[str]:
    """Return how often the catalogue says of each dataset, or of its years, that it is about a concept."""
    begin, found = uris.iri("id/dataset/"), Counter[str]()
    for subject in store.subjects(property, concept):
        parts = subject.removeprefix(begin).split("/") if subject.startswith(begin) else []
        if len(parts) > 1:
            found["/".join(parts[:2])] += 1
    return found


def find_concept(text: str, store: ReadStore, uris: UriSpace) -> str:
    """Return the IRI of a concept given by address, path (`service/T2.2`) or notation.

    Raises OperationError when there is none, or when several schemes have the notation.
    """
    if "://" in text:
        candidates = [text]
    elif "/" in text:
        path = "def/" + text.strip("/").removeprefix("res/").removeprefix("def/")
        candidates = list(dict.fromkeys((uris.resolve(path), uris.iri(path))))
    else:
        candidates = sorted(store.with_literal(f"{_SKOS}notation", text))
    found = [iri for iri in candidates if store.describes(iri)]
    if len(found) == 1:
        return found[0]
    if found:
        listed = ", ".join(found)
        raise OperationError(f"Several concepts have {text}: {listed}.", f"Flera begrepp har {text}: {listed}.")
    raise OperationError(
        f"There is no published concept {text}. Give its address, such as service/T2.2, or its notation.",
        f"Det finns inget publicerat begrepp {text}. Ange dess adress, till exempel service/T2.2, eller dess kod.",
    )


@lru_cache(maxsize=128)
def columns_by_property(specification: str, uris: UriSpace) -> Mapping[str, str]:
    """Return the name of a specification's column behind each property that holds a concept."""
    if specification not in ontology.specification_names():
        return {}
    rows = specification_rows(specification, uris)
    return {way.properties[-1]: way.column for way in (*rows.ways, *rows.concepts) if way.make in ("label", "notation")}


def _below(store: ReadStore, concept: str) -> Iterator[str]:
    waiting, seen = [concept], {concept}
    while waiting and len(seen) < _MOST_BELOW:
        name = waiting.pop()
        narrower = {getattr(term, "value", "") for term in store.values(name, f"{_SKOS}narrower")}
        for other in narrower | set(store.subjects(f"{_SKOS}broader", name)):
            if other and other not in seen:
                seen.add(other)
                waiting.append(other)
                yield other


def _mentions(query: Query, concept: str, uris: UriSpace) -> bool:
    relative = concept.removeprefix(uris.concepts).removeprefix(uris.base)
    text = re.sub(r"(?m)^#\+.*$", "", query.text)
    return f"<{relative}>" in text or f"<{concept}>" in text


def _asks(query: Query, property: str, uris: UriSpace) -> bool:
    prefixes = ontology.prefixes(uris.concepts)
    short = next(
        (f"{name}:{property.removeprefix(base)}" for name, base in prefixes.items() if property.startswith(base)), ""
    )
    relative = property.removeprefix(uris.concepts)
    names = [re.escape(name) for name in (short, f"<{relative}>", f"<{property}>") if name]
    # Dublin Core's subject and the like are asked for by many queries that have nothing to do with concepts.
    if not property.startswith(prefixes["torg"]):
        return False
    return re.search(rf"(?<![\w:])(?:{'|'.join(names)})(?![\w-])", query.text) is not None


def _short(property: str) -> str:
    return re.split(r"[/#]", property)[-1]
