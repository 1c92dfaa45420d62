"""The CSV, XLSX and GeoJSON twins of a description, and of the list of things that point at something."""

from __future__ import annotations

from io import BytesIO
from itertools import islice

from server.description import PAGE, Description
from server.formats import CSV, GEOJSON, XLSX, Format
from server.instance import Opened, Torg
from server.store import ReadStore
from server.tables import Table, write_csv, write_geojson, write_xlsx
from server.thing_tables import Thing, facts_table, features, namer, of_store, place_of, placed, position, things_table

TABLES = (CSV, XLSX, GEOJSON)
"""The formats of this module; their words are in the visitor's language."""

LIST_PAGE = 5_000
"""Most things in one table of those that point at something; `page` counts in steps of PAGE, as in every format."""


def twins_of(store: ReadStore, description: Description) -> tuple[Format, ...]:
    """Return the tables that there are of a description: GeoJSON only when there is a place on a map."""
    window = description.window
    if window is not None and window.inverse:
        return TABLES
    values = place_of(store, description.iri) if window else {item.iri: item.values for item in placed(description)}
    return TABLES if position(values) else (CSV, XLSX)


def write_twin(torg: Torg, opened: Opened, description: Description, format: Format, language: str) -> bytes:
    """Return a description, or a page of a list, in CSV, XLSX or GeoJSON.

    The formats are those of `twins_of`.
    """
    names = namer(torg, opened, language)
    store, iri, window = opened.generation.store, description.iri, description.window
    target = BytesIO()
    if window is not None and window.inverse:
        start = (window.page - 1) * PAGE
        things = list(of_store(store, islice(store.subjects(window.property, iri), start, start + LIST_PAGE)))
        properties = sorted({property for _, values in things for property in values})
        if format is GEOJSON:
            write_geojson(features(names, properties, things), target)
        else:
            title = names.presenter([iri]).name(iri)[0]
            _write(things_table(names, title, properties, things), format, opened, target)
    elif format is GEOJSON:
        found: list[Thing] = list(of_store(store, [iri]))
        write_geojson(features(names, found[0][1], found), target, single=True)
    else:
        _write(facts_table(names, description), format, opened, target)
    return target.getvalue()


def _write(table: Table, format: Format, opened: Opened, target: BytesIO) -> None:
    if format is CSV:
        write_csv(table, target)
    else:
        write_xlsx([table], target, opened.generation.created)
