"""A personal number in every place of a site: in no report, message, log, dump, page or history afterwards."""

from __future__ import annotations

import gzip
import logging
from pathlib import Path

import pytest
from click.testing import CliRunner

from server import create_app
from server.cli import main
from server.settings import read_settings
from tests.conftest import HEADER, ROWS, SmallSite

SECRETS = ("811218-9876", "8112189876", "811278-9873", "19811218", "Kim Berg")
LEDGER = "verifikationsnummer;leverantor;leverantor_id;konto_nr;konto_text;bokforingsdatum;nettobelopp;enhet;grund"
COMMANDS = (["check"], ["publish", "--dry-run"], ["publish"], ["publish", "--confirm"], ["diff", "1"], ["log"])
PLACES = {
    "undeclared column": (HEADER + ",Elev", [f"{row},811218-9876" for row in ROWS]),
    "declared column": (HEADER + ",city", [f"{row},8112189876" for row in ROWS]),
    "free text": (HEADER + ",description", [f'{row},"Kim Berg, 811218-9876"' for row in ROWS]),
    "coded column": (HEADER, [row.replace("Grundskola", "Kim Berg 811218-9876") for row in ROWS]),
    "key": (HEADER, [row.replace(f"1000000{n}", "811218-9876") for n, row in enumerate(ROWS, 1)]),
    "number": (HEADER + ",pupils", [f"{row},8112189876" for row in ROWS]),
    "coordinate": (HEADER, [row.replace(f"59.{n}1", "8112189876") for n, row in enumerate(ROWS, 1)]),
    "date": (HEADER + ",updated", [f"{row},811218-9876" for row in ROWS]),
    "address": (HEADER + ",visit_url", [f"{row},https://x.example/811218-9876" for row in ROWS]),
    "too many cells": (HEADER, [f"{row},811218-9876,Kim Berg" for row in ROWS]),
    "broken quotes": (HEADER, [f'{row},"811218-9876' for row in ROWS]),
    "header": (HEADER + ",811218-9876", [f"{row},x" for row in ROWS]),
    "no header row": ("1880,10000001,811218-9876,59.1,15.2,Grundskola,8112189876", ROWS),
}


def everything(data: Path) -> str:
    """Return the text of every file of a data folder but the raw sources, dumps unpacked."""
    texts = []
    for path in sorted(data.rglob("*")):
        if path.is_file() and not {"archive", "fetched"} & set(path.relative_to(data).parts):
            raw = path.read_bytes()
            texts.append((gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8", "replace"))
    return "\n".join(texts)


def check(text: str, place: str) -> None:
    for secret in SECRETS:
        at = text.find(secret)
        assert at < 0, f"{place}: {text[max(0, at - 200) : at + 60]!r}"


@pytest.mark.slow
@pytest.mark.parametrize("place", PLACES)
def test_no_place_lets_a_person_through(small_site: SmallSite, place: str, caplog: pytest.LogCaptureFixture) -> None:
    header, rows = PLACES[place]
    small_site.write(ROWS)
    small_site.publish()
    small_site.write(rows, header)
    said = []
    with caplog.at_level(logging.DEBUG):
        for command in COMMANDS:
            for format in ("text", "json"):
                done = CliRunner().invoke(main, [*command, "--site", str(small_site.folder), "--format", format])
                assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
                said.append(done.output)
    check("\n".join(said), place)
    check(caplog.text, place)
    check(everything(small_site.data), place)
    client = create_app(small_site.folder, read_settings(environment={})).test_client()
    for path in ("/quality?dataset=asen/skolor&format=json", "/quality?dataset=asen/skolor", "/quality?format=ttl"):
        check(client.get(path).get_data(as_text=True), place)


def test_sole_traders_leave_no_trace_in_a_ledger(small_site: SmallSite) -> None:
    (small_site.dataset / "skolor.csv").unlink()
    small_site.source = small_site.dataset / "reskontra-2026-01.csv"
    text = (small_site.dataset / "dataset.toml").read_text("utf-8")
    text = text.replace('"skolor"', '"leverantorsreskontra"').replace('"skolor.csv"', '"reskontra-*.csv"')
    (small_site.dataset / "dataset.toml").write_text(text, "utf-8")
    traders = ["811218-9876", "8112189876", "16811218-9876", "198112189876", "SE811218987601", "8112189876.0"]
    rows = [f'V{n};Kim Berg;"{trader}";4010;Snickeri;2026-01-02;100.00;Skolan;Utlägg {trader}'
            for n, trader in enumerate(traders)]  # fmt: skip
    small_site.write(rows, LEDGER)

    done = small_site.publish()

    assert (1, len(traders)) == (done.generation, done.report.datasets[0].rows_out)
    check(everything(small_site.data), "ledger")
