"""Find the concept a text means: by notation or label, in Swedish or English, however it is spelt."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Literal

import rdflib
from rdflib.namespace import OWL, SKOS

MatchKind = Literal["notation", "prefLabel", "altLabel", "lost-zero"]
Status = Literal["current", "deprecated"]
_STATUS = rdflib.URIRef("http://www.w3.org/ns/adms#status")
_KINDS: tuple[tuple[rdflib.URIRef, MatchKind], ...] = (
    (SKOS.notation, "notation"), (SKOS.prefLabel, "prefLabel"), (SKOS.altLabel, "altLabel"),
    (SKOS.hiddenLabel, "altLabel"),
)  # fmt: skip
_RANK = {"notation": 0, "prefLabel": 1, "altLabel": 2}


@dataclass(frozen=True, slots=True)
class Match:
    """A concept that a text means: its IRI, by what it was found, whether it is still in use, and its texts as written.

    The texts are those of this kind that fold alike, in lower case: "Habo" and "Håbo" are told apart by them.
    """

    iri: str
    kind: MatchKind
    status: Status = "current"
    texts: frozenset[str] = frozenset()


@dataclass
class ConceptIndex:
    """All concepts by scheme and folded text; made once a run."""

    _found: dict[str, dict[str, dict[str, Match]]] = field(default_factory=dict)
    _labels: dict[str, dict[str, str]] = field(default_factory=dict)
    _names: dict[str, str] = field(default_factory=dict)

    @classmethod
    def from_files(
        cls,
        paths: Iterable[Traversable | Path],
        concept_base: str,
        extra: Sequence[tuple[Traversable | Path, str]] = (),
    ) -> ConceptIndex:
        """Return the index of Turtle files whose IRIs are relative to concept_base, and of a site's own concepts."""
        index = cls()
        for path, base in [*((path, concept_base) for path in paths), *extra]:
            index._add(_parsed(path.read_text("utf-8"), base))
        return index

    def find(self, scheme: str, text: str, only: Iterable[MatchKind] = ()) -> Match | None:
        """Return the concept of the scheme that the text means, None when there is none or more than one."""
        matches = self.candidates(scheme, text)
        if only:
            matches = tuple(match for match in matches if match.kind in tuple(only))
        return matches[0] if len(matches) == 1 else None

    def candidates(self, scheme: str, text: str) -> tuple[Match, ...]:
        """Return every concept of the scheme that the text may mean: of the best kind, current before deprecated."""
        found = self._found.get(scheme, {})
        matches = list(found.get(fold(text), {}).values())
        code = text.strip()
        if not matches and code.isdigit():
            # Spreadsheets take leading zeros away: municipality 0180 arrives as 180.
            padded = found.get(fold("0" + code), {}).values()
            return tuple(Match(each.iri, "lost-zero", each.status) for each in padded if each.kind == "notation")
        if not matches:
            return ()
        best = min((match.status == "deprecated", _RANK[match.kind]) for match in matches)
        alike = tuple(match for match in matches if (match.status == "deprecated", _RANK[match.kind]) == best)
        # Of names that differ in their diacritics alone, the one that is written so is meant: Habo is not Håbo.
        return tuple(match for match in alike if _written(code) in match.texts) or alike

    def schemes(self) -> tuple[str, ...]:
        """Return the names of all schemes."""
        return tuple(sorted(self._found))

    def proposals(self, text: str, scheme: str = "", limit: int = 3) -> tuple[str, ...]:
        """Return the concepts with a label most like the text, each once by notation and name, best first."""
        labels: dict[str, str] = {}
        for name in [scheme] if scheme else self.schemes():
            labels.update(self._labels.get(name, {}))
        wanted = fold(text)
        begun = [label for label in labels if label and (wanted.startswith(label) or label.startswith(wanted))]
        begun.sort(key=len, reverse=True)
        close = difflib.get_close_matches(wanted, labels, n=limit, cutoff=0.6)
        return tuple(dict.fromkeys(self._names[labels[label]] for label in [*begun, *close]))[:limit]

    def names(self, matches: Iterable[Match], limit: int = 3) -> tuple[str, ...]:
        """Return the notation and preferred label of each match, as a steward would look it up."""
        return tuple(sorted(self._names[match.iri] for match in matches if match.iri in self._names))[:limit]

    def _add(self, graph: rdflib.Graph) -> None:
        for concept, _, scheme_iri in graph.triples((None, SKOS.inScheme, None)):
            scheme = str(scheme_iri).rsplit("def/", 1)[-1]
            status: Status = "deprecated" if _is_deprecated(graph, concept) else "current"
            texts = self._found.setdefault(scheme, {})
            labels = self._labels.setdefault(scheme, {})
            notation = str(graph.value(concept, SKOS.notation) or "")
            for predicate, kind in _KINDS:
                for text in graph.objects(concept, predicate):
                    found = texts.setdefault(fold(str(text)), {})
                    known = found.get(str(concept))
                    if known is None or _RANK[kind] < _RANK[known.kind]:
                        known = Match(str(concept), kind, status)
                    if kind == known.kind:
                        known = replace(known, texts=known.texts | {_written(str(text))})
                    found[str(concept)] = known
                    if kind != "notation" and status == "current":
                        labels.setdefault(fold(str(text)), str(concept))
            self._names[str(concept)] = f"{notation} {_name(graph, concept)}".strip()


@lru_cache(maxsize=32)
def _parsed(text: str, base: str) -> rdflib.Graph:
    """Return the graph of a Turtle text; the shared hierarchy is the same from run to run."""
    graph = rdflib.Graph()
    return graph.parse(data=text, format="turtle", publicID=base)


@lru_cache(maxsize=65_536)
def fold(text: str) -> str:
    """Return a text without case, diacritics, spaces and punctuation, for comparison.

    >>> fold("Köparens org.nr"), fold("kopare_id") == fold("Köpare ID")
    ('koparensorgnr', True)
    """
    plain = unicodedata.normalize("NFKD", text.casefold())
    return re.sub(r"[\W_]+", "", "".join(sign for sign in plain if not unicodedata.combining(sign)))


def _name(graph: rdflib.Graph, concept: rdflib.term.Node) -> str:
    """Return the preferred label in Swedish, the language of most files; else the first of what labels there are."""
    for predicate in (SKOS.prefLabel, SKOS.altLabel, SKOS.hiddenLabel):
        labels = sorted(
            graph.objects(concept, predicate), key=lambda label: (getattr(label, "language", "") != "sv", label)
        )
        if labels:
            return str(labels[0])
    return ""


def _written(text: str) -> str:
    """Return a text as it is written, but for case, spaces at its ends and the way its diacritics are composed."""
    return unicodedata.normalize("NFC", text.strip().casefold())


def _is_deprecated(graph: rdflib.Graph, concept: rdflib.term.Node) -> bool:
    status = str(graph.value(concept, _STATUS) or "")
    return status.endswith("/Deprecated") or str(graph.value(concept, OWL.deprecated) or "") in ("true", "1")
