"""Checks of single metadata properties: a value of the wrong type is a warning and the default holds.

Metadata Vocabulary 5.1 (property syntax) and 6.3 to 6.5 say which; what must be an error raises CsvwError.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from loaders.csvw.context import is_language
from loaders.csvw.encodings import codec_name
from loaders.csvw.model import Dialect, Titles
from loaders.csvw.problems import CsvwError
from loaders.csvw.templates import TemplateError, parse_template

Warn = Callable[[str], None]
_NAME = re.compile(r"(?:[A-Za-z0-9]|%[0-9A-Fa-f]{2})(?:\.?(?:[A-Za-z0-9_]|%[0-9A-Fa-f]{2}))*")


class Invalid(Exception):
    """The value is not one that the property takes; an argument is what counts in its stead, else the default does."""


Check = Callable[[Any], Any]


def string(value: Any) -> str:
    """Take a string."""
    if not isinstance(value, str):
        raise Invalid
    return value


def some_text(value: Any) -> str:
    """Take a string that is not empty."""
    if not isinstance(value, str) or not value:
        raise Invalid
    return value


def boolean(value: Any) -> bool:
    """Take true or false."""
    if not isinstance(value, bool):
        raise Invalid
    return value


def count(value: Any) -> int:
    """Take an integer of zero or more."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise Invalid
    return value


def one_of(*values: str) -> Check:
    """Take one of these words."""

    def check(value: Any) -> str:
        if not isinstance(value, str) or value not in values:
            raise Invalid
        return value

    return check


def nullable(check: Check) -> Check:
    """Take null too."""
    return lambda value: None if value is None else check(value)


def language(value: Any) -> str:
    """Take a language tag."""
    if not is_language(value):
        raise Invalid
    return str(value)


def template(value: Any) -> str:
    """Take a URI template (Metadata Vocabulary 5.1.3); what is no string counts as an empty one."""
    if not isinstance(value, str):
        raise Invalid("")
    try:
        return parse_template(value).text
    except TemplateError:
        raise Invalid from None


def column_name(value: Any) -> str:
    """Take a variable name of RFC 6570 that begins with no underscore (Metadata Vocabulary 5.6)."""
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise Invalid
    return value


def encoding(value: Any) -> str:
    """Take the name of an encoding of text (Metadata Vocabulary 5.9)."""
    if codec_name(string(value)) is None:
        raise Invalid
    return str(value)


def terminators(value: Any) -> tuple[str, ...]:
    """Take one string or several."""
    items = value if isinstance(value, list) else [value]
    if not items or not all(isinstance(item, str) and item for item in items):
        raise Invalid
    return tuple(items)


def trim(value: Any) -> str:
    """Take true, false, start or end, as a word or a boolean."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(one_of("true", "false", "start", "end")(value))


INHERITED: Mapping[str, Check] = {
    "aboutUrl": template,
    "default": string,
    "lang": language,
    "ordered": boolean,
    "propertyUrl": template,
    "required": boolean,
    "separator": nullable(some_text),
    "textDirection": one_of("ltr", "rtl", "auto", "inherit"),
    "valueUrl": template,
}
DIALECT: Mapping[str, Check] = {
    "commentPrefix": nullable(string),
    "delimiter": some_text,
    "doubleQuote": boolean,
    "encoding": encoding,
    "header": boolean,
    "headerRowCount": count,
    "lineTerminators": terminators,
    "quoteChar": nullable(some_text),
    "skipBlankRows": boolean,
    "skipColumns": count,
    "skipInitialSpace": boolean,
    "skipRows": count,
    "trim": trim,
}


def take(source: Mapping[str, Any], name: str, check: Check, warn: Warn, default: Any = None) -> Any:
    """Return the property's value, or the default, with a warning when the value is none that it takes."""
    if name not in source:
        return default
    try:
        return check(source[name])
    except Invalid as invalid:
        instead = "it counts as empty" if invalid.args else "the default is used"
        warn(f"{name} has a value of the wrong type; {instead}")
        return invalid.args[0] if invalid.args else default


def nulls(value: Any, warn: Warn) -> tuple[str, ...] | None:
    """Return the null values (Metadata Vocabulary 5.7); None with a warning when one is no string (5.1.7)."""
    items = value if isinstance(value, list) else [value]
    if not all(isinstance(item, str) for item in items):
        warn("null has a value that is no string; the default is used")
        return None
    return tuple(items)


def natural_language(value: Any, default: str, name: str, warn: Warn) -> Titles:
    """Return texts by language (Metadata Vocabulary 5.1.6)."""
    if isinstance(value, dict):
        titles: Titles = {}
        for tag, texts in value.items():
            if not is_language(tag) and tag != "und":
                warn(f"{name} has a key that is no language tag")
                continue
            titles[tag] = _texts(texts, name, warn)
        return titles
    texts = _texts(value, name, warn)
    return {default: texts} if texts else {}


def _texts(value: Any, name: str, warn: Warn) -> list[str]:
    items = value if isinstance(value, list) else [value]
    texts = [item for item in items if isinstance(item, str)]
    if len(texts) != len(items):
        warn(f"{name} has a value that is no string")
    return texts


def column_reference(value: Any) -> tuple[str, ...]:
    """Take one column name or a list of them (Metadata Vocabulary 5.1.4)."""
    items = value if isinstance(value, list) else [value]
    if not items or not all(isinstance(item, str) for item in items):
        raise Invalid
    return tuple(items)


def check_id(value: Any, warn: Warn) -> str:
    """Return an @id; one that names a blank node is an error, one that is no string is empty (5.1.2)."""
    if not isinstance(value, str):
        warn("@id is no string; it counts as empty")
        return ""
    if value.startswith("_:"):
        raise CsvwError("@id must not be a blank node")
    return value


def check_type(source: Mapping[str, Any], expected: str) -> None:
    """Raise CsvwError when the object says it is of another type."""
    if "@type" in source and source["@type"] != expected:
        raise CsvwError(f"@type must be {expected}")


def read_dialect(source: Mapping[str, Any], warn: Warn) -> Dialect:
    """Return the dialect that a dialect description gives (Metadata Vocabulary 5.9)."""
    check_type(source, "Dialect")
    check_id(source.get("@id", ""), warn)
    dialect = Dialect()
    for name, check in DIALECT.items():
        value = take(source, name, check, warn, getattr(dialect, name))
        setattr(dialect, name, value)
    if "headerRowCount" not in source or dialect.headerRowCount != source["headerRowCount"]:
        dialect.headerRowCount = 1 if dialect.header else 0
    if "trim" not in source:
        # Metadata Vocabulary 5.9: without trim, skipInitialSpace decides; the default of both is no trimming.
        dialect.trim = "start" if dialect.skipInitialSpace else "false"
    for name in source:
        if name not in DIALECT and name not in ("@id", "@type", "@context"):
            warn(f"{name} is no property of a dialect")
    return dialect
