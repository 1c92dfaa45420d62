"""Each specification is a folder whose table, sample, shapes and README say the same."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from typing import Any

import pyoxigraph
import pytest
from pyshacl import validate
from rdflib import OWL, RDF, RDFS, SDO, SH, XSD, Graph, Literal, URIRef

import ontology
from loaders.concepts import ConceptIndex
from loaders.csvw.metadata import read_group, read_table
from loaders.csvw.publication import compile_table
from loaders.derivations import Derivations

from .conftest import BASE, ROOT, parsed

X = ontology.CSVW_EXTENSION
SPECIFICATIONS = ontology.specification_names()
TORG = f"{BASE}spec/torg#"
LEDGERS = ("leverantorsreskontra", "leverantorsreskontra-1")
PLACE_CORE = [
    "source",
    "id",
    "name",
    "latitude",
    "longitude",
    "email",
    "visit_url",
    "wikidata",
    "updated",
    "description",
]


def columns(name: str, virtual: bool = False) -> list[dict[str, Any]]:
    return [
        column for column in ontology.table(name)["tableSchema"]["columns"] if bool(column.get("virtual")) == virtual
    ]


def folded(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.casefold())
    return re.sub(r"[\W_]+", "", "".join(sign for sign in plain if not unicodedata.combining(sign)))


def sample(name: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO((ontology.specification(name) / "sample.csv").read_bytes().decode("utf-8"))))


@pytest.fixture(scope="module")
def index() -> ConceptIndex:
    return ConceptIndex.from_files(ontology.concept_files(), BASE)


def converted(name: str, index: ConceptIndex) -> tuple[Graph, list[tuple[str, list[str]]]]:
    header, *rows = sample(name)
    functions = Derivations("1880", index, lambda text: text.replace(" ", "%20"))
    publisher = {"authority": "1880", "publisher": "id/organization/2120001967", "dataset": name, "period": "2026-01"}
    row_function = compile_table(
        read_table(ontology.table(name), BASE),
        {column: place for place, column in enumerate(header)},
        base=BASE,
        constants=publisher,
        derivations=functions.factories(),
    )
    graph, made = Graph(), []
    for number, cells in enumerate(rows, 1):
        subject, lines, errors = row_function(cells, number, number + 1)
        assert errors == (), (number, errors)
        made.append((subject, lines))
        graph.parse(data="".join(lines), format="nt")
    return graph, made


def as_stored(graph: Graph) -> Graph:
    """Return the triples as Oxigraph gives them back: it turns every kind of integer into xsd:integer."""
    store = pyoxigraph.Store()
    store.load(graph.serialize(format="nt").encode(), format=pyoxigraph.RdfFormat.N_TRIPLES)
    dump = store.dump(format=pyoxigraph.RdfFormat.N_TRIPLES, from_graph=pyoxigraph.DefaultGraph())
    return Graph().parse(data=dump, format="nt")


def test_the_specifications_of_the_starter_region_are_here() -> None:
    assert {"leverantorsreskontra", "skolor", "aldreboenden"} <= set(SPECIFICATIONS)


def test_an_unknown_specification_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        ontology.specification("leverantorsreskontran")


@pytest.mark.parametrize("name", SPECIFICATIONS)
def test_folder_is_whole(name: str) -> None:
    folder = ontology.specification(name)
    assert {entry.name for entry in folder.iterdir()} >= {"table.json", "shapes.ttl", "README.md", "sample.csv"}


@pytest.mark.parametrize("name", SPECIFICATIONS)
def test_table_is_valid_csvw(name: str) -> None:
    group, warnings = read_group(ontology.table(name), f"{BASE}spec/{name}/table.json")
    assert len(group.tables) == 1
    assert warnings == []


@pytest.mark.parametrize("name", SPECIFICATIONS)
def test_columns_are_described_in_swedish_and_english(name: str) -> None:
    for column in columns(name):
        assert column["titles"]["und"] == column["name"]
        assert column["titles"]["sv"] and column["titles"]["en"]
        assert {text["@language"] for text in column["dc:description"]} == {"sv", "en"}
        assert column[X + "level"] in ("mandatory", "recommended", "optional")
        assert re.fullmatch(r"[a-z][a-z0-9_]*", column["name"])
        assert column.get("suppressOutput") or "propertyUrl" in column, column["name"]
        assert column[X + "level"] == "mandatory" or not column.get("required"), column["name"]


@pytest.mark.parametrize("name", SPECIFICATIONS)
def test_a_header_word_leads_to_one_column(name: str) -> None:
    owner: dict[str, str] = {}
    for column in columns(name):
        for word in {folded(word) for word in (*column["titles"].values(), *column.get(X + "synonyms", ()))}:
            assert owner.setdefault(word, column["name"]) == column["name"], word


@pytest.mark.parametrize("name", SPECIFICATIONS)
def test_readme_lists_exactly_the_columns(name: str) -> None:
    text = (ontology.specification(name) / "README.md").read_text("utf-8")
    section = text.split("## Columns", 1)[1].split("\n## ", 1)[0]
    listed = re.findall(r"^\| `([^`]+)` \|", section, flags=re.MULTILINE)
    assert listed == [column["name"] for column in columns(name)]


@pytest.mark.parametrize("name", [name for name in SPECIFICATIONS if name not in (*LEDGERS, "kommunal-statistik")])
def test_place_specifications_hold_the_common_core(name: str) -> None:
    names = [column["name"] for column in columns(name)]
    assert [column for column in PLACE_CORE if column not in names] == []
    assert names[:3] == PLACE_CORE[:3]


def test_ledger_has_the_national_columns_in_their_order() -> None:
    national = "kopare_id kopare verifikationsnummer leverantor leverantor_id konto_nr konto_text bokforingsdatum"
    national += " forvaltning fakturanummer nettobelopp grund avtal kommun_id s_kod_nr"
    assert [column["name"] for column in columns("leverantorsreskontra")] == national.split()
    assert ontology.table("leverantorsreskontra")[X + "delivery"] == "period"


@pytest.mark.parametrize("name", SPECIFICATIONS)
def test_templates_use_our_terms_and_known_concepts(name: str, core: Graph, concepts: Graph) -> None:
    for column in [*columns(name), *columns(name, virtual=True)]:
        for key in ("propertyUrl", "valueUrl", "aboutUrl"):
            template = column.get(key, "")
            assert not template.startswith("/")
            if "{" in template:
                continue
            iri = URIRef(BASE + template)
            if template.startswith("spec/torg#"):
                assert (iri, None, None) in core, template
            elif template.startswith("def/"):
                assert (iri, None, None) in concepts, template
            elif template.startswith(str(SDO)):
                assert URIRef(template) in SDO, template
            else:
                assert template == "" or re.match(r"https?://", template), template


@pytest.mark.parametrize("name", SPECIFICATIONS)
def test_sample_becomes_what_the_shapes_demand(name: str, index: ConceptIndex, concepts: Graph) -> None:
    graph, made = converted(name, index)
    assert len(graph) > 0 and all(lines for _, lines in made)
    graph = as_stored(graph)
    shapes = parsed(ontology.specification(name) / "shapes.ttl")
    _, report, text = validate(graph + concepts, shacl_graph=shapes)
    assert isinstance(report, Graph)
    violations = [one for one in report.subjects(SH.resultSeverity, SH.Violation)]
    assert violations == [], text
    targets = set(shapes.objects(None, SH.targetClass))
    assert any((None, RDF.type, target) in graph for target in targets)


@pytest.mark.parametrize("name", SPECIFICATIONS)
def test_shapes_are_shacl_core_with_messages_in_both_languages(name: str) -> None:
    shapes = parsed(ontology.specification(name) / "shapes.ttl")
    for shape in shapes.objects(None, SH.property):
        assert {message.language for message in shapes.objects(shape, SH.message)} == {"sv", "en"}
        assert shapes.value(shape, SH.severity) in (SH.Violation, SH.Warning)
    assert not list(shapes.subject_objects(SH.sparql))


@pytest.mark.parametrize("name", LEDGERS)
def test_a_ledger_row_has_at_most_eight_triples(name: str, index: ConceptIndex) -> None:
    _, made = converted(name, index)
    for subject, lines in made:
        own = [line for line in lines if line.startswith(f"<{subject}> ")]
        assert 7 <= len(own) <= 8


def test_a_possible_person_leaves_no_trace_but_a_neutral_name(index: ConceptIndex) -> None:
    graph, made = converted("leverantorsreskontra", index)
    lines = next(lines for subject, lines in made if "9902003" in subject)
    assert not any("Tolvan" in line or "1212121212" in line or "torg#payee>" in line for line in lines)
    entry = URIRef(next(subject for subject, _ in made if "9902003" in subject))
    assert graph.value(entry, URIRef(TORG + "payeeName")) == Literal("Enskild näringsidkare", lang="sv")


def test_suppliers_are_linked_by_number_or_locally(index: ConceptIndex) -> None:
    graph, _ = converted("leverantorsreskontra", index)
    payees = {str(payee).removeprefix(BASE) for payee in graph.objects(None, URIRef(TORG + "payee"))}
    assert payees == {"id/organization/5599902219", "id/organization/5599901120", "id/supplier/1880/10004007"}


def test_a_school_unit_code_is_the_same_address_everywhere(index: ConceptIndex) -> None:
    _, made = converted("skolor", index)
    subjects = [subject.removeprefix(BASE) for subject, _ in made]
    assert subjects == ["id/school/99020011", "id/school/99020012", "id/school/1880/GY-7"]


def test_coded_columns_of_schools_become_concepts(index: ConceptIndex) -> None:
    graph, _ = converted("skolor", index)
    first = URIRef(f"{BASE}id/school/99020011")

    def linked(term: str) -> str:
        return str(graph.value(first, URIRef(TORG + term))).removeprefix(BASE)

    assert [linked("facilityType"), linked("serviceArea"), linked("municipality"), linked("operatorType")] == [
        "def/facility/O1.2",
        "def/service/T3.2",
        "def/place/1880",
        "def/actor/A1",
    ]


def test_broken_rows_break_the_shapes() -> None:
    shapes = parsed(ontology.specification("leverantorsreskontra") / "shapes.ttl")
    graph = Graph()
    entry = URIRef(f"{BASE}id/ledger-entry/1880/2026-01-01/1/6")
    graph.add((entry, RDF.type, URIRef(TORG + "LedgerEntry")))
    graph.add((entry, URIRef(TORG + "netAmount"), Literal("tolv")))
    _, report, _ = validate(graph, shacl_graph=shapes)
    assert isinstance(report, Graph)
    broken = {str(path).removeprefix(TORG) for path in report.objects(None, SH.resultPath)}
    assert broken == {"payer", "netAmount", "bookingDate", "account", "unit", "voucherNumber"}


def test_wikidata_becomes_same_as(index: ConceptIndex) -> None:
    graph, _ = converted("skolor", index)
    assert (None, OWL.sameAs, URIRef("http://www.wikidata.org/entity/Q297718")) in graph


def test_a_figure_is_about_a_year_a_month_or_a_quarter(index: ConceptIndex) -> None:
    graph, _ = converted("kommunal-statistik", index)
    periods = set(graph.objects(None, URIRef("http://purl.org/linked-data/sdmx/2009/dimension#refPeriod")))
    assert {(str(period), getattr(period, "datatype", None)) for period in periods} == {
        ("2025", XSD.gYear),
        ("2025-03", XSD.gYearMonth),
        ("2025-Q1", None),
    }


def test_a_suppressed_figure_is_an_observation_without_value(index: ConceptIndex) -> None:
    graph, made = converted("kommunal-statistik", index)
    value = URIRef("http://purl.org/linked-data/sdmx/2009/measure#obsValue")
    subjects = [subject.removeprefix(f"{BASE}id/observation/1880/kommunal-statistik/") for subject, _ in made]
    assert subjects[:3] == ["N01951/1880/2025/T", "N01951/Karlskoga/2025/K", "N15419/1880/2025/T"]
    assert graph.value(URIRef(made[2][0]), value) is None
    areas = {
        str(area) for area in graph.objects(None, URIRef("http://purl.org/linked-data/sdmx/2009/dimension#refArea"))
    }
    assert areas == {f"{BASE}def/place/1880", f"{BASE}def/place/1883"}


def test_documentation_names_every_specification_annotation_and_mapping() -> None:
    text = (ROOT / "docs" / "specifications.md").read_text("utf-8")
    used = set()
    for name in SPECIFICATIONS:
        assert f"| `{name}` |" in text
        used |= set(
            re.findall(rf"{re.escape(X)}(\w+)", (ontology.specification(name) / "table.json").read_text("utf-8"))
        )
    assert [word for word in sorted(used) if f"`{word}`" not in text] == []
    concepts = (ROOT / "docs" / "concepts.md").read_text("utf-8")
    assert [file.name for file in ontology.mapping_files() if f"`{file.name}`" not in concepts] == []


def test_every_property_of_a_specification_is_named_in_both_languages() -> None:
    graph = Graph()
    for name in ("labels.ttl", "core.ttl"):
        graph.parse(
            data=(ROOT / "ontology" / name).read_text("utf-8"), format="turtle", publicID="https://base.example/"
        )
    named = {(str(term), label.language) for term, label in graph.subject_objects(RDFS.label)}
    for table in (ROOT / "ontology").glob("specifications/*/table.json"):
        columns = re.findall(r'"propertyUrl": "(https?://[^"{]+)"', table.read_text("utf-8"))
        lacking = {(url, language) for url in columns for language in ("sv", "en")} - named
        assert not lacking, f"{table.parent.name}: {lacking}"
