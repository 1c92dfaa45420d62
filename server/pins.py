"""Contracts with consumers: pins.toml in the site says which answers others rely on, and which queries are retired.

[pins.school-buses]
query = "school/list"
parameters = { municipality = "0180" }
columns = ["school", "schoolName"]     # must be among the answer's
least_rows = 8
consumer = "The transport authority"
blocks = true                    # what breaks it is not served until somebody confirms

[retired."school/list"]
deprecated = 2026-06-01
sunset = 2026-12-31
successor = "school/pupils"
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import queries
from loaders.description import nearest
from loaders.errors import DescriptionError
from loaders.findings import Finding
from queries import Query
from server import query_api
from server.errors import Problem
from server.query_api import MOST_ROWS, Window
from server.readers import Limits, ReaderPool
from server.uris import UriSpace

FILE = "pins.toml"
_PIN_KEYS = {"query", "parameters", "columns", "least_rows", "consumer", "contact", "blocks"}
_RETIRED_KEYS = {"deprecated", "sunset", "successor"}


@dataclass(frozen=True, slots=True)
class Pin:
    """What one consumer relies on."""

    name: str
    query: str
    parameters: Mapping[str, tuple[str, ...]]
    columns: tuple[str, ...]
    least_rows: int
    consumer: str
    blocks: bool


@dataclass(frozen=True, slots=True)
class Retirement:
    """A query that a steward retires: since when it should not be used, and when it ends."""

    query: str
    deprecated: date
    sunset: date | None
    successor: str

    def headers(self, address: str) -> dict[str, str]:
        """Return the headers that tell of it: Deprecation (RFC 9745), Sunset (RFC 8594) and the successor's Link."""
        headers = {"Deprecation": f"@{int(_midnight(self.deprecated).timestamp())}"}
        if self.sunset:
            headers["Sunset"] = format_datetime(_midnight(self.sunset), usegmt=True)
        if self.successor:
            headers["Link"] = f'<{address}>; rel="successor-version"'
        return headers


@dataclass(frozen=True, slots=True)
class Contracts:
    """All that pins.toml says."""

    pins: tuple[Pin, ...] = ()
    retired: Mapping[str, Retirement] = field(default_factory=dict)


def read_contracts(folder: Path) -> Contracts:
    """Return the contracts of a site; none when there is no pins.toml.

    Raises DescriptionError for what cannot be read; a query that is gone is a finding, not an error.
    """
    path = folder / FILE
    if not path.exists():
        return Contracts()
    try:
        declared = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _fault(FILE, str(error)) from None
    for name in declared:
        if name not in ("pins", "retired"):
            raise _fault(name, f"the tables are pins and retired; was it {nearest(name, ('pins', 'retired'))}")
    pins = tuple(_pin(name, entry) for name, entry in sorted(_table(declared, "pins").items()))
    retired = {name: _retirement(name, entry) for name, entry in sorted(_table(declared, "retired").items())}
    return Contracts(pins, retired)


def check_pins(contracts: Contracts, store: Path, uris: UriSpace, prefixes: Mapping[str, str]) -> list[Finding]:
    """Return what each pin finds in a store that is not served yet; nothing when every promise holds."""
    if not contracts.pins:
        return []
    with ReaderPool(store, readers=1, limits=Limits(seconds=60.0), prefixes=prefixes) as pool:
        return [finding for pin in contracts.pins for finding in _check(pin, contracts, uris, pool)]


def skipped(contracts: Contracts) -> Finding:
    """Return what tells that no pin was asked, because only a part of a site that never was published was read."""
    names = ", ".join(pin.name for pin in contracts.pins)
    return Finding("pins.skipped", file=FILE, detail=(("names", names),), count=len(contracts.pins))


