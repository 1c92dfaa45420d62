"""Resolves IRI references against a base (RFC 3986, section 5.2), for any scheme and without refusing any text."""

from __future__ import annotations

import re

# RFC 3986, appendix B: matches every text.
_PARTS = re.compile(r"(?:([A-Za-z][A-Za-z0-9+.\-]*):)?(?://([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?", re.DOTALL)


def resolve(base: str, reference: str) -> str:
    """Return the IRI that a reference stands for below a base; without a base, the reference as it is.

    A reference with a scheme or an authority of its own keeps its dots, as in Oxigraph: an IRI is a name, and the
    store is asked for it letter by letter.

    >>> resolve("http://torg.example/graph/storby/", "../skolor?x#y")
    'http://torg.example/graph/skolor?x#y'
    """
    if not base:
        return reference
    scheme, authority, path, query, fragment = _parts(reference)
    if scheme is not None:
        return reference
    scheme, base_authority, base_path, base_query, _ = _parts(base)
    if authority is None:
        authority = base_authority
        if not path:
            path, query = base_path, base_query if query is None else query
        elif not path.startswith("/"):
            folder = base_path[: base_path.rfind("/") + 1]
            path = (folder or ("/" if base_authority is not None else "")) + path
        path = _without_dots(path)
    return _joined(scheme, authority, path, query, fragment)


def _parts(text: str) -> tuple[str | None, str | None, str, str | None, str | None]:
    match = _PARTS.fullmatch(text)
    assert match is not None
    return match[1], match[2], match[3], match[4], match[5]


def _without_dots(path: str) -> str:
    """Return the path without "." and ".." (RFC 3986, section 5.2.4)."""
    kept: list[str] = []
    segments = path.split("/")
    for number, segment in enumerate(segments):
        last = number == len(segments) - 1
        if segment == "..":
            if len(kept) > 1 or (kept and kept[0]):
                kept.pop()
        elif segment != ".":
            kept.append(segment)
            continue
        if last:
            kept.append("")
    return "/".join(kept)


def _joined(scheme: str | None, authority: str | None, path: str, query: str | None, fragment: str | None) -> str:
    text = "" if scheme is None else f"{scheme}:"
    text += "" if authority is None else f"//{authority}"
    text += path
    text += "" if query is None else f"?{query}"
    return text + ("" if fragment is None else f"#{fragment}")
