"""The HTTP contract in docs/http.md names every format and every address there is."""

from __future__ import annotations

from pathlib import Path

from flask import Flask

from server.formats import FORMATS

DOCS = Path(__file__).parent.parent.parent / "docs"


def test_every_format_is_documented() -> None:
    text = (DOCS / "http.md").read_text("utf-8")
    for format in FORMATS.values():
        assert f"| `{format.suffix}` | `{format.media_type}`" in text


def test_every_address_is_documented(app: Flask) -> None:
    text = (DOCS / "http.md").read_text("utf-8")
    for rule in app.url_map.iter_rules():
        first = rule.rule.split("<")[0].split("/")[1]
        assert not first or f"`/{first}" in text, f"{rule.rule} is not in docs/http.md"
