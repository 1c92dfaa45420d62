"""One pass over a graph tells what passes of each index would, and settles no constraint of a shape that is broken."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from server import labels, search_things
from server.clashes import _names
from server.concept_uses import count_uses
from server.generations import GraphEntry
from server.graph_files import GraphFile, described, open_graph, read_graph, subjects, write_graph
from server.labels import _labels
from server.partitions import Partitions, count_partitions
from server.shape_findings import _all_keep
from server.shape_model import read_shapes
from server.shape_screen import unsettled
from server.shapes import loaded
from server.survey import NAMING, Surveys, named_lines

BASE = "https://data.granby.example/"
XSD = "http://www.w3.org/2001/XMLSchema#"
TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
SHAPES = f"""
@prefix sh: <http://www.w3.org/ns/shacl#> . @prefix xsd: <{XSD}> . @prefix s: <urn:s:> .
s:one a sh:NodeShape ; sh:targetClass s:Thing ;
  sh:property [ sh:path s:a ; sh:minCount 1 ; sh:maxCount 2 ; sh:datatype xsd:decimal ] ;
  sh:property [ sh:path s:b ; sh:nodeKind sh:IRI ; sh:class s:Other ] ;
  sh:property [ sh:path s:c ; sh:datatype xsd:date ] ;
  sh:property [ sh:path s:d ; sh:nodeKind sh:Literal ; sh:uniqueLang true ; sh:datatype xsd:string ] .
