"""Find the CSVW description that maps a dataset's columns, and make its relative addresses absolute."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import ontology
from loaders.csvw import Table, read_table
from loaders.csvw.problems import CsvwError
from loaders.description import Dataset
from loaders.errors import DescriptionError
from loaders.findings import Finding

ABSENT = ontology.CSVW_EXTENSION + "absent"
DELIVERY = ontology.CSVW_EXTENSION + "delivery"
DERIVE = ontology.CSVW_EXTENSION + "derive"
PRIVACY = ontology.CSVW_EXTENSION + "privacy"
_TEMPLATES = ("aboutUrl", "propertyUrl", "valueUrl")
_VARIABLE = re.compile(r"\{[+#./;?&]?(\w+)\}")
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:|\{")
# Concepts, ontology and specifications belong to the concept base, everything else to the site (design 6).
_SHARED = ("def/", "spec/")


def description(dataset: Dataset, file: str = "", linked: Path | None = None) -> dict[str, Any]:
    """Return the table description of a dataset: its specification's, or the CSVW metadata beside the source file.

    `linked` is metadata that came with the file; what the steward put in the folder goes before it. Raises
    DescriptionError when there is none or it cannot be read.
    """
    if dataset.specification:
        return ontology.table(dataset.specification)
    found = metadata_file(dataset, file) or linked
    if found is None:
        finding = Finding("description.no-mapping", dataset.key, detail=(("wanted", f"{file}-metadata.json"),))
        raise DescriptionError(finding)
    try:
        document = json.loads(found.read_text("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise _broken(dataset, found.name, str(error)) from None
    if not isinstance(document, dict):
        raise _broken(dataset, found.name, "not a JSON object")
    return _one_table(document, file)


def metadata_file(dataset: Dataset, file: str) -> Path | None:
    """Return the CSVW metadata in the dataset's folder that describes the file."""
    stem = file.rsplit(".", 1)[0]
    names = [f"{file}-metadata.json", f"{stem}-metadata.json", "csv-metadata.json", "metadata.json"]
    found = next((dataset.folder / name for name in names if (dataset.folder / name).is_file()), None)
    others = sorted(dataset.folder.glob("*-metadata.json"))
    if found is None and len(others) == 1:
        found = others[0]
    return found


def columns(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the column descriptions of a table, virtual ones too."""
    schema = document.get("tableSchema")
    listed = schema.get("columns", []) if isinstance(schema, Mapping) else []
    return [column for column in listed if isinstance(column, dict) and "name" in column]


def absent_values(columns: Sequence[Mapping[str, Any]], authority: str) -> dict[str, str]:
    """Return the value of each column that has one even when the source lacks the column.

    >>> absent_values([{"name": "source", ABSENT: "{authority}"}, {"name": "id"}], "1880")
    {'source': '1880'}
    """
    return {
        column["name"]: str(column[ABSENT]).replace("{authority}", authority) for column in columns if ABSENT in column
    }


def null_tokens(document: Mapping[str, Any], column: Mapping[str, Any]) -> frozenset[str]:
    """Return the texts that mean "no value" in a column (inherited property `null`, CSVW Metadata 5.7)."""
    for level in (column, document.get("tableSchema", {}), document):
        if isinstance(level, Mapping) and "null" in level:
            said = level["null"]
            return frozenset([said] if isinstance(said, str) else said) | {""}
    return frozenset({""})


def compiled_from(
    document: Mapping[str, Any], dataset: Dataset, base: str, concept_base: str, separators: Mapping[str, str]
) -> Table:
    """Return the table description read by the CSVW engine, with the steward's separators for lists in cells.

    Raises DescriptionError for a fault in it.
    """
    prepared = absolute(document, base, concept_base)
    for column in columns(prepared):
        if column["name"] in separators:
            column["separator"] = separators[column["name"]]
    try:
        return read_table(prepared, base)
    except CsvwError as error:
        raise _broken(dataset, dataset.specification or "metadata", error.problem) from None


def absolute(document: Mapping[str, Any], base: str, concept_base: str) -> dict[str, Any]:
    """Return a copy whose relative URL templates are absolute, and whose derivations know their column."""
    prepared = copy.deepcopy(dict(document))
    schema = prepared.get("tableSchema", {})
    levels: Sequence[Any] = (prepared, schema, *columns(prepared))
    for level in levels:
        for name in _TEMPLATES:
            template = level.get(name)
            if isinstance(template, str) and template and not _ABSOLUTE.match(template):
                level[name] = (concept_base if template.startswith(_SHARED) else base) + template
    for column in columns(prepared):
        for said in column.get(DERIVE, {}).values():
            said.setdefault("params", {})["column"] = column["name"]
    return prepared


def property_columns(document: Mapping[str, Any], base: str, concept_base: str, url: str) -> dict[str, str]:
    """Return the column that gives each property its values; `url` is the file's, for columns without a property.

    The values of a virtual column come from the column that its valueUrl names, or that was derived for it.
    """
    listed = columns(absolute(document, base, concept_base))
    real = [column for column in listed if not column.get("virtual")]
    derived = {variable: str(column["name"]) for column in real for variable in column.get(DERIVE, {})}
    names = {str(column["name"]) for column in real}
    found: dict[str, str] = {}
    for column in (*real, *(column for column in listed if column.get("virtual"))):
        name = str(column["name"])
        if column.get("virtual"):
            variables = _VARIABLE.findall(str(column.get("valueUrl") or ""))
            name = next((derived.get(one, one) for one in reversed(variables) if one in names or one in derived), "")
        property = column.get("propertyUrl") or ("" if column.get("virtual") else f"{url}#{quote(name)}")
        if name and property and column.get("suppressOutput") is not True:
            found.setdefault(str(property), name)
    return found


def _one_table(document: dict[str, Any], file: str) -> dict[str, Any]:
    """Return the table of the file from a group (CSVW Metadata 5.3), or the document when it is a table itself."""
    tables = document.get("tables")
    if not isinstance(tables, list) or not tables:
        return document
    shared = {name: value for name, value in document.items() if name not in ("tables", "@id", "@type")}
    chosen = next((table for table in tables if isinstance(table, dict) and table.get("url") == file), tables[0])
    return {**shared, **chosen}


def _broken(dataset: Dataset, file: str, fault: str) -> DescriptionError:
    return DescriptionError(Finding("description.broken-mapping", dataset.key, file, detail=(("fault", fault),)))
