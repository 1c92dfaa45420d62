"""Read PX files (PC-Axis, AXIS-VERSION 2010 and 2013) as cubes: keywords, values, codes, and cells in their order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from math import prod
from pathlib import Path

from loaders.cube import SIGNS, Category, Cube, Dimension
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
    if document.any_text("KEYS"):
        raise _broken(name, "DATA by KEYS is not supported; export the table without them")
    dimensions = tuple(_dimension(document, each, name) for each in (*stub, *heading))
    expected = prod(len(dimension.categories) for dimension in dimensions)
    cells = sum(1 for _ in _CELL.finditer(document.data))
    if cells != expected:
        raise _broken(name, f"{cells} values in DATA, {expected} wanted by VALUES")
    return Cube(
        name,
        document.text("MATRIX") or document.text("TABLEID") or "PX",
        document.text("CONTENTS") or document.text("TITLE"),
        document.text("UNITS") or document.any_text("UNITS"),
        dimensions,
        lambda: _cells(document),
    )


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
    symbols = {"." * number: document.text(f"DATASYMBOL{number}") for number in range(1, 7)}
    symbols["-"] = document.text("DATASYMBOLNIL")
    for hit in _CELL.finditer(document.data):
        text = hit[1] if hit[1] is not None else hit[2]
        if text in SIGNS:
            own = symbols.get(text, "")
            yield "", own if own and own not in SIGNS else SIGNS[text]
        else:
            yield text, ""


def _broken(name: str, fault: str, row: int | None = None) -> SourceError:
    return SourceError(Finding("source.broken-px", file=name, row=row, detail=(("fault", fault),)))
