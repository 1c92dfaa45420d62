"""Whatever comes in, a proposal or one finding comes out: seeded damage to good files, and the listed bad ones."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from loaders.describe import describe
from loaders.errors import LoadError
from loaders.load import LoadContext
from tests.loaders.conftest import BASE, Loader, shared_concepts
from tests.loaders.test_bad_input import BLOCKING
from tests.loaders.test_statistics import CUBE, PX, stat

GOOD = {
    "skolor.csv": b"Skolenhetskod;Namn;Elever;Latitud\n12345678;Bj\xc3\xb6rk;1 204,5;59,2\n12345679;Sj\xc3\xb6;3;9,3\n",
    "a.px": PX.encode("cp1252"),
    "a.json": stat().encode(),
    "b.geojson": b'{"type":"FeatureCollection","features":[{"properties":{"id":"1"},"geometry":'
    b'{"type":"Point","coordinates":[15.2,59.2]}}]}',
}
SIGNS = b';,"\n\r\t\0\xff\xc3{}[]()=0a '


def damaged(content: bytes, chance: random.Random) -> bytes:
    """Return the content with a few bytes changed, doubled, lost or cut off."""
    work = bytearray(content)
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(len(work))
        match chance.randrange(4):
            case 0:
                work[at] = chance.choice(SIGNS)
            case 1:
                del work[at : at + chance.randint(1, 20)]
            case 2:
                work[at:at] = work[at : at + 20]
            case _:
                work[at:at] = bytes([chance.choice(SIGNS)]) * chance.randint(1, 30)
        if not work:
            return b"x"
    return bytes(work)


def described(path: Path) -> None:
    context = LoadContext(BASE, BASE, "1880", "id/organization/2120001967", shared_concepts())
    try:
        done = describe(path, context)
    except LoadError as error:
        assert error.finding.text("sv") and error.finding.advice("en")
    else:
        assert done.counts.rows_in == done.counts.rows_out + done.counts.rows_told


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("name", GOOD)
def test_damaged_files_are_described_or_told_of(name: str, seed: int, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(damaged(GOOD[name], random.Random(f"{name} {seed}")))
    described(path)


@pytest.mark.parametrize("seed", range(60))
@pytest.mark.parametrize("name", ["a.px", "a.json"])
def test_damaged_statistics_keep_their_account(name: str, seed: int, load_files: Loader) -> None:
    load_files({name: damaged(GOOD[name], random.Random(f"{seed} {name}"))}, CUBE)


@pytest.mark.parametrize("case", BLOCKING)
def test_bad_files_are_told_of(case: str, tmp_path: Path) -> None:
    for name, content in BLOCKING[case][0].items():
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        described(path)
