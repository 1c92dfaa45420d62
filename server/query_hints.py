"""What an editor of queries can propose: this site's prefixes, and the classes and properties in use, with counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from server.instance import Opened, Torg
from server.presentation import Presenter

_MOST = 2_000


def hints(torg: Torg, opened: Opened, language: str) -> dict[str, Any]:
    """Return prefixes, classes and properties of a generation, the most used first, with labels in a language."""
    memo = f"hints {language}"
    if memo not in opened.memo:
        opened.memo[memo] = _hints(torg, opened, language)
    found: dict[str, Any] = opened.memo[memo]
    return found


def _hints(torg: Torg, opened: Opened, language: str) -> dict[str, Any]:
    classes: Counter[str] = Counter()
    properties: Counter[str] = Counter()
    for entry in opened.graphs.values():
        if entry.published:
            counted = torg.partitions(opened, entry)
            classes.update(counted.classes)
            properties.update(counted.properties)
    presenter = Presenter(language, torg.uris, opened.labels.labels([*classes, *properties], language), torg.prefixes)
    return {
        "generation": opened.generation.name,
        "prefixes": dict(torg.prefixes),
        "classes": _terms(presenter, classes),
        "properties": _terms(presenter, properties),
    }


def _terms(presenter: Presenter, counted: Mapping[str, int]) -> list[dict[str, Any]]:
    most_used = sorted(counted.items(), key=lambda item: (-item[1], item[0]))[:_MOST]
    return [
        {"iri": name, "curie": presenter.curie(name), "label": presenter.name(name)[0], "count": count}
        for name, count in most_used
    ]
