"""Guess from a table's values what its columns are: their datatypes, keys, codes, and what may be personal."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

from loaders.concepts import ConceptIndex, fold
from loaders.value_formats import DATE_FORMATS, NUMBER_FORMATS, detect

# A guess is made when nearly all values speak for it; the rest become findings, not silence.
NEARLY_ALL = 0.95
MOSTLY = 0.8
MOST_KEY_COLUMNS = 3
_NULLS = frozenset({"", "-", ".", "..", "...", "NA", "N/A", "NULL", "null", "None", "****"})
_KEY_ENDINGS = ("id", "kod", "code", "nr", "nummer", "number", "ref", "referens", "key", "uuid", "reference")
_KEY_STARTS = ("id", "kod", "code")
# Words for people in the headers of municipal exports; an office's name is public, a person's is asked about first.
_PERSONS = (
    "personnummer", "personnr", "rektor", "kontaktperson", "handlaggare", "chef", "forestandare", "contactperson",
    "headteacher", "fornamn", "efternamn", "firstname", "lastname", "surname", "svarsperson",
)  # fmt: skip
_BOOLEANS = (("ja", "nej"), ("true", "false"), ("yes", "no"), ("j", "n"), ("y", "n"))
_YEAR = re.compile(r"(?:19|20)\d\d")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its place, its header, and its values in the sample with stand-ins for nothing left out."""

    place: int
    header: str
    values: tuple[str, ...]
    rows: int

    @property
    def filled(self) -> float:
        """The share of rows that have a value."""
        return len(self.values) / self.rows if self.rows else 0.0

    @property
    def unique(self) -> bool:
        """True when every row has a value and none stands twice."""
        return bool(self.rows) and len(self.values) == self.rows and len(set(self.values)) == self.rows


