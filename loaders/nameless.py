"""Tell of values about a thing that has no address in its row, such as a supplier's name without its number."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loaders.specification import DERIVE, PRIVACY, null_tokens

_VARIABLE = re.compile(r"\{[+#./;?&]?([^{},:*]*)[^{}]*\}")


@dataclass(frozen=True, slots=True)
class Nameless:
    """A column whose values are about what another column identifies."""

    rule: str
    column: str
    key: str
    place: int
    key_place: int | None  # None when the source lacks the column
    nulls: frozenset[str]
    key_nulls: frozenset[str]

    def loses(self, cells: Sequence[str]) -> bool:
        """Tell whether a row's value is lost: it has one, and nothing that identifies what it is about."""
        if self.key_place is not None and cells[self.key_place].strip() not in self.key_nulls:
            return False
        return cells[self.place].strip() not in self.nulls


def nameless(
    document: Mapping[str, Any], columns: Sequence[Mapping[str, Any]], positions: Mapping[str, int]
) -> list[Nameless]:
    """Return the columns of a table whose values have no subject when another column is blank."""
    owners = {variable: column for column in columns for variable in column.get(DERIVE, {})}
    found = []
    for column in columns:
        name = str(column["name"])
        variables = _VARIABLE.findall(str(column.get("aboutUrl") or ""))
        key = next((owners[variable] for variable in variables if variable in owners), None)
        if key is None or key["name"] == name or name not in positions or column.get("suppressOutput") is True:
            continue
        person = column.get(PRIVACY) == "possible-person"
        found.append(
            Nameless("personal.name-without-number" if person else "values.without-key", name, str(key["name"]),
                     positions[name], positions.get(str(key["name"])), null_tokens(document, column),
                     null_tokens(document, key))
        )  # fmt: skip
    return found
