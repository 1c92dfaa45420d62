"""What a page weighs on its way to a phone: HTML, styles and scripts, compressed."""

from __future__ import annotations

import gzip
import re

import pytest
from flask.testing import FlaskClient

from server.assets import manifest_time, read_manifest

CHROME = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


def weight(client: FlaskClient, path: str) -> int:
    page = client.get(path, headers={"Accept": CHROME})
    assert page.status_code == 200
    found = re.findall(r'<link rel="stylesheet" href="([^"]+)"|<script type="module" src="([^"]+)"', page.text)
    parts = [page.data, *(client.get(style or script, buffered=True).data for style, script in found)]
    assert len(parts) >= 3
    return sum(len(gzip.compress(part, 9)) for part in parts)


@pytest.fixture(scope="module", autouse=True)
def built() -> None:
    if not read_manifest(manifest_time()):
        pytest.skip("the front end was not built (SKIP_FRONTEND=1)")


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("/", 60),
        ("/res/school/09903001", 60),
        ("/res/organization/2120009929", 60),
        ("/quality", 60),
        ("/sparql", 250),
        ("/res/dataset/norrsjo/skolor", 90),
        ("/api/school/list?municipality=9901", 90),
    ],
)
def test_a_page_is_light(client: FlaskClient, path: str, most: int) -> None:
    assert weight(client, path) < most * 1_000


def test_built_files_are_kept_for_ever_and_others_for_a_day(client: FlaskClient) -> None:
    for name in read_manifest(manifest_time()).values():
        answer = client.get(f"/static/{name}", buffered=True)
        assert answer.status_code == 200 and "max-age=31536000" in answer.headers["Cache-Control"]
    assert "max-age=86400" in client.get("/static/torg.svg", buffered=True).headers["Cache-Control"]


def test_without_a_built_front_end_pages_are_plain_and_whole(client: FlaskClient, monkeypatch) -> None:
    monkeypatch.setattr("server.views.frame.read_manifest", lambda _time: {})
    for path in ("/", "/res/school/09903001", "/sparql", "/search?q=skola"):
        page = client.get(path, headers={"Accept": CHROME}).text
        assert 'href="/static/plain.css"' in page and '<script type="module"' not in page
        assert "None" not in re.findall(r'(?:src|href)="([^"]*)"', page)
    assert client.get("/static/plain.css", buffered=True).status_code == 200
