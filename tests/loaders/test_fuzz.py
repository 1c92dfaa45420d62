"""Damaged files of every form end in findings or a blocked dataset, with every row accounted for; never in a crash."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.loaders.conftest import Loader

STARTER = Path(__file__).parents[2] / "server" / "starter" / "datasets"
FILES = sorted(path for path in STARTER.glob("*/*/*") if path.suffix != ".toml")
PIECES = [b'"', b'""', b"\0", b";", b",", b"\t", b"\n", b"\r", b"\r\n", b"\xff", b"\xc3", b"\xe5", b"\xef\xbb\xbf",
          b"{", b"}", b"[", b"]", b"\\", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"<html>", "ⅷ".encode(), b"1e999999",
          b"x" * 70_000, b"," * 17_000]  # fmt: skip


def damaged(content: bytes, draw: random.Random) -> bytes:
    """Cut, insert, repeat, swap or overwrite something."""
    data = bytearray(content)
    for _ in range(draw.choice((1, 1, 2, 5, 40))):
        at = draw.randrange(len(data) + 1)
        match draw.randrange(6):
            case 0:
                del data[at:]
            case 1:
                data[at:at] = draw.choice(PIECES)
            case 2:
                data[at : at + draw.randrange(1, 200)] = b""
            case 3:
                data[at:at] = data[: draw.randrange(len(data) + 1)][-2_000:]
            case 4:
                data[at : at + 4] = draw.randbytes(4)
            case 5:
                data[at:at] = draw.choice(PIECES) * draw.randrange(1, 9)
        if not data:
            break
    return bytes(data[: 4 << 20])


@pytest.mark.parametrize("seed", range(60))
def test_damaged_files(seed: int, load_files: Loader) -> None:
    draw = random.Random(seed)
    path = draw.choice(FILES)
    toml = (path.parent / "dataset.toml").read_text("utf-8")
    lines = [line for line in toml.splitlines() if not line.startswith("source")]
    said = "\n".join(['period = "2026"', *lines])
    done = load_files({f"a{path.suffix}": damaged(path.read_bytes(), draw)}, said)
    assert done.error is None or len(done.error.text("sv")) < 4_000
    assert done.counts.rows_in >= done.counts.rows_out


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1_000, 1_500))
def test_many_damaged_files(seed: int, load_files: Loader) -> None:
    test_damaged_files(seed, load_files)
