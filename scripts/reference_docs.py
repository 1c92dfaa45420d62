"""Writes docs/settings.md, rules.md, commands.md and modules.md from the code: `python scripts/reference_docs.py`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import click

import ontology
from server.cli import main as torg
from server.settings import SETTINGS

DOCS = Path(__file__).parent.parent / "docs"
PACKAGES = ("ontology", "queries", "loaders", "loaders/csvw", "server", "server/views")


def settings() -> Iterator[str]:
    """Yield the lines of docs/settings.md."""
    yield "# Settings\n"
    yield "A flag goes before the environment, the environment before site.toml, site.toml before the default."
    yield "Secrets are never settings.\n"
    yield "| Setting | In site.toml | In the environment | Default | Meaning |\n|---|---|---|---|---|"
    for setting in SETTINGS:
        place = f"`[{setting.table}]` | `{setting.variable}` | `{setting.default}`"
        yield f"| `{setting.name}` | {place} | {setting.help_en} |"


def rules() -> Iterator[str]:
    """Yield the lines of docs/rules.md."""
    yield "# Rules\n"
    yield "What torg checks, by rule id. `block` stops the dataset (its last good state stays published), `warn`"
    yield "should be mended, `info` is told. Words in braces are filled in by each finding; of two words with a stroke"
    yield "between them, the first goes with a count of one. What stands in brackets is said when it is known.\n"
    for family in sorted({id.split(".")[0] for id in ontology.rules()}):
        yield f"## {family}\n"
        yield "| Rule | Severity | What is wrong | What to do | På svenska |\n|---|---|---|---|---|"
        for rule in ontology.rules().values():
            if rule.id.split(".")[0] == family:
                cells = [rule.text["en"], rule.advice["en"], f"{rule.text['sv']} {rule.advice['sv']}"]
                yield f"| `{rule.id}` | {rule.severity} | {' | '.join(cell.replace('|', '/') for cell in cells)} |"
        yield ""


def commands(group: click.Group = torg, prefix: str = "torg") -> Iterator[str]:
    """Yield the lines of docs/commands.md."""
    if prefix == "torg":
        yield "# Commands\n"
        yield "Results go to stdout, progress to stderr."
        yield "Exit codes: 0 done, 1 findings that block, 2 usage or environment."
        yield "Messages are in Swedish for a Swedish locale or with `torg --lang sv`.\n"
    for name, command in sorted(group.commands.items()):
        if isinstance(command, click.Group):
            yield from commands(command, f"{prefix} {name}")
            continue
        arguments = [
            param.make_metavar(click.Context(command))
            for param in command.params
            if param.param_type_name == "argument"
        ]
        yield f"## `{prefix} {name}`\n"
        yield f"{(command.help or '').split(chr(12))[0].strip()}\n"
        yield f"    {' '.join([prefix, name, '[OPTIONS]', *arguments])}\n"
        for param in command.params:
            if isinstance(param, click.Option):
                yield f"- `{', '.join(param.opts)}` {param.help or ''}".rstrip()
        yield ""


def modules() -> Iterator[str]:
    """Yield the lines of docs/modules.md: what each module is for, in its own words."""
    yield "# Modules\n"
    yield "Every module with the sentence it opens with; [architecture](architecture.md) tells how they work together."
    for package in PACKAGES:
        yield f"\n## {package.replace('/', '.')}\n"
        yield "| Module | What it is for |\n|---|---|"
        for file in sorted((DOCS.parent / package).glob("*.py")):
            said = " ".join((ast.get_docstring(ast.parse(file.read_text("utf-8"))) or "").split("\n\n")[0].split())
            name = file.stem if file.stem != "__init__" else package.replace("/", ".")
            yield f"| [`{name}`](../{package}/{file.name}) | {said.replace('|', chr(92) + '|')} |"


def write() -> None:
    """Write all four files."""
    written = (("settings", settings()), ("rules", rules()), ("commands", commands()), ("modules", modules()))
    for name, lines in written:
        (DOCS / f"{name}.md").write_text("\n".join(lines).rstrip() + "\n", "utf-8")


if __name__ == "__main__":
    write()
