"""Writes RDF terms as N-Triples: literals, IRIs and the escapes both need."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import urljoin, urlsplit

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
RDFS = "http://www.w3.org/2000/01/rdf-schema#"
XSD = "http://www.w3.org/2001/XMLSchema#"
CSVW = "http://www.w3.org/ns/csvw#"

# N-Triples canonical form escapes these four; oxigraph writes TAB, BS and FF escaped too, but BS and FF never pass
# the control-character check and TAB is legal raw.
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r"})
_NEEDS_ESCAPE = re.compile(r'[\\"\n\r]')

# C0 controls except TAB LF CR, surrogates and the two noncharacters that XML 1.0 forbids: with any of these an RDF
# literal cannot be written as RDF/XML, and NUL and surrogates cannot be written at all.
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

# IRIREF of N-Triples 1.1 2.2, tightened to RFC 3987: no controls, spaces or <>"{}|^`\, percent signs only in
# escapes, no surrogates; absolute (a scheme). `[` and `]` are legal in an IP literal only, hence the host part apart.
_IRI = re.compile(
    r"[A-Za-z][A-Za-z0-9+.\-]*:"
    r"(?://(?:[^\x00-\x20<>\"{}|^`\\%\[\]/?#@\x7f-\x9f\ud800-\udfff\ufff0-\uffff]|%[0-9A-Fa-f]{2}|@)*"
    r"(?:\[[0-9A-Fa-f:.]+\](?::[0-9]*)?)?(?=[/?#]|$))?"
    r"(?:[^\x00-\x20<>\"{}|^`\\%\[\]#\x7f-\x9f\ud800-\udfff\ufff0-\uffff]|%[0-9A-Fa-f]{2})*"
    r"(?:#(?:[^\x00-\x20<>\"{}|^`\\%\[\]#\x7f-\x9f\ud800-\udfff\ufff0-\uffff]|%[0-9A-Fa-f]{2})*)?"
)


def escape(text: str) -> str:
    r"""Return the text as it stands between the quotes of an N-Triples literal.

    >>> escape('Café "Torget"')
    'Café \\"Torget\\"'
    """
    return text.translate(_ESCAPES) if _NEEDS_ESCAPE.search(text) else text


def writable(text: str) -> bool:
    r"""Tell whether the text may stand in an RDF literal of every syntax.

    >>> writable("Örebro\tkommun"), writable("Örebro\x00")
    (True, False)
    """
    return _UNWRITABLE.search(text) is None


def is_iri(text: str) -> bool:
    """Tell whether the text is an absolute IRI that every RDF syntax can hold (RFC 3987).

    >>> is_iri("https://örebro.se/id/skola/1"), is_iri("id/skola/1"), is_iri("https://orebro.se/a b")
    (True, False, False)
    """
    return _IRI.fullmatch(text) is not None


def literal(text: str, datatype: str = "", language: str = "") -> str:
    """Return an N-Triples literal; a plain or xsd:string one when no datatype is given.

    >>> literal("Torg", language="sv")
    '"Torg"@sv'
    >>> literal("10.50", XSD + "decimal")
    '"10.50"^^<http://www.w3.org/2001/XMLSchema#decimal>'
    """
    if language:
        return f'"{escape(text)}"@{language}'
    if datatype and datatype != XSD + "string":
        return f'"{escape(text)}"^^<{datatype}>'
    return f'"{escape(text)}"'


def resolve(base: str, reference: str) -> str:
    """Return the reference resolved against the base (RFC 3986 5.2), which may be of any scheme.

    >>> resolve("http://www.w3.org/2013/csvw/tests/tree-ops.csv", "#GID")
    'http://www.w3.org/2013/csvw/tests/tree-ops.csv#GID'
    """
    if not reference:
        return base.partition("#")[0]
    try:
        if not base or urlsplit(reference).scheme:
            return reference
    except ValueError:
        # `http://[`: no address, which whoever writes it as one finds out.
        return reference
    if reference.startswith("#"):
        # urljoin drops an empty fragment and knows only some schemes; a fragment needs neither.
        return base.partition("#")[0] + reference
    return urljoin(base, reference)


def encode_illegal(iri: str) -> str:
    """Return the IRI with the characters that none may hold percent-encoded (RFC 3987 3.1).

    >>> encode_illegal("https://orebro.se/skolor 2025.csv")
    'https://orebro.se/skolor%202025.csv'
    """
    return re.sub(r'[\x00-\x20<>"{}|\\^`]', lambda match: f"%{ord(match[0]):02X}", iri)


def nfc(text: str) -> str:
    """Return the text in Unicode normalisation form C, the only form that IRIs are minted in."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)
