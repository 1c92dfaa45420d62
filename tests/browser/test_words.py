"""Every page is in the visitor's language, has a title of its own, parses without a fault and is light."""

from __future__ import annotations

import gzip
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

import html5lib
import pytest
from babel.messages.pofile import read_po
from flask import Flask

import server
from server.assets import manifest_time, read_manifest
from tests.browser.pages import ADDRESSES, PAGES, in_language

pytestmark = pytest.mark.slow

HTML = {"Accept": "text/html"}
NOT_PROSE = {"code", "pre", "script", "style", "textarea"}
ALIKE = {"Format", "Prefix", "datasets", "concepts"}  # words of both languages, and names of graphs and addresses
ANSWERS = {"sparql-chart", "sparql-raw", "sparql-table"}  # what they show is the data's
SAME_PAGE = ANSWERS | {"404-thing"}  # a page in another state


@pytest.fixture(scope="module")
def bodies(region: Flask) -> dict[tuple[str, str], str]:
    """The text of every page in both languages."""
    client = region.test_client()
    texts = {}
    for name, (path, status) in ADDRESSES.items():
        for language in ("sv", "en"):
            answer = client.get(in_language(path, language), headers=HTML)
            assert answer.status_code == status, (name, language)
            texts[name, language] = answer.text
    return texts


@pytest.fixture(scope="module")
def catalogue() -> dict[str, str]:
    """The Swedish of every sentence of the pages that differs in the two languages."""
    path = Path(server.__file__).parent / "translations" / "sv.po"
    with path.open("rb") as file:
        sentences = read_po(file, "sv")
    pairs = [(one.id, one.string) for one in sentences if isinstance(one.id, str) and one.id]
    return {english: str(swedish) for english, swedish in pairs if english.casefold() != str(swedish).casefold()}


def _spoken(element: Element, language: str) -> Iterator[str]:
    """Yield the texts that a page shows in its own language, without what is marked as another's, and code."""
    tag = element.tag.rpartition("}")[2] if isinstance(element.tag, str) else "#"
    if tag in NOT_PROSE or tag == "#" or element.get("lang", language) != language:
        return
    if element.text and element.text.strip():
        yield " ".join(element.text.split())
    for name in ("aria-label", "placeholder", "alt"):
        if element.get(name):
            yield element.get(name, "")
    for child in element:
        yield from _spoken(child, language)
        if child.tail and child.tail.strip():
            yield " ".join(child.tail.split())


def test_pages_parse_without_a_fault(bodies: dict[tuple[str, str], str]) -> None:
    for (name, language), text in bodies.items():
        parser = html5lib.HTMLParser()
        tree = parser.parse(text)
        assert not parser.errors, (name, language, parser.errors[:3])
        headings = [element for element in tree.iter() if str(element.tag).endswith("}h1")]
        assert len(headings) == 1, (name, language)


def test_titles_tell_pages_apart(bodies: dict[tuple[str, str], str]) -> None:
    for language in ("sv", "en"):
        titles = Counter(
            re.search(r"<title>(.*?)</title>", text, re.DOTALL)[1]  # type: ignore[index]
            for (name, spoken), text in bodies.items()
            if spoken == language and name not in SAME_PAGE
        )
        assert [title for title, count in titles.items() if count > 1] == []


@pytest.mark.parametrize("language", ["sv", "en"])
def test_no_sentence_is_left_in_the_other_language(
    bodies: dict[tuple[str, str], str], catalogue: dict[str, str], language: str
) -> None:
    if language == "en":
        others = {swedish for english, swedish in catalogue.items() if swedish not in catalogue}
    else:
        others = set(catalogue) - set(catalogue.values())
    left = []
    for (name, spoken), text in bodies.items():
        if spoken != language or name in ANSWERS:
            continue
        root = html5lib.parse(text)
        left += [f"{name}: {said}" for said in _spoken(root, language) if said in others - ALIKE]
    assert not left, "\n".join(sorted(set(left)))


def test_pages_are_light(region: Flask, bodies: dict[tuple[str, str], str]) -> None:
    if not read_manifest(manifest_time()):
        pytest.skip("the front end was not built (SKIP_FRONTEND=1)")
    client = region.test_client()
    parts: dict[str, int] = {}
    for name, path in PAGES.items():
        text = bodies[name, "sv"]
        found = re.findall(r'<link rel="stylesheet" href="([^"]+)"|<script type="module" src="([^"]+)"', text)
        assert len(found) >= 2
        for style, script in found:
            if style + script not in parts:
                body = client.get(style + script, buffered=True).data
                parts[style + script] = len(gzip.compress(body, 9))
        weight = len(gzip.compress(text.encode(), 9)) + sum(parts[style + script] for style, script in found)
        # A map brings its library along, to the pages whose things have places.
        most = (
            250_000
            if path.startswith("/sparql")
            else 90_000
            if any("/map-" in "".join(one) for one in found)
            else 60_000
        )
        assert weight <= most, (name, weight)
