"""What one pass over a graph file tells: counts, uses of concepts and things, keys, shapes of subjects, named things.

Indexes, catalogue, checks and search all want something of every line of a new graph. Each of them reading the file for
itself cost more than loading it, so it is read once, and what it tells is left in the folder `survey` of the generation
that is being made:

    <sha256>.json    the counts
    <sha256>.nt      the lines of every subject that has a name or a code
"""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, Protocol

from server.graph_files import read_graph, subjects

FOLDER = "survey"
TYPE = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>"
NAMES = tuple(
    f"<{name}>"
    for name in ("https://schema.org/name", "http://www.w3.org/2000/01/rdf-schema#label", "http://purl.org/dc/terms/title")
)  # fmt: skip
"""Properties by which two publishers' things of one key are compared."""

_SKOS = "http://www.w3.org/2004/02/skos/core#"
NAMING = frozenset(
    (*NAMES, f"<{_SKOS}prefLabel>", f"<{_SKOS}altLabel>", f"<{_SKOS}hiddenLabel>", f"<{_SKOS}notation>",
     "<http://schema.org/name>", "<http://xmlns.com/foaf/0.1/name>", "<https://schema.org/alternateName>",
     "<https://schema.org/legalName>", "<http://purl.org/dc/terms/identifier>")
)  # fmt: skip
"""Properties of which names and codes are values: what the indexes of labels and of the search are made of."""

_XSD = r"http://www\.w3\.org/2001/XMLSchema#"
# Literals whose value is certainly one of their datatype; every other typed literal may be ill-typed.
_WELL_FORMED = re.compile(
    rf'"(?:0|-?[1-9]\d{{0,16}})"\^\^<{_XSD}integer>'
    rf'|"(?:0|-?[1-9]\d{{0,15}}|-?(?:0|[1-9]\d{{0,15}})\.\d{{0,14}}[1-9])"\^\^<{_XSD}decimal>'
    rf'|"[12]\d{{3}}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"'
    rf"\^\^<{_XSD}date>"
    rf'|"(?:true|false)"\^\^<{_XSD}boolean>'
)
IRI, BLANK = "IRI", "blank"
_BATCH = 50_000  # lines
_MOST_SIGNATURES = 20_000
_MOST_USED = 400_000  # values whose uses are counted at once in one graph; what is used once goes first
_MOST_KEPT = 50_000  # values, concepts aside, whose uses are told
_MOST_MEMBERS = 500_000


class Content(Protocol):
    """A graph's content: where its file lies is told beside."""

    @property
    def sha256(self) -> str:
        """The hash of the canonical lines."""
        ...


@dataclass(frozen=True, slots=True)
class Survey:
    """What is kept of one pass over a graph."""

    classes: dict[str, int]
    properties: dict[str, int]
    described: int  # subjects that have an address of their own
    keys: dict[str, str]  # name by kind and key, of things whose key is unique in the country
    concepts: dict[str, dict[str, int]]  # number of uses by concept and property
    uses: dict[str, int]  # how often things are values, concepts and the most used of the others


@dataclass
class Forms:
    """In which forms the subjects of a graph come, for checks that need not look at each of them.

    A form is the sequence of (property, kind of value) of a subject's triples; of rdf:type the class stands for the
    kind. `whole` is False when there were too many forms or values to keep.
    """

    counts: Counter[tuple[str, ...]] = field(default_factory=Counter)
    doubtful: set[tuple[str, str]] = field(default_factory=set)  # property and datatype of values perhaps ill-typed
    uses: Mapping[str, Mapping[str, int]] = field(default_factory=dict)  # number of uses by property and IRI
    members: Mapping[str, set[str]] = field(default_factory=dict)  # subjects by class, of the classes asked for
    whole: bool = True


