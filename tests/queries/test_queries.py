"""Every .rq file as it is published: described in two languages, run as it stands, ordered, and exact."""

from __future__ import annotations

import re
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pyoxigraph import Literal, NamedNode, RdfFormat, Store
from rdflib.plugins.sparql.algebra import translateQuery
from rdflib.plugins.sparql.parser import parseQuery
from rdflib.plugins.sparql.parserutils import CompValue

import queries
from queries import ParameterError, Query, QueryError, parse
from server.generations import DataFolder
from server.uris import UriSpace

URIS = UriSpace("https://data.norrsjo.example/")
ALL = queries.all_queries()
TABLES = [query for query in ALL if not query.is_graph]
NAMES = [query.name for query in ALL]
TABLE_NAMES = [query.name for query in TABLES]
XSD = "http://www.w3.org/2001/XMLSchema#"


@pytest.fixture(scope="module")
def store(starter: Path) -> Store:
    data = DataFolder(starter / "data")
    return Store.read_only(str(data.generations / str(data.current_name()) / "store"))


def rows(store: Store, text: str) -> list[tuple[str | None, ...]]:
    return [tuple(None if term is None else str(term) for term in row) for row in store.query(text)]


def bound(query: Query, **values: list[str]) -> str:
    return query.bind(values, URIS.resolve, URIS.concepts)


def needed(query: Query) -> dict[str, list[str]]:
    return {parameter.name: list(parameter.examples) for parameter in query.needed}


def test_there_are_many_questions() -> None:
    groups = Counter(query.group for query in ALL)
    assert len(ALL) >= 40
    assert {"ledger", "school", "care-home", "place", "concept", "catalog", "change", "quality", "resource"} <= set(
        groups
    )
    assert queries.get("ledger/top-suppliers").group == "ledger"
    with pytest.raises(KeyError):
        queries.get("ledger/no-such-question")


@pytest.mark.parametrize("query", ALL, ids=NAMES)
def test_every_query_is_described_in_both_languages(query: Query) -> None:
    titles = [query.title, query.description, *query.columns.values()]
    titles += [parameter.title for parameter in query.parameters]
    for title in titles:
        assert title["sv"].strip() and title["en"].strip()
    assert all(parameter.examples for parameter in query.parameters)
    assert len(query.description["sv"]) > 20


def test_titles_tell_the_questions_apart() -> None:
    for language in queries.LANGUAGES:
        assert [title for title, count in Counter(query.title[language] for query in ALL).items() if count > 1] == []


@pytest.mark.parametrize("query", ALL, ids=NAMES)
def test_a_file_runs_as_it_stands_and_answers(query: Query, store: Store) -> None:
    answer = store.query(query.text)
    if not query.is_graph:
        assert [variable.value for variable in answer.variables] == list(query.columns)
    assert len(list(answer)) > 0


@pytest.mark.parametrize("query", ALL, ids=NAMES)
def test_binding_the_examples_asks_what_the_file_asks(query: Query, store: Store) -> None:
    text = bound(query, **query.examples())
    if query.is_graph:
        assert set(store.query(text)) == set(store.query(query.text))
    else:
        assert rows(store, text) == rows(store, query.text)


@pytest.mark.parametrize("query", TABLES, ids=TABLE_NAMES)
def test_without_optional_parameters_the_answer_has_more_rows_or_as_many(query: Query, store: Store) -> None:
    if any(parameter.optional for parameter in query.parameters):
        assert len(rows(store, bound(query, **needed(query)))) >= len(rows(store, bound(query, **query.examples())))


