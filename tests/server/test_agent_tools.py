"""Tools for language models: a stdio round trip, answers from published data only, errors that are advice."""

import asyncio
import json
import sys
from collections.abc import Iterator

import pytest

from server.agent_tools import AgentTools
from server.errors import Problem
from server.instance import Torg
from server.settings import read_settings

BASE = "https://data.norrsjo.example/"


@pytest.fixture(scope="module")
def tools(starter) -> Iterator[AgentTools]:
    torg = Torg.open(starter, read_settings(environment={}))
    made = AgentTools(torg)
    yield made
    made.close()
    torg.close()


def test_look_up_then_describe(tools):
    first = json.loads(tools.search("grundskola"))["results"][0]
    assert first["iri"].startswith(BASE) and "rundskol" in first["name"]
    assert f"<{first['iri']}>" in tools.describe(first["iri"]) or "rundskol" in tools.describe(first["iri"])
    (coded,) = json.loads(tools.search("09910008"))["results"]
    assert (coded["iri"], coded["name"]) == (f"{BASE}id/school/09910008", "Förskolan Myran")
    with pytest.raises(Problem, match="within takes"):
        tools.resolve(["T3.2"], "nonsense")
    (item,) = json.loads(tools.resolve(["T3.2"], "def/service"))
    assert item["iri"] == f"{BASE}def/service/T3.2" and item["broader"] == [f"{BASE}def/service/T3"]


def test_datasets_and_queries(tools):
    datasets = json.loads(tools.list_datasets())["datasets"]
    assert len(datasets) > 10 and all(one["iri"].startswith(f"{BASE}id/dataset/") for one in datasets)
    assert any(one["graphs"] for one in datasets)
    listed = json.loads(tools.list_queries())
    query = next(one for one in listed if one["name"] == "school/list")
    assert query["description"] and "municipality" in query["parameters"]
    page = json.loads(tools.run_named_query("school/list", {"municipality": query["parameters"]["municipality"]}))
    assert page["rows"] and page["rows"][0]["school"].startswith(BASE)


def test_sparql_has_the_visitors_limits(tools):
    rows = json.loads(tools.sparql_select("SELECT ?s WHERE { ?s ?p ?o } LIMIT 700"))
    assert len(rows["results"]["bindings"]) == 500 and "700" in rows["cut"]
    for query, status in (
        ("SELECT ?s WHERE { SERVICE <http://127.0.0.1/> { ?s ?p ?o } }", (400, 403)),
        ("DELETE WHERE { ?s ?p ?o }", (400, 403)),
        ("SELEKT", (400,)),
    ):
        with pytest.raises(Problem) as caught:
            tools.sparql_select(query)
        assert caught.value.status in status and caught.value.detail


def test_errors_are_advice(tools):
    for call, says in (
        (lambda: tools.describe("not an iri"), "search"),
        (lambda: tools.describe(f"{BASE}id/school/made-up"), "search"),
        (lambda: tools.run_named_query("school/lst"), "school/list"),
        (lambda: tools.run_named_query("school/list", {"colour": "red"}), "colour"),
        (lambda: tools.search("xyzzyq"), "word"),
    ):
        with pytest.raises(Problem) as caught:
            call()
        assert says in caught.value.detail


def test_prefixes_and_schema_are_readable(tools):
    assert "PREFIX skos: <http://www.w3.org/2004/02/skos/core#>" in tools.prefixes()
    assert f"<{BASE}spec/torg#School>" in tools.schema()


def test_llms_txt_names_five_addresses_that_answer(client):
    text = client.get("/llms.txt").text
    addresses = [line.partition("](")[2].partition(")")[0] for line in text.splitlines() if line.startswith("- [")]
    assert len(addresses) == 5
    for address in addresses:
        assert client.get(address.removeprefix(BASE.rstrip("/")), headers={"Accept": "*/*"}).status_code == 200, address


@pytest.mark.filterwarnings("ignore")
def test_a_client_talks_over_stdio(starter):
    mcp = pytest.importorskip("mcp", reason="needs the extra torg[mcp]")
    stdio = pytest.importorskip("mcp.client.stdio")

    async def talk() -> None:
        command = [sys.executable, "-c", "from server.cli import main; main()", "mcp", "--site", str(starter)]
        parameters = stdio.StdioServerParameters(command=command[0], args=command[1:])
        async with stdio.stdio_client(parameters) as (read, write), mcp.ClientSession(read, write) as session:
            await session.initialize()
            names = {tool.name for tool in (await session.list_tools()).tools}
            assert {"search", "describe", "list_datasets", "run_named_query", "sparql_select"} <= names
            answer = await session.call_tool("resolve", {"items": ["T3.2"], "within": "def/service"})
            assert "def/service/T3" in answer.content[0].text
            wrong = await session.call_tool("describe", {"iri": "made up"})
            assert "search" in wrong.content[0].text
            assert {str(one.uri) for one in (await session.list_resources()).resources} == {
                "torg://prefixes", "torg://schema",
            }  # fmt: skip
            prefixes = await session.read_resource("torg://prefixes")
            assert "PREFIX" in prefixes.contents[0].text

    asyncio.run(asyncio.wait_for(talk(), 60))


def test_search_reads_over_spelling_and_tells_what_it_searched_for(tools):
    found = json.loads(tools.search("grunskola"))
    assert found["corrected"] == "grundskola" and "rundskol" in found["results"][0]["name"]
    datasets = json.loads(tools.search("skolor norrsjö"))["results"]
    assert datasets[0]["iri"] == f"{BASE}id/dataset/norrsjo/skolor" and datasets[0]["type"].endswith("Dataset")
