"""Points a catalogue would get: the European Metadata Quality Assessment (MQA), and five-star open data.

The national portal counts as the European one does, but for two things it says itself (DCAT-AP-SE,
quality): media types count as formats, and DCAT-AP compliance gives no points there.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import ontology
from server.catalog_reader import DatasetRecord, DistributionRecord
from server.catalog_values import code_list

DIMENSIONS = ("findability", "accessibility", "interoperability", "reusability", "contextuality")
_RATINGS = ((351, "excellent"), (221, "good"), (121, "sufficient"), (0, "bad"))
_RDF = frozenset(
    {"text/turtle", "application/n-triples", "application/rdf+xml", "application/ld+json", "application/trig",
     "application/n-quads", "application/sparql-query", "application/sparql-results+json"}
)  # fmt: skip
_OPEN_FORMATS = _RDF | {
    "text/csv", "application/json", "application/geo+json", "application/xml", "application/gml+xml", "text/html",
    "text/plain", "application/vnd.oasis.opendocument.spreadsheet", "application/geopackage+sqlite3", "application/pdf",
    "application/zip", "text/csv+zip", "application/json+zip", "application/xml+zip",
}  # fmt: skip
_MACHINE_READABLE = _RDF | {
    "text/csv", "application/json", "application/geo+json", "application/xml", "application/gml+xml",
    "application/vnd.ms-excel", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.oasis.opendocument.spreadsheet", "application/geopackage+sqlite3", "text/csv+zip",
    "application/json+zip", "application/xml+zip",
}  # fmt: skip

Text = Mapping[str, str]
Reachable = Callable[[str], bool | None]
"""Tells whether an address answers; None when nobody has tried."""
Valid = Callable[[DatasetRecord], bool]


@dataclass(frozen=True, slots=True)
class Indicator:
    """One indicator of the assessment, with the points a whole catalogue can get for it."""

    name: str
    dimension: str
    of: str  # what the share is counted over: dataset, distribution or either
    points: int
    text: Text
    advice: Text


@dataclass(frozen=True, slots=True)
class Result:
    """What a catalogue got for one indicator; `share` is None when nothing could be counted."""

    indicator: Indicator
    share: float | None

    @property
    def points(self) -> float:
        """The points it got."""
        return self.indicator.points * (self.share or 0.0)

    @property
    def lost(self) -> float:
        """The points there are still to get."""
        return self.indicator.points - self.points if self.share is not None else 0.0


@dataclass(frozen=True)
class Score:
    """The points of a catalogue or of one dataset."""

    results: tuple[Result, ...]

    @property
    def points(self) -> int:
        """All points together, of `most`."""
        return round(sum(result.points for result in self.results))

    @property
    def most(self) -> int:
        """The most that could be had: 405 for a catalogue with datasets and distributions."""
        return sum(result.indicator.points for result in self.results if result.share is not None)

    @property
    def rating(self) -> str:
        """excellent, good, sufficient or bad, by the method's limits; a part is rated as if it were the whole."""
        scaled = 405 * self.points / self.most if self.most else 0
        return next(name for limit, name in _RATINGS if round(scaled) >= limit)

    def dimension(self, name: str) -> tuple[int, int]:
        """Return (points, most) of a dimension."""
        results = [result for result in self.results if result.indicator.dimension == name]
        return (
            round(sum(result.points for result in results)),
            sum(result.indicator.points for result in results if result.share is not None),
        )

    def next_steps(self) -> list[Result]:
        """Return what is left to do, what gives most points first."""
        left = [result for result in self.results if round(result.lost, 6) > 0]
        return sorted(left, key=lambda result: (-result.lost, result.indicator.name))


@cache
def indicators() -> tuple[Indicator, ...]:
    """Return every indicator, by dimension."""
    table = tomllib.loads((ontology.root() / "mqa.toml").read_text("utf-8"))
    return tuple(Indicator(name, **entry) for name, entry in table.items())


