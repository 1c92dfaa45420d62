"""The embedded Oxigraph store: trusted reads of fixed shape, and the writes of a publication.

The default graph holds every published triple once (the true merge); named graphs hold each
dataset's own. The union flag is never used: Oxigraph's union is a bag and counts a triple once per
graph. A visitor's SPARQL never comes here; it runs in `server.readers`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from pyoxigraph import (
    BlankNode,
    CanonicalizationAlgorithm,
    Dataset,
    DefaultGraph,
    Literal,
    NamedNode,
    Quad,
    QuerySolutions,
    RdfFormat,
    Store,
    Triple,
    parse,
)

from server.errors import StorageError

Term = NamedNode | BlankNode | Literal | Triple

_TYPE = NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")


class ReadStore:
    """A read-only store of one generation; safe to share between threads."""

    def __init__(self, path: Path) -> None:
        try:
            self._store = Store.read_only(str(path))
        except (OSError, RuntimeError) as error:  # what RocksDB calls corruption is a RuntimeError
            raise StorageError(
                f"The store at {path} cannot be opened: {error}.", f"Databasen i {path} går inte att öppna: {error}."
            ) from error

    def checkpoint(self, path: Path) -> None:
        """Copy the store to a new folder by hard links: milliseconds, and no disk until something changes."""
        self._store.backup(str(path))

    def outgoing(self, iri: str) -> Iterator[tuple[str, Term]]:
        """Yield (property, value) of every published triple with this subject."""
        for quad in self._store.quads_for_pattern(NamedNode(iri), None, None, DefaultGraph()):
            yield quad.predicate.value, quad.object

    def about(self, iri: str) -> tuple[list[tuple[str, Term]], set[str]]:
        """Return (property, value) of every published triple with this subject, and the named graphs that state any.

        One read for both: each read of the store costs more than what it finds.
        """
        published: list[tuple[str, Term]] = []
        graphs: set[str] = set()
        for quad in self._store.quads_for_pattern(NamedNode(iri), None, None):
            if isinstance(graph := quad.graph_name, NamedNode):
                graphs.add(graph.value)
            else:
                published.append((quad.predicate.value, quad.object))
        return published, graphs

    def incoming(self, iri: str) -> Iterator[tuple[str, str]]:
        """Yield (subject, property) of every published triple with this object; blank subjects are skolem IRIs."""
        for quad in self._store.quads_for_pattern(None, None, NamedNode(iri), DefaultGraph()):
            if isinstance(quad.subject, NamedNode):
                yield quad.subject.value, quad.predicate.value

    def values(self, iri: str, property: str) -> Iterator[Term]:
        """Yield the published values of one property."""
        for quad in self._store.quads_for_pattern(NamedNode(iri), NamedNode(property), None, DefaultGraph()):
            yield quad.object

    def subjects(self, property: str, value: str) -> Iterator[str]:
        """Yield the subjects that have this IRI as value of the property."""
        for quad in self._store.quads_for_pattern(None, NamedNode(property), NamedNode(value), DefaultGraph()):
            if isinstance(quad.subject, NamedNode):
                yield quad.subject.value

    def with_literal(self, property: str, text: str) -> Iterator[str]:
        """Yield the subjects that have this plain text as value of the property."""
        for quad in self._store.quads_for_pattern(None, NamedNode(property), Literal(text), DefaultGraph()):
            if isinstance(quad.subject, NamedNode):
                yield quad.subject.value

    def tally(self, query: str) -> dict[str, int]:
        """Return the (IRI, count) rows of a bound named query of ours without ORDER BY; never a visitor's."""
        found = self._store.query(query)
        assert isinstance(found, QuerySolutions)
        return {row[0].value: int(row[1].value) for row in found}

    def mentions(self, iri: str) -> bool:
        """Return whether any published triple has this IRI as subject or object."""
        return self.describes(iri) or any(True for _ in self.incoming(iri))

    def describes(self, iri: str) -> bool:
        """Return whether any published triple has this IRI as subject."""
        return any(True for _ in self._store.quads_for_pattern(NamedNode(iri), None, None, DefaultGraph()))

    def graphs_of(self, iri: str) -> set[str]:
        """Return the named graphs that have a triple with this subject."""
        quads = self._store.quads_for_pattern(NamedNode(iri), None, None)
        return {quad.graph_name.value for quad in quads if isinstance(quad.graph_name, NamedNode)}

    def quads_of(self, iri: str) -> Iterator[tuple[str, str]]:
        """Yield (named graph, N-Triples line) of everything that is said of a subject, graph by graph."""
        for quad in self._store.quads_for_pattern(NamedNode(iri), None, None):
            if isinstance(quad.graph_name, NamedNode):
                yield quad.graph_name.value, f"{quad.triple} .\n"

    def outgoing_in(self, iri: str, graph: str) -> Iterator[tuple[str, Term]]:
        """Yield (property, value) of every triple with this subject in one named graph."""
        for quad in self._store.quads_for_pattern(NamedNode(iri), None, None, NamedNode(graph)):
            yield quad.predicate.value, quad.object

    def referrers_in(self, iri: str, graph: str) -> Iterator[str]:
        """Yield the subjects that point to this IRI in one named graph."""
        for quad in self._store.quads_for_pattern(None, None, NamedNode(iri), NamedNode(graph)):
            if isinstance(quad.subject, NamedNode):
                yield quad.subject.value

    def classed_in(self, graph: str) -> Iterator[str]:
        """Yield the subjects that one named graph gives a class, once for each class."""
        for quad in self._store.quads_for_pattern(None, _TYPE, None, NamedNode(graph)):
            if isinstance(quad.subject, NamedNode):
                yield quad.subject.value

    def graph_lines(self, graph: str | None) -> Iterator[str]:
        """Yield the N-Triples lines of a named graph, or of the default graph for None, unsorted."""
        name = DefaultGraph() if graph is None else NamedNode(graph)
        for quad in self._store.quads_for_pattern(None, None, None, name):
            yield f"{quad.triple} .\n"

    def graph_text(self, graph: str) -> bytes:
        """Return the N-Triples of a named graph, unsorted; several times as quick as line by line."""
        text = self._store.dump(format=RdfFormat.N_TRIPLES, from_graph=NamedNode(graph))
        assert text is not None
        return text

    def size(self) -> int:
        """Return the number of quads of all graphs; ten times as quick as counting them one by one."""
        return len(self._store)

    def count(self, graph: str | None) -> int:
        """Return the number of triples of a named graph, or of the default graph for None (a scan)."""
        name = DefaultGraph() if graph is None else NamedNode(graph)
        return sum(1 for _ in self._store.quads_for_pattern(None, None, None, name))


