"""Reads tables from text as a dialect says, row by row, keeping comments and source row numbers.

Tabular Data Model 8, Parsing Tabular Data. A line without a quote character, nearly every line, is split at once; only
the others are read character by character. (Python's csv module knows neither comments, skipped rows and columns, nor
whether a cell was quoted, which trimming depends on.)
"""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import BinaryIO, cast

from loaders.csvw.cells import TRIMMERS
from loaders.csvw.encodings import codec_name, is_unicode, marked
from loaders.csvw.model import Dialect
from loaders.csvw.problems import CsvwError

Warn = Callable[[str], None]
_DEFAULT_TERMINATORS = frozenset({"\r\n", "\n"})
_CHUNK = 1 << 16
# A cell is a text, not a file: an unclosed quote would otherwise gather the rest of a big table in memory.
_LONGEST_ROW = 16 * 1024 * 1024
_REPLACEMENT = "\ufffd"
# A title above a table has some lines at most.
_TITLE_LINES = 20


class TabularReader:
    """The rows of one table; `comments` and `header` are complete once the first row is asked for."""

    def __init__(self, source: BinaryIO, dialect: Dialect, warn: Warn, fault: Warn | None = None) -> None:
        self.dialect = dialect
        self.fault = fault or warn
        self.comments: list[str] = []
        self.header: list[list[str]] = []
        self._warn = warn
        self._row = 0
        buffered = source if isinstance(source, io.BufferedReader) else _buffered(source)
        beginning = buffered.peek(_CHUNK)
        self._encoding = marked(beginning) or codec_name(dialect.encoding) or "utf-8"
        terminators = _terminators(dialect, beginning)
        simple = set(terminators) <= _DEFAULT_TERMINATORS
        self._end = _end(terminators)
        # Kept here, so that the caller closes the source before this wrapper is collected. (8, step 5: what cannot be
        # decoded is replaced, and told.)
        self._stream = io.TextIOWrapper(
            buffered, encoding=self._encoding, errors="replace", newline="\n" if simple else ""
        )
        self._lines: Iterator[str] = self._read_lines(
            self._stream if simple else _terminated(self._stream, terminators)
        )
        self._trim = TRIMMERS.get(dialect.trim)
        # Metadata Vocabulary 5.9, quoteChar: without quotes there is nothing to escape.
        quote = dialect.quoteChar
        self._escape = None if quote is None else quote if dialect.doubleQuote else "\\"
        marks = {dialect.delimiter, quote or "", self._escape or ""} - {""}
        self._special = re.compile("|".join(map(re.escape, _longest_first(marks))))
        self._read_head()

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Yield each row's source number, counted from 1, and its cells."""
        dialect, trim, bare = self.dialect, self._trim, self._end
        quote, delimiter, skip = dialect.quoteChar, dialect.delimiter, dialect.skipColumns
        # 8, to parse a row: a backslash escapes outside quotes too.
        escape = self._escape if self._escape != quote else None
        prefix = dialect.commentPrefix or None
        blank = dialect.skipBlankRows
        for line in self._lines:
            self._row += 1
            if prefix and line.startswith(prefix):
                self._comment(bare(line))
                continue
            number = self._row
            if (quote and quote in line) or (escape and escape in line):
                cells = self._parse(line)
            else:
                cells = bare(line).split(delimiter)
                if trim:
                    cells = [trim(cell) for cell in cells]
            if blank and not any(cells):
                continue
            if skip:
                cells = cells[skip:]
            yield number, cells

    def _read_lines(self, lines: Iterable[str]) -> Iterator[str]:
        """Yield lines with their ends, which may stand within quotes (7.3); tell what could not be decoded."""
        legacy = not is_unicode(self._encoding)
        first = True
        for line in lines:
            if first:
                line, first = line.removeprefix("\ufeff"), False
            if not line.isascii():
                if _REPLACEMENT in line:
                    self._warn(f"row {self._row + 1} holds bytes that are none of {self._encoding}: read as U+FFFD")
                if legacy:
                    # 8, step 5: what is no encoding of Unicode is normalised; Unicode text stays as it is.
                    line = unicodedata.normalize("NFC", line)
            yield line

    def _read_head(self) -> None:
        """Take the skipped and the header rows (8, steps 6 to 8)."""
        for _ in range(self.dialect.skipRows):
            line = self._skipped()
            if line is None:
                return
            self._row += 1
            self._comment(self._end(line))
        while len(self.header) < self.dialect.headerRowCount:
            line = next(self._lines, None)
            if line is None:
                return
            self._row += 1
            if self.dialect.commentPrefix and line.startswith(self.dialect.commentPrefix):
                self._comment(self._end(line))
            else:
                self.header.append(self._parse(line)[self.dialect.skipColumns :])

    def _skipped(self) -> str | None:
        """Return a row to be skipped, whose first cell may be a quoted text of several lines.

        A quote character that no line nearby closes is one of the row's text.
        """
        line, quote = next(self._lines, None), self.dialect.quoteChar
        if line is None or not quote or not line.startswith(quote) or line.count(quote) % 2 == 0:
            return line
        following: list[str] = []
        for another in islice(self._lines, _TITLE_LINES):
            following.append(another)
            if another.count(quote) % 2:
                return line + "".join(following)
        self._lines = chain(following, self._lines)
        return line

    @property
    def width(self) -> int | None:
        """The number of columns that the header has; None without a header."""
        return max((len(row) for row in self.header), default=None)

    def titles(self) -> list[list[str]]:
        """Return each column's titles from the header rows; blank ones are none."""
        width = max((len(row) for row in self.header), default=0)
        return [[row[i] for row in self.header if i < len(row) and row[i].strip()] for i in range(width)]

    def _comment(self, line: str) -> None:
        prefix = self.dialect.commentPrefix
        text = line.removeprefix(prefix) if prefix else line
        if text.strip():
            self.comments.append(text.strip())

    def _parse(self, raw: str) -> list[str]:
        """Return the cells of a row with quotes; a quoted line break takes in the next line."""
        quote, delimiter, escape = self.dialect.quoteChar, self.dialect.delimiter, self._escape
        cells: list[str] = []
        cell: list[str] = []
        inside = quoted = False
        blank = True
        line, position, size = self._end(raw), 0, len(raw)
        while True:
            special = self._special.search(line, position)
            if special is None or special.start() > position:
                end = len(line) if special is None else special.start()
                self._text(line[position:end], cell, after=quoted and not inside)
                blank = blank and not line[position:end].strip()
                position = end
            if special is None:
                if not inside:
                    break
                cell.append(raw[len(line) :])
                raw = self._continued(size)
                line, position, size = self._end(raw), 0, size + len(raw)
                continue
            mark = special[0]
            position += len(mark)
            # The quote character may be longer than one; what else is escaped is one character.
            following = quote if quote and line.startswith(quote, position) else line[position : position + 1]
            if mark == escape and (escape != quote or inside) and following and (following == quote or escape != quote):
                cell.append(following)
                blank = False
                position += len(following)
            elif mark == quote and (inside or (blank and not quoted)):
                if not inside:
                    cell.clear()
                inside, quoted = not inside, True
            elif mark == delimiter and not inside:
                cells.append(self._cell(cell, quoted))
                cell, quoted, blank = [], False, True
            else:
                if not inside and mark == quote:
                    self._misplaced()
                cell.append(mark)
                blank = False
        cells.append(self._cell(cell, quoted))
        return cells

    def _text(self, text: str, cell: list[str], *, after: bool) -> None:
        """Add text without a special character; after a closing quote there may be space only (7.5)."""
        if after:
            text = text.replace(" ", "").replace("\t", "")
            if text:
                self._misplaced()
        cell.append(text)

    def _misplaced(self) -> None:
        self.fault(f"row {self._row} has a quote character inside a cell that is not quoted")

    def _continued(self, size: int) -> str:
        following = next(self._lines, None)
        if following is None or size > _LONGEST_ROW:
            raise CsvwError(f"row {self._row} begins a quoted cell that never ends", rule="csvw.table")
        return following

    def _cell(self, characters: list[str], quoted: bool) -> str:
        text = "".join(characters)
        return text if quoted or self._trim is None else self._trim(text)


