"""Withhold cells that hold a person's number, and stop the rows whose address such a cell would be part of."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from loaders.lookalikes import Lookalikes
from loaders.person_numbers import is_person, is_persons_number
from loaders.specification import DERIVE, PRIVACY

# Shorter texts are not asked about: what nine digits are by chance, only a whole column can tell.
LEAST = 9
# A spreadsheet takes a number's leading zero, so among whole numbers nine digits may be a person's.
_LEAST_WHOLE = 8
_ENOUGH_DIGITS = re.compile(r"(?:\d\D{0,12}){9}\d|\d[eE]\+")
_VARIABLE = re.compile(r"\{[+#./;?&]?([^{}]*)\}")
_ADDRESSING = frozenset({"key", "organization"})
_MEMO_SIZE = 50_000
_FEW = 1_000


class Guard:
    """Finds the cells of a row that hold a person's number, in the columns given to it.

    A number that looks like a person's is as often a voucher's or a meter's. What the rest of its column is decides
    (`loaders.lookalikes.Lookalikes`); in a column of anything else one number is no chance.
    """

    def __init__(self, *, strict: bool = False) -> None:
        self._strict = strict  # no numbering of plain digits excuses a number
        self.places: list[int] = []
        self.keys: set[int] = set()
        # Columns of short texts, such as vouchers, hold a new text in each row: their lengths are enough to pass them.
        self.short: list[tuple[int, int]] = []
        self.harmless: set[str] = {""}
        self._numbers: set[int] = set()
        self._columns: dict[int, Lookalikes] = {}

    def watch(self, place: int, sample: Iterable[str], *, key: bool, number: bool = False, whole: bool = False) -> None:
        """Watch one more column.

        `key` says that its text becomes part of an address, `number` that it holds nothing but numbers, and `whole`
        that those have no decimals.
        """
        texts = list(sample)
        self.places.append(place)
        self._columns[place] = Lookalikes(texts, strict=self._strict)
        if key:
            self.keys.add(place)
        if number:
            self._numbers.add(place)
            self.short.append((place, _LEAST_WHOLE if whole else LEAST))
        elif texts and max(map(len, texts)) <= LEAST and len(set(texts)) > _FEW:
            self.short.append((place, LEAST))

    def withholds(self, place: int) -> bool:
        """Tell whether every person's number of a column is withheld, cell by cell."""
        return place in self._columns and (self._strict or not self._columns[place].are_many)

    def looked_up(self) -> Callable[[Sequence[str]], tuple[str, ...]] | None:
        """Return what takes from a row the texts that must be known as harmless, None when nothing is watched."""
        short = {place for place, _ in self.short}
        places = [place for place in self.places if place not in short] or self.places[:1]
        # With one place alone, itemgetter gives a text and no tuple of texts.
        return itemgetter(*places, places[0]) if places else None

    def found(self, cells: Sequence[str]) -> list[int]:
        """Return the places whose cells hold a person's number, and remember the texts that hold none."""
        if len(self.harmless) > _MEMO_SIZE:
            self.harmless.clear()
        places = []
        for place in self.places:
            text = cells[place]
            if place in self._numbers:
                if len(text) > _LEAST_WHOLE and is_persons_number(text) and not self._columns[place].excuse(text):
                    places.append(place)
            elif text in self.harmless:
                continue
            elif len(text) <= LEAST or not _ENOUGH_DIGITS.search(text) or not is_person(text):
                if len(text) <= 200:
                    self.harmless.add(text)
            elif not self._columns[place].excuse(text):
                places.append(place)
        return places


def keys(document: Mapping[str, Any], columns: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    """Return the columns whose texts become part of the address of the row, or of another thing it tells of.

    Columns that may name a person have a neutral way out in their specification and are not among them.
    """
    schema = document.get("tableSchema")
    levels = (document, schema if isinstance(schema, Mapping) else {}, *columns)
    templates = [template for level in levels if isinstance(template := level.get("aboutUrl"), str)]
    named = {
        name.partition(":")[0].rstrip("*")
        for template in templates
        for expression in _VARIABLE.findall(template)
        for name in expression.split(",")
    }
    return frozenset(
        str(column["name"])
        for column in columns
        if column.get(PRIVACY) != "possible-person" and (column["name"] in named or _addresses(column, named))
    )


def is_used(column: Mapping[str, Any]) -> bool:
    """Tell whether anything of a column's own text may be published, or is looked up."""
    if column.get("virtual") is True or column.get(PRIVACY) == "drop":
        return False
    if column.get(PRIVACY) == "possible-person":
        # The identifier itself: its derivations ask more than the check digit does.
        return not column.get(DERIVE)
    return True


def _addresses(column: Mapping[str, Any], named: set[str]) -> bool:
    said = column.get(DERIVE)
    return isinstance(said, Mapping) and any(
        variable in named and isinstance(how, Mapping) and how.get("function") in _ADDRESSING
        for variable, how in said.items()
    )
