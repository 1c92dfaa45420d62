"""What a row says, before it is code: subjects, ends of lines, and the pieces that IRIs are made of."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from loaders.csvw.model import Column
from loaders.csvw.numbers import GROUP_SPACES, MOST_DIGITS, NumberFormat
from loaders.csvw.problems import CellProblem, CsvwError
from loaders.csvw.scope import CellVariables
from loaders.csvw.terms import escape, is_iri, writable

Condition = tuple[str, bool]


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of an IRI that one column's cell gives; `column` is None for the row numbers, named in `text`.

    `plain` tells the cells that stand in the IRI as they are.
    """

    column: str | None
    text: str
    expand: Callable[[CellVariables], str | None]
    plain: Callable[[str], object] | None = None


@dataclass(frozen=True, slots=True)
class Iri:
    """An IRI that a template makes: constant, or pieces to be put together, or never any."""

    columns: tuple[str, ...]
    constant: str | None = None
    pieces: tuple[str | Piece, ...] | None = None
    never: bool = False
    check: Callable[[str], str] | None = None


@dataclass(frozen=True, slots=True)
class Inline:
    """How the triple of a plain cell is written without a memo: what stands before and after the cell's text.

    For columns whose texts seldom repeat: a memo would miss. `number` tells texts that are numbers but for the
    characters that `replace` changes; without it any text is meant that needs no escape.
    """

    start: str
    end: str
    number: Callable[[str], object] | None = None
    replace: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class Emission:
    """One column's triples: the ends of lines that follow the subject."""

    constant: tuple[str, ...] | None = None
    column: str | None = None
    tail: Callable[[CellVariables], Any] | None = None
    many: bool = False
    sure: bool = False
    inline: Inline | None = None
    iri: Iri | None = None
    start: str = ""
    end: str = "> .\n"
    when: tuple[Condition, ...] = ()


@dataclass(slots=True)
class Subject:
    """One subject of the row and what is said of it; without an IRI a blank node of the row."""

    iri: Iri | None
    local: str
    term: str
    emissions: list[Emission] = field(default_factory=list)


def cell_text(name: str) -> Callable[[CellVariables], str | None]:
    """Return what gives a variable's text, escaped for a literal."""

    def text(cell: CellVariables) -> str | None:
        value = cell.variables.get(name)
        if isinstance(value, str) and not writable(value):
            raise CellProblem("values.control-character", "control character")
        return escape(value) if isinstance(value, str) else None

    return text


def joined(pieces: Sequence[str | Piece]) -> list[str | Piece]:
    """Return the pieces with neighbouring texts put together."""
    joined: list[str | Piece] = []
    for piece in pieces:
        if isinstance(piece, str) and joined and isinstance(joined[-1], str):
            joined[-1] += piece
        else:
            joined.append(piece)
    return joined


def assemble(iri: Iri, cell: CellVariables) -> str | None:
    """Return the IRI that one cell makes, or None when a variable is null; raises CellProblem on an illegal one."""
    parts = []
    for piece in iri.pieces or ():
        text = piece if isinstance(piece, str) else piece.expand(cell)
        if text is None:
            return None
        parts.append(text)
    if not parts:
        return None
    made = "".join(parts)
    return iri.check(made) if iri.check else made


def constant_iri(iri: str) -> str:
    """Return an IRI that every row has; raise CsvwError when it is none."""
    if not is_iri(iri):
        raise CsvwError("a template makes no IRI")
    return iri


def valid_iri(iri: str) -> str:
    """Return an IRI that a row makes; raise CellProblem when it is none."""
    if not is_iri(iri):
        raise CellProblem("values.iri", "no address")
    return iri


def inline(column: Column, start: str) -> Inline | None:
    """Return how plain cells of the column are written without a memo, or None when they need more."""
    datatype = column.datatype
    narrowed = (datatype.length, datatype.minLength, datatype.maxLength, *datatype.bounds)
    if column.default or "derive" in column.annotations or any(limit is not None for limit in narrowed):
        return None
    before, _, after = (start + object_end(column, "@")).rpartition('"')
    before = before.removesuffix("@")
    if datatype.base == "string" and datatype.format is None:
        return Inline(before, '"' + after)
    form = datatype.format if datatype.format is not None else NumberFormat()
    masked = "maskedWhen" in column.annotations
    if datatype.base != "decimal" or masked or not isinstance(form, NumberFormat) or form.pattern:
        return None
    spaces = GROUP_SPACES if form.group_char in GROUP_SPACES else form.group_char or ""
    group = f"|[0-9]{{1,3}}(?:[{re.escape(''.join(spaces))}][0-9]{{3}}){{1,5}}" if spaces else ""
    point = re.escape(form.decimal_char)
    # A number of more digits is read as others are, and told.
    number = re.compile(f"-?(?:[0-9]{{1,{MOST_DIGITS}}}{group})(?:{point}[0-9]+)?").fullmatch
    if any(number(token) for token in column.null):
        return None
    changed = [(space, "") for space in spaces]
    if form.decimal_char != ".":
        changed.append((form.decimal_char, "."))
    return Inline(before, '"' + after, number, tuple(changed))


def object_end(column: Column, text: str) -> str:
    """Return object and end of line for a value of the column."""
    if not writable(text):
        raise CellProblem("values.control-character", "control character")
    datatype = column.datatype
    if datatype.base == "string" and not datatype.id:
        tag = f"@{column.lang}" if column.lang != "und" else ""
        return f'"{escape(text)}"{tag} .\n'
    return f'"{escape(text)}"^^<{datatype.iri}> .\n'
