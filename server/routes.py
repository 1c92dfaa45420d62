"""Names the group of addresses that a request belongs to, for figures and logs: few names, whatever is asked."""

from __future__ import annotations

from collections.abc import Iterable

OTHER = "other"


class Routes:
    """The groups of an application: the first part of each of its addresses.

    >>> routes = Routes(["/", "/sparql", "/api/<group>/<name>", "/<path:rest>"])
    >>> routes.of("/api/ledger/top-suppliers"), routes.of("/sparql"), routes.of("/"), routes.of("/wp-login.php")
    ('/api', '/sparql', '/', 'other')
    """

    def __init__(self, rules: Iterable[str], prefix: str = "") -> None:
        firsts = {rule.split("/")[1] for rule in rules}
        self._known = {first: f"/{first}" for first in firsts if "<" not in first}
        self._prefix = prefix

    def of(self, path: str) -> str:
        """Return the group of a path."""
        if self._prefix and path.startswith(f"{self._prefix}/"):
            path = path[len(self._prefix) :]
        first = path[1:].partition("/")[0]
        return self._known.get(first) or self._known.get(first.partition(".")[0], OTHER)
