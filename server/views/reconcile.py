"""The Reconciliation API 0.2 over HTTP, as OpenRefine and other clients call it (Entity Reconciliation CG, W3C)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, request

from server.errors import Problem
from server.labels import fold
from server.rdf_formats import value
from server.reconcile import MOST_IDS, MOST_PROPERTIES, Reconciler, read_batch
from server.search import can_search, searcher
from server.views.batches import charged
from server.views.http import answer, in_language, language, page, torg, with_query
from server.views.resolve import lookup

blueprint = Blueprint("reconcile", __name__)

_JSON = "application/json"
_MOST_BYTES = 8 << 20
_SUGGESTED = 20
_PREVIEW_CSP = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors *"
)


def reconciler() -> Reconciler:
    """Return the reconciler of the current generation, made once for each."""
    opened = torg().current()
    if "reconciler" not in opened.memo:
        search = searcher(opened) if can_search(opened) else None
        opened.memo["reconciler"] = Reconciler(
            opened.generation.store, lookup(opened), opened.labels, search, torg().uris
        )
    found: Reconciler = opened.memo["reconciler"]
    return found


@blueprint.route("/reconcile", methods=["GET", "POST"])
def reconcile() -> Response:
    """Answer the manifest, a batch of queries, or a data extension, whichever the parameters ask for."""
    request.max_content_length = request.max_form_memory_size = _MOST_BYTES
    if given := request.values.get("queries"):
        document = _document(given, "queries")
        batch, faults = read_batch(document)
        if faults and not batch:
            raise Problem(400, " ".join(f"{key[:80]}: {fault}" for key, fault in list(faults.items())[:3]))
        spoken = language()
        with charged():
            service = reconciler()
            found: dict[str, Any] = {key: {"result": service.candidates(query, spoken)} for key, query in batch.items()}
        # The specification knows no fault of one query, so it has an empty result, and the reason beside it.
        found |= {key: {"result": [], "error": {"message": fault}} for key, fault in faults.items()}
        return _send(found)
    if given := request.values.get("extend"):
        return _extend(_document(given, "extend"))
    if request.method == "POST":
        raise Problem(400, "Send a form with `queries` or `extend` (Reconciliation API 0.2, sections 4 and 8).")
    return _send(manifest())


def manifest() -> dict[str, Any]:
    """Return the service manifest (section 3)."""
    site = torg()
    here = site.uris.iri("reconcile")

    def path(name: str) -> dict[str, str]:
        return {
            "service_url": here,
            "service_path": f"/suggest/{name}",
            "flyout_service_url": here,
            "flyout_service_path": f"/flyout/{name}?id=${{id}}",
        }

    return {
        "versions": ["0.2"],
        "name": in_language(site.site.title, language()),
        "identifierSpace": site.uris.base,
        "schemaSpace": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
        "documentation": site.uris.iri("api"),
        "defaultTypes": _types("")[:10],
        "view": {"url": site.uris.iri("resource?uri={{id}}")},
        "preview": {"url": f"{here}/preview?id={{{{id}}}}", "width": 430, "height": 300},
        "suggest": {name: path(name) for name in ("entity", "type", "property")},
        "extend": {
            "propose_properties": {"service_url": here, "service_path": "/properties"},
            "property_settings": [
                {
                    "name": "limit", "label": "Most values", "type": "number", "default": 10,
                    "help_text": "How many values of the property a cell may have.",
                }
            ],
        },
    }  # fmt: skip


@blueprint.get("/reconcile/suggest/entity")
def suggest_entity() -> Response:
    """Answer things that begin with `?prefix=` (section 6)."""
    prefix, start = _prefix()
    return _send({"result": reconciler().suggest(prefix, _SUGGESTED, start, language()) if prefix else []})


@blueprint.get("/reconcile/suggest/type")
def suggest_type() -> Response:
    """Answer types: the classes of what is published, and the concept schemes."""
    prefix, start = _prefix()
    return _send({"result": _types(prefix)[start : start + _SUGGESTED]})


@blueprint.get("/reconcile/suggest/property")
def suggest_property() -> Response:
    """Answer properties that published things have."""
    prefix, start = _prefix()
    return _send({"result": _matching(_used("properties"), prefix)[start : start + _SUGGESTED]})


@blueprint.get("/reconcile/properties")
def properties() -> Response:
    """Answer the properties that rows of a type can be extended with (section 8.1)."""
    type = request.args.get("type", "")
    limit = _whole("limit", 20)
    if not type:
        raise Problem(400, "Name the type: ?type=…; /reconcile/suggest/type lists them.")
    try:
        found = reconciler().properties_of(type, min(limit, 100), language())
    except ValueError:
        raise Problem(400, "The type is not an IRI.") from None
    return _send({"type": type, "properties": found, "limit": limit})


@blueprint.get("/reconcile/flyout/<kind>")
def flyout(kind: str) -> Response:
    """Answer a few words of HTML about an entity, type or property (section 6.3)."""
    if kind not in ("entity", "type", "property"):
        raise Problem(404, "There are flyouts for entity, type and property.")
    id = request.args.get("id", "")
    return _send({"id": id, "html": _card(id, whole=False).decode()})


@blueprint.get("/reconcile/preview")
def preview() -> Response:
    """Answer a small page about a thing, which other sites may show in a frame (section 7)."""
    spoken = language()
    response = answer(
        _card(request.args.get("id", ""), whole=True),
        "text/html; charset=utf-8",
        vary=("Accept-Language",),
        content_language=spoken,
    )
    response.headers["Content-Security-Policy"] = _PREVIEW_CSP
    return response


def _card(id: str, whole: bool) -> bytes:
    opened, spoken = torg().current(), language()
    labels = lookup(opened).of([id]).get(id, [])
    if not labels:
        raise Problem(404, "Nothing of this identifier has a name here.")
    name = opened.labels.labels([id], spoken).get(id, (labels[0].text, ""))
    types = opened.labels.labels([label.type for label in labels], spoken)
    return page(
        "reconcile_preview.html",
        spoken,
        whole=whole,
        iri=id,
        name=name,
        type=next(iter(types.values()), ("", ""))[0],
        notation=next((label.text for label in labels if label.role == "notation"), ""),
        others=sorted({label.text for label in labels if label.text != name[0] and label.role != "notation"})[:8],
        about=in_language(_about(id), spoken),
        canonical=with_query("/reconcile/preview", id=id),
    )


def _about(id: str) -> dict[str, str]:
    """Return the definition or description of a thing by language."""
    store, found = torg().current().generation.store, dict[str, str]()
    for property in (
        "http://www.w3.org/2004/02/skos/core#definition",
        "http://purl.org/dc/terms/description",
        "https://schema.org/description",
    ):
        for term in store.values(id, property):
            one = value(term)
            found.setdefault(one.language, one.text)
    return found


def _extend(document: object) -> Response:
    """Answer the values of properties of things (section 8.2)."""
    members: Mapping[str, Any] = document if isinstance(document, dict) else {}
    ids, listed = members.get("ids"), members.get("properties")
    if not isinstance(ids, list) or not all(isinstance(id, str) for id in ids) or not isinstance(listed, list):
        raise Problem(400, "A data extension has `ids`, a list of identifiers, and `properties`, a list of objects.")
    if len(ids) > MOST_IDS or len(listed) > MOST_PROPERTIES:
        raise Problem(413, f"At most {MOST_IDS} things and {MOST_PROPERTIES} properties can be asked for at once.")
    chosen = []
    for one in listed:
        if not isinstance(one, dict) or not isinstance(one.get("id"), str):
            raise Problem(400, "Each of `properties` is an object with an `id`.")
        settings = one.get("settings")
        settings = settings if isinstance(settings, dict) else {}
        try:
            most = int(settings.get("limit") or 10)
        except (TypeError, ValueError, OverflowError):
            raise Problem(400, "The setting `limit` is a whole number.") from None
        chosen.append((one["id"], max(1, min(most, 100))))
    with charged():
        meta, rows = reconciler().extend(ids, chosen, language())
    return _send({"meta": meta, "rows": rows})


def _types(prefix: str) -> list[dict[str, str]]:
    """Return the types that begin with a text or have a word that does, those of most things first."""
    return _matching(_used("classes"), prefix)


def _used(which: str) -> dict[str, int]:
    """Return how often each class or property is used in what is published, concept schemes among the classes."""
    opened = torg().current()
    memo = f"used {which}"
    if memo not in opened.memo:
        counts: dict[str, int] = {}
        for entry in opened.generation.graphs.values():
            if entry.kind in ("dataset", "concepts"):
                for name, number in getattr(torg().partitions(opened, entry), which).items():
                    counts[name] = counts.get(name, 0) + number
        if which == "classes":
            scheme = "http://www.w3.org/2004/02/skos/core#ConceptScheme"
            type = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
            for name in opened.generation.store.subjects(type, scheme):
                counts.setdefault(name, 1)
        opened.memo[memo] = dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
    found: dict[str, int] = opened.memo[memo]
    return found


def _matching(counts: Mapping[str, int], prefix: str) -> list[dict[str, str]]:
    names = torg().labels().labels(counts, language())
    wanted = fold(prefix)
    found = []
    for iri in counts:
        name = names.get(iri, (iri.replace("#", "/").rstrip("/").rpartition("/")[2], ""))[0]
        if any(word.startswith(wanted) for word in (fold(name), *fold(name).split())) or iri == prefix:
            found.append({"id": iri, "name": name})
    return found


def _prefix() -> tuple[str, int]:
    return request.args.get("prefix", "").strip()[:200], _whole("cursor", 0)


def _whole(name: str, default: int) -> int:
    text = request.args.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 7):
        raise Problem(400, f"{name} is a whole number.")
    return int(text)


def _document(text: str, name: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Problem(400, f"{name} is not JSON: {str(error)[:200]}.") from None


def _send(members: Mapping[str, Any]) -> Response:
    # A key or an identifier is given back as it came, also one with half a surrogate pair, which UTF-8 cannot hold.
    body = json.dumps(members, ensure_ascii=False).encode("utf-8", "backslashreplace")
    cache = "no-store" if request.method == "POST" else None
    return answer(body, _JSON, vary=("Accept-Language",), cache_control=cache)
