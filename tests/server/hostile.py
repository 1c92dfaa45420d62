"""Hostile queries by name and depth: what a stranger may send to take the server down."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

Shape = Callable[[int], str]


def wrap(before: str, inner: str, after: str, around: str = "ASK {{ {} }}") -> Shape:
    """Return a shape that nests `inner` n times between two texts."""
    return lambda n: around.format(before * n + inner + after * n)


def chain(link: str, piece: str, around: str) -> Shape:
    """Return a shape that joins n pieces."""
    return lambda n: around.format(link.join([piece] * n))


FILTER, SELECT, PATH = "ASK {{ FILTER({}) }}", "SELECT ({} AS ?x) {{}}", "ASK {{ ?s {} ?o }}"
NESTED: dict[str, Shape] = {
    "groups": wrap("{", "", "}"),
    "optional": wrap("?s ?p ?o OPTIONAL {", "?s ?p ?o", "}"),
    "union": wrap("{ ?s ?p ?o } UNION {", "", "}"),
    "union_chain": chain(" UNION ", "{ ?s ?p ?o }", "ASK {{ {} }}"),
    "minus": wrap("?s ?p ?o MINUS {", "?s ?p ?o", "}"),
    "exists": wrap("FILTER EXISTS {", "?s ?p ?o", "}"),
    "not_exists": wrap("FILTER NOT EXISTS {", "?s ?p ?o", "}"),
    "subselect": wrap("{ SELECT * {", "?s ?p ?o", "} }"),
    "graph": wrap("GRAPH ?g {", "?s ?p ?o", "}"),
    "lateral": wrap("?s ?p ?o LATERAL {", "?s ?p ?o", "}"),
    "calls": wrap("STR(", "1", ")", SELECT),
    "casts": wrap("<http://www.w3.org/2001/XMLSchema#string>(", "1", ")", SELECT),
    "parentheses": wrap("(", "1", ")", SELECT),
    "if": wrap("IF(true,", "1", ",2)", SELECT),
    "coalesce": wrap("COALESCE(", "1", ")", SELECT),
    "in": wrap("1 IN (", "1", ")", SELECT),
    "not": wrap("!", "true", "", FILTER),
    "minus_sign": wrap("-", "1", "", SELECT),
    "sum": chain("+", "1", SELECT),
    "product": chain("*", "1", SELECT),
    "or": chain("||", "true", FILTER),
    "and": chain("&&", "true", FILTER),
    "equals": wrap("(1=", "1", ")", SELECT),
    "path_parentheses": wrap("(", "<a:a>", ")", PATH),
    "path_closures": wrap("(", "<a:a>", "*)*", PATH),
    "path_sequence": chain("/", "<a:a>", PATH),
    "path_alternatives": chain("|", "<a:a>", PATH),
    "path_inverse": wrap("^", "<a:a>", "", PATH),
    "path_negated": lambda n: PATH.format("!(" + "|".join(["<a:a>"] * n) + ")"),
    "blank_nodes": wrap("[ <a:p> ", "1", "]", "ASK {{ ?s ?p {} }}"),
    "collections": wrap("(", "1", ")", "ASK {{ ?s ?p {} }}"),
    "collection_items": chain(" ", "1", "ASK {{ ?s ?p ({}) }}"),
    "triple_terms": wrap("<<( ?s ?p ", "1", ")>>", "ASK {{ ?s ?p {} }}"),
    "triple_terms_in_values": wrap("<<( <a:a> <a:b> ", "1", ")>>", "ASK {{ VALUES ?x {{ {} }} }}"),
    "annotations": wrap("?s ?p ?o {| <a:p> 1 ", "", "|}"),
    "filters": chain(" ", "FILTER(?s != 1)", "ASK {{ ?s ?p ?o {} }}"),
    "patterns": chain(" . ", "?s ?p ?o", "ASK {{ {} }}"),
    "crossed_patterns": lambda n: "ASK { " + " . ".join(f"?a{i} ?b{i} ?c{i}" for i in range(n)) + " FILTER(false) }",
    "optionals": lambda n: "ASK { ?s ?p ?o " + " ".join(f"OPTIONAL {{ ?s ?p{i} ?o{i} }}" for i in range(n)) + "}",
    "having": wrap("(", "1", ")", "SELECT ?s {{ ?s ?p ?o }} GROUP BY ?s HAVING {}"),
    "order": wrap("(", "1", ")", "SELECT ?s {{ ?s ?p ?o }} ORDER BY {}"),
    "unclosed_groups": lambda n: "ASK " + "{" * n,
    "closed_groups": lambda n: "ASK {}" + "}" * n,
}

CROSS = "?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l"
_DOUBLED = " ".join(f"BIND(CONCAT(?x{n}, ?x{n}) AS ?x{n + 1})" for n in range(40))
_REPLACED = " ".join(f'BIND(REPLACE(?x{n}, "a", "aaaaaaaa") AS ?x{n + 1})' for n in range(14))
_ENCODED = " ".join(f"BIND(ENCODE_FOR_URI(CONCAT(?x{n}, '%%%%')) AS ?x{n + 1})" for n in range(60))
EVALUATED: dict[str, str] = {
    "count": f"SELECT (COUNT(*) AS ?n) {{ {CROSS} }}",
    "order": f"SELECT * {{ {CROSS} }} ORDER BY ?l ?a",
    "distinct": f"SELECT (COUNT(*) AS ?n) {{ SELECT DISTINCT * {{ {CROSS} }} }}",
    "group": f"SELECT ?a ?d ?g (COUNT(*) AS ?n) {{ {CROSS} }} GROUP BY ?a ?d ?g ?j",
    "concat": f"SELECT (GROUP_CONCAT(?c) AS ?x) {{ {CROSS} }}",
    "ask": f"ASK {{ {CROSS} FILTER(?c = ?l && ?c != ?l) }}",
    "offset": f"SELECT * {{ {CROSS} }} OFFSET 100000000000",
    "construct": f"CONSTRUCT {{ ?a ?e ?l }} {{ {CROSS} }}",
    "values": "SELECT (COUNT(*) AS ?n) { "
    + " ".join(f"VALUES ?v{n} {{ {' '.join(map(str, range(2000)))} }}" for n in range(4))
    + " }",
    "paths": "SELECT (COUNT(*) AS ?n) { ?a (<a:p>|!<a:p>)* ?b . ?c (<a:p>|!<a:p>)* ?d }",
    "inverse_paths": "SELECT (COUNT(*) AS ?n) { ?a (^!<a:p>/!<a:p>)+ ?b . ?b (^!<a:p>/!<a:p>)+ ?c }",
    "doubling": f"SELECT (STRLEN(?x40) AS ?n) {{ BIND('aaaaaaaa' AS ?x0) {_DOUBLED} }}",
    "replacing": f"SELECT (STRLEN(?x14) AS ?n) {{ BIND('a' AS ?x0) {_REPLACED} }}",
    "encoding": f"SELECT (STRLEN(?x60) AS ?n) {{ BIND('%' AS ?x0) {_ENCODED} }}",
    "regex_backtracking": "ASK { FILTER(REGEX('" + "a" * 40 + "b', '^(a+)+$')) }",
    "regex_repeats": "ASK { FILTER(REGEX('a', '((((a{99}){99}){99}){99}){99}')) }",
    "regex_rows": f"SELECT (COUNT(*) AS ?n) {{ {CROSS} FILTER(REGEX(STR(?c), '(.*)*x(.*)*', 'i')) }}",
    "hashes": "SELECT (" + "SHA512(" * 90 + "'a'" + ")" * 90 + " AS ?x) {}",
    "numbers": "SELECT (1/0 AS ?a) (-9223372036854775808/-1 AS ?b) (ABS(-9223372036854775808) AS ?c) (1e308*10 AS ?d) "
    "(9223372036854775807+1 AS ?e) (0.0/0.0 AS ?f) (ROUND(1e400) AS ?g) {}",
    "substrings": "SELECT (SUBSTR('åäö', -5, 99) AS ?a) (SUBSTR('åäö', 2, -1) AS ?b) (SUBSTR('', 1e30) AS ?c) "
    "(SUBSTR('å', 9223372036854775807, 9223372036854775807) AS ?d) {}",
    "describe": "DESCRIBE * { ?s ?p ?o }",
    "minus": "SELECT * { ?s ?p ?o MINUS { ?a ?b ?c . ?d ?e ?f FILTER(?c != ?f) } }",
    "bind_chain": "SELECT * { " + " ".join(f"BIND({n} AS ?x{n})" for n in range(2000)) + " }",
    "many_optionals": "SELECT * { ?s ?p ?o " + " ".join(f"OPTIONAL {{ ?s ?p{n} ?x{n} }}" for n in range(150)) + " }",
    "or_chain": "SELECT * { ?s ?p ?o FILTER(" + " || ".join(f"?o = {n}" for n in range(1900)) + ") }",
    "in_list": "SELECT * { ?s ?p ?o FILTER(?o IN (" + ",".join(map(str, range(30_000))) + ")) }",
    "values_list": "SELECT * { ?s ?p ?o VALUES ?o { " + " ".join(map(str, range(40_000))) + " } }",
    "mixed_order": "SELECT ?x { VALUES ?x { "
    + " ".join(f'{n} "{n * 7919 % 9973}" "{n}"@sv' for n in range(6000))
    + " } } ORDER BY ?x",
    "random_order": f"SELECT * {{ {CROSS} }} ORDER BY RAND()",
    "long_literal": "SELECT ('" + "å" * 100_000 + "' AS ?x) {}",
    "bnodes": "SELECT (COUNT(DISTINCT ?x) AS ?n) { ?a ?b ?c . ?d ?e ?f BIND(BNODE() AS ?x) }",
}


def generated(seed: int, count: int) -> Iterator[str]:
    """Yield queries from a grammar of the dangerous and the ordinary, some of them damaged; the same for a seed."""
    source = random.Random(seed)
    for _ in range(count):
        query = _query(source)
        if source.random() < 0.4:
            query = _damage(source, query)
        yield query


def _query(r: random.Random) -> str:
    form = r.choice(("ASK", "SELECT *", "SELECT ?a ?b", "SELECT DISTINCT ?a", "SELECT (COUNT(*) AS ?n)", "DESCRIBE ?a"))
    if r.random() < 0.15:
        form = f"CONSTRUCT {{ {_triples(r, 1)} }} WHERE"
    prologue = r.choice(("", "PREFIX : <http://a/> ", "BASE <http://a/> PREFIX a: <b#> "))
    dataset = r.choice(
        ("", "", "", " FROM <http://a/g>", " FROM <http://a/g> FROM <http://a/h>", " FROM NAMED <http://a/g>")
    )
    tail = r.choice(("", "", " LIMIT 5", " ORDER BY ?a", " ORDER BY DESC(?b) LIMIT 3 OFFSET 2", " VALUES ?a { 1 2 }"))
    if "WHERE" in form:
        return f"{prologue}{form} {{ {_pattern(r, 4)} }}{tail}"
    return f"{prologue}{form}{dataset} {{ {_pattern(r, 4)} }}{tail}"


def _pattern(r: random.Random, depth: int) -> str:
    parts = []
    for _ in range(r.randint(1, 3)):
        kind = r.randrange(12) if depth else 0
        inner = _pattern(r, depth - 1) if kind else ""
        parts.append(
            {
                1: f"{{ {inner} }} UNION {{ {inner} }}",
                2: f"OPTIONAL {{ {inner} }}",
                3: f"MINUS {{ {inner} }}",
                4: f"FILTER({_expression(r, 3)})",
                5: f"BIND({_expression(r, 3)} AS ?v{r.randrange(10**6)})",
                6: f"FILTER {r.choice(('', 'NOT '))}EXISTS {{ {inner} }}",
                7: f"GRAPH {r.choice(('?g', '<http://a/g>'))} {{ {inner} }}",
                8: f"{{ SELECT {r.choice(('*', '?a', '(COUNT(?a) AS ?k)'))} {{ {inner} }} }}",
                9: f"VALUES {r.choice(('?a { 1 2 UNDEF }', '(?a ?b) { (1 <a:b>) (UNDEF 2) }'))}",
                10: "SERVICE <http://127.0.0.1:9/> { ?s ?p ?o }" if r.random() < 0.2 else "",
            }.get(kind, _triples(r, 2))
        )
    return " ".join(parts)


def _triples(r: random.Random, depth: int) -> str:
    def term() -> str:
        return r.choice(
            ("?a", "?b", "?c", "<http://a/x>", "1", '"å"@sv', "'''x'''", "_:b", "true", "-1.5e3", "[]", "(1 2)")
        )

    path = r.choice(("?p", "a", "<a:p>", "<a:p>*", "^<a:p>/<a:q>", "!(<a:p>|^<a:q>)", "(<a:p>|<a:q>)+", "<a:p>?"))
    subject = r.choice(("?a", "?b", "<http://a/x>", "[ a ?c ]", "<< ?a ?b ?c >>"))
    return f"{subject} {path} {term()} ." if depth < 2 else f"{subject} {path} {term()} , {term()} ; ?q {term()} ."


def _expression(r: random.Random, depth: int) -> str:
    if not depth:
        return r.choice(("?a", "?b", "1", "-2.5", '"x"', "true", "1e300", "<http://a/x>", "'2026-02-30'"))
    one, two = _expression(r, depth - 1), _expression(r, depth - 1)
    return r.choice(
        (
            f"({one} + {two})",
            f"({one} || !{two})",
            f"({one} = {two})",
            f"({one} < {two})",
            f"IF({one}, {two}, ?c)",
            f"COALESCE({one}, {two})",
            f"CONCAT(STR({one}), STR({two}))",
            f"REGEX(STR({one}), '^(a|b)*$', 'i')",
            f"REPLACE(STR({one}), '.', '$0$0')",
            f"SUBSTR(STR({one}), {r.randint(-3, 9)}, {r.randint(-3, 10**12)})",
            f"{one} IN ({two}, 1)",
            f"STRDT(STR({one}), <http://www.w3.org/2001/XMLSchema#{r.choice(('date', 'integer', 'duration'))}>)",
            f"({one} / {two})",
            f"STRLANG(STR({one}), 'sv')",
            f"SHA256(STR({one}))",
        )
    )


def _damage(r: random.Random, query: str) -> str:
    position = r.randrange(len(query) + 1)
    kind = r.randrange(6)
    if kind == 0:
        return query[:position]
    if kind == 1:
        return query[:position] + r.choice("{}()[]<>.;,'\"\\#\x00\ud7ff\U0001f4a9\r\n") + query[position:]
    if kind == 2:
        return query[:position] + query[position + r.randint(1, 9) :]
    if kind == 3:
        return query[:position] + query[max(0, position - 20) : position] * r.randint(1, 30) + query[position:]
    if kind == 4:
        return query.replace(r.choice(("?a", "{", "(", "1")), r.choice(("{{", "((", "?", "<<", "\\u0022", "")), 3)
    return query + r.choice((" ; INSERT DATA {}", " # x", "\\u0053ERVICE", " VALUES", " }"))
