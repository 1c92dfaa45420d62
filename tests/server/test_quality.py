"""Figures, reports and decisions of every dataset, with their history; pages in two languages and their twins."""

from __future__ import annotations

import csv
import io
import json
import re
from decimal import Decimal

import pytest
import rdflib
from flask.testing import FlaskClient

from server import create_app
from server.generations import DataFolder
from server.graph_files import read_graph
from server.quality import badges, figures, metrics, points
from server.settings import read_settings
from tests.conftest import HEADER, ROWS, SmallSite

BASE = "https://data.asen.example/"
BAD = '1880,10000009,"Skola 9",95.1,15.2,Grundskola,Skolgatan 9'
DQV, SH = rdflib.Namespace("http://www.w3.org/ns/dqv#"), rdflib.Namespace("http://www.w3.org/ns/shacl#")


def quality_lines(site: SmallSite) -> list[str]:
    generation = DataFolder(site.data).current()
    assert generation is not None
    lines = list(read_graph(generation.path / "dumps/site/quality.nt.gz"))
    generation.close()
    return lines


def history(site: SmallSite, metric: str) -> list[tuple[int, Decimal]]:
    return [(point.generation, point.value) for point in points(quality_lines(site), f"{BASE}quality#")
            if point.metric == metric]  # fmt: skip


def test_figures_come_from_what_the_deliveries_came_to() -> None:
    delivery = {
        "rows_in": 10, "rows_out": 9, "rules": {"shapes.warning": 3, "shapes.violation": 1, "values.range": 2,
                                                "identifiers.repeated": 4, "identifiers.repeated-line": 7},
        "coverage": [{"rows": 10, "missed_rows": 1}, {"rows": 10, "missed_rows": 0}],
    }  # fmt: skip
    found = figures({"2026-01": delivery, "2026-02": {"rows_in": 10, "rows_out": 10}})
    assert found == {
        "rowsRead": 20, "rowsPublished": 19, "completeness": Decimal("0.95"), "codesMatched": Decimal("0.95"),
        "shapeBreaches": 4, "valueFaults": 2, "repeatedKeys": 4, "withheld": 0,
    }  # fmt: skip
    assert badges(found) == ["coded"]
    assert set(found) == set(metrics())


def test_a_figure_is_stated_anew_only_when_it_changes(small_site: SmallSite) -> None:
    small_site.publish()
    small_site.write([*ROWS[1:], ROWS[0].replace("Skola 1", "Norra")])
    small_site.publish()
    small_site.write([*ROWS, BAD])
    small_site.publish()

    assert history(small_site, "rowsRead") == [(1, Decimal(8)), (3, Decimal(9))]
    assert history(small_site, "valueFaults") == [(1, Decimal(0)), (3, Decimal(1))]


def test_the_graph_is_dqv_and_shacl(small_site: SmallSite) -> None:
    small_site.write([*ROWS, ROWS[0].replace("10000001", "10000009") + ",7800"], HEADER)
    small_site.write([*(f"{row},78000" for row in ROWS[:-1]), f"{ROWS[-1]},7800"], HEADER + ",postcode")
    with (small_site.dataset / "dataset.toml").open("a", encoding="utf-8") as description:
        description.write('[waivers]\n"values.range" = "Mätaren är trasig."\n')
    small_site.publish()

    graph = rdflib.Graph().parse(data="".join(quality_lines(small_site)), format="nt")
    dataset = rdflib.URIRef(f"{BASE}id/dataset/asen/skolor")
    measured = {str(graph.value(one, DQV.isMeasurementOf)) for one in graph.subjects(DQV.computedOn, dataset)}
    assert {f"{BASE}quality#metric-{name}" for name in metrics()} == measured
    (report,) = graph.subjects(rdflib.RDF.type, SH.ValidationReport)
    assert not graph.value(report, SH.conforms).toPython()
    codes = [one for one in graph.objects(report, SH.result)
             if str(graph.value(one, SH.resultPath)) == "https://schema.org/postalCode"]  # fmt: skip
    (result,) = codes
    assert str(graph.value(result, SH.focusNode)) == f"{BASE}id/school/10000008"
    assert str(graph.value(result, SH.sourceConstraintComponent)).endswith("#PatternConstraintComponent")
    assert (result, SH.value, None) not in graph, "values may be anybody's"
    assert {"Postnumret har fem siffror.", "The postcode has five digits."} <= {
        str(message) for message in graph.objects(result, SH.resultMessage)
    }
    (decision,) = graph.subjects(rdflib.RDF.type, DQV.QualityAnnotation)
    assert str(graph.value(decision, rdflib.RDFS.comment)) == "Mätaren är trasig."


