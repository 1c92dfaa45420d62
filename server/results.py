"""Writes query results exactly and within limits: whole rows only, well-formed XML, a document that always closes.

Oxigraph's own serializers do the bulk at native speed. What passes here is their byte stream: a row is never cut in
half, a carriage return survives XML (XML 1.0, section 2.11), and what a format cannot hold is an error, not a loss.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from dataclasses import dataclass
from typing import BinaryIO, Protocol

SELECT_FORMATS = {
    "application/sparql-results+json": "json",
    "application/sparql-results+xml": "xml",
    "text/csv": "csv",
    "text/tab-separated-values": "tsv",
}
GRAPH_FORMATS = {
    "text/turtle": "ttl",
    "application/n-triples": "nt",
    "application/rdf+xml": "rdf",
    "application/ld+json": "jsonld",
}

_BLOCK = 1 << 16
# Characters that XML 1.0 has no way to write (section 2.2): controls but tab, LF and CR, and U+FFFE, U+FFFF.
_NOT_XML = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|\xef\xbf[\xbe\xbf]")
# RDF/XML writes a predicate as an element name; Oxigraph leaves the local part empty when there is none.
_NOT_QNAME = re.compile(rb"<[^\s<>/:!?]+:[\s>/]|<[\s>]")
_TAIL = 256  # more than a prefix may have


class FormatError(Exception):
    """The result holds something that the asked format has no way to write."""


class Full(Exception):
    """A limit is reached: what has been written is a whole document already."""


class Sink(Protocol):
    """Where bytes go."""

    @property
    def size(self) -> int: ...

    def write(self, data: bytes, /) -> int: ...


class _Unflushed:
    """Oxigraph flushes what it writes to; here everything is settled by `finish`."""

    def flush(self) -> None:
        return


class Spool(_Unflushed):
    """Collects bytes with their hash: in memory at first, in an unlinked temporary file when they grow."""

    def __init__(self, folder: str, inline: int = 1 << 20) -> None:
        self.size = 0
        self.file: BinaryIO | None = None
        self._folder, self._inline = folder, inline
        self._pieces: list[bytes] = []
        self._digest = hashlib.sha256()

    def write(self, data: bytes) -> int:
        """Take the bytes; raises OSError when the disk is full."""
        data = bytes(data)
        self._digest.update(data)
        self.size += len(data)
        if self.file is not None:
            self.file.write(data)
            return len(data)
        self._pieces.append(data)
        if self.size > self._inline:
            self.file = tempfile.TemporaryFile(dir=self._folder)
            self.file.writelines(self._pieces)
            self._pieces.clear()
        return len(data)

    def finish(self) -> tuple[bytes, str]:
        """Return the bytes if they are still in memory (else nothing: they are in `file`), and the hash."""
        if self.file is not None:
            self.file.flush()
        return b"".join(self._pieces), self._digest.hexdigest()


class XmlGuard(_Unflushed):
    """Keeps carriage returns in XML as character references and refuses what XML 1.0 cannot hold."""

    def __init__(self, sink: Sink) -> None:
        self.sink, self._tail = sink, b""

    @property
    def size(self) -> int:
        return self.sink.size

    def write(self, data: bytes) -> int:
        """Pass the bytes on; raises FormatError."""
        data = bytes(data)
        seen = self._tail + data
        if _NOT_XML.search(seen):
            raise FormatError("a control character that XML 1.0 cannot hold")
        if _NOT_QNAME.search(seen):
            raise FormatError("a predicate whose IRI does not end in an XML name")
        self._tail = seen[-_TAIL:]
        # A line end is normalised by every XML parser, so a CR survives only as a reference.
        self.sink.write(data.replace(b"\r", b"&#xD;") if b"\r" in data else data)
        return len(data)


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where rows end in the serialization of a solution sequence.

    A boundary is the end of the head or of a row, when another row follows; `inside` is how far into a match between
    two rows it lies (None: at its end). `close` completes a document cut at a boundary.
    """

    boundary: re.Pattern[bytes]
    inside: int | None
    close: bytes


