"""The fast way through plain rows of a conversion in minimal mode, by the compiler of publication mode."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from loaders.csvw.csv2rdf import RowWriter
from loaders.csvw.model import Table

TextFunction = Callable[[Sequence[str], int, int], str]


def conversion_function(table: Table, writer: RowWriter) -> TextFunction | None:
    """Return a function from a row to its lines, or None when the table has what only the row writer knows."""
    return None
