"""The layer in front: what it keeps, for whom, and what it sends."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from werkzeug.test import Client, TestResponse, create_environ, run_wsgi_app

from server.byte_cache import ByteCache

BODY = "Åsens öppna data, åäö.\n".encode() * 200


class App:
    """An application that counts its calls and answers as told."""

    def __init__(self) -> None:
        self.calls = 0
        self.status = "200 OK"
        self.headers = {"Cache-Control": "public, max-age=60", "Content-Type": "text/plain", "ETag": '"abc"'}
        self.body: bytes | Iterable[bytes] = BODY
        self.seen: dict[str, Any] = {}
        self.delay = 0.0

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        self.calls += 1
        self.seen = dict(environ)
        time.sleep(self.delay)
        headers = dict(self.headers)
        if isinstance(self.body, bytes):
            headers["Content-Length"] = str(len(self.body))
        start_response(self.status, list(headers.items()))
        return [self.body] if isinstance(self.body, bytes) else self.body


@pytest.fixture
def app() -> App:
    return App()


class Front:
    def __init__(self, app: App, most: int = 1 << 20) -> None:
        self.generation = "000001"
        self.now = 0.0
        self.cache = ByteCache(app, lambda: self.generation, most, own_flights=("/sparql",), clock=lambda: self.now)
        self.client = Client(self.cache)

    def get(self, path: str = "/", method: str = "GET", **headers: str) -> TestResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.open(path, method=method, headers=named)


@pytest.fixture
def front(app: App) -> Front:
    return Front(app)


def test_a_public_answer_is_made_once(app: App, front: Front) -> None:
    first, second = front.get("/a?x=1"), front.get("/a?x=1")
    assert (first.data, dict(first.headers)) == (second.data, dict(second.headers))
    assert app.calls == 1
    front.get("/a?x=2")
    assert app.calls == 2


def test_a_new_generation_is_asked_anew(app: App, front: Front) -> None:
    front.get("/a")
    front.generation = "000002"
    app.body = b"new"
    assert front.get("/a").data == b"new"
    front.generation = "000001"
    assert front.get("/a").data == b"new"  # what was answered from a generation is let go with it
    assert app.calls == 3


def test_a_flip_gives_back_the_memory_of_what_was_kept(app: App, front: Front) -> None:
    for number in range(50):
        front.get(f"/a?{number}", Accept_Encoding="gzip")
    full = front.cache.bytes
    front.generation = "000002"
    front.get("/a")
    assert 0 < front.cache.bytes < full / 40
    front.generation = ""  # nothing can be served just now: that is no other generation
    front.get("/a")
    front.generation = "000002"
    calls = app.calls
    front.get("/a")
    assert app.calls == calls


def test_an_answer_of_the_generation_before_is_not_kept(app: App, front: Front) -> None:
    inner = front.cache._app

    def flips(environ: Any, start_response: Any) -> Any:
        front.cache._app = inner
        front.generation = "000002"
        front.get("/b")
        return inner(environ, start_response)

    front.get("/b")
    alone = front.cache.bytes
    front.cache._app = flips
    front.get("/a")
    assert front.cache.bytes == alone


def test_headers_named_in_vary_tell_answers_apart(app: App, front: Front) -> None:
    app.headers["Vary"] = "Accept, Accept-Language"
    for accept in ("text/turtle", "text/html", "text/turtle", "TEXT/turtle "):
        front.get("/a", Accept=accept)
    assert app.calls == 2
    front.get("/a", Accept="text/html", Accept_Language="en")
    front.get("/a", Accept="text/html", User_Agent="x", Host="evil.example", X_Forwarded_Host="evil.example")
    assert app.calls == 3


def test_an_address_that_varies_more_in_other_answers(app: App, front: Front) -> None:
    front.get("/a")
    app.headers["Vary"] = "Accept"
    front.get("/a", Accept="text/html")
    assert app.calls == 1
    front.generation = "000002"
    front.get("/a")
    front.get("/a", Accept="text/html")
    assert app.calls == 3


@pytest.mark.parametrize("control", ["no-store", "private, max-age=60", "public, no-store", "max-age=60", ""])
def test_what_is_not_public_is_not_kept(app: App, front: Front, control: str) -> None:
    app.headers["Cache-Control"] = control
    front.get("/a")
    front.get("/a")
    assert app.calls == 2


@pytest.mark.parametrize(
    ("status", "headers", "path"),
    [
        ("500 Error", {}, "/a"),
        ("503 Busy", {}, "/a"),
        ("200 OK", {"Set-Cookie": "a=b"}, "/a"),
        ("200 OK", {"Vary": "*"}, "/a"),
        ("200 OK", {}, "/-/health"),
    ],
)
def test_faults_cookies_and_service_pages_are_not_kept(
    app: App, front: Front, status: str, headers: dict[str, str], path: str
) -> None:
    app.status, app.headers = status, app.headers | headers
    front.get(path)
    front.get(path)
    assert app.calls == 2


def test_credentials_and_ranges_go_past(app: App, front: Front) -> None:
    front.get("/a")
    for headers in ({"Authorization": "Bearer x"}, {"Range": "bytes=0-1"}):
        front.get("/a", **headers)
    assert app.calls == 3
    app.headers["Cache-Control"] = "public, max-age=1"
    front.get("/b", Authorization="Bearer x")
    app.body = b"other"
    assert front.get("/b").data == b"other"


def test_posted_queries_are_told_apart_by_their_body(app: App, front: Front) -> None:
    def post(data: bytes, content_type: str = "application/sparql-query") -> bytes:
        return front.client.post("/sparql", data=data, content_type=content_type).data

    post(b"ASK {}")
    assert app.seen["wsgi.input"].read() == b"ASK {}"
    post(b"ASK {}")
    assert app.calls == 1
    post(b"ASK { }")
    post(b"ASK {}", "application/x-www-form-urlencoded")
    post(b"ASK {}", "text/turtle")
    post(b"ASK {}", "text/turtle")
    assert app.calls == 5
    front.client.post(
        "/sparql", data=b"ASK {}", content_type="application/sparql-query", headers={"Content-Encoding": "gzip"}
    )
    assert app.calls == 6, "a packed body is not the plain one"


def test_head_is_get_without_a_body(app: App, front: Front) -> None:
    head = front.get("/a", "HEAD", Accept_Encoding="gzip")
    get = front.get("/a", Accept_Encoding="gzip")
    assert not head.data and dict(head.headers) == dict(get.headers)
    assert app.calls == 1
    assert not front.get("/a", "HEAD").data
    front.get("/a", "DELETE")
    assert app.calls == 2


def test_each_coding_is_sent_with_its_own_tag(app: App, front: Front) -> None:
    plain, coded = front.get("/a"), front.get("/a", Accept_Encoding="gzip, br")
    assert coded.headers["Content-Encoding"] == "gzip" and gzip.decompress(coded.data) == plain.data == BODY
    assert coded.headers["ETag"] != plain.headers["ETag"] == '"abc"'
    assert int(coded.headers["Content-Length"]) == len(coded.data)
    assert "Accept-Encoding" in plain.headers["Vary"] and "Accept-Encoding" in coded.headers["Vary"]
    assert app.calls == 1
    app.body, app.headers["Content-Type"] = b"\x89PNG" * 900, "image/png"
    picture = front.get("/b", Accept_Encoding="gzip")
    assert "Content-Encoding" not in picture.headers and "Vary" not in picture.headers
    app.headers["Content-Encoding"] = "br"
    app.headers["Content-Type"] = "text/plain"
    assert front.get("/c", Accept_Encoding="gzip").headers["Content-Encoding"] == "br"


@pytest.mark.parametrize("kept", [True, False])
def test_who_has_the_form_gets_304(app: App, front: Front, kept: bool) -> None:
    if not kept:
        app.headers["Cache-Control"] = "no-store"
    tag = front.get("/a", Accept_Encoding="gzip").headers["ETag"]
    again = front.get("/a", Accept_Encoding="gzip", If_None_Match=f'"zz", W/{tag}')
    assert again.status_code == 304 and not again.data
    assert {"ETag", "Vary", "Cache-Control"} <= set(again.headers.keys())
    assert not {"Content-Length", "Content-Encoding", "Content-Type"} & set(again.headers.keys())
    assert front.get("/a", If_None_Match=tag).status_code == 200  # the plain form is another one
    assert front.get("/a", If_None_Match="*").status_code == 304
    app.status = "404 Not Found"
    assert front.get("/none", If_None_Match="*").status_code == 404


def test_dates_are_a_second_way_to_ask(app: App, front: Front) -> None:
    app.headers["Last-Modified"] = "Sun, 01 Mar 2026 04:00:00 GMT"
    assert front.get("/a", If_Modified_Since="Sun, 01 Mar 2026 04:00:00 GMT").status_code == 304
    assert front.get("/a", If_Modified_Since="Sat, 28 Feb 2026 04:00:00 GMT").status_code == 200
    assert front.get("/a", If_Modified_Since="yesterday").status_code == 200
    assert front.get("/a", If_Modified_Since="Sun, 01 Mar 2026 04:00:00 GMT", If_None_Match='"x"').status_code == 200


def test_the_size_is_capped_in_bytes(app: App) -> None:
    front = Front(app, most=60_000)
    for n in range(50):
        front.get(f"/{n}", Accept_Encoding="gzip")
        assert front.cache.bytes <= 60_000
    assert front.cache.counts.evicted > 30
    calls = app.calls
    front.get("/49")
    assert app.calls == calls
    app.body = b"x" * (2 << 20)
    front.get("/large")
    front.get("/large")
    assert app.calls == calls + 2


def test_old_answers_are_made_again_after_an_hour(app: App, front: Front) -> None:
    front.get("/a")
    front.now = 3599
    front.get("/a")
    front.now = 3601
    front.get("/a")
    assert app.calls == 2


def test_a_cache_of_size_nothing_still_codes_and_checks(app: App) -> None:
    front = Front(app, most=0)
    front.get("/a")
    coded = front.get("/a", Accept_Encoding="gzip")
    assert app.calls == 2 and coded.headers["Content-Encoding"] == "gzip"
    assert front.get("/a", If_None_Match='"abc"').status_code == 304


def test_streams_are_passed_on_and_closed(app: App, front: Front) -> None:
    closed: list[bool] = []

    class Stream:
        def __iter__(self) -> Iterator[bytes]:
            yield from (b"a" * 100, b"b" * 100)

        def close(self) -> None:
            closed.append(True)

    app.body = Stream()
    with front.get("/a") as response:
        assert response.data == b"a" * 100 + b"b" * 100
    assert front.get("/a", "HEAD").data == b""
    assert front.get("/a", If_None_Match='"abc"').status_code == 304
    assert closed == [True] * 3 and app.calls == 3


def parallel(front: Front, path: str, count: int) -> list[bytes]:
    found: list[bytes] = []
    threads = [threading.Thread(target=lambda: found.append(front.get(path).data)) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_identical_misses_are_collapsed(app: App, front: Front) -> None:
    app.delay = 0.3
    assert parallel(front, "/a", 8) == [BODY] * 8
    assert app.calls == 1
    assert parallel(front, "/sparql", 3) == [BODY] * 3
    assert app.calls == 4, "queries are collapsed by the readers, not here"


def test_those_who_wait_go_themselves_when_nothing_was_kept(app: App, front: Front) -> None:
    app.delay, app.headers["Cache-Control"] = 0.2, "no-store"
    started = time.monotonic()
    assert parallel(front, "/a", 6) == [BODY] * 6
    assert app.calls == 6 and time.monotonic() - started < 1.5


def test_a_fault_of_the_application_does_not_leave_others_waiting(app: App, front: Front) -> None:
    def fault(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        raise RuntimeError("fault")

    broken = ByteCache(fault, lambda: "1", 1000)
    for _ in range(2):
        with pytest.raises(RuntimeError):
            Client(broken).get("/a")
    assert not broken._flights


class Asked:
    """One request, asked again and again: at once, or through the cache."""

    def __init__(self, front: Front, path: str = "/a", method: str = "GET", **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._environ = create_environ(path, method=method, headers=named)
        self._cache = front.cache

    def through(self) -> str:
        return run_wsgi_app(self._cache, dict(self._environ))[1]

    def at_once(self) -> tuple[str, bytes] | None:
        said: list[str] = []
        body = self._cache.repeated(dict(self._environ), lambda status, headers, info=None: said.append(status))  # type: ignore[arg-type]
        return None if body is None else (said[0], b"".join(body))


def test_the_same_request_in_a_moment_is_answered_at_once(front: Front) -> None:
    asked = Asked(front, Accept="text/turtle")
    assert asked.at_once() is None  # the moment begins
    assert [asked.through(), asked.through()] == ["200 OK", "200 OK"]  # made, then found
    assert asked.at_once() == ("200 OK", BODY)
    for other in ("Accept_Language", "Authorization", "Range", "If_None_Match", "Accept_Encoding"):
        assert Asked(front, Accept="text/turtle", **{other: "x"}).at_once() is None
    for path, method in (("/a?x=1", "GET"), ("/b", "GET"), ("/a", "HEAD"), ("/a", "POST")):
        assert Asked(front, path, method, Accept="text/turtle").at_once() is None
    front.now += 0.2
    assert asked.at_once() is None  # everything is looked at again, so a new generation is seen


def test_a_condition_is_answered_at_once_for_those_who_made_it(front: Front) -> None:
    asked = Asked(front, If_None_Match='"abc"')
    asked.at_once(), asked.through(), asked.through()
    assert asked.at_once() == ("304 Not Modified", b"")
    assert Asked(front).at_once() is None


def test_what_depends_on_more_than_negotiation_is_looked_at_each_time(app: App, front: Front) -> None:
    app.headers["Vary"] = "Origin"
    asked = Asked(front)
    asked.at_once(), asked.through(), asked.through()
    assert app.calls == 1 and asked.at_once() is None
