"""Reference resolution: the examples of RFC 3986, section 5.4, and whatever else may stand between < and >."""

from __future__ import annotations

import pyoxigraph as ox
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.references import resolve

BASE = "http://a/b/c/d;p?q"
EXAMPLES = """
g:h g:h|g http://a/b/c/g|./g http://a/b/c/g|g/ http://a/b/c/g/|/g http://a/g|//g http://g|?y http://a/b/c/d;p?y
g?y http://a/b/c/g?y|#s http://a/b/c/d;p?q#s|g#s http://a/b/c/g#s|g?y#s http://a/b/c/g?y#s|;x http://a/b/c/;x
g;x http://a/b/c/g;x|g;x?y#s http://a/b/c/g;x?y#s|. http://a/b/c/|./ http://a/b/c/|.. http://a/b/|../ http://a/b/
../g http://a/b/g|../.. http://a/|../../ http://a/|../../g http://a/g|../../../g http://a/g|../../../../g http://a/g
/./g http://a/g|/../g http://a/g|g. http://a/b/c/g.|.g http://a/b/c/.g|g.. http://a/b/c/g..|..g http://a/b/c/..g
./../g http://a/b/g|./g/. http://a/b/c/g/|g/./h http://a/b/c/g/h|g/../h http://a/b/c/h|g;x=1/./y http://a/b/c/g;x=1/y
g;x=1/../y http://a/b/c/y|g?y/./x http://a/b/c/g?y/./x|g?y/../x http://a/b/c/g?y/../x|g#s/./x http://a/b/c/g#s/./x
"""
PAIRS = [tuple(pair.split(" ")) for line in EXAMPLES.split("\n") if line for pair in line.split("|")]


@pytest.mark.parametrize(("reference", "iri"), [*PAIRS, ("", BASE)])
def test_the_examples_of_the_specification(reference: str, iri: str) -> None:
    assert resolve(BASE, reference) == iri


def test_without_a_base_a_reference_stays() -> None:
    assert resolve("", "skolor") == "skolor"


@given(st.text(alphabet="ab/.?#:[]@", max_size=20))
@settings(max_examples=400, deadline=None)
def test_any_reference_is_resolved_as_oxigraph_does(reference: str) -> None:
    found = resolve("http://a/b/c/d?q", reference)
    try:
        (solution,) = ox.Store().query(f"BASE <http://a/b/c/d?q> SELECT (<{reference}> AS ?x) {{}}")  # type: ignore[misc]
    except SyntaxError:
        return
    assert found == solution["x"].value


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_text_is_refused(base: str, reference: str) -> None:
    assert isinstance(resolve(base, reference), str)
