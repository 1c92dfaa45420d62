"""URI templates of RFC 6570, all four levels, as CSVW uses them for aboutUrl, propertyUrl and valueUrl."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote

from loaders.csvw.terms import encode_illegal

Value = str | Sequence[str] | None
Encode = Callable[[str], str]

_EXPRESSION = re.compile(r"\{([^{}]*)\}")
_VARIABLE = re.compile(r"((?:[A-Za-z0-9_.]|%[0-9A-Fa-f]{2})+)(?::([1-9][0-9]{0,3})|(\*))?")
_UNRESERVED = "-._~"
_RESERVED = _UNRESERVED + ":/?#[]@!$&'()*+,;="
# RFC 6570 3.2.1: first, separator, named, what an empty named value ends with, reserved characters allowed.
_OPERATORS: Mapping[str, tuple[str, str, bool, str, bool]] = {
    "": ("", ",", False, "", False),
    "+": ("", ",", False, "", True),
    "#": ("#", ",", False, "", True),
    ".": (".", ".", False, "", False),
    "/": ("/", "/", False, "", False),
    ";": (";", ";", True, "", False),
    "?": ("?", "&", True, "=", False),
    "&": ("&", "&", True, "=", False),
}


def encode_simple(text: str) -> str:
    """Percent-encode everything but the unreserved characters of RFC 3986, as UTF-8.

    >>> encode_simple("Skåne län")
    'Sk%C3%A5ne%20l%C3%A4n'
    """
    return quote(text, safe=_UNRESERVED)


def encode_reserved(text: str) -> str:
    """Percent-encode everything but unreserved and reserved characters and escapes already there (RFC 6570 3.2.3).

    >>> encode_reserved("http://örebro.se/a b%20c%")
    'http://%C3%B6rebro.se/a%20b%20c%25'
    """
    quoted = quote(text, safe=_RESERVED + "%")
    return re.sub(r"%(?![0-9A-Fa-f]{2})", "%25", quoted)


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable of an expression, with its prefix length or explode modifier."""

    name: str
    prefix: int = 0
    explode: bool = False


@dataclass(frozen=True, slots=True)
class Expression:
    """One `{…}` of a template."""

    operator: str
    variables: tuple[Variable, ...]

    def expand(self, values: Mapping[str, Value], encode: Encode = encode_simple) -> str:
        """Return the expansion (RFC 6570 3.2); undefined variables leave nothing."""
        first, separator, named, if_empty, reserved = _OPERATORS[self.operator]
        code = encode_reserved if reserved else encode
        parts: list[str] = []
        for variable in self.variables:
            value = values.get(variable.name)
            if value is None or (not isinstance(value, str) and not value):
                continue
            name = variable.name + "=" if named else ""
            if isinstance(value, str):
                text = code(value[: variable.prefix] if variable.prefix else value)
                parts.append(_named(variable.name, text, if_empty) if named else text)
            elif variable.explode:
                items = [code(item) for item in value]
                parts.append(separator.join(_named(variable.name, i, if_empty) if named else i for i in items))
            else:
                parts.append(name + ",".join(code(item) for item in value))
        return first + separator.join(parts) if parts else ""


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed URI template: literal strings and expressions in order."""

    text: str
    parts: tuple[str | Expression, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The variables named, in order of first appearance."""
        found = [v.name for part in self.parts if isinstance(part, Expression) for v in part.variables]
        return tuple(dict.fromkeys(found))

    def expand(self, values: Mapping[str, Value], encode: Encode = encode_simple) -> str:
        """Return the URI reference that the values give.

        >>> parse_template("{+base}/skola{/kod}{?ar}").expand({"base": "http://a.se", "kod": "é/1", "ar": "2025"})
        'http://a.se/skola/%C3%A9%2F1?ar=2025'
        """
        return "".join(part if isinstance(part, str) else part.expand(values, encode) for part in self.parts)


class TemplateError(ValueError):
    """The text is no URI template."""


@lru_cache(maxsize=4096)
def parse_template(text: str) -> Template:
    """Return the template, or raise TemplateError when an expression is malformed (RFC 6570 2).

    >>> parse_template("#{namn}").names
    ('namn',)
    """
    parts: list[str | Expression] = []
    position = 0
    for match in _EXPRESSION.finditer(text):
        parts.append(_literal(text[position : match.start()]))
        parts.append(_expression(match[1]))
        position = match.end()
    parts.append(_literal(text[position:]))
    return Template(text, tuple(part for part in parts if part != ""))


def _named(name: str, text: str, if_empty: str) -> str:
    return f"{name}={text}" if text else name + if_empty


def _literal(text: str) -> str:
    if "{" in text or "}" in text:
        raise TemplateError("a brace without its pair")
    # RFC 6570 3.1: literals that a URI may not hold are encoded; IRIs may hold letters beyond ASCII, and CSVW's
    # identifiers are IRIs, so those stay.
    return encode_illegal(text)


def _expression(body: str) -> Expression:
    operator = body[:1] if body[:1] in _OPERATORS else ""
    variables = []
    for item in body[len(operator) :].split(","):
        match = _VARIABLE.fullmatch(item.strip())
        if match is None:
            raise TemplateError(f"{{{body}}} is no expression of RFC 6570")
        variables.append(Variable(match[1], int(match[2] or 0), bool(match[3])))
    return Expression(operator, tuple(variables))
