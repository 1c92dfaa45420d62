"""A whole named graph, or the default graph, in any RDF syntax: written to a temporary file before it is sent."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from tempfile import SpooledTemporaryFile
from typing import IO, cast

from server.formats import N_QUADS, N_TRIPLES, TRIG, Format
from server.generations import Generation, GraphEntry
from server.graph_files import open_graph
from server.rdf_formats import transcode

SMALL = 1 << 20
"""Answers up to so many bytes are sent as one body; larger ones from a file, a few at a time."""


def write_graph_answer(
    generation: Generation, entry: GraphEntry | None, format: Format, prefixes: Mapping[str, str]
) -> IO[bytes]:
    """Return an open file, at its start, with a graph of a generation (None: the default graph) in a format.

    Raises Problem 406 when a property cannot be written in RDF/XML.
    """
    target = cast(IO[bytes], SpooledTemporaryFile(max_size=SMALL))
    try:
        with _triples(generation, entry) as source:
            name = entry.iri if entry else ""
            if format is N_TRIPLES or (format is N_QUADS and not name):
                shutil.copyfileobj(source, target, SMALL)
            elif format is N_QUADS:
                ending = f" <{name}> .\n".encode()
                target.writelines(line.removesuffix(b" .\n") + ending for line in source)
            elif format is TRIG:
                transcode(source, format.media_type, prefixes, target, graph=name)
            else:
                transcode(source, format.media_type, prefixes, target)
    except BaseException:
        target.close()
        raise
    target.seek(0)
    return target


def _triples(generation: Generation, entry: GraphEntry | None) -> IO[bytes]:
    """Return the graph's N-Triples, open for reading: its canonical dump, or the store's default graph."""
    if entry is not None:
        return open_graph(generation.path / entry.dump)
    spooled = cast(IO[bytes], SpooledTemporaryFile(max_size=SMALL))
    for line in generation.store.graph_lines(None):
        spooled.write(line.encode())
    spooled.seek(0)
    return spooled
