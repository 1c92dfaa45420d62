"""docs/faults.md: every row names a test that there is, or a drill that is described."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "faults.md").read_text("utf-8")
ROWS = [line.split("|")[1:-1] for line in TEXT.splitlines() if line.startswith("|")][2:]


@pytest.mark.parametrize("row", ROWS, ids=[row[0].strip() for row in ROWS])
def test_every_fault_has_a_test_or_a_drill(row: list[str]) -> None:
    fault, done, proofs = (cell.strip() for cell in row)
    assert fault and done
    drills = re.findall(r"drill: (\w+)", proofs)
    tests = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", proofs)
    assert drills or tests
    for drill in drills:
        assert f"**{drill}.**" in TEXT
    for file, name in tests:
        tree = ast.parse((ROOT / file).read_text("utf-8"))
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, f"{file}::{name}"


def test_the_table_is_there() -> None:
    assert len(ROWS) >= 28
