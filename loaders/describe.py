"""Propose how an unknown file is to be published, try the proposal on all of its rows, and keep what came of it."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import ontology
from loaders import description_writer, fitting, guesses, headers, sniff, specification
from loaders.decode import survey
from loaders.description import read_dataset, specification_names
from loaders.errors import LoadError, SourceError
from loaders.findings import Finding, Findings
from loaders.fitting import Looked, Proposal
from loaders.load import Delivery, LoadContext, load
from loaders.opening import Declared, open_table
from loaders.preparation import SAMPLE
from loaders.source import LoadCounts, Report, SourceFile, Table

# Each trial mends one fault; a file with more of them is beyond guessing.
MOST_TRIALS = 25
# A proposal that loses more rows than this is the wrong one.
LOST_SHARE = 0.1
RDF_ENDINGS = (".ttl", ".nt", ".nq", ".trig", ".rdf", ".owl", ".jsonld", ".n3")
_PLAIN = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


@dataclass
class Described:
    """What is proposed for a file: the texts of its descriptions, and how many rows they publish."""

    toml: str
    metadata: str = ""
    specification: str | None = None
    counts: LoadCounts = field(default_factory=LoadCounts)
    findings: Findings = field(default_factory=Findings)


def describe(path: Path, context: LoadContext, publisher: str = "", name: str = "") -> Described:
    """Return the proposal for a file; it loads, with every row accounted for.

    Raises SourceError when the file cannot be read as a table, or when nothing that was tried publishes its rows.
    """
    if path.suffix.lower() in RDF_ENDINGS:
        return Described(description_writer.rdf_toml(path.name))
    looked = _look(path)
    key = (publisher or "utgivare", name or slug(path))
    fault: LoadError | None = None
    for proposal in fitting.candidates(path, looked, context.concepts):
        try:
            return _tried(path, looked, proposal, context, key)
        except LoadError as error:
            fault = fault or error
    assert fault is not None
    raise fault


def slug(path: Path) -> str:
    """Return a dataset's key made of a file's name.

    >>> slug(Path("Badplatser_Härryda 2026.csv"))
    'badplatser-harryda-2026'
    """
    plain = fitting.plain_words(path.stem)
    return "-".join(plain) or "data"


def _tried(path: Path, looked: Looked, proposal: Proposal, context: LoadContext, key: tuple[str, str]) -> Described:
    """Load the file by the proposal, mending it as its findings say; raise LoadError when it cannot be mended."""
    for _ in range(MOST_TRIALS):
        done = Described("", "", proposal.specification)
        done.toml = description_writer.toml(path.name, looked, proposal)
        if proposal.metadata:
            done.metadata = json.dumps(proposal.metadata, ensure_ascii=False, indent=2) + "\n"
        try:
            _load(path, done, context, key)
        except LoadError as error:
            if not fitting.mend(proposal, error.finding):
                raise
            continue
        lost = done.counts.rows_in - done.counts.rows_out
        if proposal.specification and lost > LOST_SHARE * done.counts.rows_in:
            raise SourceError(Finding("source.nothing-mapped", file=path.name))
        done.toml = description_writer.toml(path.name, looked, proposal, done.counts)
        return done
    raise SourceError(Finding("source.nothing-mapped", file=path.name))


def _load(path: Path, done: Described, context: LoadContext, key: tuple[str, str]) -> None:
    """Load the file as `torg check` will, from a folder that holds only the proposal."""
    with tempfile.TemporaryDirectory(prefix="torg-describe-") as scratch:
        folder = Path(scratch) / (key[1] if _PLAIN.fullmatch(key[1]) else "data")
        folder.mkdir()
        (folder / "dataset.toml").write_text(done.toml, "utf-8")
        if done.metadata:
            (folder / f"{path.name}-metadata.json").write_text(done.metadata, "utf-8")
        dataset = read_dataset(folder, key[0] if _PLAIN.fullmatch(key[0]) else "utgivare")
        delivery = Delivery(None, (SourceFile(path.name, path, ""),))
        for _ in load(dataset, delivery, context, done.findings, done.counts):
            pass


def _look(path: Path) -> Looked:
    """Open the file with every specification's headers in mind; what had to be settled on the way is kept."""
    every = [column for name in specification_names() for column in _columns(name)]
    known = headers.recogniser(every, {})

    def recognise(cells: Sequence[str]) -> int:
        return known(cells) + guesses.years_in_a_row(cells)

    said, notes = Declared(), []
    with tempfile.TemporaryDirectory(prefix="torg-describe-") as scratch:
        for attempt in range(MOST_TRIALS):
            folder = Path(scratch) / str(attempt)
            folder.mkdir()
            findings = Findings()
            try:
                table = open_table(path, path.name, recognise, Report(findings), folder, said)
                rows = _sample(table)
                break
            except SourceError as error:
                settled = _settled(said, error.finding)
                if settled is None:
                    raise
                said, note = settled
                notes.append(note)
        else:
            raise SourceError(Finding("source.unknown-format", file=path.name, detail=(("format", "?"),)))
    return Looked(table, rows, said, _reading(path, said, table, findings), notes, {f.rule for f in findings})


