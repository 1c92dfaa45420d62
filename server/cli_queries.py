"""`torg queries list|end`: what visitors' queries run just now, and ending one; on the machine that serves only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from server.cli_help import SpokenGroup
from server.cli_output import say
from server.errors import OperationError
from server.operator_key import HEADER, NAME, read_key
from server.settings import read_settings
from server.site import read_site

site_option = click.option(
    "--site", "folder", type=click.Path(path_type=Path, file_okay=False), default=Path("."), help="The site's folder."
)
port_option = click.option("--port", type=int, help="Port that the server listens on.")


@click.group(cls=SpokenGroup)
def queries() -> None:
    """List the queries that run just now, and end one."""


@queries.command("list")
@port_option
@site_option
@click.option("--format", "format", type=click.Choice(["text", "json"]), default="text", help="For people or programs.")
def list_queries(port: int | None, folder: Path, format: str) -> None:
    """List the queries that are evaluated or wait, the oldest first."""
    found = _ask("GET", "/-/queries", folder, port)["queries"]
    if format == "json":
        click.echo(json.dumps(found, ensure_ascii=False, indent=1))
        return
    for entry in found:
        text = " ".join(entry["query"].split())[:100]
        click.echo(
            f"{entry['id']}  {entry['state']}  {entry['seconds']:.1f} s  {entry['memory_bytes'] >> 20} MiB  {text}"
        )
    if not found:
        say(sv="Inga frågor körs just nu.", en="No queries run just now.", err=True)


@queries.command()
@click.argument("id", type=int)
@port_option
@site_option
def end(id: int, port: int | None, folder: Path) -> None:
    """End the query with this ID; who asked for it is told that the operator did."""
    _ask("DELETE", f"/-/queries/{id}", folder, port)
    say(sv=f"Fråga {id} är avslutad.", en=f"Query {id} is ended.")


def _ask(method: str, path: str, folder: Path, port: int | None) -> Any:
    from loaders.fetch import ask

    site = read_site(folder)
    settings = read_settings(site.raw, flags={"port": port})
    key = read_key(settings.data_folder(folder))
    if not key:
        raise OperationError(
            f"There is no {NAME} in {settings.data_folder(folder)} that you may read. Run this as the user that runs "
            "torg serve, on that machine.",
            f"Det finns ingen {NAME} i {settings.data_folder(folder)} som du får läsa. Kör detta som den användare "
            "som kör torg serve, på den maskinen.",
        )
    address = settings.address + site.uris.prefix
    try:
        status, body = ask(method, f"{address}{path}", {HEADER: key})
    except OSError:
        raise OperationError(
            f"Nothing answers at {address}. Is torg serve running there, and on this port?",
            f"Inget svarar på {address}. Körs torg serve där, och på den porten?",
        ) from None
    if status == 404:
        raise OperationError("There is no such query any more.", "Den frågan finns inte längre.")
    if status != 200:
        raise OperationError(
            f"{address} answers {status}: is it this site's server?",
            f"{address} svarar {status}: är det den här platsens server?",
        )
    return json.loads(body)
