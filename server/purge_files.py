"""Rewrites what a data folder holds without the things that must be forgotten: generations, differences, reports."""

from __future__ import annotations

import gzip
import json
import os
import re
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from server import checksums, clashes, concept_uses, partitions
from server.all_dump import write_all_dump
from server.assemble import Change, build_index, changes
from server.conversion import row_key
from server.generations import Generation, GraphEntry
from server.graph_files import read_graph, subject, write_graph
from server.harvest_sources import FOLDER
from server.store_building import build_store
from server.whole_files import write_json

# What may follow an IRI in a line for the line to be about it, or about a part of it.
_AFTER = r"(?=[#>\"\s]|$)"
_DCAT = "http://www.w3.org/ns/dcat#"
_BYTE_SIZE = f"{_DCAT}byteSize"
# Made anew, or rewritten one by one. Nothing that is written anew may be a link into the last generation.
_KNOWN = (
    "store", "dumps", "rows", "descriptions", "reports", "labels.sqlite", "search.sqlite", "manifest.json", "lock",
    partitions.FILE, checksums.FILE, clashes.FILE, concept_uses.FILE,
)  # fmt: skip


@dataclass
class Selection:
    """What must be forgotten: whole graphs of datasets, and every line that mentions some IRIs."""

    iris: set[str]
    datasets: set[str] = field(default_factory=set)
    prefixes: tuple[str, ...] = ()  # IRIs beneath these are meant too

    def pattern(self) -> Callable[[str], bool]:
        """Return a test for lines and texts that mention what must be forgotten."""
        exact = [re.escape(iri) + _AFTER for iri in sorted(self.iris)]
        beneath = [re.escape(prefix) + r"(?=[#>\"\s/.]|$)" for prefix in self.prefixes]
        if not exact and not beneath:
            return lambda text: False
        # One alternation is quick for a few IRIs; there are never more than were named and their own parts.
        search = re.compile("|".join(exact + beneath)).search
        return lambda text: search(text) is not None

    def drops(self, entry: GraphEntry | dict[str, Any]) -> bool:
        """Return whether a whole graph goes."""
        dataset = entry["dataset"] if isinstance(entry, dict) else entry.dataset
        return bool(dataset) and dataset in self.datasets


def mentioned_parts(lines: Iterable[str], meant: Callable[[str], bool]) -> set[str]:
    """Return the IRIs of the parts that the lines to be forgotten lead to: blank nodes and distributions.

    They make no sense without them.
    """
    return {
        line[line.rindex("<") + 1 : -4]
        for line in lines
        if meant(line)
        and line.endswith("> .\n")
        and ("/.well-known/genid/" in line[line.rindex("<") :] or _is_distributed(line, meant))
    }


def _is_distributed(line: str, meant: Callable[[str], bool]) -> bool:
    return f"> <{_DCAT}distribution> <" in line and meant(f"<{subject(line)}>")


def touches(generation: Generation, selection: Selection) -> bool:
    """Return whether a kept generation holds anything that must be forgotten."""
    meant = selection.pattern()
    return any(
        selection.drops(entry) or any(map(meant, read_graph(generation.path / entry.dump)))
        for entry in generation.graphs.values()
    )


def rewrite_generation(source: Generation, target: Path, selection: Selection, number: int, time: str) -> set[str]:
    """Build a generation in the target folder without what must be forgotten; return the subjects that lost a line."""
    meant, touched = selection.pattern(), set[str]()
    graphs: dict[str, GraphEntry] = {}
    for iri, entry in source.graphs.items():
        if not selection.drops(entry) and not meant(f"<{iri}>"):
            graphs[iri] = _rewrite_graph(source.path, target, entry, meant, touched)
    _correct_catalog(source, target, graphs, selection)
    lost: Counter[str] = Counter()  # rows by the file that counts them
    for name in ("rows", "descriptions", "reports"):
        for path in sorted((source.path / name).rglob("*")) if (source.path / name).is_dir() else []:
            if path.is_file() and not _of_dropped(path.relative_to(source.path / name), selection):
                lost[path.relative_to(source.path).as_posix()] += _carry(
                    path, target / path.relative_to(source.path), selection, meant
                )
    _carry_others(source.path, target, selection, meant)
    merged = build_store(target, None, graphs, [])
    build_index(target, None, graphs, [], source.manifest["base"], source.manifest["concept_base"])
    write_all_dump(target, graphs.values(), source.path)
    partitions.write_partitions(target, graphs.values(), source.manifest["base"], source.path)
    clashes.clashes(target, graphs.values(), source.manifest["base"], source.path)
    bases = source.manifest["concept_base"], source.manifest["base"]
    concept_uses.write_uses(target, graphs.values(), bases, source.path)
    manifest = source.manifest | {
        "number": number,
        "created": time,
        "default_graph_triples": merged,
        "quads": merged + sum(graph.triples for graph in graphs.values()),
        "graphs": [asdict(graphs[iri]) for iri in sorted(graphs)],
        "datasets": {
            key: _recounted(key, dataset, lost, target)
            for key, dataset in source.datasets.items()
            if key not in selection.datasets
        },
    }
    (target / "manifest.json").write_text(json.dumps(manifest, indent=1, ensure_ascii=False), "utf-8")
    return touched


