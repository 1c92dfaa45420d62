"""`torg diff`: says in plain words what changed between two generations."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import click

from server.change_words import GraphChange, Labels, nothing, sentences, vocabulary
from server.cli_output import say
from server.generations import DataFolder
from server.reports import finding_members
from server.settings import read_settings
from server.site import read_site


@click.command()
@click.argument("one", type=int, metavar="A")
@click.argument("two", type=int, metavar="B", required=False)
@click.option(
    "--site", "folder", type=click.Path(path_type=Path, file_okay=False), default=Path("."), help="The site's folder."
)
@click.option("--format", "format", type=click.Choice(["text", "json"]), default="text", help="For people or programs.")
def diff(one: int, two: int | None, folder: Path, format: str) -> None:
    """Say what changed from generation A to generation B (the current one when B is left out)."""
    from server.diff import diff as run
    from server.diff import touches

    site = read_site(folder)
    data = DataFolder(read_settings(site.raw).data_folder(site.folder))
    two = two if two is not None else int(data.current_name() or 0)
    found = run(data, one, two)
    concepts = touches(data, one, two) if any(change.kind == "concepts" for change in found) else []
    labels = vocabulary(site.concept_base)
    if format == "json":
        members = [change.members(labels) for change in found]
        members += [{"touches": finding_members(finding)} for finding in concepts]
        click.echo(json.dumps(members, ensure_ascii=False, indent=1))
    else:
        echo_changes(found, labels)
        for finding in concepts:
            click.echo(f"  {finding.text(say.language)}")


def echo_changes(found: Iterable[GraphChange], labels: Labels) -> None:
    """Print what happened in each graph, a headline and its sentences."""
    shown = False
    for change in found:
        shown = True
        click.echo(" ".join(part for part in (change.dataset or change.iri, change.period) if part))
        for sentence in sentences(change, labels, say.language):
            click.echo(f"  {sentence}")
    if not shown:
        click.echo(nothing(say.language))
