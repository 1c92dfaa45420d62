"""What must hold of a data folder after any fault: whole, consistent with itself, and nothing left over."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

from server import create_app
from server.checksums import faults
from server.generations import Generation
from server.graph_files import read_graph, subject
from server.history import History
from server.ledger import Ledger
from server.settings import read_settings
from tests.faults.town import KEPT, Operation, Town
from tests.server.test_purge import holding

# Pages that tell the past tell nothing of a generation from the moment its purge begins.
PAST = (
    "/?lang=sv",
    "/res/dataset/asen/skolor?lang=sv",
    "/changes?lang=sv",
    "/changes/ldes",
    "/timemap/res/school/10000001",
)
PAGES = (
    *PAST,
    "/datasets?lang=en",
    "/dumps/asen/skolor.nt.gz",
    "/search?q=skola&lang=sv",
    "/graph/asen/skolor",
)
COUNT = "/sparql?query=SELECT%20(COUNT(*)%20AS%20%3Fn)%20%7B%20%3Fs%20%3Fp%20%3Fo%20%7D"

Photograph = dict[str, tuple[int, bytes]]


class Camera:
    """A server that goes on while others write: what it answers is photographed."""

    def __init__(self, town: Town) -> None:
        app = create_app(town.folder, read_settings(environment={"TORG_READERS": "1"}))
        self._client = app.test_client()

    def take(self, queries: bool) -> tuple[str, Photograph]:
        """Return the generation that is served, "" for none, and status and body of every answer."""
        known = [f"/res/school/{number}.nt" for number in range(10_000_001, 10_000_031)]
        paths = [*PAGES, "/res/school/10000001?lang=sv", *known, *([COUNT] if queries else ())]
        found = {}
        for path in paths:
            answer = self._client.get(path, headers={"Accept": "text/csv" if path == COUNT else "*/*"})
            found[path] = answer.status_code, answer.data
        ready = self._client.get("/-/ready").get_json()
        return str(ready.get("generation", "")), found


class Album:
    """The photographs of the last generations: as long as one is served, every answer is what it was."""

    def __init__(self) -> None:
        self._known: dict[str, Photograph] = {}

    def compare(self, generation: str, found: Photograph, during: str) -> list[str]:
        """Return which answers of a generation have become others; `during` is the kind of command that was killed."""
        known = self._known.pop(generation, found)
        changed = [path for path in known.keys() & found.keys() if known[path] != found[path]]
        if during == "purge generation":
            changed = [path for path in changed if not _may_forget(path, known[path], found[path])]
        self._known = dict([*self._known.items(), (generation, known | found)][-2:])
        return [f"{path} was {_told(*known[path], found[path][1])} and is {_told(*found[path], known[path][1])}"
                for path in sorted(changed)]  # fmt: skip


def _may_forget(path: str, before: tuple[int, bytes], after: tuple[int, bytes]) -> bool:
    """Return whether an answer may have become another because a past generation is being purged.

    The last description of what is gone is of the past too: it loses the lines that were only in that generation.
    """
    if before[0] != after[0]:
        return False
    return path in PAST or (after[0] == 410 and _lines(after[1]) < _lines(before[1]))


def _lines(body: bytes) -> set[bytes]:
    """Return the triples of a description in N-Triples, none for a problem that tells why there is none."""
    return {line for line in body.splitlines() if line.endswith(b" .")}


def _told(status: int, body: bytes, other: bytes) -> str:
    """Return the status of an answer, with the first line that the other one has not."""
    lines = set(other.splitlines())
    line = next((line for line in body.splitlines() if line not in lines), b"")
    return f"{status} {line[:200].decode(errors='replace')}".strip()


def served_badly(photograph: Photograph) -> list[str]:
    """Return the answers that no visitor should get while something is published."""
    return [
        f"{path} is {status}"
        for path, (status, _) in photograph.items()
        if status >= 500 or (status != 200 and not path.startswith(("/res/", "/timemap/")))
    ]


def wrong_in(town: Town, due: list[int]) -> list[str]:
    """Return what is wrong with a data folder; `due` are the generations before that nothing but their age removes."""
    kept = town.data.numbers()
    lost = set(sorted({*due, *kept})[-KEPT:]) - set(kept)
    wrong = [f"generation {number} is kept no more" for number in sorted(lost)]
    wrong += [
        f"generation {path.name}: {fault.name} is {fault.kind}" for path in town.data.kept() for fault in faults(path)
    ]
    return wrong + consistent(town) + left_over(town)


def consistent(town: Town) -> list[str]:
    """Return what is wrong with the current generation, the history and the ledger; an empty list when all is well."""
    current = town.data.current()
    if current is None:
        return ["nothing is published"]
    with closing(current):
        wrong = [f"history of {iri} replays to other lines" for iri in _replayed_wrongly(town, current)]
        wrong += _ledger(town, current)
        dump = current.path / "dumps/asen/skolor.nt.gz"
        found = {int(subject(line)[-8:]) for line in read_graph(dump) if subject(line)[-8:].isdigit()}
    if found != town.expected():
        wrong.append(
            f"schools {sorted(found ^ town.expected())} are published and should not be, or the other way round"
        )
    return wrong


def _replayed_wrongly(town: Town, current: Generation) -> list[str]:
    """Return the graphs that the history, replayed from the beginning, does not give as they are."""
    history = History(town.data)
    wrong = []
    for iri, graph in current.graphs.items():
        replayed = list(history.replayed(current.number, iri))
        if graph.kind != "system" and replayed != list(read_graph(current.path / graph.dump)):
            wrong.append(iri)
    return wrong


def _ledger(town: Town, current: Generation) -> list[str]:
    """Return where the ledger is damaged, ahead of the current generation, or says what the store does not."""
    path = town.site.data / "ledger.sqlite"
    with closing(sqlite3.connect(path)) as ledger:
        wrong = [row[0] for row in ledger.execute("PRAGMA integrity_check") if row[0] != "ok"]
        late = ledger.execute("SELECT count(*) FROM event WHERE generation > ?", (current.number,)).fetchone()[0]
        minted = ledger.execute("SELECT path, count(*) FROM event WHERE event = 'minted' GROUP BY path").fetchall()
    wrong += [f"{late} events are ahead of the current generation"] if late else []
    wrong += [f"{path} is minted {count} times" for path, count in minted if count > 1]
    states = Ledger(path).states(path for path, _ in minted)
    for thing, state in states.items():
        described = current.store.describes(town.base.rstrip("/") + thing)
        if described != (state.state == "live"):
            wrong.append(f"{thing} is {state.state}, and {'' if described else 'not '}described")
    return wrong


def left_over(town: Town) -> list[str]:
    """Return what no finished command leaves in a data folder."""
    data, current = town.site.data, int(town.data.current_name() or 0)
    wrong = [
        str(path.relative_to(data))
        for path in data.rglob("*")
        if path.name.endswith((".part", ".next", ".folded", "-journal", "-wal", ".tmp"))
        or path.name.startswith(("next-", "gone-", "purge-"))
    ]
    wrong += ["purge.json"] if (data / "purge.json").exists() else []
    for folder in (data / "generations", data / "history"):
        wrong += [f"{folder.name}/{e.name}" for e in folder.iterdir() if not e.name.isdigit() or int(e.name) > current]
    wrong += [f"archive/{name}" for name in sorted(_unaccounted(town))]
    # A reader has the generation of the last query open, and one of the past.
    if len(town.data.numbers()) > KEPT + 2:
        wrong.append(f"{town.data.numbers()} are kept")
    return wrong


def _unaccounted(town: Town) -> set[str]:
    """Return the copies of sources that no generation accounts for."""
    archive = town.site.data / "archive"
    used: set[str] = set()
    for index in (town.site.data / "history").glob("*/index.json"):
        used |= set(json.loads(index.read_text("utf-8"))["sources"])
    return {entry.name for entry in archive.iterdir()} - used if archive.is_dir() else set()


def remains(town: Town, operation: Operation, forgotten: set[str]) -> list[str]:
    """Return where texts still are that a purge had to forget.

    The source, which still has a purged thing, is archived with the next delivery.
    """
    wrong = []
    if operation.kind == "purge generation" and operation.is_due(town):
        wrong.append(f"generation {operation.target} is not purged")
    archived = operation.kind == "purge"
    for text in sorted(forgotten - town.names()):
        places = [place for place in holding(town.site.data, text) if not (archived and place.startswith("archive"))]
        wrong += [f"{text!r} is still in {place}" for place in places]
    return wrong
