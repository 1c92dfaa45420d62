"""What the search page shows: hits with their words marked, and the values of facets by what they are called."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from server.instance import Opened
from server.presentation import readable
from server.rdf_formats import value
from server.search import LONGEST, Found, Hit, marked
from server.store import ReadStore
from server.views.http import here, in_language, torg, with_query

_MOST_VALUES, _SNIPPET, _MOST_NARROWER = 60, 220, 500
_SKOS = "http://www.w3.org/2004/02/skos/core#"
_ABOUT = (
    "https://schema.org/description", _SKOS + "definition", "http://purl.org/dc/terms/description",
    "http://www.w3.org/2000/01/rdf-schema#comment", _SKOS + "scopeNote",
)  # fmt: skip
_ADDRESS = ("https://schema.org/streetAddress", "https://schema.org/addressLocality")


@dataclass(frozen=True, slots=True)
class Result:
    """A hit as a page shows it: its name and text in pieces, each with whether it was searched for."""

    iri: str
    href: str
    title: list[tuple[str, bool]]
    language: str
    type: str
    about: list[tuple[str, bool]]
    about_language: str
    dataset: tuple[str, str]  # name and address
    publisher: str
    used: int

    @property
    def name(self) -> str:
        """The whole name."""
        return "".join(piece for piece, _ in self.title)


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a facet: what the form sends, what people read, how many hits have it, whether it is chosen."""

    value: str
    text: str
    count: int
    chosen: bool


class Names:
    """What the values of facets are called, and how an address spells them."""

    def __init__(self, opened: Opened, spoken: str) -> None:
        self._opened, self._spoken, self._site = opened, spoken, torg()

    def href(self, iri: str) -> str:
        """Return the address of the page about a thing."""
        uris = self._site.uris
        path = uris.path(iri)
        return here(uris.description_path(path) or path) if path else here(with_query("/resource", uri=iri))

    def publisher(self, key: str) -> str:
        """Return the name of a publisher by its key."""
        known = self._site.site.publishers.get(key)
        return in_language(known.name, self._spoken) if known else key

    def spelled(self, facet: str, value: str) -> str:
        """Return how an address spells a value: torg:School, asen/skolor, service/T3."""
        if facet == "type":
            cut = max(value.rfind("#"), value.rfind("/")) + 1
            prefix = next((name for name, space in self._site.prefixes.items() if space == value[:cut]), "")
            return f"{prefix}:{value[cut:]}" if prefix else value
        if facet == "dataset":
            return value.removeprefix(self._site.uris.iri("id/dataset/"))
        return value.removeprefix(self._site.uris.concepts + "def/") if facet == "concept" else value

    def full(self, facet: str, value: str) -> str:
        """Return the value that an address spells: the IRI of a class, dataset or concept, the key of a publisher."""
        if facet == "publisher" or "://" in value:
            return value
        if facet == "type":
            prefix, _, name = value.partition(":")
            return self._site.prefixes.get(prefix, "") + name
        return (
            self._site.uris.iri(f"id/dataset/{value}")
            if facet == "dataset"
            else f"{self._site.uris.concepts}def/{value}"
        )

    def expanded(self, facet: str, values: Iterable[str]) -> tuple[str, ...]:
        """Return the values that an address spells; a concept means those narrower than it too."""
        found = []
        for each in map(partial(self.full, facet), values):
            if facet == "concept":
                found += narrower(self._opened.generation.store, each)
            found.append(each)
        return tuple(dict.fromkeys(found))

    def choices(self, facet: str, counted: Sequence[tuple[str, int]], given: Sequence[str]) -> list[Choice]:
        """Return the values of a facet to choose from, the commonest first; chosen ones are never left out."""
        shown = dict(counted[:_MOST_VALUES])
        listed = {self.spelled(facet, name) for name in shown}
        missing = [name for name in given if name not in listed]
        shown |= {name: 0 for name in self.expanded(facet, missing) if self.spelled(facet, name) in missing}
        labels = self._opened.labels.labels(shown, self._spoken) if facet != "publisher" else {}
        found = []
        for name, count in shown.items():
            spelled = self.spelled(facet, name)
            text = self.publisher(name) if facet == "publisher" else labels.get(name, (readable(name), ""))[0]
            found.append(Choice(spelled, text[:120], count, spelled in given))
        return sorted(found, key=lambda choice: not choice.chosen)


def narrower(store: ReadStore, concept: str) -> list[str]:
    """Return every concept below one, at most _MOST_NARROWER; cycles end where they began."""
    waiting, seen = [concept], {concept}
    while waiting and len(seen) < _MOST_NARROWER:
        for name in store.subjects(_SKOS + "broader", waiting.pop()):
            if name not in seen:
                seen.add(name)
                waiting.append(name)
    return sorted(seen - {concept})


def shown_results(opened: Opened, names: Names, found: Found, words: Sequence[str], spoken: str) -> list[Result]:
    wanted = [name for hit in found.hits for name in (hit.iri, hit.type, hit.dataset) if name]
    labels = opened.labels.labels(wanted, spoken)
    results = []
    for hit in found.hits:
        title, spelled_in = labels.get(hit.iri, (hit.title, ""))
        about, about_in = _about(opened.generation.store, hit, spoken)
        dataset = labels.get(hit.dataset, ("", ""))[0] if hit.dataset != hit.iri else ""
        results.append(
            Result(
                iri=hit.iri,
                href=names.href(hit.iri),
                title=marked(title[:LONGEST], words),
                language=spelled_in,
                type=labels.get(hit.type, (readable(hit.type), ""))[0] if hit.type else "",
                about=marked(_excerpt(about, words), words),
                about_language=about_in,
                dataset=(dataset, names.href(hit.dataset) if dataset else ""),
                publisher=names.publisher(hit.publisher),
                used=hit.used,
            )
        )
    return results


def _about(store: ReadStore, hit: Hit, spoken: str) -> tuple[str, str]:
    """Return (text, language) of the best description of a hit, else its address on the street."""
    order = {spoken: 0, "sv": 1, "": 2, "en": 3} | {spoken: 0}
    for property in _ABOUT:
        texts_found = [found for term in store.values(hit.iri, property) if (found := value(term)).kind == "literal"]
        if texts_found:
            best = min(texts_found, key=lambda text: (order.get(text.language.split("-")[0], 4), text.text))
            return best.text, best.language
    parts = [min((value(term).text for term in store.values(hit.iri, name)), default="") for name in _ADDRESS]
    return ", ".join(filter(None, parts)), ""


def _excerpt(text: str, words: Sequence[str]) -> str:
    """Return the part of a long text around the first word that was searched for."""
    text = " ".join(text[:20_000].split())
    if len(text) <= _SNIPPET:
        return text
    start = 0
    for piece, hit in marked(text, words):
        if hit:
            break
        start += len(piece)
    start = max(0, start - 60) if start < len(text) else 0
    start = text.rfind(" ", 0, start) + 1
    cut = text[start : start + _SNIPPET]
    return ("… " if start else "") + (cut.rpartition(" ")[0] or cut) + " …"
