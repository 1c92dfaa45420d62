"""Canonical N-Triples files: one sorted, gzipped file per named graph, and the differences between two.

The CSVW engine keeps lexical forms, the store does not: a file is written in the store's own forms,
sorted by bytes and without repeats, so the same content always gives the same bytes. Differences,
the ledger, dumps and checks all read these files; none of them asks the store.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import subprocess
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, cast

from server.errors import StorageError
from server.store import canonical_lines

_XSD = r"http://www\.w3\.org/2001/XMLSchema#"
# Lines the store would give back unchanged; everything else makes the (ten times slower) round trip.
_CANONICAL = re.compile(
    r"<[^<>\\]*> <[^<>\\]*> (?:<[^<>\\]*>|"
    r'"[^"\\\x00-\x1f\x7f]*"(?:@[a-z]+(?:-[a-z0-9]+)*|\^\^<(?!http://www\.w3\.org/)[^<>\\]*>)?|'
    rf'"(?:0|-?[1-9]\d{{0,16}})"\^\^<{_XSD}integer>|'
    rf'"(?:0|-?[1-9]\d{{0,15}}|-?(?:0|[1-9]\d{{0,15}})\.\d{{0,14}}[1-9])"\^\^<{_XSD}decimal>|'
    rf'"[12]\d{{3}}-\d\d(?:-\d\d"\^\^<{_XSD}date>|"\^\^<{_XSD}gYearMonth>)|'
    rf'"(?:true|false)"\^\^<{_XSD}boolean>'
    r") \.\n"
)
_BATCH = 20_000


@dataclass(frozen=True, slots=True)
class GraphFile:
    """A written graph file: where it is, how many triples, the hash of its text, and size and hash as downloaded."""

    path: Path
    triples: int
    sha256: str
    bytes: int
    dump_sha256: str


def canonical(lines: Iterable[str]) -> Iterator[str]:
    """Yield the lines in the store's own forms; order is not kept.

    >>> list(canonical(['<urn:a> <urn:b> "x"@sv-SE .\\n']))
    ['<urn:a> <urn:b> "x"@sv-se .\\n']
    """
    iterator = iter(lines)
    matches = _CANONICAL.fullmatch
    while batch := list(islice(iterator, _BATCH)):
        other = [line for line in batch if not matches(line)]
        if len(other) < len(batch):
            yield from (line for line in batch if matches(line)) if other else batch
        if other:
            yield from canonical_lines(other)


def write_graph(lines: Iterable[str], path: Path) -> GraphFile:
    """Write lines of any order and form as one canonical graph file.

    Sorting is done on disk beside the target, so memory does not grow with the graph. Raises
    StorageError when the disk is full.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    plain = path.with_name(path.name + ".sorting")
    try:
        _sort(canonical(lines), plain)
        with open(plain, "rb") as sorted_lines:
            return _compress(sorted_lines, path)
    except OSError as error:
        raise StorageError(
            f"{path.parent} cannot be written: {error.strerror or error}. Nothing is published; free some space and "
            "run the command again.",
            f"{path.parent} går inte att skriva i: {error.strerror or error}. Inget är publicerat; gör plats och kör "
            "kommandot igen.",
        ) from error
    finally:
        plain.unlink(missing_ok=True)


def _sort(lines: Iterable[str], path: Path) -> None:
    command = ["sort", "-u", "-S", "256M", "-T", str(path.parent), "-o", str(path)]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "LC_ALL": "C"}
    )
    assert process.stdin is not None and process.stderr is not None
    try:
        with process.stdin as pipe:
            while chunk := "".join(islice(iter(lines), 5000)):
                pipe.write(chunk.encode())
    except BrokenPipeError:
        pass  # sort says why below
    except BaseException:
        process.kill()
        raise
    finally:
        message = process.stderr.read().decode(errors="replace").strip()
        process.stderr.close()
        status = process.wait()
    if status:
        raise OSError(status, message or "sorting failed")


