"""The catalogue's values: code lists, languages, dates and addresses, from a steward's words to exact RDF terms."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import quote, urlsplit

import ontology

XSD = "http://www.w3.org/2001/XMLSchema#"
_SCHEMES = ("http", "https", "mailto", "tel")
_SAFE = "!$&'()*+,;=:@/?#[]-._~%"
_EMAIL = re.compile(r"[^@\s<>]+@[^@\s<>]+\.[^@\s<>]+")
_DATES = (
    (re.compile(r"\d{4}-\d{2}-\d{2}"), "date"),
    (re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})?"), "dateTime"),
    (re.compile(r"\d{4}"), "gYear"),
)


@dataclass(frozen=True)
class CodeList:
    """A code list that DCAT-AP-SE takes a property's values from."""

    prefix: str
    codes: Mapping[str, Mapping[str, str]]
    aliases: Mapping[str, str] = field(default_factory=dict)
    alias_prefix: str = ""
    open: tuple[str, ...] = ()

    def iri(self, text: str) -> str | None:
        """Return the exact IRI of a code, an alias or a near-miss of the IRI (https, no last slash); None if unknown.

        >>> code_list("license").iri("https://creativecommons.org/licenses/by/4.0")
        'http://creativecommons.org/licenses/by/4.0/'
        """
        text = text.strip()
        code = re.sub(r"^https?://(www\.)?", "http://", text)
        for prefix in (self.prefix, self.alias_prefix):
            if prefix and code.startswith(prefix):
                code = code.removeprefix(prefix)
                break
        else:
            if "://" in text:
                return None
        code = re.sub(r"(legalcode|deed)(\.[a-z-]+)?$", "", code)
        folded = {known.casefold().rstrip("/"): known for known in self.codes}
        folded |= {alias.casefold(): target for alias, target in self.aliases.items()}
        known = folded.get(code.casefold().rstrip("/"))
        return self.prefix + known if known else None

    def label(self, iri: str, language: str) -> str:
        """Return the label of a code's IRI in the language, the IRI itself when it is not in the list."""
        labels = self.codes.get(iri.removeprefix(self.prefix), {})
        return labels.get(language) or labels.get("en") or iri


@cache
def _code_file() -> dict[str, Any]:
    return tomllib.loads((ontology.root() / "dcat-codes.toml").read_text("utf-8"))


@cache
def code_list(name: str) -> CodeList:
    """Return the code list of a dataset.toml word (theme, license, accrualPeriodicity, …)."""
    entry = _code_file()[name]
    return CodeList(
        prefix=entry["prefix"],
        codes=entry["codes"],
        aliases=entry.get("aliases", {}),
        alias_prefix=entry.get("alias_prefix", ""),
        open=tuple(entry["prefix"] + code for code in entry.get("open", ())),
    )


@cache
def coded_labels() -> dict[str, dict[str, str]]:
    """Return what every code that catalogues use is called, by its IRI: themes, languages, frequencies, licences."""
    lists = (entry for entry in _code_file().values() if isinstance(entry, dict) and "codes" in entry)
    return {entry["prefix"] + code: labels for entry in lists for code, labels in entry["codes"].items()}


def late_after(frequency: str) -> int | None:
    """Return the days after which data with this frequency IRI is late, None when it cannot be."""
    days: int | None = _code_file()["late"].get(frequency.removeprefix(code_list("accrualPeriodicity").prefix))
    return days


def interval_of(frequency: str) -> timedelta | None:
    """Return the time between two editions of data with this frequency IRI, None when there will be no other."""
    hours = _code_file()["interval"].get(frequency.removeprefix(code_list("accrualPeriodicity").prefix))
    return None if hours is None else timedelta(hours=hours)


@cache
def texts() -> dict[str, Any]:
    """Return what the catalogue says by itself, by section and language."""
    return tomllib.loads((ontology.root() / "catalog-texts.toml").read_text("utf-8"))


def address(text: Any) -> str | None:
    """Return the absolute IRI of an address, percent-encoded (RFC 3987 3.1), None when it is not absolute.

    >>> address("https://granby.example/öppna data")
    'https://granby.example/%C3%B6ppna%20data'
    """
    try:
        parts = urlsplit(str(text).strip())
        host = (parts.hostname or "").encode("idna").decode("ascii")
    except (ValueError, UnicodeError):
        return None
    if parts.scheme not in _SCHEMES or (parts.scheme.startswith("http") and not host):
        return None
    encoded = quote(str(text).strip(), safe=_SAFE)
    encoded = re.sub(r"%(?![0-9A-Fa-f]{2})", "%25", encoded)
    return encoded.replace(quote(parts.hostname or "", safe=_SAFE), host, 1) if host else encoded


def email(text: Any) -> str | None:
    """Return the mailto: IRI of the first e-mail address in a text, None when there is none."""
    found = _EMAIL.search(str(text).removeprefix("mailto:"))
    return "mailto:" + quote(found[0], safe="@!$&'*+=._~-") if found else None


def time(value: Any) -> tuple[str, str] | None:
    """Return (lexical form, datatype IRI) of a date, a time or a year; None for anything else.

    >>> time("2026-11-22")
    ('2026-11-22', 'http://www.w3.org/2001/XMLSchema#date')
    """
    if isinstance(value, datetime | date):
        value = value.isoformat()
    text = str(value).strip().replace(" ", "T", 1)
    for pattern, name in _DATES:
        if pattern.fullmatch(text):
            try:
                datetime.fromisoformat(text if name != "gYear" else f"{text}-01-01")
            except ValueError:
                return None
            return text, XSD + name
    return None


def by_language(value: Any, language: str) -> dict[str, Any]:
    """Return a value by language tag; a plain value is in the site's first language; empty texts are left out."""
    if value is None:
        return {}
    table = value if isinstance(value, Mapping) else {language: value}
    return {str(tag): said for tag, said in table.items() if said and (not isinstance(said, str) or said.strip())}


def as_list(value: Any) -> list[Any]:
    """Return a list of what may be one value, several or none."""
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def period_bounds(period: str) -> tuple[str, str]:
    """Return the first and last day of a period (YYYY or YYYY-MM).

    >>> period_bounds("2026-02")
    ('2026-02-01', '2026-02-28')
    """
    year, _, month = period.partition("-")
    if not month:
        return f"{year}-01-01", f"{year}-12-31"
    following = date(int(year) + int(month) // 12, int(month) % 12 + 1, 1)
    return f"{period}-01", date.fromordinal(following.toordinal() - 1).isoformat()
