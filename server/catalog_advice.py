"""What the national portal would say, in plain words: points by dimension, stars by distribution, what to do in order.

`torg check` prints it for the site as its files stand; `torg doctor` may ask `whole_site` for the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from babel.numbers import format_decimal

from loaders.findings import Language
from server.catalog_prediction import Prediction, predict_site
from server.catalog_score import DIMENSIONS
from server.catalog_values import texts
from server.generations import DataFolder
from server.settings import Settings
from server.site import Site

_NAMED = 3
_MOST_REMARKS = 12


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do: why it matters (required, points, stars, recommended), in words, and for what."""

    kind: str
    text: Mapping[str, str]
    points: float = 0.0
    nodes: tuple[str, ...] = ()
    count: int = 0

    def sentence(self, language: Language) -> str:
        """Return the step as a sentence that names the first things it is about."""
        text = self.text[language]
        if self.points:
            text = _said("points_gained", language, text=text, points=_number(self.points, language))
        if not self.nodes:
            return text
        named = ", ".join(self.nodes[:_NAMED]) + (" …" if self.count > _NAMED else "")
        return f"{text} ({self.count}: {named})"


def whole_site(site: Site, settings: Settings) -> Prediction | None:
    """Return what the portal would say of a site as its files stand, None when it has nothing to publish."""
    if not any(dataset.sources for dataset in site.datasets):
        return None
    generation = DataFolder(settings.data_folder(site.folder)).current()
    try:
        return predict_site(site, generation)
    finally:
        if generation is not None:
            generation.close()


def to_do(found: Prediction) -> list[Step]:
    """Return what to do next: what is required first, then what gives most points, then stars, then the rest."""
    steps = [_remark("required", found, number) for number in _numbers(found, "Violation")]
    for result in found.score.next_steps():
        said = result.indicator
        text = {language: f"{said.text[language]}: {said.advice[language]}" for language in ("sv", "en")}
        steps.append(Step("points", text, result.lost))
    steps += _stars(found)
    rest = [_remark("recommended", found, number) for number in _numbers(found, "Warning", "Info")]
    return steps + rest[:_MOST_REMARKS]


def sentences(found: Prediction, language: Language) -> Iterator[str]:
    """Yield what to tell a steward: the verdict, points by dimension, stars by level, and the numbered list."""
    yield _said("accepted" if found.accepted else "refused", language)
    points, most = str(found.score.points), str(found.score.most)
    yield _said("points", language, points=points, most=most, rating=_said(found.score.rating, language))
    for name in DIMENSIONS:
        got, possible = found.score.dimension(name)
        yield "  " + _said("dimension", language, name=_said(name, language), points=str(got), most=str(possible))
    yield _said("stars", language, stars=_number(found.average, language))
    for level in sorted(set(found.stars.values()), reverse=True):
        holders = [iri for iri, stars in found.stars.items() if stars == level]
        named = ", ".join(map(_short, holders[:_NAMED])) + (" …" if len(holders) > _NAMED else "")
        yield "  " + _said("level", language, stars=str(level), count=str(len(holders)), named=named)
    steps = to_do(found)
    if steps:
        yield _said("next", language)
    for number, step in enumerate(steps, start=1):
        yield f"  {number}. {step.sentence(language)}"


def members(found: Prediction) -> dict[str, object]:
    """Return the prediction as JSON members, with the list of what to do in both languages."""
    languages: tuple[Language, ...] = ("sv", "en")
    listed = [
        {"kind": step.kind, "points": round(step.points, 1), "count": step.count}
        | {"text": {language: step.sentence(language) for language in languages}}
        for step in to_do(found)
    ]
    return found.members() | {"todo": listed}


def _numbers(found: Prediction, *severities: str) -> list[int]:
    return [number for number, finding in enumerate(found.findings) if finding.severity in severities]


def _remark(kind: str, found: Prediction, number: int) -> Step:
    finding = found.findings[number]
    english = finding.message.get("en", "")
    text = {language: finding.message.get(language) or english for language in ("sv", "en")}
    return Step(kind, text, 0.0, tuple(map(_short, finding.nodes)), finding.count)


def _stars(found: Prediction) -> Iterator[Step]:
    """Yield what is lacking for the next star, one step a level, the lowest first."""
    for level in range(5):
        holders = [iri for iri, stars in sorted(found.stars.items()) if stars == level]
        # A table is a table: that its dataset can be had as linked data too is told by its other distributions.
        if holders and not (level == 3 and _have_better(found, holders)):
            yield Step("stars", texts()["star"][str(level + 1)], 0.0, tuple(map(_short, holders)), len(holders))


def _have_better(found: Prediction, holders: list[str]) -> bool:
    better = {_dataset(iri) for iri, stars in found.stars.items() if stars > 3}
    return all(_dataset(iri) in better for iri in holders)


def _dataset(distribution: str) -> str:
    return "/".join(_short(distribution).split("/")[:2])


def _short(iri: str) -> str:
    """Return the part of an address that a steward knows a thing by."""
    for mark in ("/id/distribution/", "/id/dataset/", "/id/"):
        if mark in iri:
            return iri.partition(mark)[2]
    return iri


def _number(number: float, language: Language) -> str:
    return str(format_decimal(number, "0.#", locale=language))


def _said(word: str, language: Language, **fills: str) -> str:
    text = str(texts()["prediction"][word][language])
    for name, value in fills.items():
        text = text.replace("{" + name + "}", value)
    return text
