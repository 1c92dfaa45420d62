"""Read repeated XML elements as rows of text, streamed: child elements and attributes become columns.

No entities, no network, no DOCTYPE: XML 1.0 lets a few lines unfold to gigabytes through them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lxml import etree

from loaders.errors import SourceError
from loaders.findings import Finding
from loaders.source import LONGEST_CELL, MOST_COLUMNS, Report, Row, Table

DEEPEST = 64
LIST_SEPARATOR = "|"


def table(path: Path, name: str, declared: str, report: Report) -> Table:
    """Return the document's records as a table; raise SourceError when it is broken or its records are in doubt.

    `declared` is the path of the record element from the root, by local names: "register.skolor.skola".
    """
    records = _records_by_path(path, name)
    items = _choose(records, declared.strip("/").replace("/", "."), name)
    headers: dict[str, None] = {}
    for _, values in _records(path, name, items):
        headers.update(dict.fromkeys(values))
        if len(headers) > MOST_COLUMNS:
            limit = (("limit", str(MOST_COLUMNS)),)
            raise SourceError(Finding("source.too-many-columns", file=name, detail=limit))
    names = tuple(headers)
    return Table(name, "", names, 0, lambda to: _rows(path, name, items, names, to))


def flatten(element: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield an element's attributes and leaf children as text under dotted local names."""
    for key, value in element.attrib.items():
        yield f"{prefix}@{key.rpartition('}')[2]}", value
    for child in element:
        tag = child.tag
        if not isinstance(tag, str):
            continue
        dotted = prefix + tag.rpartition("}")[2]
        if len(child):
            yield from flatten(child, f"{dotted}.")
        else:
            yield dotted, (child.text or "").strip()
            for key, value in child.attrib.items():
                yield f"{dotted}.@{key.rpartition('}')[2]}", value


def _records_by_path(path: Path, name: str) -> dict[str, int]:
    """Walk the document: count, by path, the elements that hold elements or attributes and have a like beside them."""
    seen: dict[str, int] = {}
    holders: dict[str, bool] = {}
    trail: list[str] = []
    for event, element in _events(path, name, ("start", "end")):
        if event == "start":
            if trail:
                holders[".".join(trail)] = True
            trail.append(element.tag.rpartition("}")[2])
            if len(trail) > DEEPEST:
                raise SourceError(Finding("source.nested", file=name, detail=(("limit", str(DEEPEST)),)))
            where = ".".join(trail)
            seen[where] = seen.get(where, 0) + 1
            if len(element.attrib):
                holders.setdefault(where, True)
        else:
            trail.pop()
            _forget(element)
    return {where: count for where, count in seen.items() if holders.get(where)}


def _choose(records: dict[str, int], declared: str, name: str) -> str:
    """Return the path of the records: the declared one, or the outermost element that repeats."""
    repeated = sorted((where for where, count in records.items() if count > 1), key=lambda where: where.count("."))
    known = ", ".join(repeated[:10]) or ", ".join(list(records)[:10]) or "–"
    if declared:
        found = [where for where in records if where == declared or where.endswith(f".{declared}")]
        if len(found) != 1:
            detail = (("where", f" ({declared})"), ("known", known))
            raise SourceError(Finding("source.no-items", file=name, detail=detail))
        return found[0]
    if not repeated:
        raise SourceError(Finding("source.no-items", file=name, detail=(("where", ""), ("known", known))))
    outermost = [where for where in repeated if where.count(".") == repeated[0].count(".")]
    if len(outermost) > 1:
        raise SourceError(Finding("source.items-unsure", file=name, detail=(("known", ", ".join(outermost)),)))
    return outermost[0]


def _records(path: Path, name: str, items: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield each record's values by name, with the line it starts on; a name that repeats becomes a list."""
    *above, last = items.split(".")
    # The parser itself passes over all other elements, which is four times as fast as looking at each.
    for _, element in _events(path, name, ("end",), f"{{*}}{last}"):
        if [each.tag.rpartition("}")[2] for each in element.iterancestors()] != above[::-1]:
            continue
        values: dict[str, str] = {}
        for key, text in flatten(element):
            values[key] = f"{values[key]}{LIST_SEPARATOR}{text}" if key in values else text
        yield element.sourceline or 0, values
        _forget(element)


def _rows(path: Path, name: str, items: str, headers: tuple[str, ...], report: Report) -> Iterator[Row]:
    for line, values in _records(path, name, items):
        report.counts.rows_in += 1
        cells = [values.get(header, "") for header in headers]
        long = next((header for header, cell in zip(headers, cells, strict=True) if len(cell) > LONGEST_CELL), None)
        if long is not None:
            detail = (("limit", "1 MiB"),)
            report.lose(Finding("source.long-cell", file=name, row=line, column=long, detail=detail))
        elif not any(map(str.strip, cells)):
            report.lose(Finding("source.blank-rows", file=name, row=line))
        else:
            yield line, cells


def _events(path: Path, name: str, events: tuple[str, ...], tag: str | None = None) -> Iterator[tuple[str, Any]]:
    with _told(name), path.open("rb") as file:
        # huge_tree off: libxml2 then refuses texts over 10 MB and documents deeper than 256 elements.
        parser = etree.iterparse(
            file, events=events, tag=tag, resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
        )
        first = True
        for event, element in parser:
            if first and element.getroottree().docinfo.doctype:
                raise SourceError(Finding("source.doctype", file=name))
            first = False
            if isinstance(element.tag, str):
                yield event, element


def _forget(element: Any) -> None:
    """Free an element and those before it, so that memory stays that of one record."""
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]


@contextmanager
def _told(name: str) -> Iterator[None]:
    """Turn a fault of the parser into a finding by its line, without the text around it: that may be personal."""
    try:
        yield
    except etree.XMLSyntaxError as error:
        row = error.lineno or None
        deep = "depth" in str(error).lower()
        rule = "source.nested" if deep else "source.broken-xml"
        detail = (("limit", "256"),) if deep else (("fault", f"libxml2 {error.code}"),)
        raise SourceError(Finding(rule, file=name, row=row, detail=detail)) from None
