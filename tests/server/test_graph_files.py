"""Graph files: the same content gives the same bytes, in the store's own forms."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.graph_files import canonical, difference, piped, read_graph, write_graph
from server.store import WriteStore, canonical_lines

XSD = "http://www.w3.org/2001/XMLSchema#"


def line(value: str, subject: str = "https://data.norrsjo.example/id/school/1") -> str:
    return f"<{subject}> <https://schema.org/name> {value} .\n"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param(f'"10.50"^^<{XSD}decimal>', f'"10.5"^^<{XSD}decimal>', id="decimal"),
        pytest.param(f'"007"^^<{XSD}integer>', f'"7"^^<{XSD}integer>', id="integer"),
        pytest.param(f'"1"^^<{XSD}boolean>', f'"true"^^<{XSD}boolean>', id="boolean"),
        pytest.param('"Åsen"@sv-SE', '"Åsen"@sv-se', id="language tag"),
        pytest.param(f'"a"^^<{XSD}string>', '"a"', id="string"),
        pytest.param('"tab\\u0009"', '"tab\\t"', id="escape"),
    ],
)
def test_lines_take_the_form_the_store_gives_back(given, expected):
    assert [line(expected)] == list(canonical([line(given)]))


@given(
    st.lists(
        st.one_of(
            st.decimals(allow_nan=False, allow_infinity=False, places=4).map(lambda d: f'"{d:f}"^^<{XSD}decimal>'),
            st.integers().map(lambda i: f'"{i:+d}"^^<{XSD}integer>'),
            st.dates().map(lambda d: f'"{d}"^^<{XSD}date>'),
            st.sampled_from(["sv", "EN", "sv-FI"]).map(lambda tag: f'"x"@{tag}'),
        ),
        max_size=20,
    )
)
def test_the_fast_path_agrees_with_the_store(values):
    lines = [line(value) for value in values]

    assert sorted(canonical_lines(lines)) == sorted(canonical(lines))


def test_the_same_content_gives_the_same_bytes(tmp_path):
    lines = [line(f'"{n}"', f"https://data.norrsjo.example/id/school/{n % 7}") for n in range(500)]

    first = write_graph(lines, tmp_path / "a.nt.gz")
    second = write_graph([*reversed(lines), *lines], tmp_path / "b.nt.gz")

    assert first.path.read_bytes() == second.path.read_bytes()
    assert (500, first.sha256) == (second.triples, second.sha256)


def test_the_dump_of_the_store_equals_the_file(tmp_path):
    lines = [line(f'"{n}.50"^^<{XSD}decimal>') for n in range(50)] + [line('"Å\\nä"@sv')]
    file = write_graph(lines, tmp_path / "a.nt.gz")

    store = WriteStore(tmp_path / "store")
    with piped(file.path) as source:
        store.bulk_load(source, "https://data.norrsjo.example/graph/asen/skolor")

    assert sorted(store.graph_lines("https://data.norrsjo.example/graph/asen/skolor")) == list(read_graph(file.path))
    store.close()


def test_difference_tells_what_came_and_went(tmp_path):
    old = write_graph([line('"a"'), line('"b"'), line('"ö"')], tmp_path / "old.nt.gz")
    new = write_graph([line('"b"'), line('"c"'), line('"ö"')], tmp_path / "new.nt.gz")

    assert [(False, line('"a"')), (True, line('"c"'))] == list(difference(old.path, new.path))
    assert [(True, line('"b"')), (True, line('"c"')), (True, line('"ö"'))] == list(difference(None, new.path))
