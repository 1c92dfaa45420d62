"""The operator's key: proof, for what only the operator may do over HTTP, of being able to read the data folder.

An address says little about who asks: behind a proxy on the same machine every visitor comes from 127.0.0.1, and a page
in the operator's own browser can ask there too. So a secret in a file that only torg's user reads comes with it.
"""

from __future__ import annotations

import hmac
import ipaddress
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

NAME = "operator.key"
HEADER = "Torg-Operator"
_FORWARDED = ("HTTP_FORWARDED", "HTTP_X_FORWARDED_FOR", "HTTP_X_REAL_IP", "HTTP_VIA")


def make_key(data: Path) -> None:
    """Make the key unless there is one; on a read-only data folder there is none, and nobody is let in.

    A site that has published nothing yet gets its data folder here: the server goes on when the first publication is
    there, and makes no key then.
    """
    with suppress(OSError):
        data.mkdir(exist_ok=True)
        descriptor = os.open(data / NAME, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(32) + "\n")


def read_key(data: Path) -> str:
    """Return the key, "" when there is none that this user may read."""
    try:
        return (data / NAME).read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def is_operator(environ: Mapping[str, object], data: Path) -> bool:
    """Return whether a WSGI request comes from this machine itself, past any proxy, with the key."""
    try:
        local = ipaddress.ip_address(str(environ.get("REMOTE_ADDR", "")).partition("%")[0]).is_loopback
    except ValueError:
        return False
    key, given = read_key(data), str(environ.get("HTTP_TORG_OPERATOR", ""))
    direct = not any(name in environ for name in _FORWARDED)
    return local and direct and bool(key) and hmac.compare_digest(key.encode(), given.encode("utf-8", "replace"))
