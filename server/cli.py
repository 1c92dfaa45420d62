"""The `torg` command: verbs on the steward's nouns, each a thin shell over a function of the same name.

Results go to stdout, progress to stderr. Exit codes: 0 done, 1 findings that block, 2 usage or environment.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import traceback
import webbrowser
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

import click

from loaders.errors import LoadError
from server.cli_backup import backup
from server.cli_completion import completion
from server.cli_csvw import csvw
from server.cli_describe import describe_command
from server.cli_diff import diff
from server.cli_doctor import doctor
from server.cli_dump import dump
from server.cli_help import SpokenGroup, told_in_language
from server.cli_impact import impact
from server.cli_mcp import mcp
from server.cli_output import echo_findings, echo_publication, log_line, narrator, say, set_language
from server.cli_purge import purge
from server.cli_queries import queries
from server.cli_query import query
from server.cli_serve import follow, serve
from server.cli_token import token
from server.errors import OperationError
from server.failed_runs import told_when_failed
from server.settings import Settings, read_settings
from server.site import Site, read_site
from server.starter_site import init as make_site
from server.starter_site import live_at

_FILES = 65_536


class Torg(SpokenGroup):
    """The command group; turns the two error families into a sentence and an exit code."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the command line; its language is known before anything is said of it."""
        set_language(_asked_language(args))
        with told_in_language():
            return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a LoadError exits 1, an OperationError 2, each as one message."""
        try:
            with told_in_language():
                return super().invoke(ctx)
        except LoadError as error:
            finding = error.finding
            language = say.language
            place = f"{finding.place(language)}: " if finding.place(language) else ""
            click.echo(f"{place}{finding.text(language)} {finding.advice(language)} [{finding.rule}]", err=True)
            ctx.exit(2 if finding.rule == "site.no-site" else 1)
        except OperationError as error:
            say(sv=error.sv, en=error.en, err=True)
            ctx.exit(2)
        except (click.exceptions.Exit, click.ClickException, click.Abort):
            raise
        except BrokenPipeError:
            sys.stderr.close()
            ctx.exit(0)
        except Exception:
            traceback.print_exc()
            say(
                sv="Det här är ett fel i torg; inget publicerat har ändrats. Skicka gärna texten ovan till oss.",
                en="This is a fault in torg; nothing published has changed. Please send us the text above.",
                err=True,
            )
            ctx.exit(2)


def _asked_language(args: list[str]) -> str | None:
    """Return the language that the command line or the environment asks for; what it cannot be is told later."""
    for place, word in enumerate(args):
        if word.startswith("--lang=") or word == "--lang":
            return word.removeprefix("--lang=") if "=" in word else next(iter(args[place + 1 :]), None)
        if not word.startswith("-"):
            break
    return os.environ.get("TORG_LANG")


@click.group(cls=Torg, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="torg", prog_name="torg")
@click.option("--lang", type=click.Choice(["sv", "en"]), envvar="TORG_LANG", help="Language of messages.")
def main(lang: str | None) -> None:
    """Publish a municipality's data as linked data."""
    set_language(lang)
    _allow_many_files()


def _allow_many_files() -> None:
    """Let this process open as many files as it may: a merge of graphs opens each, and shells allow 1 024 at first."""
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if most == resource.RLIM_INFINITY else min(_FILES, most)
    if resource.RLIM_INFINITY != allowed < wanted:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


site_option = click.option(
    "--site", "folder", type=click.Path(path_type=Path, file_okay=False), default=Path("."), help="The site's folder."
)
format_option = click.option(
    "--format", "format", type=click.Choice(["text", "json"]), default="text", help="For people or programs."
)
strict_option = click.option(
    "--strict", is_flag=True, help="Let no warning pass, and want a decision to publish in every dataset.toml."
)


def _open(folder: Path, **flags: Any) -> tuple[Site, Settings]:
    site = read_site(folder)
    return site, read_settings(site.raw, flags=flags)


def _data_of(folder: Path) -> Path:
    """Return the data folder, the usual one when site.toml cannot be read."""
    try:
        _, settings = _open(folder)
    except (LoadError, OperationError):
        return folder / str(Settings().data)
    return settings.data_folder(folder)


@main.command()
@click.argument("folder", type=click.Path(path_type=Path))
def init(folder: Path) -> None:
    """Make a working site in FOLDER from the starter region."""
    make_site(folder)
    say(
        sv=f"En plats finns nu i {folder}. Läs site.toml, kör sedan: torg publish --site {folder}",
        en=f"A site is now in {folder}. Read site.toml, then run: torg publish --site {folder}",
    )


@main.command()
@click.argument("datasets", nargs=-1)
@strict_option
@site_option
@format_option
def check(datasets: tuple[str, ...], strict: bool, folder: Path, format: str) -> None:
    """Check DATASETS (all when none is named) and publish nothing."""
    from server.check import check as run

    site, settings = _open(folder)
    with narrator() as progress:
        report = run(site, settings, datasets, progress, strict=strict)
    if format == "json":
        click.echo(json.dumps(report.members(), ensure_ascii=False, indent=1))
    else:
        echo_findings(report)
    sys.exit(1 if report.blocked else 0)


