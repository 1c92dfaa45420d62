"""`torg dump`: writes what is published, or was in some generation, as one RDF document."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from server.errors import OperationError
from server.settings import read_settings
from server.site import read_site


@click.command()
@click.argument("dataset", required=False)
@click.option("--format", "format", type=click.Choice(["nq", "trig", "nt"]), default="nq", help="Syntax.")
@click.option("--at", help="A generation's number, or a time: the state then.")
@click.option("--output", "-o", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file.")
@click.option(
    "--site", "folder", type=click.Path(path_type=Path, file_okay=False), default=Path("."), help="The site's folder."
)
def dump(dataset: str | None, format: str, at: str | None, output: Path | None, folder: Path) -> None:
    """Write every published graph, or those of DATASET (publisher/name), in a canonical order."""
    from server.dump import dump as run

    site = read_site(folder)
    data = read_settings(site.raw).data_folder(site.folder)
    if output is None:
        run(data, sys.stdout.buffer, format, dataset or "", at or "")
        return
    part = output.with_name(output.name + ".part")
    try:
        with open(part, "wb") as target:
            run(data, target, format, dataset or "", at or "")
        part.replace(output)
    except OSError as error:
        raise OperationError(
            f"{output} cannot be written: {error.strerror or error}.",
            f"{output} går inte att skriva: {error.strerror or error}.",
        ) from error
    finally:
        part.unlink(missing_ok=True)
