"""What each client may use: query time by the minute, queries at once, and wrong tokens; never one for all.

A client is a token, an IPv4 address or an IPv6 /64 (what a household is given, RFC 6177). Time comes in at a steady
rate up to a burst, and every query is paid for, the short ones too: a service that counted only long ones was taken
down by many short ones. Light queries are let through on credit, so that a client who has used up its time can still
look something up.
"""

from __future__ import annotations

import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from server.errors import Problem

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_MOST_CLIENTS = 20_000
_GUESSES_A_MINUTE, _GUESS_BURST = 10.0, 10.0
_CREDIT_SECONDS = 30.0
_LEAST_SECONDS = 0.01  # what a query costs at least, whatever its time


def networks(text: str) -> tuple[Network, ...]:
    """Return the networks of a comma-separated list; raises ValueError that names the part which is none.

    >>> [str(network) for network in networks("10.0.0.0/8, ::1")]
    ['10.0.0.0/8', '::1/128']
    """
    return tuple(ipaddress.ip_network(part.strip(), strict=False) for part in text.split(",") if part.strip())


def client_of(peer: str, forwarded: Iterable[str], trusted: Iterable[Network]) -> str:
    """Return the client behind a connection: the last address of X-Forwarded-For that no trusted proxy has.

    The header is believed only as far as trusted proxies wrote it; from anyone else it is what a client says of itself.

    >>> client_of("10.0.0.1", ["198.51.100.7, 203.0.113.9"], networks("10.0.0.0/8"))
    '203.0.113.9'
    """
    trusted = tuple(trusted)
    hops = [hop.strip() for line in forwarded for hop in line.split(",")]
    address = _address(peer)
    while address is not None and hops and any(address in network for network in trusted):
        following = _address(hops.pop())
        if following is None:
            break
        address = following
    if address is None:
        return peer[:64] or "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


@dataclass(slots=True)
class _Bucket:
    """An amount that fills at a steady rate up to a most, and may be overdrawn by what is in use."""

    amount: float
    filled: float

    def level(self, now: float, rate: float, most: float) -> float:
        self.amount = min(most, self.amount + max(0.0, now - self.filled) * rate)
        self.filled = now
        return self.amount


@dataclass(slots=True)
class _Client:
    time: _Bucket
    guesses: _Bucket
    running: int = 0


@dataclass(slots=True)
class BudgetCounts:
    """What has been refused since the start."""

    time: int = 0
    parallel: int = 0
    guesses: int = 0


class Budgets:
    """The accounts of all clients; those not seen for longest are forgotten, which gives them a full account."""

    def __init__(
        self,
        seconds_per_minute: float,
        burst_seconds: float,
        parallel: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.counts = BudgetCounts()
        self._rate, self._burst, self._parallel = seconds_per_minute / 60, burst_seconds, parallel
        self._clock, self._lock = clock, threading.Lock()
        self._clients: OrderedDict[str, _Client] = OrderedDict()

    def enter(self, client: str, light: bool = False) -> None:
        """Let a client ask a query; raises Problem 429 with the time to wait. Every `enter` needs its `leave`."""
        with self._lock:
            account = self._account(client)
            now = self._clock()
            left = account.time.level(now, self._rate, self._burst)
            if left <= (-_CREDIT_SECONDS if light else 0):
                self.counts.time += 1
                raise _refused(
                    "Your query time is used up for now.",
                    "Din tid för frågor är slut för stunden.",
                    (1 - left) / self._rate,
                )
            if not light and account.running >= self._parallel:
                self.counts.parallel += 1
                raise _refused(
                    f"You have {self._parallel} queries running, the most at once.",
                    f"Du har {self._parallel} frågor i gång, fler går inte på en gång.",
                    2,
                )
            account.running += not light

    def leave(self, client: str, seconds: float, *, light: bool = False) -> None:
        """Charge a client for a query that `enter` let in."""
        with self._lock:
            account = self._account(client)
            now = self._clock()
            account.running = max(0, account.running - (not light))
            account.time.level(now, self._rate, self._burst)
            account.time.amount -= max(seconds, _LEAST_SECONDS)

    def guess(self, client: str) -> None:
        """Charge a client for a token that is none; raises Problem 429 after some."""
        with self._lock:
            account = self._account(client)
            left = account.guesses.level(self._clock(), _GUESSES_A_MINUTE / 60, _GUESS_BURST)
            if left < 1:
                self.counts.guesses += 1
                raise _refused(
                    "Too many tokens that are not valid.",
                    "För många ogiltiga nycklar.",
                    (1 - left) * 60 / _GUESSES_A_MINUTE,
                )
            account.guesses.amount -= 1

    def _account(self, client: str) -> _Client:
        account = self._clients.get(client)
        if account is None:
            now = self._clock()
            account = _Client(_Bucket(self._burst, now), _Bucket(_GUESS_BURST, now))
            self._clients[client] = account
            if len(self._clients) > _MOST_CLIENTS:
                oldest = next((name for name, other in self._clients.items() if not other.running), None)
                if oldest is not None:
                    del self._clients[oldest]
        self._clients.move_to_end(client)
        return account


def _refused(why: str, why_sv: str, seconds: float) -> Problem:
    wait = max(1, int(seconds) + 1)
    return Problem(
        429,
        f"{why} Ask again in {wait} s. A token lifts this limit; whole datasets are under /dumps.",
        sv=f"{why_sv} Fråga igen om {wait} s. Med en nyckel (token) gäller inte gränsen; allt finns under /dumps.",
        title="Too many queries",
        headers={"Retry-After": str(wait)},
    )
