"""What surrounds every page: navigation, footer, colours, logo, and the addresses of scripts and styles."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping
from functools import cache, partial
from importlib.metadata import version
from typing import Any
from urllib.parse import urlsplit

from server.assets import PLAIN, manifest_time, read_manifest
from server.instance import Torg
from server.preview_notice import read_preview
from server.theme import DEFAULT_ACCENT, stylesheet

_NAVIGATION = (
    ("Datasets", "/datasets"),
    ("Concepts", "/concepts"),
    ("Compare", "/compare"),
    ("Quality", "/quality"),
    ("Changes", "/changes"),
    ("SPARQL", "/sparql"),
    ("API", "/api"),
)
_ABOUT = (
    ("About the site", "/about"),
    ("Open data and conditions", "/psidata"),
    ("Accessibility statement", "/accessibility"),
    ("Privacy", "/privacy"),
)
_DATA = (("Datasets", "/datasets"), ("Quality", "/quality"), ("Changes", "/changes"), ("Dumps", "/dumps/"))
_DEVELOPERS = (
    ("SPARQL", "/sparql"),
    ("API", "/api"),
    ("Prefixes", "/prefixes"),
    ("VoID", "/.well-known/void"),
)


def frame(site: Torg, canonical: str, rules: Collection[str], here: Callable[[str], str]) -> Mapping[str, Any]:
    """Return what base.html needs beyond the words: `canonical` is the page's address on this host."""
    path = canonical.partition("?")[0].removeprefix(site.uris.prefix)
    about = site.site.raw.get("site", {})
    parts = urlsplit(site.site.base)
    return {
        "asset": partial(_asset, read_manifest(manifest_time()), here),
        "theme": f"{here('/theme.css')}?v={_mark(accent(site))}",
        "logo": here("/logo") if about.get("logo") else here("/static/torg.svg"),
        "favicon": here("/static/torg.svg"),
        "absolute": lambda address: f"{parts.scheme}://{parts.netloc}{address}",
        "canonical": canonical,
        "navigation": [(name, here(to), _place(path, to)) for name, to in _NAVIGATION if to in rules],
        "about_links": _there(_ABOUT, rules, here),
        "data_links": _there(_DATA, rules, here),
        "developer_links": _there(_DEVELOPERS, rules, here),
        "search_address": here("/search") if "/search" in rules else "",
        "suggest_address": here("/search/suggest") if "/search/suggest" in rules else "",
        "contact": contact(site),
        "preview": read_preview(site.data.path),
        "version": _version(),
        "map_border": here("/map/border.geojson") if site.site.raw.get("map", {}).get("base") else "",
        "map_tiles": site.site.raw.get("map", {}).get("tiles", ""),
        "map_attribution": site.site.raw.get("map", {}).get("attribution", ""),
    }


def accent(site: Torg) -> str:
    """Return the accent colour of the site."""
    return str(site.site.raw.get("site", {}).get("accent") or DEFAULT_ACCENT)


def contact(site: Torg) -> str:
    """Return the mailbox of the site, else of its only publisher, else ""."""
    given = str(site.site.raw.get("site", {}).get("contact", ""))
    publishers = list(site.site.publishers.values())
    found = given or (publishers[0].contact if len(publishers) == 1 else "")
    return found if "@" in found else ""


def _there(
    links: Collection[tuple[str, str]], rules: Collection[str], here: Callable[[str], str]
) -> list[tuple[str, str]]:
    return [(name, here(path)) for name, path in links if path in rules]


def _place(path: str, to: str) -> str:
    """Return the aria-current of a link in the navigation: the page itself, or the part that it is in."""
    if path == to:
        return "page"
    return "true" if path.startswith(f"{to}/") else ""


def _asset(manifest: Mapping[str, str], here: Callable[[str], str], name: str) -> str:
    """Return the address of a script or style; "" for a script that was not built."""
    built = manifest.get(name)
    if built is None:
        return here(f"/static/{PLAIN}") if name == "torg.css" else ""
    return here(f"/static/{built}")


@cache
def _mark(colour: str) -> str:
    return hashlib.blake2b(stylesheet(colour).encode(), digest_size=4).hexdigest()


@cache
def _version() -> str:
    return version("torg")
