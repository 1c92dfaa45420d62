"""`/llms.txt`: the five addresses that a language model needs, in Markdown."""

from __future__ import annotations

from flask import Blueprint, Response

from server.views.http import answer, in_language, torg

blueprint = Blueprint("llms", __name__)


@blueprint.get("/llms.txt")
def llms() -> Response:
    """Answer what is here and where to begin, and no more than that."""
    site = torg()
    iri = site.uris.iri
    title, about = in_language(site.site.title, "en"), in_language(site.site.description, "en")
    lines = [
        f"# {title}",
        "",
        f"> {about or 'Open data of municipalities as linked data (RDF).'} Every thing has an address of its own;"
        " add .ttl, .jsonld or .csv to a description, or send Accept. Names are mostly Swedish. Look up an IRI before"
        " you use it; never make one up.",
        "",
        "## Where to begin",
        "",
        f"- [Datasets]({iri('datasets?format=json')}): every dataset with its publisher, licence and formats",
        f"- [Named queries]({iri('openapi.json')}): OpenAPI of all questions with a ready answer (JSON, CSV)",
        f"- [Resolver]({iri('resolve?item=T3.2')}): what codes, labels and URIs name; POST up to 10 000 of them",
        f"- [SPARQL]({iri('sparql')}): SPARQL 1.1 queries, read-only; GET ?query= with Accept; limits are told",
        f"- [Prefixes]({iri('prefixes?format=json')}): the vocabularies used, by prefix",
        "",
    ]
    return answer("\n".join(lines).encode(), "text/markdown; charset=utf-8")
