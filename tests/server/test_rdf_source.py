"""Datasets that are RDF already: graph names kept when asked, blank nodes named for good, hostile files told."""

import resource
from types import SimpleNamespace

import pytest

from server.generations import DataFolder
from server.graph_files import read_graph
from server.rdf_source import _split
from tests.conftest import SmallSite

OWN = "https://data.asen.example/graph/asen/rdf"
TOML = """
title.sv = "RDF"
description.sv = "En datamängd som redan är RDF."
license = "http://creativecommons.org/publicdomain/zero/1.0/"
source = "{source}"
keepGraphs = {keep}
"""


@pytest.fixture
def add(small_site: SmallSite):
    def add(name: str, text: str, keep: bool = False) -> SmallSite:
        folder = small_site.folder / "datasets/asen/rdf"
        folder.mkdir(exist_ok=True)
        (folder / "dataset.toml").write_text(TOML.format(source=name, keep=str(keep).lower()), "utf-8")
        (folder / name).write_text(text, "utf-8")
        return small_site

    return add


def graphs(site: SmallSite) -> dict[str, list[str]]:
    generation = DataFolder(site.data).current()
    found = {
        iri: list(read_graph(generation.path / graph.dump))
        for iri, graph in generation.graphs.items()
        if graph.dataset == "asen/rdf"
    }
    generation.close()
    return found


TRIG = '<urn:a> <urn:p> "1" . <http://example.org/g> { <urn:b> <urn:p> <urn:c> }'


def test_graph_names_are_kept_when_asked_for(add):
    site = add("data.trig", TRIG, keep=True)
    assert [] == site.publish().blocked
    assert {
        OWN: ['<urn:a> <urn:p> "1" .\n'],
        "http://example.org/g": ["<urn:b> <urn:p> <urn:c> .\n"],
    } == graphs(site)
    assert site.publish().generation is None


def test_otherwise_all_goes_to_the_datasets_own_graph(add):
    site = add("data.trig", TRIG)
    site.publish()
    assert {OWN: ['<urn:a> <urn:p> "1" .\n', "<urn:b> <urn:p> <urn:c> .\n"]} == graphs(site)


def test_blank_nodes_get_the_same_iris_each_time(add):
    site = add("data.ttl", '<urn:a> <urn:p> [ <urn:q> "x _:b0 y" ] .')
    site.publish()
    (lines,) = graphs(site).values()
    assert all("_:" not in line.replace("x _:b0 y", "") for line in lines)
    assert '"x _:b0 y"' in "".join(lines)
    site.dataset.joinpath("dataset.toml").write_text(
        site.dataset.joinpath("dataset.toml").read_text("utf-8").replace("Alla", "Samtliga"), "utf-8"
    )
    site.publish()
    assert [lines] == list(graphs(site).values())


@pytest.mark.parametrize(
    ("name", "text", "rule"),
    [
        pytest.param("a.ttl", "<urn:a> <urn:p> .\n", "source.not-rdf", id="syntax error"),
        pytest.param(
            "a.rdf",
            '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><rdf:RDF '
            'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/>',
            "source.not-rdf",
            id="entities",
        ),
        pytest.param("a.nt", "<urn:a> <urn:p> " + "<<( <urn:a> <urn:p> " * 50_000, "source.not-rdf", id="nested terms"),
        pytest.param(
            "a.jsonld", '{"@context": "http://127.0.0.1:9/c", "@id": "urn:a"}', "source.not-rdf", id="context"
        ),
    ],
)
def test_hostile_and_broken_files_are_findings(add, name, text, rule):
    done = add(name, text).publish()
    assert ["asen/rdf"] == done.blocked
    assert [rule] == [finding.rule for finding in done.report.findings() if finding.weight == "block"]


def test_a_graph_name_under_our_base_is_refused(add):
    done = add("a.trig", "<https://data.asen.example/graph/x/y> { <urn:a> <urn:p> <urn:b> }", keep=True).publish()
    assert ["source.graph-name"] == [finding.rule for finding in done.report.findings() if finding.weight == "block"]


def test_a_source_of_more_graphs_than_a_process_may_have_files(tmp_path, monkeypatch):
    lines = [f"http://a.example/{number % 90}\t<http://a.example/s> <http://a.example/p> \"{number}\" .\n"
             for number in range(180)]  # fmt: skip
    monkeypatch.setattr("server.rdf_source._quads", lambda *_: iter(lines))
    monkeypatch.setattr("server.rdf_source._HELD", 50)
    dataset = SimpleNamespace(keep_graphs=True, key="asen/rdf")
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, before[1]))
    try:
        parts = _split(dataset, SimpleNamespace(files=[None]), OWN, "https://data.asen.example/", tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert len(parts) == 90
    assert parts["http://a.example/7"].read_text("utf-8").splitlines() == [
        '<http://a.example/s> <http://a.example/p> "7" .', '<http://a.example/s> <http://a.example/p> "97" .',
    ]  # fmt: skip
