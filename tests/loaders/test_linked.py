"""What a server says of a file it gives: its encoding, and the CSVW metadata that describes it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from loaders.description import read_dataset
from loaders.errors import SourceError
from loaders.findings import Finding, Findings
from loaders.load import LoadContext, LoadCounts, deliveries, load
from loaders.source import SourceFile
from tests.loaders.conftest import BASE, shared_concepts

URL = "https://portal.example/skolor.csv"
LINK = '<m.json>; rel="describedby"; type="application/csvm+json"'
METADATA = {
    "@context": "http://www.w3.org/ns/csvw",
    "url": "skolor.csv",
    "unknown": 1,
    "tableSchema": {
        "aboutUrl": "id/thing/{id}",
        "columns": [
            {"name": "id", "titles": "id"},
            {"name": "namn", "titles": "namn", "propertyUrl": "https://schema.org/name"},
        ],
    },
}


class Web:
    """Stands for the fetch module: addresses and what they give."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.known: dict[str, SourceFile] = {}

    def put(self, address: str, body: bytes, **headers: str) -> None:
        path = self.folder / f"{len(self.known)}"
        path.write_bytes(body)
        named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
        self.known[address] = SourceFile(address.rpartition("/")[2], path, f"{len(self.known)}", named)

    def __call__(self, address: str) -> list[SourceFile]:
        if address not in self.known:
            raise SourceError(Finding("source.http-status", file=address, detail=(("status", "404"),)))
        return [self.known[address]]


@pytest.fixture
def web(tmp_path: Path) -> Web:
    return Web(tmp_path)


def loaded(folder: Path, web: Web, toml: str = "") -> tuple[str, Findings]:
    place = folder / "granby" / "skolor"
    place.mkdir(parents=True, exist_ok=True)
    (place / "dataset.toml").write_text(f'source = "{URL}"\n{toml}')
    dataset = read_dataset(place, "granby")
    findings, counts = Findings(), LoadCounts()
    context = LoadContext(BASE, BASE, "1880", "id/organization/2120001967", shared_concepts())
    lines = [
        line
        for delivery in deliveries(dataset, web)
        for _, _, made in load(dataset, delivery, context, findings, counts)
        for line in made
    ]
    return "".join(lines), findings


def test_metadata_that_the_server_links_to_describes_the_file(tmp_path: Path, web: Web) -> None:
    web.put(URL, b"id,namn\n1,Vasa\n", Link=LINK)
    web.put("https://portal.example/m.json", json.dumps(METADATA).encode())
    text, findings = loaded(tmp_path, web)
    assert f'<{BASE}id/thing/1> <https://schema.org/name> "Vasa" .\n' in text
    # What CSVW only warns of is told to the steward, once.
    assert [finding.rule for finding in findings].count("csvw.warning") == 1


@pytest.mark.parametrize(
    ("document", "link"),
    [
        pytest.param({**METADATA, "url": "other.csv"}, LINK, id="of-another-file"),
        pytest.param([], LINK, id="no-object"),
        pytest.param(METADATA, LINK.replace("m.json", "none.json"), id="not-there"),
        pytest.param(METADATA, LINK.replace("csvm", "x"), id="no-metadata"),
    ],
)
def test_a_link_that_leads_nowhere_leaves_the_file_undescribed(
    tmp_path: Path, web: Web, document: Any, link: str
) -> None:
    web.put(URL, b"id,namn\n1,Vasa\n", Link=link)
    web.put("https://portal.example/m.json", json.dumps(document).encode())
    with pytest.raises(Exception) as caught:
        loaded(tmp_path, web)
    assert caught.value.finding.rule == "description.no-mapping"  # type: ignore[attr-defined]


def test_the_stewards_own_description_goes_before_the_servers(tmp_path: Path, web: Web) -> None:
    web.put(URL, b"id,namn\n1,Vasa\n", Link=LINK)
    web.put("https://portal.example/m.json", json.dumps(METADATA).encode())
    own = json.loads(json.dumps(METADATA).replace("schema.org/name", "schema.org/alternateName"))
    (tmp_path / "granby" / "skolor").mkdir(parents=True)
    (tmp_path / "granby" / "skolor" / "skolor.csv-metadata.json").write_text(json.dumps(own))
    assert "alternateName" in loaded(tmp_path, web)[0]


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        pytest.param("Örebro".encode("cp850"), "text/csv; charset=ibm850", "Örebro", id="as-said"),
        pytest.param("Örebro".encode(), "text/csv; charset=ibm850", "Örebro", id="utf-8-whatever-is-said"),
        pytest.param("Örebro".encode("cp1252"), "text/csv; charset=utf-8", "Örebro", id="windows-whatever-is-said"),
        pytest.param("Örebro".encode("cp1252"), "text/csv; charset=okänd", "Örebro", id="unknown"),
    ],
)
def test_the_servers_charset_counts_where_the_bytes_leave_it_open(
    tmp_path: Path, web: Web, body: bytes, content_type: str, expected: str
) -> None:
    web.put(URL, b"id,namn\n1," + body + b"\n", Content_Type=content_type, Link=LINK)
    web.put("https://portal.example/m.json", json.dumps(METADATA).encode())
    assert f'"{expected}"' in loaded(tmp_path, web)[0]
