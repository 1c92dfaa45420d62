"""Chooses the representation of an answer: media type and language, from what a client sent and what there is.

Pure functions over header texts (RFC 9110, section 12). A part of a header that cannot be read is
passed over, and a header with no readable part counts as absent, so that no client is shut out by a
typing error.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

LONGEST_HEADER = 16_384
"""Characters of a header that are read; a request with a longer one is refused with 431 before it is negotiated."""
_MEDIA_RANGE = re.compile(r"([A-Za-z0-9!#$&^_.+-]+|\*)/([A-Za-z0-9!#$&^_.+-]+|\*)\Z")
_LANGUAGE_RANGE = re.compile(r"(?:[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*|\*)\Z")
_WEIGHT = re.compile(r"(?:0(?:\.\d*)?|1(?:\.0*)?)\Z")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')


@dataclass(frozen=True, slots=True)
class Offer:
    """One representation that can be had: its media type, and other names that clients ask for it by."""

    media_type: str
    aliases: tuple[str, ...] = ()


def negotiate(accept: str | None, offers: Sequence[Offer]) -> Offer | None:
    """Return the offer the client likes best, None when every offer is refused.

    Highest q wins; the most specific range decides an offer's q, and q=0 refuses. Ties go to the
    offer named outright over one that only a wildcard lets in, then to our own order.

    >>> page, data = Offer("text/html"), Offer("text/turtle")
    >>> negotiate("text/turtle;q=0.9, */*;q=0.1", [page, data]).media_type
    'text/turtle'
    >>> negotiate("image/png", [page, data]) is None
    True
    """
    ranges = _media_ranges(accept)
    if not ranges:
        return offers[0] if offers else None
    best: Offer | None = None
    best_rank = (0.0, 0)
    for offer in offers:
        # An alias is for those who name it: a wildcard never lets in what q=0 refused by its own name.
        named = [rank for alias in offer.aliases if (rank := _rank(alias, ranges))[1] == 3]
        rank = max([_rank(offer.media_type, ranges), *named])
        if rank[0] > 0 and rank > best_rank:
            best, best_rank = offer, rank
    return best


def negotiate_language(accept_language: str | None, offered: Sequence[str], default: str) -> str:
    """Return the offered language the client likes best, the default when none fits (RFC 4647, lookup).

    A refusal of every language is not honoured: a page in the default language serves better than none.

    >>> negotiate_language("xx, en-GB;q=0.8, sv;q=0.7", ["sv", "en"], "sv")
    'en'
    """
    best, best_rank = default, (0.0, 0)
    ranges = _language_ranges(accept_language)
    for language in [default, *(other for other in offered if other != default)]:
        ranks = [(q, rank) for range_, q in ranges if (rank := _language_match(range_, language))]
        exact = max((rank for _, rank in ranks), default=0)
        q = max((q for q, rank in ranks if rank == exact), default=0.0)
        if q > 0 and (q, exact) > best_rank:
            best, best_rank = language, (q, exact)
    return best


def negotiate_profile(accept_profile: str | None, offered: Sequence[str]) -> str | None:
    """Return the offered profile the client likes best, None when it names none of them (DX-PROF-CONNEG, 7.2).

    A profile is a wish about the content, so one there is not is never a reason to refuse.

    >>> negotiate_profile("<http://www.w3.org/ns/dcat#>;q=0.9, <urn:other>", ["http://www.w3.org/ns/dcat#"])
    'http://www.w3.org/ns/dcat#'
    """
    best, most = None, 0.0
    for value, q in _parts(accept_profile):
        name = value.strip("<>")
        if name in offered and q > most:
            best, most = name, q
    return best


def _rank(name: str, ranges: Sequence[tuple[str, str, float]]) -> tuple[float, int]:
    """Return (q, specificity) that the ranges give a media type; (0, 0) when none matches."""
    type, _, subtype = name.partition("/")
    found = (0.0, 0)
    most = 0
    for range_type, range_subtype, q in ranges:
        if range_type == "*":
            specificity = 1
        elif range_type != type:
            continue
        elif range_subtype == "*":
            specificity = 2
        elif range_subtype == subtype:
            specificity = 3
        else:
            continue
        # A parameter we do not tell apart (profile, charset, level) still names the type.
        if specificity > most or (specificity == most and q > found[0]):
            most, found = specificity, (q, specificity)
    return found


def _media_ranges(header: str | None) -> list[tuple[str, str, float]]:
    ranges = []
    for value, q in _parts(header):
        if match := _MEDIA_RANGE.match(value.lower()):
            if match[1] == "*" and match[2] != "*":
                continue
            ranges.append((match[1], match[2], q))
    return ranges


def _language_ranges(header: str | None) -> list[tuple[str, float]]:
    return [(value.lower(), q) for value, q in _parts(header) if _LANGUAGE_RANGE.match(value)]


def _language_match(range_: str, language: str) -> int:
    """Return how well a range fits a language: 3 the same, 2 a region of it, 1 anything, 0 not at all."""
    if range_ == language:
        return 3
    if range_.split("-")[0] == language:
        return 2
    return 1 if range_ == "*" else 0


def _parts(header: str | None) -> list[tuple[str, float]]:
    """Return (value, q) of each readable element of a list header."""
    parts = []
    text = _QUOTED.sub('""', (header or "")[:LONGEST_HEADER])
    for element in text.split(","):
        value, *parameters = (piece.strip() for piece in element.split(";"))
        q, readable = 1.0, bool(value)
        for parameter in parameters:
            name, _, given = parameter.partition("=")
            if name.strip().lower() == "q":
                readable = readable and bool(_WEIGHT.match(given.strip()))
                q = float(given) if readable else 0.0
        if readable:
            parts.append((value, q))
    return parts
