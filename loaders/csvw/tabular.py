"""Reads tables from text as a dialect says, row by row, keeping comments and source row numbers.

Tabular Data Model 8, Parsing Tabular Data. A line without a quote character, nearly every line, is split at once; only
the others are read character by character. (Python's csv module knows neither comments, skipped rows and columns, nor
whether a cell was quoted, which trimming depends on.)
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from typing import BinaryIO, cast

from loaders.csvw.cells import TRIMMERS
from loaders.csvw.model import Dialect
from loaders.csvw.problems import CsvwError

Warn = Callable[[str], None]
_DEFAULT_TERMINATORS = frozenset({"\r\n", "\n"})
_CHUNK = 1 << 16
# A cell is a text, not a file: an unclosed quote would otherwise gather the rest of a big table in memory.
_LONGEST_ROW = 16 * 1024 * 1024


class TabularReader:
    """The rows of one table; `comments` and `header` are complete once the first row is asked for."""

    def __init__(self, source: BinaryIO, dialect: Dialect, warn: Warn) -> None:
        self.dialect = dialect
        self.comments: list[str] = []
        self.header: list[list[str]] = []
        self._warn = warn
        self._row = 0
        encoding = "utf-8-sig" if dialect.encoding.replace("_", "-") == "utf-8" else dialect.encoding
        buffered = source if isinstance(source, io.BufferedReader) else _buffered(source)
        terminators = _terminators(dialect, buffered.peek(_CHUNK))
        simple = set(terminators) <= _DEFAULT_TERMINATORS
        # Kept here, so that the caller closes the source before this wrapper is collected.
        self._stream = io.TextIOWrapper(buffered, encoding=encoding, newline="\n" if simple else "")
        self._lines = _without_mark(_lines(self._stream, terminators, dialect.encoding))
        self._trim = TRIMMERS.get(dialect.trim)
        self._read_head()

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Yield each row's source number, counted from 1, and its cells; raises CsvwError on undecodable bytes."""
        dialect, trim = self.dialect, self._trim
        quote, delimiter, skip = dialect.quoteChar, dialect.delimiter, dialect.skipColumns
        prefix = dialect.commentPrefix or None
        blank = dialect.skipBlankRows
        for line in self._lines:
            self._row += 1
            if prefix and line.startswith(prefix):
                self._comment(line)
                continue
            number = self._row
            if quote and quote in line:
                cells = self._parse(line)
            else:
                cells = line.split(delimiter)
                if trim:
                    cells = [trim(cell) for cell in cells]
            if skip:
                cells = cells[skip:]
            if blank and not any(cells):
                continue
            yield number, cells

    def _read_head(self) -> None:
        """Take the skipped and the header rows (8, steps 5 to 9)."""
        for _ in range(self.dialect.skipRows):
            line = next(self._lines, None)
            if line is None:
                return
            self._row += 1
            if line:
                self._comment(line)
        while len(self.header) < self.dialect.headerRowCount:
            line = next(self._lines, None)
            if line is None:
                return
            self._row += 1
            if self.dialect.commentPrefix and line.startswith(self.dialect.commentPrefix):
                self._comment(line)
            else:
                self.header.append(self._parse(line)[self.dialect.skipColumns :])

    def titles(self) -> list[list[str]]:
        """Return each column's titles from the header rows; blank ones are none."""
        width = max((len(row) for row in self.header), default=0)
        return [[row[i] for row in self.header if i < len(row) and row[i].strip()] for i in range(width)]

    def _comment(self, line: str) -> None:
        prefix = self.dialect.commentPrefix
        text = line.removeprefix(prefix) if prefix else line
        if text.strip():
            self.comments.append(text.strip())

    def _parse(self, line: str) -> list[str]:
        """Return the cells of a row with quotes; a quoted line break takes in the next line."""
        quote, delimiter = self.dialect.quoteChar, self.dialect.delimiter
        escape = quote if self.dialect.doubleQuote else "\\"
        cells: list[str] = []
        cell: list[str] = []
        inside = quoted = False
        position = 0
        while True:
            if position >= len(line):
                if not inside:
                    break
                line, position = self._continued(line), len(line)
                continue
            mark = line[position]
            following = line[position + 1 : position + 2]
            if mark == escape and (escape != quote or inside) and following and (following == quote or escape != quote):
                cell.append(following)
                position += 2
                continue
            if quote and mark == quote and (inside or not "".join(cell).strip()):
                if not inside:
                    cell.clear()
                inside, quoted = not inside, True
            elif mark == delimiter and not inside:
                cells.append(self._cell(cell, quoted))
                cell, quoted = [], False
            elif not inside and quoted and mark in " \t":
                pass
            else:
                if not inside and (mark == quote or quoted):
                    self._warn(f"row {self._row} has a quote character inside a cell that is not quoted")
                cell.append(mark)
            position += 1
        cells.append(self._cell(cell, quoted))
        return cells

    def _continued(self, line: str) -> str:
        following = next(self._lines, None)
        if following is None or len(line) > _LONGEST_ROW:
            raise CsvwError(f"row {self._row} begins a quoted cell that never ends", rule="csvw.table")
        return line + "\n" + following

    def _cell(self, characters: list[str], quoted: bool) -> str:
        text = "".join(characters)
        return text if quoted or self._trim is None else self._trim(text)


def _without_mark(lines: Iterator[str]) -> Iterator[str]:
    first = next(lines, None)
    if first is not None:
        yield first.removeprefix("\ufeff")
        yield from lines


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


def _lines(stream: io.TextIOWrapper, terminators: tuple[str, ...], encoding: str) -> Iterator[str]:
    """Yield lines without their terminators; raises CsvwError on bytes that are none of the encoding's."""
    try:
        if set(terminators) <= _DEFAULT_TERMINATORS:
            bare_return = "\r\n" in terminators
            for line in stream:
                text = line.removesuffix("\n")
                yield text.removesuffix("\r") if bare_return else text
        else:
            yield from _terminated(stream, terminators)
    except UnicodeError:
        raise CsvwError(f"the table cannot be decoded as {encoding}", rule="csvw.table") from None


def _terminated(stream: io.TextIOWrapper, terminators: tuple[str, ...]) -> Iterator[str]:
    longest_first = sorted(terminators, key=len, reverse=True)
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
            yield rest[position : match.start()]
            position = match.end()
        rest = rest[position:]
    *lines, last = splitter.split(rest)
    yield from lines
    if last:
        yield last
