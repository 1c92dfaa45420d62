"""What can be asked: one .rq file per question, read, described and bound here.

A file is a query that runs as it stands, under a header of `#+ key: value` lines. A parameter is a line
`VALUES ?name { example }`; binding writes that line anew with validated terms, and leaves it out for an
optional parameter that is not given. Relative IRIs resolve against BASE, which binding sets to the site's.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import MappingProxyType

from queries.values import TYPES, Resolve, term

LANGUAGES = ("sv", "en")
RESERVED = frozenset(("lang", "format", "page", "size"))
"""Names that mean the same for every question, and so cannot be a parameter of one (but `lang`)."""

_HEADER = re.compile(r"#\+ ([a-z][\w.-]*): (.+)")
_BLOCK = re.compile(r"^[ \t]*VALUES \?(\w+) \{ ([^\n]*) \}[ \t]*\n", re.MULTILINE)
_BASE = re.compile(r"^BASE <([^<>]*)>$", re.MULTILINE)
_FORM = re.compile(r"^(SELECT|CONSTRUCT)\b", re.MULTILINE)
_ORDER = re.compile(r"^ORDER BY\b", re.MULTILINE)
_EXAMPLE = re.compile(r'"((?:[^"\\]|\\.)*)"(?:\^\^\S+)?|<([^<>]*)>|([+-]?[0-9]+(?:\.[0-9]+)?)')
_TOKEN = re.compile(r"[()]|\?\w+")
_KEYS = ("title", "description", "paging", "caching", "parameter", "column")


class QueryError(ValueError):
    """A .rq file is not as it should be: which one, and what is wrong."""


class ParameterError(ValueError):
    """A value or a name does not fit the question; `text` says so in both languages."""

    def __init__(self, name: str, sv: str, en: str) -> None:
        super().__init__(en)
        self.name = name
        self.text = {"sv": sv, "en": en}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: its type, what it is called, and the examples it has in the file."""

    name: str
    type: str
    optional: bool
    many: bool
    title: Mapping[str, str]
    examples: tuple[str, ...]
    choices: str = ""  # the name of the query that lists what it may be

    def terms(self, given: Sequence[str], resolve: Resolve) -> list[str]:
        """Return the values as SPARQL terms; raise ParameterError when one is not of the type."""
        if len(given) > (MOST_VALUES if self.many else 1):
            most = MOST_VALUES if self.many else 1
            raise ParameterError(
                self.name,
                f"{self.name} tar högst {most} värde{'n' if most > 1 else ''}.",
                f"{self.name} takes at most {most} value{'s' if most > 1 else ''}.",
            )
        found = [term(self.type, value, resolve) for value in given]
        if None in found:
            raise self.misfit(given[found.index(None)])
        return [value for value in found if value is not None]

    def misfit(self, value: str) -> ParameterError:
        """Return the error that says that a value is not of the type, with an example."""
        kind, example = TYPES[self.type].title, self.examples[0]
        return ParameterError(
            self.name,
            f"{self.name} tar {kind['sv']}, till exempel {example}; {value[:80]!r} är inte det.",
            f"{self.name} takes {kind['en']}, for example {example}; {value[:80]!r} is not.",
        )


MOST_VALUES = 50
"""Values that a parameter for several may be given at once."""


