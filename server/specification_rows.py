"""Published graphs of a shared specification read back as rows in the specification's own columns.

Each column's way back is read from the CSVW table once: the property that holds its value, on the row's
thing or on a thing it links to (an account, a supplier), or the concept or organization it was turned
into. What is not published (free text, masked values) stays empty, so every publisher's rows have the
same shape. Graph files are sorted by subject, so a graph is read twice in constant memory: once for the
things that rows link to, once for the rows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import ontology
from server.graph_files import read_graph
from server.graph_files import subject as subject_of
from server.labels import unescape
from server.site import Publisher
from server.uris import UriSpace

_X = ontology.CSVW_EXTENSION
_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
_LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ONLY_VARIABLE = re.compile(r"\{\+?(\w+)\}\Z")
_LAST_VARIABLE = re.compile(r"(.*)\{\+?(\w+)\}\Z")
# The national ledger names the buyer and the municipality in every row; we say it once, of the publisher.
_OF_PUBLISHER: Mapping[str, Callable[[Publisher], str]] = {
    "kopare": lambda publisher: publisher.name.get("sv", next(iter(publisher.name.values()))),
    "kopare_text": lambda publisher: publisher.name.get("sv", next(iter(publisher.name.values()))),
    "kommun_id": lambda publisher: publisher.kommunkod,
    "source": lambda publisher: publisher.authority,
}

Name = Callable[[str, bool], str]
"""Returns what a concept is called: its notation when asked for it, else its preferred label in Swedish."""


@dataclass(frozen=True, slots=True)
class Way:
    """How one column's value is found: along these properties, then made text again."""

    column: str
    properties: tuple[str, ...]
    make: str  # text, notation, label, after:<prefix> or last
    separator: str = ""


@dataclass(frozen=True)
class SpecificationRows:
    """Reads rows of one specification; `columns` are its own, in its own order."""

    name: str
    columns: tuple[str, ...]
    type: str
    ways: tuple[Way, ...]
    linked: frozenset[str] = frozenset()  # properties of things that rows link to
    concepts: tuple[Way, ...] = ()  # ways to the concepts of coded columns, places left out

    def rows(self, graph: Path, publisher: Publisher, name: Name) -> Iterator[tuple[str, dict[str, str]]]:
        """Yield (IRI of the thing, its row) of every row in a graph file."""
        others = self._others(graph) if self.linked else {}
        for iri, values in _things(read_graph(graph)):
            if self.type in values.get(_TYPE, ()):
                yield iri, self._row(values, others, publisher, name)

    def _others(self, graph: Path) -> dict[tuple[str, str], list[str]]:
        found: dict[tuple[str, str], list[str]] = {}
        for line in read_graph(graph):
            iri, property, value = _parts(line)
            if property in self.linked:
                found.setdefault((iri, property), []).append(value)
        return found

    def _row(
        self,
        values: Mapping[str, Sequence[str]],
        others: Mapping[tuple[str, str], Sequence[str]],
        publisher: Publisher,
        name: Name,
    ) -> dict[str, str]:
        row = {column: _OF_PUBLISHER[column](publisher) if column in _OF_PUBLISHER else "" for column in self.columns}
        for way in self.ways:
            found = values.get(way.properties[0], ())
            for property in way.properties[1:]:
                found = [value for middle in found for value in others.get((middle, property), ())]
            texts = [text for value in found if (text := _text(value, way.make, name))]
            if texts:
                # A thing that rows link to may be spelt in several ways; a row said one of them.
                shown = sorted(texts)[:1] if len(way.properties) > 1 else sorted(texts)
                row[way.column] = (way.separator or "; ").join(shown)
        return row


def specification_rows(name: str, uris: UriSpace) -> SpecificationRows:
    """Return the reader of a specification's rows; raise KeyError when there is none of that name."""
    table = ontology.table(name)
    schema = table["tableSchema"]
    real = [column for column in schema["columns"] if not column.get("virtual")]
    virtual = [column for column in schema["columns"] if column.get("virtual")]
    about = schema["aboutUrl"]
    types = [
        column["valueUrl"] for column in virtual if column.get("propertyUrl") == _TYPE and "aboutUrl" not in column
    ]
    ways = tuple(way for column in real for way in _ways(column, virtual, about, uris))
    return SpecificationRows(
        name,
        tuple(column["name"] for column in real),
        _absolute(types[0], uris),
        ways,
        frozenset(property for way in ways for property in way.properties[1:]),
        tuple(way for column in real for way in _derived(column, virtual, about, uris) if way.make == "label"),
    )


