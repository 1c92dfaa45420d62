"""Open a source, whatever its form, as one table of text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from loaders import delimited, json_rows, sniff, spreadsheet, table
from loaders.decode import survey
from loaders.errors import SourceError
from loaders.findings import Finding
from loaders.source import Report, Table

Recognise = Callable[[Sequence[str]], int]


def open_table(
    path: Path,
    name: str,
    recognise: Recognise,
    report: Report,
    *,
    encoding: str = "",
    sheet: str = "",
    items: str = "",
    header_row: int | None = None,
    dialect: dict[str, Any] | None = None,
) -> Table:
    """Return the table in a file; raise SourceError when it cannot be read as a table.

    The keywords are what the steward declares; what is left out is found by content.
    """
    if not path.is_file():
        raise SourceError(Finding("source.missing", file=name))
    if path.stat().st_size == 0:
        raise SourceError(Finding("source.empty", file=name))
    form = sniff.container(path, name)
    if form == "xlsx":
        chosen = spreadsheet.choose_sheet(path, name, sheet, recognise, report)
        return table.from_grid(spreadsheet.grid(path, name, chosen, report), recognise, header_row, report)
    if form is not None:
        raise SourceError(Finding("source.unknown-format", file=name, detail=(("format", form),)))
    found = survey(path, name, encoding)
    form = sniff.text_form(path, name, found)
    for finding in found.told:
        report.tell(finding)
    if form == "json":
        return json_rows.table(path, name, found, items, report)
    if form == "xml":
        raise SourceError(Finding("source.unknown-format", file=name, detail=(("format", "XML"),)))
    said = dialect or {}
    quote = said.get("quoteChar", '"') or None
    delimiter = said.get("delimiter") or sniff.delimiter(path, found, quote or '"', recognise)
    spoken = delimited.Dialect(
        delimiter,
        quote,
        said.get("doubleQuote", True),
        said.get("commentPrefix", ""),
        said.get("skipInitialSpace", False),
    )
    return table.from_grid(delimited.grid(path, name, found, spoken), recognise, header_row, report)
