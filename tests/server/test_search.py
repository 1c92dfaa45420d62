"""Search finds what people type, ranks it, narrows it by facets, and stays the same when an index is carried on."""

import re
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import pytest

from server.generations import DataFolder
from server.graph_files import read_graph
from server.label_lookup import LabelLookup
from server.labels import build_labels
from server.search import Asked, Search, marked
from server.search_index import IndexedGraph, build_search, is_current, update_search
from tests.conftest import ROWS

BASE = "https://data.norrsjo.example/"
SKOS = "http://www.w3.org/2004/02/skos/core#"
NAME, TYPE = "https://schema.org/name", "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
SCHOOLS, CONCEPTS = f"{BASE}graph/asen/skolor", f"{BASE}graph/shared/concepts"


def thing(path: str, type: str, *names: str, **values: str) -> list[str]:
    iri = f"<{BASE}{path}>"
    lines = [f'{iri} <{NAME}> "{name}"@sv .\n' for name in names]
    lines += [f"{iri} <{TYPE}> <{type if '://' in type else BASE + type}> .\n"]
    if "about" in values:
        lines += [f'{iri} <https://schema.org/description> "{values["about"]}"@sv .\n']
    if "code" in values:
        lines += [f'{iri} <http://purl.org/dc/terms/identifier> "{values["code"]}" .\n']
    if "concept" in values:
        lines += [f"{iri} <{BASE}spec/torg#schoolForm> <{BASE}def/{values['concept']}> .\n"]
    return sorted(lines)


def concept(notation: str, sv: str, *others: str) -> list[str]:
    iri = f"<{BASE}def/service/{notation}>"
    return sorted(
        [
            f'{iri} <{SKOS}prefLabel> "{sv}"@sv .\n',
            f"{iri} <{TYPE}> <{SKOS}Concept> .\n",
            f'{iri} <{SKOS}notation> "{notation}" .\n',
            *(f'{iri} <{SKOS}altLabel> "{other}"@sv .\n' for other in others),
        ]
    )


def schools(*more: list[str]) -> list[str]:
    each = [
        thing("id/school/1", "spec/torg#School", "Norra skolan", code="212000-9903", concept="service/T3"),
        thing("id/school/2", "spec/torg#School", "Ekbackens grundskola", about="Vid sjön.", concept="service/T3"),
        thing("id/school/3", "spec/torg#School", "Kottens förskola", concept="service/T4"),
        thing("id/supplier/4", "spec/torg#Supplier", "Snöröjning i Åsen AB", code="AB-06"),
        *more,
    ]
    return sorted(line for lines in each for line in lines)


def concepts() -> list[str]:
    return concept("T3", "Skola") + concept("T4", "Förskola", "Dagis") + concept("T7.6", "Snöröjning")


def graphs(own: Iterable[str], before: Iterable[str] = ()) -> list[IndexedGraph]:
    return [
        IndexedGraph(SCHOOLS, "dataset", "asen/skolor", own, before),
        IndexedGraph(CONCEPTS, "concepts", "", concepts(), concepts() if before else ()),
    ]


def make(folder: Path, own: list[str]) -> Search:
    folder.mkdir(exist_ok=True)
    build_labels(folder / "labels.sqlite", [(SCHOOLS, own), (CONCEPTS, concepts())])
    build_search(folder / "search.sqlite", graphs(own), BASE, BASE)
    return Search(folder)


@pytest.fixture(scope="module")
def search(tmp_path_factory):
    return make(tmp_path_factory.mktemp("search"), schools())


