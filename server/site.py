"""The site folder as stewards keep it: site.toml, the publishers, and every dataset's description."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from loaders.description import Dataset, read_dataset
from loaders.errors import DescriptionError, LoadError
from loaders.findings import Finding
from loaders.privacy import check_digit
from server.places import read_border
from server.pulled import pulled_datasets
from server.settings import SETTINGS, read_settings
from server.theme import is_colour
from server.uris import UriSpace

_SITE_KEYS = {"base", "concept_base", "title", "description", "languages", "accent", "contact", "license", "logo"}
_PUBLISHER_KEYS = {"name", "orgnr", "kommunkod", "contact", "homepage", "type", "description", "site", "branch"}
_MAP_KEYS = {"base", "tiles", "attribution"}
_IMAGES = {".svg", ".png", ".webp", ".jpg", ".jpeg"}
_KEY = re.compile(r"[a-z0-9][a-z0-9-]*\Z")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{1,8})*\Z")  # BCP 47, as far as a catalogue needs it
# What no IRI holds (RFC 3987, section 2.2), and steps in a path that no client ever asks for.
_NO_BASE = re.compile(r"[\x00-\x20\x7f<>\"{}|\\^`]|/\.{1,2}/|//")
_PLAIN = {"base", "concept_base", "logo", "contact", "license", "homepage", "type", "site", "branch", "tiles"}
"""Keys of site.toml whose values are texts in no language."""
_TABLE = ("en tabell", "a table")
_TEXT = ("en text", "a text")
_BY_LANGUAGE = (
    'en text, eller en per språk, som { sv = "…", en = "…" }',
    'a text, or one by language, as { sv = "…" }',
)
_LANGUAGES = ('en lista av språkkoder, som ["sv", "en"]', 'a list of language tags, as ["sv", "en"]')

Text = Mapping[str, str]
"""A text by language, such as {"sv": "Skolor", "en": "Schools"}."""


@dataclass(frozen=True, slots=True)
class Publisher:
    """Who publishes: a municipality, a region or another body with an organization number."""

    key: str
    name: Text
    orgnr: str
    kommunkod: str = ""
    contact: str = ""
    homepage: str = ""
    type: str = ""
    description: Text = field(default_factory=dict)
    site: str = ""  # where the publisher keeps its own site, when that is elsewhere
    branch: str = ""

    @property
    def authority(self) -> str:
        """The part of a URI that tells whose key it is: kommunkod, else organization number."""
        return self.kommunkod or self.orgnr


@dataclass(frozen=True, slots=True)
class Site:
    """A site as read from its folder; datasets whose description has a fault are in `faults`."""

    folder: Path
    title: Text
    description: Text
    languages: tuple[str, ...]
    uris: UriSpace
    publishers: Mapping[str, Publisher]
    datasets: tuple[Dataset, ...]
    faults: Mapping[str, LoadError]
    raw: Mapping[str, Any]

    @property
    def base(self) -> str:
        """The base IRI, ending with "/"."""
        return self.uris.base

    @property
    def concept_base(self) -> str:
        """The base IRI of concepts, ontology and specifications, ending with "/"."""
        return self.uris.concepts

    @property
    def concept_files(self) -> list[Path]:
        """The site's own concepts, below the shared ones."""
        return sorted((self.folder / "concepts").glob("*.ttl"))


def read_site(folder: Path) -> Site:
    """Return the site in this folder.

    Raises DescriptionError when site.toml is missing or wrong; a wrong dataset.toml is kept in
    `faults` and stops that dataset only.
    """
    raw = _read_toml(folder)
    tables = {"site", "publishers", "harvest", "map", "accessibility", *{s.table for s in SETTINGS}}
    _check_keys(raw, tables, "")
    for name in tables:
        _check_table(raw.get(name, {}), f"[{name}]")
    site = raw.get("site", {})
    _check_keys(site, _SITE_KEYS, "[site] ")
    for setting_table in {setting.table for setting in SETTINGS}:
        known = {setting.name for setting in SETTINGS if setting.table == setting_table}
        _check_keys(raw.get(setting_table, {}), known, f"[{setting_table}] ")
    if "accent" in site and not is_colour(site["accent"]):
        raise _fault("accent", name="accent")
    if "logo" in site:
        _check_logo(folder, str(site["logo"]))
    _check_map(folder, raw.get("map", {}))
    _check_statement(raw.get("accessibility", {}))
    base = _base(site.get("base"), "base")
    concept_base = _base(site["concept_base"], "concept_base") if "concept_base" in site else ""
    languages = _languages(site.get("languages", ["sv", "en"]))
    publishers = {key: _publisher(key, entry, languages[0]) for key, entry in sorted(raw.get("publishers", {}).items())}
    datasets, faults = _datasets(folder, publishers, _pulled(folder, raw, publishers))
    return Site(
        folder=folder,
        title=_text(site.get("title", folder.resolve().name), languages[0], "[site] title"),
        description=_text(site.get("description", {}), languages[0], "[site] description"),
        languages=languages,
        uris=UriSpace(base, concept_base),
        publishers=publishers,
        datasets=tuple(datasets),
        faults=faults,
        raw=raw,
    )


