"""What `--help` and a mistyped command say, in the language of the run: click speaks English only.

The English sentences stand beside the commands and are the keys of `translations/commands.sv.po`.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import IO, Any

import click

from server.cli_output import say
from server.texts import texts

_SENTENCE = 400  # characters: a list of commands has their first sentences whole

_WORDS = {
    "Options": "Flaggor",
    "Commands": "Kommandon",
    "Show this message and exit.": "Visa den här texten.",
}
_FAULTS = (
    (re.compile(r"No such command '?(.*?)'?\.(?: Did you mean '?(.*?)'?\?)?\Z", re.S), "Kommandot {0} finns inte."),
    (re.compile(r"Missing command\.\Z"), "Ange ett kommando."),
    (re.compile(r"Got unexpected extra arguments? \((.*)\)\Z", re.S), "För mycket på raden: {0}."),
    (re.compile(r"Option '?(.*?)'? requires an argument\.\Z"), "Flaggan {0} behöver ett värde."),
    (re.compile(r"Option '?(.*?)'? does not take a value\.\Z"), "Flaggan {0} tar inget värde."),
    (re.compile(r"'?(.*?)'? is not one of (.*)\.\Z", re.S), "{0} är inget av {1}."),
    (re.compile(r"'?(.*?)'? is not a valid integer\.\Z", re.S), "{0} är inget heltal."),
    (re.compile(r"'?(.*?)'? is not a valid float\.\Z", re.S), "{0} är inget tal."),
    (re.compile(r"\w+ '?(.*?)'? does not exist\.\Z", re.S), "{0} finns inte."),
    (re.compile(r"\w+ '?(.*?)'? is a directory\.\Z", re.S), "{0} är en mapp."),
    (re.compile(r"\w+ '?(.*?)'? is a file\.\Z", re.S), "{0} är en fil."),
    (re.compile(r"\w+ '?(.*?)'? is not readable\.\Z", re.S), "{0} går inte att läsa."),
)


class Formatter(click.HelpFormatter):
    """Writes help with headings and standing phrases in the language of the run."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """Write the line that shows how a command is used."""
        super().write_usage(prog, args, say.pick(sv="Användning: ", en="Usage: ") if prefix is None else prefix)

    def write_heading(self, heading: str) -> None:
        """Write a heading."""
        super().write_heading(_standing(heading))

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        """Write a list of options or commands."""
        super().write_dl([(term, _standing(text)) for term, text in rows], col_max, col_spacing)


class SpokenContext(click.Context):
    """A context whose help is in the language of the run."""

    formatter_class = Formatter


class SpokenGroup(click.Group):
    """A group whose commands are helped with, and whose faults are told, in the language of the run."""

    context_class = SpokenContext

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command that speaks the language of the run."""
        command = super().get_command(ctx, cmd_name)
        return None if command is None else spoken(command)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands, each with its whole first sentence."""
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [(name, each.get_short_help_str(_SENTENCE)) for name, each in commands if each and not each.hidden]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def spoken(command: click.Command) -> click.Command:
    """Return a command whose help is in the language of the run; the one given stays as it is."""
    found = copy.copy(command)
    found.context_class = SpokenContext
    if say.language == "en":
        return found
    words = texts("sv", "commands.").gettext
    found.help = words(command.help) if command.help else None
    found.options_metavar = "[FLAGGOR]"
    found.params = [_spoken_parameter(parameter) for parameter in command.params]
    return found


def _spoken_parameter(parameter: click.Parameter) -> click.Parameter:
    found = copy.copy(parameter)
    if isinstance(found, click.Option) and found.help:
        found.help = texts("sv", "commands.").gettext(found.help)
    return found


def _standing(text: str) -> str:
    if say.language == "en":
        return text
    text = re.sub(r"\[default: (.*?)\]", r"[annars: \1]", text).replace("[required]", "[krävs]")
    return _WORDS.get(text, text)


@contextmanager
def told_in_language() -> Iterator[None]:
    """Let the faults of the command line be told in the language of the run."""
    try:
        yield
    except click.exceptions.NoArgsIsHelpError:
        raise
    except click.UsageError as error:
        if say.language == "en" or isinstance(error, _Fault):
            raise
        raise _in_swedish(error) from None


class _Fault(click.UsageError):
    """A fault of the command line, told in Swedish."""

    def show(self, file: IO[Any] | None = None) -> None:
        """Print how the command is used, where help is, and what is wrong."""
        echo = partial(click.echo, file=file, err=file is None)
        if self.ctx is not None:
            echo(self.ctx.get_usage())
            echo(f"Pröva ”{self.ctx.command_path} --help”.\n")
        echo(f"Fel: {self.message}")


def _in_swedish(error: click.UsageError) -> click.UsageError:
    """Return the same fault in Swedish; what is not known is told as it came."""
    if isinstance(error, click.NoSuchOption):
        near = f" Menade du {', '.join(sorted(error.possibilities))}?" if error.possibilities else ""
        return _Fault(f"Flaggan {error.option_name} finns inte.{near}", error.ctx)
    parameter = getattr(error, "param", None)
    hint = parameter.get_error_hint(error.ctx) if parameter is not None and error.ctx is not None else ""
    if isinstance(error, click.MissingParameter):
        return _Fault(f"{hint or 'Ett värde'} saknas.", error.ctx)
    told = _translated(error.message)
    return _Fault(f"{hint}: {told}" if hint else told, error.ctx)


def _translated(message: str) -> str:
    if (own := texts("sv", "commands.").gettext(message)) != message:
        return own
    for pattern, swedish in _FAULTS:
        if match := pattern.match(message):
            near = f" Menade du {match[2]}?" if pattern.groups > 1 and "{1}" not in swedish and match[2] else ""
            return swedish.format(*match.groups()) + near
    return message
