"""What the Reconciliation API 0.2 wants of each answer, as JSON Schemas written from its sections 3, 4 and 6 to 8."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_ADDRESS: Schema = {"type": "string", "pattern": r"^https?://[^\s]+$"}


def _object(required: str, **members: Schema) -> Schema:
    return {"type": "object", "required": required.split(), "properties": members}


def _exactly(**members: Schema) -> Schema:
    return _object(" ".join(members), **members) | {"additionalProperties": False}


def _list(of: Schema, **more: Any) -> Schema:
    return {"type": "array", "items": of, **more}


def _template(placeholder: str) -> Schema:
    return {"type": "string", "pattern": placeholder}


_TYPE = _object("id name", id=_TEXT, name=_TEXT, description=_TEXT, broader=_list(_object("id name")))
# In candidates and suggestions a type may also be its identifier alone.
_TYPES = _list({"oneOf": [_object("id", id=_TEXT, name=_TEXT), _TEXT]})
_SERVICE = _object(
    "service_url service_path",
    service_url=_ADDRESS,
    service_path={"type": "string", "pattern": "^/"},
    flyout_service_url=_ADDRESS,
    flyout_service_path=_template(r"\$\{id\}"),
)


def _setting(kind: str, default: Schema) -> Schema:
    return _object("type label name", type={"const": kind}, default=default, label=_TEXT, name=_TEXT, help_text=_TEXT)


MANIFEST = _object(
    "versions name identifierSpace schemaSpace",
    versions=_list(_TEXT, contains={"const": "0.2"}),
    name=_TEXT,
    identifierSpace=_ADDRESS,
    schemaSpace=_ADDRESS,
    documentation=_ADDRESS,
    serviceVersion=_TEXT,
    logo=_ADDRESS,
    view=_object("url", url=_template(r"\{\{id\}\}")),
    feature_view=_object("url", url=_template(r"\{\{id\}\}")),
    defaultTypes=_list(_TYPE, uniqueItems=True),
    suggest={"type": "object", "properties": {name: _SERVICE for name in ("entity", "property", "type")}},
    preview=_object(
        "url width height", url=_template(r"\{\{id\}\}"), width={"type": "integer"}, height={"type": "integer"}
    ),
    extend=_object(
        "",
        propose_properties=_object("service_url service_path", service_url=_ADDRESS, service_path=_TEXT),
        property_settings=_list(
            {
                "oneOf": [
                    _setting("number", {"type": "number"}),
                    _setting("text", _TEXT),
                    _setting("checkbox", {"type": "boolean"}),
                    _setting("select", _TEXT) | {"required": ["type", "label", "name", "choices"]},
                ]
            }
        ),
    ),
)

_CANDIDATE = _object(
    "id name score",
    id=_TEXT,
    name=_TEXT,
    description=_TEXT,
    score={"type": "number"},
    match={"type": "boolean"},
    type=_TYPES,
    features=_list(_object("id value", id=_TEXT, value={"type": ["boolean", "number"]})),
)
RESULTS: Schema = {"type": "object", "additionalProperties": _object("result", result=_list(_CANDIDATE))}

SUGGESTED_ENTITIES = _object(
    "result", result=_list(_object("id name", id=_TEXT, name=_TEXT, description=_TEXT, notable=_TYPES))
)
SUGGESTED_TYPES = _object("result", result=_list(_TYPE))
SUGGESTED_PROPERTIES = _object("result", result=_list(_object("id name", id=_TEXT, name=_TEXT, description=_TEXT)))
PROPOSED = _object(
    "type properties",
    type=_TEXT,
    limit={"type": "integer"},
    properties=_list(_object("id name", id=_TEXT, name=_TEXT)),
)

_DATE = {
    "type": "string",
    "pattern": r"^-?\d{4,}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3])(:[0-5]\d){2}(\.\d+)?"
    r"(Z|[+-]([01]\d|2[0-3]):[0-5]\d)?$",
}
_ENTITY = _object("id name", id=_TEXT, name=_TEXT, description=_TEXT) | {"additionalProperties": False}
_CELL: Schema = {
    "oneOf": [
        {"type": "object", "maxProperties": 0},
        _ENTITY,
        _exactly(str=_TEXT),
        _exactly(float={"type": "number"}),
        _exactly(int={"type": "integer"}),
        _exactly(date=_DATE),
    ]
}
EXTENSION = _object(
    "meta rows",
    meta=_list(_object("id name", id=_TEXT, name=_TEXT, type=_object("id", id=_TEXT), service=_ADDRESS)),
    rows={"type": "object", "additionalProperties": {"type": "object", "additionalProperties": _list(_CELL)}},
)

_VALUE: Schema = {"oneOf": [{"type": ["string", "number", "boolean"]}, _object("id", id=_TEXT, name=_TEXT)]}
QUERIES: Schema = {
    "type": "object",
    "additionalProperties": {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "query": _TEXT,
            "type": {"oneOf": [_TEXT, _list(_TEXT)]},
            "limit": {"type": "number"},
            "type_strict": {"enum": ["any", "should", "all"]},
            "properties": _list(_object("pid v", pid=_TEXT, v={"anyOf": [_VALUE, _list(_VALUE)]})),
        },
        "anyOf": [{"required": ["query"]}, {"required": ["properties"], "properties": {"properties": {"minItems": 1}}}],
    },
}

SCHEMAS: Mapping[str, Schema] = {
    "manifest": MANIFEST, "results": RESULTS, "entities": SUGGESTED_ENTITIES, "types": SUGGESTED_TYPES,
    "properties": SUGGESTED_PROPERTIES, "proposed": PROPOSED, "extension": EXTENSION, "queries": QUERIES,
}  # fmt: skip
