"""The command `torg describe`: a proposed dataset.toml for an unknown file, on the screen or beside the file."""

from __future__ import annotations

from pathlib import Path

import click

import ontology
from loaders.concepts import ConceptIndex
from loaders.describe import Described, describe
from loaders.description import DESCRIPTION_FILE
from loaders.load import LoadContext
from server.cli_output import say
from server.errors import OperationError
from server.shared_graphs import concept_files
from server.site import read_site
from server.uris import key_part

# What a file is tried against when it belongs to no site yet; nothing of it is written.
_NO_SITE = "https://data.example/"


@click.command("describe")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--write", is_flag=True, help="Write dataset.toml (and CSVW metadata) beside FILE; never over another.")
@click.option(
    "--site", "folder", type=click.Path(path_type=Path, file_okay=False), help="The site whose concepts are known."
)
def describe_command(file: Path, write: bool, folder: Path | None) -> None:
    """Propose a dataset.toml for FILE, tried on all of its rows."""
    if write:
        _refuse_existing(file.parent / DESCRIPTION_FILE, file.with_name(f"{file.name}-metadata.json"))
    done = describe(file, _context(file, folder), file.parent.parent.name, file.parent.name)
    if write:
        _write(file, done)
        return
    click.echo(done.toml, nl=False)
    if done.metadata:
        click.echo(f"\n# {file.name}-metadata.json\n{done.metadata}", nl=False)


def _context(file: Path, folder: Path | None) -> LoadContext:
    """Return what the file is tried against: its site and publisher when they are known."""
    if folder is None:
        concepts = ConceptIndex.from_files(ontology.concept_files(), _NO_SITE)
        return LoadContext(_NO_SITE, _NO_SITE, "0000", "id/organization/0000000000", concepts, key_part)
    site = read_site(folder)
    known = site.publishers.get(file.resolve().parent.parent.name)
    publisher = known or next(iter(site.publishers.values()), None)
    return LoadContext(
        base=site.base,
        concept_base=site.concept_base,
        authority=publisher.authority if publisher else "0000",
        publisher_path=f"id/organization/{publisher.orgnr if publisher else '0000000000'}",
        concepts=ConceptIndex.from_files(*concept_files(site)),
        expand=key_part,
    )


def _refuse_existing(*paths: Path) -> None:
    for path in paths:
        if path.exists():
            raise OperationError(sv=f"{path} finns redan och skrivs inte över.",
                                 en=f"{path} exists already and is not written over.")  # fmt: skip


def _write(file: Path, done: Described) -> None:
    texts = {file.parent / DESCRIPTION_FILE: done.toml}
    if done.metadata:
        texts[file.with_name(f"{file.name}-metadata.json")] = done.metadata
    for path, text in texts.items():
        # "x" fails when another program made the file meanwhile.
        with path.open("x", encoding="utf-8") as stream:
            stream.write(text)
        say(sv=f"Skrev {path}", en=f"Wrote {path}")
