"""`torg backup create|check|restore`: copies of everything, kept elsewhere, and a site made from one."""

from __future__ import annotations

import json
from pathlib import Path

import click

from server.cli_help import SpokenGroup
from server.cli_output import say
from server.settings import read_settings
from server.site import read_site

site_option = click.option(
    "--site", "folder", type=click.Path(path_type=Path, file_okay=False), default=Path("."), help="The site's folder."
)
format_option = click.option(
    "--format", "format", type=click.Choice(["text", "json"]), default="text", help="For people or programs."
)
target_argument = click.argument("target", type=click.Path(path_type=Path, file_okay=False))


@click.group(cls=SpokenGroup)
def backup() -> None:
    """Make, check and restore backups of site and data."""


@backup.command()
@target_argument
@site_option
@format_option
def create(target: Path, folder: Path, format: str) -> None:
    """Bring the backup in the folder TARGET up to date, or make it."""
    from server.backup import backup as run

    site = read_site(folder)
    done = run(site, read_settings(site.raw), target)
    if format == "json":
        click.echo(json.dumps(done.members(), indent=1))
        return
    say(
        sv=f"{target} innehåller generation {done.generation}: {done.files} filer, {done.bytes >> 20} MiB, "
        f"{done.copied} kopierade nu.",
        en=f"{target} holds generation {done.generation}: {done.files} files, {done.bytes >> 20} MiB, "
        f"{done.copied} copied now.",
    )


@backup.command()
@target_argument
@format_option
def check(target: Path, format: str) -> None:
    """Read every file of the backup TARGET and compare it with its checksum."""
    from server.backup import check_backup

    found = check_backup(target)
    if format == "json":
        click.echo(json.dumps(found.members(), indent=1))
        return
    say(
        sv=f"{target} är hel: generation {found.generation}, {found.files} filer, gjord {found.time}.",
        en=f"{target} is whole: generation {found.generation}, {found.files} files, made {found.time}.",
    )


@backup.command()
@target_argument
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@format_option
def restore(target: Path, folder: Path, format: str) -> None:
    """Make a site in the new FOLDER from the backup TARGET."""
    from server.backup import restore_backup

    done = restore_backup(target, folder)
    if format == "json":
        click.echo(json.dumps(done.members() | {"site": str(folder)}, indent=1))
        return
    say(
        sv=f"{folder} är återställd till generation {done.generation}. Kör nu torg serve --site {folder}",
        en=f"{folder} is restored to generation {done.generation}. Now run torg serve --site {folder}",
    )
