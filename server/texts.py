"""The words of pages and commands, by language: gettext catalogues from `translations/*.po` (English is the msgid)."""

from __future__ import annotations

import gettext
from functools import cache
from importlib.resources import files
from io import BytesIO

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LANGUAGES = ("sv", "en")
"""The languages that the pages are written in."""


def locale_of(language: str) -> str:
    """Return the locale that writes a language's days and amounts; English as in Europe, not as in the United States.

    >>> locale_of("en"), locale_of("sv")
    ('en_150', 'sv')
    """
    return "en_150" if language == "en" else language


@cache
def texts(language: str, of: str = "") -> gettext.NullTranslations:
    """Return the catalogue of a language, of the pages or `of` the "commands."; without one English is spoken.

    >>> texts("sv").gettext("Datasets")
    'Datamängder'
    """
    source = files("server") / "translations" / f"{of}{language}.po"
    if not source.is_file():
        return gettext.NullTranslations()
    compiled = BytesIO()
    with source.open("rb") as lines:
        write_mo(compiled, read_po(lines, locale=language))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