def test_reports_of_unread_datasets_stay(small_site: SmallSite) -> None:
    small_site.write([*ROWS, BAD])
    small_site.publish()
    other = small_site.folder / "datasets/asen/andra"
    other.mkdir()
    (other / "dataset.toml").write_text((small_site.dataset / "dataset.toml").read_text("utf-8"), "utf-8")
    (other / "skolor.csv").write_text(f"{HEADER}\n{ROWS[0].replace('10000001', '20000001')}\n", "utf-8")
    small_site.publish()

    lines = quality_lines(small_site)
    assert any("quality#report-asen.skolor>" in line for line in lines)
    report = json.loads((small_site.data / "generations/000002/reports/asen/skolor.json").read_text("utf-8"))
    assert any(finding["rule"] == "values.range" for finding in report["findings"])


@pytest.fixture
def served(small_site: SmallSite) -> FlaskClient:
    small_site.write([*ROWS, BAD])
    small_site.publish()
    small_site.write(ROWS[:2])
    small_site.publish()
    app = create_app(small_site.folder, read_settings(environment={}))
    return app.test_client()


def test_the_page_of_a_dataset_tells_findings_and_what_was_stopped(served: FlaskClient) -> None:
    swedish = served.get("/quality?dataset=asen/skolor", headers={"Accept-Language": "sv", "Accept": "text/html"})
    assert 200 == swedish.status_code
    text = swedish.get_data(as_text=True)
    assert "En nyare leverans stoppades" in text and "Källan har 2 rader; förra publiceringen hade" in text
    assert "utanför det tillåtna intervallet" in text and "rad 10" in text and "values.range" in text
    english = served.get("/quality?dataset=asen/skolor&lang=en").get_data(as_text=True)
    assert "A newer delivery was stopped" in english and "outside the allowed range" in english


def test_all_datasets_in_every_format(client: FlaskClient) -> None:
    page = client.get("/quality", headers={"Accept": "text/html", "Accept-Language": "sv"})
    assert page.status_code == 200 and "Andel publicerade rader" in page.get_data(as_text=True)
    listed = json.loads(client.get("/quality?format=json").data)
    assert len(listed) > 10 and all(0 <= each["figures"]["completeness"] <= 1 for each in listed)
    assert all(each["history"] for each in listed)
    rows = list(csv.DictReader(io.StringIO(client.get("/quality?format=csv").get_data(as_text=True))))
    assert [each["dataset"] for each in listed] == [row["dataset"] for row in rows]
    turtle = rdflib.Graph().parse(data=client.get("/quality?format=ttl").data, format="turtle")
    assert len(set(turtle.subjects(rdflib.RDF.type, DQV.Metric))) == len(metrics())
    one = rdflib.Graph().parse(data=client.get("/quality?format=ttl&dataset=granby/skolor").data, format="turtle")
    assert {str(each).rpartition("/")[2] for each in one.objects(None, DQV.computedOn)} == {"skolor"}
    assert 404 == client.get("/quality?dataset=granby/nothing").status_code
    assert "Quality" in client.get("/?lang=en").get_data(as_text=True)


def test_metrics_speak_both_languages() -> None:
    for metric in metrics().values():
        assert metric.title["sv"] and metric.title["en"] and metric.description["sv"] and metric.description["en"]


