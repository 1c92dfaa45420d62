"""What things mean: namespaces and accessors of the Turtle, CSVW and rule files in this folder."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Literal

CSVW_EXTENSION = "https://w3id.org/torg/csvw#"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the catalogue: what is checked, how bad a breach is, what to say about it."""

    id: str
    severity: Literal["block", "warn", "info"]
    text: dict[str, str]
    advice: dict[str, str]


def root() -> Traversable:
    """Return the folder of this package's data files."""
    return files(__name__)


@cache
def rules() -> dict[str, Rule]:
    """Return every rule by its id, read from `rules/*.toml` (one file per family)."""
    found: dict[str, Rule] = {}
    for file in sorted((root() / "rules").iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".toml"):
            family = file.name.removesuffix(".toml")
            for name, entry in tomllib.loads(file.read_text("utf-8")).items():
                found[f"{family}.{name}"] = Rule(f"{family}.{name}", entry["severity"], entry["text"], entry["advice"])
    return found


def rule(id: str) -> Rule:
    """Return the rule with this id; raise KeyError when the catalogue has none."""
    return rules()[id]
