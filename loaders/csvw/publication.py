"""Publication mode: compiles a table description once into a fast function from rows to N-Triples lines.

The function is Python source generated from the description and run by `exec`: constants are folded in, each column's
text maps through a memo to a finished line end, and the subject is built once a row. (Measured on a ledger of a
million rows: an interpreted mapping costs 1.26 times as much.) A row with a bad cell takes a slower path, that collects
the errors and maps what is left.

Minimal mode of csv2rdf, with our rule that a property whose templates name a null variable gives no triple.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from loaders.csvw.emission import Emission, Iri, Piece, Subject
from loaders.csvw.model import Column, Table, real_columns
from loaders.csvw.plan import Plan
from loaders.csvw.problems import CellError, CellProblem, CsvwError
from loaders.csvw.scope import CellVariables, Derivation, DerivationFactory, Key, Scope, Seen
from loaders.csvw.templates import encode_simple

_NO_SUBJECT = "return without_subject"
# Printable text holds no control character and no surrogate; with neither quote nor backslash it stands in a literal
# as it is. One look at the whole row is cheaper than one at each cell.
_PLAIN_TEST = """\
        text = ''.join(cells)
        if (
            '"' not in text and '\\\\' not in text
            and (text.isprintable() or text.replace('\\xa0', '').isprintable())
        ):