def columns_of(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> list[Column]:
    """Return the columns of a sample."""
    return [
        Column(
            place, header, tuple(text for row in rows if (text := row[place].strip()) not in _NULLS), len(rows)
        )
        for place, header in enumerate(headers)
    ]  # fmt: skip


def nulls_of(rows: Sequence[Sequence[str]], place: int) -> list[str]:
    """Return the stand-ins for "no value" that a column uses, the blank cell left out."""
    return sorted({row[place].strip() for row in rows} & _NULLS - {""})


def datatype(column: Column) -> str:
    """Return the datatype (CSVW 6.4) that nearly all values of a column have; codes with leading zeros are text.

    >>> datatype(Column(0, "antal", ("12", "7"), 2)), datatype(Column(0, "kod", ("0180", "0114"), 2))
    ('integer', 'string')
    """
    values = column.values
    if not values or looks_like_key(column.header):
        return "string"
    if any(re.fullmatch(r"0\d+", text) for text in values):
        return "string"
    if _share(_YEAR.fullmatch(text) is not None for text in values) == 1 and _is_year(column.header):
        return "gYear"
    if _share(text.isascii() and text.isdigit() and len(text) < 10 for text in values) == 1:
        return "integer"
    if _detected(values, is_date=False):
        return "decimal"
    if _detected(values, is_date=True):
        return "date"
    if _share(re.fullmatch(r"https?://\S+", text) is not None for text in values) >= NEARLY_ALL:
        return "anyURI"
    return "string"


def boolean_format(column: Column) -> str:
    """Return the CSVW format of a column of yes and no ("Ja|Nej"), "" for any other."""
    said = sorted(set(column.values))
    for yes, no in _BOOLEANS:
        if len(said) == 2 and {text.casefold() for text in said} == {yes, no}:
            return f"{next(text for text in said if text.casefold() == yes)}|" + next(
                text for text in said if text.casefold() == no
            )
    return ""


def keys(columns: Sequence[Column]) -> list[Column]:
    """Return the columns that tell all rows of the sample apart: the likeliest single one, else the fewest together."""
    fit = [column for column in columns if column.values and not _is_measure(column)]
    single = [column for column in fit if column.unique]
    if single:
        return [min(single, key=lambda column: (not looks_like_key(column.header), column.place))]
    for count in range(2, MOST_KEY_COLUMNS + 1):
        for chosen in combinations([column for column in fit if column.filled == 1][:8], count):
            rows = list(zip(*(column.values for column in chosen), strict=True))
            if len(set(rows)) == len(rows):
                return list(chosen)
    return []


def looks_like_key(header: str) -> bool:
    """Tell whether a header is an identifier's, by how it begins or ends.

    >>> looks_like_key("skolenhetskod"), looks_like_key("place_id"), looks_like_key("antal barn")
    (True, True, False)
    """
    words = [fold(word) for word in re.split(r"[\W_]+|(?<=[a-zåäö])(?=[A-Z])", header) if word]
    return bool(words) and (
        words[-1] in _KEY_ENDINGS or words[0] in _KEY_STARTS or any(fold(header).endswith(e) for e in _KEY_ENDINGS[1:5])
    )


def is_personal(header: str) -> bool:
    """Tell whether a header speaks of a person."""
    folded = fold(header)
    return any(word in folded for word in _PERSONS)


def is_year_header(header: str) -> bool:
    """Tell whether a header is a year, so that the table is wide."""
    return _YEAR.fullmatch(header.strip()) is not None


def years_in_a_row(cells: Sequence[str]) -> int:
    """Return how many headers of a row are years that follow each other; figures that look like years do not.

    >>> years_in_a_row(["Kommun", "2024", "2025"]), years_in_a_row(["1880", "2012", "1950"])
    (2, 0)
    """
    years = [int(cell) for cell in cells if is_year_header(cell)]
    steps = {later - earlier for earlier, later in pairwise(years)}
    return len(years) if len(steps) == 1 and abs(steps.pop()) in (1, 2, 4, 5, 10) else 0


def is_name(column: Column) -> bool:
    """Tell whether a column's values look like the names of things: short texts with letters, nearly all different."""
    named = [text for text in column.values if re.search(r"[^\W\d_]{2}", text) and 2 < len(text) < 80]
    return (
        column.filled > MOSTLY
        and len(named) >= NEARLY_ALL * len(column.values)
        and (len(set(named)) >= MOSTLY * len(named))
    )


def is_number_and_text(column: Column) -> bool:
    """Tell whether cells hold a code and its text ("60150 Hyra")."""
    both = sum(re.match(r"\d[\d.\-]*\s*[-–:]?\s+[^\W\d]", text) is not None for text in column.values)
    return bool(column.values) and both >= MOSTLY * len(column.values)


def scheme_of(column: Column, concepts: ConceptIndex) -> str:
    """Return the scheme whose concepts most of a column's distinct texts mean, "" for none.

    Short and bare numbers are in every code list, so they prove nothing; a municipality's four digits do.
    """
    texts = sorted(set(column.values))[:200]
    place = [text for text in texts if concepts.find("place", text)]
    if texts and len(place) >= MOSTLY * len(texts) and (len(texts) > 1 or len(texts[0]) == 4):
        if all(len(text) >= 3 for text in texts) or "lan" in fold(column.header) or "county" in fold(column.header):
            return "place"
    if len(texts) < 2 or any(text.isdigit() or len(text) < 3 for text in texts):
        return ""
    best = max(
        ((sum(concepts.find(scheme, text) is not None for text in texts), scheme) for scheme in concepts.schemes()),
        default=(0, ""),
    )
    return best[1] if best[0] >= MOSTLY * len(texts) else ""


def _is_measure(column: Column) -> bool:
    """Figures, days and coordinates identify nothing."""
    return datatype(column) in ("decimal", "date") or (
        datatype(column) == "integer" and not looks_like_key(column.header)
    )


def _is_year(header: str) -> bool:
    return fold(header) in ("ar", "year", "aar", "kalenderar", "period", "lasar")


def _detected(values: Sequence[str], is_date: bool) -> bool:
    found = detect(values, DATE_FORMATS if is_date else NUMBER_FORMATS, lambda text: True)
    # Five digits are a day in Excel and a number everywhere else: numbers are asked about first.
    return bool(found.fitting) and found.unfit <= (1 - NEARLY_ALL) * len(set(values))


def _share(tests: Iterable[bool] | Iterator[bool]) -> float:
    said = list(tests)
    return sum(said) / len(said) if said else 0.0
