"""Clients and their accounts, with a clock of our own."""

from __future__ import annotations

import pytest

from server.budgets import Budgets, client_of, networks
from server.errors import Problem


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def budgets(clock: Clock) -> Budgets:
    return Budgets(seconds_per_minute=60, burst_seconds=120, parallel=3, clock=clock)


def refused(budgets: Budgets, client: str, light: bool = False) -> int:
    """Return the seconds to wait."""
    with pytest.raises(Problem) as caught:
        budgets.enter(client, light)
    assert caught.value.status == 429
    return int(caught.value.headers["Retry-After"])


PROXIES = networks("10.0.0.0/8, 2001:db8:1::/48")


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("198.51.100.7", [], "198.51.100.7"),
        ("198.51.100.7", ["203.0.113.9"], "198.51.100.7"),  # not from a proxy of ours: what the client says of itself
        ("10.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["1.2.3.4, 203.0.113.9"], "203.0.113.9"),  # the first entry is the client's own invention
        ("10.0.0.1", ["1.2.3.4", "203.0.113.9, 10.9.9.9"], "203.0.113.9"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["nonsense"], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.9:4711"], "203.0.113.9"),
        ("10.0.0.1", ['"[2001:db8:2::17]:4711"'], "2001:db8:2::/64"),
        ("2001:db8:5:6:1:2:3:4", [], "2001:db8:5:6::/64"),
        ("::ffff:198.51.100.7", [], "198.51.100.7"),
        ("fe80::1%eth0", [], "fe80::/64"),
        ("", [], "unknown"),
    ],
)
def test_the_client_behind_a_connection(peer: str, forwarded: list[str], client: str) -> None:
    assert client_of(peer, forwarded, PROXIES) == client


def test_a_list_of_networks_that_is_none_is_named() -> None:
    with pytest.raises(ValueError, match="10\\.0\\.0\\.300"):
        networks("10.0.0.1, 10.0.0.300")


def test_time_is_paid_for_and_comes_back(budgets: Budgets, clock: Clock) -> None:
    for _ in range(6):
        budgets.enter("a")
        budgets.leave("a", 20)
    wait = refused(budgets, "a")
    budgets.enter("b")  # others are not touched
    clock.now += wait
    budgets.enter("a")
    assert budgets.counts.time == 1


def test_many_short_queries_count_too(budgets: Budgets) -> None:
    allowed = 0
    while True:
        try:
            budgets.enter("a")
        except Problem:
            break
        budgets.leave("a", 0.5)
        allowed += 1
    assert allowed == 240


def test_light_queries_go_on_for_a_while_on_credit(budgets: Budgets) -> None:
    budgets.enter("a")
    budgets.leave("a", 130)
    assert refused(budgets, "a")
    for _ in range(100):
        budgets.enter("a", light=True)
        budgets.leave("a", 0.1, light=True)
    budgets.enter("a", light=True)
    budgets.leave("a", 60, light=True)
    assert refused(budgets, "a", light=True)


def test_so_many_at_once(budgets: Budgets) -> None:
    for _ in range(3):
        budgets.enter("a")
    assert refused(budgets, "a")
    budgets.enter("a", light=True)
    budgets.leave("a", 1)
    budgets.enter("a")


def test_a_query_costs_something_however_short(budgets: Budgets) -> None:
    for _ in range(12_000):
        budgets.enter("a")
        budgets.leave("a", 0)
    assert refused(budgets, "a")


def test_guessing_tokens_is_slowed_down(budgets: Budgets, clock: Clock) -> None:
    for _ in range(10):
        budgets.guess("a")
    with pytest.raises(Problem) as caught:
        budgets.guess("a")
    assert caught.value.status == 429
    clock.now += 7
    budgets.guess("a")


def test_a_clock_that_goes_back_takes_nothing_away(budgets: Budgets, clock: Clock) -> None:
    budgets.enter("a")
    clock.now -= 500
    budgets.leave("a", 1)
    budgets.enter("a")


def test_clients_without_number_do_not_fill_the_memory(budgets: Budgets) -> None:
    budgets.enter("first")
    for n in range(20_050):
        budgets.enter(str(n), light=True)
    assert len(budgets._clients) <= 20_001
    assert budgets._clients["first"].running == 1
