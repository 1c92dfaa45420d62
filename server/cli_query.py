"""The command `torg query`: asks a named query of a published site from the command line, or lists the queries."""

from __future__ import annotations

import difflib
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

import queries
from queries import ParameterError, Query
from server import query_api
from server.cli_output import say
from server.errors import OperationError, Problem
from server.formats import JSON_LD, TURTLE
from server.instance import Torg
from server.query_api import Table, Window
from server.query_service import limits_of
from server.readers import ReaderPool
from server.settings import read_settings
from server.site import read_site

_WIDE = 10_000  # columns; what is read by a program is never folded


@click.command()
@click.argument("name", required=False)
@click.argument("parameters", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--example", is_flag=True, help="Use the query's own example values.")
@click.option("--sparql", is_flag=True, help="Print the query in SPARQL and do not ask it.")
@click.option(
    "--site", "folder", type=click.Path(path_type=Path, file_okay=False), default=Path("."), help="The site's folder."
)
@click.option(
    "--format", "format", type=click.Choice(["table", "json", "csv"]), default="table", help="Form of the answer."
)
def query(
    name: str | None, parameters: tuple[str, ...], example: bool, sparql: bool, folder: Path, format: str
) -> None:
    """Ask the query NAME with its parameters (municipality=9901 …); without NAME, list the queries."""
    if name is None:
        _list(format)
        return
    asked = _query(name)
    values = asked.examples() if example else {}
    values |= _values(parameters)
    site = read_site(folder)
    torg = Torg(site, read_settings(site.raw))
    try:
        text = asked.readable(values, torg.uris.resolve, torg.uris.concepts, say.language)
        if sparql:
            click.echo(text, nl=False)
        else:
            _ask(asked, values, torg, format)
    except ParameterError as error:
        raise OperationError(error.text[say.language]) from error
    except Problem as problem:
        raise OperationError(str(problem)) from problem
    finally:
        torg.close()


def _query(name: str) -> Query:
    try:
        return queries.get(name)
    except KeyError:
        known = [query.name for query in queries.all_queries()]
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.4)
        hint = say.pick(sv=" Menades {}?", en=" Did you mean {}?").format(" / ".join(near)) if near else ""
        said = say.pick(sv="Det finns ingen fråga {}.", en="There is no query {}.").format(name)
        raise OperationError(f"{said}{hint}") from None


def _values(parameters: Sequence[str]) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for given in parameters:
        key, separator, value = given.partition("=")
        if not separator:
            said = say.pick(sv="{} är ingen parameter; skriv namn=värde.", en="{} is no parameter; write name=value.")
            raise OperationError(said.format(given))
        values.setdefault(key, []).append(value)
    return values


def _ask(asked: Query, values: Mapping[str, Sequence[str]], torg: Torg, format: str) -> None:
    """Print the whole answer, up to the site's limit of rows, of which a word is said on stderr."""
    limits = limits_of(torg.settings)
    with ReaderPool(torg.generation().store_path, readers=1, limits=limits) as pool:
        if asked.is_graph:
            graph = query_api.construct(asked, values, torg.uris, pool, say.language)
            written = torg.writer.write(graph, JSON_LD if format == "json" else TURTLE)
            click.echo(written.decode(), nl=False)
            return
        size = min(limits.rows or query_api.MOST_ROWS, 1_000_000) - 1 if asked.page_size else 0
        table = query_api.select(asked, values, Window(1, size), torg.uris, pool, say.language)
    if format == "json":
        head = {"query": asked.name, "title": asked.title[say.language]}
        click.echo(query_api.to_json(table, head).decode(), nl=False)
    elif format == "csv":
        click.echo(query_api.to_csv(table).decode().replace("\r\n", "\n"), nl=False)
    else:
        _print(asked, table)
    if table.more:
        say(
            sv=f"Svaret har fler rader än {size}; bara de första visas.",
            en=f"The answer has more rows than {size}; the first are shown.",
            err=True,
        )


def _print(asked: Query, table: Table) -> None:
    grid = Grid(box=None, pad_edge=False, show_header=True)
    # A person reads the name; the address is for programs, who ask for csv or json.
    columns = [
        name
        for name in table.columns
        if not (name.endswith("Iri") and f"{name.removesuffix('Iri')}Name" in table.columns)
    ]
    for name in columns:
        numbers = any(name in row and row[name].datatype.endswith(("integer", "decimal")) for row in table.rows)
        grid.add_column(asked.columns[name][say.language], justify="right" if numbers else "left", overflow="fold")
    for row in table.rows:
        # What the data says is text, never markup of ours.
        grid.add_row(*(Text(row[name].text if name in row else "") for name in columns))
    console = Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else _WIDE)
    console.print(grid)


def _list(format: str) -> None:
    language = say.language
    listed = queries.all_queries()
    if format == "json":
        entries = [
            {
                "name": found.name,
                "title": found.title[language],
                "parameters": {parameter.name: parameter.type for parameter in found.parameters},
            }
            for found in listed
        ]
        click.echo(json.dumps(entries, ensure_ascii=False, indent=1))
        return
    for found in listed:
        given = " ".join(
            f"[{parameter.name}=…]" if parameter.optional else f"{parameter.name}=…"
            for parameter in found.parameters
            if parameter.type != "language"
        )
        click.echo(f"{found.name} {given}".rstrip())
        click.echo(f"    {found.title[language]}")
