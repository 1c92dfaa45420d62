"""docs/queries.md is complete: every query with its titles, parameters, columns and an example, and every type."""

from __future__ import annotations

from pathlib import Path

import pytest

import queries
from queries import Query
from queries.values import TYPES
from server.query_api import address

TEXT = (Path(__file__).parent.parent.parent / "docs" / "queries.md").read_text("utf-8")
SECTIONS = {part.split("`")[0]: part for part in TEXT.split("\n### `")[1:]}


def test_no_query_is_missing_and_none_is_invented():
    assert list(SECTIONS) == [query.name for query in queries.all_queries()]


@pytest.mark.parametrize("query", queries.all_queries(), ids=lambda query: query.name)
def test_a_query_is_described_as_it_is(query: Query) -> None:
    section = SECTIONS[query.name]
    assert query.title["en"] in section and query.title["sv"] in section and query.description["en"] in section
    for parameter in query.parameters:
        if parameter.type == "language":
            continue
        (line,) = [line for line in section.splitlines() if line.startswith(f"- `{parameter.name}` (")]
        assert parameter.type in line and parameter.title["en"] in line
        assert ("optional" in line) == parameter.optional and ("several" in line) == parameter.many
        assert all(f"`{example}`" in line for example in parameter.examples)
    assert all(f"`{column}`" in section for column in query.columns)
    assert f"`{address(query, query.examples(), {})}`" in section


def test_every_type_and_reserved_name_is_described():
    for name in TYPES:
        assert f"\n| `{name}` | " in TEXT
    for name in queries.RESERVED:
        assert f"`{name}`" in TEXT
