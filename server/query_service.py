"""Visitors' queries as a service of one site: readers that follow the current generation, clients and their limits."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from server.budgets import Budgets, client_of, networks
from server.errors import Problem, SettingsError
from server.generations import Generation
from server.readers import Limits, ReaderPool, Result
from server.remote_store import remote_store
from server.remote_store_queries import RemoteQueries
from server.sparql_errors import BUSY
from server.sparql_protocol import ProtocolRequest
from server.sparql_scan import Scan, ScanLimits, scan
from server.tokens import TokenFile

# A token lifts the limits to these: a million rows come out whole, and nothing runs for ever.
TOKEN_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Client:
    """Who asks: a token or an address, and what that may use."""

    name: str
    limits: Limits
    token: bool = False


def limits_of(settings: Any) -> Limits:
    """Return the limits of an anonymous client from the settings."""
    return Limits(
        seconds=float(settings.query_seconds),
        memory_mb=int(settings.query_memory_mb),
        rows=int(settings.query_rows),
        bytes=int(settings.query_bytes),
    )


class ClientPool:
    """Evaluates queries for one client, who pays for the time they take; `query` is that of ReaderPool."""

    def __init__(self, pool: ReaderPool, budgets: Budgets, client: Client, generation: Generation) -> None:
        self._pool, self._budgets, self._client = pool, budgets, client
        self._store = generation.store_path

    def query(self, text: str, *, accept_format: str, scanned: Scan | None = None, **options: Any) -> Result:
        """Return the whole answer; raises Problem, 429 when the client has used up its time."""
        scanned = scanned or scan(text, self._pool.scan_limits, self._pool.prefixes)
        options.setdefault("limits", self._client.limits)
        options.setdefault("store", self._store)
        with self._paid(scanned.light):
            return self._pool.query(text, accept_format=accept_format, scanned=scanned, **options)

    def check(self, text: str) -> Scan:
        """Return the scan of a query that the parser accepts; raises Problem like `query`."""
        with self._paid(light=True):
            return self._pool.check(text)

    @contextmanager
    def paying(self) -> Iterator[None]:
        """Charge the client for work that is done here and in no reader; raises Problem 429 like `query`."""
        with self._paid(light=False):
            yield

    @contextmanager
    def _paid(self, light: bool) -> Iterator[None]:
        if self._client.token:
            yield
            return
        self._budgets.enter(self._client.name, light)
        started, free = time.monotonic(), False
        try:
            yield
        except Problem as problem:
            free = problem.title == BUSY  # Who found every reader busy has used nothing.
            raise
        finally:
            spent = 0.0 if free else time.monotonic() - started
            self._budgets.leave(self._client.name, spent, light=light)


class QueryService:
    """Evaluates protocol requests; its readers start with the first query and move with the generation."""

    def __init__(self, settings: Any, prefixes: Mapping[str, str], data: Path) -> None:
        """Read the settings; raises SettingsError when trusted_proxies is no list of addresses."""
        self.limits = limits_of(settings)
        self.token_limits = Limits(
            seconds=max(TOKEN_SECONDS, self.limits.seconds),
            memory_mb=2 * int(settings.query_memory_mb),
            rows=None,
            bytes=None,
        )
        self.scan_limits = ScanLimits(bytes=int(settings.query_length))
        self.prefixes = dict(prefixes)
        self.tokens = TokenFile(data / "tokens.json")
        self.budgets = Budgets(
            float(settings.client_seconds_per_minute),
            float(settings.client_burst_seconds),
            int(settings.client_parallel),
        )
        try:
            self._trusted = networks(str(settings.trusted_proxies))
        except ValueError as error:
            raise SettingsError(
                f"trusted_proxies takes addresses or networks, comma-separated: {error}.",
                f"trusted_proxies ska vara adresser eller nät, kommaskilda: {error}.",
            ) from None
        self._readers = int(settings.readers) or None
        store = remote_store(settings)
        self.remote = RemoteQueries(store) if store else None
        # Half the threads of the web process stay free for pages and descriptions (design 7).
        self._most_askers = max(1, int(settings.threads) // 2)
        self._starting = threading.Lock()
        self._pool: ReaderPool | None = None

    def address(self, peer: str, forwarded: Iterable[str]) -> str:
        """Return the address behind a connection, as far as trusted proxies tell it."""
        return client_of(peer, forwarded, self._trusted)

    def client(self, peer: str, forwarded: Iterable[str], authorization: str | None) -> Client:
        """Return who asks; raises Problem 401 for a token that is none, 429 after some of those (RFC 6750, 3)."""
        address = client_of(peer, forwarded, self._trusted)
        if authorization is None:
            return Client(address, self.limits)
        scheme, _, text = authorization.partition(" ")
        token = self.tokens.find(text.strip()) if scheme.lower() == "bearer" else None
        if token is None:
            self.budgets.guess(address)
            raise Problem(
                401,
                "This token is not known here, or has expired. Without a token the same data can be asked.",
                sv="Nyckeln (token) är okänd här eller har gått ut. Samma data kan frågas utan nyckel.",
                headers={"WWW-Authenticate": 'Bearer realm="torg", error="invalid_token"'},
            )
        return Client(f"token {token.id}", self.token_limits, token=True)

    def scan(self, query: str) -> Scan:
        """Return what the tokens of the query say; raises Problem."""
        return scan(query, self.scan_limits, self.prefixes)

    def pool(self, generation: Generation) -> ReaderPool:
        """Return the pool, started if need be, reading this generation from now on."""
        store = generation.store_path
        with self._starting:
            if self._pool is None:
                self._pool = ReaderPool(
                    store,
                    readers=self._readers,
                    limits=self.limits,
                    scan_limits=self.scan_limits,
                    prefixes=self.prefixes,
                    most_askers=self._most_askers,
                    ask=self.remote.ask if self.remote else None,
                )
            elif self._pool.store != str(store.absolute()):
                self._pool.switch(store)
            return self._pool

    @property
    def started(self) -> ReaderPool | None:
        """The pool if it has been started."""
        return self._pool

    def for_client(self, client: Client, generation: Generation, past: Generation | None = None) -> ClientPool:
        """Return the readers as one client may use them: within its limits, and paid for.

        `generation` is the current one; with `past`, that one is asked, and the readers stay on the current.
        """
        return ClientPool(self.pool(generation), self.budgets, client, past or generation)

    def answer(
        self,
        request: ProtocolRequest,
        scanned: Scan,
        media_type: str,
        generation: Generation,
        client: Client,
        limits: Limits | None = None,
        past: Generation | None = None,
    ) -> Result:
        """Return the whole answer over a generation; raises Problem. The client pays for the time it takes."""
        return self.for_client(client, generation, past).query(
            request.query,
            accept_format=media_type,
            default_graphs=request.default_graphs,
            named_graphs=request.named_graphs,
            scanned=scanned,
            limits=limits or client.limits,
        )

    def close(self) -> None:
        """End the readers."""
        with self._starting:
            if self._pool is not None:
                self._pool.close()
                self._pool = None
