"""`torg purge`: forgets a thing, a dataset or a generation in everything that is kept."""

from __future__ import annotations

import json
from pathlib import Path

import click

from server.cli_output import say
from server.settings import read_settings
from server.site import read_site


@click.command()
@click.argument("targets", nargs=-1, required=True)
@click.option("--reason", required=True, help="Why; kept beside the tombstone.")
@click.option(
    "--site", "folder", type=click.Path(path_type=Path, file_okay=False), default=Path("."), help="The site's folder."
)
@click.option("--format", "format", type=click.Choice(["text", "json"]), default="text", help="For people or programs.")
def purge(targets: tuple[str, ...], reason: str, folder: Path, format: str) -> None:
    """Forget TARGETS: URIs of things, datasets (publisher/name) or numbers of generations."""
    from server.purge import purge as run

    site = read_site(folder)
    done = run(site, read_settings(site.raw), targets, reason)
    if format == "json":
        click.echo(json.dumps([one.members() for one in done], ensure_ascii=False, indent=1))
        return
    for one in done:
        say(
            sv=f"{one.target.name} är borttaget överallt; generation {one.generation} visas. "
            f"{len(one.identifiers)} identifierare svarar nu 410, {one.archived} kopior av källor är borta.",
            en=f"{one.target.name} is removed everywhere; generation {one.generation} is served. "
            f"{len(one.identifiers)} identifiers now answer 410, {one.archived} copies of sources are gone.",
        )
        if one.target.kind == "uri" and one.datasets:
            named = ", ".join(one.datasets)
            say(
                sv=f"Ta också bort raden ur källan till {named}: den publiceras inte igen, men filen kopieras.",
                en=f"Remove the row from the source of {named} too: it is not published again, but the file is copied.",
            )
