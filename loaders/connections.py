"""HTTP connections to others: their addresses are checked as they are made, and another thread can end them.

A server that drips bytes outlasts every timeout of a library; ending its sockets from outside does not ask it.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError
from urllib3.poolmanager import PoolManager

from loaders.addresses import is_public


class Refused(Exception):
    """A host has an address that may not be connected to."""


@dataclass
class Connections:
    """The connections of one exchange: nothing is opened that may not be, and nothing once they are ended."""

    allow_private: bool
    _open: list[socket.socket] = field(default_factory=list)
    _ended: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def connect(self, host: str, port: int, timeout: float | None) -> socket.socket:
        """Connect to one of the host's addresses, all of which must be allowed: none is asked for again later.

        Raises Refused for a host that may not be connected to, OSError for one that cannot.
        """
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        if not self.allow_private and not all(is_public(str(entry[4][0])) for entry in found):
            raise Refused
        error: OSError | None = None
        for family, kind, protocol, _, address in found:
            made = socket.socket(family, kind, protocol)
            made.settimeout(timeout)
            try:
                made.connect(address)
            except OSError as fault:
                made.close()
                error = fault
                continue
            return self._note(made)
        raise error or OSError("no address")

    def end(self) -> None:
        """End every connection, however slowly its other end talks, and let none be made after it."""
        with self._lock:
            self._ended = True
            for each in self._open:
                try:
                    each.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
                each.close()
            self._open.clear()

    def _note(self, made: socket.socket) -> socket.socket:
        """Keep a second number of a socket: TLS takes the first one over."""
        with self._lock:
            if self._ended:
                made.close()
                raise OSError("ended")
            self._open.append(made.dup())
        return made


@contextmanager
def session(connections: Connections) -> Iterator[requests.Session]:
    """Yield a session that connects by these connections alone.

    It reads nothing from the environment, which may name a proxy or hold credentials for it.
    """
    with requests.Session() as made:
        made.trust_env = False
        for scheme in ("http://", "https://"):
            made.mount(scheme, _Adapter(connections))
        yield made


class _Adapter(HTTPAdapter):
    """Makes requests connect by way of connections."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Give the pool manager connections that are checked and can be ended."""
        connections = self._connections

        def connect(to: HTTPConnection, port: int) -> socket.socket:
            timeout = float(to.timeout) if isinstance(to.timeout, int | float) else None
            try:
                return connections.connect(to._dns_host, port, timeout)
            except TimeoutError as error:
                raise ConnectTimeoutError(to, "no answer") from error
            except (OSError, UnicodeError) as error:
                raise NewConnectionError(to, str(error)) from error

        class Plain(HTTPConnection):
            def _new_conn(self) -> socket.socket:
                return connect(self, self.port)

        class Secure(HTTPSConnection):
            def _new_conn(self) -> socket.socket:
                return connect(self, self.port or 443)

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = Plain

        class SecurePool(HTTPSConnectionPool):
            ConnectionCls = Secure

        self.poolmanager = PoolManager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}
