"""Request paths as identifiers spell them: WSGI hands over decoded text, identifiers are percent-encoded."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote

from server.uris import SUFFIXES

_UNRESERVED = "-._~"
_SEGMENT = _UNRESERVED + "!$&'()*+,;=:@"  # pchar of RFC 3986, section 3.3
_SUFFIX = re.compile(rf"(.+)\.({'|'.join(SUFFIXES)})\Z")


def spellings(path: str) -> list[str]:
    """Return how an identifier with this decoded path can be spelled, our own spelling first.

    Keys that we minted keep only unreserved characters (`server.uris.key_part`); a steward's template
    or an imported concept may keep the others that a segment allows.

    >>> spellings("/id/school/Åsens skola")
    ['/id/school/%C3%85sens%20skola']
    >>> spellings("/def/account/71:2")
    ['/def/account/71%3A2', '/def/account/71:2']
    """
    composed = unicodedata.normalize("NFC", path)
    kept = [quote(composed, safe=_UNRESERVED + "/"), quote(composed, safe=_SEGMENT + "/")]
    return list(dict.fromkeys(kept))


def split_suffix(path: str) -> tuple[str, str]:
    """Return (path, suffix) of a path that ends in a registered suffix, else (path, "").

    >>> split_suffix("/res/school/12345678.ttl")
    ('/res/school/12345678', 'ttl')
    >>> split_suffix("/def/service/T2.1")
    ('/def/service/T2.1', '')
    """
    match = _SUFFIX.match(path)
    return (match[1], match[2]) if match else (path, "")
