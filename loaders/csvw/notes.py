"""Common properties and notes: normalised as JSON-LD values, and written as triples.

Metadata Vocabulary 5.8 (what values are allowed) and 6.1 (normalisation); csv2rdf 5 (JSON-LD to RDF).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from loaders.csvw.context import PREFIXES, expand_name, is_language
from loaders.csvw.problems import CsvwError
from loaders.csvw.terms import RDF, XSD, encode_illegal, escape, is_iri, literal, resolve, writable

Warn = Callable[[str], None]
_KEYWORDS = frozenset({"@id", "@type", "@value", "@language"})


def normalise_value(value: Any, language: str, base: str, warn: Warn) -> Any:
    """Return a common property's value with explicit languages and absolute URLs; raise CsvwError on a bad one.

    >>> normalise_value("Badplatser", "sv", "https://orebro.se/", print)
    {'@value': 'Badplatser', '@language': 'sv'}
    """
    if isinstance(value, list):
        return [normalise_value(item, language, base, warn) for item in value]
    if isinstance(value, str):
        return {"@value": value, "@language": language} if language != "und" else {"@value": value}
    if not isinstance(value, dict):
        return value
    if "@value" in value:
        return _value_object(value, warn)
    return _node_object(value, language, base, warn)


def triples(subject: str, property_iri: str, value: Any, blank: Callable[[], str]) -> Iterator[str]:
    """Yield N-Triples lines that say the (normalised) value of a property; `subject` is a term, `<…>` or `_:…`."""
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, list):
            # JSON-LD 1.0 API 7.2: an array within an array stands for its items.
            yield from triples(subject, property_iri, item, blank)
            continue
        term, lines = _term(item, blank)
        if term is None:
            continue
        yield f"{subject} <{property_iri}> {term} .\n"
        yield from lines


def _value_object(value: dict[str, Any], warn: Warn) -> dict[str, Any]:
    if not set(value) <= {"@value", "@type", "@language"} or {"@type", "@language"} <= set(value):
        raise CsvwError("an object with @value may have @type or @language beside it, and nothing else")
    if not isinstance(value["@value"], str | int | float | bool):
        raise CsvwError("@value must be a string, number or boolean")
    if "@language" in value and value["@language"] is not None and not is_language(value["@language"]):
        # 5.8.2 and 4: a value that is not permitted is warned of and passed over; appendix A asks no more of it.
        warn("@language beside @value is no language tag")
        return {"@value": value["@value"]}
    if "@type" in value:
        return {"@value": value["@value"], "@type": _type(value["@type"])}
    return value


def _node_object(value: dict[str, Any], language: str, base: str, warn: Warn) -> dict[str, Any]:
    if "@language" in value:
        raise CsvwError("@language stands only beside @value")
    node: dict[str, Any] = {}
    for name, item in value.items():
        if name == "@id":
            if not isinstance(item, str) or item.startswith("_:"):
                raise CsvwError("@id must be a URL and no blank node")
            # 6.1: prefixes are expanded here, terms are not: `date` is a document beside this one.
            node["@id"] = encode_illegal(resolve(base, (expand_name(item) if ":" in item else None) or item))
        elif name == "@type":
            types = item if isinstance(item, list) else [item]
            node["@type"] = [_type(entry) for entry in types]
        elif name.startswith("@"):
            raise CsvwError(f"{name} may not stand in a common property")
        else:
            if ":" not in name or expand_name(name) is None:
                raise CsvwError("a property inside a common property is no prefixed name or absolute URL")
            node[name] = normalise_value(item, language, base, warn)
    return node


def _type(value: Any) -> str:
    # Appendix A: a term of the context, which the prefixes are too.
    iri = PREFIXES.get(value) or expand_name(value) if isinstance(value, str) and value[:2] != "_:" else None
    if iri is None:
        raise CsvwError("@type must be a term, a prefixed name or an absolute URL")
    return iri


def _term(item: Any, blank: Callable[[], str]) -> tuple[str | None, list[str]]:
    if isinstance(item, dict) and "@value" not in item:
        return _node(item, blank)
    if isinstance(item, dict):
        datatype, language, item = item.get("@type", ""), item.get("@language") or "", item["@value"]
        if isinstance(item, str):
            return (literal(item, datatype, language), []) if writable(item) else (None, [])
        if datatype:
            return f'"{escape(_lexical(item)[0])}"^^<{datatype}>', []
    if isinstance(item, str):
        return (literal(item), []) if writable(item) else (None, [])
    if item is None:
        return None, []
    return literal(*_lexical(item)), []


def _node(item: dict[str, Any], blank: Callable[[], str]) -> tuple[str | None, list[str]]:
    if "@id" in item and not is_iri(item["@id"]):
        return None, []
    subject = f"<{item['@id']}>" if "@id" in item else blank()
    lines = [f"{subject} <{RDF}type> <{iri}> .\n" for iri in item.get("@type", ())]
    for name, value in item.items():
        if name not in _KEYWORDS:
            lines.extend(triples(subject, expand_name(name) or name, value, blank))
    return subject, lines


def _lexical(value: bool | int | float) -> tuple[str, str]:
    """Return lexical form and datatype as JSON-LD 1.1 API 8.2.2 converts native values."""
    if isinstance(value, bool):
        return ("true" if value else "false"), XSD + "boolean"
    if isinstance(value, int) or (value.is_integer() and abs(value) < 1e21):
        return str(int(value)), XSD + "integer"
    if value in (float("inf"), float("-inf")):
        # A JSON number beyond what a double holds, which XML Schema rounds so too.
        return ("INF" if value > 0 else "-INF"), XSD + "double"
    mantissa, _, exponent = f"{value:.15E}".partition("E")
    mantissa = mantissa.rstrip("0")
    return f"{mantissa}{'0' if mantissa.endswith('.') else ''}E{int(exponent)}", XSD + "double"
