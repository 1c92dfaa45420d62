"""The command `torg csvw`: converts or validates one CSVW package, apart from any site."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import IO, cast

import click

from loaders.csvw.context import PREFIXES
from loaders.csvw.convert import Conversion, Warnings, convert, validate
from loaders.csvw.resources import Fetch, Response
from loaders.errors import SourceError
from loaders.fetch import Fetcher, FetchLimits
from server import rdf_formats
from server.errors import OperationError, Problem

_MEDIA_TYPES = {
    "nt": "application/n-triples",
    "turtle": "text/turtle",
    "jsonld": "application/ld+json",
    "rdfxml": "application/rdf+xml",
}
_WRITTEN_PREFIXES = ("csvw", "dc", "dcat", "prov", "rdf", "rdfs", "schema", "skos", "xsd")
# Output is whole or nothing, so it is kept back until the package has proved valid: in memory up to this size.
_IN_MEMORY = 16 * 1024 * 1024


@click.command()
@click.argument("input")
@click.option("--metadata", help="Metadata that overrides what would be found.")
@click.option("--minimal", is_flag=True, help="Only what the cells say, nothing of tables and rows.")
@click.option("--no-provenance", is_flag=True, help="Leave out what is said of the conversion itself.")
@click.option("--format", "format", type=click.Choice(list(_MEDIA_TYPES)), default="nt", help="Syntax of the output.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file.")
@click.option("--base", help="An IRI: what is beneath it is read from --root instead of the network.")
@click.option("--root", type=click.Path(path_type=Path, file_okay=False, exists=True), help="The folder for --base.")
@click.option("--link", help="Stands for the HTTP Link header of INPUT.")
@click.option("--validate", "check", is_flag=True, help="Check the package and write nothing.")
def csvw(
    input: str,
    metadata: str | None,
    minimal: bool,
    no_provenance: bool,
    format: str,
    output: Path | None,
    base: str | None,
    root: Path | None,
    link: str | None,
    check: bool,
) -> None:
    """Convert a CSVW package to RDF: INPUT is a CSV file or a metadata document, a path or an IRI."""
    if (base is None) != (root is None):
        raise click.UsageError("--base and --root go together.")
    with tempfile.TemporaryDirectory(prefix="torg-csvw-") as folder:
        fetch = _fetch(Path(folder))
        if check:
            report = validate(input, metadata=metadata, base=base, root=root, link=link, fetch=fetch)
            _tell(report.warnings, "warning")
            _tell(report.errors, "error")
            if not report.valid:
                raise click.exceptions.Exit(1)
            return
        kept = not no_provenance
        conversion = convert(
            input, metadata=metadata, minimal=minimal, provenance=kept, base=base, root=root, link=link, fetch=fetch
        )
        with tempfile.SpooledTemporaryFile(_IN_MEMORY) as spool:
            try:
                _spool(conversion, cast(IO[bytes], spool))
            finally:
                _tell(conversion.warnings, "warning")
            spool.seek(0)
            _write(cast(IO[bytes], spool), format, output)


def _fetch(folder: Path) -> Fetch:
    """Return what gets a document from the web, within the limits of all fetching; None where the web has none."""
    fetcher = Fetcher(folder, limits=FetchLimits(tries=2))

    def fetch(iri: str) -> Response | None:
        try:
            return Response(fetcher(iri)[0].path.open("rb"))
        except SourceError as error:
            # A page instead of data is how many sites say that there is nothing.
            if error.finding.rule in ("source.http-status", "source.html"):
                return None
            raise

    return fetch


def _spool(conversion: Conversion, spool: IO[bytes]) -> None:
    pending: list[str] = []
    size = 0
    for lines in conversion.lines():
        pending.append(lines)
        size += len(lines)
        if size > 1 << 18:
            spool.write("".join(pending).encode("utf-8"))
            pending.clear()
            size = 0
    spool.write("".join(pending).encode("utf-8"))


def _write(spool: IO[bytes], format: str, output: Path | None) -> None:
    if output is None:
        _transcode(spool, format, sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return
    part = output.with_name(output.name + ".part")
    try:
        with part.open("wb") as target:
            _transcode(spool, format, target)
        part.replace(output)
    finally:
        part.unlink(missing_ok=True)


def _transcode(spool: IO[bytes], format: str, target: IO[bytes]) -> None:
    if format == "nt":
        shutil.copyfileobj(spool, target, 1 << 20)
        return
    prefixes = {name: PREFIXES[name] for name in _WRITTEN_PREFIXES}
    try:
        rdf_formats.transcode(spool, _MEDIA_TYPES[format], prefixes, target)
    except Problem as problem:
        raise OperationError(str(problem)) from problem


def _tell(messages: list[str], kind: str) -> None:
    for message in messages:
        click.echo(f"{kind}: {message}", err=True)
    more = messages.more if isinstance(messages, Warnings) else 0
    if more:
        click.echo(f"{kind}: and {more} more", err=True)
