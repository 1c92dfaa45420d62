"""What people read for things without a name, and how they tell things of one name apart."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from server import create_app
from server.naming import read_naming
from server.settings import read_settings

CHROME = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
SCHOOLS = [
    '9901,10000001,"Björkskolan",59.1,15.1,Grundskola,Ekvägen 1,212000-9911',
    '9901,10000002,"Björkskolan",59.2,15.1,Grundskola,Almvägen 2,212000-9911',
    '9901,10000003,"Ekskolan",59.3,15.1,Grundskola,Almvägen 9,212000-9911',
]
DESCRIPTION = """
title.sv = "Nyckeltal"
description.sv = "Nyckeltal."
license = "http://creativecommons.org/publicdomain/zero/1.0/"
conformsTo = "kommunal-statistik"
source = "tal.csv"
"""
FIGURES = """source,indicator,indicator_name,municipality,period,sex,value,unit
9901,expenditures,Kostnader,1060,2022,,51234,kronor
9901,expenditures,Kostnader,1060,2022,K,25000,kronor
"""


@pytest.fixture(scope="module")
def visitor(make_site, tmp_path_factory) -> Iterator[FlaskClient]:
    """A client of a site with namesakes, an operator that only has a number, and observations."""
    site = make_site(tmp_path_factory.mktemp("naming") / "site")
    site.write(SCHOOLS, "source,id,name,latitude,longitude,school_form,street,operator_orgnr")
    figures = site.folder / "datasets" / "asen" / "tal"
    figures.mkdir()
    (figures / "dataset.toml").write_text(DESCRIPTION, "utf-8")
    (figures / "tal.csv").write_text(FIGURES, "utf-8")
    done = site.publish()
    assert not done.blocked, done.blocked
    app = create_app(site.folder, read_settings(environment={}))
    yield app.test_client()
    app.extensions["torg"].close()


def page(client: FlaskClient, path: str, lang: str = "sv") -> str:
    response = client.get(f"{path}?lang={lang}", headers={"Accept": CHROME}, follow_redirects=True)
    assert response.status_code == 200, path
    return response.text


def heading(html: str) -> str:
    found = re.search(r"<h1[^>]*>(.*?)</h1>", html)
    assert found is not None
    return found[1]


def linked(html: str, path: str) -> str:
    """Return the text of the first link to a path within what the page says."""
    found = re.search(rf'<dd><a href="{path}"[^>]*>(.*?)</a>', html)
    assert found is not None, path
    return re.sub(r"<[^>]+>", "", found[1])


@pytest.mark.parametrize(
    ("lang", "sex", "name"),
    [
        ("sv", "T", "Kostnader, Olofström, 2022, totalt"),
        ("sv", "K", "Kostnader, Olofström, 2022, kvinnor"),
        ("en", "T", "Kostnader, Olofström, 2022, total"),
    ],
)
def test_an_observation_is_called_by_the_labels_of_its_dimensions(
    visitor: FlaskClient, lang: str, sex: str, name: str
) -> None:
    html = page(visitor, f"/res/observation/9901/tal/expenditures/1060/2022/{sex}", lang)
    assert heading(html) == name
    assert f"<title>{name} (" in html
    assert f"{name.rpartition(', ')[2]} ({sex})" in html  # the code is told among the facts


def test_observations_are_named_where_others_list_them(visitor: FlaskClient) -> None:
    assert linked(
        page(visitor, "/res/indicator/9901/expenditures"), "/id/observation/9901/tal/expenditures/1060/2022/T"
    ).startswith("Kostnader, Olofström, 2022, totalt")
    dataset = page(visitor, "/res/dataset/asen/tal")
    assert "Kostnader, Olofström, 2022, kvinnor</a>" in dataset[dataset.index('id="preview"') :]


@pytest.mark.parametrize(("lang", "name"), [("sv", "Organisation 212000-9911"), ("en", "Organization 212000-9911")])
def test_an_organization_known_by_its_number_is_called_so(visitor: FlaskClient, lang: str, name: str) -> None:
    assert heading(page(visitor, "/res/organization/2120009911", lang)) == name
    assert linked(page(visitor, "/res/school/10000001", lang), "/id/organization/2120009911") == name


def test_namesakes_that_point_here_are_told_apart_by_where_they_are(visitor: FlaskClient) -> None:
    html = page(visitor, "/res/organization/2120009911")
    assert linked(html, "/id/school/10000001") == "Björkskolan (Ekvägen 1)"
    assert linked(html, "/id/school/10000002") == "Björkskolan (Almvägen 2)"
    assert linked(html, "/id/school/10000003") == "Ekskolan"


def test_namesakes_of_several_municipalities_are_told_apart_by_municipality(client: FlaskClient) -> None:
    html = page(client, "/res/def/facility/O1.2")
    links = re.findall(r'<dd><a href="/id/school/\d+"[^>]*>([^<]+)<span class="beside">\(([^)]+)\)</span></a>', html)
    assert links
    texts = [(name.strip(), place) for name, place in links]
    assert len(set(texts)) == len(texts)
    assert {place for _, place in texts} <= {
        "Norrsjö", "Granby", "Älvhult", "Ekvalla", "Stenåsa", "Lövnäs", "Tallmo", "Ängshamn", "Hedfors", "Kvarnede",
        "Rönnhed", "Öbacka",
    }  # fmt: skip


def test_a_ledger_entry_is_called_by_whom_when_and_how_much(client: FlaskClient) -> None:
    name = "PERSONLIG HJÄLP NORRSJÖ AB, 4 januari 2026, 948,00\xa0kr"
    path = "/res/ledger-entry/9903/2026-01-04/9903038/46203"
    assert heading(page(client, path)) == name
    assert heading(page(client, path, "en")).startswith("PERSONLIG HJÄLP NORRSJÖ AB, 4 January 2026")


def test_the_declared_naming_names_properties_that_exist() -> None:
    naming = read_naming("https://data.asen.example/")
    torg = "https://data.asen.example/spec/torg#"
    assert naming.parts[f"{torg}LedgerEntry"][0] == (f"{torg}payee", f"{torg}payeeName")
    assert naming.telling[0] == f"{torg}municipality"
    assert naming.codes[f"{torg}sex"]["M"] == {"sv": "män", "en": "men"}


def test_codes_of_the_european_authorities_have_their_names(client: FlaskClient) -> None:
    html = page(client, "/res/dataset/norrsjo/skolor")
    assert "Utbildning, kultur och sport" in html and ">Publik<" in re.sub(
        r"<span class=\"unseen\">.*?</span>", "", html
    )
    assert ">publications.europa.eu/" not in html
    assert "Education, culture and sport" in page(client, "/res/dataset/norrsjo/skolor", "en")


def test_nothing_is_said_twice_of_an_organization(client: FlaskClient) -> None:
    html = page(client, "/res/organization/2120009929")
    assert html.count(">Samma som") == 1
    assert "Kallas också" not in html  # it is called as its heading says
