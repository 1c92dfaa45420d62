"""The dependency rule of docs/architecture.md: imports go downwards, and doors to the outside are few."""

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("ontology", "queries", "loaders", "server")

TOP = ("server.cli", "server.cli_serve", "server.views", "server.serve")

STORE_MODULES = {
    "server.store",
    "server.rdf_formats",
    "server.reader",
    "server.reader_process",
    "server.rdf_process",
    "server.shapes",
    "server.harvest_process",
}
SOCKET_MODULES = {
    "loaders.connections",
    "loaders.fetch",
    "server.serve",  # only asks whether the port is free
    "server.sandbox",  # refuses sockets
    "server.reader",  # a socketpair to its reader process
    "server.reader_process",
    "server.remote_store",
}


@cache
def modules() -> dict[str, Path]:
    found = {}
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            found[name] = path
    return found


def imports(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                submodule = f"{node.module}.{alias.name}"
                names.add(submodule if submodule in modules() else node.module)
    return names


@pytest.fixture(scope="module")
def graph() -> dict[str, set[str]]:
    known = modules()
    return {
        name: {found for found in imports(path) if found in known and found != name} for name, path in known.items()
    }


def below(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(prefix + ".")


def test_ontology_imports_nothing_of_ours(graph):
    assert {} == {name: found for name, found in graph.items() if below(name, "ontology") and found - {"ontology"}}


@pytest.mark.parametrize("package", ["loaders", "queries"])
def test_loaders_and_queries_do_not_know_the_server(graph, package):
    wrong = {
        name: sorted(other for other in found if below(other, "server"))
        for name, found in graph.items()
        if below(name, package)
    }
    assert {} == {name: found for name, found in wrong.items() if found}


def test_nothing_below_imports_views_or_commands(graph):
    wrong = {
        name: sorted(other for other in found if any(below(other, top) for top in TOP))
        for name, found in graph.items()
        if not any(below(name, top) for top in TOP) and name != "server"
    }
    assert {} == {name: found for name, found in wrong.items() if found}


def test_imports_have_no_cycle(graph):
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join([*trail[trail.index(name) :], name])
        if name not in done:
            for other in sorted(graph[name]):
                visit(other, (*trail, name))
            done.add(name)

    for name in sorted(graph):
        visit(name, ())


def test_flask_only_in_the_factory_and_views():
    wrong = [
        name
        for name, path in modules().items()
        if any(below(found, "flask") or below(found, "flask_babel") for found in imports(path))
        and name != "server"
        and not below(name, "server.views")
    ]
    assert [] == wrong


def test_pyoxigraph_only_in_store_modules():
    wrong = [name for name, path in modules().items() if any(below(found, "pyoxigraph") for found in imports(path))]
    assert set(wrong) <= STORE_MODULES


def test_sockets_only_where_said():
    doors = ("socket", "requests", "urllib.request", "http.client", "urllib3")
    wrong = [
        name for name, path in modules().items() if any(below(found, door) for found in imports(path) for door in doors)
    ]
    assert set(wrong) <= SOCKET_MODULES


def test_every_module_says_what_it_is_for():
    missing = [name for name, path in modules().items() if not ast.get_docstring(ast.parse(path.read_text("utf-8")))]
    assert [] == missing


def test_every_imported_library_is_a_declared_dependency():
    import re
    import sys
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    optional = [name for extra in project.get("optional-dependencies", {}).values() for name in extra]
    split = r"[<>=\[ ;]"
    declared = {re.split(split, entry)[0].lower().replace("_", "-") for entry in project["dependencies"] + optional}
    distribution = {"python-calamine": "python_calamine", "prometheus-client": "prometheus_client"}
    known = {distribution.get(name, name.replace("-", "_")) for name in declared}
    # These come with Flask and requests; _typeshed is for type checkers only.
    known |= {"werkzeug", "jinja2", "markupsafe", "urllib3", "_typeshed"}
    found = {name.split(".")[0] for path in modules().values() for name in imports(path)}
    assert set() == found - known - set(sys.stdlib_module_names) - set(PACKAGES)
