"""Bearer tokens: they name a client and lift its limits, or let a replica copy; kept as hashes in one file.

A token is `torg_<id>_<secret>` with 256 random bits of secret, shown once. A fast hash is right for such a secret:
there is nothing to guess it from.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import json
import os
import re
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from server.errors import OperationError, StorageError
from server.whole_files import write_json

MOST_DAYS = 366
_SHAPE = re.compile(r"torg_([a-z0-9]{8})_([A-Za-z0-9_-]{43})\Z")


@dataclass(frozen=True, slots=True)
class Token:
    """What is kept of a token: everything but its secret."""

    id: str
    name: str
    sha256: str
    created: str
    expires: str
    replica: bool = False  # may copy generations (`torg serve --follow`)

    def valid(self, now: datetime) -> bool:
        """Return whether it has not expired, with a minute's grace for clocks that differ."""
        return now < datetime.fromisoformat(self.expires) + timedelta(minutes=1)


class TokenFile:
    """The tokens of an installation; read again whenever the file changes, so a revocation holds at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._seen: tuple[int, int, int] | None = None
        self._tokens: dict[str, Token] = {}

    def create(
        self, name: str, days: int = MOST_DAYS, now: datetime | None = None, *, replica: bool = False
    ) -> tuple[Token, str]:
        """Return a new token and its text, which is not kept; raises OperationError for a bad name or lifetime."""
        now = now or datetime.now(UTC)
        if not name.strip() or len(name) > 100:
            raise OperationError(
                "A token needs a name of 1 to 100 characters: who uses it, and for what.",
                "En token behöver ett namn på 1 till 100 tecken: vem som använder den, och till vad.",
            )
        if not 1 <= days <= MOST_DAYS:
            raise OperationError(
                f"A token lives 1 to {MOST_DAYS} days, not {days}.",
                f"En token gäller 1 till {MOST_DAYS} dagar, inte {days}.",
            )
        with self._writing() as tokens:
            id = next(id for id in iter(lambda: secrets.token_hex(4), "") if id not in tokens)
            secret = secrets.token_urlsafe(32)
            expires = (now + timedelta(days=days)).isoformat(timespec="seconds")
            token = Token(id, name.strip(), _digest(secret), now.isoformat(timespec="seconds"), expires, replica)
            tokens[id] = token
        return token, f"torg_{id}_{secret}"

    def list(self) -> list[Token]:
        """Return every token, oldest first."""
        with self._lock:
            self._refresh()
            return sorted(self._tokens.values(), key=lambda token: (token.created, token.id))

    def revoke(self, id: str) -> Token:
        """Remove a token by its id and return what was kept; raises OperationError when there is none."""
        with self._writing() as tokens:
            if id not in tokens:
                raise OperationError(
                    f"There is no token {id!r}. `torg token list` names them.",
                    f"Det finns ingen token {id!r}. `torg token list` räknar upp dem.",
                )
            return tokens.pop(id)

    def find(self, text: str, now: datetime | None = None) -> Token | None:
        """Return the token that a text is, None for a text that is none, or no longer."""
        shape = _SHAPE.match(text)
        if shape is None:
            return None
        with self._lock:
            self._refresh()
            token = self._tokens.get(shape[1])
        # An unknown id costs the same comparison, so the time tells nothing.
        kept = token.sha256 if token is not None else _digest("")
        right = hmac.compare_digest(kept, _digest(shape[2]))
        return token if token is not None and right and token.valid(now or datetime.now(UTC)) else None

    def _refresh(self) -> None:
        try:
            status = self.path.stat()
        except FileNotFoundError:
            self._seen, self._tokens = None, {}
            return
        seen = (status.st_mtime_ns, status.st_ino, status.st_size)
        if seen != self._seen:
            self._tokens = self._read()
            self._seen = seen

    def _read(self) -> dict[str, Token]:
        try:
            return {entry["id"]: Token(**entry) for entry in json.loads(self.path.read_text("utf-8"))}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise StorageError(
                f"The token file {self.path} cannot be read: {error}. Restore it from a backup, or remove it and make "
                "new tokens.",
                f"Tokenfilen {self.path} går inte att läsa: {error}. Återställ den ur en säkerhetskopia, eller ta bort "
                "den och skapa nya token.",
            ) from error

    @contextmanager
    def _writing(self) -> Iterator[dict[str, Token]]:
        """Give out the tokens under an exclusive lock and write them back whole, readable by the owner only."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            tokens = self._read()
            yield tokens
            write_json(self.path, [asdict(token) for token in tokens.values()], mode=0o600)
        finally:
            os.close(lock)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
