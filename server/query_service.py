"""Visitors' queries as a service of one site: readers that follow the current generation, and what a client may use."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from server.generations import Generation
from server.readers import Limits, ReaderPool, Result
from server.sparql_protocol import ProtocolRequest
from server.sparql_scan import Scan, ScanLimits, scan

# A token names a client and lifts its limits to these (reliability goals: 1 M rows whole, in flat memory).
TOKEN_SECONDS = 600.0


def limits_of(settings: Any) -> Limits:
    """Return the limits of an anonymous client from the settings."""
    return Limits(
        seconds=float(settings.query_seconds),
        memory_mb=int(settings.query_memory_mb),
        rows=int(settings.query_rows),
        bytes=int(settings.query_bytes),
    )


class QueryService:
    """Evaluates protocol requests; its readers start with the first query and move with the generation."""

    def __init__(self, settings: Any, prefixes: Mapping[str, str]) -> None:
        self.limits = limits_of(settings)
        self.token_limits = Limits(
            seconds=TOKEN_SECONDS, memory_mb=2 * int(settings.query_memory_mb), rows=None, bytes=None
        )
        self.scan_limits = ScanLimits(bytes=int(settings.query_length))
        self.prefixes = dict(prefixes)
        self._readers = int(settings.readers) or None
        # Half the threads of the web process stay free for pages and descriptions (design 7).
        self._most_askers = max(1, int(settings.threads) // 2)
        self._starting = threading.Lock()
        self._pool: ReaderPool | None = None

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
                )
            elif self._pool.store != str(store.absolute()):
                self._pool.switch(store)
            return self._pool

    @property
    def started(self) -> ReaderPool | None:
        """The pool if it has been started."""
        return self._pool

    def answer(
        self,
        request: ProtocolRequest,
        scanned: Scan,
        media_type: str,
        generation: Generation,
        *,
        limits: Limits | None = None,
        past: bool = False,
    ) -> Result:
        """Return the whole answer over a generation; raises Problem. `past` leaves the readers on the current one."""
        pool = self._pool if past and self._pool is not None else self.pool(generation)
        return pool.query(
            request.query,
            accept_format=media_type,
            default_graphs=request.default_graphs,
            named_graphs=request.named_graphs,
            limits=limits or self.limits,
            store=generation.store_path,
            scanned=scanned,
        )

    def close(self) -> None:
        """End the readers."""
        with self._starting:
            if self._pool is not None:
                self._pool.close()
                self._pool = None