def _check(pin: Pin, contracts: Contracts, uris: UriSpace, pool: ReaderPool) -> list[Finding]:
    try:
        query = queries.get(pin.query)
    except KeyError:
        near = nearest(pin.query, [known.name for known in queries.all_queries()])
        return [_finding(pin, "query-gone", nearest=near)]
    found = []
    if pin.query in contracts.retired:
        ending = contracts.retired[pin.query]
        found.append(_finding(pin, "retired", blocks=False, sunset=str(ending.sunset or ending.deprecated)))
    try:
        query_api.known(query, pin.parameters)
        query_api.bound(query, pin.parameters, uris, "sv")
    except Problem as problem:
        return [*found, _finding(pin, "parameters", reason=problem.detail)]
    try:
        columns, rows = _ask(query, pin, uris, pool)
    except Problem as problem:
        return [*found, _finding(pin, "failed", reason=problem.detail)]
    if missing := [name for name in pin.columns if name not in columns]:
        found.append(_finding(pin, "columns-gone", columns=", ".join(missing)))
    if rows < pin.least_rows:
        found.append(_finding(pin, "too-few-rows", rows=str(rows), least=str(pin.least_rows)))
    return found


def _ask(query: Query, pin: Pin, uris: UriSpace, pool: ReaderPool) -> tuple[tuple[str, ...], int]:
    """Return the columns, and how many rows there are, counted no further than what is promised."""
    if query.is_graph:
        return (), len(query_api.construct(query, pin.parameters, uris, pool, "sv"))
    if not query.page_size:
        table = query_api.select(query, pin.parameters, Window(), uris, pool, "sv")
        return table.columns, len(table.rows)
    rows, number = 0, 1
    size = max(1, min(pin.least_rows, MOST_ROWS))
    while True:
        table = query_api.select(query, pin.parameters, Window(number, size), uris, pool, "sv")
        rows += len(table.rows)
        if not table.more or rows >= pin.least_rows:
            return table.columns, rows
        number += 1


def _finding(pin: Pin, rule: str, blocks: bool | None = None, **detail: str) -> Finding:
    given = {"name": pin.name, "query": pin.query, "consumer": pin.consumer or pin.name} | detail
    stops = pin.blocks if blocks is None else blocks
    return Finding(f"pins.{rule}", file=FILE, detail=tuple(given.items()), severity="block" if stops else None)


def _table(declared: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    table = declared.get(name, {})
    if not isinstance(table, dict) or not all(isinstance(entry, dict) for entry in table.values()):
        raise _fault(name, f"each entry is a table, such as [{name}.something]")
    return table


def _pin(name: str, entry: Mapping[str, Any]) -> Pin:
    _check_keys(name, entry, _PIN_KEYS)
    columns, least, parameters = entry.get("columns", []), entry.get("least_rows", 0), entry.get("parameters", {})
    if not isinstance(entry.get("query"), str):
        raise _fault(name, "query is missing")
    if not isinstance(columns, list) or not all(isinstance(column, str) for column in columns):
        raise _fault(name, "columns is a list of names")
    if isinstance(least, bool) or not isinstance(least, int) or least < 0:
        raise _fault(name, "least_rows is a whole number")
    if not isinstance(parameters, dict) or not isinstance(entry.get("blocks", False), bool):
        raise _fault(name, "parameters is a table, and blocks is true or false")
    values = {key: tuple(map(str, one if isinstance(one, list) else [one])) for key, one in parameters.items()}
    consumer = str(entry.get("consumer") or entry.get("contact") or "")
    return Pin(name, entry["query"], values, tuple(columns), least, consumer, entry.get("blocks", False))


def _retirement(name: str, entry: Mapping[str, Any]) -> Retirement:
    _check_keys(name, entry, _RETIRED_KEYS)
    deprecated, sunset = entry.get("deprecated"), entry.get("sunset")
    if not isinstance(deprecated, date) or not isinstance(sunset, date | None):
        raise _fault(name, "deprecated and sunset are dates, such as 2026-06-01")
    if sunset is not None and str(sunset) < str(deprecated):
        raise _fault(name, "sunset comes before deprecated (RFC 9745, section 4)")
    return Retirement(name, deprecated, sunset, str(entry.get("successor", "")))


def _check_keys(name: str, entry: Mapping[str, Any], known: set[str]) -> None:
    for key in entry:
        if key not in known:
            raise _fault(name, f"{key} is unknown; was it {nearest(key, known)}")


def _midnight(day: date) -> datetime:
    return day.astimezone(UTC) if isinstance(day, datetime) else datetime.combine(day, time(), UTC)


def _fault(name: str, reason: str) -> DescriptionError:
    return DescriptionError(Finding("pins.unreadable", file=FILE, detail=(("name", name), ("reason", reason))))
