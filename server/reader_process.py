"""A reader: the program that evaluates visitors' SPARQL in a process of its own, confined and made to be killed.

It opens immutable stores read-only, takes one request at a time from its socket, and answers with the serialized
result: inside the reply when small, as an open file when large. It imports nothing but pyoxigraph, the standard
library and three small modules of this package, so that it starts in some twenty milliseconds.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import json
import os
import re
import select
import signal
import socket
import struct
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

import pyoxigraph as ox

from server import results, sandbox

# Oxigraph parses and evaluates recursively: with this stack STR( nested 60 000 deep is evaluated (0.9 s), with the
# usual 8 MiB it overflows at 980. Memory is touched only as deep as the recursion goes.
STACK_BYTES = 512 << 20
REQUEST_HEAD = struct.Struct("!I")
REPLY_HEAD = struct.Struct("!IQ")
_PLACE = re.compile(r"error at (\d+):(\d+): ")
_SOLUTION_FORMATS = {
    "json": ox.QueryResultsFormat.JSON,
    "xml": ox.QueryResultsFormat.XML,
    "csv": ox.QueryResultsFormat.CSV,
    "tsv": ox.QueryResultsFormat.TSV,
}
_RDF_FORMATS = {
    "ttl": ox.RdfFormat.TURTLE,
    "nt": ox.RdfFormat.N_TRIPLES,
    "rdf": ox.RdfFormat.RDF_XML,
    "jsonld": ox.RdfFormat.JSON_LD,
}
_PREFIX_SAMPLE = 2_000


class RequestError(Exception):
    """The request cannot be answered: `kind` says why, the text says what."""

    def __init__(self, kind: str, message: str, **extra: Any) -> None:
        super().__init__(message)
        self.kind, self.extra = kind, extra


class Stores:
    """The stores this reader holds open, each with a shared lock on its generation, and the last merge made."""

    def __init__(self) -> None:
        self._open: dict[str, tuple[ox.Store, int]] = {}
        self._merge: tuple[tuple[Any, ...], ox.Store] | None = None

    def get(self, path: str) -> ox.Store:
        """Return the store at the path, opened at most once; raises RequestError when it cannot be read."""
        if path not in self._open:
            if len(self._open) > 1:  # The current generation and one of the past, no more.
                self._close(next(iter(self._open)))
            try:
                self._open[path] = (ox.Store.read_only(path), _hold(os.path.join(os.path.dirname(path), "lock")))
            except (OSError, RuntimeError, ValueError) as error:
                raise RequestError("storage", f"The store cannot be opened: {error}") from error
        return self._open[path][0]

    def _close(self, path: str) -> None:
        lock = self._open.pop(path)[1]
        if lock >= 0:
            os.close(lock)

    def merged(self, path: str, default: list[str], named: list[str], most: int) -> ox.Store:
        """Return an in-memory store whose default graph is the RDF merge of the graphs named as default.

        Oxigraph reads several default graphs as a bag: a triple in two of them would count twice, where a graph is
        a set (SPARQL 1.1 Query, section 13.2). Raises RequestError when they hold more than `most` triples.
        """
        key = (path, tuple(default), tuple(named))
        if self._merge is not None and self._merge[0] == key:
            return self._merge[1]
        source, merge, count = self.get(path), ox.Store(), 0
        wanted: list[tuple[str, ox.NamedNode | ox.DefaultGraph]] = [(iri, ox.DefaultGraph()) for iri in default]
        wanted += [(iri, ox.NamedNode(iri)) for iri in named]
        for iri, target in wanted:
            batch = []
            for quad in source.quads_for_pattern(None, None, None, ox.NamedNode(iri)):
                count += 1
                if count > most:
                    raise RequestError("dataset", f"The graphs asked for hold more than {most} triples together.")
                batch.append(ox.Quad(quad.subject, quad.predicate, quad.object, target))
            merge.extend(batch)
        self._merge = (key, merge)
        return merge


def _hold(lock: str) -> int:
    """Take the shared lock of a generation, which keeps it from being deleted; -1 when it has none."""
    try:
        descriptor = os.open(lock, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return -1
    fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    return descriptor


def evaluate(stores: Stores, request: dict[str, Any], spool: results.Spool) -> dict[str, Any]:
    """Evaluate one request into the spool and return what is known about the answer; raises RequestError."""
    answered = request.get("answered")
    answer = _read_answer(answered) if answered else _query(stores, request)
    format = request["format"]
    if request["check"]:
        columns = [name.value for name in answer.variables] if isinstance(answer, ox.QuerySolutions) else []
        return {"rows": 0, "truncated": "", "columns": columns}
    sink: results.Sink = results.XmlGuard(spool) if format in ("xml", "rdf") else spool
    if isinstance(answer, ox.QueryBoolean):
        if format not in _SOLUTION_FORMATS:
            raise RequestError("format", "ASK answers with a boolean, which RDF has no format for.")
        answer.serialize(sink, _SOLUTION_FORMATS[format])  # type: ignore[arg-type]
        return {"rows": 1, "truncated": ""}
    if isinstance(answer, ox.QuerySolutions):
        if format not in _SOLUTION_FORMATS:
            raise RequestError("format", "SELECT answers with a table, not with RDF.")
        return _write_solutions(answer if answered else _in_order(answer, stores, request), request, sink)
    if format not in _RDF_FORMATS:
        raise RequestError("format", "CONSTRUCT and DESCRIBE answer with RDF, not with a table.")
    known = _write_graph(answer, request, sink)
    return known | {"truncated": known["truncated"] or ("rows" if answered and answered["cut"] else "")}


def _read_answer(answered: dict[str, Any]) -> Any:
    """Return what another store answered, read from the file that came with the request."""
    file = os.fdopen(answered["descriptor"], "rb")
    if answered["media_type"] == "application/n-triples":
        return (quad.triple for quad in ox.parse(file, format=ox.RdfFormat.N_TRIPLES))
    format = ox.QueryResultsFormat.from_media_type(answered["media_type"])
    found = ox.parse_query_results(file, format=format)
    if isinstance(found, ox.QuerySolutions) and [name.value for name in found.variables] == ["__ASK_RETVAL"]:
        # Virtuoso answers ASK with a table.
        said = any(row[0].value in ("1", "true") for row in found)
        return ox.parse_query_results(
            json.dumps({"head": {}, "boolean": said}).encode(), format=ox.QueryResultsFormat.JSON
        )
    return found


def _in_order(answer: ox.QuerySolutions, stores: Stores, request: dict[str, Any]) -> ox.QuerySolutions:
    """Return the solutions of SELECT * with their columns as the query first names them, not by the alphabet.

    Only the evaluator knows which variables are in scope (SPARQL 1.1 Query, section 18.2.1); nothing has been
    evaluated yet when the same query is asked with their names in place of the asterisk.
    """
    names = [variable.value for variable in answer.variables]
    wanted = [name for name in request["variables"] if name in names]
    if request["star"] < 0 or wanted == names or len(wanted) != len(names):
        return answer
    text, star = request["query"], request["star"]
    listed = " ".join(f"?{name}" for name in wanted)
    found = _query(stores, request | {"query": f"{text[:star]} {listed} {text[star + 1 :]}"})
    assert isinstance(found, ox.QuerySolutions)
    return found


def _query(stores: Stores, request: dict[str, Any]) -> ox.QueryBoolean | ox.QuerySolutions | ox.QueryTriples:
    default, named = request["default_graphs"], request["named_graphs"]
    options: dict[str, Any] = {}
    try:
        if request["check"]:
            store = ox.Store()
        elif len(default) > 1:
            store = stores.merged(request["store"], default, named, request["merge_triples"])
            options = {"default_graph": [ox.DefaultGraph()], "named_graphs": [ox.NamedNode(iri) for iri in named]}
        else:
            store = stores.get(request["store"])
            if default or named:
                # A dataset without default graphs has an empty one (SPARQL 1.1 Query, section 13.2).
                options["default_graph"] = [ox.NamedNode(iri) for iri in default]
                options["named_graphs"] = [ox.NamedNode(iri) for iri in named]
    except ValueError as error:
        raise RequestError("dataset", str(error)) from error
    try:
        return store.query(request["query"], **options)
    except SyntaxError as error:
        message = str(error)
        match = _PLACE.match(message)
        place = {"line": int(match[1]), "column": int(match[2])} if match else {}
        raise RequestError("syntax", message[match.end() :] if match else message, **place) from error
    except (RuntimeError, ValueError) as error:
        raise RequestError("evaluation", str(error)) from error


def _write_solutions(answer: ox.QuerySolutions, request: dict[str, Any], sink: results.Sink) -> dict[str, Any]:
    format, most = request["format"], request["max_rows"]
    if most is None and request["max_bytes"] is None:
        answer.serialize(sink, _SOLUTION_FORMATS[format])  # type: ignore[arg-type]
        return {"rows": None, "truncated": ""}  # Counting a million rows would cost a fifth of their time.
    limiter = results.RowLimiter(sink, format, most, request["max_bytes"])
    try:
        answer.serialize(limiter, _SOLUTION_FORMATS[format])  # type: ignore[arg-type]
        limiter.finish()
    except results.Full:
        pass
    except Exception:
        if not limiter.truncated:  # Oxigraph may hand our own signal back as another class.
            raise
    return {"rows": limiter.rows, "truncated": limiter.truncated}


def _write_graph(answer: Iterable[ox.Triple], request: dict[str, Any], sink: results.Sink) -> dict[str, Any]:
    state: dict[str, Any] = {"rows": 0, "truncated": ""}
    most, size = request["max_rows"], request["max_bytes"]

    def triples() -> Iterator[ox.Triple]:
        for triple in answer:
            if most is not None and state["rows"] >= most:
                state["truncated"] = "rows"
                return
            if size is not None and sink.size >= size:
                state["truncated"] = "bytes"
                return
            state["rows"] += 1
            yield triple

    source = triples()
    sample = list(itertools.islice(source, _PREFIX_SAMPLE)) if request["prefixes"] else []
    prefixes = _used_prefixes(sample, request["prefixes"]) if len(sample) < _PREFIX_SAMPLE else request["prefixes"]
    ox.serialize(itertools.chain(sample, source), sink, _RDF_FORMATS[request["format"]], prefixes=prefixes)  # type: ignore[arg-type]
    return state


def _used_prefixes(triples: list[ox.Triple], prefixes: dict[str, str]) -> dict[str, str]:
    """Return the prefixes that shorten some IRI of a small graph: nobody wants forty for three triples."""
    iris: set[str] = set()
    for triple in triples:
        for term in (triple.subject, triple.predicate, triple.object):
            if isinstance(term, ox.NamedNode):
                iris.add(term.value)
            elif isinstance(term, ox.Literal):
                iris.add(term.datatype.value)
    stems = {iri[: max(iri.rfind("/"), iri.rfind("#"), iri.rfind(":")) + 1] for iri in iris}
    return {name: iri for name, iri in prefixes.items() if iri in stems}


def answer(stores: Stores, request: dict[str, Any], folder: str) -> tuple[dict[str, Any], bytes, results.Spool | None]:
    """Return reply, body and (when the body is large) the spool holding it."""
    started, spool = time.monotonic(), results.Spool(folder)
    try:
        known = evaluate(stores, request, spool)
        body, digest = spool.finish()
        seconds = time.monotonic() - started
        return known | {"size": spool.size, "digest": digest, "seconds": seconds}, body, spool
    except RequestError as error:
        return {"error": error.kind, "message": str(error)} | error.extra, b"", None
    except results.FormatError as error:
        return {"error": "format", "message": f"The result holds {error}."}, b"", None
    except SyntaxError as error:
        if "answered" not in request:
            raise
        return {"error": "remote", "message": f"The store's answer cannot be read: {error}"[:300]}, b"", None
    except (OSError, RuntimeError, ValueError) as error:
        return {"error": _kind(error), "message": str(error)}, b"", None


def _kind(error: Exception) -> str:
    """Return what an error of Oxigraph is about; it hands our own FormatError back as the cause of another."""
    if isinstance(error.__cause__ or error.__context__, results.FormatError) or "does not support RDF 1.2" in str(
        error
    ):
        return "format"
    return "storage" if isinstance(error, OSError) else "evaluation"


def _send(connection: socket.socket, reply: dict[str, Any], body: bytes, spool: results.Spool | None) -> None:
    head = json.dumps(reply).encode()
    data = REPLY_HEAD.pack(len(head), len(body)) + head
    if spool is not None and spool.file is not None:
        socket.send_fds(connection, [data], [spool.file.fileno()])
        spool.file.close()
    else:
        connection.sendall(data)
        connection.sendall(body)


def _read(connection: socket.socket, count: int) -> bytes:
    data = bytearray()
    while len(data) < count:
        piece = connection.recv(count - len(data))
        if not piece:
            os._exit(0)
        data += piece
    return bytes(data)


def _work(connection: socket.socket, ready: dict[str, Any]) -> None:
    """Evaluate requests for ever in this one thread: Oxigraph's results abort the process in another."""
    try:
        stores = Stores()
        if ready["store"]:
            with contextlib.suppress(RequestError):  # The first request will say what is wrong.
                stores.get(ready["store"]).query("ASK {}")
        _send(connection, ready, b"", None)
        while True:
            head, descriptors, _flags, _address = socket.recv_fds(connection, REQUEST_HEAD.size, 1)
            (length,) = REQUEST_HEAD.unpack(head + _read(connection, REQUEST_HEAD.size - len(head)))
            request = json.loads(_read(connection, length))
            if descriptors:
                request["answered"]["descriptor"] = descriptors[0]
            _send(connection, *answer(stores, request, request["spool"]))
    except BaseException:  # A panic, or memory refused: die so that the parent sees it at once.
        os._exit(70)


def main() -> None:
    """Run the reader on the socket inherited as standard input, with the options given as JSON."""
    # Ctrl+C and service managers signal the whole group; a reader goes when the web process has no more use for it.
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    options = json.loads(sys.argv[1])
    connection = socket.socket(fileno=os.dup(0))
    confinement = sandbox.confine(
        memory_bytes=options["memory_bytes"],
        file_bytes=options["file_bytes"],
        parent=options["parent"],
        stack_bytes=STACK_BYTES,
    )
    threading.stack_size(STACK_BYTES)
    ready = asdict(confinement) | {"store": options["store"]}
    threading.Thread(target=_work, args=(connection, ready), daemon=True).start()
    # The parent may go, or have no more use for this reader, whatever it is doing: a hang-up is always reported.
    hang_up = select.poll()
    hang_up.register(connection, 0)
    hang_up.poll()
    os._exit(0)
