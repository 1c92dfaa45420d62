"""`torg mcp`: serves the tools for language models over stdio."""

from __future__ import annotations

from pathlib import Path

import click

from server.instance import Torg


@click.command()
@click.option(
    "--site", "folder", type=click.Path(path_type=Path, file_okay=False), default=Path("."), help="The site's folder."
)
def mcp(folder: Path) -> None:
    """Serve search, descriptions and queries to a language model over stdio (Model Context Protocol)."""
    from server.mcp import serve

    serve(Torg.open(folder))
