"""Decode a source strictly: byte order mark, then UTF-8 over the whole file, then the declared or detected encoding.

No byte is ever replaced or skipped: text that fits no encoding is refused with its row. One pass in blocks
(`survey`) settles the encoding and whether control characters occur; `open_text` then streams.
"""

from __future__ import annotations

import codecs
import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from loaders.description import python_encoding
from loaders.errors import SourceError
from loaders.findings import Finding

BLOCK = 1 << 20
# The longest mark first: UTF-32 little-endian begins as UTF-16 little-endian does.
MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be"), (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"),
)  # fmt: skip
# C0 controls that no line of text holds; XML 1.0 cannot write them at all, not even escaped.
CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
_CONTROL_BYTES = tuple(bytes([byte]) for byte in range(32) if byte not in (9, 10, 13))
_ASCII = bytes(range(128))
# Letters that Swedish text cannot do without, as each one-byte encoding of the past writes them.
_LETTERS = {name: "åäöÅÄÖéüÉÜ".encode(name) for name in ("cp1252", "cp850", "mac_roman")}
OLDER = tuple(_LETTERS)
_UTF8_LETTER = re.compile(rb"\xc3[\x84\x85\x89\x96\x9c\xa4\xa5\xa9\xb6\xbc]")


@dataclass(frozen=True, slots=True)
class Survey:
    """What one pass over the bytes found; `told` are the findings a steward should hear.

    `unbroken` is about the length of the longest stretch without a line end, in bytes.
    """

    encoding: str
    mark: int
    controls: bool
    told: tuple[Finding, ...] = ()
    unbroken: int = 0


def survey(path: Path, name: str, declared: str = "", charset: str = "") -> Survey:
    """Return how the file is encoded; raise SourceError when no encoding fits all of it, or when it is empty.

    `charset` is what a server said. Servers say UTF-8 or Latin-1 of anything, so only another word counts, and only of
    a file that is no UTF-8.
    """
    with path.open("rb") as file:
        head = file.read(4096)
    if not head.strip():
        raise SourceError(Finding("source.empty", file=name))
    for mark, encoding in MARKS:
        if head.startswith(mark):
            return _checked(path, name, encoding, len(mark))
    said = python_encoding(declared) if declared else None
    # WHATWG's label "ascii" means windows-1252; who says it of a file with other bytes is told what the file is.
    ascii_said = said is not None and codecs.lookup(declared).name == "ascii"
    if said and said.startswith(("utf-16", "utf-32")):
        # Any two bytes make some character: text that is no UTF-16 decodes as Chinese, without an error.
        if head.count(0) < len(head) / 5:
            likely = "utf-8" if is_utf8(path) else older_encoding(path) or "windows-1252"
            detail = (("said", declared), ("encoding", likely.replace("cp1252", "windows-1252")))
            raise SourceError(Finding("source.encoding-declared", file=name, detail=detail))
        return _checked(path, name, said if said[-2:] in ("le", "be") else _endian(head, said), 0)
    if wide := _wide(head):
        return _checked(path, name, wide, 0, told=_told(name, wide))
    controls, broken, unbroken = _utf8(path)
    if broken is None:
        other = said not in (None, "utf-8", "utf-8-sig") and bool(_high_bytes(path))
        told = _told(name, "utf-8", "source.encoding-other") if other else ()
        return Survey("utf-8", 0, controls, told, unbroken)
    if said in ("utf-8", "utf-8-sig"):
        raise _refuse(path, name, "utf-8", broken)
    if _UTF8_LETTER.search(b"".join(_matches(path))):
        raise SourceError(Finding("source.mixed-encodings", file=name, row=_row(path, broken)))
    if said and not ascii_said:
        return _checked(path, name, said, 0)
    served = python_encoding(charset) if charset else None
    if served and not declared and not served.startswith(("utf", "cp1252")):
        return _checked(path, name, served, 0, told=_told(name, served))
    _refuse_older(path, name, broken)
    rule = "source.encoding-other" if ascii_said else "source.encoding-detected"
    return _checked(path, name, "cp1252", 0, told=_told(name, "windows-1252", rule))


def open_text(path: Path, found: Survey) -> TextIO:
    """Return the file's text as a stream, its byte order mark skipped and its line ends as they stand."""
    file = path.open("rb", buffering=BLOCK)
    file.seek(found.mark)
    return io.TextIOWrapper(file, found.encoding, errors="strict", newline="")


def blocks(path: Path, skip: int = 0) -> Iterator[bytes]:
    """Yield the file's bytes in blocks."""
    with path.open("rb") as file:
        file.seek(skip)
        while block := file.read(BLOCK):
            yield block


