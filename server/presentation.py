"""How values are shown to people: labels for IRIs, dates, numbers and money in the visitor's language."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

import nh3
from babel.dates import format_date, format_datetime, format_skeleton
from babel.numbers import format_currency, format_decimal

from loaders.geometry import point_in
from server.rdf_formats import Value
from server.texts import locale_of, texts
from server.uris import UriSpace

_XSD = "http://www.w3.org/2001/XMLSchema#"
_INTEGERS = {_XSD + name for name in ("integer", "int", "long", "short", "nonNegativeInteger", "positiveInteger")}
_NUMBERS = {_XSD + name for name in ("decimal", "double", "float")}
_HTML = "http://www.w3.org/1999/02/22-rdf-syntax-ns#HTML"
_WKT = ("http://www.opengis.net/ont/geosparql#wktLiteral", "http://www.opengis.net/ont/geosparql#geoJSONLiteral")
_TAGS = {"p", "br", "a", "em", "strong", "b", "i", "ul", "ol", "li", "blockquote", "code", "sub", "sup"}
_LONGEST_MARKUP = 20_000
_MOST_KEPT = 100  # letters of a value that is kept as it was written
_YEAR = re.compile(r"\d{4}(Z|[+-]\d\d:\d\d)?\Z")
_LINKED = ("http", "https", "mailto", "tel")
_MAILBOX = re.compile(r"[^\s@<>\"?&]+@[^\s@<>\"?&]+\Z")
_SPACING = re.compile(r"[\s()./–-]+")
_TELEPHONE = re.compile(r"\+?\d{5,15}\Z")
_ZONE = ZoneInfo("Europe/Stockholm")

_POSTAL_CODE = ("https://schema.org/postalCode", "http://www.w3.org/2006/vcard/ns#postal-code")
_CONTACT = {"https://schema.org/email": "mailto", "https://schema.org/telephone": "tel"}

Labels = Mapping[str, tuple[str, str]]
"""The best label of each IRI, as (text, language)."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A value as a page shows it; `note` says what is wrong with a value that is not of its datatype."""

    kind: str  # link, external, time, number, markup (safe HTML), text
    text: str
    href: str = ""
    language: str = ""
    raw: str = ""
    note: str = ""
    hint: str = ""  # what the text leaves out, such as the offset of a time
    beside: str = ""  # what tells it from others of the same name


@dataclass(frozen=True, slots=True)
class Presenter:
    """Shows values in one language with the labels of one generation."""

    language: str
    uris: UriSpace
    labels: Labels
    prefixes: Mapping[str, str]

    def name(self, iri: str) -> tuple[str, str]:
        """Return (text, language) of what an IRI is called; without a label, the end of the IRI made readable."""
        return self.labels.get(iri) or (readable(iri), "")

    def number(self, count: int) -> str:
        """Return a count in digits grouped as the language does."""
        return _minus(format_decimal(count, locale=self.language))

    def curie(self, iri: str) -> str:
        """Return an IRI as prefix:name when a prefix fits, else the IRI."""
        cut = max(iri.rfind("#"), iri.rfind("/")) + 1
        for prefix, namespace in self.prefixes.items():
            if namespace == iri[:cut] and iri[cut:]:
                return f"{prefix}:{iri[cut:]}"
        return iri

    def link(self, iri: str) -> Shown:
        """Return an IRI as a link with its label, or as text when it is nothing to follow."""
        scheme = urlsplit(iri).scheme.lower()
        if scheme not in _LINKED:
            return Shown("text", iri)
        if scheme in ("mailto", "tel"):
            return Shown("link", unquote(iri.partition(":")[2]), iri)
        text, language = self.name(iri)
        own = self.uris.path(iri) is not None
        if not own and iri not in self.labels:
            curie = self.curie(iri)
            text = curie if curie != iri else readable_address(iri)
        return Shown("link" if own else "external", text, self.uris.link(iri), language, iri)

    def show(self, value: Value, unit: str = "", property: str = "") -> Shown:
        """Return a value as it is shown: money when the unit is a currency, a link when the property is a mailbox.

        A literal that is not of its datatype is shown as it stands, with a note.
        """
        if value.kind == "iri":
            return self.link(value.text)
        if value.datatype == _XSD + "anyURI":
            return self.link(value.text)
        if (scheme := _CONTACT.get(property)) and (link := contact(scheme, value.text)):
            return Shown("link", value.text, link)
        if property in _POSTAL_CODE:
            return Shown("text", postal_code(value.text), raw=value.text)
        try:
            return _typed(value, unit, self.language) or Shown("text", value.text, language=value.language)
        except (ValueError, InvalidOperation, OverflowError):
            note = texts(self.language).gettext("not a valid %(datatype)s") % {"datatype": self.curie(value.datatype)}
            return Shown("text", value.text, note=note)


def _typed(value: Value, unit: str, language: str) -> Shown | None:
    """Return a literal as its datatype is written in a language, None for a text; raises when it is not of it.

    Days and amounts come again and again, on one page and on the next, and take longer to write than all else there.
    """
    return (
        _written(value, unit, language)
        if len(value.text) <= _MOST_KEPT
        else _written.__wrapped__(value, unit, language)
    )


