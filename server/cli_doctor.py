"""`torg doctor`: is everything well with this installation, and if not, what to do."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from server.cli_output import say


@click.command()
@click.option(
    "--site", "folder", type=click.Path(path_type=Path, file_okay=False), default=Path("."), help="The site's folder."
)
@click.option("--format", "format", type=click.Choice(["text", "json"]), default="text", help="For people or programs.")
def doctor(folder: Path, format: str) -> None:
    """Examine machine, site and data; exit 1 when something must be mended."""
    from server.doctor import examine, worst

    checks = []
    for check in examine(folder):
        checks.append(check)
        if format == "text":
            plain = (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"
            marks = {"ok": "+", "warn": "!", "fail": "x"} if plain else {"ok": "✓", "warn": "!", "fail": "✗"}
            click.echo(f"{marks[check.level]} {check.name}: {check.text(say.language)}")
    found = worst(checks)
    if format == "json":
        members = {"level": found, "checks": [check.members() for check in checks]}
        click.echo(json.dumps(members, ensure_ascii=False, indent=1))
    elif found == "ok":
        say(sv="Allt är väl.", en="All is well.", err=True)
    sys.exit(1 if found == "fail" else 0)
