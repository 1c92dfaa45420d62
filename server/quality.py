"""The quality of each dataset as it is published: figures (DQV) with their history, and what breaks shapes (SHACL).

Everything is in the system graph `graph/site/quality`. A figure is stated anew only when it changes, so the graph holds
the history of all generations and grows by what happens, not by how often torg runs.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from typing import Any

import ontology
from loaders.description import Dataset
from loaders.findings import Finding
from server.columns import short_name
from server.decision import decision_texts
from server.site import Site

GRAPH = "site/quality"
DQV, SH, PROV = (ontology.PREFIXES[name] for name in ("dqv", "sh", "prov"))
_RDF, _RDFS, _XSD, _SKOS, _DCT, _CSVW = (
    ontology.PREFIXES[name] for name in ("rdf", "rdfs", "xsd", "skos", "dcterms", "csvw")
)
_OA = "http://www.w3.org/ns/oa#"
_RULES: Mapping[str, tuple[str, ...]] = {
    "shapeBreaches": ("shapes.",),
    "valueFaults": ("values.",),
    "repeatedKeys": ("identifiers.repeated",),
    "withheld": ("personal.number-in-text", "personal.number-in-key", "personal.name-without-number"),
}
_PLACES = Decimal("0.0001")

Figures = dict[str, Decimal]


@dataclass(frozen=True)
class Metric:
    """One metric of `ontology/quality.toml`."""

    name: str
    dimension: str
    datatype: str
    good: str
    title: Mapping[str, str]
    description: Mapping[str, str]


@cache
def metrics() -> Mapping[str, Metric]:
    """Return every metric by its name, in the order they are shown."""
    found = tomllib.loads((ontology.root() / "quality.toml").read_text("utf-8"))
    return {
        name: Metric(
            name, said["dimension"], said["datatype"], said.get("good", ""), said["title"], said["description"]
        )
        for name, said in found.items()
    }


def figures(deliveries: Mapping[str, Mapping[str, Any]]) -> Figures:
    """Return the figures of a dataset from what its deliveries came to (as in the manifest)."""
    read = sum(delivery.get("rows_in", 0) for delivery in deliveries.values())
    published = sum(delivery.get("rows_out", 0) for delivery in deliveries.values())
    found: Figures = {"rowsRead": Decimal(read), "rowsPublished": Decimal(published)}
    if read:
        found["completeness"] = _share(published, read)
    coverage = [each for delivery in deliveries.values() for each in delivery.get("coverage", ())]
    asked = sum(each["rows"] for each in coverage)
    if asked:
        found["codesMatched"] = _share(asked - sum(each["missed_rows"] for each in coverage), asked)
    for name, families in _RULES.items():
        rules = (delivery.get("rules", {}) for delivery in deliveries.values())
        found[name] = Decimal(
            sum(n for rule in rules for id, n in rule.items() if any(_is_of(id, family) for family in families))
        )
    return found


def _is_of(rule: str, family: str) -> bool:
    return rule.startswith(family) if family.endswith(".") else rule == family


def _share(part: int, whole: int) -> Decimal:
    return (Decimal(part) / Decimal(whole)).quantize(_PLACES).normalize()


def badges(found: Mapping[str, Decimal]) -> list[str]:
    """Return what a dataset deserves: `whole` (every row published), `coded`, `shaped`, `accurate`."""
    given = {
        "whole": found.get("completeness") == 1,
        "coded": "codesMatched" in found and found["codesMatched"] >= Decimal("0.95"),
        "shaped": found.get("shapeBreaches") == 0,
        "accurate": found.get("valueFaults") == 0,
    }
    return [name for name, deserved in given.items() if deserved]


def decided(dataset: Dataset) -> list[tuple[str, str, str]]:
    """Return what a steward has decided: (kind, what, reason); kinds are waiver, column and decision."""
    said = [("waiver", rule, reason) for rule, reason in dataset.waivers.items()]
    said += [("column", header, change.reason) for header, change in dataset.columns.items() if change.drop]
    return said + [("decision", name, text) for name, text in decision_texts(dataset)]


@dataclass
class Inspected:
    """A dataset of the next generation: its description, its deliveries, and what this run found, if it read it."""

    key: str
    dataset: Dataset
    deliveries: Mapping[str, Mapping[str, Any]]
    findings: list[Finding] = field(default_factory=list)
    read: bool = False


class QualityGraph:
    """Writes the lines of the quality graph of one generation."""

    def __init__(self, site: Site, number: int, time: str, previous: Iterable[str]) -> None:
        self._site, self._number, self._time = site, number, time
        self._page = f"{site.base}quality#"
        self._previous = list(previous)

    def lines(self, inspected: Iterable[Inspected]) -> Iterator[str]:
        """Yield the lines: definitions, figures that changed, those of the past, reports, and published decisions."""
        inspected = list(inspected)
        yield from self._definitions()
        last = {(point.dataset, point.metric): point for point in points(self._previous, self._page)}
        known = {each.key for each in inspected}
        for line in self._previous:
            name = line[1 : line.index("> ")].removeprefix(self._page)
            if name.startswith("figure-"):
                yield line
            elif name.startswith(("report-", "result-")) and self._key_of(name) in known:
                if not any(each.read for each in inspected if each.key == self._key_of(name)):
                    yield line
        for each in inspected:
            for metric, value in figures(each.deliveries).items():
                before = last.get((each.key, metric))
                if before is None or before.value != value:
                    yield from self._figure(each.key, metric, value)
            if each.read:
                yield from self._report(each)
            yield from self._decisions(each)

    def _definitions(self) -> Iterator[str]:
        for name, metric in metrics().items():
            iri = f"{self._page}metric-{name}"
            yield _link(iri, f"{_RDF}type", f"{DQV}Metric")
            yield _link(iri, f"{DQV}expectedDataType", f"{_XSD}{metric.datatype}")
            yield _link(iri, f"{DQV}inDimension", f"{self._page}dimension-{metric.dimension}")
            yield _link(f"{self._page}dimension-{metric.dimension}", f"{_RDF}type", f"{DQV}Dimension")
            for language in ("sv", "en"):
                yield _text(iri, f"{_SKOS}prefLabel", metric.title[language], f"@{language}")
                yield _text(iri, f"{_SKOS}definition", metric.description[language], f"@{language}")

    def _figure(self, key: str, metric: str, value: Decimal) -> Iterator[str]:
        iri = f"{self._page}figure-{self._slug(key)}-{metric}-{self._number:06d}"
        yield _link(iri, f"{_RDF}type", f"{DQV}QualityMeasurement")
        yield _link(iri, f"{DQV}isMeasurementOf", f"{self._page}metric-{metric}")
        yield _link(iri, f"{DQV}computedOn", self._dataset(key))
        yield _text(iri, f"{DQV}value", f"{value:f}", f"^^<{_XSD}{metrics()[metric].datatype}>")
        yield _text(iri, f"{PROV}generatedAtTime", self._time, f"^^<{_XSD}dateTime>")
        yield _link(iri, f"{PROV}wasGeneratedBy", f"{self._site.base}id/run/{self._number:06d}")

    def _report(self, each: Inspected) -> Iterator[str]:
        """Yield the sh:ValidationReport of what broke shapes; values are left out, for they may be anybody's."""
        shapes = [finding for finding in each.findings if finding.rule in _SEVERITIES]
        iri = f"{self._page}report-{self._slug(each.key)}"
        yield _link(iri, f"{_RDF}type", f"{SH}ValidationReport")
        yield _link(iri, f"{_DCT}subject", self._dataset(each.key))
        yield _text(iri, f"{SH}conforms", "false" if shapes else "true", f"^^<{_XSD}boolean>")
        for number, finding in enumerate(shapes, start=1):
            result = f"{self._page}result-{self._slug(each.key)}-{number}"
            detail = dict(finding.detail)
            yield _link(iri, f"{SH}result", result)
            yield _link(result, f"{_RDF}type", f"{SH}ValidationResult")
            yield _link(result, f"{SH}resultSeverity", f"{SH}{_SEVERITIES[finding.rule]}")
            for property, name in _RESULT_LINKS:
                if detail.get(name) and ":" in detail[name]:
                    yield _link(result, f"{SH}{property}", detail[name])
            for language in ("sv", "en"):
                yield _text(result, f"{SH}resultMessage", detail.get(f"message_{language}", ""), f"@{language}")
            if finding.row is not None:
                yield _text(result, f"{_CSVW}rownum", str(finding.row), f"^^<{_XSD}integer>")
            if finding.column:
                yield _text(result, f"{_CSVW}title", finding.column)

    def _decisions(self, each: Inspected) -> Iterator[str]:
        """Yield what the steward has decided, with the reason: rules waived, columns left out, to publish."""
        for number, (kind, what, reason) in enumerate(decided(each.dataset), start=1):
            iri = f"{self._page}decision-{self._slug(each.key)}-{number}"
            yield _link(iri, f"{_RDF}type", f"{DQV}QualityAnnotation")
            yield _link(iri, f"{_OA}hasTarget", self._dataset(each.key))
            yield _text(iri, f"{_RDFS}label", f"{kind} {what}")
            if reason:
                yield _text(iri, f"{_RDFS}comment", reason, f"@{self._site.languages[0]}")

    def _dataset(self, key: str) -> str:
        return self._site.uris.dataset(*key.split("/", 1))

    @staticmethod
    def _slug(key: str) -> str:
        return key.replace("/", ".")

    @staticmethod
    def _key_of(name: str) -> str:
        """Return the dataset that a report or a result is about, from its name."""
        slug = name.split("-", 1)[1]
        if name.startswith("result-"):
            slug = slug.rpartition("-")[0]
        return slug.replace(".", "/", 1)


