"""Resolves many URIs, notations and labels at once: what each names, its status, successors and place."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import unquote, urlsplit

from server.changes import branch
from server.generations import GraphEntry
from server.label_lookup import LabelLookup
from server.labels import Label
from server.ledger import Ledger, LedgerState
from server.paths import spellings, split_suffix
from server.rdf_formats import value
from server.store import ReadStore, Term
from server.uris import UriSpace

Status = Literal[
    "current", "deprecated", "withdrawn", "replaced", "merged", "split", "purged", "ambiguous", "unknown", "malformed"
]

MOST_ITEMS = 10_000
LONGEST_ITEM = 2_000
_UNUSABLE = re.compile("[\x00-\x1f\ud800-\udfff]")  # control characters, and halves of surrogate pairs
_ORGANIZATION = re.compile(r"(?:16|SE)?\d{6}-\d{4}", re.ASCII)
_MOST_WEIGHED = 40
_MOST_CANDIDATES, _LONGEST_CHAIN, _LONGEST_PATH = 20, 20, 12
_SKOS = "http://www.w3.org/2004/02/skos/core#"
_DCTERMS = "http://purl.org/dc/terms/"
_BROADER, _IN_SCHEME, _REPLACED = _SKOS + "broader", _SKOS + "inScheme", _DCTERMS + "isReplacedBy"
_STATUS, _DEPRECATED = "http://www.w3.org/ns/adms#status", "http://www.w3.org/2002/07/owl#deprecated"
_RANK = {"notation": 0, "label": 1, "alternative": 2}
_ROOTS = ("/id/", "/def/", "/spec/", "/res/")


class NothingBeneath(Exception):
    """Nothing was ever published beneath the address that a batch is narrowed to."""

    def __init__(self, within: str) -> None:
        super().__init__(
            f"Nothing was ever published beneath {within[:200]!r}. within takes a scheme (def/service), a concept "
            "(def/service/T3), a kind of thing (id/school) or an IRI."
        )
        self.sv = (
            f"Inget har publicerats under {within[:200]!r}. within tar en begreppslista (def/service), ett begrepp "
            "(def/service/T3), ett slags saker (id/school) eller en IRI."
        )


@dataclass(frozen=True, slots=True)
class Named:
    """An IRI with its labels by language."""

    iri: str
    labels: Mapping[str, str]


@dataclass(slots=True)
class Resolution:
    """What one item names; `iri` is "" unless it is exactly one thing that was ever published here."""

    given: str
    status: Status
    iri: str = ""
    matched: str = ""  # uri, notation, label or alternative
    labels: Mapping[str, str] = field(default_factory=dict)
    notation: str = ""
    type: str = ""
    successors: Sequence[Named] = ()  # in the order of the chain; the last is current, unless it splits
    broader: Sequence[Named] = ()  # from the top of the scheme down, the thing itself left out
    scheme: str = ""
    datasets: Sequence[str] = ()
    candidates: Sequence[Named] = ()  # when ambiguous


@dataclass(frozen=True, slots=True)
class _Facts:
    """What the store says of an IRI that matters here."""

    broader: tuple[str, ...]
    scheme: str
    replaced_by: tuple[str, ...]
    deprecated: bool
    types: tuple[str, ...]


class Resolver:
    """Resolves items against one generation; what it learns on the way is kept for the next batch."""

    def __init__(
        self,
        store: ReadStore,
        lookup: LabelLookup,
        ledger: Ledger,
        uris: UriSpace,
        prefixes: Mapping[str, str],
        graphs: Mapping[str, GraphEntry],
    ) -> None:
        self._store, self._lookup, self._ledger, self._uris = store, lookup, ledger, uris
        self._prefixes, self._graphs = prefixes, graphs
        self._facts: dict[str, _Facts] = {}
        self._chosen: dict[str, list[Label]] = {}

    def resolve(self, items: Sequence[str], within: str = "") -> list[Resolution]:
        """Return one resolution for each item, in the order given.

        `within` is an IRI or a path such as "def/service", "def/service/T3" or "id/school": only what lies beneath
        it, by its address or as a narrower concept, is meant by a notation or a label. What names several things is
        `ambiguous`, with the candidates. Raises NothingBeneath when nothing was ever published under `within`.
        """
        root = self._root(within)
        self._chosen.clear()
        cleaned = [unicodedata.normalize("NFC", item.strip()) for item in items]
        found = [Resolution(item, "unknown") for item in items]
        uri_items: dict[int, list[str]] = {}
        text_items: dict[int, str] = {}
        for place, text in enumerate(cleaned):
            if not text or len(text) > LONGEST_ITEM or _UNUSABLE.search(text):
                found[place].status = "malformed"
            elif spelled := self._spelled(text):
                uri_items[place] = spelled
            else:
                text_items[place] = text
        self._find_uris(found, uri_items)
        self._find_texts(found, text_items, root)
        self._tell(found)
        return found

    def _root(self, within: str) -> str | frozenset[str]:
        """Return the beginning of the IRIs that are meant, or a concept with all beneath it."""
        within = within.strip().rstrip("/")
        if not within or _UNUSABLE.search(within):
            if within:
                raise NothingBeneath(within)
            return ""
        for iri in self._spelled(within) or self._own("/" + within.lstrip("/")):
            if self._lookup.any_beneath(iri + "/"):
                return iri + "/"
            path = self._uris.path(iri)
            if path is not None and self._ledger.any_beneath(path + "/"):
                return iri + "/"
            if self._known(iri):
                return branch(self._store, iri)
        raise NothingBeneath(within)

    def _spelled(self, text: str) -> list[str]:
        """Return the IRIs that a text may be a spelling of; none when it is a notation or a label."""
        if text.startswith("<") and text.endswith(">"):
            text = text[1:-1]
        prefix, colon, local = text.partition(":")
        if text.startswith(_ROOTS):
            return self._own(text)
        if colon and local.startswith("//"):
            return self._absolute(text)
        if colon and prefix in self._prefixes and local and " " not in local:
            return [self._prefixes[prefix] + local]
        return [text] if prefix == "urn" and local else []

    def _absolute(self, text: str) -> list[str]:
        """Return an IRI as given; one of ours also in our own spelling, whichever scheme it was copied with."""
        try:
            given = urlsplit(text)
        except ValueError:
            return [text]
        for base in dict.fromkeys((self._uris.base, self._uris.concepts)):
            ours = urlsplit(base)
            if given.netloc.lower() == ours.netloc and given.path.startswith(ours.path):
                return [text, *self._own("/" + given.path[len(ours.path) :])] if not given.fragment else [text]
        return [text]

    def _own(self, path: str) -> list[str]:
        """Return the IRIs of a path of ours: a thing for its document, without the suffix of a representation."""
        stem, suffix = split_suffix(path)
        tried = [unquote(path), *([unquote(stem)] if suffix else [])]
        if path.startswith("/res/"):
            tried = [self._uris.described_path(one) for one in tried]
        return [self._uris.resolve(spelling) for one in tried for spelling in spellings(one)]

    def _find_uris(self, found: list[Resolution], items: Mapping[int, list[str]]) -> None:
        unknown: dict[int, list[str]] = {}
        for place, spelled in items.items():
            iri = next((iri for iri in spelled if self._known(iri)), "")
            if iri:
                found[place].iri, found[place].matched, found[place].status = iri, "uri", "current"
            else:
                unknown[place] = spelled
        paths = {iri: path for spelled in unknown.values() for iri in spelled if (path := self._uris.path(iri))}
        states = self._ledger.states(paths.values())
        for place, spelled in unknown.items():
            for iri in spelled:
                state = states.get(paths.get(iri, ""))
                if state is not None:
                    found[place].iri, found[place].matched = iri, "uri"
                    found[place].status = "current" if state.state == "live" else state.state
                    found[place].successors = self._chain(iri, state)
                    break

    def _known(self, iri: str) -> bool:
        facts = self._of(iri)
        return bool(facts.types or facts.broader or facts.scheme) or self._describes(iri)

    def _describes(self, iri: str) -> bool:
        try:
            return self._store.describes(iri)
        except ValueError:  # not an IRI at all
            return False

    def _find_texts(self, found: list[Resolution], items: Mapping[int, str], root: str | frozenset[str]) -> None:
        beneath = root if isinstance(root, str) else ""
        named = self._lookup.named(items.values(), beneath)
        unknown = {place: other for place, text in items.items() if text not in named and (other := _respelled(text))}
        named |= self._lookup.named(unknown.values(), beneath) if unknown else {}
        for place, text in items.items():
            listed = named.get(text) or named.get(unknown.get(place, ""), [])
            labels = [label for label in listed if _beneath(label.iri, root)]
            if not labels:
                continue
            best = self._best_of(text, labels)
            found[place].matched = best[0].role
            if len(best) == 1:
                found[place].iri, found[place].status = best[0].iri, "current"
            else:
                found[place].status = "ambiguous"
                found[place].candidates = [Named(label.iri, {}) for label in best[:_MOST_CANDIDATES]]

    def _best_of(self, text: str, labels: Sequence[Label]) -> list[Label]:
        if text not in self._chosen:
            self._chosen[text] = self._best(labels)
        return self._chosen[text]

    def _best(self, labels: Sequence[Label]) -> list[Label]:
        """Return one label for each thing of the best kind: notations first, current before deprecated, ours first."""
        order: dict[str, tuple[tuple[int, bool, bool], Label]] = {}
        ours = (self._uris.base, self._uris.concepts)
        if len(labels) > _MOST_WEIGHED:  # each costs a look into the store; no more are shown anyhow
            by_kind = sorted(labels, key=lambda x: (_RANK[x.role], not x.iri.startswith(ours), x.iri))
            labels = by_kind[:_MOST_WEIGHED]
        for label in labels:
            rank = (_RANK[label.role], self._of(label.iri).deprecated, not label.iri.startswith(ours))
            if label.iri not in order or rank < order[label.iri][0]:
                order[label.iri] = (rank, label)
        best = min(rank for rank, _ in order.values())
        return [label for _, (rank, label) in sorted(order.items()) if rank == best]

    def _of(self, iri: str) -> _Facts:
        facts = self._facts.get(iri)
        if facts is None:
            facts = self._facts[iri] = self._read(iri)
        return facts

    def _read(self, iri: str) -> _Facts:
        said: dict[str, list[str]] = {}
        try:
            for property, term in self._store.outgoing(iri):
                if property in _READ:
                    said.setdefault(property, []).append(_text(term))
        except ValueError:  # not an IRI at all
            pass
        statuses = said.get(_STATUS, [])
        deprecated = said.get(_DEPRECATED) == ["true"] or any(status.endswith("/Deprecated") for status in statuses)
        replaced = tuple(sorted(said.get(_REPLACED, ())))
        return _Facts(
            tuple(sorted(said.get(_BROADER, ()))),
            min(said.get(_IN_SCHEME, [""])),
            replaced,
            deprecated or bool(replaced),
            tuple(sorted(said.get(_TYPE, ()))),
        )

    def _chain(self, iri: str, state: LedgerState | None) -> list[Named]:
        """Return what replaced an IRI, and what replaced that; a chain that comes back to itself ends there."""
        seen, chain = {iri}, list[Named]()
        ahead = self._next(iri, state)
        while ahead and len(chain) < _LONGEST_CHAIN:
            step = ahead.pop(0)
            if step not in seen:
                seen.add(step)
                chain.append(Named(step, {}))
                ahead += self._next(step, None)
        return chain

    def _next(self, iri: str, state: LedgerState | None) -> list[str]:
        if replaced := self._of(iri).replaced_by:
            return list(replaced)
        path = self._uris.path(iri)
        if state is None and path and not self._describes(iri):
            state = self._ledger.state(path)
        return [self._uris.iri(to) if to.startswith("/") else to for to in state.successors] if state else []

    def _path(self, iri: str) -> list[str]:
        """Return the broader concepts of an IRI from the top down; a cycle ends where it began."""
        path: list[str] = []
        step = iri
        while len(path) < _LONGEST_PATH:
            broader = self._of(step).broader
            if not broader or broader[0] == iri or broader[0] in path:
                break
            step = broader[0]
            path.append(step)
        return path[::-1]

    def _tell(self, found: Sequence[Resolution]) -> None:
        """Fill in what is said of the things found, with all labels read at once."""
        paths: dict[str, list[str]] = {}
        for one in found:
            if one.iri and one.status == "current":
                facts = self._of(one.iri)
                one.status = "deprecated" if facts.deprecated else "current"
                one.successors = self._chain(one.iri, None) if facts.replaced_by else ()
                one.scheme, one.type = facts.scheme, min(facts.types, default="")
                if one.iri not in paths:
                    paths[one.iri] = self._path(one.iri)
        named = {name for one in found for name in (one.iri, *(it.iri for it in (*one.successors, *one.candidates)))}
        named |= {step for path in paths.values() for step in path}
        labels = self._lookup.of(name for name in named if name)
        texts = {iri: _texts(listed) for iri, listed in labels.items()}
        datasets: dict[str, list[str]] = {}
        for one in found:
            if one.iri:
                one.labels = texts.get(one.iri, {})
                one.notation = min((x.text for x in labels.get(one.iri, ()) if x.role == "notation"), default="")
                one.broader = [Named(step, texts.get(step, {})) for step in paths.get(one.iri, ())]
                if one.iri not in datasets:
                    datasets[one.iri] = self._datasets(one, labels.get(one.iri, ()))
                one.datasets = datasets[one.iri]
            one.successors = [Named(it.iri, texts.get(it.iri, {})) for it in one.successors]
            one.candidates = [Named(it.iri, texts.get(it.iri, {})) for it in one.candidates]

    def _datasets(self, one: Resolution, labels: Sequence[Label]) -> list[str]:
        """Return the datasets that describe a thing: by the graphs of its labels, or of its triples without any."""
        if one.status not in ("current", "deprecated"):
            return []
        graphs = {label.graph for label in labels} or self._store.graphs_of(one.iri)
        keys = {self._graphs[graph].dataset for graph in graphs if graph in self._graphs}
        return sorted(self._uris.dataset(*key.split("/", 1)) for key in keys if key)


_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
_READ = frozenset((_BROADER, _IN_SCHEME, _REPLACED, _STATUS, _DEPRECATED, _TYPE))


def _beneath(iri: str, root: str | frozenset[str]) -> bool:
    return iri.startswith(root) if isinstance(root, str) else iri in root


def _respelled(text: str) -> str:
    """Return a Swedish organization number as it is stored, "" for any other text.

    >>> _respelled("212000-9929")
    '2120009929'
    """
    return f"{text[-11:-5]}{text[-4:]}" if _ORGANIZATION.fullmatch(text) else ""


def _text(term: Term) -> str:
    return value(term).text


def _texts(labels: Iterable[Label]) -> dict[str, str]:
    """Return the labels proper by language, the first of each by text."""
    return {label.language: label.text for label in sorted(labels, key=lambda x: x.text, reverse=True)
            if label.role == "label"}  # fmt: skip