def _utf8(path: Path) -> tuple[bool, int | None, int]:
    """Return whether controls occur, where UTF-8 breaks, if it does, and the longest stretch without line end."""
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    controls, broken, offset = False, None, 0
    stretch = _Stretch()
    for block in blocks(path):
        stretch.add(block)
        # A search for single bytes runs at memory speed; one by pattern is ten times slower.
        controls = controls or any(byte in block for byte in _CONTROL_BYTES)
        if broken is None:
            pending = len(decoder.getstate()[0])
            try:
                decoder.decode(block)
            except UnicodeDecodeError as error:
                broken = offset - pending + error.start
        offset += len(block)
    if broken is None and (pending := len(decoder.getstate()[0])):
        broken = offset - pending
    return controls, broken, stretch.longest


@dataclass(slots=True)
class _Stretch:
    """Measures, in whole blocks, how long a file goes on without a line end."""

    now: int = 0
    longest: int = 0

    def add(self, block: bytes) -> None:
        """Take the next block into account."""
        self.now = 0 if b"\n" in block or b"\r" in block else self.now + len(block)
        self.longest = max(self.longest, self.now)


def _high_bytes(path: Path) -> Counter[int]:
    """Count the bytes above ASCII."""
    high: Counter[int] = Counter()
    for block in blocks(path):
        high.update(block.translate(None, _ASCII))
    return high


def _matches(path: Path) -> Iterator[bytes]:
    for block in blocks(path):
        if found := _UTF8_LETTER.search(block):
            yield found[0]
            return


def _checked(path: Path, name: str, encoding: str, mark: int, told: tuple[Finding, ...] = ()) -> Survey:
    """Decode everything once; the pages that follow may then trust the encoding."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    controls, offset, text = False, mark, False
    stretch = _Stretch()
    for block in blocks(path, mark):
        stretch.add(block)
        try:
            decoded = decoder.decode(block)
        except UnicodeError as error:
            raise _refuse(path, name, encoding, offset + getattr(error, "start", 0)) from None
        text = text or bool(decoded.strip())
        controls = controls or CONTROLS.search(decoded) is not None
        offset += len(block)
    try:
        decoder.decode(b"", final=True)
    except UnicodeError:
        raise _refuse(path, name, encoding, offset) from None
    if not text:
        raise SourceError(Finding("source.empty", file=name))
    return Survey(encoding, mark, controls, told, stretch.longest)


def _wide(head: bytes) -> str | None:
    """Recognise UTF-16 without a mark: in Latin text nearly every second byte is NUL."""
    even, odd = head[::2], head[1::2]
    zeros_even, zeros_odd = even.count(0), odd.count(0)
    if zeros_odd > 0.4 * len(odd) and zeros_even < 0.1 * len(even):
        return "utf-16-le"
    if zeros_even > 0.4 * len(even) and zeros_odd < 0.1 * len(odd):
        return "utf-16-be"
    return None


def _endian(head: bytes, encoding: str) -> str:
    """RFC 2781 4.3: big-endian when there is no mark; Windows writes little-endian, which its NULs show."""
    return _wide(head) or f"{encoding}-be"


def is_utf8(path: Path) -> bool:
    """Tell whether all of a file is UTF-8."""
    return _utf8(path)[1] is None


def older_letters(path: Path) -> bool:
    """Tell whether a file holds anything beyond ASCII, so that its encoding matters."""
    return bool(_high_bytes(path))


def older_encoding(path: Path) -> str | None:
    """Return the encoding of the past whose Swedish letters a file holds most of, None when it holds none of any."""
    high = _high_bytes(path)
    votes = {encoding: sum(high[letter] for letter in letters) for encoding, letters in _LETTERS.items()}
    best = max(votes, key=lambda encoding: (votes[encoding], encoding == "cp1252"))
    return best if votes[best] else None


def _refuse_older(path: Path, name: str, broken: int) -> None:
    """Refuse text whose high bytes are another encoding's Swedish letters: read as cp1252 it would be wrong."""
    best = older_encoding(path)
    if best not in (None, "cp1252"):
        guess = {"cp850": "cp850", "mac_roman": "macintosh"}[best or ""]
        raise SourceError(
            Finding("source.encoding-unsure", file=name, row=_row(path, broken), detail=(("encoding", guess),))
        )


def _told(name: str, encoding: str, rule: str = "source.encoding-detected") -> tuple[Finding, ...]:
    return (Finding(rule, file=name, detail=(("encoding", encoding),)),)


def _refuse(path: Path, name: str, encoding: str, offset: int) -> SourceError:
    detail = (("encoding", encoding), ("byte", str(offset + 1)))
    row = None if encoding.startswith(("utf-16", "utf-32")) else _row(path, offset)
    return SourceError(Finding("source.encoding", file=name, row=row, detail=detail))


def _row(path: Path, offset: int) -> int:
    """Return the line in which a byte stands: ends are CRLF, LF or CR."""
    lines, left, after_return = 1, offset, False
    for block in blocks(path):
        part = block[:left]
        lines += part.count(b"\n") + part.count(b"\r") - part.count(b"\r\n")
        lines -= after_return and part.startswith(b"\n")
        after_return = part.endswith(b"\r")
        left -= len(part)
        if left <= 0:
            break
    return lines
