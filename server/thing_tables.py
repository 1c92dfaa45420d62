"""Descriptions as tables and map features: one row for each fact of a thing, or one row for each thing of a list."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

from server.description import LABELS, TYPE, Description, Property
from server.instance import Opened, Torg
from server.labels import LabelIndex, alphabetical
from server.presentation import Presenter
from server.rdf_formats import Value, parse_lines, value
from server.store import ReadStore
from server.tables import Cell, Feature, Table, batches
from server.texts import texts

_XSD = "http://www.w3.org/2001/XMLSchema#"
_INTEGERS = {_XSD + name for name in ("integer", "int", "long", "short", "nonNegativeInteger", "positiveInteger")}
_LONG = ("http://www.w3.org/2003/01/geo/wgs84_pos#long", "https://schema.org/longitude")
_LAT = ("http://www.w3.org/2003/01/geo/wgs84_pos#lat", "https://schema.org/latitude")
_BATCH = 500
_VALUES = 50  # of one property in one cell

Values = Mapping[str, list[Value]]
Thing = tuple[str, Values]
"""An IRI with the values of its properties."""


@dataclass(frozen=True, slots=True)
class Namer:
    """Makes presenters with the labels of a batch, in one language."""

    torg: Torg
    index: LabelIndex
    language: str

    def presenter(self, iris: Iterable[str]) -> Presenter:
        """Return a presenter that knows the labels of these IRIs."""
        return Presenter(self.language, self.torg.uris, self.index.labels(iris, self.language), self.torg.prefixes)


def namer(torg: Torg, opened: Opened, language: str) -> Namer:
    """Return the namer of a generation in a language."""
    return Namer(torg, opened.labels, language)


def facts_table(names: Namer, description: Description) -> Table:
    """Return a description as a table with a row for each value."""
    words = texts(names.language).gettext
    presenter = names.presenter([description.iri, *description.named, *(item.iri for item in description.properties)])
    headings = (words("Property"), words("Value"), words("Language"), words("Address"), words("Property's address"))
    rows = [
        (
            presenter.name(item.iri)[0],
            presenter.name(found.text)[0] if found.kind == "iri" else cell([found], presenter),
            found.language,
            found.text if found.kind == "iri" else "",
            item.iri,
        )
        for item in sorted(description.properties, key=lambda item: alphabetical(presenter.name(item.iri)[0]))
        for found in item.values
    ]
    return Table(presenter.name(description.iri)[0], headings, rows)


def things_table(names: Namer, title: str, properties: Iterable[str], things: Iterable[Thing]) -> Table:
    """Return things as a table: their IRI, their name, and a column for each other property, named for people."""
    words = texts(names.language).gettext
    presenter = names.presenter(properties)
    columns = sorted(
        (item for item in properties if item not in LABELS and item != TYPE),
        key=lambda item: alphabetical(presenter.name(item)[0]),
    )
    headings = [words("Address"), words("Name"), *_distinct(presenter, columns)]
    return Table(title, headings, _rows(names, columns, things))


def features(names: Namer, properties: Iterable[str], things: Iterable[Thing]) -> Iterator[Feature]:
    """Yield those of the things that have a position."""
    listed = list(properties)
    headings = dict(zip(listed, _distinct(names.presenter(listed), listed), strict=True))
    for batch in batches((thing for thing in things if position(thing[1])), _BATCH):
        presenter = names.presenter(_named(batch))
        for iri, values in batch:
            found = position(values)
            assert found
            shown = {"name": _name(iri, values, presenter)} | {
                headings.get(property, property): cell(group, presenter)
                for property, group in values.items()
                if property not in (*LABELS, TYPE, *_LONG, *_LAT)
            }
            yield Feature(iri, *found, shown)


def position(values: Values) -> tuple[float, float] | None:
    """Return (longitude, latitude) of a thing, None when it has none that lies on Earth."""
    found = []
    for names, most in ((_LONG, 180), (_LAT, 90)):
        texts = [item.text for name in names for item in values.get(name, ())]
        try:
            number = float(texts[0]) if texts else None
        except ValueError:
            return None
        if number is None or not -most <= number <= most:
            return None
        found.append(number)
    return found[0], found[1]


def place_of(store: ReadStore, iri: str) -> Values:
    """Return only those values of a thing that say where it is."""
    return {name: found for name in (*_LONG, *_LAT) if (found := [value(term) for term in store.values(iri, name)])}


def placed(description: Description) -> list[Property]:
    """Return those properties of a description that say where the thing is."""
    return [item for item in description.properties if item.iri in _LONG or item.iri in _LAT]


def of_store(store: ReadStore, subjects: Iterable[str]) -> Iterator[Thing]:
    """Yield the subjects with all their published values."""
    for subject in subjects:
        values: dict[str, list[Value]] = {}
        for property, term in store.outgoing(subject):
            values.setdefault(property, []).append(value(term))
        yield subject, values


def of_lines(groups: Iterable[tuple[str, list[str]]], keep: Callable[[Values], bool]) -> Iterator[Thing]:
    """Yield the subjects of a canonical dump whose values are kept."""
    for batch in batches(groups, _BATCH):
        found: dict[str, dict[str, list[Value]]] = {}
        for triple in parse_lines(line for _, lines in batch for line in lines):
            properties = found.setdefault(value(triple.subject).text, {})
            properties.setdefault(triple.predicate.value, []).append(value(triple.object))
        yield from (thing for thing in found.items() if keep(thing[1]))


def cell(values: list[Value], presenter: Presenter) -> Cell:
    """Return the values of one property as one cell: a number, a date, or texts in the visitor's language."""
    spoken = [item for item in values if not item.language or item.language.split("-")[0] == presenter.language]
    shown = [_plain(item, presenter) for item in (spoken or values)[:_VALUES]]
    if len(shown) == 1:
        return shown[0]
    return "; ".join(sorted((str(item) for item in shown), key=alphabetical))


def _plain(item: Value, presenter: Presenter) -> Cell:
    if item.kind == "iri":
        own = presenter.labels.get(item.text)
        return own[0] if own else item.text
    try:
        if item.datatype in _INTEGERS:
            return int(item.text)
        if item.datatype == _XSD + "decimal":
            return Decimal(item.text)
        if item.datatype == _XSD + "date" and len(item.text) == 10:
            return date.fromisoformat(item.text)
        if item.datatype == _XSD + "boolean":
            return item.text in ("true", "1")
    except (ValueError, InvalidOperation):
        return item.text
    return item.text


def _rows(names: Namer, columns: list[str], things: Iterable[Thing]) -> Iterator[list[Cell]]:
    for batch in batches(things, _BATCH):
        presenter = names.presenter(_named(batch))
        for iri, values in batch:
            name = _name(iri, values, presenter)
            yield [iri, name, *(cell(values[key], presenter) if key in values else None for key in columns)]


def _name(iri: str, values: Values, presenter: Presenter) -> Cell:
    said = next((values[name] for name in LABELS if name in values), None)
    return cell(said, presenter) if said else presenter.labels.get(iri, ("",))[0]


def _named(things: Iterable[Thing]) -> Iterator[str]:
    for _, values in things:
        for group in values.values():
            yield from (item.text for item in group if item.kind == "iri")


def _distinct(presenter: Presenter, properties: list[str]) -> list[str]:
    """Return the names of the properties; two of the same name are told apart by their short IRI."""
    names = [presenter.name(item)[0] for item in properties]
    return [
        name if names.count(name) == 1 else f"{name} ({presenter.curie(item)})"
        for name, item in zip(names, properties, strict=True)
    ]