_LINE = re.compile(rb"\n(?=[\x00-\xff])")
_LAYOUTS = {
    "json": _Layout(re.compile(rb'"bindings":\[(?=\{)|\},\{'), 1, b"]}}"),
    "xml": _Layout(re.compile(rb"<results>(?=<result>)|</result><result>"), 9, b"</results></sparql>"),
    "csv": _Layout(_LINE, None, b""),
    "tsv": _Layout(_LINE, None, b""),
}
# A boundary that may be split between two blocks is looked at again with the next one.
_LONGEST = 24


class RowLimiter(_Unflushed):
    """Counts the rows of a serialized solution sequence and cuts it after a whole row at a limit."""

    def __init__(self, sink: Sink, format: str, max_rows: int | None, max_bytes: int | None) -> None:
        self.sink, self.truncated, self.rows = sink, "", 0
        self._format, self._layout = format, _LAYOUTS[format]
        self._max_rows, self._max_bytes = max_rows, max_bytes
        self._buffer = bytearray()
        self._scanned = self._boundaries = self._unread = 0
        self._quoted = False

    @property
    def size(self) -> int:
        return self.sink.size + len(self._buffer)

    def write(self, data: bytes) -> int:
        """Take the next bytes; raises Full when a limit is reached and the document is closed."""
        self._buffer += data
        if len(self._buffer) - self._scanned >= _BLOCK:
            self._scan(final=False)
        return len(data)

    def finish(self) -> None:
        """Write what is left and settle the number of rows; raises Full like `write`."""
        self._scan(final=True)
        self._flush(len(self._buffer))
        self.rows = self._boundaries

    def _scan(self, final: bool) -> None:
        until = len(self._buffer) if final else len(self._buffer) - _LONGEST
        start, last = self._scanned, 0
        for match in self._layout.boundary.finditer(bytes(self._buffer[start:])):
            position = start + match.start()
            if position >= until:
                break
            if self._format in ("json", "csv") and not self._outside_quotes(position):
                continue
            inside = self._layout.inside
            head = self._boundaries == 0
            cut = start + match.end() if inside is None or head else position + inside
            if self._max_bytes is not None and self.sink.size + cut > self._max_bytes:
                self._boundaries += head
                self._stop(cut if head else last, "bytes")
            self._boundaries += 1
            last = cut
            if self._max_rows is not None and self._boundaries > self._max_rows:
                self._stop(cut, "rows")
        if self._max_bytes is not None and self.sink.size + len(self._buffer) > self._max_bytes + _BLOCK:
            self._stop(last, "bytes")
        if self._format in ("json", "csv"):
            self._outside_quotes(max(until, self._unread))
        self._scanned = max(until, 0)
        self._flush(last)

    def _outside_quotes(self, position: int) -> bool:
        """Return whether the position is outside every quoted string; positions come in rising order."""
        piece = bytes(self._buffer[self._unread : position])
        self._unread = position
        if self._format == "json" and b"\\" in piece:
            held = len(piece) - len(piece.rstrip(b"\\"))
            if held % 2:  # The last backslash escapes what follows: read it with the next piece.
                self._unread -= 1
                piece = piece[:-1]
            piece = piece.replace(b"\\\\", b"").replace(b'\\"', b"")
        if piece.count(b'"') % 2:
            self._quoted = not self._quoted
        return not self._quoted

    def _flush(self, until: int) -> None:
        if until:
            self.sink.write(bytes(self._buffer[:until]))
            del self._buffer[:until]
            self._scanned = max(0, self._scanned - until)
            self._unread = max(0, self._unread - until)

    def _stop(self, cut: int, reason: str) -> None:
        self._flush(cut)
        self._buffer.clear()
        self.sink.write(self._layout.close)
        self.truncated, self.rows = reason, max(0, self._boundaries - 1)
        raise Full(reason)