s:two a sh:NodeShape ; sh:targetClass s:Other ;
  sh:property [ sh:path <http://www.w3.org/2004/02/skos/core#notation> ; sh:pattern "^[0-9]+$" ] .
"""
OBJECTS = {
    "a": [f'"1.5"^^<{XSD}decimal>', f'"2.5"^^<{XSD}decimal>', f'"3.5"^^<{XSD}decimal>', f'"x"^^<{XSD}decimal>', '"1"'],
    "b": ["<urn:o:0>", "<urn:o:1>", "<urn:o:9>", '"urn:o:0"'],
    "c": [f'"2026-02-28"^^<{XSD}date>', f'"2026-02-30"^^<{XSD}date>', f'"2026-06-31"^^<{XSD}date>', '"2026-02-28"'],
    "d": ['"x"', '"x"@sv', '"y"@sv', "<urn:o:1>"],
}


def graph_of(lines: list[str], folder: Path) -> GraphFile:
    return write_graph(lines, folder / "graph.nt.gz")


def test_a_survey_tells_what_every_index_would_find_by_itself(app, tmp_path: Path) -> None:
    generation = app.extensions["torg"].generation()
    base, concept_base = generation.manifest["base"], generation.manifest["concept_base"]
    surveys = Surveys(tmp_path, base, concept_base)

    for entry in generation.graphs.values():
        dump, uses = generation.path / entry.dump, Counter[str]()
        told, named, whole = surveys.of(entry, dump), list(surveys.named(entry, dump)), list(read_graph(dump))
        things = list(search_things.things(whole, f"{concept_base}def/", uses))

        assert count_partitions(dump, base) == Partitions(told.classes, told.properties, told.described)
        assert count_uses(dump, [concept_base, base]) == told.concepts
        assert _names(dump, f"<{base}id/") == told.keys
        assert list(_labels(whole)) == list(_labels(named))
        assert things == list(search_things.things(named, f"{concept_base}def/", Counter()))
        assert named == list(named_lines(whole))
        assert {iri: n for iri, n in uses.items() if n > 1}.items() <= told.uses.items() <= uses.items()
        assert [iri for iri, _ in subjects(whole)] == list(described(dump))

    surveys.clear()
    assert [] == list(tmp_path.iterdir())


def test_what_names_a_thing_is_what_the_indexes_look_for() -> None:
    searched = {name for name, kind in search_things._TEXTS.items() if kind in ("name", "alternative")}

    assert {f"<{name}>" for name in searched | set(labels._ROLES)} == NAMING


@pytest.mark.parametrize("seed", range(16))
def test_no_constraint_that_is_broken_is_settled(seed: int, tmp_path: Path) -> None:
    draw = random.Random(seed)
    faults = seed % 4  # how far down the lists the values are taken from
    lines = [f'<urn:o:{n}> <{TYPE}> <urn:s:Other> .\n<urn:o:{n}> <http://www.w3.org/2004/02/skos/core#notation> '
             f'"{n if draw.random() < 0.9 else "x"}" .\n' for n in range(3)]  # fmt: skip
    for number in range(4):
        lines.append(f"<urn:t:{number}> <{TYPE}> <urn:s:Thing> .\n")
        for name, values in OBJECTS.items():
            chosen = draw.sample(values[: faults + 1], draw.randint(name == "a" and not seed % 3, min(2, faults + 1)))
            lines += [f"<urn:t:{number}> <urn:s:{name}> {value} .\n" for value in chosen]
    graph = graph_of("".join(lines).splitlines(keepends=True), tmp_path)
    shapes = read_shapes(SHAPES, BASE)

    with open_graph(graph.path) as text, loaded([text], graph.triples) as store:
        broken = {(result.check.shape.id, result.check.constraint.component) for result in store.results(shapes)}
    surveys = Surveys(tmp_path, BASE, BASE)
    left = unsettled(shapes, surveys.read(graph, graph.path, ["<urn:s:Other>"]))

    assert broken <= {(inner.id, one.component) for shape in left for inner in shape.properties
                      for one in inner.constraints}  # fmt: skip
    assert _all_keep(shapes, graph, surveys) == (not broken)


def test_a_good_graph_leaves_open_only_what_forms_cannot_tell(tmp_path: Path) -> None:
    lines = [f"<urn:t:1> <{TYPE}> <urn:s:Thing> .\n", "<urn:t:1> <urn:s:b> <urn:o:1> .\n",
             f'<urn:t:1> <urn:s:a> "1.5"^^<{XSD}decimal> .\n', f'<urn:t:1> <urn:s:c> "2024-01-31"^^<{XSD}date> .\n',
             f"<urn:o:1> <{TYPE}> <urn:s:Other> .\n"]  # fmt: skip
    graph, shapes = graph_of(lines, tmp_path), read_shapes(SHAPES, BASE)

    left = unsettled(shapes, Surveys(tmp_path, BASE, BASE).read(graph, graph.path, ["<urn:s:Other>"]))

    assert ["Pattern"] == [one.component for shape in left for inner in shape.properties for one in inner.constraints]
    subclass = [*lines, "<urn:s:Other> <http://www.w3.org/2000/01/rdf-schema#subClassOf> <urn:s:Thing> .\n"]
    graph = graph_of(subclass, tmp_path)
    assert shapes == unsettled(shapes, Surveys(tmp_path, BASE, BASE).read(graph, graph.path, ["<urn:s:Other>"]))


def test_many_forms_are_counted_and_settle_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.survey._MOST_SIGNATURES", 3)
    lines = [f"<{BASE}id/x/{n}> <urn:p:{n}> <urn:o:{n % 2}> .\n" for n in range(10)]
    graph = graph_of(lines, tmp_path)
    surveys = Surveys(tmp_path, BASE, BASE)

    forms = surveys.read(graph, graph.path)
    told = surveys.of(GraphEntry("urn:g", "dataset", 10, graph.sha256, "graph.nt.gz"), "graph.nt.gz")

    assert not forms.whole and {f"urn:p:{n}": 1 for n in range(10)} == told.properties and 10 == told.described
    assert {"urn:o:0": 5, "urn:o:1": 5} == told.uses
    shapes = read_shapes(SHAPES, BASE)
    assert shapes == unsettled(shapes, forms)


def test_a_graph_is_found_though_the_generation_is_named_from_where_one_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = Path("site/next")
    file = write_graph(['<http://a.example/1> <https://schema.org/name> "Ett" .\n'], folder / "dumps/a.nt.gz")
    for dump in (folder / "dumps/a.nt.gz", "dumps/a.nt.gz"):
        Surveys(folder, "http://a.example/", "").read(file, dump)
