"""Faults that people make and programs hide: each gives one finding that says what it is."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from pathlib import Path

import pytest

from loaders.description import read_dataset
from loaders.load import deliveries
from tests.loaders.conftest import Loader

POINT = '{"type":"Feature","properties":{"id":"1","name":"A"},"geometry":{"type":"Point","coordinates":[%s]}}'


def compound_file(stream: str) -> bytes:
    """A compound file ([MS-CFB]) with one sector of directory that names a stream."""
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6)
    header = header.ljust(44, b"\0") + struct.pack("<LLLLLLLLL", 1, 0, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0, 1)
    header = header.ljust(512, b"\xff")

    def entry(name: str, kind: int) -> bytes:
        text = (name + "\0").encode("utf-16-le")
        return text.ljust(64, b"\0") + struct.pack("<HBB", len(text), kind, 1) + b"\xff" * 12 + bytes(48)

    table = struct.pack("<LL", 0xFFFFFFFE, 0xFFFFFFFD).ljust(512, b"\xff")
    return header + (entry("Root Entry", 5) + entry(stream, 2)).ljust(512, b"\0") + table


def encrypted_ods() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", bytes(range(256)))
        archive.writestr("META-INF/manifest.xml", "<m:file-entry><m:encryption-data/></m:file-entry>")
    return stream.getvalue()


def encrypted_zip() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a.csv", "id,name\n1,A\n")
    plain = bytearray(stream.getvalue())
    for at in (plain.index(b"PK\x03\x04") + 6, plain.index(b"PK\x01\x02") + 8):
        plain[at] |= 1
    return bytes(plain)


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.xlsx", compound_file("EncryptedPackage")), ("a.ods", encrypted_ods()), ("a.zip", encrypted_zip())],
)
def test_a_password(name: str, content: bytes, load_files: Loader) -> None:
    done = load_files({name: content})
    assert done.error is not None and done.error.rule == "source.password", done.told()


def test_an_old_workbook_without_password_is_only_broken(load_files: Loader) -> None:
    done = load_files({"a.xls": compound_file("Something")})
    assert done.error is not None and done.error.rule == "source.broken-workbook"


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_geojson_with_nan(value: str, load_files: Loader) -> None:
    features = [POINT % "15.2,59.2", POINT % f"15.2, {value}"]
    text = '{"type":"FeatureCollection","features":[\n' + ",\n".join(features) + "]}"
    done = load_files({"a.geojson": text}, 'conformsTo = "lekplatser"')
    assert done.error is not None and done.error.rule == "source.nan" and done.error.row == 3
    assert "null" in done.error.advice("sv")


def test_nan_as_text_is_text(load_files: Loader) -> None:
    rows = json.dumps([{"id": "1", "name": "Infinity, NaN"}])
    assert load_files({"a.json": rows}, 'conformsTo = "lekplatser"').error is None
    broken = load_files({"a.json": rows[:-3]}, 'conformsTo = "lekplatser"')
    assert broken.error is not None and broken.error.rule == "source.broken-json"


@pytest.mark.parametrize("name", ["a.csv", "a.json", "a.px"])
def test_two_encodings_in_one_file(name: str, load_files: Loader) -> None:
    lines = {
        "a.csv": ("id,name\n1,Björkskolan\n", "2,Sjöskolan\n"),
        "a.json": ('[{"id":"1","name":"Björkskolan"},\n', '{"id":"2","name":"Sjöskolan"}]\n'),
        "a.px": ('CHARSET="ANSI";\nCONTENTS="Folkmängd";\n', 'UNITS="Människor";\n'),
    }[name]
    done = load_files({name: lines[0].encode() + lines[1].encode("cp1252")})
    assert done.error is not None and done.error.rule == "source.mixed-encodings", done.told()


@pytest.mark.parametrize(
    ("name", "period"),
    [("reskontra-20260131.csv", "2026-01"), ("2026-02-28_lev.csv", "2026-02"), ("lev 2026.03.31.csv", "2026-03"),
     ("lev202604.csv", "2026-04"), ("lev_2026.csv", "2026"), ("20261340_20260501.csv", "2026-05")],
)  # fmt: skip
def test_a_day_in_a_file_name_is_a_period(name: str, period: str, tmp_path: Path) -> None:
    (tmp_path / "reskontra").mkdir()
    (tmp_path / "reskontra" / name).write_text("id,name\n", "utf-8")
    (tmp_path / "reskontra" / "dataset.toml").write_text('source = "*.csv"\ndelivery = "period"\n', "utf-8")
    dataset = read_dataset(tmp_path / "reskontra", "granby")
    assert [delivery.period for delivery in deliveries(dataset)] == [period]


def test_a_specification_named_by_its_address(load_files: Loader) -> None:
    for said in (
        '"https://begrepp.example/spec/lekplatser"',
        '["https://a.example/x", "http://b.example/spec/lekplatser/"]',
    ):
        done = load_files({"a.csv": "id,name\n1,A\n"}, f"conformsTo = {said}\n")
        assert done.error is None and done.counts.rows_out == 1
    other = load_files({"a.csv": "id,name\n1,A\n"}, 'conformsTo = "https://a.example/lekplatser"\n')
    assert other.error is not None and other.error.rule == "description.no-mapping"
