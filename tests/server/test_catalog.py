"""The catalogue: mandatory properties one by one, harvest rules, and SEMIC's shapes as referee."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from rdflib import DCAT, DCTERMS, FOAF, OWL, RDF, RDFS, XSD, BNode, Graph, Literal, Namespace, URIRef

from server.catalog import CatalogEntry, GraphDump, catalog_lines
from server.catalog_check import check_description
from server.catalog_prediction import predict
from server.catalog_series import harvest_view
from server.site import Site, read_site

SHARED = Path(os.environ.get("TORG_SHARED", Path(__file__).parents[2].parent / "shared"))
SHAPES = SHARED / "data/dcat-ap/3.0.1"
VCARD = Namespace("http://www.w3.org/2006/vcard/ns#")
DCATAP = Namespace("http://data.europa.eu/r5r/")
SCHEMA = Namespace("http://schema.org/")
# Of DCAT 3, which RDFLib does not know yet.
SERIES, IN_SERIES = URIRef(f"{DCAT}DatasetSeries"), URIRef(f"{DCAT}inSeries")
BASE = "https://data.norrsjo.example/"
SITE_TOML = """
[site]
base = "https://data.norrsjo.example/"
title.sv = "Öppna data i Norrsjö län"
title.en = "Open data of Norrsjö County"
license = "CC0"

[publishers.granby]
name.sv = "Granby kommun"
name.en = "Granby Municipality"
orgnr = "212000-1967"
kommunkod = "1880"
contact = "oppnadata@granby.example"
homepage = "https://granby.example/öppna data"

