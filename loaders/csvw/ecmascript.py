"""Regular expressions of ECMAScript, which CSVW formats are written in, as Python's (Tabular Data Model 6.4.5, 6.4.6).

Both languages agree on most; what they write or mean otherwise is told apart here, and what ECMAScript has not is no
expression.
"""

from __future__ import annotations

import re
from functools import lru_cache

from loaders.csvw.numbers import FormatError

_TOKEN = re.compile(
    r"\\(?:u\{[0-9A-Fa-f]+\}|c[A-Za-z]|k<[^>]*>|p\{[^}]*\}|P\{[^}]*\}|.)"
    r"|\(\?(?:[:=!]|<[=!]|<[A-Za-z_$][\w$]*>)?|\[\^?\]?|[\]$]|.",
    re.DOTALL,
)
# ECMA-262 22.2.2.9: these are ASCII, unlike Python's, but for the white space, which is Unicode's in both.
_ASCII_CLASSES = {"d": "0-9", "w": "A-Za-z0-9_"}
_LETTERS = {"L": r"[^\W\d_]", "Letter": r"[^\W\d_]", "Nd": r"\d", "N": r"\d"}
_SAME = frozenset("bBsSnrtvfux0123456789")


@lru_cache(maxsize=1024)
def compiled(pattern: str) -> re.Pattern[str]:
    """Return the expression; raise FormatError when it is none of ECMAScript, or means more than Python's can.

    >>> bool(compiled(r"^\\d+$").search("12")), bool(compiled(r"^\\d+$").search("12\\n"))
    (True, False)
    """
    parts: list[str] = []
    inside, before = False, ""
    for match in _TOKEN.finditer(pattern):
        token = match[0]
        if token == "\\" or (token == "+" and before in ("*", "+", "?") and not inside):
            raise FormatError("an escape of nothing, or a quantifier that ECMAScript has not")
        before = token
        if inside:
            inside = token != "]"
            parts.append(_in_class(token))
        elif token in ("[]", "[^]"):
            # ECMA-262: no character, and any character.
            parts.append(r"(?!)" if token == "[]" else r"[\s\S]")
        elif token.startswith("["):
            inside = True
            parts.append(token)
        else:
            parts.append(_outside(token))
    try:
        return re.compile("".join(parts))
    except (re.error, OverflowError, RecursionError) as error:
        raise FormatError("no regular expression") from error


def _outside(token: str) -> str:
    if token == "$":
        # Python's also stands before a line break at the end.
        return r"\Z"
    if token == ".":
        return r"[^\n\r\u2028\u2029]"
    if token == "(?":
        raise FormatError("a group that ECMAScript has not")
    if token.startswith("(?<") and token[3:4] not in "=!":
        return "(?P<" + token[3:]
    if not token.startswith("\\"):
        return token
    letter = token[1:2]
    if letter in _ASCII_CLASSES:
        return f"[{_ASCII_CLASSES[letter]}]"
    if letter.lower() in _ASCII_CLASSES:
        return f"[^{_ASCII_CLASSES[letter.lower()]}]"
    if letter == "k":
        return f"(?P={token[3:-1]})"
    if letter == "p":
        return _property(token)
    return _escaped(token)


def _in_class(token: str) -> str:
    if token.startswith("["):
        # An opening bracket within brackets is itself; Python warns of it.
        return token.replace("[", r"\[")
    if not token.startswith("\\"):
        return "".join("\\" + sign if sign in "&~|" else sign for sign in token)
    letter = token[1:2]
    if letter in _ASCII_CLASSES:
        return _ASCII_CLASSES[letter]
    if letter == "b":
        return r"\x08"
    if letter in ("p", "P"):
        raise FormatError("a property of Unicode within brackets")
    return _escaped(token)


def _escaped(token: str) -> str:
    """Return an escape as Python writes it; of any other sign it is the sign."""
    letter = token[1:2]
    if token.startswith("\\u{"):
        return re.escape(chr(int(token[3:-1], 16)))
    if letter == "c" and len(token) == 3:
        return re.escape(chr(ord(token[2]) % 32))
    if letter in _SAME:
        return token
    return re.escape(letter)


def _property(token: str) -> str:
    name = token[3:-1].rpartition("=")[2]
    if token.startswith("\\p{") and name in _LETTERS:
        return _LETTERS[name]
    raise FormatError("a property of Unicode that is not known here")
