"""Errors as answers: a page for browsers, problem details (RFC 9457) for machines."""

from __future__ import annotations

import json
import logging
import re
import secrets
import sqlite3
from urllib.parse import unquote

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from server.errors import OperationError, Problem
from server.negotiation import Offer, negotiate
from server.search import can_search, searcher
from server.texts import texts
from server.views.http import answer, language, page, torg

_PROBLEM = Offer("application/problem+json", ("application/json",))
_PAGE = Offer("text/html", ("application/xhtml+xml",))
_MOST_SIMILAR = 5
_log = logging.getLogger("torg")


def register_errors(app: Flask) -> None:
    """Answer every error of the application, foreseen or not, in one of the two forms."""

    @app.errorhandler(Problem)
    def problem(error: Problem) -> Response:
        return problem_answer(error)

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> Response | HTTPException:
        code = error.code or 500
        if code < 400:
            return error  # Werkzeug's redirections are exceptions too.
        headers = {name: value for name, value in error.get_headers() if name in ("Allow", "Content-Range")}
        return problem_answer(Problem(code, _detail(error), sv=_detail(error, "sv"), headers=headers))

    @app.errorhandler(OperationError)
    def unavailable(error: OperationError) -> Response:
        _log.error("%s %s: %s", request.method, request.path, error)
        detail = "The data cannot be read just now. Try again in a minute."
        sv = "Data kan inte läsas just nu. Försök igen om en minut."
        return problem_answer(Problem(503, detail, sv=sv, headers={"Retry-After": "30"}))

    @app.errorhandler(OSError)
    @app.errorhandler(EOFError)
    @app.errorhandler(sqlite3.DatabaseError)
    def unreadable(error: Exception) -> Response:
        # A damaged file, a disk that fails, no descriptor left: the first is looked for, the others may pass.
        _log.error("%s %s: %s", request.method, request.path, error)
        torg().doubt()
        detail = "The data cannot be read just now. Try again in a minute."
        sv = "Data kan inte läsas just nu. Försök igen om en minut."
        return problem_answer(Problem(503, detail, sv=sv, headers={"Retry-After": "5"}))

    @app.errorhandler(Exception)
    def unforeseen(error: Exception) -> Response:
        if isinstance(error, RuntimeError) and str(error).startswith("Corruption"):  # what the store says of damage
            return unreadable(error)
        number = secrets.token_hex(4)
        _log.error("%s: %s %s failed", number, request.method, request.path, exc_info=error)
        return problem_answer(
            Problem(
                500,
                f"The fault is ours and is logged as {number}.",
                sv=f"Felet är vårt och är noterat som {number}.",
                case=number,
            )
        )


def problem_answer(problem: Problem, template: str = "error.html", **context: object) -> Response:
    """Return a problem as a page or as problem details, whichever the client likes better."""
    if not wants_page():
        body = json.dumps(problem.members(), ensure_ascii=False).encode()
        response = answer(body, "application/problem+json", status=problem.status, cache_control=_lifetime(problem))
    else:
        spoken = _spoken()
        wanted = _wanted() if problem.status in (404, 410) else ""
        body = page(
            template,
            spoken,
            problem=problem,
            advice=_advice(problem.status, spoken),
            wanted=wanted,
            similar=_similar(wanted, spoken) if problem.status == 404 else (),
            **context,
        )
        response = answer(
            body,
            "text/html; charset=utf-8",
            status=problem.status,
            cache_control=_lifetime(problem),
            content_language=spoken,
        )
    response.headers.update(problem.headers)
    response.headers["Vary"] = "Accept, Accept-Language"
    return response


def wants_page() -> bool:
    """Tell whether the client of this request likes a page better than problem details."""
    if request.args.get("format") == "html":
        return True
    return negotiate(request.headers.get("Accept"), [_PROBLEM, _PAGE]) is _PAGE


def _wanted() -> str:
    """Return the last part of the address as words, for a search."""
    last = unquote(request.path.rstrip("/").rsplit("/", 1)[-1])
    return " ".join(re.findall(r"\w+", last.partition(".")[0])[:6])[:80]


def _similar(wanted: str, spoken: str) -> list[tuple[str, str]]:
    """Return (name, address) of things whose name or code is like what was asked for; none before a publication."""
    if not wanted:
        return []
    try:
        site, opened = torg(), torg().current()
    except Problem:
        return []
    found = [label.iri for label in opened.labels.exact(wanted)]
    if can_search(opened):
        found += [hit.iri for hit in searcher(opened).suggest(wanted, 2 * _MOST_SIMILAR)]
    iris = [iri for iri in dict.fromkeys(found) if site.uris.path(iri)][:_MOST_SIMILAR]
    names = opened.labels.labels(iris, spoken)
    return [(names.get(iri, (iri, ""))[0], site.uris.link(iri)) for iri in iris]


def _spoken() -> str:
    """Return the language of an error page; a `?lang=` that is itself the error gives the site's first language."""
    try:
        return language()
    except Problem:
        return torg().languages[0]


def _detail(error: HTTPException, language: str = "en") -> str:
    """Return the sentence for what the framework refuses; "" in Swedish for what it rarely does."""
    if error.code == 404:
        return "Det finns inget på den här adressen." if language == "sv" else "There is nothing at this address."
    if error.code == 405:
        if language == "sv":
            return f"{request.method} går inte här; data publiceras av sina ansvariga och läses över HTTP."
        return f"{request.method} is not possible here; the data is published by its stewards and read over HTTP."
    return "" if language == "sv" else error.description or ""


def _lifetime(problem: Problem) -> str:
    """Return how long an error may be kept: what a publication can change, shortly; faults, not at all."""
    if problem.status in (404, 406, 410):
        return f"public, max-age={min(60, int(torg().settings.max_age))}"
    return "no-store"


def _advice(status: int, spoken: str) -> tuple[str, str]:
    """Return (heading, what to do) of a status in the visitor's language."""
    words = texts(spoken).gettext
    return {
        400: (words("The question could not be understood"), words("Check the address and the values in it.")),
        404: (words("There is nothing here"), words("Check the address, or start from the datasets.")),
        405: (words("This cannot be done here"), words("The data can be read here, but not changed.")),
        406: (words("Not in that form"), words("Choose one of the forms below.")),
        410: (words("Withdrawn"), words("This was published here once and is not any more.")),
        429: (words("Too many questions"), words("Wait a while, then try again.")),
        503: (words("Not just now"), words("Wait a while, then try again.")),
    }.get(status, (words("Something went wrong"), words("Try again. If it happens again, tell us.")))
