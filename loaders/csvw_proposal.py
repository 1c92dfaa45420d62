"""Propose a CSVW table description for a file that follows no shared specification."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import ontology
from loaders import guesses, specification
from loaders.concepts import ConceptIndex, fold
from loaders.guesses import Column
from loaders.headers import is_unnamed, words

Note = tuple[str, str]
# What places have in common in every specification; a column of that name means the same anywhere.
_SHARED = ("name", "latitude", "longitude", "street", "postcode", "city", "phone", "email", "visit_url", "wikidata",
           "description")  # fmt: skip
_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
_PLACE = "https://schema.org/Place"
_SPATIAL = "http://purl.org/dc/terms/spatial"
_SUBJECT = "http://purl.org/dc/terms/subject"


def propose_table(
    path: Path, columns: Sequence[Column], rows: Sequence[Sequence[str]], concepts: ConceptIndex, kind: str
) -> tuple[dict[str, Any], dict[str, Note]]:
    """Return a CSVW table description of the columns, and why each guess in it was made, by header."""
    why: dict[str, Note] = {}
    used: set[str] = set()
    listed, virtual, names = [], [], {}
    for column in columns:
        if is_unnamed(column.header):
            continue
        said = _column(column, rows, used, why)
        scheme = guesses.scheme_of(column, concepts) if said.get("datatype", "string") == "string" else ""
        if scheme:
            variable = f"{said['name']}_concept"
            said[specification.DERIVE] = {variable: {"function": "concept", "scheme": scheme}}
            property_url = _SPATIAL if scheme == "place" else _SUBJECT
            virtual.append({"name": f"{variable}_link", "virtual": True, "propertyUrl": property_url,
                            "valueUrl": f"{{+{variable}}}"})  # fmt: skip
            why[column.header] = (f"Värdena är begrepp i {scheme}.", f"The values are concepts of {scheme}.")
        names[column.header] = said["name"]
        listed.append(said)
    if {"latitude", "longitude"} <= used:
        virtual.append({"name": _name("rdf type", used), "virtual": True, "propertyUrl": _TYPE, "valueUrl": _PLACE})
    keys = [names[column.header] for column in guesses.keys([c for c in columns if c.header in names])]
    chosen = "/".join(f"{{{name}}}" for name in keys) if keys else "{_row}"
    if not keys:
        why[""] = (
            "Inga kolumner skiljer raderna åt: radnumret blev identitet, och ändras när raderna flyttas.",
            "No columns tell the rows apart: the row number became the identifier, and changes when rows move.",
        )
    schema = {"aboutUrl": f"id/{kind}/{{authority}}/{chosen}", "columns": [*listed, *virtual]}
    document = {"@context": ["http://www.w3.org/ns/csvw", {"@language": "sv"}], "url": path.name, "tableSchema": schema}
    return document, why


def _column(column: Column, rows: Sequence[Sequence[str]], used: set[str], why: dict[str, Note]) -> dict[str, Any]:
    shared = _shared(column)
    if shared and shared["name"] not in used:
        used.add(shared["name"])
        why[column.header] = (f"Samma sak som {shared['name']} i specifikationerna.",
                              f"The same as {shared['name']} in the specifications.")  # fmt: skip
        said = {**shared, "titles": column.header}
    else:
        said = {"name": _name(column.header, used), "titles": column.header}
        datatype = guesses.datatype(column)
        form = guesses.boolean_format(column)
        if form:
            said["datatype"] = {"base": "boolean", "format": form}
        elif datatype != "string":
            said["datatype"] = datatype
    nulls = guesses.nulls_of(rows, column.place)
    if nulls:
        said["null"] = ["", *nulls]
    return said


def _shared(column: Column) -> dict[str, Any] | None:
    """Return the specifications' column of that name, when the values are what it asks for."""
    found = next((said for known, said in _known() if fold(column.header) in known), None)
    if found is None:
        return None
    datatype = found.get("datatype")
    if isinstance(datatype, dict) and datatype.get("base") == "decimal":
        return found if guesses.datatype(column) in ("decimal", "integer") else None
    pattern = datatype.get("format") if isinstance(datatype, dict) else None
    fit = [text for text in column.values if pattern is None or re.fullmatch(pattern, text)]
    return found if len(fit) >= guesses.MOSTLY * len(column.values) else None


@cache
def _known() -> tuple[tuple[frozenset[str], dict[str, Any]], ...]:
    """Return the shared columns with the words for each, from the specification that has all of them."""
    kept = ("name", "propertyUrl", "valueUrl", "lang", "datatype", specification.PRIVACY)
    columns = {column["name"]: column for column in specification.columns(ontology.table("badplatser"))}
    shared = [columns[name] for name in _SHARED]
    return tuple(
        (frozenset().union(*words(column)) - {""}, {word: column[word] for word in kept if word in column})
        for column in shared
    )


def _name(header: str, used: set[str]) -> str:
    """Return a column name that a URI template can hold (RFC 6570 2.3), unlike all others."""
    plain = "".join(sign if sign.isascii() and sign.isalnum() else "_" for sign in _ascii(header)).strip("_").lower()
    name = re.sub("_+", "_", plain) or "column"
    number = 1
    while (name if number == 1 else f"{name}_{number}") in used:
        number += 1
    used.add(name if number == 1 else f"{name}_{number}")
    return name if number == 1 else f"{name}_{number}"


def _ascii(text: str) -> str:
    return text.translate(str.maketrans("åäöÅÄÖéøæ", "aaoAAOeoa"))