def _rewrite_graph(
    source: Path, target: Path, entry: GraphEntry, meant: Callable[[str], bool], touched: set[str]
) -> GraphEntry:
    gone = [line for line in read_graph(source / entry.dump) if meant(line)]
    if not gone:
        _link(source / entry.dump, target / entry.dump)
        return entry
    touched |= {name for line in gone if not meant(f"<{(name := subject(line))}>")}
    kept = (line for line in read_graph(source / entry.dump) if not meant(line))
    return _entry(entry, write_graph(kept, target / entry.dump))


def _entry(entry: GraphEntry, file: Any) -> GraphEntry:
    return replace(entry, triples=file.triples, sha256=file.sha256, bytes=file.bytes, dump_sha256=file.dump_sha256)


def _correct_catalog(source: Generation, target: Path, graphs: dict[str, GraphEntry], selection: Selection) -> None:
    """Let the catalogue tell the new sizes and checksums, and drop what only the forgotten dataset referred to."""
    changed = [
        (entry, graphs[iri])
        for iri, entry in source.graphs.items()
        if iri in graphs and entry.dump_sha256 and graphs[iri].dump_sha256 != entry.dump_sha256
    ]
    for iri, entry in list(graphs.items()):
        if entry.kind == "catalog" and (changed or selection.datasets):
            lines = [_corrected(line, changed) for line in read_graph(target / entry.dump)]
            if selection.datasets:
                lines = _without_orphans(lines, list(read_graph(source.path / entry.dump)))
            (target / entry.dump).unlink()  # it may be a hard link into the last generation
            graphs[iri] = _entry(entry, write_graph(lines, target / entry.dump))


def catalog_change(source: Generation, target: Path) -> list[Change]:
    """Return how the catalogue of a rewritten generation differs: the history must tell it, to be replayed to it."""
    manifest = json.loads((target / "manifest.json").read_text("utf-8"))
    graphs = {entry["iri"]: GraphEntry(**entry) for entry in manifest["graphs"]}
    return [change for change in changes(source, target, graphs) if change.entry.kind == "catalog"]


def _corrected(line: str, changed: list[tuple[GraphEntry, GraphEntry]]) -> str:
    for old, new in changed:
        line = line.replace(old.dump_sha256, new.dump_sha256)
        if _BYTE_SIZE in line and f"/{old.dataset}/" in subject(line):
            line = line.replace(f'"{old.bytes}"', f'"{new.bytes}"')
    return line


def _without_orphans(lines: list[str], before: list[str]) -> list[str]:
    """Leave out what nothing refers to any more, but was referred to before."""
    referred = {_object(line) for line in before} - {""}
    while True:
        still = {_object(line) for line in lines}
        kept = [line for line in lines if subject(line) not in referred or subject(line) in still]
        if len(kept) == len(lines):
            return kept
        lines = kept


def _object(line: str) -> str:
    """Return the IRI that a line leads to, "" for a literal or the subject itself."""
    found = line[line.rindex("<") + 1 : -4] if line.endswith("> .\n") and "^^<" not in line[-120:] else ""
    return "" if found == subject(line) else found


def _of_dropped(path: Path, selection: Selection) -> bool:
    name = path.as_posix()
    return any(name.startswith((f"{key}/", f"{key}.")) for key in selection.datasets)