@pytest.mark.parametrize("query", TABLES, ids=TABLE_NAMES)
def test_pages_put_together_are_the_whole_answer(query: Query, store: Store) -> None:
    whole = rows(store, bound(query, **needed(query)))
    assert len(set(whole)) == len(whole), "a row stands twice"
    if query.page_size:
        text = bound(query, **needed(query))
        size = max(1, len(whole) // 3)
        paged = [
            row
            for start in range(0, len(whole) + size, size)
            for row in rows(store, f"{text}\nLIMIT {size} OFFSET {start}")
        ]
        assert paged == whole


@pytest.mark.parametrize("query", TABLES, ids=TABLE_NAMES)
def test_what_is_sorted_on_is_of_one_kind(query: Query, store: Store) -> None:
    """Oxigraph may abort when it sorts values of several datatypes."""
    order = query.text.rpartition("\nORDER BY ")[2]
    plain = re.findall(r"(?<!STR\()\?(\w+)", order)
    for name in plain:
        kinds = set()
        for row in store.query(bound(query, **needed(query))):
            term = row[name]
            if term is not None:
                kinds.add(f"{term.datatype.value} {term.language}" if isinstance(term, Literal) else "IRI")
        assert len(kinds) <= 1, f"{name}: {kinds}"


@pytest.mark.parametrize("query", ALL, ids=NAMES)
def test_the_fixed_text_names_nothing_of_one_site(query: Query) -> None:
    """Relative IRIs are resolved against the base of concepts, which only `def/` and `spec/` are on."""
    body = "\n".join(
        line for line in query.text.splitlines() if not line.lstrip().startswith(("#+", "BASE ", "VALUES ?"))
    )
    relative = [iri for iri in re.findall(r"<([^<>\s]+)>", body) if ":" not in iri]
    assert [iri for iri in relative if not iri.startswith(("def/", "spec/"))] == []
    assert "data.norrsjo.example" not in body


@pytest.mark.parametrize("query", ALL, ids=NAMES)
def test_the_text_follows_another_sites_concepts(query: Query) -> None:
    shared = UriSpace("https://oppnadata.asen.example/", "https://begrepp.example/")
    text = query.bind(query.examples(), shared.resolve, shared.concepts)
    assert "norrsjo.example" not in re.sub(r"^#\+.*$", "", text, flags=re.M).replace('"9901"', "")
    if "torg:" in query.text:
        assert "BASE <https://begrepp.example/>" in text


def test_sums_of_money_are_exact_to_the_ore(store: Store) -> None:
    spec = "https://data.norrsjo.example/spec/torg#"
    amounts = {
        quad.subject: Decimal(quad.object.value)
        for quad in store.quads_for_pattern(None, NamedNode(spec + "netAmount"), None)
    }
    total = sum(amounts.values())
    for name in ("ledger/spending-by-municipality", "ledger/spending-by-concept", "ledger/spending-by-month"):
        answer = list(store.query(bound(queries.get(name))))
        assert {row["amount"].datatype.value for row in answer} == {XSD + "decimal"}
        assert sum(Decimal(row["amount"].value) for row in answer) == total, name
        assert sum(int(row["entries"].value) for row in answer) == len(amounts)


def test_a_municipality_is_the_same_asked_alone_and_among_all(store: Store) -> None:
    query = queries.get("ledger/spending-by-municipality")
    every = rows(store, bound(query))
    assert rows(store, bound(query, municipality=["9905"])) == [row for row in every if row[0] == '"9905"']
    several = rows(store, bound(query, municipality=["9905", "9901"]))
    assert several == [row for row in every if row[0] in ('"9905"', '"9901"')]
    assert rows(store, bound(query, year=["1999"])) == []


def test_names_come_in_the_language_asked_for(store: Store) -> None:
    query = queries.get("school/forms")
    swedish = rows(store, query.bind({}, URIS.resolve, URIS.concepts, "sv"))
    english = rows(store, query.bind({}, URIS.resolve, URIS.concepts, "en"))
    assert {row[2] for row in swedish} != {row[2] for row in english}
    other = rows(store, query.bind({}, URIS.resolve, URIS.concepts, "fi"))
    assert other == swedish, "a language that the data has not falls back to Swedish"


def test_distance_is_in_metres(store: Store) -> None:
    query = queries.get("place/near")
    answer = list(store.query(bound(query, latitude=["61.04"], longitude=["14.6"], distance=["5000"])))
    metres = [int(row["metres"].value) for row in answer]
    assert metres == sorted(metres) and 0 < metres[0] and metres[-1] <= 5000
    # One degree of latitude is 111.1 to 111.7 km on the ellipsoid.
    for row in answer:
        north = abs(float(row["lat"].value) - 61.04) * 111_400
        east = abs(float(row["long"].value) - 14.6) * 111_400 * 0.4843
        assert int(row["metres"].value) == pytest.approx((north**2 + east**2) ** 0.5, rel=0.01, abs=2)


# -- parameters ----------------------------------------------------------------------------------------------------


def fault(name: str, **values: list[str]) -> ParameterError:
    with pytest.raises(ParameterError) as caught:
        bound(queries.get(name), **values)
    return caught.value


def test_an_unknown_parameter_names_the_nearest() -> None:
    error = fault("ledger/spending-by-municipality", yaer=["2026"])
    assert error.text["en"] == "There is no parameter 'yaer'. Did you mean year?"
    assert error.text["sv"] == "Frågan har ingen parameter 'yaer'. Menades year?"


def test_a_value_of_the_wrong_type_is_told_with_the_type_and_an_example() -> None:
    error = fault("ledger/spending-by-municipality", year=["in 2026"])
    assert error.name == "year"
    assert error.text["en"] == "year takes a whole number, for example 2026; 'in 2026' is not."
    assert error.text["sv"] == "year tar ett heltal, till exempel 2026; 'in 2026' är inte det."


def test_a_needed_parameter_that_is_missing_is_told_with_an_example() -> None:
    assert fault("ledger/voucher", municipality=["9903"]).text["en"].startswith("voucher is missing: give a text")
    assert fault("ledger/voucher", municipality=["9903"], voucher=[""]).name == "voucher"


def test_a_parameter_for_one_value_takes_one() -> None:
    assert (
        fault("ledger/voucher", municipality=["9903", "9901"], voucher=["1"]).text["en"]
        == "municipality takes at most 1 value."
    )
    many = [str(year) for year in range(1900, 2000)]
    assert "at most 50 values" in fault("ledger/spending-by-municipality", year=many).text["en"]


WORDS: dict[str, Any] = {
    "parameter": {"year": {"sv": "År", "en": "Year"}},
    "column": {"s": {"sv": "Sak", "en": "Thing"}},
}
GOOD = """#+ title.sv: Saker
#+ title.en: Things
#+ description.sv: Alla saker.
#+ description.en: All things.
#+ parameter.year: integer optional
#+ paging: 10
SELECT ?s
WHERE {
  VALUES ?year { 2026 }
  ?s ?p ?year .
}
ORDER BY STR(?s)
"""


def test_a_good_file_is_read() -> None:
    query = parse("example/things", GOOD, WORDS)
    assert query.columns == {"s": {"sv": "Sak", "en": "Thing"}}
    assert query.page_size == 10
    assert query.bind({}, str, "").count("VALUES") == 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("#+ title.en: Things\n", ""), "lacks title.en"),
        (("SELECT", "ASK"), "SELECT or CONSTRUCT"),
        (("#+ parameter.year: integer optional\n", ""), "differ in year"),
        (("  VALUES ?year { 2026 }\n", ""), "differ in year"),
        (("{ 2026 }", "{ }"), "differ in year"),
        (("{ 2026 }", '{ "soon" }'), "the example of year"),
        (("integer optional", "number optional"), "types are"),
        (("integer optional", "integer sometimes"), "types are"),
        (("#+ paging: 10\n", ""), "go together"),
        (("ORDER BY STR(?s)\n", ""), "go together"),
        (("#+ paging: 10", "#+ pages: 10"), "cannot be read: #+ pages: 10"),
        (("#+ paging: 10", "#+paging 10"), "cannot be read"),
        (("SELECT ?s", "SELECT ?unheard"), "what the column unheard is called"),
        (("?year", "?page"), "differ in page, year"),
    ],
)
def test_a_file_that_does_not_hold_together_is_refused(change: tuple[str, str], said: str) -> None:
    with pytest.raises(QueryError, match=re.escape(said)):
        parse("example/things", GOOD.replace(*change), WORDS)


