"""Fetches a catalogue page by page and has each read in a confined process: records, faults, and what comes next."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from loaders.catalog_records import Record
from loaders.errors import SourceError
from loaders.findings import Finding
from loaders.load import file_hash
from loaders.source import SourceFile
from server.confined import confined
from server.harvest_process import NO_CATALOG
from server.harvest_sources import HarvestSource

PAGE_SECONDS = 300.0
MOST_PAGES = 5_000
SECONDS = 1800.0
"""The longest that all pages of one catalogue may take."""

Fetch = Callable[[str], list[SourceFile]]


@dataclass
class Gathered:
    """All pages of a catalogue together."""

    records: dict[str, Record] = field(default_factory=dict)
    form: str = ""
    iri: str = ""
    title: dict[str, str] = field(default_factory=dict)
    publisher: str = ""
    hashes: list[str] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    orphans: int = 0  # distributions whose dataset never came

    def add(self, record: Record) -> None:
        """Add a record; what two pages say of the same thing is put together."""
        known = self.records.get(record.iri)
        if known is not None:
            kind = known.kind if known.kind != "Distribution" else record.kind
            record = replace(record, kind=kind, lines=tuple(sorted({*known.lines, *record.lines})))
        self.records[record.iri] = record

    def join_distributions(self) -> None:
        """Give distributions that came alone to their datasets; count those whose dataset never came."""
        alone = {iri: record for iri, record in self.records.items() if record.kind == "Distribution"}
        for record in list(self.records.values()):
            mine = [alone[iri] for iri in record.distributions if iri in alone]
            if mine and record.kind != "Distribution":
                lines = {line for one in (record, *mine) for line in one.lines}
                self.records[record.iri] = replace(record, lines=tuple(sorted(lines)))
                for one in mine:
                    self.records.pop(one.iri, None)
        left = [iri for iri, record in self.records.items() if record.kind == "Distribution"]
        self.orphans = len(left)
        for iri in left:
            del self.records[iri]


def gather(source: HarvestSource, fetch: Fetch, skolem: str, clock: Callable[[], float] = time.monotonic) -> Gathered:
    """Return everything of a catalogue, blank nodes named below `skolem`.

    Raises SourceError when a page fails, for half a catalogue is none.
    """
    found, until = Gathered(), clock() + SECONDS
    if source.file is not None:
        if not source.file.is_file():
            raise SourceError(Finding("source.missing", file=source.file.name))
        file = SourceFile(source.file.name, source.file, file_hash(source.file))
        _page(source, file, skolem, found, skolem)
    else:
        address, seen = source.first_page(), set[str]()
        while address and address not in seen:
            seen.add(address)
            if len(seen) > MOST_PAGES or clock() > until:
                raise SourceError(Finding("harvest.endless", file=source.shown, count=len(seen)))
            following = ""
            for file in fetch(address):
                following = _page(source, file, address, found, skolem)
            if len(found.records) > source.most:
                detail = (("most", str(source.most)),)
                raise SourceError(Finding("harvest.too-many", file=source.shown, count=source.most, detail=detail))
            address = following
    found.join_distributions()
    if len(found.records) > source.most:
        raise SourceError(Finding("harvest.too-many", file=source.shown, detail=(("most", str(source.most)),)))
    return found


def _page(source: HarvestSource, file: SourceFile, address: str, found: Gathered, skolem: str) -> str:
    """Read one page into what was found; return the address of the next, "" at the end."""
    base = urlsplit(address)._replace(query="", fragment="").geturl()
    lines = read_page(file, base, skolem, source.format)
    page = json.loads(next(lines))
    before = len(found.records)
    for line in lines:
        said: dict[str, Any] = json.loads(line)
        found.add(Record(**said | {name: tuple(value) for name, value in said.items() if isinstance(value, list)}))
    found.hashes.append(file.sha256)
    found.faults.update(page["faults"])
    found.form = found.form or page["form"]
    found.iri, found.title = found.iri or page["iri"], found.title or page["title"]
    found.publisher = found.publisher or page["publisher"]
    # A server that ignores the place asked for would answer with the same page for ever.
    return _next(address, page) if len(found.records) > before else ""


def _next(address: str, page: dict[str, Any]) -> str:
    """Return the next page's address: said in the page, or counted on from this one; never on another host."""
    if page["form"] in ("ckan", "entrystore"):
        word = "start" if page["form"] == "ckan" else "offset"
        parts = urlsplit(address)
        asked = dict(parse_qsl(parts.query, keep_blank_values=True))
        start = asked.get(word, "0")
        after = (int(start) if start.isdigit() else 0) + page["entries"]
        if page["total"] is None or not page["entries"] or after >= page["total"]:
            return ""
        return parts._replace(query=urlencode(asked | {word: str(after)})).geturl()
    following = str(page["following"])
    return following if urlsplit(following)[:2] == urlsplit(address)[:2] else ""


def read_page(file: SourceFile, base: str, skolem: str, form: str) -> Iterator[str]:
    """Yield the lines that the confined process writes of a page; raise SourceError when it is no catalogue."""
    with confined("server.harvest_process", [str(file.path), file.name, base, skolem, form], PAGE_SECONDS) as child:
        first = next(child.lines, "")
        if '"rule"' in first[:12]:
            said = json.loads(first)
            detail = tuple((str(name), str(text)) for name, text in said["detail"])
            raise SourceError(Finding(said["rule"], file=file.name, row=said["row"], detail=detail))
        if first:
            yield first
            yield from child.lines
        status = child.wait()
    if status or not first:
        assert status != NO_CATALOG
        raise SourceError(Finding("source.not-rdf", file=file.name, detail=(("reason", f"exit {status}"),)))
