"""Read PX files (PC-Axis, AXIS-VERSION 2010 and 2013) as cubes: keywords, values, codes, and cells in their order."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from math import prod
from pathlib import Path

from loaders.cube import MOST_CELLS, SIGNS, Category, Cube, Dimension
from loaders.decode import OLDER, Survey, blocks, is_utf8, older_encoding, older_letters, survey
from loaders.description import python_encoding
from loaders.errors import SourceError
from loaders.findings import Finding
from loaders.source import Report

# The largest table that a national statistics database exports is some tens of megabytes.
LARGEST = 256 << 20
_START = re.compile(rb"\s*(?:CHARSET|AXIS-VERSION|CODEPAGE|LANGUAGE|CREATION-DATE|SUBJECT-AREA|DECIMALS|MATRIX|TITLE)"
                    rb"(?:\[[a-z-]+\])?\s*=\s*[\"\d]", re.IGNORECASE)  # fmt: skip
_STRING = r'"[^"]*"'
_KEYWORD = re.compile(rf"\s*([A-Z][A-Z0-9-]*)(?:\[([^\]]*)\])?(?:\(\s*({_STRING}(?:\s*,\s*{_STRING})*)\s*\))?\s*=")
_VALUE = re.compile(rf'\s*(?:{_STRING}|TLIST\([^)]*\)|[^";]+)', re.DOTALL)
_TEXT = re.compile(_STRING)
Cells = Callable[[], Iterator[tuple[str, str]]]
_CELL = re.compile(r'"([^"]*)"|([^\s",]+)')


@dataclass
class _Document:
    """The keywords of a file, by name and subject; those of other languages left aside."""

    keywords: dict[tuple[str, tuple[str, ...]], list[str]] = field(default_factory=dict)
    data: str = ""

    def texts(self, name: str, *subject: str) -> list[str]:
        return self.keywords.get((name, subject), [])

    def text(self, name: str, *subject: str) -> str:
        return "".join(self.texts(name, *subject))

    def any_text(self, name: str) -> str:
        """Return the first text of a keyword whatever its subject."""
        return next(("".join(value) for (word, _), value in self.keywords.items() if word == name), "")


def is_px(path: Path) -> bool:
    """Tell whether a file begins as a PX file does."""
    with path.open("rb") as file:
        head = file.read(4096)
    return _START.match(head.removeprefix(b"\xef\xbb\xbf")) is not None


def cube(path: Path, name: str, declared: str, report: Report) -> Cube:
    """Return the file's cube; raise SourceError when it is broken, or not in the encoding it says.

    The encoding is CODEPAGE's; without it CHARSET="ANSI" is windows-1252, and a file without CHARSET is in cp850.
    """
    if path.stat().st_size > LARGEST:
        raise SourceError(Finding("source.too-large", file=name, detail=(("limit", f"{LARGEST >> 20} MiB"),)))
    found = _encoding(path, name, declared)
    for finding in found.told:
        report.tell(finding)
    text = b"".join(blocks(path, found.mark)).decode(found.encoding, "strict")
    document = _parse(text, name)
    heading, stub = document.texts("HEADING"), document.texts("STUB")
    if not heading and not stub:
        raise _broken(name, "no STUB or HEADING")
    dimensions = tuple(_dimension(document, each, name) for each in (*stub, *heading))
    if document.any_text("KEYS"):
        sparse = _sparse(document, name, dimensions[: len(stub)], dimensions[len(stub) :], report)
        return _cube(document, name, dimensions, sparse)
    expected = prod(len(dimension.categories) for dimension in dimensions)
    cells = sum(1 for _ in _CELL.finditer(document.data))
    if cells != expected:
        raise _broken(name, f"{cells} values in DATA, {expected} wanted by VALUES")
    return _cube(document, name, dimensions, lambda: _cells(document))


def _cube(document: _Document, name: str, dimensions: tuple[Dimension, ...], cells: Cells) -> Cube:
    return Cube(
        name,
        document.text("MATRIX") or document.text("TABLEID") or "PX",
        document.text("CONTENTS") or document.text("TITLE"),
        document.text("UNITS") or document.any_text("UNITS"),
        dimensions,
        cells,
    )


def _sparse(
    document: _Document, name: str, stub: Sequence[Dimension], heading: Sequence[Dimension], report: Report
) -> Cells:
    """Return the cells of a table whose rows begin with their keys; rows left out hold zeros (PX-file format, KEYS)."""
    kinds = [document.text("KEYS", each.name).upper() for each in stub]
    if not stub or set(kinds) - {"CODES", "VALUES"}:
        raise _broken(name, "KEYS must say CODES or VALUES for each variable of STUB")
    places = [
        {(entry.code if kind == "CODES" else entry.label): place for place, entry in enumerate(each.categories)}
        for kind, each in zip(kinds, stub, strict=True)
    ]
    width = prod(len(each.categories) for each in heading)
    if prod(len(each.categories) for each in stub) * width > MOST_CELLS:
        raise SourceError(Finding("source.too-large", file=name, detail=(("limit", f"{MOST_CELLS} cells"),)))
    tokens = [hit[1] if hit[1] is not None else hit[2] for hit in _CELL.finditer(document.data)]
    step = len(stub) + width
    if len(tokens) % step:
        raise _broken(name, f"DATA by KEYS does not come in rows of {step}")
    rows: dict[tuple[int, ...], int] = {}
    for start in range(0, len(tokens), step):
        key = tuple(known.get(token, -1) for known, token in zip(places, tokens[start:], strict=False))
        if -1 in key or key in rows:
            raise _broken(name, "DATA by KEYS has a key that VALUES does not know, or one twice")
        rows[key] = start + len(stub)
    left_out = prod(len(each.categories) for each in stub) - len(rows)
    if left_out:
        report.tell(Finding("source.px-zero-rows", file=name, detail=(("rows", str(left_out)),)))
    symbols = _symbols(document)

    def cells() -> Iterator[tuple[str, str]]:
        for key in product(*(range(len(each.categories)) for each in stub)):
            start = rows.get(key)
            for place in range(width):
                yield ("0", "") if start is None else _cell(tokens[start + place], symbols)

    return cells


def _encoding(path: Path, name: str, declared: str) -> Survey:
    """Return how the file is encoded; raise SourceError when it is not what it says: letters would be wrong."""
    if declared:
        return survey(path, name, declared)
    said = _said(next(blocks(path), b"")[:8192].decode("latin-1"))
    claimed = python_encoding(said)
    if is_utf8(path):
        found = survey(path, name)
        told = () if claimed == "utf-8" or not older_letters(path) else _told(name, said, "utf-8")
        return replace(found, told=told)
    likely = older_encoding(path)
    if claimed in (None, "utf-8") or (likely and claimed in OLDER and likely != claimed):
        guess = {"cp1252": "windows-1252", None: "?"}.get(likely, likely) or "?"
        raise SourceError(Finding("source.px-charset", file=name, detail=(("said", said), ("encoding", guess))))
    return replace(survey(path, name, said), told=())


def _said(head: str) -> str:
    """Return the encoding by the file's own word: CODEPAGE, else CHARSET, else PC-Axis' oldest, cp850."""
    page = re.search(r'CODEPAGE\s*=\s*"([^"]*)"', head, re.IGNORECASE)
    charset = re.search(r'CHARSET\s*=\s*"([^"]*)"', head, re.IGNORECASE)
    if page:
        return page[1]
    if charset is None or charset[1].upper() in ("OEM", "DOS"):
        return "cp850"
    return "windows-1252" if charset[1].upper() == "ANSI" else charset[1]


def _told(name: str, said: str, really: str) -> tuple[Finding, ...]:
    return (Finding("source.px-charset-other", file=name, detail=(("said", said), ("encoding", really))),)


def _parse(text: str, name: str) -> _Document:
    document = _Document()
    language = ""
    at = 0
    while at < len(text):
        hit = _KEYWORD.match(text, at)
        if hit is None:
            if text[at : at + 64].strip() in ("", "\x1a"):
                break
            raise _broken(name, "a keyword was expected", text.count("\n", 0, at) + 1)
        word, tongue = hit[1], hit[2] or ""
        subject = tuple(entry[1:-1] for entry in _TEXT.findall(hit[3] or ""))
        if word == "DATA":
            end = text.find(";", hit.end())
            if end < 0:
                raise _broken(name, "DATA has no end (;)")
            document.data = text[hit.end() : end]
            break
        values, at = _values(text, hit.end(), name)
        if word == "LANGUAGE":
            language = "".join(values)
        # Keywords in other languages repeat those of the main one.
        if not tongue or tongue == language:
            document.keywords[word, subject] = values
    if not document.data.strip():
        raise _broken(name, "no DATA")
    return document


def _values(text: str, at: int, name: str) -> tuple[list[str], int]:
    """Return the values up to the semicolon; texts with only line ends between them are one text (PX-file format)."""
    values: list[str] = []
    joined = False
    while not text.startswith(";", at):
        hit = _VALUE.match(text, at)
        if hit is None:
            raise _broken(name, "a value without end (;)", text.count("\n", 0, at) + 1)
        entry = hit[0].strip()
        at = hit.end()
        if entry.startswith('"'):
            if joined:
                values[-1] += entry[1:-1]
            else:
                values.append(entry[1:-1])
            joined = True
        elif entry:
            parts = [entry] if entry.startswith("TLIST") else entry.split(",")
            values += [part.strip() for part in parts if part.strip()]
            joined = False
        while text[at : at + 1].isspace():
            at += 1
    return values, at + 1


def _dimension(document: _Document, variable: str, name: str) -> Dimension:
    labels = document.texts("VALUES", variable)
    codes = document.texts("CODES", variable) or labels
    if not labels:
        raise _broken(name, f"no VALUES for {variable}")
    if len(codes) != len(labels):
        raise _broken(name, f"{len(codes)} CODES but {len(labels)} VALUES for {variable}")
    role = ""
    if document.texts("TIMEVAL", variable):
        role = "time"
    elif document.texts("MAP", variable) or document.text("VARIABLE-TYPE", variable).lower().startswith("g"):
        role = "geo"
    elif variable in document.texts("CONTVARIABLE"):
        role = "metric"
    unit = {label: document.text("UNITS", label) for label in labels} if role == "metric" else {}
    return Dimension(
        variable,
        tuple(Category(code, label, unit.get(label, "")) for code, label in zip(codes, labels, strict=True)),
        role,
    )


def _cells(document: _Document) -> Iterator[tuple[str, str]]:
    symbols = _symbols(document)
    for hit in _CELL.finditer(document.data):
        yield _cell(hit[1] if hit[1] is not None else hit[2], symbols)


def _symbols(document: _Document) -> dict[str, str]:
    symbols = {"." * number: document.text(f"DATASYMBOL{number}") for number in range(1, 7)}
    return symbols | {"-": document.text("DATASYMBOLNIL")}


def _cell(text: str, symbols: Mapping[str, str]) -> tuple[str, str]:
    """Return value and status of a cell."""
    if text not in SIGNS:
        return text, ""
    own = symbols.get(text, "")
    return "", own if own and own not in SIGNS else SIGNS[text]


def _broken(name: str, fault: str, row: int | None = None) -> SourceError:
    return SourceError(Finding("source.broken-px", file=name, row=row, detail=(("fault", fault),)))
