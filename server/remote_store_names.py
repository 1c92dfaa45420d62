"""What the graphs of a generation are called in a remote store: the name of a graph, its content, and nothing else.

    https://data.example/graph/asen/skolor/v/3f2a…    one version of a named graph
    https://data.example/graph/-/merged/v/9c41…       the true merge of what is published, each triple once
    https://data.example/graph/-/complete/v/77d0…     says that all of the above are there, whole

Names follow from the manifest alone, so every instance that holds a generation, copies too, finds its graphs; a graph
that did not change keeps its name and is not sent again; and moving the pointer moves every query at once.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class RemoteNames:
    """The names of one generation's graphs in a remote store."""

    merged: str
    complete: str
    versions: Mapping[str, str]  # by the IRI that is published

    @property
    def all(self) -> set[str]:
        """Every name."""
        return {self.merged, self.complete, *self.versions.values()}


def remote_names(manifest: Mapping[str, Any]) -> RemoteNames:
    """Return the names that follow from a generation's manifest."""
    base = str(manifest["base"])
    versions = {entry["iri"]: f"{entry['iri']}/v/{entry['sha256'][:24]}" for entry in manifest["graphs"]}
    published = (versions[entry["iri"]] for entry in manifest["graphs"] if entry["kind"] != "system")
    merged = f"{base}graph/-/merged/v/{_digest(published)}"
    return RemoteNames(merged, f"{base}graph/-/complete/v/{_digest((*versions.values(), merged))}", versions)


def read_names(generation: Path) -> RemoteNames:
    """Return the names of the generation in a folder; raise OSError or ValueError when its manifest is unreadable."""
    return remote_names(json.loads((generation / "manifest.json").read_text("utf-8")))


def _digest(names: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(sorted(names)).encode()).hexdigest()[:24]
