"""Fetch sources from the web: the one module of the loaders that opens a connection.

Only http and https; only public addresses unless settings allow others, checked where the connection is made and so
for every redirect too; sizes, times, redirects and pages limited. What was fetched is kept with its ETag and asked for
conditionally; a page that is no data never takes the place of the last good copy.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import socket
import threading
import time
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any
from urllib.parse import unquote, urljoin, urlsplit

import ijson
import requests
from urllib3.exceptions import HTTPError

from loaders.addresses import is_public
from loaders.connections import Connections, Refused, session
from loaders.errors import SourceError
from loaders.findings import Finding
from loaders.sniff import looks_like_page
from loaders.source import SourceFile

CHUNK = 1 << 16
_REDIRECTS = (301, 302, 303, 307, 308)
_AGAIN = (429, 500, 502, 503, 504)
# Headers that tell how to read a table (CSVW, Tabular Data Model 5.2 and 6.1).
_TELLING = ("Content-Type", "Content-Language", "Link")
_LONGEST_HEADER = 8192


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """How much one source may take."""

    bytes: int = 2 << 30
    seconds: float = 600.0
    redirects: int = 5
    pages: int = 10_000
    tries: int = 3


def one_address(address: str, *, allow_private: bool) -> str:
    """Return one network address of an address's host; raise SourceError when one of them may not be fetched from.

    For programs that connect by themselves and can be told where.
    """
    parts = urlsplit(address)
    try:
        found = socket.getaddrinfo(parts.hostname, parts.port or 443, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, ValueError):
        raise _fault("source.unreachable", address) from None
    hosts = [str(entry[4][0]) for entry in found]
    if not allow_private and not all(map(is_public, hosts)):
        raise _fault("source.private-address", address)
    return hosts[0]


@dataclass
class Fetcher:
    """Fetches the files of an address into a folder; call it with the address."""

    folder: Path
    allow_private: bool = False
    limits: FetchLimits = field(default_factory=FetchLimits)
    sleep: Callable[[float], None] = time.sleep

    def __call__(self, address: str) -> list[SourceFile]:
        """Return the files that an address gives, page by page; raise SourceError when it gives no data."""
        files: list[SourceFile] = []
        seen: set[str] = set()
        total = 0
        following: str | None = address
        while following and following not in seen:
            if len(files) >= self.limits.pages:
                raise _fault("source.too-large", address, limit=f"{self.limits.pages} pages")
            seen.add(following)
            file = self._one(following)
            total += file.path.stat().st_size
            if total > self.limits.bytes:
                raise _fault("source.too-large", address, limit=f"{self.limits.bytes >> 20} MiB")
            files.append(file if not files else replace(file, name=f"{file.name} ({len(files) + 1})"))
            following = _next_page(file.path, following)
        return files

    def _one(self, address: str) -> SourceFile:
        """Return what one address gives, from the web or, when unchanged, from the folder."""
        place = self.folder / hashlib.sha256(address.encode()).hexdigest()[:32]
        kept = _kept(place)
        for attempt in range(1, self.limits.tries + 1):
            try:
                return self._asked(address, place, kept)
            except _Again as again:
                if attempt == self.limits.tries:
                    raise again.error from None
                self.sleep(min(again.after or 2.0**attempt, 30.0))
        raise AssertionError("tries is at least 1")

    def _asked(self, address: str, place: Path, kept: dict[str, str]) -> SourceFile:
        connections = Connections(self.allow_private)
        try:
            with _deadline(connections, self.limits.seconds) as late, session(connections) as opened:
                try:
                    return self._answered(opened, address, place, kept)
                except Refused:
                    raise _fault("source.private-address", address) from None
                except (requests.RequestException, HTTPError, OSError, ValueError):
                    # A socket that the deadline closed fails in whatever way its reader happens to.
                    if late.is_set():
                        raise _fault("source.too-slow", address, limit=f"{self.limits.seconds:g} s") from None
                    raise _Again(_fault("source.unreachable", address)) from None
        finally:
            connections.end()

    def _answered(self, opened: requests.Session, address: str, place: Path, kept: dict[str, str]) -> SourceFile:
        headers = {"User-Agent": "torg", "Accept-Encoding": "gzip"}
        if kept.get("etag"):
            headers["If-None-Match"] = kept["etag"]
        if kept.get("modified"):
            headers["If-Modified-Since"] = kept["modified"]
        here = address
        for _ in range(self.limits.redirects + 1):
            _check(here, address)
            with opened.get(here, headers=headers, stream=True, allow_redirects=False, timeout=(10, 60)) as answer:
                if answer.status_code in _REDIRECTS and "Location" in answer.headers:
                    after = urljoin(here, answer.headers["Location"])
                    if here.startswith("https:") and not after.startswith("https:"):
                        raise _fault("source.address-refused", address)
                    here = after
                    continue
                if answer.status_code == 304 and kept:
                    return _file(kept, place)
                return self._taken(answer, address, here, place)
        raise _fault("source.too-many-redirects", address, limit=str(self.limits.redirects))

    def _taken(self, answer: requests.Response, address: str, here: str, place: Path) -> SourceFile:
        """Write the answer's body beside the last one, and put it in its place when it is whole and no page."""
        if answer.status_code != 200:
            error = _fault("source.http-status", address, status=str(answer.status_code))
            if answer.status_code in _AGAIN:
                after = answer.headers.get("Retry-After", "")
                raise _Again(error, float(after) if after.isdigit() else None)
            raise error
        place.mkdir(parents=True, exist_ok=True)
        fresh = place / f"data-{os.getpid()}-{threading.get_ident()}"
        digest, size = hashlib.sha256(), 0
        try:
            with fresh.open("wb") as file:
                for block in _body(answer):
                    size += len(block)
                    if size > self.limits.bytes:
                        raise _fault("source.too-large", address, limit=f"{self.limits.bytes >> 20} MiB")
                    digest.update(block)
                    file.write(block)
            said = answer.headers.get("Content-Length", "")
            if said.isdigit() and answer.raw.tell() < int(said):
                raise _Again(_fault("source.cut-short", address))
            with fresh.open("rb") as file:
                if looks_like_page(file.read(8192)):
                    raise _fault("source.html", address)
            fresh.replace(place / "data")
        finally:
            fresh.unlink(missing_ok=True)
        kept = {
            "address": address,
            "name": _file_name(answer, here),
            "sha256": digest.hexdigest(),
            "etag": answer.headers.get("ETag", ""),
            "modified": answer.headers.get("Last-Modified", ""),
        } | {name: answer.headers[name][:_LONGEST_HEADER] for name in _TELLING if name in answer.headers}
        (place / "about.json").write_text(json.dumps(kept, ensure_ascii=False), "utf-8")
        return _file(kept, place)


