"""Write a tiny xls workbook, for no library writes that format any more ([MS-CFB] 2.2–2.6, [MS-XLS] 2.4)."""

from __future__ import annotations

import struct

SECTOR = 512


def xls(rows: list[list[str | float]], sheet: str = "Blad1") -> bytes:
    """Return a workbook of one sheet."""
    stream = _book(rows, sheet.encode("ascii"))
    # Streams below 4096 bytes would have to go to the mini stream.
    stream = stream.ljust(max(4096, -(-len(stream) // SECTOR) * SECTOR), b"\0")
    last = len(stream) // SECTOR + 1
    chain = [-3, -2, *range(3, last + 1), -2]  # this table, the directory, the stream
    table = struct.pack(f"<{len(chain)}i", *chain).ljust(SECTOR, b"\xff")
    directory = _entry("Root Entry", 5, 1, -2, 0) + _entry("Workbook", 2, -1, 2, len(stream))
    return _header() + table + directory.ljust(SECTOR, b"\0") + stream


def _header() -> bytes:
    start = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    shape = struct.pack("<HHHHH6xIIiIIiIiI", 0x3E, 3, 0xFFFE, 9, 6, 0, 1, 1, 0, 4096, -2, 0, -2, 0)
    return start + shape + struct.pack("<109i", 0, *[-1] * 108)


def _entry(name: str, kind: int, child: int, start: int, size: int) -> bytes:
    text = f"{name}\0".encode("utf-16-le")
    return struct.pack("<64sHBBiii36xiII", text, len(text), kind, 1, -1, -1, child, start, size, 0)


def _book(rows: list[list[str | float]], title: bytes) -> bytes:
    head = _begin(5)
    offset = len(head) + 4 + 8 + len(title) + 4
    head += _record(0x85, struct.pack("<IBBBB", offset, 0, 0, len(title), 0) + title) + _record(0x0A)
    cells = b"".join(_cell(r, c, value) for r, row in enumerate(rows) for c, value in enumerate(row))
    return head + _begin(0x10) + cells + _record(0x0A)


def _cell(row: int, column: int, value: str | float) -> bytes:
    if isinstance(value, str):
        text = value.encode("utf-16-le")
        return _record(0x0204, struct.pack("<HHHHB", row, column, 0, len(value), 1) + text)
    return _record(0x0203, struct.pack("<HHHd", row, column, 0, value))


def _begin(kind: int) -> bytes:
    return _record(0x0809, struct.pack("<HHHHII", 0x0600, kind, 0, 1996, 0, 6))


def _record(kind: int, body: bytes = b"") -> bytes:
    return struct.pack("<HH", kind, len(body)) + body
