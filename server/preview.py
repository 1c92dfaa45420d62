"""Builds the next generation in a copy of the data folder, to be looked at before it is published.

The copy is made of hard links, so it costs no disk and little time. The real data folder is only read: its pointer,
ledger and history stay as they are, and the copy is removed when the preview ends. What a killed preview left is
removed by the next one.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from server.change_words import GraphChange, KindChange, nothing, sentences, vocabulary
from server.check import Progress, silent
from server.diff import diff
from server.generations import DataFolder, remove_tree
from server.preview_notice import FOLDER, TOLD
from server.publish import Publication, publish
from server.replica import LEDGER, copy_database
from server.settings import Settings
from server.site import Site

_HISTORY = 20  # generations whose changes the preview shows beside the next one's
_LINES = 60  # sentences kept of one preview


@dataclass(frozen=True, slots=True)
class Preview:
    """A preview that can be served: the settings that lead to it, and what the publication would do."""

    settings: Settings
    publication: Publication
    told: dict[str, Any]


@contextmanager
def previewing(
    site: Site, settings: Settings, *, only: Sequence[str] = (), confirm: bool = False, progress: Progress = silent
) -> Iterator[Preview]:
    """Publish the site into a copy of its data folder for as long as the context lasts.

    Raises what a publication raises; the copy is gone then too.
    """
    data = DataFolder(settings.data_folder(site.folder))
    folder = _begin(data)
    try:
        before = int(_copy(data, folder) or 0)
        # A store elsewhere is for what is published: it would be sent the preview and lose what the copy does not hold.
        own = replace(settings, values={**settings.values, "data": str(folder.resolve()), "url": ""})
        done = publish(site, own, only=only, confirm=confirm, progress=_without_the_switch(progress))
        told = _told(site, DataFolder(folder), before, done)
        (folder / TOLD).write_text(json.dumps(told, ensure_ascii=False), "utf-8")
        yield Preview(own, done, told)
    finally:
        remove_tree(folder)
        with suppress(OSError):  # another preview is looked at
            folder.parent.rmdir()


def _without_the_switch(progress: Progress) -> Progress:
    """Return what tells of a publication's steps, but for those that would say that it is published."""
    return lambda step, what: None if step in ("flip", "clean") else progress(step, what)


def _begin(data: DataFolder) -> Path:
    """Return a new folder of this process; those of processes that are gone are removed."""
    previews = data.path / FOLDER
    previews.mkdir(parents=True, exist_ok=True)
    for left in previews.iterdir():
        if left.name.isdigit() and not Path(f"/proc/{left.name}").exists() and not _alive(int(left.name)):
            remove_tree(left)
    folder = previews / str(os.getpid())
    if folder.exists():
        remove_tree(folder)
    folder.mkdir(mode=0o700)  # it holds what the data folder holds, tokens and keys too
    return folder


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _copy(data: DataFolder, folder: Path) -> str | None:
    """Link the current generation and the latest history into a folder; return the generation's name."""
    current = data.current()
    if current is None:
        return None
    with closing(current):  # holds its lock, so that it is not deleted meanwhile
        _link_tree(current.path, folder / "generations" / current.name)
        numbers = sorted(entry.name for entry in (data.path / "history").glob("[0-9]*") if entry.name <= current.name)
        for name in numbers[-_HISTORY:]:
            _link_tree(data.path / "history" / name, folder / "history" / name)
        for file in data.path.iterdir():
            if file.is_file() and file.name not in ("lock", "current") and not file.name.startswith(LEDGER):
                shutil.copy(file, folder / file.name)
        if (data.path / LEDGER).exists():
            copy_database(data.path / LEDGER, folder / LEDGER)
        (folder / "current").write_text(f"{current.name}\n", "ascii")
        return current.name


def _link_tree(source: Path, target: Path) -> None:
    target.mkdir(parents=True)
    for path in sorted(source.rglob("*")):
        to = target / path.relative_to(source)
        if path.is_dir():
            to.mkdir()
        elif path.name == "lock":
            to.touch()  # its own lock: the real generation may be deleted while the copy is looked at
        else:
            os.link(path, to)


def _told(site: Site, data: DataFolder, before: int, done: Publication) -> dict[str, Any]:
    """Return what the banner and the page of changes say: by class of thing, and dataset by dataset."""
    labels = vocabulary(site.concept_base)
    found: list[GraphChange] = []
    if done.generation and before:
        found = [change for change in diff(data, before, done.generation) if change.kind != "system"]
    of_datasets = [change for change in found if change.kind == "dataset"]
    kinds = [kind for kind in _together(of_datasets or found) if kind.type]
    return {
        "generation": done.generation,
        "before": before,
        "blocked": done.blocked,
        "stopped": bool(done.report.broken) and not done.generation,
        "summary": {
            language: sentences(GraphChange("", "", "", "", kinds), labels, language) or [nothing(language)]
            for language in ("sv", "en")
        },
        "datasets": [
            {
                "dataset": change.dataset,
                "period": change.period,
                "kind": change.kind,
                "text": {language: sentences(change, labels, language) for language in ("sv", "en")},
            }
            for change in found[:_LINES]
        ],
        "more": max(0, len(found) - _LINES),
    }


def _together(changes: Sequence[GraphChange]) -> list[KindChange]:
    """Return what happened to the things of each class in all graphs, the most touched first, without names."""
    found: dict[str, KindChange] = {}
    for change in changes:
        for kind in change.kinds:
            total = found.setdefault(kind.type, KindChange(kind.type))
            total.added += kind.added
            total.withdrawn += kind.withdrawn
            total.changed += kind.changed
            total.properties.update(kind.properties)
    return sorted(found.values(), key=lambda each: (-each.added - each.withdrawn - each.changed, each.type))