class WriteStore(ReadStore):
    """A store being built for the next generation; one writer, never served."""

    def __init__(self, path: Path) -> None:
        self._store = Store(str(path))

    def bulk_load(self, path: str, graph: str | None) -> None:
        """Append the canonical N-Triples of a file to a named graph, or to the default graph for None."""
        to_graph = DefaultGraph() if graph is None else NamedNode(graph)
        # What is in a graph file was checked when it was written.
        self._store.bulk_load(path=path, format=RdfFormat.N_TRIPLES, to_graph=to_graph, lenient=True)

    def bulk_load_quads(self, source: IO[bytes]) -> None:
        """Append canonical N-Quads: many small graphs at the price of one."""
        self._store.bulk_load(input=source, format=RdfFormat.N_QUADS, lenient=True)

    def add(self, lines: Iterable[str], graph: str | None) -> int:
        """Add the triples of canonical N-Triples lines to a graph; return how many it lacked."""
        new = [quad for quad in quads(lines, graph) if quad not in self._store]
        self._store.extend(new)
        return len(new)

    def remove(self, lines: Iterable[str], graph: str | None) -> None:
        """Remove the triples of canonical N-Triples lines from a graph."""
        for quad in quads(lines, graph):
            self._store.remove(quad)

    def held_elsewhere(self, line: str, published: set[str]) -> bool:
        """Return whether a published named graph holds the triple of this line."""
        (quad,) = quads([line], None)
        found = self._store.quads_for_pattern(quad.subject, quad.predicate, quad.object)
        return any(isinstance(other.graph_name, NamedNode) and other.graph_name.value in published for other in found)

    def close(self) -> None:
        """Flush to disk and release the store; an unflushed store loses rows in a later read-only backup."""
        self._store.flush()
        del self._store


def quads(lines: Iterable[str], graph: str | None) -> Iterator[Quad]:
    """Yield the quads of N-Triples lines, placed in a named graph or the default graph."""
    name = DefaultGraph() if graph is None else NamedNode(graph)
    for quad in parse("".join(lines).encode(), format=RdfFormat.N_TRIPLES):
        yield Quad(quad.subject, quad.predicate, quad.object, name)


def canonical_lines(lines: Iterable[str]) -> list[str]:
    """Return the lines as the store gives them back: canonical lexical forms and escapes, order kept.

    The forms are Oxigraph's own: only a round trip through a store shows them (`10.50` comes back
    as `10.5`, language tags in lower case).
    """
    given = list(lines)
    store = Store()
    store.bulk_extend(
        Quad(quad.subject, quad.predicate, quad.object, NamedNode(f"urn:line:{number}"))
        for number, line in enumerate(given)
        for quad in parse(line.encode(), format=RdfFormat.N_TRIPLES)
    )
    result = []
    for number in range(len(given)):
        for quad in store.quads_for_pattern(None, None, None, NamedNode(f"urn:line:{number}")):
            result.append(f"{quad.triple} .\n")
    return result


def read_rdf(documents: Iterable[tuple[bytes, str]], base: str, media_type: str = "text/turtle") -> list[str]:
    """Return the N-Triples lines of RDF documents with relative IRIs, given as (bytes, skolem name) pairs.

    Blank nodes become IRIs below `/.well-known/genid/` (RDF 1.1 Concepts, section 3.5), named by RDFC-1.0, so the
    same document always gives the same lines.
    """
    format = RdfFormat.from_media_type(media_type)
    if format is None:
        raise StorageError(f"There is no parser for {media_type}.")
    lines: list[str] = []
    for source, name in documents:
        dataset = Dataset(Quad(*quad.triple) for quad in parse(source, format=format, base_iri=base))
        dataset.canonicalize(CanonicalizationAlgorithm.RDFC_1_0)
        for quad in dataset:
            subject, object = _skolem(quad.subject, base, name), _skolem(quad.object, base, name)
            lines.append(f"{Triple(subject, quad.predicate, object)} .\n")  # type: ignore[arg-type]
    return lines


def _skolem(term: Term, base: str, name: str) -> Term:
    return NamedNode(f"{base}.well-known/genid/{name}-{term.value}") if isinstance(term, BlankNode) else term
