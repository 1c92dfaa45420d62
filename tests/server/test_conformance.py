"""The black-box checks of the specifications against a server of our own, run where they lie beside the checkout."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from server.publish import publish
from server.settings import Settings
from server.site import read_site
from server.starter_site import init

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
DATASET = """
title.sv = "Protokolltest"
description.sv = "Tre grafer med var sin trippel."
license = "http://creativecommons.org/publicdomain/zero/1.0/"
source = "w3c-protocol.nq"
keepGraphs = true
"""
SERVE = (
    "import sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path; from server.serve import serve; "
    "from server.settings import read_settings; from server.site import read_site; site = Path(sys.argv[2]); "
    "serve(site, read_settings(read_site(site).raw, environment={}, flags={'port': int(sys.argv[3])}))"
)


def wait_for(base: str) -> None:
    until = time.monotonic() + 120
    while True:
        try:
            with urllib.request.urlopen(f"{base}/-/ready", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            assert time.monotonic() < until, "the server did not start"
            time.sleep(0.2)


def test_every_must_and_nearly_every_should(shared: Path, tmp_path: Path) -> None:
    checks = shared / "conformance"
    if not checks.is_dir():
        pytest.skip("opt-in: no conformance checks beside the checkout")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    base = f"http://127.0.0.1:{port}"
    site = init(tmp_path / "site")
    toml = (site / "site.toml").read_text("utf-8")
    # The first one is the site's; a map has a base too.
    (site / "site.toml").write_text(re.sub(r"(?m)^base = .*$", f'base = "{base}/"', toml, count=1), "utf-8")
    fixture = site / "datasets" / "alvhult" / "protokoll"
    fixture.mkdir()
    shutil.copy(checks / "fixtures" / "w3c-protocol.nq", fixture)
    (fixture / "dataset.toml").write_text(DATASET, "utf-8")
    assert publish(read_site(site), Settings()).blocked == []
    server = subprocess.Popen([sys.executable, "-c", SERVE, str(ROOT), str(site), str(port)])
    try:
        wait_for(base)
        report = tmp_path / "report.json"
        subprocess.run(
            [sys.executable, "-m", "conformance", base, "--profile", ROOT / "tests/conformance.toml", "--json", report],
            cwd=shared,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            timeout=300,
            check=False,
        )
    finally:
        server.terminate()
        assert server.wait(timeout=40) == 0
    levels = json.loads(report.read_text("utf-8"))["score"]["levels"]
    assert levels["MUST"]["fail"] == 0 and levels["MUST"]["pass"] > 120
    assert levels["POLICY"]["fail"] == 0
    should = levels["SHOULD"]
    assert should["pass"] >= 0.95 * (should["pass"] + should["fail"])
