"""A WSGI layer that answers the commonest question of programs, a description in an RDF format, past the application.

The answer is made by `server.representation` as the application's own is, so it is the same; what is saved is what a
request costs on its way there and back, which is more than the description. Whatever is not quite plain goes on to the
application: a page, a table, parameters, a profile, a past state, a condition, and everything that is not simply there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from types import MappingProxyType
from typing import TYPE_CHECKING

from server.asked import asked_by
from server.formats import FORMATS, N_TRIPLES, choose
from server.instance import Torg
from server.negotiation import LONGEST_HEADER
from server.paths import split_suffix
from server.representation import REPRESENTATIONS, Answer, candidates, represent
from server.twins import TABLES

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_BELOW = "/res/"
_EVERY = (*REPRESENTATIONS, *TABLES)
_NO_PARAMETERS: MappingProxyType[str, str] = MappingProxyType({})
# Headers that make a request one for the application, and those that it refuses when they are too long.
_APART = {
    *("HTTP_ACCEPT_DATETIME", "HTTP_ACCEPT_PROFILE"),
    *("HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE", "HTTP_IF_RANGE", "HTTP_RANGE"),
}
_READ = ("HTTP_ACCEPT", "HTTP_ACCEPT_LANGUAGE", "HTTP_ACCEPT_ENCODING")


class DirectDescriptions:
    """The layer; `elsewhere` are hosts whose addresses the application leads on to others."""

    def __init__(self, app: WSGIApplication, site: Torg, elsewhere: Collection[str] = ()) -> None:
        self._app, self._site, self._elsewhere = app, site, frozenset(elsewhere)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a plain request for RDF; let the application answer any other."""
        answer = self._answer(environ) if self._plain(environ) else None
        if answer is None:
            return self._app(environ, start_response)
        start_response("200 OK", answer.headers)
        return [answer.body]

    def _plain(self, environ: WSGIEnvironment) -> bool:
        """Return whether nothing but path and Accept decides what a request gets, and that is RDF."""
        path = environ["PATH_INFO"]
        if environ["REQUEST_METHOD"] != "GET" or not path.startswith(_BELOW) or environ.get("QUERY_STRING"):
            return False
        if not _APART.isdisjoint(environ) or any(len(environ.get(name, "")) > LONGEST_HEADER for name in _READ):
            return False
        if self._elsewhere and any(name in environ.get("HTTP_HOST", name) for name in self._elsewhere):
            return False
        suffix = split_suffix(path)[1]
        format = FORMATS.get(suffix) if suffix else choose(environ.get("HTTP_ACCEPT"), _EVERY)
        # The fixed N-Triples may be large, so that few are made at a time.
        return format is not None and format.kind == "rdf" and not (suffix and format is N_TRIPLES)

    def _answer(self, environ: WSGIEnvironment) -> Answer | None:
        """Return the description; None for what is not there as it was asked for, which the application explains."""
        site = self._site
        try:
            path = environ["PATH_INFO"].encode("latin-1").decode()  # WSGI hands paths over as Latin-1 (PEP 3333).
            opened = site.current()
            for found in candidates(site.uris, path):
                if not found.exact:
                    return None
                asked = asked_by(environ, _NO_PARAMETERS, found.suffix)
                if answer := represent(site, opened, found.iri, found.address, asked):
                    return answer
        except Exception:  # The application meets it again, tells the visitor, and logs what is ours.
            return None
        return None