[publishers.norrsjo]
name.sv = "Region Norrsjö"
orgnr = "2321000016"
contact = "data@norrsjo.example"
"""
LEDGER_TOML = """
title.sv = "Leverantörsreskontra Granby"
title.en = "Supplier ledger, Granby"
description.sv = "Fakturor som \\"kommunen\\" har betalat,\\nmånad för månad."
description.en = "Invoices paid by the municipality, month by month."
keyword.sv = ["leverantör", "inköp"]
keyword.en = ["supplier"]
conformsTo = "leverantorsreskontra"
source = "reskontra-*.csv"
delivery = "period"
license = "https://creativecommons.org/licenses/by/4.0"
theme = ["T2.2"]
accrualPeriodicity = "MONTHLY"
hvdCategory = ["companies"]
contactPoint.name = "Ekonomienheten"
contactPoint.email = "ekonomi@granby.example"
"""
SCHOOLS_TOML = """
conformsTo = "skolor"
source = "skolor.csv"
issued = 2026-01-15
"""


def make_site(folder: Path, datasets: dict[str, str], site_toml: str = SITE_TOML) -> Site:
    (folder / "site.toml").write_text(site_toml, "utf-8")
    for key, toml in datasets.items():
        path = folder / "datasets" / key
        path.mkdir(parents=True)
        (path / "dataset.toml").write_text(toml, "utf-8")
    return read_site(folder)


def entries_of(site: Site) -> list[CatalogEntry]:
    entries = []
    for dataset in site.datasets:
        periods = ["2025-12", "2026-01"] if dataset.delivery == "period" else [""]
        graphs = tuple(
            GraphDump(
                iri=site.uris.graph(dataset.publisher, dataset.name, period or None),
                period=period,
                triples=120,
                dump=f"dumps/{dataset.key}{'/' + period if period else ''}.nt.gz",
                byte_size=2048,
                sha256="ab" * 32,
            )
            for period in periods
        )
        entries.append(CatalogEntry(dataset, graphs, "2026-02-01", "2026-11-22T04:00:00+00:00", 17))
    return entries


@pytest.fixture
def site(tmp_path: Path) -> Site:
    keys = {"granby/reskontra": LEDGER_TOML, "norrsjo/skolor": SCHOOLS_TOML, "granby/skolor": SCHOOLS_TOML}
    site = make_site(tmp_path, keys)
    assert not site.faults
    return site


@pytest.fixture
def graph(site: Site) -> Graph:
    return parsed(catalog_lines(site, entries_of(site)))


def parsed(lines: list[str]) -> Graph:
    return Graph().parse(data="".join(lines), format="nt")


MANDATORY = [
    (DCAT.Catalog, DCTERMS.title, None),
    (DCAT.Catalog, DCTERMS.description, None),
    (DCAT.Catalog, DCTERMS.publisher, 1),
    (DCAT.Catalog, DCTERMS.license, 1),
    (DCAT.Catalog, DCAT.dataset, None),
    (DCAT.Dataset, DCTERMS.title, None),
    (DCAT.Dataset, DCTERMS.description, None),
    (DCAT.Dataset, DCTERMS.publisher, 1),
    (DCAT.Distribution, DCAT.accessURL, 1),
    (DCAT.Distribution, DCTERMS.format, 1),
    (DCAT.DataService, DCTERMS.title, None),
    (DCAT.DataService, DCAT.endpointURL, None),
    (DCAT.DataService, DCTERMS.format, 1),
    (FOAF.Agent, FOAF.name, None),
    (FOAF.Agent, DCTERMS.type, 1),
    (VCARD.Organization, VCARD.fn, None),
    (VCARD.Organization, VCARD.hasEmail, None),
]


@pytest.mark.parametrize(("kind", "property", "exactly"), MANDATORY, ids=lambda v: str(v).rsplit("/", 1)[-1])
def test_mandatory_property_is_always_there(graph: Graph, kind: URIRef, property: URIRef, exactly: int | None) -> None:
    subjects = set(graph.subjects(RDF.type, kind))
    assert subjects
    for subject in subjects:
        values = list(graph.objects(subject, property))
        assert len(values) == exactly if exactly else values, subject


RECOMMENDED = [
    (DCAT.Catalog, DCTERMS.issued),
    (DCAT.Catalog, DCTERMS.modified),
    (DCAT.Catalog, DCTERMS.language),
    (DCAT.Catalog, FOAF.homepage),
    (DCAT.Catalog, DCAT.themeTaxonomy),
    (DCAT.Dataset, DCAT.contactPoint),
    (DCAT.Dataset, DCTERMS.issued),
    (DCAT.Dataset, DCTERMS.conformsTo),
    (DCAT.Dataset, DCTERMS.accessRights),
    (DCAT.Distribution, DCTERMS.description),
    (DCAT.Distribution, DCATAP.availability),
    (DCAT.Distribution, DCTERMS.license),
    (DCAT.DataService, DCAT.endpointDescription),
    (DCAT.DataService, DCAT.contactPoint),
    (DCAT.DataService, DCAT.servesDataset),
    (FOAF.Agent, DCTERMS.identifier),
]


@pytest.mark.parametrize(("kind", "property"), RECOMMENDED, ids=lambda v: str(v).rsplit("/", 1)[-1])
def test_recommended_property_is_there_without_the_stewards_work(graph: Graph, kind: URIRef, property: URIRef) -> None:
    for subject in graph.subjects(RDF.type, kind):
        assert (subject, property, None) in graph, subject


def test_same_input_gives_same_bytes_in_any_order(site: Site) -> None:
    entries = entries_of(site)
    lines = catalog_lines(site, entries)
    assert lines == catalog_lines(site, entries[::-1]) == sorted(set(lines))


def test_no_blank_nodes_and_absolute_ascii_iris(graph: Graph) -> None:
    for triple in graph:
        for node in triple:
            assert not isinstance(node, BNode)
            if isinstance(node, URIRef):
                assert re.fullmatch(r"[a-z]+:[!-~]+", node), node
    assert (None, FOAF.homepage, URIRef("https://granby.example/%C3%B6ppna%20data")) in graph


def test_publisher_is_the_portals_own_and_described_once(graph: Graph) -> None:
    granby = URIRef("http://dataportal.se/organisation/SE2120001967")
    assert set(graph.subjects(RDF.type, FOAF.Agent)) == {
        granby,
        URIRef("http://dataportal.se/organisation/SE2321000016"),
    }
    assert graph.value(granby, OWL.sameAs) == URIRef(BASE + "id/organization/2120001967")
    assert graph.value(granby, DCTERMS.type) == URIRef("http://purl.org/adms/publishertype/LocalAuthority")
    contacts = set(graph.subjects(RDF.type, VCARD.Organization))
    assert not contacts & set(graph.subjects(RDF.type, FOAF.Agent))


def test_a_contact_that_datasets_share_is_described_once(site: Site) -> None:
    entries = entries_of(site)
    metadata = {"contactPoint": {"name": "Öppna data", "email": "OppnaData@granby.example", "phone": "019-12 34 56"}}
    same = [replace(e, dataset=replace(e.dataset, metadata=e.dataset.metadata | metadata)) for e in entries[:2]]
    graph = parsed(catalog_lines(site, same))
    contact = URIRef(BASE + "id/contact/granby/oppnadata%40granby.example")
    assert set(graph.subjects(RDF.type, VCARD.Organization)) == {contact}
    assert graph.value(contact, VCARD.fn) == Literal("Öppna data")
    assert graph.value(contact, VCARD.hasTelephone) == URIRef("tel:019123456")


def test_region_publisher_is_typed_by_its_number(graph: Graph) -> None:
    region = URIRef("http://dataportal.se/organisation/SE2321000016")
    assert graph.value(region, DCTERMS.type) == URIRef("http://purl.org/adms/publishertype/RegionalAuthority")


def test_catalogues_are_one_level_of_parts(graph: Graph) -> None:
    root = URIRef(BASE + "id/catalog")
    parts = set(graph.objects(root, DCTERMS.hasPart))
    assert parts == {URIRef(BASE + "id/catalog/granby"), URIRef(BASE + "id/catalog/norrsjo")}
    assert set(graph.subjects(DCTERMS.hasPart)) == {root}
    for part in parts:
        assert (part, RDF.type, DCAT.Catalog) in graph


def test_one_publisher_needs_no_parts(site: Site) -> None:
    granby = [entry for entry in entries_of(site) if entry.dataset.publisher == "granby"]
    assert not list(parsed(catalog_lines(site, granby)).triples((None, DCTERMS.hasPart, None)))


def test_licence_is_written_exactly_as_the_portal_wants(graph: Graph) -> None:
    licences = {str(licence) for licence in graph.objects(None, DCTERMS.license)}
    assert licences == {
        "http://creativecommons.org/licenses/by/4.0/",
        "http://creativecommons.org/publicdomain/zero/1.0/",
    }


def test_texts_carry_their_language(graph: Graph) -> None:
    for property in (DCTERMS.title, DCTERMS.description, DCAT.keyword, FOAF.name):
        for text in graph.objects(None, property):
            assert isinstance(text, Literal) and text.language in ("sv", "en"), text
    ledger = URIRef(BASE + "id/dataset/granby/reskontra")
    assert Literal('Fakturor som "kommunen" har betalat,\nmånad för månad.', "sv") in set(
        graph.objects(ledger, DCTERMS.description)
    )
    assert len(list(graph.objects(ledger, DCAT.keyword))) == 3


def test_dates_are_typed_by_their_form(graph: Graph) -> None:
    schools = URIRef(BASE + "id/dataset/granby/skolor")
    assert graph.value(schools, DCTERMS.issued) == Literal("2026-01-15", datatype=XSD.date)
    modified = graph.value(schools, DCTERMS.modified)
    assert isinstance(modified, Literal) and modified.datatype == XSD.dateTime


def test_specification_and_publisher_fill_a_bare_description(graph: Graph) -> None:
    schools = URIRef(BASE + "id/dataset/granby/skolor")
    assert Literal("Skolor, Granby kommun", "sv") in set(graph.objects(schools, DCTERMS.title))
    assert graph.value(schools, DCTERMS.spatial) == URIRef(BASE + "def/place/1880")
    assert graph.value(schools, DCTERMS.conformsTo) == URIRef(BASE + "spec/skolor")


def test_eu_theme_follows_from_our_service_area(graph: Graph) -> None:
    ledger = URIRef(BASE + "id/dataset/granby/reskontra")
    assert set(graph.objects(ledger, DCTERMS.subject)) == {URIRef(BASE + "def/service/T2.2")}
    theme = URIRef("http://publications.europa.eu/resource/authority/data-theme/ECON")
    assert set(graph.objects(ledger, DCAT.theme)) == {theme}


def test_a_sites_own_place_is_found_by_its_code(site: Site) -> None:
    place = '<def/norrsjo/9901> skos:inScheme <def/place> ; skos:notation "9901" .'
    (site.folder / "concepts").mkdir()
    (site.folder / "concepts/own.ttl").write_text(
        f"@prefix skos: <http://www.w3.org/2004/02/skos/core#> .\n{place}", "utf-8"
    )
    entry = entries_of(site)[0]
    dataset = replace(entry.dataset, metadata=entry.dataset.metadata | {"spatial": "9901"})
    graph = parsed(catalog_lines(site, [replace(entry, dataset=dataset)]))
    assert (None, DCTERMS.spatial, URIRef(BASE + "def/norrsjo/9901")) in graph


def test_each_period_has_its_distributions_and_the_dataset_the_whole_time(graph: Graph) -> None:
    ledger = URIRef(BASE + "id/dataset/granby/reskontra")
    distributions = list(graph.objects(ledger, DCAT.distribution))
    assert len(distributions) == 7
    table = URIRef(BASE + "id/distribution/granby/reskontra/csv/2026-01")
    address = "compare/leverantorsreskontra/download?format=csv&dataset=granby/reskontra&period=2026-01"
    assert graph.value(table, DCAT.downloadURL) == URIRef(BASE + address)
    dump = URIRef(BASE + "id/distribution/granby/reskontra/n-triples/2026-01")
    assert graph.value(dump, DCAT.downloadURL) == URIRef(BASE + "dumps/granby/reskontra/2026-01.nt.gz")
    assert graph.value(dump, DCAT.byteSize) == Literal("2048", datatype=XSD.nonNegativeInteger)
    interval = graph.value(ledger, DCTERMS.temporal)
    assert graph.value(interval, DCAT.startDate) == Literal("2025-12-01", datatype=XSD.date)
    assert graph.value(interval, DCAT.endDate) == Literal("2026-01-31", datatype=XSD.date)


def test_a_graph_with_a_name_of_its_own_is_fetched_by_it(site: Site) -> None:
    entry = entries_of(site)[1]
    own = entry.graphs[0]
    kept = replace(
        own, iri="https://rdf.granby.example/g/1#a", dump=f"dumps/{entry.dataset.key}/0123456789abcdef.nt.gz"
    )
    graph = parsed(catalog_lines(site, [replace(entry, graphs=(own, kept))]))
    found = URIRef(BASE + f"id/distribution/{entry.dataset.key}/turtle/0123456789abcdef")
    address = BASE + "rdf-graph-store?graph=https%3A%2F%2Frdf.granby.example%2Fg%2F1%23a"
    assert graph.value(found, DCAT.accessURL) == URIRef(address)
    assert graph.value(found, DCAT.downloadURL) == URIRef(address + "&format=ttl")
    for distribution in graph.subjects(RDF.type, DCAT.Distribution):
        assert len(list(graph.objects(distribution, DCAT.accessURL))) == 1


def test_a_series_is_described_once_and_holds_its_years(site: Site) -> None:
    entry = entries_of(site)[0]
    series = {"name": "reskontra", "title": {"sv": "Leverantörsreskontra, alla år"}}
    years = [
        replace(
            entry,
            dataset=replace(
                entry.dataset, name=f"reskontra-{year}", metadata=entry.dataset.metadata | {"inSeries": said}
            ),
        )
        for year, said in ((2025, series), (2026, "reskontra"))
    ]
    graph = parsed(catalog_lines(site, years))
    (found,) = graph.subjects(RDF.type, URIRef("http://www.w3.org/ns/dcat#DatasetSeries"))
    assert found == URIRef(BASE + "id/series/granby/reskontra")
    assert len(list(graph.subjects(URIRef("http://www.w3.org/ns/dcat#inSeries"), found))) == 2
    assert list(graph.objects(found, DCTERMS.title)) == [Literal("Leverantörsreskontra, alla år", "sv")]
    for mandatory in (DCTERMS.description, DCTERMS.publisher):
        assert (found, mandatory, None) in graph


def test_services_of_high_value_data_say_so(graph: Graph) -> None:
    for service in graph.subjects(RDF.type, DCAT.DataService):
        assert (service, DCATAP.hvdCategory, URIRef("http://data.europa.eu/bna/c_a9135398")) in graph
        for needed in (DCAT.contactPoint, DCAT.servesDataset, FOAF.page, DCATAP.applicableLegislation):
            assert (service, needed, None) in graph


def test_what_is_only_listed_has_reason_fee_and_contact_but_no_distribution(site: Site) -> None:
    entry = entries_of(site)[0]
    said = {
        "status": "not-published",
        "title": {"sv": "Bygglov"},
        "description": {"sv": "Beslut om bygglov."},
        "reason": {"sv": "Innehåller personuppgifter.", "en": "Holds personal data."},
        "fee": {"sv": "Självkostnad"},
    }
    listed = replace(entry.dataset, name="bygglov", metadata=said, specification=None, sources=())
    graph = parsed(catalog_lines(replace(site, datasets=(*site.datasets, listed)), [entry]))
    dataset = URIRef(BASE + "id/dataset/granby/bygglov")
    assert (URIRef(BASE + "id/catalog"), DCAT.dataset, dataset) in graph
    assert not list(graph.objects(dataset, DCAT.distribution))
    rights = "http://publications.europa.eu/resource/authority/access-right/NON_PUBLIC"
    assert graph.value(dataset, DCTERMS.accessRights) == URIRef(rights)
    reason = graph.value(dataset, DCTERMS.rights)
    assert set(graph.objects(reason, RDFS.label)) == {
        Literal("Innehåller personuppgifter.", "sv"),
        Literal("Holds personal data.", "en"),
    }
    offer = graph.value(dataset, SCHEMA.offers)
    assert graph.value(offer, SCHEMA.description) == Literal("Självkostnad", "sv")
    assert (dataset, DCAT.contactPoint, None) in graph
    assert set(graph.objects(None, DCAT.servesDataset)) == {URIRef(BASE + "id/dataset/granby/reskontra")}


@pytest.mark.parametrize("said", [{"sv": "Ange källan."}, "Ange källan."], ids=["by language", "plain"])
def test_rights_are_said_of_every_distribution(site: Site, said: object) -> None:
    entry = entries_of(site)[0]
    dataset = replace(entry.dataset, metadata=entry.dataset.metadata | {"rights": said})
    graph = parsed(catalog_lines(site, [replace(entry, dataset=dataset)]))
    for distribution in graph.subjects(RDF.type, DCAT.Distribution):
        statement = graph.value(distribution, DCTERMS.rights)
        assert graph.value(statement, RDFS.label) == Literal("Ange källan.", "sv")


def test_high_value_dataset_names_the_law_on_dataset_and_distributions(graph: Graph) -> None:
    ledger = URIRef(BASE + "id/dataset/granby/reskontra")
    law = URIRef("http://data.europa.eu/eli/reg_impl/2023/138/oj")
    assert (ledger, DCATAP.hvdCategory, URIRef("http://data.europa.eu/bna/c_a9135398")) in graph
    for distribution in [ledger, *graph.objects(ledger, DCAT.distribution)]:
        assert (distribution, DCATAP.applicableLegislation, law) in graph


def test_wrong_values_are_left_out_not_passed_on(site: Site) -> None:
    entry = entries_of(site)[0]
    wrong = {"theme": ["NOSUCH"], "issued": "i våras", "landingPage": "sidan", "license": "fri"}
    metadata = entry.dataset.metadata | wrong
    lines = catalog_lines(site, [replace(entry, dataset=replace(entry.dataset, metadata=metadata))])
    for word in ("NOSUCH", "i våras", "sidan", "fri>"):
        assert not any(word in line for line in lines)


@pytest.mark.parametrize(
    "wrong",
    [
        {"title": {"svenska_": "Skolor", "sv": "Skolor"}},
        {"title": {"sv": 'a "b" \\ \t \u0001 c'}},
        {"keyword": {"sv": [1, None, True]}},
        {"keyword": ["a", "b"]},
        {"landingPage": 'https://granby.example/<a>{b}|^` \\ " \n'},
        {"landingPage": "http://[::1"},
        {"temporal": "2026"},
        {"temporal": {"start": {}, "end": []}},
        {"contactPoint": "oppnadata@granby.example"},
        {"contactPoint": {"email": "ingen adress", "url": 7}},
        {"spatial": ["9999", "Granby"]},
        {"inSeries": {"name": "a/b ?"}},
        {"inSeries": 2026},
        {"version": 1.5, "identifier": ["a", "b"]},
        {"conformsTo": {"a": "b"}},
        {"language": ["klingon"]},
        {"rights": ["a", "b"]},
    ],
    ids=str,
)
def test_no_description_breaks_the_catalogue(site: Site, wrong: dict[str, object]) -> None:
    entry = entries_of(site)[0]
    dataset = replace(entry.dataset, metadata=entry.dataset.metadata | wrong)
    graph = parsed(catalog_lines(site, [replace(entry, dataset=dataset)]))
    assert (URIRef(BASE + "id/dataset/granby/reskontra"), RDF.type, DCAT.Dataset) in graph
    list(check_description(site, dataset))


def test_control_characters_never_reach_the_harvest_file(site: Site) -> None:
    entry = entries_of(site)[0]
    metadata = entry.dataset.metadata | {"title": {"sv": "Fakturor\u0001\u000b och\tkonton"}}
    lines = catalog_lines(site, [replace(entry, dataset=replace(entry.dataset, metadata=metadata))])
    title = parsed(lines).value(URIRef(BASE + "id/dataset/granby/reskontra"), DCTERMS.title)
    assert title == Literal("Fakturor   och\tkonton", "sv")


def test_an_empty_site_still_has_a_catalogue(site: Site) -> None:
    graph = parsed(catalog_lines(site, []))
    assert (URIRef(BASE + "id/catalog"), DCTERMS.title, None) in graph


@pytest.mark.skipif(not SHAPES.is_dir(), reason="the profile's shapes are not at hand (TORG_SHARED)")
@pytest.mark.parametrize("shapes", ["html/shacl/shapes.ttl", "shacl/dcat-ap-SHACL.ttl"])
def test_semic_shapes_find_nothing_but_the_swedish_format_literal(graph: Graph, shapes: str) -> None:
    from pyshacl import validate

    shacl = Namespace("http://www.w3.org/ns/shacl#")
    referee = Graph().parse(SHAPES / shapes)
    for link in list(referee.triples((None, shacl.property, None))):
        if (link[2], shacl.path, None) not in referee:  # The published file has some property shapes without a path.
            referee.remove(link)
    # What vCard's ontology says; the shapes ask for the general class.
    known = Graph().add((VCARD.Organization, RDFS.subClassOf, VCARD.Kind))
    _, report, text = validate(graph, shacl_graph=referee, ont_graph=known, advanced=False)
    left = []
    for result in report.subjects(shacl.resultSeverity, shacl.Violation):
        path, value = report.value(result, shacl.resultPath), report.value(result, shacl.value)
        others = (value, None, None) not in graph  # Classes of code lists' terms are told by those who own them.
        if path == DCTERMS["format"] and isinstance(value, Literal):
            continue  # DCAT-AP-SE wants an IANA literal where DCAT-AP wants an IRI.
        if report.value(result, shacl.sourceConstraintComponent) == shacl.ClassConstraintComponent and others:
            continue
        left.append((path, value))
    assert not left, text


def test_a_dataset_of_periods_is_a_series_of_years_to_the_portal(site: Site) -> None:
    entry = entries_of(site)[0]
    months = tuple(
        GraphDump(f"{BASE}graph/{entry.dataset.key}/{month}", month, 1, f"dumps/{entry.dataset.key}/{month}.nt.gz")
        for month in ("2025-11", "2025-12", "2026-01")
    )
    lines = catalog_lines(site, [replace(entry, graphs=months)])
    series = URIRef(f"{BASE}id/dataset/{entry.dataset.key}")
    within = parsed(lines)
    # Within the site the whole remains one dataset.
    assert {DCAT.Dataset, SERIES} <= set(within.objects(series, RDF.type))
    graph = parsed(harvest_view(lines))
    assert list(graph.objects(series, RDF.type)) == [SERIES]
    assert (series, DCAT.distribution, None) not in graph
    years = {URIRef(f"{series}/2025"), URIRef(f"{series}/2026")}
    assert set(graph.subjects(RDF.type, DCAT.Dataset)) == years == set(graph.subjects(IN_SERIES, series))
    assert set(graph.objects(URIRef(BASE + "id/catalog"), DCAT.dataset)) == years
    assert years <= set(graph.objects(URIRef(BASE + "id/service/sparql"), DCAT["servesDataset"]))
    for year, count in (("2025", 2), ("2026", 1)):
        own = list(graph.objects(URIRef(f"{series}/{year}"), DCAT.distribution))
        assert (
            len([one for one in own if "/csv/" in one]) == count and len([one for one in own if "/sparql/" in one]) == 1
        )
        titles = {str(title) for title in graph.objects(URIRef(f"{series}/{year}"), DCTERMS.title)}
        assert titles == {f"Leverantörsreskontra Granby {year}", f"Supplier ledger, Granby {year}"}
        for property in (DCTERMS.publisher, DCTERMS.temporal, DCAT.theme, DCAT.contactPoint, DCATAP.hvdCategory):
            assert (URIRef(f"{series}/{year}"), property, None) in graph, property
    # Each distribution belongs to one dataset, and none is left without.
    for way in graph.subjects(RDF.type, DCAT.Distribution):
        assert len(list(graph.subjects(DCAT.distribution, way))) == 1, way
    assert predict(site, lines, {}).accepted


def test_a_steward_may_say_which_series_it_is_in(site: Site) -> None:
    entry = entries_of(site)[0]
    dataset = replace(entry.dataset, metadata=entry.dataset.metadata | {"inSeries": "reskontra"})
    month = GraphDump(f"{BASE}graph/{dataset.key}/2026-01", "2026-01", 1, f"dumps/{dataset.key}/2026-01.nt.gz")
    graph = parsed(harvest_view(catalog_lines(site, [replace(entry, dataset=dataset, graphs=(month,))])))
    assert list(graph.subjects(RDF.type, SERIES)) == [URIRef(BASE + "id/series/granby/reskontra")]
