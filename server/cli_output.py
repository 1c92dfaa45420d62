"""What the commands say: both languages side by side, findings grouped as a steward mends them."""

from __future__ import annotations

import json
import locale
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import click
from rich.console import Console

from loaders.findings import Finding, Language
from server.catalog_advice import sentences
from server.publish import Publication
from server.reports import DatasetReport, RunReport

SHOWN_PER_RULE = 3


class Say:
    """Prints a message in the language of this run."""

    def __init__(self) -> None:
        self.language: Language = "en"

    def __call__(self, *, sv: str, en: str, err: bool = False) -> None:
        """Print the message."""
        click.echo(self.pick(sv=sv, en=en), err=err)

    def pick(self, *, sv: str, en: str) -> str:
        """Return the message in the language of this run."""
        return sv if self.language == "sv" else en


say = Say()

# POSIX.1-2017 8.2: the first that is set and not empty decides the language of messages.
_LOCALE_VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")


def set_language(language: str | None) -> None:
    """Use this language, or the environment's: Swedish for a Swedish locale, else English.

    The environment is read as gettext reads it, before what the C library says: that knows only the locales that are
    installed, and a server or a container seldom has more than C.
    """
    found = language or next(filter(None, map(os.environ.get, _LOCALE_VARIABLES)), locale.getlocale()[0]) or ""
    say.language = "sv" if found.lower().startswith(("sv", "swedish")) else "en"


_STEPS = {
    "convert": ("Läser {}", "Reading {}"),
    "harvest": ("Hämtar {}", "Gathering {}"),
    "describe": ("Skriver begrepp och katalog", "Writing concepts and catalogue"),
    "compare": ("Jämför med det publicerade", "Comparing with what is published"),
    "store": ("Bygger databasen", "Building the store"),
    "index": ("Bygger sökindex", "Building the search index"),
    "send": ("Skickar till databasservern", "Sending to the store's server"),
    "history": ("Skriver historik", "Writing history"),
    "ledger": ("För liggaren över identifierare", "Keeping the ledger of identifiers"),
    "finish": ("Sparar på disk", "Saving to disk"),
    "flip": ("Växlar till generation {}", "Switching to generation {}"),
    "clean": ("Städar", "Cleaning up"),
}


@contextmanager
def narrator() -> Iterator[Callable[[str, str], None]]:
    """Give a progress function: one live line on a terminal, one line a step elsewhere, always on stderr."""
    console = Console(stderr=True, highlight=False)

    def text(step: str, what: str) -> str:
        sv, en = _STEPS.get(step, (step, step))
        return say.pick(sv=sv, en=en).format(what)

    if console.is_terminal:
        with console.status("") as status:
            yield lambda step, what: status.update(text(step, what))
    else:
        yield lambda step, what: click.echo(text(step, what), err=True)


def echo_publication(done: Publication, format: str, brief: bool = False) -> None:
    """Print what a run did."""
    if format == "json":
        members = done.report.members() | {
            "generation": done.generation, "changed": done.changed, "identifiers": dict(done.events),
            "differences": done.differences,
        }  # fmt: skip
        click.echo(json.dumps(members, ensure_ascii=False, indent=1))
        return
    if not brief or done.blocked:
        echo_findings(done.report)
    if done.generation is None:
        what = len(done.changed)
        for difference in done.differences:
            click.echo(" ".join(filter(None, (difference["dataset"] or difference["graph"], difference["period"]))))
            for sentence in difference["text"][say.language]:
                click.echo(f"  {sentence}")
        if what:
            say(
                sv=f"{what} grafer skulle ändras; inget är publicerat.",
                en=f"{what} graphs would change; none is published.",
            )
        elif done.stopped and done.first:
            say(
                sv="Körningen stoppades; inget är publicerat än.",
                en="The run was stopped; nothing is published yet.",
            )
        elif done.stopped:
            say(
                sv="Körningen stoppades; det som var publicerat visas som förut.",
                en="The run was stopped; what was published is served as before.",
            )
        else:
            say(
                sv="Inget har ändrats; samma generation visas.",
                en="Nothing has changed; the same generation is served.",
            )
        return
    say(
        sv=f"Generation {done.generation} är publicerad: {len(done.changed)} grafer ändrade{_events(done, 'sv')}.",
        en=f"Generation {done.generation} is published: {len(done.changed)} graphs changed{_events(done, 'en')}.",
    )


