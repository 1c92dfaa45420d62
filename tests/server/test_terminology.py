"""The concept schemes as others harvest them: whole, in every format, dated, with what changed."""

import csv
import io
import json

import pytest
from flask.testing import FlaskClient
from rdflib import OWL, RDF, SKOS, Graph, URIRef

from server import create_app
from server.settings import Settings
from tests.conftest import SmallSite

BASE = "https://data.norrsjo.example/"
PARSERS = {"ttl": "turtle", "rdf": "xml", "nt": "nt"}


@pytest.mark.parametrize("suffix", PARSERS)
def test_a_facet_is_one_scheme_with_all_its_concepts(client: FlaskClient, suffix: str) -> None:
    answer = client.get(f"/terminology/service.{suffix}")
    graph = Graph().parse(data=answer.data, format=PARSERS[suffix])
    scheme = URIRef(f"{BASE}def/service")
    assert list(graph.subjects(RDF.type, SKOS.ConceptScheme)) == [scheme] and graph.value(scheme, OWL.versionInfo)
    concepts = set(graph.subjects(RDF.type, SKOS.Concept))
    assert len(concepts) > 70 and concepts == set(graph.subjects(SKOS.inScheme, scheme))
    assert (URIRef(f"{BASE}def/service/T10.1"), SKOS.exactMatch, None) in graph
    assert list(graph.objects(scheme, SKOS.changeNote))


def test_json_ld_and_csv_hold_the_same(client: FlaskClient) -> None:
    said = json.loads(client.get("/terminology/facility.jsonld").data)
    rows = list(csv.DictReader(io.StringIO(client.get("/terminology/facility.csv").text)))
    names = {one["@id"].partition("/def/")[2] for one in said["@graph"] if "Concept" in str(one.get("@type"))}
    assert {row["uri"].partition("/def/")[2] for row in rows} <= names
    school = next(row for row in rows if row["notation"] == "O1.2")
    assert school["prefLabel_sv"] == "Grundskola (enhet)" and "Grundskolan" in school["altLabel_sv"].split("|")
    assert school["broader"].endswith("/O1") and school["status"] == "Completed"
    order = [row["notation"] for row in rows]
    assert order.index("O3.2") < order.index("O3.10")


def test_the_umbrella_holds_every_facet_and_a_site_has_its_own(client: FlaskClient) -> None:
    listed = {one["name"]: one for one in client.get("/terminology?format=json").json}
    assert {"torg", "service", "place", "norrsjo"} <= set(listed)
    parts = sum(one["concepts"] for name, one in listed.items() if name not in ("torg", "norrsjo"))
    assert listed["torg"]["concepts"] == parts
    assert "Platser i Norrsjö län" in client.get("/terminology?lang=sv").text
    assert "def/norrsjo/9901" in client.get("/terminology/norrsjo.ttl").text
    assert client.get("/terminology/nope").status_code == 404
    assert client.get("/terminology/service", headers={"Accept": "text/csv"}).mimetype == "text/csv"


@pytest.mark.slow
def test_a_dated_address_gives_the_same_for_ever(small_site: SmallSite) -> None:
    own = small_site.folder / "concepts" / "egna.ttl"
    own.parent.mkdir()
    head = "@prefix skos: <http://www.w3.org/2004/02/skos/core#> . <def/bygd> a skos:ConceptScheme ."
    text = (
        head + '<def/bygd/1> a skos:Concept ; skos:inScheme <def/bygd> ; skos:notation "1" ; skos:prefLabel "%s"@sv .'
    )
    own.write_text(text % "Norr", "utf-8")
    small_site.publish()
    own.write_text(text % "Norra", "utf-8")
    small_site.publish()
    client = create_app(small_site.folder, Settings()).test_client()
    assert '"Norra"@sv' in client.get("/terminology/bygd.ttl").text
    moved = client.get("/terminology/bygd.ttl?at=1")
    assert moved.status_code == 302 and moved.location.endswith("at=000001")
    first = client.get(moved.location)
    assert '"Norr"@sv' in first.text and "immutable" in first.headers["Cache-Control"]
    assert client.get("/terminology/bygd.ttl?at=nonsense").status_code == 400
    assert client.get("/terminology/bygd.ttl?at=2001-01-01").status_code == 404


def test_a_shared_concept_cannot_be_redefined(small_site: SmallSite) -> None:
    from loaders.errors import LoadError

    own = small_site.folder / "concepts" / "egna.ttl"
    own.parent.mkdir()
    own.write_text(
        '@prefix skos: <http://www.w3.org/2004/02/skos/core#> . <def/service/T2> skos:altLabel "Pengar"@sv .', "utf-8"
    )
    with pytest.raises(LoadError) as error:
        small_site.publish()
    assert error.value.finding.rule == "site.redefines-concept"
    assert not (small_site.data / "current").exists()