def _file(kept: dict[str, str], place: Path) -> SourceFile:
    headers = tuple((name, kept[name]) for name in _TELLING if kept.get(name))
    return SourceFile(kept["name"], place / "data", kept["sha256"], headers)


def ask(
    method: str, address: str, headers: dict[str, str], *, most_bytes: int = 16 << 20, seconds: float = 15.0
) -> tuple[int, bytes]:
    """Return status and body of what an instance of our own answers; raise OSError when nothing whole comes.

    For addresses that the operator gives, private ones too; redirections are not followed, proxies not asked.
    """
    with _opened(method, address, headers, seconds) as answer:
        body = bytearray()
        for block in _body(answer):
            body += block
            if len(body) > most_bytes:
                raise OSError(f"the answer has more than {most_bytes} bytes")
        said = answer.headers.get("Content-Length", "")
        if said.isdigit() and answer.raw.tell() < int(said):
            raise OSError("the answer ended before its length")
        return answer.status_code, bytes(body)


def stream(address: str, headers: dict[str, str], file: IO[bytes], *, most_bytes: int, seconds: float = 3600.0) -> int:
    """Append what an instance of our own answers to a file, from its end on (RFC 9110, 14.2), and return the status.

    Raises OSError when the answer ends before its length or would make the file longer than `most_bytes`; what has come
    stays in the file, so that the next try goes on from there.
    """
    start = file.seek(0, os.SEEK_END)
    ranged = {"Range": f"bytes={start}-"} if start else {}
    with _opened("GET", address, {"Accept-Encoding": "identity"} | headers | ranged, seconds) as answer:
        if answer.status_code not in (200, 206):
            return answer.status_code
        if answer.status_code == 200 and start:
            start = file.seek(0)
            file.truncate()
        for block in _body(answer):
            start += len(block)
            if start > most_bytes:
                raise OSError(f"the file would have more than {most_bytes} bytes")
            file.write(block)
        said = answer.headers.get("Content-Length", "")
        if said.isdigit() and answer.raw.tell() < int(said):
            raise OSError("the answer ended before its length")
        return answer.status_code


