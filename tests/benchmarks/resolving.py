"""Measures `/resolve` with 10 000 items, reconciliation of 1 000 labels with typing errors, and a diff of 1 M triples.

python -m tests.benchmarks.resolving SITE     # a published site, such as one made by `torg init` and `torg publish`
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from server import create_app
from server.assemble import Change, write_history
from server.diff import diff
from server.generations import DataFolder, GraphEntry
from server.graph_files import write_graph
from server.instance import Torg
from server.label_lookup import LabelLookup
from server.labels import fold
from server.settings import read_settings

_BASE, _XSD = "https://data.norrsjo.example/", "http://www.w3.org/2001/XMLSchema#"
_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
_LETTERS = "abcdefghijklmnopqrstuvwxyzåäö"


def with_typo(text: str, chance: random.Random) -> str:
    """Return a text with one letter left out, added, changed or swapped with the next."""
    place, kind = chance.randrange(len(text)), chance.choice("odcs")
    letter = chance.choice(_LETTERS)
    head, tail = text[:place], text[place:]
    return (
        head + {"o": tail[1:], "d": letter + tail, "c": letter + tail[1:], "s": tail[1:2] + tail[:1] + tail[2:]}[kind]
    )


def measure_diff(folder: Path, triples: int, changed: float) -> None:
    """Print how long `torg diff` takes between two generations of one large graph, of which a part is changed."""
    data, made = DataFolder(folder / f"diff-{changed}"), dict[int, GraphEntry]()
    for number in (1, 2):
        generation = data.generations / f"{number:06d}"
        file = write_graph(_ledger(triples // 8, changed if number == 2 else 0.0), generation / "dumps/a/b.nt.gz")
        entry = GraphEntry(f"{_BASE}graph/a/b", "dataset", file.triples, file.sha256, "dumps/a/b.nt.gz", "a/b")
        (generation / "lock").touch()
        (generation / "manifest.json").write_text(json.dumps({"graphs": [asdict(entry)], "datasets": {}}), "utf-8")
        before, old = made.get(1), data.generations / "000001/dumps/a/b.nt.gz"
        change = Change(before, entry, old if before else None, file.path)
        (data.path / f"history/{number:06d}").mkdir(parents=True)
        write_history(data.path / f"history/{number:06d}", [change], [], f"2026-03-0{number}T04:00:00Z")
        made[number] = entry
    data.flip(2)
    started, worked = time.perf_counter(), time.process_time()
    (found,) = diff(data, 1, 2)
    seconds, worked = time.perf_counter() - started, time.process_time() - worked
    said = f"{100 * changed:.0f} % of the things changed, {found.kinds[0].added} are new"
    print(f"diff: 2 x {made[2].triples} triples, {said}: {seconds:.2f} s, {worked:.2f} s of it CPU")


def _ledger(rows: int, changed: float) -> Iterator[str]:
    """Yield eight triples for each voucher line; a share of them has another amount, and at most 1 % are new."""
    for number in range(rows + int(rows * min(changed, 0.01))):
        thing = f"<{_BASE}id/transaction/2120009903/2026/{number:07d}>"
        amount = number % 9_973 + (1 if changed and number % round(1 / changed) == 0 else 0)
        yield f"{thing} <{_TYPE}> <{_BASE}spec/torg#Transaction> .\n"
        yield f"{thing} <{_BASE}spec/torg#supplier> <{_BASE}id/supplier/2120009903/{number % 5_000}> .\n"
        yield f"{thing} <{_BASE}spec/torg#account> <{_BASE}id/account/2120009903/{number % 800}> .\n"
        yield f"{thing} <{_BASE}spec/torg#unit> <{_BASE}id/unit/2120009903/{number % 120}> .\n"
        yield f'{thing} <{_BASE}spec/torg#amount> "{amount}"^^<http://www.w3.org/2001/XMLSchema#integer> .\n'
        yield f'{thing} <{_BASE}spec/torg#voucher> "V{number // 3}" .\n'
        yield f'{thing} <http://purl.org/dc/terms/date> "2026-03-{number % 28 + 1:02d}"^^<{_XSD}date> .\n'
        yield f'{thing} <{_BASE}spec/torg#text> "Verifikation {number}"@sv .\n'


def main(folder: Path) -> None:
    """Print seconds and shares of right answers."""
    app = create_app(folder, read_settings(environment={}))
    client, site = app.test_client(), app.extensions["torg"]
    assert isinstance(site, Torg)
    labels = list(LabelLookup(site.generation().path / "labels.sqlite").all())
    chance = random.Random(9)
    items = [chance.choice((label.iri, label.text)) for label in chance.choices(labels, k=10_000)]
    started, worked = time.perf_counter(), time.process_time()
    response = client.post("/resolve", json=items)
    seconds, worked = time.perf_counter() - started, time.process_time() - worked
    print(f"resolve: {len(items)} items in {seconds:.2f} s, {worked:.2f} s of it CPU ({response.status_code})")

    named: dict[str, set[str]] = defaultdict(set)
    for label in labels:
        named[fold(label.text)].add(label.iri)
    own = (site.uris.iri("id/"), site.uris.iri("def/"))
    unique = [
        (label.iri, label.text)
        for label in labels
        if label.role == "label" and label.language == "sv" and len(label.text) > 4
        and len(named[fold(label.text)]) == 1 and label.iri.startswith(own) and "/distribution/" not in label.iri
    ]  # fmt: skip
    sample = [(iri, with_typo(text, chance)) for iri, text in chance.choices(unique, k=1_000)]
    client.post("/reconcile", data={"queries": json.dumps({"q": {"query": "warm"}})})
    started, worked, right = time.perf_counter(), time.process_time(), 0
    for start in range(0, len(sample), 100):
        batch = {f"q{n}": {"query": text, "limit": 5} for n, (_, text) in enumerate(sample[start : start + 100])}
        answers = client.post("/reconcile", data={"queries": json.dumps(batch)}).get_json()
        for n, (iri, _) in enumerate(sample[start : start + 100]):
            result = answers[f"q{n}"]["result"]
            right += bool(result) and result[0]["id"] == iri
    seconds, worked = time.perf_counter() - started, time.process_time() - worked
    print(f"reconcile: {len(sample)} labels with a typing error in {seconds:.2f} s, {worked:.2f} s of it CPU, "
          f"{right / 10:.1f} % right first")  # fmt: skip
    with TemporaryDirectory() as large:
        measure_diff(Path(large), 1_000_000, 0.01)
        measure_diff(Path(large), 1_000_000, 1.0)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
