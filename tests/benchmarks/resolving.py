"""Measures `/resolve` with 10 000 items and reconciliation of 1 000 Swedish labels with typing errors.

python tests/benchmarks/resolving.py SITE     # a published site, such as one made by `torg init` and `torg publish`
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections import defaultdict
from pathlib import Path

from server import create_app
from server.instance import Torg
from server.label_lookup import LabelLookup
from server.labels import fold
from server.settings import read_settings

_LETTERS = "abcdefghijklmnopqrstuvwxyzåäö"


def with_typo(text: str, chance: random.Random) -> str:
    """Return a text with one letter left out, added, changed or swapped with the next."""
    place, kind = chance.randrange(len(text)), chance.choice("odcs")
    letter = chance.choice(_LETTERS)
    head, tail = text[:place], text[place:]
    return (
        head + {"o": tail[1:], "d": letter + tail, "c": letter + tail[1:], "s": tail[1:2] + tail[:1] + tail[2:]}[kind]
    )


def main(folder: Path) -> None:
    """Print seconds and shares of right answers."""
    app = create_app(folder, read_settings(environment={}))
    client, site = app.test_client(), app.extensions["torg"]
    assert isinstance(site, Torg)
    labels = list(LabelLookup(site.generation().path / "labels.sqlite").all())
    chance = random.Random(9)
    items = [chance.choice((label.iri, label.text)) for label in chance.choices(labels, k=10_000)]
    started = time.perf_counter()
    response = client.post("/resolve", json=items)
    print(f"resolve: {len(items)} items in {time.perf_counter() - started:.2f} s ({response.status_code})")

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
    started, right = time.perf_counter(), 0
    for start in range(0, len(sample), 100):
        batch = {f"q{n}": {"query": text, "limit": 5} for n, (_, text) in enumerate(sample[start : start + 100])}
        answers = client.post("/reconcile", data={"queries": json.dumps(batch)}).get_json()
        for n, (iri, _) in enumerate(sample[start : start + 100]):
            result = answers[f"q{n}"]["result"]
            right += bool(result) and result[0]["id"] == iri
    seconds = time.perf_counter() - started
    print(f"reconcile: {len(sample)} labels with a typing error in {seconds:.2f} s, {right / 10:.1f} % right first")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
