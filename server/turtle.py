"""Writes Turtle (W3C Turtle 1.1) from the terms of N-Triples, which are Turtle already: only what can be shorter is.

Descriptions are small and many, and most of what they name they name again and again, so the short form of an IRI is
remembered. Nothing is parsed: a term is its text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import groupby
from operator import itemgetter

Statement = tuple[str, str, str]
"""The subject, property and value of a triple, each as N-Triples writes it."""

TYPE = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>"
_XSD = "<http://www.w3.org/2001/XMLSchema#"
# A part of PN_LOCAL that needs no escapes (Turtle 1.1, section 6.5).
_LOCAL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_-])?\Z")
# Literals that Turtle writes bare (sections 2.5.2 and 2.5.3), by datatype.
_BARE = {
    f"{_XSD}integer>": re.compile(r"[+-]?[0-9]+\Z"),
    f"{_XSD}decimal>": re.compile(r"[+-]?[0-9]*\.[0-9]+\Z"),
    f"{_XSD}double>": re.compile(r"[+-]?(?:[0-9]+\.[0-9]*|\.?[0-9]+)[eE][+-]?[0-9]+\Z"),
    f"{_XSD}boolean>": re.compile(r"(?:true|false)\Z"),
}
_REMEMBERED = 50_000
_NEXT = " ;\n\t"


class TurtleWriter:
    """Writes Turtle with one set of prefixes; safe to share between threads."""

    def __init__(self, prefixes: Mapping[str, str]) -> None:
        self._namespaces = {namespace: prefix for prefix, namespace in sorted(prefixes.items(), reverse=True)}
        self._short = lru_cache(maxsize=_REMEMBERED)(self._shortened)

    def write(self, statements: Iterable[Statement], first: str = "") -> bytes:
        """Return the statements as Turtle: each once, sorted, those of the IRI `first` before all others."""
        top = f"<{first}>"
        ordered = sorted({(it[0] != top, it[0], it[1] != TYPE, it[1], it[2]) for it in statements})
        used: set[str] = set()
        lines: list[str] = []
        for subject, about in groupby(ordered, itemgetter(1)):
            said: list[str] = []
            for (unlike_type, property), values in groupby(about, itemgetter(2, 3)):
                verb = self._term(property, used) if unlike_type else "a"
                said.append(f"{verb} {' , '.join([self._term(value[4], used) for value in values])}")
            lines.append(f"{self._term(subject, used)} {_NEXT.join(said)} .\n")
        names = {prefix: namespace for namespace, prefix in self._namespaces.items() if prefix in used}
        head = [f"@prefix {prefix}: <{names[prefix]}> .\n" for prefix in sorted(names)]
        return "".join(head + lines).encode()

    def _term(self, token: str, used: set[str]) -> str:
        """Return a term as short as it goes, and note the prefix it takes."""
        if token[0] == "<":
            text, prefix = self._short(token)
        elif token[0] == '"' and token[-1] == ">":
            lexical, _, datatype = token.rpartition("^^")
            bare = _BARE.get(datatype)
            if bare is not None and bare.match(lexical[1:-1]):
                return lexical[1:-1]
            text, prefix = self._short(datatype)
            text = f"{lexical}^^{text}"
        else:
            return token
        if prefix is not None:
            used.add(prefix)
        return text

    def _shortened(self, token: str) -> tuple[str, str | None]:
        """Return (short form, prefix in it) of an IRI in angle brackets."""
        cut = max(token.rfind("/"), token.rfind("#")) + 1
        prefix = self._namespaces.get(token[1:cut])
        if prefix is None or not _LOCAL.match(token[cut:-1]):
            return token, None
        return f"{prefix}:{token[cut:-1]}", prefix
