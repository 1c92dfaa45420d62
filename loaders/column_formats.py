"""Choose how the values of a column are written: as the steward says, or as all of them show without doubt."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from loaders import value_formats
from loaders.description import ColumnChange
from loaders.errors import SourceError
from loaders.findings import Finding, Findings
from loaders.source import DateCell, NumberCell, Report, Table

WHOLE_NUMBERS = frozenset(
    """integer long int short byte nonNegativeInteger positiveInteger unsignedLong unsignedInt unsignedShort
    unsignedByte nonPositiveInteger negativeInteger""".split()
)
NUMBERS = WHOLE_NUMBERS | {"decimal", "number", "double", "float"}
# Odd values of the whole file that are looked at to settle a format.
_MOST_ODD = 50_000


def datatype(column: Mapping[str, Any]) -> tuple[str, Callable[[str], bool]]:
    """Return a column's base datatype and the test whether a canonical value is within its bounds."""
    said = column.get("datatype", "string")
    if isinstance(said, str):
        return said, lambda text: True
    least = said.get("minimum", said.get("minInclusive"))
    most = said.get("maximum", said.get("maxInclusive"))

    def fits(text: str) -> bool:
        try:
            value = Decimal(text)
        except ArithmeticError:
            return True
        return (least is None or value >= Decimal(str(least))) and (most is None or value <= Decimal(str(most)))

    return str(said.get("base", "string")), fits if said.get("base") in NUMBERS else (lambda text: True)


def chosen_format(
    column: Mapping[str, Any],
    place: int,
    change: ColumnChange | None,
    nulls: frozenset[str],
    table: Table,
    sample: Sequence[Sequence[str]],
    whole: bool,
    report: Report,
) -> value_formats.Format | None:
    """Return how the values of a column of numbers or dates are written, None when they are canonical already.

    `whole` says that the sample is all there is. Raises SourceError when the values can be read in several ways.
    """
    base, fits = datatype(column)
    if change and change.declares_format:
        return _declared(change, base)
    if _described(column, base):
        return None
    # What a workbook keeps as a number or a date is canonical already, however the texts beside it are written.
    kept = kept_type(base)
    formats = value_formats.DATE_FORMATS if base == "date" else value_formats.NUMBER_FORMATS
    values = [text for cells in sample if not isinstance(text := cells[place], kept) and text not in nulls]
    detection = value_formats.detect(values, formats, fits)
    if not detection.settled and not whole:
        detection = value_formats.detect(_odd_values(table, place, nulls, values), formats, fits)
    if not detection.fitting:
        return None
    header = table.headers[place]
    if len(detection.fitting) > 1:
        raise SourceError(_ambiguous(table, header, str(column["name"]), detection.fitting))
    if detection.identical:
        return None
    chosen = detection.fitting[0]
    report.tell(_finding("source.format-detected", table, header, ("format", chosen.name)))
    return chosen


def kept_type(base: str) -> type[str]:
    """Return the type of the texts that a workbook has as values of this base datatype, canonical already."""
    return DateCell if base == "date" else NumberCell


def _odd_values(table: Table, place: int, nulls: frozenset[str], sample: Iterable[str]) -> Iterator[str]:
    """Yield the sample, and those values of the whole file that may settle a format: plain digits cannot."""
    yield from sample
    seen = 0
    for _, cells in table.rows(Report(Findings())):
        text = cells[place]
        if not text.isdigit() and text not in nulls and not isinstance(text, NumberCell | DateCell):
            yield text
            seen += 1
            if seen > _MOST_ODD:
                return


def _ambiguous(table: Table, header: str, name: str, fitting: Iterable[value_formats.Format]) -> Finding:
    names = [form.name for form in fitting]
    words = [name_ if "=" in name_ else f'format = "{name_}"' for name_ in names]
    line = f'"{header}" = {{ column = "{name}", {words[0]} }}'
    return _finding("source.ambiguous-format", table, header, ("formats", " / ".join(names)), ("line", line))


def _finding(rule: str, table: Table, header: str, *detail: tuple[str, str]) -> Finding:
    return Finding(rule, file=table.file, sheet=table.sheet, column=header, detail=detail)


def _described(column: Mapping[str, Any], base: str) -> bool:
    """True when the description itself says how values are written, other than the canonical way."""
    said = column.get("datatype")
    form = said.get("format") if isinstance(said, Mapping) else None
    return form is not None and not (base == "date" and form == "yyyy-MM-dd")


def _declared(change: ColumnChange, base: str) -> value_formats.Format:
    if base == "date":
        return value_formats.date_format(change.format or "yyyy-MM-dd")
    return value_formats.number_format(change.decimal_char or ".", change.group_char)
