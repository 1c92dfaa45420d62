"""`--help` and mistyped commands in both languages: no command is left in the other one."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from server.cli import main
from server.texts import texts


def commands(group: click.Group = main, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name, command in sorted(group.commands.items()):
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


def sentences(command: click.Command) -> set[str]:
    options = (parameter.help for parameter in command.params if isinstance(parameter, click.Option))
    return {" ".join(text.split()) for text in (command.help, *options) if text}


ALL = dict(commands())


def run(*words: str, **environment: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, words, env={"TORG_LANG": None, "LC_ALL": "C.UTF-8", **environment})
    return done.exit_code, " ".join(done.output.split())


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_every_command_is_helped_with_in_both_languages(path):
    swedish = texts("sv", "commands.").gettext
    for language in ("en", "sv"):
        code, told = run("--lang", language, *path, "--help")
        assert code == 0
        for sentence in sentences(ALL[path]):
            assert swedish(sentence) != sentence or sentence == "Syntax.", sentence
            assert (sentence if language == "en" else swedish(sentence)) in told
        assert ("Usage:", "Användning:")[language == "sv"] in told
        assert ("Show this message and exit.", "Visa den här texten.")[language == "sv"] in told


def test_no_command_is_cut_short_in_the_list():
    for language in ("en", "sv"):
        code, told = run("--lang", language, "--help")
        assert code == 0 and "..." not in told.replace("[ARGS]...", "")
        for path, command in ALL.items():
            if len(path) == 1:
                first = (command.help or "").strip()
                assert (first if language == "en" else texts("sv", "commands.").gettext(first)).rstrip(".") in told


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({}, ("--lang", "sv", "check", "--help")),
        ({}, ("--lang=sv", "check", "--help")),
        ({"TORG_LANG": "sv"}, ("check", "--help")),
        ({"LC_ALL": "sv_SE.UTF-8"}, ("check", "--help")),
        ({"TORG_LANG": "sv"}, ("--help",)),
    ],
)
def test_the_language_of_help_is_that_of_messages(environment, words):
    assert "Användning:" in run(*words, **environment)[1]
    assert "Användning:" in run("--lang", "sv", "token")[1]  # a group alone
    assert "Usage:" in run("--lang", "en", *words[-2:], **environment)[1]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("chek",), "Fel: Kommandot chek finns inte."),
        (("check", "--sight", "x"), "Fel: Flaggan --sight finns inte. Menade du --site?"),
        (("purge", "x"), "'--reason' saknas."),
        (("restore", "x"), "x är inget heltal."),
        (("check", "--format", "xml"), "xml är inget av 'text', 'json'."),
        (("check", "--site"), "Flaggan --site behöver ett värde."),
        (("init", "a", "b"), "För mycket på raden: b."),
        (("csvw", "x", "--base", "http://a.example/"), "Fel: --base och --root hör ihop."),
    ],
)
def test_a_mistyped_command_is_told_in_swedish(words, told):
    code, output = run(*words, TORG_LANG="sv")
    assert code == 2 and told in output, output
    assert "Error" not in output and "Try" not in output


def test_a_mistyped_command_is_told_in_english():
    code, output = run("check", "--sight", "x", TORG_LANG="en")
    assert code == 2 and "Error: No such option" in output and "Usage: main check" in output


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_is_told_how_to_complete(shell):
    code, script = run("completion", shell)
    assert code == 0 and "_TORG_COMPLETE" in script
    asked = {"_TORG_COMPLETE": "bash_complete", "COMP_WORDS": "torg pub", "COMP_CWORD": "1"}
    told = CliRunner().invoke(main, [], env=asked, prog_name="torg").output
    assert told.split() == ["plain,publish"]
