"""Reads a SPARQL 1.1 Protocol request: a query with its dataset, a wish for the service description, or a Problem.

Pure: it takes the parts of an HTTP request and does no I/O. Section numbers are those of the SPARQL 1.1 Protocol.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl

from server.errors import Problem

QUERY = "application/sparql-query"
UPDATE = "application/sparql-update"
FORM = "application/x-www-form-urlencoded"
ACCEPT_POST = f"{QUERY}, {FORM}"

_MOST_PARAMETERS = 500
_MOST_GRAPHS = 100
# An absolute IRI (RFC 3987, section 2.2) without the characters that no IRI holds in SPARQL (IRIREF).
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:[^\x00-\x20<>\"{}|^`\\]*\Z")
_MEDIA_TYPE = re.compile(r"\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+/[!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*(?:;|\Z)")
_CHARSET = re.compile(r";\s*charset\s*=\s*\"?([^\s;\"]*)", re.IGNORECASE)
_UPDATE_PARAMETERS = ("update", "using-graph-uri", "using-named-graph-uri")
_READ_ONLY = (
    "This site is read-only over HTTP: its stewards publish from files. Updates are not taken here; "
    "the data itself is open, under /dumps."
)
_READ_ONLY_SV = (
    "Webbplatsen kan bara läsas över HTTP: dess ansvariga publicerar från filer. Uppdateringar tas inte emot här; "
    "data finns öppet under /dumps."
)


@dataclass(frozen=True, slots=True)
class ProtocolRequest:
    """The query operation (section 2.1): the text and the dataset that overrides FROM in it."""

    query: str
    default_graphs: tuple[str, ...] = ()
    named_graphs: tuple[str, ...] = ()
    format: str = ""  # our own parameter: `?format=`
    at: str = ""  # our own parameter: a past state


def parse_request(
    method: str, query_string: bytes, content_type: str | None = None, body: bytes = b"", content_encoding: str = ""
) -> ProtocolRequest | None:
    """Return the query that the request asks, or None when it asks for the service description.

    Raises Problem: 400 for what is malformed or repeated, 403 for updates, 415 for other media types, codings and
    charsets.

    >>> parse_request("GET", b"query=ASK%20%7B%7D").query
    'ASK {}'
    """
    parameters = _parameters(query_string)
    if method == "POST":
        if content_encoding.strip().lower() not in ("", "identity"):
            raise _unsupported(
                f"The coding {content_encoding[:40]!r} is not taken in a request; send plain text.",
                f"Kodningen {content_encoding[:40]!r} tas inte emot i en begäran; skicka ren text.",
            )
        media_type = _media_type(content_type)
        if media_type == UPDATE:
            raise Problem(403, _READ_ONLY, sv=_READ_ONLY_SV, title="Read-only")
        if media_type == QUERY:
            parameters.append(("query", _decode(body)))
        elif media_type == FORM:
            parameters += _parameters(body)
        else:
            raise _unsupported(
                f"A query is posted as {QUERY} or as {FORM}, not as {media_type or 'an unnamed type'}.",
                f"En fråga skickas som {QUERY} eller som {FORM}, inte som {media_type or 'en typ utan namn'}.",
            )
    return _request(parameters, required=method == "POST")


def _request(parameters: list[tuple[str, str]], required: bool) -> ProtocolRequest | None:
    values: dict[str, list[str]] = {}
    for name, value in parameters:
        values.setdefault(name, []).append(value)
    for name in _UPDATE_PARAMETERS:
        if name in values:
            if len(values[name]) > 1 and name == "update":
                raise Problem(
                    400,
                    "One update a request, and none here: this site is read-only over HTTP.",
                    sv="En begäran gör en uppdatering, och här ingen: webbplatsen kan bara läsas över HTTP.",
                )
            raise Problem(
                403,
                f"{name} is for updates. {_READ_ONLY}",
                sv=f"{name} är till för uppdateringar. {_READ_ONLY_SV}",
                title="Read-only",
            )
    queries = values.get("query", [])
    if len(queries) > 1:
        raise Problem(
            400,
            f"A request asks one query (section 2.1.1); this one has {len(queries)}.",
            sv=f"En begäran ställer en fråga (avsnitt 2.1.1); den här har {len(queries)}.",
        )
    graphs = {name: _graphs(name, values.get(name, [])) for name in ("default-graph-uri", "named-graph-uri")}
    if not queries:
        if required or any(graphs.values()):
            raise Problem(400, "The parameter query is missing.", sv="Parametern query saknas.")
        return None
    if "\x00" in queries[0]:
        raise Problem(400, "The query holds the character U+0000.", sv="Frågan innehåller tecknet U+0000.")
    return ProtocolRequest(
        query=queries[0],
        default_graphs=graphs["default-graph-uri"],
        named_graphs=graphs["named-graph-uri"],
        format=values.get("format", [""])[-1],
        at=values.get("at", [""])[-1],
    )


def _graphs(name: str, values: list[str]) -> tuple[str, ...]:
    for value in values:
        if not _ABSOLUTE.match(value):
            raise Problem(
                400,
                f"{name} takes an absolute IRI, not {value[:200]!r}.",
                sv=f"{name} tar en fullständig IRI, inte {value[:200]!r}.",
            )
    found = tuple(dict.fromkeys(values))
    if len(found) > _MOST_GRAPHS:
        raise Problem(
            400,
            f"At most {_MOST_GRAPHS} graphs are taken as {name}; these are {len(found)}.",
            sv=f"Högst {_MOST_GRAPHS} grafer tas som {name}; det här är {len(found)}.",
        )
    return found


def _parameters(text: bytes) -> list[tuple[str, str]]:
    """Return the decoded pairs of a query string or form (WHATWG URL, 5.1), where bytes must be UTF-8."""
    try:
        return parse_qsl(
            text.decode("utf-8"),
            keep_blank_values=True,
            encoding="utf-8",
            errors="strict",
            max_num_fields=_MOST_PARAMETERS,
        )
    except UnicodeDecodeError as error:
        raise Problem(400, "The parameters are not valid UTF-8.", sv="Parametrarna är inte giltig UTF-8.") from error
    except ValueError as error:
        raise Problem(
            400,
            f"A request has at most {_MOST_PARAMETERS} parameters.",
            sv=f"En begäran har högst {_MOST_PARAMETERS} parametrar.",
        ) from error


def _media_type(content_type: str | None) -> str:
    """Return the media type in lower case; raise Problem 415 when its charset is not UTF-8."""
    match = _MEDIA_TYPE.match(content_type or "")
    charset = _CHARSET.search(content_type or "")
    if charset and charset[1].lower() not in ("utf-8", "utf8", ""):
        raise _unsupported(
            f"Queries are UTF-8 (section 2.1.3), not {charset[1][:40]!r}.",
            f"Frågor är UTF-8 (avsnitt 2.1.3), inte {charset[1][:40]!r}.",
        )
    return match[1].lower() if match else ""


def _decode(body: bytes) -> str:
    try:
        return body.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise Problem(
            400,
            f"The query is not valid UTF-8: byte {error.start} cannot be read.",
            sv=f"Frågan är inte giltig UTF-8: byte {error.start} kan inte läsas.",
        ) from error


def _unsupported(detail: str, sv: str) -> Problem:
    return Problem(415, detail, sv=sv, headers={"Accept-Post": ACCEPT_POST})
