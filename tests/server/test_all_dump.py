"""The dump of everything: every quad once, the same bytes whether members are copied or compressed anew."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import pytest

from server import create_app
from server.all_dump import ALL, read_index, write_all_dump
from server.generations import GraphEntry
from server.graph_files import write_graph
from server.settings import read_settings


def generation(folder: Path, graphs: dict[str, list[str]]) -> list[GraphEntry]:
    entries = []
    for name, lines in graphs.items():
        file = write_graph(lines, folder / "dumps" / f"{name}.nt.gz")
        iri = f"https://data.asen.example/graph/{name}"
        entries.append(GraphEntry(iri, "dataset", file.triples, file.sha256, f"dumps/{name}.nt.gz"))
    return entries


def line(number: int, text: str = "Åsen . x") -> str:
    return f'<https://data.asen.example/id/school/{number}> <https://schema.org/name> "{text}"@sv .\n'


def test_every_quad_is_there_with_its_graph(tmp_path: Path) -> None:
    entries = generation(tmp_path, {"asen/b": [line(1), line(2)], "asen/a": [line(1)], "asen/none": []})
    write_all_dump(tmp_path, entries, None)
    found = gzip.decompress((tmp_path / ALL).read_bytes()).decode().splitlines(keepends=True)
    graph = "<https://data.asen.example/graph/asen/{}> .\n"
    assert found == [
        line(1)[:-2] + graph.format("a"),
        line(1)[:-2] + graph.format("b"),
        line(2)[:-2] + graph.format("b"),
    ]
    index = read_index(tmp_path)
    assert index["sha256"] == hashlib.sha256((tmp_path / ALL).read_bytes()).hexdigest()
    assert index["bytes"] == (tmp_path / ALL).stat().st_size


def test_what_did_not_change_is_copied_and_the_bytes_are_the_same(tmp_path: Path) -> None:
    first, second, fresh = tmp_path / "1", tmp_path / "2", tmp_path / "3"
    write_all_dump(first, generation(first, {"a/a": [line(1)], "a/b": [line(2)], "a/c": [line(3)]}), None)
    changed = {"a/a": [line(1)], "a/b": [line(2, "Ny")], "a/d": [line(4)]}
    write_all_dump(second, generation(second, changed), first)
    write_all_dump(fresh, generation(fresh, changed), None)
    assert (second / ALL).read_bytes() == (fresh / ALL).read_bytes()
    assert read_index(second) == read_index(fresh)
    assert gzip.decompress((second / ALL).read_bytes()).decode().count("\n") == 3


def test_a_lost_index_means_a_new_start(tmp_path: Path) -> None:
    first, second = tmp_path / "1", tmp_path / "2"
    write_all_dump(first, generation(first, {"a/a": [line(1)]}), None)
    (first / ALL).unlink()
    write_all_dump(second, generation(second, {"a/a": [line(1)]}), first)
    assert gzip.decompress((second / ALL).read_bytes()).decode().count("\n") == 1


def test_a_site_named_by_a_relative_path_serves_its_dumps(starter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(starter)
    app = create_app(Path("."), read_settings(environment={}))
    try:
        for name in ("all.nq.gz", "norrsjo/skolor.nt.gz"):
            with app.test_client().get(f"/dumps/{name}", buffered=True) as answer:
                assert (answer.status_code, answer.data[:2]) == (200, b"\x1f\x8b")
    finally:
        app.extensions["torg"].close()
