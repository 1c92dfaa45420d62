"""The HTTP clients' error family, and the errors that stop an operator's command.

Problem                what an HTTP client did or met, as RFC 9457 problem details
OperationError         a command cannot go on (lock held, disk full, bad setting): a sentence, exit 2
├── SettingsError      a setting has a value it cannot have
├── LockedError        another process publishes now
└── StorageError       the data folder cannot be read or written as needed
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any


class Problem(Exception):
    """An HTTP error answer: status, a short title, a detail that helps, and extra members and headers.

    `detail` is for programs and in English, `sv` the same for pages in Swedish; `quoted` is what another program said
    of it, in its own words, where the Swedish leaves that out.
    `type` is a path below the site ("/spec/problems#…") or "about:blank" (RFC 9457, section 3.1.1).
    """

    def __init__(
        self,
        status: int,
        detail: str = "",
        *,
        sv: str = "",
        quoted: str = "",
        title: str = "",
        type: str = "about:blank",
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(detail or title)
        self.status = status
        self.title = title or HTTPStatus(status).phrase
        self.detail = detail
        self.sv, self.quoted = sv, quoted
        self.type = type
        self.headers = dict(headers or {})
        self.extra = extra

    def told(self, language: str) -> tuple[str, str]:
        """Return (detail, language it is in): the visitor's when the problem is worded in it, else English."""
        return (self.sv, "sv") if language == "sv" and self.sv else (self.detail, "en")

    def members(self) -> dict[str, Any]:
        """Return the members of the problem details object (RFC 9457, section 3.1)."""
        members: dict[str, Any] = {"type": self.type, "title": self.title, "status": self.status}
        if self.detail:
            members["detail"] = self.detail
        return members | self.extra


class OperationError(Exception):
    """Stops a command with a sentence that says what, where and what to do, in English and Swedish."""

    def __init__(self, en: str, sv: str = "") -> None:
        super().__init__(en)
        self.en, self.sv = en, sv or en


class SettingsError(OperationError):
    """A setting is missing or has a value it cannot have."""


class LockedError(OperationError):
    """Another publication is running on the same data folder."""


class StorageError(OperationError):
    """The data folder cannot be read or written as needed."""