class Surveys:
    """The surveys of the graphs of one generation that is being made."""

    def __init__(self, folder: Path, base: str, concept_base: str) -> None:
        self._generation, self._folder = folder, folder / FOLDER
        self._base, self._bases = base, tuple(dict.fromkeys((concept_base or base, base)))

    def of(self, graph: Content, dump: Path | str) -> Survey:
        """Return the survey of a graph whose dump is at a path (below the generation when it is a text)."""
        kept = self._folder / f"{graph.sha256}.json"
        if not kept.is_file():
            self.read(graph, dump)
        return Survey(**json.loads(kept.read_text("utf-8")))

    def named(self, graph: Content, dump: Path | str) -> Iterator[str]:
        """Yield the lines of every subject of a graph that has a name or a code, in order."""
        kept = self._folder / f"{graph.sha256}.nt"
        if not kept.is_file():
            self.read(graph, dump)
        with open(kept, encoding="utf-8", newline="\n") as lines:
            yield from lines

    def read(self, graph: Content, dump: Path | str, classes: Iterable[str] = ()) -> Forms:
        """Survey a graph, and return the forms of its subjects; members are told of these classes."""
        self._folder.mkdir(exist_ok=True)
        path = self._generation / dump if isinstance(dump, str) else dump
        lines = self._folder / f"{graph.sha256}.nt"
        with open(lines, "w", encoding="utf-8", newline="\n") as named:
            scan = _Scan(self._base, self._bases, named, classes)
            whole = read_graph(path)
            while batch := list(islice(whole, _BATCH)):
                scan.add(batch)
            survey, forms = scan.finished()
        members = {name: getattr(survey, name) for name in Survey.__slots__}
        (self._folder / f"{graph.sha256}.json").write_text(json.dumps(members, ensure_ascii=False), "utf-8")
        return forms

    def clear(self) -> None:
        """Remove what was left; a finished generation holds none of it."""
        shutil.rmtree(self._folder, ignore_errors=True)


def named_lines(lines: Iterable[str]) -> Iterator[str]:
    """Yield the lines of every subject that has a name or a code, from canonical lines in order."""
    for _, said in subjects(lines):
        if any(line.split(" ", 2)[1] in NAMING for line in said):
            yield from said


class _Form:
    """What is known of a form: how it counts, and whether its subjects have names."""

    __slots__ = ("classes", "named", "properties")

    def __init__(self, signature: tuple[str, ...], wanted: frozenset[str]) -> None:
        self.properties = signature[::2]
        self.named = not NAMING.isdisjoint(self.properties)
        pairs = zip(self.properties, signature[1::2], strict=True)
        self.classes = [kind for name, kind in pairs if name == TYPE and kind in wanted]