def _buffered(source: BinaryIO) -> io.BufferedReader:
    # Any binary stream will do; the stubs know only raw ones.
    return io.BufferedReader(cast(io.RawIOBase, source), _CHUNK)


def _terminators(dialect: Dialect, beginning: bytes) -> tuple[str, ...]:
    """Return the dialect's line terminators, or a bare carriage return where the table knows no other.

    W3C's suite has such tables and so have publishers; CSVW's default would read one endless row.
    """
    if dialect.lineTerminators == Dialect().lineTerminators and b"\r" in beginning and b"\n" not in beginning:
        return ("\r",)
    return dialect.lineTerminators


def _end(terminators: tuple[str, ...]) -> Callable[[str], str]:
    """Return what takes the terminator off a line."""
    if terminators == ("\r\n", "\n"):
        return lambda line: line.removesuffix("\n").removesuffix("\r") if line.endswith("\n") else line
    if terminators == ("\n",):
        return lambda line: line.removesuffix("\n")
    at_end = re.compile("(?:" + "|".join(map(re.escape, _longest_first(terminators))) + r")\Z")
    return lambda line: at_end.sub("", line, count=1)


def _longest_first(texts: Iterable[str]) -> list[str]:
    return sorted(texts, key=lambda text: (-len(text), text))


def _terminated(stream: io.TextIOWrapper, terminators: tuple[str, ...]) -> Iterator[str]:
    """Yield lines that end with one of the terminators."""
    longest_first = _longest_first(terminators)
    splitter = re.compile("|".join(re.escape(terminator) for terminator in longest_first))
    rest = ""
    while chunk := stream.read(_CHUNK):
        rest += chunk
        # A terminator may be cut in two at the chunk's end: what is left of its length stays for the next round.
        end = len(rest) - len(longest_first[0]) + 1
        position = 0
        for match in splitter.finditer(rest):
            if match.start() >= end:
                break
            yield rest[position : match.end()]
            position = match.end()
        rest = rest[position:]
    position = 0
    for match in splitter.finditer(rest):
        yield rest[position : match.end()]
        position = match.end()
    if position < len(rest):
        yield rest[position:]
