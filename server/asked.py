"""What a request asks for: its wishes about format, language and profile, and the refusal of what cannot be had."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from server.errors import Problem
from server.formats import Format, choose
from server.negotiation import negotiate_language

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


@dataclass(frozen=True, slots=True)
class Asked:
    """The headers and parameters of a request that decide on a representation, and the suffix of its address."""

    accept: str | None = None
    accept_language: str | None = None
    accept_profile: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    suffix: str = ""

    @property
    def named(self) -> bool:
        """Whether a fixed representation was asked for: the same bytes for everybody."""
        return bool(self.suffix) or "format" in self.parameters

    def format(self, offered: Sequence[Format], named: str | None = None) -> Format:
        """Return the format of the answer: the suffix, else `named` (by default `?format=`), else Accept.

        Raises Problem that lists what there is: 406 (RFC 9110, section 15.5.7), or 404 for an address
        whose suffix names a representation that this has not.
        """
        format = choose(self.accept, offered, self.suffix or named or self.parameters.get("format"))
        if format is None:
            listed = ", ".join(f"{other.media_type} (?format={other.suffix})" for other in offered)
            en = "There is no such representation." if self.suffix else "There is no representation that you accept."
            sv = "Det finns inget sådant format här." if self.suffix else "Det finns inget format som du tar emot."
            raise Problem(
                404 if self.suffix else 406,
                f"{en} Offered: {listed}",
                sv=f"{sv} Erbjuds: {listed}",
                offered=[{"type": other.media_type, "format": other.suffix} for other in offered],
                headers={"Vary": "Accept"},
            )
        return format

    def language(self, offered: Sequence[str]) -> str:
        """Return the language of a page: `?lang=`, else Accept-Language, else the first of those offered.

        Raises Problem 400 when `?lang=` asks for a language there is not.
        """
        named = self.parameters.get("lang")
        if named is None:
            return negotiate_language(self.accept_language, offered, offered[0])
        if named.lower() not in offered:
            raise Problem(
                400,
                f"There are no pages in {named[:20]!r}; lang takes {' or '.join(offered)}.",
                sv=f"Det finns inga sidor på {named[:20]!r}; lang tar {' eller '.join(offered)}.",
            )
        return named.lower()


def asked_by(environ: WSGIEnvironment, parameters: Mapping[str, str], suffix: str = "") -> Asked:
    """Return what a request asks for, from its WSGI headers and what the caller has read of its address."""
    said = environ.get
    return Asked(said("HTTP_ACCEPT"), said("HTTP_ACCEPT_LANGUAGE"), said("HTTP_ACCEPT_PROFILE"), parameters, suffix)
