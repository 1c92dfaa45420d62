"""Fit a file's columns to the shared specifications, or to a CSVW table of their own, and mend a fit that fails."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import ontology
from loaders import guesses, specification
from loaders.concepts import ConceptIndex, fold
from loaders.csvw_proposal import propose_table
from loaders.findings import Finding
from loaders.guesses import Column
from loaders.headers import is_unnamed, words
from loaders.opening import Declared
from loaders.source import Table

Note = tuple[str, str]
# How alike two words must be to be one misspelt; "latitud" and "latitude" are 0.93.
ALIKE = 0.84
NAME_ALIKE = 0.78
# A header that more specifications know says nothing of which one a file follows.
_MOST_SPECIFICATIONS = 2
_NAMES = ("name", "namn", "navn", "titel", "title", "plassering", "location", "plats", "benamning")
_STATISTICS = "kommunal-statistik"


@dataclass(frozen=True)
class Looked:
    """What a file showed: its table, a sample of its rows, how it was read, and what was settled on the way."""

    table: Table
    rows: list[list[str]]
    said: Declared
    reading: dict[str, Any]
    notes: list[Note]
    rules: set[str]


@dataclass
class Proposal:
    """A way to publish a file: by a specification with differences, or by CSVW metadata of its own."""

    specification: str | None
    columns: dict[str, Any] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)
    wide: dict[str, dict[str, str]] = field(default_factory=dict)
    metadata: dict[str, Any] | None = None
    notes: list[Note] = field(default_factory=list)
    why: dict[str, Note] = field(default_factory=dict)
    matched: dict[str, str] = field(default_factory=dict)


def candidates(path: Path, looked: Looked, concepts: ConceptIndex) -> Iterator[Proposal]:
    """Yield proposals for a file, the likeliest first; the last is CSVW metadata of its own."""
    columns = guesses.columns_of(looked.table.headers, looked.rows)
    statistics = _statistics(path, columns, concepts)
    if statistics:
        yield statistics
    fits = [fit for name in ontology.specification_names() if (fit := _fit(name, path, columns))]
    fits.sort(key=lambda entry: entry[0], reverse=True)
    for _, proposal in fits[:2]:
        _declare_nulls(proposal, columns, looked.rows)
        _drop_personal(proposal, columns)
        yield proposal
    near = ", ".join(proposal.specification or "" for _, proposal in fits)
    proposal = Proposal(None)
    proposed = propose_table(path, columns, looked.rows, concepts, slug_of(path))
    proposal.metadata, proposal.why = proposed
    closest_sv, closest_en = (f" (närmast: {near})", f" (nearest: {near})") if near else ("", "")
    proposal.notes.append((
        f"Ingen gemensam specifikation passar{closest_sv}; en egen tabellbeskrivning i CSVW följer med."
        " Rätta namn, egenskaper och datatyper i den.",
        f"No shared specification fits{closest_en}; a table description of its own in CSVW comes with it."
        " Correct names, properties and datatypes there.",
    ))  # fmt: skip
    _drop_personal(proposal, columns)
    yield proposal


def plain_words(text: str) -> list[str]:
    """Return the words of a text in a to z and 0 to 9.

    >>> plain_words("Förskolor_5 län")
    ['forskolor', '5', 'lan']
    """
    plain = unicodedata.normalize("NFKD", text.casefold().replace("ø", "o").replace("æ", "a"))
    return re.findall(r"[a-z0-9]+", "".join(sign for sign in plain if not unicodedata.combining(sign)))


def slug_of(path: Path) -> str:
    """Return what a file is called: its own name, or its folder's when it is only called data."""
    own = plain_words(path.stem)
    if own in (["dataset"], ["data"], ["export"], ["index"]):
        own = plain_words(path.parent.name) or own
    return "-".join(own) or "data"


