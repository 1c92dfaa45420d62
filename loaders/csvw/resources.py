"""Finds what an IRI stands for: a file beneath a local root, a local file, or what the caller's fetch returns."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from loaders.csvw.problems import CsvwError
from loaders.csvw.terms import resolve

_DEFAULT_PORTS = {"http": "80", "https": "443"}
# Metadata is written by hand; what is longer is data.
_LONGEST_METADATA = 16 * 1024 * 1024
_DEEPEST_METADATA = 100


@dataclass(slots=True)
class Response:
    """What a fetch of an IRI gives: its bytes and the headers that CSVW looks at."""

    body: BinaryIO
    headers: Mapping[str, str] = field(default_factory=dict)

    def header(self, name: str) -> str:
        """Return the value of a header, however its name is written; empty when there is none."""
        return next((value for key, value in self.headers.items() if key.lower() == name.lower()), "")


Fetch = Callable[[str], Response | None]


class Resources:
    """Opens documents by IRI; nothing outside `root` is read for an IRI beneath `base`."""

    def __init__(self, base: str | None = None, root: Path | None = None, fetch: Fetch | None = None) -> None:
        # What is beneath an address begins with a slash, whether the address was written with one or not.
        self.base = base if base is None or base.endswith("/") else base + "/"
        self.root = root.resolve() if root is not None else None
        self._fetch = fetch
        self.local_files = False

    @property
    def mirrored(self) -> bool:
        """Whether a site is read from a local copy, so that its configuration cannot be asked for."""
        return self.base is not None and self.root is not None

    def iri(self, name: str) -> str:
        """Return the IRI of what the user named: an IRI, or a path, which stands beneath the base if in the root."""
        scheme = urlsplit(name).scheme
        if len(scheme) > 1 and not Path(name).exists():
            return name
        path = Path(name).resolve()
        self.local_files = True
        if self.base is not None and self.root is not None and path.is_relative_to(self.root):
            return self.base + quote(path.relative_to(self.root).as_posix())
        return path.as_uri()

    def open(self, iri: str) -> Response | None:
        """Return the document of the IRI, or None when there is none."""
        path = self._path(iri)
        if path is not None:
            try:
                return Response(path.open("rb", buffering=1 << 16), _headers(path)) if path.is_file() else None
            except (OSError, ValueError):
                return None
        if iri.startswith("file:") or self._fetch is None:
            return None
        return self._fetch(iri)

    def table(self, iri: str) -> Response:
        """Return the document of a table; raise CsvwError when there is none."""
        response = self.open(iri.partition("#")[0])
        if response is None:
            raise CsvwError(f"the table {iri} cannot be read", file=iri, rule="csvw.missing")
        return response

    def json(self, iri: str) -> Any:
        """Return the JSON of the IRI; raise CsvwError when there is none, or when it is no JSON."""
        text = self.text(iri)
        if text is None:
            raise CsvwError(f"the metadata document {iri} cannot be read", file=iri, rule="csvw.missing")
        return parse_json(text, iri)

    def text(self, iri: str) -> str | None:
        """Return the text of a small document, or None when there is none or it is not UTF-8."""
        response = self.open(iri.partition("#")[0])
        if response is None:
            return None
        with response.body as body:
            content = body.read(_LONGEST_METADATA + 1)
        if len(content) > _LONGEST_METADATA:
            return None
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError:
            return None

    def _path(self, iri: str) -> Path | None:
        if self.base is not None and not iri.startswith(self.base):
            iri = _beneath(iri, self.base)
        if self.base is not None and self.root is not None and iri.startswith(self.base):
            rest = iri[len(self.base) :].partition("#")[0]
            try:
                exact = (self.root / unquote(rest)).resolve()
                path = exact if exact.is_file() else (self.root / unquote(rest.partition("?")[0])).resolve()
            except (OSError, ValueError):
                # A name that no file can have: too long, or with a NUL.
                return self.root / ".outside"
            return path if path.is_relative_to(self.root) else self.root / ".outside"
        if iri.startswith("file:") and self.local_files:
            return Path(unquote(urlsplit(iri).path))
        return None


def _headers(path: Path) -> dict[str, str]:
    """Return what a server would say of the file: of a table with tabs, its media type."""
    return {"Content-Type": "text/tab-separated-values"} if path.suffix.lower() in (".tsv", ".tab") else {}


def parse_json(text: str, name: str) -> Any:
    """Return the parsed JSON; raise CsvwError on anything else (Metadata Vocabulary 3)."""
    try:
        document = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise CsvwError("the metadata document is not valid JSON", file=name) from error
    level, depth = [document], 0
    while level:
        level = [item for value in level for item in _items(value)]
        depth += 1
        if depth > _DEEPEST_METADATA:
            raise CsvwError(f"the metadata document is nested more than {_DEEPEST_METADATA} deep", file=name)
    return document


def _items(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _no_constant(name: str) -> None:
    """Refuse NaN and Infinity, which JSON has not (RFC 8259 6)."""
    raise ValueError(name)


def memory(content: bytes, headers: Mapping[str, str] | None = None) -> Response:
    """Return a response of bytes at hand."""
    return Response(io.BytesIO(content), headers or {})


def same_url(first: str, second: str) -> bool:
    """Compare URLs after syntax- and scheme-based normalisation (Metadata Vocabulary 6.3; RFC 3986 6.2).

    >>> same_url("HTTP://www.W3.org:80/a/../b%7e", "http://www.w3.org/b~")
    True
    """
    return _normalised(first) == _normalised(second)


def _beneath(iri: str, base: str) -> str:
    """Return the IRI as it is written beneath the base, where only its spelling differs, or http for https.

    A site that is mirrored may have moved to https since its metadata was written; its tables are the same.
    """
    spelled, start = _normalised(iri), _normalised(base)
    spelled, start = (re.sub("^https?:", "https:", each) for each in (spelled, start))
    return base + spelled[len(start) :] if spelled.startswith(start) else iri


def normalise_url(url: str) -> str:
    """Return a link's URL normalised by syntax and scheme, with its fragment (Metadata Vocabulary 6, step 3).

    >>> normalise_url("HTTP://Orebro.se:80/a/../skolor%2ecsv#rad")
    'http://orebro.se/skolor.csv#rad'
    """
    document, mark, fragment = url.partition("#")
    return _normalised(document) + mark + fragment


def _normalised(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        # A bracket that is no IPv6 address's: nothing to normalise.
        return url
    scheme = parts.scheme.lower()
    if not parts.netloc:
        whole = (scheme, "", _percent(parts.path), _percent(parts.query), "")
        return urlunsplit(whole) if scheme not in _DEFAULT_PORTS else url
    user, at, place = parts.netloc.rpartition("@")
    host, _, port = place.rpartition(":") if re.search(r":\d*$", place) else (place, "", "")
    netloc = user + at + host.lower() + (f":{port}" if port and port != _DEFAULT_PORTS.get(scheme) else "")
    path = urlsplit(resolve(f"{scheme}://{netloc}/", parts.path)).path if scheme in _DEFAULT_PORTS else parts.path
    return urlunsplit((scheme, netloc, _percent(path), _percent(parts.query), ""))


def _percent(text: str) -> str:
    """Decode escapes of unreserved characters, write the others in upper case."""

    def one(match: re.Match[str]) -> str:
        character = chr(int(match[1], 16))
        return character if re.fullmatch(r"[A-Za-z0-9\-._~]", character) else match[0].upper()

    return re.sub(r"%([0-9A-Fa-f]{2})", one, text)
