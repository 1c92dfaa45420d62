"""What pages show of concepts: branches of a tree cut to a size that can be read, ways down, uses, replacements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from server.concept_tree import ConceptTree

_SKOS = "http://www.w3.org/2004/02/skos/core#"
SAID_BY_CONCEPT = frozenset(
    [
        _SKOS + name
        for name in ("broader", "narrower", "inScheme", "topConceptOf", "related", "altLabel", "hasTopConcept")
    ]
    + [_SKOS + f"{name}Match" for name in ("exact", "close", "broad", "narrow", "related")]
    + ["http://www.w3.org/ns/adms#status", "http://www.w3.org/2002/07/owl#deprecated"]
    + ["http://purl.org/dc/terms/isReplacedBy", _SKOS + "broaderTransitive", _SKOS + "narrowerTransitive"]
)
"""The properties that the head of a concept's page tells, so that its facts need not."""

_BESIDE = 24  # concepts on one level of a small tree


@dataclass(frozen=True, slots=True)
class Node:
    """A concept in a tree as a page shows it."""

    iri: str
    name: str
    language: str
    notation: str
    used: int
    deprecated: bool
    children: tuple[Node, ...] = ()
    hidden: int = 0  # children that are not shown
    open: bool = False
    here: bool = False


class TreeView:
    """Shows the tree of a generation in one language."""

    def __init__(self, tree: ConceptTree, language: str, uses: Mapping[str, int]) -> None:
        self.tree, self.language, self._uses = tree, language, uses
        self._names = tree.names.get(language, {})

    def name(self, iri: str) -> tuple[str, str]:
        """Return (name, language) of a concept or a scheme; the end of its IRI when it has none."""
        return self._names.get(iri) or (iri.rstrip("/").rpartition("/")[2], "")

    def node(self, iri: str, **more: object) -> Node:
        """Return one concept by itself."""
        name, language = self.name(iri)
        return Node(
            iri,
            name,
            language,
            self.tree.notations.get(iri, ""),
            self._uses.get(iri, 0),
            iri in self.tree.deprecated,
            **more,  # type: ignore[arg-type]
        )

    def nodes(self, iris: Iterable[str]) -> tuple[Node, ...]:
        """Return concepts in their order."""
        return tuple(self.node(iri) for iri in self.tree.ordered(list(iris), self.language))

    def forest(self, iris: Iterable[str], depth: int, most: int, level: int = 100) -> tuple[tuple[Node, ...], int]:
        """Return (trees below these concepts, how many of them are left out).

        Trees are cut to a depth, to so many concepts on a level, and to so many in all: whole levels come before deeper
        ones. What is cut is counted at the concept it hangs from.
        """
        roots = self.tree.ordered(list(iris), self.language)
        kept: dict[str, list[str]] = {}
        seen, now, left = set(roots[:level]), roots[:level], most - min(len(roots), level)
        for _ in range(depth):
            following = []
            for iri in now:
                below = [name for name in self.tree.below.get(iri, ()) if name not in seen]
                fits = max(0, min(level, left))
                kept[iri] = self.tree.ordered(below, self.language)[:fits]
                seen.update(kept[iri])
                left -= len(kept[iri])
                following += kept[iri]
            now = following
        # A single root says nothing by itself.
        trees = tuple(self._grown(iri, kept, open=len(roots) == 1) for iri in roots[:level])
        return trees, max(0, len(roots) - level)

    def _grown(self, iri: str, kept: Mapping[str, list[str]], open: bool = False) -> Node:
        children = tuple(self._grown(name, kept) for name in kept.get(iri, ()))
        hidden = len(self.tree.below.get(iri, ())) - len(children)
        return self.node(iri, children=children, hidden=hidden, open=open)

    def around(self, iri: str) -> Node | None:
        """Return the tree around a concept: the way down to it, what stands beside it, and what is below it.

        None for a concept that stands alone.
        """
        paths = self.tree.paths(iri)
        below = self.tree.ordered(self.tree.below.get(iri, []), self.language)
        children = self.nodes(below[:_BESIDE])
        own = self.node(iri, children=children, hidden=len(below) - len(children), open=True, here=True)
        if not paths:
            return own if below else None
        *higher, parent = paths[0]
        beside = self.tree.ordered(self.tree.below[parent], self.language)
        place = beside.index(iri)
        start = max(0, min(place - _BESIDE // 2, len(beside) - _BESIDE))
        shown = tuple(own if name == iri else self.node(name) for name in beside[start : start + _BESIDE])
        node = self.node(parent, children=shown, hidden=len(beside) - len(shown), open=True)
        for name in reversed(higher[-6:]):
            node = self.node(name, children=(node,), open=True)
        return node
