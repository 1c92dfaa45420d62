"""Checks a dataset's description against DCAT-AP-SE 3.0.1, its recommendations and the harvest rules."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

from loaders.description import Dataset, nearest, specification_names
from loaders.findings import Finding
from server.catalog_concepts import service_area
from server.catalog_metadata import HVD_LEGISLATION, described, is_listed_only
from server.catalog_values import address, as_list, by_language, code_list, email, late_after, time
from server.site import Site

_FILE = "dataset.toml"
_LONGEST_TITLE = 9  # "fewer than ten words", DCAT-AP-SE recommendations
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*\Z")
_CODES = ("theme", "accrualPeriodicity", "accessRights", "language", "availability", "hvdCategory")
_ADDRESSES = ("landingPage", "page", "documentation", "relation", "isReferencedBy", "source_of", "sample")
_OPEN_ENOUGH = ("publicdomain/zero/1.0/", "licenses/by/4.0/")


def check_description(site: Site, dataset: Dataset) -> Iterator[Finding]:
    """Yield what is missing, wrong or could be better in a dataset's description; mandatory properties block."""
    said = described(site, dataset)
    for check in (_texts, _codes, _license, _contact, _recommended, _addresses, _times, _high_value, _openness):
        for rule, detail in check(site, dataset, said):
            count = int(detail.pop("count", 1))
            yield Finding(f"catalog.{rule}", dataset.key, _FILE, count=count, detail=tuple(detail.items()))


def check_freshness(dataset: Dataset, modified: str, today: date) -> Iterator[Finding]:
    """Yield a finding when a dataset has not changed for longer than its accrualPeriodicity allows."""
    frequencies = code_list("accrualPeriodicity")
    frequency = frequencies.iri(str(dataset.metadata.get("accrualPeriodicity", "")))
    allowed = late_after(frequency) if frequency else None
    if not frequency or allowed is None or not modified:
        return
    changed = datetime.fromisoformat(modified)
    days = (today - (changed.astimezone(UTC) if changed.tzinfo else changed).date()).days
    if days > allowed:
        detail = (
            ("days", str(days)),
            ("frequency_sv", frequencies.label(frequency, "sv")),
            ("frequency_en", frequencies.label(frequency, "en")),
        )
        yield Finding("catalog.late", dataset.key, _FILE, detail=detail)


Fault = tuple[str, dict[str, Any]]


def _texts(site: Site, dataset: Dataset, said: dict[str, Any]) -> Iterator[Fault]:
    for word in ("title", "description"):
        texts = said[word]
        if not texts:
            yield f"no-{word}", {}
            continue
        for language in texts:
            if not _LANGUAGE.match(language):
                yield "wrong-language", {"key": word, "language": language}
        for language in site.languages:
            if language not in texts:
                yield "no-translation", {"key": word, "language": language}
        if word == "description" and len({str(text).strip() for text in texts.values()}) < len(texts):
            yield "same-translation", {"key": word}
    longest = max((len(str(title).split()) for title in said["title"].values()), default=0)
    if longest > _LONGEST_TITLE:
        yield "long-title", {"count": longest}


def _codes(site: Site, dataset: Dataset, said: dict[str, Any]) -> Iterator[Fault]:
    for word in _CODES:
        codes = code_list(word)
        for value in as_list(said.get(word)):
            if codes.iri(str(value)) is None and not (word == "theme" and service_area(str(value))):
                near = nearest(str(value).rsplit("/", 1)[-1], [*codes.codes, *codes.aliases])
                yield "unknown-code", {"key": word, "nearest": near}
    for value in as_list(said.get("conformsTo")):
        if str(value) not in specification_names() and address(value) is None:
            yield "unknown-standard", {"nearest": nearest(str(value), specification_names())}


def _license(site: Site, dataset: Dataset, said: dict[str, Any]) -> Iterator[Fault]:
    if not said["license"]:
        yield "no-license", {}
        return
    licenses = code_list("license")
    iri = licenses.iri(str(said["license"]))
    if iri is None:
        yield "unknown-license", {"nearest": nearest(str(said["license"]), licenses.aliases)}
    elif iri not in licenses.open:
        yield "license-not-open", {"name": licenses.label(iri, "en")}


def _contact(site: Site, dataset: Dataset, said: dict[str, Any]) -> Iterator[Fault]:
    contact = said.get("contactPoint") or {}
    table = contact if isinstance(contact, dict) else {"email": contact}
    mail = table.get("email") or site.publishers[dataset.publisher].contact
    if not email(mail or "") and address(table.get("url") or mail or "") is None:
        yield "no-contact", {}


def _recommended(site: Site, dataset: Dataset, said: dict[str, Any]) -> Iterator[Fault]:
    if not said["keyword"]:
        yield "no-keyword", {}
    if any(re.search("[,;]", str(word)) for words in said["keyword"].values() for word in as_list(words)):
        yield "keyword-list", {}
    if not said.get("theme"):
        yield "no-theme", {"known": ", ".join(code_list("theme").codes)}
    if not said.get("accrualPeriodicity"):
        yield "no-frequency", {}


def _addresses(site: Site, dataset: Dataset, said: dict[str, Any]) -> Iterator[Fault]:
    for word in _ADDRESSES:
        if any(address(value) is None for value in as_list(said.get(word))):
            yield "wrong-address", {"key": word}
    if any(not str(value).isdigit() and address(value) is None for value in as_list(said.get("spatial"))):
        yield "wrong-address", {"key": "spatial"}


def _times(site: Site, dataset: Dataset, said: dict[str, Any]) -> Iterator[Fault]:
    for word in ("issued", "modified"):
        if word in said and time(said[word]) is None:
            yield "wrong-date", {"key": word}
    temporal = said.get("temporal")
    if temporal is None:
        return
    bounds = [temporal.get("start"), temporal.get("end")] if isinstance(temporal, dict) else [temporal]
    typed = [time(bound) for bound in bounds if bound is not None]
    if not typed or not all(typed):
        yield "wrong-date", {"key": "temporal"}
    elif len(typed) == 2 and typed[0] and typed[1] and typed[0][0][:4] > typed[1][0][:4]:
        yield "reversed-time", {}
    elif len(typed) == 2 and typed[0] and typed[1] and typed[0][1] == typed[1][1] and typed[0][0] > typed[1][0]:
        yield "reversed-time", {}


def _high_value(site: Site, dataset: Dataset, said: dict[str, Any]) -> Iterator[Fault]:
    """Implementing Regulation (EU) 2023/138 and DCAT-AP HVD."""
    if HVD_LEGISLATION not in as_list(said.get("applicableLegislation")):
        return
    if not any(code_list("hvdCategory").iri(str(value)) for value in as_list(said.get("hvdCategory"))):
        yield "high-value-without-category", {}
    license = code_list("license").iri(str(said["license"] or ""))
    if license not in {code_list("license").prefix + code for code in _OPEN_ENOUGH}:
        yield "high-value-not-open", {}


def _openness(site: Site, dataset: Dataset, said: dict[str, Any]) -> Iterator[Fault]:
    if is_listed_only(dataset):
        if not by_language(said.get("reason"), site.languages[0]):
            yield "no-reason", {}
        return
    rights = code_list("accessRights").iri(str(said["accessRights"]))
    if dataset.sources and rights and not rights.endswith("/PUBLIC"):
        yield "closed-but-published", {}