_SEVERITIES = {"shapes.violation": "Violation", "shapes.warning": "Warning", "shapes.info": "Info"}
_RESULT_LINKS = (
    ("focusNode", "node"), ("resultPath", "property"), ("sourceConstraintComponent", "component"),
    ("sourceShape", "shape"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Point:
    """A figure of a dataset since a generation."""

    dataset: str
    metric: str
    generation: int
    time: str
    value: Decimal


def points(lines: Iterable[str], page: str) -> list[Point]:
    """Return every figure that the lines of a quality graph tell of, oldest first."""
    said: dict[str, dict[str, str]] = {}
    for line in lines:
        subject, property, value = line.split(" ", 2)
        name = subject[1:-1].removeprefix(page)
        if name.startswith("figure-"):
            said.setdefault(name, {})[short_name(property[1:-1])] = value
    found = []
    for name, values in said.items():
        slug, metric, number = name.removeprefix("figure-").rsplit("-", 2)
        figure = Decimal(values["value"].split('"')[1])
        time = values["generatedAtTime"].split('"')[1]
        found.append(Point(slug.replace(".", "/", 1), metric, int(number), time, figure))
    return sorted(found, key=lambda point: (point.generation, point.dataset, point.metric))


def _link(subject: str, property: str, object: str) -> str:
    return f"<{subject}> <{property}> <{object}> .\n"


def _text(subject: str, property: str, text: str, tail: str = "") -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return f'<{subject}> <{property}> "{escaped}"{tail} .\n'
