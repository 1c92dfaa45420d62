"""A SPARQL 1.1 server elsewhere: every exchange with it has a deadline, a size and one way to fail.

The one module that opens a connection to a store. Nothing a server does – refuse, hang, drip, send too much, send a
page, send us elsewhere – keeps a thread beyond the deadline or memory beyond a block: bodies go to a file, redirects
are not followed, credentials go to the configured host alone, and after repeated failures a breaker answers at once.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, BinaryIO
from urllib.parse import urlencode, urlsplit

import requests
from requests.auth import AuthBase, HTTPBasicAuth, HTTPDigestAuth
from urllib3.exceptions import HTTPError

from loaders.connections import Connections, session
from server.errors import SettingsError
from server.remote_addresses import Addresses, addresses_of

PRODUCTS = ("auto", "oxigraph", "virtuoso", "generic")
USER, PASSWORD = "TORG_STORE_USER", "TORG_STORE_PASSWORD"
"""The environment variables that hold the credentials; they are never in a file of the site."""
JSON, XML, N_TRIPLES = "application/sparql-results+json", "application/sparql-results+xml", "application/n-triples"
_TAKEN = {
    JSON: (JSON, "application/json"),
    XML: (XML, "application/xml", "text/xml"),
    N_TRIPLES: (N_TRIPLES, "text/plain"),
}
_BLOCK = 1 << 16
_LARGE = 1 << 20
_LOOK_SECONDS = 0.05
_CONNECT_SECONDS = 5.0
_PROBE_SECONDS = 2.0
_FAILURES = 3  # in a row, until the breaker opens
_PAUSES = (5.0, 60.0)  # the first pause of an open breaker and the longest


class RemoteError(Exception):
    """The store did not do what was asked: `reason` is down, open, slow, wrong, refused or ended."""

    def __init__(self, reason: str, detail: str, wait: float = 10.0) -> None:
        super().__init__(detail)
        self.reason, self.detail, self.wait = reason, detail, wait


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: the status, the headers, and whether the body was cut at the limits given."""

    status: int
    headers: Mapping[str, str]
    cut: bool = False
    start: bytes = b""  # of a body that nobody asked to have in a file


def remote_store(settings: Any) -> RemoteStore | None:
    """Return the store that the settings name, None for the embedded one; raise SettingsError when they are wrong."""
    if not settings.url:
        return None
    for name in ("url", "update_url", "graph_store_url"):
        _check_address(name, str(getattr(settings, name)))
    if settings.product not in PRODUCTS:
        taken = ", ".join(PRODUCTS)
        raise SettingsError(
            f"product is {settings.product!r}; it takes {taken}.", f"product är {settings.product!r}; ange {taken}."
        )
    return RemoteStore(
        str(settings.url),
        product=str(settings.product),
        update_url=str(settings.update_url),
        graph_store_url=str(settings.graph_store_url),
        user=os.environ.get(USER, ""),
        password=os.environ.get(PASSWORD, ""),
    )


def _check_address(name: str, address: str) -> None:
    if not address:
        return
    try:
        parts = urlsplit(address)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid:
        raise SettingsError(
            f"[store] {name} is {address!r}; it takes an address that begins with http:// or https://.",
            f"[store] {name} är {address!r}; ange en adress som börjar med http:// eller https://.",
        )
    if parts.username or parts.password:
        raise SettingsError(
            f"[store] {name} holds a password. Take it out, and set {USER} and {PASSWORD} in the environment.",
            f"[store] {name} innehåller ett lösenord. Ta bort det och ange {USER} och {PASSWORD} i miljön.",
        )


