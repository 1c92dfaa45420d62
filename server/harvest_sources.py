"""The `[harvest]` table of site.toml: whose catalogues are gathered, from where, which part of them and how often."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from loaders.catalogs import FORMS
from loaders.errors import DescriptionError
from loaders.findings import Finding
from server.catalog_values import code_list
from server.site import Site

FOLDER = "harvest"
"""What a harvested catalogue's key begins with where datasets have their publisher's."""
MOST = 50_000
"""Datasets taken from one catalogue unless site.toml says otherwise; the national portal has fewer."""
_KEYS = {
    "name", "description", "url", "file", "format", "publisher", "prefix", "most", "accrualPeriodicity", "republish",
}  # fmt: skip
_KEY = re.compile(r"[a-z0-9][a-z0-9-]*\Z")
_CKAN_ROWS = "500"

Text = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class HarvestSource:
    """One catalogue to gather."""

    key: str
    name: Text
    description: Text
    url: str
    file: Path | None
    format: str  # "" for what the content tells
    publisher: str  # only datasets of this publisher: its address, organization number or name
    prefix: str  # only datasets whose address begins so
    most: int
    frequency: str  # an EU frequency code
    republish: bool  # whether it is part of the harvest file that the national portal reads

    @property
    def state(self) -> str:
        """Its key among datasets: `harvest/<key>`."""
        return f"{FOLDER}/{self.key}"

    @property
    def shown(self) -> str:
        """The address without its query, where keys and tokens stand; the file's name."""
        if self.file is not None:
            return self.file.name
        parts = urlsplit(self.url)
        return parts._replace(query="", fragment="", netloc=parts.netloc.rpartition("@")[2]).geturl()

    def first_page(self) -> str:
        """Return the address to begin at: a CKAN portal's own is completed to a search that lists everything."""
        if self.format != "ckan":
            return self.url
        parts = urlsplit(self.url)
        if "/api/" not in parts.path:
            parts = parts._replace(path=parts.path.rstrip("/") + "/api/3/action/package_search")
        asked = dict(parse_qsl(parts.query, keep_blank_values=True))
        asked.setdefault("rows", _CKAN_ROWS)
        # Without an order of its own a search may give a package twice and another never.
        asked.setdefault("sort", "id asc")
        return parts._replace(query=urlencode(asked)).geturl()


def harvest_sources(site: Site) -> tuple[HarvestSource, ...]:
    """Return the sources in the order of site.toml, which is their rank: what an earlier one has is not taken twice.

    Raises DescriptionError when the table is wrong.
    """
    table = site.raw.get("harvest", {})
    if not isinstance(table, Mapping) or not all(isinstance(entry, Mapping) for entry in table.values()):
        raise _fault("harvest.needs", name="[harvest]")
    if table and FOLDER in site.publishers:
        raise _fault("harvest.publisher", name=FOLDER)
    return tuple(_source(site, key, entry) for key, entry in table.items())


def _source(site: Site, key: str, entry: Mapping[str, Any]) -> HarvestSource:
    where = f"[harvest.{key}] "
    if not _KEY.match(key):
        raise _fault("site.folder-name", name=key)
    for word in entry:
        if word not in _KEYS:
            nearest = difflib.get_close_matches(word, sorted(_KEYS), n=1, cutoff=0.0)[0]
            raise _fault("site.unknown-key", name=f"{where}{word}", nearest=nearest)
    url, file = str(entry.get("url", "")), str(entry.get("file", ""))
    if bool(url) == bool(file) or (url and not _is_web_address(url)):
        raise _fault("harvest.needs", name=f"{where}url")
    if file and ("\0" in file or not (site.folder / file).resolve().is_relative_to(site.folder.resolve())):
        raise _fault("harvest.needs", name=f"{where}file")
    format = str(entry.get("format", "auto"))
    if format not in ("auto", *FORMS):
        raise _fault("harvest.choice", name=f"{where}format", known=", ".join(("auto", *FORMS)))
    most = entry.get("most", MOST)
    if not isinstance(most, int) or isinstance(most, bool) or most < 1:
        raise _fault("harvest.needs", name=f"{where}most")
    republish = entry.get("republish", False)
    if not isinstance(republish, bool):
        raise _fault("harvest.choice", name=f"{where}republish", known="true, false")
    frequency = str(entry.get("accrualPeriodicity", "DAILY"))
    frequencies = code_list("accrualPeriodicity")
    if frequencies.iri(frequency) is None:
        raise _fault("harvest.choice", name=f"{where}accrualPeriodicity", known=", ".join(frequencies.codes))
    return HarvestSource(
        key=key,
        name=_text(entry.get("name", key), site.languages[0]),
        description=_text(entry.get("description", {}), site.languages[0]),
        url=url,
        file=site.folder / file if file else None,
        format="" if format == "auto" else format,
        publisher=str(entry.get("publisher", "")),
        prefix=str(entry.get("prefix", "")),
        most=most,
        frequency=frequency,
        republish=republish,
    )


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _text(value: Any, language: str) -> dict[str, str]:
    return dict(value) if isinstance(value, Mapping) else {language: str(value)}


def _fault(rule: str, **detail: str) -> DescriptionError:
    return DescriptionError(Finding(rule, file="site.toml", detail=tuple(detail.items())))
