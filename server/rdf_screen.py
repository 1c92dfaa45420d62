"""Looks for persons' numbers in graphs that came as RDF, which no column mapping has screened."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote

from loaders.findings import Finding, Findings
from loaders.privacy import Screen, begins_as_date, is_person

# subject, property, then a literal's text and datatype, or an IRI.
_LINE = re.compile(
    r'<([^<>]*)> <([^<>]*)> (?:"((?:[^"\\]|\\.)*)"(?:@[\w-]+|\^\^<([^<>]*)>)?|<([^<>]*)>) \.\n', re.DOTALL
)
_SHORTEST = 9
_NEVER = frozenset(
    f"http://www.w3.org/2001/XMLSchema#{name}" for name in ("date", "dateTime", "time", "boolean", "gYear", "duration")
)
_NUMBER_SIGNS = re.compile(r"[\d\s.,+\-–'\"=]+")


def screen_graph(lines: Iterable[str], findings: Findings) -> None:
    """Add a finding for every property whose values are persons' numbers, for texts and addresses that hold one.

    Values that are numbers and nothing else are judged by their share, like a column; a text or an address with a
    person's number in it is none too many, for nothing can be withheld from a graph that is taken over whole.
    """
    numbers: dict[str, Screen] = {}
    texts: dict[str, int] = {}
    addresses: set[str] = set()
    for line in lines:
        hit = _LINE.fullmatch(line)
        if hit is None:
            continue
        subject, property, text, datatype, object = hit.groups()
        for address in (subject, object):
            if address and _holds_person(address):
                addresses.add(address)
        if text is None or len(text) < _SHORTEST or datatype in _NEVER:
            continue
        if _NUMBER_SIGNS.fullmatch(text):
            numbers.setdefault(property, Screen(property)).look(text, 0)
        elif is_person(text):
            texts[property] = texts.get(property, 0) + 1
    for property, screen in sorted(numbers.items()):
        if screen.alarms:
            _tell(
                findings,
                "personal.rdf-property",
                property,
                screen.hits,
                share=f"{100 * screen.hits / screen.filled:.0f} %",
            )
    for property, count in sorted(texts.items()):
        _tell(findings, "personal.number-in-rdf", property, count)
    if addresses:
        _tell(findings, "personal.number-in-address", "", len(addresses))


def _holds_person(address: str) -> bool:
    """Tell whether the last part of an address is a person's number; a chance hit in a hash is none."""
    last = unquote(re.split(r"[/#=]", address.rstrip("/"))[-1])
    return len(last) >= _SHORTEST and begins_as_date(last) and is_person(last)


def _tell(findings: Findings, rule: str, property: str, count: int, **detail: str) -> None:
    name = property.rpartition("#")[2].rpartition("/")[2]
    findings.add(Finding(rule, column=name, count=count, detail=(("property", property), *detail.items())))
