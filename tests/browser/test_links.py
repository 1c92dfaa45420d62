"""Every link of every kind of page leads somewhere, and what leads nowhere says so where it stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import urldefrag, urljoin, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.browser.pages import ADDRESSES, REFUSALS, in_language

pytestmark = pytest.mark.slow

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
ALIKE = 3  # how many links of one kind are followed from a page
ANSWERS = (200, 303, 307, 302)


class _Links(HTMLParser):
    """Collects where a page leads and the places in it that can be led to."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self.places: set[str] = set()
        self.withdrawn: set[str] = set()
        self._row_is_withdrawn = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag's address and identity."""
        given = dict(attrs)
        self.places.add(given.get("id") or "")
        if (given.get("class") or "").split() == ["chip", "bad"]:
            self._row_is_withdrawn = True
        address = given.get({"a": "href", "link": "href", "img": "src", "script": "src"}.get(tag, "-"))
        if address and given.get("rel") not in ("preconnect", "nofollow external"):
            self.found.append((address, tag))
            if tag == "a" and self._row_is_withdrawn:
                self.withdrawn.add(address)

    def handle_endtag(self, tag: str) -> None:
        """Note where a row ends."""
        self._row_is_withdrawn = self._row_is_withdrawn and tag != "tr"


def _read(text: str) -> _Links:
    links = _Links()
    links.feed(text)
    return links


def _local(links: _Links, page: str) -> Iterator[str]:
    """The addresses on this host that a page leads to: a few of each kind."""
    kinds: Counter[str] = Counter()
    for address, _tag in links.found:
        whole = urljoin(f"http://here{page}", address)
        parts = urlsplit(whole)
        if parts.netloc != "here":
            continue
        keys = ",".join(sorted(pair.partition("=")[0] for pair in parts.query.split("&") if pair))
        kind = "/".join(parts.path.split("/")[:3]) + "." + parts.path.rpartition(".")[2][:6] + "?" + keys
        kinds[kind] += 1
        if kinds[kind] <= ALIKE:
            yield whole.removeprefix("http://here")


def _follow(client: FlaskClient, address: str) -> int:
    answer = client.get(urldefrag(address)[0], headers=HTML)
    for _ in range(3):
        if answer.status_code not in ANSWERS[1:]:
            break
        answer = client.get(answer.headers["Location"].removeprefix("https://data.norrsjo.example"), headers=HTML)
    status = answer.status_code
    answer.close()
    return status


def test_every_local_link_answers(region: Flask) -> None:
    client = region.test_client()
    led: dict[str, str] = {}
    withdrawn: set[str] = set()
    gone: list[str] = []
    for name, (path, _status) in ADDRESSES.items():
        for language in ("sv", "en"):
            page = in_language(path, language)
            links = _read(client.get(page, headers=HTML).text)
            withdrawn |= links.withdrawn
            for address in _local(links, page):
                # A page of a refusal names itself, in the other language.
                if urlsplit(address).path != urlsplit(path).path or name not in REFUSALS:
                    led.setdefault(urldefrag(address)[0], name)
            for address, _tag in links.found:
                if address.startswith("#") and address[1:] not in links.places:
                    gone.append(f"{name}: {address} is nowhere on the page")
    assert len(led) > 300 and withdrawn
    for address, name in led.items():
        if (status := _follow(client, address)) != (410 if address in withdrawn else 200):
            gone.append(f"{name}: {address} answers {status}")
    assert not gone, "\n".join(gone)