class _Scan:
    """One pass over a graph's lines."""

    def __init__(self, base: str, bases: tuple[str, ...], named: IO[str], classes: Iterable[str]) -> None:
        self._things, self._named = f"<{base}id/", named
        self._addressed = (self._things, f"<{base}def/")
        self._concepts = tuple(f"<{each}def/" for each in bases)
        self._wanted = frozenset(classes)
        self._forms = Forms(members={name: set() for name in self._wanted})
        self._known: dict[tuple[str, ...], _Form] = {}
        self._uses: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        self._properties: Counter[str] = Counter()
        self._classes: Counter[str] = Counter()
        self._keys: dict[str, str] = {}
        self._described = self._distinct = 0
        self._last, self._signature, self._held = "", list[str](), list[str]()

    def add(self, lines: list[str]) -> None:
        """Look at lines, in order."""
        last, signature, held, uses = self._last, self._signature, self._held, self._uses
        for line in lines:
            subject, property, value = line.split(" ", 2)
            if subject != last:
                if held:
                    self._close(last, tuple(signature), held)
                last = subject
                signature.clear()
                held.clear()
            held.append(line)
            signature.append(property)
            if value[0] == "<":
                if property == TYPE:
                    signature.append(value[:-3])
                else:
                    signature.append(IRI)
                    uses[property][value] += 1
            elif value[0] == '"':
                kind = value[value.rindex('"') + 1 : -3]
                signature.append(kind)
                if kind[:1] == "^" and not _WELL_FORMED.match(value):
                    self._forms.doubtful.add((property, kind))
            else:
                signature.append(BLANK)
        self._last = last
        if sum(map(len, uses.values())) > _MOST_USED:
            self._forget_rare()

    def _close(self, subject: str, signature: tuple[str, ...], lines: list[str]) -> None:
        form = self._known.get(signature)
        if form is None:
            if len(self._known) >= _MOST_SIGNATURES:
                self._fold()
                self._forms.whole = False
            form = self._known[signature] = _Form(signature, self._wanted)
        self._forms.counts[signature] += 1
        if subject.startswith(self._addressed) and "#" not in subject:
            self._described += 1
        if form.named:
            self._named.writelines(lines)
            if subject.startswith(self._things) and len(self._keys) < _MOST_MEMBERS:
                self._key(subject[len(self._things) : -1], lines)
        for name in form.classes:
            self._member(name, subject)

    def _member(self, name: str, subject: str) -> None:
        members = self._forms.members[name]
        if len(members) < _MOST_MEMBERS:
            members.add(subject)
        else:
            self._forms.whole = False

    def _key(self, key: str, lines: list[str]) -> None:
        """Keep the name of a thing whose key is unique in the country: one without its publisher's authority."""
        kind, _, rest = key.partition("/")
        if "/" in rest or kind == "organization":
            return
        for line in lines:
            _, property, value = line.split(" ", 2)
            if property in NAMES:
                self._keys.setdefault(f"{kind}/{rest}", value)
                return

    def _fold(self) -> None:
        """Count what the forms so far say, and forget them."""
        for signature, number in self._forms.counts.items():
            for property, kind in zip(signature[::2], signature[1::2], strict=True):
                self._properties[property] += number
                if property == TYPE:
                    self._classes[kind] += number
        self._forms.counts.clear()
        self._known.clear()

    def _forget_rare(self) -> None:
        """Make room by forgetting what was used least, so that memory does not grow with the number of rows."""
        self._forms.whole = False
        floor, left = 0, _MOST_USED
        while left > _MOST_USED // 2 and floor < 1_000:
            floor += 1
            left = 0
            for found in self._uses.values():
                for iri in [iri for iri, n in found.items() if n <= floor and not iri.startswith(self._concepts)]:
                    del found[iri]
                left += len(found)

    def finished(self) -> tuple[Survey, Forms]:
        """Return what was found."""
        if self._held:
            self._close(self._last, tuple(self._signature), self._held)
        forms = self._forms
        forms.uses = {name: {value[:-3]: n for value, n in found.items()} for name, found in self._uses.items()}
        kept = Forms(forms.counts.copy(), forms.doubtful, forms.uses, forms.members, forms.whole)
        self._fold()
        concepts: dict[str, dict[str, int]] = defaultdict(dict)
        totals: Counter[str] = Counter()
        for property, found in forms.uses.items():
            for value, number in found.items():
                totals[value[1:-1]] += number
                if value.startswith(self._concepts):
                    concepts[value[1:-1]][property[1:-1]] = number
        return self._survey(concepts, totals), kept

    def _survey(self, concepts: dict[str, dict[str, int]], totals: Counter[str]) -> Survey:
        begins = tuple(begin[1:] for begin in self._concepts)
        for name, number in self._classes.items():
            if name.startswith(self._concepts):
                concepts[name[1:-1]][TYPE[1:-1]] = number
        others = ((iri, n) for iri, n in totals.most_common(_MOST_KEPT) if n > 1)
        return Survey(
            classes={name[1:-1]: n for name, n in sorted(self._classes.items())},
            properties={name[1:-1]: n for name, n in sorted(self._properties.items())},
            described=self._described,
            keys=self._keys,
            concepts={concept: dict(sorted(uses.items())) for concept, uses in sorted(concepts.items())},
            uses=dict(others) | {iri: n for iri, n in totals.items() if iri.startswith(begins)},
        )
