"""Who goes first, and who has to come back later."""

from __future__ import annotations

from dataclasses import dataclass

from server.admission import Queues


@dataclass
class Query:
    name: str
    light: bool = False
    askers: int = 1
    ended: bool = False


def test_light_queries_pass_heavy_ones_that_wait() -> None:
    queues: Queues[Query] = Queues(readers=1, most_askers=8)
    for query in (Query("heavy"), Query("light", light=True)):
        queues.add(query)
    assert queues.put_back(Query("tried"))
    taken = [queues.take() for _ in range(4)]
    assert [query and query.name for query in taken] == ["light", "tried", "heavy", None]


def test_the_spare_tries_what_is_new() -> None:
    queues: Queues[Query] = Queues(readers=1, most_askers=8)
    queues.put_back(Query("tried"))
    queues.add(Query("new"))
    taken = [queues.take_for_spare() for _ in range(2)]
    assert [query and query.name for query in taken] == ["new", None]
    assert len(queues) == 1


def test_nobody_waits_for_a_query_without_askers() -> None:
    queues: Queues[Query] = Queues(readers=1, most_askers=8)
    queues.add(Query("left", askers=0))
    queues.add(Query("stays"))
    taken = queues.take()
    assert taken is not None and taken.name == "stays"


def test_room_is_twice_the_readers_and_more_for_light_queries() -> None:
    queues: Queues[Query] = Queues(readers=2, most_askers=8)
    for n in range(4):
        assert queues.has_room(light=False)
        queues.add(Query(str(n)))
    assert not queues.has_room(light=False)
    assert queues.has_room(light=True)
    assert [queues.put_back(Query("tried")) for _ in range(5)] == [True] * 4 + [False]


def test_a_quarter_of_the_places_is_kept_for_light_queries() -> None:
    queues: Queues[Query] = Queues(readers=2, most_askers=8)
    assert [queues.admit(light=False) for _ in range(7)] == [True] * 6 + [False]
    assert [queues.admit(light=True) for _ in range(3)] == [True, True, False]
    queues.leave()
    assert queues.admit(light=True)
