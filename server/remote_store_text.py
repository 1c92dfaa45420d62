"""Rewrites a visitor's query for a remote store, where the graphs of a generation have names of their own.

Only what names a graph changes: FROM and FROM NAMED become the dataset of the request (SPARQL 1.1 Protocol, section
2.1.4), and `GRAPH <iri>` gets the name of the version. Answers then hold no such name, so nothing is mapped back.
What that cannot do justice to has no rewriting, and is answered by the embedded store (docs/scaling.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from server.references import resolve
from server.remote_store_names import RemoteNames
from server.sparql_scan import QUERY_FORMS, tokens

# Functions and predicates by which one product reaches beyond SPARQL, and so beyond what the scan can judge.
_BEYOND = ("bif:", "sql:", "http://www.openlinksw.com/")
_GEOSPARQL = "http://www.opengis.net/"
_OF_OXIGRAPH = ("LATERAL", "ADJUST", "VERSION")


@dataclass(frozen=True, slots=True)
class RemoteQuery:
    """A query as a remote store is asked it."""

    text: str
    form: str
    default_graph: str
    named_graphs: tuple[str, ...]


class _Unmapped(Exception):
    """The query cannot be asked of a store with other names, or would be answered otherwise there."""


@dataclass
class _Rewriting:
    """One pass over the tokens of a query that the parser has accepted."""

    graphs: dict[str, str]  # the graphs that GRAPH may name, with their versions
    rows: int | None
    virtuoso: bool
    sorted: bool = False
    edits: list[tuple[int, int, str]] = field(default_factory=list)
    used: dict[str, None] = field(default_factory=dict)
    prefixes: dict[str, str] = field(default_factory=dict)
    base: str = ""
    form: str = ""
    prologue: str = ""
    pending: str = ""  # the prefix that is being declared
    clause: int = -1  # where FROM stands whose graph is awaited
    graph: bool = False  # GRAPH stands before this
    limit: bool = False
    limited: bool = False
    depth: int = 0

    def run(self, text: str) -> None:
        for kind, token, start in tokens(text):
            if kind == "word":
                self._word(token.upper(), start)
            elif kind in ("iri", "pname"):
                self._name(kind, token, start)
            elif kind == "variable" and self.graph:
                raise _Unmapped  # Its values would be names of versions.
            elif kind == "mark":
                self.depth += (token == "{") - (token == "}")
            elif kind == "number" and self.limit:
                self.limit = False
                if self.rows is not None and token.isdigit() and int(token) > self.rows:
                    self.edits.append((start, start + len(token), str(self.rows + 1)))
        # Virtuoso sorts 10 000 rows at most when there is a LIMIT, and any number when there is none.
        limitable = not self.limited and not (self.virtuoso and self.sorted)
        if self.form == "SELECT" and limitable and self.rows is not None:
            self.edits.append((len(text), len(text), f"\nLIMIT {self.rows + 1}"))

    def _word(self, word: str, start: int) -> None:
        if word in _OF_OXIGRAPH:
            raise _Unmapped
        if not self.form:
            self.prologue = word if word in ("PREFIX", "BASE") else ""
            self.form = word if word in QUERY_FORMS else ""
            if word == "DESCRIBE":
                raise _Unmapped  # Each store describes in its own way (SPARQL 1.1 Query, section 16.4).
        elif word == "FROM":
            self.clause = start
        elif word == "GRAPH":
            self.graph = True
        elif self.depth == 0 and word == "ORDER":
            self.sorted = True
        elif self.depth == 0 and word in ("LIMIT", "VALUES"):
            self.limit, self.limited = word == "LIMIT", True

    def _name(self, kind: str, token: str, start: int) -> None:
        if kind == "pname":
            prefix, _, local = token.partition(":")
            if self.prologue == "PREFIX":
                self.pending = prefix
                return
            iri = self.prefixes.get(prefix, "") + local
        else:
            iri = resolve(self.base, token[1:-1])
            if self.prologue == "PREFIX":
                self.prefixes[self.pending], self.prologue = iri, ""
                return
            if self.prologue == "BASE":
                self.base, self.prologue = iri, ""
                return
        if iri.startswith(_BEYOND) or (self.virtuoso and iri.startswith(_GEOSPARQL)):
            raise _Unmapped
        if self.clause >= 0:
            self.edits.append((self.clause, start + len(token), " "))
            self.clause = -1
        elif self.graph:
            if iri not in self.graphs:
                raise _Unmapped  # Products differ in what they make of a graph that is not there.
            self.used[self.graphs[iri]] = None
            self.edits.append((start, start + len(token), f"<{self.graphs[iri]}>"))
        self.graph = False


def rewritten(
    request: dict[str, Any], names: RemoteNames, columns: Sequence[str], *, virtuoso: bool = False
) -> RemoteQuery | None:
    """Return a query as the remote store is asked it, None when the embedded store has to answer.

    `request` is that of a reader, for a text that the parser accepts; `columns` are those of its answer in the
    parser's order. `virtuoso` alters coordinates, so it is asked nothing about places.
    """
    text, default, named = request["query"], request["default_graphs"], request["named_graphs"]
    # A store that decodes codepoint escapes outside of tokens would read another query than the scan.
    if "\\u" in text or "\\U" in text or len(default) > 1 or (named and not default):
        return None
    if any(graph not in names.versions for graph in default):
        return None
    allowed = {iri: names.versions[iri] for iri in named if iri in names.versions} if default else names.versions
    work = _Rewriting(dict(allowed), request["max_rows"], virtuoso)
    try:
        work.run(text)
    except _Unmapped:
        return None
    if request["star"] >= 0 and not columns:
        return None  # Virtuoso makes up a column where there is none.
    if request["star"] >= 0:
        # Each product has its own order of the columns of SELECT *.
        first = [name for name in request["variables"] if name in columns]
        listed = first if len(first) == len(columns) else columns
        work.edits.append((request["star"], request["star"] + 1, f" {' '.join('?' + name for name in listed)} "))
    for start, end, new in sorted(work.edits, reverse=True):
        text = text[:start] + new + text[end:]
    graph = names.versions[default[0]] if default else names.merged
    return RemoteQuery(text, work.form, graph, tuple(work.used))
