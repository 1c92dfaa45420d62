"""`torg token create|list|revoke`: bearer tokens that name a client and lift its limits."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from server.cli_help import SpokenGroup
from server.cli_output import say
from server.settings import read_settings
from server.site import read_site
from server.tokens import MOST_DAYS, Token, TokenFile

site_option = click.option(
    "--site", "folder", type=click.Path(path_type=Path, file_okay=False), default=Path("."), help="The site's folder."
)


@click.group(cls=SpokenGroup)
def token() -> None:
    """Make, list and revoke tokens that lift a client's limits."""


def _file(folder: Path) -> TokenFile:
    site = read_site(folder)
    return TokenFile(read_settings(site.raw).data_folder(site.folder) / "tokens.json")


@token.command()
@click.argument("name")
@click.option("--days", type=int, default=MOST_DAYS, show_default=True, help="How long it is valid.")
@click.option("--replica", is_flag=True, help="Let its holder copy generations: for `torg serve --follow`.")
@site_option
def create(name: str, days: int, replica: bool, folder: Path) -> None:
    """Make a token for the client NAME and print it, once: only its hash is kept."""
    made, text = _file(folder).create(name, days, replica=replica)
    click.echo(text)
    until = made.expires[:10]
    say(
        sv=f"Skickas som Authorization: Bearer. Gäller till {until}; dra in med torg token revoke {made.id}.",
        en=f"Send it as Authorization: Bearer. Valid until {until}; revoke with torg token revoke {made.id}.",
        err=True,
    )


@token.command("list")
@site_option
@click.option("--format", "format", type=click.Choice(["text", "json"]), default="text", help="For people or programs.")
def list_tokens(folder: Path, format: str) -> None:
    """List the tokens, without their secrets."""
    tokens = _file(folder).list()
    if format == "json":
        click.echo(json.dumps([_shown(entry) for entry in tokens], indent=1))
        return
    for entry in tokens:
        click.echo(f"{entry.id}  {entry.name}  {entry.created[:10]}  {entry.expires[:10]}")


def _shown(entry: Token) -> dict[str, str]:
    return {name: value for name, value in asdict(entry).items() if name != "sha256"}


@token.command()
@click.argument("id")
@site_option
def revoke(id: str, folder: Path) -> None:
    """Revoke the token with this ID, at once."""
    gone = _file(folder).revoke(id)
    say(sv=f"{gone.name} är indragen.", en=f"{gone.name} is revoked.")