def test_reserved_names_cannot_be_parameters() -> None:
    with pytest.raises(QueryError, match="means the same for every query"):
        parse("example/things", GOOD.replace("year", "page"), WORDS)


FIGURES = """
<urn:a> a <urn:Account> ; <urn:figure> 1 ; <urn:kind> <urn:k> ; <urn:other> <urn:x> .
<urn:b> a <urn:Account> ; <urn:figure> 2 ; <urn:other> <urn:x> .
<urn:c> a <urn:Account> ; <urn:figure> 4 ; <urn:account> <urn:m> .
<urn:m> <urn:kind> <urn:k> ; <urn:other> <urn:x> .
"""


@pytest.mark.parametrize(
    ("name", "link", "sums"),
    [
        ("compare/figure-by-concept", {}, {"<urn:k>": 1, "None": 6}),
        ("compare/figure-by-linked-concept", {"link": ["urn:account"]}, {"<urn:k>": 4, "None": 3}),
    ],
)
def test_what_has_no_concept_is_summed_apart_and_not_dropped(
    name: str, link: dict[str, list[str]], sums: dict[str, int]
) -> None:
    store = Store()
    store.load(FIGURES.encode(), RdfFormat.TURTLE, to_graph=NamedNode("urn:g"))
    values = {"class": ["urn:Account"], "property": ["urn:kind"], "figure": ["urn:figure"]} | link
    found = store.query(bound(queries.get(name), **values))
    assert {str(row["concept"]): int(row["total"].value) for row in found} == sums  # type: ignore[union-attr]


@pytest.mark.parametrize("query", ALL, ids=NAMES)
def test_no_optional_part_rests_on_values_from_without(query: Query) -> None:
    """Evaluated bottom-up, such a part matches any value, and the join with VALUES drops the whole solution."""
    parts = []
    whole = translateQuery(parseQuery(query.text)).algebra
    waiting: list[object] = [whole]
    while waiting:
        node = waiting.pop()
        if isinstance(node, (list, tuple)):
            waiting += node
        elif isinstance(node, CompValue):
            waiting += node.values()
            if node.name == "LeftJoin":
                parts.append(node)
    for part in parts:
        open_to_all = {str(name) for name in part.p2["_vars"] - part.p1["_vars"]}
        assert not open_to_all & values_in(whole) - values_in(part.p2), query.name


def values_in(node: object) -> set[str]:
    """Return the variables that VALUES inside a part of a query bind."""
    if isinstance(node, (list, tuple)):
        return set().union(*map(values_in, node))
    if not isinstance(node, CompValue):
        return set()
    own = {str(name) for row in node.res for name in row} if node.name == "values" else set()
    return own.union(*map(values_in, node.values()))
