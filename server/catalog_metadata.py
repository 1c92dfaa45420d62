"""What is said of a dataset and its publisher once specification, publisher and site have filled the gaps."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import ontology
from loaders.description import Dataset
from server.catalog_values import as_list, by_language, code_list
from server.site import Publisher, Site

HVD_LEGISLATION = "http://data.europa.eu/eli/reg_impl/2023/138/oj"

# The first digits of an organization number tell what kind of body it is (Skatteverket's number groups).
_KINDS = (
    ("2021", "NationalAuthority"),
    ("2321", "RegionalAuthority"),
    ("212", "LocalAuthority"),
    ("222", "LocalAuthority"),
    ("55", "Company"),
    ("8", "NonProfitOrganisation"),
)


def publisher_iri(publisher: Publisher) -> str:
    """Return the portal's own IRI of an organization, which merges publishers across harvested catalogues."""
    return f"http://dataportal.se/organisation/SE{publisher.orgnr}"


def publisher_type(publisher: Publisher) -> str:
    """Return the ADMS publisher type: as declared, else told by municipality code or organization number."""
    declared = code_list("type").iri(publisher.type) if publisher.type else None
    if declared:
        return declared
    kinds = (kind for start, kind in _KINDS if publisher.orgnr.startswith(start))
    kind = "LocalAuthority" if publisher.kommunkod else next(kinds, "Company")
    return code_list("type").prefix + kind


@cache
def specification_texts(name: str) -> dict[str, dict[str, str]]:
    """Return title and description of a shared specification by language; empty when it has none."""
    table = json.loads((ontology.root() / "specifications" / name / "table.json").read_text("utf-8"))
    return {
        word: {entry["@language"]: entry["@value"] for entry in table.get(f"dc:{word}", ()) if "@language" in entry}
        for word in ("title", "description")
    }


def is_listed_only(dataset: Dataset) -> bool:
    """Tell whether a dataset is only listed, with the reason why it is not published (the register duty)."""
    return dataset.metadata.get("status") == "not-published"


def described(site: Site, dataset: Dataset) -> dict[str, Any]:
    """Return the dataset's metadata with what follows from its specification, publisher and site filled in."""
    first, publisher = site.languages[0], site.publishers[dataset.publisher]
    said = dict(dataset.metadata)
    shared = specification_texts(dataset.specification) if dataset.specification else {"title": {}, "description": {}}
    names = publisher.name
    titles = {tag: f"{text}, {names.get(tag) or next(iter(names.values()))}" for tag, text in shared["title"].items()}
    said["title"] = by_language(said.get("title"), first) or titles
    said["description"] = by_language(said.get("description"), first) or shared["description"]
    said["keyword"] = by_language(said.get("keyword"), first)
    said["license"] = said.get("license") or site.raw.get("site", {}).get("license")
    said.setdefault("accessRights", "NON_PUBLIC" if is_listed_only(dataset) else "PUBLIC")
    said.setdefault("language", [first])
    if publisher.kommunkod:
        said.setdefault("spatial", publisher.kommunkod)
    if said.get("hvdCategory"):
        said["applicableLegislation"] = [*as_list(said.get("applicableLegislation")), HVD_LEGISLATION]
    return said