def _ways(column: Mapping[str, Any], virtual: Sequence[Mapping[str, Any]], about: str, uris: UriSpace) -> Iterator[Way]:
    """Yield the ways to a column's value; the last one that finds something wins."""
    if "propertyUrl" in column and not column.get("suppressOutput"):
        property = _absolute(column["propertyUrl"], uris)
        link = _link(column.get("aboutUrl", about), virtual, about, uris)
        if link is not None:
            yield Way(column["name"], (*link, property), _made_by(column, uris), column.get("separator", ""))
        if masked := column.get(_X + "maskedWhen"):
            yield from _neutral(column["name"], masked, virtual, about, uris)
        return
    yield from islice(_derived(column, virtual, about, uris), 1)


def _derived(
    column: Mapping[str, Any], virtual: Sequence[Mapping[str, Any]], about: str, uris: UriSpace
) -> Iterator[Way]:
    """Yield the ways to what a column was turned into: a concept, an organization."""
    for variable, derivation in column.get(_X + "derive", {}).items():
        for other in virtual:
            match = _LAST_VARIABLE.match(other.get("valueUrl", ""))
            if not match or match[2] != variable or "propertyUrl" not in other:
                continue
            link = _link(other.get("aboutUrl", about), virtual, about, uris)
            if link is not None:
                properties = (*link, _absolute(other["propertyUrl"], uris))
                yield Way(column["name"], properties, _made_from(derivation))
                break


def _neutral(name: str, masked: str, virtual: Iterable[Mapping[str, Any]], about: str, uris: UriSpace) -> Iterator[Way]:
    """Yield the way to the neutral label that stands where a person's name would."""
    for column in virtual:
        if column.get(_X + "when") == masked and "default" in column and column.get("aboutUrl", about) == about:
            yield Way(name, (_absolute(column["propertyUrl"], uris),), "text")


def _link(subject: str, virtual: Iterable[Mapping[str, Any]], about: str, uris: UriSpace) -> tuple[str, ...] | None:
    """Return the properties that lead from the row's thing to a subject; None when nothing links to it."""
    if subject == about:
        return ()
    links = (column for column in virtual if column.get("valueUrl") == subject and "aboutUrl" not in column)
    found = next(links, None)
    return (_absolute(found["propertyUrl"], uris),) if found else None


def _made_by(column: Mapping[str, Any], uris: UriSpace) -> str:
    template = column.get("valueUrl", "")
    if not template or _ONLY_VARIABLE.match(template):
        return "text"
    match = _LAST_VARIABLE.match(template)
    return f"after:{_absolute(match[1], uris)}" if match else "text"


def _made_from(derivation: Mapping[str, Any]) -> str:
    if derivation.get("function") == "concept":
        return "notation" if derivation.get("scheme") == "place" else "label"
    return "last"


def _absolute(reference: str, uris: UriSpace) -> str:
    return reference if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", reference) else uris.resolve(reference)


def _things(lines: Iterable[str]) -> Iterator[tuple[str, dict[str, list[str]]]]:
    """Yield (subject, values by property) of lines that are sorted by subject; repeated keys sort apart but whole."""
    current, values = "", dict[str, list[str]]()
    for line in lines:
        iri = subject_of(line)
        if iri != current:
            if current:
                yield current, values
            current, values = iri, {}
        _, property, value = _parts(line)
        values.setdefault(property, []).append(value)
    if current:
        yield current, values


def _parts(line: str) -> tuple[str, str, str]:
    """Return subject, property and value of a canonical line; an IRI loses its brackets, a literal stays as written."""
    subject, property, value = line.split(" ", 2)
    value = value.removesuffix(" .\n")
    return subject[1:-1], property[1:-1], value[1:-1] if value.startswith("<") else value


def _text(value: str, make: str, name: Name) -> str:
    literal = _LITERAL.match(value)
    if literal:
        return unescape(literal[1])
    if make in ("label", "notation"):
        return name(value, make == "notation")
    if make == "last":
        return unquote(value.rsplit("/", 1)[-1])
    if make.startswith("after:"):
        return unquote(value.removeprefix(make.removeprefix("after:")))
    return value
