"""`torg serve`: serves what is published, or copies of what another instance publishes."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import click

from server.cli_output import narrator, say
from server.settings import Settings, read_settings
from server.site import read_site


@click.command()
@click.argument("source")
@click.option(
    "--site", "folder", type=click.Path(path_type=Path, file_okay=False), default=Path("."), help="The site's folder."
)
def follow(source: str, folder: Path) -> None:
    """Copy what SOURCE, a folder or an address, has published, once, and serve that from now on."""
    from server.follow import Follower
    from server.follow_sources import source_of
    from server.generations import DataFolder

    site = read_site(folder)
    settings = read_settings(site.raw)
    data = DataFolder(settings.data_folder(folder))
    follower = Follower(data, source_of(source), site.base, int(settings.keep_generations))
    if follower.once(lambda name: _say(sv=f"Generation {name} visas nu.", en=f"Generation {name} is served now.")):
        say(sv="Kopian är klar.", en="The copy is complete.")
    else:
        say(sv="Inget nytt att kopiera.", en="There is nothing new to copy.")


@click.command()
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=int, help="Port to listen on.")
@click.option("--follow", help="Folder or address of another instance, whose generations are copied and served.")
@click.option("--publish-every", type=float, help="Publish what is due now and then every so many minutes.")
@click.option("--preview", is_flag=True, help="Show what a publication would give, without publishing it.")
@click.option(
    "--site", "folder", type=click.Path(path_type=Path, file_okay=False), default=Path("."), help="The site's folder."
)
def serve(
    host: str | None, port: int | None, follow: str | None, publish_every: float | None, preview: bool, folder: Path
) -> None:
    """Serve the published site."""
    from server.serve import serve as run

    flags = {"host": host, "port": port, "follow": follow, "publish_every": publish_every}
    if preview:
        _serve_preview(folder, flags)
        return
    settings = read_settings(read_site(folder).raw, flags=flags)
    companion = None
    if settings.follow:
        from server.follow import follow_for_ever
        from server.follow_sources import source_of

        source_of(str(settings.follow))  # A wrong folder, address or missing token is told before anything starts.
        settings.data_folder(folder).mkdir(parents=True, exist_ok=True)
        companion = partial(follow_for_ever, folder, settings, _say)
    elif settings.publish_every:
        from server.publish_every import publish_every as publisher

        companion = partial(publisher, folder, settings.data_folder(folder), float(settings.publish_every))
    run(folder, settings, companion=companion, ready=lambda: tell_address(settings), flags=flags, tell=_tell)


def _serve_preview(folder: Path, flags: Mapping[str, object]) -> None:
    """Serve the next generation from a copy of the data folder, and remove the copy at the end."""
    from server.preview import previewing
    from server.serve import serve as run

    if flags["follow"] or flags["publish_every"]:
        raise click.UsageError("--preview shows what is here now; it takes neither --follow nor --publish-every.")
    site = read_site(folder)
    settings = read_settings(site.raw, flags=flags)
    with ExitStack() as held:
        with narrator() as progress:
            shown = held.enter_context(previewing(site, settings, progress=progress))
        for sentence in shown.told["summary"][say.language]:
            click.echo(sentence)
        for dataset in shown.told["blocked"]:
            _say(sv=f"{dataset} stoppas; se /quality.", en=f"{dataset} is blocked; see /quality.")
        data = shown.settings.data
        run(
            folder,
            shown.settings,
            ready=lambda: tell_address(shown.settings),
            flags={**flags, "data": data, "url": ""},
            tell=_tell,
        )


def tell_address(settings: Settings) -> None:
    """Say where the server answers."""
    say(sv=f"torg svarar på {settings.address}/", en=f"torg answers at {settings.address}/", err=True)


def _say(*, sv: str, en: str) -> None:
    say(sv=sv, en=en, err=True)


def _tell(sv: str, en: str) -> None:
    say(sv=sv, en=en, err=True)
