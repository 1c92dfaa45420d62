"""CSV on the Web: table descriptions read, tables checked, rows mapped to RDF."""

from loaders.csvw.metadata import read_group, read_table
from loaders.csvw.model import Column, Dialect, Schema, Table, TableGroup
from loaders.csvw.problems import CellError, CellProblem, CsvwError
from loaders.csvw.publication import RowFunction, compile_table
from loaders.csvw.scope import Derivation, DerivationFactory

__all__ = [
    "CellError",
    "CellProblem",
    "Column",
    "CsvwError",
    "Derivation",
    "DerivationFactory",
    "Dialect",
    "RowFunction",
    "Schema",
    "Table",
    "TableGroup",
    "compile_table",
    "read_group",
    "read_table",
]
