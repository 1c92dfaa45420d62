"""What a parameter of a named query may be: one type per kind of value, checked and written as a SPARQL term.

A value never becomes query text by itself. It is matched whole against the grammar of its type and written
anew as one RDF term (SPARQL 1.1 Query, 4.1), so nothing in it can end the term that it is in.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

LONGEST = 2_000
"""Characters that a value may have: longer than any identifier or address, short enough for every log."""

Resolve = Callable[[str], str]
"""Makes a relative reference (`def/spending/K71`) an absolute IRI of the site."""

# RFC 3987 without the characters that no IRIREF holds (SPARQL 1.1 Query, production 139).
_IRI_CHARACTERS = r"[^\x00-\x20<>\"{}|^`\\\x7f]"
_ABSOLUTE = re.compile(rf"[A-Za-z][A-Za-z0-9+.-]*:{_IRI_CHARACTERS}+")
_OWN = re.compile(rf"/?((?:id|def|spec|graph)/{_IRI_CHARACTERS}+)")
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
# Oxigraph's xsd:decimal holds 18 digits on each side of the point; what does not fit would be an error far from here.
_DECIMAL = re.compile(r"[+-]?[0-9]{1,18}(?:\.[0-9]{1,18})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")
_NOTATION = re.compile(r"[\w.:/+-]{1,100}")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _iri(text: str, resolve: Resolve) -> str | None:
    own = _OWN.fullmatch(text)
    iri = resolve(own[1]) if own else text
    return f"<{iri}>" if _ABSOLUTE.fullmatch(iri) else None


def _string(text: str, resolve: Resolve) -> str | None:
    if any(unicodedata.category(char) in ("Cc", "Cs") and char not in "\t\n\r" for char in text):
        return None
    return '"' + "".join(_ESCAPES.get(char, char) for char in text) + '"'


def _notation(text: str, resolve: Resolve) -> str | None:
    return f'"{text}"' if _NOTATION.fullmatch(text) else None


def _integer(text: str, resolve: Resolve) -> str | None:
    return str(int(text)) if text.isascii() and _INTEGER.fullmatch(text) else None


def _decimal(text: str, resolve: Resolve) -> str | None:
    text = text.replace(",", ".", 1)  # A Swedish reader writes 61,04 in a form.
    if not (text.isascii() and _DECIMAL.fullmatch(text)):
        return None
    return text if "." in text else f"{text}.0"


def _date(text: str, resolve: Resolve) -> str | None:
    if not (text.isascii() and _DATE.fullmatch(text)):
        return None
    try:
        return f'"{date.fromisoformat(text).isoformat()}"^^<http://www.w3.org/2001/XMLSchema#date>'
    except ValueError:
        return None


def _language(text: str, resolve: Resolve) -> str | None:
    return f'"{text.lower()}"' if text.isascii() and _LANGUAGE.fullmatch(text) else None


@dataclass(frozen=True, slots=True)
class Type:
    """One type of value: its name in both languages, how it is written as a term, and its JSON Schema."""

    title: Mapping[str, str]
    write: Callable[[str, Resolve], str | None]
    schema: Mapping[str, object]
    control: str = "text"  # the HTML input that takes it


# What the OpenAPI document says of values: never more than what is taken (JSON Schema 2020-12, 6.3.3; ECMA-262 with u).
_IRI_PART = r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/?\u00a1-\ud7ff-]|%[0-9A-Fa-f]{2})"
_IRI_SCHEMA = (
    rf"^(?:https?://[A-Za-z0-9.-]+/{_IRI_PART}*|urn:[a-z]+:{_IRI_PART}+|/?(?:id|def|spec|graph)/{_IRI_PART}+)"
    rf"(?:#{_IRI_PART}*)?$"
)
_STRING_SCHEMA = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]+$"

TYPES: Mapping[str, Type] = MappingProxyType(
    {
        "iri": Type(
            {
                "sv": "en adress (IRI), hel eller från vår rot: def/…, id/…",
                "en": "an IRI, whole or from our root: def/…, id/…",
            },
            _iri,
            {"type": "string", "pattern": _IRI_SCHEMA, "maxLength": LONGEST},
        ),
        "string": Type(
            {"sv": "en text", "en": "a text"},
            _string,
            {"type": "string", "pattern": _STRING_SCHEMA, "maxLength": LONGEST},
        ),
        "notation": Type(
            {"sv": "en kod", "en": "a code"},
            _notation,
            {"type": "string", "pattern": r"^[\p{L}\p{N}_.:/+-]{1,100}$"},
        ),
        "integer": Type(
            {"sv": "ett heltal", "en": "a whole number"},
            _integer,
            {"type": "integer", "minimum": -(10**18) + 1, "maximum": 10**18 - 1},
            "number",
        ),
        "decimal": Type(
            {"sv": "ett tal", "en": "a number"},
            _decimal,
            {"type": "string", "pattern": r"^[+-]?[0-9]{1,18}([.,][0-9]{1,18})?$"},
        ),
        "date": Type(
            {"sv": "ett datum (ÅÅÅÅ-MM-DD)", "en": "a date (YYYY-MM-DD)"},
            _date,
            {"type": "string", "format": "date"},
            "date",
        ),
        "language": Type(
            {"sv": "en språkkod", "en": "a language tag"},
            _language,
            {"type": "string", "pattern": "^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$"},
        ),
    }
)
"""Every type that a parameter can have, by the word in the header of a query."""


def term(type: str, text: str, resolve: Resolve) -> str | None:
    """Return a value as a SPARQL term, None when it is not of the type.

    >>> term("integer", "2026", str)
    '2026'
    >>> term("string", 'a" } DROP ALL', str)
    '"a\\\\" } DROP ALL"'
    >>> term("iri", "def/spending/K71", "https://data.norrsjo.example/".__add__)
    '<https://data.norrsjo.example/def/spending/K71>'
    """
    if not text or len(text) > LONGEST:
        return None
    # What is published is NFC, but an IRI is compared as it is spelled (RFC 3987, 5.3.1).
    return TYPES[type].write(text if type == "iri" else unicodedata.normalize("NFC", text), resolve)