class Breaker:
    """Counts failures in a row; after some it refuses at once, and lets one try through after a pause."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._failures, self._until, self._pause = 0, 0.0, _PAUSES[0]

    @property
    def open(self) -> bool:
        """Whether it refuses just now."""
        return self._clock() < self._until

    def enter(self) -> None:
        """Let an exchange begin; raise RemoteError when the store has failed too often just now."""
        with self._lock:
            now = self._clock()
            if now < self._until:
                raise RemoteError("open", "The store has not answered lately.", self._until - now)
            if self._failures >= _FAILURES:
                # One tries; until it knows, the others are refused.
                self._until = now + _PROBE_SECONDS

    def worked(self) -> None:
        """Close: the store answers."""
        with self._lock:
            self._failures, self._until, self._pause = 0, 0.0, _PAUSES[0]

    def failed(self) -> None:
        """Count a failure; open after some, for longer each time."""
        with self._lock:
            self._failures += 1
            if self._failures >= _FAILURES:
                self._until = self._clock() + self._pause
                self._pause = min(2 * self._pause, _PAUSES[1])


class RemoteStore:
    """A SPARQL 1.1 server; safe to share between threads."""

    def __init__(
        self,
        url: str,
        *,
        product: str = "auto",
        update_url: str = "",
        graph_store_url: str = "",
        user: str = "",
        password: str = "",
    ) -> None:
        self.url, self._product = url, product
        self._update_url, self._graph_store_url = update_url, graph_store_url
        self._auth = (user, password) if user else None
        self.breaker = Breaker()
        self._addresses: Addresses | None = None
        self._digests = HTTPDigestAuth(user, password) if user else None

    def addresses(self, until: float) -> Addresses:
        """Return where the store takes what; asks it once which product it is. Raises RemoteError."""
        if self._addresses is None:
            product = self._product if self._product != "auto" else self._recognised(until)
            self._addresses = addresses_of(product, self.url, self._update_url, self._graph_store_url)
        return self._addresses

    def _recognised(self, until: float) -> str:
        said = self._exchange("GET", self.url, until=until).headers.get("Server", "").lower()
        return next((product for product in ("oxigraph", "virtuoso") if product in said), "generic")

    def query(
        self,
        text: str,
        default_graph: str,
        named_graphs: Sequence[str],
        media_type: str,
        into: BinaryIO,
        *,
        until: float,
        most_bytes: int | None = None,
        most_lines: int | None = None,
        give_up: Callable[[], bool] | None = None,
    ) -> Reply:
        """Write the answer to a query over this dataset into a file; raise RemoteError.

        The query goes form-encoded (SPARQL 1.1 Protocol, section 2.1.2), the one way that every product takes.
        `until` is a time of the monotonic clock. What exceeds the limits given is not read, and the reply says so.
        """
        form = [("query", text), ("default-graph-uri", default_graph)]
        form += [("named-graph-uri", graph) for graph in named_graphs]
        address = self.addresses(until).query
        reply = self._exchange(
            "POST",
            address,
            form=form,
            accept=media_type,
            until=until,
            into=into,
            most=(most_bytes, most_lines),
            give_up=give_up,
        )
        if 300 <= reply.status < 400:
            raise RemoteError("wrong", "The store sends queries elsewhere, which is not followed.")
        if reply.status in (400, 404, 405, 406, 413, 414, 422, 501):
            raise RemoteError("refused", f"The store refused the query with {reply.status}.")
        if reply.status in (429, 503):
            raise RemoteError("down", f"The store answered {reply.status}.")
        if reply.status in (408, 504):
            raise RemoteError("slow", f"The store answered {reply.status}.")
        if reply.status == 500 and b"SR353" in reply.start:
            raise RemoteError("refused", "Virtuoso sorts no more than 10 000 rows with a LIMIT.")
        if reply.status != 200:
            said = " ".join(reply.start.decode("utf-8", "replace").split())[:200]
            raise RemoteError("wrong", f"The store answered {reply.status}: {said}")
        return reply

    def works(self) -> bool:
        """Return whether the store answers the smallest query now: tells a slow query from a store that hangs."""
        until = time.monotonic() + _PROBE_SECONDS
        try:
            reply = self._exchange("POST", self.addresses(until).query, form=[("query", "ASK {}")], accept=JSON,
                                   until=until)  # fmt: skip
        except RemoteError:
            return False
        return reply.status == 200 and b"<html" not in reply.start.lower()

    def put(self, graph: str, lines: bytes, *, replace: bool, seconds: float) -> None:
        """Add N-Triples to a graph, or make them all it holds (Graph Store Protocol, 5.3 and 5.5); raise RemoteError.

        Where the store has no Graph Store Protocol it is done by update.
        """
        until = time.monotonic() + seconds
        where = self.addresses(until)
        if where.graphs:
            # A graph that nobody asks yet needs no transaction, which would cost Oxigraph twice the time.
            loose = "&no_transaction" if where.product == "oxigraph" and len(lines) > _LARGE else ""
            self._must(
                "PUT" if replace else "POST",
                self._graph_address(where, graph) + loose,
                body=lines,
                content_type=N_TRIPLES,
                until=until,
            )
        else:
            drop = f"DROP SILENT GRAPH <{graph}> ;\n" if replace else ""
            self.update(f"{drop}INSERT DATA {{ GRAPH <{graph}> {{\n{lines.decode()}}} }}", seconds=seconds)

    def drop(self, graph: str, *, seconds: float) -> None:
        """Remove a graph, whether or not the store has it; raise RemoteError."""
        until = time.monotonic() + seconds
        where = self.addresses(until)
        if where.graphs:
            self._must("DELETE", self._graph_address(where, graph), until=until, also=(404,))
        else:
            self.update(f"DROP SILENT GRAPH <{graph}>", seconds=seconds)

    def update(self, text: str, *, seconds: float) -> None:
        """Run an update (SPARQL 1.1 Protocol, section 2.2.1); raise RemoteError."""
        until = time.monotonic() + seconds
        address = self.addresses(until).update
        if not address:
            raise RemoteError(
                "wrong", "This store needs [store] graph_store_url or update_url before it can be published to."
            )
        self._must("POST", address, form=[("update", text)], until=until)

    @staticmethod
    def _graph_address(where: Addresses, graph: str) -> str:
        sign = "&" if "?" in where.graphs else "?"
        return f"{where.graphs}{sign}{urlencode({where.graph_parameter: graph})}"

    def _must(self, method: str, address: str, *, also: tuple[int, ...] = (), **options: Any) -> None:
        reply = self._exchange(method, address, signed=True, **options)
        if not (200 <= reply.status < 300 or reply.status in also):
            said = " ".join(reply.start.decode("utf-8", "replace").split())[:200]
            raise RemoteError("wrong", f"{method} {address.split('?')[0]} was answered {reply.status}: {said}")

    def _exchange(
        self, method: str, address: str, *, until: float, give_up: Callable[[], bool] | None = None, **options: Any
    ) -> Reply:
        """Do one exchange in a thread of its own, and leave it at the deadline; raise RemoteError."""
        connections, done, found = Connections(allow_private=True), threading.Event(), list[Reply | RemoteError]()

        def work() -> None:
            try:
                found.append(self._send(connections, method, address, until, **options))
            except RemoteError as error:
                found.append(error)
            except Exception as error:  # Whatever a library makes of a broken answer, it is one.
                found.append(RemoteError("wrong", f"The store's answer broke off: {type(error).__name__}."))
            finally:
                connections.end()
                done.set()

        threading.Thread(target=work, name="remote-store", daemon=True).start()
        while not done.wait(max(0.0, min(_LOOK_SECONDS, until - time.monotonic()))):
            ended = give_up is not None and give_up()
            if ended or time.monotonic() >= until:
                # Looking up a name cannot be interrupted: the thread is left to end by itself.
                connections.end()
                raise RemoteError("ended", "Ended.") if ended else RemoteError("slow", "The store did not answer.")
        if isinstance(found[0], RemoteError):
            if time.monotonic() >= until:
                raise RemoteError("slow", "The store did not answer in time.")
            raise found[0]
        return found[0]

    def _send(
        self,
        connections: Connections,
        method: str,
        address: str,
        until: float,
        *,
        form: Sequence[tuple[str, str]] | None = None,
        body: bytes | None = None,
        content_type: str = "application/x-www-form-urlencoded",
        accept: str = "*/*",
        signed: bool = False,
        into: BinaryIO | None = None,
        most: tuple[int | None, int | None] = (None, None),
    ) -> Reply:
        data = urlencode(form).encode() if form is not None else body
        headers = {"Accept": accept, "Accept-Encoding": "identity", "User-Agent": "torg"}
        if data is not None:
            headers["Content-Type"] = content_type
        left = max(0.01, until - time.monotonic())
        with session(connections) as opened:
            opened.verify = os.environ.get("SSL_CERT_FILE") or True
            try:
                response = opened.request(
                    method,
                    address,
                    data=data,
                    headers=headers,
                    auth=self._credentials(signed),
                    stream=True,
                    allow_redirects=False,
                    timeout=(min(_CONNECT_SECONDS, left), left),
                )
            except requests.ReadTimeout:
                raise RemoteError("slow", "The store did not answer.") from None
            except requests.ConnectionError as error:
                sent = "RemoteDisconnected" in str(error) or "Connection aborted" in str(error)
                what = "closed the connection without an answer" if sent else "cannot be reached"
                raise RemoteError("down", f"The store {what}.") from None
            with closing(response):
                return _received(response, until, accept, into, *most)

    def _credentials(self, signed: bool) -> AuthBase | None:
        if self._auth is None:
            return None
        virtuoso = self._addresses is not None and self._addresses.product == "virtuoso"
        if virtuoso:  # Its public query address needs none and has no challenge.
            return self._digests if signed else None
        return HTTPBasicAuth(*self._auth)


def _received(
    response: requests.Response,
    until: float,
    accept: str,
    into: BinaryIO | None,
    most_bytes: int | None,
    most_lines: int | None,
) -> Reply:
    """Read a body block by block: into the file when it is a right answer, else only its beginning."""
    status, headers = response.status_code, response.headers
    if into is None or status != 200:
        try:
            start = next(response.raw.stream(_BLOCK, decode_content=False), b"")
        except (HTTPError, OSError):
            start = b""
        return Reply(status, headers, start=start)
    media_type = headers.get("Content-Type", "").split(";")[0].strip().lower()
    if media_type not in _TAKEN[accept]:
        raise RemoteError("wrong", f"The store answered with {media_type[:60] or 'no media type'}, not {accept}.")
    if headers.get("Content-Encoding", "identity").lower() != "identity":
        raise RemoteError("wrong", "The store answered with a compressed body, which was not asked for.")
    if "Content-Length" not in headers and not getattr(response.raw, "chunked", False):
        raise RemoteError("wrong", "The store's answer does not tell where it ends.")
    size = lines = 0
    for piece in response.raw.stream(_BLOCK, decode_content=False):
        if time.monotonic() >= until:
            raise RemoteError("slow", "The store did not answer in time.")
        size += len(piece)
        lines += piece.count(b"\n") if most_lines is not None else 0
        if most_bytes is not None and size > most_bytes:
            return Reply(status, headers, cut=True)
        into.write(piece)
        if most_lines is not None and lines > most_lines:
            return Reply(status, headers, cut=True)
    return Reply(status, headers)
