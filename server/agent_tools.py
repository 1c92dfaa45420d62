"""What a language model may do with a site: look up before it names, describe, list, ask; within visitors' limits."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from typing import Any

import queries
from loaders.description import nearest
from queries import Query
from server import query_api
from server.catalog_reader import of_store, read_catalog
from server.description import describe
from server.errors import Problem
from server.formats import TURTLE
from server.instance import Torg
from server.label_lookup import LabelLookup
from server.query_api import Window
from server.query_service import limits_of
from server.readers import ReaderPool
from server.resolver import NothingBeneath, Resolver
from server.search import Asked, searcher

MOST_ROWS = 500
_PAGE = 100  # rows of a named query at once
_LONGEST = 100_000  # characters of one answer: more helps no reader
_RESULTS = "application/sparql-results+json"


class AgentTools:
    """The tools over one site. Every text comes from what is published; a wrong argument raises Problem with advice."""

    def __init__(self, torg: Torg) -> None:
        self._torg = torg
        self._starting = threading.Lock()
        self._pool: ReaderPool | None = None

    def search(self, text: str, limit: int = 20) -> str:
        """Return things and concepts that the words find, best first, as JSON: IRI, name, language, type and dataset.

        `corrected` tells the words that were searched for instead, when those given found nothing.
        """
        opened = self._torg.current()
        found = searcher(opened).find(Asked(text), max(1, min(limit, 100)))
        if not found.hits:
            raise Problem(404, "Nothing is found by this. Try one word, its beginning, or Swedish.")
        names = opened.labels.labels([hit.iri for hit in found.hits])
        listed = []
        for hit in found.hits:
            name, language = names.get(hit.iri, (hit.title, ""))
            listed.append(
                {"iri": hit.iri, "name": name, "language": language, "type": hit.type, "dataset": hit.dataset}
            )
        corrected = {"corrected": found.corrected} if found.corrected else {}
        return _json({"results": listed, "total": found.total} | corrected)

    def resolve(self, items: list[str], within: str = "") -> str:
        """Return what codes, labels and URIs name, as JSON in the order given: IRI, status, labels, broader path."""
        if len(items) > MOST_ROWS:
            raise Problem(413, f"At most {MOST_ROWS} items at once.")
        opened, site = self._torg.current(), self._torg
        lookup = LabelLookup(opened.generation.path / "labels.sqlite")
        resolver = Resolver(
            opened.generation.store, lookup, site.ledger, site.uris, site.prefixes, opened.generation.graphs
        )
        try:
            found = resolver.resolve(items, within)
        except NothingBeneath as nothing:
            raise Problem(404, str(nothing)) from None
        return _json(
            [
                {
                    "given": one.given,
                    "iri": one.iri,
                    "status": one.status,
                    "labels": dict(one.labels),
                    "broader": [step.iri for step in one.broader],
                    "successors": [step.iri for step in one.successors],
                    "candidates": [step.iri for step in one.candidates],
                }
                for one in found
            ]
        )

    def describe(self, iri: str) -> str:
        """Return everything that is published about an IRI as Turtle."""
        opened = self._torg.current()
        try:
            found = describe(opened.generation.store, iri, iri)
        except ValueError:
            raise Problem(400, f"{iri[:200]!r} is no IRI. Find one with search or resolve.") from None
        if found is None:
            raise Problem(404, f"Nothing is published about {iri[:200]}. Find an IRI with search or resolve.")
        return _cut(self._torg.writer.write_statements(found.statements(), TURTLE, iri).decode())

    def list_datasets(self, words: str = "") -> str:
        """Return the datasets as JSON: IRI, title, publisher, graphs' addresses and formats; `words` narrows them."""
        opened, site = self._torg.current(), self._torg.site
        catalog = read_catalog(of_store(opened.generation.store), site.uris, site.languages)
        graphs: dict[str, list[str]] = {}
        for entry in opened.generation.graphs.values():
            graphs.setdefault(entry.dataset, []).append(entry.iri)
        listed = [
            {
                "iri": dataset.iri,
                "title": dict(dataset.title),
                "publisher": dict(dataset.publisher_name),
                "specification": dataset.specification,
                "modified": dataset.modified,
                "graphs": sorted(graphs.get(dataset.key, [])),
            }
            for dataset in catalog.find(q=words)
        ]
        return _json({"datasets": listed})

    def list_queries(self) -> str:
        """Return the named queries as JSON: name, title, what each answers, its parameters with an example of each."""
        return _json(
            [
                {
                    "name": query.name,
                    "title": query.title["en"],
                    "description": query.description["en"],
                    "parameters": {one.name: one.examples[0] for one in query.parameters},
                }
                for query in queries.all_queries()
            ]
        )

    def run_named_query(self, name: str, parameters: Mapping[str, str | list[str]] | None = None, page: int = 1) -> str:
        """Return one page of a named query's answer as JSON, or Turtle for one that answers a graph."""
        query = self._query(name)
        values = {key: one if isinstance(one, list) else [str(one)] for key, one in (parameters or {}).items()}
        values = {key: [str(value) for value in listed] for key, listed in values.items()}
        query_api.known(query, values)
        uris = self._torg.uris
        if query.is_graph:
            triples = query_api.construct(query, values, uris, self._readers(), "sv")
            return _cut(self._torg.writer.write(triples, TURTLE).decode())
        size = min(query.page_size, _PAGE) if query.page_size else 0
        asked = Window(max(1, page), size) if size else Window()
        table = query_api.select(query, values, asked, uris, self._readers(), "sv")
        return _cut(query_api.to_json(table, {"query": name, "page": asked.number, "more": table.more}).decode())

    def sparql_select(self, query: str) -> str:
        """Return at most 500 rows of a SPARQL SELECT or ASK as SPARQL JSON, within the limits of every visitor."""
        result = self._readers().query(query, accept_format=_RESULTS)
        document = json.loads(b"".join(result.pieces()))
        bindings = document.get("results", {}).get("bindings", [])
        shown = bindings[:MOST_ROWS]
        while len(_json(shown)) > _LONGEST and len(shown) > 1:
            shown = shown[: len(shown) // 2]
        if len(shown) < len(bindings):
            document["results"]["bindings"] = shown
            document["cut"] = f"There are {len(bindings)} rows; these are the first {len(shown)}. Ask for fewer."
        return _json(document)

    def prefixes(self) -> str:
        """Return the prefixes that queries know, as the head of a query."""
        return "".join(f"PREFIX {name}: <{iri}>\n" for name, iri in self._torg.prefixes.items())

    def schema(self) -> str:
        """Return the classes and properties that published things have, with how often each is used."""
        opened, lines = self._torg.current(), list[str]()
        for heading, which in (("Classes", "classes"), ("Properties", "properties")):
            counts: dict[str, int] = {}
            for entry in opened.generation.graphs.values():
                if entry.kind in ("dataset", "concepts"):
                    for name, number in getattr(self._torg.partitions(opened, entry), which).items():
                        counts[name] = counts.get(name, 0) + number
            labels = opened.labels.labels(counts, "en")
            lines.append(f"# {heading}: IRI, uses, label")
            lines += [
                f"<{name}>  {number}  {labels.get(name, ('', ''))[0]}".rstrip()
                for name, number in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
            ]
        return "\n".join(lines) + "\n"

    def close(self) -> None:
        """End the readers."""
        with self._starting:
            if self._pool is not None:
                self._pool.close()
                self._pool = None

    def _query(self, name: str) -> Query:
        try:
            return queries.get(name)
        except KeyError:
            near = nearest(name, [query.name for query in queries.all_queries()])
            raise Problem(
                404, f"There is no query {name[:80]!r}. Was it {near}? list_queries names them all."
            ) from None

    def _readers(self) -> ReaderPool:
        store = self._torg.generation().store_path
        with self._starting:
            if self._pool is None:
                limits = limits_of(self._torg.settings)
                self._pool = ReaderPool(store, readers=1, limits=limits, prefixes=self._torg.prefixes)
            elif self._pool.store != str(store.absolute()):
                self._pool.switch(store)
            return self._pool


def _json(members: Any) -> str:
    return json.dumps(members, ensure_ascii=False).encode("utf-8", "backslashreplace").decode()


def _cut(text: str) -> str:
    if len(text) <= _LONGEST:
        return text
    return f"{text[:_LONGEST]}\n… cut after {_LONGEST} of {len(text)} characters: ask for less."
