"""The dumps as files: one for each graph, all of them together, and their checksums."""

from __future__ import annotations

import json
from dataclasses import asdict

from flask import Blueprint, Response, request, send_file

from server.all_dump import ALL, read_index
from server.errors import Problem
from server.formats import HTML, JSON
from server.generations import GraphEntry
from server.instance import Opened
from server.views.http import answer, language, negotiated, page, public, torg

blueprint = Blueprint("dumps", __name__)


@blueprint.get("/dumps/")
def index() -> Response:
    """Answer the list of dumps, as a page or JSON."""
    site = torg()
    opened = site.current()
    chosen = negotiated((HTML, JSON))
    entries = _entries(opened)
    if chosen is JSON:
        files = [asdict(entry) | {"url": site.uris.iri(entry.dump)} for entry in entries]
        if index := read_index(opened.generation.path):
            whole = {"url": site.uris.iri(ALL), "bytes": index["bytes"], "sha256": index["sha256"]}
        else:
            whole = None
        body = json.dumps({"generation": opened.generation.name, "all": whole, "dumps": files}, indent=1).encode()
        return answer(body, chosen.content_type, vary=("Accept", "Accept-Language"))
    spoken = language()
    body = page(
        "dumps.html",
        spoken,
        entries=entries,
        all=read_index(opened.generation.path),
        generation=opened.generation.name,
    )
    return answer(body, chosen.content_type, vary=("Accept", "Accept-Language"), content_language=spoken)


@blueprint.get("/dumps/SHA256SUMS")
def checksums() -> Response:
    """Answer the checksums in the form that `sha256sum --check` reads, named from where this file is."""
    opened = torg().current()
    sums = [(entry.dump_sha256, entry.dump) for entry in _entries(opened)]
    if index := read_index(opened.generation.path):
        sums.append((index["sha256"], ALL))
    lines = "".join(f"{sha256}  {path.removeprefix('dumps/')}\n" for sha256, path in sums)
    return answer(lines.encode(), "text/plain; charset=utf-8")


@blueprint.get("/dumps/<path:name>")
def dump(name: str) -> Response:
    """Answer one dump as the compressed file it is; ranges are honoured, so a broken download can go on."""
    opened = torg().current()
    entry = next((entry for entry in _entries(opened) if entry.dump == f"dumps/{name}"), None)
    # Flask takes a relative path from its own folder, not from the one the site was named in.
    path = (opened.generation.path / f"dumps/{name}").absolute()
    # Only names that the manifest holds are looked for on disk.
    if entry is None and not (f"dumps/{name}" == ALL and path.is_file()):
        raise Problem(
            404, "There is no such dump; /dumps/ lists them.", sv="Det finns ingen sådan dump; /dumps/ räknar upp dem."
        )
    etag = entry.dump_sha256 if entry else str(read_index(opened.generation.path).get("sha256", ""))
    if not etag:
        raise Problem(404, "This generation has no dump of everything.", sv="Generationen har ingen dump av allt.")
    response = send_file(path, mimetype="application/gzip", etag=etag, conditional=True, last_modified=None)
    response.headers["Cache-Control"] = public()
    response.headers["Accept-Ranges"] = "bytes"
    if request.method == "HEAD":
        response.content_length = path.stat().st_size
    return response


def _entries(opened: Opened) -> list[GraphEntry]:
    return [entry for _, entry in sorted(opened.graphs.items())]
