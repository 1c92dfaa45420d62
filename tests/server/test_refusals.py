"""What visitors read when they are refused: the reason in the language of the page."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from urllib.parse import urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient

import server
from server.errors import Problem
from server.sparql_errors import problem_of_death, problem_of_reply
from server.views.errors import problem_answer

CHROME = "text/html,application/xhtml+xml,*/*;q=0.8"
FOR_PROGRAMS = {"agent_tools.py", "reconcile.py", "replica.py"}  # protocols without a page


def main_of(client: FlaskClient, path: str, lang: str = "sv") -> str:
    page = client.get(f"{path}{'&' if '?' in path else '?'}lang={lang}", headers={"Accept": CHROME}).text
    return page[page.index("<main") : page.index("</main>")]


def test_every_reason_of_ours_is_worded_in_swedish_too() -> None:
    bare = []
    for path in sorted(Path(server.__path__[0]).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Problem" and len(node.args) > 1:
                if path.name not in FOR_PROGRAMS and not any(word.arg == "sv" for word in node.keywords):
                    bare.append(f"{path.name}:{node.lineno}")
    assert not bare


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/nowhere", "Det finns inget på den här adressen."),
        ("/res/school/1", "Inget har publicerats på den här adressen."),
        ("/datasets?format=zzz", "Välj en av formerna nedan."),
        ("/datasets?page=9999", "Listan har"),
        ("/quality?dataset=a/b", "Det finns ingen datamängd &#39;a/b&#39; i den här generationen."),
        ("/quality/trace", "uri saknas: ge IRI:n för en sak"),
        ("/changes/999999", "Det finns ingen generation 999999"),
        ("/api/nowhere/none", "Det finns ingen fråga &#39;nowhere/none&#39;"),
        ("/api/school/list?municipality=Mora%20", "municipality tar"),
        ("/compare/nothing", "Ingen publicerar enligt en specifikation med det namnet"),
        ("/res/school/09903001?at=monday", "at tar numret på en generation"),
    ],
)
def test_pages_that_refuse_say_why_in_swedish(client: FlaskClient, path: str, said: str) -> None:
    main = main_of(client, path)
    assert said in main
    assert 'lang="en"' not in main
    assert said not in main_of(client, path, "en")


def test_machines_get_the_reason_in_english_whatever_the_language(client: FlaskClient) -> None:
    answer = client.get("/nowhere?lang=sv", headers={"Accept": "application/json"})
    assert answer.json is not None and answer.json["detail"] == "There is nothing at this address."


def ask(client: FlaskClient, query: str, lang: str = "sv") -> str:
    return main_of(client, f"/sparql?{urlencode({'query': query})}", lang)


def test_a_query_that_cannot_be_read_is_explained_in_swedish_with_its_place(client: FlaskClient) -> None:
    problem = re.search(r'<div class="notice fault".*?</div>', ask(client, "SELECT *\nWHERE { ?s ?p"), re.DOTALL)
    assert problem is not None
    assert "Frågan kunde inte tolkas, rad 2, kolumn 14, vid slutet. Väntade en variabel, en text, " in problem[0]
    assert '<a href="#query">Gå till stället</a>' in problem[0]
    assert "Expected" not in problem[0] and "Syntax error" not in problem[0] and 'lang="en"' not in problem[0]
    assert "Expected a variable, a text, " in ask(client, "SELECT *\nWHERE { ?s ?p", "en")


def test_a_rule_in_the_engines_words_is_quoted_as_english(client: FlaskClient) -> None:
    main = ask(client, "SELECT ?x (COUNT(*) AS ?n) WHERE { ?s ?p ?x . ?s ?q ?y } GROUP BY ?y")
    assert "Frågan kunde inte tolkas" in main
    assert re.search(r'<span lang="en">The SELECT contains a variable that is unbound', main)


def test_what_we_refuse_in_a_query_is_told_in_swedish(client: FlaskClient) -> None:
    assert "Prefixet foo: på rad 1, kolumn" in ask(client, "SELECT * { ?s foo:bar ?o }")
    main = ask(client, "SELECT * { SERVICE <https://example.com/> { ?s ?p ?o } }")
    assert "härifrån frågas inga andra servrar" in main and 'lang="en"' not in main


def test_the_editor_is_told_in_the_language_of_the_page(client: FlaskClient) -> None:
    said = {
        lang: client.post(
            f"/sparql/check?lang={lang}", data="SELECT * {", content_type="application/sparql-query"
        ).json["message"]  # type: ignore[index]
        for lang in ("sv", "en")
    }
    assert said["sv"].startswith("Frågan kunde inte tolkas, rad 1") and said["en"].startswith("Syntax error at line 1")


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        (problem_of_death("time", 30, None), "Frågan avbröts efter 30 s, som är gränsen här."),
        (problem_of_death("memory", 30, 512), "mer än 512 MiB minne"),
        (problem_of_reply({"error": "remote", "status": 504, "message": "x"}, ""), "svarade inte i tid"),
        (Problem(500, "The fault is ours."), "The fault is ours."),
    ],
)
def test_limits_are_told_in_swedish_and_what_has_no_swedish_is_marked(app: Flask, problem: Problem, said: str) -> None:
    with app.test_request_context("/", headers={"Accept": CHROME}):
        page = problem_answer(problem).get_data(as_text=True)
    assert said in page
    assert ('<span lang="en">' in page) == (not problem.sv)
