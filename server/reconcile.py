"""Reconciliation of texts to things by the Reconciliation API 0.2: candidates, suggestions, extension of rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

from server.errors import Problem
from server.fuzzy_index import FuzzyIndex, Hit, similarity
from server.label_lookup import LabelLookup
from server.labels import Label, LabelIndex, fold
from server.rdf_formats import Value, value
from server.search import Search
from server.store import ReadStore
from server.uris import UriSpace

MOST_QUERIES, MOST_CANDIDATES, MOST_IDS, MOST_PROPERTIES = 1_000, 50, 1_000, 50
_SKOS = "http://www.w3.org/2004/02/skos/core#"
_CONCEPT, _IN_SCHEME = _SKOS + "Concept", _SKOS + "inScheme"
_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
_XSD = "http://www.w3.org/2001/XMLSchema#"
_NAME_SHARE = 0.7  # of the score, when the query names property values too
_CERTAIN, _AHEAD = 95.0, 5.0  # a match is certain from this score on, this far ahead of the next
_OTHER_TYPE = 10.0  # points less for what is not of the types that a query would rather have
_MOST_SUBJECTS = 200  # things that are looked at for one value of a property, when a query has no name
_KEPT = 20  # candidates whose properties are compared
_INTEGERS = frozenset(_XSD + name for name in ("integer", "int", "long", "short", "nonNegativeInteger"))
_HALVES = re.compile("[\ud800-\udfff]")
_NUMBERS = frozenset(_XSD + name for name in ("decimal", "double", "float"))

TypeStrict = Literal["any", "should", "all"]


@dataclass(frozen=True, slots=True)
class ReconciliationQuery:
    """One query of a batch (section 4.2): a name, types it may have, and values its properties should have."""

    text: str
    types: tuple[str, ...]
    type_strict: TypeStrict
    limit: int
    properties: tuple[tuple[str, tuple[str, ...]], ...]


class Reconciler:
    """Answers reconciliation queries over one generation."""

    def __init__(
        self, store: ReadStore, lookup: LabelLookup, labels: LabelIndex, search: Search | None, uris: UriSpace
    ) -> None:
        self._store, self._labels, self._search, self._uris = store, labels, search, uris
        self._lookup = lookup
        self._own = tuple(dict.fromkeys((uris.resolve("def/"), uris.iri("def/"), uris.iri("id/"))))
        self._left_out = uris.iri("id/distribution/")
        self._index = FuzzyIndex(lookup.names(self._own), lookup.numbered)

    def candidates(self, query: ReconciliationQuery, language: str) -> list[dict[str, Any]]:
        """Return the candidates of a query, best first (section 4.3)."""
        hits = self._found(query)
        if query.properties or query.type_strict == "should":
            weighed = [(self._weigh(hit, query), hit) for hit in hits]
            weighed.sort(key=lambda item: -item[0])
        else:
            weighed = [(hit.score, hit) for hit in hits]
        second = weighed[1][0] if len(weighed) > 1 else 0.0
        shown = weighed[: query.limit]
        names = self._labels.labels([hit.iri for _, hit in shown], language)
        types = self._labels.labels([kind for _, hit in shown for kind in kinds(hit.iri, hit.type)], language)
        result = []
        for place, (score, hit) in enumerate(shown):
            name = names.get(hit.iri, (hit.text, ""))[0]
            result.append(
                {
                    "id": hit.iri,
                    "name": name,
                    "description": _described(hit, name, types),
                    "type": [
                        {"id": kind, "name": types.get(kind, (_local(kind), ""))[0]}
                        for kind in kinds(hit.iri, hit.type)
                    ],
                    "score": round(score, 2),
                    "match": place == 0 and score >= _CERTAIN and score - second >= _AHEAD,
                    "features": [
                        {"id": "name_similarity", "value": round(similarity(fold(query.text), fold(hit.text)), 2)},
                        {"id": "all_letters", "value": fold(query.text) == fold(hit.text)},
                    ],
                }
            )
        return result

    def suggest(self, prefix: str, limit: int, start: int, language: str) -> list[dict[str, Any]]:
        """Return things for what a person has typed so far (section 6): those that begin with it, then alike ones."""
        found = self._search.suggest(prefix, 2 * (start + limit)) if self._search else ()
        # Name and class of each; things that nobody's column is about come in between.
        own = {hit.iri: (hit.title, hit.type) for hit in found if self._is_meant(hit.iri)}
        own = dict(islice(own.items(), start, start + limit))
        if not own and not start:
            own = {hit.iri: (hit.text, hit.type) for hit in self._named(prefix, limit, lambda _: True)}
        names = self._labels.labels(own, language)
        types = self._labels.labels([kind for iri, (_, type) in own.items() for kind in kinds(iri, type)], language)
        return [
            {
                "id": iri,
                "name": names.get(iri, (text, ""))[0],
                "description": ", ".join(types[kind][0] for kind in kinds(iri, type) if kind in types),
                "notable": [{"id": kind, "name": types.get(kind, (_local(kind), ""))[0]} for kind in kinds(iri, type)],
            }
            for iri, (text, type) in own.items()
        ]

    def properties_of(self, type: str, limit: int, language: str) -> list[dict[str, str]]:
        """Return the properties that things of a type have, those most of them have first (section 8.1)."""
        counts: dict[str, int] = {}
        property = _IN_SCHEME if "/def/" in type else _TYPE
        for subject in islice(self._store.subjects(property, type), 100):
            for name in {name for name, _ in self._store.outgoing(subject)}:
                counts[name] = counts.get(name, 0) + 1
        ranked = sorted(counts, key=lambda name: (-counts[name], name))[:limit]
        names = self._labels.labels(ranked, language)
        return [{"id": name, "name": names.get(name, (_local(name), ""))[0]} for name in ranked]

    def extend(
        self, ids: Sequence[str], properties: Sequence[tuple[str, int]], language: str
    ) -> tuple[list[dict[str, Any]], dict[str, dict[str, list[dict[str, Any]]]]]:
        """Return (meta, rows) of a data extension: the values of properties of things (section 8.3)."""
        values = {id: {pid: _best(self._values(id, pid), language)[:most] for pid, most in properties} for id in ids}
        flat = [one for row in values.values() for cells in row.values() for one in cells]
        iris = [one.text for one in flat if one.kind == "iri"] + [whole(pid) for pid, _ in properties]
        names = self._labels.labels(iris, language)
        meta = [{"id": pid, "name": names.get(pid, (_local(pid), ""))[0]} for pid, _ in properties]
        rows = {
            id: {pid: [_cell(one, names) for one in cells] for pid, cells in row.items()} for id, row in values.items()
        }
        return meta, rows

    def _values(self, id: str, property: str) -> list[Value]:
        try:
            found = [value(term) for term in self._store.values(id, property)]
        except ValueError:  # not an IRI
            return []
        return sorted(found, key=lambda one: (one.language, one.text))

    def _found(self, query: ReconciliationQuery) -> list[Hit]:
        """Return what a query may mean: things of its types, and others behind them when types are only a wish."""
        most = max(query.limit, _KEPT)
        if not query.text:
            return self._by_properties(query)
        found = self._named(query.text, most, lambda label: _fits(label.iri, label.type, query))
        if query.types and query.type_strict == "should":
            known = {hit.iri for hit in found}
            found += [hit for hit in self._named(query.text, most, lambda _: True) if hit.iri not in known]
        return found

    def _named(self, text: str, most: int, wanted: Callable[[Label], bool]) -> list[Hit]:
        """Return the things of ours with names like a text, or with exactly this code or name."""
        exact = self._lookup.named([text]).get(text, ())
        return self._index.find(text, most, lambda label: self._is_meant(label.iri) and wanted(label), exact)

    def _is_meant(self, iri: str) -> bool:
        """Tell whether somebody's column can be about a thing."""
        return iri.startswith(self._own) and not iri.startswith(self._left_out)

    def _weigh(self, hit: Hit, query: ReconciliationQuery) -> float:
        """Return the score of a hit with what properties and type say; a property without values counts half."""
        score = hit.score
        if query.properties:
            agreed = [self._agreement(hit.iri, property, values) for property, values in query.properties]
            share = _NAME_SHARE if query.text else 0.0
            score = share * score + (1 - share) * 100 * sum(agreed) / len(agreed)
        return score if _fits(hit.iri, hit.type, query) else max(0.0, score - _OTHER_TYPE)

    def _agreement(self, iri: str, property: str, wanted: Sequence[str]) -> float:
        found = self._values(iri, property)
        if not found or not wanted:
            return 0.5
        named = self._labels.labels([one.text for one in found if one.kind == "iri"])
        texts = {one.text for one in found} | {fold(one.text) for one in found if one.kind == "literal"}
        texts |= {fold(name) for name, _ in named.values()}
        best = 0.0
        for text in wanted:
            if text in texts or fold(text) in texts:
                return 1.0
            best = max([best, *(similarity(fold(text), known) / 100 for known in texts)])
        return best if best > 0.8 else 0.0

    def _by_properties(self, query: ReconciliationQuery) -> list[Hit]:
        """Return what has the values that the properties name, for a query without a name (section 4.2)."""
        hits: dict[str, Hit] = {}
        for property, values in query.properties:
            for text in values:
                if "://" not in text:
                    continue
                for subject in self._subjects(property, text):
                    type = next((value(term).text for term in self._store.values(subject, _TYPE)), "")
                    if query.type_strict == "should" or _fits(subject, type, query):
                        hits.setdefault(subject, Hit(subject, "", type, "label", 0.0))
        return list(hits.values())

    def _subjects(self, property: str, iri: str) -> Iterable[str]:
        try:
            return list(islice(self._store.subjects(property, iri), _MOST_SUBJECTS))  # it fails when it is gone through
        except ValueError:  # no IRI
            return ()


