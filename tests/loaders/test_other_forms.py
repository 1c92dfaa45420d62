"""GeoJSON, coordinates, XML, ODS and packed sources: the same rows, or one clear finding."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from typing import Any

import pytest

from loaders.geometry import from_projected, point_in, wkt
from tests.loaders.conftest import Loader
from tests.loaders.old_workbook import xls

CSV = "id,name\nB1,Björkskolan\nB2,Sjöskolan\n"
XML = """<?xml version="1.0" encoding="iso-8859-1"?>
<register xmlns="urn:granby"><datum>2026-01-02</datum><skolor>
  <skola id="B1"><name>Björkskolan</name><kontakt><email>a@b.example</email></kontakt></skola>
  <skola id="B2"><name>Sjöskolan</name><kontakt/></skola>
</skolor></register>
"""
XML_TOML = 'conformsTo = "skolor"\n[columns]\n"@id" = "id"\n"kontakt.email" = "email"\n'


def packed(**files: str | bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("_dot_", "."), content)
    return stream.getvalue()


def ods(rows: list[list[str]]) -> bytes:
    urn = "urn:oasis:names:tc:opendocument:xmlns:"
    cells = "".join(
        "<table:table-row>"
        + "".join(
            f'<table:table-cell office:value-type="string"><text:p>{cell}</text:p></table:table-cell>' for cell in row
        )
        + "</table:table-row>"
        for row in rows
    )
    names = " ".join(f'xmlns:{name}="{urn}{name}:1.0"' for name in ("office", "table", "text"))
    content = (
        f"<office:document-content {names}><office:body><office:spreadsheet>"
        f'<table:table table:name="Blad1">{cells}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    manifest = f'<m:manifest xmlns:m="{urn}manifest:1.0"/>'
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    return packed(mimetype=kind, content_dot_xml=content, **{"META-INF/manifest.xml": manifest})


def test_packed_sources_give_the_same_rows(load_files: Loader) -> None:
    plain = load_files({"a.csv": CSV}).lines
    toml = 'conformsTo = "skolor"\nsource = "b"'
    assert load_files({"b": gzip.compress(CSV.encode())}, toml).lines == plain
    archive = packed(skolor_dot_csv=CSV, LAS_MIG_dot_txt="Hej", **{"__MACOSX/._skolor.csv": b"\0"})
    done = load_files({"b": archive}, toml)
    assert done.lines == plain and done.counts.rows_out == 2


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (gzip.compress(CSV.encode())[:-12], "source.broken-archive"),
        (packed(a_dot_csv=CSV)[:-30], "source.broken-archive"),
        (packed(a_dot_csv=CSV, b_dot_csv=CSV), "source.archive-members"),
        (packed(LAS_dot_md=""), "source.empty"),
        (gzip.compress(gzip.compress(CSV.encode())), "source.unknown-format"),
        (gzip.compress(b"a" * (80 << 20)), "source.too-large"),
        (gzip.compress(b"<html><body>404</body></html>"), "source.html"),
    ],
    ids=["cut", "cut zip", "two tables", "only a readme", "packed twice", "too large", "an error page"],
)
def test_archives_that_cannot_be_read(content: bytes, rule: str, load_files: Loader) -> None:
    done = load_files({"a.gz": content})
    assert done.error is not None and done.error.rule == rule


def test_ods(load_files: Loader) -> None:
    done = load_files({"a.ods": ods([["id", "name"], ["B1", "Björkskolan"], ["B2", "Sjöskolan"]])})
    assert done.lines == load_files({"a.csv": CSV}, 'conformsTo = "skolor"\nsource = "a.csv"').lines
    assert done.rows[0][1].sheet == "Blad1"
    broken = load_files({"a.ods": ods([["id"]])[:-40]})
    assert broken.error is not None and broken.error.rule in ("source.broken-workbook", "source.broken-archive")


def test_xls(load_files: Loader) -> None:
    rows: list[list[str | float]] = [
        ["Kommunkod", "id", "name"],
        [180.0, "B1", "Björkskolan"],
        [],
        ["", "B2", "Sjöskolan"],
    ]
    done = load_files({"a.xls": xls(rows)})
    assert [origin[:3] for _, origin, _ in done.rows] == [(0, "Blad1", 2), (0, "Blad1", 4)]
    assert "def/place/0180>" in done.lines and "concepts.lost-zero" in done.rules()
    for end in (700, 1_500, 2_000, 4_000):
        cut = load_files({"a.xls": xls(rows)[:end]})
        assert cut.error is not None and cut.error.rule == "source.broken-workbook"


def test_noise_with_the_mark_of_an_old_workbook(load_files: Loader) -> None:
    done = load_files({"a.xls": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(range(256)) * 40})
    assert done.error is not None and done.error.rule == "source.broken-workbook"


def test_xml_records(load_files: Loader) -> None:
    done = load_files({"a.xml": XML.encode("iso-8859-1")}, XML_TOML)
    assert done.counts.rows_out == 2 and '"Björkskolan"@sv' in done.lines and '"a@b.example"' in done.lines
    assert [origin.row for _, origin, _ in done.rows] == [3, 4]
    named = load_files({"a.xml": XML.encode("iso-8859-1")}, 'items = "skolor/skola"\n' + XML_TOML)
    assert named.lines == done.lines


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (XML[:-40], "source.broken-xml"),
        ('<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a><b>&b;</b></a>', "source.doctype"),
        ("<?xml version='1.0'?>" + "<a>" * 100_000, "source.nested"),
        ("<a><b>1</b></a>", "source.no-items"),
        ("<a><b x='1'/><b x='2'/><c x='1'/><c x='2'/></a>", "source.items-unsure"),
    ],
)
def test_xml_that_cannot_be_read(text: str, rule: str, load_files: Loader) -> None:
    done = load_files({"a.xml": text})
    assert done.error is not None and done.error.rule == rule


def feature(number: int, geometry: Any) -> dict[str, Any]:
    return {"type": "Feature", "id": f"B{number}", "properties": {"name": "Skolan"}, "geometry": geometry}


def collection(*geometries: Any, **more: Any) -> str:
    features = [feature(number, geometry) for number, geometry in enumerate(geometries)]
    return json.dumps({"type": "FeatureCollection", **more, "features": features})


def test_geojson_points_become_positions(load_files: Loader) -> None:
    done = load_files({"a.geojson": collection({"type": "Point", "coordinates": [15.21, 59.27]}, None)})
    assert done.counts.rows_out == 2
    assert '#lat> "59.27"' in done.lines and '#long> "15.21"' in done.lines and "POINT(15.21 59.27)" in done.lines


def test_geojson_in_metres(load_files: Loader) -> None:
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::3006"}}
    done = load_files({"a.geojson": collection({"type": "Point", "coordinates": [344052, 6410284]}, crs=crs)})
    assert '#lat> "57.8073346"' in done.lines


@pytest.mark.parametrize(
    "geometry",
    [
        {"type": "Point", "coordinates": [999, 59]},
        {"type": "Point"},
        {"type": "Circle"},
        {"type": "Polygon", "coordinates": [[[1]]]},
        "POINT(1 2)",
    ],
)
def test_a_broken_geometry_is_told_and_the_row_kept(geometry: Any, load_files: Loader) -> None:
    done = load_files({"a.geojson": collection(geometry, {"type": "Point", "coordinates": [15, 59]})})
    assert done.counts.rows_out == 2
    assert [(f.rule, f.row) for f in done.findings if f.rule == "source.bad-geometry"] == [("source.bad-geometry", 1)]


POSITIONS = "id;name;latitude;longitude\n"


@pytest.mark.parametrize("pair", ["6410284;344052", "344052;6410284", "6410284,0;344052,0", "6 410 284;344 052"])
def test_metres_of_sweref_become_degrees(pair: str, load_files: Loader) -> None:
    done = load_files({"a.csv": f"{POSITIONS}B1;Skolan;{pair}\nB2;Skolan;;\nB3;Skolan;x;y\n"})
    assert '#lat> "57.8073346"' in done.lines and '#long> "12.3753806"' in done.lines
    assert "source.coordinates-converted" in done.rules() and done.counts.rows_out == 3
    assert {(f.rule, f.row) for f in done.findings if f.row == 4} == {("values.datatype", 4)}


def test_a_declared_zone(load_files: Loader) -> None:
    toml = 'conformsTo = "skolor"\n[columns]\n' + "".join(
        f'{name} = {{ column = "{name}", crs = "EPSG:3011" }}\n' for name in ("latitude", "longitude")
    )
    text = f"{POSITIONS}B1;Skolan;6580000;150000\n"
    assert '#long> "18"' in load_files({"a.csv": text}, toml).lines
    done = load_files({"a.csv": text}, toml.replace("3011", "999999"))
    assert done.error is not None and done.error.rule == "description.wrong-value"


def test_swapped_degrees_are_told_and_kept(load_files: Loader) -> None:
    done = load_files({"a.csv": f"{POSITIONS}B1;Skolan;15.21;59.27\nB2;Skolan;59.27;15.21\n"})
    assert [(f.row, f.column) for f in done.findings if f.rule == "source.coordinates-swapped"] == [(2, "latitude")]
    assert done.counts.rows_out == 2


@pytest.mark.parametrize(
    "text",
    [
        "59.27, 15.21",
        "59.27;15.21",
        "(59.27 15.21)",
        "59,27; 15,21",
        "POINT (15.21 59.27)",
        "SRID=4326;POINT(15.21 59.27)",
        '{"type":"Point","coordinates":[15.21,59.27]}',
    ],
)
def test_positions_in_one_cell(text: str, load_files: Loader) -> None:
    quoted = text.replace('"', '""')
    toml = 'conformsTo = "skolor"\n[columns]\n"Läge" = { split = ["latitude", "longitude"] }\n'
    done = load_files({"a.csv": f'id\tname\tLäge\nB1\tSkolan\t"{quoted}"\nB2\tSkolan\tvid torget\n'}, toml)
    assert '#lat> "59.27"' in done.lines and '#long> "15.21"' in done.lines
    assert ("source.not-split", 3, "Läge") in {(f.rule, f.row, f.column) for f in done.findings}


def test_real_coordinates_agree() -> None:
    place = from_projected(6381979, 362335)
    assert place is not None
    assert abs(float(place.latitude) - 57.559283) < 1e-5 and abs(float(place.longitude) - 12.698943) < 1e-5


def test_shapes_as_wkt() -> None:
    ring = [[15.0, 59.0], [15.1, 59.0], [15.1, 59.1], [15.0, 59.0]]
    assert wkt({"type": "Polygon", "coordinates": [ring]}) == "POLYGON((15.0 59.0,15.1 59.0,15.1 59.1,15.0 59.0))"
    assert wkt({"type": "Point", "coordinates": [float("nan"), 59]}) is None
    assert point_in("POINT(nan nan)") is None and point_in("inf, 3") is None
