"""A linear token scan of a visitor's query before any native parser sees it: size, depth, form, dataset, SERVICE.

The scan reads tokens (SPARQL 1.1 Query, section 19.8) in one pass without recursion, because Oxigraph parses and
plans recursively and has no switch for SERVICE. It is stricter than the grammar only where a limit says so, and it
never decides whether a query is valid: the parser in the reader does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from server.errors import Problem
from server.references import resolve


@dataclass(frozen=True, slots=True)
class ScanLimits:
    """How large a query text may be, in the units named; each is measured to plan within the deadline."""

    bytes: int = 262_144
    depth: int = 100
    patterns: int = 200
    prefix_operators: int = 50
    chain_operators: int = 2_000
    path_length: int = 50
    regex_length: int = 1_024


@dataclass(frozen=True, slots=True)
class Scan:
    """What the tokens of one query say about it."""

    form: str
    default_graphs: tuple[str, ...] = ()
    named_graphs: tuple[str, ...] = ()
    deterministic: bool = True
    prefixes: Mapping[str, str] = field(default_factory=dict)
    depth: int = 0
    patterns: int = 0
    star: int = -1  # where the * of SELECT * stands
    variables: tuple[str, ...] = ()  # of SELECT *, in the order they are first named
    light: bool = False  # one pattern at most and nothing that multiplies: it may pass heavy queries that wait

    @property
    def is_graph(self) -> bool:
        """Whether the answer is RDF (CONSTRUCT, DESCRIBE) rather than solutions or a boolean."""
        return self.form in ("CONSTRUCT", "DESCRIBE")


QUERY_FORMS = frozenset(("SELECT", "ASK", "CONSTRUCT", "DESCRIBE"))
UPDATE_FORMS = frozenset(("INSERT", "DELETE", "LOAD", "CLEAR", "DROP", "CREATE", "ADD", "MOVE", "COPY", "WITH"))
# SPARQL 1.1 Query, 17.4: functions whose value differs between two evaluations of one query.
_LIGHT_LENGTH = 2_048
_UNSTABLE = frozenset(("RAND", "NOW", "UUID", "STRUUID", "BNODE"))
_EXPRESSION_KEYWORDS = frozenset(("FILTER", "BIND", "HAVING", "BY", "IN", "SELECT", "DISTINCT", "REDUCED", "AS", "ASC"))
_PATTERN_KEYWORDS = frozenset(("FILTER", "BIND", "OPTIONAL", "MINUS", "GRAPH", "UNION", "VALUES", "LATERAL", "EXISTS"))
_CHAIN_OPERATORS = frozenset(("||", "&&", "+", "-", "*", "/", "=", "!=", "<", ">", "<=", ">=", "|"))
_OPENING = {"{": "}", "(": ")", "[": "]", "<<": ">>", "<<(": ")>>", "{|": "|}"}
_CLOSING = frozenset(_OPENING.values())

_BASE = (
    "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c-\u200d\u2070-\u218f"
    "\u2c00-\u2fef\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd\U00010000-\U000effff"
)
_CHARS = _BASE + "_0-9\u00b7\u0300-\u036f\u203f-\u2040\\-"
_ESCAPE = r"%[0-9A-Fa-f]{2}|\\[_~.\-!$&'()*+,;=/?#@%]"
# Possessive quantifiers and the bounded prefix keep every alternative linear: a failed attempt costs at most its
# own length, and no position is tried with an unbounded run twice.
_TOKEN = re.compile(
    rf"""
      (?P<space>(?:[\x20\t\r\n]|\#[^\r\n]*+)++)
    | (?P<string>'''(?:[^'\\]|\\.|'{{1,2}}(?!'))*+''' | \"\"\"(?:[^"\\]|\\.|"{{1,2}}(?!"))*+\"\"\"
        | '(?:[^'\\\r\n]|\\.)*+' | "(?:[^"\\\r\n]|\\.)*+")
    | (?P<iri><(?:[^<>"{{}}|^`\\\x00-\x20]|\\u[0-9A-Fa-f]{{4}}|\\U[0-9A-Fa-f]{{8}})*+>)
    | (?P<variable>[?$][{_BASE}_0-9][{_CHARS}]*+)
    | (?P<bnode>_:[{_BASE}_0-9](?:[{_CHARS}.]*[{_CHARS}])?)
    | (?P<pname>(?:[{_BASE}](?:[{_CHARS}.]{{0,126}}[{_CHARS}])?)?:
        (?:(?:[{_BASE}_0-9:]|{_ESCAPE})(?:(?:[{_CHARS}.:]|{_ESCAPE})*(?:[{_CHARS}:]|{_ESCAPE}))?)?)
    | (?P<word>[{_BASE}_][{_CHARS}]*+)
    | (?P<number>(?:[0-9]++(?:\.[0-9]++)?|\.[0-9]++)(?:\.?[eE][+-]?[0-9]++)?)
    | (?P<language>@[A-Za-z]++(?:-[A-Za-z0-9]++)*+(?:--[A-Za-z]++)?)
    | (?P<mark><<\(|\)>>|<<|>>|\{{\||\|\}}|\^\^|&&|\|\||!=|<=|>=|[{{}}()\[\].;,*/|^?!+\-=<>~])
    """,
    re.VERBOSE | re.DOTALL,
)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_BROKEN_IRI = re.compile(r"<[^<>\r\n]+>")
IRI_ADVICE_SV = "mellan < och > finns inget mellanslag, citattecken eller { } | ^ ` \\; ett mellanslag skrivs %20"
IRI_ADVICE = "between < and > there is no space, quotation mark or any of { } | ^ ` \\; a space is written %20"
"""What an IRI must be, for those who wrote one that is none."""
_CODEPOINT = re.compile(r"\\u([0-9A-Fa-f]{4})|\\U([0-9A-Fa-f]{8})")


def scan(text: str, limits: ScanLimits = ScanLimits(), known_prefixes: Mapping[str, str] | None = None) -> Scan:
    """Return what the tokens say about the query, or raise Problem with the line and column of what is refused.

    413 when the text is too long, 403 for SERVICE, 400 for a limit passed, a character no token has or a prefix
    that is not declared (named with the declaration this site knows). An update is returned with form "UPDATE".
    """
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > limits.bytes:
        raise Problem(
            413,
            f"The query is {size} bytes long; at most {limits.bytes} are taken.",
            sv=f"Frågan är {size} byte lång; högst {limits.bytes} tas emot.",
            title="Query too long",
        )
    found = _Scanner(text, limits, known_prefixes or {}).run()
    if "\\u" in text or "\\U" in text:
        # Codepoint escapes are decoded before the grammar applies (section 19.2), yet Oxigraph decodes them inside
        # its tokens only. What either reading shows as SERVICE is refused.
        _refuse_service(_decode(text))
    return found


def tokens(text: str) -> Iterator[tuple[str, str, int]]:
    """Yield kind, text and place of each token but space, up to the first that is none; for a text scanned before."""
    position = 0
    while match := _TOKEN.match(text, position):
        if match.lastgroup != "space":
            yield match.lastgroup or "", match[0], position
        position = match.end()


def _decode(text: str) -> str:
    def character(match: re.Match[str]) -> str:
        code = int(match[1] or match[2], 16)
        return chr(code) if code <= 0x10FFFF else match[0]

    return _CODEPOINT.sub(character, text)


def _refuse_service(text: str) -> None:
    """Raise Problem if SERVICE is a bare word in the text; unreadable characters are stepped over."""
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            position += 1
            continue
        if match.lastgroup == "word" and "SERVICE" in match[0].upper():
            raise _service_problem(text, match.start())
        position = match.end()


def _service_problem(text: str, position: int) -> Problem:
    line, column = place(text, position)
    return Problem(
        403,
        f"SERVICE at line {line}, column {column}: this endpoint asks no other servers. Ask each server by itself "
        "and join the answers.",
        sv=(
            f"SERVICE på rad {line}, kolumn {column}: härifrån frågas inga andra servrar. Fråga var och en för sig "
            "och foga ihop svaren."
        ),
        title="SERVICE is not offered",
        line=line,
        column=column,
    )


def place(text: str, position: int) -> tuple[int, int]:
    """Return line and column, both from 1, of a position in the text.

    >>> place("ASK\\n{ ?x", 6)
    (2, 3)
    """
    before = text[:position]
    return before.count("\n") + 1, position - (before.rfind("\n") + 1) + 1


@dataclass(slots=True)
class _Level:
    """One open bracket: its kind and what has been counted directly inside it."""

    kind: str  # group, expression, term (path or collection), nodes, values, quoted
    chain: int = 0
    argument: int = 0
    regex: bool = False
    in_triple: bool = False


class _Scanner:
    """The state of one pass over the tokens."""

    def __init__(self, text: str, limits: ScanLimits, known: Mapping[str, str]) -> None:
        self.text, self.limits, self.known = text, limits, known
        self.levels = [_Level("top")]
        self.deepest = self.patterns = self.path = self.prefix_run = self.multipliers = 0
        self.form, self.base, self.prologue = "", "", ""
        self.prefixes: dict[str, str] = {}
        self.pending_prefix = ""
        self.dataset: list[tuple[bool, str]] = []
        self.clause = ""  # FROM or NAMED while its graph is awaited
        self.values = False  # between VALUES and its block
        self.deterministic = True
        self.previous = self.before = ""
        self.star, self.variables = -1, dict[str, None]()
        self.suspect = -1  # a prefixed name Oxigraph would read as SERVICE if a group follows

    def run(self) -> Scan:
        match_at, position, text = _TOKEN.match, 0, self.text
        while position < len(text):
            match = match_at(text, position)
            if match is None:
                raise self._problem(
                    position,
                    f"no SPARQL token starts with {text[position : position + 10]!r}",
                    f"inget i SPARQL börjar med {text[position : position + 10]!r}",
                )
            kind, start, position = match.lastgroup, position, match.end()
            if kind == "space":
                continue
            self._token(kind or "", match[0], start)
            self.before, self.previous = self.previous, match[0] if kind in ("mark", "word") else str(kind)
        if not self.form:
            raise self._problem(
                len(text),
                "the query ends before SELECT, ASK, CONSTRUCT or DESCRIBE",
                "frågan slutar före SELECT, ASK, CONSTRUCT eller DESCRIBE",
            )
        graphs = dict.fromkeys(self.dataset)
        return Scan(
            form=self.form,
            default_graphs=tuple(graph for named, graph in graphs if not named),
            named_graphs=tuple(graph for named, graph in graphs if named),
            deterministic=self.deterministic,
            prefixes=self.prefixes,
            depth=self.deepest,
            patterns=self.patterns,
            star=self.star,
            variables=tuple(self.variables),
            light=self.patterns <= 1 and self.multipliers <= 1 and len(text) <= _LIGHT_LENGTH,
        )

    def _token(self, kind: str, token: str, start: int) -> None:
        if kind == "mark":
            self._mark(token, start)
            return
        self.prefix_run = 0
        self.suspect = -1
        if kind == "word":
            self._word(token.upper(), start)
            return
        if kind in ("iri", "pname"):
            self._name(kind, token, start)
        elif kind == "string":
            self._string(token, start)
        elif kind == "variable" and self.star >= 0:
            self.variables[token[1:]] = None
        self._term(start)

    def _word(self, word: str, start: int) -> None:
        if "SERVICE" in word:
            # Oxigraph needs no space between "true" and SERVICE, nor between SERVICE and SILENT.
            raise _service_problem(self.text, start)
        if not self.form:
            if word in ("PREFIX", "BASE", "VERSION"):
                self.prologue = word
            elif word in QUERY_FORMS:
                self.form = word
            elif word in UPDATE_FORMS:
                self.form = "UPDATE"
            else:
                raise self._problem(
                    start,
                    f"expected SELECT, ASK, CONSTRUCT or DESCRIBE, not {word[:40]!r}",
                    f"väntade SELECT, ASK, CONSTRUCT eller DESCRIBE, inte {word[:40]!r}",
                )
        elif word == "FROM" or (word == "NAMED" and self.clause == "FROM"):
            self.clause = word
        elif word == "VALUES":
            self.values = True
        elif word in ("TRUE", "FALSE", "A"):
            self._term(start)
        if word in ("BIND", "VALUES"):
            self.multipliers += 1
        if word in _UNSTABLE:
            self.deterministic = False
        if word in _PATTERN_KEYWORDS:
            self.levels[-1].in_triple = False
            self.path = 0
        if word in ("UNION", "OPTIONAL", "MINUS"):
            self._chain(start)

    def _name(self, kind: str, token: str, start: int) -> None:
        if kind == "pname":
            prefix, _, local = token.partition(":")
            if self.prologue == "PREFIX":
                self.pending_prefix = prefix
                return
            if prefix not in self.prefixes:
                raise self._undeclared(prefix, start)
            iri = self.prefixes[prefix] + local
            if "SERVICE" in prefix.upper() and len(self.levels) > 1 and self.previous.upper() != "GRAPH":
                self.suspect = start
        else:
            iri = resolve(self.base, _decode(token[1:-1]))
            if self.prologue == "PREFIX":
                self.prefixes[self.pending_prefix], self.prologue = iri, ""
                return
            if self.prologue == "BASE":
                self.base, self.prologue = iri, ""
                return
            if not _SCHEME.match(iri):
                raise self._problem(
                    start,
                    f"{token[:200]} is relative, and the query has no BASE to resolve it against",
                    f"{token[:200]} är relativ, och frågan har ingen BASE att utgå från",
                )
        if self.clause:
            self.dataset.append((self.clause == "NAMED", iri))
            self.clause = ""

    def _string(self, token: str, start: int) -> None:
        self.prologue = ""
        level = self.levels[-1]
        if level.regex and level.argument == 1 and len(token) > self.limits.regex_length:
            raise self._problem(
                start,
                f"the pattern is longer than {self.limits.regex_length} characters",
                f"mönstret är längre än {self.limits.regex_length} tecken",
            )

    def _term(self, start: int) -> None:
        """Count a term as the start of a triple pattern, or as an item of a collection."""
        level = self.levels[-1]
        if self.values:
            return
        if level.kind == "term" or (level.kind in ("group", "nodes", "quoted") and not level.in_triple):
            level.in_triple = True
            self._pattern(start)

    def _pattern(self, start: int) -> None:
        self.patterns += 1
        if self.patterns > self.limits.patterns:
            raise self._problem(
                start,
                f"more than {self.limits.patterns} triple patterns",
                f"fler än {self.limits.patterns} trippelmönster",
            )

    def _chain(self, start: int) -> None:
        level = self.levels[-1]
        level.chain += 1
        if level.chain > self.limits.chain_operators:
            raise self._problem(
                start,
                f"more than {self.limits.chain_operators} operators in one chain",
                f"fler än {self.limits.chain_operators} operatorer i en kedja",
            )

    def _mark(self, mark: str, start: int) -> None:
        level = self.levels[-1]
        if mark in ("!", "+", "-", "^"):
            self.prefix_run += 1
            if self.prefix_run > self.limits.prefix_operators:
                raise self._problem(
                    start,
                    f"more than {self.limits.prefix_operators} prefix operators in a row",
                    f"fler än {self.limits.prefix_operators} prefixoperatorer i rad",
                )
        else:
            self.prefix_run = 0
        if mark == "*" and level.kind == "top" and self.previous.upper() in ("SELECT", "DISTINCT", "REDUCED"):
            self.star = start
        if mark in _OPENING:
            self._open(mark, start)
        elif mark in _CLOSING:
            if len(self.levels) > 1:
                self.levels.pop()
                if mark == "}":
                    self.levels[-1].in_triple = False
                    self.path = 0
        elif mark == ".":
            level.in_triple = False
            self.path = 0
        elif mark in ";,":
            level.argument += 1
            self.path = 0
            if level.kind in ("group", "nodes"):
                self._pattern(start)
        elif mark in ("/", "|", "^") and level.kind in ("group", "term", "nodes", "quoted"):
            self.path += 1
            if self.path >= self.limits.path_length:
                raise self._problem(
                    start,
                    f"a property path of more than {self.limits.path_length} steps",
                    f"en egenskapsväg på fler än {self.limits.path_length} steg",
                )
        elif mark in ("*", "+") and level.kind in ("group", "term"):
            self.multipliers += 2  # A path of any length.
        if mark in _CHAIN_OPERATORS:
            self._chain(start)
        self.suspect = -1

    def _open(self, mark: str, start: int) -> None:
        if mark == "{" and self.suspect >= 0:
            raise _service_problem(self.text, self.suspect)
        self.levels.append(self._level(mark, start))
        depth = len(self.levels) - 1
        self.deepest = max(self.deepest, depth)
        if depth > self.limits.depth:
            raise self._problem(
                start,
                f"nested more than {self.limits.depth} levels deep",
                f"nästlat mer än {self.limits.depth} nivåer djupt",
            )

    def _level(self, mark: str, start: int) -> _Level:
        outer, word = self.levels[-1], self.previous.upper()
        if self.values:
            self.values = mark != "{"
            return _Level("values")
        if outer.kind == "values":
            return _Level("values")
        if mark == "{":
            self.path = 0
            outer.in_triple = False
            return _Level("group")
        if mark in ("<<", "<<(", "{|"):
            return _Level("quoted")
        if mark == "[":
            self._term(start)
            return _Level("nodes")
        is_pattern = outer.kind in ("group", "term", "nodes", "quoted")
        called = self.before.upper() in _EXPRESSION_KEYWORDS and self.previous in ("iri", "pname")
        is_word = word.isalnum() and word not in ("A", "TRUE", "FALSE", "IRI", "PNAME", "VARIABLE", "STRING", "NUMBER")
        if is_pattern and not called and not (is_word and word not in ("BNODE", "LANGUAGE")):
            return _Level("term")
        return _Level("expression", regex=word in ("REGEX", "REPLACE"))

    def _undeclared(self, prefix: str, start: int) -> Problem:
        if self.previous == "<" and (broken := _BROKEN_IRI.match(self.text, start - 1)):
            return self._problem(
                start - 1,
                f"{broken[0][:200]} is no address: {IRI_ADVICE}",
                f"{broken[0][:200]} är ingen adress: {IRI_ADVICE_SV}",
            )
        line, column = place(self.text, start)
        known = self.known.get(prefix)
        advice = f" Add: PREFIX {prefix}: <{known}>" if known else ""
        advice_sv = f" Lägg till: PREFIX {prefix}: <{known}>" if known else ""
        extra: dict[str, Any] = {"suggestion": f"PREFIX {prefix}: <{known}>"} if known else {}
        return Problem(
            400,
            f"The prefix {prefix}: at line {line}, column {column} is not declared.{advice}",
            sv=f"Prefixet {prefix}: på rad {line}, kolumn {column} är inte deklarerat.{advice_sv}",
            title="Undeclared prefix",
            line=line,
            column=column,
            **extra,
        )

    def _problem(self, position: int, what: str, sv: str) -> Problem:
        line, column = place(self.text, position)
        return Problem(
            400,
            f"At line {line}, column {column}: {what}.",
            sv=f"På rad {line}, kolumn {column}: {sv}.",
            title="Query refused",
            line=line,
            column=column,
        )
