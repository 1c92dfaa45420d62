"""From a property back to the column of the source that gives it its values, under the header its steward knows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import ontology
from loaders.description import Dataset

_VARIABLES = re.compile(r"\{\+?(\w+)\}")


def header_of(dataset: Dataset, property: str, base: str) -> str:
    """Return the header of the column that a property's values come from, "" when no column of ours gives it.

    It is spelled as dataset.toml spells it, else as the specification does.
    """
    if dataset.specification is None:
        return ""
    column = column_of(ontology.table(dataset.specification), property, base)
    headers = [header for header, change in dataset.columns.items() if column and column in change.columns]
    return headers[0] if headers else column


def short_name(property: str) -> str:
    """Return the last part of a property's IRI.

    >>> short_name("https://schema.org/name"), short_name("http://www.w3.org/2003/01/geo/wgs84_pos#lat")
    ('name', 'lat')
    """
    return property.rpartition("#")[2].rpartition("/")[2]


def column_of(table: Mapping[str, Any], property: str, base: str) -> str:
    """Return the name of the column of a CSVW table that gives a property its values, "" when there is none.

    A virtual column's values come from the columns that its valueUrl names, or that were derived for it.
    """
    columns = table["tableSchema"]["columns"]
    real = [column for column in columns if not column.get("virtual")]
    derived = {
        variable: column["name"] for column in real for variable in column.get(f"{ontology.CSVW_EXTENSION}derive", {})
    }
    names = {column["name"] for column in real}
    for column in [*real, *(column for column in columns if column.get("virtual"))]:
        if property and property in (column.get("propertyUrl"), base + str(column.get("propertyUrl"))):
            if not column.get("virtual"):
                return str(column["name"])
            for variable in reversed(_VARIABLES.findall(column.get("valueUrl", ""))):
                if variable in names or variable in derived:
                    return str(derived.get(variable, variable))
    return ""
