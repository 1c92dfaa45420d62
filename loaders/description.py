"""Read a steward's dataset.toml into a Dataset, refusing every key it does not know."""

from __future__ import annotations

import codecs
import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import ontology
from loaders.errors import DescriptionError
from loaders.findings import Finding

DESCRIPTION_FILE = "dataset.toml"
READING_KEYS = (
    "source", "delivery", "period", "encoding", "sheet", "items", "headerRow",
    "dialect", "columns", "constants", "waivers", "keepGraphs", "thresholds", "wide", "join",
)  # fmt: skip
# DCAT-AP-SE 3.0.1, class Dataset, by local name; plus the parts of the publish decision.
METADATA_KEYS = (
    "title", "description", "keyword", "theme", "conformsTo", "license", "accrualPeriodicity", "contactPoint",
    "publisher", "creator", "issued", "modified", "temporal", "temporalResolution", "spatial",
    "spatialResolutionInMeters", "landingPage", "page", "documentation", "language", "accessRights", "identifier",
    "type", "version", "versionNotes", "hasVersion", "isVersionOf", "provenance", "relation",
    "isReferencedBy", "qualifiedRelation", "wasGeneratedBy", "applicableLegislation", "hvdCategory", "sample",
    "availability", "rights", "decision", "alternative", "inSeries", "wikidata", "otherIdentifier", "created",
    "qualifiedAttribution", "subject", "replaces", "isReplacedBy", "status", "reason", "fee",
)  # fmt: skip
DIALECT_KEYS = ("commentPrefix", "delimiter", "doubleQuote", "quoteChar", "skipInitialSpace")
# Shares of rows or identifiers at which a gate warns or blocks; site.toml's [quality] gives those of all datasets.
THRESHOLD_KEYS = ("unmatchedWarn", "unmatchedBlock", "vanishing", "changed")
COLUMN_KEYS = ("column", "split", "drop", "reason", "format", "decimalChar", "groupChar", "null", "separator", "crs")
# A graph that is RDF already is published whole: nothing in it can be withheld, so no reason lets such numbers out.
NEVER_WAIVED = frozenset({"personal.number-in-rdf", "personal.number-in-address", "personal.rdf-property"})
JOIN_KEYS = ("source", "on", "take")
LATIN_1_LABELS = frozenset({"iso8859-1", "ascii"})
_KEY_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_PERIOD = re.compile(r"\d{4}(?:-(?:0[1-9]|1[0-2]))?")


@dataclass(frozen=True)
class ColumnChange:
    """What dataset.toml says about one source column: where it goes and how its text is written."""

    header: str
    columns: tuple[str, ...] = ()
    drop: bool = False
    reason: str = ""
    format: str = ""
    decimal_char: str = ""
    group_char: str = ""
    null: tuple[str, ...] = ()
    separator: str = ""
    crs: str = ""

    @property
    def declares_format(self) -> bool:
        """True when the steward has said how values are written, so that nothing is to be guessed."""
        return bool(self.format or self.decimal_char or self.group_char)


@dataclass(frozen=True)
class Join:
    """Another file whose columns are added to each row: `mine` and `theirs` are the headers that must agree."""

    source: str
    mine: str
    theirs: str
    take: tuple[str, ...]


@dataclass(frozen=True)
class Dataset:
    """One dataset as its steward describes it: DCAT metadata, and how to read its source."""

    publisher: str
    name: str
    folder: Path
    metadata: dict[str, Any]
    specification: str | None
    sources: tuple[str, ...]
    delivery: Literal["full", "period"] | None
    period: str | None
    encoding: str
    sheet: str
    items: str
    header_row: int | None
    dialect: dict[str, Any]
    columns: dict[str, ColumnChange]
    constants: dict[str, str]
    waivers: dict[str, str]
    keep_graphs: bool
    thresholds: dict[str, float] = field(default_factory=dict)
    wide: dict[str, dict[str, str]] = field(default_factory=dict)
    join: Join | None = None

    @property
    def key(self) -> str:
        """The dataset's key within the site: `publisher/name`."""
        return f"{self.publisher}/{self.name}"


def read_dataset(folder: Path, publisher: str) -> Dataset:
    """Return the dataset described in the folder; raise DescriptionError for any fault in its dataset.toml."""
    return _Reader(folder, publisher).dataset()


