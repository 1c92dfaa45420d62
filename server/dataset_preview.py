"""What the page of a dataset shows of the data itself: its first things as a table, its places, and a count by concept.

One bounded look at the graph's dump, kept for the whole generation: large graphs are shown by their beginning, without
a map or a chart, since those would tell of a part as if it were all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from server.description import LABELS, TYPE
from server.generations import GraphEntry
from server.graph_files import read_graph, subjects
from server.graph_tables import main_classes
from server.instance import Opened, Torg
from server.naming import called
from server.presentation import Presenter, Shown
from server.rdf_formats import Value
from server.thing_tables import Thing, Values, of_lines, position

ROWS = 10
"""Things in the table."""

_WHOLE = 60_000  # triples of a graph that is looked through for places and concepts
_LOOKED_AT = 40_000  # things of a larger graph in which the first of the main class must be found
_PLACES, _COLUMNS, _BARS = 300, 7, 15
_STREET, _TOWN = "https://schema.org/streetAddress", "https://schema.org/addressLocality"
# What people look for last comes last, so that the table is not filled with it.
_LESS = frozenset(
    ("http://purl.org/dc/terms/identifier", "https://schema.org/telephone", "https://schema.org/email",
     "https://schema.org/url", "https://schema.org/postalCode")
)  # fmt: skip
_TECHNICAL = (
    "http://www.opengis.net/ont/geosparql#asWKT", "http://www.w3.org/2003/01/geo/wgs84_pos#lat",
    "http://www.w3.org/2003/01/geo/wgs84_pos#long", "http://purl.org/dc/terms/modified",
    "http://purl.org/dc/terms/source", "https://schema.org/description",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sample:
    """What was seen in a graph, before it has words."""

    type: str
    things: tuple[Thing, ...]
    total: int
    places: tuple[tuple[str, str, str, float, float], ...]  # IRI, name, address, latitude, longitude
    more_places: int
    concepts: tuple[tuple[str, tuple[tuple[str, int], ...]], ...]  # by property: concept and things


@dataclass(frozen=True, slots=True)
class Preview:
    """The same with words in one language."""

    kind: str
    total: int
    headings: tuple[tuple[str, bool], ...]  # name, whether it holds numbers
    rows: tuple[tuple[Shown, tuple[Shown | None, ...]], ...]
    left_out: int  # columns that are not shown
    places: tuple[tuple[str, str, str, float, float], ...]  # href, name, address, latitude, longitude
    more_places: int
    by: str  # the property of the chart
    counts: tuple[tuple[str, int], ...]


def preview(torg: Torg, opened: Opened, entry: GraphEntry, language: str) -> Preview | None:
    """Return what a page shows of a graph in a language, None for a graph without things of a class."""
    memo = f"sample {entry.iri}"
    if memo not in opened.memo:
        opened.memo[memo] = _sample(torg, opened, entry)
    sample: Sample | None = opened.memo[memo]
    if sample is None:
        return None
    order = torg.property_order
    used = {property for _, values in sample.things for property in values} - {*LABELS, TYPE, *_TECHNICAL}
    columns = sorted(used, key=lambda property: (property in _LESS, order.get(property, len(order)), property))
    by, counted = _chosen(sample, order)
    named = [sample.type, by, *used, *(iri for iri, _ in sample.things), *(name for name, _ in counted)]
    named += [item.text for _, values in sample.things for group in values.values() for item in group]
    labels = called(opened, torg, [name for name in named if "://" in name], language)
    presenter = Presenter(language, torg.uris, labels, torg.prefixes)
    shown = columns[:_COLUMNS]
    rows = tuple(
        (_head(presenter, thing), tuple(_cell(presenter, thing, name) for name in shown)) for thing in sample.things
    )
    cells = [[row[place] for _, row in rows if row[place]] for place in range(len(shown))]
    numbers = [all(one.kind == "number" for one in column if one) for column in cells]
    return Preview(
        presenter.name(sample.type)[0],
        sample.total,
        tuple(zip((presenter.name(name)[0] for name in shown), numbers, strict=True)),
        rows,
        len(columns) - len(shown),
        tuple((torg.uris.link(iri), name, street, lat, lon) for iri, name, street, lat, lon in sample.places),
        sample.more_places,
        presenter.name(by)[0] if by else "",
        tuple((presenter.name(name)[0], number) for name, number in counted[:_BARS]),
    )


def _sample(torg: Torg, opened: Opened, entry: GraphEntry) -> Sample | None:
    classes = main_classes(torg, opened, entry)
    if not classes:
        return None
    of, dump = classes[0], opened.generation.path / entry.dump

    def is_one(values: Values) -> bool:
        return any(item.text == of for item in values.get(TYPE, ()))

    typed = f" <{TYPE}> <{of}> .\n"
    whole = entry.triples <= _WHOLE
    # The beginning is enough for a table, and quick in a dump of any size.
    looked = islice(subjects(read_graph(dump)), None if whole else _LOOKED_AT)
    groups = (group for group in looked if any(line.endswith(typed) for line in group[1]))
    total = torg.partitions(opened, entry).classes.get(of, 0)
    if not whole:
        return Sample(of, tuple(of_lines(islice(groups, ROWS), is_one)), total, (), 0, ())
    found = list(of_lines(groups, is_one))
    places = [
        (iri, _text(values.get(LABELS[0]) or []) or iri, _address(values), point[1], point[0])
        for iri, values in found
        if (point := position(values))
    ]
    prefix = f"{torg.uris.concepts}def/"
    counts: dict[str, Counter[str]] = {}
    for _, values in found:
        for property, group in values.items():
            for item in group:
                if item.kind == "iri" and item.text.startswith(prefix):
                    counts.setdefault(property, Counter())[item.text] += 1
    concepts = tuple((property, tuple(counter.most_common())) for property, counter in sorted(counts.items()))
    return Sample(of, tuple(found[:ROWS]), total, tuple(places[:_PLACES]), max(0, len(places) - _PLACES), concepts)


def _chosen(sample: Sample, order: Mapping[str, int]) -> tuple[str, Sequence[tuple[str, int]]]:
    """Return the property that tells most about the things, with its counts: some concepts, but not one for each."""
    fitting = [(name, counts) for name, counts in sample.concepts if 2 <= len(counts) <= _BARS]
    places = {name: order.get(name, 1_000) for name, _ in fitting}
    return min(
        fitting, key=lambda each: (-sum(n for _, n in each[1]), -len(each[1]), places[each[0]]), default=("", ())
    )


def _head(presenter: Presenter, thing: Thing) -> Shown:
    iri, values = thing
    shown = presenter.link(iri)
    name = next((_text(values[label]) for label in LABELS if label in values), "")
    return Shown("link", name, shown.href) if name else shown


def _cell(presenter: Presenter, thing: Thing, property: str) -> Shown | None:
    values = thing[1].get(property)
    if not values:
        return None
    shown = presenter.show(values[0], property=property)
    return shown if len(values) == 1 else Shown(shown.kind, f"{shown.text} +{len(values) - 1}", shown.href)


def _text(values: Sequence[Value]) -> str:
    return min((item.text for item in values), default="")


def _address(values: Values) -> str:
    parts = [_text(values.get(name) or []) for name in (_STREET, _TOWN)]
    return ", ".join(filter(None, parts))