def _compress(source: IO[bytes], path: Path) -> GraphFile:
    digest, triples = hashlib.sha256(), 0
    # mtime=0 and no name: the same content gives the same compressed bytes.
    with open(path, "wb") as raw, gzip.GzipFile("", "wb", 5, raw, mtime=0) as packed:
        while lines := source.readlines(1 << 20):
            block = b"".join(lines)
            digest.update(block)
            packed.write(block)
            triples += len(lines)
    with open(path, "rb") as dump:
        return GraphFile(
            path, triples, digest.hexdigest(), path.stat().st_size, hashlib.file_digest(dump, "sha256").hexdigest()
        )


def read_graph(path: Path | None) -> Iterator[str]:
    """Yield the lines of a graph file in order; nothing for None."""
    if path is None:
        return
    with gzip.open(path, "rt", encoding="utf-8", newline="\n") as lines:
        yield from lines


def lines_of(text: str) -> list[str]:
    r"""Return the lines of N-Triples that stand in a text: a literal may hold other line breaks than theirs.

    >>> lines_of('<a> <b> "c\u2028d" .\n<e> <f> <g> .\n')
    ['<a> <b> "c\u2028d" .\n', '<e> <f> <g> .\n']
    """
    return [f"{line}\n" for line in text.split("\n") if line]


def open_graph(path: Path) -> IO[bytes]:
    """Open the plain N-Triples of a graph file for a bulk load."""
    return cast(IO[bytes], gzip.open(path, "rb"))


@contextmanager
def piped(path: Path) -> Iterator[str]:
    """Give the plain N-Triples of a graph file as a path that native code reads without asking the interpreter.

    A file object of Python's would make the loading thread wait for the interpreter at every few kilobytes.
    """
    read, write = os.pipe()

    def feed() -> None:
        # Whoever stops reading has said why; the broken pipe adds nothing.
        with suppress(BrokenPipeError), gzip.open(path, "rb") as lines, open(write, "wb", 0) as pipe:
            while block := lines.read(1 << 20):
                pipe.write(block)

    with ThreadPoolExecutor(max_workers=1) as thread:
        fed = thread.submit(feed)
        try:
            yield f"/dev/fd/{read}"
        finally:
            os.close(read)
        fed.result()


def difference(old: Path | None, new: Path | None) -> Iterator[tuple[bool, str]]:
    """Yield (added?, line) for every line that is in only one of two graph files, in order.

    UTF-8 sorts like code points, so comparing text agrees with the order of sort(1).
    """
    ours, theirs = read_graph(old), read_graph(new)
    before, after = next(ours, None), next(theirs, None)
    while before is not None or after is not None:
        if before == after:
            before, after = next(ours, None), next(theirs, None)
        elif after is None or (before is not None and before < after):
            assert before is not None
            yield False, before
            before = next(ours, None)
        else:
            yield True, after
            after = next(theirs, None)


def write_difference(lines: Iterable[tuple[bool, str]], added: Path, removed: Path) -> tuple[int, int]:
    """Write the (added?, line) pairs of a difference to two files; return how many each has."""
    added.parent.mkdir(parents=True, exist_ok=True)
    counts = [0, 0]
    with gzip.open(added, "wb", 5) as plus, gzip.open(removed, "wb", 5) as minus:
        for is_added, line in lines:
            (plus if is_added else minus).write(line.encode())
            counts[not is_added] += 1
    return counts[0], counts[1]


def subject(line: str) -> str:
    """Return the subject IRI of a canonical N-Triples line."""
    return line[1 : line.index("> ")]


def described(path: Path) -> Iterator[str]:
    """Yield the IRI of every subject of a graph file once, in order."""
    last = "\n"
    for line in read_graph(path):
        if not line.startswith(last):
            last = line[: line.index("> ") + 2]
            yield last[1:-2]


def subjects(lines: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield (subject, its lines) from lines in canonical order."""
    current, held = "", list[str]()
    for line in lines:
        name = subject(line)
        if name != current and held:
            yield current, held
            held = []
        current = name
        held.append(line)
    if held:
        yield current, held