@lru_cache(maxsize=10_000)
def _written(value: Value, unit: str, language: str) -> Shown | None:
    text, datatype = value.text, value.datatype
    if datatype in _INTEGERS or datatype in _NUMBERS:
        number = int(text) if datatype in _INTEGERS else Decimal(text)
        if isinstance(number, Decimal) and not number.is_finite():
            return None
        if len(unit) == 3:
            return Shown("number", _minus(format_currency(number, unit, locale=locale_of(language))), raw=text)
        return Shown(
            "number", _minus(format_decimal(number, locale=locale_of(language), decimal_quantization=False)), raw=text
        )
    if datatype == _XSD + "boolean":
        words = texts(language)
        return Shown("text", words.gettext("Yes") if text in ("true", "1") else words.gettext("No"), raw=text)
    if datatype == _XSD + "date":
        return Shown("time", format_date(date.fromisoformat(text[:10]), "long", locale=locale_of(language)), raw=text)
    if datatype == _XSD + "dateTime":
        moment = datetime.fromisoformat(text)
        local = moment.astimezone(_ZONE) if moment.tzinfo else moment
        hint = f"Europe/Stockholm, {local:%z}" if moment.tzinfo else ""
        return Shown("time", format_datetime(local, "d MMMM y HH:mm", locale=locale_of(language)), raw=text, hint=hint)
    if datatype == _XSD + "gYearMonth":
        month = date.fromisoformat(f"{text[:7]}-01")
        return Shown("time", format_skeleton("yMMMM", month, locale=locale_of(language)), raw=text)
    if datatype == _XSD + "gYear":
        return Shown("time", str(int(text[:4])), raw=text) if _YEAR.match(text) else _refuse(text)
    if datatype == _XSD + "time":
        return Shown("time", time.fromisoformat(text).strftime("%H:%M"), raw=text)
    if datatype == _HTML:
        return Shown("markup", nh3.clean(text[:_LONGEST_MARKUP], tags=_TAGS, link_rel="external nofollow"))
    if datatype in _WKT and (found := point_in(text)):
        return Shown("text", f"{found.latitude}, {found.longitude} (WGS 84)", raw=text)
    return None


def _refuse(text: str) -> Shown:
    raise ValueError(text)


def readable(iri: str) -> str:
    """Return the last part of an IRI as words; of a thing with a key in several parts, the whole key.

    >>> readable("https://data.norrsjo.example/spec/torg#voucherNumber")
    'voucher number'
    >>> readable("https://data.norrsjo.example/id/ledger-entry/9901/2026-01-03/9901062/74201")
    '2026-01-03 · 9901062 · 74201'
    """
    _, thing, path = iri.partition("/id/")
    if thing and path.count("/") > 2:
        return " · ".join(unquote(part) for part in path.split("/")[2:])
    tail = unquote(iri.rstrip("/#").replace("#", "/").rsplit("/", 1)[-1])
    words = "".join(f" {char.lower()}" if char.isupper() and index else char for index, char in enumerate(tail))
    return words if tail and tail[0].islower() and tail.isalpha() else tail or iri


def readable_address(iri: str) -> str:
    """Return a web address as it is read aloud: host and path, without the scheme.

    >>> readable_address("https://www.skolverket.se/skolor/")
    'www.skolverket.se/skolor'
    """
    parts = urlsplit(iri)
    return unquote((parts.netloc + parts.path).rstrip("/")) + (f"?{parts.query}" if parts.query else "")


@lru_cache(maxsize=10_000)
def day(moment: str, language: str) -> str:
    """Return the day of an ISO 8601 time as it is written in a language.

    >>> day("2026-03-01T04:00:00Z", "sv")
    '1 mars 2026'
    """
    return format_date(date.fromisoformat(moment[:10]), "long", locale=locale_of(language))


def postal_code(text: str) -> str:
    """Return a Swedish postal code as it is written on letters, any other as it stands.

    >>> postal_code("79114"), postal_code("SW1A 1AA")
    ('791 14', 'SW1A 1AA')
    """
    return f"{text[:3]} {text[3:]}" if len(text) == 5 and text.isdigit() else text


def contact(scheme: str, text: str) -> str:
    """Return the link of a mailbox or a telephone number, "" when the text is neither.

    >>> contact("tel", "0980-319 216"), contact("mailto", "skola@norrsjo.example"), contact("tel", "se webben")
    ('tel:0980319216', 'mailto:skola@norrsjo.example', '')
    """
    if scheme == "mailto":
        return f"mailto:{text}" if _MAILBOX.match(text) else ""
    digits = _SPACING.sub("", text)
    return f"tel:{digits}" if _TELEPHONE.match(digits) else ""


def _minus(text: str) -> str:
    """Return a formatted number with a real minus sign, whatever the locale's data holds."""
    return text.replace("-", "−")