def titles(search: Search, text: str, **chosen: str) -> list[str]:
    asked = Asked(text, {name: (value,) for name, value in chosen.items()})
    return [hit.title for hit in search.find(asked).hits]


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("snorojning", "Snöröjning"),  # without dots
        ("SNÖRÖJNINGEN", "Snöröjning"),  # inflected, in capitals
        ("sno\u0308ro\u0308jning", "Snöröjning"),  # dots as characters of their own
        ("snör", "Snöröjning"),  # half a word
        ("skolor", "Skola"),  # another inflection; an exact name before longer ones
        ("dagis", "Förskola"),  # an alternative label
        ("T7.6", "Snöröjning"),  # a notation
        ("2120009903", "Norra skolan"),  # a number without its sign
        ("212000-9903", "Norra skolan"),
        ("ab06", "Snöröjning i Åsen AB"),
        ("sjön", "Ekbackens grundskola"),  # in a description
        (f"{BASE}id/school/3", "Kottens förskola"),  # an identifier
        (f"{BASE}res/def/service/T7.6", "Snöröjning"),  # the address of a page
        ("förskola i kottens", "Kottens förskola"),  # small words do not count
    ],
)
def test_finds_what_people_type(search, typed, first):
    assert first == titles(search, typed)[0]


def test_a_word_finds_the_compounds_it_is_a_part_of(search):
    assert "Ekbackens grundskola" in titles(search, "skola")
    assert "Snöröjning" in titles(search, "röjning")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("snörjning", "snöröjning"),
        ("grundskloa", "grundskola"),
        ("snö rjöning", ""),
        ("ekbackns skola", "ekbackens skola"),
    ],
)
def test_a_misspelt_word_is_taken_for_the_nearest(search, typed, meant):
    found = search.find(Asked(typed))
    assert meant == found.corrected
    assert bool(meant) == bool(found.total)


def test_datasets_and_concepts_come_before_other_things_and_used_before_unused(tmp_path):
    more = [
        thing("id/dataset/asen/skolor", "http://www.w3.org/ns/dcat#Dataset", "Skolor i Åsen"),
        thing("id/unit/1", "spec/torg#Unit", "Enheten Skog"),
        thing("id/unit/2", "spec/torg#Unit", "Enheten Sjö"),
        [f"<{BASE}id/entry/{n}> <{BASE}spec/torg#unit> <{BASE}id/unit/2> .\n" for n in range(5)],
        thing("spec/torg#School", "http://www.w3.org/2000/01/rdf-schema#Class", "Skola"),
    ]
    search = make(tmp_path, schools(*more))
    found = titles(search, "skola")
    assert found.index("Skola") < found.index("Skolor i Åsen") < found.index("Norra skolan")
    assert found.index("Norra skolan") < [hit.iri for hit in search.find(Asked("skola")).hits].index(
        f"{BASE}spec/torg#School"  # a term of the vocabulary, though its name is exactly that
    )
    assert ["Enheten Sjö", "Enheten Skog"] == titles(search, "enheten")


def test_facets_count_and_narrow(search):
    found = search.find(Asked("skola"))
    facets = {name: dict(values) for name, values in found.facets.items()}
    assert {f"{BASE}spec/torg#School": 3, f"{SKOS}Concept": 2} == facets["type"]
    assert {f"{BASE}id/dataset/asen/skolor": 3} == facets["dataset"]
    assert {"asen": 3} == facets["publisher"]
    assert {f"{BASE}def/service/T3": 2, f"{BASE}def/service/T4": 1} == facets["concept"]

    assert {"Norra skolan", "Ekbackens grundskola"} == set(titles(search, "skola", concept=f"{BASE}def/service/T3"))
    assert ["Skola", "Förskola"] == titles(search, "skola", type=f"{SKOS}Concept")
    narrowed = search.find(Asked("skola", {"type": (f"{SKOS}Concept",)}))
    assert facets["type"] == dict(narrowed.facets["type"])  # what else could be chosen beside it
    assert [] == titles(search, "skola", publisher="ingen")
    assert 3 == len(titles(search, "", type=f"{BASE}spec/torg#School"))  # a facet alone lists what it holds


@pytest.mark.parametrize(
    "typed",
    ['"', "AND OR NOT", "skola AND (", "NEAR(a b)", "name:skola", "*", "-", "x" * 10_000, "skola " * 2_000,
     "\0\x01\x1f", "\ud83d", "skola \ud83d",
     "²½ ①", "ﷺ", "' OR 1=1 --", "{name} : skola", "日本語", "a_b"],
)  # fmt: skip
def test_odd_input_is_bounded_and_never_an_error(search, typed):
    found = search.find(Asked(typed))
    assert found.total <= 7
    assert len(search.suggest(typed)) <= 8