def _read_toml(folder: Path) -> dict[str, Any]:
    path = folder / "site.toml"
    try:
        return tomllib.loads(path.read_text("utf-8-sig"))
    except FileNotFoundError:
        raise _fault("no-site", file=str(path)) from None
    except UnicodeDecodeError:
        raise _fault("not-utf8") from None
    except tomllib.TOMLDecodeError as error:
        raise _fault("not-toml", reason=str(error)) from None
    except OSError as error:
        raise _fault("unreadable", reason=error.strerror or str(error)) from None


def _pulled(folder: Path, raw: Mapping[str, Any], publishers: Mapping[str, Publisher]) -> dict[str, list[Path]]:
    """Return the dataset folders of publishers whose sites live elsewhere, as they were pulled last."""
    data = read_settings(raw).data_folder(folder)
    copies = {key: pulled_datasets(data, key) for key, publisher in publishers.items() if publisher.site}
    return {key: _folders(copy) for key, copy in copies.items() if copy is not None}


def _datasets(
    folder: Path, publishers: Mapping[str, Publisher], pulled: Mapping[str, list[Path]]
) -> tuple[list[Dataset], dict[str, LoadError]]:
    datasets: list[Dataset] = []
    faults: dict[str, LoadError] = {}
    own = [(place.parent.name, place) for place in _dataset_folders(folder / "datasets")]
    others = [(key, place) for key, places in pulled.items() for place in places]
    here = {(publisher, place.name) for publisher, place in own}
    for publisher, place in sorted((*own, *others)):
        name = place.name
        key = f"{publisher}/{name}"
        try:
            if (publisher, name) in here and (publisher, place) in others:
                # What the site's own steward keeps goes before what is pulled.
                raise _fault("publisher-both", dataset=key, name=key)
            if publisher not in publishers:
                near = _nearest(publisher, set(publishers))
                raise _fault("unknown-publisher", dataset=key, name=publisher, nearest=near)
            for part in (publisher, name):
                if not _KEY.match(part):
                    raise _fault("folder-name", dataset=key, name=part)
            datasets.append(read_dataset(place, publisher))
        except LoadError as error:
            faults[key] = error
        except OSError as error:
            reason = error.strerror or str(error)
            faults[key] = _fault("unreadable", dataset=key, file=Path(error.filename or place).name, reason=reason)
    return datasets, faults


def _dataset_folders(folder: Path) -> list[Path]:
    """Return every folder that is meant to be a dataset; one without a dataset.toml is told, not passed over."""
    if not folder.is_dir():
        return []
    return [
        place
        for publisher in sorted(folder.iterdir())
        if publisher.is_dir() and not publisher.name.startswith(".")
        for place in _folders(publisher)
    ]


def _folders(folder: Path) -> list[Path]:
    return [place for place in sorted(folder.iterdir()) if place.is_dir() and not place.name.startswith(".")]


def _publisher(key: str, entry: Mapping[str, Any], language: str) -> Publisher:
    where = f"[publishers.{key}] "
    if not _KEY.match(key):
        raise _fault("folder-name", name=key)
    _check_table(entry, where.strip())
    _check_keys(entry, _PUBLISHER_KEYS, where)
    if not re.fullmatch(r"|(?:(?:git\+)?https|file)://\S+|http://\S+", str(entry.get("site", ""))):
        raise _fault("publisher-site", name=f"{where}site")
    orgnr = re.sub(r"[^0-9]", "", str(entry.get("orgnr", "")))
    if not entry.get("name") or len(orgnr) != 10:
        missing = "name" if not entry.get("name") else "orgnr"
        raise _fault("publisher-needs", name=f"{where}{missing}")
    # Never repeated in the message: a sole trader's number is the owner's own.
    if int(orgnr[2]) < 2:
        raise _fault("orgnr-person", name=f"{where}orgnr")
    if not check_digit(orgnr):
        raise _fault("orgnr-digit", name=f"{where}orgnr")
    if not re.fullmatch(r"([0-9]{4})?", str(entry.get("kommunkod", ""))):
        raise _fault("kommunkod", name=f"{where}kommunkod")
    return Publisher(
        key=key,
        name=_text(entry["name"], language, f"{where}name"),
        orgnr=orgnr,
        kommunkod=str(entry.get("kommunkod", "")),
        contact=str(entry.get("contact", "")),
        homepage=str(entry.get("homepage", "")),
        type=str(entry.get("type", "")),
        description=_text(entry.get("description", {}), language, f"{where}description"),
        site=str(entry.get("site", "")),
        branch=str(entry.get("branch", "")),
    )


