"""Plans a row: which subjects it has, which triples, and which cells each of them needs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from loaders.csvw.cells import CellReader
from loaders.csvw.context import resolve_template
from loaders.csvw.emission import (
    Condition,
    Emission,
    Iri,
    Piece,
    Subject,
    assemble,
    cell_text,
    constant_iri,
    inline,
    joined,
    object_end,
    valid_iri,
)
from loaders.csvw.model import Column, Table
from loaders.csvw.problems import CellProblem, CsvwError
from loaders.csvw.scope import CellVariables, Scope
from loaders.csvw.templates import Expression, Value, Variable, encode_simple, parse_template
from loaders.csvw.terms import escape, is_iri

_ROWS = ("_row", "_sourceRow")
_VARIABLES = re.compile(r"\{([^{}]*)\}")
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+").fullmatch


class Plan:
    """The subjects and emissions of a table's rows; the first subject is the row's own."""

    def __init__(self, table: Table, scope: Scope, base: str, file_url: str) -> None:
        self.scope = scope
        self.base = base
        self.file_url = file_url
        self.table = table
        columns = table.schema.columns
        self.masks = self._masks()
        self._subjects: dict[str, Subject] = {}
        about = table.schema.aboutUrl or self._commonest(columns)
        self._subject(about)
        for column in columns:
            self._plan_column(column)
        self.subjects = [s for i, s in enumerate(self._subjects.values()) if i == 0 or s.emissions]
        touched = self._touched()
        self.checked_columns = [n for n, c in scope.columns.items() if n not in touched and self._may_fail(c)]
        self.used_columns = [name for name in scope.columns if name in touched or name in self.checked_columns]
        names = parse_template(about).names
        owners = [(name, scope.owner(name)) for name in names if name not in (*_ROWS, "_name")]
        self._keys = [(name, owner) for name, owner in owners if owner is not None]
        self.key_columns = tuple(dict.fromkeys(owner for _, owner in self._keys))
        self.absent_keys = [name for name, owner in owners if owner is None and scope.constant(name) is None]

    def key_variables(self, column: str) -> list[str]:
        """Return the variables of the row's subject that the column gives."""
        return [name for name, owner in self._keys if owner == column]

    def is_fatal(self, name: str) -> bool:
        """Tell whether a row cannot be mapped when this column's cell is bad."""
        schema = self.table.schema
        return self.scope.columns[name].required or name in schema.primaryKey or name in self.key_columns

    def _commonest(self, columns: Sequence[Column]) -> str:
        found = Counter(column.aboutUrl for column in columns if column.aboutUrl)
        if not found and self.scope.conversion:
            return ""
        if not found:
            raise CsvwError("publication needs an aboutUrl: without one the rows have no address")
        return found.most_common(1)[0][0]

    def _silent(self, column: Column) -> bool:
        return column.suppress or (column.annotations.get("privacy") == "drop" and not self.scope.conversion)

    def _may_fail(self, column: Column) -> bool:
        """Tell whether a column that gives no triple must be read for its errors."""
        plain = inline(column, "")
        return column.required or (not self._silent(column) and (plain is None or plain.number is not None))

    def _masks(self) -> list[tuple[Column, str]]:
        """Return the columns that a variable masks, so ordered that a mask is read before what it masks."""
        masked = {
            column.name: (column, str(column.annotations["maskedWhen"]))
            for column in self.scope.columns.values()
            if "maskedWhen" in column.annotations and not self.scope.conversion
        }
        ordered: list[tuple[Column, str]] = []
        done: set[str] = set()
        while masked:
            ready = [name for name, (_, variable) in masked.items() if self.scope.owner(variable) not in masked]
            if not ready:
                raise CsvwError("columns mask each other in a circle")
            for name in ready:
                ordered.append(masked.pop(name))
                done.add(name)
        return ordered

    def _touched(self) -> set[str]:
        masking = {self.scope.owner(variable) for column, variable in self.masks}
        read = {name for subject in self.subjects for name in self.columns_of(subject)}
        return read | {name for name in masking if name is not None}

    def columns_of(self, subject: Subject) -> list[str]:
        """Return the columns that the subject and all that is said of it come from, in order."""
        read: set[str | None] = set(subject.iri.columns if subject.iri else ())
        for emission in subject.emissions:
            read.add(emission.column)
            read.update(emission.iri.columns if emission.iri is not None else ())
            read.update(self.scope.owner(variable) for variable, _ in emission.when)
        return [name for name in self.scope.columns if name in read]

    def varies_by_row(self, subject: Subject) -> bool:
        """Tell whether a row number takes part in the subject or in what is said of it."""
        iris = [subject.iri, *(emission.iri for emission in subject.emissions)]
        pieces = [piece for iri in iris if iri is not None for piece in iri.pieces or ()]
        return subject.iri is None or any(isinstance(piece, Piece) and piece.column is None for piece in pieces)

    def _subject(self, template: str) -> Subject:
        if template not in self._subjects:
            number = len(self._subjects)
            iri = self.iri(template, {}) if template else None
            self._subjects[template] = Subject(iri, f"s{number}", f"n{number}")
        return self._subjects[template]

    def _plan_column(self, column: Column) -> None:
        if self._silent(column) or (not column.virtual and column.name not in self.scope.columns):
            return
        condition = True if self.scope.conversion else self._condition(column)
        if condition is False:
            return
        if column.aboutUrl is None and not self.scope.conversion:
            raise CsvwError(f"column {column.name} has no aboutUrl: publication makes no blank nodes")
        if column.aboutUrl == "":
            raise CsvwError(f"column {column.name} has an empty aboutUrl: every row would be the table")
        if "" in (column.propertyUrl, column.valueUrl) and not self.scope.conversion:
            raise CsvwError(f"column {column.name} has an empty propertyUrl or valueUrl, which is the table's address")
        emission = self._emission(column)
        if emission is None:
            return
        if isinstance(condition, tuple):
            emission = self._with_condition(emission, condition)
        template = column.aboutUrl or ""
        for name, value in self._names(column).items():
            template = template.replace("{" + name + "}", encode_simple(value))
        self._subject(template).emissions.append(emission)

    def _names(self, column: Column) -> dict[str, str]:
        """Return the variables of Metadata Vocabulary 5.1.3 that the column fixes."""
        names = {"_name": unquote(column.name), "_column": str(column.number)}
        if not column.virtual:
            skipped = self.table.dialect.skipColumns if self.table.dialect else 0
            names["_sourceColumn"] = str(column.number + skipped)
        return names

    def _condition(self, column: Column) -> Condition | bool:
        """Return the condition of a column's triples, True for always, False for never."""
        given = [key for key in ("when", "unless") if key in column.annotations]
        conditions = [(str(column.annotations[key]), key == "when") for key in given]
        if len(conditions) > 1:
            raise CsvwError(f"column {column.name} has both when and unless")
        if not conditions:
            return True
        variable, wanted = conditions[0]
        if self.scope.owner(variable) is None:
            return (self.scope.constant(variable) is not None) == wanted
        return conditions[0]

    def _with_condition(self, emission: Emission, condition: Condition) -> Emission:
        """Fold the condition into the memo when it depends on the same cell, else leave it to the row."""
        variable, wanted = condition
        if emission.column is None or emission.column != self.scope.owner(variable):
            return replace(emission, when=(*emission.when, condition), sure=False)
        tail, nothing = emission.tail, () if emission.many else ""

        def conditional(cell: CellVariables) -> Any:
            assert tail is not None
            return tail(cell) if (cell.variables.get(variable) not in (None, ())) == wanted else nothing

        return replace(emission, tail=conditional, sure=False, inline=None)

    def _emission(self, column: Column) -> Emission | None:
        names = self._names(column)
        if column.propertyUrl is None:
            predicate = Iri((), constant=self.file_url.partition("#")[0] + "#" + column.name)
        else:
            predicate = self.iri(column.propertyUrl, names)
        if predicate.constant is None:
            raise CsvwError(f"the propertyUrl of column {column.name} varies by row, which publication does not do")
        start = f" <{predicate.constant}> "
        if column.valueUrl is not None:
            iri = self.iri(column.valueUrl, names)
            return None if iri.never else self._link(column, start, iri)
        if column.virtual and "value" in column.annotations and not self.scope.conversion:
            return self._made(column, start, str(column.annotations["value"]))
        if column.virtual:
            return self._default(column, start)
        return self._literal(column, start)

    def _default(self, column: Column, start: str) -> Emission | None:
        """Return the emission of a virtual column's default, read as a cell's text is."""
        cell = CellReader(column, lenient=not self.scope.conversion).read("")
        if cell.problems:
            raise CsvwError(f"the default of column {column.name} does not fit its datatype")
        if column.ordered and column.separator is not None:
            raise CsvwError(f"column {column.name} is ordered: publication makes no RDF lists")
        values = [cell.value] if isinstance(cell.value, str) else cell.value or ()
        return Emission(constant=tuple(start + object_end(column, text) for text in values)) if values else None

    def _made(self, column: Column, start: str, text: str) -> Emission | None:
        """Return the emission of a literal that a template makes of several cells; none when one of them is null.

        Only plain variables may stand in the template, and they are not encoded: it makes text, not an IRI.
        """
        pieces: list[str | Piece] = []
        # A URI template would percent-encode the text between its variables too (RFC 6570 3.1).
        for place, name in enumerate(_VARIABLES.split(text)):
            if place % 2 == 0:
                pieces.append(escape(name))
                continue
            if not _PLAIN_KEY(name):
                raise CsvwError(f"the value of column {column.name} may hold plain variables only")
            owner, constant = self.scope.owner(name), self.scope.constant(name)
            if owner is not None:
                pieces.append(Piece(owner, name, cell_text(name)))
            elif isinstance(constant, str):
                pieces.append(escape(constant))
            else:
                return None
        before, _, after = (start + object_end(column, "@")).rpartition('"')
        columns = tuple(dict.fromkeys(piece.column for piece in pieces if isinstance(piece, Piece) and piece.column))
        iri = Iri(columns, pieces=tuple(joined(pieces)))
        return Emission(iri=iri, start=before.removesuffix("@"), end=f'"{after}')

    def _literal(self, column: Column, start: str) -> Emission:
        if column.separator is not None:
            if column.ordered:
                raise CsvwError(f"column {column.name} is ordered: publication makes no RDF lists")

            def tails(cell: CellVariables) -> tuple[str, ...]:
                return tuple(start + object_end(column, text) for text in cell.cell.value or ())

            return Emission(column=column.name, tail=tails, many=True)

        def tail(cell: CellVariables) -> str:
            value = cell.cell.value
            return start + object_end(column, value) if isinstance(value, str) else ""

        return Emission(column=column.name, tail=tail, sure=self._is_sure(column), inline=inline(column, start))

    def _is_sure(self, column: Column) -> bool:
        return column.required and "maskedWhen" not in column.annotations

    def _link(self, column: Column, start: str, iri: Iri) -> Emission:
        """Return the emission of a column whose value is an IRI; a null cell gives none (Metadata Vocabulary 5.7)."""
        own = not column.virtual
        if iri.constant is not None:
            tail = f"{start}<{iri.constant}> .\n"
            if not own:
                return Emission(constant=(tail,))
            return Emission(column=column.name, tail=lambda cell: "" if self._is_null(cell) else tail)
        columns = set(iri.columns) | ({column.name} if own else set())
        rows = any(isinstance(piece, Piece) and piece.column is None for piece in iri.pieces or ())
        if len(columns) == 1 and not rows:
            return self._memoised_link(column if own else None, columns.pop(), start, iri)
        when = ((column.name, True),) if own and column.name not in iri.columns else ()
        if when and self.scope.conversion and column.separator is not None:
            raise CsvwError("an empty list, which is not null, has an address of other columns")
        return Emission(iri=iri, start=start + "<", when=when)

    def _is_null(self, cell: CellVariables) -> bool:
        """Tell whether a cell gives no address: for CSVW an empty list does (Metadata Vocabulary 5.1.3)."""
        return cell.cell.value is None or (cell.cell.value == () and not self.scope.conversion)

    def _memoised_link(self, own: Column | None, name: str, start: str, iri: Iri) -> Emission:
        def tail(cell: CellVariables) -> str:
            if own is not None and self._is_null(cell):
                return ""
            made = assemble(iri, cell)
            return f"{start}<{made}> .\n" if made is not None else ""

        simple = own is not None and self._is_sure(own) and iri.pieces is not None
        names = {piece.text for piece in iri.pieces or () if isinstance(piece, Piece)}
        return Emission(column=name, tail=tail, sure=simple and own is not None and names <= {own.name})

    def iri(self, text: str, names: Mapping[str, str]) -> Iri:
        """Return what a template makes; expressions of constants are expanded now."""
        template = parse_template(text)
        pieces: list[str | Piece] = []
        columns: list[str] = []
        check = False
        for part in template.parts:
            if isinstance(part, str):
                pieces.append(part)
                continue
            piece, owners = self._piece(part, names)
            columns += owners
            if piece is None:
                return Iri(tuple(columns), never=True)
            pieces.append(piece)
            check = check or part.operator in ("+", "#")
        pieces = joined(pieces)
        if all(isinstance(piece, str) for piece in pieces):
            return Iri((), constant=constant_iri(self._resolve("".join(str(piece) for piece in pieces))))
        first = pieces[0]
        absolute = isinstance(first, str) and is_iri(self._resolve(first) + "x")
        if not absolute:
            first_part = template.parts[0]
            whole_address = isinstance(first_part, Expression) and first_part.operator == "+"
            whole_address = whole_address and not self.scope.conversion
            return self._whole(tuple(pieces), columns, whole_address)
        pieces[0] = self._resolve(str(first))
        constant_iri("".join(piece if isinstance(piece, str) else "x" for piece in pieces))
        return Iri(tuple(dict.fromkeys(columns)), pieces=tuple(pieces), check=valid_iri if check else None)

    def _whole(self, pieces: tuple[str | Piece, ...], columns: list[str], address: bool) -> Iri:
        """Return an IRI whose beginning varies, so that it is resolved anew in every row.

        A cell that gives the whole `address` must hold an absolute one: resolved against our base, `www.orebro.se`
        would become an address of ours.
        """
        if any(isinstance(piece, Piece) and piece.column is None for piece in pieces):
            raise CsvwError("a template that names the row must begin with a fixed address")

        def check(text: str) -> str:
            return valid_iri(text if address else self._resolve(text))

        return Iri(tuple(dict.fromkeys(columns)), pieces=pieces, check=check)

    def _resolve(self, reference: str) -> str:
        return resolve_template(reference, self.base)

    def _piece(self, part: Expression, names: Mapping[str, str]) -> tuple[str | Piece | None, list[str]]:
        """Return what an expression gives: fixed text, a piece of one cell, or None when it can never give any."""
        variables = [variable.name for variable in part.variables]
        if len(variables) == 1 and variables[0] in _ROWS and not part.operator:
            return Piece(None, variables[0], lambda cell: None), []
        fixed: dict[str, Value] = dict(names)
        owners: list[str] = []
        for name in variables:
            if name in names:
                continue
            owner = self.scope.owner(name)
            if owner is None:
                fixed[name] = self.scope.constant(name)
                if fixed[name] is None:
                    return None, []
            else:
                owners.append(owner)
        encode = self.scope.expand
        if not owners:
            return part.expand(fixed, encode), []
        if len(set(owners)) > 1:
            raise CsvwError("an expression of a template names several columns; write one expression for each")
        given = [name for name in variables if name not in fixed]
        simple = part.operator not in ("+", "#")
        conversion = self.scope.conversion
        # Whoever encodes keys keeps letters and digits; whether hyphens and underscores too is tried once.
        plain_keys = encode("Aa0-_") == "Aa0-_"
        lone = part.operator == "" and len(variables) == 1 and part.variables[0] == Variable(variables[0])

        def expand(cell: CellVariables) -> str | None:
            if lone:
                value = cell.variables.get(variables[0])
                if isinstance(value, str) and _PLAIN_KEY(value):
                    return value if plain_keys else encode(value)
            if any(cell.variables.get(name) in (None, ()) for name in given):
                if conversion:
                    raise CellProblem("values.key", "empty")
                return None
            text = part.expand({**cell.variables, **fixed}, encode)
            if conversion:
                # Dot segments are taken away when the whole is resolved, which the row writer does.
                if "/." in text or not text.strip("."):
                    raise CellProblem("values.iri", "dots")
                return text
            if simple and not text:
                return None
            # A segment of dots would be taken away when the IRI is resolved: another thing's address.
            if simple and text in (".", ".."):
                raise CellProblem("values.iri", "dots")
            return text

        column = self.scope.columns[owners[0]]
        as_it_is = lone and plain_keys and variables[0] == column.name and inline(column, "") is not None
        plain = _PLAIN_KEY if as_it_is and column.datatype.base == "string" else None
        return Piece(owners[0], variables[0], expand, plain), owners
