"""Turns what a reader says, or its death, into the Problem that an HTTP client can act on."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from server.errors import Problem
from server.sparql_scan import IRI_ADVICE, IRI_ADVICE_SV

BUSY = "Too many queries at once"
_MOST_EXPECTED = 12
# What begins with these signs, in English and in Swedish.
_KINDS = (
    ({'"$"', '"?"'}, "a variable", "en variabel"),
    ({'"<"', '":"'}, "an address", "en adress"),
    ({'"\'"', "\"'''\"", "'\"'"}, "a text", "en text"),
    ({'"+"', '"-"'}, "a number", "ett tal"),
    ({'"<<"', '"<<("', '"{|"'}, "a quoted triple", "en citerad trippel"),
    ({'"true"', '"false"'}, "true or false", "true eller false"),
    (set("ABS AVG DAY IRI MAX MD MIN NOT NOW STR STRBEFORE STRSTARTS SUM URI".split()), "an expression", "ett uttryck"),
    ({'"_:"', '"["', '"[]"'}, "a nameless thing", "en namnlös sak"),
)
# Parts of the parser's message that name a rule in words, such as "The SELECT contains a variable that is unbound".
_RULE = re.compile(r"[A-Z][a-z]\w* [\w ]+")
_TOKEN = re.compile(r'"[^"]+"|[A-Z]{2,}')


def problem_of_reply(facts: Mapping[str, Any], query: str) -> Problem:
    """Return the Problem for an error that a reader reports."""
    kind, message = facts["error"], facts["message"]
    if kind == "syntax":
        return _syntax(message, facts.get("line"), facts.get("column"), query)
    if kind == "format":
        return Problem(
            406,
            f"{message} Ask for another format.",
            sv="Svaret kan inte skrivas i det formatet. Be om ett annat format.",
            quoted=message,
            title="Not writable in this format",
        )
    if kind == "dataset":
        return Problem(
            400,
            f"{message} Ask one graph, or give the graphs with GRAPH.",
            sv="Den sammansättningen av grafer kan inte frågas. Fråga en graf, eller ange graferna med GRAPH.",
            quoted=message,
            title="Dataset cannot be asked",
        )
    if kind == "remote":
        return _remote(facts)
    if kind == "storage":
        return Problem(
            503, "The data cannot be read just now.", sv="Data kan inte läsas just nu.", headers={"Retry-After": "30"}
        )
    return Problem(
        400,
        f"{message}.".replace("..", "."),
        sv="Frågan gick inte att räkna ut.",
        quoted=message,
        title="Query cannot be evaluated",
    )


def _remote(facts: Mapping[str, Any]) -> Problem:
    """Return the Problem of a store elsewhere that is down, slow or wrong; its own words are for the operator's log."""
    what = {
        502: "The store that answers queries gave an answer that cannot be used.",
        504: "The store that answers queries did not answer in time.",
    }.get(facts["status"], "The store that answers queries cannot be reached just now.")
    what_sv = {
        502: "Databasen som besvarar frågor gav ett svar som inte går att använda.",
        504: "Databasen som besvarar frågor svarade inte i tid.",
    }.get(facts["status"], "Databasen som besvarar frågor kan inte nås just nu.")
    wait = str(max(1, int(facts.get("wait", 10)) + 1))
    advice = "Pages, descriptions and the dumps under /dumps are here as before."
    return Problem(
        facts["status"],
        f"{what} {advice}",
        sv=f"{what_sv} Sidor, beskrivningar och filerna under /dumps finns som förut.",
        title="Store not available",
        headers={"Retry-After": wait},
    )


