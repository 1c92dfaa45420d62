"""What a deployment is made of: the steps from checkout to installation, the lock, units and container."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
LOCK = (ROOT / "deploy" / "requirements.lock").read_text("utf-8")


def script(path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(Path(path).stem, ROOT / path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def dockerfile() -> list[tuple[str, str]]:
    """The instructions of the Dockerfile, continued lines joined."""
    text = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text("utf-8"))
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines)]


def build_steps(text: str) -> list[str]:
    return [kind for kind in re.findall(r"deploy/build (\w+)", text)]


def test_the_container_is_built_by_the_steps_that_the_wheels_check_takes() -> None:
    container = [rest for word, rest in dockerfile() if word == "RUN" and "deploy/build" in rest]
    assert container == ["deploy/build wheel /wheels", "deploy/build install /opt/torg /wheels"]
    checked = "\n".join(
        line for line in (ROOT / ".ci" / "wheel").read_text("utf-8").splitlines() if not line.startswith("#")
    )
    assert build_steps(checked) == build_steps("\n".join(container))
    assert "pip wheel" not in checked and "pip install" not in checked
    steps = (ROOT / "deploy" / "build").read_text("utf-8")
    assert re.search(r'-m pip wheel --quiet --no-deps --wheel-dir "\$2" "\$root"', steps)
    assert "--require-hashes" in steps
    assert "scripts/sbom.py" in checked


def test_the_container_runs_as_nobody_much_with_one_volume_and_a_health_check() -> None:
    found = dockerfile()
    words = [word for word, _ in found]
    last = len(words) - 1 - words[::-1].index("FROM")
    final = found[last:]
    assert words.count("FROM") == 2
    assert [rest for word, rest in final if word == "USER"] == ["10001"]
    assert any(word == "RUN" and "useradd" in rest and "--uid 10001 " in rest for word, rest in final)
    assert [rest for word, rest in final if word == "VOLUME"] == ["/site"]
    assert not [rest for word, rest in final if word == "RUN" and ("pip" in rest or "apt" in rest)]
    check = next(rest for word, rest in final if word == "HEALTHCHECK")
    assert json.loads(check.partition("CMD ")[2])[1:] == ["/opt/torg/start.py", "--healthy"]
    copied = [rest.split() for word, rest in found if word == "COPY"]
    for parts in copied:
        source = parts[-2]
        assert source.startswith("/opt") or (ROOT / source).exists(), source
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    for needed in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE", "deploy", "server", "scripts"):
        assert needed not in ignored


def test_what_the_container_runs(tmp_path: Path) -> None:
    command = script("deploy/start.py").command
    assert command([], tmp_path) == ["torg", "demo", "--no-open", "--dir", str(tmp_path)]
    (tmp_path / "site.toml").touch()
    assert command([], tmp_path) == ["torg", "serve", "--site", str(tmp_path)]
    assert command(["publish", "--dry-run"], tmp_path) == ["torg", "publish", "--dry-run", "--site", str(tmp_path)]
    assert command(["check", "--site", "/else"], tmp_path) == ["torg", "check", "--site", "/else"]
    assert command(["--version"], tmp_path) == ["torg", "--version"]


def test_an_unhealthy_container_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORG_PORT", "9")
    assert script("deploy/start.py").healthy() == 1


def test_the_lock_pins_every_library_within_its_range_by_hash() -> None:
    sbom = script("scripts/sbom.py")
    pinned = sbom.locked(LOCK)
    versions = dict(name.split("==") for name in pinned)
    assert all(re.fullmatch(r"[0-9a-f]{64}", digest) for digests in pinned.values() for digest in digests)
    assert all(pinned.values())
    for text in PROJECT["dependencies"]:
        wanted = Requirement(text)
        name = canonicalize_name(wanted.name)
        assert name in versions, f"{name} is not locked: run make lock"
        assert wanted.specifier.contains(versions[name]), f"{name} {versions[name]} is not {wanted.specifier}"
    assert "://" not in LOCK and "--index" not in LOCK and " @ " not in LOCK


def test_libraries_that_crashes_depend_on_have_an_upper_bound() -> None:
    for text in PROJECT["dependencies"]:
        assert any(each.operator in ("<", "==", "~=") for each in Requirement(text).specifier), text
    assert "pyoxigraph>=0.5.13,<0.6" in PROJECT["dependencies"]


def test_what_is_promised_of_pythons_is_in_the_metadata() -> None:
    stated = {
        c.rpartition(" :: ")[2] for c in PROJECT["classifiers"] if c.startswith("Programming Language :: Python ::")
    }
    assert {"3.11", "3.12", "3.13"} <= stated and PROJECT["requires-python"] == ">=3.11"


def test_nothing_is_imported_that_later_pythons_have_dropped() -> None:
    """The standard library's modules that 3.12 and 3.13 removed (What's New in Python 3.12; PEP 594)."""
    dropped = set(
        "asynchat asyncore distutils imp smtpd aifc audioop cgi cgitb chunk crypt imghdr mailcap msilib nis nntplib "
        "ossaudiodev pipes sndhdr spwd sunau telnetlib uu xdrlib lib2to3".split()
    )
    statement = re.compile(rf"^\s*(?:import|from)\s+({'|'.join(sorted(dropped))})\b", re.MULTILINE)
    found = {
        f"{path.relative_to(ROOT)}: {name}"
        for package in ("ontology", "queries", "loaders", "server", "deploy", "scripts")
        for path in (ROOT / package).glob("**/*.py" if package != "server" else "[!f]*/**/*.py")
        for name in statement.findall(path.read_text("utf-8"))
    } | {name for path in (ROOT / "server").glob("*.py") for name in statement.findall(path.read_text("utf-8"))}
    assert found == set()


@pytest.mark.parametrize("path", sorted((ROOT / "deploy" / "systemd").iterdir()), ids=lambda path: path.name)
def test_units_are_understood(path: Path, tmp_path: Path) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd is not installed here")
    for unit in (ROOT / "deploy" / "systemd").iterdir():
        text = unit.read_text("utf-8").replace("/opt/torg/bin/torg", sys.executable).replace("User=torg", "User=root")
        (tmp_path / unit.name).write_text(text.replace("Group=torg\n", ""), "utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", tmp_path / path.name], capture_output=True, text=True, timeout=30
    )
    complaints = [line for line in done.stderr.splitlines() if path.name in line]
    assert complaints == [], done.stderr


def test_units_stop_gracefully_and_are_hardened() -> None:
    for name in ("torg.service", "torg-publish.service"):
        unit = (ROOT / "deploy" / "systemd" / name).read_text("utf-8")
        for line in ("NoNewPrivileges=yes", "ProtectSystem=strict", "ReadWritePaths=/srv/torg", "PrivateTmp=yes",
                     "CapabilityBoundingSet=", "ProtectHome=yes", "SystemCallArchitectures=native"):  # fmt: skip
            assert f"\n{line}\n" in unit, (name, line)
    serve = (ROOT / "deploy" / "systemd" / "torg.service").read_text("utf-8")
    assert "KillMode=mixed" in serve and "ExecReload=/bin/kill -HUP $MAINPID" in serve
    from server.serve import DRAIN_SECONDS

    assert int(re.search(r"TimeoutStopSec=(\d+)", serve)[1]) > DRAIN_SECONDS  # type: ignore[index]
    compose = (ROOT / "deploy" / "compose.yaml").read_text("utf-8")
    assert int(re.search(r"stop_grace_period: (\d+)s", compose)[1]) > DRAIN_SECONDS  # type: ignore[index]
    assert "read_only: true" in compose and "no-new-privileges" in compose


def test_parts_of_the_pages_are_listed_with_their_licences() -> None:
    sbom = script("scripts/sbom.py")
    parts = {part["name"]: part for part in sbom.scripts(sbom.NODE_LOCK)}
    assert {"leaflet", "@codemirror/view"} <= set(parts)
    assert parts["@codemirror/view"]["purl"].startswith("pkg:npm/%40codemirror/view@")
    assert all(sbom.terms_of(part) != "not stated" for part in parts.values())
    assert not any("esbuild" in name for name in parts)
