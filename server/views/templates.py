"""Templates in one language: its words are written into them when they are compiled, not looked up on each page."""

from __future__ import annotations

import re
from functools import partial
from gettext import NullTranslations
from typing import Any

from babel.numbers import format_decimal
from flask import current_app
from jinja2 import Environment
from jinja2.ext import Extension
from markupsafe import escape

from server.instance import Torg
from server.texts import texts

# What is said as it stands; words with something put into them are still looked up when a page is made.
_SAID = re.compile(r"""\{\{ _\((?:"([^"\\]*)"|'([^'\\]*)')\) \}\}""")
_MARKS = re.compile(r"\{[{%#]|[\r\n]")


class Words(Extension):
    """Puts the words of the environment's language where a template says no more than `{{ _("…") }}`."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """Return the source of a template with its words in it, escaped as Jinja would."""
        words: NullTranslations = self.environment.torg_words  # type: ignore[attr-defined]

        def written(said: re.Match[str]) -> str:
            word = words.gettext(said[1] if said[1] is not None else said[2])
            return said[0] if _MARKS.search(word) else str(escape(word))

        return _SAID.sub(written, source)


def templates(site: Torg, spoken: str) -> Environment:
    """Return the environment of the pages in a language, with what is the same on all of them.

    What every page knows is global here, so that a part that is imported without its context is made once.
    """
    made: dict[str, Environment] = current_app.extensions.setdefault("torg.templates", {})
    if spoken not in made:
        made[spoken] = _environment(current_app.jinja_env, site, spoken)
    return made[spoken]


def in_language(text: Any, spoken: str) -> str:
    """Return a text by language in this language, else Swedish, English, any; "" when there is none."""
    return next((text[name] for name in (spoken, "sv", "en", *text) if name in text), "")


def _environment(base: Environment, site: Torg, spoken: str) -> Environment:
    words = texts(spoken)
    environment = base.overlay(extensions=[Words])
    environment.extend(torg_words=words)
    environment.globals = {
        **base.globals,
        "_": words.gettext,
        "ngettext": words.ngettext,
        "lang": spoken,
        "torg": site,
        "site_title": in_language(site.site.title, spoken),
        "here": site.uris.prefix.__add__,
        "in_language": in_language,
        "digits": partial(format_decimal, locale=spoken),
    }
    return environment
