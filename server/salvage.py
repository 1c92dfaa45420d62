"""Going back from a damaged generation: what it held is rebuilt from the history, so that the history stays whole."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from server.assemble import Change
from server.errors import StorageError
from server.generations import DataFolder, Generation, GraphEntry
from server.graph_files import write_graph
from server.history import History
from server.wholeness import damage, trouble


def fault(path: Path, *, thorough: bool = False) -> str:
    """Return what is wrong with a generation's folder, "" when nothing is; `thorough` reads and compares all of it."""
    try:
        generation = Generation(path)
    except (StorageError, OSError) as error:
        return str(error)
    try:
        return trouble(generation) or (damage(path) if thorough else "")
    finally:
        generation.close()


def last_whole(data: DataFolder, before: int) -> Path | None:
    """Return the newest generation before a damaged one that is whole, None when there is none."""
    kept = [path for path in data.kept() if int(path.name) < before]
    return next((path for path in reversed(kept) if not fault(path, thorough=True)), None)


def refuse_damage(data: DataFolder) -> None:
    """Raise StorageError, which says how to go back, when the current generation cannot be built upon."""
    name = data.current_name()
    reason = fault(data.generations / name) if name else ""
    if not name or not reason:
        return
    whole = last_whole(data, int(name))
    en, sv = (
        (f"Go back with torg restore {int(whole.name)}", f"Gå tillbaka med torg restore {int(whole.name)}")
        if whole
        else ("Restore a backup", "Återställ en säkerhetskopia")
    )
    raise StorageError(
        f"Generation {int(name)} is damaged: {reason}. {en}, then run the command again.",
        f"Generation {int(name)} är skadad: {reason}. {sv} och kör sedan kommandot igen.",
    )


def lost_changes(
    data: DataFolder, lost: int, aside: Path, folder: Path, graphs: Mapping[str, GraphEntry]
) -> list[Change]:
    """Return how the graphs of the next generation differ from those of a damaged one.

    What the damaged one held is replayed into files in a folder aside; none of its own files is read.
    """
    history, found = History(data), []
    before = history.graphs(lost)
    after = {iri: graph for iri, graph in graphs.items() if graph.published}
    for number, iri in enumerate(sorted(before.keys() | after.keys())):
        old, new, old_entry, old_file = before.get(iri), after.get(iri), None, None
        if old is not None:
            old_file = aside / f"{number}.nt.gz"
            written = write_graph(history.replayed(lost, iri), old_file)
            if new is not None and written.sha256 == new.sha256:
                continue
            dump = f"dumps/{iri.rpartition('/graph/')[2]}.nt.gz"
            old_entry = GraphEntry(iri, old.kind, written.triples, written.sha256, dump, old.dataset, old.period)
        found.append(Change(old_entry, new, old_file, folder / new.dump if new else None))
    return found