def test_operators_are_only_words(search):
    assert titles(search, "norra skolan") == titles(search, '"norra" skolan*') == titles(search, "norra (skolan")


def test_suggestions_begin_with_what_was_typed(search):
    assert "Snöröjning" == search.suggest("snö")[0].title
    assert () == search.suggest("s")


def test_uses_are_counted_for_concepts(search):
    assert {f"{BASE}def/service/T3": 2, f"{BASE}def/service/T4": 1} == search.uses(
        [f"{BASE}def/service/{each}" for each in ("T3", "T4", "T7.6")]
    )
    assert {SCHOOLS: 2} == search.used_by(f"{BASE}def/service/T3")


def contents(path: Path) -> list[list[tuple[object, ...]]]:
    """What an index says, whatever its rows are numbered."""
    with closing(sqlite3.connect(path)) as index:
        return [
            sorted(index.execute(query).fetchall())
            for query in (
                "SELECT term, n FROM vocabulary",
                "SELECT doc.iri, term.iri, title, used FROM doc JOIN term ON term.id = doc.graph",
                "SELECT term.iri, used.iri, n FROM used JOIN term ON term.id = used.graph",
            )
        ]


def test_an_index_that_publication_carries_on_equals_a_new_one(small_site, monkeypatch) -> None:
    monkeypatch.setattr("server.assemble.REBUILD_BELOW", 0)
    calls = []
    carry = update_search
    monkeypatch.setattr("server.assemble.update_search", lambda *given: calls.append(given) or carry(*given))
    small_site.publish()
    rows = [ROWS[0].replace("Skola 1", "Solgläntans skola"), *ROWS[1:-1], ROWS[-1].replace("10000008", "10000009")]
    small_site.write(rows)

    assert 2 == small_site.publish().generation and calls

    generation = DataFolder(small_site.data).current()
    made = small_site.data / "made"
    made.mkdir()
    whole = [IndexedGraph(graph.iri, graph.kind, graph.dataset, list(read_graph(generation.path / graph.dump)))
             for graph in generation.graphs.values() if graph.published]  # fmt: skip
    build_search(made / "search.sqlite", whole, generation.manifest["base"], generation.manifest["concept_base"])
    assert contents(made / "search.sqlite") == contents(generation.path / "search.sqlite")
    generation.close()


def test_an_index_carried_on_equals_a_new_one(tmp_path):
    before = schools()
    changed = [re.sub("Ekbackens", "Solbackens", line) for line in schools() if "/school/3>" not in line]
    changed = sorted(changed + thing("id/school/9", "spec/torg#School", "Östra skolan", concept="service/T4"))
    make(tmp_path / "one", before)
    new = make(tmp_path / "two", changed)

    folder = tmp_path / "three"
    folder.mkdir()
    (folder / "labels.sqlite").symlink_to(tmp_path / "two" / "labels.sqlite")
    update_search(tmp_path / "one/search.sqlite", folder / "search.sqlite", graphs(changed, before), BASE, BASE)
    carried = Search(folder)

    assert is_current(folder / "search.sqlite")
    for words in ("skola", "ekbackens", "solbackens", "kottens", "östra", "förskola", "backen"):
        ours, theirs = carried.find(Asked(words)), new.find(Asked(words))
        assert {hit.iri for hit in theirs.hits} == {hit.iri for hit in ours.hits}, words
        assert {name: dict(each) for name, each in theirs.facets.items()} == {
            name: dict(each) for name, each in ours.facets.items()
        }
    assert {SCHOOLS: 1} == carried.used_by(f"{BASE}def/service/T4")
    assert contents(tmp_path / "two/search.sqlite") == contents(folder / "search.sqlite")
    assert LabelLookup(folder / "labels.sqlite").of([f"{BASE}id/school/9"])


def test_the_words_searched_for_are_marked():
    assert [("Äldre", True), (" i ", False), ("Åsens", True), (" hem", False)] == marked(
        "Äldre i Åsens hem", ("aldre", "åsen")
    )
    assert [("<b>", False)] == marked("<b>", ("q",))
