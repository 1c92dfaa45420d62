"""Every kind of page that visitors meet, by an address in the served starter region."""

from __future__ import annotations

from urllib.parse import quote

ROWS = """PREFIX skos: <http://www.w3.org/2004/02/skos/core#>
SELECT ?name (COUNT(*) AS ?number) WHERE { ?concept a skos:Concept ; skos:inScheme/skos:prefLabel ?name }
GROUP BY ?name ORDER BY ?name LIMIT 20"""
PAGES = {
    "home": "/",
    "search": "/search?q=skola",
    "search-nothing": "/search?q=zzzzzz",
    "search-empty": "/search",
    "school": "/res/school/09903001",
    "school-triples": "/res/school/09903001?view=triples",
    "care-home": "/res/care-home/9903/AB-01",
    "ledger-entry": "/res/ledger-entry/9903/2026-01-04/9903038/46203",
    "organization": "/res/organization/2120009929",
    "unit": "/res/unit/9903/Barn-%20och%20utbildningsf%C3%B6rvaltningen",
    "concept": "/res/def/facility/O1.2",
    "concept-place": "/res/def/norrsjo/9901",
    "scheme": "/res/def/facility",
    "concepts": "/concepts",
    "concepts-tree": "/concepts?scheme=facility",
    "concepts-under": "/concepts?under=facility/O1",
    "concepts-letter": "/concepts?letter=S",
    "datasets": "/datasets",
    "dataset": "/res/dataset/norrsjo/skolor",
    "dataset-ledger": "/res/dataset/norrsjo/leverantorsreskontra",
    "catalog": "/res/catalog",
    "publisher-catalog": "/res/catalog/norrsjo",
    "graph": "/graph/norrsjo/skolor",
    "psidata": "/psidata",
    "sources": "/datasets/sources",
    "compare": "/compare",
    "comparison": "/compare/skolor",
    "comparison-ledger": "/compare/leverantorsreskontra",
    "quality": "/quality",
    "quality-dataset": "/quality?dataset=alvhult/aldreboenden",
    "changes": "/changes",
    "generation-1": "/changes/1",
    "generation-2": "/changes/2",
    "sparql": "/sparql",
    "sparql-table": f"/sparql?query={quote(ROWS)}",
    "sparql-chart": f"/sparql?query={quote(ROWS)}&view=chart",
    "sparql-raw": f"/sparql?query={quote(ROWS)}&view=raw",
    "api": "/api",
    "api-group": "/api/school",
    "api-query": "/api/care-home/kinds",
    "api-map": "/api/school/list?municipality=9901",
    "specification": "/spec/skolor",
    "ontology": "/spec/torg",
    "terminology": "/terminology",
    "prefixes": "/prefixes",
    "void": "/.well-known/void",
    "dumps": "/dumps/",
    "about": "/about",
    "accessibility": "/accessibility",
    "privacy": "/privacy",
}
REFUSALS = {
    "sparql-error": ("/sparql?query=SELECT+*+WHERE+%7B+%3Fs+%3Fp", 400),
    "400": ("/quality/trace", 400),
    "404": ("/nowhere", 404),
    "404-thing": ("/res/school/1", 404),
    "406": ("/datasets?format=zzz", 406),
    "410": ("/res/school/09901002", 410),
    "429": ("/test/429", 429),
    "500": ("/test/500", 500),
    "503": ("/test/503", 503),
}
ADDRESSES = {name: (path, 200) for name, path in PAGES.items()} | REFUSALS


def in_language(path: str, language: str) -> str:
    """The address of a page in a language."""
    return f"{path}{'&' if '?' in path else '?'}lang={language}"