def _base(value: Any, name: str) -> str:
    """Check a base against Digg's BI rules: http(s), a domain name, no query or fragment."""
    try:
        parts = urlsplit(str(value or ""))
        named = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        named = False
    rest = str(value).partition("://")[2].rstrip("/") + "/"
    if not named or parts.query or parts.fragment or parts.username or _NO_BASE.search(rest):
        raise _fault("base", name=name)
    return str(value) if str(value).endswith("/") else f"{value}/"


def _check_logo(folder: Path, name: str) -> None:
    """Refuse a logo that is outside the site's folder, missing, or no image that a page can show."""
    file = (folder / name).resolve()
    if file.suffix.lower() not in _IMAGES or not file.is_relative_to(folder.resolve()) or not file.is_file():
        raise _fault("logo", name="logo")


def _check_map(folder: Path, table: Mapping[str, Any]) -> None:
    """Refuse a map whose border cannot be drawn, or whose tiles have no address or owner to name."""
    _check_keys(table, _MAP_KEYS, "[map] ")
    if name := table.get("base"):
        file = (folder / str(name)).resolve()
        try:
            if not file.is_relative_to(folder.resolve()) or not any(read_border(file)):
                raise ValueError("it holds no area inside the site's folder")
        except (OSError, ValueError, TypeError, LookupError) as error:
            raise _fault("map-base", name=str(name), reason=str(error)) from None
    if tiles := table.get("tiles"):
        try:
            parts = urlsplit(str(tiles))
            named = parts.scheme == "https" and parts.hostname
        except ValueError:
            named = False
        if not named or not all(mark in str(tiles) for mark in ("{x}", "{y}", "{z}")):
            raise _fault("map-tiles")
        if not table.get("attribution"):
            raise _fault("map-attribution")


def _check_statement(table: Mapping[str, Any]) -> None:
    """Refuse an accessibility statement whose status is none of the law's three, or whose faults are no texts."""
    _check_keys(table, {"status", "assessed", "method", "faults", "contact"}, "[accessibility] ")
    faults = table.get("faults", [])
    if table.get("status", "full") not in ("full", "partial", "none"):
        raise _fault("accessibility", name="status")
    if not re.match(r"\d{4}-\d\d-\d\d\Z", str(table.get("assessed", "2026-01-01"))):
        raise _fault("accessibility", name="assessed")
    if not isinstance(faults, list) or not all(isinstance(fault, dict) for fault in faults):
        raise _fault("accessibility", name="faults")


def _languages(value: Any) -> tuple[str, ...]:
    tags = value if isinstance(value, list) else ()
    if not tags or not all(isinstance(tag, str) and _LANGUAGE.match(tag) for tag in tags):
        raise _wrong("[site] languages", _LANGUAGES)
    return tuple(tags)


def _text(value: Any, language: str, name: str) -> dict[str, str]:
    texts = {language: value} if isinstance(value, str) else value
    if not isinstance(texts, Mapping) or not all(isinstance(text, str) for text in texts.values()):
        raise _wrong(name, _BY_LANGUAGE)
    return dict(texts)


def _check_keys(table: Mapping[str, Any], known: set[str], where: str) -> None:
    for key, value in table.items():
        if key not in known:
            raise _fault("unknown-key", name=f"{where}{key}", nearest=_nearest(key, known))
        if key in _PLAIN and where and not isinstance(value, str):
            raise _wrong(f"{where}{key}", _TEXT)


def _check_table(value: Any, name: str) -> None:
    if not isinstance(value, Mapping):
        raise _wrong(name, _TABLE)


def _wrong(name: str, expected: tuple[str, str]) -> DescriptionError:
    return _fault("wrong-value", name=name, expected_sv=expected[0], expected_en=expected[1])


def _nearest(word: str, known: set[str]) -> str:
    return next(iter(difflib.get_close_matches(word, sorted(known), n=1, cutoff=0.0)), "-")


def _fault(rule: str, dataset: str = "", file: str = "site.toml", **detail: str) -> DescriptionError:
    return DescriptionError(Finding(f"site.{rule}", dataset=dataset, file=file, detail=tuple(detail.items())))