def _carry(path: Path, target: Path, selection: Selection, meant: Callable[[str], bool]) -> int:
    """Bring a file over, row indexes and reports without what must be forgotten; return how many rows went."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".sqlite":
        return _copy_rows(path, target, selection.iris)
    text = path.read_text("utf-8") if path.suffix == ".json" else ""
    if text and meant(text):
        target.write_text(json.dumps(without_findings(json.loads(text), meant), indent=1, ensure_ascii=False), "utf-8")
    else:
        _link(path, target)
    return 0


def _copy_rows(path: Path, target: Path, iris: set[str]) -> int:
    keys = [(row_key(iri),) for iri in iris]
    with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as rows:
        held = sum(bool(rows.execute("SELECT 1 FROM row WHERE key = ?", key).fetchone()) for key in keys)
        if not held:
            _link(path, target)
            return 0
        with closing(sqlite3.connect(target)) as copy:
            rows.backup(copy)
            copy.executemany("DELETE FROM row WHERE key = ?", keys)
            if copy.execute("SELECT 1 FROM sqlite_schema WHERE name = 'figure'").fetchone():
                copy.executemany("DELETE FROM figure WHERE key = ?", keys)
            copy.commit()
            copy.execute("VACUUM")
        return held


def _recounted(key: str, dataset: dict[str, Any], lost: Counter[str], target: Path) -> dict[str, Any]:
    """Return what the manifest says of a dataset, with the rows that are still published; its report says the same."""
    deliveries, gone = {}, 0
    for period, delivery in dataset["deliveries"].items():
        rows = lost[f"rows/{key}/{period}.sqlite" if period else f"rows/{key}.sqlite"]
        deliveries[period] = delivery | {"rows_out": delivery["rows_out"] - rows}
        gone += rows
    report = target / "reports" / f"{key}.json"
    if gone and report.exists():
        document = json.loads(report.read_text("utf-8"))
        report.unlink()  # it may be a hard link into the last generation
        document["rows_out"] = document.get("rows_out", gone) - gone
        report.write_text(json.dumps(document, indent=1, ensure_ascii=False), "utf-8")
    return dataset | {"deliveries": deliveries}


def _carry_others(source: Path, target: Path, selection: Selection, meant: Callable[[str], bool]) -> None:
    """Bring over what else a generation holds, unless it holds what must be forgotten; it can be made again."""
    for path in sorted(source.rglob("*")):
        name = path.relative_to(source)
        if not path.is_file() or name.parts[0] in _KNOWN or any(key in name.as_posix() for key in selection.datasets):
            continue
        if not holds(path, meant):
            _link(path, target / name)
        elif name.parts[0] == FOLDER:
            _carry_about(path, target, meant)


def _carry_about(path: Path, target: Path, meant: Callable[[str], bool]) -> None:
    """Bring over what is known of a gathered catalogue, with the datasets that it has left.

    Without it the next publication would not know where that catalogue's graph came from.
    """
    catalog, listed = f"/id/catalog/{FOLDER}/{path.stem}", (f"<{_DCAT}dataset> <", f"<{_DCAT}service> <")
    lines = read_graph(target / "dumps" / FOLDER / f"{path.stem}.nt.gz")
    left = sum(subject(line).endswith(catalog) and any(word in line for word in listed) for line in lines)
    about = without_findings(json.loads(path.read_text("utf-8")), meant)
    # Read anew at the next publication: other datasets may have parts in common with what went.
    about |= {"datasets": left, "fingerprint": ""}
    (target / FOLDER).mkdir(exist_ok=True)
    (target / FOLDER / path.name).write_text(json.dumps(about, indent=1, ensure_ascii=False), "utf-8")


def holds(path: Path, meant: Callable[[str], bool]) -> bool:
    """Return whether a file, unpacked when it is packed, mentions what must be forgotten."""
    data = path.read_bytes()
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    return meant(data.decode("utf-8", errors="replace"))


def without_findings(document: Any, meant: Callable[[str], bool]) -> Any:
    """Return a JSON document without the listed objects that mention what must be forgotten."""
    if isinstance(document, dict):
        return {key: without_findings(value, meant) for key, value in document.items()}
    if isinstance(document, list):
        return [without_findings(item, meant) for item in document if not _leaf_mentions(item, meant)]
    return document


def _leaf_mentions(item: Any, meant: Callable[[str], bool]) -> bool:
    nested = isinstance(item, dict) and any(isinstance(value, list) and value for value in item.values())
    return not nested and meant(json.dumps(item, ensure_ascii=False))


def rewrite_history(folder: Path, selection: Selection) -> bool:
    """Rewrite the differences of one generation without what must be forgotten; return whether anything was."""
    path, meant = folder / "index.json", selection.pattern()
    if not path.exists():
        return False
    index, kept, changed = json.loads(path.read_text("utf-8")), [], False
    for entry in index["graphs"]:
        files = [folder / name for name in entry["files"]]
        if selection.drops(entry) or meant(f"<{entry['iri']}>"):
            for file in files:
                file.unlink(missing_ok=True)
            changed = True
            continue
        for file, count in zip(files, ("added", "removed"), strict=True):
            left = sum(not meant(line) for line in read_graph(file))
            # Who was killed between the files and their index has left lines, and a count, that are of two times.
            if any(map(meant, read_graph(file))):
                replace_lines(file, (line for line in read_graph(file) if not meant(line)))
            if left != entry[count]:
                entry[count], entry["sha256"], changed = left, entry["sha256"] and "rewritten", True
        kept.append(entry)
    if changed:
        write_index(path, index | {"graphs": kept})
    return changed


def replace_lines(path: Path, lines: Iterable[str]) -> int:
    """Write a packed file of lines anew, whole or not at all; return how many lines it has."""
    part, count = path.with_name(path.name + ".part"), 0
    with open(part, "wb") as raw, gzip.GzipFile("", "wb", 5, raw, mtime=0) as packed:
        for line in lines:
            packed.write(line.encode())
            count += 1
    os.replace(part, path)
    return count


def write_index(path: Path, index: dict[str, Any]) -> None:
    """Write an index of the history, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, index)


def history_lines(folder: Path) -> Iterator[tuple[dict[str, Any], Iterator[str]]]:
    """Yield every graph's entry of a generation's differences with all its lines."""
    path = folder / "index.json"
    for entry in json.loads(path.read_text("utf-8"))["graphs"] if path.exists() else ():
        yield entry, (line for name in entry["files"] for line in read_graph(folder / name))


def _link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    os.link(source, target)
