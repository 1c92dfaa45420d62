"""From a published thing, or one of its values, back to where it came from: file and hash, sheet, row, column, run.

The rows are looked up in the side files `rows/` of the generation. A thing that rows share (a supplier, an account) is
traced through the first rows that refer to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from loaders.description import Dataset, read_dataset
from server.columns import header_of, short_name
from server.conversion import column_places, row_origin
from server.generations import Generation, GraphEntry
from server.uris import UriSpace

# Rows that are named for a thing that many rows share.
MOST_ROWS = 5
# Things that refer to it which are tried: an account may be referred to by other things than rows.
_TRIED = 200


@dataclass(frozen=True, slots=True)
class OtherFile:
    """A file that a row's values were fetched from by a key."""

    file: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Trace:
    """Where a thing or a value comes from; what is not known is empty."""

    dataset: str
    period: str
    graph: str
    file: str
    sha256: str
    sheet: str
    row: int | None
    columns: dict[str, str]  # header of the column by property, for the properties asked for that a column gives
    mapping: str
    specification: str
    run: str
    generation: int | None
    through: str = ""  # the thing whose row it is, when the row is not the thing's own
    other_files: dict[str, OtherFile] = field(default_factory=dict)  # by property, what the row got by a key ([join])

    def members(self) -> dict[str, Any]:
        """Return the trace as JSON members, without what is not known."""
        return {name: value for name, value in asdict(self).items() if value not in ("", None, {})}


def trace(generation: Generation, uris: UriSpace, subject: str, property: str = "") -> list[Trace]:
    """Return where a subject's triples come from in each dataset that says something of it; [] when none does.

    With a property, only the graphs in which the subject has it; its column is then the only one named.
    """
    found: list[Trace] = []
    try:
        graphs = sorted(generation.store.graphs_of(subject))
    except ValueError:  # no IRI at all
        return []
    for graph in graphs:
        entry = generation.graphs.get(graph)
        if entry is not None and entry.kind == "dataset":
            found += _in_graph(generation, uris, entry, subject, property)
    return found


def _in_graph(generation: Generation, uris: UriSpace, entry: GraphEntry, subject: str, property: str) -> list[Trace]:
    said = {name for name, _ in generation.store.outgoing_in(subject, entry.iri)}
    if property and property not in said:
        return []
    rows = generation.path / "rows" / f"{entry.dataset}{f'/{entry.period}' if entry.period else ''}.sqlite"
    teller = _Teller(generation, uris, entry, {property} if property else said, rows)
    if not rows.exists():
        return [teller.trace(subject, None)]
    own = row_origin(rows, subject)
    if own:
        return [teller.trace(subject, own)]
    shared = [
        teller.trace(subject, place, through)
        for place, through in islice(_through(generation, entry.iri, rows, subject), MOST_ROWS)
    ]
    return shared or [teller.trace(subject, None)]


class _Teller:
    """Tells where things of one graph come from."""

    def __init__(
        self, generation: Generation, uris: UriSpace, entry: GraphEntry, properties: set[str], rows: Path
    ) -> None:
        self._entry, self._uris, self._properties, self._rows = entry, uris, sorted(properties), rows
        self._known = generation.datasets[entry.dataset]
        self._delivery = self._known["deliveries"].get(entry.period, {})
        self._dataset = _described(generation, entry.dataset, self._known)

    def trace(self, subject: str, place: tuple[int, str, int] | None, through: str = "") -> Trace:
        """Return the trace of a thing whose row stands at a place, or is that of the thing it is traced through."""
        sources: list[dict[str, str]] = self._delivery.get("sources", [])
        source = sources[place[0]] if place else sources[0] if len(sources) == 1 else {}
        number = self._delivery.get("generation")
        file, columns, aside = self._columns(place, through or subject, source.get("name", ""), sources)
        return Trace(
            dataset=self._entry.dataset, period=self._entry.period, graph=self._entry.iri, file=file,
            sha256=source.get("sha256", ""), sheet=place[1] if place else "", row=place[2] if place else None,
            columns=columns, mapping=self._delivery.get("mapping", ""),
            specification=self._known.get("specification") or "",
            run=self._uris.iri(f"id/run/{number:06d}") if number else "", generation=number, through=through,
            other_files=aside,
        )  # fmt: skip

    def _columns(
        self, place: tuple[int, str, int] | None, row_of: str, file: str, sources: list[dict[str, str]]
    ) -> tuple[str, dict[str, str], dict[str, OtherFile]]:
        """Return the file with the archive around it, headers by property, and what stands in another file."""
        places = column_places(self._rows, place[0], row_of) if place else None
        if places is None:
            headers = ((name, self._header(name)) for name in self._properties)
            return file, {name: header for name, header in headers if header}, {}
        own = next((one.file for one in places.values() if not one.aside), file)
        said = {name: places[name] for name in self._properties if name in places}
        hashes = {source["name"]: source["sha256"] for source in sources}
        aside = {name: OtherFile(one.file, hashes.get(one.file.partition("/")[0], hashes.get(one.file, "")))
                 for name, one in said.items() if one.aside}  # fmt: skip
        return own, {name: one.header for name, one in said.items()}, aside

    def _header(self, property: str) -> str:
        return header_of(self._dataset, property, self._uris.concepts) if self._dataset else ""


def _through(
    generation: Generation, graph: str, rows: Path, subject: str
) -> Iterator[tuple[tuple[int, str, int], str]]:
    for other in islice(generation.store.referrers_in(subject, graph), _TRIED):
        place = row_origin(rows, other)
        if place:
            yield place, other


def _described(generation: Generation, key: str, known: dict[str, Any]) -> Dataset | None:
    folder = generation.path / known["description"]
    return read_dataset(folder, key.split("/")[0]) if (folder / "dataset.toml").exists() else None


def sentence(found: Trace, language: str) -> str:
    """Return a trace in one line of a language.

    >>> columns = {"https://schema.org/name": "Namn"}
    >>> one = Trace("a/b", "", "", "skolor.csv", "9f86d081884c", "", 7, columns, "", "", "", 3)
    >>> sentence(one, "en")
    'a/b: skolor.csv, row 7, name from column Namn (sha256 9f86d081884c…, generation 3)'
    """
    row, column, through = {"sv": ("rad", "ur kolumnen", "via"), "en": ("row", "from column", "through")}[language]
    parts = [found.file, found.sheet, f"{row} {found.row}" if found.row else ""]
    parts += [
        f"{short_name(name)} {column} {header}" + (f" ({other.file})" if (other := found.other_files.get(name)) else "")
        for name, header in found.columns.items()
    ]
    place = ", ".join(part for part in parts if part)
    made = ", ".join(
        part for part in (f"sha256 {found.sha256[:12]}…" if found.sha256 else "",
                          f"generation {found.generation}" if found.generation else "") if part
    )  # fmt: skip
    name = " ".join(part for part in (found.dataset, found.period) if part)
    via = f" {through} {found.through}" if found.through else ""
    return f"{name}: {place}{via}" + (f" ({made})" if made else "")
