"""A confined child process that reads one page of somebody's catalogue and writes its records as lines of JSON.

Run as `python -m server.harvest_process FILE NAME BASE SKOLEM FORM`; FORM is "" for what the content tells. The first
line is the page itself (form, total, next page, faults), each other line a record. Documents of others can make a
parser eat all memory or overflow its stack, so none is parsed in the process that publishes. Exit 3 means that the
page is no catalogue; the finding is then the only line.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterator
from dataclasses import asdict, replace

from pyoxigraph import RdfFormat, parse

from loaders.catalog_records import Record, Statement
from loaders.catalogs import parse_catalog
from loaders.errors import SourceError
from server.sandbox import confine

MEMORY = 1 << 30
STACK = 64 << 20
NO_CATALOG = 3


def main() -> int:
    """Read the page named by the arguments; return the exit code."""
    path, name, base, skolem, form = sys.argv[1:6]
    confine(memory_bytes=MEMORY, file_bytes=1 << 40, parent=os.getppid(), stack_bytes=STACK)
    threading.stack_size(STACK)
    codes: list[int] = []
    worker = threading.Thread(target=lambda: codes.append(_read(path, name, base, skolem, form)))
    worker.start()
    worker.join()
    return codes[0] if codes else 1


def statements(data: bytes, media_type: str, base: str) -> Iterator[Statement]:
    """Yield the statements of an RDF document; addresses are looked at where they are written, one by one."""
    format = RdfFormat.from_media_type(media_type)
    assert format is not None
    for quad in parse(data, format=format, base_iri=base, lenient=True):
        yield str(quad.subject), quad.predicate.value, str(quad.object)


def _read(path: str, name: str, base: str, skolem: str, form: str) -> int:
    try:
        with open(path, "rb") as source:
            catalog = parse_catalog(source.read(), name, base, form, statements, skolem)
    except SourceError as error:
        finding = error.finding
        said = {"rule": finding.rule, "row": finding.row, "detail": list(finding.detail)}
        sys.stdout.write(json.dumps(said) + "\n")
        return NO_CATALOG
    found = catalog.found
    named = [record for record in catalog.records if _address(record.iri)]
    records = [_sound(record) for record in named]
    refused = sum(len(one.lines) - len(other.lines) for one, other in zip(named, records, strict=True))
    refused += len(catalog.records) - len(named)
    if refused:
        found.faults["broken-address"] = found.faults.get("broken-address", 0) + refused
    page = {
        "form": catalog.form,
        "total": catalog.total,
        "entries": catalog.entries,
        "following": found.following,
        "iri": _address(found.iri),
        "title": found.title,
        "publisher": _address(found.publisher),
        "faults": found.faults,
    }
    sys.stdout.write(json.dumps(page) + "\n")
    for record in records:
        sys.stdout.write(json.dumps(asdict(record)) + "\n")
    sys.stdout.flush()
    return 0


def _sound(record: Record) -> Record:
    """Return the record without the lines that a store would refuse (an address that breaks RFC 3987)."""
    if _is_sound("".join(record.lines)):
        return record
    lines = tuple(line for line in record.lines if _is_sound(line))
    return replace(record, lines=lines, publisher=_address(record.publisher))


def _address(iri: str) -> str:
    """Return an IRI that a store takes, "" for any other: what names a dataset or a publisher is linked to as well."""
    return iri if _is_sound(f"<{iri}> <urn:is> <{iri}> .\n") else ""


def _is_sound(lines: str) -> bool:
    try:
        for _ in parse(lines, format=RdfFormat.N_TRIPLES):
            pass
    except SyntaxError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
