"""What a purge is asked to forget, read from what a person typed, and whether it can be forgotten."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from server.errors import OperationError
from server.forgotten import refused
from server.generations import DataFolder
from server.history import History, missing
from server.ledger import Ledger
from server.purge_files import Selection, history_lines
from server.site import Site


@dataclass(frozen=True, slots=True)
class Target:
    """What to forget: an IRI, a dataset "publisher/name", or the number of a generation."""

    kind: Literal["uri", "dataset", "generation"]
    name: str


def read_target(site: Site, text: str) -> Target:
    """Return what a person named; raise OperationError when it can be nothing of ours."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        return Target("generation", str(int(text)))
    if "://" not in text and not text.startswith("/") and text.count("/") == 1:
        return Target("dataset", text)
    iri = text if "://" in text else site.uris.resolve(text)
    if any(char in iri for char in '<>"{}|\\^` \n') or "#" in iri:
        raise OperationError(
            f"{text[:200]} is no IRI. Name a thing (/id/…), a dataset (publisher/name) or a number.",
            f"{text[:200]} är ingen IRI. Namnge en sak (/id/…), en datamängd (utgivare/namn) eller ett nummer.",
        )
    path = site.uris.path(iri)
    if path and path.startswith("/res/"):
        iri = site.uris.iri(site.uris.described_path(path))
    dataset = iri.removeprefix(site.uris.iri("id/dataset/"))
    if dataset != iri:
        return Target("dataset", dataset)
    if iri.startswith((site.uris.resolve("def/"), site.uris.resolve("spec/"))):
        raise OperationError(
            f"{iri} is a concept or a term: those never vanish. Deprecate it where it is defined.",
            f"{iri} är ett begrepp eller en term: de försvinner aldrig. Avveckla det där det är definierat.",
        )
    return Target("uri", iri)


def check_target(site: Site, data: DataFolder, target: Target) -> None:
    """Raise OperationError when a target cannot be purged."""
    history = data.path / "history"
    if target.kind == "generation":
        if target.name == str(int(data.current_name() or 0)):
            raise OperationError(
                f"Generation {target.name} is served now. Publish or restore another one first.",
                f"Generation {target.name} visas nu. Publicera eller återställ en annan först.",
            )
        if History(data).purged(int(target.name)):
            raise missing(History(data), int(target.name))
        if not (history / f"{int(target.name):06d}").is_dir() and int(target.name) not in data.numbers():
            raise OperationError(
                f"There never was a generation {target.name}.", f"Det har aldrig funnits en generation {target.name}."
            )
    elif target.kind == "dataset":
        described = {dataset.key for dataset in site.datasets}
        if target.name in described or (site.folder / "datasets" / target.name / "dataset.toml").exists():
            raise OperationError(
                f"datasets/{target.name} is still in the site and would be published again. Remove the folder first.",
                f"datasets/{target.name} finns kvar i platsen och skulle publiceras igen. Ta bort mappen först.",
            )
        known = {entry["dataset"] for folder in numbered_folders(history) for entry, _ in history_lines(folder)}
        if target.name not in known | _kept_datasets(data):
            raise OperationError(
                f"There never was a dataset {target.name}.", f"Det har aldrig funnits en datamängd {target.name}."
            )
    else:
        path = site.uris.path(target.name)
        ledger = Ledger(data.path / "ledger.sqlite")
        if (path and ledger.state(path)) or target.name in refused(data.path):
            return
        meant = Selection({target.name}).pattern()
        for folder in numbered_folders(history):
            if any(any(map(meant, lines)) for _, lines in history_lines(folder)):
                return
        raise OperationError(f"{target.name} was never published here.", f"{target.name} har aldrig publicerats här.")


def _kept_datasets(data: DataFolder) -> set[str]:
    found: set[str] = set()
    for number in data.numbers():
        with closing(data.generation(number)) as generation:
            found |= set(generation.datasets)
    return found


def numbered_folders(folder: Path) -> list[Path]:
    """Return the folders of a history or of the generations, oldest first; none for what is not there."""
    return sorted(entry for entry in folder.iterdir() if entry.name.isdigit()) if folder.is_dir() else []