def test_what_was_decided_is_shown_with_its_reason(small_site: SmallSite) -> None:
    with (small_site.dataset / "dataset.toml").open("a", encoding="utf-8") as description:
        description.write(
            '[waivers]\n"personal.contact-in-text" = "Brevlådor, inga personer"\n[columns]\n'
            'street = { drop = true, reason = "Skyddade adresser" }\n[decision]\nlicense = "För att alla ska få"\n'
            'informationOwner = "Nämnden"\nsecrecy = "ingen"\npersonalData = "inga"\nthirdPartyRights = "inga"\n'
        )
    small_site.publish()
    client = create_app(small_site.folder, read_settings(environment={})).test_client()
    shown = client.get("/quality?dataset=asen/skolor", headers={"Accept-Language": "sv"}).text
    for text in (
        "Brevlådor, inga personer",
        "personal.contact-in-text",
        "Skyddade adresser",
        "varför just den licensen?",
    ):
        assert text in shown
    told = client.get("/quality?dataset=asen/skolor&format=json").get_json()[0]["decided"]
    assert {"kind": "column", "what": "street", "reason": "Skyddade adresser"} in told and len(told) == 7


def test_a_finding_leads_from_its_row_to_the_thing_it_is_about(small_site: SmallSite) -> None:
    small_site.source.write_text("\n".join([HEADER, *ROWS, '1880,10000009,"Skola 9",,,Trollskola,Skolgatan 9']) + "\n")
    small_site.publish()
    client = create_app(small_site.folder, read_settings(environment={})).test_client()
    row = len(ROWS) + 2
    shown = client.get("/quality?dataset=asen/skolor", headers={"Accept-Language": "sv"}).text
    address = f"/quality/row?dataset=asen/skolor&amp;file={small_site.source.name}&amp;row={row}"
    assert f'<a href="{address}">rad {row}</a>' in shown
    led = client.get(address.replace("&amp;", "&"))
    assert led.status_code == 303 and "10000009" in led.headers["Location"]
    assert "Skola 9" in client.get(led.headers["Location"], follow_redirects=True).text
    # The header is no thing, and is not linked to.
    assert "row=1&" not in shown and ">rad 1</a>" not in shown
    question = {"dataset": "asen/skolor", "file": small_site.source.name, "row": "1"}
    assert 404 == client.get("/quality/row", query_string=question).status_code
    for wrong in ({"row": "x"}, {"row": "99999999999999999999"}, {"file": ""}, {"row": "²"}):
        assert 400 == client.get("/quality/row", query_string=question | wrong).status_code
    assert 404 == client.get("/quality/row", query_string=question | {"dataset": "asen/../x"}).status_code


def test_findings_that_differ_in_their_row_alone_are_told_once(small_site: SmallSite) -> None:
    number = 30
    rows = [f'1880,2000{n:04},"Skola {n}",59.1,15.2,Trollskola,Gatan {n}' for n in range(number)]
    small_site.write([*ROWS, *rows])
    small_site.publish()
    client = create_app(small_site.folder, read_settings(environment={})).test_client()
    shown = client.get("/quality?dataset=asen/skolor", headers={"Accept-Language": "sv"}).text
    assert shown.count("Värdet i school_form motsvarar inget begrepp") == 1
    assert 10 <= shown.count('href="/quality/row?') and "10 till" in shown


def test_publishers_and_datasets_stand_in_the_order_of_the_alphabet(client: FlaskClient) -> None:
    page = client.get("/quality?lang=sv", headers={"Accept": "text/html"}).text
    by_dataset = re.findall(r'<th scope="row"><a href="[^"]+">([^<]+)</a>', page)
    assert by_dataset[0].endswith("Ekvalla") and by_dataset[-1].endswith("Öbacka")
    by_publisher = re.findall(r'<th scope="row">([^<]+) kommun</th>', page)
    assert by_publisher[0] == "Ekvalla" and by_publisher[-3:] == ["Älvhult", "Ängshamn", "Öbacka"]
