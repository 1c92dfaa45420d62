"""Words that are written into templates are the words that would be looked up, on pages of every kind."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from server.views import templates

PAGES = ("/", "/res/school/09903001", "/res/dataset/alvhult/skolor", "/res/def/service/T3", "/datasets", "/sparql",
         "/concepts", "/search?q=skola", "/about", "/dumps/", "/nowhere")  # fmt: skip


@pytest.mark.parametrize("spoken", ["sv", "en"])
def test_words_in_templates_are_those_looked_up(app: Flask, monkeypatch: pytest.MonkeyPatch, spoken: str) -> None:
    client = app.test_client()

    def pages() -> dict[str, str]:
        headers = {"Accept": "text/html", "Accept-Language": spoken}
        found = {path: client.get(path, headers=headers).get_data(as_text=True) for path in PAGES}
        return {path: re.sub(r'nonce-?="?[\w-]+', "", page) for path, page in found.items()}

    written = pages()
    monkeypatch.setattr(templates, "_SAID", re.compile(r"(?!)"))
    monkeypatch.setitem(app.extensions, "torg.templates", {})
    looked_up = pages()
    assert looked_up == written
    assert all(f'<html lang="{spoken}"' in page for page in written.values())


def test_only_what_is_said_as_it_stands_is_written_in(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.extensions, "torg.templates", {})
    with app.app_context():
        environment = templates.templates(app.extensions["torg"], "sv")
        source = '{{ _("Datasets") }} {{ _("%(n)s pages") | format(n=2) }} {{ _(name) }} {{ _("<b>") }}'
        assert environment.extensions[templates.Words.identifier].preprocess(source, None) == (
            'Datamängder {{ _("%(n)s pages") | format(n=2) }} {{ _(name) }} &lt;b&gt;'
        )
