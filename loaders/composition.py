"""Make a column of several: `id = "{namn} {adress}"` in [constants] names the source's own headers in braces."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from loaders.concepts import fold
from loaders.description import DESCRIPTION_FILE, nearest
from loaders.errors import DescriptionError
from loaders.findings import Finding
from loaders.headers import listed
from loaders.source import Table

Compose = Callable[[Sequence[str]], str]
_HEADER = re.compile(r"\{([^{}]+)\}")


def composer(template: str, table: Table) -> Compose | None:
    """Return a function from a row's cells to the composed text, None when the template names no header.

    A row in which every named cell is blank gives "". Raises DescriptionError for a header that the source lacks.
    """
    names = _HEADER.findall(template)
    if not names:
        return None
    places = [_place(name, table) for name in names]
    parts = _HEADER.split(template)[::2]

    def compose(cells: Sequence[str]) -> str:
        texts = [cells[place].strip() for place in places]
        if not any(texts):
            return ""
        rest = (text + part for text, part in zip(texts, parts[1:], strict=True))
        return parts[0] + "".join(rest)

    return compose


def _place(name: str, table: Table) -> int:
    if name in table.headers:
        return table.headers.index(name)
    alike = [place for place, header in enumerate(table.headers) if fold(header) == fold(name)]
    if len(alike) != 1:
        detail = (("name", name), ("known", listed(table.headers)), ("nearest", nearest(name, table.headers)))
        raise DescriptionError(Finding("source.unknown-header", file=DESCRIPTION_FILE, detail=detail))
    return alike[0]
