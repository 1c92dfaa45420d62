"""`torg serve`: serves what is published, or copies of what another instance publishes."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from server.cli_output import say
from server.settings import Settings, read_settings
from server.site import read_site


@click.command()
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=int, help="Port to listen on.")
@click.option("--follow", help="Folder or address of another instance, whose generations are copied and served.")
@click.option("--publish-every", type=float, help="Publish what is due now and then every so many minutes.")
@click.option(
    "--site", "folder", type=click.Path(path_type=Path, file_okay=False), default=Path("."), help="The site's folder."
)
def serve(host: str | None, port: int | None, follow: str | None, publish_every: float | None, folder: Path) -> None:
    """Serve the published site."""
    from server.serve import serve as run

    flags = {"host": host, "port": port, "follow": follow, "publish_every": publish_every}
    settings = read_settings(read_site(folder).raw, flags=flags)
    companion = None
    if settings.publish_every and not settings.follow:
        from server.publish_every import publish_every as publisher

        companion = partial(publisher, folder, settings.data_folder(folder), float(settings.publish_every))
    run(folder, settings, companion=companion, ready=lambda: tell_address(settings), flags=flags, tell=_tell)


def tell_address(settings: Settings) -> None:
    """Say where the server answers."""
    say(sv=f"torg svarar på {settings.address}/", en=f"torg answers at {settings.address}/", err=True)


def _tell(sv: str, en: str) -> None:
    say(sv=sv, en=en, err=True)
