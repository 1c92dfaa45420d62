"""Tells callers of a retired named query that it is, and until when (RFC 9745, RFC 8594)."""

from __future__ import annotations

from flask import Blueprint, Response, request

from loaders.errors import LoadError
from server.errors import Problem
from server.paths import split_suffix
from server.pins import Contracts, read_contracts
from server.views.http import torg

blueprint = Blueprint("contracts", __name__)


@blueprint.after_app_request
def tell(response: Response) -> Response:
    """Add Deprecation, Sunset and the successor's Link to the answers of a retired query."""
    if request.path.startswith("/api/"):
        name = split_suffix(request.path)[0].removeprefix("/api/")
        try:
            retirement = _contracts().retired.get(name)
        except Problem:  # nothing is published yet
            return response
        if retirement is not None:
            address = torg().uris.iri(f"api/{retirement.successor}")
            for header, value in retirement.headers(address).items():
                response.headers.add(header, value)
    return response


def _contracts() -> Contracts:
    """Return the contracts as they were when the generation was opened: answers are kept for as long as it is."""
    memo = torg().current().memo
    if "contracts" not in memo:
        try:
            memo["contracts"] = read_contracts(torg().site.folder)
        except LoadError:  # the steward is told by the next check; what is served goes on
            memo["contracts"] = Contracts()
    found: Contracts = memo["contracts"]
    return found
