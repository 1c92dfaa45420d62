"""Serves a site's tools over stdio by the Model Context Protocol; needs the extra `torg[mcp]`."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from importlib.metadata import version
from typing import Any

from server.agent_tools import AgentTools
from server.errors import OperationError, Problem
from server.instance import Torg

_INSTRUCTIONS = (
    "Linked open data of {title}. Look up an IRI with search or resolve before you use one, and never make one up. "
    "Prefer a named query (list_queries) to SPARQL. Names are mostly Swedish. Answers are cut when they are long, and "
    "say so."
)


def make_server(torg: Torg) -> Any:
    """Return the protocol server of a site; raise OperationError when the extra is not installed."""
    try:
        from mcp.server import MCPServer
        from mcp.server.mcpserver.exceptions import ToolError
    except ImportError:
        raise OperationError(
            "This needs the extra mcp: pip install 'torg[mcp]'.",
            "Det här kräver tillägget mcp: pip install 'torg[mcp]'.",
        ) from None
    title = next(iter(torg.site.title.values()), "torg")
    server = MCPServer("torg", version=version("torg"), instructions=_INSTRUCTIONS.format(title=title))
    tools = AgentTools(torg)
    for tool in (
        tools.search, tools.resolve, tools.describe, tools.list_datasets, tools.list_queries, tools.run_named_query,
        tools.sparql_select,
    ):  # fmt: skip
        server.add_tool(_advising(tool, ToolError), name=tool.__name__, description=tool.__doc__)
    server.resource("torg://prefixes", name="prefixes", mime_type="text/plain")(_named(tools.prefixes, "prefixes"))
    server.resource("torg://schema", name="schema", mime_type="text/plain")(_named(tools.schema, "schema"))
    return server


def serve(torg: Torg) -> None:
    """Serve over stdio until the client goes."""
    make_server(torg).run("stdio")


def _advising(tool: Callable[..., str], fault: type[Exception]) -> Callable[..., str]:
    """Return a tool whose errors are the advice alone."""

    @wraps(tool)
    def advised(*arguments: Any, **named: Any) -> str:
        try:
            return tool(*arguments, **named)
        except Problem as problem:
            raise fault(problem.detail or problem.title) from None

    return advised


def _named(read: Callable[[], str], name: str) -> Callable[[], str]:
    def resource() -> str:
        return read()

    resource.__name__, resource.__doc__ = name, read.__doc__
    return resource