@dataclass(frozen=True, slots=True)
class Query:
    """One question: its text as it stands in the file, and all that its header says."""

    name: str
    text: str
    form: str  # SELECT or CONSTRUCT
    title: Mapping[str, str]
    description: Mapping[str, str]
    parameters: tuple[Parameter, ...]
    columns: Mapping[str, Mapping[str, str]]  # what each column is called, and its unit; empty for CONSTRUCT
    page_size: int  # 0: the answer has no pages
    max_age: int | None  # seconds; None: as the site says

    @property
    def group(self) -> str:
        """The folder it is in, which is the first part of its name."""
        return self.name.partition("/")[0]

    @property
    def is_graph(self) -> bool:
        """Whether the answer is RDF rather than a table."""
        return self.form == "CONSTRUCT"

    @property
    def needed(self) -> tuple[Parameter, ...]:
        """The parameters that have to be given."""
        return tuple(found for found in self.parameters if not found.optional and found.type != "language")

    def parameter(self, name: str) -> Parameter:
        """Return the parameter of this name; raise ParameterError that names the nearest one."""
        for parameter in self.parameters:
            if parameter.name == name:
                return parameter
        known = [parameter.name for parameter in self.parameters] + sorted(RESERVED - {"lang"})
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
        listed = ", ".join(known)
        raise ParameterError(
            name,
            f"Frågan har ingen parameter {name[:80]!r}." + (f" Menades {near[0]}?" if near else f" Den tar: {listed}."),
            f"There is no parameter {name[:80]!r}."
            + (f" Did you mean {near[0]}?" if near else f" It takes: {listed}."),
        )

    def examples(self) -> dict[str, list[str]]:
        """Return the example values of every parameter but the language."""
        return {found.name: list(found.examples) for found in self.parameters if found.type != "language"}

    def bind(self, values: Mapping[str, Sequence[str]], resolve: Resolve, base: str, language: str = "sv") -> str:
        """Return the query with its parameters set, to be evaluated on a site; `base` is that of its concepts.

        Empty values count as not given. Raises ParameterError for an unknown name, a value that is not of its
        type, and a needed parameter that is not given.
        """
        written: dict[str, str] = {}
        given = {name: [value for value in listed if value] for name, listed in values.items()}
        for name in given:
            self.parameter(name)
        for parameter in self.parameters:
            chosen = given.get(parameter.name) or ([language] if parameter.type == "language" else [])
            if chosen:
                terms = " ".join(parameter.terms(chosen, resolve))
                written[parameter.name] = f"  VALUES ?{parameter.name} {{ {terms} }}\n"
            elif parameter.optional:
                written[parameter.name] = ""
            else:
                example = parameter.examples[0]
                raise ParameterError(
                    parameter.name,
                    f"{parameter.name} saknas: ge {TYPES[parameter.type].title['sv']}, till exempel {example}.",
                    f"{parameter.name} is missing: give {TYPES[parameter.type].title['en']}, for example {example}.",
                )
        text = _BLOCK.sub(lambda block: written.get(block[1], block[0]), self.text)
        return _BASE.sub(lambda _: f"BASE <{base}>", text, count=1)

    def readable(self, values: Mapping[str, Sequence[str]], resolve: Resolve, base: str, language: str = "sv") -> str:
        """Return the bound query without its header: what a person reads and may start from; raises ParameterError."""
        bound = self.bind(values, resolve, base, language)
        return "\n".join(line for line in bound.splitlines() if not line.startswith("#+")).strip() + "\n"


def get(name: str) -> Query:
    """Return the query `group/name`; raise KeyError when there is none of that name."""
    return _queries()[name]


def all_queries() -> tuple[Query, ...]:
    """Return every query, by name."""
    return tuple(_queries().values())


@cache
def _queries() -> Mapping[str, Query]:
    words = tomllib.loads((files(__name__) / "words.toml").read_text("utf-8"))
    found = {name: parse(name, file.read_text("utf-8"), words) for name, file in _files()}
    for query in found.values():
        for parameter in query.parameters:
            if parameter.choices and parameter.choices not in found:
                raise QueryError(f"{query.name}: {parameter.name} takes its choices from no query of ours.")
    return MappingProxyType(dict(sorted(found.items())))


def _files() -> Iterator[tuple[str, Traversable]]:
    for group in files(__name__).iterdir():
        if group.is_dir():
            for file in group.iterdir():
                if file.name.endswith(".rq"):
                    yield f"{group.name}/{file.name.removesuffix('.rq')}", file