@main.command()
@click.argument("datasets", nargs=-1)
@click.option("--confirm", is_flag=True, help="Let identifiers vanish: more than a fifth of a dataset's, or a dataset.")
@click.option("--dry-run", is_flag=True, help="Do everything but switch to the new generation.")
@click.option("--due", is_flag=True, help="Look only at what is due by its accrualPeriodicity or has changed here.")
@strict_option
@site_option
@format_option
def publish(
    datasets: tuple[str, ...], confirm: bool, dry_run: bool, due: bool, strict: bool, folder: Path, format: str
) -> None:
    """Publish what changed in DATASETS (all when none is named)."""
    from server.publish import publish as run

    # A mistyped dataset or a trial says nothing of how publication is; the runs of the timer do.
    with nullcontext() if datasets or dry_run else told_when_failed(_data_of(folder)):
        site, settings = _open(folder)
        with narrator() as progress:
            done = run(
                site, settings, only=datasets, confirm=confirm, dry_run=dry_run, strict=strict, due=due,
                progress=progress,
            )  # fmt: skip
    echo_publication(done, format)
    sys.exit(1 if done.blocked else 0)


@main.command()
@click.argument("number", type=int)
@site_option
@format_option
def restore(number: int, folder: Path, format: str) -> None:
    """Publish a new generation equal to generation NUMBER."""
    from server.publish import restore as run

    site, settings = _open(folder)
    with narrator() as progress:
        done = run(site, settings, number, progress=progress)
    echo_publication(done, format)


@main.command()
@click.argument("uri", required=False)
@site_option
@format_option
def log(uri: str | None, folder: Path, format: str) -> None:
    """List the generations, or tell the story of URI."""
    from server.log import generations, origins, story

    site, settings = _open(folder)
    data = settings.data_folder(site.folder)
    entries = story(data, site.uris, uri) if uri else generations(data)
    if format == "json":
        click.echo(json.dumps(entries, ensure_ascii=False, indent=1))
        return
    for entry in entries:
        click.echo(log_line(entry))
    for line in origins(data, site.uris, uri, say.language) if uri else ():
        click.echo(line)
    if not entries:
        never = f"{uri} har aldrig publicerats här.", f"{uri} was never published here."
        sv, en = never if uri else ("Inget är publicerat än.", "Nothing is published yet.")
        say(sv=sv, en=en, err=True)
        sys.exit(1 if uri else 0)


@main.command()
@site_option
def rebase(folder: Path) -> None:
    """Move every identifier to the base that site.toml has now; old addresses will lead on (308)."""
    from server.publish import rebase as run

    site, settings = _open(folder)
    moved = run(site, settings)
    if moved is None:
        say(sv=f"Basadressen är redan {site.base}.", en=f"The base address is {site.base} already.")
        return
    say(
        sv=f"{moved[0]} har blivit {moved[1]}. Kör nu torg publish.",
        en=f"{moved[0]} has become {moved[1]}. Now run torg publish.",
    )


@main.command()
@click.option("--port", type=int, help="Port to listen on.")
@click.option("--dir", "folder", type=click.Path(path_type=Path), default=Path("torg-demo"), help="Where to keep it.")
@click.option("--no-open", is_flag=True, help="Open no browser.")
def demo(port: int | None, folder: Path, no_open: bool) -> None:
    """Publish the starter region and serve it."""
    from server.publish import publish as run
    from server.publish import rebase as move
    from server.serve import serve as start

    if not (folder / "site.toml").exists():
        make_site(folder)
    site, settings = _open(folder, port=port)
    if live_at(folder, f"{settings.address}/"):  # The demo's identifiers are to resolve where it runs.
        site, settings = _open(folder, port=port)
        move(site, settings)
    with narrator() as progress:
        done = run(site, settings, progress=progress)
    echo_publication(done, "text", brief=True)
    start(site.folder, settings, ready=lambda: _invite(site, settings, no_open))


main.add_command(serve)
main.add_command(follow)
main.add_command(doctor)
main.add_command(backup)
main.add_command(queries)
main.add_command(completion)
main.add_command(csvw)
main.add_command(diff)
main.add_command(describe_command)
main.add_command(token)
main.add_command(query)
main.add_command(purge)
main.add_command(dump)
main.add_command(impact)
main.add_command(mcp)


def _invite(site: Site, settings: Settings, no_open: bool) -> None:
    """Say what to try next: a page, a curl line, a query."""
    address = settings.address
    query = "SELECT ?name WHERE { ?school a <https://schema.org/School> ; <https://schema.org/name> ?name } LIMIT 5"
    thing = next(iter(site.publishers.values()))
    say(
        sv=f"""
Startregionen är publicerad på {address}/  (avsluta med Ctrl+C)

  En sida:   {address}/datasets
  Med curl:  curl -L -H 'Accept: text/turtle' {address}/id/organization/{thing.orgnr}
  En fråga:  curl --data-urlencode 'query={query}' -H 'Accept: text/csv' {address}/sparql
""",
        en=f"""
The starter region is published at {address}/  (stop with Ctrl+C)

  A page:    {address}/datasets
  By curl:   curl -L -H 'Accept: text/turtle' {address}/id/organization/{thing.orgnr}
  A query:   curl --data-urlencode 'query={query}' -H 'Accept: text/csv' {address}/sparql
""",
    )
    if not no_open:
        webbrowser.open(f"{address}/")
