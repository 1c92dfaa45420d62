"""The pages that a public site has to have: about, accessibility statement, privacy."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask.testing import FlaskClient

from loaders.errors import DescriptionError
from server import create_app
from server.settings import read_settings
from server.site import read_site
from tests.conftest import SmallSite

CHROME = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


def page(client: FlaskClient, path: str, spoken: str = "sv") -> str:
    response = client.get(path, headers={"Accept": CHROME, "Accept-Language": spoken})
    assert response.status_code == 200
    return response.get_data(as_text=True)


def test_about_tells_who_publishes_and_how_much(client: FlaskClient) -> None:
    said = page(client, "/about")
    assert "Älvhult kommun" in said and "36 datamängder" in said and 'href="mailto:oppnadata@alvhult.example"' in said
    assert "36 datasets" in page(client, "/about", "en")


def test_every_page_leads_to_the_statement_and_to_privacy(client: FlaskClient) -> None:
    said = page(client, "/quality")
    assert 'href="/accessibility"' in said and 'href="/privacy"' in said and 'href="/psidata"' in said


def test_a_statement_that_nobody_has_made_says_so(client: FlaskClient) -> None:
    assert "ännu inte bedömt" in page(client, "/accessibility")


def test_privacy_says_what_this_installation_does(client: FlaskClient) -> None:
    said = page(client, "/privacy")
    assert "inga kakor" in said and "utan kartbilder från någon annan" in said
    assert "Set-Cookie" not in client.get("/privacy", headers={"Accept": CHROME}).headers


STATEMENT = """
[accessibility]
status = "partial"
assessed = "2026-02-01"
contact = "tillganglighet@asen.example"
faults = [{ sv = "Äldre pdf-filer saknar rubriker.", en = "Older PDF files lack headings." }]
[map]
tiles = "https://{s}.kartor.example/{z}/{x}/{y}.png"
attribution = "Kartverket"
"""


def test_a_statement_and_a_map_are_told_as_site_toml_says(small_site: SmallSite) -> None:
    path = small_site.folder / "site.toml"
    path.write_text(path.read_text("utf-8") + STATEMENT, "utf-8")
    small_site.publish()
    app = create_app(small_site.folder, read_settings(environment={}))
    client = app.test_client()
    said = page(client, "/accessibility")
    assert "delvis förenlig" in said and "Äldre pdf-filer" in said and "1 februari 2026" in said
    assert "tillganglighet@asen.example" in said
    assert "Undantaget är bakgrundskartan från Kartverket" in page(client, "/privacy")
    policy = client.get("/about", headers={"Accept": CHROME}).headers["Content-Security-Policy"]
    assert "img-src 'self' data: https://*.kartor.example;" in policy
    app.extensions["torg"].close()


@pytest.mark.parametrize(
    "line", ['status = "fine"', 'assessed = "igår"', 'faults = "inga"', 'faults = ["inga"]', "x = 1"]
)
def test_a_wrong_statement_is_told(tmp_path: Path, line: str) -> None:
    (tmp_path / "site.toml").write_text(
        f'[site]\nbase = "https://data.asen.example/"\n[accessibility]\n{line}\n', "utf-8"
    )
    with pytest.raises(DescriptionError) as told:
        read_site(tmp_path)
    assert told.value.finding.rule in ("site.accessibility", "site.unknown-key")