def mend(proposal: Proposal, finding: Finding) -> bool:
    """Change the proposal as a finding asks for; return False when nothing can be done."""
    detail = dict(finding.detail)
    header = finding.column
    if finding.rule == "source.ambiguous-format":
        line = re.search(r'column = "([^"]+)", (.*) \}', detail.get("line", ""))
        if line is None or isinstance(proposal.columns.get(header), dict):
            return False
        formats = detail["formats"].split(" / ")
        # Day before month, and the comma of decimals, as Swedish is written.
        chosen = next((each for each in formats if each.startswith(("d", 'decimalChar = ","'))), formats[0])
        said = chosen if "=" in chosen else f'format = "{chosen}"'
        proposal.columns[header] = {"column": line[1], **dict(re.findall(r'(\w+) = "([^"]*)"', said))}
        proposal.why[header] = (
            f"Kan läsas på flera sätt ({detail['formats']}); det svenska valdes. Kontrollera.",
            f"Can be read in several ways ({detail['formats']}); the Swedish one was chosen. Check.",
        )
        return True
    if finding.rule in ("personal.undeclared-column", "personal.declared-column"):
        return _drop(proposal, header, "Ser ut att innehålla personnummer.")
    if finding.rule == "source.same-column" and proposal.specification:
        first = detail["known"].split(", ")[0]
        if first in proposal.columns:
            return False
        proposal.columns[first] = header
        proposal.why[first] = (f"Flera rubriker kan vara {header}; den första valdes.",
                               f"Several headers may be {header}; the first was chosen.")  # fmt: skip
        return True
    return False


def _drop(proposal: Proposal, header: str, reason: str) -> bool:
    said = proposal.columns.get(header)
    if isinstance(said, dict) and said.get("drop"):
        return False
    if proposal.metadata:
        listed = proposal.metadata["tableSchema"]["columns"]
        listed[:] = [column for column in listed if column.get("titles") != header]
    proposal.columns[header] = {"drop": True, "reason": reason}
    return True