def python_encoding(label: str) -> str | None:
    """Return Python's name for an encoding label, or None; latin-1 labels mean windows-1252 (WHATWG Encoding 4.2).

    >>> python_encoding("ISO-8859-1"), python_encoding("utf-16"), python_encoding("base64")
    ('cp1252', 'utf-16', None)
    """
    try:
        info = codecs.lookup(label)
        "å".encode(info.name)
    except UnicodeError:
        pass
    except (LookupError, ValueError, TypeError):
        return None
    return "cp1252" if info.name in LATIN_1_LABELS else info.name


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the known word most like the given one, "" when there is none to choose from.

    >>> nearest("titel", ["title", "theme"])
    'title'
    """
    folded = {entry.casefold(): entry for entry in sorted(known)}
    close = difflib.get_close_matches(word.casefold(), folded, n=1, cutoff=0.0)
    return folded[close[0]] if close else ""


class _Reader:
    """Reads one dataset.toml, knowing the text for line numbers."""

    def __init__(self, folder: Path, publisher: str) -> None:
        self.folder = folder
        self.publisher = publisher
        self.key = f"{publisher}/{folder.name}"
        self.text = ""

    def dataset(self) -> Dataset:
        for name in (self.publisher, self.folder.name):
            if not _KEY_NAME.fullmatch(name):
                raise self.fault("folder-name", name=name)
        toml = self.read()
        self.check_keys(toml, (*READING_KEYS, *METADATA_KEYS))
        specification = self.specification(toml)
        return Dataset(
            publisher=self.publisher,
            name=self.folder.name,
            folder=self.folder,
            metadata={key: value for key, value in toml.items() if key not in READING_KEYS},
            specification=specification,
            sources=self.sources(toml),
            delivery=self.delivery(toml),
            period=self.period(toml),
            encoding=self.encoding(toml),
            sheet=self.text_of(toml, "sheet"),
            items=self.text_of(toml, "items"),
            header_row=self.header_row(toml),
            dialect=self.dialect(toml),
            columns={header: self.column(header, said) for header, said in self.table_of(toml, "columns").items()},
            constants={name: self.plain(f"constants.{name}", value)
                       for name, value in self.table_of(toml, "constants").items()},
            waivers=self.waivers(toml),
            keep_graphs=self.truth(toml, "keepGraphs"),
            thresholds=self.thresholds(toml),
            wide=self.wide(toml),
            join=self.join(toml),
        )  # fmt: skip

    def read(self) -> dict[str, Any]:
        path = self.folder / DESCRIPTION_FILE
        try:
            self.text = path.read_text("utf-8-sig")
            return tomllib.loads(self.text)
        except (FileNotFoundError, NotADirectoryError):
            raise self.fault("missing", folder=self.folder.name) from None
        except UnicodeDecodeError:
            raise self.fault("unreadable", fault="not UTF-8 (inte UTF-8)") from None
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            row = re.search(r"line (\d+)", str(error))
            raise self.fault("unreadable", row=int(row[1]) if row else None, fault=str(error)) from None

    def check_keys(self, table: Mapping[str, Any], known: Iterable[str], path: str = "") -> None:
        known = tuple(known)
        for key in table:
            if key not in known:
                raise self.fault("unknown-key", row=self.line(key), key=path + key, nearest=nearest(key, known))

    def specification(self, toml: Mapping[str, Any]) -> str | None:
        """Return the specification of ours that conformsTo names, by its name or by its address."""
        said = toml.get("conformsTo")
        if isinstance(said, list):
            return next((name for entry in said if (name := specification_name(str(entry)))), None)
        if said is None or ":" in str(said):
            return specification_name(str(said or ""))
        return self.known_specification(self.text_of(toml, "conformsTo"))

    def known_specification(self, name: str) -> str:
        known = specification_names()
        if name not in known:
            raise self.fault("unknown-specification", row=self.line("conformsTo"), name=name,
                             nearest=nearest(name, known), known=", ".join(known))  # fmt: skip
        return name

    def sources(self, toml: Mapping[str, Any]) -> tuple[str, ...]:
        said = toml.get("source", ())
        names = [said] if isinstance(said, str) else said
        if not isinstance(names, list | tuple) or not all(isinstance(name, str) and name.strip() for name in names):
            raise self.wrong("source", "ett filnamn, ett mönster eller en https-adress (eller en lista)",
                             "a file name, a pattern or an https address (or a list)")  # fmt: skip
        for name in names:
            if not is_address(name) and (".." in Path(name).parts or Path(name).is_absolute()):
                raise self.fault("outside-folder", row=self.line("source"), source=name)
        return tuple(names)

    def delivery(self, toml: Mapping[str, Any]) -> Literal["full", "period"] | None:
        match toml.get("delivery"):
            case None:
                return None
            case "full":
                return "full"
            case "period":
                return "period"
        raise self.wrong("delivery", "”full” eller ”period”", "“full” or “period”")

    def period(self, toml: Mapping[str, Any]) -> str | None:
        said = toml.get("period")
        if said is None:
            return None
        if not isinstance(said, str | int) or not _PERIOD.fullmatch(str(said)):
            raise self.wrong("period", "ett år eller en månad, som ”2026-01”", "a year or a month, as “2026-01”")
        return str(said)

    def encoding(self, toml: Mapping[str, Any]) -> str:
        said = self.text_of(toml, "encoding")
        if said and python_encoding(said) is None:
            raise self.wrong("encoding", "en känd teckenkodning, som ”windows-1252”",
                             "a known encoding, as “windows-1252”")  # fmt: skip
        return said

    def header_row(self, toml: Mapping[str, Any]) -> int | None:
        said = toml.get("headerRow")
        if said is not None and (not isinstance(said, int) or isinstance(said, bool) or said < 1):
            raise self.wrong("headerRow", "rubrikradens nummer (1, 2, …)", "the header row's number (1, 2, …)")
        return said

    def dialect(self, toml: Mapping[str, Any]) -> dict[str, Any]:
        said = self.table_of(toml, "dialect")
        self.check_keys(said, DIALECT_KEYS, "dialect.")
        for key in ("delimiter", "quoteChar"):
            # CSVW Metadata 5.9: no quotation mark at all is said by an empty quoteChar (null in JSON).
            wanted = (0, 1) if key == "quoteChar" else (1,)
            if key in said and (not isinstance(said[key], str) or len(said[key]) not in wanted):
                raise self.wrong(f"dialect.{key}", "ett enda tecken", "a single character")
        return said

    def column(self, header: str, said: object) -> ColumnChange:
        key = f"columns.{header}"
        if isinstance(said, str):
            return ColumnChange(header, (said,))
        if not isinstance(said, dict):
            raise self.wrong(key, "ett kolumnnamn eller en tabell", "a column name or a table")
        self.check_keys(said, COLUMN_KEYS, f"{key}.")
        split = said.get("split", [])
        if not isinstance(split, list) or (split and len(split) != 2):
            raise self.wrong(f"{key}.split", "två kolumnnamn", "two column names")
        names = split or ([said["column"]] if "column" in said else [])
        if not all(isinstance(name, str) for name in names):
            raise self.wrong(key, "kolumnnamn som text", "column names as text")
        null = said.get("null", [])
        reason, text_format, decimal, group, separator, crs = (
            self.plain(f"{key}.{word}", said.get(word, ""))
            for word in ("reason", "format", "decimalChar", "groupChar", "separator", "crs")
        )
        return ColumnChange(
            header, tuple(names), said.get("drop") is True, reason, text_format, decimal, group,
            tuple(str(token) for token in (null if isinstance(null, list) else [null])), separator, crs,
        )  # fmt: skip

    def waivers(self, toml: Mapping[str, Any]) -> dict[str, str]:
        said = self.table_of(toml, "waivers")
        for name, reason in said.items():
            if name not in ontology.rules():
                raise self.fault("unknown-waiver", row=self.line(name), name=name,
                                 nearest=nearest(name, ontology.rules()))  # fmt: skip
            if name in NEVER_WAIVED:
                raise self.fault("never-waived", row=self.line(name), name=name)
            if not isinstance(reason, str) or not reason.strip():
                raise self.wrong(f"waivers.{name}", "ett skäl, som publiceras", "a reason, which is published")
        return said

    def thresholds(self, toml: Mapping[str, Any]) -> dict[str, float]:
        said = self.table_of(toml, "thresholds")
        self.check_keys(said, THRESHOLD_KEYS, "thresholds.")
        for name, share in said.items():
            if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
                raise self.wrong(f"thresholds.{name}", "en andel mellan 0 och 1", "a share between 0 and 1")
        return {name: float(share) for name, share in said.items()}

    def wide(self, toml: Mapping[str, Any]) -> dict[str, dict[str, str]]:
        """Read which headers hold what a column should say: `"20??" = { period = "{header}" }`."""
        said = self.table_of(toml, "wide")
        for header, row in said.items():
            if not isinstance(row, dict) or not row:
                raise self.wrong(f"wide.{header}", "en tabell som { period = \"{header}\" }",
                                 "a table as { period = \"{header}\" }")  # fmt: skip
        return {
            header: {name: self.plain(f"wide.{header}.{name}", value) for name, value in row.items()}
            for header, row in said.items()
        }

    def join(self, toml: Mapping[str, Any]) -> Join | None:
        """Read which other file's columns to add, and by which headers its rows are found."""
        said = self.table_of(toml, "join")
        if not said:
            return None
        self.check_keys(said, JOIN_KEYS, "join.")
        on, take = said.get("on"), said.get("take")
        pair = [(str(mine), str(theirs)) for mine, theirs in on.items()] if isinstance(on, dict) else []
        if len(pair) != 1:
            raise self.wrong("join.on", "{ \"vår rubrik\" = \"deras rubrik\" }",
                             "{ \"our header\" = \"their header\" }")  # fmt: skip
        if not isinstance(take, list) or not take or not all(isinstance(name, str) for name in take):
            raise self.wrong("join.take", "en lista av rubriker", "a list of headers")
        source = said.get("source")
        if not isinstance(source, str) or not source or ".." in Path(source).parts or is_address(source):
            raise self.wrong("join.source", "ett filnamn i samma mapp", "a file name in the same folder")
        return Join(source, *pair[0], tuple(take))

    def text_of(self, toml: Mapping[str, Any], key: str) -> str:
        said = toml.get(key, "")
        if not isinstance(said, str):
            raise self.wrong(key, "text", "text")
        return said

    def table_of(self, toml: Mapping[str, Any], key: str) -> dict[str, Any]:
        said = toml.get(key, {})
        if not isinstance(said, dict):
            raise self.wrong(key, "en tabell", "a table")
        return said

    def truth(self, toml: Mapping[str, Any], key: str) -> bool:
        said = toml.get(key, False)
        if not isinstance(said, bool):
            raise self.wrong(key, "true eller false", "true or false")
        return said

    def plain(self, key: str, value: object) -> str:
        if isinstance(value, dict | list | bool):
            raise self.wrong(key, "text eller ett tal", "text or a number")
        return str(value)

    def line(self, key: str) -> int | None:
        written = re.compile(rf"""(?:["'.\[\s{{,]|^)["']?{re.escape(key)}["']?\s*(?:[.=\]])""")
        for number, line in enumerate(self.text.splitlines(), 1):
            if not line.lstrip().startswith("#") and written.search(line):
                return number
        return None

    def wrong(self, key: str, expected_sv: str, expected_en: str) -> DescriptionError:
        row = self.line(key.split(".")[0] if key.split(".")[0] in READING_KEYS else key)
        return self.fault("wrong-value", row=row, key=key, expected_sv=expected_sv, expected_en=expected_en)

    def fault(self, rule: str, row: int | None = None, **detail: str) -> DescriptionError:
        return DescriptionError(
            Finding(f"description.{rule}", self.key, DESCRIPTION_FILE, row=row, detail=tuple(detail.items()))
        )


def is_address(source: str) -> bool:
    """Tell a web address from a file name.

    >>> is_address("https://opendata.granby.se/skolor.csv"), is_address("skolor.csv")
    (True, False)
    """
    return source.startswith(("https://", "http://"))


def specification_name(said: str) -> str | None:
    """Return the name of the specification that a text names, or whose address it is, on whatever concept base.

    >>> specification_name("https://data.granby.se/spec/skolor"), specification_name("https://example.org/skolor")
    ('skolor', None)
    """
    name = said.rpartition("/spec/")[2].rstrip("/") if is_address(said) and "/spec/" in said else said
    return name if name in specification_names() else None


def specification_names() -> tuple[str, ...]:
    """Return the names of all shared specifications, sorted."""
    return ontology.specification_names()
