"""What must hold of a data folder after any fault: whole, consistent with itself, and nothing left over."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing

from server import create_app
from server.checksums import faults
from server.generations import Generation
from server.graph_files import read_graph, subject
from server.history import History
from server.ledger import Ledger
from server.settings import read_settings
from tests.faults.town import KEPT, Town, name
from tests.server.test_purge import holding

PAGES = (
    "/?lang=sv",
    "/datasets?lang=en",
    "/res/dataset/asen/skolor?lang=sv",
    "/dumps/asen/skolor.nt.gz",
    "/search?q=skola&lang=sv",
    "/graph/asen/skolor",
)
COUNT = "/sparql?query=SELECT%20(COUNT(*)%20AS%20%3Fn)%20%7B%20%3Fs%20%3Fp%20%3Fo%20%7D"

Photograph = dict[str, tuple[int, str]]


class Camera:
    """A server that goes on while others write: what it answers is photographed."""

    def __init__(self, town: Town) -> None:
        app = create_app(town.folder, read_settings(environment={"TORG_READERS": "1"}))
        self._client = app.test_client()

    def take(self, queries: bool) -> tuple[str, Photograph]:
        """Return the generation that is served, "" for none, and status and hash of every answer."""
        known = [f"/res/school/{number}.ttl" for number in range(10_000_001, 10_000_031)]
        paths = [*PAGES, "/res/school/10000001?lang=sv", *known, *([COUNT] if queries else ())]
        found = {}
        for path in paths:
            answer = self._client.get(path, headers={"Accept": "text/csv" if path == COUNT else "*/*"})
            found[path] = answer.status_code, hashlib.sha256(answer.data).hexdigest()
        ready = self._client.get("/-/ready").get_json()
        return str(ready.get("generation", "")), found


def served_badly(photograph: Photograph) -> list[str]:
    """Return the answers that no visitor should get while something is published."""
    return [
        f"{path}: {status}"
        for path, (status, _) in photograph.items()
        if status >= 500 or (status != 200 and not path.startswith("/res/"))
    ]


def consistent(town: Town) -> list[str]:
    """Return what is wrong with the current generation, the history and the ledger; an empty list when all is well."""
    current = town.data.current()
    if current is None:
        return ["nothing is published"]
    with closing(current):
        wrong = [f"generation {current.name}: {fault.name} is {fault.kind}" for fault in faults(current.path)]
        wrong += [f"history of {iri} replays to other lines" for iri in _replayed_wrongly(town, current)]
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
    # One more than is kept, when a reader had the oldest open.
    if len(town.data.numbers()) > KEPT + 1:
        wrong.append(f"{town.data.numbers()} are kept")
    return wrong


def remembered(town: Town, school: int) -> list[str]:
    """Return where a purged school still is; the source, which still has it, is archived with the next delivery."""
    return [place for place in holding(town.site.data, f"{name(school)} ") if not place.startswith("archive")]
