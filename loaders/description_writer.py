"""Write a proposed dataset.toml, every guess explained beside it in Swedish and English."""

from __future__ import annotations

import json
import re
from pathlib import PurePath
from typing import Any

from loaders.fitting import Looked, Note, Proposal, plain_words
from loaders.source import LoadCounts

_SHOWN = 8


def toml(file: str, looked: Looked, proposal: Proposal, counts: LoadCounts | None = None) -> str:
    """Return the text of a dataset.toml for the proposal; `counts` tells what a trial of it gave."""
    lines = ["# Ett förslag av torg describe; kontrollera det, och skriv om titel och beskrivning.",
             "# A proposal by torg describe; check it, and rewrite title and description."]  # fmt: skip
    if counts is not None:
        read, out = counts.rows_in, counts.rows_out
        lines += _note((f"Prövat: {read} rader lästa, {out} blev resurser, resten står som fynd.",
                        f"Tried: {read} rows read, {out} became resources, the rest are findings."))  # fmt: skip
    for note in (*looked.notes, *proposal.notes):
        lines += _note(note)
    lines += _note(proposal.why.get("", ("", "")))
    lines.append(f"title.sv = {_text(_title(file))}")
    shown = ", ".join(header for header in looked.table.headers[:_SHOWN])
    more = " …" if len(looked.table.headers) > _SHOWN else ""
    lines.append(f"description.sv = {_text(f'Tabell med kolumnerna {shown}{more}.')}")
    if proposal.specification:
        lines.append(f"conformsTo = {_text(proposal.specification)}")
    lines.append(f"source = {_text(_literal(file))}")
    lines += ['# delivery = "period"  # en fil för varje månad / a file for each month']
    lines.append('delivery = "full"')
    lines += ["# license = …  # catalog.no-license"]
    lines += _reading(looked)
    lines += _table("columns", proposal.columns, proposal)
    lines += _table("constants", proposal.constants, proposal)
    lines += _table("wide", proposal.wide, proposal)
    return "\n".join(lines) + "\n"


def with_source(text: str, address: str) -> str:
    """Return a dataset.toml whose source is an address instead of a file beside it.

    >>> with_source('source = "a.csv"\\n', "https://data.example/a.csv")
    'source = "https://data.example/a.csv"\\n'
    """
    return re.sub(r"(?m)^source = .*$", lambda _: f"source = {_text(address)}", text, count=1)


def rdf_toml(file: str) -> str:
    """Return the text of a dataset.toml for a source that is RDF already."""
    return "\n".join((
        "# Filen är RDF redan och publiceras som den är. / The file is RDF already and is published as it is.",
        f"title.sv = {_text(_title(file))}",
        f"description.sv = {_text(f'RDF-data ur {file}.')}",
        f"source = {_text(_literal(file))}",
        "# keepGraphs = true  # behåll filens grafnamn / keep the file's graph names",
    )) + "\n"  # fmt: skip


def _reading(looked: Looked) -> list[str]:
    reading = dict(looked.reading)
    dialect = reading.pop("dialect", {})
    lines = []
    if reading or dialect:
        lines += _note(("Så är filen skriven; upptäckt, och här fastlagt.",
                        "This is how the file is written; detected, and settled here."))  # fmt: skip
    lines += [f"{key} = {_value(value)}" for key, value in reading.items()]
    return [*lines, *([f"dialect = {_value(dialect)}"] if dialect else [])]


def _table(name: str, entries: dict[str, Any], proposal: Proposal) -> list[str]:
    if not entries:
        return []
    lines = ["", f"[{name}]"]
    for key, value in entries.items():
        lines += _note(proposal.why.get(key, ("", "")))
        lines.append(f"{_text(key)} = {_value(value)}")
    return lines


def _note(note: Note) -> list[str]:
    return [f"# {' '.join(text.split())}" for text in note if text]


def _title(file: str) -> str:
    words = plain_words(PurePath(file).stem)
    return PurePath(file).stem.replace("_", " ").replace("-", " ").strip().capitalize() if words else file


def _literal(file: str) -> str:
    """A name with the signs of patterns in it is a pattern; brackets keep them literal."""
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in file)


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_value(entry)}" for key, entry in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else _text(str(value))


def _text(text: str) -> str:
    # A TOML basic string is written as a JSON string is, but for DEL (TOML 1.0, String).
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
