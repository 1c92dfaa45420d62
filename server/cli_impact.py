"""`torg impact`: says which datasets, columns, publishers and queries use a concept, with counts."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import click

from server.cli_output import say
from server.errors import OperationError
from server.generations import DataFolder
from server.impact import Impact
from server.settings import read_settings
from server.site import read_site

_LISTED = 30


@click.command()
@click.argument("concept")
@click.option(
    "--site", "folder", type=click.Path(path_type=Path, file_okay=False), default=Path("."), help="The site's folder."
)
@click.option("--format", "format", type=click.Choice(["text", "json"]), default="text", help="For people or programs.")
def impact(concept: str, folder: Path, format: str) -> None:
    """Say who uses CONCEPT: its address, a path such as service/T2.2, or its notation."""
    from server.impact import find_concept
    from server.impact import impact as run

    site = read_site(folder)
    generation = DataFolder(read_settings(site.raw).data_folder(site.folder)).current()
    if generation is None:
        raise OperationError("Nothing is published yet.", "Inget är publicerat än.")
    with closing(generation):
        found = run(find_concept(concept, generation.store, site.uris), generation, site.uris)
    if format == "json":
        click.echo(json.dumps(found.members(), ensure_ascii=False, indent=1))
    else:
        _echo(found)


def _echo(found: Impact) -> None:
    datasets = [one for one in found.datasets if one.dataset]
    click.echo(found.concept)
    say(
        sv=f"  {found.uses} användningar i {len(datasets)} datamängder hos {len(found.publishers)} utgivare; "
        f"{found.below} till av begrepp under det.",
        en=f"  {found.uses} uses in {len(datasets)} datasets by {len(found.publishers)} publishers; "
        f"{found.below} more of concepts below it.",
    )
    for one in datasets[:_LISTED]:
        columns = ", ".join(f"{column} {number}" for column, number in one.columns.items())
        click.echo(f"  {one.dataset}: {one.uses} ({columns})")
    if len(datasets) > _LISTED:
        more = len(datasets) - _LISTED
        say(sv=f"  … och {more} datamängder till", en=f"  … and {more} more datasets")
    for names, sv, en in (
        (found.queries, "Frågor som nämner det", "Queries that name it"),
        (found.asking, "Frågor som gäller samma kolumner", "Queries about the same columns"),
    ):
        if names:
            click.echo(f"  {say.pick(sv=sv, en=en)}: {', '.join(names)}")