@contextmanager
def _opened(method: str, address: str, headers: dict[str, str], seconds: float) -> Iterator[requests.Response]:
    connections = Connections(allow_private=True)
    try:
        with _deadline(connections, seconds), session(connections) as opened:
            try:
                own = {"User-Agent": "torg", **headers}
                with opened.request(
                    method, address, headers=own, stream=True, allow_redirects=False, timeout=(10, 60)
                ) as answer:
                    yield answer
            except (requests.RequestException, HTTPError, ValueError) as error:
                raise OSError(str(error)) from error
    finally:
        connections.end()


class _Again(Exception):
    """A fault that may be gone when tried again."""

    def __init__(self, error: SourceError, after: float | None = None) -> None:
        super().__init__(error)
        self.error = error
        self.after = after


def _body(answer: requests.Response) -> Iterator[bytes]:
    """Yield the body as it comes, each part as soon as it is there, so that sizes and times are seen in time."""
    while block := answer.raw.read1(CHUNK, decode_content=True):
        yield block


@contextmanager
def _deadline(connections: Connections, seconds: float) -> Iterator[threading.Event]:
    """End the connections when the time is out: a server that drips bytes would outlast any other timeout."""
    late = threading.Event()

    def end() -> None:
        late.set()
        connections.end()

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield late
    finally:
        timer.cancel()


def _check(here: str, address: str) -> None:
    parts = urlsplit(here)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise _fault("source.address-refused", address)


def _kept(place: Path) -> dict[str, str]:
    try:
        kept: dict[str, str] = json.loads((place / "about.json").read_text("utf-8"))
        data = place / "data"
        with data.open("rb") as file:
            whole = hashlib.file_digest(file, "sha256").hexdigest() == kept["sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return kept if whole else {}


def _file_name(answer: requests.Response, here: str) -> str:
    """Return a name for the file: the server's own (RFC 6266), else the end of the address."""
    said = answer.headers.get("Content-Disposition", "")
    hit = re.search(r"filename\*=(?:UTF-8|utf-8)''([^;]+)", said) or re.search(r'filename="?([^";]+)"?', said)
    name = unquote(hit[1]) if hit else unquote(urlsplit(here).path)
    name = re.split(r"[/\\]", name.rstrip("/"))[-1]
    name = "".join(sign for sign in unicodedata.normalize("NFC", name) if sign.isprintable())
    return name[:120].strip(". ") or "data"


def _next_page(path: Path, here: str) -> str | None:
    """Return the address of the page after this one, for EntryStore's rowstore and CKAN's datastore; None at the end.

    A page on another host is never followed: the steward named this one.
    """
    with path.open("rb") as file:
        head = file.read(3)
        if not head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
            return None
        file.seek(3 if head == b"\xef\xbb\xbf" else 0)
        said: dict[str, Any] = {}
        rows = 0
        try:
            for prefix, event, value in ijson.parse(file):
                if event == "start_map" and prefix in ("results.item", "result.records.item"):
                    rows += 1
                elif prefix in ("next", "result._links.next", "resultCount", "offset", "result.total", "result.offset"):
                    said[prefix] = value
                elif prefix.count(".") > 64:
                    return None
        except (ijson.JSONError, UnicodeError):
            return None  # told when the file is read
    following = said.get("next") or said.get("result._links.next")
    total = said.get("resultCount", said.get("result.total"))
    before = said.get("offset", said.get("result.offset", 0))
    if not rows or not isinstance(following, str):
        return None
    if isinstance(total, int) and isinstance(before, int) and before + rows >= total:
        return None
    after = urljoin(here, following)
    return after if urlsplit(after)[:2] == urlsplit(here)[:2] else None


def _fault(rule: str, address: str, **detail: str) -> SourceError:
    """Return the error for an address, shown without its query: keys and tokens stand there."""
    shown = urlsplit(address)._replace(query="", fragment="").geturl()
    if "@" in urlsplit(address).netloc:
        shown = urlsplit(shown)._replace(netloc=urlsplit(shown).hostname or "").geturl()
    return SourceError(Finding(rule, file=shown, detail=tuple(detail.items())))