def is_complete(dataset: DatasetRecord) -> bool:
    """Tell whether a dataset and its distributions have every property that DCAT-AP-SE makes mandatory."""
    parts = dataset.distributions
    return bool(dataset.title and dataset.description and dataset.publisher) and all(
        part.access_url and part.format for part in parts
    )


def score(datasets: Sequence[DatasetRecord], reachable: Reachable, valid: Valid = is_complete) -> Score:
    """Return the points of published datasets; `valid` tells whether a description follows DCAT-AP."""
    published = [dataset for dataset in datasets if dataset.distributions]
    pairs = [(dataset, item) for dataset in published for item in dataset.distributions]
    results = []
    for indicator in indicators():
        held: Iterable[bool | None]
        if indicator.of == "distribution":
            held = [_of_distribution(indicator.name, item, reachable) for _, item in pairs]
        else:
            held = [_of_dataset(indicator.name, dataset, valid) for dataset in published]
        known = [answer for answer in held if answer is not None]
        results.append(Result(indicator, sum(known) / len(known) if known else None))
    return Score(tuple(results))


def _of_dataset(name: str, dataset: DatasetRecord, valid: Valid) -> bool:
    contact = dataset.contact
    checks: dict[str, Callable[[], Any]] = {
        "keywords": lambda: any(dataset.keywords.values()),
        "theme": lambda: dataset.themes,
        "spatial": lambda: dataset.spatial,
        "temporal": lambda: any(dataset.temporal),
        "dcat-ap": lambda: valid(dataset),
        "access-rights": lambda: dataset.access_rights,
        "access-rights-vocabulary": lambda: _in_list("accessRights", dataset.access_rights),
        "contact": lambda: contact and (contact.email or contact.url),
        "publisher": lambda: dataset.publisher,
        "issued": lambda: dataset.issued or all(item.issued for item in dataset.distributions),
        "modified": lambda: dataset.modified or all(item.modified for item in dataset.distributions),
    }
    return bool(checks[name]())


def _of_distribution(name: str, item: DistributionRecord, reachable: Reachable) -> bool | None:
    media_type = item.media_type or item.format
    checks: dict[str, Callable[[], Any]] = {
        "access-url-reachable": lambda: reachable(item.access_url) if item.access_url else False,
        "download-url": lambda: item.download_url,
        "download-url-reachable": lambda: reachable(item.download_url) if item.download_url else None,
        "format": lambda: item.format,
        "media-type": lambda: "/" in media_type,
        "format-vocabulary": lambda: media_type in _OPEN_FORMATS | _MACHINE_READABLE,
        "non-proprietary": lambda: media_type in _OPEN_FORMATS,
        "machine-readable": lambda: media_type in _MACHINE_READABLE,
        "license": lambda: item.license,
        "license-vocabulary": lambda: _in_list("license", item.license),
        "rights": lambda: item.rights,
        "byte-size": lambda: item.byte_size is not None,
    }
    answer = checks[name]()
    return None if answer is None else bool(answer)


def _in_list(name: str, iri: str) -> bool:
    return bool(iri) and code_list(name).iri(iri) == iri


def stars(item: DistributionRecord, links_out: bool) -> int:
    """Return how many of the five stars of open data a distribution has; each needs the ones before it.

    Open licence and format; machine-readable; open format; RDF; links to other data.
    """
    media_type = item.media_type or item.format
    steps = (
        bool(item.format) and item.license in code_list("license").open,
        media_type in _MACHINE_READABLE,
        media_type in _OPEN_FORMATS,
        media_type in _RDF,
        links_out,
    )
    return next((number for number, reached in enumerate(steps) if not reached), len(steps))


def links_out(lines: Iterable[str], own: str) -> bool:
    """Tell whether N-Triples lines link to anything beyond what they describe: the fifth star.

    `own` is the prefix of the things of the site itself (`…/id/`). Types are vocabulary, not links.
    """
    for line in lines:
        _, property, target = line.split(" ", 2)
        if target.startswith("<http") and not target.startswith(f"<{own}") and not property.endswith("#type>"):
            return True
    return False