def _syntax(message: str, line: int | None, column: int | None, query: str) -> Problem:
    rules = [rule for rule in _RULE.findall(message) if rule != "Prefix not found"]
    expected = [token for token in dict.fromkeys(_TOKEN.findall(message.split("[")[0])) if token != '""'] or []
    # Nobody means these when nothing else is told, and the point that begins a number is said with the number.
    passed_over = {"LATERAL", "SERVICE", "PREDICATE", *('"."' for token in expected if token == '"+"')}
    expected = [token for token in expected if token not in passed_over]
    what = f"{rules[0]}." if rules else ""
    what_sv, quoted = "", what
    if not what and expected:
        what = f"Expected {_listed(expected, swedish=False)}."
        what_sv = f"Väntade {_listed(expected, swedish=True)}."
    if "IRI parsing failed" in message:
        what = f"The address before this is not absolute, or not allowed: {IRI_ADVICE}."
        what_sv, quoted = f"Adressen före det här är inte fullständig, eller inte tillåten: {IRI_ADVICE_SV}.", ""
    where = where_sv = ""
    extra: dict[str, Any] = {}
    if line is not None and column is not None:
        lines = query.split("\n")
        found = lines[line - 1][column - 1 : column + 19].strip() if line <= len(lines) else ""
        where = f" at line {line}, column {column}" + (f", before {found!r}" if found else ", at the end")
        where_sv = f", rad {line}, kolumn {column}" + (f", före {found!r}" if found else ", vid slutet")
        extra = {"line": line, "column": column}
    return Problem(
        400,
        f"Syntax error{where}. {what}".strip(),
        sv=f"Frågan kunde inte tolkas{where_sv}. {what_sv}".strip(),
        quoted=quoted,
        title="SPARQL syntax error",
        **extra,
    )


def _listed(expected: Sequence[str], *, swedish: bool) -> str:
    """Return what could have come, in words where the parser lists the signs that something begins with."""
    kinds = {token: sv if swedish else en for tokens, en, sv in _KINDS for token in tokens}
    said = dict.fromkeys(kinds.get(token, token) for token in expected)
    shown = list(said)[:_MOST_EXPECTED]
    if len(said) > len(shown):
        return f"{', '.join(shown)} …"
    return (" eller " if swedish else " or ").join(filter(None, (", ".join(shown[:-1]), shown[-1])))


def problem_of_death(reason: str, seconds: float, memory_mb: int | None) -> Problem:
    """Return the Problem for the evaluation that ended with its reader."""
    advice = "Add LIMIT, name the graph, or narrow the patterns; whole datasets are under /dumps."
    advice_sv = "Lägg till LIMIT, namnge grafen eller snäva in mönstren; hela datamängder finns under /dumps."
    if reason == "time":
        return Problem(
            504,
            f"The query was stopped after {seconds:g} s, the limit here. {advice}",
            sv=f"Frågan avbröts efter {seconds:g} s, som är gränsen här. {advice_sv}",
            title="Query too slow",
            limit_seconds=seconds,
        )
    if reason == "memory":
        return Problem(
            503,
            f"The query was stopped when it used more than {memory_mb} MiB of memory, the limit here. {advice}",
            sv=f"Frågan avbröts när den använde mer än {memory_mb} MiB minne, som är gränsen här. {advice_sv}",
            title="Query too large",
            headers={"Retry-After": "600"},
            limit_memory_mb=memory_mb,
        )
    if reason == "start":
        return Problem(
            503,
            "No query can be evaluated just now.",
            sv="Ingen fråga kan besvaras just nu.",
            headers={"Retry-After": "10"},
        )
    return Problem(
        503,
        "The evaluation of this query broke off. Sorting values of mixed kinds can do that: ORDER BY STR(?x), or "
        "filter one datatype first.",
        sv=(
            "Frågan gick inte att räkna ut till slut. Att sortera värden av blandade slag kan orsaka det: "
            "ORDER BY STR(?x), eller filtrera på en datatyp först."
        ),
        title="Query could not be evaluated",
        headers={"Retry-After": "600"},
    )


def busy() -> Problem:
    """Return the Problem of a query that there is no room for now."""
    return Problem(
        503,
        "Too many queries are being evaluated just now. Ask again in a few seconds.",
        sv="För många frågor besvaras just nu. Fråga igen om några sekunder.",
        title=BUSY,
        headers={"Retry-After": "5"},
    )


def ended() -> Problem:
    """Return the Problem for an evaluation that the operator ended."""
    detail = "The operator of this server ended the query. Whole datasets are under /dumps."
    return Problem(
        503,
        detail,
        sv="Den som driver servern avbröt frågan. Hela datamängder finns under /dumps.",
        title="Query ended by the operator",
        headers={"Retry-After": "60"},
    )
