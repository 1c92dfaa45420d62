"""Lists the parts of a release and their licences: as a CycloneDX 1.6 document and as a table.

    build/release/bin/python scripts/sbom.py dist

`make sbom` builds that environment from deploy/requirements.lock first. The libraries come from the environment's own
metadata and their hashes from the lock; what the pages carry comes from the front end's lock. Nothing is fetched, and
the same release gives the same bytes.
"""

from __future__ import annotations

import json
import os
import re
import sys
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any
from urllib.parse import quote

ROOT = Path(__file__).parent.parent
LOCK = ROOT / "deploy" / "requirements.lock"
NODE_LOCK = ROOT / "server" / "frontend" / "package-lock.json"
NOT_SHIPPED = {"torg", "pip", "setuptools", "wheel"}
# Of the front end's packages, these build the pages and stay behind.
BUILDS_ONLY = re.compile(r"^@?esbuild\b|-types$")
# What a licence classifier (Trove) is called in SPDX, for libraries that state none in another way.
CLASSIFIERS = {
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "MIT License": "MIT",
    "MIT No Attribution License (MIT-0)": "MIT-0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "ISC License (ISCL)": "ISC",
    "Python Software Foundation License": "PSF-2.0",
}
PLAIN = {
    "bsd": "BSD-3-Clause", "bsd 3-clause": "BSD-3-Clause", "bsd-3-clause license": "BSD-3-Clause",
    "mit license": "MIT", "apache 2.0": "Apache-2.0", "apache license 2.0": "Apache-2.0", "apache-2.0": "Apache-2.0",
    "mozilla public license 2.0": "MPL-2.0", "bsd 3-clause license": "BSD-3-Clause",
}  # fmt: skip


def locked(lock: str) -> dict[str, list[str]]:
    """Return the SHA-256 hashes of every pinned "name==version".

    >>> locked("flask==3.1.3 \\\\\\n    --hash=sha256:ab\\n")
    {'flask==3.1.3': ['ab']}
    """
    pinned: dict[str, list[str]] = {}
    name = ""
    for line in lock.splitlines():
        if found := re.match(r"([A-Za-z0-9_.-]+)==([^\s;\\]+)", line):
            name = f"{normal(found[1])}=={found[2]}"
            pinned[name] = []
        pinned.get(name, []).extend(re.findall(r"--hash=sha256:([0-9a-f]+)", line))
    return pinned


def normal(name: str) -> str:
    """Return a distribution's name in the form that registries compare (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def licence(distribution: Distribution) -> str:
    """Return a distribution's licence as an SPDX expression, or its own words; "" when it states none."""
    metadata = distribution.metadata
    expression = metadata.get("License-Expression", "")
    if expression:
        return str(expression)
    said = str(metadata.get("License", "")).strip()
    if said and len(said) < 60:
        return PLAIN.get(said.lower(), said)
    for classifier in metadata.get_all("Classifier") or ():
        name = classifier.rpartition(" :: ")[2]
        if classifier.startswith("License ::") and name in CLASSIFIERS:
            return CLASSIFIERS[name]
    return ""


def libraries(pinned: Mapping[str, list[str]]) -> Iterator[dict[str, Any]]:
    """Yield the libraries of this environment as components; stop when one is there that the lock does not name."""
    found = {normal(each.metadata["Name"]): each for each in distributions()}
    for name in sorted(found.keys() - NOT_SHIPPED):
        version = found[name].version
        if f"{name}=={version}" not in pinned:
            sys.exit(f"{name} {version} is installed and not in {LOCK.name}: run make lock, then make sbom.")
        component = part(name, version, f"pkg:pypi/{name}@{version}", licence(found[name]))
        # A lock holds the hashes of every file of a version; which of them was taken depends on the machine.
        component["properties"] = [
            {"name": "torg:locked-sha256", "value": digest} for digest in sorted(pinned[f"{name}=={version}"])
        ]
        yield component


def scripts(lock: Path) -> Iterator[dict[str, Any]]:
    """Yield what is built into the pages, from the front end's lock; what only builds it is left out."""
    if not lock.exists():
        return
    for place, entry in sorted(json.loads(lock.read_text("utf-8")).get("packages", {}).items()):
        name = entry.get("name") or place.rpartition("node_modules/")[2]
        if not place or entry.get("optional") or "version" not in entry or BUILDS_ONLY.search(name):
            continue
        purl = f"pkg:npm/{quote(name, safe='/')}@{entry['version']}"
        component = part(name, entry["version"], purl, str(entry.get("license", "")))
        if entry.get("integrity", "").startswith("sha512-"):
            component["properties"] = [{"name": "torg:locked-integrity", "value": entry["integrity"]}]
        yield component


def part(name: str, version: str, purl: str, terms: str) -> dict[str, Any]:
    """Return one component."""
    component: dict[str, Any] = {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}
    if terms:
        plain = re.fullmatch(r"[A-Za-z0-9.+-]+", terms)
        word = re.search(r"\b(AND|OR|WITH)\b", terms)
        component["licenses"] = [
            {"expression": terms} if word else {"license": {"id": terms} if plain else {"name": terms}}
        ]
    return component


def document(version: str, parts: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the CycloneDX document; its serial number and time follow from what it holds and SOURCE_DATE_EPOCH."""
    me = f"pkg:pypi/torg@{version}"
    seed = json.dumps(parts, sort_keys=True)
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    time = {"timestamp": datetime.fromtimestamp(int(epoch), UTC).isoformat().replace("+00:00", "Z")} if epoch else {}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, me + seed)}",
        "version": 1,
        "metadata": {
            **time,
            "component": {
                "type": "application", "bom-ref": me, "name": "torg", "version": version, "purl": me,
                "licenses": [{"license": {"id": "Apache-2.0"}}],
            },
        },
        "components": parts,
        "dependencies": [{"ref": me, "dependsOn": [each["bom-ref"] for each in parts]}],
    }  # fmt: skip


def terms_of(component: Mapping[str, Any]) -> str:
    """Return the licence of a component in words."""
    for entry in component.get("licenses", ()):
        found = entry.get("expression") or entry["license"].get("id") or entry["license"].get("name")
        return str(found)
    return "not stated"


def main(folder: Path) -> None:
    """Write both files into a folder and print the table."""
    version = next(each.version for each in distributions() if each.metadata["Name"] == "torg")
    parts = [*libraries(locked(LOCK.read_text("utf-8"))), *scripts(NODE_LOCK)]
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(document(version, parts), indent=1, ensure_ascii=False)
    (folder / f"torg-{version}.cdx.json").write_text(text + "\n", "utf-8")
    table = "".join(f"{each['name']} {each['version']}: {terms_of(each)}\n" for each in parts)
    (folder / f"torg-{version}.licences.txt").write_text(table, "utf-8")
    print(table, end="")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "dist"))
