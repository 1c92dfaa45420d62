"""The command `torg csvw`: converts or validates one CSVW package, apart from any site."""

from __future__ import annotations

import os
import shutil
import stat
import sys
import tempfile
from io import FileIO
from pathlib import Path
from typing import IO, BinaryIO

import click

from loaders.csvw.context import PREFIXES
from loaders.csvw.convert import Conversion, Warnings, convert, key_breaches, validate
from loaders.csvw.resources import Fetch, Response
from loaders.errors import SourceError
from loaders.fetch import Fetcher, FetchLimits
from server import rdf_formats
from server.errors import OperationError, Problem
from server.settings import read_settings

_MEDIA_TYPES = {
    "nt": "application/n-triples",
    "turtle": "text/turtle",
    "jsonld": "application/ld+json",
    "rdfxml": "application/rdf+xml",
}
_WRITTEN_PREFIXES = ("csvw", "dc", "dcat", "prov", "rdf", "rdfs", "schema", "skos", "xsd")
_BLOCK = 1 << 18


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
        try:
            if output is None:
                _to_stdout(conversion, format)
            else:
                _to_file(conversion, format, output)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OperationError(
                f"The output cannot be written: {error.strerror or error}.",
                f"Utdata går inte att skriva: {error.strerror or error}.",
            ) from error
        finally:
            _tell(conversion.warnings, "warning")
        if conversion.has_keys:
            broken = key_breaches(input, metadata=metadata, base=base, root=root, link=link, fetch=fetch)
            _tell(broken, "warning")


def _fetch(folder: Path) -> Fetch:
    """Return what gets a document from the web, within the limits of all fetching; None where the web has none."""
    settings = read_settings()
    limits = FetchLimits(bytes=settings.source_mb << 20, seconds=settings.fetch_seconds, tries=2)
    fetcher = Fetcher(folder, allow_private=settings.fetch_private, limits=limits)

    def fetch(iri: str) -> Response | None:
        try:
            file = fetcher(iri)[0]
            return Response(file.path.open("rb"), dict(file.headers))
        except SourceError as error:
            # A page instead of data is how many sites say that there is nothing.
            if error.finding.rule in ("source.http-status", "source.html"):
                return None
            raise

    return fetch


def _to_stdout(conversion: Conversion, format: str) -> None:
    """Keep the output back until the package has proved valid, then pass it on.

    A file that the shell made of stdout is written at once and cut back when the package is invalid.
    """
    file = _regular_file(sys.stdout.buffer) if format == "nt" else None
    if file is not None:
        start = os.lseek(file, 0, os.SEEK_END)
        try:
            with open(file, "ab", buffering=0, closefd=False) as target:
                _write(conversion, target)
        except BaseException:
            os.ftruncate(file, start)
            raise
        return
    with tempfile.TemporaryFile() as spool:
        _write(conversion, spool)
        spool.seek(0)
        if format == "nt":
            _pass_on(spool, sys.stdout.buffer)
        else:
            _transcode(spool, format, sys.stdout.buffer)
        sys.stdout.buffer.flush()


def _regular_file(stream: IO[bytes]) -> int | None:
    """Return the number of the file that a stream writes to; None when it writes to anything else."""
    try:
        number = stream.fileno()
        stream.flush()
        return number if stat.S_ISREG(os.fstat(number).st_mode) else None
    except OSError:
        return None


def _to_file(conversion: Conversion, format: str, output: Path) -> None:
    """Write beside the output, which is replaced only when all is well."""
    part = output.with_name(output.name + ".part")
    try:
        with part.open("w+b") as target:
            if format == "nt":
                _write(conversion, target)
            else:
                with tempfile.TemporaryFile() as spool:
                    _write(conversion, spool)
                    spool.seek(0)
                    _transcode(spool, format, target)
        part.replace(output)
    finally:
        part.unlink(missing_ok=True)


def _write(conversion: Conversion, target: BinaryIO | IO[bytes] | FileIO) -> None:
    pending: list[str] = []
    size = 0
    for lines in conversion.lines():
        pending.append(lines)
        size += len(lines)
        if size > _BLOCK:
            _write_all("".join(pending), target)
            pending.clear()
            size = 0
    _write_all("".join(pending), target)
    target.flush()


def _write_all(text: str, target: BinaryIO | IO[bytes] | FileIO) -> None:
    left = memoryview(text.encode("utf-8"))
    while left:
        # An unbuffered file may take a part only.
        left = left[target.write(left) :]


def _pass_on(source: IO[bytes], target: IO[bytes]) -> None:
    """Copy a file to a stream, in the kernel where it can be: a ledger's output is most of a gigabyte."""
    offset = 0
    try:
        sink, left = target.fileno(), os.fstat(source.fileno()).st_size
        target.flush()
        while left > 0:
            sent = os.sendfile(sink, source.fileno(), offset, min(left, 1 << 30))
            if sent == 0:
                break
            left, offset = left - sent, offset + sent
    except BrokenPipeError:
        raise
    except (OSError, AttributeError):
        source.seek(offset)
        shutil.copyfileobj(source, target, 1 << 20)


def _transcode(spool: IO[bytes], format: str, target: IO[bytes]) -> None:
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
