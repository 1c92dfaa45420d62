"""What differs between two states in plain words (12 schools came, 1 went, 3 have a new address), in sv and en."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from rdflib import RDF, RDFS, Graph, Literal, URIRef

import ontology
from server.columns import short_name
from server.comparing import Values, pair_lines, values_of
from server.labels import unescape

Labels = Mapping[str, Mapping[str, str]]
_NAMES = (
    "https://schema.org/name", "http://www.w3.org/2004/02/skos/core#prefLabel",
    "http://www.w3.org/2000/01/rdf-schema#label", "http://purl.org/dc/terms/title",
)  # fmt: skip
_TYPE_SAID = f"> <{RDF.type}> <"
_EXAMPLES = 3
_PROPERTIES_SHOWN = 6
_WORDS = {
    "sv": {"added": "{} tillkommer", "withdrawn": "{} försvinner", "changed": "{} ändras", "things": "Saker",
           "more": "{} till", "same": "Inget skiljer."},
    "en": {"added": "{} added", "withdrawn": "{} withdrawn", "changed": "{} changed", "things": "Things",
           "more": "{} more", "same": "Nothing differs."},
}  # fmt: skip


@dataclass
class KindChange:
    """What happened to the things of one class in one graph."""

    type: str
    added: int = 0
    withdrawn: int = 0
    changed: int = 0
    properties: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)  # names of the first things, by what happened

    def note(self, what: str) -> bool:
        """Count a thing; tell whether it is one of the first, whose names are kept."""
        setattr(self, what, getattr(self, what) + 1)
        return len(self.examples.get(what, ())) < _EXAMPLES

    def members(self) -> dict[str, Any]:
        """Return the change as JSON members."""
        return {
            "type": self.type, "added": self.added, "withdrawn": self.withdrawn, "changed": self.changed,
            "properties": dict(self.properties.most_common()), "examples": self.examples,
        }  # fmt: skip


@dataclass
class GraphChange:
    """What happened in one graph, by class of thing, the most touched first."""

    iri: str
    kind: str
    dataset: str
    period: str
    kinds: list[KindChange]

    def members(self, labels: Labels) -> dict[str, Any]:
        """Return the change as JSON members, with its sentences in both languages."""
        return {
            "graph": self.iri, "dataset": self.dataset, "period": self.period,
            "kinds": [kind.members() for kind in self.kinds],
            "text": {language: sentences(self, labels, language) for language in _WORDS},
        }  # fmt: skip


def graph_change(
    iri: str, kind: str, dataset: str, period: str, old: Iterable[str], new: Iterable[str]
) -> GraphChange | None:
    """Return what happened between two states of a graph (canonical lines, in order), None when nothing did."""
    kinds: dict[str, KindChange] = {}
    for subject, before, after in pair_lines(old, new):
        if before == after or "/.well-known/genid/" in subject:
            continue
        lines = after or before
        type = _type(lines)
        change = kinds.setdefault(type, KindChange(type))
        what = "changed" if before and after else "added" if after else "withdrawn"
        if change.note(what):
            change.examples.setdefault(what, []).append(_name(values_of(lines)) or subject.rpartition("/")[2])
        if what == "changed":
            # Only the lines that differ are taken apart: most of what stays is as it was.
            change.properties.update({line.split("> ", 2)[1][1:] for line in {*before}.symmetric_difference(after)})
    if not kinds:
        return None
    ordered = sorted(kinds.values(), key=lambda each: (-each.added - each.withdrawn - each.changed, each.type))
    return GraphChange(iri, kind, dataset, period, ordered)


def sentences(change: GraphChange, labels: Labels, language: str) -> list[str]:
    """Return one sentence for each class of thing that something happened to.

    >>> school = KindChange("https://x.example/School", added=2, changed=1, examples={"added": ["Norra", "Södra"]})
    >>> sentences(GraphChange("", "dataset", "a/b", "", [school]), {"https://x.example/School": {"sv": "Skola"}}, "sv")
    ['Skola: 2 tillkommer (Norra, Södra), 1 ändras.']
    """
    return [_sentence(kind, labels, language) for kind in change.kinds]


def _sentence(kind: KindChange, labels: Labels, language: str) -> str:
    words, parts = _WORDS[language], []
    for what in ("added", "withdrawn"):
        number = getattr(kind, what)
        if number:
            parts.append(words[what].format(number) + _listed(kind.examples.get(what, []), number, words["more"]))
    if kind.changed:
        shown = [
            f"{label_of(name, labels, language).lower()} {number}"
            for name, number in kind.properties.most_common(_PROPERTIES_SHOWN)
        ]
        parts.append(words["changed"].format(kind.changed) + (f" ({', '.join(shown)})" if shown else ""))
    name = label_of(kind.type, labels, language) if kind.type else words["things"]
    return f"{name}: {', '.join(parts)}."


def _listed(names: list[str], number: int, more: str) -> str:
    shown = ", ".join(names)
    rest = f", {more.format(number - len(names))}" if number > len(names) else ""
    return f" ({shown}{rest})" if names else ""


def nothing(language: str) -> str:
    """Return the sentence for no difference."""
    return _WORDS[language]["same"]


def label_of(iri: str, labels: Labels, language: str) -> str:
    """Return what a class or a property is called in a language, else in any, else the last part of its IRI."""
    known = labels.get(iri, {})
    return known.get(language) or next(iter(known.values()), "") or short_name(iri)


@cache
def vocabulary(concept_base: str) -> Labels:
    """Return the labels of our terms and of those we borrow, by IRI and language."""
    graph = Graph()
    for file in (ontology.core_file(), ontology.root() / "labels.ttl"):
        graph.parse(data=file.read_text("utf-8"), format="turtle", publicID=concept_base)
    found: dict[str, dict[str, str]] = {}
    for term, label in graph.subject_objects(RDFS.label):
        if isinstance(term, URIRef) and isinstance(label, Literal) and label.language:
            found.setdefault(str(term), {})[label.language] = str(label)
    return found


def _type(lines: Iterable[str]) -> str:
    types = sorted(line[line.rindex("<") + 1 : -4] for line in lines if _TYPE_SAID in line)
    # Ours is the narrowest one: a school is also a place, an organization and more.
    return next((name for name in types if "/spec/torg#" in name), types[0] if types else "")


def _name(values: Values) -> str:
    for property in _NAMES:
        for value in sorted(values.get(property, ()), key=lambda text: (not text.endswith("@sv"), text)):
            if value.startswith('"'):
                return unescape(value[1 : value.rindex('"')])
    return ""
