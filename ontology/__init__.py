"""What things mean: namespaces and accessors of the Turtle, CSVW and rule files in this folder."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import Any, Literal

CSVW_EXTENSION = "https://w3id.org/torg/csvw#"

# The document that describes our own terms, relative to concept_base (design 6).
CORE_PATH = "spec/torg"

# One map of prefixes for Turtle, queries, pages and `/prefixes`; ours is added by `prefixes`.
PREFIXES: Mapping[str, str] = MappingProxyType(
    {
        "adms": "http://www.w3.org/ns/adms#",
        "csvw": "http://www.w3.org/ns/csvw#",
        "dcat": "http://www.w3.org/ns/dcat#",
        "dcatap": "http://data.europa.eu/r5r/",
        "dcterms": "http://purl.org/dc/terms/",
        "dqv": "http://www.w3.org/ns/dqv#",
        "foaf": "http://xmlns.com/foaf/0.1/",
        "geo": "http://www.w3.org/2003/01/geo/wgs84_pos#",
        "geosparql": "http://www.opengis.net/ont/geosparql#",
        "locn": "http://www.w3.org/ns/locn#",
        "org": "http://www.w3.org/ns/org#",
        "owl": "http://www.w3.org/2002/07/owl#",
        "payment": "http://reference.data.gov.uk/def/payment#",
        "prov": "http://www.w3.org/ns/prov#",
        "qb": "http://purl.org/linked-data/cube#",
        "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
        "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
        "schema": "https://schema.org/",
        "sd": "http://www.w3.org/ns/sparql-service-description#",
        "sh": "http://www.w3.org/ns/shacl#",
        "skos": "http://www.w3.org/2004/02/skos/core#",
        "spdx": "http://spdx.org/rdf/terms#",
        "vcard": "http://www.w3.org/2006/vcard/ns#",
        "void": "http://rdfs.org/ns/void#",
        "xsd": "http://www.w3.org/2001/XMLSchema#",
    }
)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the catalogue: what is checked, how bad a breach is, what to say about it."""

    id: str
    severity: Literal["block", "warn", "info"]
    text: dict[str, str]
    advice: dict[str, str]


def root() -> Traversable:
    """Return the folder of this package's data files."""
    return files(__name__)


@cache
def rules() -> dict[str, Rule]:
    """Return every rule by its id, read from `rules/*.toml` (one file per family)."""
    found: dict[str, Rule] = {}
    for file in sorted((root() / "rules").iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".toml"):
            family = file.name.removesuffix(".toml")
            for name, entry in tomllib.loads(file.read_text("utf-8")).items():
                found[f"{family}.{name}"] = Rule(f"{family}.{name}", entry["severity"], entry["text"], entry["advice"])
    return found


def rule(id: str) -> Rule:
    """Return the rule with this id; raise KeyError when the catalogue has none."""
    return rules()[id]


def prefixes(concept_base: str) -> dict[str, str]:
    """Return every prefix with its namespace, `torg` being our own terms beneath `concept_base`."""
    return dict(sorted({**PREFIXES, "torg": f"{concept_base.rstrip('/')}/{CORE_PATH}#"}.items()))


def context(concept_base: str) -> dict[str, Any]:
    """Return the JSON-LD context (the value of `@context`) with `torg` beneath `concept_base`."""
    found: dict[str, Any] = json.loads((root() / "context.jsonld").read_text("utf-8"))["@context"]
    return {**found, "torg": prefixes(concept_base)["torg"]}


def core_file() -> Traversable:
    """Return the Turtle file of our own classes and properties; IRIs are relative to concept_base."""
    return root() / "core.ttl"


def groups_file() -> Traversable:
    """Return the Turtle file that says how pages group and order properties; IRIs are relative to concept_base."""
    return root() / "groups.ttl"


def naming_file() -> Traversable:
    """Return the Turtle file that says what nameless things are called; IRIs are relative to concept_base."""
    return root() / "naming.ttl"


def concept_files() -> tuple[Traversable, ...]:
    """Return the Turtle files of the concept hierarchy; IRIs are relative to concept_base."""
    return _turtle("concepts")


def mapping_files() -> tuple[Traversable, ...]:
    """Return the Turtle files that map our concepts to other vocabularies."""
    return _turtle("mappings")


def shape_file(name: str) -> Traversable:
    """Return the SHACL file `shapes/<name>.ttl`; raise KeyError when there is none."""
    return _existing(root() / "shapes" / f"{name}.ttl", name)


def specification_names() -> tuple[str, ...]:
    """Return the names of the specifications, each a folder in `specifications/`."""
    folder = root() / "specifications"
    return tuple(sorted(entry.name for entry in folder.iterdir() if (entry / "table.json").is_file()))


def specification(name: str) -> Traversable:
    """Return the folder of a specification (table.json, shapes.ttl, README.md, sample.csv).

    Raise KeyError when there is none of that name.
    """
    if name not in specification_names():
        raise KeyError(name)
    return root() / "specifications" / name


def table(name: str) -> dict[str, Any]:
    """Return the CSVW metadata of a specification; raise KeyError when there is none of that name."""
    found: dict[str, Any] = json.loads((specification(name) / "table.json").read_text("utf-8"))
    return found


def _turtle(folder: str) -> tuple[Traversable, ...]:
    entries = (entry for entry in (root() / folder).iterdir() if entry.name.endswith(".ttl"))
    return tuple(sorted(entries, key=lambda entry: entry.name))


def _existing(file: Traversable, name: str) -> Traversable:
    if not file.is_file():
        raise KeyError(name)
    return file