def _fits(iri: str, type: str, query: ReconciliationQuery) -> bool:
    own = kinds(iri, type)
    return not query.types or (all if query.type_strict == "all" else any)(one in own for one in query.types)


def kinds(iri: str, type: str) -> list[str]:
    """Return the types of a thing as reconciliation sees them: its class, and the scheme of a concept."""
    if type == _CONCEPT:
        return [iri.rpartition("/")[0], type]
    return [type] if type else []


def read_batch(document: object) -> tuple[dict[str, ReconciliationQuery], dict[str, str]]:
    """Return (the queries of a batch by their keys, what is wrong with the others by theirs).

    One query that cannot be understood is no reason to leave the others unanswered. Raises Problem 400 or 413
    when the batch as a whole cannot be read.
    """
    if not isinstance(document, dict):
        raise Problem(400, "A batch of queries is a JSON object with one member for each query.")
    if len(document) > MOST_QUERIES:
        raise Problem(413, f"There are {len(document)} queries; at most {MOST_QUERIES} can be asked at once.")
    queries: dict[str, ReconciliationQuery] = {}
    faults: dict[str, str] = {}
    for key, entry in document.items():
        try:
            queries[key] = _read_query(entry)
        except ValueError as error:
            faults[key] = str(error)
    return queries, faults


