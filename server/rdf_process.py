"""A confined child process that parses one RDF document and writes `graph TAB triple` lines to its output.

Run as `python -m server.rdf_process FILE MEDIA_TYPE BASE SKOLEM`. Blank nodes become IRIs that begin
with SKOLEM, named by RDFC-1.0, so the same document always gives the same lines. Parsers can be
made to eat all memory or overflow their stack (RDF/XML entities, nested triple terms), so no document
of others is ever parsed in the process that publishes or serves. Exit 3 means a syntax error, told on stderr.
"""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Iterable
from io import BufferedReader
from typing import Any

from pyoxigraph import (
    BlankNode,
    CanonicalizationAlgorithm,
    Dataset,
    DefaultGraph,
    NamedNode,
    Quad,
    RdfFormat,
    parse,
)

from server.sandbox import confine

MEMORY = 1 << 30
STACK = 64 << 20
SYNTAX_ERROR = 3
_DOCTYPE = re.compile(rb"<!DOCTYPE|<!ENTITY", re.IGNORECASE)
_DOCTYPE_SEARCHED = 1 << 20


def main() -> int:
    """Parse the document named by the arguments; return the exit code."""
    path, media_type, base, skolem = sys.argv[1:5]
    confine(memory_bytes=MEMORY, file_bytes=1 << 40, parent=os.getppid(), stack_bytes=STACK)
    threading.stack_size(STACK)
    codes: list[int] = []
    worker = threading.Thread(target=lambda: codes.append(_parse(path, media_type, base, skolem)))
    worker.start()
    worker.join()
    return codes[0] if codes else 1


def _parse(path: str, media_type: str, base: str, skolem: str) -> int:
    format = RdfFormat.from_media_type(media_type)
    assert format is not None
    try:
        with open(path, "rb") as source:
            if format == RdfFormat.RDF_XML and _DOCTYPE.search(_start(source)):
                print("line 1: a DOCTYPE is not accepted", file=sys.stderr)
                return SYNTAX_ERROR
        blank = any(_has_blank(quad) for quad in parse(path=path, format=format, base_iri=base))
        quads: Iterable[Quad] = parse(path=path, format=format, base_iri=base)
        if blank:
            dataset = Dataset(quads)
            dataset.canonicalize(CanonicalizationAlgorithm.RDFC_1_0)
            quads = dataset
        for quad in quads:
            terms = [_named(term, skolem) for term in (quad.subject, quad.predicate, quad.object)]
            graph = "" if isinstance(quad.graph_name, DefaultGraph) else _named(quad.graph_name, skolem).value
            sys.stdout.write(f"{graph}\t{terms[0]} {terms[1]} {terms[2]} .\n")
    except (SyntaxError, OSError, UnicodeDecodeError) as error:
        line = f"line {error.lineno}: " if isinstance(error, SyntaxError) and error.lineno else ""
        print(f"{line}{str(error)[:300]}", file=sys.stderr)
        return SYNTAX_ERROR
    sys.stdout.flush()
    return 0


def _has_blank(quad: Quad) -> bool:
    return any(isinstance(term, BlankNode) for term in (quad.subject, quad.object, quad.graph_name))


def _named(term: Any, skolem: str) -> Any:
    return NamedNode(f"{skolem}{term.value}") if isinstance(term, BlankNode) else term


def _start(source: BufferedReader) -> bytes:
    return source.read(_DOCTYPE_SEARCHED)


if __name__ == "__main__":
    sys.exit(main())
