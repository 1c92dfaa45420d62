"""The CSV, XLSX and GeoJSON twins of a description, and of the list of things that point at something."""

from __future__ import annotations

from io import BytesIO
from itertools import islice

from server.description import PAGE, Window, describe
from server.errors import Problem
from server.formats import CSV, GEOJSON, XLSX, Format
from server.instance import Opened, Torg
from server.tables import Table, write_csv, write_geojson, write_xlsx
from server.thing_tables import Thing, facts_table, features, namer, of_store, place_of, position, things_table

TABLES = (CSV, XLSX, GEOJSON)
"""The formats of this module; their words are in the visitor's language."""

LIST_PAGE = 5_000
"""Most things in one table of those that point at something; `page` counts in steps of PAGE, as in every format."""


def twins_of(opened: Opened, iri: str, window: Window | None) -> tuple[Format, ...]:
    """Return the tables that there are of a description: GeoJSON only when there is a place on a map."""
    if window is not None and window.inverse:
        return TABLES
    return TABLES if position(place_of(opened.generation.store, iri)) else (CSV, XLSX)


def write_twin(
    torg: Torg, opened: Opened, iri: str, document: str, window: Window | None, format: Format, language: str
) -> bytes:
    """Return a description, or a page of a list, in CSV, XLSX or GeoJSON.

    Raises Problem 404 when there is nothing on that page, or no position for a map.
    """
    names = namer(torg, opened, language)
    store = opened.generation.store
    target = BytesIO()
    if window is not None and window.inverse:
        start = (window.page - 1) * PAGE
        things = list(of_store(store, islice(store.subjects(window.property, iri), start, start + LIST_PAGE)))
        if not things:
            raise Problem(404, "There is no such page of this description.")
        properties = sorted({property for _, values in things for property in values})
        if format is GEOJSON:
            write_geojson(features(names, properties, things), target)
        else:
            title = names.presenter([iri]).name(iri)[0]
            _write(things_table(names, title, properties, things), format, opened, target)
        return target.getvalue()
    if format is GEOJSON:
        found: list[Thing] = list(of_store(store, [iri]))
        write_geojson(features(names, found[0][1], found), target, single=True)
        return target.getvalue()
    description = describe(store, iri, document)
    assert description is not None  # only what the store mentions comes here
    _write(facts_table(names, description), format, opened, target)
    return target.getvalue()


def _write(table: Table, format: Format, opened: Opened, target: BytesIO) -> None:
    if format is CSV:
        write_csv(table, target)
    else:
        write_xlsx([table], target, opened.generation.created)
