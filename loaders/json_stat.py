"""Read JSON-stat 2.0 datasets, and those of its first version, as cubes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from math import prod
from pathlib import Path
from typing import Any

from loaders.cube import SIGNS, Category, Cube, Dimension
from loaders.decode import Survey, open_text
from loaders.errors import SourceError
from loaders.findings import Finding
from loaders.json_rows import row_of_nan

# The format is one object that must be read whole.
LARGEST = 64 << 20
_LOOKED_AT = 1 << 16
_ROLES = {"time": "time", "geo": "geo", "metric": "metric"}


def is_json_stat(path: Path) -> bool:
    """Tell by its first and last part whether a JSON file is a JSON-stat dataset."""
    with path.open("rb") as file:
        head = file.read(_LOOKED_AT)
        file.seek(max(0, path.stat().st_size - _LOOKED_AT))
        parts = head + b"\n" + file.read(_LOOKED_AT)
    if not head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return False
    named = re.search(rb'"class"\s*:\s*"dataset"', parts) and re.search(rb'"version"\s*:\s*"2', parts)
    whole = all(f'"{word}"'.encode() in parts for word in ("dimension", "size", "value", "category"))
    return bool(named or (whole and re.match(rb'\s*\{\s*"dataset"', head.removeprefix(b"\xef\xbb\xbf"))))


def cube(path: Path, name: str, found: Survey) -> Cube:
    """Return the dataset's cube; raise SourceError when it is broken or too large to be read whole."""
    if path.stat().st_size > LARGEST:
        raise SourceError(Finding("source.too-large", file=name, detail=(("limit", f"{LARGEST >> 20} MiB"),)))
    with open_text(path, found) as stream:
        try:
            document = json.load(stream, parse_float=Decimal, parse_constant=_refuse)
        except RecursionError:
            raise SourceError(Finding("source.nested", file=name, detail=(("limit", "1000"),))) from None
        except ValueError:
            if row := row_of_nan(path):
                raise SourceError(Finding("source.nan", file=name, row=row)) from None
            raise SourceError(Finding("source.broken-json", file=name, detail=(("fault", "parse error"),))) from None
    dataset = document.get("dataset", document) if isinstance(document, dict) else None
    try:
        return _cube(dataset, name)
    except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
        detail = (("fault", f"{type(error).__name__}: {str(error)[:80]}"),)
        raise SourceError(Finding("source.broken-json-stat", file=name, detail=detail)) from None


def _refuse(text: str) -> None:
    raise ValueError(text)


def _cube(dataset: Any, name: str) -> Cube:
    described = dataset["dimension"]
    # Version 1 keeps id, size and role inside dimension.
    outer = dataset if "id" in dataset else described
    ids, sizes, roles = outer["id"], outer["size"], outer.get("role", {})
    role_of = {each: _ROLES[role] for role, named in roles.items() if role in _ROLES for each in named}
    dimensions = tuple(_dimension(each, described[each], role_of.get(each, "")) for each in ids)
    if [len(dimension.categories) for dimension in dimensions] != list(sizes):
        raise ValueError("size does not agree with the categories")
    total, values, status = prod(sizes), dataset["value"], dataset.get("status", {})
    if isinstance(values, list) and len(values) != total:
        raise ValueError(f"{len(values)} values, {total} wanted")
    if isinstance(values, dict) and any(not key.isdigit() or int(key) >= total for key in values):
        raise ValueError("a value outside the cube")
    extension = dataset.get("extension", {})
    code = extension.get("px", {}).get("matrix") or extension.get("px", {}).get("tableid") or ""
    label = str(dataset.get("label", ""))
    return Cube(name, str(code) or "JSON-stat", label, "", dimensions, lambda: _cells(values, status, total))


def _dimension(name: str, said: Any, role: str) -> Dimension:
    category = said["category"]
    labels, index, units = category.get("label", {}), category.get("index"), category.get("unit", {})
    # JSON-stat 2.0, category.index: an array, an object of places, or left out when there is one category.
    codes = list(labels) if index is None else list(index) if isinstance(index, list) else sorted(index, key=index.get)
    entries = []
    for code in codes:
        unit = units.get(code, {})
        entries.append(Category(str(code), str(labels.get(code, code)), str(unit.get("base", unit.get("label", "")))))
    label = str(said.get("label", name))
    return Dimension(label if not role else name, tuple(entries), role)


def _cells(values: Any, status: Any, total: int) -> Iterator[tuple[str, str]]:
    for place in range(total):
        value = values[place] if isinstance(values, list) else values.get(str(place))
        note = status
        if isinstance(status, list):
            note = status[place] if place < len(status) else ""
        elif isinstance(status, dict):
            note = status.get(str(place), "")
        plain = "" if value is None else format(value, "f") if isinstance(value, Decimal) else str(value)
        yield plain, SIGNS.get(str(note), str(note)) or ("" if plain else SIGNS[".."])
