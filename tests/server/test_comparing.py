"""Two graph files compared thing by thing, in the files' own order."""

from __future__ import annotations

from pathlib import Path

from server.comparing import compare, pairs
from server.graph_files import GraphFile, write_graph

BASE = "https://data.norrsjo.example/"
NAME, STREET = "https://schema.org/name", "https://schema.org/streetAddress"


def line(subject: str, property: str, value: str) -> str:
    return f"<{BASE}{subject}> <{property}> {value} .\n"


def graph(folder: Path, name: str, *lines: str) -> GraphFile:
    return write_graph(lines, folder / f"{name}.nt.gz")


def test_subjects_of_which_one_begins_like_another_are_kept_apart(tmp_path: Path) -> None:
    names = ["id/school/1", "id/school/1/2", "id/school/1-2", "id/school/10", "id/school/1%C3%A5"]
    old = graph(tmp_path, "old", *(line(name, NAME, '"a"') for name in names))
    new = graph(tmp_path, "new", *(line(name, NAME, '"a"') for name in names[1:]), line("id/school/0", NAME, '"b"'))

    found = {
        subject.removeprefix(BASE): (len(before), len(after)) for subject, before, after in pairs(old.path, new.path)
    }

    assert found == {"id/school/0": (0, 1), "id/school/1": (1, 0), **dict.fromkeys(names[1:], (1, 1))}


def test_nothing_before_is_all_new(tmp_path: Path) -> None:
    new = graph(tmp_path, "new", line("id/school/1", NAME, '"a"'))
    assert [(f"{BASE}id/school/1", 0, 1)] == [(s, len(b), len(a)) for s, b, a in pairs(None, new.path)]


def test_counts_what_went_and_whose_meaning_changed(tmp_path: Path) -> None:
    schools = [f"id/school/{number}" for number in range(10)]
    old = graph(tmp_path, "old", *(line(name, NAME, '"a"') for name in schools), line("def/x", NAME, '"x"'))
    new = graph(tmp_path, "new", *(line(name, NAME, '"b"') for name in schools[3:]), line("def/x", NAME, '"y"'))

    found = compare(old.path, new.path, f"{BASE}id/")

    assert (10, 3, 7) == (found.before, found.gone, found.common["school"])
    assert {("school", NAME): 7} == {key: subjects.count for key, subjects in found.meanings.items()}
    assert f"{BASE}id/school/3" == found.meanings["school", NAME].first


def test_swapped_columns_are_told_from_changed_ones(tmp_path: Path) -> None:
    old = graph(tmp_path, "old", *(line(f"id/school/{n}", NAME, f'"Skola {n}"@sv') for n in range(4)),
                *(line(f"id/school/{n}", STREET, f'"Gata {n}"') for n in range(4)))  # fmt: skip
    new = graph(tmp_path, "new", *(line(f"id/school/{n}", STREET, f'"Skola {n}"') for n in range(4)),
                *(line(f"id/school/{n}", NAME, f'"Gata {n}"@sv') for n in range(3)),
                line("id/school/3", NAME, '"Annan"@sv'))  # fmt: skip

    found = compare(old.path, new.path, f"{BASE}id/")

    assert {("school", NAME, STREET): 3} == {key: subjects.count for key, subjects in found.swaps.items()}
