"""Keys of things are read from changed graphs only; what is known of the others is used again."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.clashes import FILE, clashes
from server.generations import GraphEntry
from server.graph_files import write_graph

BASE = "https://data.granby.example/"


def graph(folder: Path, publisher: str, name: str) -> GraphEntry:
    line = f'<{BASE}id/school/10000011> <https://schema.org/name> "{name}" .\n'
    file = write_graph([line], folder / "dumps" / publisher / "skolor.nt.gz")
    key = f"{publisher}/skolor"
    return GraphEntry(f"{BASE}graph/{key}", "dataset", 1, file.sha256, f"dumps/{key}.nt.gz", key)


def test_unchanged_graphs_are_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = tmp_path / "1", tmp_path / "2"
    entries = [graph(first, "asen", "Norra skolan"), graph(first, "granby", "Norra skolan")]
    assert [] == clashes(first, entries, BASE) and (first / FILE).is_file()

    entries = [graph(second, "asen", "Norra skolan"), graph(second, "granby", "Södra skolan")]
    read: list[Path] = []
    original = clashes.__globals__["read_graph"]
    monkeypatch.setattr("server.clashes.read_graph", lambda path: read.append(path) or original(path))
    (finding,) = clashes(second, entries, BASE, first)

    assert ("identifiers.clash", "granby/skolor") == (finding.rule, finding.dataset)
    assert ["granby"] == [path.parent.name for path in read]
