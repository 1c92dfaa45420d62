"""When each dataset is due: what is fetched by its accrualPeriodicity, what is a file here when the file changes.

`torg publish --due` asks `due` and publishes only that; it may run as often as one likes, from cron, a systemd timer or
`torg serve --publish-every`. The time of the last look is kept in `schedule.json` in the data folder.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from loaders.description import Dataset, is_address
from loaders.findings import Finding, Language
from server.catalog_check import check_freshness
from server.catalog_metadata import is_listed_only
from server.catalog_values import code_list, interval_of
from server.generations import DataFolder
from server.harvest_sources import HarvestSource, harvest_sources
from server.settings import Settings
from server.shared_graphs import meaning_hash
from server.site import Site
from server.whole_files import write_json

FILE = "schedule.json"
_OFTEN = timedelta(days=1)  # between looks at an address once its next edition may be there
_SELDOM = timedelta(days=7)  # between looks before that: an edition may be corrected
_AGAIN = timedelta(hours=1)  # after a look that failed
# A job that starts a minute earlier than yesterday's still finds yesterday's data due.
_SLACK = 0.95

Reason = Literal["new", "changed", "interval", "again", "meaning", "gone"]
_WORDS: Mapping[Reason, tuple[str, str]] = {
    "new": ("har aldrig lästs", "has never been read"),
    "changed": ("dess filer har ändrats", "its files have changed"),
    "interval": ("det är dags enligt accrualPeriodicity", "it is time by its accrualPeriodicity"),
    "again": ("förra försöket lyckades inte", "the last attempt failed"),
    "meaning": (
        "site.toml, begrepp eller specifikationer har ändrats",
        "site.toml, concepts or specifications changed",
    ),
    "gone": ("dess mapp är borta", "its folder is gone"),
}


@dataclass(frozen=True, slots=True)
class Due:
    """A dataset or harvested catalogue: when it is due, and why; `at` is in the past for what is due now."""

    key: str
    at: datetime
    reason: Reason

    def sentence(self, language: Language) -> str:
        """Return what to tell a steward."""
        return f"{self.key}: {_WORDS[self.reason][language == 'en']}"


def timetable(site: Site, settings: Settings, now: datetime) -> list[Due]:
    """Return when every dataset and harvested catalogue is due next, the earliest first.

    A dataset with only local files is due when they change, and not in the list until then.
    """
    state = _read(settings.data_folder(site.folder))
    looks, meaning = state.get("looks", {}), state.get("meaning", "")
    changed = _changed(DataFolder(settings.data_folder(site.folder)))
    found: list[Due] = []
    changed_meaning = bool(looks) and meaning != _meaning(site)
    for dataset in site.datasets:
        if is_listed_only(dataset):
            continue
        look = looks.get(dataset.key)
        files = _files(dataset)
        if look is None:
            found.append(Due(dataset.key, now, "new"))
        elif changed_meaning:
            found.append(Due(dataset.key, now, "meaning"))
        elif look.get("files") != files:
            found.append(Due(dataset.key, now, "changed"))
        elif any(map(is_address, dataset.sources)):
            found += _after(dataset.key, look, str(dataset.metadata.get("accrualPeriodicity", "")), changed)
    for key in site.faults:
        found.append(Due(key, now, "changed"))
    for source in harvest_sources(site):
        look = looks.get(source.state)
        if look is None or look.get("files") != _said(source):
            found.append(Due(source.state, now, "new" if look is None else "changed"))
        else:
            found += _after(source.state, look, source.frequency, changed)
    known = {dataset.key for dataset in site.datasets} | set(site.faults)
    known |= {source.state for source in harvest_sources(site)}
    found += [Due(key, now, "gone") for key in looks if key not in known]
    return sorted(found, key=lambda one: (one.at, one.key))


def due(site: Site, settings: Settings, now: datetime) -> list[Due]:
    """Return what is due now."""
    return [one for one in timetable(site, settings, now) if one.at <= now]


def late(site: Site, settings: Settings, now: datetime, seen: Iterable[str] = ()) -> list[Finding]:
    """Return a finding for each dataset that has not changed for longer than its accrualPeriodicity allows.

    Those among `seen` have been told of already.
    """
    changed = _changed(DataFolder(settings.data_folder(site.folder)))
    told = set(seen)
    return [
        finding
        for dataset in site.datasets
        if dataset.key in changed and dataset.key not in told and "catalog.late" not in dataset.waivers
        for finding in check_freshness(dataset, changed[dataset.key].isoformat(), now.date())
    ]


@dataclass(frozen=True, slots=True)
class Marks:
    """What a site was like when a run began: what changes while it is read is due again."""

    meaning: str
    files: Mapping[str, str]


def marks(site: Site) -> Marks:
    """Return the marks of a site as it is now."""
    files = {dataset.key: _files(dataset) for dataset in site.datasets}
    return Marks(_meaning(site), files | {source.state: _said(source) for source in harvest_sources(site)})


def remember(site: Site, settings: Settings, seen: Marks, looked: Mapping[str, bool], now: datetime) -> None:
    """Keep that datasets were looked at as they were, and whether that went well; what is no longer here is forgotten.

    `seen` are the marks from before anything was read.
    """
    path = settings.data_folder(site.folder) / FILE
    state = _read(path.parent)
    looks = {key: look for key, look in state.get("looks", {}).items() if key in seen.files}
    for key, good in looked.items():
        if key in seen.files:
            looks[key] = {"time": now.astimezone(UTC).isoformat(), "good": good, "files": seen.files[key]}
    # Those that the timetable finds due by it: what is only listed is never looked at, a harvest by its own time.
    meant = {dataset.key for dataset in site.datasets if not is_listed_only(dataset)}
    meaning = seen.meaning if meant <= set(looked) or not state else state.get("meaning", "")
    _write(path, {"meaning": meaning, "looks": looks})


def _after(key: str, look: Mapping[str, Any], said: str, changed: Mapping[str, datetime]) -> Iterable[Due]:
    """Yield when an address is looked at next: when its next edition may be there, then daily until it is."""
    frequency = code_list("accrualPeriodicity").iri(said)
    interval = interval_of(frequency) if frequency else _OFTEN
    if interval is None:
        return
    last = datetime.fromisoformat(look["time"])
    if not look["good"] and interval > _AGAIN:
        yield Due(key, last + _AGAIN, "again")
        return
    edition = changed[key] + interval * _SLACK if key in changed else last
    yield Due(key, max(last + min(interval, _OFTEN) * _SLACK, min(edition, last + _SELDOM)), "interval")


def _changed(data: DataFolder) -> dict[str, datetime]:
    """Return when each published dataset last changed."""
    generation = data.current()
    if generation is None:
        return {}
    with closing(generation):
        return {
            key: datetime.fromisoformat(entry["modified"])
            for key, entry in generation.datasets.items()
            if entry.get("modified")
        }


def _meaning(site: Site) -> str:
    """Return a mark of all that is said of the site as a whole."""
    said = (site.folder / "site.toml").read_bytes()
    return hashlib.sha256(meaning_hash(site).encode() + said).hexdigest()


def _said(source: HarvestSource) -> str:
    """Return a mark of what is said of a harvested catalogue."""
    return hashlib.sha256(repr(source).encode()).hexdigest()


def _files(dataset: Dataset) -> str:
    """Return a mark of a dataset's own files that changes when they do, without reading them."""
    parts = []
    for file in sorted(path for path in dataset.folder.rglob("*") if path.is_file()):
        with suppress(OSError):
            status = file.stat()
            parts.append(f"{file.relative_to(dataset.folder)} {status.st_size} {status.st_mtime_ns}")
    for source in dataset.sources:
        path = dataset.folder / source
        if not is_address(source) and ".." in source and path.is_file():
            parts.append(f"{source} {path.stat().st_size} {path.stat().st_mtime_ns}")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _read(data: Path) -> dict[str, Any]:
    try:
        state: dict[str, Any] = json.loads((data / FILE).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return state if isinstance(state, dict) else {}


def _write(path: Path, state: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, state)
