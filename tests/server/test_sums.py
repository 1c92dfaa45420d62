"""The sum by supplier over all municipalities, through /sparql, equals the source files' to the öre."""

import csv
import io
import json
from decimal import Decimal
from pathlib import Path

FACTS = json.loads((Path(__file__).parents[1] / "starter_facts.json").read_text("utf-8"))
BASE = "https://data.norrsjo.example/"
SUMS = f"""
PREFIX torg: <{BASE}spec/torg#>
SELECT ?supplier (SUM(?amount) AS ?sum)
WHERE {{ ?entry torg:payee ?supplier ; torg:netAmount ?amount }} GROUP BY ?supplier
"""
TOTAL = f"PREFIX torg: <{BASE}spec/torg#> SELECT (SUM(?amount) AS ?sum) WHERE {{ ?entry torg:netAmount ?amount }}"


def rows(client, query: str) -> list[dict[str, str]]:
    answer = client.post("/sparql", data={"query": query}, headers={"Accept": "text/csv"})
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.text)))


def test_sum_by_supplier_over_all_municipalities(client):
    found = {
        row["supplier"].removeprefix(f"{BASE}id/organization/"): Decimal(row["sum"])
        for row in rows(client, SUMS)
        if row["supplier"].startswith(f"{BASE}id/organization/")
    }
    assert {key: Decimal(amount) for key, amount in FACTS["paid_to_supplier"].items()} == found


def test_the_sum_of_all_is_counted_once(client):
    amounts = [Decimal(dataset["amount"]) for dataset in FACTS["datasets"].values() if "amount" in dataset]
    assert [sum(amounts)] == [Decimal(row["sum"]) for row in rows(client, TOTAL)]


def test_no_possible_person_is_named_anywhere(client, starter):
    for person in FACTS["persons"]:
        number = person["number"]
        for spelling in (number, f"{number[:6]}-{number[6:]}", person["name"]):
            named = f'CONTAINS(STR(?o), "{spelling}") || CONTAINS(STR(?s), "{spelling}")'
            query = f"SELECT ?s WHERE {{ ?s ?p ?o FILTER({named}) }} LIMIT 1"
            assert [] == rows(client, query)
    for report in (starter / "data").rglob("*.json"):
        text = report.read_text("utf-8")
        assert not [person for person in FACTS["persons"] if person["number"] in text or person["name"] in text]
