"""For replicas, with a token made for it: what is to be copied (`/-/replica`), and the files themselves."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, request, send_file

from server.errors import Problem, StorageError
from server.query_service import QueryService
from server.replica import Offering, dump
from server.views.http import answer, torg

blueprint = Blueprint("replica", __name__)


@blueprint.get("/-/replica")
def offer() -> Response:
    """Answer what is offered: generations with their checksums, history, reports and the ledger."""
    body = dump(_offering().offer().members())
    return answer(body, "application/json", cache_control="private, no-store")


@blueprint.get("/-/replica/files/<path:path>")
def file(path: str) -> Response:
    """Answer a file that is offered; ranges are honoured, so a broken copy can go on."""
    offering = _offering()
    try:
        found = offering.file(path)
    except StorageError as error:
        raise Problem(404, error.en) from error
    # Flask would look for a path that is not absolute beside its own code.
    whole = found.absolute()
    response = send_file(whole, mimetype="application/octet-stream", conditional=True, etag=False, last_modified=None)
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _offering() -> Offering:
    """Return what makes offers; raises Problem 401 or 403 for whoever has no token that was made for replicas."""
    service: QueryService = current_app.extensions["torg.queries"]
    authorization = request.headers.get("Authorization")
    service.client(request.remote_addr or "", request.headers.getlist("X-Forwarded-For"), authorization)
    token = service.tokens.find((authorization or "").partition(" ")[2].strip())
    if token is None:
        raise Problem(401, "Copies are for replicas with a token.", headers={"WWW-Authenticate": 'Bearer realm="torg"'})
    if not token.replica:
        raise Problem(403, "This token lets nobody copy. Make one with `torg token create NAME --replica`.")
    made: Offering = current_app.extensions.setdefault("torg.offering", Offering(torg().data.path))
    return made
