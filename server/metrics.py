"""Figures for the operator in the Prometheus format: requests, readers, queries, budgets, cache, data, publications."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from server.access_log import AccessLog
from server.byte_cache import ByteCache
from server.data_state import DataState
from server.failed_runs import read_failed
from server.publish_every import read_last_run
from server.query_service import QueryService
from server.reader_slots import DURATIONS

_BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """The figures of one web process; each has a registry of its own, so applications do not mix."""

    def __init__(self, queries: QueryService, data: DataState) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "torg_requests",
            "Requests by group of addresses, status and what the byte cache did.",
            ["route", "status", "cache"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            "torg_request_seconds", "Time to an answer.", buckets=_BUCKETS, registry=self._registry
        )
        self._counters: dict[tuple[str, str, str], Counter] = {}
        self.cache: ByteCache | None = None
        self.log: AccessLog | None = None
        self._queries, self._data = queries, data
        self._registry.register(_State(self))

    def observe(self, route: str, status: str, cache: str, seconds: float) -> None:
        """Count one answered request."""
        labels = (route, status[:3], cache)
        counter = self._counters.get(labels)
        if counter is None:  # finding it by its labels takes a lock and longer than all else here
            counter = self._counters[labels] = self._requests.labels(*labels)
        counter.inc()
        self._seconds.observe(seconds)

    def page(self) -> bytes:
        """Return every figure in the text format."""
        return generate_latest(self._registry)

    def state(self) -> Iterator[Metric]:
        """Yield what is counted elsewhere, as it is now."""
        yield from self._publication()
        budgets = self._queries.budgets.counts
        refused = CounterMetricFamily(
            "torg_budget_refused", "Requests refused for a client's budget.", labels=["budget"]
        )
        for label, value in (("time", budgets.time), ("parallel", budgets.parallel), ("guesses", budgets.guesses)):
            refused.add_metric([label], value)
        yield refused
        yield from self._pool()
        yield from self._remote()
        if self.cache is not None:
            counts = self.cache.counts
            answers = CounterMetricFamily(
                "torg_cache_requests", "Requests by what the byte cache did.", labels=["done"]
            )
            for label, value in (("hit", counts.hits), ("miss", counts.misses), ("passed", counts.passed)):
                answers.add_metric([label], value)
            yield answers
            yield _gauge("torg_cache_bytes", "Bytes in the byte cache.", self.cache.bytes)
        if self.log is not None:
            dropped = CounterMetricFamily("torg_log_dropped", "Lines of the access log that found no room.")
            dropped.add_metric([], self.log.dropped)
            yield dropped

    def _publication(self) -> Iterator[Metric]:
        """Yield what is served, how old it is, and how the last publication ended."""
        state = self._data.read()
        yield _gauge("torg_generation", "Number of the current generation.", float(state.generation))
        if state.generation:
            yield _gauge("torg_generation_age_seconds", "Age of the current generation.", state.age)
            yield _gauge("torg_triples", "Triples of the default graph.", state.triples)
            kept = GaugeMetricFamily("torg_datasets", "Datasets by status.", labels=["status"])
            for status, count in sorted(state.datasets.items()):
                kept.add_metric([status], count)
            yield kept
        if state.run_time:
            found = GaugeMetricFamily("torg_findings", "Findings of the last publication run.", labels=["severity"])
            for severity in ("block", "warn", "info"):
                found.add_metric([severity], state.findings.get(severity, 0))
            yield found
            yield _gauge("torg_publication_timestamp_seconds", "When the last publication run was.", state.run_time)
            yield _gauge("torg_publication_blocked", "Datasets that the last run did not publish.", state.blocked)

        failed = read_failed(self._data.path)
        failures = failed.failures if failed else 0
        yield _gauge("torg_publication_failures", "Runs in a row that ended without a report; 0 is well.", failures)
        if failed:
            yield _gauge("torg_publication_failed_timestamp_seconds", "When the last of them was.", failed.timestamp)
        last = read_last_run(self._data.path)
        if last is not None:
            yield _gauge("torg_publish_every_seconds", "How long the last run by --publish-every took.", last.seconds)
            yield _gauge("torg_publish_every_failures", "Runs in a row that failed; 0 is well.", last.failures)

    def _pool(self) -> Iterator[Metric]:
        pool = self._queries.started
        if pool is None:
            return
        load, counts = pool.load(), pool.counts
        for label, value in load.items():
            yield _gauge(f"torg_queries_{label}" if label != "readers" else "torg_readers", _LOAD[label], value)
        yield _gauge("torg_readers_confined", "1 when readers have no network on this machine.", not pool.notices)
        queries = CounterMetricFamily("torg_queries", "Queries by outcome.", labels=["outcome"])
        for name in ("answered", "shared", "busy", "remembered", "tried", "ended"):
            queries.add_metric([name], getattr(counts, name))
        yield queries
        bounds = [*(str(bound) for bound in DURATIONS), "+Inf"]
        seconds = HistogramMetricFamily("torg_query_seconds", "Time that readers took for a query.")
        seconds.add_metric(
            [], list(zip(bounds, map(float, accumulate(counts.durations)), strict=True)), sum_value=counts.seconds
        )
        yield seconds
        deaths = CounterMetricFamily("torg_reader_deaths", "Readers ended, by reason.", labels=["reason"])
        for reason, value in counts.deaths.items():
            deaths.add_metric([reason], value)
        yield deaths

    def _remote(self) -> Iterator[Metric]:
        """Yield what came of the queries that a remote store could be asked; nothing without one."""
        remote = self._queries.remote
        if remote is None:
            return
        asked = CounterMetricFamily(
            "torg_remote_queries", "Queries by where they were answered, or why not.", labels=["outcome"]
        )
        for name, value in remote.counts.items():
            asked.add_metric([name], value)
        yield asked
        avoided = remote.store.breaker.open
        yield _gauge("torg_remote_store_avoided", "1 while it is not asked, having failed several times.", avoided)


_LOAD = {
    "running": "Queries being evaluated.",
    "waiting": "Queries waiting for a reader.",
    "readers": "Living reader processes.",
}


class _State(Collector):
    """Asks for the state at each scrape."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        yield from self._metrics.state()

    def describe(self) -> list[Metric]:
        return []


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=value)
