"""Row and byte limits on serialized results: whole rows, closed documents, exact counts, in any chunking."""

from __future__ import annotations

import csv
import io
import json
import xml.etree.ElementTree as ET
from tempfile import gettempdir

import pyoxigraph as ox
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.results import FormatError, Full, RowLimiter, Spool, XmlGuard

FORMATS = {
    "json": ox.QueryResultsFormat.JSON,
    "xml": ox.QueryResultsFormat.XML,
    "csv": ox.QueryResultsFormat.CSV,
    "tsv": ox.QueryResultsFormat.TSV,
}
# Values that look like the structure of the four formats.
NASTY = [
    '},{"',
    "}},{",
    '"',
    "\\",
    '\\"',
    "\r\n",
    "\n",
    "</result><result>",
    "",
    ",",
    "\t",
    '"bindings":[',
    "[]}}",
    "å\\\\",
]
literals = st.lists(st.sampled_from(NASTY), max_size=4).map("".join)


def serialized(values: list[list[str]], format: str) -> bytes:
    rows = " ".join("(" + " ".join(str(ox.Literal(value)) for value in row) + ")" for row in values)
    answer = ox.Store().query(f"SELECT ?a ?b {{ VALUES (?a ?b) {{ {rows} }} }}")
    assert isinstance(answer, ox.QuerySolutions)
    data = answer.serialize(format=FORMATS[format]) or b""
    return data.replace(b"\r", b"&#xD;") if format == "xml" else data


def limited(data: bytes, format: str, rows: int | None, size: int | None, chunk: int) -> tuple[bytes, int, str]:
    spool = Spool(gettempdir(), inline=1 << 30)
    limiter = RowLimiter(spool, format, rows, size)
    try:
        for start in range(0, len(data), chunk):
            limiter.write(data[start : start + chunk])
        limiter.finish()
    except Full:
        pass
    return spool.finish()[0], limiter.rows, limiter.truncated


def values(data: bytes, format: str) -> list[list[str]]:
    if format == "json":
        return [[row[name]["value"] for name in "ab"] for row in json.loads(data)["results"]["bindings"]]
    if format == "xml":
        found = ET.fromstring(data).iter("{http://www.w3.org/2005/sparql-results#}result")
        return [[binding[0].text or "" for binding in row] for row in found]
    if format == "csv":
        return list(csv.reader(io.StringIO(data.decode(), newline=""), strict=True))[1:]
    lines = data.decode().split("\n")[1:-1]
    return [
        [ox.parse(f"<a:a> <a:b> {cell} .", ox.RdfFormat.N_TRIPLES).__next__().object.value for cell in line.split("\t")]
        for line in lines
    ]


@pytest.mark.parametrize("format", FORMATS)
@given(
    rows=st.lists(st.lists(literals, min_size=2, max_size=2), max_size=12),
    most=st.integers(0, 14),
    chunk=st.integers(1, 400),
)
@settings(max_examples=120, deadline=None)
def test_a_row_limit_leaves_whole_rows_and_a_closed_document(
    format: str, rows: list[list[str]], most: int, chunk: int
) -> None:
    data = serialized(rows, format)
    found, count, truncated = limited(data, format, most, None, chunk)
    if len(rows) <= most:
        assert (found, count, truncated) == (data, len(rows), "")
    else:
        assert (count, truncated) == (most, "rows")
        assert values(found, format) == rows[:most]


@pytest.mark.parametrize("format", FORMATS)
@given(rows=st.lists(st.lists(literals, min_size=2, max_size=2), min_size=3, max_size=12), size=st.integers(200, 2000))
@settings(max_examples=60, deadline=None)
def test_a_byte_limit_leaves_whole_rows_and_a_closed_document(format: str, rows: list[list[str]], size: int) -> None:
    data = serialized(rows, format)
    found, count, truncated = limited(data, format, None, size, 64)
    assert values(found, format) == rows[:count]
    if truncated:
        assert truncated == "bytes" and count < len(rows)
    else:
        assert found == data


@pytest.mark.parametrize("format", FORMATS)
def test_large_rows_and_many_blocks_are_counted(format: str) -> None:
    rows = [["x" * (n * 977 % 70_000), '"},{\\' * (n * 31 % 5_000)] for n in range(60)]
    data = serialized(rows, format)
    assert limited(data, format, 60, None, 8192) == (data, 60, "")
    found, count, truncated = limited(data, format, 41, None, 8192)
    assert (values(found, format), count, truncated) == (rows[:41], 41, "rows")


def test_a_carriage_return_survives_xml() -> None:
    spool = Spool(gettempdir())
    XmlGuard(spool).write(b"<a>x\r\ny</a>")
    assert ET.fromstring(spool.finish()[0]).text == "x\r\ny"


@pytest.mark.parametrize(
    "data", [b"<a>\x01</a>", "<a>\uffff</a>".encode(), b"<a>\x0b</a>", b"<oxprefix: x=''/>", b"<b:>a</b:>", b"<>a</>"]
)
@pytest.mark.parametrize("chunk", [1, 3, 100])
def test_what_xml_cannot_hold_is_an_error_and_not_a_loss(data: bytes, chunk: int) -> None:
    guard = XmlGuard(Spool(gettempdir()))
    with pytest.raises(FormatError):
        for start in range(0, len(data), chunk):
            guard.write(data[start : start + chunk])


def test_a_spool_moves_to_a_file_without_a_name_and_keeps_the_hash() -> None:
    small, large = Spool(gettempdir(), inline=10), Spool(gettempdir(), inline=10)
    small.write(b"12345")
    for _ in range(4):
        large.write(b"12345")
    assert small.finish()[0] == b"12345" and small.file is None
    assert large.finish()[0] == b"" and large.file is not None
    large.file.seek(0)
    assert large.file.read() == b"12345" * 4
    large.file.close()