def _events(done: Publication, language: str) -> str:
    words = {
        "minted": ("nya identifierare", "new identifiers"),
        "withdrawn": ("borttagna", "withdrawn"),
        "returned": ("åter", "returned"),
    }
    parts = [f"{count} {words[event][language == 'en']}" for event, count in done.events.items() if event in words]
    return f" ({', '.join(parts)})" if parts else ""


_LOGGED = {
    "current": ("visas", "served"),
    "kept": ("sparad", "kept"),
    "history": ("historik", "history"),
    "purged": ("raderad", "purged"),
    "minted": ("publicerad första gången", "published for the first time"),
    "withdrawn": ("borttagen", "withdrawn"),
    "returned": ("publicerad igen", "published again"),
    "replaced-by": ("ersatt av", "replaced by"),
    "merged-into": ("hopslagen till", "merged into"),
    "split-into": ("delad i", "split into"),
}


def log_line(entry: Mapping[str, Any]) -> str:
    """Return a generation, or an event of an identifier's story, as a line for people."""
    word = _LOGGED.get(str(entry.get("state") or entry["event"]), ("", ""))[say.language == "en"]
    time = str(entry.get("created") or entry.get("time") or "").replace("T", " ").removesuffix("Z")[:16]
    parts = [f"{entry['generation']:>6}", f"{time} UTC" if time else "", word]
    if "graphs" in entry:
        graphs = say.pick(sv="{} grafer ändrade", en="{} graphs changed").format(entry["graphs"])
        parts.append(f"{graphs}: +{entry['added']} -{entry['removed']}")
    parts += [str(entry[name]) for name in ("detail", "purged", "reason", "forgotten") if entry.get(name)]
    return "  ".join(filter(None, parts))


def echo_findings(report: RunReport) -> None:
    """Print every dataset with its findings, the worst first, a few examples of each."""
    for dataset in report.datasets:
        click.echo(_headline(dataset))
        for finding, more in _grouped(dataset.findings, dataset.totals):
            click.echo(_finding_text(finding))
            if more:
                say(sv=f"      … och {more} till av samma slag", en=f"      … and {more} more of the same kind")
    for finding in report.pins:
        click.echo(_finding_text(finding))
    for finding in report.remarks:
        if finding.dataset:
            click.echo(finding.dataset)
        click.echo(_finding_text(finding))
    for sentence in sentences(report.portal, say.language) if report.portal else ():
        click.echo(sentence)


def _headline(dataset: DatasetReport) -> str:
    words = {
        "published": ("klar", "ready"),
        "kept": ("stoppad; den senaste goda publiceringen ligger kvar", "blocked; the last good publication stays"),
        "blocked": ("stoppad", "blocked"),
        "removed": ("borttagen", "removed"),
    }
    rows = say.pick(sv="{} rader in, {} ut", en="{} rows in, {} out").format(dataset.rows_in, dataset.rows_out)
    return f"{dataset.dataset}: {words[dataset.status][say.language == 'en']} ({rows})"


def _finding_text(finding: Finding) -> str:
    mark = {"block": "✗", "warn": "!", "info": "·"}[finding.weight]
    if sys.stdout.encoding.lower().replace("-", "") != "utf8":
        mark = {"block": "x", "warn": "!", "info": "-"}[finding.weight]
    place = finding.place(say.language).removeprefix(finding.dataset).lstrip(", ")
    where = f"{place}: " if place else ""
    return f"  {mark} {where}{finding.text(say.language)} {finding.advice(say.language)} [{finding.rule}]"


def _grouped(findings: list[Finding], totals: Mapping[tuple[str, str, str], int]) -> Iterator[tuple[Finding, int]]:
    """Yield the first examples of each rule and column, the last of them with how many more there are."""
    order = {"block": 0, "warn": 1, "info": 2}
    groups: dict[tuple[str, str, str], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.rule, finding.file, finding.column), []).append(finding)
    for key, group in sorted(groups.items(), key=lambda entry: order[entry[1][0].weight]):
        shown = group[:SHOWN_PER_RULE]
        more = totals.get(key, len(group)) - sum(finding.count for finding in shown)
        for number, finding in enumerate(shown, start=1):
            yield finding, more if number == len(shown) else 0