def parse(name: str, text: str, words: Mapping[str, Mapping[str, Mapping[str, str]]]) -> Query:
    """Return the query of a file; raise QueryError when its header and its text do not fit together.

    `words` holds the titles that parameters and columns have when the header gives none.
    """
    header = _header(name, text)
    form = _FORM.search(text)
    if form is None:
        raise QueryError(f"{name}: a line has to begin with SELECT or CONSTRUCT.")
    blocks = {match[1]: match[2] for match in _BLOCK.finditer(text)}
    declared = [key.split(".")[1] for key in header if key.startswith("parameter.") and key.count(".") == 1]
    if set(blocks) != set(declared):
        odd = ", ".join(sorted(set(blocks) ^ set(declared)))
        raise QueryError(f"{name}: the header and the VALUES lines differ in {odd}.")
    for language in LANGUAGES:
        for key in ("title", "description"):
            if f"{key}.{language}" not in header:
                raise QueryError(f"{name}: the header lacks {key}.{language}.")
    paging = header.get("paging", "none")
    if form[1] == "SELECT" and (paging == "none") == bool(_ORDER.search(text)):
        raise QueryError(f"{name}: pages need a stable order, so paging and ORDER BY go together.")
    return Query(
        name=name,
        text=text,
        form=form[1],
        title=_both(header, "title"),
        description=_both(header, "description"),
        parameters=tuple(_parameter(name, key, header, blocks[key], words) for key in declared),
        columns={column: _column(name, column, header, words.get("column", {})) for column in _projected(text, form)},
        page_size=0 if paging == "none" else int(paging),
        max_age=int(header["caching"]) if "caching" in header else None,
    )


def _header(name: str, text: str) -> dict[str, str]:
    header: dict[str, str] = {}
    for line in text.splitlines():
        if not line.startswith("#+"):
            break
        match = _HEADER.fullmatch(line)
        if match is None or match[1].split(".")[0] not in _KEYS or match[1] in header:
            raise QueryError(f"{name}: this header line cannot be read: {line}")
        header[match[1]] = match[2].strip()
    return header


def _both(header: Mapping[str, str], key: str) -> dict[str, str]:
    return {part: header[f"{key}.{part}"] for part in (*LANGUAGES, "unit") if f"{key}.{part}" in header}


def _parameter(
    query: str, name: str, header: Mapping[str, str], block: str, words: Mapping[str, Mapping[str, Mapping[str, str]]]
) -> Parameter:
    type, *flags = header[f"parameter.{name}"].split()
    if type not in TYPES or set(flags) - {"optional", "many"}:
        raise QueryError(f"{query}: {name} is {header[f'parameter.{name}']!r}; types are {', '.join(TYPES)}.")
    if (name in RESERVED) and (name, type) != ("lang", "language"):
        raise QueryError(f"{query}: {name} means the same for every query and cannot be a parameter.")
    title = _both(header, f"parameter.{name}") or words.get("parameter", {}).get(name, {})
    if not title:
        raise QueryError(f"{query}: neither the header nor words.toml says what the parameter {name} is called.")
    examples = tuple(_unescaped(match) for match in _EXAMPLE.finditer(block))
    if not examples or any(
        term(type, example, lambda path: f"https://data.norrsjo.example/{path}") is None for example in examples
    ):
        raise QueryError(f"{query}: the example of {name} is not {TYPES[type].title['en']}: {block}")
    return Parameter(
        name=name,
        type=type,
        optional="optional" in flags,
        many="many" in flags,
        title=title,
        examples=examples,
        choices=header.get(f"parameter.{name}.choices", ""),
    )


def _projected(text: str, form: re.Match[str]) -> list[str]:
    """Return the variables that a SELECT clause projects, in their order; a bracketed one is named by its AS."""
    if form[1] != "SELECT":
        return []
    clause = text[form.end() : text.index("WHERE", form.end())]
    found, depth, last = [], 0, ""
    for token in _TOKEN.findall(clause):
        if token.startswith("?"):
            last = token[1:]
            if not depth:
                found.append(last)
        else:
            depth += 1 if token == "(" else -1
            if token == ")" and not depth:
                found.append(last)
    return found


def _column(
    query: str, name: str, header: Mapping[str, str], words: Mapping[str, Mapping[str, str]]
) -> Mapping[str, str]:
    """Return what a column is called; `xName` and `xIri` are called as `x` is."""
    stem = name.removesuffix("Name").removesuffix("Iri")
    found = _both(header, f"column.{name}") or words.get(name) or words.get(stem)
    if not found:
        raise QueryError(f"{query}: neither the header nor words.toml says what the column {name} is called.")
    return found


def _unescaped(match: re.Match[str]) -> str:
    if match[1] is not None:
        return re.sub(r"\\(.)", r"\1", match[1])
    return match[2] if match[2] is not None else match[3]