"""

Row = tuple[str, list[str], Sequence[CellError]]


TextFunction = Callable[[Sequence[str], int, int], str]


class RowFunction(Protocol):
    """Maps one row to (subject IRI, N-Triples lines, errors); no lines when an error is fatal."""

    def __call__(self, cells: Sequence[str], row: int, source_row: int) -> Row: ...


def compile_table(
    table: Table,
    positions: Mapping[str, int],
    *,
    base: str,
    file_url: str = "",
    constants: Mapping[str, str] | None = None,
    derivations: Mapping[str, DerivationFactory] | None = None,
    expand: Callable[[str], str] = encode_simple,
    once: bool = False,
) -> RowFunction:
    """Return the row function of the table; raise CsvwError when the description cannot be followed.

    `positions` gives the index in a row of each column that the file has; a column not in it is null in every row.
    `constants` are template variables too; `derivations` make functions for the `derive` annotation; `expand` encodes
    values of simple expansions in templates. Relative templates resolve against `base`, and a column without a
    propertyUrl gets `file_url#name`. With `once`, what rows say of subjects other than their own (the account of a
    posting, say) is left out where the same cells said it before: for callers that put all rows in one graph.
    """
    scope = Scope(table, positions, constants or {}, derivations or {}, expand)
    plan = Plan(table, scope, base, file_url or table.url or base)
    return _Compiler(plan, scope, once=once).function()


def compile_text(table: Table, fallback: Callable[[Sequence[str], int, int], str], label: str) -> TextFunction:
    """Return a function from a row to its N-Triples text, by the rules of csv2rdf's minimal mode.

    Rows that are not plain go to `fallback`, which knows every rule; `label` begins the labels of the rows' blank
    nodes. Raises CsvwError when the table has what only the fallback can do.
    """
    columns = real_columns(table.schema.columns)
    positions = {column.name: place for place, column in enumerate(columns)}
    if len(positions) < len(columns):
        raise CsvwError("two columns have the same name")
    scope = Scope(table, positions, {}, {}, encode_simple, conversion=True)
    plan = Plan(table, scope, table.url, table.url)
    return _Compiler(plan, scope, fallback, label, len(positions)).text_function()


class _Compiler:
    """Writes the row function's source; every value in it is a constant or a name bound in `names`."""

    def __init__(
        self,
        plan: Plan,
        scope: Scope,
        fallback: Callable[[Sequence[str], int, int], str] | None = None,
        label: str = "",
        width: int = 0,
        once: bool = False,
    ) -> None:
        self.once = once
        self.fallback = fallback
        self.label = label
        self.width = width
        self.plan = plan
        self.scope = scope
        self.names: dict[str, Any] = {"CellProblem": CellProblem}
        self.plain = False
        self._memos: dict[tuple[object, ...], str] = {}

    def function(self) -> RowFunction:
        """Return the compiled function."""
        body = self._body(plain=False)
        fast = self._body(plain=True)
        self.names["slow"] = self._slow
        source = (
            "def core(cells, row, source_row):\n"
            + _indent(body, 1).replace(_NO_SUBJECT, "return '', [], ()")
            + "def row_function(cells, row, source_row):\n"
            + "    try:\n"
            + _PLAIN_TEST
            + _indent(fast, 3).replace(_NO_SUBJECT, "return slow(cells, row, source_row)")
            + _indent(body, 2).replace(_NO_SUBJECT, "return slow(cells, row, source_row)")
            + "    except (CellProblem, IndexError):\n"
            + "        return slow(cells, row, source_row)\n"
        )
        exec(compile(source, "<row function>", "exec"), self.names)
        self.core: Callable[[Sequence[Any], int, int], Row] = self.names["core"]
        function: RowFunction = self.names["row_function"]
        return function

    def text_function(self) -> TextFunction:
        """Return the compiled function of a conversion: one text per row, everything odd by the fallback."""
        body, fast = self._body(plain=False), self._body(plain=True)
        self.names["slow"] = self.fallback
        self.names["join"] = "".join
        source = (
            "def text_function(cells, row, source_row):\n"
            + f"    if len(cells) != {self.width}:\n        return slow(cells, row, source_row)\n"
            + "    try:\n"
            + _PLAIN_TEST
            + _indent(fast, 3)
            + _indent(body, 2)
            + "    except CellProblem:\n"
            + "        return slow(cells, row, source_row)\n"
        )
        source = source.replace(_NO_SUBJECT, "return slow(cells, row, source_row)")
        exec(compile(source, "<text function>", "exec"), self.names)
        function: TextFunction = self.names["text_function"]
        return function

    def _bind(self, prefix: str, value: Any) -> str:
        name = f"{prefix}{len(self.names)}"
        self.names[name] = value
        return name

    def _memo(
        self,
        key: tuple[object, ...],
        column: str,
        compute: Callable[[CellVariables], Any],
        nothing: object,
        fatal: bool = False,
    ) -> str:
        """Return the name of a memo over a column's texts; both variants of the function share it."""
        if key not in self._memos:
            self._memos[key] = self._bind(str(key[0]), self.scope.memo(column, compute, nothing, fatal))
        return self._memos[key]

    def _body(self, plain: bool) -> list[str]:
        """Return the statements of a row; `plain` when no cell needs escaping."""
        self.plain = plain
        lines = [f"{self.scope.local(name)} = cells[{self.scope.positions[name]}]" for name in self.plan.used_columns]
        for column, variable in self.plan.masks:
            lines += self._mask(column, variable)
        for name in self.plan.checked_columns:
            memo = self._memo(("R", name), name, lambda cell: None, None)
            lines.append(f"{memo}[{self.scope.local(name)}]")
        main, *others = self.plan.subjects
        lines += self._subject(main)
        lines.append(f"if {main.local} is None:")
        lines.append("    " + _NO_SUBJECT)
        lines += self._lines(main, first=True)
        for subject in others:
            lines += self._other(subject)
        lines.append("return join(lines)" if self.fallback else f"return {main.local}, lines, ()")
        return lines

    def _other(self, subject: Subject) -> list[str]:
        """Return the statements for a subject that is not the row's own."""
        lines = self._subject(subject)
        if self.fallback:
            lines += [f"if {subject.local} is None:", "    return slow(cells, row, source_row)"]
            return lines + self._lines(subject, first=False)
        lines.append(f"if {subject.local} is not None:")
        lines += ["    " + line for line in self._lines(subject, first=False)]
        columns = self.plan.columns_of(subject)
        if not (self.once and self.plain) or self.plan.varies_by_row(subject):
            return lines
        seen = self._bind("S", Seen())
        key = "(" + "".join(f"{self.scope.local(name)}, " for name in columns) + ")"
        block = [f"if (key := {key}) not in {seen}:", *("    " + line for line in lines)]
        return [*block, f"    {seen}.remember(key)"]

    def _mask(self, column: Column, variable: str) -> list[str]:
        test = self._condition(variable)
        return [f"if {test}:", f"    {self.scope.local(column.name)} = None"] if test != "False" else []

    def _condition(self, variable: str) -> str:
        """Return the expression that is true when the variable is not null."""
        owner = self.scope.owner(variable)
        if owner is None:
            return str(self.scope.constant(variable) is not None)
        memo = self._memo(("V", variable), owner, lambda cell: cell.variables.get(variable) not in (None, ()), False)
        return f"{memo}[{self.scope.local(owner)}]"

    def _subject(self, subject: Subject) -> list[str]:
        if subject.iri is None:
            return [f"{subject.term} = {subject.local} = f'_:{self.label}r{{row}}'"]
        return [*self._iri(subject.local, subject.iri), f"{subject.term} = f'<{{{subject.local}}}>'"]

    def _iri(self, local: str, iri: Iri) -> list[str]:
        """Return statements that set the local to the IRI of a resolved template, or None."""
        if iri.constant is not None:
            return [f"{local} = {iri.constant!r}"]
        if iri.never:
            return [f"{local} = None"]
        parts, lines, locals_ = [], [], []
        for number, piece in enumerate(iri.pieces or ()):
            if isinstance(piece, str):
                parts.append(_fstring(piece))
            elif piece.column is None:
                parts.append("{" + ("row" if piece.text == "_row" else "source_row") + "}")
            else:
                key = ("P", id(piece), local == "s0")
                memo = self._memo(key, piece.column, piece.expand, None, fatal=local == "s0")
                name = f"{local}_{number}"
                lines.append(f"{name} = {self._piece(piece, memo)}")
                locals_.append(name)
                parts.append("{" + name + "}")
        whole = "f'" + "".join(parts) + "'"
        if iri.check:
            whole = f"{self._bind('C', iri.check)}({whole})"
        missing = " or ".join(f"{name} is None" for name in locals_)
        lines.append(f"{local} = None if {missing} else {whole}" if missing else f"{local} = {whole}")
        return lines

    def _piece(self, piece: Piece, memo: str) -> str:
        """Return the expression of a piece; a plain key is its own encoding, which saves a unique one its memo."""
        local = self.scope.local(piece.column or "")
        if not (self.plain and piece.plain):
            return f"{memo}[{local}]"
        column = self.scope.columns[piece.column or ""]
        tests = [f"({local}.isalnum() and {local}.isascii() or {self._bind('K', piece.plain)}({local}))"]
        if "maskedWhen" in column.annotations:
            tests.insert(0, f"{local} is not None")
        nulls = frozenset(token for token in column.null if piece.plain(token))
        if nulls:
            tests.append(f"{local} not in {self._bind('N', nulls)}")
        return f"{local} if {' and '.join(tests)} else {memo}[{local}]"

    def _lines(self, subject: Subject, first: bool) -> list[str]:
        """Return statements that put the subject's triples in `lines`."""
        sure, maybe = [], []
        for emission in subject.emissions:
            if emission.constant is not None and not emission.when:
                sure += [f"{subject.term} + {tail!r}" for tail in emission.constant]
            elif emission.sure:
                sure.append(self._sure(subject.term, emission))
            else:
                maybe += self._maybe(subject, emission)
        head = [f"lines = [{', '.join(sure)}]"] if first else [f"lines.append({line})" for line in sure]
        return [*self._guards(subject), *head, *maybe] or ["pass"]

    def _guards(self, subject: Subject) -> list[str]:
        """Return statements that send a row with an empty required cell the slow way, where no memo would."""
        if not self.plain:
            return []
        texts = [e for e in subject.emissions if e.sure and e.inline and not e.when and e.inline.number is None]
        return [
            line
            for emission in texts
            for line in (f"if not ({self._filled(emission.column or '')}):", "    return slow(cells, row, source_row)")
        ]

    def _filled(self, name: str) -> str:
        """Return the expression that is true when a plain text is not null."""
        local = self.scope.local(name)
        column = self.scope.columns[name]
        tokens = frozenset(column.null)
        if tokens == {""}:
            return local
        masked = "maskedWhen" in column.annotations and not self.fallback
        return f"{f'{local} is not None and ' if masked else ''}{local} not in {self._bind('N', tokens)}"

    def _written(self, term: str, emission: Emission) -> str:
        """Return the f-string of a plain cell's line."""
        assert emission.inline is not None and emission.column is not None
        value = self.scope.local(emission.column)
        for old, new in emission.inline.replace:
            value += f".replace({self._bind('O', old)}, {self._bind('W', new)})"
        return f"f'{{{term}}}{_fstring(emission.inline.start)}{{{value}}}{_fstring(emission.inline.end)}'"

    def _sure(self, term: str, emission: Emission) -> str:
        """Return the expression of a line that every row has."""
        if not (self.plain and emission.inline):
            return f"{term} + {self._tail(emission)}"
        if emission.inline.number is None:
            return self._written(term, emission)
        test = f"{self._bind('M', emission.inline.number)}({self.scope.local(emission.column or '')})"
        return f"{self._written(term, emission)} if {test} else {term} + {self._tail(emission)}"

    def _tail(self, emission: Emission) -> str:
        assert emission.column is not None and emission.tail is not None
        memo = self._memo(("T", id(emission)), emission.column, emission.tail, () if emission.many else "")
        return f"{memo}[{self.scope.local(emission.column)}]"

    def _maybe(self, subject: Subject, emission: Emission) -> list[str]:
        term = subject.term
        if emission.constant is not None:
            lines = [f"lines.append({term} + {tail!r})" for tail in emission.constant]
        elif emission.column is not None:
            expression = self._tail(emission)
            if self.plain and emission.inline:
                lines = self._inlined(term, emission)
            elif emission.many:
                lines = [f"for tail in {expression}:", f"    lines.append({term} + tail)"]
            else:
                lines = [f"if tail := {expression}:", f"    lines.append({term} + tail)"]
        else:
            assert emission.iri is not None
            lines = self._iri("iri", emission.iri)
            start, end = f"{term} + {emission.start!r} + iri", repr(emission.end)
            lines += ["if iri is not None:", f"    lines.append({start} + {end})"]
        for variable, wanted in emission.when:
            test = self._condition(variable)
            lines = [f"if {test if wanted else 'not ' + test}:"] + ["    " + line for line in lines]
        return lines

    def _inlined(self, term: str, emission: Emission) -> list[str]:
        assert emission.inline is not None and emission.column is not None
        append = f"    lines.append({self._written(term, emission)})"
        if emission.inline.number is None:
            return [f"if {self._filled(emission.column)}:", append]
        test = f"{self._bind('M', emission.inline.number)}({self.scope.local(emission.column)})"
        rest = [f"elif tail := {self._tail(emission)}:", f"    lines.append({term} + tail)"]
        return [f"if {test}:", append, *rest]

    def _slow(self, cells: Sequence[str], row: int, source_row: int) -> Row:
        """Map a row that has a bad cell: each bad cell becomes an error, the rest is mapped as if it were null."""
        keys: list[Key] = list(cells)
        errors: list[CellError] = []
        width = max(self.scope.positions.values(), default=-1) + 1
        if len(keys) < width:
            errors.append(CellError("values.short-row", "", f"{len(keys)} of {width}"))
            keys += [""] * (width - len(keys))
        masked = self._masked(keys)
        for name in self.plan.used_columns:
            position = self.scope.positions[name]
            text = keys[position]
            if name in masked or not isinstance(text, str):
                continue
            found = self.scope.errors(name, text, self.plan.is_fatal(name))
            if found:
                errors += found
                keys[position] = (text,)
        if any(error.fatal for error in errors):
            return "", [], errors
        try:
            subject, lines, _ = self.core(keys, row, source_row)
        except CellProblem as problem:
            # Only an IRI built of several cells can still fail here.
            return "", [], [*errors, CellError(problem.rule, "", problem.kind, True)]
        if not subject:
            return "", [], errors + self._key_errors(keys, masked)
        return subject, lines, errors

    def _masked(self, keys: Sequence[Key]) -> set[str]:
        masked = set()
        for column, variable in self.plan.masks:
            owner = self.scope.owner(variable)
            if owner is not None and owner not in masked:
                key = keys[self.scope.positions[owner]]
                value = self.scope.cell(owner, (key,) if isinstance(key, str) else key).variables.get(variable)
                if value not in (None, ()):
                    masked.add(column.name)
            elif owner is None and self.scope.constant(variable) is not None:
                masked.add(column.name)
        return masked

    def _key_errors(self, keys: Sequence[Key], masked: set[str]) -> list[CellError]:
        """Say which columns left the row without a subject."""
        errors = []
        for name in self.plan.key_columns:
            key = None if name in masked else keys[self.scope.positions[name]]
            variables = self.scope.cell(name, key).variables
            if any(variables.get(variable) in (None, ()) for variable in self.plan.key_variables(name)):
                errors.append(CellError("values.key", name, "empty" if not key or key == ("",) else "no key", True))
        absent = [CellError("values.key", name, "no such column", True) for name in self.plan.absent_keys]
        return errors + absent or [CellError("values.key", "", "empty", True)]


def _indent(lines: Sequence[str], depth: int) -> str:
    return "".join("    " * depth + line + "\n" for line in lines)


def _fstring(text: str) -> str:
    return repr(text)[1:-1].replace("{", "{{").replace("}", "}}") if "'" not in text else _quoted(text)


def _quoted(text: str) -> str:
    return text.encode("unicode_escape").decode("ascii").replace("'", "\\'").replace("{", "{{").replace("}", "}}")


__all__ = ["CsvwError", "Derivation", "DerivationFactory", "Row", "RowFunction", "compile_table"]
