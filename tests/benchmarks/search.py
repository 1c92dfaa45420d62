"""Measure search: how long an index of many names takes to make, and how long typical searches take in it.

    python -m tests.benchmarks.search --things 500000

Writes canonical N-Triples of so many things, each with a name, a code, a type and a concept, and every other one with a
name in English too, builds both indexes of them as publication does, changes one thing in a hundred, and prints the
median and the worst of 20 runs of each search in processor time, and the median by the clock. Two thirds of the names
are compounds, as Swedish names are.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from server.labels import build_labels
from server.search import Asked, Search
from server.search_index import IndexedGraph, build_search, update_search

BASE = "https://data.norrsjo.example/"
SKOS = "http://www.w3.org/2004/02/skos/core#"
NAME, TYPE = "https://schema.org/name", "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
HEADS = ("skola", "förskola", "bibliotek", "lekplats", "simhall", "parkering", "boende", "gymnasium", "röjning", "bro")
FIRST = ("snö", "grund", "äldre", "park", "vinter", "sommar", "kultur", "gruppe", "fritids", "vatten", "cykel", "barn")
PLACES = ("Norrsjö", "Åsen", "Ängshamn", "Öbacka", "Kvarnede", "Granby", "Tallmo", "Lövnäs", "Stenåsa", "Rönnhed")
SEARCHES = (
    "skola", "skolan i åsen", "snorojning", "bibliotek kvarnede", "norrsjö", "K0004711", "vinterpark", "sko",
    "grundskloa", "finns inte alls", "röjning", "barn förskola granby",
)  # fmt: skip


def things(number: int, changed: bool = False) -> Iterator[str]:
    """Yield the canonical lines of so many things; `changed` gives one in a hundred another name."""
    draw = random.Random(8)
    words = ["".join(draw.choice("bdfgklmnprstv") + draw.choice("aeiouåäö") for _ in range(3)) for _ in range(30_000)]
    for place in range(number):
        word = draw.choice(FIRST) + draw.choice(HEADS) if draw.random() < 0.66 else draw.choice(HEADS)
        name = f"{word.capitalize()} {draw.choice(words).capitalize()} {draw.choice(PLACES)}"
        name += " ny" if changed and place % 100 == 0 else ""
        iri = f"<{BASE}id/facility/9901/K{place:07d}>"
        yield f'{iri} <http://purl.org/dc/terms/identifier> "K{place:07d}" .\n'
        yield f"{iri} <{TYPE}> <{BASE}spec/torg#Facility> .\n"
        yield f"{iri} <{BASE}spec/torg#facilityType> <{BASE}def/facility/O{place % 40}> .\n"
        if place % 2:
            yield f'{iri} <{NAME}> "{name} facility"@en .\n'
        yield f'{iri} <{NAME}> "{name}"@sv .\n'


def timed(
    run: Callable[[], object], times: int = 1, now: Callable[[], float] = time.process_time
) -> tuple[float, float]:
    """Return (median, worst) seconds of running something so many times: of processor time, as machines are shared."""
    took = []
    for _ in range(times):
        started = now()
        run()
        took.append(now() - started)
    return statistics.median(took), max(took)


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--things", type=int, default=670_000, help="of which half have two names")
    number = parser.parse_args().things
    graph = f"{BASE}graph/norrsjo/anlaggningar"

    def made(changed: bool = False) -> IndexedGraph:
        before = things(number) if changed else ()
        return IndexedGraph(graph, "dataset", "norrsjo/anlaggningar", things(number, changed), before)

    with tempfile.TemporaryDirectory() as scratch:
        folder, lines = Path(scratch), sum(1 for _ in things(number))
        bare, _ = timed(lambda: sum(1 for _ in things(number)))
        labels, _ = timed(lambda: build_labels(folder / "labels.sqlite", [(graph, things(number))]))
        whole, _ = timed(lambda: build_search(folder / "search.sqlite", [made()], BASE, BASE))
        bytes = (folder / "search.sqlite").stat().st_size
        print(f"{number} things, {number + number // 2} names, {lines} triples; making the lines {bare:.1f} s")
        print(f"label index {labels - bare:.1f} s; search index {whole - bare:.1f} s, {bytes / 1e6:.0f} MB")
        old, new = folder / "search.sqlite", folder / "next.sqlite"
        update, _ = timed(lambda: update_search(old, new, [made(changed=True)], BASE, BASE))
        print(f"one name in a hundred changed: {update - 2 * bare:.1f} s")
        search = Search(folder)
        first, _ = timed(lambda: search.find(Asked("skola")))
        print(f"first search after a publication {first * 1000:.0f} ms")
        for words in SEARCHES:
            found = search.find(Asked(words))
            median, worst = timed(lambda words=words: search.find(Asked(words)), 20)  # type: ignore[misc]
            clock, _ = timed(lambda words=words: search.find(Asked(words)), 20, time.perf_counter)  # type: ignore[misc]
            typing, _ = timed(lambda words=words: search.suggest(words), 20)  # type: ignore[misc]
            print(
                f"{words!r}: {found.total}{'+' if found.more else ''} hits, {median * 1000:.1f} ms "
                f"(worst {worst * 1000:.1f}; by the clock {clock * 1000:.1f}), "
                f"suggestions {typing * 1000:.1f} ms {found.corrected}"
            )


if __name__ == "__main__":
    main()