def _declare_nulls(proposal: Proposal, columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
    """Say which stand-ins for nothing a column uses besides those that its specification knows."""
    document = ontology.table(proposal.specification or "")
    described = {column["name"]: column for column in specification.columns(document)}
    places = {column.header: column.place for column in columns}
    for name, header in proposal.matched.items():
        said = proposal.columns.get(header, name)
        known = specification.null_tokens(document, described[name])
        tokens = [token for token in guesses.nulls_of(rows, places[header]) if token not in known]
        if tokens and isinstance(said, str):
            proposal.columns[header] = {"column": name, "null": tokens}
            proposal.why[header] = (f"{', '.join(tokens)} står för att värde saknas.",
                                    f"{', '.join(tokens)} stands for no value.")  # fmt: skip


def _drop_personal(proposal: Proposal, columns: Sequence[Column]) -> None:
    for column in columns:
        if guesses.is_personal(column.header) and column.header not in proposal.matched.values():
            _drop(proposal, column.header, "Kan avse enskilda personer.")
            proposal.why[column.header] = (
                "Rubriken talar om en person. Publicera den bara om den avser en funktion.",
                "The header speaks of a person. Publish it only if it is about a function.",
            )


@cache
def _telling() -> frozenset[str]:
    """Return the folded headers that only one specification or two know."""
    seen: dict[str, int] = {}
    for name in ontology.specification_names():
        listed = specification.columns(ontology.table(name))
        for word in {word for column in listed for group in words(column) for word in group}:
            seen[word] = seen.get(word, 0) + 1
    return frozenset(word for word, count in seen.items() if count <= _MOST_SPECIFICATIONS)


def _fit(name: str, path: Path, columns: Sequence[Column]) -> tuple[tuple[float, ...], Proposal] | None:
    """Return how well a specification fits and the proposal, None when it does not."""
    document = ontology.table(name)
    described = [column for column in specification.columns(document) if not column.get("virtual")]
    proposal = Proposal(name)
    free = {column.header: column for column in columns if not is_unnamed(column.header)}
    _match(described, free, proposal)
    hint = _hint(name, document, path)
    _forget_empty(described, columns, proposal)
    _spelling(described, free, proposal)
    required = [column["name"] for column in described if column.get("required")]
    if "name" in required and "name" not in proposal.matched:
        _find_name(free, proposal, bool(hint))
    _find_splits(described, columns, free, proposal)
    if "id" in required and "id" not in proposal.matched:
        _find_id(columns, free, proposal)
    absent = specification.absent_values(described, "0")
    if any(each not in proposal.matched and each not in proposal.constants and each not in absent for each in required):
        return None
    distinct = [header for header in proposal.matched.values() if fold(header.rpartition(".")[2]) in _telling()]
    if not hint and len(distinct) < 2:
        return None
    why = (f"{len(proposal.matched)} av filens {len(columns)} rubriker passar specifikationen {name}.",
           f"{len(proposal.matched)} of the file's {len(columns)} headers fit the specification {name}.")  # fmt: skip
    proposal.notes.append(why)
    return (hint, len(distinct), len(proposal.matched), -len(name)), proposal


def _match(described: Sequence[dict[str, Any]], free: dict[str, Column], proposal: Proposal) -> None:
    """Match by name, title and synonym, as loading will."""
    for rank in range(3):
        for column in described:
            if column["name"] in proposal.matched:
                continue
            found = [header for header in free if fold(header) in words(column)[rank]]
            if len(found) == 1:
                proposal.matched[column["name"]] = found[0]
                del free[found[0]]
    for column in described:
        known = set().union(*words(column)) - {""}
        found = [header for header in free if "." in header and fold(header.rpartition(".")[2]) in known]
        if column["name"] not in proposal.matched and len(found) == 1:
            proposal.matched[column["name"]] = found[0]
            del free[found[0]]


def _forget_empty(described: Sequence[dict[str, Any]], columns: Sequence[Column], proposal: Proposal) -> None:
    """Leave out a required column that is there without a single value: it would cost every row."""
    empty = {column.header for column in columns if not column.values}
    for column in described:
        header = proposal.matched.get(column["name"], "")
        if column.get("required") and header in empty:
            del proposal.matched[column["name"]]
            proposal.columns[header] = {"drop": True, "reason": "Kolumnen är tom."}


def _spelling(described: Sequence[dict[str, Any]], free: dict[str, Column], proposal: Proposal) -> None:
    for column in described:
        if column["name"] in proposal.matched:
            continue
        known = [word for group in words(column) for word in group if len(word) > 4]
        likely = [(_likeness(fold(header), known), header) for header in free if len(fold(header)) > 4]
        ratio, header = max(likely, default=(0, ""))
        if ratio >= ALIKE:
            proposal.matched[column["name"]] = header
            proposal.columns[header] = column["name"]
            proposal.why[header] = (f"Stavas nästan som {column['name']}.", f"Is spelt almost as {column['name']}.")
            del free[header]


def _likeness(word: str, known: Sequence[str]) -> float:
    return max((difflib.SequenceMatcher(None, word, each).ratio() for each in known), default=0.0)


def _find_splits(
    described: Sequence[dict[str, Any]], columns: Sequence[Column], free: dict[str, Column], proposal: Proposal
) -> None:
    """Divide a column whose cells hold both a code and its text, where the specification has a column for each."""
    names = {column["name"] for column in described}
    for number in names:
        stem = re.sub("_(?:nr|kod)$", "", number)
        text = f"{stem}_text"
        if stem == number or text not in names or text in proposal.matched:
            continue
        header = proposal.matched.get(number) or next((each for each in free if fold(each) == fold(stem)), "")
        column = next((column for column in columns if column.header == header), None)
        if column and guesses.is_number_and_text(column):
            proposal.columns[header] = {"split": [number, text]}
            proposal.matched[number] = proposal.matched[text] = header
            proposal.why[header] = ("Kod och text står i samma cell.", "Code and text stand in one cell.")
            free.pop(header, None)


def _find_name(free: dict[str, Column], proposal: Proposal, sure: bool) -> None:
    likely = [header for header in free if any(fold(header).endswith(word) for word in _NAMES) and free[header].values]
    if not likely and sure:
        likely = [header for header, column in free.items() if guesses.is_name(column)]
    if likely:
        proposal.columns[likely[0]] = "name"
        proposal.matched["name"] = likely[0]
        proposal.why[likely[0]] = ("Rubriken ser ut som ett namn.", "The header looks like a name.")
        del free[likely[0]]


def _find_id(columns: Sequence[Column], free: dict[str, Column], proposal: Proposal) -> None:
    """Take a unique code as id; else make it of the columns that tell the rows apart, the name first."""
    codes = [column for column in free.values() if column.unique and guesses.looks_like_key(column.header)]
    if codes:
        proposal.columns[codes[0].header] = "id"
        proposal.matched["id"] = codes[0].header
        proposal.why[codes[0].header] = ("Unik på varje rad, och ser ut som en kod.",
                                         "Unique on every row, and looks like a code.")  # fmt: skip
        del free[codes[0].header]
        return
    name = proposal.matched.get("name")
    first = [column for column in columns if column.header == name]
    chosen = first if first and len(set(first[0].values)) == len(first[0].values) else guesses.keys(columns)
    chosen = chosen or [*first, *(column for column in columns if column.header == proposal.matched.get("street"))]
    if chosen:
        proposal.constants["id"] = ", ".join("{" + column.header + "}" for column in chosen)
        proposal.why["id"] = (
            "Filen har ingen egen identitet; den görs av kolumner som skiljer raderna åt. Ge hellre varje rad en egen.",
            "The file has no identifier; it is made of columns that tell the rows apart. Better give each row its own.",
        )


def _hint(name: str, document: dict[str, Any], path: Path) -> float:
    """Return how much of the file's name speaks for a specification: the length of the word they share."""
    own = "".join(plain_words(slug_of(path)))
    spoken = [*plain_words(slug_of(path)), own]
    kind = str(document.get(ontology.CSVW_EXTENSION + "kind", ""))
    best = 0
    for word in (fold(name), fold(kind)):
        if len(word) > 4 and word in own:
            best = max(best, len(word))
        elif any(_alike(word, each) for each in spoken):
            best = max(best, len(word) // 2)
    return best


def _alike(word: str, other: str) -> bool:
    return len(other) > 4 and difflib.SequenceMatcher(None, word, other).ratio() >= NAME_ALIKE


def _statistics(path: Path, columns: Sequence[Column], concepts: ConceptIndex) -> Proposal | None:
    """Propose [wide] for figures by municipality: a column for each year, or for each indicator beside a year."""
    areas = [column for column in columns if column.values and _are_places(column, concepts)]
    if not areas:
        return None
    area, proposal = areas[0], Proposal(_STATISTICS)
    years = [column.header for column in columns if guesses.is_year_header(column.header)]
    year = next((column for column in columns if guesses.datatype(column) == "gYear"), None)
    rows = list(zip(area.values, year.values, strict=False)) if year else list(area.values)
    if len(years) >= 2 and len(set(area.values)) == len(area.values):
        pattern = "20??" if all(header.startswith("20") for header in years) else "[12]???"
        proposal.wide[pattern] = {"period": "{header}"}
        proposal.constants["indicator"] = slug_of(path)
        proposal.notes.append(("En kolumn för varje år blir en rad för varje tal ([wide]).",
                               "A column for each year becomes a row for each figure ([wide])."))  # fmt: skip
    elif year and year.filled == 1 and area.filled == 1 and len(set(rows)) == len(rows):
        others = [column for column in columns if column not in (area, year) and column.values]
        measured = [column for column in others if guesses.datatype(column) in ("integer", "decimal")]
        if len(measured) < 2:
            return None
        proposal.wide = {c.header: {"indicator": c.header, "indicator_name": c.header} for c in measured}
        proposal.columns[year.header] = "period"
        proposal.notes.append(("En kolumn för varje nyckeltal blir en rad för varje tal ([wide]).",
                               "A column for each indicator becomes a row for each figure ([wide])."))  # fmt: skip
    else:
        return None
    proposal.columns[area.header] = "municipality"
    proposal.why[area.header] = ("Värdena är kommuner.", "The values are municipalities.")
    return proposal


def _are_places(column: Column, concepts: ConceptIndex) -> bool:
    return len(set(column.values)) > 2 and guesses.scheme_of(column, concepts) == "place"
