"""A WSGI layer in front of the application: answers known bytes without entering it, and codes what is sent.

Because a generation never changes, the key holds its name and no single answer ever has to be invalidated: after a
flip nobody asks for the old ones, and all of them are let go. What is kept is what the application itself calls public,
by the request headers it names in Vary. A request with credentials or a range goes past.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from io import BytesIO
from typing import TYPE_CHECKING, Any

from server.codings import choose_coding, coded_tag, coders, matches, worth_coding
from server.wsgi_headers import Headers, joined_headers, replaced, stays_in_304

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

OUTCOME = "torg.cache"
"""Where the layer leaves, in the environment of a request, what it did: hit, miss or passed."""
_MOST_ENTRY = 1 << 20
_MOST_BODY = 1 << 19
_MOST_WHOLE = 8 << 20
_OVERHEAD = 2_048
_LIFETIME = 3_600.0
_FLIGHT_SECONDS = 10.0
_KEPT_STATUS = ("200", "300", "301", "303", "307", "308", "404", "406", "410")
_POSTED = ("application/sparql-query", "application/x-www-form-urlencoded")
_MOMENT = 0.1
_MOST_REPEATS = 4_096
_LONGEST_REPEAT = 4_096
_NEGOTIATED = ("accept", "accept-language", "accept-encoding", "accept-profile", "accept-datetime")
# What an answer that is kept can depend on: the request line, what is negotiated, conditions, and what goes past.
_TELLING = (
    *("REQUEST_METHOD", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING"),
    *("HTTP_" + name.upper().replace("-", "_") for name in _NEGOTIATED),
    *("HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE", "HTTP_RANGE", "HTTP_AUTHORIZATION"),
    *("CONTENT_LENGTH", "HTTP_TRANSFER_ENCODING"),
)


@dataclass(frozen=True, slots=True)
class _Form:
    """An answer in one coding, ready to be sent."""

    headers: Headers
    body: bytes
    tag: str
    modified: str


@dataclass(slots=True)
class _Answer:
    """One whole answer: as it is under "", and its coded forms as they are made."""

    status: str
    forms: dict[str, _Form]
    named: dict[str, str]
    worth_coding: bool
    stored: float
    kept: bool = False

    @property
    def told_by_negotiation(self) -> bool:
        """Whether nothing but what is negotiated decides which answer this is."""
        vary = self.named.get("vary", "").lower().replace(" ", "")
        return not vary or set(vary.split(",")) <= set(_NEGOTIATED)

    @property
    def size(self) -> int:
        return _OVERHEAD + sum(len(form.body) for form in self.forms.values())


@dataclass(slots=True)
class CacheCounts:
    """What the cache has done since the start."""

    hits: int = 0
    misses: int = 0
    passed: int = 0
    joined: int = 0
    evicted: int = 0


class ByteCache:
    """The layer; `most_bytes` 0 turns keeping off and leaves coding and conditional requests on."""

    def __init__(
        self,
        app: WSGIApplication,
        generation: Callable[[], str],
        most_bytes: int,
        *,
        own_flights: tuple[str, ...] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Wrap the application. Paths in `own_flights` collapse identical questions themselves."""
        self.counts = CacheCounts()
        self.bytes = 0
        self._app, self._generation, self._most = app, generation, most_bytes
        self._own_flights, self._clock = own_flights, clock
        self._coders = coders()
        self._lock = threading.Lock()
        self._kept_of = ""  # the generation whose answers are kept
        self._answers: OrderedDict[tuple[Any, ...], _Answer] = OrderedDict()
        self._vary: dict[tuple[Any, ...], tuple[str, ...]] = {}
        self._flights: dict[tuple[Any, ...], threading.Event] = {}
        self._repeats: dict[tuple[Any, ...], tuple[str, Headers, list[bytes]]] = {}
        self._moment_ends = 0.0

    def repeated(self, environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes] | None:
        """Answer again what was answered to the very same request a moment ago; None when it was not.

        This takes no lock and asks nothing of the operating system, since a thread that lets go of the interpreter
        waits longer to get it back than an answer takes. After each moment everything goes through the cache once,
        which looks at the generation, counts the age of answers and keeps in mind which are asked for.
        """
        now = self._clock()
        if now >= self._moment_ends:
            self._repeats, self._moment_ends = {}, now + _MOMENT
            return None
        found = self._repeats.get(tuple(map(environ.get, _TELLING)))
        if found is None:
            return None
        self.counts.hits += 1
        environ[OUTCOME] = "hit"
        start_response(found[0], found[1])
        return found[2]

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer the request from memory, or by the application."""
        key = self._key(environ)
        if key is None:
            self.counts.passed += 1
            environ[OUTCOME] = "passed"
            return self._through(environ, start_response, None)
        answer = self._find(key, environ)
        if answer is None and environ["REQUEST_METHOD"] == "GET" and not self._flies_by_itself(environ):
            answer = self._join(key, environ)
        environ[OUTCOME] = "miss" if answer is None else "hit"
        if answer is None:
            self.counts.misses += 1
            return self._through(environ, start_response, key)
        self.counts.hits += 1
        return self._remember(environ, self._send(answer, environ), answer, start_response)

    def _remember(
        self,
        environ: WSGIEnvironment,
        sent: tuple[str, Headers, list[bytes]],
        answer: _Answer,
        start_response: StartResponse,
    ) -> list[bytes]:
        """Send what the cache held, and note it for those who ask the very same in this moment."""
        told = tuple(map(environ.get, _TELLING))
        short = sum(len(value) for value in told if value) <= _LONGEST_REPEAT
        if environ["REQUEST_METHOD"] != "POST" and answer.told_by_negotiation and short:
            if len(self._repeats) < _MOST_REPEATS:
                self._repeats[told] = sent
        start_response(sent[0], sent[1])
        return sent[2]

    # -- keys and what is kept ------------------------------------------------------------------------------------

    def _key(self, environ: WSGIEnvironment) -> tuple[Any, ...] | None:
        """Return what the answer depends on before any header, None for a request that goes past."""
        method = environ["REQUEST_METHOD"]
        path = environ.get("PATH_INFO", "")
        if not self._most or "HTTP_AUTHORIZATION" in environ or "HTTP_RANGE" in environ or "/-/" in path:
            return None
        posted: tuple[str, ...] = ()
        if method == "POST":
            if "HTTP_CONTENT_ENCODING" in environ:
                return None
            body = _posted_body(environ)
            if body is None:
                return None
            posted = (environ.get("CONTENT_TYPE", ""), hashlib.sha256(body).hexdigest())
        elif method not in ("GET", "HEAD"):
            return None
        query, name = environ.get("QUERY_STRING", ""), self._generation()
        if name != self._kept_of and name:
            self._turn(name)
        return (name, environ.get("SCRIPT_NAME", ""), path, query, *posted)

    def _turn(self, name: str) -> None:
        """Let go of every answer: they are of another generation than the one that is served now."""
        with self._lock:
            for answer in self._answers.values():
                answer.kept = False
            self._kept_of, self.bytes = name, 0
            self._answers, self._vary = OrderedDict(), {}

    def _find(self, key: tuple[Any, ...], environ: WSGIEnvironment) -> _Answer | None:
        with self._lock:
            names = self._vary.get(key)
            if names is None:
                return None
            full = (*key, *_values(names, environ))
            answer = self._answers.get(full)
            if answer is None:
                return None
            if self._clock() - answer.stored > _LIFETIME:
                self._drop(full)
                return None
            self._answers.move_to_end(full)
            return answer

    def _keep(self, key: tuple[Any, ...], environ: WSGIEnvironment, answer: _Answer) -> None:
        named = {name.strip().lower() for name in answer.named.get("vary", "").split(",")} - {""}
        if "*" in named:
            return
        with self._lock:
            if key[0] != self._kept_of:  # answered while the generation changed
                return
            # One address may vary by more headers for some answers than for others: the union is right for all.
            names = self._vary[key] = tuple(sorted(named.union(self._vary.get(key, ()))))
            full = (*key, *_values(names, environ))
            self._drop(full)
            self._answers[full] = answer
            answer.kept = True
            self.bytes += answer.size
            self._shrink()

    def _drop(self, full: tuple[Any, ...]) -> None:
        answer = self._answers.pop(full, None)
        if answer is not None:
            answer.kept = False
            self.bytes -= answer.size

    def _shrink(self) -> None:
        while self.bytes > self._most and self._answers:
            self._drop(next(iter(self._answers)))
            self.counts.evicted += 1
        if len(self._vary) > 4 * len(self._answers) + 1_000:
            living = {full[:length] for full in self._answers for length in (4, 6)}
            self._vary = {key: names for key, names in self._vary.items() if key in living}

    # -- identical questions at once ------------------------------------------------------------------------------

    def _flies_by_itself(self, environ: WSGIEnvironment) -> bool:
        return environ.get("PATH_INFO", "").startswith(self._own_flights) if self._own_flights else False

    def _join(self, key: tuple[Any, ...], environ: WSGIEnvironment) -> _Answer | None:
        """Return the answer that another thread is getting just now; None when this one should get it."""
        flight = (*key, *_values(("accept", "accept-language", "accept-datetime"), environ))
        with self._lock:
            landed = self._flights.get(flight)
            if landed is None:
                environ["torg.flight"] = flight
                self._flights[flight] = threading.Event()
                return None
        self.counts.joined += 1
        landed.wait(_FLIGHT_SECONDS)
        return self._find(key, environ)

    def _land(self, environ: WSGIEnvironment) -> None:
        flight = environ.pop("torg.flight", None)
        if flight is not None:
            with self._lock:
                self._flights.pop(flight).set()

    # -- answers --------------------------------------------------------------------------------------------------

    def _through(
        self, environ: WSGIEnvironment, start_response: StartResponse, key: tuple[Any, ...] | None
    ) -> Iterable[bytes]:
        """Ask the application, keep its answer if it is public and small, and send it."""
        inner = dict(environ)
        if environ["REQUEST_METHOD"] == "HEAD":
            inner["REQUEST_METHOD"] = "GET"  # Length, coding and tag of HEAD are those of GET (RFC 9110, 9.3.2).
        if "HTTP_RANGE" not in environ:
            for name in ("HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE"):
                inner.pop(name, None)  # The condition is checked here, against the coded form that is sent.
        said: list[Any] = []

        def start(status: str, headers: Headers, exc_info: Any = None) -> Callable[[bytes], object]:
            said[:] = [status, headers]
            return lambda data: None

        try:
            body = self._app(inner, start)
            status, headers = said[0], list(said[1])
            named = joined_headers(headers)
            whole = _whole(body, named)
            if whole is None:
                return _send_stream(status, headers, named, body, environ, start_response)
            answer = self._answer(status, headers, named, whole)
            if key is not None and _may_keep(answer):
                self._keep(key, environ, answer)
            status, headers, pieces = self._send(answer, environ)
            start_response(status, headers)
            return pieces
        finally:
            self._land(environ)

    def _answer(self, status: str, headers: Headers, named: dict[str, str], body: bytes) -> _Answer:
        worth = "content-encoding" not in named and worth_coding(named.get("content-type", ""), len(body))
        if worth and "accept-encoding" not in named.get("vary", "").lower():
            vary = named["vary"] = f"{named['vary']}, Accept-Encoding" if "vary" in named else "Accept-Encoding"
            headers = replaced(headers, {"Vary": vary})
        plain = _Form(
            replaced(headers, {"Content-Length": str(len(body))}),
            body,
            named.get("etag", ""),
            named.get("last-modified", ""),
        )
        return _Answer(status, {"": plain}, named, worth, self._clock())

    def _send(self, answer: _Answer, environ: WSGIEnvironment) -> tuple[str, Headers, list[bytes]]:
        """Return (status, headers, body) of an answer as this request gets it."""
        form = answer.forms[""]
        if answer.worth_coding and "HTTP_ACCEPT_ENCODING" in environ and "HTTP_RANGE" not in environ:
            coding = choose_coding(environ["HTTP_ACCEPT_ENCODING"], tuple(self._coders))
            form = answer.forms.get(coding) or self._coded(answer, coding)
        if answer.status.startswith("200") and _unchanged(environ, form.tag, form.modified):
            return "304 Not Modified", [pair for pair in form.headers if stays_in_304(pair[0])], []
        return answer.status, form.headers, [] if environ["REQUEST_METHOD"] == "HEAD" else [form.body]

    def _coded(self, answer: _Answer, coding: str) -> _Form:
        plain = answer.forms[""]
        body = self._coders[coding](plain.body)
        tag = coded_tag(plain.tag, coding)
        own = {"Content-Length": str(len(body)), "Content-Encoding": coding} | ({"ETag": tag} if tag else {})
        form = _Form(replaced(plain.headers, own), body, tag, plain.modified)
        with self._lock:
            if coding not in answer.forms:
                answer.forms[coding] = form
                if answer.kept:
                    self.bytes += len(body)
                    self._shrink()
        return form


def _send_stream(
    status: str,
    headers: Headers,
    named: dict[str, str],
    body: Iterable[bytes],
    environ: WSGIEnvironment,
    start_response: StartResponse,
) -> Iterable[bytes]:
    """Send what is not in memory as it is."""
    unchanged = status.startswith("200") and _unchanged(environ, named.get("etag", ""), named.get("last-modified", ""))
    if unchanged:
        status, headers = "304 Not Modified", [pair for pair in headers if stays_in_304(pair[0])]
    start_response(status, headers)
    if unchanged or environ["REQUEST_METHOD"] == "HEAD":
        _close(body)
        return []
    return body


def _values(names: Iterable[str], environ: WSGIEnvironment) -> tuple[str, ...]:
    """Return the values of request headers, without the differences that mean nothing."""
    found = (environ.get("HTTP_" + name.upper().replace("-", "_"), "") for name in names if name != "accept-encoding")
    return tuple("".join(value.lower().split()) for value in found)


def _posted_body(environ: WSGIEnvironment) -> bytes | None:
    """Return the body of a posted query and put it back for the application; None for any other body."""
    kind = environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    length = environ.get("CONTENT_LENGTH", "")
    if kind not in _POSTED or not length.isdigit() or int(length) > _MOST_BODY:
        return None
    body: bytes = environ["wsgi.input"].read(int(length))
    environ["wsgi.input"] = BytesIO(body)
    return body


def _whole(body: Iterable[bytes], named: dict[str, str]) -> bytes | None:
    """Return the body as bytes when its length is known and fits in memory, and close it."""
    length = named.get("content-length", "")
    if not length.isdigit() or int(length) > _MOST_WHOLE:
        return None
    try:
        return b"".join(body)
    finally:
        _close(body)


def _close(body: Iterable[bytes]) -> None:
    close = getattr(body, "close", None)
    if close is not None:
        close()


def _may_keep(answer: _Answer) -> bool:
    control = answer.named.get("cache-control", "").lower()
    public = "public" in control and "no-store" not in control and "private" not in control
    small = len(answer.forms[""].body) <= _MOST_ENTRY
    return public and small and answer.status[:3] in _KEPT_STATUS and "set-cookie" not in answer.named


def _unchanged(environ: WSGIEnvironment, tag: str, modified: str) -> bool:
    """Return whether the client has this very form already (RFC 9110, 13.2.2)."""
    if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
        return False
    wanted = environ.get("HTTP_IF_NONE_MATCH")
    if wanted is not None:
        return matches(wanted, tag)
    since = environ.get("HTTP_IF_MODIFIED_SINCE")
    if not since or not modified:
        return False
    try:
        return parsedate_to_datetime(modified) <= parsedate_to_datetime(since)
    except (ValueError, TypeError):  # A date that cannot be read is as if it were not there.
        return False
