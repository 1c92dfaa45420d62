"""Open a source, whatever its form, as one table of text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loaders import archives, cube, delimited, json_rows, json_stat, old_sheets, px, sniff, spreadsheet, table, xml_rows
from loaders.decode import survey
from loaders.errors import SourceError
from loaders.findings import Finding
from loaders.source import Report, Table

# A line is read whole; this leaves room for a few very long cells, not for a file without line ends.
LONGEST_LINE = 32 << 20

Recognise = Callable[[Sequence[str]], int]


@dataclass(frozen=True, slots=True)
class Declared:
    """How a steward says that a source is to be read; what is left out is found by content.

    `charset` is the server's word, which counts only where the content does not settle the encoding.
    """

    encoding: str = ""
    sheet: str = ""
    items: str = ""
    header_row: int | None = None
    dialect: Mapping[str, Any] = field(default_factory=dict)
    charset: str = ""


def open_table(
    path: Path, name: str, recognise: Recognise, report: Report, scratch: Path, said: Declared = Declared()
) -> Table:
    """Return the table in a file; raise SourceError when it cannot be read as a table.

    `scratch` is an empty folder for what an archive unpacks to; the table reads from there.
    """
    if not path.is_file():
        raise SourceError(Finding("source.missing", file=name))
    if path.stat().st_size == 0:
        raise SourceError(Finding("source.empty", file=name))
    form = sniff.container(path, name)
    if form in ("zip", "gzip"):
        path, name = archives.unpack(path, name, form, scratch)
        if path.stat().st_size == 0:
            raise SourceError(Finding("source.empty", file=name))
        form = sniff.container(path, name)
    if form in ("zip", "gzip"):
        raise SourceError(Finding("source.unknown-format", file=name, detail=(("format", f"{form} in an archive"),)))
    if form == "xlsx":
        chosen = spreadsheet.choose_sheet(path, name, said.sheet, recognise, report)
        return table.from_grid(spreadsheet.grid(path, name, chosen, report), recognise, said.header_row, report)
    if form in ("xls", "ods"):
        sheet = old_sheets.grid(path, name, form == "ods", said.sheet, recognise, report)
        return table.from_grid(sheet, recognise, said.header_row, report)
    return _text_table(path, name, recognise, report, said)


def _text_table(path: Path, name: str, recognise: Recognise, report: Report, said: Declared) -> Table:
    if sniff.is_xml(path):
        return xml_rows.table(path, name, said.items, report)
    if px.is_px(path):
        return cube.table(px.cube(path, name, said.encoding, report))
    found = survey(path, name, said.encoding, said.charset)
    form = sniff.text_form(path, name, found)
    if form == "xml":
        return xml_rows.table(path, name, said.items, report)
    for finding in found.told:
        report.tell(finding)
    if form == "json" and not said.items and json_stat.is_json_stat(path):
        return cube.table(json_stat.cube(path, name, found))
    if form == "json":
        return json_rows.table(path, name, found, said.items, report)
    if found.unbroken > LONGEST_LINE:
        raise SourceError(Finding("source.long-line", file=name, detail=(("limit", f"{LONGEST_LINE >> 20} MiB"),)))
    words = said.dialect
    quote = words.get("quoteChar", '"') or None
    delimiter = words.get("delimiter") or sniff.delimiter(path, found, quote or '"', recognise)
    spoken = delimited.Dialect(
        delimiter,
        quote,
        words.get("doubleQuote", True),
        words.get("commentPrefix", ""),
        words.get("skipInitialSpace", False),
    )
    return table.from_grid(delimited.grid(path, name, found, spoken), recognise, said.header_row, report)
