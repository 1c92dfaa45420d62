"""`torg doctor`: looks at everything an installation stands on, and says of each whether it is well, and what to do.

Nothing is changed. Each check answers for itself: one that cannot be made is a finding, never the end of the visit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from loaders.errors import LoadError
from loaders.findings import Language
from server.catalog_advice import sentences
from server.catalog_check import check_freshness
from server.catalog_prediction import predict_site
from server.checksums import faults
from server.data_state import DataState
from server.data_version import VERSION, read_version
from server.doctor_machine import clock, confinement, disk, environment, limits
from server.doctor_runs import last_run, remote
from server.errors import OperationError
from server.generations import REPLICA, DataFolder, Generation
from server.ledger import damaged_ledger
from server.salvage import fault, last_whole
from server.settings import Settings, read_settings
from server.site import Site, read_site

Level = Literal["ok", "warn", "fail"]
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Check:
    """What one check found: its name, how bad it is, and a sentence in each language."""

    name: str
    level: Level
    sv: str
    en: str
    facts: dict[str, Any] = field(default_factory=dict)

    def text(self, language: Language) -> str:
        """Return the sentence."""
        return self.sv if language == "sv" else self.en

    def members(self) -> dict[str, Any]:
        """Return the check as JSON members."""
        return {"check": self.name, "level": self.level, "text": {"sv": self.sv, "en": self.en}, "facts": self.facts}


@dataclass(frozen=True, slots=True)
class Patient:
    """What the checks look at; `site` is None when site.toml itself cannot be read."""

    folder: Path
    site: Site | None
    settings: Settings
    data: DataFolder
    generation: Generation | None


def examine(folder: Path) -> Iterator[Check]:
    """Yield what every check finds, in the order in which one would mend it."""
    site, settings, found = _site(folder)
    yield found
    data = DataFolder(settings.data_folder(folder))
    generation, found = _generation(data)
    yield found
    patient = Patient(folder, site, settings, data, generation)
    try:
        for name, check in _CHECKS:
            try:
                for level, sv, en, facts in check(patient):
                    yield Check(name, level, sv, en, facts)
            except (OperationError, OSError, ValueError, KeyError) as error:
                sv = error.sv if isinstance(error, OperationError) else str(error)
                yield Check(name, "fail", f"Kan inte undersökas: {sv}", f"Cannot be examined: {error}")
    finally:
        if generation is not None:
            generation.close()


Found = tuple[Level, str, str, dict[str, Any]]


def _site(folder: Path) -> tuple[Site | None, Settings, Check]:
    try:
        site = read_site(folder)
        settings = read_settings(site.raw)
    except LoadError as error:
        finding = error.finding
        sv, en = (f"{finding.place(w)}: {finding.text(w)} {finding.advice(w)}" for w in ("sv", "en"))
        return None, Settings(), Check("site", "fail", sv, en)
    except OperationError as error:
        return None, Settings(), Check("site", "fail", error.sv, error.en)
    if site.faults:
        names = ", ".join(sorted(site.faults)[:_SHOWN])
        return site, settings, Check(
            "site", "warn", f"Dessa dataset.toml har fel: {names}. Kör torg check.",
            f"These dataset.toml have faults: {names}. Run torg check.", {"faults": sorted(site.faults)},
        )  # fmt: skip
    count = len(site.datasets)
    sentence = f"site.toml är läsbar, {count} datamängder.", f"site.toml reads, {count} datasets."
    return site, settings, Check("site", "ok", *sentence, {"datasets": count, "base": site.base})


def _generation(data: DataFolder) -> tuple[Generation | None, Check]:
    try:
        generation = data.current()
        if generation is None:
            sentence = "Inget är publicerat än. Kör torg publish.", "Nothing is published yet. Run torg publish."
            return None, Check("generation", "warn", *sentence)
        state = DataState(data).read()
    except OperationError as error:
        return None, Check("generation", "fail", error.sv, error.en)
    days = state.age / 86_400
    return generation, Check(
        "generation", "ok",
        f"Generation {generation.number} visas, {days:.1f} dygn gammal, {state.triples} tripler.",
        f"Generation {generation.number} is served, {days:.1f} days old, {state.triples} triples.",
        {"generation": generation.number, "age_seconds": round(state.age), "triples": state.triples},
    )  # fmt: skip


def version(patient: Patient) -> Iterator[Found]:
    """Look at the version of the data folder."""
    found = read_version(patient.data.path)
    if found < VERSION and patient.generation is not None:
        yield (
            "warn", f"Datamappen har version {found}; nästa torg publish gör den till {VERSION}.",
            f"The data folder is of version {found}; the next torg publish brings it to {VERSION}.", {"version": found},
        )  # fmt: skip
    elif found > VERSION:
        yield (
            "fail", f"Datamappen har version {found}; denna torg kan {VERSION}.",
            f"The data folder is of version {found}; this torg knows {VERSION}.", {"version": found},
        )  # fmt: skip
    else:
        yield "ok", f"Datamappen har version {found}.", f"The data folder is of version {found}.", {"version": found}


def integrity(patient: Patient) -> Iterator[Found]:
    """Read every file of the served generation and compare it with its checksum."""
    if patient.generation is None:
        return
    wrong = list(faults(patient.generation.path))
    if wrong:
        yield from _in_its_place(patient.data)
        named = ", ".join(f"{fault.name} ({fault.kind})" for fault in wrong[:_SHOWN])
        number = patient.generation.number
        yield (
            "fail",
            f"{len(wrong)} filer i generation {number} är inte som de skrevs: {named}. Se över disken; gå tillbaka med "
            "torg restore, eller återställ en säkerhetskopia.",
            f"{len(wrong)} files of generation {number} are not as they were written: {named}. Look after the disk; go "
            "back with torg restore, or restore a backup.",
            {"faults": [{"file": fault.name, "kind": fault.kind} for fault in wrong]},
        )
    else:
        yield "ok", "Alla filer stämmer med sina kontrollsummor.", "Every file agrees with its checksum.", {}


def opening(patient: Patient) -> Iterator[Found]:
    """Open the generation that was published last as a server does."""
    name = patient.data.current_name()
    reason = fault(patient.data.generations / name) if name else ""
    if reason:
        yield (
            "fail", f"Generation {int(name or 0)} är skadad: {reason}.",
            f"Generation {int(name or 0)} is damaged: {reason}.", {"generation": name},
        )  # fmt: skip
        yield from _in_its_place(patient.data)
    elif name:
        yield "ok", f"Generation {int(name)} går att öppna.", f"Generation {int(name)} opens.", {}


def _in_its_place(data: DataFolder) -> Iterator[Found]:
    """Tell which generation a server shows instead of a damaged one."""
    whole = last_whole(data, int(data.current_name() or 0))
    if whole is None:
        yield (
            "fail", "Ingen annan generation är hel. Återställ en säkerhetskopia.",
            "No other generation is whole. Restore a backup.", {},
        )  # fmt: skip
        return
    number = int(whole.name)
    yield (
        "fail", f"Generation {number} visas i stället. Gå tillbaka med torg restore {number}.",
        f"Generation {number} is served in its place. Go back with torg restore {number}.", {"served": number},
    )  # fmt: skip


def ledger(patient: Patient) -> Iterator[Found]:
    """Read the ledger as SQLite checks it: without it nothing can be published."""
    path = patient.data.path / "ledger.sqlite"
    if patient.generation is None and not path.exists():
        return
    reason = damaged_ledger(path)
    if reason:
        yield (
            "fail", f"{path} går inte att läsa: {reason}. Återställ den ur en säkerhetskopia.",
            f"{path} cannot be read: {reason}. Restore it from a backup.", {},
        )  # fmt: skip
    else:
        yield "ok", "Liggaren är hel.", "The ledger is whole.", {}


def base(patient: Patient) -> Iterator[Found]:
    """Compare the base of site.toml with the one that everything is published under."""
    if patient.generation is None or patient.site is None:
        return
    published, wanted = str(patient.generation.manifest["base"]), patient.site.base
    if published != wanted:
        yield (
            "fail",
            f"site.toml har basadressen {wanted}, men det publicerade har {published}: alla adresser svarar 404. Kör "
            "torg rebase och torg publish.",
            f"site.toml has the base {wanted}, and what is published has {published}: every address answers 404. Run "
            "torg rebase and torg publish.",
            {"site": wanted, "published": published},
        )
    elif wanted.startswith("http:") and not wanted.startswith(("http://127.", "http://localhost")):
        yield "warn", f"Basadressen {wanted} är inte https.", f"The base {wanted} is not https.", {"base": wanted}
    else:
        yield "ok", f"Basadressen är {wanted}.", f"The base is {wanted}.", {"base": wanted}


def locks(patient: Patient) -> Iterator[Found]:
    """Tell who writes just now, and what a killed publication has left."""
    data = patient.data
    left = [
        entry.name
        for folder in (data.generations, data.path / "history")
        if folder.is_dir()
        for entry in folder.iterdir()
        if not entry.name.isdigit() or int(entry.name) > int(data.current_name() or 0)
    ]
    holder = data.writer()
    if holder:
        yield "ok", f"{holder} skriver nu.", f"{holder} is writing now.", {"writer": holder}
    elif left:
        yield (
            "warn", f"En avbruten körning har lämnat {', '.join(left[:_SHOWN])}; nästa torg publish städar.",
            f"An interrupted run has left {', '.join(left[:_SHOWN])}; the next torg publish cleans up.", {"left": left},
        )  # fmt: skip
    else:
        yield "ok", "Ingen skriver, inget är kvarlämnat.", "Nobody writes, nothing is left over.", {}


def staleness(patient: Patient) -> Iterator[Found]:
    """Tell how the last run ended, and which datasets have not changed for longer than they promise."""
    state = DataState(patient.data).read()
    if state.blocked:
        yield (
            "warn", f"{state.blocked} datamängder stoppades i senaste körningen. Kör torg check.",
            f"{state.blocked} datasets were blocked in the last run. Run torg check.", {"blocked": state.blocked},
        )  # fmt: skip
    late = sorted(_late(patient))
    if late:
        yield (
            "warn", f"Inte uppdaterade som utlovat: {', '.join(late[:_SHOWN])}.",
            f"Not updated as promised: {', '.join(late[:_SHOWN])}.", {"late": late},
        )  # fmt: skip
    if not state.blocked and not late and state.generation:
        yield "ok", "Datamängderna är uppdaterade som utlovat.", "The datasets are as new as they promise.", {}


def _late(patient: Patient) -> Iterator[str]:
    if patient.site is None or patient.generation is None:
        return
    today = datetime.now(UTC).date()
    for dataset in patient.site.datasets:
        known = patient.generation.datasets.get(dataset.key)
        if known and any(check_freshness(dataset, str(known.get("modified", "")), today)):
            yield dataset.key


def replica(patient: Patient) -> Iterator[Found]:
    """Tell when this is a copy of another instance."""
    mark = patient.data.path / REPLICA
    if mark.exists():
        text = mark.read_text("utf-8").strip()
        yield "ok", f"Det här är en kopia: {text}.", f"This is a copy: {text}.", {}


def catalogue(patient: Patient) -> Iterator[Found]:
    """Tell what the national portal would say of the catalogue."""
    if patient.site is None or patient.generation is None or not patient.site.datasets:
        return
    prediction = predict_site(patient.site, patient.generation)
    sv, en = list(sentences(prediction, "sv")), list(sentences(prediction, "en"))
    level: Level = "ok" if prediction.accepted else "warn"
    yield level, " ".join(sv[:3]), " ".join(en[:3]), prediction.members()


_CHECKS: tuple[tuple[str, Callable[[Patient], Iterator[Found]]], ...] = (
    ("environment", lambda patient: environment()),
    ("version", version),
    ("opening", opening),
    ("integrity", integrity),
    ("ledger", ledger),
    ("base", base),
    ("limits", lambda patient: limits(patient.settings)),
    ("disk", lambda patient: disk(patient.data.path, patient.generation.path if patient.generation else None)),
    ("confinement", lambda patient: confinement(patient.generation.store_path if patient.generation else None)),
    ("clock", lambda patient: clock(patient.generation.created if patient.generation else None)),
    ("locks", locks),
    ("publication", lambda patient: last_run(patient.data)),
    ("staleness", staleness),
    ("store", lambda patient: remote(patient.settings, patient.generation)),
    ("replica", replica),
    ("catalogue", catalogue),
)


def worst(checks: list[Check]) -> Level:
    """Return the worst level there is."""
    levels = {check.level for check in checks}
    return "fail" if "fail" in levels else "warn" if "warn" in levels else "ok"
