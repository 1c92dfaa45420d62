"""Turns what a reader says, or its death, into the Problem that an HTTP client can act on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from server.errors import Problem
from server.sparql_scan import IRI_ADVICE

BUSY = "Too many queries at once"
_MOST_EXPECTED = 12
# Parts of the parser's message that name a rule in words, such as "The SELECT contains a variable that is unbound".
_RULE = re.compile(r"[A-Z][a-z]\w* [\w ]+")
_TOKEN = re.compile(r'"[^"]+"|[A-Z]{2,}')


def problem_of_reply(facts: Mapping[str, Any], query: str) -> Problem:
    """Return the Problem for an error that a reader reports."""
    kind, message = facts["error"], facts["message"]
    if kind == "syntax":
        return _syntax(message, facts.get("line"), facts.get("column"), query)
    if kind == "format":
        return Problem(406, f"{message} Ask for another format.", title="Not writable in this format")
    if kind == "dataset":
        return Problem(400, f"{message} Ask one graph, or give the graphs with GRAPH.", title="Dataset cannot be asked")
    if kind == "remote":
        return _remote(facts)
    if kind == "storage":
        return Problem(503, "The data cannot be read just now.", headers={"Retry-After": "30"})
    return Problem(400, f"{message}.".replace("..", "."), title="Query cannot be evaluated")


def _remote(facts: Mapping[str, Any]) -> Problem:
    """Return the Problem of a store elsewhere that is down, slow or wrong; its own words are for the operator's log."""
    what = {
        502: "The store that answers queries gave an answer that cannot be used.",
        504: "The store that answers queries did not answer in time.",
    }.get(facts["status"], "The store that answers queries cannot be reached just now.")
    wait = str(max(1, int(facts.get("wait", 10)) + 1))
    advice = "Pages, descriptions and the dumps under /dumps are here as before."
    return Problem(facts["status"], f"{what} {advice}", title="Store not available", headers={"Retry-After": wait})


def _syntax(message: str, line: int | None, column: int | None, query: str) -> Problem:
    rules = [rule for rule in _RULE.findall(message) if rule != "Prefix not found"]
    expected = [token for token in dict.fromkeys(_TOKEN.findall(message.split("[")[0])) if token != '""'] or []
    what = f"{rules[0]}." if rules else ""
    if not what and expected:
        more = " …" if len(expected) > _MOST_EXPECTED else ""
        what = f"Expected {' or '.join(expected[:_MOST_EXPECTED])}{more}."
    if "IRI parsing failed" in message:
        what = f"The address before this is not absolute, or not allowed: {IRI_ADVICE}."
    where = ""
    extra: dict[str, Any] = {}
    if line is not None and column is not None:
        lines = query.split("\n")
        found = lines[line - 1][column - 1 : column + 19].strip() if line <= len(lines) else ""
        where = f" at line {line}, column {column}" + (f", before {found!r}" if found else ", at the end")
        extra = {"line": line, "column": column}
    return Problem(400, f"Syntax error{where}. {what}".strip(), title="SPARQL syntax error", **extra)


def problem_of_death(reason: str, seconds: float, memory_mb: int | None) -> Problem:
    """Return the Problem for the evaluation that ended with its reader."""
    advice = "Add LIMIT, name the graph, or narrow the patterns; whole datasets are under /dumps."
    if reason == "time":
        return Problem(
            504,
            f"The query was stopped after {seconds:g} s, the limit here. {advice}",
            title="Query too slow",
            limit_seconds=seconds,
        )
    if reason == "memory":
        return Problem(
            503,
            f"The query was stopped when it used more than {memory_mb} MiB of memory, the limit here. {advice}",
            title="Query too large",
            headers={"Retry-After": "600"},
            limit_memory_mb=memory_mb,
        )
    if reason == "start":
        return Problem(503, "No query can be evaluated just now.", headers={"Retry-After": "10"})
    return Problem(
        503,
        "The evaluation of this query broke off. Sorting values of mixed kinds can do that: ORDER BY STR(?x), or "
        "filter one datatype first.",
        title="Query could not be evaluated",
        headers={"Retry-After": "600"},
    )


def busy() -> Problem:
    """Return the Problem of a query that there is no room for now."""
    return Problem(
        503,
        "Too many queries are being evaluated just now. Ask again in a few seconds.",
        title=BUSY,
        headers={"Retry-After": "5"},
    )


def ended() -> Problem:
    """Return the Problem for an evaluation that the operator ended."""
    detail = "The operator of this server ended the query. Whole datasets are under /dumps."
    return Problem(503, detail, title="Query ended by the operator", headers={"Retry-After": "60"})
