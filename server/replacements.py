"""What stewards declare of identifiers that go on elsewhere: replacements.toml in the site folder.

["/id/school/10000001"]
replacedBy = "/id/school/10000002"        # 308
# mergedInto = "/id/school/10000003"      # 300, several may be merged into one
# splitInto = ["/id/school/1", "/id/school/2"]   # 300
"""

from __future__ import annotations

import tomllib
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from loaders.description import nearest
from loaders.errors import DescriptionError
from loaders.findings import Finding
from server.ledger import Event
from server.uris import UriSpace

FILE = "replacements.toml"
_EVENTS: dict[str, Event] = {"replacedBy": "replaced-by", "mergedInto": "merged-into", "splitInto": "split-into"}
_KEPT = "/%-._~!$&'()*+,;=:@"  # what a path may hold as it is (RFC 3986, section 3.3), and what is encoded already

Replacement = tuple[str, Event, list[str]]


def replacements(folder: Path, uris: UriSpace) -> list[Replacement]:
    """Return (path, event, successors) of every declared replacement; none when there is no file.

    Raises DescriptionError for an unknown key, a value that is no address, an address that is not the
    site's, or a chain that comes back to itself.
    """
    path = folder / FILE
    if not path.exists():
        return []
    try:
        declared = tomllib.loads(path.read_text("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _fault("not-toml", reason=str(error)) from None
    found = list(_read(declared, uris))
    _refuse_cycles({path: successors for path, _, successors in found})
    return found


def unfinished(
    declared: Iterable[Replacement], described: Callable[[str], bool]
) -> tuple[list[Replacement], list[Finding]]:
    """Return the replacements that hold now, and findings for those of which one side is missing.

    `described` tells whether anything is published about a path. What is still published has not been replaced yet:
    its replacement is recorded with the publication that withdraws it, so that the ledger tells the right day.
    """
    listed = list(declared)
    elsewhere = {path for path, _, _ in listed}
    holding, findings = [], []
    for path, event, successors in listed:
        if described(path):
            findings.append(Finding("site.replaced-but-published", file=FILE, detail=(("name", path),)))
            continue
        holding.append((path, event, successors))
        for successor in successors:
            if successor not in elsewhere and not described(successor):
                detail = (("name", path), ("successor", successor))
                findings.append(Finding("site.replaced-by-nothing", file=FILE, detail=detail))
    return holding, findings


def _read(declared: dict[str, Any], uris: UriSpace) -> Iterator[Replacement]:
    for name, entry in declared.items():
        keys = entry if isinstance(entry, dict) else {}
        unknown = [key for key in keys if key not in _EVENTS]
        if unknown or len(keys) != 1:
            wrong = unknown[0] if unknown else name
            raise _fault("unknown-key", name=wrong, nearest=nearest(wrong, _EVENTS))
        ((key, value),) = keys.items()
        successors = value if isinstance(value, list) else [value]
        most = 1 if key == "replacedBy" else len(successors)
        if not 1 <= len(successors) <= most or not all(isinstance(successor, str) for successor in successors):
            raise _fault("replacement-value", name=name, key=key)
        yield _path(name, uris), _EVENTS[key], [_path(successor, uris) for successor in successors]


def _path(name: str, uris: UriSpace) -> str:
    path = uris.path(name) if "://" in name else name
    if path is None or not path.startswith("/id/"):
        raise _fault("not-ours", name=name)
    # As identifiers are spelled, whether it was copied from the data or from the address bar of a browser.
    return quote(unicodedata.normalize("NFC", path), safe=_KEPT)


def _refuse_cycles(successors: dict[str, list[str]]) -> None:
    for start in successors:
        seen, ahead = {start}, list(successors[start])
        while ahead:
            path = ahead.pop()
            if path == start:
                raise _fault("replacement-cycle", name=start)
            if path not in seen:
                seen.add(path)
                ahead += successors.get(path, [])


def _fault(rule: str, **detail: str) -> DescriptionError:
    return DescriptionError(Finding(f"site.{rule}", file=FILE, detail=tuple(detail.items())))
