"""The documentation is complete: settings, commands, specifications and rules; README's session runs."""

import re
import shlex
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import ontology
from server.cli import main
from server.settings import SETTINGS

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"


def test_every_setting_is_documented():
    text = (DOCS / "settings.md").read_text("utf-8")
    rows = {match[1]: match[0] for match in re.finditer(r"^\| `(\w+)` .*$", text, re.MULTILINE)}
    assert {setting.name for setting in SETTINGS} == set(rows)
    for setting in SETTINGS:
        assert setting.variable in rows[setting.name]
        assert f"[{setting.table}]" in rows[setting.name]
        assert setting.help_en in rows[setting.name]
        assert f"`{setting.default}`" in rows[setting.name], setting.name


def commands(group: click.Group, prefix: str = "torg") -> dict[str, click.Command]:
    found: dict[str, click.Command] = {}
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            found |= commands(command, f"{prefix} {name}")
        else:
            found[f"{prefix} {name}"] = command
    return found


def test_every_command_and_option_is_documented():
    text = (DOCS / "commands.md").read_text("utf-8")
    for name, command in commands(main).items():
        assert f"## `{name}`" in text, name
        section = text.split(f"## `{name}`")[1].split("\n## ")[0]
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.opts[-1] in section, f"{name} {parameter.opts[-1]}"
    assert set(re.findall(r"^## `(torg [a-z -]+)`", text, re.MULTILINE)) == set(commands(main))


def test_every_specification_is_documented():
    text = (DOCS / "specifications.md").read_text("utf-8")
    for name in ontology.specification_names():
        assert name in text


def test_every_rule_speaks_both_languages():
    for rule in ontology.rules().values():
        for texts in (rule.text, rule.advice):
            assert {"sv", "en"} == set(texts), rule.id
            assert all(text.strip() for text in texts.values()), rule.id
            assert _placeholders(texts["sv"]) == _placeholders(texts["en"]), rule.id


def test_every_rule_is_listed():
    text = (DOCS / "rules.md").read_text("utf-8")
    assert set(ontology.rules()) == set(re.findall(r"^\| `([\w.-]+)`", text, re.MULTILINE))


def test_every_module_is_listed():
    """Mended by `python scripts/reference_docs.py`."""
    listed = set(
        re.findall(r"^\| \[`\w[\w.]*`\]\(\.\./([\w/.]+)\)", (DOCS / "modules.md").read_text("utf-8"), re.MULTILINE)
    )
    there = {
        file.relative_to(ROOT).as_posix()
        for package in ("ontology", "queries", "loaders", "server")
        for file in (ROOT / package).rglob("*.py")
    }
    assert listed == {name for name in there if "node_modules" not in name}


@pytest.mark.parametrize(
    "path", [*DOCS.rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"], ids=lambda p: p.name
)
def test_links_lead_somewhere(path):
    for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", path.read_text("utf-8")):
        assert (path.parent / target).exists(), target


def test_the_readmes_session_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "README.md").read_text("utf-8")
    lines = [line.removeprefix("$ ") for line in re.findall(r"^\$ torg .*$", text, re.MULTILINE)]
    ran = 0
    for line in lines:
        arguments = shlex.split(line)[1:]
        if arguments[0] in ("serve", "demo"):
            continue  # these run until stopped; .ci/wheel runs the demo
        done = CliRunner().invoke(main, arguments)
        assert done.exit_code == 0, f"{line}\n{done.output}"
        ran += 1
    assert ran >= 4


def _placeholders(text: str) -> set[str]:
    """The placeholders of a text; `{name_sv}` and `{name_en}` are the same one in two languages."""
    return {re.sub(r"_(sv|en)$", "", name) for name in re.findall(r"{(\w+)}", text)}
