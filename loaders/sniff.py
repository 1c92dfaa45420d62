"""Tell what a source is by its content, never by its name: its form, its delimiter, its header row."""

from __future__ import annotations

import csv
import re
import zipfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, TextIO

from loaders.decode import Survey, open_text
from loaders.errors import SourceError
from loaders.findings import Finding

Form = Literal["delimited", "json", "xml", "xlsx", "xls", "ods", "zip", "gzip"]
DELIMITERS = ",;\t|"
# Enough to see past a preamble; more would only slow the look at small files.
LINES_LOOKED_AT = 60
HEADER_SEARCHED = 30
_HTML = re.compile(r"<!doctype\s+html|<(?:html|head|body|script|title|meta|div|table)[\s>]", re.IGNORECASE)
_FOREIGN = (
    (b"%PDF", "PDF"), (b"\x89PNG", "PNG"), (b"\xff\xd8\xff", "JPEG"), (b"GIF8", "GIF"), (b"PAR1", "Parquet"),
    (b"SQLite format 3", "SQLite"), (b"7z\xbc\xaf\x27\x1c", "7z"), (b"Rar!", "RAR"), (b"{\\rtf", "RTF"),
)  # fmt: skip


def container(path: Path, name: str) -> Form | None:
    """Return the binary form of a file, None when it is text; raise SourceError for forms that hold no rows."""
    with path.open("rb") as file:
        head = file.read(4096)
    if head.startswith(b"PK\x03\x04"):
        return _zip(path, name)
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return "xls"
    if head.startswith(b"\x1f\x8b"):
        return "gzip"
    for magic, form in _FOREIGN:
        if head.startswith(magic):
            raise SourceError(Finding("source.unknown-format", file=name, detail=(("format", form),)))
    return None


def text_form(path: Path, name: str, found: Survey) -> Form:
    """Return what the text of a file is; raise SourceError for web pages and blank files."""
    with open_text(path, found) as stream:
        head = stream.read(65536)
    start = head.lstrip("\ufeff \t\r\n")
    if not start:
        raise SourceError(Finding("source.empty", file=name))
    if start.startswith("<"):
        if looks_like_page(start[:4096].encode("utf-8", "ignore")):
            raise SourceError(Finding("source.html", file=name))
        return "xml"
    if start[0] == "{" or re.match(r'\[\s*[\[\]{"\d\-tfn]', start):
        return "json"
    if found.controls and _binary(head):
        raise SourceError(Finding("source.unknown-format", file=name, detail=(("format", "binary"),)))
    return "delimited"


def is_xml(path: Path) -> bool:
    """Tell whether a file says that it is XML and is no web page; its own declaration then settles its encoding."""
    with path.open("rb") as file:
        head = file.read(8192)
    return head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<?xml") and not looks_like_page(head)


def looks_like_page(head: bytes) -> bool:
    """Tell whether bytes begin as a web page does.

    >>> looks_like_page(b"<!doctype html><title>Logga in</title>"), looks_like_page(b"id;namn")
    (True, False)
    """
    start = head.decode("utf-8", "ignore").lstrip("\ufeff \t\r\n")
    return start.startswith("<") and (_xhtml(start) or (not start.startswith("<?xml") and bool(_HTML.search(start))))


def delimiter(path: Path, found: Survey, quote: str, recognise: Callable[[Sequence[str]], int]) -> str:
    """Return the delimiter that gives the most known headers, then the most even rows, then the most columns."""
    with open_text(path, found) as stream:
        lines = [line for line in _first_lines(stream) if line.strip()]
    best = max(DELIMITERS, key=lambda candidate: (*_score(lines, candidate, quote, recognise), candidate == ","))
    return best


def header_row(rows: Sequence[tuple[int, list[str]]], recognise: Callable[[Sequence[str]], int]) -> int | None:
    """Return the number of the row that names the columns, None when no row can.

    The row with the most known headers wins; without any, the first of the rows that fill the most cells with
    text that is neither a number nor repeated.
    """
    known = [(recognise(cells), number) for number, cells in rows]
    most = max((count for count, _ in known), default=0)
    if most >= 2 or (most == 1 and rows and max(len([c for c in cells if c.strip()]) for _, cells in rows) <= 2):
        return next(number for count, number in known if count == most)
    named = [(_names(cells), number) for number, cells in rows]
    widest = max((count for count, _ in named), default=0)
    return next((number for count, number in named if count == widest), None) if widest else None


def _zip(path: Path, name: str) -> Form:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if any(member.startswith("xl/workbook") for member in names):
                return "xlsx"
            if "mimetype" in names and archive.getinfo("mimetype").file_size < 200:
                if b"opendocument.spreadsheet" in archive.read("mimetype"):
                    return "ods"
    except (zipfile.BadZipFile, EOFError, OSError, ValueError, NotImplementedError):
        # A workbook cut short has lost its directory, but its first member still bears its name.
        with path.open("rb") as file:
            workbook = re.search(rb"\[Content_Types\]|xl/|_rels/|docProps/", file.read(4096))
        rule = "source.broken-workbook" if workbook else "source.broken-archive"
        raise SourceError(Finding(rule, file=name)) from None
    return "zip"


def _xhtml(start: str) -> bool:
    return start.startswith("<?xml") and re.search(r"<(?:\w+:)?html[\s>]", start[:2048], re.IGNORECASE) is not None


def _binary(head: str) -> bool:
    """Text may hold a stray control character; a twentieth of them means that it is no text."""
    controls = sum(1 for sign in head if sign < " " and sign not in "\t\r\n")
    return controls > len(head) / 20


def _first_lines(stream: TextIO) -> list[str]:
    """Read the first lines within 4 MiB, so that a file without line ends is not read whole."""
    lines = re.split(r"\r\n|\r|\n", stream.read(4 << 20), maxsplit=LINES_LOOKED_AT)
    return lines[:LINES_LOOKED_AT]


def _score(
    lines: list[str], candidate: str, quote: str, recognise: Callable[[Sequence[str]], int]
) -> tuple[int, float, int]:
    csv.field_size_limit(1 << 24)
    rows = [row for row in csv.reader(lines, delimiter=candidate, quotechar=quote) if row]
    if not rows:
        return 0, 0.0, 0
    known = max(recognise(row) for row in rows[:HEADER_SEARCHED])
    widths = Counter(len(row) for row in rows)
    width, often = max(widths.items(), key=lambda item: (item[1] * (item[0] > 1), item[0]))
    return known, often / len(rows) if width > 1 else 0.0, width


def _names(cells: Sequence[str]) -> int:
    texts = [cell.strip() for cell in cells if cell.strip()]
    words = [text for text in texts if not re.fullmatch(r"[\d\s.,:;%+/\-]*", text)]
    return len(set(words)) if len(words) == len(texts) else 0
