"""The command `torg describe`: a proposed dataset.toml for an unknown file or address, shown or written."""

from __future__ import annotations

import shlex
import tempfile
from dataclasses import replace
from pathlib import Path

import click

import ontology
from loaders import description_writer
from loaders.concepts import ConceptIndex
from loaders.describe import Described, describe
from loaders.description import DESCRIPTION_FILE, is_address
from loaders.fetch import Fetcher, FetchLimits
from loaders.load import LoadContext
from server.cli_output import say
from server.errors import OperationError
from server.settings import read_settings
from server.shared_graphs import concept_files
from server.site import read_site
from server.uris import key_part

# What a file is tried against when it belongs to no site yet; nothing of it is written.
_NO_SITE = "https://data.example/"


@click.command("describe")
@click.argument("file")
@click.option("--write", is_flag=True, help="Write dataset.toml (and CSVW metadata) beside FILE; never over another.")
@click.option(
    "--into", type=click.Path(path_type=Path, file_okay=False), help="The dataset's folder, when FILE is an address."
)
@click.option(
    "--site", "folder", type=click.Path(path_type=Path, file_okay=False), help="The site whose concepts are known."
)
def describe_command(file: str, write: bool, into: Path | None, folder: Path | None) -> None:
    """Propose a dataset.toml for FILE, a path or a web address, tried on all of its rows."""
    if is_address(file):
        _describe_address(file, write, into or Path(), folder)
        return
    path = Path(file)
    if not path.is_file():
        raise click.UsageError(f"There is no file “{file}”.")
    if into is not None:
        raise click.UsageError("--into is for addresses: a file is described where it lies.")
    _describe(path, path.parent, write, folder)


def _describe_address(address: str, write: bool, place: Path, folder: Path | None) -> None:
    """Describe what an address gives, by its first page when it has several; the address becomes the source."""
    settings = read_settings(read_site(folder).raw if folder is not None else None)
    with tempfile.TemporaryDirectory(prefix="torg-describe-") as scratch:
        limits = FetchLimits(bytes=settings.source_mb << 20, seconds=settings.fetch_seconds)
        fetched = Fetcher(Path(scratch) / "fetched", allow_private=settings.fetch_private, limits=limits)(address)[0]
        path = Path(scratch) / fetched.name
        path.symlink_to(fetched.path)
        _describe(path, place.resolve(), write, folder, address)


def _describe(path: Path, place: Path, write: bool, folder: Path | None, address: str = "") -> None:
    targets = place / DESCRIPTION_FILE, place / f"{path.name}-metadata.json"
    if write:
        _refuse_existing(*targets)
    named = place.resolve()
    done = describe(path, _context(named, folder), named.parent.name, named.name)
    if address:
        done = replace(done, toml=description_writer.with_source(done.toml, address))
    if write:
        place.mkdir(parents=True, exist_ok=True)
        _write(targets, done)
        _tell_next(named, folder)
        return
    click.echo(done.toml, nl=False)
    if done.metadata:
        click.echo(f"\n# {targets[1].name}\n{done.metadata}", nl=False)


def _tell_next(place: Path, folder: Path | None) -> None:
    """Say what comes next: to check the dataset, or first to put its folder where a site has its datasets."""
    key = f"{place.parent.name}/{place.name}"
    site = place.parent.parent.parent
    if place.parent.parent != site / "datasets":
        say(
            sv="Nästa steg: lägg mappen som datasets/<utgivare>/<datamängd> i en plats, läs igenom dataset.toml och "
            "kör torg check <utgivare>/<datamängd>",
            en="Next: put the folder into a site as datasets/<publisher>/<dataset>, read dataset.toml through and run "
            "torg check <publisher>/<dataset>",
        )
        return
    option = "" if site == Path.cwd() else f"--site {shlex.quote(str(folder or site))} "
    say(
        sv=f"Nästa steg: läs igenom dataset.toml och kör torg check {option}{key}",
        en=f"Next: read dataset.toml through and run torg check {option}{key}",
    )


def _context(place: Path, folder: Path | None) -> LoadContext:
    """Return what a file of the folder is tried against: its site and publisher when they are known."""
    if folder is None:
        concepts = ConceptIndex.from_files(ontology.concept_files(), _NO_SITE)
        return LoadContext(_NO_SITE, _NO_SITE, "0000", "id/organization/0000000000", concepts, key_part)
    site = read_site(folder)
    known = site.publishers.get(place.parent.name)
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


def _write(targets: tuple[Path, Path], done: Described) -> None:
    texts = {targets[0]: done.toml} | ({targets[1]: done.metadata} if done.metadata else {})
    for path, text in texts.items():
        # "x" fails when another program made the file meanwhile.
        with path.open("x", encoding="utf-8") as stream:
            stream.write(text)
        say(sv=f"Skrev {path}", en=f"Wrote {path}")
