"""Looks at a site's datasets as a publication would: what each becomes, what is found, what consumers would lose."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from difflib import get_close_matches
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

from loaders.findings import Finding, Findings
from ontology import prefixes
from server.catalog_advice import whole_site
from server.catalog_metadata import is_listed_only
from server.clashes import clashes
from server.concept_changes import concept_findings
from server.delivery import DatasetState, DatasetWork, GateOptions, Making
from server.errors import OperationError
from server.generations import DataFolder, Generation, GraphEntry
from server.graph_files import write_graph
from server.harvest import Harvests
from server.harvest_sources import FOLDER, harvest_sources
from server.pins import Contracts, check_pins, read_contracts, skipped
from server.reports import RunReport
from server.settings import Settings
from server.shared_graphs import check_concepts, shared_graphs
from server.site import Site
from server.store_building import build_store

Progress = Callable[[str, str], None]
"""Called as progress(step, what) before each step; the steps are those of `server.publish`."""


def silent(step: str, what: str) -> None:
    """Report no progress."""


def check(
    site: Site,
    settings: Settings,
    only: Sequence[str] = (),
    progress: Progress = silent,
    *,
    strict: bool = False,
) -> RunReport:
    """Return what a publication would find, without publishing and without the writer's lock."""
    check_only(site, only)
    check_concepts(site)
    data = DataFolder(settings.data_folder(site.folder))
    previous = data.current()
    report, contracts = RunReport(datetime.now(UTC).isoformat()), read_contracts(site.folder)
    report.remarks = concept_findings(site, previous, confirm=False)
    if report.blocked:
        if previous:
            previous.close()
        return report
    graphs: dict[str, GraphEntry] = {}
    with TemporaryDirectory(prefix="torg-check-") as folder:
        options = GateOptions(check=True, strict=strict, today=datetime.now(UTC).date())
        making = Making(site, settings, previous, Path(folder), options)
        for state, findings in chain(work(making, only, progress), harvest(making, only, progress)):
            graphs.update({graph.iri: graph for graph in state.graphs})
            if findings is not None:
                report.add(state, findings)
        report.remarks += clashes(Path(folder), graphs.values(), site.base)
        if contracts.pins:
            report.pins = _check_pins(site, contracts, graphs, Path(folder), previous, only)
            report.broken = any(finding.weight == "block" for finding in report.pins)
    if previous:
        previous.close()
    if not only:
        report.portal = whole_site(site, settings)
    return report


def _check_pins(
    site: Site,
    contracts: Contracts,
    graphs: dict[str, GraphEntry],
    folder: Path,
    previous: Generation | None,
    only: Sequence[str],
) -> list[Finding]:
    """Return what consumers would lose: every named query sees the datasets that were looked at as they would be.

    When only some were, the others are as they are published; a pin can touch any of them. So are the catalogue
    and the figures of quality, which are made when a generation is.
    """
    if only and previous is None:
        return [skipped(contracts)]
    for shared in shared_graphs(site):
        name = shared.path.removeprefix("graph/")
        file = write_graph(shared.lines(), folder / "dumps" / f"{name}.nt.gz")
        iri = site.uris.iri(shared.path)
        graphs[iri] = GraphEntry(iri, shared.kind, file.triples, file.sha256, f"dumps/{name}.nt.gz")
    for iri, entry in previous.graphs.items() if previous else ():
        kept = bool(only) and entry.kind == "dataset" and not is_named(entry.dataset, only)
        if kept or entry.kind in ("catalog", "system"):
            graphs.setdefault(iri, entry)
    if previous:
        # A check brings no files over from the last generation: what is kept is read where it is.
        at_hand = {iri: (folder / entry.dump).exists() for iri, entry in graphs.items()}
        graphs = {
            iri: entry if at_hand[iri] else replace(entry, dump=str((previous.path / entry.dump).absolute()))
            for iri, entry in graphs.items()
        }
    build_store(folder, None, graphs, [])
    return check_pins(contracts, folder / "store", site.uris, prefixes(site.concept_base))


def check_only(site: Site, only: Sequence[str]) -> None:
    """Raise OperationError, with the nearest names, when a name is no dataset or publisher of the site."""
    known = {dataset.key for dataset in site.datasets} | set(site.faults) | set(site.publishers)
    known |= {source.state for source in harvest_sources(site)} | ({FOLDER} if harvest_sources(site) else set())
    for name in only:
        if name.strip("/") not in known:
            near = ", ".join(get_close_matches(name, sorted(known), n=3, cutoff=0.3)) or ", ".join(sorted(known)[:5])
            raise OperationError(
                f"There is no dataset {name} here. Did you mean {near}?",
                f"Här finns ingen datamängd {name}. Menade du {near}?",
            )


def is_named(key: str, only: Sequence[str]) -> bool:
    """Tell whether a dataset is among those named; every one is when none is named."""
    return not only or any(key == name.strip("/") or key.startswith(f"{name.strip('/')}/") for name in only)


def work(making: Making, only: Sequence[str], progress: Progress) -> Iterator[tuple[DatasetState, Findings | None]]:
    """Yield every dataset's state in the next generation, with what was found (None for one not looked at)."""
    each, site = DatasetWork(making), making.site
    known = dict(making.previous.datasets) if making.previous else {}
    described = {dataset.key: dataset for dataset in site.datasets if not is_listed_only(dataset)}
    for key in sorted({*known, *described, *site.faults}):
        if not is_named(key, only):
            if key in known and not making.options.check:
                yield each.keep(key), None
            continue
        progress("convert", key)
        findings = Findings(key)
        if key in site.faults:
            findings.add(site.faults[key].finding)
            yield each.blocked(key), findings
        elif key in described:
            yield each.convert(described[key], findings), findings
        else:
            yield each.remove(key, findings), findings


def harvest(making: Making, only: Sequence[str], progress: Progress) -> Iterator[tuple[DatasetState, Findings | None]]:
    """Yield every harvested catalogue's state in the next generation, with what was found (None: not looked at)."""
    each = Harvests(making)
    yield from each.states([source.state for source in each.sources if is_named(source.state, only)], progress)