def _read_query(entry: object) -> ReconciliationQuery:
    """Return one query; raise ValueError that says what is wrong with it."""
    if not isinstance(entry, dict):
        raise ValueError("A query is an object.")
    text, types, limit = entry.get("query", ""), entry.get("type") or [], entry.get("limit", 10)
    strict, listed = entry.get("type_strict", "any"), entry.get("properties") or []
    types = [types] if isinstance(types, str) else types
    if not isinstance(text, str) or not (isinstance(types, list) and all(isinstance(one, str) for one in types)):
        raise ValueError("`query` is a text, `type` an identifier or a list of them.")
    if isinstance(limit, bool) or not isinstance(limit, int | float) or not 1 <= limit < float("inf"):
        raise ValueError("`limit` is a number from 1.")
    if strict not in ("any", "should", "all"):
        raise ValueError("`type_strict` is any, should or all.")
    if not isinstance(listed, list) or not all(isinstance(one, dict) and "pid" in one for one in listed):
        raise ValueError("`properties` is a list of objects with `pid` and `v`.")
    if len(listed) > MOST_PROPERTIES:
        raise ValueError(f"`properties` has {len(listed)} entries; at most {MOST_PROPERTIES} are compared.")
    properties = tuple((whole(str(one["pid"])), _read_values(one.get("v"))) for one in listed)
    text = whole(text).strip()[:1_000]
    if not text and not properties:
        raise ValueError("There is neither `query` nor `properties`.")
    return ReconciliationQuery(text, tuple(map(whole, types)), strict, int(min(limit, MOST_CANDIDATES)), properties)


def whole(text: str) -> str:
    r"""Return a text without halves of surrogate pairs, which JSON can spell but no store or index can hold.

    >>> whole("Sk\ud83dola")
    'Sk\ufffdola'
    """
    return _HALVES.sub("\ufffd", text)


def _read_values(given: object) -> tuple[str, ...]:
    listed = given if isinstance(given, list) else [given]
    texts = (one.get("id", "") if isinstance(one, dict) else one for one in listed)
    return tuple(whole(_plain(text))[:1_000] for text in texts if text is not None and text != "")


def _plain(given: object) -> str:
    return str(given).lower() if isinstance(given, bool) else str(given)


def _described(hit: Hit, name: str, types: Mapping[str, tuple[str, str]]) -> str:
    kind = ", ".join(types[one][0] for one in kinds(hit.iri, hit.type)[:1] if one in types)
    other = hit.text if hit.text and hit.text != name else ""
    return "; ".join(part for part in (kind, other) if part)


def _best(cells: Sequence[Value], language: str) -> list[Value]:
    """Return the values; of texts in several languages only those in the language asked for, when there are any."""
    spoken = {one.language.split("-")[0] for one in cells if one.language}
    if not spoken:
        return list(cells)
    chosen = next((name for name in (language, "sv", "en") if name in spoken), min(spoken))
    return [one for one in cells if not one.language or one.language.split("-")[0] == chosen]


def _cell(one: Value, names: Mapping[str, tuple[str, str]]) -> dict[str, Any]:
    """Return a value as data extension has it: an entity, a number, a date and time, or a text."""
    if one.kind == "iri":
        return {"id": one.text, "name": names.get(one.text, (_local(one.text), ""))[0]}
    try:
        if one.datatype in _INTEGERS:
            return {"int": int(one.text)}
        if one.datatype in _NUMBERS:
            number = float(one.text)
            return {"float": number} if abs(number) < float("inf") else {"str": one.text}
    except ValueError:
        return {"str": one.text}
    if one.datatype == _XSD + "date" and len(one.text) == 10:
        return {"date": f"{one.text}T00:00:00Z"}
    if one.datatype == _XSD + "dateTime":
        return {"date": one.text}
    return {"str": one.text}


def _local(iri: str) -> str:
    return iri.rstrip("/#").replace("#", "/").rpartition("/")[2] or iri