def _columns(name: str) -> list[dict[str, Any]]:
    return specification.columns(ontology.table(name))


def _sample(table: Table) -> list[list[str]]:
    rows = []
    for _, cells in table.rows(Report(Findings())):
        rows.append(list(cells))
        if len(rows) == SAMPLE:
            break
    return rows


def _settled(said: Declared, finding: Finding) -> tuple[Declared, tuple[str, str]] | None:
    """Settle what the reader would not guess: the first of several sheets or lists, the encoding it looks like."""
    detail = dict(finding.detail)
    known = [name.strip() for name in detail.get("known", "").split(",")]
    if finding.rule == "source.sheet-unsure" and not said.sheet:
        note = (f"Filen har flera blad ({detail['known']}); det första valdes.",
                f"The file has several sheets ({detail['known']}); the first was chosen.")  # fmt: skip
        return replace(said, sheet=known[0]), note
    if finding.rule == "source.items-unsure" and not said.items:
        note = (f"Filen har flera listor ({detail['known']}); den längsta valdes.",
                f"The file has several lists ({detail['known']}); the longest was chosen.")  # fmt: skip
        return replace(said, items=known[0]), note
    if finding.rule == "source.encoding-unsure" and not said.encoding:
        note = (f"Bokstäverna å, ä och ö ser ut som {detail['encoding']}.",
                f"The letters å, ä and ö look like {detail['encoding']}.")  # fmt: skip
        return replace(said, encoding=detail["encoding"]), note
    return None


def _reading(path: Path, said: Declared, table: Table, findings: Findings) -> dict[str, Any]:
    """Return the reading keys that freeze what was found; a file in plain UTF-8 with commas needs none."""
    reading: dict[str, Any] = {}
    if said.encoding:
        reading["encoding"] = said.encoding
    sheet = said.sheet or (table.sheet if any(finding.rule == "source.other-sheets" for finding in findings) else "")
    if sheet:
        reading["sheet"] = sheet
    if said.items:
        reading["items"] = said.items
    if table.header_row > 1:
        reading["headerRow"] = table.header_row
    if sniff.container(path, path.name) is None and table.header_row and not sniff.is_xml(path):
        found = survey(path, path.name, said.encoding)
        if found.encoding != "utf-8" and not found.mark:
            reading.setdefault("encoding", {"cp1252": "windows-1252"}.get(found.encoding, found.encoding))
        every = [column for name in specification_names() for column in _columns(name)]
        delimiter = sniff.delimiter(path, found, '"', headers.recogniser(every, {}))
        if delimiter != ",":
            reading["dialect"] = {"delimiter": delimiter}
    return reading
