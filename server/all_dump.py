"""All graphs of a generation as one N-Quads file, put together from members that need no second compression.

    dumps/all.nq.gz      one gzip member for each graph, in the order of their IRIs (RFC 1952, 2.2: members
                         one after another are one file)
    dumps/all.json       where each member lies and of which content it was made

A graph that has not changed is copied as the bytes it was in the last generation's file.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

from server.generations import GraphEntry
from server.graph_files import open_graph

ALL = "dumps/all.nq.gz"
"""Where the file lies below a generation and below the base."""

INDEX = "dumps/all.json"
_CHUNK = 1 << 20
_LEVEL = 3  # of compression: half the time of the dumps' own level for an eighth more bytes


def write_all_dump(folder: Path, graphs: Iterable[GraphEntry], previous: Path | None) -> None:
    """Write the N-Quads of all graphs whose dumps lie in a generation's folder; `previous` is the last one's folder."""
    old, source = read_index(previous), None
    members: dict[str, dict[str, Any]] = {}
    digest, offset = hashlib.sha256(), 0
    try:
        if previous is not None and old:
            source = open(previous / ALL, "rb")
        with open(folder / ALL, "wb") as target:
            for entry in sorted(graphs, key=lambda entry: entry.iri):
                known = old.get("members", {}).get(entry.iri)
                if source is not None and known and known["sha256"] == entry.sha256:
                    length = _copy(source, known["offset"], known["length"], target, digest)
                else:
                    length = _compress(folder / entry.dump, entry.iri, target, digest)
                members[entry.iri] = {"sha256": entry.sha256, "offset": offset, "length": length}
                offset += length
    finally:
        if source is not None:
            source.close()
    index = {"bytes": offset, "sha256": digest.hexdigest(), "members": members}
    (folder / INDEX).write_text(json.dumps(index, indent=1), "utf-8")


def read_index(folder: Path | None) -> dict[str, Any]:
    """Return what is known of a generation's file: bytes, sha256 and members; empty when it has none."""
    if folder is None or not (folder / INDEX).is_file() or not (folder / ALL).is_file():
        return {}
    index: dict[str, Any] = json.loads((folder / INDEX).read_text("utf-8"))
    return index


def _copy(source: IO[bytes], offset: int, length: int, target: IO[bytes], digest: Any) -> int:
    source.seek(offset)
    left = length
    while left and (piece := source.read(min(left, _CHUNK))):
        digest.update(piece)
        target.write(piece)
        left -= len(piece)
    return length - left


def _compress(dump: Path, graph: str, target: IO[bytes], digest: Any) -> int:
    """Append a dump as quads; return the bytes written."""
    counted = _Counted(target, digest)
    name = f" <{graph}> .\n".encode()
    with gzip.GzipFile("", "wb", _LEVEL, counted, mtime=0) as packed, open_graph(dump) as lines:
        while block := lines.read(_CHUNK):
            # A canonical line ends in " .\n", and nothing within it does: texts hold no line end.
            packed.write((block + lines.readline()).replace(b" .\n", name))
    return counted.bytes


class _Counted:
    """Counts and hashes what is written to a file."""

    def __init__(self, target: IO[bytes], digest: Any) -> None:
        self._target, self._digest, self.bytes = target, digest, 0

    def write(self, data: bytes) -> int:
        self._digest.update(data)
        self.bytes += len(data)
        return self._target.write(data)

    def flush(self) -> None:
        self._target.flush()
